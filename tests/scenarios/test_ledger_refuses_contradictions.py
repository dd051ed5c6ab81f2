"""Stores that contradict each other, or a chain that lies, keep the ledger closed or stop it."""

import sqlite3
from collections.abc import Sequence
from pathlib import Path

import pytest

from pulsekey.ledger.audit import audit
from pulsekey.ledger.embedded import LedgerHome
from pulsekey.ledger.encoding import encode_batch, encode_head, head_digest
from pulsekey.ledger.log.tiles import TileLog
from pulsekey.ledger.pipeline import Limits
from pulsekey.ledger.ports import Anchored, Batch, Head
from pulsekey.primitives import tags
from pulsekey.primitives.clock import Seconds
from pulsekey.primitives.errors import IntegrityError, Unavailable
from pulsekey.primitives.hashing import tagged
from pulsekey.primitives.ids import Digest
from tests.fakes.ledger_toy import (
    CREATED,
    LEDGER,
    MemorySettlement,
    ToyProgram,
    key,
    setting,
    toy_ledger,
    value,
)


def three_batches(folder: Path) -> list[Head]:
    with toy_ledger(folder) as ledger:
        for number in range(3):
            ledger.submit(setting(key(number), value(number + 1)))
        ledger.find(setting(key(2), value(3)))
        return [ledger.head_at(number) for number in range(4)]


def change(path: Path, statement: str, values: tuple[object, ...] = ()) -> None:
    tables = sqlite3.connect(path, isolation_level=None)
    tables.execute(statement, values)
    tables.close()


def findings(folder: Path) -> list[str]:
    report = audit(LedgerHome(folder), ToyProgram())
    return [f"{finding.place}: {finding.problem}" for finding in report.findings]


def test_an_order_that_ends_between_state_and_heads_is_not_believed(tmp_path: Path) -> None:
    heads = three_batches(tmp_path)
    change(tmp_path / "state.sqlite", "DELETE FROM leaf WHERE batch > 1")
    change(tmp_path / "state.sqlite", "UPDATE kept SET batch = 1, root = ?", (heads[1].state_root,))
    change(tmp_path / "consensus.sqlite", "DELETE FROM batch WHERE number = 3")
    with pytest.raises(IntegrityError, match="heads end at batch 3"), toy_ledger(tmp_path):
        pass


def test_state_that_lags_behind_the_heads_is_brought_up(tmp_path: Path) -> None:
    heads = three_batches(tmp_path)
    change(tmp_path / "state.sqlite", "DELETE FROM leaf WHERE batch > 1")
    change(tmp_path / "state.sqlite", "UPDATE kept SET batch = 1, root = ?", (heads[1].state_root,))
    with toy_ledger(tmp_path) as ledger:
        assert ledger.head() == heads[3]
        assert ledger.executed(key(2)) == value(3)
    assert findings(tmp_path) == []


def test_a_head_that_execution_does_not_lead_to_is_not_believed(tmp_path: Path) -> None:
    heads = three_batches(tmp_path)
    lie = Head(
        heads[2].ledger,
        2,
        heads[2].time,
        heads[1].state_root,
        heads[2].log_size,
        heads[2].log_root,
        heads[2].availability,
        heads[2].parent,
    )
    change(
        tmp_path / "heads.sqlite",
        "UPDATE head SET digest = ?, content = ? WHERE batch = 2",
        (head_digest(lie), encode_head(lie)),
    )
    change(tmp_path / "state.sqlite", "DELETE FROM leaf")
    change(tmp_path / "state.sqlite", "DELETE FROM kept")
    assert "heads.sqlite, head 2: is not what consensus leads to" in findings(tmp_path)
    with pytest.raises(IntegrityError, match="batch 2 again leads"), toy_ledger(tmp_path):
        pass


@pytest.mark.parametrize("note", [b"not a note", b"x\n\n\xe2\x80\x94 y aaaa\n"])
def test_a_damaged_checkpoint_keeps_the_ledger_closed(tmp_path: Path, note: bytes) -> None:
    three_batches(tmp_path)
    (tmp_path / "log/checkpoint").write_bytes(note)
    with pytest.raises(IntegrityError, match="checkpoint"), toy_ledger(tmp_path):
        pass


