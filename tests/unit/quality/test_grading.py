"""What each rule finds, and what it must leave alone."""

from dataclasses import replace

import numpy as np
import pytest

from pulsekey.primitives.clock import Micros
from pulsekey.primitives.errors import MalformedInput
from pulsekey.quality.grading import GRADE_OF, GradingContext, grade, grade_chunk
from pulsekey.quality.table import RULES
from pulsekey.signals.grade import Grade, Reason
from pulsekey.signals.series import Absence, Basis, Comparator, Series
from tests.unit.quality.building import HOUR, LATER, MINUTE, NOON, SECOND, series, times


def reasons(measured: Series, context: GradingContext = LATER) -> list[Reason]:
    grades = grade(measured, context).grades
    assert grades is not None
    return [Reason(int(bits)) for bits in grades.reasons]


def grades(measured: Series, context: GradingContext = LATER) -> list[Grade]:
    found = grade(measured, context).grades
    assert found is not None
    return [Grade(int(value)) for value in found.grade]


def steady(count: int, step: int = 5 * MINUTE, begin: int = NOON) -> list[int]:
    return [begin + row * step for row in range(count)]


def test_an_implausible_value_is_questionable_and_never_worse() -> None:
    beats = series("heart-rate", times(steady(4)), [221, 220, 29, 500])
    assert grades(beats) == [
        Grade.QUESTIONABLE,
        Grade.GOOD,
        Grade.QUESTIONABLE,
        Grade.QUESTIONABLE,
    ]


@pytest.mark.parametrize("metric", [name for name, rules in RULES.items() if rules.bounds])
def test_implausibility_alone_never_makes_a_value_unusable(metric: str) -> None:
    for value in (-(10**9), 0, 10**9):
        parts = len(RULES[metric].bounds)
        measured = series(metric, times([NOON]), *([value - part] for part in range(parts)))
        if metric == "activity-day":
            measured = series(metric, times([NOON]), *([value] for _ in range(6)))
        assert grades(measured)[0] <= Grade.QUESTIONABLE


def test_one_wild_sample_is_flagged_and_its_good_neighbours_are_not() -> None:
    beats = series("heart-rate", times(steady(6, SECOND)), [70, 71, 150, 71, 70, 72])
    assert reasons(beats) == [Reason(0), Reason(0), Reason.IMPOSSIBLE_RATE, *[Reason(0)] * 3]


def test_a_step_is_flagged_where_it_happens_only() -> None:
    beats = series("heart-rate", times(steady(6, SECOND)), [70, 71, 70, 150, 151, 150])
    assert [bool(found) for found in reasons(beats)] == [False, False, False, True, False, False]


def test_several_samples_at_one_time_are_no_change() -> None:
    beats = series("heart-rate", times([NOON, NOON, NOON]), [70, 150, 60])
    assert grades(beats) == [Grade.GOOD] * 3


def test_changes_across_a_long_pause_are_no_rate() -> None:
    beats = series("heart-rate", times(steady(3, HOUR)), [50, 180, 50])
    assert grades(beats) == [Grade.GOOD] * 3


@pytest.mark.parametrize(
    ("metric", "scale", "values"),
    [("glucose-sensor", 0, (100, 126)), ("glucose-sensor-molar", 1, (55, 70))],
)
def test_glucose_faster_than_five_a_minute_is_questionable(
    metric: str, scale: int, values: tuple[int, int]
) -> None:
    low, high = values
    fast = series(metric, times(steady(2)), [low, high], scale=scale)
    slow = series(metric, times(steady(2, 6 * MINUTE)), [low, high], scale=scale)
    assert reasons(fast) == [Reason(0), Reason.IMPOSSIBLE_RATE]
    assert grades(slow) == [Grade.GOOD] * 2


def test_the_ends_of_a_glucose_sensor_are_saturated() -> None:
    measured = series("glucose-sensor", times(steady(5, HOUR)), [40, 41, 400, 450, 39])
    column = replace(
        measured.components[0],
        comparator=np.array([0, 0, 0, Comparator.GREATER, Comparator.LESS], np.uint8),
    )
    found = reasons(replace(measured, components=(column,)))
    assert [Reason.SATURATED in each for each in found] == [True, False, True, True, True]
    assert set(grades(measured)) <= {Grade.GOOD, Grade.QUESTIONABLE}


def test_a_libre_may_read_above_the_end_of_a_dexcom() -> None:
    assert grades(series("glucose-sensor", times(steady(1)), [450])) == [Grade.GOOD]


