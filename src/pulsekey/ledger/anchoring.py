"""Putting heads on the settlement chain, behind everybody's back. A failure delays, it never loses.

One anchor covers every batch since the one before: heads are chained by their parents.
"""

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

from pulsekey.ledger.encoding import head_digest
from pulsekey.ledger.ports import Anchored, Head, Settlement
from pulsekey.primitives import canonical
from pulsekey.primitives.clock import Seconds
from pulsekey.primitives.database import open_database, transaction, translated
from pulsekey.primitives.errors import IntegrityError, Unavailable
from pulsekey.primitives.hashing import digest
from pulsekey.primitives.ids import Digest

RETRY_SECONDS_MAX = 300.0
SCHEMA = """
CREATE TABLE anchor (
    batch INTEGER PRIMARY KEY,
    chain TEXT NOT NULL,
    block INTEGER NOT NULL,
    time INTEGER NOT NULL,
    head BLOB NOT NULL CHECK (length(head) = 32),
    accumulator BLOB NOT NULL CHECK (length(accumulator) = 32),
    digest BLOB NOT NULL
) STRICT
"""
MIGRATIONS = (SCHEMA,)


class SqliteAnchors:
    """Which heads were anchored where. Not derived from consensus, so every commit is synced."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._tables = open_database(path, MIGRATIONS)

    def keep(self, batch: int, anchored: Anchored) -> None:
        """Remember an anchor. Repeating is no error."""
        row = (
            batch,
            anchored.chain,
            anchored.block,
            anchored.time,
            anchored.head,
            anchored.accumulator,
            anchor_digest(batch, anchored),
        )
        with self._lock, transaction(self._tables, self._path):
            self._tables.execute("INSERT OR REPLACE INTO anchor VALUES (?, ?, ?, ?, ?, ?, ?)", row)

    def covering(self, batch: int) -> tuple[int, Anchored] | None:
        """Return the first anchor at or after `batch`, and the batch that it names."""
        return self._one("WHERE batch >= ? ORDER BY batch LIMIT 1", (batch,))

    def last(self) -> tuple[int, Anchored] | None:
        """Return the newest anchor, and the batch that it names."""
        return self._one("ORDER BY batch DESC LIMIT 1", ())

    def close(self) -> None:
        """Let go of the file."""
        self._tables.close()

    def _one(self, which: str, values: tuple[int, ...]) -> tuple[int, Anchored] | None:
        query = f"SELECT * FROM anchor {which}"  # noqa: S608 - one of two constants above
        with self._lock, translated(self._path):
            row = self._tables.execute(query, values).fetchone()
        if row is None:
            return None
        try:
            return read_anchor(row)
        except IntegrityError as error:
            raise IntegrityError(f"{self._path.name}, anchor {row[0]} {error}") from error


def anchor_digest(batch: int, anchored: Anchored) -> Digest:
    """Return the digest that is kept beside an anchor, to find damage: no other copy is at hand."""
    return digest(
        canonical.encode(
            [
                batch,
                anchored.chain,
                anchored.block,
                int(anchored.time),
                anchored.head.hex(),
                anchored.accumulator.hex(),
            ]
        )
    )


def read_anchor(row: tuple[Any, ...]) -> tuple[int, Anchored]:
    """Read a row of the table, or raise `IntegrityError`."""
    batch, chain, block, time, head, accumulator, claimed = row
    anchored = Anchored(chain, block, Seconds(time), Digest(head), Digest(accumulator))
    if anchor_digest(batch, anchored) != claimed:
        raise IntegrityError("does not match its digest")
    return batch, anchored


class Anchoring:
    """Anchors the newest head, every so often in a thread of its own and whenever asked to."""

    def __init__(
        self,
        settlement: Settlement,
        anchors: SqliteAnchors,
        newest: Callable[[], Head],
        batch_of: Callable[[Digest], int | None],
    ) -> None:
        self._settlement = settlement
        self._anchors = anchors
        self._newest = newest
        self._batch_of = batch_of
        self._lock = threading.Lock()
        self._stopped = threading.Event()
        self._worker: threading.Thread | None = None

    def reconcile(self) -> None:
        """Remember an anchor that a crash kept us from noting.

        A chain out of reach is asked later. Raises `IntegrityError` if the chain holds a head that
        this ledger never had.
        """
        try:
            latest = self._settlement.latest()
        except Unavailable:
            return
        if latest is None:
            return
        batch = self._batch_of(latest.head)
        if batch is None:
            raise IntegrityError("the settlement chain holds a head that this ledger never had")
        self._anchors.keep(batch, latest)

    def anchor_now(self) -> Anchored | None:
        """Anchor the newest head and return where; None before the first batch.

        Raises `Unavailable` when the chain is out of reach, `IntegrityError` when it lies.
        """
        with self._lock:
            head = self._newest()
            if head.batch == 0:
                return None
            wanted = head_digest(head)
            last = self._anchors.last()
            if last is not None and last[1].head == wanted:
                return last[1]
            anchored = self._settlement.anchor(wanted, head.batch)
            if anchored.head != wanted:
                raise IntegrityError(
                    "the settlement chain names another head than the one put on it"
                )
            self._anchors.keep(head.batch, anchored)
            return anchored

    def start(self, interval_seconds: float) -> None:
        """Anchor every `interval_seconds`, waiting longer after each failure in a row."""
        self._worker = threading.Thread(
            target=self._work, args=(interval_seconds,), name="anchoring", daemon=True
        )
        self._worker.start()

    def stop(self) -> None:
        """End the worker; what is not anchored yet is anchored after the next start."""
        self._stopped.set()
        if self._worker is not None:
            self._worker.join()

    def _work(self, interval_seconds: float) -> None:
        wait_seconds = interval_seconds
        while not self._stopped.wait(wait_seconds):
            try:
                self.anchor_now()
                wait_seconds = interval_seconds
            except Unavailable:
                wait_seconds = min(wait_seconds * 2, RETRY_SECONDS_MAX)
