"""Attacks on the order and the identity of operations, and damage to what is stored."""

import os
import random
import shutil
import sqlite3
from dataclasses import replace
from pathlib import Path

import pytest

from pulsekey.ledger.audit import audit
from pulsekey.ledger.embedded import LedgerHome
from pulsekey.ledger.evidence import StateEvidence, verify_evidence
from pulsekey.ledger.pipeline import Ledger, Limits
from pulsekey.ledger.ports import Refused
from pulsekey.primitives.errors import Conflict, IntegrityError, MalformedInput, PulsekeyError
from pulsekey.primitives.ids import Digest, LedgerId
from tests.fakes.ledger_toy import (
    GENESIS,
    WRONG_OLD_VALUE,
    MemorySettlement,
    ToyProgram,
    key,
    setting,
    toy_ledger,
    value,
)

FLIPS = 2_000 if os.environ.get("PULSEKEY_TEST_EFFORT") == "long" else 60


def test_a_replayed_operation_is_dropped_while_remembered_and_refused_for_ever(
    tmp_path: Path,
) -> None:
    signed = setting(key(1), value(1))
    with toy_ledger(tmp_path) as ledger:
        first = ledger.submit(signed)
        with pytest.raises(Conflict, match="submitted before"):
            ledger.submit(signed)
        assert ledger.find(signed) == first
    # Nothing remembers it after a restart but the state itself.
    with toy_ledger(tmp_path) as ledger:
        with pytest.raises(Refused) as refused:
            ledger.submit(signed)
        assert refused.value.step.code == WRONG_OLD_VALUE
        assert refused.value.step.pre == refused.value.step.post
        assert ledger.find(signed) == first
        assert ledger.executed(key(1)) == value(1)
    assert audit(LedgerHome(tmp_path), ToyProgram()).findings == ()


def test_a_duplicate_with_the_other_half_of_the_signatures_is_a_duplicate(tmp_path: Path) -> None:
    with toy_ledger(tmp_path) as ledger:
        ledger.submit(setting(key(1), value(1), variant=0))
        with pytest.raises(Conflict, match="submitted before"):
            ledger.submit(setting(key(1), value(1), variant=1))


def test_a_forged_copy_sent_ahead_does_not_block_the_real_operation(tmp_path: Path) -> None:
    real = setting(key(1), value(1))
    forged = real[:-33] + bytes(32) + real[-1:]
    with toy_ledger(tmp_path) as ledger:
        with pytest.raises(MalformedInput):
            ledger.submit(forged)
        assert ledger.submit(real).code == 0


def test_an_operation_of_another_ledger_never_gets_a_step(tmp_path: Path) -> None:
    other = replace(GENESIS, salt=b"t" * 32).ledger
    assert other != GENESIS.ledger
    with toy_ledger(tmp_path) as ledger:
        with pytest.raises(MalformedInput):
            ledger.submit(setting(key(1), value(1), ledger=other))
        with pytest.raises(MalformedInput):
            ledger.submit_many([setting(key(2), value(1)), setting(key(1), value(1), ledger=other)])
        # What stood in the same chunk was not ordered, and may come again.
        assert ledger.submit(setting(key(2), value(1))).index == 0


def test_reordered_operations_lead_elsewhere_and_the_audit_says_so(tmp_path: Path) -> None:
    with toy_ledger(tmp_path, limits=Limits(linger_seconds=0)) as ledger:
        ledger.submit_many([setting(key(1), value(1)), setting(key(2), value(2))])
    home = LedgerHome(tmp_path)
    with sqlite3.connect(home.consensus) as tables:
        (content,) = tables.execute("SELECT content FROM batch").fetchone()
        one, two = setting(key(1), value(1)), setting(key(2), value(2))
        swapped = content.replace(one, b"?").replace(two, one).replace(b"?", two)
        assert swapped != content
        tables.execute("UPDATE batch SET content = ?", (swapped,))
    tables.close()
    (first, *_) = audit(home, ToyProgram()).findings
    assert (first.place, first.problem) == (
        "consensus.sqlite, batch 1",
        "does not match its digest",
    )
    with pytest.raises(IntegrityError, match="batch 1 does not match"), toy_ledger(tmp_path):
        pass