def test_a_heart_rate_smoothed_for_minutes_is_good_and_stuck_for_hours_is_not() -> None:
    smoothed = series("heart-rate", times(steady(600, SECOND)), [62] * 600)
    stuck = series("heart-rate", times(steady(3_700, SECOND)), [62] * 3_700)
    assert set(grades(smoothed)) == {Grade.GOOD}
    assert set(reasons(stuck)) == {Reason.FLAT}


def test_equal_readings_days_apart_are_not_flat() -> None:
    weekly = series("heart-rate", times(steady(60, 24 * HOUR)), [62] * 60)
    assert set(grades(weekly)) == {Grade.GOOD}


def test_a_flat_run_reaches_from_its_first_row_to_its_last() -> None:
    values = [100, 101, *[105] * 30, 106, 104]
    found = reasons(series("glucose-sensor", times(steady(len(values))), values))
    assert [bool(each) for each in found] == [False] * 2 + [True] * 30 + [False] * 2


@pytest.mark.parametrize("metric", ["steps", "oxygen-saturation", "body-weight"])
def test_what_may_stay_the_same_is_never_flat(metric: str) -> None:
    at = steady(300)
    same = series(
        metric, times(at, [each + MINUTE for each in at]), [0 if metric == "steps" else 97] * 300
    )
    assert set(grades(same)) == {Grade.GOOD}


def test_a_lone_sample_in_a_gap_of_a_dense_series_is_isolated() -> None:
    before, after = steady(6), steady(6, begin=NOON + 6 * HOUR)
    at = [*before, NOON + 3 * HOUR, *after]
    values = [60 + row % 5 for row in range(len(at))]
    found = reasons(series("heart-rate", times(at), values))
    assert [row for row, each in enumerate(found) if each] == [6]
    assert found[6] == Reason.ISOLATED


def test_measurements_months_apart_are_not_isolated() -> None:
    yearly = series("heart-rate", times(steady(20, 2_000 * HOUR)), list(range(60, 80)))
    context = GradingContext(Micros(NOON + 100_000 * HOUR))
    assert set(grades(yearly, context)) == {Grade.GOOD}


def test_a_diastolic_at_or_above_its_systolic_is_unusable() -> None:
    panel = series("blood-pressure", times(steady(3)), [120, 80, 80], [80, 80, 120])
    assert grades(panel) == [Grade.GOOD, Grade.UNUSABLE, Grade.UNUSABLE]
    assert reasons(panel)[1:] == [Reason.CONFLICTING] * 2


def test_half_a_panel_contradicts_nothing() -> None:
    panel = series("blood-pressure", times([NOON]), [120], [80])
    missing = replace(panel.components[1], absent=np.array([Absence.NOT_MEASURED], np.uint8))
    assert grades(replace(panel, components=(panel.components[0], missing))) == [Grade.GOOD]


def test_a_sentinel_of_the_device_is_unusable_and_a_missing_part_is_not() -> None:
    measured = series("glucose-sensor", times(steady(2)), [None, 100])
    assert grades(measured) == [Grade.UNUSABLE, Grade.GOOD]
    assert reasons(measured)[0] == Reason.SENSOR_ERROR


NIGHT = NOON + 12 * HOUR
PRESSED = [110, 112, 109, 111, 110, 92, 74, 60, 55, 58, 57, 75, 94, 108, 109, 111, 110]


def test_pressure_on_a_glucose_sensor_at_night_is_unusable() -> None:
    found = reasons(series("glucose-sensor", times(steady(17, begin=NIGHT)), PRESSED))
    inside = [row for row, each in enumerate(found) if Reason.COMPRESSED in each]
    assert inside == list(range(5, 13))
    assert GRADE_OF[Reason.COMPRESSED] is Grade.UNUSABLE


def test_the_same_shape_by_day_is_not_called_pressure() -> None:
    found = reasons(series("glucose-sensor", times(steady(17)), PRESSED))
    assert not any(Reason.COMPRESSED in each for each in found)


def test_night_is_local() -> None:
    by_day_in_utc = times(steady(17), offset=-12 * 60)
    found = reasons(series("glucose-sensor", by_day_in_utc, PRESSED))
    assert any(Reason.COMPRESSED in each for each in found)


def test_a_true_low_that_was_treated_is_kept() -> None:
    low = [110, 112, 109, 111, 110, 103, 95, 86, 77, 69, 63, 60, 62, 70, 81, 95, 108, 120, 131]
    assert set(grades(series("glucose-sensor", times(steady(19, begin=NIGHT)), low))) == {
        Grade.GOOD
    }


