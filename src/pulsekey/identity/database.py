"""One SQLite file: durable when a transaction ends, one writer at a time, migrated when opened.

Write-ahead log and synchronous FULL: what was committed survives SIGKILL and power loss. A thread
holds the connection for the whole of its transaction, so other threads never see half of one.
"""

import sqlite3
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeAlias

from pulsekey.primitives.database import Waterline, open_database
from pulsekey.primitives.errors import Conflict, IntegrityError, Unavailable

Row: TypeAlias = tuple[Any, ...]
Value: TypeAlias = bytes | str | int | None


class Database:
    """A SQLite file of a known schema. Safe to share between threads and between processes."""

    def __init__(self, path: Path, migrations: Sequence[str]) -> None:
        """Open or create `path` (readable by its owner only) and run the migrations it lacks."""
        self._lock = threading.RLock()
        self._depth = 0
        self._connection = open_database(path, migrations, waterline=True)
        self.waterline = Waterline(self._connection)

    def close(self) -> None:
        with self._lock:
            self._connection.close()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Commit everything inside together, or nothing. Nested ones belong to the outermost."""
        with self._lock, _translated():
            if self._depth:
                yield
                return
            self._connection.execute("BEGIN IMMEDIATE")
            self._depth = 1
            try:
                yield
                self.waterline.rise()
                self._connection.execute("COMMIT")
            except BaseException:
                # Does nothing where a failed COMMIT has rolled back by itself (a full disk, say).
                self._connection.rollback()
                raise
            finally:
                self._depth = 0
                self.waterline.risen()

    def rows(self, sql: str, *values: Value) -> list[Row]:
        with self._lock, _translated():
            return self._connection.execute(sql, values).fetchall()

    def row(self, sql: str, *values: Value) -> Row | None:
        found = self.rows(sql, *values)
        return found[0] if found else None

    def write(self, sql: str, *values: Value) -> int:
        """Execute one statement, by itself or in the transaction around. Return rows changed."""
        with self.transaction():
            return self._connection.execute(sql, values).rowcount

    def keep_mark(self, mark: bytes) -> None:
        """Keep the node's mark durably (ADR 0063)."""
        with self._lock, _translated():
            self.waterline.keep(mark)


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except sqlite3.IntegrityError:
        raise Conflict("this contradicts what is already stored") from None
    except sqlite3.ProgrammingError:
        raise  # Ours: a closed connection or a statement that does not fit. A bug, not damage.
    except sqlite3.OperationalError as failure:
        raise Unavailable("the identity store could not be used") from failure
    except sqlite3.DatabaseError as damage:
        raise IntegrityError("the identity store is damaged") from damage
