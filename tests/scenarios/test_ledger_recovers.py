"""Whatever a layer does, what was acknowledged stays and the audit is clean afterwards."""

import re
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path

import pytest

from pulsekey.ledger import derived
from pulsekey.ledger.audit import audit
from pulsekey.ledger.derived import Derived
from pulsekey.ledger.embedded import LedgerHome, found, rebuild
from pulsekey.ledger.heads import SqliteHeads
from pulsekey.ledger.pipeline import Ledger, Limits
from pulsekey.ledger.ports import Availability, Consensus, Step
from pulsekey.primitives.errors import IntegrityError, Unavailable
from tests.fakes.ledger_stores import (
    Failing,
    FailingAvailability,
    FailingConsensus,
    FailingLog,
    FailingState,
    ForgetfulConsensus,
    LyingAvailability,
    MemoryConsensus,
    ReorderingConsensus,
)
from tests.fakes.ledger_toy import (
    CHECKPOINT_KEY,
    GENESIS,
    LEDGER,
    MemorySettlement,
    TickingClock,
    ToyProgram,
    key,
    setting,
    toy_ledger,
    value,
)

NEVER = Failing(-1, after=False)
LAYERS = ["consensus", "state", "log", "availability"]


@contextmanager
def ledger_with(
    folder: Path,
    *,
    failing: dict[str, Failing] | None = None,
    consensus: Consensus | None = None,
    availability: Availability | None = None,
) -> Iterator[Ledger]:
    home, fails = LedgerHome(folder), failing or {}
    found(home, GENESIS)
    with ExitStack() as stack:
        if consensus is None:
            consensus = stack.enter_context(
                closing(FailingConsensus(home.consensus, LEDGER, fails.get("consensus", NEVER)))
            )
        derived = Derived(
            GENESIS,
            ToyProgram(),
            stack.enter_context(closing(FailingState(home.state, fails.get("state", NEVER)))),
            FailingLog(home.log, fails.get("log", NEVER)),
            availability
            or FailingAvailability(home.availability, fails.get("availability", NEVER)),
            stack.enter_context(closing(SqliteHeads(home.heads))),
            CHECKPOINT_KEY.sign,
        )
        limits = Limits(linger_seconds=0)
        with Ledger(consensus, derived, TickingClock(), limits=limits) as ledger:
            yield ledger


@pytest.mark.parametrize("layer", LAYERS)
@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("call", [1, 2, 3, 5])
def test_a_layer_that_fails_once_stops_the_ledger_and_loses_nothing(
    tmp_path: Path, layer: str, call: int, after: bool
) -> None:
    acknowledged: list[Step] = []
    operations = [setting(key(n), value(n + 1)) for n in range(6)]
    with ledger_with(tmp_path, failing={layer: Failing(call, after=after)}) as ledger:
        with pytest.raises(Unavailable):
            _submit_all(ledger, operations, acknowledged)
        with pytest.raises(Unavailable):
            ledger.submit(setting(key(9), value(9)))
        for number in range(len(acknowledged)):
            assert ledger.executed(key(number)) == value(number + 1)
    # Whatever failed, it fails no more.
    with toy_ledger(tmp_path) as ledger:
        for number, step in enumerate(acknowledged):
            assert ledger.find(operations[number]) == step
            assert ledger.executed(key(number)) == value(number + 1)
        ledger.submit(setting(key(9), value(9)))
    assert audit(LedgerHome(tmp_path), ToyProgram()).findings == ()


@pytest.mark.parametrize("layer", ["state", "log", "availability"])
@pytest.mark.parametrize("call", range(1, 8))
def test_a_recovery_that_fails_is_recovered_from(tmp_path: Path, layer: str, call: int) -> None:
    with toy_ledger(tmp_path) as ledger:
        ledger.submit_many(setting(key(n), value(n + 1)) for n in range(3))
        head = ledger.head_at(ledger.find(setting(key(2), value(3))).batch)
    _forget_derived(LedgerHome(tmp_path))
    try:
        with ledger_with(tmp_path, failing={layer: Failing(call, after=True)}):
            pass
    except Unavailable:
        pass
    with toy_ledger(tmp_path) as ledger:
        assert ledger.head() == head
    assert audit(LedgerHome(tmp_path), ToyProgram()).findings == ()


