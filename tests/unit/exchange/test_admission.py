"""A resource is within a consent only as a whole: its category, its codes, its times."""

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pulsekey.exchange.admission import EVER, admitted, told
from pulsekey.exchange.scope import Bounds
from pulsekey.primitives.clock import Micros
from pulsekey.signals.category import Category
from pulsekey.signals.metric import SNOMED
from pulsekey.vault.records import EAST_MICROS, WEST_MICROS, DocumentRecord
from pulsekey.vault.rows import span_of
from tests.fakes.fhir_paths import plain
from tests.fakes.fhir_samples import document

JANUARY, FEBRUARY = "2026-01-01T00:00:00Z", "2026-02-01T00:00:00Z"


def at(date: str) -> Micros:
    span = span_of(date)
    assert span is not None
    return Micros(span[0])


RECEIVED = at("2026-11-22T09:00:00Z")
IN_JANUARY = Bounds(frozenset(Category), at(JANUARY), at(FEBRUARY))
BEFORE = Bounds(frozenset(Category), None, at("2026-11-22T12:00:00Z"))


def record(plain: dict[str, Any], received: Micros = RECEIVED) -> DocumentRecord:
    filed = document("Condition", json.dumps(plain).encode(), category=Category.CONDITIONS)
    return replace(filed, received=received)


def condition(**more: Any) -> dict[str, Any]:
    return plain("Condition") | {"recordedDate": "2026-01-15T10:00:00Z"} | more


def encounter(start: str, end: str) -> dict[str, Any]:
    return plain("Encounter") | {"period": {"start": start, "end": end}}


@pytest.mark.parametrize(
    ("resource", "within"),
    [
        (encounter("2026-01-10T00:00:00Z", "2026-01-12T00:00:00Z"), True),
        (encounter("2026-01-10T00:00:00Z", "2026-06-30T00:00:00Z"), False),
        (encounter("2025-01-10T00:00:00Z", "2026-01-12T00:00:00Z"), False),
        (encounter("2026-01-10T00:00:00Z", "2026-02-01T00:00:00Z"), False),
        (encounter("2026-01-10T00:00:00Z", "2026-01-31T23:59:59Z"), True),
        (encounter("2025-12-31T23:59:59Z", "2026-01-31T23:59:59Z"), False),
        (plain("Encounter") | {"period": {"start": "2026-01-10T00:00:00Z"}}, False),
        (plain("Encounter") | {"period": {"end": "2026-01-10T00:00:00Z"}}, False),
        (condition(), True),
        (condition(onsetDateTime="2019-05-01"), False),
        (condition(abatementDateTime="2026-09-01"), False),
        (condition(recordedDate="2026-08-01", onsetDateTime="2026-01-15"), False),
        (condition(recordedDate="2026-01-01"), False),
        (condition(recordedDate="2026-01"), False),
        (condition(recordedDate="2026-01-31"), False),
        (condition(recordedDate="2026-01-02"), True),
        (plain("AllergyIntolerance") | {"recordedDate": None}, False),
    ],
)
def test_a_resource_is_within_a_period_only_with_all_of_its_times(
    resource: dict[str, Any], within: bool
) -> None:
    assert admitted(IN_JANUARY, record(resource)) is within


