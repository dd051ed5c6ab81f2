import sqlite3
from pathlib import Path

import pytest

from pulsekey.ledger.availability.files import FileAvailability
from pulsekey.ledger.consensus.sqlite import SqliteConsensus
from pulsekey.ledger.durable import sweep, write_durably
from pulsekey.ledger.heads import SqliteHeads
from pulsekey.ledger.log.tiles import TileLog
from pulsekey.ledger.state.sqlite import SqliteState
from pulsekey.primitives.clock import Seconds
from pulsekey.primitives.database import open_database, transaction
from pulsekey.primitives.errors import IntegrityError, Unavailable
from pulsekey.primitives.hashing import digest
from tests.fakes.ledger_toy import LEDGER, MemorySettlement, key, setting, toy_ledger, value

SCHEMA = "CREATE TABLE t (a INTEGER)"


def test_what_a_killed_writer_left_aside_is_swept_and_nothing_else(tmp_path: Path) -> None:
    write_durably(tmp_path / "a/b/file", b"content")
    aside = tmp_path / "a/b/.file.12345678.aside"
    aside.write_bytes(b"half")
    sweep(tmp_path)
    assert [path.name for path in (tmp_path / "a/b").iterdir()] == ["file"]
    write_durably(tmp_path / "a/b/file", b"other")
    assert (tmp_path / "a/b/file").read_bytes() == b"other"


def test_a_disk_that_refuses_is_unavailable_and_leaves_nothing(tmp_path: Path) -> None:
    (tmp_path / "taken").mkdir()
    with pytest.raises(Unavailable, match="taken"):
        write_durably(tmp_path / "taken", b"a folder stands there")
    assert [path.name for path in tmp_path.iterdir()] == ["taken"]


def test_a_store_that_cannot_be_read_is_unavailable(tmp_path: Path) -> None:
    availability = FileAvailability(tmp_path / "availability")
    availability.path(digest(b"x")).mkdir(parents=True)
    with pytest.raises(Unavailable):
        availability.fetch(digest(b"x"))
    log = TileLog(tmp_path / "log")
    size, root = log.append([b"a"])
    (tmp_path / "log/tile/0/000.p/1").unlink()
    (tmp_path / "log/tile/0/000.p/1").mkdir()
    with pytest.raises(Unavailable):
        TileLog(tmp_path / "log").resume(size, root)


def test_a_tile_that_was_cut_is_found_when_a_proof_needs_it(tmp_path: Path) -> None:
    log = TileLog(tmp_path)
    log.append([b"%d" % n for n in range(257)])
    (tmp_path / "tile/0/000").write_bytes(bytes(32 * 255))
    with pytest.raises(IntegrityError, match="tile/0/000 is cut off"):
        log.inclusion(0, 257)


def test_an_edge_that_lost_hashes_is_found(tmp_path: Path) -> None:
    log = TileLog(tmp_path)
    log.append([b"a", b"b", b"c"])
    log._edge[0].pop()
    with pytest.raises(IntegrityError, match="too short"):
        log.inclusion(0, 3)


def test_what_is_not_a_database_is_named(tmp_path: Path) -> None:
    path = tmp_path / "t.sqlite"
    path.write_bytes(b"this is no database at all" * 100)
    with pytest.raises(IntegrityError, match=r"t\.sqlite is damaged"):
        open_database(path, (SCHEMA,), synchronous="NORMAL")


def test_a_transaction_is_done_whole_or_not_at_all(tmp_path: Path) -> None:
    path = tmp_path / "t.sqlite"
    tables = open_database(path, (SCHEMA,), synchronous="NORMAL")
    with pytest.raises(Unavailable, match="nonsense"):
        _insert_and_fail(tables, path)
    assert tables.execute("SELECT count(*) FROM t").fetchone() == (0,)
    tables.close()


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ("DELETE FROM batch WHERE number = 2", "batch 2 is missing"),
        ("UPDATE batch SET content = x'00' WHERE number = 2", "batch 2 does not match"),
    ],
)
def test_damage_to_the_order_is_named(tmp_path: Path, change: str, problem: str) -> None:
    path = tmp_path / "consensus.sqlite"
    consensus = SqliteConsensus(path, LEDGER)
    for number in range(1, 4):
        consensus.order([b"x"], Seconds(number))
    consensus._tables.execute(change)
    with pytest.raises(IntegrityError, match=problem):
        list(consensus.batches(0))
    consensus.close()


def test_a_number_or_a_ledger_that_lies_is_named(tmp_path: Path) -> None:
    path = tmp_path / "consensus.sqlite"
    consensus = SqliteConsensus(path, LEDGER)
    consensus.order([b"x"], Seconds(1))
    consensus._tables.execute("UPDATE batch SET number = 2")
    with pytest.raises(IntegrityError, match="calls itself 1"):
        list(consensus.batches(1))
    consensus._tables.execute("UPDATE batch SET number = 1")
    consensus.close()
    with pytest.raises(IntegrityError, match="another ledger"):
        SqliteConsensus(path, b"y" * 32)  # type: ignore[arg-type]  # plain bytes stand for an id


def test_a_changed_leaf_keeps_the_state_closed(tmp_path: Path) -> None:
    with toy_ledger(tmp_path) as ledger:
        ledger.submit(setting(key(1), value(1)))
    _change(tmp_path / "state.sqlite", "UPDATE leaf SET value = zeroblob(32)")
    with pytest.raises(IntegrityError, match=r"state\.sqlite: the leaves"), toy_ledger(tmp_path):
        pass
    _change(tmp_path / "state.sqlite", "DELETE FROM leaf")
    _change(tmp_path / "state.sqlite", "UPDATE kept SET root = zeroblob(32)")
    with pytest.raises(IntegrityError, match="not the one of its head"), toy_ledger(tmp_path):
        pass
    state = SqliteState(tmp_path / "state.sqlite")
    state.clear()
    state.close()
    with toy_ledger(tmp_path) as ledger:
        assert ledger.executed(key(1)) == value(1)


@pytest.mark.parametrize("damage", ["content = x'00'", "digest = zeroblob(32)"])
def test_a_changed_head_is_named(tmp_path: Path, damage: str) -> None:
    with toy_ledger(tmp_path) as ledger:
        ledger.submit(setting(key(1), value(1)))
    _change(tmp_path / "heads.sqlite", f"UPDATE head SET {damage}")
    heads = SqliteHeads(tmp_path / "heads.sqlite")
    with pytest.raises(IntegrityError, match="head 1"):
        heads.get(1)
    heads.close()


def test_a_changed_anchor_is_named(tmp_path: Path) -> None:
    chain = MemorySettlement()
    with toy_ledger(tmp_path, settlement=chain) as ledger:
        step = ledger.submit(setting(key(1), value(1)))
        ledger.anchor_now()
    _change(tmp_path / "anchors.sqlite", "UPDATE anchor SET block = 7")
    with (
        toy_ledger(tmp_path) as ledger,
        pytest.raises(IntegrityError, match=r"anchors\.sqlite, anchor 1"),
    ):
        ledger.evidence(step)


def _insert_and_fail(tables: sqlite3.Connection, path: Path) -> None:
    with transaction(tables, path):
        tables.execute("INSERT INTO t VALUES (1)")
        tables.execute("nonsense")


def _change(path: Path, statement: str) -> None:
    tables = sqlite3.connect(path, isolation_level=None)
    tables.execute(statement)
    tables.close()
