"""Which category an imported clinical resource belongs to: closed tables, versioned.

The one rule: doubt never widens. What carries a sensitive code is sensitive whatever else it
carries and whatever type it has; what carries no code of ours is `unclassified`, which opens only
when it is named; codes and parts that disagree are `unclassified` too. A type that is classified as
a whole (documents, visits, bills) may mention anything in its words, so consent names it as such.

The codes stand in `sensitive_codes` and `ordinary_codes`, each with its display and judged one by
one; ICD-10 is classified by its own blocks (WHO, ICD-10 2019). Sensitive kinds follow HL7's
InformationSensitivityPolicy (SEX, HIV, STD, PSY, ETH); what it also names and we have no category
for (SDV violence, GDIS and SICKLE inherited disease) is unclassified (ADR 0053).
"""

import re
from collections.abc import Iterable, Mapping
from typing import Final

from pulsekey.signals.catalogue import METRICS
from pulsekey.signals.category import Category
from pulsekey.signals.metric import LOINC
from pulsekey.signals.ordinary_codes import NOTES, OBSERVED, ORDINARY, SOCIAL_HISTORY
from pulsekey.signals.sensitive_codes import (
    MENTAL_HEALTH,
    REPRODUCTIVE_HEALTH,
    SUBSTANCE_USE,
    WITHHELD,
)

Pairs = Iterable[tuple[str, str]]
"""Codes as (system, code)."""

ICD_10_SYSTEMS: Final = (
    "http://hl7.org/fhir/sid/icd-10",
    "http://hl7.org/fhir/sid/icd-10-cm",
    "http://fhir.de/CodeSystem/bfarm/icd-10-gm",
)

SENSITIVE: Final = (
    Category.MENTAL_HEALTH,
    Category.SUBSTANCE_USE,
    Category.REPRODUCTIVE_HEALTH,
)
"""A resource with codes of several kinds takes the first of these that occurs."""

PERSONS: Final = frozenset({"Patient", "RelatedPerson"})
"""Types that say who somebody is. They have no subject matter for a code to make sensitive."""

WHOLE_TYPES: Final[Mapping[str, Category]] = {
    "AllergyIntolerance": Category.ALLERGIES,
    "CareTeam": Category.CARE_PLANS,
    "Claim": Category.INSURANCE,
    "ClaimResponse": Category.INSURANCE,
    "Coverage": Category.INSURANCE,
    "Device": Category.DEVICES,
    "DeviceUseStatement": Category.DEVICES,
    "DocumentReference": Category.DOCUMENTS,
    "Encounter": Category.ENCOUNTERS,
    "ExplanationOfBenefit": Category.INSURANCE,
    "ImagingStudy": Category.IMAGING,
    "Immunization": Category.IMMUNISATIONS,
    "Patient": Category.DEMOGRAPHICS,
    "RelatedPerson": Category.DEMOGRAPHICS,
    "SupplyDelivery": Category.DEVICES,
}
"""Types that are what their name says, unless one of their codes is sensitive."""

CODED_TYPES: Final[Mapping[str, Category | None]] = {
    "CarePlan": Category.CARE_PLANS,
    "Condition": Category.CONDITIONS,
    "DiagnosticReport": Category.REPORTS,
    "Medication": Category.MEDICATION,
    "MedicationAdministration": Category.MEDICATION,
    "MedicationRequest": Category.MEDICATION,
    "MedicationStatement": Category.MEDICATION,
    "Observation": None,
    "Procedure": Category.PROCEDURES,
}
"""Types whose code decides. The category is what a code that we know to be ordinary leads to; an
Observation has none of its own, because its code names the category."""

_ALSO: Final[Mapping[str, Category]] = {
    "Condition": Category.SOCIAL_HISTORY,
    "DiagnosticReport": Category.DOCUMENTS,
}
"""The one more category that the codes of a type can lead to."""

SENSITIVE_CODES: Final[Mapping[tuple[str, str], Category]] = {
    **dict.fromkeys(WITHHELD, Category.UNCLASSIFIED),
    **dict.fromkeys(REPRODUCTIVE_HEALTH, Category.REPRODUCTIVE_HEALTH),
    **dict.fromkeys(SUBSTANCE_USE, Category.SUBSTANCE_USE),
    **dict.fromkeys(MENTAL_HEALTH, Category.MENTAL_HEALTH),
}

_OBSERVATIONS: Final[Mapping[tuple[str, str], Category]] = {
    pair: category for category, concepts in OBSERVED.items() for pair in concepts
}