def test_a_fall_that_does_not_recover_is_kept() -> None:
    low = [*PRESSED[:10], 56, 55, 57, 56, 58, 57, 59]
    assert set(grades(series("glucose-sensor", times(steady(17, begin=NIGHT)), low))) == {
        Grade.GOOD
    }


def test_pressure_is_found_in_either_unit() -> None:
    molar = [round(value / 1.80156) for value in PRESSED]
    found = reasons(series("glucose-sensor-molar", times(steady(17, begin=NIGHT)), molar, scale=1))
    assert any(Reason.COMPRESSED in each for each in found)


def test_more_steps_than_legs_can_do_are_questionable() -> None:
    at = [NOON, NOON + MINUTE, NOON + 2 * MINUTE]
    walked = series("steps", times(at, [NOON + MINUTE, NOON + 2 * MINUTE, at[2]]), [300, 301, 999])
    assert grades(walked) == [Grade.GOOD, Grade.QUESTIONABLE, Grade.GOOD]


def test_a_date_after_receipt_is_questionable() -> None:
    context = GradingContext(Micros(NOON))
    measured = series("heart-rate", times([NOON + 5 * MINUTE, NOON + 6 * MINUTE]), [60, 61])
    assert reasons(measured, context) == [Reason(0), Reason.FUTURE]


def test_wall_time_without_a_zone_may_be_ahead_of_utc() -> None:
    context = GradingContext(Micros(NOON))
    floating = times([NOON + 14 * HOUR, NOON + 15 * HOUR], basis=Basis.FLOATING)
    found = reasons(series("heart-rate", floating, [60, 61]), context)
    assert [Reason.FUTURE in each for each in found] == [False, True]


@pytest.mark.parametrize("basis", [Basis.FLOATING, Basis.EXPORT])
def test_an_uncertain_zone_is_noted_and_lowers_nothing(basis: Basis) -> None:
    measured = series("heart-rate", times(steady(3), basis=basis), [60, 61, 62])
    assert reasons(measured) == [Reason.UNCERTAIN_TIME] * 3
    assert grades(measured) == [Grade.GOOD] * 3


def test_a_change_of_zone_is_noted_and_lowers_nothing() -> None:
    measured = series("heart-rate", times(steady(3), offset=[0, 60, 60]), [60, 61, 62])
    assert reasons(measured) == [Reason(0), Reason.CLOCK_JUMP, Reason(0)]
    assert grades(measured) == [Grade.GOOD] * 3


def test_a_wall_clock_that_runs_backwards_is_questionable() -> None:
    at = [NOON, NOON + HOUR, NOON + MINUTE, NOON + HOUR]
    measured = series("heart-rate", times(at, basis=Basis.FLOATING), [60, 61, 62, 63])
    assert [Reason.CLOCK_JUMP in each for each in reasons(measured)] == [False, False, True, False]
    assert grades(measured)[2] is Grade.QUESTIONABLE


def test_the_order_of_an_export_is_no_clock() -> None:
    at = [NOON, NOON + HOUR, NOON + MINUTE, NOON + HOUR]
    measured = series("heart-rate", times(at), [60, 61, 62, 63])
    assert grades(measured) == [Grade.GOOD] * 4
    own_log = GradingContext(LATER.received, device_order=True)
    assert grades(measured, own_log)[2] is Grade.QUESTIONABLE


def test_a_log_that_is_newest_first_has_no_jumps() -> None:
    newest_first = times(steady(6)[::-1], basis=Basis.FLOATING)
    assert set(grades(series("heart-rate", newest_first, [60, 61, 62, 61, 60, 61]))) == {Grade.GOOD}


def test_an_empty_series_has_empty_grades() -> None:
    for metric in ("heart-rate", "glucose-sensor", "steps"):
        assert grades(series(metric, times([]), [])) == []


def test_values_are_never_touched() -> None:
    measured = series("heart-rate", times(steady(3)), [500, 0, 70])
    graded = grade(measured, LATER)
    assert graded.components is measured.components
    assert graded.times is measured.times


def test_chunks_of_different_series_are_refused() -> None:
    _, carry = grade_chunk(series("heart-rate", times([NOON]), [60]), LATER)
    with pytest.raises(MalformedInput, match="different series"):
        grade_chunk(series("glucose-sensor", times([NOON]), [100]), LATER, carry)
