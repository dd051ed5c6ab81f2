"""Every Consensus keeps the promises written in pulsekey.ledger.ports.Consensus."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from pathlib import Path

import pytest

from pulsekey.ledger.consensus.sqlite import SqliteConsensus
from pulsekey.ledger.ports import Consensus
from pulsekey.primitives.clock import Seconds
from pulsekey.primitives.errors import Conflict
from tests.fakes.ledger_stores import MemoryConsensus
from tests.fakes.ledger_toy import LEDGER

# Adding an engine means adding a line here; nothing else in this file changes.
ENGINES: dict[str, Callable[[Path, ExitStack], Consensus]] = {
    "memory": lambda _, __: MemoryConsensus(),
    "sqlite": lambda folder, stack: stack.enter_context(
        closing(SqliteConsensus(folder / "consensus.sqlite", LEDGER))
    ),
}


@pytest.fixture(params=ENGINES)
def consensus(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Consensus]:
    with ExitStack() as stack:
        yield ENGINES[request.param](tmp_path, stack)


def test_numbers_rise_by_one_and_operations_keep_their_order(consensus: Consensus) -> None:
    first = consensus.order([b"b", b"a"], Seconds(5))
    second = consensus.order([b"a"], Seconds(5))
    assert (first.number, first.time, first.operations) == (1, 5, (b"b", b"a"))
    assert (second.number, second.operations) == (2, (b"a",))


def test_what_was_ordered_is_read_back_after_any_batch(consensus: Consensus) -> None:
    ordered = [consensus.order([b"%d" % n, b""], Seconds(n)) for n in range(1, 6)]
    for after in range(6):
        assert list(consensus.batches(after)) == ordered[after:]


def test_nothing_was_ordered_at_first(consensus: Consensus) -> None:
    assert list(consensus.batches(0)) == []


def test_time_never_falls(consensus: Consensus) -> None:
    consensus.order([b"a"], Seconds(9))
    with pytest.raises(Conflict):
        consensus.order([b"b"], Seconds(8))
    assert consensus.order([b"b"], Seconds(9)).number == 2


def test_reading_goes_on_while_batches_are_added(consensus: Consensus) -> None:
    consensus.order([b"a"], Seconds(1))
    reading = consensus.batches(0)
    assert next(reading).number == 1
    consensus.order([b"b"], Seconds(2))
    assert [batch.number for batch in consensus.batches(0)] == [1, 2]
