"""Phone and watch count the same steps; a day's total counts them once and says from where."""

from dataclasses import replace
from datetime import date
from fractions import Fraction
from random import Random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pulsekey.primitives.errors import MalformedInput
from pulsekey.quality.overlap import SUMMED, DailyTotal, daily_totals
from pulsekey.signals.catalogue import METRICS
from pulsekey.signals.grade import Grade
from pulsekey.signals.metric import Shape
from pulsekey.signals.series import OFFSET_UNKNOWN, Basis, Grades, Series, Source
from tests.unit.quality.building import HOUR, MINUTE, NOON, series, times

WATCH, PHONE = "Anna's Watch", "Anna's iPhone"
TODAY = date(2023, 11, 14)


def counted(name: str, *intervals: tuple[int, int, int], offset: int = 0) -> Series:
    """Steps of one source as (begin, end, steps), in minutes after noon."""
    begin = [NOON + minutes * MINUTE for minutes, _, _ in intervals]
    end = [NOON + minutes * MINUTE for _, minutes, _ in intervals]
    steps = [value for _, _, value in intervals]
    return series("steps", times(begin, end, offset=offset), steps, source=name)


def total(*sources: Series, order: list[str] | None = None) -> DailyTotal:
    (only,) = daily_totals(sources, order)
    return only


def test_the_same_steps_from_phone_and_watch_count_once() -> None:
    day = total(counted(PHONE, (0, 10, 950)), counted(WATCH, (0, 10, 1_000)))
    assert (day.day, day.metric, day.unit) == (TODAY, "steps", "{steps}")
    assert day.value == 1_000
    assert [part.source for part in day.parts] == [WATCH]
    assert day.left_out == {PHONE: 950}


def test_the_phone_fills_what_the_watch_did_not_see() -> None:
    day = total(counted(WATCH, (0, 10, 1_000)), counted(PHONE, (0, 10, 990), (30, 40, 500)))
    assert day.value == 1_500
    assert [(part.source, part.value) for part in day.parts] == [
        (WATCH, Fraction(1_000)),
        (PHONE, Fraction(500)),
    ]


def test_a_partly_covered_interval_counts_in_proportion_and_exactly() -> None:
    day = total(counted(WATCH, (0, 10, 100)), counted(PHONE, (0, 30, 100)))
    assert day.value == 100 + Fraction(200, 3)
    assert day.left_out == {PHONE: Fraction(100, 3)}


def test_an_interval_over_midnight_is_shared_between_the_days() -> None:
    days = daily_totals([counted(WATCH, (11 * 60, 13 * 60, 600))])
    assert [(day.day.day, day.value) for day in days] == [(14, Fraction(300)), (15, Fraction(300))]


def test_an_interval_that_ends_at_midnight_stays_in_its_day() -> None:
    assert total(counted(WATCH, (11 * 60, 12 * 60, 600))).value == 600


def test_the_day_is_the_local_one() -> None:
    (day,) = daily_totals([counted(WATCH, (0, 10, 5), offset=13 * 60)])
    assert day.day == date(2023, 11, 15)


@pytest.mark.parametrize("offset", [0, 60, OFFSET_UNKNOWN])
def test_floating_time_is_local_already(offset: int) -> None:
    floating = counted(WATCH, (0, 10, 5))
    at = times(
        floating.times.start.tolist(),
        floating.times.end.tolist(),
        offset=offset,
        basis=Basis.FLOATING,
    )
    assert total(replace(floating, times=at)).day == TODAY


def test_a_repeated_row_of_one_source_counts_once() -> None:
    twice = total(counted(WATCH, (0, 10, 100), (20, 30, 7), (0, 10, 100)))
    assert twice.value == 107
    assert twice.left_out == {WATCH: 100}


def test_rows_without_length_count_unless_a_better_source_was_there() -> None:
    watch = counted(WATCH, (0, 10, 100))
    assert total(watch, counted(PHONE, (5, 5, 8), (30, 30, 9))).value == 109
    assert total(counted(PHONE, (5, 5, 8), (5, 5, 8))).value == 8


def test_unusable_and_absent_rows_count_nowhere() -> None:
    watch = counted(WATCH, (0, 10, 100), (10, 20, 50))
    bad = watch.graded(
        Grades(np.array([Grade.UNUSABLE, Grade.GOOD], np.uint8), np.zeros(2, np.uint32))
    )
    assert total(bad, counted(PHONE, (0, 10, 90))).value == 140


def test_a_stated_order_of_sources_wins() -> None:
    watch, phone = counted(WATCH, (0, 10, 100)), counted(PHONE, (0, 10, 90))
    assert total(watch, phone).value == 100
    assert total(watch, phone, order=[PHONE, WATCH]).value == 90


def test_touching_intervals_are_one_part() -> None:
    (part,) = total(counted(WATCH, (0, 5, 10), (5, 10, 20), (10, 15, 30))).parts
    assert (part.begin, part.end, part.value) == (NOON, NOON + 15 * MINUTE, Fraction(60))


