"""How fast measurements are graded, summarised and totalled."""

from collections.abc import Iterator
from decimal import Decimal
from fractions import Fraction
from functools import partial

import numpy as np
from numpy.typing import NDArray

from benchmarks.figures import Figure, cpu_seconds
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


def _series(
    metric: str, step_seconds: int, values: NDArray[np.int64], source: str = "source"
) -> Series:
    n = len(values)
    start = BEGIN + np.arange(n, dtype=np.int64) * (step_seconds * SECOND)
    long = step_seconds * SECOND if metric == "steps" else 0
    at = Times(start, start + long, np.full(n, 60, np.int16), np.zeros(n, np.uint8))
    return Series(METRICS[metric], Source(source, source), at, (quantities(values, 0),))


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


def figures() -> Iterator[Figure]:
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
        seconds = cpu_seconds(partial(_in_chunks, chunk))
        yield Figure(f"{title}, graded in chunks", CHUNK_ROWS * CHUNKS / seconds, "samples/s/core")
    measured = _series("heart-rate", 5, 60 + walk)
    seconds = cpu_seconds(lambda: summarise(measured))
    yield Figure("heart rate, summarised", CHUNK_ROWS / seconds, "samples/s/core")
    watch = _series("steps", 300, 10 * walk, "Watch")
    phone = _series("steps", 290, 9 * walk, "iPhone")
    seconds = cpu_seconds(lambda: daily_totals([watch, phone]))
    yield Figure("daily totals of two sources", 2 * CHUNK_ROWS / seconds, "intervals/s/core")
    yield from _waveforms()


def _waveforms() -> Iterator[Figure]:
    lead = _heart()
    raw = (lead * 200).astype(np.int32)
    channel = Channel(Code("urn:bench", "lead", "lead"), "mV", Decimal("0.005"), Decimal(0), raw)
    block = Block(BEGIN, 0, Basis.RECORDED, Fraction(ECG_HZ), (channel,))
    waveform = Waveform(METRICS["ecg"], Source("ecg", "ecg"), (block,))
    for name, detect in (("slope", peaks_by_slope), ("energy", peaks_by_energy)):
        seconds = cpu_seconds(partial(detect, lead, float(ECG_HZ)))
        yield Figure(f"R peaks by {name}", ECG_SECONDS / seconds, "times real time/core")
    seconds = cpu_seconds(lambda: grade_waveform(waveform))
    yield Figure("one ECG lead at 360 Hz, graded", ECG_SECONDS / seconds, "times real time/core")
