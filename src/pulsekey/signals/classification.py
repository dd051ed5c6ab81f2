"""Which category an imported clinical resource belongs to: closed tables, versioned.

The one rule: doubt never widens. What carries a sensitive code is sensitive whatever else it
carries and whatever type it has; what carries no code of ours is `unclassified`, which opens only
when it is named; codes and parts that disagree are `unclassified` too. A type that is classified as
a whole (documents, visits, bills) may mention anything in its words, so consent names it as such.

The codes stand in `sensitive_codes` and `ordinary_codes`, each with its display and judged one by
one; ICD-10 is classified by its own blocks (WHO, ICD-10 2019). Sensitive kinds follow HL7's
InformationSensitivityPolicy (SEX, HIV, STD, PSY, ETH); what it also names and we have no category
for (SDV violence, GDIS and SICKLE inherited disease) is unclassified (ADR 0053). Which of a
resource's codes has to be known is said in `pulsekey.resources.matter` (ADR 0049).
"""

import re
from collections.abc import Iterable, Mapping
from typing import Final

from pulsekey.signals.administrative_codes import SUPPORTING, administrative
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
"""Types that say who somebody is. What nobody judged is ordinary in them, what is sensitive not."""

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

_V3: Final = "http://terminology.hl7.org/CodeSystem/v3-"
_LABELS: Final[Mapping[str, Category]] = {
    **dict.fromkeys(("PSY", "PSYTHPN", "MENTPOL"), Category.MENTAL_HEALTH),
    **dict.fromkeys(("ETH", "ETHUD", "OPIOIDUD", "SUD", "SUBPOL"), Category.SUBSTANCE_USE),
    **dict.fromkeys(("HIV", "SEX", "STD"), Category.REPRODUCTIVE_HEALTH),
}
"""HL7 v3 ActCode: what a sender itself labels as sensitive (InformationSensitivityPolicy, US
categories), and insurance for treatment of it. A label that is not here leaves the resource
unclassified, like any code that nobody judged."""

SENSITIVE_CODES: Final[Mapping[tuple[str, str], Category]] = {
    **dict.fromkeys(WITHHELD, Category.UNCLASSIFIED),
    **dict.fromkeys(REPRODUCTIVE_HEALTH, Category.REPRODUCTIVE_HEALTH),
    **dict.fromkeys(SUBSTANCE_USE, Category.SUBSTANCE_USE),
    **dict.fromkeys(MENTAL_HEALTH, Category.MENTAL_HEALTH),
    **{(f"{_V3}ActCode", label): category for label, category in _LABELS.items()},
}

_OBSERVATIONS: Final[Mapping[tuple[str, str], Category]] = {
    pair: category for category, concepts in OBSERVED.items() for pair in concepts
}

_JUDGED: Final = frozenset({*ORDINARY, *NOTES, *SOCIAL_HISTORY, *_OBSERVATIONS, *SUPPORTING})

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
_ICD_10_ORDINARY: Final = (
    *("A00-A49", "A65-A99", "B01-B09", "B15-B19", "B25-B34", "B35-B36", "B65-B83", "B86"),
    *("B90", "B95-B96"),
    *("C00-C44", "C47-C50", "C61", "C64-C96", "D00-D05", "D10-D24", "D31-D36", "D41-D53"),
    *("D59-D65", "D69-D77", "D86"),
    *("E00-E07", "E10-E16", "E20-E27", "E50-E66", "E78", "E86-E87"),
    *("G00-G09", "G20-G26", "G35-G37", "G40-G47", "G50-G59", "G61-G65", "G72", "G80-G83", "G89"),
    *("H", "I", "J", "K", "L", "M", "N00-N39", "N40-N42"),
    *("R00-R07", "R09-R23", "R25-R27", "R29-R36", "R42", "R50-R53", "R55-R60", "R65", "R70-R74"),
    *("R79-R84", "R90-R94"),
    *("S00-S29", "S40-S99", "T15-T18", "T20-T35", "T66-T70", "T75", "T78-T82", "T84-T88"),
    *("U071", "U072"),
)
"""Blocks that are about ordinary disease throughout, less what is named above. What stands in
neither list is unclassified: diseases that follow HIV (B37, B59, C46), poisoning, which may have
been intended, genital injuries, appetite and cognition, births, external causes, circumstances."""
_ICD_10_FORM: Final = re.compile(r"[A-Z][0-9][0-9A-Z]")
_SELF_HARM: Final = ("T36-T65", "T71")
"""ICD-10-CM: poisoning and suffocation, where a sixth character `2` says that it was intended."""

_PUBLIC: Final = (
    *("loinc", "snomed", "sct", "rxnorm", "umls", "icd", "whocc", "cpt", "hcpcs", "hl7", "dicom"),
    *("ama-assn", "cms.gov", "bfarm", "dimdi", "2.16.840.1.113883", "hgvs", "genenames", "obolib"),
    *("phenotype", "orpha", "omim"),
)
"""In the names of code systems that many share, however a sender spells them. One of their codes
that is in no table may say what the codes beside it do not. A code of a sender's own is taken for a
translation of those (R4, CodeableConcept.coding): nobody but the sender knows what it means."""


def categories_of(resource_type: str) -> frozenset[Category]:
    """Return every category that a resource of this type can have; all of them for Observations."""
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
    """Return what the codes of one concept say; a sender's own beside them says the same."""
    found = {
        _ordinary(resource_type, system, code)
        for system, code in codes
        if not _local(system, code) and not administrative(system, code)
    }
    if len(found) != 1:
        return Category.UNCLASSIFIED
    return found.pop() or Category.UNCLASSIFIED


def understood(codes: Pairs) -> bool:
    """Whether one concept says something that we know, and nothing that we would have to know.

    For what stands beside the subject of a resource: a reason, a body site, a result.
    """
    shared = [pair for pair in codes if not _local(*pair)]
    return bool(shared) and all(_known(system, code) for system, code in shared)


def _local(system: str, code: str) -> bool:
    name = system.lower()
    return not any(part in name for part in _PUBLIC) and not administrative(system, code)


def _known(system: str, code: str) -> bool:
    if system in ICD_10_SYSTEMS:
        return _ordinary_icd_10(code)
    return administrative(system, code) or (system, code) in _JUDGED


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
        return ordinary if _ordinary_icd_10(code) else None
    return ordinary if pair in ORDINARY else None


def _ordinary_icd_10(written: str) -> bool:
    code = _plain(written)
    form = _ICD_10_FORM.match(code) is not None
    return form and _of_icd_10(code) is None and _among(code, _ICD_10_ORDINARY)


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
