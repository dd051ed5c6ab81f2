"""The present state's leaves in SQLite, each with its batch. The tree is built at opening.

Derived from consensus: commits are atomic but not synced, because a lost one is executed again.
"""

from collections.abc import Sequence
from pathlib import Path

from pulsekey.ledger.ports import ABSENT, Snapshot
from pulsekey.ledger.state.tree import Tree, tree_of
from pulsekey.primitives.database import open_database, transaction, translated
from pulsekey.primitives.errors import IntegrityError

SCHEMA = """
CREATE TABLE leaf (
    key BLOB PRIMARY KEY CHECK (length(key) = 32),
    value BLOB NOT NULL CHECK (length(value) = 32),
    batch INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE kept (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    batch INTEGER NOT NULL,
    root BLOB NOT NULL CHECK (length(root) = 32)
) STRICT
"""
MIGRATIONS = (SCHEMA,)


class SqliteState:
    """The state of one ledger in one file."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._tables = open_database(path, MIGRATIONS, synchronous="NORMAL")

    def present(self) -> tuple[int, Tree]:
        with translated(self._path):
            kept = self._tables.execute("SELECT batch, root FROM kept").fetchone()
            leaves = self._tables.execute("SELECT key, value FROM leaf").fetchall()
        batch, root = kept or (0, Tree().root)
        tree = tree_of(leaves)
        if tree.root != root:
            raise IntegrityError(
                f"{self._path.name}: the leaves do not hash to the root of {batch}"
            )
        return batch, tree

    def keep(self, batch: int, snapshot: Snapshot, writes: Sequence[tuple[bytes, bytes]]) -> None:
        last = dict(writes)
        with transaction(self._tables, self._path):
            self._tables.executemany(
                "INSERT INTO leaf VALUES (?, ?, ?) ON CONFLICT (key) DO UPDATE"
                " SET value = excluded.value, batch = excluded.batch",
                [(key, value, batch) for key, value in last.items() if value != ABSENT],
            )
            self._tables.executemany(
                "DELETE FROM leaf WHERE key = ?",
                [(key,) for key, value in last.items() if value == ABSENT],
            )
            self._tables.execute(
                "INSERT OR REPLACE INTO kept VALUES (1, ?, ?)", (batch, snapshot.root)
            )

    def clear(self) -> None:
        with transaction(self._tables, self._path):
            self._tables.execute("DELETE FROM leaf")
            self._tables.execute("DELETE FROM kept")

    def close(self) -> None:
        """Let go of the file."""
        self._tables.close()