def test_evidence_holds_and_every_changed_part_of_it_is_refused(tmp_path: Path) -> None:
    chain = MemorySettlement()
    with toy_ledger(tmp_path, settlement=chain) as ledger:
        ledger.submit_many(setting(key(n), value(n + 1)) for n in range(5))
        step = ledger.find(setting(key(3), value(4)))
        ledger.anchor_now()
        good = ledger.evidence(step, [key(3), key(99)])
    verify_evidence(GENESIS, good)
    assert [state.value for state in good.states] == [value(4), bytes(32)]
    assert good.anchored == chain.anchors[0]
    assert good.signed in good.batch
    present, absent = good.states
    changed = [
        replace(good, signed=setting(key(3), value(4), variant=1)),
        replace(good, step=replace(step, index=2)),
        replace(good, step=replace(step, code=1)),
        replace(good, step=replace(step, post=step.pre)),
        replace(good, inclusion=good.inclusion[::-1]),
        replace(good, head=replace(good.head, state_root=Digest(bytes(32)))),
        replace(good, head=replace(good.head, ledger=LedgerId(bytes(32)))),
        replace(good, head=replace(good.head, parent=Digest(bytes(32)))),
        replace(good, checkpoint=good.checkpoint.replace(b"head 1", b"head 2")),
        replace(good, states=(StateEvidence(key(3), bytes(32), absent.proof),)),
        replace(good, states=(StateEvidence(key(99), value(4), present.proof),)),
        replace(good, states=(StateEvidence(key(3), value(5), present.proof),)),
    ]
    for evidence in changed:
        with pytest.raises((IntegrityError, MalformedInput)):
            verify_evidence(GENESIS, evidence)
    with pytest.raises(PulsekeyError):
        verify_evidence(replace(GENESIS, checkpoint_key=b"x" * 32), good)


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("sound")
    chain = MemorySettlement()
    limits = Limits(batch_operations_max=64, linger_seconds=0)
    with toy_ledger(folder, settlement=chain, limits=limits) as ledger:
        ledger.submit_many(setting(key(n % 90), value(n), nonce=n) for n in range(300))
        ledger.anchor_now()
    assert audit(LedgerHome(folder), ToyProgram()).findings == ()
    return folder