@pytest.mark.parametrize(
    ("resource", "received", "within"),
    [
        (condition(), "2026-12-02T00:00:00Z", True),
        (condition(recordedDate="2026-12-02", onsetDateTime="2019-05-01"), "2026-12-02", False),
        ({**condition(onsetDateTime="2019"), "recordedDate": None}, "2026-11-01", True),
        ({**condition(onsetDateTime="2019"), "recordedDate": None}, "2026-12-02", False),
        (plain("Coverage"), "2026-11-01", True),
        (plain("Coverage"), "2026-12-02", False),
        # What is planned when it is received was known then.
        (
            plain("Coverage") | {"period": {"start": "2026-01-01", "end": "2027"}},
            "2026-11-01",
            True,
        ),
        (
            plain("Coverage") | {"period": {"start": "2026-01-01", "end": "2027"}},
            "2026-12-02",
            False,
        ),
        (plain("Coverage") | {"period": {"start": "2026-01-01"}}, "2026-11-01", True),
        (plain("Coverage") | {"period": {"start": "2026-01-01"}}, "2026-12-02", False),
        (plain("Coverage") | {"period": {"start": "2026-12-01"}}, "2026-11-01", False),
        (condition(recordedDate="2026-12-02"), "2026-11-01", False),
        (condition(recordedDate="yesterday"), "2026-11-01", True),
        (condition(recordedDate="2026-13-45"), "2026-12-02", False),
    ],
)
def test_what_says_no_time_or_no_end_counts_by_when_it_was_received(
    resource: dict[str, Any], received: str, within: bool
) -> None:
    assert admitted(BEFORE, record(resource, at(received))) is within


def test_what_was_filed_under_a_category_by_older_tables_is_judged_by_todays() -> None:
    sensitive = condition(code={"coding": [{"system": SNOMED, "code": "86406008"}]})
    filed = record(sensitive)
    assert not admitted(Bounds(frozenset({filed.category})), filed)
    assert admitted(Bounds(frozenset(Category)), filed)


@pytest.mark.parametrize(
    "carrying",
    [
        {"bodySite": [{"coding": [{"system": "urn:x", "code": "7"}]}]},
        {"evidence": [{"code": [{"coding": [{"system": "urn:x", "code": "7"}]}]}]},
        {"extension": [{"url": "u", "valueCoding": {"system": "urn:x", "code": "7"}}]},
        {
            "contained": [
                {"resourceType": "Flag", "code": {"coding": [{"system": "urn:x", "code": "7"}]}}
            ]
        },
        {
            "stage": [
                {"summary": {"coding": [{"system": "urn:y", "code": str(n)} for n in range(1_000)]}}
            ]
        },
    ],
)
def test_an_excluded_code_anywhere_excludes_the_resource(carrying: dict[str, Any]) -> None:
    without = Bounds(frozenset(Category), exclusions=frozenset({"urn:x|7"}))
    resource = condition(**carrying)
    assert admitted(Bounds(frozenset(Category)), record(resource))
    assert not admitted(without, record(resource))
    assert admitted(without, record(condition()))


@pytest.mark.parametrize("content", [b"", b"[]", b"{", b"7"])
def test_what_cannot_be_judged_is_not_within(content: bytes) -> None:
    assert not admitted(Bounds(frozenset(Category)), document("Condition", content))


DATES = st.builds(
    "{:04}-{:02}-{:02}{}".format,
    st.integers(1990, 2030),
    st.integers(1, 12),
    st.integers(1, 28),
    st.sampled_from(["", "T10:00:00Z", "T23:59:59+14:00", "T00:00:00-12:00"]),
)
PLACES = st.sampled_from(["onsetDateTime", "abatementDateTime", "recordedDate"])


@given(st.dictionaries(PLACES, DATES, min_size=1), DATES, DATES, DATES)
def test_no_time_that_is_told_lies_outside_of_bounds_that_hold_the_resource(
    times: dict[str, str], received: str, begin: str, end: str
) -> None:
    first, last = sorted([at(begin), at(end)])
    bounds = Bounds(frozenset(Category), first, last)
    resource = {**plain("Condition"), "recordedDate": None, **times}
    if admitted(bounds, record(resource, at(received))):
        assert "recordedDate" in times
        for date in times.values():
            span = span_of(date)
            assert span is not None
            early, late = (EAST_MICROS, WEST_MICROS) if span[2] else (0, 0)
            assert first <= span[0] - early
            assert span[1] + late < last or at(received) < last


def test_what_tells_no_time_reaches_back_for_ever() -> None:
    assert told({"resourceType": "Coverage"}, RECEIVED) == (-EVER, RECEIVED)
