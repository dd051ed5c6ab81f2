"""A summary says what a person would want to know, in numbers first and then in words."""

from datetime import date
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pytest

from pulsekey.primitives.messages import code_of, in_language
from pulsekey.quality.ecg import grade_waveform
from pulsekey.quality.grading import grade
from pulsekey.quality.summary import Summary, reason_key, summarise, summarise_waveform
from pulsekey.quality.wording import REASONS, SENTENCES, in_words
from pulsekey.signals.catalogue import METRICS
from pulsekey.signals.grade import Grade, Reason
from pulsekey.signals.metric import Code
from pulsekey.signals.series import Basis, Block, Channel, Series, Source, Waveform
from tests.unit.quality.building import HOUR, LATER, MINUTE, NOON, SECOND, series, times

NIGHT = NOON + 10 * HOUR
PRESSED = [110, 112, 109, 111, 110, 92, 74, 60, 55, 58, 57, 75, 94, 108, 109, 111, 110]


def glucose(minutes: list[int], values: list[int] | None = None) -> Series:
    at = [NIGHT + each * MINUTE for each in minutes]
    filled = values or [100 + each % 7 for each in range(len(at))]
    return grade(series("glucose-sensor", times(at), filled), LATER)


def in_english(summary: Summary) -> str:
    return in_language(in_words(summary), "en")


def test_a_whole_night_of_a_pressed_sensor_is_said_in_one_line() -> None:
    minutes = list(range(0, 600, 5))
    values = [PRESSED[row] if row < 17 else 105 + row % 7 for row in range(120)]
    summary = summarise(glucose(minutes, values))
    assert summary.covered == 1
    assert summary.unusable_seconds == 40 * 60
    assert in_english(summary) == (
        "100% of the time covered; 100% of the night covered; "
        "40 minutes unusable: sensor compressed"
    )


def test_a_note_is_never_blamed_for_what_is_unusable() -> None:
    at = times([NIGHT + row * 5 * MINUTE for row in range(17)], basis=Basis.FLOATING)
    summary = summarise(grade(series("glucose-sensor", at, PRESSED), LATER))
    assert summary.reason_seconds == {Reason.COMPRESSED: 40 * 60}
    assert in_english(summary).endswith(
        "40 minutes unusable: sensor compressed; all samples marked: time zone not certain"
    )


def test_a_short_evening_is_not_called_a_night() -> None:
    at = times([NIGHT + row * SECOND for row in range(600)])
    summary = summarise(series("heart-rate", at, [60] * 600))
    assert in_english(summary) == "100% of the time covered"


def test_most_of_one_night_is_spoken_of() -> None:
    assert "80% of the night covered" in in_english(summarise(glucose(list(range(60, 540, 5)))))


def test_one_is_not_many() -> None:
    assert in_english(summarise(series("heart-rate", times([NOON]), [60]))) == "1 sample"


def test_a_gap_is_what_is_not_covered() -> None:
    minutes = [each for each in range(0, 600, 5) if not 300 <= each < 360]
    summary = summarise(glucose(minutes))
    assert summary.interval_seconds == 300
    assert summary.covered == pytest.approx(0.9)
    assert summary.longest_gap_seconds == 3_600
    assert summary.days[-1].night_covered == pytest.approx(0.9)
    assert in_english(summary).startswith(
        "90% of the time covered; 90% of the night covered; longest gap 60 minutes"
    )


def test_a_day_is_covered_by_what_falls_into_it() -> None:
    summary = summarise(glucose(list(range(0, 26 * 60, 5))))
    assert [day.day for day in summary.days] == [date(2023, 11, day) for day in (14, 15, 16)]
    assert [day.covered for day in summary.days] == [pytest.approx(2 / 24), pytest.approx(1), 0]
    assert [day.night_covered for day in summary.days] == [0, pytest.approx(1), 0.2]
    assert [day.night_whole for day in summary.days] == [False, True, False]
    assert "100% of the night covered" in in_english(summary)


