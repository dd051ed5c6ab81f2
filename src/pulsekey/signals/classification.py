"""Which category an imported clinical resource belongs to: a closed table, versioned.

The one rule: doubt never widens. What carries a sensitive code is sensitive whatever else it
carries; what carries no code of ours is `unclassified`, which opens only when it is named; codes
that disagree are `unclassified` too. A type that is classified as a whole (documents, visits,
bills) may mention anything, so consent names it as such. The file is long because it is a table.

Ordinary codes were taken from Synthea's charts and from FHIR R4's vital signs profiles and judged
one by one. Sensitive kinds follow HL7's InformationSensitivityPolicy (SEX, PSY, ETH).
"""

from collections.abc import Iterable, Mapping
from typing import Final

from pulsekey.signals.catalogue import METRICS
from pulsekey.signals.category import Category
from pulsekey.signals.metric import LOINC, SNOMED

RXNORM: Final = "http://www.nlm.nih.gov/research/umls/rxnorm"
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
"""Types that are what their name says, whatever their codes are."""

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


def categories_of(resource_type: str) -> frozenset[Category]:
    """Return every category that a resource of this type can have; all of them for Observations."""
    if resource_type in WHOLE_TYPES:
        return frozenset({WHOLE_TYPES[resource_type]})
    ordinary = CODED_TYPES.get(resource_type)
    if resource_type in CODED_TYPES and ordinary is None:
        return frozenset(Category)
    own = frozenset() if ordinary is None else frozenset({ordinary})
    return own | {*SENSITIVE, Category.UNCLASSIFIED}


def classify(resource_type: str, codes: Iterable[tuple[str, str]]) -> Category:
    """Return the one category of a resource by its type and its (system, code) pairs."""
    if resource_type in WHOLE_TYPES:
        return WHOLE_TYPES[resource_type]
    if resource_type not in CODED_TYPES:
        return Category.UNCLASSIFIED
    ordinary = CODED_TYPES[resource_type]
    found = {_of_code(system, code, ordinary) for system, code in codes} - {None}
    for category in SENSITIVE:
        if category in found:
            return category
    if len(found) != 1:
        return Category.UNCLASSIFIED
    return found.pop() or Category.UNCLASSIFIED


def _of_code(system: str, code: str, ordinary: Category | None) -> Category | None:
    """Return what one code says, None where it says nothing."""
    if (system, code) in SENSITIVE_CODES:
        return SENSITIVE_CODES[system, code]
    if system in ICD_10_SYSTEMS:
        return _of_icd_10(code) or ordinary
    if ordinary is not None:
        return ordinary if code in _ORDINARY.get(system, ()) else None
    return _OBSERVATIONS.get(code) if system == LOINC else None


def _of_icd_10(code: str) -> Category | None:
    """Return the sensitive category of an ICD-10 code by its chapter and block (WHO, 2019)."""
    block = code[:3].upper()
    if "F10" <= block <= "F19" or block in {"Z71", "Z72", "T40", "T51"}:
        return Category.SUBSTANCE_USE
    if block.startswith("F") or "X60" <= block <= "X84" or block in {"G30", "R45"}:
        return Category.MENTAL_HEALTH
    if (
        "A50" <= block <= "A64"
        or "B20" <= block <= "B24"
        or block.startswith("O")
        or "N70" <= block <= "N98"
        or "Z30" <= block <= "Z39"
        or block in {"Z21", "Z11", "Z20", "T74", "Y05"}
    ):
        return Category.REPRODUCTIVE_HEALTH
    return None


def _codes(text: str) -> frozenset[str]:
    return frozenset(text.split())


def _table(system: str, category: Category, codes: str) -> dict[tuple[str, str], Category]:
    return {(system, code): category for code in _codes(codes)}


