"""Our two R-peak detectors against the experts of the MIT-BIH database and another detector."""

import warnings
from collections.abc import Callable
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import sleepecg
from numpy.typing import NDArray

from pulsekey.quality.detectors import peaks_by_energy, peaks_by_slope
from pulsekey.quality.ecg import grade_block, matched
from pulsekey.signals.metric import Code
from pulsekey.signals.series import Basis, Block, Channel

with warnings.catch_warnings():
    # It uses what pandas deprecates, on being imported.
    warnings.simplefilter("ignore")
    import wfdb

RECORDS = ("101", "106", "119", "203", "208", "223")
BEATS = frozenset("NLRBAaJSVrFejnE/fQ?")
RATE_HZ = 360
WITHIN_ROWS = round(0.150 * RATE_HZ)

# wfdb reads annotations by what pandas deprecates.
pytestmark = pytest.mark.filterwarnings("ignore:The inplace keyword")

Detector = Callable[[NDArray[np.float64], float], NDArray[np.int64]]

DETECTORS: dict[str, tuple[Detector, float]] = {
    "slope": (peaks_by_slope, 0.99),
    "energy": (peaks_by_energy, 0.99),
}


EXCERPT = Path(__file__).parents[2] / "src" / "pulsekey" / "samples" / "files" / "mitdb208"


def read(folder: Path, record: str) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    return read_at(folder / "ecg" / record)


def read_at(path: Path) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    signals: Any = wfdb.rdrecord(str(path))
    notes: Any = wfdb.rdann(str(path), "atr")
    beats = [row for row, kind in zip(notes.sample, notes.symbol, strict=True) if kind in BEATS]
    return np.asarray(signals.p_signal[:, 0], np.float64), np.array(beats, np.int64)


def f1(truth: NDArray[np.int64], found: NDArray[np.int64]) -> float:
    return 2 * float(matched(truth, found, WITHIN_ROWS).sum()) / (len(truth) + len(found))


@pytest.mark.parametrize("name", DETECTORS)
def test_a_detector_agrees_with_the_experts_on_the_excerpt(name: str) -> None:
    detect, _ = DETECTORS[name]
    lead, truth = read_at(EXCERPT)
    assert len(truth) > 30
    assert f1(truth, detect(lead, float(RATE_HZ))) >= 0.97


@pytest.mark.parametrize("record", RECORDS)
@pytest.mark.parametrize("name", DETECTORS)
def test_a_detector_agrees_with_the_experts(full_records: Path, name: str, record: str) -> None:
    detect, _ = DETECTORS[name]
    lead, truth = read(full_records, record)
    assert f1(truth, detect(lead, float(RATE_HZ))) >= 0.98


@pytest.mark.parametrize("name", DETECTORS)
def test_over_all_hard_records_a_detector_is_at_least_as_good_as_published_ones(
    full_records: Path, name: str
) -> None:
    detect, least = DETECTORS[name]
    hits = all_beats = reference_hits = reference_beats = 0
    for record in RECORDS:
        lead, truth = read(full_records, record)
        found = detect(lead, float(RATE_HZ))
        theirs = sleepecg.detect_heartbeats(lead, RATE_HZ)
        hits += int(matched(truth, found, WITHIN_ROWS).sum())
        all_beats += len(truth) + len(found)
        reference_hits += int(matched(truth, theirs, WITHIN_ROWS).sum())
        reference_beats += len(truth) + len(theirs)
    assert 2 * hits / all_beats >= least
    assert 2 * hits / all_beats >= 2 * reference_hits / reference_beats - 0.002


def windows(folder: Path, record: str, *, noise: float = 0, off: bool = False) -> list[int]:
    """Grades of the first lead, with white noise of so many millivolts, or its middle third off."""
    lead, _ = read(folder, record)
    raw = lead * 200 + np.random.default_rng(1).normal(0, 200 * noise, len(lead))
    if off:
        third = len(raw) // 3
        raw[third : 2 * third] = raw[third]
    channel = Channel(
        Code("urn:test", "lead", "lead"),
        "mV",
        Decimal("0.005"),
        Decimal(0),
        raw.round().astype(np.int32),
    )
    block = Block(0, 0, Basis.RECORDED, Fraction(RATE_HZ), (channel,))
    return [int(each) for each in grade_block(block, beats=True).grade]


@pytest.mark.parametrize("record", RECORDS)
def test_records_that_experts_could_read_are_mostly_good(full_records: Path, record: str) -> None:
    grades = windows(full_records, record)
    assert grades.count(0) >= 0.95 * len(grades)


@pytest.mark.parametrize("record", RECORDS)
def test_a_record_never_grades_better_when_noise_is_added(full_records: Path, record: str) -> None:
    sums = [sum(windows(full_records, record, noise=each)) for each in (0, 0.3, 1, 3)]
    assert sums == sorted(sums)
    assert sums[-1] > 1.5 * 180


@pytest.mark.parametrize("record", RECORDS)
def test_a_third_without_electrode_is_a_third_unusable(full_records: Path, record: str) -> None:
    grades = windows(full_records, record, off=True)
    assert 58 <= grades.count(2) <= 63
