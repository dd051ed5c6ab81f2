"""The index's connections: as many as are used at once, however many threads come and go."""

import sqlite3
import threading
from pathlib import Path

import pytest

from pulsekey.primitives.errors import NotFound, Unavailable
from pulsekey.vault.index import Index

THREADS = 40


def look(index: Index, opened: list[sqlite3.Connection], error: Exception | None = None) -> None:
    """Read once, and remember the connection if it is a new one."""
    with index.reading() as reader:
        reader.execute("SELECT count(*) FROM patients").fetchone()
        if not any(known is reader for known in opened):
            opened.append(reader)
        if error is not None:
            raise error


def roll_back(index: Index, error: Exception) -> None:
    """Do what SQLite does by itself where a read fails."""
    with index.reading() as reader:
        reader.execute("ROLLBACK")
        raise error


def test_threads_that_come_and_go_leave_no_connection_behind(tmp_path: Path) -> None:
    index, opened = Index.create(tmp_path / "vault.sqlite"), list[sqlite3.Connection]()
    for _ in range(THREADS):
        thread = threading.Thread(target=look, args=(index, opened))
        thread.start()
        thread.join()
    assert len(opened) == 1
    index.close()


def test_threads_that_read_at_once_have_a_view_each(tmp_path: Path) -> None:
    index = Index.create(tmp_path / "vault.sqlite")
    together = threading.Barrier(3)
    views: list[sqlite3.Connection] = []

    def hold() -> None:
        with index.reading() as reader:
            views.append(reader)
            together.wait()

    threads = [threading.Thread(target=hold) for _ in range(2)]
    for thread in threads:
        thread.start()
    together.wait()
    for thread in threads:
        thread.join()
    assert views[0] is not views[1]
    index.close()


def test_a_block_within_a_block_sees_what_the_outer_one_sees(tmp_path: Path) -> None:
    index = Index.create(tmp_path / "vault.sqlite")
    with index.reading() as outer:
        before = outer.execute("SELECT count(*) FROM node").fetchone()
        with index.writing() as writer:
            writer.execute("INSERT INTO node VALUES ('x', x'00')")
        with index.reading() as inner:
            assert inner is outer
            assert inner.execute("SELECT count(*) FROM node").fetchone() == before
        assert outer.in_transaction
    with index.reading() as reader:
        assert reader.execute("SELECT count(*) FROM node").fetchone() == (before[0] + 1,)
    index.close()


def test_a_reader_that_sqlite_rolled_back_still_says_what_happened(tmp_path: Path) -> None:
    index = Index.create(tmp_path / "vault.sqlite")
    broken = sqlite3.OperationalError("disk I/O error")
    broken.sqlite_errorcode = sqlite3.SQLITE_IOERR
    with pytest.raises(Unavailable):
        roll_back(index, broken)
    with index.reading() as reader:
        assert reader.in_transaction
    index.close()


def test_a_reader_that_finds_nothing_is_given_back(tmp_path: Path) -> None:
    index, opened = Index.create(tmp_path / "vault.sqlite"), list[sqlite3.Connection]()
    for _ in range(3):
        with pytest.raises(NotFound):
            look(index, opened, NotFound("nothing"))
    assert len(opened) == 1
    index.close()


def test_a_closed_index_is_out_of_reach_and_not_damaged(tmp_path: Path) -> None:
    index = Index.create(tmp_path / "vault.sqlite")
    with index.reading() as last:
        index.close()
        last.execute("SELECT 1").fetchone()
    with pytest.raises(sqlite3.ProgrammingError):
        last.execute("SELECT 1")
    with pytest.raises(Unavailable), index.reading():
        pass
    with pytest.raises(Unavailable), index.writing():
        pass
