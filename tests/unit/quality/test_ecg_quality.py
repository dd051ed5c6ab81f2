"""ECG grades fall when noise rises or a lead comes off, and do not mind arrhythmia."""

from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from pulsekey.quality.detectors import band_pass, moving_mean, peaks_by_energy, peaks_by_slope
from pulsekey.quality.ecg import grade_block, grade_waveform, matched, window_starts
from pulsekey.signals.catalogue import METRICS
from pulsekey.signals.grade import Grade, Reason
from pulsekey.signals.metric import Code
from pulsekey.signals.series import Basis, Block, Channel, Source, Waveform

RATE_HZ = 250
COUNTS_A_MILLIVOLT = 200


def heart(seconds: int, *, beats_a_minute: float = 72, seed: int = 3) -> NDArray[np.float64]:
    """An ECG in millivolts as five Gaussian waves a beat (after McSharry et al. 2003)."""
    rng = np.random.default_rng(seed)
    at = np.arange(seconds * RATE_HZ) / RATE_HZ
    lead = np.zeros(len(at))
    beat = 0.4
    while beat < seconds + 1:
        waves = ((-0.2, 0.025, 0.12), (-0.03, 0.01, -0.12), (0, 0.011, 1.1), (0.03, 0.01, -0.2))
        for delay, width, height in (*waves, (0.25, 0.05, 0.25)):
            lead += height * np.exp(-(((at - beat - delay) / width) ** 2) / 2)
        beat += 60 / beats_a_minute * rng.uniform(0.9, 1.1)
    return lead


def block(*leads: NDArray[np.float64], lost: int | None = None) -> Block:
    channels = tuple(
        Channel(
            Code("urn:test", "lead", "lead"),
            "mV",
            Decimal("0.005"),
            Decimal(0),
            (lead * COUNTS_A_MILLIVOLT).round().clip(-2_048, 2_047).astype(np.int32),
            lost=lost,
            lower=-2_048,
            upper=2_047,
        )
        for lead in leads
    )
    return Block(0, 0, Basis.RECORDED, Fraction(RATE_HZ), channels)


def noise(seconds: int, millivolts: float, seed: int = 5) -> NDArray[np.float64]:
    return np.random.default_rng(seed).normal(0, millivolts, seconds * RATE_HZ)


def found(*leads: NDArray[np.float64], lost: int | None = None) -> list[Grade]:
    return [Grade(int(each)) for each in grade_block(block(*leads, lost=lost), beats=True).grade]


@pytest.mark.parametrize("beats_a_minute", [35, 60, 100, 180])
def test_a_clean_lead_is_good_at_any_rate(beats_a_minute: float) -> None:
    assert set(found(heart(60, beats_a_minute=beats_a_minute))) == {Grade.GOOD}


@pytest.mark.parametrize("detect", [peaks_by_slope, peaks_by_energy])
@pytest.mark.parametrize("beats_a_minute", [35, 72, 180])
def test_each_detector_finds_every_beat_of_a_clean_lead(
    detect: Callable[[NDArray[np.float64], float], NDArray[np.int64]], beats_a_minute: float
) -> None:
    lead = heart(60, beats_a_minute=beats_a_minute)
    truth = np.flatnonzero((lead[1:-1] > 0.8) & (lead[1:-1] > lead[:-2]) & (lead[1:-1] >= lead[2:]))
    beats = detect(lead, float(RATE_HZ))
    assert matched(truth + 1, beats, 10).all()
    assert len(beats) == len(truth)


def test_white_noise_alone_is_unusable() -> None:
    grades = found(noise(120, 0.5))
    assert grades.count(Grade.UNUSABLE) >= 9
    assert Grade.GOOD not in grades


def test_a_lead_that_is_off_is_unusable_and_called_so() -> None:
    off = heart(40)
    off[10 * RATE_HZ : 20 * RATE_HZ] = 0.3
    grades = grade_block(block(off), beats=True)
    assert grades.grade.tolist() == [0, 2, 0, 0]
    assert Reason.DISCONNECTED in Reason(int(grades.reasons[1]))


