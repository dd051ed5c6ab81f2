"""The embedded chain loses nothing that it acknowledged, and names what was changed behind it."""

import os
import random
import sqlite3
import subprocess
import sys
from pathlib import Path
from typing import NoReturn

import pytest

from pulsekey.ledger.settlement import journal
from pulsekey.ledger.settlement.journal import JournalledChain
from pulsekey.ledger.settlement.ports import Address, Event, Receipt
from pulsekey.ledger.settlement.receipts import decode_receipt, encode_receipt
from pulsekey.primitives.clock import Seconds
from pulsekey.primitives.errors import IntegrityError, Unavailable
from tests.fakes.counting_engine import PLACE, CountingEngine

SENDER = Address(b"s" * 20)
ROOT = Path(__file__).parents[2]
KILLS = 200 if os.environ.get("PULSEKEY_TEST_EFFORT") == "long" else 12


def entropy(size: int) -> bytes:
    return b"e" * size


def opened(path: Path) -> JournalledChain:
    return JournalledChain(path, CountingEngine, entropy)


def filled(path: Path, count: int) -> JournalledChain:
    chain = opened(path)
    for number in range(chain.length + 1, chain.length + count + 1):
        chain.transact(SENDER, PLACE, number.to_bytes(8), Seconds(number))
    return chain


def test_what_was_acknowledged_survives_sigkill_at_any_moment(tmp_path: Path) -> None:
    path, chance = tmp_path / "chain.sqlite", random.Random(7)
    acknowledged: dict[int, str] = {}
    for _ in range(KILLS):
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.contracts.journalling_process", str(path)],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert process.stdout is not None
        for _line in range(chance.randrange(1, 20)):
            number, data = process.stdout.readline().split()
            acknowledged[int(number)] = data
        process.kill()
        # What was written before the kill was acknowledged too.
        for line in process.stdout.read().splitlines():
            if line.count(" ") == 1 and len(line.split()[1]) == 64:
                number, data = line.split()
                acknowledged[int(number)] = data
        process.stdout.close()
        process.wait()
    chain = opened(path)
    found = {receipt.block: event.data.hex() for receipt, event in chain.events(PLACE, [])}
    assert acknowledged.items() <= found.items()
    # At most the one transaction that was under way at each kill is there without a word.
    assert len(found) - len(acknowledged) <= KILLS
    assert sorted(found) == list(range(1, chain.length + 1))
    chain.close()


def test_a_chain_goes_on_where_it_was(tmp_path: Path) -> None:
    path = tmp_path / "chain.sqlite"
    whole = filled(tmp_path / "whole.sqlite", 9)
    filled(path, 4).close()
    again = filled(path, 5)
    assert again.chain_id == whole.chain_id
    assert again.code(PLACE) == whole.code(PLACE)
    assert again.events(PLACE, []) == whole.events(PLACE, [])
    again.close()
    whole.close()


def test_time_never_falls_on_it(tmp_path: Path) -> None:
    chain = opened(tmp_path / "chain.sqlite")
    times = [chain.transact(SENDER, PLACE, b"", Seconds(at)).time for at in (5, 3, 9)]
    assert times == [5, 5, 9]
    chain.close()


def test_a_failed_transaction_is_kept_too(tmp_path: Path) -> None:
    path = tmp_path / "chain.sqlite"
    chain = opened(path)
    assert not chain.transact(SENDER, PLACE, b"fail", Seconds(1)).succeeded
    chain.close()
    again = opened(path)
    assert again.length == 1
    assert again.events(PLACE, []) == []
    again.close()


def test_two_processes_cannot_write_one_chain(tmp_path: Path) -> None:
    path = tmp_path / "chain.sqlite"
    chain = filled(path, 1)
    with pytest.raises(Unavailable):
        opened(path)
    chain.close()


def test_events_are_found_by_their_topics(tmp_path: Path) -> None:
    chain = filled(tmp_path / "chain.sqlite", 5)
    third = (3).to_bytes(8).ljust(32)
    [(receipt, event)] = chain.events(PLACE, [None, third])
    assert (receipt.block, event.topics[1]) == (3, third)
    assert len(chain.events(PLACE, [b"t" * 32])) == 5
    assert chain.events(Address(b"x" * 20), []) == []
    chain.close()


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE entry SET data = x'00' WHERE number = 3",
        "UPDATE entry SET time = 1 WHERE number = 3",
        "UPDATE entry SET receipt = x'00' WHERE number = 3",
        "UPDATE entry SET digest = zeroblob(32) WHERE number = 3",
        "DELETE FROM entry WHERE number = 3",
        "UPDATE chain SET id = id + 2",
    ],
)
def test_what_was_changed_behind_it_is_named(tmp_path: Path, change: str) -> None:
    path = tmp_path / "chain.sqlite"
    filled(path, 5).close()
    altered = sqlite3.connect(path)
    altered.execute(change)
    altered.commit()
    altered.close()
    with pytest.raises(IntegrityError, match=r"transaction [134] is (damaged|missing)"):
        opened(path)


def test_an_engine_that_gives_another_result_is_refused(tmp_path: Path) -> None:
    class Dearer(CountingEngine):
        def transact(self, sender: Address, to: Address, data: bytes, at: Seconds) -> Receipt:
            told = super().transact(sender, to, data, at)
            return Receipt(told.block, at, told.succeeded, told.gas_used + 1, told.events, None)

    path = tmp_path / "chain.sqlite"
    filled(path, 2).close()
    with pytest.raises(IntegrityError, match="transaction 1 gives another result"):
        JournalledChain(path, Dearer, entropy)


def test_a_snapshot_only_saves_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(journal, "SNAPSHOT_AFTER", 3)
    path = tmp_path / "chain.sqlite"
    filled(path, 5).close()
    opened(path).close()  # Replays five and keeps a snapshot.
    again = opened(path)
    assert isinstance(again._engine, CountingEngine)
    assert not again._engine.replayed_from_start
    state = again.code(PLACE)
    again.close()
    altered = sqlite3.connect(path)
    altered.execute("UPDATE snapshot SET content = zeroblob(40)")
    altered.commit()
    altered.close()
    without = opened(path)
    assert isinstance(without._engine, CountingEngine)
    assert without._engine.replayed_from_start
    assert without.code(PLACE) == state
    without.close()


def test_what_could_not_be_kept_did_not_happen(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    chain = filled(tmp_path / "chain.sqlite", 2)
    before = chain.code(PLACE)

    def full(_self: JournalledChain, *_: object) -> NoReturn:
        raise Unavailable("the disk is full")

    with monkeypatch.context() as patched:
        patched.setattr(JournalledChain, "_append", full)
        with pytest.raises(Unavailable):
            chain.transact(SENDER, PLACE, b"lost", Seconds(9))
    assert chain.length == 2
    assert chain.code(PLACE) == before
    assert chain.transact(SENDER, PLACE, b"kept", Seconds(9)).block == 3
    chain.close()


def test_a_receipt_is_read_back_as_it_was_written() -> None:
    events = (Event(PLACE, (b"a" * 32, b"b" * 32), b"data"), Event(SENDER, (), b""))
    receipt = Receipt(7, Seconds(8), True, 9, events, PLACE)
    assert decode_receipt(encode_receipt(receipt), 7, Seconds(8)) == receipt
    with pytest.raises(IntegrityError):
        decode_receipt(encode_receipt(receipt)[:20], 7, Seconds(8))
