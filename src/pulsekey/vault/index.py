"""The index: one SQLite file that says what is kept where, in opaque ids, keyed tokens and days.

Nothing is visible before its transaction is durable (WAL, synchronous FULL). A damaged file raises
`IntegrityError`, a machine that cannot serve it `Unavailable`.
"""

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path

from pulsekey.primitives.database import Waterline, connect, migrate
from pulsekey.primitives.errors import Conflict, IntegrityError, NotFound, Unavailable

BUSY_SECONDS = 30.0
CACHE_KIB = 8_192

MIGRATIONS = (
    """
    CREATE TABLE node (name TEXT PRIMARY KEY, value BLOB NOT NULL) STRICT;

    CREATE TABLE patients (
        id TEXT PRIMARY KEY,
        secret BLOB NOT NULL,
        objects INTEGER NOT NULL,
        spine BLOB NOT NULL,
        sealed BLOB NOT NULL
    ) STRICT;

    CREATE TABLE epochs (
        id BLOB PRIMARY KEY,
        patient TEXT NOT NULL REFERENCES patients ON DELETE CASCADE,
        category BLOB NOT NULL,
        epoch INTEGER NOT NULL,
        wrapped BLOB NOT NULL,
        UNIQUE (patient, category, epoch)
    ) STRICT;

    CREATE TABLE imports (
        id TEXT PRIMARY KEY,
        patient TEXT NOT NULL REFERENCES patients ON DELETE CASCADE,
        organisation TEXT NOT NULL,
        day INTEGER NOT NULL,
        sealed BLOB NOT NULL
    ) STRICT;
    CREATE INDEX imports_of ON imports (patient, day);

    CREATE TABLE packs (
        address BLOB PRIMARY KEY,
        patient TEXT NOT NULL REFERENCES patients ON DELETE CASCADE,
        import TEXT NOT NULL REFERENCES imports ON DELETE CASCADE,
        length INTEGER NOT NULL
    ) STRICT;
    CREATE INDEX packs_of ON packs (patient);
    CREATE INDEX packs_from ON packs (import);

    CREATE TABLE objects (
        patient TEXT NOT NULL REFERENCES patients ON DELETE CASCADE,
        seq INTEGER NOT NULL,
        kind INTEGER NOT NULL,
        name TEXT NOT NULL,
        address BLOB NOT NULL,
        pack BLOB NOT NULL REFERENCES packs ON DELETE CASCADE,
        at INTEGER NOT NULL,
        length INTEGER NOT NULL,
        key BLOB NOT NULL REFERENCES epochs ON DELETE CASCADE,
        PRIMARY KEY (patient, seq)
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX objects_in ON objects (pack);
    CREATE INDEX objects_under ON objects (key);

    CREATE TABLE series (
        id TEXT PRIMARY KEY,
        patient TEXT NOT NULL REFERENCES patients ON DELETE CASCADE,
        token BLOB NOT NULL,
        category BLOB NOT NULL,
        metric BLOB NOT NULL,
        ordinals INTEGER NOT NULL,
        segments INTEGER NOT NULL,
        sealed BLOB NOT NULL,
        UNIQUE (patient, token)
    ) STRICT;

    CREATE TABLE segments (
        series TEXT NOT NULL REFERENCES series ON DELETE CASCADE,
        number INTEGER NOT NULL,
        patient TEXT NOT NULL,
        object INTEGER NOT NULL,
        first_day INTEGER NOT NULL,
        last_day INTEGER NOT NULL,
        first_ordinal INTEGER NOT NULL,
        last_ordinal INTEGER NOT NULL,
        sealed BLOB NOT NULL,
        PRIMARY KEY (series, number),
        FOREIGN KEY (patient, object) REFERENCES objects ON DELETE CASCADE
    ) STRICT;
    CREATE INDEX segments_by_last ON segments (series, last_day);
    CREATE INDEX segments_by_first ON segments (series, first_day);
    CREATE INDEX segments_at ON segments (patient, object);

    CREATE TABLE documents (
        id TEXT NOT NULL,
        version INTEGER NOT NULL,
        patient TEXT NOT NULL REFERENCES patients ON DELETE CASCADE,
        object INTEGER NOT NULL,
        token BLOB NOT NULL,
        type BLOB NOT NULL,
        category BLOB NOT NULL,
        first_day INTEGER,
        last_day INTEGER,
        import TEXT NOT NULL REFERENCES imports ON DELETE CASCADE,
        sealed BLOB NOT NULL,
        PRIMARY KEY (id, version),
        FOREIGN KEY (patient, object) REFERENCES objects ON DELETE CASCADE
    ) STRICT;
    CREATE UNIQUE INDEX documents_named ON documents (patient, token, version);
    CREATE INDEX documents_typed ON documents (patient, type, first_day);
    CREATE INDEX documents_from ON documents (import);
    CREATE INDEX documents_at ON documents (patient, object);

    CREATE TABLE document_codes (
        patient TEXT NOT NULL,
        code BLOB NOT NULL,
        document TEXT NOT NULL,
        version INTEGER NOT NULL,
        PRIMARY KEY (patient, code, document, version),
        FOREIGN KEY (document, version) REFERENCES documents ON DELETE CASCADE
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX document_codes_of ON document_codes (document, version);
    """,
    """
    CREATE TABLE stops (log_index INTEGER PRIMARY KEY) STRICT
    """,
)
"""One script a schema version, applied in order.

A script that was ever released does not change.
"""