def test_everything_derived_is_rebuilt_from_consensus(tmp_path: Path) -> None:
    with toy_ledger(tmp_path) as ledger:
        ledger.submit_many(setting(key(n), value(n + 1)) for n in range(700))
        ledger.submit(setting(key(1), value(7), old=value(2), nonce=1))
        ledger.find(setting(key(1), value(7), old=value(2), nonce=1))
        head, checkpoint = ledger.head(), ledger.checkpoint()
    home = LedgerHome(tmp_path)
    (home.log / "tile/0/000").write_bytes(b"half a tile")
    assert audit(home, ToyProgram()).findings
    rebuild(home, ToyProgram(), TickingClock(), CHECKPOINT_KEY.sign)
    assert audit(home, ToyProgram()).findings == ()
    with toy_ledger(tmp_path) as ledger:
        assert (ledger.head(), ledger.checkpoint()) == (head, checkpoint)


@pytest.mark.parametrize("size", [0, 16, 32])
def test_a_half_written_tile_is_named_when_the_ledger_opens(tmp_path: Path, size: int) -> None:
    with toy_ledger(tmp_path) as ledger:
        ledger.submit_many(setting(key(n), value(n + 1)) for n in range(3))
    tile = tmp_path / "log/tile/0/000.p/3"
    tile.write_bytes(tile.read_bytes()[:size])
    with pytest.raises(IntegrityError, match=r"tile/0/000\.p/3 is cut off"), toy_ledger(tmp_path):
        pass


def test_a_consensus_that_lost_batches_is_not_believed(tmp_path: Path) -> None:
    with toy_ledger(tmp_path) as ledger:
        ledger.submit(setting(key(1), value(1)))
        ledger.find(setting(key(1), value(1)))
    (tmp_path / "consensus.sqlite").unlink()
    with pytest.raises(IntegrityError, match="heads end at batch 1"), toy_ledger(tmp_path):
        pass
    for name in ("state.sqlite", "heads.sqlite"):
        (tmp_path / name).unlink()
    with pytest.raises(IntegrityError, match="ahead of consensus"), toy_ledger(tmp_path):
        pass


def test_a_consensus_with_another_batch_than_the_heads_is_not_believed(tmp_path: Path) -> None:
    for folder, number in ((tmp_path / "a", 1), (tmp_path / "b", 2)):
        with toy_ledger(folder) as ledger:
            ledger.submit(setting(key(number), value(1)))
    shutil.copy(tmp_path / "b/consensus.sqlite", tmp_path / "a/consensus.sqlite")
    with pytest.raises(IntegrityError, match="another batch 1"), toy_ledger(tmp_path / "a"):
        pass


def test_another_history_under_the_same_checkpoint_is_not_believed(tmp_path: Path) -> None:
    for folder, number in ((tmp_path / "a", 1), (tmp_path / "b", 2)):
        with toy_ledger(folder) as ledger:
            ledger.submit(setting(key(number), value(1)))
            ledger.find(setting(key(number), value(1)))
    shutil.copy(tmp_path / "b/consensus.sqlite", tmp_path / "a/consensus.sqlite")
    _forget_derived(LedgerHome(tmp_path / "a"))
    with pytest.raises(IntegrityError, match="contradicts"), toy_ledger(tmp_path / "a"):
        pass


def test_state_that_outlived_its_heads_is_derived_anew(tmp_path: Path) -> None:
    with toy_ledger(tmp_path) as ledger:
        ledger.submit_many(setting(key(n), value(n + 1)) for n in range(3))
    (tmp_path / "heads.sqlite").unlink()
    with toy_ledger(tmp_path) as ledger:
        assert ledger.executed(key(2)) == value(3)
    assert audit(LedgerHome(tmp_path), ToyProgram()).findings == ()


def test_a_consensus_that_reorders_is_caught_before_anything_is_executed(tmp_path: Path) -> None:
    with ledger_with(tmp_path, consensus=ReorderingConsensus()) as ledger:
        with pytest.raises(Unavailable, match="another batch"):
            ledger.submit_many([setting(key(1), value(1)), setting(key(2), value(2))])
        assert ledger.executed(key(1)) == bytes(32)


def test_a_consensus_that_forgets_is_caught_at_the_next_opening(tmp_path: Path) -> None:
    with ledger_with(tmp_path, consensus=ForgetfulConsensus()) as ledger:
        ledger.submit(setting(key(1), value(1)))
        ledger.find(setting(key(1), value(1)))
    with (
        pytest.raises(IntegrityError, match="lost batches"),
        ledger_with(tmp_path, consensus=ForgetfulConsensus()),
    ):
        pass


def test_a_receipt_for_something_else_stops_the_ledger(tmp_path: Path) -> None:
    with ledger_with(tmp_path, availability=LyingAvailability()) as ledger:
        ledger.submit(setting(key(1), value(1)))
        with pytest.raises(Unavailable, match="receipt"):
            ledger.find(setting(key(1), value(1)))


