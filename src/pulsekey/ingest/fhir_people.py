"""Everybody whom a FHIR resource names, wherever in it, inside contained resources too.

The rule: whatever looks like a reference is one. No table of elements decides what is looked at,
because extensions and elements that R4 does not define can name a person as well; tables only say
at which places a person means something else than at any other.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from pulsekey.ingest.json_text import Json
from pulsekey.resources.documents import Mention, Named, Place

MENTIONS_MAX: Final = 2_000
"""Of one resource: a place that says whom it is about is there once or a few times."""
PATH_CHARACTERS: Final = 64
"""The longest path that means something has half of it."""

PEOPLE: Final = frozenset({"Patient", "Person"})
"""Types whose resources say who somebody is."""

ABOUT: Final = frozenset({"subject", "patient", "beneficiary", "candidate", "individual", "for"})
"""Elements directly below a resource that say whom it is about (R4, patient compartment)."""

BESIDE: Final = frozenset(
    {
        "Account.guarantor.party",
        "Claim.payee.party",
        "Coverage.payor",
        "Coverage.policyHolder",
        "Coverage.subscriber",
        "Encounter.partOf",
        "ExplanationOfBenefit.payee.party",
        "Invoice.recipient",
        "Patient.link.other",
    }
)
"""Places where an ordinary chart names another person: a parent who pays, a former record number,
the mother's stay that a newborn's is part of. Nothing there says anything about that person."""

RELATIVES: Final = frozenset(
    {
        "http://hl7.org/fhir/StructureDefinition/familymemberhistory-patient-record",
        "http://hl7.org/fhir/StructureDefinition/family-member-history-genetics-parent",
    }
)
"""Extensions of a FamilyMemberHistory that name the relative's own record."""
RELATIVE: Final = ".extension.relative"
ELSEWHERE: Final = ".?"


@dataclass(slots=True)
class _Found:
    """What one walk finds, each once, in the order of the text."""

    references: dict[str, None] = field(default_factory=dict)
    links: dict[str, None] = field(default_factory=dict)
    mentions: dict[Mention, None] = field(default_factory=dict)


def people_of(resource: dict[str, Json]) -> tuple[tuple[str, ...], Named, bool]:
    """Return every reference as written, whom the resource names, and whether that is all.

    It is not where there are more than `MENTIONS_MAX`: then nobody can say whose it is.
    """
    kind = resource.get("resourceType")
    inside = _inside(resource)
    found = _Found()
    _oddly_about(resource, found)
    # What is waiting: a value, the type of the innermost resource, and the path from there on.
    waiting: list[tuple[Json, str, str]] = [(resource, kind if isinstance(kind, str) else "", "")]
    while waiting:
        value, kind, path = waiting.pop()
        if isinstance(value, list):
            waiting.extend((one, kind, path) for one in reversed(value))
            continue
        if not isinstance(value, dict):
            continue
        if path:
            own = value.get("resourceType")
            if isinstance(own, str):
                kind, path = own, ""
                _carry(value, own, found)
            else:
                _name(value, _place(kind, path), inside, found)
        for name in reversed(value):
            member = value[name]
            if isinstance(member, dict | list):
                waiting.append((member, kind, _below(path, name, value)))
        if len(found.mentions) > MENTIONS_MAX:
            return tuple(found.references), Named(), False
    return tuple(found.references), Named(tuple(found.mentions), tuple(found.links)), True


def _below(path: str, name: str, value: dict[str, Json]) -> str:
    if name == "valueReference" and str(value.get("url")) in RELATIVES:
        return RELATIVE
    # No place that means something is as deep as this, and paths must not grow with the input.
    return f"{path}.{name}" if len(path) + len(name) <= PATH_CHARACTERS else ELSEWHERE


def _place(kind: str, path: str) -> Place:
    if path[1:] in ABOUT or path.endswith(".sourcePatientInfo"):
        return Place.ABOUT
    relative = path == RELATIVE and kind == "FamilyMemberHistory"
    return Place.BESIDE if relative or f"{kind}{path}" in BESIDE else Place.ELSEWHERE


def _name(value: dict[str, Json], place: Place, inside: Mapping[str, str], found: _Found) -> None:
    """Keep what an object refers to, if it is a reference."""
    reference, said = value.get("reference"), value.get("type")
    identifier = value.get("identifier")
    identifiers = identifiers_in(identifier) if isinstance(identifier, dict) else ()
    kind = said.rpartition("/")[2] if isinstance(said, str) else ""
    if isinstance(reference, str):
        found.references[reference] = None
        if reference.startswith("#"):
            # A person inside is judged as such, whoever refers to them.
            kind, reference = inside.get(reference[1:], ""), ""
            if kind in PEOPLE and not identifiers:
                return
        elif place is Place.ELSEWHERE and not identifiers and kind not in PEOPLE:
            found.links[reference] = None
            return
    else:
        reference = ""
    somebody = place is Place.ABOUT or (kind in PEOPLE and "display" in value)
    if reference or identifiers or somebody:
        found.mentions[Mention(place, kind, reference, identifiers)] = None


def _carry(resource: dict[str, Json], kind: str, found: _Found) -> None:
    _oddly_about(resource, found)
    if kind in PEOPLE:
        who = identifiers_in(resource.get("identifier"))
        found.mentions[Mention(Place.WITHIN, kind, "", who)] = None


def _oddly_about(resource: dict[str, Json], found: _Found) -> None:
    """Keep that a resource says whom it is about by something that is no reference at all."""
    for name in ABOUT & resource.keys():
        member = resource[name]
        members = member if isinstance(member, list) else [member]
        if not all(isinstance(one, dict) for one in members):
            found.mentions[Mention(Place.ABOUT)] = None


def identifiers_in(given: Json) -> tuple[tuple[str, str], ...]:
    """Return the (system, value) pairs of one Identifier or of a list of them."""
    return tuple(
        (system, value)
        for each in (given if isinstance(given, list) else [given])
        if isinstance(each, dict)
        and isinstance(system := each.get("system"), str)
        and isinstance(value := each.get("value"), str)
    )


def _inside(resource: dict[str, Json]) -> dict[str, str]:
    """Return the types of the contained resources, by their ids."""
    contained = resource.get("contained")
    return {
        own_id: kind
        for each in (contained if isinstance(contained, list) else [contained])
        if isinstance(each, dict)
        and isinstance(own_id := each.get("id"), str)
        and isinstance(kind := each.get("resourceType"), str)
    }
