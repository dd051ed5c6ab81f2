"""One writer on SQLite. What it has ordered is the truth; every other store derives from it.

One commit, synced, orders a whole batch. A second process that opens the same file is kept out.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path

from pulsekey.ledger.encoding import decode_batch, encode_batch
from pulsekey.ledger.ports import Batch
from pulsekey.primitives import tags
from pulsekey.primitives.clock import Seconds
from pulsekey.primitives.database import open_database, transaction, translated
from pulsekey.primitives.errors import Conflict, IntegrityError, MalformedInput
from pulsekey.primitives.hashing import tagged
from pulsekey.primitives.ids import LedgerId

SCHEMA = """
CREATE TABLE batch (
    number INTEGER PRIMARY KEY CHECK (number > 0),
    digest BLOB NOT NULL CHECK (length(digest) = 32),
    content BLOB NOT NULL
) STRICT
"""
MIGRATIONS = (SCHEMA,)


class SqliteConsensus:
    """The order of one ledger in one file."""

    def __init__(self, path: Path, ledger: LedgerId) -> None:
        self._path = path
        self._ledger = ledger
        self._tables = open_database(path, MIGRATIONS, exclusive=True)
        try:
            self._last = self._newest()
        except BaseException:
            self.close()
            raise

    def order(self, operations: Sequence[bytes], time: Seconds) -> Batch:
        if time < self._last.time:
            raise Conflict(f"time cannot fall from {self._last.time} to {time}")
        batch = Batch(self._last.number + 1, time, tuple(operations))
        content = encode_batch(self._ledger, batch)
        with transaction(self._tables, self._path):
            self._tables.execute(
                "INSERT INTO batch VALUES (?, ?, ?)",
                (batch.number, tagged(tags.BATCH, content), content),
            )
        self._last = batch
        return batch

    def batches(self, after: int) -> Iterator[Batch]:
        number = after
        with translated(self._path):
            # One row at a time: an open cursor would keep the write-ahead log from being folded in.
            while row := self._tables.execute(
                "SELECT number, digest, content FROM batch"
                " WHERE number > ? ORDER BY number LIMIT 1",
                (number,),
            ).fetchone():
                number += 1
                yield self._checked(number, *row)

    def close(self) -> None:
        """Let go of the file."""
        self._tables.close()

    def _newest(self) -> Batch:
        with translated(self._path):
            (number,) = self._tables.execute(
                "SELECT coalesce(max(number), 0) FROM batch"
            ).fetchone()
        return next(self.batches(number - 1), Batch(0, Seconds(0), ()))

    def _checked(self, expected: int, number: int, claimed: bytes, content: bytes) -> Batch:
        where = f"{self._path.name}, batch {expected}"
        if number != expected:
            raise IntegrityError(f"{where} is missing")
        if tagged(tags.BATCH, content) != claimed:
            raise IntegrityError(f"{where} does not match its digest")
        try:
            batch = decode_batch(content, ledger=self._ledger, where=where)
        except MalformedInput as error:
            raise IntegrityError(str(error)) from error
        if batch.number != number:
            raise IntegrityError(f"{where} calls itself {batch.number}")
        return batch