def test_what_is_not_admissible_is_refused_even_if_consensus_holds_it(tmp_path: Path) -> None:
    consensus = MemoryConsensus()
    forged = setting(key(1), value(1))[:-2] + b"??"
    consensus.order([forged, setting(key(2), value(2))], TickingClock().at_seconds)  # type: ignore[arg-type]  # an int is a second
    with ledger_with(tmp_path, consensus=consensus) as ledger:
        assert ledger.step(0).code == 0xFFFE
        assert ledger.executed(key(1)) == bytes(32)
        assert ledger.executed(key(2)) == value(2)


def test_only_one_process_opens_a_ledger(tmp_path: Path) -> None:
    with (
        toy_ledger(tmp_path),
        pytest.raises(Unavailable, match="locked"),
        toy_ledger(tmp_path),
    ):
        pass


def test_an_anchor_that_fails_is_made_later_and_nothing_is_lost(tmp_path: Path) -> None:
    chain = MemorySettlement()
    with toy_ledger(tmp_path, settlement=chain) as ledger:
        assert ledger.anchor_now() is None
        ledger.submit(setting(key(1), value(1)))
        chain.out_of_reach = 1
        with pytest.raises(Unavailable):
            ledger.anchor_now()
        step = ledger.submit(setting(key(2), value(2)))
        anchored = ledger.anchor_now()
        assert anchored == ledger.anchor_now() == ledger.evidence(step).anchored
        assert len(chain.anchors) == 1
    # A crash between anchoring and noting it: the chain knows.
    (tmp_path / "anchors.sqlite").unlink()
    with toy_ledger(tmp_path, settlement=chain) as ledger:
        assert ledger.evidence(step).anchored == anchored
    chain.out_of_reach = 1
    with toy_ledger(tmp_path, settlement=chain) as ledger:
        assert ledger.executed(key(2)) == value(2)


def test_a_chain_that_holds_a_head_unknown_here_keeps_the_ledger_closed(tmp_path: Path) -> None:
    chain = MemorySettlement()
    chain.anchor(GENESIS.ledger, 1)  # type: ignore[arg-type]  # any digest
    with (
        pytest.raises(IntegrityError, match="never had"),
        toy_ledger(tmp_path, settlement=chain),
    ):
        pass


def _submit_all(ledger: Ledger, operations: list[bytes], acknowledged: list[Step]) -> None:
    for signed in operations:
        acknowledged.append(ledger.submit(signed))
        ledger.find(signed)


def _forget_derived(home: LedgerHome) -> None:
    for tables in (home.state, home.heads):
        tables.unlink()
    shutil.rmtree(home.log / "tile")
    shutil.rmtree(home.availability)


def test_an_index_that_an_earlier_version_did_not_keep_is_filled_in(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(derived, "INDEXED_TOGETHER", 7)
    operations = [setting(key(n % 5), value(n + 1), nonce=n) for n in range(40)]
    with toy_ledger(tmp_path, limits=Limits(batch_operations_max=3, linger_seconds=0)) as ledger:
        ledger.submit_many(operations)
        kept = [*ledger.view().operations_touching(key(3))]
    assert [index for index, _ in kept] == [*range(3, 40, 5)]
    tables = sqlite3.connect(tmp_path / "heads.sqlite", isolation_level=None)
    tables.executescript("DROP TABLE touched; DROP TABLE indexed; PRAGMA user_version = 1")
    tables.close()
    with toy_ledger(tmp_path) as ledger:
        assert [*ledger.view().operations_touching(key(3))] == kept
        ledger.submit(setting(key(3), value(99), old=value(4), nonce=99))
        assert len([*ledger.view().operations_touching(key(3))]) == len(kept) + 1
    assert audit(LedgerHome(tmp_path), ToyProgram()).findings == ()


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ("DELETE FROM touched WHERE log_index = 2", "touched .* at 2: is missing"),
        ("UPDATE touched SET log_index = 9 WHERE log_index = 2", "at 9: is there without a reason"),
        ("DELETE FROM indexed", "indexed 1: is missing"),
    ],
)
def test_the_audit_names_what_is_wrong_with_the_index(
    tmp_path: Path, change: str, problem: str
) -> None:
    with toy_ledger(tmp_path) as ledger:
        ledger.submit_many(setting(key(n), value(n + 1)) for n in range(3))
    tables = sqlite3.connect(tmp_path / "heads.sqlite", isolation_level=None)
    tables.execute(change)
    tables.close()
    report = audit(LedgerHome(tmp_path), ToyProgram())
    assert any(re.search(problem, f"{one.place}: {one.problem}") for one in report.findings)
