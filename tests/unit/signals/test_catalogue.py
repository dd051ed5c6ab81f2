"""Every metric is fully coded, in one category, in a unit that we can convert to."""

from collections import Counter

import pytest

from pulsekey.ingest.units import CONVERSIONS
from pulsekey.signals import unit
from pulsekey.signals.activity import ACTIVITIES, OTHER, activity
from pulsekey.signals.catalogue import METRICS
from pulsekey.signals.category import Category
from pulsekey.signals.metric import LOINC, Metric, Shape, Unit

UNITS = {entry for entry in vars(unit).values() if isinstance(entry, Unit)}
ALL = pytest.mark.parametrize("metric", METRICS.values(), ids=lambda metric: metric.name)


def check_digit(code: str) -> int:
    """The check digit of LOINC: Luhn's, over the digits before the hyphen."""
    number, _, _ = code.partition("-")
    doubled = [int(d) * (2 if place % 2 == 0 else 1) for place, d in enumerate(number[::-1])]
    return -sum(d // 10 + d % 10 for d in doubled) % 10


@ALL
def test_a_metric_is_coded_down_to_each_component_and_answer(metric: Metric) -> None:
    codes = list(metric.codes)
    for component in metric.components:
        assert component.codes
        codes += component.codes
        codes += component.answers
        assert (component.unit is None) == bool(component.answers)
    assert metric.codes
    for code in codes:
        assert code.system
        assert code.code
        assert code.display


@ALL
def test_a_unit_comes_from_the_closed_set(metric: Metric) -> None:
    for component in metric.components:
        assert component.unit is None or component.unit in UNITS


@ALL
def test_only_a_panel_or_a_session_has_several_components(metric: Metric) -> None:
    assert len(metric.components) == 1 or metric.shape in {Shape.PANEL, Shape.SESSION}
    if metric.shape in {Shape.POINT, Shape.INTERVAL}:
        assert metric.components[0].codes == metric.codes


@ALL
def test_a_metric_is_classified(metric: Metric) -> None:
    assert metric.category in set(Category) - {Category.UNCLASSIFIED}


@ALL
def test_a_loinc_code_has_its_check_digit(metric: Metric) -> None:
    for code in (*metric.codes, *(c for part in metric.components for c in part.codes)):
        if code.system == LOINC:
            assert int(code.code[-1]) == check_digit(code.code)


def test_no_code_names_two_metrics() -> None:
    named = Counter(code for metric in METRICS.values() for code in metric.codes)
    assert [code for code, count in named.items() if count > 1] == []


def test_each_kept_unit_can_be_read_and_is_the_identity_somewhere() -> None:
    ours = {ucum for _, ucum in CONVERSIONS}
    assert {entry.ucum for entry in UNITS} <= ours
    for ucum in ours:
        assert any(by.identity for (_, kept), by in CONVERSIONS.items() if kept == ucum)


def test_the_codes_that_the_design_names_are_these() -> None:
    assert METRICS["blood-pressure"].codes[0].code == "85354-9"
    assert [code.code for code in METRICS["oxygen-saturation"].codes] == ["2708-6", "59408-5"]
    assert METRICS["glucose-sensor"].codes[0].code == "99504-3"
    assert METRICS["glucose-sensor-molar"].codes[0].code == "105272-9"
    sdnn, rmssd = (METRICS[f"heart-rate-variability-{kind}"] for kind in ("sdnn", "rmssd"))
    assert sdnn.codes != rmssd.codes


def test_what_tells_a_place_is_location() -> None:
    assert METRICS["position"].category is Category.LOCATION
    assert METRICS["altitude"].category is Category.LOCATION


def test_a_workout_holds_no_heart_rate() -> None:
    parts = {component.name for component in METRICS["workout"].components}
    assert not any("heart" in part for part in parts)
    assert METRICS["workout-heart-rate"].category is Category.HEART_RATE


def test_an_activity_that_is_not_known_is_other() -> None:
    assert activity("running") is ACTIVITIES["running"]
    assert activity("something-new") is OTHER
