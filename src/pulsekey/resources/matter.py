"""What a resource is about: its category, from every code that it carries.

The one rule: whoever may read a resource reads all of it, so all of it has to be known. A sensitive
code anywhere outweighs everything; a concept that nobody judged, or that is said in words alone,
leaves the resource unclassified, unless it stands where the resource's type says what it is (ADR
0049). Words beside known codes are not judged; `fhir.words` says which are left out.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

from pulsekey.signals.category import Category
from pulsekey.signals.classification import (
    CODED_TYPES,
    PERSONS,
    WHOLE_TYPES,
    classify,
    marked,
    understood,
)

Json: TypeAlias = Any
CODINGS_MAX: Final = 1_000
"""A resource with more codes than this is unclassified: nobody has looked at the rest."""

ABOUT: Final[Mapping[str, tuple[str, ...]]] = {
    "MedicationRequest": ("medicationCodeableConcept",),
    "MedicationAdministration": ("medicationCodeableConcept",),
    "MedicationDispense": ("medicationCodeableConcept",),
    "MedicationStatement": ("medicationCodeableConcept",),
    "Immunization": ("vaccineCode",),
    "CarePlan": ("category",),
    "Encounter": ("type",),
    "DocumentReference": ("type",),
    "Observation": ("code", "component.code"),
}
"""Elements that say what a resource is about, where they are not `code`."""

_OWN: Final[Mapping[str, frozenset[str]]] = {
    "AllergyIntolerance": frozenset(
        {"code", "reaction.substance", "reaction.manifestation", "reaction.exposureRoute"}
    ),
    "Coverage": frozenset({"type", "relationship"}),
    "ImagingStudy": frozenset({"modality", "series.modality", "series.bodySite"}),
    "Immunization": frozenset({"vaccineCode", "site", "route"}),
}
"""Where any code and any words are what the type says: an allergy is to anything. Sensitive codes
count here as everywhere."""

_STATED: Final = frozenset({"class", "clinicalStatus", "verificationStatus"})
"""Elements bound to a few codes of HL7's, which senders write without their system."""

_WORDED: Final = (
    *("value", "interpretation", "dataAbsentReason", "bodySite", "method", "note", "dosage"),
    *("additionalInstruction", "timing", "route", "site", "asNeeded", "form"),
)
"""Beginnings of elements that may be in words: they tell more of what the codes are about.

Whatever stands below them may, too: how often a dose is taken."""

_PARTIES: Final = frozenset(
    {
        *("actor", "asserter", "assigner", "attester", "authenticator", "author", "beneficiary"),
        *("collector", "coverage", "custodian", "destination", "dispenser", "enterer", "facility"),
        *("generalPractitioner", "individual", "informationSource", "insurer", "interpreter"),
        *("location", "managingOrganization", "manufacturer", "member", "onBehalfOf", "operator"),
        *("organization", "owner", "participant", "patient", "payor", "performer"),
        *("policyHolder", "prescriber", "provider", "receiver", "recipient", "recorder"),
        *("referrer", "requester", "resultsInterpreter", "sender", "serviceProvider", "source"),
        *("subject", "subscriber", "supplier", "who"),
    }
)
"""Elements that name who, where or who pays: a name may stand there without more."""

_UNJUDGED: Final = ("meta.tag", "meta.profile")
CARRIERS: Final = frozenset(
    {*PERSONS, "Endpoint", "Location", "Organization", "Practitioner", "PractitionerRole"}
)
"""Types that say who and where: a resource may contain them whatever it is about."""


@dataclass(frozen=True, slots=True)
class Concept:
    """A CodeableConcept or a Coding: where it stands, its codes, whether it has words only."""

    path: str
    codes: tuple[tuple[str, str], ...]

    @property
    def name(self) -> str:
        return self.path.rpartition(".")[2]


def category_of(resource: Mapping[str, Json]) -> Category:
    """Return the one category of a resource of R4 in its JSON form."""
    carried = tuple(codings(resource))
    heavier = marked(carried)
    if heavier is not None:
        return heavier
    kind = str(resource.get("resourceType"))
    if len(carried) >= CODINGS_MAX:
        return Category.UNCLASSIFIED
    category = _by_subject(kind, resource)
    if category is Category.UNCLASSIFIED:
        return category
    if kind not in PERSONS and not all(_fits(kind, one) for one in concepts(resource)):
        return Category.UNCLASSIFIED
    inner = resource.get("contained")
    contained = [one for one in listed(inner) if isinstance(one, dict)]
    return category if all(_held(one, category) for one in contained) else Category.UNCLASSIFIED