_DAMAGED = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)
_BUSY = (
    sqlite3.SQLITE_BUSY,
    sqlite3.SQLITE_LOCKED,
    sqlite3.SQLITE_IOERR,
    sqlite3.SQLITE_FULL,
    sqlite3.SQLITE_CANTOPEN,
    sqlite3.SQLITE_READONLY,
    sqlite3.SQLITE_NOMEM,
)
_PRIMARY = 0xFF
"""The low byte of an extended result code is its kind."""


class Index:
    """Connections to the file.

    One that writes, under a lock, and as many that read as there are readers at a time: threads
    come and go, and a connection for each that ever read would use up the process's files.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._write_lock = threading.RLock()
        self._local = threading.local()
        self._idle: list[sqlite3.Connection] = []
        self._idle_lock = threading.Lock()
        self._closed = False
        self._writer = self._connect()

    @classmethod
    def create(cls, path: Path) -> "Index":
        """Make a new, empty index. Raises `Conflict` where there is one."""
        if path.exists():
            raise Conflict("there is a vault already")
        path.touch(mode=0o600)
        index = cls(path)
        index.migrate()
        return index

    @classmethod
    def open(cls, path: Path) -> "Index":
        """Open an index that exists, bringing an older schema up to date."""
        if not path.exists():
            raise NotFound("there is no vault here; it is created explicitly")
        index = cls(path)
        try:
            index.migrate()
        except BaseException:
            index.close()
            raise
        return index

    def migrate(self) -> None:
        """Apply what is missing. Refuse a schema newer than this program's."""
        with _named_errors():
            migrate(self._writer, self._path.name, MIGRATIONS, waterline=True)
            self.waterline = Waterline(self._writer)
            if _schema(self._writer) != _schema_expected():
                raise IntegrityError("the vault's index has lost its schema")

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """One consistent view for as long as the block runs.

        Nested blocks share the outer one's.
        """
        with _named_errors():
            outer: sqlite3.Connection | None = getattr(self._local, "reader", None)
            if outer is not None:
                yield outer
                return
            reader = self._lent()
            try:
                reader.execute("BEGIN")
                self._local.reader = reader
                yield reader
            finally:
                self._local.reader = None
                self._given_back(reader)

    @contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """One transaction: all of it is durable when the block ends, none of it if it raises."""
        with self._write_lock, _named_errors():
            self._require_open()
            self._writer.execute("BEGIN IMMEDIATE")
            try:
                yield self._writer
                self.waterline.rise()
                self._writer.execute("COMMIT")
            finally:
                if self._writer.in_transaction:
                    self._writer.execute("ROLLBACK")
                self.waterline.risen()

    def keep_mark(self, mark: bytes) -> None:
        """Keep the node's mark durably (ADR 0063)."""
        with self._write_lock, _named_errors():
            self.waterline.keep(mark)

    def truncate_wal(self) -> bool:
        """Fold the write-ahead log into the file, so that no copy of an erased page stays in it.

        False if a reader still needs the log.
        """
        with self._write_lock, _named_errors():
            busy, *_ = self._writer.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
            return not busy

    def damage(self) -> tuple[str, ...]:
        """Return what SQLite itself finds wrong with the file, nothing if it is sound."""
        try:
            with self.reading() as reader:
                found = [row[0] for row in reader.execute("PRAGMA integrity_check(20)")]
                broken = reader.execute("PRAGMA foreign_key_check").fetchmany(20)
        except IntegrityError as damage:
            return (str(damage),)
        loose = [f"a row of {table} refers to nothing" for table, *_ in broken]
        return tuple(text for text in (*found, *loose) if text != "ok")

    def close(self) -> None:
        """Close what nobody uses, and each reader once its block ends."""
        with self._write_lock, self._idle_lock:
            self._closed = True
            for connection in (*self._idle, self._writer):
                connection.close()
            self._idle.clear()

    def _lent(self) -> sqlite3.Connection:
        with self._idle_lock:
            self._require_open()
            if self._idle:
                return self._idle.pop()
        reader = self._connect()
        reader.execute("PRAGMA query_only = ON")
        return reader

    def _given_back(self, reader: sqlite3.Connection) -> None:
        # A failed read can have rolled back by itself (sqlite.org/lang_transaction.html, 2.3).
        if reader.in_transaction:
            reader.execute("ROLLBACK")
        with self._idle_lock:
            if self._closed:
                reader.close()
            else:
                self._idle.append(reader)

    def _require_open(self) -> None:
        if self._closed:
            raise Unavailable("the vault is closed")

    def _connect(self) -> sqlite3.Connection:
        with _named_errors():
            connection = connect(self._path, busy_seconds=BUSY_SECONDS)
            connection.execute(f"PRAGMA cache_size = -{CACHE_KIB}")
            return connection


