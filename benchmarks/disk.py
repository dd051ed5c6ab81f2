"""What this disk takes to make a small write durable: the waits of other tables rest on it."""

import os
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

from benchmarks.figures import Figure, latencies, percentile

WRITES = 300
BYTES = b"x" * 4_096


def figures() -> Iterator[Figure]:
    with tempfile.TemporaryDirectory() as folder:
        with (Path(folder) / "file").open("ab", buffering=0) as file:

            def append() -> None:
                file.write(BYTES)
                os.fdatasync(file.fileno())

            yield from _waits("4 KiB appended and synced", latencies(append, WRITES))
        with closing(sqlite3.connect(Path(folder) / "db", isolation_level=None)) as tables:
            tables.execute("PRAGMA journal_mode = WAL")
            tables.execute("PRAGMA synchronous = FULL")
            tables.execute("CREATE TABLE row (content BLOB)")

            def insert() -> None:
                tables.execute("INSERT INTO row VALUES (zeroblob(400))")

            yield from _waits("one row committed by SQLite", latencies(insert, WRITES))
    one, five, fifteen = os.getloadavg()
    note = f"{five:.1f} over five minutes, {fifteen:.1f} over fifteen"
    yield Figure("load of the machine meanwhile", one, "processes", note=note)


def _waits(name: str, waits: list[float]) -> Iterator[Figure]:
    yield Figure(f"{name}, p50", percentile(waits, 0.5) * 1e3, "ms")
    yield Figure(f"{name}, p95", percentile(waits, 0.95) * 1e3, "ms")