def _by_subject(kind: str, resource: Mapping[str, Json]) -> Category:
    if kind != "Observation":
        return classify(kind, codes_at(resource, ABOUT.get(kind, ("code",))))
    parts = [codes_at(one, ("code",)) for one in listed(resource.get("component"))]
    return classify(kind, codes_at(resource, ("code",)), parts)


def _held(contained: Mapping[str, Json], category: Category) -> bool:
    """Whether a contained resource tells no more than the one that it is in."""
    kind = contained.get("resourceType")
    if kind in CARRIERS:
        return all(not one.codes or understood(one.codes) for one in concepts(contained))
    if kind in WHOLE_TYPES or kind in CODED_TYPES:
        return category_of(contained) is category
    return not any(True for _ in concepts(contained))


def _fits(kind: str, concept: Concept) -> bool:
    about = kind in CODED_TYPES and concept.path in ABOUT.get(kind, ("code",))
    if about or concept.path in _OWN.get(kind, ()) or concept.path.startswith(_UNJUDGED):
        return True  # The subject was judged as a whole.
    if not concept.codes:
        worded = any(name.startswith(_WORDED) for name in concept.path.split("."))
        return worded or concept.name in _PARTIES
    stated = concept.name in _STATED and all(not system for system, _ in concept.codes)
    return stated or understood(concept.codes)


def codes_at(resource: Json, places: tuple[str, ...]) -> tuple[tuple[str, str], ...]:
    """Return every (system, code) below some elements ("component.code"), each once."""
    found: dict[tuple[str, str], None] = {}
    for place in places:
        holders: list[Json] = [resource]
        for name in place.split("."):
            holders = [
                inner
                for holder in holders
                if isinstance(holder, dict)
                for inner in listed(holder.get(name))
            ]
        for concept in holders:
            found.update(dict.fromkeys(codings(concept)))
    return tuple(found)


def codings(root: Json) -> Iterator[tuple[str, str]]:
    """Yield every (system, code) below `root`, at most `CODINGS_MAX`."""
    left = CODINGS_MAX
    waiting: list[Json] = [root]
    while waiting:
        value = waiting.pop()
        if isinstance(value, list):
            waiting.extend(reversed(value))
        elif isinstance(value, dict):
            pair = _pair(value)
            if pair is not None:
                yield pair
                left -= 1
                if not left:
                    return
            waiting.extend(reversed(list(value.values())))


def concepts(resource: Mapping[str, Json]) -> Iterator[Concept]:
    """Yield every concept of a resource, those of contained resources left out.

    A reference that is a display only counts as one in words. Quantities are not concepts: their
    codes are units.
    """
    waiting: list[tuple[str, Json]] = [
        (name, value) for name, value in resource.items() if name != "contained"
    ]
    while waiting:
        path, value = waiting.pop()
        if isinstance(value, list):
            waiting.extend((path, one) for one in value)
        elif isinstance(value, dict):
            if "coding" in value:
                pairs = [_pair(one) for one in listed(value["coding"]) if isinstance(one, dict)]
                yield Concept(path, tuple(pair for pair in pairs if pair is not None))
            elif (pair := _pair(value)) is not None:
                if "value" not in value:
                    yield Concept(path, (pair,))
            elif _worded(value):
                yield Concept(path, ())
            waiting.extend(
                (f"{path}.{name}", inner) for name, inner in value.items() if name != "coding"
            )


def _worded(value: Mapping[str, Json]) -> bool:
    """Whether a concept, or what stands in a reference's place, is said in words alone."""
    if isinstance(value.get("display"), str):
        return "reference" not in value
    return isinstance(value.get("text"), str) and value.keys() <= {"text", "id", "extension"}


def _pair(value: Mapping[str, Json]) -> tuple[str, str] | None:
    system, code = value.get("system"), value.get("code")
    if isinstance(code, str) and (system is None or isinstance(system, str)):
        return system or "", code
    return None


def listed(value: Json) -> list[Json]:
    """Return the values of an element that may repeat."""
    if value is None:
        return []
    return value if isinstance(value, list) else [value]
