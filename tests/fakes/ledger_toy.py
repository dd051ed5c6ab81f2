"""A tiny program, a ledger of it in a folder, and a chain in memory: what ledger tests are made of.

An operation of the toy is `ledger id 32 | key 32 | old value 32 | new value 32 | nonce u64`: it
sets a key that has the old value to the new one. Its witness is a 32-byte MAC under a key that
everyone knows, and one more byte that means nothing, so that a valid witness can be varied as an
ECDSA signature can.
"""

import hashlib
import struct
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from pulsekey.ledger.embedded import LedgerHome, found, opened
from pulsekey.ledger.genesis import KEY_RECORD_BYTES, Genesis
from pulsekey.ledger.pipeline import Ledger, Limits
from pulsekey.ledger.ports import ABSENT, Anchored, Outcome, Settlement
from pulsekey.primitives.clock import Micros, Seconds
from pulsekey.primitives.errors import Unavailable
from pulsekey.primitives.ids import Digest, LedgerId

WRONG_OLD_VALUE = 1
BODY = struct.Struct(">32s32s32s32sQ")
CREATED = Seconds(1_790_000_000)
CHECKPOINT_KEY = Ed25519PrivateKey.from_private_bytes(b"c" * 32)
GENESIS = Genesis(
    name="toy",
    custodian_account=b"a" * 32,
    custodian_key=b"k" * KEY_RECORD_BYTES,
    checkpoint_key=CHECKPOINT_KEY.public_key().public_bytes_raw(),
    program=1,
    settlement="memory",
    created=CREATED,
    salt=b"s" * 32,
)
LEDGER = GENESIS.ledger


def key(number: int) -> bytes:
    return hashlib.sha256(b"key %d" % number).digest()


def value(number: int) -> bytes:
    return number.to_bytes(32)


def setting(
    state_key: bytes,
    new: bytes,
    *,
    old: bytes = ABSENT,
    nonce: int = 0,
    ledger: LedgerId = LEDGER,
    variant: int = 0,
) -> bytes:
    """Return a signed operation that sets a key. `variant` varies the witness, not the
    operation."""
    body = BODY.pack(ledger, state_key, old, new, nonce)
    return b"".join((len(body).to_bytes(2), body, _mac(body), bytes([variant])))


def _mac(body: bytes) -> bytes:
    return hashlib.sha256(b"everyone knows this" + body).digest()


class ToyProgram:
    """Sets keys, each operation one, if the old value is as stated."""

    def admissible(self, ledger: LedgerId, signed: bytes) -> bool:
        body = signed[2 : 2 + BODY.size]
        return (
            len(signed) == 2 + BODY.size + 33
            and int.from_bytes(signed[:2]) == BODY.size
            and body[:32] == ledger
            and signed[2 + BODY.size : -1] == _mac(body)
        )

    def keys(self, signed: bytes) -> tuple[bytes, ...]:
        return (signed[34:66],)

    def transition(self, values: Sequence[bytes], signed: bytes, batch_time: Seconds) -> Outcome:
        del batch_time
        _, state_key, old, new, _ = BODY.unpack(signed[2 : 2 + BODY.size])
        if values[0] != old:
            return Outcome(WRONG_OLD_VALUE)
        return Outcome(0, ((state_key, new),))


class TickingClock:
    """Moves on by a second at every look, or stands, or goes back: as it is told."""

    def __init__(self, start: Seconds = CREATED, step_seconds: int = 1) -> None:
        self.at_seconds = int(start)
        self.step_seconds = step_seconds

    def now(self) -> Micros:
        self.at_seconds += self.step_seconds
        return Micros(self.at_seconds * 1_000_000)


class MemorySettlement:
    """A chain in memory. It can be out of reach for the next so many calls."""

    def __init__(self) -> None:
        self.anchors: list[Anchored] = []
        self.out_of_reach = 0

    def anchor(self, head: Digest, batch: int) -> Anchored:
        self._reach()
        if self.anchors and self.anchors[-1].head == head:
            return self.anchors[-1]
        before = self.anchors[-1].accumulator if self.anchors else Digest(bytes(32))
        accumulator = Digest(hashlib.sha256(before + head + batch.to_bytes(8)).digest())
        block = len(self.anchors) + 1
        self.anchors.append(Anchored("memory", block, Seconds(block), head, accumulator))
        return self.anchors[-1]

    def latest(self) -> Anchored | None:
        self._reach()
        return self.anchors[-1] if self.anchors else None

    def _reach(self) -> None:
        if self.out_of_reach:
            self.out_of_reach -= 1
            raise Unavailable("the chain is out of reach")


@contextmanager
def toy_ledger(
    folder: Path,
    *,
    settlement: Settlement | None = None,
    limits: Limits | None = None,
    clock: TickingClock | None = None,
) -> Iterator[Ledger]:
    """Open the toy's ledger in `folder`, beginning it if need be."""
    home = LedgerHome(folder)
    found(home, GENESIS)
    with opened(
        home,
        ToyProgram(),
        clock or TickingClock(),
        CHECKPOINT_KEY.sign,
        settlement=settlement,
        limits=limits or Limits(linger_seconds=0),
    ) as ledger:
        yield ledger
