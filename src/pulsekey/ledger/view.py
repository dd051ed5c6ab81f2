"""The ledger as it stood at one published head.

Whatever is asked of a view is proved under its one head, however far the ledger has moved on since.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field

from pulsekey.ledger.derived import Derived, Published
from pulsekey.ledger.encoding import decode_batch, decode_step, operation_digest
from pulsekey.ledger.evidence import StateEvidence
from pulsekey.ledger.ports import Head, Step
from pulsekey.primitives.errors import IntegrityError, MalformedInput, NotFound
from pulsekey.primitives.ids import Digest


@dataclass(frozen=True, slots=True)
class ProvedStep:
    """An operation, its step, and the path of the step's bytes to a head's log root."""

    signed: bytes
    step: Step
    inclusion: tuple[Digest, ...]


@dataclass(frozen=True, slots=True)
class View:
    """Safe to use from any thread, and for as long as the ledger is open."""

    published: Published = field(repr=False)
    derived: Derived = field(repr=False)

    @property
    def head(self) -> Head:
        return self.published.head

    @property
    def checkpoint(self) -> bytes:
        """The signed checkpoint over the head."""
        return self.published.checkpoint

    def operations_touching(self, key: bytes) -> Iterator[tuple[int, bytes]]:
        """Yield (log index, signed bytes) of every operation that read a state key, in order."""
        for index in self.derived.heads.touching(key, self.head.log_size):
            step = self.step(index)
            head, operations = self._batch(step.batch)
            signed = operations[index - head.log_size]  # Counted from the batch's end.
            if operation_digest(signed) != step.operation:
                raise IntegrityError(f"batch {step.batch} has another operation than the log")
            yield index, signed

    def operations_from(self, first: int) -> Iterator[tuple[int, bytes]]:
        """Yield (log index, signed bytes) of every operation from a log index on, in order."""
        if first >= self.head.log_size:
            return
        for number in range(self.step(first).batch, self.head.batch + 1):
            head, operations = self._batch(number)
            begin = head.log_size - len(operations)
            for index, signed in enumerate(operations, begin):
                if index >= first:
                    yield index, signed

    def step(self, index: int) -> Step:
        """Return the step at a log index, or raise `NotFound`."""
        if not 0 <= index < self.head.log_size:
            raise NotFound("no such entry under this head")
        try:
            return decode_step(self.derived.log.entry(index), where=f"log entry {index}")
        except MalformedInput as error:
            raise IntegrityError(str(error)) from error

    def prove(self, index: int, signed: bytes) -> ProvedStep:
        """Return the step at a log index with its path, for the operation that it is of."""
        step = self.step(index)
        return ProvedStep(signed, step, self.derived.log.inclusion(index, self.head.log_size))

    def state(self, key: bytes) -> StateEvidence:
        """Return the value of a state key under the head, with its proof."""
        snapshot = self.published.snapshot
        return StateEvidence(key, snapshot.get(key), snapshot.prove(key))

    def _batch(self, number: int) -> tuple[Head, tuple[bytes, ...]]:
        head = self.derived.heads.get(number)
        try:
            content = self.derived.availability.fetch(head.availability)
        except NotFound:
            raise IntegrityError(
                f"batch {number} is not available any more; `pulsekey rebuild` derives it anew"
            ) from None
        return head, decode_batch(content, ledger=head.ledger).operations
