"""SQLite as the ledger uses it: write-ahead log, a schema version, and errors in our own words."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

from pulsekey.primitives.errors import IntegrityError, Unavailable

BUSY_MILLISECONDS = 5_000


def open_tables(
    path: Path,
    *,
    schema: str,
    version: int,
    synchronous: Literal["FULL", "NORMAL"],
    exclusive: bool = False,
) -> sqlite3.Connection:
    """Open or create the database at `path`.

    FULL syncs every commit; NORMAL may lose the last commits to a power failure, never consistency.
    `exclusive` keeps every other process out until this connection closes or its process dies.
    """
    with translated(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        # Autocommit: transactions are begun where they are meant. The caller sees to the threads.
        tables = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        try:
            tables.execute(f"PRAGMA busy_timeout = {0 if exclusive else BUSY_MILLISECONDS}")
            if exclusive:
                tables.execute("PRAGMA locking_mode = EXCLUSIVE")
            tables.execute("PRAGMA journal_mode = WAL")
            tables.execute(f"PRAGMA synchronous = {synchronous}")
            _prepare(tables, path, schema, version)
        except BaseException:
            tables.close()
            raise
    return tables


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
def transaction(tables: sqlite3.Connection, path: Path) -> Iterator[None]:
    """Do all of it or nothing."""
    with translated(path):
        tables.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            tables.execute("ROLLBACK")
            raise
        tables.execute("COMMIT")


def _prepare(tables: sqlite3.Connection, path: Path, schema: str, version: int) -> None:
    tables.execute("BEGIN IMMEDIATE")
    (found,) = tables.execute("PRAGMA user_version").fetchone()
    if found == 0:
        for statement in schema.split(";"):
            tables.execute(statement)
        tables.execute(f"PRAGMA user_version = {version}")
    tables.execute("COMMIT")
    if found not in {0, version}:
        raise IntegrityError(
            f"{path.name} has schema version {found}, this program knows {version}"
        )
