"""Samples as Observations: every digit, time, grade and absence, and both paths alike."""

import json
from dataclasses import replace
from decimal import Decimal
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pulsekey.fhir import render, systems
from pulsekey.fhir.fragments import decimal_texts
from pulsekey.fhir.waveforms import waveform
from pulsekey.resources import codec
from pulsekey.signals.activity import activity
from pulsekey.signals.catalogue import BLOOD_PRESSURE, HEART_RATE, METRICS, WORKOUT
from pulsekey.signals.electrocardiography import ECG, LEADS
from pulsekey.signals.grade import Grade, Reason
from pulsekey.signals.metric import Shape
from pulsekey.signals.series import OFFSET_UNKNOWN, Absence, Basis, Comparator, Grades
from pulsekey.vault.records import Samples
from tests.fakes.fhir_samples import (
    MINUTE,
    NEW_YEAR,
    PATIENT,
    SERIES,
    block,
    changed,
    numbers,
    samples,
    times,
)

IN_ROWS = [metric for metric in METRICS.values() if metric.shape is not Shape.WAVEFORM]


def read(content: bytes) -> Any:
    """Return an Observation as JSON with exact numbers, having judged it."""
    codec.read(content)
    return json.loads(content, parse_float=Decimal)


def heart_rate(**columns: list[int]) -> Samples:
    return samples(HEART_RATE, times([NEW_YEAR]), changed(numbers([61]), **columns))


def test_a_point_says_what_was_measured() -> None:
    observation = read(render.observations(heart_rate())[0])
    assert observation["id"] == f"{SERIES}-0"
    assert observation["status"] == "final"
    assert observation["meta"] == {
        "versionId": "1",
        "lastUpdated": "2026-01-01T00:00:00.000000Z",
    }
    assert observation["subject"] == {"reference": f"Patient/{PATIENT}"}
    assert observation["effectiveDateTime"] == "2026-01-01T01:00:00+01:00"
    assert observation["valueQuantity"] == {
        "value": 61,
        "unit": "beats/minute",
        "system": "http://unitsofmeasure.org",
        "code": "/min",
    }
    assert observation["code"]["coding"][0] == {
        "system": "http://loinc.org",
        "code": "8867-4",
        "display": "Heart rate",
    }
    categories = [one["coding"][0]["code"] for one in observation["category"]]
    assert categories == ["vital-signs", "heart-rate"]
    # The source cannot be fetched: it is named, not referred to.
    assert "reference" not in observation["device"]
    assert observation["device"]["identifier"]["value"] == "watch-1"
    assert '"Watch" 100%' in observation["device"]["display"]


@given(
    st.lists(st.tuples(st.integers(-(2**62), 2**62), st.integers(-3, 12)), min_size=1, max_size=8)
)
def test_a_number_has_the_digits_of_mantissa_and_scale(pairs: list[tuple[int, int]]) -> None:
    mantissas = np.array([mantissa for mantissa, _ in pairs], np.int64)
    scales = np.array([scale for _, scale in pairs], np.int8)
    texts = decimal_texts(mantissas, scales)
    for text, (mantissa, scale) in zip(texts, pairs, strict=True):
        number: Decimal = json.loads(text, parse_float=Decimal, parse_int=Decimal)
        assert number == Decimal(mantissa).scaleb(-scale)
        assert number.as_tuple().exponent == -scale
        assert json.loads(text) is not None


def test_trailing_zeros_are_kept() -> None:
    at = times([NEW_YEAR, NEW_YEAR, NEW_YEAR, NEW_YEAR])
    rendered = render.observations(samples(HEART_RATE, at, numbers([610, -5, 0, 7], [1, 2, 3, 0])))
    assert b'"value":61.0,' in rendered[0]
    assert b'"value":-0.05,' in rendered[1]
    assert b'"value":0.000,' in rendered[2]
    assert b'"value":7,' in rendered[3]


