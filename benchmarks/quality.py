"""How fast measurements are graded, summarised and totalled: figures for `make bench`."""

import time
from collections.abc import Callable, Iterator
from decimal import Decimal
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from pulsekey.primitives.clock import Micros
from pulsekey.quality.detectors import peaks_by_energy, peaks_by_slope
from pulsekey.quality.ecg import grade_waveform
from pulsekey.quality.grading import GradingContext, finish, grade_chunk
from pulsekey.quality.overlap import daily_totals
from pulsekey.quality.summary import summarise
from pulsekey.signals.catalogue import METRICS
from pulsekey.signals.metric import Code
from pulsekey.signals.series import (
    Basis,
    Block,
    Channel,
    Series,
    Source,
    Times,
    Waveform,
    quantities,
)

CHUNK_ROWS = 65_536
CHUNKS = 8
SECOND = 1_000_000
BEGIN = 1_600_000_000 * SECOND
RECEIVED = GradingContext(Micros(3_000_000_000 * SECOND))
ECG_HZ = 360
ECG_SECONDS = 1_800
REPEATS = 3


def _series(
    metric: str, step_seconds: int, values: NDArray[np.int64], source: str = "source"
) -> Series:
    n = len(values)
    start = BEGIN + np.arange(n, dtype=np.int64) * (step_seconds * SECOND)
    long = step_seconds * SECOND if metric == "steps" else 0
    at = Times(start, start + long, np.full(n, 60, np.int16), np.zeros(n, np.uint8))
    return Series(METRICS[metric], Source(source, source), at, (quantities(values, 0),))


def _best(work: Callable[[], object]) -> float:
    """Return the shortest of a few runs, in seconds."""
    times = []
    for _ in range(REPEATS):
        begin = time.perf_counter()
        work()
        times.append(time.perf_counter() - begin)
    return min(times)


def _in_chunks(chunk: Series) -> None:
    carry = None
    for _ in range(CHUNKS):
        _, carry = grade_chunk(chunk, RECEIVED, carry)
    assert carry is not None
    finish(carry, RECEIVED)


def _heart() -> NDArray[np.float64]:
    """Half an hour of ECG: a narrow wave a beat, and a little noise."""
    rng = np.random.default_rng(1)
    at = np.arange(ECG_SECONDS * ECG_HZ) / ECG_HZ
    phase = at % 0.83 - 0.4
    return np.exp(-np.square(phase / 0.011) / 2) + rng.normal(0, 0.02, len(at))


def measure() -> Iterator[tuple[str, str, float]]:
    """Yield (figure, unit, value)."""
    rng = np.random.default_rng(1)
    walk = np.cumsum(rng.integers(-1, 2, CHUNK_ROWS)) % 40
    kinds = (
        ("heart rate every 5 s", "heart-rate", 5, 60 + walk),
        ("heart rate at 1 Hz", "heart-rate", 1, 60 + walk),
        ("sensor glucose", "glucose-sensor", 300, 100 + 2 * walk),
        ("oxygen saturation", "oxygen-saturation", 600, 92 + walk % 8),
        ("steps", "steps", 300, 10 * walk),
    )
    for title, metric, step, values in kinds:
        chunk = _series(metric, step, values)
        seconds = _best(lambda chunk=chunk: _in_chunks(chunk))  # type: ignore[misc]
        yield f"grade {title}, in chunks", "samples/s", CHUNK_ROWS * CHUNKS / seconds
    measured = _series("heart-rate", 5, 60 + walk)
    yield "summarise heart rate", "samples/s", CHUNK_ROWS / _best(lambda: summarise(measured))
    watch = _series("steps", 300, 10 * walk, "Watch")
    phone = _series("steps", 290, 9 * walk, "iPhone")
    both = _best(lambda: daily_totals([watch, phone]))
    yield "daily totals of two sources", "intervals/s", 2 * CHUNK_ROWS / both
    lead = _heart()
    raw = (lead * 200).astype(np.int32)
    channel = Channel(Code("urn:bench", "lead", "lead"), "mV", Decimal("0.005"), Decimal(0), raw)
    block = Block(BEGIN, 0, Basis.RECORDED, Fraction(ECG_HZ), (channel,))
    waveform = Waveform(METRICS["ecg"], Source("ecg", "ecg"), (block,))
    for name, detect in (("slope", peaks_by_slope), ("energy", peaks_by_energy)):
        seconds = _best(lambda detect=detect: detect(lead, float(ECG_HZ)))  # type: ignore[misc]
        yield f"R peaks by {name}", "times real time", ECG_SECONDS / seconds
    seconds = _best(lambda: grade_waveform(waveform))
    yield "grade one ECG lead at 360 Hz", "times real time", ECG_SECONDS / seconds


if __name__ == "__main__":
    for figure, unit, value in measure():
        print(f"{figure:40} {value:14,.0f} {unit}")
