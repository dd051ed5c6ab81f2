"""A series graded in chunks gets exactly the grades of the whole, wherever it is cut."""

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pulsekey.quality.chunks import joined, rows
from pulsekey.quality.grading import finish, grade, grade_chunk
from pulsekey.quality.rules import HORIZON_ROWS
from pulsekey.quality.table import RULES
from pulsekey.signals.grade import Reason
from pulsekey.signals.series import Basis, Series
from tests.unit.quality.building import LATER, MINUTE, NOON, SECOND, series, times


def in_chunks(whole: Series, cuts: list[int]) -> Series:
    carry = None
    graded = []
    for begin, end in pairwise([0, *sorted(cuts), len(whole)]):
        ready, carry = grade_chunk(rows(whole, begin, end), LATER, carry)
        graded.append(ready)
    assert carry is not None
    return joined([*graded, finish(carry, LATER)])


def assert_same(one: Series, other: Series) -> None:
    assert one.grades is not None
    assert other.grades is not None
    np.testing.assert_array_equal(one.times.start, other.times.start)
    np.testing.assert_array_equal(one.components[0].mantissa, other.components[0].mantissa)
    np.testing.assert_array_equal(one.grades.grade, other.grades.grade)
    np.testing.assert_array_equal(one.grades.reasons, other.grades.reasons)


# Few values, few steps, some backwards: runs, spikes, gaps and jumps collide.
steps = st.lists(st.sampled_from([0, 1, 5, 5, 5, 5, 5, 70, 70, -3]), min_size=1, max_size=60)
values = st.sampled_from([None, 40, 60, 60, 60, 90, 95, 130, 400])
metrics = st.sampled_from(["heart-rate", "glucose-sensor", "respiratory-rate"])


@given(metric=metrics, minutes=steps, data=st.data())
def test_chunks_equal_the_whole(metric: str, minutes: list[int], data: st.DataObject) -> None:
    n = len(minutes)
    at = (NOON + 10 * 60 * MINUTE + np.cumsum(minutes) * MINUTE).tolist()
    drawn = data.draw(st.lists(values, min_size=n, max_size=n))
    basis = data.draw(st.lists(st.sampled_from(Basis), min_size=n, max_size=n))
    offset = data.draw(st.lists(st.sampled_from([0, 60, -300]), min_size=n, max_size=n))
    cuts = data.draw(st.lists(st.integers(0, n), max_size=6))
    whole = series(metric, times(at, offset=offset, basis=basis), drawn)
    assert_same(in_chunks(whole, cuts), grade(whole, LATER))


@given(minutes=steps, data=st.data())
def test_chunks_equal_the_whole_where_rules_look_only_as_far_as_their_reach(
    minutes: list[int], data: st.DataObject
) -> None:
    # Without the flat rule the reach is four rows, so that short series have rows beyond it.
    near = replace(RULES["heart-rate"], flat=None)
    n = len(minutes)
    at = (NOON + np.cumsum(minutes) * MINUTE // 20).tolist()
    drawn = data.draw(st.lists(values, min_size=n, max_size=n))
    cuts = data.draw(st.lists(st.integers(0, n), max_size=6))
    whole = series("heart-rate", times(at), drawn)
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(RULES, "heart-rate", near)
        assert_same(in_chunks(whole, cuts), grade(whole, LATER))


def test_a_lone_sample_and_its_neighbours_may_fall_into_any_chunks() -> None:
    near = replace(RULES["heart-rate"], flat=None)
    # One row alone after four dense ones, one alone before the next four, again and again.
    pattern = [0, 200, 400, 405, 410, 415]
    minutes = [turn * 600 + each for turn in range(12) for each in pattern]
    at = times([NOON + each * MINUTE for each in minutes])
    whole = series("heart-rate", at, [60 + row % 9 for row in range(len(minutes))])
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(RULES, "heart-rate", near)
        graded = grade(whole, LATER)
        assert graded.grades is not None
        assert graded.grades.reasons.tolist().count(int(Reason.ISOLATED)) == 23
        for size in range(1, len(whole)):
            assert_same(in_chunks(whole, list(range(size, len(whole), size))), graded)


@pytest.mark.parametrize("size", [1_000, 4_095, 4_096, 4_097, 9_000])
@pytest.mark.parametrize("seconds", [0.5, 1, 2])
def test_long_flat_runs_are_the_same_in_chunks(size: int, seconds: float) -> None:
    rng = np.random.default_rng(7)
    n = 5 * HORIZON_ROWS
    runs = np.repeat(rng.integers(55, 60, n // 512), 512)
    runs[6_000:13_000] = 61
    at = NOON + (np.arange(n) * seconds * SECOND).astype(np.int64)
    whole = series("heart-rate", times(at.tolist()), runs.tolist())
    assert_same(in_chunks(whole, list(range(size, n, size))), grade(whole, LATER))


def test_nights_of_pressed_sensors_are_the_same_in_chunks() -> None:
    pressed = [110, 112, 109, 111, 110, 92, 74, 60, 55, 58, 57, 75, 94, 108, 109, 111, 110]
    n = 17 * 40
    whole = series(
        "glucose-sensor", times([NOON + row * 5 * MINUTE for row in range(n)]), pressed * 40
    )
    grades = grade(whole, LATER).grades
    assert grades is not None
    assert (grades.grade == 2).sum() > 50
    sizes = (7, 100, 257, 600)
    for size in sizes:
        assert_same(in_chunks(whole, list(range(size, n, size))), grade(whole, LATER))
    # Without the flat rule the reach is that of the shape itself.
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(RULES, "glucose-sensor", replace(RULES["glucose-sensor"], flat=None))
        for size in sizes:
            assert_same(in_chunks(whole, list(range(size, n, size))), grade(whole, LATER))


def test_rows_keep_their_original_units_through_chunks() -> None:
    first = replace(series("glucose-sensor", times([NOON]), [100]), units=("mmol/L",))
    second = replace(
        series("glucose-sensor", times([NOON + MINUTE]), [101]), units=("g/L", "mmol/L")
    )
    first = replace(first, components=(replace(first.components[0], unit=np.array([1], np.uint8)),))
    second = replace(
        second, components=(replace(second.components[0], unit=np.array([2], np.uint8)),)
    )
    ready, carry = grade_chunk(first, LATER)
    more, carry = grade_chunk(second, LATER, carry)
    whole = joined([ready, more, finish(carry, LATER)])
    assert [whole.units[index - 1] for index in whole.components[0].unit] == ["mmol/L"] * 2
