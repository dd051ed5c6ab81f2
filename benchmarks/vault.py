"""How fast series are sealed, committed and opened."""

import os
import secrets
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from benchmarks.figures import Figure, cpu_seconds, latencies, percentile, wall_seconds
from pulsekey.primitives.clock import Micros
from pulsekey.primitives.hashing import digest
from pulsekey.primitives.ids import Digest, OrganisationId, PatientId
from pulsekey.signals.catalogue import HEART_RATE
from pulsekey.signals.category import Category
from pulsekey.signals.grade import Grade, Reason
from pulsekey.signals.series import Grades, Series, Source, Times, quantities
from pulsekey.vault.embedded import FileBlobStore, LocalCustodian
from pulsekey.vault.reading import Reader
from pulsekey.vault.records import SampleQuery, SeriesQuery
from pulsekey.vault.vault import Vault
from pulsekey.vault.writing import begin_import

CLINIC = OrganisationId("clinic")
T0 = 1_700_000_000_000_000
HOUR_ROWS = 3_600
HOURS = 500
READ_ROWS = 200_000
READS = 300
LONG_ROWS = 65_536
BLOBS = 200
SEALED_TARGET = 5.0
DOUBTFUL_SHARE = 0.01


class TimedBlobStore(FileBlobStore):
    """Counts what waiting for the disk costs."""

    wait_seconds = 0.0
    puts = 0

    def put(self, address: Digest, sealed: bytes) -> None:
        begin_wall, begin_cpu = time.perf_counter(), time.process_time()
        super().put(address, sealed)
        self.wait_seconds += time.perf_counter() - begin_wall - (time.process_time() - begin_cpu)
        self.puts += 1


def figures() -> Iterator[Figure]:
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        blobs = TimedBlobStore(home / "blobs", secrets.token_bytes)
        custodian = LocalCustodian(secrets.token_bytes(32), secrets.token_bytes)
        with Vault.create(home, blobs, custodian, secrets.token_bytes) as vault:
            yield from _sealing(vault, blobs)
            yield from _reading(vault)
            yield _many_small_blobs(home)


def _sealing(vault: Vault, blobs: TimedBlobStore) -> Iterator[Figure]:
    total = HOURS * HOUR_ROWS
    ungraded = [heart_rate(HOUR_ROWS, first) for first in range(0, total, HOUR_ROWS)]
    hours = [hour.graded(_grades(HOUR_ROWS)) for hour in ungraded]
    long = [heart_rate(LONG_ROWS, first) for first in range(0, total, LONG_ROWS)]
    fresh = (PatientId(f"patient-{n}") for n in range(1_000))
    seconds = cpu_seconds(lambda: _seal(vault, next(fresh), hours))
    yield Figure(
        "series to durable segments, hours at 1 Hz",
        total / seconds / 1e6,
        "M samples/s/core",
        SEALED_TARGET,
        "graded; compared, cut, compressed, sealed, indexed, committed to",
    )
    blobs.wait_seconds, blobs.puts = 0.0, 0
    patient = next(fresh)
    wall = wall_seconds(lambda: _seal(vault, patient, hours), 1)
    yield Figure("the same, wall clock", total / wall / 1e6, "M samples/s")
    yield Figure("of that waiting for the disk", blobs.wait_seconds * 1e3, "ms")
    with vault.index.reading() as reader:
        (size,) = reader.execute(
            "SELECT sum(length) FROM objects WHERE patient = ?", (patient,)
        ).fetchone()
    yield Figure("the same, sealed size", size / total, "B/sample")
    rows = sum(map(len, long))
    seconds = cpu_seconds(lambda: _seal(vault, next(fresh), long))
    yield Figure(
        "series to durable segments, 65,536 rows", rows / seconds / 1e6, "M samples/s/core"
    )
    _seal(vault, known := next(fresh), long)
    seconds = cpu_seconds(lambda: _seal(vault, known, long), 3)
    yield Figure("the same samples again", rows / seconds / 1e6, "M samples/s/core")


def _seal(vault: Vault, patient: PatientId, chunks: list[Series]) -> None:
    vault.keys.enrol(patient)
    with begin_import(vault, patient, CLINIC, Micros(T0)) as session:
        for chunk in chunks:
            session.add_series(chunk)
        session.commit(b"")


def _grades(rows: int) -> Grades:
    """Return grades as a real hour has them: a few doubtful samples."""
    doubtful = np.random.default_rng(rows).random(rows) < DOUBTFUL_SHARE
    reasons = doubtful * np.uint32(Reason.IMPLAUSIBLE)
    return Grades(doubtful * np.uint8(Grade.QUESTIONABLE), reasons)


def heart_rate(rows: int, first: int = 0, source: str = "watch") -> Series:
    """Return 1 Hz heart rate as a random walk, with 20 ms of jitter in its times."""
    chance = np.random.default_rng(first)
    start = T0 + (first + np.arange(rows, dtype=np.int64)) * 1_000_000
    start += chance.integers(-20_000, 20_000, rows)
    walk = 70 + np.cumsum(chance.integers(-1, 2, rows))
    values = np.clip(walk, 40, 180).astype(np.int64)
    times = Times(start, start, np.full(rows, 60, np.int16), np.zeros(rows, np.uint8))
    return Series(HEART_RATE, Source(source, source), times, (quantities(values, 0),))


def _reading(vault: Vault) -> Iterator[Figure]:
    patient = PatientId("read")
    chunks = [
        heart_rate(min(HOUR_ROWS, READ_ROWS - first), first)
        for first in range(0, READ_ROWS, HOUR_ROWS)
    ]
    _seal(vault, patient, chunks)
    reader = Reader(vault)
    query = SampleQuery(SeriesQuery(patient, frozenset(Category)), limit=50)
    waits = latencies(lambda: reader.samples(query), READS)
    yield Figure("last 50 of 200,000 samples, p50", percentile(waits, 0.5) * 1e3, "ms")
    yield Figure("the same, p95", percentile(waits, 0.95) * 1e3, "ms")


def _many_small_blobs(home: Path) -> Figure:
    """Measure what a file for every segment would cost: the reason for packs (ADR 0030)."""
    store = FileBlobStore(home / "small", secrets.token_bytes)
    blobs = iter([os.urandom(9_000) for _ in range(BLOBS)])

    def put() -> None:
        blob = next(blobs)
        store.put(digest(blob), blob)

    waits = latencies(put, BLOBS)
    return Figure("one small file, durable, p50", percentile(waits, 0.5) * 1e3, "ms")
