"""Whose record is it? Judged by identifiers alone: never by a name, a birth date or an address.

An identifier is a (system, value) pair that an operator has bound to a patient. What neither shares
an identifier nor contradicts one is unknown, and it is for a person to say. The rule: a resource is
the chosen patient's only if everybody whom it may be about is shown to be that patient
(docs/decisions/0047).
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from enum import Flag, StrEnum, auto
from typing import Final

from pulsekey.ingest.fhir_people import PEOPLE
from pulsekey.ingest.fhir_references import (
    CHARACTERS_MAX,
    SOMEBODY,
    base_for,
    kind_of,
    name_in,
    search_in,
    server_of,
)
from pulsekey.resources.documents import Clinical, Mention, Place

Identifier = tuple[str, str]

TARGETS_MAX: Final = 8
"""Documents that answer to one name; if there are more, nobody can say which is meant."""
NO_SERVER: Final = " "
"""Stands before the names of what has no address of its own: no reference begins so."""

DIRECTORY: Final = frozenset(
    {
        "Endpoint",
        "HealthcareService",
        "Location",
        "Organization",
        "OrganizationAffiliation",
        "Practitioner",
        "PractitionerRole",
    }
)
"""Types that are about no patient, whoever's chart they come with."""


class Match(StrEnum):
    """How identifiers found in a payload stand to those bound to the chosen patient."""

    SAME = "same"
    CONTRADICTS = "contradicts"
    UNKNOWN = "unknown"


class Whose(Flag):
    """What the people whom one resource names come to; several may hold."""

    NOBODYS = 0
    OWN = auto()
    """It names the chosen patient."""
    ANOTHERS = auto()
    """It names somebody whose identifiers contradict those of the chosen patient."""
    UNKNOWN = auto()
    """It names a patient of whom nobody can say whether they are the chosen one."""
    UNCLEAR = auto()
    """It is about a group, about somebody who is no patient, or does not say about whom."""
    BESIDE = auto()
    """It names a relative, or somebody at a place where another person may stand."""


BAD: Final = Whose.ANOTHERS | Whose.UNKNOWN | Whose.UNCLEAR


class Objection(StrEnum):
    """Why a resource is set aside."""

    CONTRADICTION = "contradiction"
    UNBOUND = "unbound"
    UNCLEAR = "unclear"
    BESIDES = "besides"
    SEVERAL = "several"
    NOBODY = "nobody"


def match(found: Iterable[Identifier], bound: Iterable[Identifier]) -> Match:
    """Compare identifiers. A system that differs outweighs one that agrees."""
    theirs, ours = _by_system(found), _by_system(bound)
    shared = theirs.keys() & ours.keys()
    if any(theirs[system].isdisjoint(ours[system]) for system in shared):
        return Match.CONTRADICTS
    return Match.SAME if shared else Match.UNKNOWN


def objections(
    documents: Sequence[Clinical], bound: Iterable[Identifier]
) -> tuple[Objection | None, ...]:
    """Say of every document of one payload why it may not be kept; None if it may.

    `bound` are the identifiers of the chosen patient. Time and memory grow with what the documents
    name, and with nothing else.
    """
    judge = _Judge(documents, tuple(bound))
    whose = [judge.whose(at) for at in range(len(documents))]
    together = Whose.NOBODYS
    for one in whose:
        together |= one
    return tuple(
        _objection(judge, at, one, together, document.resource_type)
        for at, (document, one) in enumerate(zip(documents, whose, strict=True))
    )


def _objection(
    judge: "_Judge", at: int, whose: Whose, together: Whose, kind: str
) -> Objection | None:
    if whose & BAD:
        return _of_others(whose)
    if Whose.OWN in whose:
        return Objection.BESIDES if judge.leads_to_others(at) else None
    # It names nobody, or only relatives: the rest of the payload has to say whose it is.
    if together & BAD:
        return Objection.SEVERAL if Whose.OWN in together else _of_others(together)
    if Whose.OWN in together:
        return None
    return None if kind in DIRECTORY else Objection.NOBODY


def _of_others(whose: Whose) -> Objection:
    if Whose.OWN in whose:
        return Objection.BESIDES
    if Whose.ANOTHERS in whose:
        return Objection.CONTRADICTION
    return Objection.UNBOUND if Whose.UNKNOWN in whose else Objection.UNCLEAR


_Target = tuple[Whose, tuple[int, ...]]
"""Whom a reference leads to, and to which documents."""


