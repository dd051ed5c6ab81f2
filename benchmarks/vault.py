"""How fast series are sealed, committed and opened.

`figures()` returns (name, value, unit) rows.
"""

import os
import secrets
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np

from pulsekey.primitives.clock import Micros
from pulsekey.primitives.hashing import digest
from pulsekey.primitives.ids import Digest, OrganisationId, PatientId
from pulsekey.signals.catalogue import HEART_RATE
from pulsekey.signals.category import Category
from pulsekey.signals.series import Series, Source, Times, quantities
from pulsekey.vault.embedded import FileBlobStore, LocalCustodian
from pulsekey.vault.reading import Reader
from pulsekey.vault.records import SampleQuery, SeriesQuery
from pulsekey.vault.vault import Vault
from pulsekey.vault.writing import begin_import

Figure = tuple[str, float, str]
CLINIC = OrganisationId("clinic")
T0 = 1_700_000_000_000_000
HOUR_ROWS = 3_600
HOURS = 500
READ_ROWS = 200_000
READS = 300


class TimedBlobStore(FileBlobStore):
    """Counts what waiting for the disk costs."""

    wait_seconds = 0.0
    puts = 0

    def put(self, address: Digest, sealed: bytes) -> None:
        begin_wall, begin_cpu = time.perf_counter(), time.process_time()
        super().put(address, sealed)
        self.wait_seconds += time.perf_counter() - begin_wall - (time.process_time() - begin_cpu)
        self.puts += 1


def figures() -> list[Figure]:
    """Measure the vault on this machine, in a temporary folder."""
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        blobs = TimedBlobStore(home / "blobs", secrets.token_bytes)
        custodian = LocalCustodian(secrets.token_bytes(32), secrets.token_bytes)
        with Vault.create(home, blobs, custodian, secrets.token_bytes) as vault:
            return [
                *_sealing(vault, blobs, "hour-long 1 Hz series", HOUR_ROWS),
                *_sealing(vault, blobs, "65,536-row chunks", 65_536),
                *_again(vault),
                *_reading(vault),
                *_many_small_blobs(home),
            ]


def heart_rate(rows: int, first: int = 0, source: str = "watch") -> Series:
    """Return 1 Hz heart rate as a random walk, with 20 ms of jitter in its times."""
    chance = np.random.default_rng(first)
    start = T0 + (first + np.arange(rows, dtype=np.int64)) * 1_000_000
    start += chance.integers(-20_000, 20_000, rows)
    walk = 70 + np.cumsum(chance.integers(-1, 2, rows))
    values = np.clip(walk, 40, 180).astype(np.int64)
    times = Times(start, start, np.full(rows, 60, np.int16), np.zeros(rows, np.uint8))
    return Series(HEART_RATE, Source(source, source), times, (quantities(values, 0),))


def _sealing(vault: Vault, blobs: TimedBlobStore, name: str, rows: int) -> Iterator[Figure]:
    total = HOURS * HOUR_ROWS
    chunks = [heart_rate(rows, first) for first in range(0, total, rows)]
    count = sum(len(chunk) for chunk in chunks)
    blobs.wait_seconds, blobs.puts = 0.0, 0
    begin_wall, begin_cpu = time.perf_counter(), time.process_time()
    patient = PatientId(f"seal-{rows}")
    with begin_import(vault, patient, CLINIC, Micros(T0)) as session:
        for chunk in chunks:
            session.add_series(chunk)
        session.commit(b"")
    cpu, wall = time.process_time() - begin_cpu, time.perf_counter() - begin_wall
    with vault.index.reading() as reader:
        (size,) = reader.execute(
            "SELECT sum(length) FROM objects WHERE patient = ?", (patient,)
        ).fetchone()
    yield f"Series to sealed durable segments, {name}", count / cpu / 1e6, "M samples/s/core (CPU)"
    yield f"the same, wall time with {blobs.puts} pack fsyncs", count / wall / 1e6, "M samples/s"
    yield "of that waiting for packs", blobs.wait_seconds * 1e3, "ms"
    yield "sealed size", size / count, "B/sample"


def _again(vault: Vault) -> Iterator[Figure]:
    patient = PatientId("seal-65536")
    chunks = [heart_rate(65_536, first) for first in range(0, HOURS * HOUR_ROWS, 65_536)]
    begin = time.process_time()
    with begin_import(vault, patient, CLINIC, Micros(T0)) as session:
        known = sum(session.add_series(chunk).known for chunk in chunks)
    cpu = time.process_time() - begin
    yield "importing the same samples again", known / cpu / 1e6, "M samples/s/core (CPU)"


def _reading(vault: Vault) -> Iterator[Figure]:
    patient = PatientId("read")
    with begin_import(vault, patient, CLINIC, Micros(T0)) as session:
        for first in range(0, READ_ROWS, HOUR_ROWS):
            session.add_series(heart_rate(min(HOUR_ROWS, READ_ROWS - first), first))
        session.commit(b"")
    reader = Reader(vault)
    query = SampleQuery(SeriesQuery(patient, frozenset(Category)), limit=50)
    wall, cpu = _repeated(lambda: reader.samples(query))
    yield "last 50 of 200,000 samples, p50", wall * 1e3, "ms"
    yield "the same, CPU", cpu * 1e3, "ms"


def _repeated(work: Callable[[], object]) -> tuple[float, float]:
    walls: list[float] = []
    begin_cpu = time.process_time()
    for _ in range(READS):
        begin = time.perf_counter()
        work()
        walls.append(time.perf_counter() - begin)
    return statistics.median(walls), (time.process_time() - begin_cpu) / READS


def _many_small_blobs(home: Path) -> Iterator[Figure]:
    """Measure what a file for every segment would cost: the reason for packs (ADR 0030)."""
    store = FileBlobStore(home / "small", secrets.token_bytes)
    blobs = [os.urandom(9_000) for _ in range(200)]
    begin = time.perf_counter()
    for blob in blobs:
        store.put(digest(blob), blob)
    each = (time.perf_counter() - begin) / len(blobs)
    yield "a blob of one segment, durable, wall", each * 1e3, "ms"
