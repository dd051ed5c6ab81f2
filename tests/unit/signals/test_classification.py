"""Doubt never widens: what is sensitive stays so, what is not mapped is unclassified."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pulsekey.signals.administrative_codes import SUPPORTING, administrative
from pulsekey.signals.catalogue import METRICS
from pulsekey.signals.category import Category
from pulsekey.signals.classification import (
    CODED_TYPES,
    SENSITIVE,
    SENSITIVE_CODES,
    WHOLE_TYPES,
    categories_of,
    classify,
    understood,
)
from pulsekey.signals.metric import LOINC, SNOMED
from pulsekey.signals.ordinary_codes import NOTES, OBSERVED, ORDINARY, SOCIAL_HISTORY
from pulsekey.signals.sensitive_codes import RXNORM, WITHHELD, table

ICD = "http://hl7.org/fhir/sid/icd-10-cm"
OPENING = {*SENSITIVE, Category.UNCLASSIFIED}
"""What may not be read under an ordinary category."""


@pytest.mark.parametrize(
    ("resource_type", "system", "code", "category"),
    [
        ("Observation", LOINC, "8867-4", Category.HEART_RATE),
        ("Observation", LOINC, "2339-0", Category.GLUCOSE),
        ("Observation", LOINC, "718-7", Category.LABORATORY),
        ("Observation", LOINC, "72166-2", Category.SUBSTANCE_USE),
        ("Observation", LOINC, "72106-8", Category.MENTAL_HEALTH),
        ("Observation", LOINC, "69453-9", Category.UNCLASSIFIED),
        ("Observation", LOINC, "72514-3", Category.CONDITIONS),
        ("Observation", LOINC, "71802-3", Category.SOCIAL_HISTORY),
        ("Condition", SNOMED, "59621000", Category.CONDITIONS),
        ("Condition", SNOMED, "72892002", Category.REPRODUCTIVE_HEALTH),
        ("Condition", SNOMED, "26929004", Category.MENTAL_HEALTH),
        ("Condition", SNOMED, "1", Category.UNCLASSIFIED),
        ("Condition", ICD, "I10", Category.CONDITIONS),
        ("Condition", ICD, "F32.9", Category.MENTAL_HEALTH),
        ("Condition", ICD, "F10.20", Category.SUBSTANCE_USE),
        ("Condition", ICD, "B20", Category.REPRODUCTIVE_HEALTH),
        ("Condition", SNOMED, "160903007", Category.SOCIAL_HISTORY),
        ("Condition", SNOMED, "706893006", Category.UNCLASSIFIED),
        ("Procedure", SNOMED, "73761001", Category.PROCEDURES),
        ("Procedure", SNOMED, "171207006", Category.MENTAL_HEALTH),
        ("Patient", "", "", Category.DEMOGRAPHICS),
        ("Provenance", "", "", Category.UNCLASSIFIED),
        ("DiagnosticReport", LOINC, "58410-2", Category.REPORTS),
        ("DiagnosticReport", LOINC, "34117-2", Category.DOCUMENTS),
        ("MedicationRequest", RXNORM, "835603", Category.MEDICATION),
        ("MedicationRequest", RXNORM, "351266", Category.SUBSTANCE_USE),
        ("MedicationRequest", RXNORM, "476556", Category.REPRODUCTIVE_HEALTH),
    ],
)
def test_a_code_has_one_category(
    resource_type: str, system: str, code: str, category: Category
) -> None:
    assert classify(resource_type, [(system, code)]) is category


@pytest.mark.parametrize(
    "code",
    ["237602007", "84757009", "186431008", "68566005", "74400008", "88805009", "278919001"],
)
def test_an_ordinary_diagnosis_that_was_once_filed_as_sensitive_is_a_condition(code: str) -> None:
    assert classify("Condition", [(SNOMED, code)]) is Category.CONDITIONS


@pytest.mark.parametrize(
    ("code", "category"),
    [
        ("I10", Category.CONDITIONS),
        ("u07.1", Category.CONDITIONS),
        ("N39.0", Category.CONDITIONS),
        ("E11.9", Category.CONDITIONS),
        ("K70.3", Category.SUBSTANCE_USE),
        ("T40.1X1A", Category.SUBSTANCE_USE),
        ("T39.1X2A", Category.MENTAL_HEALTH),
        ("T39.1X1A", Category.UNCLASSIFIED),
        ("F32.1G", Category.MENTAL_HEALTH),
        ("Z3A.20", Category.REPRODUCTIVE_HEALTH),
        ("O80", Category.REPRODUCTIVE_HEALTH),
        ("R75", Category.REPRODUCTIVE_HEALTH),
        ("Z20.822", Category.UNCLASSIFIED),
        ("Z71.3", Category.UNCLASSIFIED),
        ("Z15.01", Category.UNCLASSIFIED),
        ("Q90.9", Category.UNCLASSIFIED),
        ("D57.1", Category.UNCLASSIFIED),
        ("E84.0", Category.UNCLASSIFIED),
        ("T74.11XA", Category.UNCLASSIFIED),
        ("Y07.01", Category.UNCLASSIFIED),
        ("Z65.1", Category.UNCLASSIFIED),
        ("", Category.UNCLASSIFIED),
        ("I", Category.UNCLASSIFIED),
        ("999", Category.UNCLASSIFIED),
    ],
)
def test_icd_10_is_classified_by_its_blocks(code: str, category: Category) -> None:
    assert classify("Condition", [(ICD, code)]) is category


@pytest.mark.parametrize(
    ("system", "code"),
    [
        # Not in any table: they must not become ordinary because nobody thought of them.
        (LOINC, "21636-6"),
        (SNOMED, "371064002"),
        (SNOMED, "62014003"),
        (RXNORM, "1791701"),
        (SNOMED, "90823000"),
    ],
)
@pytest.mark.parametrize("resource_type", sorted(CODED_TYPES))
def test_what_nobody_judged_is_unclassified(resource_type: str, system: str, code: str) -> None:
    assert classify(resource_type, [(system, code)]) is Category.UNCLASSIFIED


def test_a_panel_with_its_components_is_one_category() -> None:
    panel = [(LOINC, "85354-9")]
    parts = [[(LOINC, "8480-6")], [(LOINC, "8462-4")]]
    assert classify("Observation", panel, parts) is Category.BLOOD_PRESSURE


@pytest.mark.parametrize(
    ("part", "category"),
    [
        ([(LOINC, "718-7")], Category.UNCLASSIFIED),
        ([(LOINC, "12345-6")], Category.UNCLASSIFIED),
        ([], Category.UNCLASSIFIED),
        ([(LOINC, "5640-8")], Category.SUBSTANCE_USE),
        ([("urn:local", "1"), (LOINC, "8462-4")], Category.BLOOD_PRESSURE),
    ],
)
def test_a_panel_opens_no_part_that_its_own_category_would_not(
    part: list[tuple[str, str]], category: Category
) -> None:
    assert classify("Observation", [(LOINC, "85354-9")], [part]) is category


def test_parts_that_are_known_do_not_open_a_whole_that_is_not() -> None:
    parts = [[(LOINC, "8480-6")]]
    assert classify("Observation", [("urn:local", "study")], parts) is Category.UNCLASSIFIED


@pytest.mark.parametrize("resource_type", sorted({*WHOLE_TYPES, *CODED_TYPES}))
def test_a_sensitive_code_is_sensitive_in_a_resource_of_any_type(resource_type: str) -> None:
    got = {pair: classify(resource_type, [pair]) for pair in SENSITIVE_CODES}
    assert got == SENSITIVE_CODES
    assert set(SENSITIVE_CODES.values()) <= categories_of(resource_type)


def test_no_code_is_both_sensitive_and_ordinary() -> None:
    observed = {pair for concepts in OBSERVED.values() for pair in concepts}
    ordinary = observed | {*ORDINARY, *SOCIAL_HISTORY, *NOTES, *SUPPORTING}
    assert not SENSITIVE_CODES.keys() & ordinary
    assert not [pair for pair in SENSITIVE_CODES if administrative(*pair)]


def test_an_observation_has_one_category() -> None:
    seen = [pair for concepts in OBSERVED.values() for pair in concepts]
    assert len(seen) == len(set(seen))


def test_what_is_withheld_opens_under_no_ordinary_category() -> None:
    for pair in WITHHELD:
        for resource_type in {*WHOLE_TYPES, *CODED_TYPES}:
            assert classify(resource_type, [pair, (LOINC, "8867-4")]) is Category.UNCLASSIFIED


@given(
    st.sampled_from(sorted({*WHOLE_TYPES, *CODED_TYPES})),
    st.lists(st.sampled_from([*sorted(ORDINARY)[:40], *sorted(SENSITIVE_CODES), (ICD, "I10")])),
)
def test_a_resource_has_a_category_that_its_type_can_have(
    resource_type: str, codes: list[tuple[str, str]]
) -> None:
    category = classify(resource_type, codes)
    assert category in categories_of(resource_type)
    if any(pair in SENSITIVE_CODES for pair in codes):
        assert category in OPENING


def test_a_table_of_codes_has_no_code_twice_and_none_without_a_display() -> None:
    assert table("s", "\n1 One\n 2 Two words\n") == {("s", "1"): "One", ("s", "2"): "Two words"}
    for text in ("1 One\n1 Again", "1", "1 "):
        with pytest.raises(ValueError, match="a code that repeats or has no display"):
            table("s", text)


@pytest.mark.parametrize(
    ("codes", "category"),
    [
        ([(LOINC, "718-7"), ("urn:oid:1.2.840.114350.1", "HGB")], Category.LABORATORY),
        ([(LOINC, "718-7"), (LOINC, "21636-6")], Category.UNCLASSIFIED),
        ([(LOINC, "718-7"), (LOINC, "29893-5")], Category.UNCLASSIFIED),
        ([(LOINC, "718-7"), ("https://LOINC.org/", "29893-5")], Category.UNCLASSIFIED),
        ([(LOINC, "718-7"), ("urn:oid:2.16.840.1.113883.6.96", "86406008")], Category.UNCLASSIFIED),
        ([("urn:local", "HGB")], Category.UNCLASSIFIED),
    ],
)
def test_only_a_code_of_the_sender_s_own_may_stand_unknown_beside_one_that_is_known(
    codes: list[tuple[str, str]], category: Category
) -> None:
    assert classify("Observation", codes) is category


@pytest.mark.parametrize(
    "code",
    [
        *("R75", "B97.35", "B97.7", "Z91.5", "Z86.5", "K70.3", "G31.2", "Z81.1", "T43.2", "Z04.4"),
        *("Z87.891", "Y87.0", "Z71.7", "Z70.2", "F64.0", "T71.112A", "T14.91", "T42.4X1", "B59"),
        *("C46.9", "A60.0", "R63.0", "D57.1", "Q90", "N97.0", "T83.3", "S38.2", "U07.0", "P07"),
    ],
)
def test_icd_10_is_ordinary_only_in_blocks_that_surely_are(code: str) -> None:
    assert classify("Condition", [(ICD, code)]) in OPENING
    assert not understood([(ICD, code)])


@pytest.mark.parametrize("code", ["I10", "E11.9", "C50.9", "J45.909", "M54.5", "S52.501A", "U07.1"])
def test_what_a_practice_codes_most_is_an_ordinary_condition(code: str) -> None:
    assert classify("Condition", [(ICD, code)]) is Category.CONDITIONS


def test_codes_that_disagree_are_unclassified() -> None:
    codes = [(LOINC, "8867-4"), (LOINC, "718-7")]
    assert classify("Observation", codes) is Category.UNCLASSIFIED


def test_the_same_number_in_another_system_says_nothing() -> None:
    assert classify("Observation", [("urn:other", "8867-4")]) is Category.UNCLASSIFIED


@given(
    st.sampled_from(sorted({*WHOLE_TYPES, *CODED_TYPES})),
    st.sampled_from(sorted(SENSITIVE_CODES)),
    st.lists(st.sampled_from([(LOINC, "8867-4"), (SNOMED, "59621000"), ("x", "y"), (ICD, "I10")])),
    st.integers(0, 4),
)
def test_a_sensitive_code_wins_in_any_company(
    resource_type: str, sensitive: tuple[str, str], others: list[tuple[str, str]], place: int
) -> None:
    codes = [*others[:place], sensitive, *others[place:]]
    assert classify(resource_type, codes) in OPENING


def test_a_metric_and_its_loinc_codes_need_the_same_consent() -> None:
    for metric in METRICS.values():
        for code in metric.codes:
            if code.system == LOINC:
                assert classify("Observation", [(LOINC, code.code)]) is metric.category


@given(st.text(), st.lists(st.tuples(st.text(), st.text())))
def test_anything_has_a_category(resource_type: str, codes: list[tuple[str, str]]) -> None:
    if resource_type not in {*WHOLE_TYPES, *CODED_TYPES}:
        assert classify(resource_type, codes) is Category.UNCLASSIFIED