@dataclass(slots=True)
class _Judge:
    """One payload's documents by all of their names, and what has been found out about them."""

    documents: Sequence[Clinical]
    bound: tuple[Identifier, ...]
    _by_name: dict[str, list[int]] = field(init=False)
    _by_identifier: dict[Identifier, list[int]] = field(init=False)
    _whose: dict[int, Whose] = field(default_factory=dict)
    _led: dict[tuple[str, str], _Target] = field(default_factory=dict)
    _people: dict[int, Whose] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._by_name, self._by_identifier = {}, {}
        for at, document in enumerate(self.documents):
            for name in _names(document):
                self._by_name.setdefault(name, []).append(at)
            if document.resource_type in PEOPLE:
                for identifier in document.identifiers:
                    self._by_identifier.setdefault(identifier, []).append(at)

    def whose(self, at: int) -> Whose:
        """Return whom the document at `at` names, itself, its contained resources and its links."""
        known = self._whose.get(at)
        if known is None:
            document = self.documents[at]
            known = self._who(at) if document.resource_type in PEOPLE else Whose.NOBODYS
            for mention in _mentions(document):
                known |= self._mentioned(mention, document)
            for link in document.named.links:
                known |= self._led_to(link, document)[0]
            self._whose[at] = known
        return known

    def leads_to_others(self, at: int) -> bool:
        """Whether the document at `at` refers to a document that is, or may be, somebody else's."""
        document = self.documents[at]
        links = [one.reference for one in _mentions(document) if one.place is not Place.BESIDE]
        return any(
            self.whose(target) & BAD
            for link in (*links, *document.named.links)
            if link
            for target in self._led_to(link, document)[1]
            if target != at and self.documents[target].resource_type not in SOMEBODY
        )

    def _mentioned(self, mention: Mention, document: Clinical) -> Whose:
        match mention.place:
            case Place.BESIDE:
                return Whose.BESIDE
            case Place.WITHIN:
                return self._identified(mention.identifiers) or Whose.UNKNOWN
        about = mention.place is Place.ABOUT
        if mention.reference:
            found, targets = self._led_to(mention.reference, document)
            if about:
                found = self._about(mention, found, targets)
            elif mention.kind in PEOPLE and not targets:
                found |= Whose.UNKNOWN
        else:
            found, targets = Whose.NOBODYS, ()
            if mention.kind in PEOPLE:
                found = Whose.UNKNOWN
            elif about and (not mention.kind or mention.kind in SOMEBODY):
                found = Whose.UNCLEAR
        named = mention.kind or kind_of(mention.reference)
        if mention.identifiers and (not named or named in PEOPLE):
            found = self._also_identified(found, targets, mention.identifiers)
        return found

    def _about(self, mention: Mention, found: Whose, targets: tuple[int, ...]) -> Whose:
        """Return whom a resource is about, by the reference that says so."""
        kinds = {self.documents[at].resource_type for at in targets}
        if not kinds:
            kind = mention.kind or kind_of(mention.reference)
            if kind in PEOPLE or not kind:
                return found | (Whose.UNKNOWN if Whose.OWN not in found else Whose.NOBODYS)
            return Whose.UNCLEAR if kind in SOMEBODY else found
        if mention.kind in PEOPLE and kinds - PEOPLE:
            return Whose.UNCLEAR
        if kinds == {"Group"}:
            members = Whose.NOBODYS
            for at in targets:
                members |= self._who(at)
            return Whose.OWN if members is Whose.OWN else members & BAD | Whose.UNCLEAR
        return Whose.UNCLEAR if kinds & (SOMEBODY - PEOPLE) else found

    def _also_identified(
        self, found: Whose, targets: tuple[int, ...], identifiers: tuple[Identifier, ...]
    ) -> Whose:
        """Weigh identifiers beside a reference, or in its stead: they may contradict it."""
        fresh = [
            pair
            for pair in identifiers
            if not targets or set(targets).isdisjoint(self._holders((pair,)))
        ]
        said = self._identified(tuple(fresh))
        if said is Whose.OWN:
            return found if targets else Whose.OWN
        return found | said

    def _identified(self, identifiers: tuple[Identifier, ...]) -> Whose:
        """Return whom identifiers mean: by what is bound, or by who has them in the payload."""
        judged = match(identifiers, self.bound)
        if judged is not Match.UNKNOWN:
            return Whose.OWN if judged is Match.SAME else Whose.ANOTHERS
        holders = self._holders(identifiers)
        return self._agreed(holders) if holders else Whose.NOBODYS

    def _holders(self, identifiers: tuple[Identifier, ...]) -> list[int]:
        """Return the people of the payload who have one of `identifiers`; some, if many do."""
        found: list[int] = []
        for pair in identifiers:
            found += self._by_identifier.get(pair, [])[:TARGETS_MAX]
        return found

    def _led_to(self, reference: str, document: Clinical) -> _Target:
        """Return whom a reference means, and the documents that it may lead to."""
        base = base_for(reference, document.key)
        known = self._led.get((base, reference))
        if known is None:
            known = self._led[base, reference] = self._lead(reference, base)
        return known

    def _lead(self, reference: str, base: str) -> _Target:
        if len(reference) > CHARACTERS_MAX:
            return Whose.UNKNOWN, ()
        kind = kind_of(reference)
        searched = search_in(reference)
        if searched is not None and kind in PEOPLE:
            # Two at once may be two people's.
            return (self._identified(searched) if len(searched) == 1 else None) or Whose.UNKNOWN, ()
        targets = self._targets(name_in(reference), base) if searched is None else ()
        if not targets:
            return _unmet(kind), ()
        if len(targets) > TARGETS_MAX:
            return Whose.UNCLEAR, targets[:1]
        return self._met(kind, targets), targets

    def _met(self, kind: str, targets: tuple[int, ...]) -> Whose:
        """Return who stands at `targets`, to which a reference to a `kind` leads."""
        kinds = {self.documents[at].resource_type for at in targets}
        if kind and kinds != {kind}:
            return Whose.UNCLEAR
        if kinds & PEOPLE:
            return self._agreed(targets) if kinds <= PEOPLE else Whose.UNCLEAR
        return self._relative(targets) if "RelatedPerson" in kinds else Whose.NOBODYS

    def _targets(self, name: str, base: str) -> tuple[int, ...]:
        """Return the documents that answer to a name on a server, or on any where `base` is "".

        What has no address of its own may be meant by everybody. One more than `TARGETS_MAX` are
        returned at most.
        """
        found = self._by_name.get(f"{base}{name}", ())
        if base and not found:
            found = self._by_name.get(f"{NO_SERVER}{name}", ())
        return tuple(found[: TARGETS_MAX + 1])

    def _agreed(self, people: Sequence[int]) -> Whose:
        """Return who people are, if all of them are the same; else nobody knows which is meant."""
        found = {self._who(at) for at in people}
        return found.pop() if len(found) == 1 else Whose.UNKNOWN

    def _who(self, at: int) -> Whose:
        """Return who a Patient, a Person or the members of a Group are, or whose a relative is."""
        known = self._people.get(at)
        if known is None:
            document = self.documents[at]
            match document.resource_type:
                case "Group":
                    known = self._members(document)
                case "RelatedPerson":
                    known = self._patients_of(document)
                case _:
                    known = self._identity(document)
            self._people[at] = known
        return known

    def _identity(self, document: Clinical) -> Whose:
        """Return who a Patient or a Person is: by identifiers, a Person by its Patients as well."""
        judged = match(document.identifiers, self.bound)
        if judged is not Match.UNKNOWN:
            return Whose.OWN if judged is Match.SAME else Whose.ANOTHERS
        if document.resource_type == "Person":
            linked = {self._patient(link, document) for link in document.named.links}
            if linked - {None} == {Whose.OWN}:
                return Whose.OWN
        return Whose.UNKNOWN

    def _members(self, group: Clinical) -> Whose:
        """Return who is in a group: `OWN` alone if that is everybody."""
        found = Whose.UNCLEAR if group.named.mentions else Whose.NOBODYS
        for link in group.named.links:
            found |= self._patient(link, group) or Whose.UNCLEAR
        return found

    def _patients_of(self, relative: Clinical) -> Whose:
        """Return whose relative a RelatedPerson is."""
        found = Whose.NOBODYS
        for mention in _mentions(relative):
            if mention.place is Place.ABOUT:
                known = self._patient(mention.reference, relative) or Whose.UNKNOWN
                targets = self._targets_of(mention.reference, relative)
                found |= self._also_identified(known, targets, mention.identifiers)
        return found

    def _relative(self, targets: tuple[int, ...]) -> Whose:
        """Return whose relatives those at `targets` are; one's own relative is beside oneself."""
        found = Whose.NOBODYS
        for at in targets:
            if self.documents[at].resource_type == "RelatedPerson":
                found |= self._who(at)
        return found & BAD or Whose.BESIDE

    def _patient(self, reference: str, document: Clinical) -> Whose | None:
        """Return who the Patient of the payload is to whom a reference leads; None if to none."""
        targets = self._targets_of(reference, document)
        if len(targets) > TARGETS_MAX:
            return Whose.UNCLEAR
        kinds = {self.documents[at].resource_type for at in targets}
        return self._agreed(targets) if kinds == {"Patient"} else None

    def _targets_of(self, reference: str, document: Clinical) -> tuple[int, ...]:
        return self._targets(name_in(reference), base_for(reference, document.key))


def _names(document: Clinical) -> set[str]:
    """Return the names under which a document is referred to, wherever that is written."""
    names = {document.key}
    if document.resource_id:
        relative, server = (
            f"{document.resource_type}/{document.resource_id}",
            server_of(document.key),
        )
        names |= {relative, f"{server or NO_SERVER}{relative}"}
    return names


def _mentions(document: Clinical) -> tuple[Mention, ...]:
    """Return whom a document mentions; a parser that only gives a subject gives that."""
    if document.named.mentions or not document.subject or document.resource_type in PEOPLE:
        return document.named.mentions
    return (Mention(Place.ABOUT, "", document.subject, document.identifiers),)


def _unmet(kind: str) -> Whose:
    """Return whom a reference means that leads to nothing in the payload."""
    if kind in PEOPLE:
        return Whose.UNKNOWN
    return Whose.BESIDE if kind == "RelatedPerson" else Whose.NOBODYS


def _by_system(identifiers: Iterable[Identifier]) -> dict[str, set[str]]:
    grouped: dict[str, set[str]] = {}
    for system, value in identifiers:
        if system and value:
            grouped.setdefault(system, set()).add(value)
    return grouped