@pytest.mark.parametrize(
    ("start", "offset", "basis", "text"),
    [
        (NEW_YEAR, 0, Basis.RECORDED, "2026-01-01T00:00:00+00:00"),
        (NEW_YEAR, -330, Basis.DECLARED, "2025-12-31T18:30:00-05:30"),
        (NEW_YEAR + 1_000, 845, Basis.RECORDED, "2026-01-01T14:05:00.001+14:05"),
        (NEW_YEAR + 1, 60, Basis.EXPORT, "2026-01-01T00:00:00.000001Z"),
        (NEW_YEAR, OFFSET_UNKNOWN, Basis.DECLARED, "2026-01-01T00:00:00Z"),
        (-1, 0, Basis.EXPORT, "1969-12-31T23:59:59.999999Z"),
    ],
)
def test_a_time_is_as_precise_and_as_local_as_it_is_known(
    start: int, offset: int, basis: Basis, text: str
) -> None:
    at = times([start], offset=offset, basis=basis)
    content = render.observations(samples(HEART_RATE, at, numbers([61])))[0]
    assert json.loads(content)["effectiveDateTime"] == text


def test_a_time_without_a_zone_is_a_date_that_carries_its_wall_clock() -> None:
    at = times([NEW_YEAR + MINUTE], basis=Basis.FLOATING)
    observation = read(render.observations(samples(HEART_RATE, at, numbers([61])))[0])
    assert observation["effectiveDateTime"] == "2026-01-01"
    extension = observation["_effectiveDateTime"]["extension"]
    assert extension == [{"url": systems.LOCAL_TIME, "valueString": "2026-01-01T00:01:00"}]


def test_an_interval_is_a_period() -> None:
    steps = METRICS["steps"]
    assert steps.shape is Shape.INTERVAL
    at = times([NEW_YEAR], lasting=MINUTE, offset=0)
    observation = read(render.observations(samples(steps, at, numbers([12])))[0])
    assert observation["effectivePeriod"] == {
        "start": "2026-01-01T00:00:00+00:00",
        "end": "2026-01-01T00:01:00+00:00",
    }
    at = times([NEW_YEAR], lasting=MINUTE, basis=Basis.FLOATING)
    observation = read(render.observations(samples(steps, at, numbers([12])))[0])
    assert observation["effectivePeriod"]["end"] == "2026-01-01"
    assert "extension" in observation["effectivePeriod"]["_end"]


@pytest.mark.parametrize(
    ("comparator", "sign"),
    [
        (Comparator.LESS, "<"),
        (Comparator.LESS_OR_EQUAL, "<="),
        (Comparator.GREATER_OR_EQUAL, ">="),
        (Comparator.GREATER, ">"),
    ],
)
def test_low_and_high_are_comparators(comparator: Comparator, sign: str) -> None:
    observation = read(render.observations(heart_rate(comparator=[comparator]))[0])
    assert observation["valueQuantity"]["comparator"] == sign


@pytest.mark.parametrize(
    ("absence", "code"), [(Absence.SENSOR, "unknown"), (Absence.NOT_MEASURED, "not-performed")]
)
def test_an_absent_value_has_a_reason_and_no_value(absence: Absence, code: str) -> None:
    observation = read(render.observations(heart_rate(absent=[absence]))[0])
    assert "valueQuantity" not in observation
    assert observation["dataAbsentReason"]["coding"][0]["code"] == code


def test_the_original_unit_stays_beside_a_converted_value() -> None:
    values = changed(numbers([981], 1), unit=[1], given_mantissa=[545], given_scale=[1])
    opened = samples(HEART_RATE, times([NEW_YEAR]), values, units=("mmol/L",))
    quantity = read(render.observations(opened)[0])["valueQuantity"]
    assert quantity["value"] == Decimal("98.1")
    assert quantity["extension"] == [
        {
            "url": systems.GIVEN_VALUE,
            "valueQuantity": {"value": Decimal("54.5"), "unit": "mmol/L"},
        }
    ]