def test_lost_samples_are_a_lead_that_is_off() -> None:
    lead = heart(30)
    broken = block(lead, lost=-32_768)
    raw = broken.channels[0].raw.copy()
    raw[11 * RATE_HZ : 18 * RATE_HZ] = -32_768
    broken = replace(broken, channels=(replace(broken.channels[0], raw=raw),))
    grades = grade_block(broken, beats=True)
    assert grades.grade.tolist() == [0, 2, 0]


def test_a_converter_at_its_end_is_saturated() -> None:
    lead = heart(30)
    lead[10 * RATE_HZ : 20 * RATE_HZ] += 20
    grades = grade_block(block(lead), beats=True)
    assert grades.grade[1] == Grade.UNUSABLE
    assert Reason.SATURATED in Reason(int(grades.reasons[1]))


def test_a_good_lead_beside_one_that_is_off_is_questionable() -> None:
    assert set(found(heart(30), np.zeros(30 * RATE_HZ))) == {Grade.QUESTIONABLE}


def test_a_good_lead_beside_a_noisy_one_shows_the_rhythm() -> None:
    grades = found(heart(60), heart(60) + noise(60, 0.25))
    assert max(grades) <= Grade.QUESTIONABLE


@given(seed=st.integers(0, 1_000), lower=st.floats(0, 0.5), more=st.floats(0.3, 2))
def test_more_noise_never_grades_better_on_average(seed: int, lower: float, more: float) -> None:
    lead = heart(100, seed=seed)
    little = lead + noise(100, lower, seed)
    much = lead + noise(100, lower + more, seed)
    assert sum(found(much)) >= sum(found(little))


def test_the_last_window_may_be_shorter() -> None:
    short = block(heart(25))
    assert window_starts(short).tolist() == [0, 2_500, 5_000]
    assert len(grade_block(short, beats=True).grade) == 3


@pytest.mark.parametrize("rows", [0, 1, 2, 7, 249])
def test_tiny_blocks_are_graded_without_failing(rows: int) -> None:
    grades = grade_block(block(heart(1)[:rows]), beats=True)
    assert len(grades.grade) == (1 if rows else 0)


def test_only_an_ecg_must_have_beats() -> None:
    tremor = block(noise(20, 0.5))
    assert grade_block(tremor, beats=False).grade.tolist() == [0, 0]


def test_a_waveform_gets_grades_for_every_block_and_keeps_its_samples() -> None:
    given_blocks = (block(heart(20)), block(noise(20, 1)))
    waveform = Waveform(METRICS["ecg"], Source("patch", "Patch"), given_blocks)
    graded = grade_waveform(waveform)
    for before, after in zip(given_blocks, graded.blocks, strict=True):
        assert after.grades is not None
        assert after.channels is before.channels


def test_the_band_pass_keeps_its_band_and_nothing_else() -> None:
    at = np.arange(20 * RATE_HZ) / RATE_HZ
    for hertz, kept in ((1, False), (10, True), (50, False)):
        wave = band_pass(np.sin(2 * np.pi * hertz * at), float(RATE_HZ), 5.0, 15.0)
        power = float(np.square(wave[RATE_HZ:-RATE_HZ]).mean()) * 2
        assert power == pytest.approx(1 if kept else 0, abs=0.05)


@given(st.lists(st.integers(-100, 100), max_size=30), st.integers(1, 9))
def test_the_moving_mean_is_the_mean_of_its_neighbours(values: list[int], width: int) -> None:
    signal = np.array(values, np.float64)
    half = width // 2
    expected = [signal[max(row - half, 0) : row + half + 1].mean() for row in range(len(signal))]
    np.testing.assert_allclose(moving_mean(signal, width), expected, atol=1e-9)


@given(st.sets(st.integers(0, 200)), st.sets(st.integers(0, 200)), st.integers(0, 20))
def test_matches_are_pairs_within_reach(one: set[int], other: set[int], within: int) -> None:
    first, second = np.array(sorted(one), np.int64), np.array(sorted(other), np.int64)
    pairs = matched(first, second, within)
    assert pairs.sum() <= min(len(one), len(other))
    for row, paired in zip(first.tolist(), pairs.tolist(), strict=True):
        if paired:
            assert min(abs(second - row)) <= within
    assert matched(first, first, within).all()
