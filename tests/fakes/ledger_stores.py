"""Ports of the ledger in memory, and hostile ones that lie, forget, or fail at the n-th call."""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from pulsekey.ledger.availability.files import FileAvailability
from pulsekey.ledger.consensus.sqlite import SqliteConsensus
from pulsekey.ledger.log.tiles import TileLog
from pulsekey.ledger.ports import Batch, Snapshot
from pulsekey.ledger.state.sqlite import SqliteState
from pulsekey.ledger.state.tree import Tree
from pulsekey.primitives.clock import Seconds
from pulsekey.primitives.errors import Conflict, NotFound, Unavailable
from pulsekey.primitives.hashing import digest
from pulsekey.primitives.ids import Digest


class MemoryConsensus:
    """Durable for as long as the test holds it."""

    def __init__(self) -> None:
        self.ordered: list[Batch] = []

    def order(self, operations: Sequence[bytes], time: Seconds) -> Batch:
        if self.ordered and time < self.ordered[-1].time:
            raise Conflict("time cannot fall")
        self.ordered.append(Batch(len(self.ordered) + 1, time, tuple(operations)))
        return self.ordered[-1]

    def batches(self, after: int) -> Iterator[Batch]:
        yield from self.ordered[after:]


class MemoryState:
    def __init__(self) -> None:
        self._kept: tuple[int, Snapshot] = (0, Tree())

    def present(self) -> tuple[int, Snapshot]:
        return self._kept

    def keep(self, batch: int, snapshot: Snapshot, writes: Sequence[tuple[bytes, bytes]]) -> None:
        del writes
        self._kept = (batch, snapshot)

    def clear(self) -> None:
        self._kept = (0, Tree())


class MemoryAvailability:
    def __init__(self) -> None:
        self._batches: dict[Digest, bytes] = {}

    def publish(self, content: bytes) -> Digest:
        self._batches[digest(content)] = content
        return digest(content)

    def fetch(self, address: Digest) -> bytes:
        if address not in self._batches:
            raise NotFound("no such batch")
        return self._batches[address]


class Failing:
    """Counts calls and fails at one of them, before or after the real thing was done."""

    def __init__(self, at: int, *, after: bool) -> None:
        self._left = at
        self._after = after

    def __call__(self, real: Callable[[], object]) -> object:
        self._left -= 1
        if self._left == 0 and not self._after:
            raise Unavailable("failed on purpose, before")
        result = real()
        if self._left == 0:
            raise Unavailable("failed on purpose, after")
        return result


class FailingConsensus(SqliteConsensus):
    def __init__(self, path: Path, ledger: bytes, failing: Failing) -> None:
        super().__init__(path, ledger)  # type: ignore[arg-type]  # plain bytes stand for a ledger id
        self._failing = failing

    def order(self, operations: Sequence[bytes], time: Seconds) -> Batch:
        real = super().order
        batch = self._failing(lambda: real(operations, time))
        assert isinstance(batch, Batch)
        return batch


class FailingState(SqliteState):
    def __init__(self, path: Path, failing: Failing) -> None:
        super().__init__(path)
        self._failing = failing

    def keep(self, batch: int, snapshot: Snapshot, writes: Sequence[tuple[bytes, bytes]]) -> None:
        real = super().keep
        self._failing(lambda: real(batch, snapshot, writes))


class FailingLog(TileLog):
    def __init__(self, folder: Path, failing: Failing) -> None:
        super().__init__(folder)
        self._failing = failing

    def _write(self, path: str, content: bytes) -> None:
        real = super()._write
        self._failing(lambda: real(path, content))


class FailingAvailability(FileAvailability):
    def __init__(self, folder: Path, failing: Failing) -> None:
        super().__init__(folder)
        self._failing = failing

    def publish(self, content: bytes) -> Digest:
        real = super().publish
        receipt = self._failing(lambda: real(content))
        assert isinstance(receipt, bytes)
        return Digest(receipt)


class ReorderingConsensus(MemoryConsensus):
    """Puts operations into another order than it was given."""

    def order(self, operations: Sequence[bytes], time: Seconds) -> Batch:
        return super().order(operations[::-1], time)


class ForgetfulConsensus(MemoryConsensus):
    """Acknowledges and keeps nothing."""

    def batches(self, after: int) -> Iterator[Batch]:
        del after
        yield from ()


class LyingAvailability(MemoryAvailability):
    """Gives a receipt for something else."""

    def publish(self, content: bytes) -> Digest:
        return super().publish(content + b"!")