def test_a_flipped_bit_in_any_file_is_found_and_the_file_named(sound: Path, tmp_path: Path) -> None:
    """In SQLite's files a bit may lie in unused space: then all rows must read as before."""
    places = random.Random(3)
    files = sorted(path.relative_to(sound) for path in sound.rglob("*") if path.is_file())
    assert {path.parts[0] for path in files} == {
        "anchors.sqlite",
        "availability",
        "consensus.sqlite",
        "genesis.json",
        "heads.sqlite",
        "log",
        "state.sqlite",
    }
    found = {True: 0, False: 0}
    for turn in range(max(FLIPS, len(files))):
        file = files[turn % len(files)]
        copy = tmp_path / str(turn)
        shutil.copytree(sound, copy)
        content = bytearray((copy / file).read_bytes())
        bit = places.randrange(len(content) * 8)
        content[bit // 8] ^= 1 << bit % 8
        (copy / file).write_bytes(content)
        findings = audit(LedgerHome(copy), ToyProgram()).findings
        if file.suffix == ".sqlite" and not findings:
            assert _rows_of(copy / file) == _rows_of(sound / file)
        else:
            assert any(_names(finding.place, file) for finding in findings), (file, bit, findings)
        found[bool(findings)] += 1
        shutil.rmtree(copy)
    assert found[True] > found[False]


@pytest.mark.parametrize(
    ("file", "table", "column"),
    [
        ("consensus.sqlite", "batch", "digest"),
        ("consensus.sqlite", "batch", "content"),
        ("heads.sqlite", "head", "digest"),
        ("heads.sqlite", "head", "content"),
        ("heads.sqlite", "place", "operation"),
        ("heads.sqlite", "place", "log_index"),
        ("state.sqlite", "leaf", "key"),
        ("state.sqlite", "leaf", "value"),
        ("state.sqlite", "leaf", "batch"),
        ("state.sqlite", "kept", "batch"),
        ("state.sqlite", "kept", "root"),
        ("anchors.sqlite", "anchor", "batch"),
        ("anchors.sqlite", "anchor", "block"),
        ("anchors.sqlite", "anchor", "time"),
        ("anchors.sqlite", "anchor", "head"),
        ("anchors.sqlite", "anchor", "accumulator"),
        ("anchors.sqlite", "anchor", "digest"),
    ],
)
def test_a_flipped_bit_in_any_column_is_found_and_the_table_named(
    sound: Path, tmp_path: Path, file: str, table: str, column: str
) -> None:
    shutil.copytree(sound, tmp_path, dirs_exist_ok=True)
    tables = sqlite3.connect(tmp_path / file, isolation_level=None)
    (old,) = tables.execute(f"SELECT {column} FROM {table} LIMIT 1 OFFSET 0").fetchone()
    new = old ^ 1 if isinstance(old, int) else bytes([old[0] ^ 1]) + old[1:]
    tables.execute(f"UPDATE {table} SET {column} = ? WHERE {column} = ?", (new, old))
    tables.close()
    findings = audit(LedgerHome(tmp_path), ToyProgram()).findings
    assert any(finding.place.startswith(file) for finding in findings)


def test_another_genesis_beside_the_same_order_is_named(sound: Path, tmp_path: Path) -> None:
    shutil.copytree(sound, tmp_path, dirs_exist_ok=True)
    (tmp_path / "genesis.json").write_bytes(replace(GENESIS, name="toz").encode())
    findings = audit(LedgerHome(tmp_path), ToyProgram()).findings
    assert "genesis.json" in {finding.place for finding in findings}


def test_what_is_missing_or_too_much_is_named(sound: Path, tmp_path: Path) -> None:
    shutil.copytree(sound, tmp_path, dirs_exist_ok=True)
    (tmp_path / "log/tile/0/000").unlink()
    (tmp_path / "log/tile/0/999").write_bytes(bytes(32))
    (tmp_path / "log/checkpoint").unlink()
    (tmp_path / "anchors.sqlite").unlink()
    (tmp_path / "availability/stray").write_bytes(b"?")
    places = {finding.place for finding in audit(LedgerHome(tmp_path), ToyProgram()).findings}
    assert places == {
        "log tile/0/000",
        "log tile/0/999",
        "log/checkpoint",
        "anchors.sqlite",
        "availability stray",
    }


def test_reading_never_waits_for_writing(tmp_path: Path) -> None:
    with toy_ledger(tmp_path) as ledger:
        _nothing_is_there(ledger)
        ledger.submit(setting(key(1), value(1)))
        assert ledger.executed(key(1)) == value(1)


def _nothing_is_there(ledger: Ledger) -> None:
    assert ledger.head().batch == 0
    assert ledger.executed(key(1)) == bytes(32)


def _names(place: str, file: Path) -> bool:
    if file.suffix == ".sqlite" or file.name == "genesis.json":
        return place.startswith(file.name)
    return "/".join(file.parts[1:]) in place


def _rows_of(path: Path) -> list[list[tuple[object, ...]]]:
    tables = sqlite3.connect(path)
    names = [
        name for (name,) in tables.execute("SELECT name FROM sqlite_master WHERE sql NOT NULL")
    ]
    rows = [sorted(tables.execute(f"SELECT * FROM {name}")) for name in sorted(names)]
    tables.close()
    return rows