_ICD_10: Final[Mapping[Category, tuple[str, ...]]] = {
    # In this order. `A50-A64` are whole blocks of three characters, `R75` every code below it.
    Category.SUBSTANCE_USE: (
        *("F10-F19", "E244", "G312", "G621", "G721", "I426", "K292", "K70", "K852", "K860"),
        *("O354", "P043", "P044", "P961", "Q860", "R78", "T40", "T51", "X42", "X45", "Y12", "Y15"),
        *("Y90", "Y91", "Z502", "Z503", "Z714", "Z715", "Z716", "Z720", "Z721", "Z722"),
        *("Z811", "Z812", "Z813", "Z814", "Z864", "Z87891"),
    ),
    Category.MENTAL_HEALTH: (
        *("F00-F99", "G30-G31", "R44-R46", "T1491", "T43", "X60-X84", "Y870"),
        *("Z004", "Z046", "Z133", "Z81", "Z865", "Z915"),
    ),
    Category.REPRODUCTIVE_HEALTH: (
        *("A50-A64", "B20-B24", "B973", "E28-E29", "N46", "N48", "N52-N53", "N70-N98", "O"),
        *("R75", "R86-R87", "Z113", "Z114", "Z202", "Z206", "Z21", "Z224", "Z30-Z39", "Z3A"),
        *("Z640", "Z717", "Z725", "Z793", "Z830", "Z875", "Z920", "Z975"),
    ),
    # Inherited disease, violence, prison: sensitive, and without a category of their own.
    Category.UNCLASSIFIED: (
        *("D55-D58", "D66-D68", "E70-E77", "E84", "G10-G12", "G60", "G71", "Q", "T74", "T76"),
        *("X85-Y09", "Z044", "Z045", "Z14-Z15", "Z61-Z65", "Z69"),
    ),
}
_ICD_10_ORDINARY: Final = ("A00-N99", "R00-T98", "U07")
"""Chapters about disease. External causes, births and circumstances (P, V to Z) say too much else:
what is not named above stays unclassified."""
_ICD_10_FORM: Final = re.compile(r"[A-Z][0-9][0-9A-Z]")
_SELF_HARM: Final = ("T36-T65",)
"""ICD-10-CM: poisoning, of which a sixth character `2` says that it was intended."""


def categories_of(resource_type: str) -> frozenset[Category]:
    """Return every category that a resource of this type can have; all of them for Observations."""
    if resource_type in PERSONS:
        return frozenset({WHOLE_TYPES[resource_type]})
    if resource_type in CODED_TYPES and CODED_TYPES[resource_type] is None:
        return frozenset(Category)
    tables: tuple[Mapping[str, Category | None], ...] = (WHOLE_TYPES, CODED_TYPES, _ALSO)
    own = (one.get(resource_type) for one in tables)
    return frozenset({*SENSITIVE, Category.UNCLASSIFIED, *(one for one in own if one is not None)})


def marked(codes: Pairs) -> Category | None:
    """Return the category that sensitive codes give to whatever carries them, None without any."""
    found = {_sensitive(system, code) for system, code in codes}
    return next((one for one in (*SENSITIVE, Category.UNCLASSIFIED) if one in found), None)


def classify(resource_type: str, codes: Pairs, parts: Iterable[Pairs] = ()) -> Category:
    """Return the one category of a resource by its type and the codes that say what it is about.

    `parts` are the codes of each component: one of another category, or of none that we know,
    leaves the whole unclassified, because whoever may read the whole reads every part.
    """
    if resource_type in PERSONS:
        return WHOLE_TYPES[resource_type]
    about, each = tuple(codes), [tuple(part) for part in parts]
    if resource_type not in WHOLE_TYPES and resource_type not in CODED_TYPES:
        return Category.UNCLASSIFIED
    heavier = marked([*about, *(pair for part in each for pair in part)])
    if heavier is not None:
        return heavier
    if resource_type in WHOLE_TYPES:
        return WHOLE_TYPES[resource_type]
    found = {_agreed(resource_type, concept) for concept in (about, *each)}
    return found.pop() if len(found) == 1 else Category.UNCLASSIFIED


def _agreed(resource_type: str, codes: tuple[tuple[str, str], ...]) -> Category:
    """Return what the codes of one concept say; one that we do not know says nothing."""
    found = {_ordinary(resource_type, system, code) for system, code in codes} - {None}
    if len(found) != 1:
        return Category.UNCLASSIFIED
    return found.pop() or Category.UNCLASSIFIED


def _sensitive(system: str, code: str) -> Category | None:
    if system in ICD_10_SYSTEMS:
        return _of_icd_10(code)
    return SENSITIVE_CODES.get((system, code))


def _ordinary(resource_type: str, system: str, code: str) -> Category | None:
    """Return what a code that is not sensitive says in a resource of this type."""
    pair, ordinary = (system, code), CODED_TYPES[resource_type]
    if pair in NOTES and resource_type == "DiagnosticReport":
        return Category.DOCUMENTS
    if pair in SOCIAL_HISTORY and resource_type in {"Condition", "Observation"}:
        return Category.SOCIAL_HISTORY
    if ordinary is None:
        return _OBSERVATIONS.get(pair)
    if system in ICD_10_SYSTEMS:
        known = _ICD_10_FORM.match(_plain(code)) and _among(_plain(code), _ICD_10_ORDINARY)
        return ordinary if known else None
    return ordinary if pair in ORDINARY else None


def _of_icd_10(written: str) -> Category | None:
    """Return the sensitive category of an ICD-10 code, UNCLASSIFIED for one without a category."""
    code = _plain(written)
    if code[5:6] == "2" and _among(code, _SELF_HARM):
        return Category.MENTAL_HEALTH
    return next((one for one, blocks in _ICD_10.items() if _among(code, blocks)), None)


def _plain(code: str) -> str:
    return code.strip().upper().replace(".", "")


def _among(code: str, blocks: tuple[str, ...]) -> bool:
    for block in blocks:
        first, _, last = block.partition("-")
        if (first <= code[:3] <= last) if last else code.startswith(first):
            return True
    return False


_DISAGREEING = [
    metric.name
    for metric in METRICS.values()
    for code in metric.codes
    if code.system == LOINC and _OBSERVATIONS.get((LOINC, code.code)) is not metric.category
]
if _DISAGREEING:
    raise ValueError(f"a metric and a clinical code would need two consents: {_DISAGREEING}")