SENSITIVE_CODES: Final[Mapping[tuple[str, str], Category]] = {
    # Depression, anxiety, bipolar disorder, psychosis, post-traumatic stress, attention deficit,
    # suicidal ideation and attempts, dementia and Alzheimer's disease, and the screening for them.
    **_table(
        SNOMED,
        Category.MENTAL_HEALTH,
        """35489007 370143000 36923009 48694002 197480006 21897009 13746004 58214004 69322001
        47505003 406506008 192127007 6471006 225457007 82313006 26929004 52448006 386257007
        171207006 454711000124102 715252007 710841007 762993000 5602001 231504006 80583007
        88848003 278919001 228557008 17436001""",
    ),
    **_table(
        LOINC,
        Category.MENTAL_HEALTH,
        """72106-8 44249-1 44261-6 55758-7 69737-5 70274-6 89204-2 71354-5 73831-0 73832-8
        48544-1 44255-8 44250-9""",
    ),
    # Donepezil and memantine (dementia), sertraline, fluoxetine, methylphenidate, lithium.
    **_table(
        RXNORM,
        Category.MENTAL_HEALTH,
        "1100184 997223 997221 996740 997224 310385 310384 312938 312940 312941 1091150 311355",
    ),
    # Alcohol and drug disorders, overdose, smoking; their screening, tests and treatments.
    **_table(
        SNOMED,
        Category.SUBSTANCE_USE,
        """7200002 15167005 55680006 5602001 6525002 66590003 26416006 191816009 191820008
        449868002 8517006 77176002 428041000124106 266919005 56294008 110483000 231477003
        266707007 428211000124100 763302001 386449006 56876005 182969009 713107002 713127001
        713137004""",
    ),
    **_table(
        LOINC,
        Category.SUBSTANCE_USE,
        """72166-2 11367-0 63773-6 65750-2 5640-8 5643-2 3397-7 3426-4 3879-4 19659-2 72109-2
        75626-2 75624-7 82667-7 82666-9 68518-0 68519-8 68520-6""",
    ),
    **_table(RXNORM, Category.SUBSTANCE_USE, "351266 351267 351264 835603 637190 1010600 1801289"),
    # Pregnancy, its loss and its prevention, sexually transmitted infections, HIV.
    **_table(
        SNOMED,
        Category.REPRODUCTIVE_HEALTH,
        """72892002 19169002 79586000 156073000 35999006 85116003 398254007 609496007 47200007
        134435003 169230002 169553002 252160004 301807007 65200003 46706006 14963000
        86406008 165816005 62479008 240589008 15628003 76272004 186431008 88805009 237602007
        129103003 68566005 5251000175109 31208007 66348005 77386006 305340004 74400008
        84757009 169516003 287664005 176795006 22523008""",
    ),
    **_table(
        LOINC,
        Category.REPRODUCTIVE_HEALTH,
        """2106-3 2118-8 19080-1 21198-7 8665-2 11996-6 11640-0 11778-8 82810-3 56888-1 7918-6
        7917-8 25835-0 20447-9 21613-5 43304-5 21415-5 24111-7 36902-5 22461-8 20507-0
        76691-5 76690-7""",
    ),
    # Contraceptives: depot, implant, intrauterine systems and pills.
    **_table(
        RXNORM,
        Category.REPRODUCTIVE_HEALTH,
        """1000126 389221 1856546 807283 748856 748879 748962 749762 749785 749882 751905
        757594 831533 978950""",
    ),
}

_ORDINARY: Final[Mapping[str, frozenset[str]]] = {
    SNOMED: _codes(
        # Conditions
        """10509002 13645005 15777000 16114001 22298006 25064002 33737001 36955009 36971009
        38341003 39848009 40055000 43724002 43878008 44054006 44465007 48333001 49436004
        49727002 53741008 55822004 56018004 57676002 58150001 59621000 62106007 64859006
        65363002 65710008 67782005 68235000 68496003 68962001 69896004 75498004 76571007
        84114007 84229001 90560007 91302008 95417003 162864005 185086009 195662009 195967001
        197927001 203082005 230690007 233604007 239720000 239873007 248595008 249497008
        263102004 267036007 267060006 267102003 271737000 271825005 275272006 278860009
        283371005 284551006 307731004 367498001 370247008 386661006 389087006 408512008
        414545008 422587007 444448004 444814009 706870000 713197008 770349000 840539006
        840544004 1121000119107"""
        # Procedures
        """ 5880005 14768001 15081005 18286008 19490002 23426006 26763009 60027007 73761001
        74016001 76164006 76601001 104435004 112798008 117015009 127783003 162676008
        168594001 180325003 229064008 261352009 269911007 274031008 274474001 288086009
        305351004 305428000 312681000 371908008 395142003 399208008 415300000 430193006
        430701006 431182000 449214001 699253003"""
        # Care plans
        """ 47387005 53950000 91251008 225358003 276239002 384758001 385691007 408869004 412776001
        443402002 698360004 718361005 736285004 736376001"""
    ),
    RXNORM: _codes("""
        106258 197378 197604 198014 198405 198440 209387 242969 243670 308136 308182 309097
        310325 310798 310965 313782 313820 314076 314231 483438 562251 665078 834061 834102
        849574 854235 854252 855332 856987 861467 896209 897718 904419 979092 1043400
        1049630 1659131 1659149 1736776 1803932 1807510 1807513 1870230 2103182 2123111"""),
    LOINC: _codes("""
        600-7 11524-6 18748-4 24317-0 24320-4 24321-2 24323-8 24331-1 24336-0 24356-8
        24362-6 34528-0 51990-0 55231-5 57023-4 57698-3 58410-2 75689-0 80381-7 89577-1
        92143-7 94531-1"""),
}
"""Codes that we know to be ordinary for a type of `CODED_TYPES`."""