def test_night_and_day_are_local() -> None:
    at = [NOON + each * 5 * MINUTE for each in range(120)]
    moved = series("glucose-sensor", times(at, offset=600), [100] * 120)
    assert summarise(moved).days[-1].night_covered == pytest.approx(1)


def test_a_watch_that_measures_faster_in_a_workout_is_due_as_usual() -> None:
    usual = [NOON + row * 5 * MINUTE for row in range(100)]
    workout = [usual[50] + row * 5 * SECOND for row in range(1, 360)]
    at = sorted(usual + workout)
    summary = summarise(series("heart-rate", times(at), [60] * len(at)))
    assert summary.interval_seconds == 300
    assert summary.covered == 1


def test_weights_months_apart_miss_nothing() -> None:
    at = [NOON + row * 700 * HOUR for row in range(12)]
    summary = summarise(series("body-weight", times(at), [70] * 12))
    assert summary.covered is None
    assert summary.days == ()
    assert in_english(summary) == "12 samples"


def test_a_summary_does_not_depend_on_the_order_of_the_rows() -> None:
    minutes = [each for each in range(0, 600, 5) if each % 35]
    forward, backward = glucose(minutes), glucose(minutes[::-1])
    assert summarise(forward).covered == summarise(backward).covered
    assert summarise(forward).longest_gap_seconds == summarise(backward).longest_gap_seconds


def test_several_samples_at_one_time_cover_it_once() -> None:
    minutes = sorted([*range(0, 600, 5), *range(0, 600, 5)])
    assert summarise(glucose(minutes)).covered == 1


def test_counts_add_up_to_the_rows() -> None:
    measured = grade(series("heart-rate", times([NOON] * 3), [60, 500, 10]), LATER)
    summary = summarise(measured)
    assert summary.grades == {Grade.GOOD: 1, Grade.QUESTIONABLE: 2, Grade.UNUSABLE: 0}
    assert summary.reasons == {Reason.IMPLAUSIBLE: 2}
    assert in_english(summary) == "3 samples; 2 samples marked: outside the plausible range"


def test_nothing_is_said_to_be_nothing() -> None:
    assert in_english(summarise(series("heart-rate", times([]), []))) == "No data"


def test_a_small_gap_is_never_rounded_away() -> None:
    minutes = [each for each in range(0, 600 * 5, 5) if each != 300]
    assert in_english(summarise(glucose(minutes))).startswith("99% of the time covered")


def test_every_reason_has_words() -> None:
    assert {reason_key(reason) for reason in Reason} == set(REASONS)


def test_every_reason_is_said_in_every_language() -> None:
    assert [text for text in REASONS.values() if not code_of(text)] == []


def test_every_message_has_a_sentence_and_all_its_numbers() -> None:
    summary = summarise(glucose(list(range(0, 600, 5)), [PRESSED[row % 17] for row in range(120)]))
    for message in summary.messages:
        assert code_of(SENTENCES[message.key](message))


def test_a_waveform_is_summarised_by_its_windows() -> None:
    rng = np.random.default_rng(1)
    raw = np.concatenate((rng.integers(-100, 100, 2_500), np.zeros(2_500))).astype(np.int32)
    lead = Channel(Code("urn:test", "lead", "lead"), "mV", Decimal("0.005"), Decimal(0), raw)
    block = Block(NOON, 0, Basis.RECORDED, Fraction(250), (lead,))
    later = Block(NOON + 120 * SECOND, 0, Basis.RECORDED, Fraction(250), (lead,))
    waveform = grade_waveform(Waveform(METRICS["ecg"], Source("p", "p"), (block, later)))
    summary = summarise_waveform(waveform)
    assert summary.rows == 4
    assert summary.grades[Grade.UNUSABLE] >= 2
    assert summary.covered == pytest.approx(40 / 140)
    assert summary.longest_gap_seconds == 100


def test_a_waveform_without_blocks_is_nothing() -> None:
    empty = Waveform(METRICS["ecg"], Source("p", "p"), ())
    assert in_english(summarise_waveform(empty)) == "No data"
