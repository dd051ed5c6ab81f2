"""Doubt never widens: what is sensitive stays so, what is not mapped is unclassified."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pulsekey.signals.catalogue import METRICS
from pulsekey.signals.category import Category
from pulsekey.signals.classification import (
    CODED_TYPES,
    SENSITIVE,
    SENSITIVE_CODES,
    WHOLE_TYPES,
    classify,
)
from pulsekey.signals.metric import LOINC, SNOMED

ICD = "http://hl7.org/fhir/sid/icd-10-cm"


@pytest.mark.parametrize(
    ("resource_type", "system", "code", "category"),
    [
        ("Observation", LOINC, "8867-4", Category.HEART_RATE),
        ("Observation", LOINC, "2339-0", Category.GLUCOSE),
        ("Observation", LOINC, "718-7", Category.LABORATORY),
        ("Observation", LOINC, "72166-2", Category.SUBSTANCE_USE),
        ("Observation", LOINC, "72106-8", Category.MENTAL_HEALTH),
        ("Observation", LOINC, "69453-9", Category.UNCLASSIFIED),
        ("Condition", SNOMED, "59621000", Category.CONDITIONS),
        ("Condition", SNOMED, "72892002", Category.REPRODUCTIVE_HEALTH),
        ("Condition", SNOMED, "26929004", Category.MENTAL_HEALTH),
        ("Condition", SNOMED, "1", Category.UNCLASSIFIED),
        ("Condition", ICD, "I10", Category.CONDITIONS),
        ("Condition", ICD, "F32.9", Category.MENTAL_HEALTH),
        ("Condition", ICD, "F10.20", Category.SUBSTANCE_USE),
        ("Condition", ICD, "B20", Category.REPRODUCTIVE_HEALTH),
        ("Procedure", SNOMED, "73761001", Category.PROCEDURES),
        ("Procedure", SNOMED, "171207006", Category.MENTAL_HEALTH),
        ("Patient", "", "", Category.DEMOGRAPHICS),
        ("Provenance", "", "", Category.UNCLASSIFIED),
        ("DiagnosticReport", LOINC, "34117-2", Category.UNCLASSIFIED),
    ],
)
def test_a_code_has_one_category(
    resource_type: str, system: str, code: str, category: Category
) -> None:
    assert classify(resource_type, [(system, code)]) is category


def test_a_panel_with_its_components_is_one_category() -> None:
    codes = [(LOINC, code) for code in ("85354-9", "8480-6", "8462-4")]
    assert classify("Observation", codes) is Category.BLOOD_PRESSURE


def test_codes_that_disagree_are_unclassified() -> None:
    codes = [(LOINC, "8867-4"), (LOINC, "718-7")]
    assert classify("Observation", codes) is Category.UNCLASSIFIED


def test_the_same_number_in_another_system_says_nothing() -> None:
    assert classify("Observation", [("urn:other", "8867-4")]) is Category.UNCLASSIFIED


@given(
    st.sampled_from(sorted(set(CODED_TYPES))),
    st.sampled_from(sorted(SENSITIVE_CODES)),
    st.lists(st.sampled_from([(LOINC, "8867-4"), (SNOMED, "59621000"), ("x", "y"), (ICD, "I10")])),
    st.integers(0, 4),
)
def test_a_sensitive_code_wins_in_any_company(
    resource_type: str, sensitive: tuple[str, str], others: list[tuple[str, str]], place: int
) -> None:
    codes = [*others[:place], sensitive, *others[place:]]
    assert classify(resource_type, codes) in SENSITIVE


def test_a_metric_and_its_loinc_codes_need_the_same_consent() -> None:
    for metric in METRICS.values():
        for code in metric.codes:
            if code.system == LOINC:
                assert classify("Observation", [(LOINC, code.code)]) is metric.category


@given(st.text(), st.lists(st.tuples(st.text(), st.text())))
def test_anything_has_a_category(resource_type: str, codes: list[tuple[str, str]]) -> None:
    if resource_type not in {*WHOLE_TYPES, *CODED_TYPES}:
        assert classify(resource_type, codes) is Category.UNCLASSIFIED
