"""The heads that batches led to, where each operation stands in the log, and what it touched.

Derived from consensus, like everything but consensus itself: a lost commit is executed again.
"""

import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any, TypeAlias

from pulsekey.ledger.encoding import decode_head, encode_head, head_digest
from pulsekey.ledger.ports import Head, Step
from pulsekey.primitives.database import open_database, transaction, translated
from pulsekey.primitives.errors import IntegrityError, MalformedInput, NotFound
from pulsekey.primitives.ids import Digest

SCHEMA = """
CREATE TABLE head (
    batch INTEGER PRIMARY KEY,
    digest BLOB NOT NULL UNIQUE CHECK (length(digest) = 32),
    content BLOB NOT NULL
) STRICT;
CREATE TABLE place (
    operation BLOB PRIMARY KEY CHECK (length(operation) = 32),
    log_index INTEGER NOT NULL
) STRICT, WITHOUT ROWID
"""
INDEX = """
CREATE TABLE touched (
    key BLOB NOT NULL CHECK (length(key) = 32),
    log_index INTEGER NOT NULL,
    PRIMARY KEY (key, log_index)
) STRICT, WITHOUT ROWID;
CREATE TABLE indexed (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    batch INTEGER NOT NULL
) STRICT
"""
"""Which operations read which state key, and the last batch for which that is filled in."""

MIGRATIONS = (SCHEMA, INDEX)

Touched: TypeAlias = Sequence[tuple[bytes, int]]
"""Pairs of a state key and the log index of an operation that read it."""


class SqliteHeads:
    """The heads of one ledger in one file. Safe to use from any thread."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._tables = open_database(path, MIGRATIONS, synchronous="NORMAL")

    def put(self, head: Head, steps: Sequence[Step], touched: Touched) -> None:
        """Keep a head, the places of its batch's operations and what they touched, or nothing."""
        with self._lock, transaction(self._tables, self._path):
            self._tables.execute(
                "INSERT INTO head VALUES (?, ?, ?)",
                (head.batch, head_digest(head), encode_head(head)),
            )
            # Bytes that were ordered twice keep their first place: the second one was refused.
            self._tables.executemany(
                "INSERT OR IGNORE INTO place VALUES (?, ?)",
                [(step.operation, step.index) for step in steps],
            )
            self._note(head.batch, touched)

    def index(self, batch: int, touched: Touched) -> None:
        """Note what the operations of batches up to `batch` touched, whose heads are here."""
        with self._lock, transaction(self._tables, self._path):
            self._note(batch, touched)

    def indexed(self) -> int:
        """Return the last batch of which it is noted what its operations touched."""
        row = self._one("SELECT batch FROM indexed", ())
        return 0 if row is None else int(row[0])

    def touching(self, key: bytes, below: int) -> list[int]:
        """Return the log indices under `below` of the operations that read a state key."""
        query = "SELECT log_index FROM touched WHERE key = ? AND log_index < ? ORDER BY log_index"
        with self._lock, translated(self._path):
            return [index for (index,) in self._tables.execute(query, (key, below))]

    def last(self) -> Head | None:
        """Return the newest head, or None before the first batch."""
        row = self._one("SELECT batch FROM head ORDER BY batch DESC LIMIT 1", ())
        return None if row is None else self.get(row[0])

    def get(self, batch: int) -> Head:
        """Return the head after `batch`, or raise `NotFound`."""
        row = self._one("SELECT digest, content FROM head WHERE batch = ?", (batch,))
        if row is None:
            raise NotFound(f"no head after batch {batch}")
        where = f"{self._path.name}, head {batch}"
        try:
            head = decode_head(row[1], where=where)
        except MalformedInput as error:
            raise IntegrityError(str(error)) from error
        if head_digest(head) != row[0] or head.batch != batch:
            raise IntegrityError(f"{where} does not match its digest")
        return head

    def batch_of(self, digest: Digest) -> int | None:
        """Return the batch whose head has that digest."""
        row = self._one("SELECT batch FROM head WHERE digest = ?", (digest,))
        return None if row is None else int(row[0])

    def place_of(self, operation: Digest) -> int | None:
        """Return the log index of the signed operation with that digest (tag OPERATION)."""
        row = self._one("SELECT log_index FROM place WHERE operation = ?", (operation,))
        return None if row is None else int(row[0])

    def close(self) -> None:
        """Let go of the file."""
        self._tables.close()

    def _note(self, batch: int, touched: Touched) -> None:
        # In order of the keys, so that neighbours in the table are written together.
        self._tables.executemany("INSERT OR IGNORE INTO touched VALUES (?, ?)", sorted(touched))
        self._tables.execute("INSERT OR REPLACE INTO indexed VALUES (1, ?)", (batch,))

    def _one(self, query: str, values: tuple[object, ...]) -> tuple[Any, ...] | None:
        with self._lock, translated(self._path):
            row: tuple[Any, ...] | None = self._tables.execute(query, values).fetchone()
            return row
