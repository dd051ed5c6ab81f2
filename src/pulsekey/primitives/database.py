"""SQLite as every store opens it: durable, its owner's alone, migrated, and never a newer one.

Write-ahead log and, unless a store can be derived anew, synchronous FULL: what was committed
survives SIGKILL and power loss. What stands in the tables is each store's own business; this module
knows one table only, the waterline (ADR 0063), in which a store counts its own commits.
"""

import os
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

from pulsekey.primitives.errors import Conflict, IntegrityError, Unavailable

BUSY_SECONDS = 10.0
OWNER_ONLY = 0o600

WATERLINE = """
CREATE TABLE IF NOT EXISTS waterline (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    position INTEGER NOT NULL,
    mark BLOB NOT NULL
) STRICT
"""
"""How often the store was committed to, and the newest mark of the whole node that it was told."""


def open_database(
    path: Path,
    migrations: Sequence[str],
    *,
    synchronous: Literal["FULL", "NORMAL"] = "FULL",
    exclusive: bool = False,
    waterline: bool = False,
) -> sqlite3.Connection:
    """Open or create the database at `path` and run the migrations that it lacks.

    NORMAL may lose the last commits to a power failure, never consistency: for what can be derived.
    `exclusive` keeps every other process out until this connection closes or its process dies. The
    connection commits by itself where no transaction was begun; the caller sees to the threads.

    Raises `Conflict` where a newer version wrote it, `IntegrityError` where it is damaged,
    `Unavailable` where it cannot be used now.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    connection = connect(path, synchronous=synchronous, exclusive=exclusive)
    try:
        with translated(path):
            migrate(connection, path.name, migrations, waterline=waterline)
    except BaseException:
        connection.close()
        raise
    return connection


def connect(
    path: Path,
    *,
    synchronous: Literal["FULL", "NORMAL"] = "FULL",
    exclusive: bool = False,
    busy_seconds: float = BUSY_SECONDS,
) -> sqlite3.Connection:
    """Open or create the file, with nothing in it yet; a second connection needs no more."""
    with translated(path):
        try:
            os.close(os.open(path, os.O_RDWR | os.O_CREAT, OWNER_ONLY))
        except OSError as error:
            raise Unavailable(f"{path.name}: {error.strerror}") from error
        connection = sqlite3.connect(
            path,
            timeout=0 if exclusive else busy_seconds,
            isolation_level=None,
            check_same_thread=False,
        )
        try:
            if exclusive:
                connection.execute("PRAGMA locking_mode = EXCLUSIVE")
            connection.execute("PRAGMA journal_mode = WAL").fetchone()
            connection.execute(f"PRAGMA synchronous = {synchronous}")
            connection.execute("PRAGMA foreign_keys = ON")
            # What is deleted is overwritten: an erasure means it.
            connection.execute("PRAGMA secure_delete = ON").fetchone()
            if exclusive:
                # The lock is taken at the first look, so that nobody else gets in between.
                connection.execute("BEGIN IMMEDIATE")
                connection.execute("COMMIT")
        except BaseException:
            connection.close()
            raise
    return connection


def migrate(
    connection: sqlite3.Connection,
    name: str,
    migrations: Sequence[str],
    *,
    waterline: bool = False,
) -> None:
    """Apply what is missing, all of it or nothing; `PRAGMA user_version` counts what was applied.

    No statement of a migration holds a semicolon. One that was ever released does not change.
    """
    if _version(connection) == len(migrations) and (not waterline or _counts(connection)):
        return
    connection.execute("BEGIN IMMEDIATE")
    try:
        for script in _missing(connection, name, migrations):
            for statement in script.split(";"):
                connection.execute(statement)
        if waterline:
            connection.execute(WATERLINE)
            connection.execute("INSERT OR IGNORE INTO waterline VALUES (1, 0, x'')")
        connection.execute(f"PRAGMA user_version = {len(migrations):d}")
        connection.execute("COMMIT")
    except BaseException:
        connection.rollback()
        raise


_LOST = "a store has lost its waterline"


class Waterline:
    """Counts what a store commits, so that an older copy of it can be told from the newest.

    `rise` belongs inside of each transaction that changes something, `risen` after its commit.
    """

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self.position = self._stored()
        self._changes = connection.total_changes

    def rise(self) -> None:
        """Count this transaction, unless it changed nothing."""
        if self._connection.total_changes != self._changes:
            self._connection.execute("UPDATE waterline SET position = position + 1")

    def risen(self) -> None:
        """Take note that the transaction ended: whether it was committed, the file says."""
        if self._connection.total_changes != self._changes:
            self.position = self._stored()
            self._changes = self._connection.total_changes

    def mark(self) -> bytes:
        """Return the mark that this store was told last, empty before the first."""
        (mark,) = self._connection.execute("SELECT mark FROM waterline").fetchone() or (b"",)
        if not isinstance(mark, bytes):
            raise IntegrityError(_LOST)
        return mark

    def keep(self, mark: bytes) -> None:
        """Keep a mark durably. Does not count as a commit of the store's own."""
        self._connection.execute("UPDATE waterline SET mark = ?", (mark,))
        self._changes = self._connection.total_changes

    def _stored(self) -> int:
        row = self._connection.execute("SELECT position FROM waterline").fetchone()
        # A damaged file may hold anything here, whatever its schema says.
        if row is None or not isinstance(row[0], int):
            raise IntegrityError(_LOST)
        return row[0]


@contextmanager
def translated(path: Path) -> Iterator[None]:
    """Turn SQLite's errors into ours: damage is `IntegrityError`, everything else `Unavailable`."""
    try:
        yield
    except sqlite3.OperationalError as error:
        raise Unavailable(f"{path.name}: {error}") from error
    except sqlite3.DatabaseError as error:
        raise IntegrityError(f"{path.name} is damaged: {error}") from error


@contextmanager
def transaction(connection: sqlite3.Connection, path: Path) -> Iterator[None]:
    """Do all of it or nothing."""
    with translated(path):
        connection.execute("BEGIN IMMEDIATE")
        try:
            yield
            connection.execute("COMMIT")
        except BaseException:
            # Does nothing where a failed COMMIT has rolled back by itself (a full disk, say).
            connection.rollback()
            raise


def _missing(connection: sqlite3.Connection, name: str, migrations: Sequence[str]) -> Sequence[str]:
    version = _version(connection)
    if not 0 <= version <= len(migrations):
        raise Conflict(
            f"{name} was written by a newer Pulsekey: its schema is version {version},"
            f" this program reads {len(migrations)}; install the newer one"
        )
    return migrations[version:]


def _version(connection: sqlite3.Connection) -> int:
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    return int(version)


def _counts(connection: sqlite3.Connection) -> bool:
    query = "SELECT 1 FROM sqlite_master WHERE name = 'waterline'"
    return connection.execute(query).fetchone() is not None
