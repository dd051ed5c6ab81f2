import threading
from pathlib import Path

import pytest

from pulsekey.ledger.embedded import LedgerHome, found, read_genesis
from pulsekey.ledger.pipeline import Limits
from pulsekey.ledger.ports import Refused, Step
from pulsekey.primitives.errors import (
    Conflict,
    IntegrityError,
    MalformedInput,
    NotFound,
    Unavailable,
)
from tests.fakes.ledger_toy import (
    CREATED,
    GENESIS,
    MemorySettlement,
    TickingClock,
    key,
    setting,
    toy_ledger,
    value,
)


def test_many_threads_submit_and_each_gets_its_own_step(tmp_path: Path) -> None:
    steps: dict[int, Step] = {}

    def submit(numbers: range) -> None:
        for number in numbers:
            steps[number] = ledger.submit(setting(key(number), value(number + 1)))

    with toy_ledger(tmp_path, limits=Limits(linger_seconds=0.001)) as ledger:
        threads = [threading.Thread(target=submit, args=(range(n, 80, 8),)) for n in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert sorted(step.index for step in steps.values()) == list(range(80))
        for number, step in steps.items():
            assert ledger.step(step.index) == step
            assert ledger.find(setting(key(number), value(number + 1))) == step
            assert ledger.executed(key(number)) == value(number + 1)


def test_a_refusal_is_a_conflict_that_carries_its_step(tmp_path: Path) -> None:
    with toy_ledger(tmp_path) as ledger:
        with pytest.raises(Conflict, match="code 1") as refused:
            ledger.submit(setting(key(1), value(2), old=value(1)))
        assert isinstance(refused.value, Refused)
        assert ledger.step(0) == refused.value.step


def test_batches_are_no_larger_than_the_limit_and_keep_the_order(tmp_path: Path) -> None:
    with toy_ledger(tmp_path, limits=Limits(batch_operations_max=7, linger_seconds=0)) as ledger:
        operations = [setting(key(n), value(n + 1)) for n in range(40)]
        steps = ledger.submit_many(operations)
        assert [step.index for step in steps] == list(range(40))
        assert [ledger.find(one) for one in operations] == steps
        sizes = [
            ledger.head_at(number).log_size - ledger.head_at(number - 1).log_size
            for number in range(1, ledger.head().batch + 1)
        ]
        assert max(sizes) <= 7
        assert sum(sizes) == 40


def test_batch_time_never_falls_even_if_the_clock_does(tmp_path: Path) -> None:
    clock = TickingClock(step_seconds=-100)
    with toy_ledger(tmp_path, clock=clock) as ledger:
        times = [ledger.submit(setting(key(n), value(1))).time for n in range(3)]
    assert times == [CREATED] * 3


def test_heads_are_chained_from_the_genesis(tmp_path: Path) -> None:
    with toy_ledger(tmp_path) as ledger:
        assert ledger.head() == ledger.head_at(0)
        assert bytes(ledger.head().parent) == GENESIS.ledger
        ledger.submit(setting(key(1), value(1)))
        ledger.find(setting(key(1), value(1)))
        assert ledger.head() == ledger.head_at(1)
        with pytest.raises(NotFound):
            ledger.head_at(2)
        with pytest.raises(NotFound):
            ledger.find(setting(key(2), value(1)))


def test_a_closed_ledger_takes_nothing(tmp_path: Path) -> None:
    with toy_ledger(tmp_path) as ledger:
        ledger.close()
        with pytest.raises(Unavailable, match="closed"):
            ledger.submit(setting(key(1), value(1)))
    with toy_ledger(tmp_path) as ledger:
        assert ledger.submit(setting(key(1), value(1))).index == 0


def test_the_worker_anchors_by_itself_and_outlives_a_chain_out_of_reach(tmp_path: Path) -> None:
    class Chain(MemorySettlement):
        def anchor(self, head, batch):  # type: ignore[no-untyped-def]  # as the port says
            anchored = super().anchor(head, batch)
            reached.set()
            return anchored

    reached = threading.Event()
    chain = Chain()
    with toy_ledger(tmp_path, settlement=chain) as ledger:
        chain.out_of_reach = 2
        ledger.submit(setting(key(1), value(1)))
        ledger.start_anchoring(0.001)
        assert reached.wait(30)
    assert len(chain.anchors) == 1


def test_a_ledger_without_a_chain_anchors_nothing(tmp_path: Path) -> None:
    with toy_ledger(tmp_path) as ledger:
        ledger.start_anchoring(0.001)
        ledger.submit(setting(key(1), value(1)))
        assert ledger.anchor_now() is None


@pytest.mark.parametrize(
    "wrong", [{"batch_operations_max": 0}, {"batch_operations_max": 5_000}, {"linger_seconds": 1.5}]
)
def test_limits_that_cannot_be_meant_are_refused(wrong: dict[str, int]) -> None:
    with pytest.raises(MalformedInput):
        Limits(**wrong)


def test_a_folder_keeps_one_ledger(tmp_path: Path) -> None:
    home = LedgerHome(tmp_path)
    with pytest.raises(NotFound):
        read_genesis(home)
    found(home, GENESIS)
    found(home, GENESIS)
    home.genesis.write_bytes(b"{}")
    with pytest.raises(Conflict):
        found(home, GENESIS)
    with pytest.raises(IntegrityError):
        read_genesis(home)
