"""What the ledger needs from outside, and what its layers promise each other.

The ledger orders, executes and proves opaque operations. What they mean is the business of the
program, which wiring injects. Layers share these types and nothing else; `pipeline.py` joins them.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import Protocol, Self, TypeAlias

from pulsekey.primitives.clock import Seconds
from pulsekey.primitives.errors import Conflict
from pulsekey.primitives.ids import Digest, LedgerId

STATE_KEYS_MAX = 4
"""No operation reads or writes more state keys than this: a dispute re-executes one step."""

ABSENT = bytes(32)
"""The value of a key that was never written. Writing it removes the key."""

CODE_PROGRAM_FAULT = 0xFFFF
"""The refusal of an operation for which the program broke its own promises (undeclared keys)."""

CODE_INADMISSIBLE = 0xFFFE
"""The refusal of an ordered operation that is not admissible: consensus is not trusted for it."""


class Verdict(IntEnum):
    """Admission's answer."""

    OK = 0
    DROP = 1
    LATER = 2


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one operation did: `code` 0 and its ordered writes, or a refusal code and none."""

    code: int
    writes: tuple[tuple[bytes, bytes], ...] = ()


class Program(Protocol):
    """Gives operations their meaning. Pure and total: same input, same output, nothing raises.

    Trusted by those who run it; anyone may run it again. The consent program is the only one today.
    What the ledger knows of the bytes is their envelope: `operation length u16 | operation |
    witness`. Two submissions of one operation are duplicates whatever their witnesses are, because
    signatures are malleable. Codes 0xFFFE and 0xFFFF are the ledger's own.
    """

    def admissible(self, ledger: LedgerId, signed: bytes) -> bool:
        """Whether the bytes are one operation, of a known version, whose signature holds."""

    def keys(self, signed: bytes) -> tuple[bytes, ...]:
        """Return the state keys that an admissible operation reads, at most `STATE_KEYS_MAX`."""

    def transition(self, values: Sequence[bytes], signed: bytes, batch_time: Seconds) -> Outcome:
        """Execute an operation that is known to be admissible on the values of its keys."""


@dataclass(frozen=True, slots=True)
class Batch:
    """Operations in their one order. `number` rises by one; `time` never falls."""

    number: int
    time: Seconds
    operations: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class Step:
    """What executing one operation did: a leaf of the log, whether executed or refused."""

    batch: int
    index: int
    """Its place in the log, counted from the ledger's first operation."""
    time: Seconds
    operation: Digest
    """SHA-256 (tag OPERATION) over the signed bytes: operation and witness."""
    code: int
    pre: Digest
    """The state root before it."""
    post: Digest
    """The state root after it; equal to `pre` when it was refused."""


class Refused(Conflict):
    """The program refused the operation, which is on the log all the same: see `step`."""

    def __init__(self, step: Step) -> None:
        self.step = step
        super().__init__(f"the operation was refused with code {step.code}")


@dataclass(frozen=True, slots=True)
class Head:
    """The ledger's state and log at a point. Its digest (tag HEAD) is what is anchored."""

    ledger: LedgerId
    batch: int
    time: Seconds
    state_root: Digest
    log_size: int
    log_root: Digest
    availability: Digest
    parent: Digest


@dataclass(frozen=True, slots=True)
class Ordered:
    """What is known of a batch when it is acknowledged: no other history has the same one."""

    batch: int = 0
    time: Seconds = Seconds(0)  # noqa: RUF009 - a NewType over int is immutable
    log_size: int = 0
    """Of the log after the batch."""
    content: Digest = Digest(bytes(32))  # noqa: RUF009 - a NewType over bytes is immutable
    """What the availability of the head after the batch will be."""
    parent: Digest = Digest(bytes(32))  # noqa: RUF009 - a NewType over bytes is immutable
    """The digest of the head before the batch."""


Note: TypeAlias = Callable[[Ordered], None]
"""Makes durable, outside of the ledger, how far it came. Called before anything is acknowledged."""


class Consensus(Protocol):
    """Puts operations into one order, durably before it returns.

    Trusted for order and durability only: a wrong order is visible to whoever re-executes.
    """

    def order(self, operations: Sequence[bytes], time: Seconds) -> Batch:
        """Return the next batch, durable."""

    def batches(self, after: int) -> Iterator[Batch]:
        """Yield the batches with a number above `after`, in order."""


class Snapshot(Protocol):
    """An immutable authenticated map of 32-byte keys to 32-byte values.

    Not trusted: roots and proofs tell. Being a value, it is read by any thread without a lock.
    """

    @property
    def root(self) -> Digest:
        """The root over the content."""

    def get(self, key: bytes) -> bytes:
        """Return the value of `key`, `ABSENT` if it has none."""

    def after(self, writes: Sequence[tuple[bytes, bytes]]) -> Self:
        """Return the map after ordered writes; this one stays as it is."""

    def prove(self, key: bytes) -> bytes:
        """Return a proof of presence or absence of `key` under the root."""


class State(Protocol):
    """Keeps the present snapshot across restarts. Not trusted; derived: it may lag or be lost."""

    def present(self) -> tuple[int, Snapshot]:
        """Return the last batch kept, 0 before the first, and the snapshot after it."""

    def keep(self, batch: int, snapshot: Snapshot, writes: Sequence[tuple[bytes, bytes]]) -> None:
        """Keep the snapshot that the batch's writes lead to, whole or not at all."""

    def clear(self) -> None:
        """Forget everything, to be derived anew."""


class Log(Protocol):
    """An append-only Merkle log of entries (RFC 9162). Not trusted: proofs tell."""

    def resume(self, size: int, root: Digest) -> None:
        """Continue after `size` entries, forgetting later ones.

        Raises `IntegrityError` if what is stored does not hash to `root`.
        """

    def append(self, entries: Sequence[bytes]) -> tuple[int, Digest]:
        """Append durably and return the new size and root."""

    def entry(self, index: int) -> bytes:
        """Return entry `index`, or raise `NotFound`."""

    def inclusion(self, index: int, size: int) -> tuple[Digest, ...]:
        """Return the proof that entry `index` is in the tree of that size."""

    def consistency(self, old: int, new: int) -> tuple[Digest, ...]:
        """Return the proof that the tree of size `new` extends that of size `old`."""

    def publish(self, checkpoint: bytes) -> None:
        """Replace the signed checkpoint that readers start from."""

    def checkpoint(self) -> bytes:
        """Return the checkpoint published last, empty before the first."""


class Availability(Protocol):
    """Gives a batch back to whoever holds its receipt. Not trusted: content is its address."""

    def publish(self, content: bytes) -> Digest:
        """Keep `content` durably and return its receipt, a digest. Repeating is no error."""

    def fetch(self, address: Digest) -> bytes:
        """Return what was published under `address`, verified, or raise `NotFound`."""


@dataclass(frozen=True, slots=True)
class Anchored:
    """Where a head was put: a chain, the transaction's place, the anchor chain's value after it."""

    chain: str
    block: int
    time: Seconds
    head: Digest
    accumulator: Digest


class Settlement(Protocol):
    """Makes heads final. Trusted for order and finality, as far as its chain is."""

    def anchor(self, head: Digest, batch: int) -> Anchored:
        """Put a head on the chain. Repeating the last one changes nothing."""

    def latest(self) -> Anchored | None:
        """Return the newest anchor, or None before the first."""