def graded(grade: Grade) -> Any:
    reasons = int(Reason.IMPLAUSIBLE | Reason.CLOCK_JUMP)
    opened = samples(HEART_RATE, times([NEW_YEAR]), numbers([300]), grades=[(grade, reasons)])
    return read(render.observations(opened)[0])


def test_a_questionable_value_stays_and_is_interpreted() -> None:
    observation = graded(Grade.QUESTIONABLE)
    assert observation["status"] == "final"
    assert observation["valueQuantity"]["value"] == 300
    codes = [one["code"] for one in observation["interpretation"][0]["coding"]]
    assert codes == ["questionable", "implausible", "clock-jump"]


def test_an_unusable_value_is_only_in_the_extension() -> None:
    observation = graded(Grade.UNUSABLE)
    assert observation["status"] == "final"
    assert "valueQuantity" not in observation
    assert observation["dataAbsentReason"]["coding"][0]["code"] == "error"
    (extension,) = observation["extension"]
    assert extension["url"] == systems.RAW_VALUE
    assert extension["valueQuantity"]["value"] == 300


def test_a_panel_has_components_and_no_value_of_its_own() -> None:
    opened = samples(
        BLOOD_PRESSURE,
        times([NEW_YEAR, NEW_YEAR]),
        numbers([120, 121]),
        changed(numbers([80, 0]), absent=[0, 1]),
    )
    whole, half = map(read, render.observations(opened))
    assert [one["valueQuantity"]["value"] for one in whole["component"]] == [120, 80]
    assert not any(name.startswith("value") for name in whole)
    assert half["component"][1]["dataAbsentReason"]["coding"][0]["code"] == "unknown"


def test_an_unusable_panel_keeps_its_raw_values_in_its_components() -> None:
    opened = samples(
        BLOOD_PRESSURE, times([NEW_YEAR]), numbers([60]), numbers([90]), grades=[(2, 1 << 11)]
    )
    observation = read(render.observations(opened)[0])
    for component, raw in zip(observation["component"], (60, 90), strict=True):
        assert component["extension"][0]["valueQuantity"]["value"] == raw
        assert component["dataAbsentReason"]["coding"][0]["code"] == "error"


def test_a_session_names_its_activity_and_omits_what_was_not_measured() -> None:
    absent = [Absence.NOT_MEASURED]
    components = [
        changed(numbers([7]), absent=absent if index else [0])
        for index in range(len(WORKOUT.components))
    ]
    at = times([NEW_YEAR], lasting=MINUTE)
    opened = samples(WORKOUT, at, *components, labels=(activity("running"),))
    observation = read(render.observations(opened)[0])
    assert observation["valueCodeableConcept"]["coding"][0]["code"] == "running"
    assert len(observation["component"]) == 1


@pytest.mark.parametrize("metric", IN_ROWS, ids=lambda metric: metric.name)
def test_every_metric_renders_to_a_valid_observation(metric: Any) -> None:
    labels = (activity("yoga"),) * 3 if metric.shape is Shape.SESSION else None
    components = [numbers([0, 0, 0]) for _ in metric.components]
    at = times([NEW_YEAR] * 3, lasting=0)
    grades = [(0, 0), (1, 2), (2, 3)]
    for content in render.observations(
        samples(metric, at, *components, labels=labels, grades=grades)
    ):
        read(content)


@given(st.permutations(range(6)), st.integers(0, 6))
def test_rows_come_in_the_order_asked_for(order: list[int], count: int) -> None:
    opened = samples(
        HEART_RATE,
        times([NEW_YEAR + index * MINUTE for index in range(6)]),
        numbers([60, 61, 62, 63, 64, 65]),
        grades=[(0, 0), (1, 1), (2, 1), (0, 0), (0, 0), (1, 2)],
    )
    chosen = np.array(order[:count], np.int64)
    all_of_them = render.observations(opened)
    assert render.observations(opened, chosen) == [all_of_them[index] for index in chosen.tolist()]