@pytest.mark.parametrize(
    ("number", "batch", "problem"),
    [
        (3, Batch(7, Seconds(CREATED + 99), ()), "does not follow batch 2"),
        (3, Batch(3, Seconds(0), ()), "is older than the one before it"),
    ],
)
def test_the_audit_names_a_batch_out_of_order_or_time(
    tmp_path: Path, number: int, batch: Batch, problem: str
) -> None:
    three_batches(tmp_path)
    content = encode_batch(LEDGER, batch)
    change(
        tmp_path / "consensus.sqlite",
        "UPDATE batch SET digest = ?, content = ? WHERE number = ?",
        (tagged(tags.BATCH, content), content, number),
    )
    assert f"consensus.sqlite, batch {number}: {problem}" in findings(tmp_path)


def test_the_audit_names_a_table_that_does_not_belong(tmp_path: Path) -> None:
    three_batches(tmp_path)
    change(tmp_path / "heads.sqlite", "CREATE TABLE more (a)")
    assert "heads.sqlite: does not have the ledger's tables" in findings(tmp_path)


def test_the_audit_names_a_checkpoint_of_an_earlier_head_and_one_of_nothing(tmp_path: Path) -> None:
    with toy_ledger(tmp_path) as ledger:
        ledger.submit(setting(key(1), value(1)))
        ledger.find(setting(key(1), value(1)))
        early = ledger.checkpoint()
        ledger.submit(setting(key(2), value(1)))
    (tmp_path / "log/checkpoint").write_bytes(early)
    assert findings(tmp_path) == ["log/checkpoint: is not of the newest head"]
    with toy_ledger(tmp_path):  # A checkpoint may lag: it is brought up.
        pass
    assert findings(tmp_path) == []
    with toy_ledger(tmp_path / "empty"):
        pass
    (tmp_path / "empty/log").mkdir()
    (tmp_path / "empty/log/checkpoint").write_bytes(early)
    assert findings(tmp_path / "empty") == [
        "log/checkpoint: is there although nothing was ever ordered"
    ]


def test_a_chain_that_names_another_head_is_not_believed(tmp_path: Path) -> None:
    class Lying(MemorySettlement):
        def anchor(self, head: Digest, batch: int) -> Anchored:
            del head
            return super().anchor(Digest(b"?" * 32), batch)

    with toy_ledger(tmp_path, settlement=Lying()) as ledger:
        ledger.submit(setting(key(1), value(1)))
        with pytest.raises(IntegrityError, match="another head"):
            ledger.anchor_now()
        assert ledger.evidence(ledger.step(0)).anchored is None


def test_a_log_that_swallows_entries_stops_the_ledger(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    append = TileLog.append

    def swallow(self: TileLog, entries: Sequence[bytes]) -> tuple[int, Digest]:
        return append(self, entries[1:])

    with toy_ledger(tmp_path) as ledger:
        monkeypatch.setattr(TileLog, "append", swallow)
        ledger.submit(setting(key(1), value(1)))
        with pytest.raises(Unavailable, match="the log has 0 entries"):
            ledger.step(0)
    monkeypatch.undo()
    with toy_ledger(tmp_path) as ledger:
        assert ledger.step(0).code == 0


def test_a_log_entry_that_is_no_step_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    three_batches(tmp_path)
    with toy_ledger(tmp_path) as ledger:
        monkeypatch.setattr(TileLog, "entry", lambda _, __: b"?")
        with pytest.raises(IntegrityError, match="log entry 1"):
            ledger.step(1)


def test_a_full_queue_says_later(tmp_path: Path) -> None:
    limits = Limits(linger_seconds=0, queue_operations_max=0)
    with (
        toy_ledger(tmp_path, limits=limits) as ledger,
        pytest.raises(Unavailable, match="too many"),
    ):
        ledger.submit(setting(key(1), value(1)))
