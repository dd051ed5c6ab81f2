"""Our two R-peak detectors against the experts of the MIT-BIH database and another detector."""

import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import sleepecg
from numpy.typing import NDArray

from pulsekey.quality.detectors import peaks_by_energy, peaks_by_slope
from pulsekey.quality.ecg import matched

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


def read(folder: Path, record: str) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    signals: Any = wfdb.rdrecord(str(folder / "ecg" / record))
    notes: Any = wfdb.rdann(str(folder / "ecg" / record), "atr")
    beats = [row for row, kind in zip(notes.sample, notes.symbol, strict=True) if kind in BEATS]
    return np.asarray(signals.p_signal[:, 0], np.float64), np.array(beats, np.int64)


def f1(truth: NDArray[np.int64], found: NDArray[np.int64]) -> float:
    return 2 * float(matched(truth, found, WITHIN_ROWS).sum()) / (len(truth) + len(found))


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
