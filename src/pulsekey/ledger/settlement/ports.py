"""What settlement needs of a chain: an EVM with P256VERIFY at 0x100 (EIP-7951, Osaka).

Addresses are 20 bytes. An engine executes and forgets; a chain remembers its events. The embedded
chain is an engine whose transactions are journalled (`journal.py`); a remote chain is both in one.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NewType, Protocol

from pulsekey.primitives.clock import Seconds

Address = NewType("Address", bytes)

TRANSACTION_GAS_MAX = 2**24
"""No transaction may ask for more (EIP-7825)."""


@dataclass(frozen=True, slots=True)
class Event:
    """What a contract logged: up to four topics of 32 bytes, and data."""

    contract: Address
    topics: tuple[bytes, ...]
    data: bytes


@dataclass(frozen=True, slots=True)
class Receipt:
    """What a transaction did. A failed one changed nothing and has no events."""

    block: int
    time: Seconds
    succeeded: bool
    gas_used: int
    events: tuple[Event, ...]
    contract: Address | None
    """Where the code was put, if the transaction deployed any."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What a call gave back: its output, or the bytes it reverted with."""

    succeeded: bool
    output: bytes


class Evm(Protocol):
    """Executes transactions in order, each in a block of its own.

    `at` is the time of that block on an engine of our own, where it never falls; a remote chain has
    its own clock and ignores it. Trusted as far as whoever runs it: the embedded one is the
    operator's own word.
    """

    @property
    def chain_id(self) -> int:
        """Return the number that tells this chain from others (EIP-155)."""

    def deploy(self, sender: Address, code: bytes, at: Seconds) -> Receipt:
        """Run `code` as a constructor. A failed one has no `contract`."""

    def transact(self, sender: Address, to: Address, data: bytes, at: Seconds) -> Receipt:
        """Call `to` and keep what it changed."""

    def call(self, sender: Address, to: Address, data: bytes, at: Seconds) -> Answer:
        """Call `to` and forget what it changed."""

    def code(self, contract: Address) -> bytes:
        """Return the code at an address, empty if there is none."""


class Engine(Evm, Protocol):
    """An EVM in this process, whose whole state can be taken out and put back."""

    def dump(self) -> bytes:
        """Return the state as bytes: the same state gives the same bytes."""

    def load(self, content: bytes) -> None:
        """Replace the state by one that `dump` returned."""


class Chain(Evm, Protocol):
    """An EVM that remembers. What it acknowledged survives a crash."""

    def events(
        self, contract: Address, topics: Sequence[bytes | None]
    ) -> Sequence[tuple[Receipt, Event]]:
        """Return the events of `contract` with these first topics, oldest first. None is any."""