_LABORATORY: Final = """
        6690-2 789-8 718-7 787-2 785-6 786-4 777-3 4544-3 21000-5 32207-3 32623-1 2093-3
        2571-8 18262-6 2085-9 6299-2 38483-4 49765-1 2947-0 6298-4 2069-3 20565-8 33914-3
        2885-2 1751-7 1975-2 6768-6 1742-6 1920-8 94531-1 788-0 770-8 736-9 5905-5 713-8
        706-2 751-8 731-0 742-7 711-2 704-7 3094-0 2160-0 17861-6 2951-2 2823-3 2075-0
        2028-9 2744-1 2019-8 2703-7 1960-4 48065-7 2276-4 89579-7 14804-9 2532-0 2157-6
        1988-5 5902-2 6301-6 33959-8 80382-5 80383-3 92142-9 92141-1 92131-2 92140-3 92139-5
        92138-7 92130-4 92134-6 94040-3 10834-0 59032-3 20570-8 88262-1 57905-2 6206-7
        6273-7 6082-2 6246-3 6276-0 6106-9 6248-9 7258-7 6189-5 6085-5 6833-8 6095-4 6075-6
        6844-5 6158-0 14959-1 9318-7 1742-6 2498-4 2500-7 2502-3 3016-3 3024-7 13457-7
        2089-1 14647-2 30522-7 62238-1 48642-3 48643-1 98979-8 3084-1 1989-3 2132-9 2284-8
        5792-7 5811-5 5803-2"""
_OBSERVATIONS: Final[Mapping[str, Category]] = {
    **dict.fromkeys(_codes(_LABORATORY), Category.LABORATORY),
    # What consent calls glucose is glucose wherever it was measured, its long-term mean included.
    **dict.fromkeys(
        _codes("""2339-0 2345-7 2340-8 41653-7 14743-9 15074-8 14749-6 14771-0 1558-6 1518-0 4548-4
        17856-6 59261-8 97507-8 105273-7 99504-3 105272-9"""),
        Category.GLUCOSE,
    ),
    **dict.fromkeys(
        _codes("85354-9 8480-6 8462-4 8478-0 35094-2 8459-0 8453-3"), Category.BLOOD_PRESSURE
    ),
    **dict.fromkeys(_codes("8867-4 40443-4 8893-0 8889-8 80404-7"), Category.HEART_RATE),
    **dict.fromkeys(_codes("2708-6 59408-5 2713-6 3151-8 3150-0 19994-3"), Category.OXYGEN),
    **dict.fromkeys(_codes("9279-1 19926-5 19868-9 20150-9"), Category.RESPIRATION),
    **dict.fromkeys(_codes("8310-5 8331-1 8328-7 8333-7"), Category.TEMPERATURE),
    **dict.fromkeys(
        _codes("""29463-7 3141-9 8302-2 8306-3 39156-5 59576-9 77606-2 9843-4 8287-5 8289-1 41982-0
        8280-0 38265-5"""),
        Category.BODY,
    ),
    **dict.fromkeys(_codes("11524-6 8601-7 8636-3 8625-6 8634-8"), Category.ECG),
    **dict.fromkeys(_codes("55423-8 41950-7 41981-2 64098-7 55411-3"), Category.ACTIVITY),
    **dict.fromkeys(_codes("93832-4 93831-6 93830-8 93829-0"), Category.SLEEP),
    "9052-2": Category.NUTRITION,
}

_DISAGREEING = [
    metric.name
    for metric in METRICS.values()
    for code in metric.codes
    if code.system == LOINC and _OBSERVATIONS.get(code.code) is not metric.category
]
if _DISAGREEING:
    raise ValueError(f"a metric and a clinical code would need two consents: {_DISAGREEING}")
