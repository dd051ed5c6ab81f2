"""Every store opens its file the same way: durable, private, migrated, and never a newer one."""

import sqlite3
import stat
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from pulsekey.consent.register import ConsentRegister
from pulsekey.evidence.access_log import AccessLog
from pulsekey.identity.database import Database
from pulsekey.ledger.anchoring import SqliteAnchors
from pulsekey.ledger.consensus.sqlite import SqliteConsensus
from pulsekey.ledger.heads import SqliteHeads
from pulsekey.ledger.settlement.journal import JournalledChain
from pulsekey.ledger.state.sqlite import SqliteState
from pulsekey.primitives.database import Waterline, open_database, transaction
from pulsekey.primitives.errors import Conflict, IntegrityError, Unavailable
from pulsekey.primitives.ids import LedgerId, PatientId
from pulsekey.vault.index import Index
from tests.fakes.counting_engine import CountingEngine

FULL, NORMAL = 2, 1
ONE = ("CREATE TABLE t (a INTEGER)",)
TWO = (*ONE, "ALTER TABLE t ADD COLUMN b INTEGER; CREATE INDEX t_b ON t (b)")


class NoKeys:
    """Nothing is sealed here."""

    def terms_key(self, patient: PatientId) -> bytes:
        raise AssertionError(patient)

    def access_key(self, patient: PatientId) -> bytes:
        raise AssertionError(patient)


def entropy(size: int) -> bytes:
    return bytes(size)


STORES: dict[str, Callable[[Path], sqlite3.Connection]] = {
    "identity": lambda path: Database(path, ONE)._connection,
    "consents": lambda path: ConsentRegister(path, NoKeys(), entropy)._db,
    "accesses": lambda path: AccessLog(path, NoKeys(), entropy)._db,
    "vault": lambda path: Index.create(path)._writer,
    "consensus": lambda path: SqliteConsensus(path, LedgerId(bytes(32)))._tables,
    "anchors": lambda path: SqliteAnchors(path)._tables,
    "chain": lambda path: JournalledChain(path, CountingEngine, entropy)._tables,
    "heads": lambda path: SqliteHeads(path)._tables,
    "state": lambda path: SqliteState(path)._tables,
}
DERIVED = {"heads", "state"}
"""What is executed again if it is lost, so that its commits need no sync."""


@pytest.mark.parametrize("name", STORES)
def test_a_store_is_durable_private_and_says_its_version(tmp_path: Path, name: str) -> None:
    path = tmp_path / "store.sqlite"
    with closing(STORES[name](path)) as connection:
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
        wanted = NORMAL if name in DERIVED else FULL
        assert connection.execute("PRAGMA synchronous").fetchone() == (wanted,)
        assert connection.execute("PRAGMA foreign_keys").fetchone() == (1,)
        assert connection.execute("PRAGMA secure_delete").fetchone() == (1,)
        assert connection.execute("PRAGMA user_version").fetchone()[0] >= 1
        assert {stat.S_IMODE(one.stat().st_mode) for one in tmp_path.iterdir()} == {0o600}


@pytest.mark.parametrize("name", STORES)
def test_a_store_of_a_newer_version_is_refused_and_left_alone(tmp_path: Path, name: str) -> None:
    path = tmp_path / "store.sqlite"
    with closing(sqlite3.connect(path)) as newer:
        newer.execute("PRAGMA user_version = 99")
    make = (lambda path: Index.open(path)._writer) if name == "vault" else STORES[name]
    with pytest.raises(Conflict, match=r"store\.sqlite was written by a newer Pulsekey.*99"):
        make(path)
    with closing(sqlite3.connect(path)) as after:
        assert after.execute("SELECT count(*) FROM sqlite_master").fetchone() == (0,)


def test_what_is_missing_is_migrated_once(tmp_path: Path) -> None:
    path = tmp_path / "t.sqlite"
    with closing(open_database(path, ONE)) as old:
        old.execute("INSERT INTO t VALUES (7)")
    for _ in range(2):
        with closing(open_database(path, TWO)) as new:
            assert new.execute("SELECT a, b FROM t").fetchall() == [(7, None)]
            assert new.execute("PRAGMA user_version").fetchone() == (2,)
    with pytest.raises(Conflict, match="newer"):
        open_database(path, ONE)


def test_a_migration_that_fails_leaves_the_store_as_it_was(tmp_path: Path) -> None:
    path = tmp_path / "t.sqlite"
    open_database(path, ONE).close()
    with pytest.raises(Unavailable, match="nonsense"):
        open_database(path, (*ONE, "DROP TABLE t; ALTER TABLE nonsense ADD COLUMN b INTEGER"))
    with closing(open_database(path, ONE)) as again:
        assert again.execute("SELECT count(*) FROM t").fetchone() == (0,)


def test_two_that_open_an_older_store_at_once_migrate_it_once(tmp_path: Path) -> None:
    path = tmp_path / "t.sqlite"
    open_database(path, ONE).close()
    with closing(open_database(path, TWO)), closing(open_database(path, TWO)) as second:
        assert second.execute("SELECT count(b) FROM t").fetchone() == (0,)


def test_what_is_no_database_is_named(tmp_path: Path) -> None:
    path = tmp_path / "t.sqlite"
    path.write_bytes(b"this is no database at all" * 100)
    with pytest.raises(IntegrityError, match=r"t\.sqlite is damaged"):
        open_database(path, ONE)


def test_an_exclusive_store_keeps_everybody_else_out(tmp_path: Path) -> None:
    path = tmp_path / "t.sqlite"
    with (
        closing(open_database(path, ONE, exclusive=True)),
        pytest.raises(Unavailable, match="locked"),
    ):
        open_database(path, ONE, exclusive=True)


@pytest.mark.parametrize("row", [(None, b""), ("x", b""), (1, None)])
def test_a_damaged_waterline_is_damage(tmp_path: Path, row: tuple[object, object]) -> None:
    with closing(open_database(tmp_path / "store.sqlite", ONE, waterline=True)) as store:
        store.execute("DROP TABLE waterline")
        store.execute("CREATE TABLE waterline (position, mark)")
        store.execute("INSERT INTO waterline VALUES (?, ?)", row)
        with pytest.raises(IntegrityError, match="lost its waterline"):
            Waterline(store).mark()


def test_a_waterline_counts_commits_that_changed_something(tmp_path: Path) -> None:
    path = tmp_path / "t.sqlite"
    with closing(open_database(path, ONE, waterline=True)) as store:
        line = Waterline(store)

        def write(statement: str) -> None:
            try:
                with transaction(store, path):
                    store.execute(statement)
                    line.rise()
            finally:
                line.risen()

        write("INSERT INTO t VALUES (1)")
        write("DELETE FROM t WHERE a = 9")
        write("DELETE FROM t")
        with pytest.raises(Unavailable):
            write("INSERT INTO nonsense VALUES (1)")
        line.keep(b"a mark")
        assert (line.position, line.mark()) == (2, b"a mark")
        write("DELETE FROM t WHERE a = 9")
        assert line.position == 2
    with closing(open_database(path, ONE, waterline=True)) as again:
        assert (Waterline(again).position, Waterline(again).mark()) == (2, b"a mark")
        again.execute("DELETE FROM waterline")
        with pytest.raises(IntegrityError, match="lost its waterline"):
            Waterline(again)