@lru_cache(maxsize=1)
def _schema_expected() -> frozenset[tuple[str, ...]]:
    connection = sqlite3.connect(":memory:")
    try:
        migrate(connection, "", MIGRATIONS, waterline=True)
        return _schema(connection)
    finally:
        connection.close()


def _schema(connection: sqlite3.Connection) -> frozenset[tuple[str, ...]]:
    """Return what the file says its tables are: damage there would look like a mistake of ours."""
    return frozenset(
        connection.execute(
            "SELECT type, name, tbl_name, sql FROM sqlite_master WHERE name NOT LIKE 'sqlite_stat%'"
        )
    )


@contextmanager
def _named_errors() -> Iterator[None]:
    """Translate what SQLite raises. A broken constraint is a race that somebody else won."""
    try:
        yield
    except sqlite3.IntegrityError as cause:
        raise Conflict("the vault changed meanwhile") from cause
    except UnicodeDecodeError as cause:
        # SQLite quotes damaged text in its own messages.
        raise IntegrityError("the vault's index is damaged") from cause
    except sqlite3.DatabaseError as cause:
        code = getattr(cause, "sqlite_errorcode", None)
        if code is not None and code & _PRIMARY in _BUSY:
            raise Unavailable("the vault's index cannot be used now") from cause
        if code is None or code & _PRIMARY in _DAMAGED:
            # Text that is no longer UTF-8 comes without a code.
            raise IntegrityError("the vault's index is damaged") from cause
        raise