@pytest.mark.parametrize("metric", [HEART_RATE, BLOOD_PRESSURE, METRICS["steps"]])
def test_both_paths_write_the_same_bytes(metric: Any) -> None:
    components = [numbers([1, 25, -3], [0, 1, 2]) for _ in metric.components]
    at = times([NEW_YEAR, NEW_YEAR + 1_000, NEW_YEAR + 7], lasting=0, offset=-60)
    opened = samples(metric, at, *components)
    every = np.arange(3)
    assert render._fast(opened, every) == render._slow(opened, every)


def test_a_block_is_sampled_data_with_a_component_a_lead() -> None:
    grades = Grades(np.array([0, 1, 1], np.uint8), np.array([0, 32, 32], np.uint32))
    record = block(
        ECG,
        [LEADS["mlii"], LEADS["v1"]],
        [0, 1, 2, -3] * 1_800,
        rate=Fraction(360),
        grades=grades,
        lost=-3,
        limits=(0, 1),
    )
    observation = read(waveform(record))
    assert observation["id"] == f"{SERIES}-3"
    assert observation["meta"]["versionId"] == "2"
    assert [one["code"]["coding"][0]["display"] for one in observation["component"]] == [
        LEADS["mlii"].display,
        LEADS["v1"].display,
    ]
    data = observation["component"][0]["valueSampledData"]
    assert data["origin"]["value"] == Decimal("-5.120")
    assert data["factor"] == Decimal("0.005")
    assert data["period"] == Decimal("2.777777777778")
    ratio = data["extension"][0]["valueRatio"]
    assert (ratio["numerator"]["value"], ratio["denominator"]["value"]) == (360, 1)
    assert data["lowerLimit"] == Decimal("-5.120")
    assert data["upperLimit"] == Decimal("-5.115")
    assert data["dimensions"] == 1
    assert data["data"].split(" ")[:4] == ["0", "1", "U", "E"]
    assert observation["effectivePeriod"] == {
        "start": "2026-01-01T00:00:00+00:00",
        "end": "2026-01-01T00:00:20+00:00",
    }
    (window,) = observation["extension"]
    parts = {one["url"]: one for one in window["extension"]}
    assert parts["period"]["valuePeriod"]["start"] == "2026-01-01T00:00:10+00:00"
    assert parts["grade"]["valueCodeableConcept"]["coding"][0]["code"] == "questionable"
    assert observation["interpretation"][0]["coding"][1]["code"] == "noisy"


@pytest.mark.parametrize(
    ("first", "length", "begins"), [(0, 3_600, []), (3_600, 1_800, [10]), (1_800, 3_600, [10])]
)
def test_a_part_of_a_block_names_the_windows_that_it_has(
    first: int, length: int, begins: list[int]
) -> None:
    grades = Grades(np.array([0, 1], np.uint8), np.array([0, 32], np.uint32))
    whole = block(ECG, [LEADS["v1"]], [0] * 7_200, rate=Fraction(360), grades=grades)
    channel = replace(whole.block.channels[0], raw=whole.block.channels[0].raw[first:][:length])
    part = replace(whole, first=first, block=replace(whole.block, channels=(channel,)))
    windows = read(waveform(part)).get("extension", ())
    found = [one["extension"][0]["valuePeriod"] for one in windows]
    assert [int(each["start"][17:19]) for each in found] == begins
    assert [each["end"] > each["start"] for each in found] == [True] * len(begins)


def test_an_exact_period_needs_no_ratio_and_a_floating_block_no_zone() -> None:
    observation = read(waveform(block(ECG, [LEADS["v1"]], [1, 2], basis=Basis.FLOATING)))
    data = observation["component"][0]["valueSampledData"]
    assert (data["period"], "extension" in data) == (4, False)
    assert observation["effectivePeriod"]["start"] == "2026-01-01"