def test_decimals_are_exact() -> None:
    energy = series(
        "active-energy", times([NOON, NOON + HOUR], [NOON + 1, NOON + HOUR + 1]), [1, 2], scale=1
    )
    assert total(energy).value == Fraction(3, 10)


def test_series_that_cannot_be_summed_are_refused() -> None:
    with pytest.raises(MalformedInput, match="cannot be summed"):
        daily_totals([series("heart-rate", times([NOON]), [60])])
    with pytest.raises(MalformedInput, match="given twice"):
        daily_totals([counted(WATCH, (0, 1, 1)), counted(WATCH, (0, 1, 1))])


def test_nothing_has_no_totals() -> None:
    assert daily_totals([]) == ()
    assert daily_totals([counted(WATCH)]) == ()


def test_every_summed_metric_is_an_interval_of_one_quantity() -> None:
    for name in SUMMED:
        assert METRICS[name].shape is Shape.INTERVAL
        assert len(METRICS[name].components) == 1


# Few moments, so that intervals touch, nest, repeat and cross midnight.
moments = st.integers(0, 12).map(lambda each: each * 90)
rows = st.lists(
    st.tuples(moments, moments, st.integers(0, 50)).map(
        lambda row: (min(row[:2]), max(row[:2]), row[2])
    ),
    max_size=6,
)


def sum_of(days: tuple[DailyTotal, ...]) -> Fraction:
    return sum((day.value for day in days), Fraction(0))


@given(rows, rows, rows)
def test_totals_conserve_what_was_counted(
    watch: list[tuple[int, int, int]],
    phone: list[tuple[int, int, int]],
    other: list[tuple[int, int, int]],
) -> None:
    sources = [
        counted(name, *given_rows)
        for name, given_rows in ((WATCH, watch), (PHONE, phone), ("Ring", other))
    ]
    days = daily_totals(sources)
    everything = sum(row[2] for row in (*watch, *phone, *other))
    left_out = sum((sum(day.left_out.values(), Fraction(0)) for day in days), Fraction(0))
    assert sum_of(days) + left_out == everything
    assert all(day.value == sum(part.value for part in day.parts) for day in days)
    alone = sum_of(daily_totals(sources[:1]))
    assert alone <= sum_of(days) <= everything
    by_day = {day.day: day.value for day in days}
    for day in daily_totals(sources[:1]):
        assert by_day[day.day] >= day.value


@given(rows, rows)
def test_a_lesser_source_counts_in_full_where_the_better_one_was_silent(
    watch: list[tuple[int, int, int]], phone: list[tuple[int, int, int]]
) -> None:
    apart = [(begin + 2_000, end + 2_000, value) for begin, end, value in phone]
    best, lesser = counted(WATCH, *watch), counted(PHONE, *apart)
    assert sum_of(daily_totals([best, lesser])) == sum_of(daily_totals([best])) + sum_of(
        daily_totals([lesser])
    )


def test_rows_that_are_alike_but_for_what_midnight_cut_off_have_an_order() -> None:
    rows = [(0, 720, 1), (0, 810, 1)]
    forwards = daily_totals([counted(WATCH, *rows)])
    assert sum_of(forwards) == sum_of(daily_totals([counted(WATCH, *reversed(rows))]))


@given(rows, st.randoms(use_true_random=False))
def test_the_order_of_rows_does_not_matter(
    watch: list[tuple[int, int, int]], random: Random
) -> None:
    shuffled = list(watch)
    random.shuffle(shuffled)
    assert sum_of(daily_totals([counted(WATCH, *watch)])) == sum_of(
        daily_totals([counted(WATCH, *shuffled)])
    )


def test_a_slow_and_plain_count_of_the_same_agrees() -> None:
    rng = np.random.default_rng(11)
    drawn = {}
    for name in (WATCH, PHONE):
        begins = np.cumsum(rng.integers(1, 30, 40))
        drawn[name] = [
            (int(begin), int(begin + rng.integers(1, 40)), int(rng.integers(0, 99)))
            for begin in begins
        ]
    taken: set[int] = set()
    plain = Fraction(0)
    for name in (WATCH, PHONE):
        own: set[int] = set()
        for begin, end, value in drawn[name]:
            free = set(range(begin, end)) - own - taken
            plain += Fraction(value * len(free), end - begin)
            own |= set(range(begin, end))
        taken |= own
    found = daily_totals([counted(name, *drawn[name]) for name in drawn])
    assert sum_of(found) == plain


def test_sources_are_told_apart_by_what_they_are() -> None:
    source = Source("com.apple.health/1", "Health", "Apple Inc.", "Watch", "Watch6,2")
    watch = replace(counted("zzz", (0, 10, 100)), source=source)
    assert total(counted("aaa", (0, 10, 90)), watch).value == 100
