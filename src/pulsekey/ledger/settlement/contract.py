"""Calls and events of the settlement contract as bytes, and the compiled contract itself.

Only what `contracts/src/settlement.vy` has: fixed words and one byte string. The compiler wrote the
selectors and topics into the artefact, so no Keccak is needed here.
"""

import json
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any

from pulsekey.ledger.settlement.ports import Address, Event
from pulsekey.primitives import tags
from pulsekey.primitives.errors import IntegrityError
from pulsekey.primitives.hashing import tagged
from pulsekey.primitives.ids import Digest, LedgerId

WORD = 32
ADDRESS_BYTES = 20
EMPTY = Digest(bytes(WORD))


@dataclass(frozen=True, slots=True)
class Link:
    """One link of the anchor chain: the chain's value before it, the batch, the head."""

    previous: Digest
    batch: int
    head: Digest

    @property
    def accumulator(self) -> Digest:
        """The chain's value after it."""
        return tagged(tags.ANCHOR_CHAIN, self.previous, self.batch.to_bytes(8), self.head)


NO_LINK = Link(EMPTY, 0, EMPTY)


@dataclass(frozen=True, slots=True)
class Step:
    """What executing one operation directly left behind."""

    operation: Digest
    account: bytes
    code: int


@cache
def artefact() -> dict[str, Any]:
    """Return the compiled contract: abi, bytecode, selectors, topics, compiler, source digests."""
    folder = resources.files("pulsekey.ledger.settlement") / "artefacts"
    loaded: dict[str, Any] = json.loads((folder / "settlement.json").read_text("utf-8"))
    return loaded


def direct_ledger(chain_id: int, contract: Address) -> LedgerId:
    """Return the id of the ledger that a contract is by itself."""
    return LedgerId(tagged(tags.DIRECT_LEDGER, chain_id.to_bytes(WORD), contract))


def initcode(proposer: Address) -> bytes:
    """Return the code that deploys the contract for `proposer`."""
    return bytes.fromhex(artefact()["bytecode"][2:]) + proposer.rjust(WORD, b"\0")


def anchor_call(batch: int, head: Digest, last: Link) -> bytes:
    """Return the call that anchors `head` behind `last`."""
    numbers = (batch.to_bytes(WORD), head, last.previous, last.batch.to_bytes(WORD), last.head)
    return _selector("anchor") + b"".join(numbers)


def anchored_batch(call: bytes) -> int | None:
    """Return the batch whose head a call anchors, None for any other call."""
    selector = _selector("anchor")
    if not call.startswith(selector):
        return None
    return int.from_bytes(call[len(selector) : len(selector) + WORD])


def execute_call(signed: bytes) -> bytes:
    """Return the call that executes an operation directly."""
    return _selector("execute") + _bytes(signed)


def examine_call(signed: bytes) -> bytes:
    """Return the call that judges an operation by itself."""
    return _selector("examine") + _bytes(signed)


def slot_call(key: bytes) -> bytes:
    """Return the call that reads one slot of the direct ledger."""
    return _selector("slots") + key


def accumulator_call() -> bytes:
    """Return the call that reads the anchor chain's value."""
    return _selector("accumulator")


def ledger_call() -> bytes:
    """Return the call that reads the direct ledger's id."""
    return _selector("ledger")


def topic(event: str) -> bytes:
    """Return the first topic of an event."""
    return bytes.fromhex(artefact()["topics"][event][2:])


def anchored_from(event: Event) -> Link:
    """Read an `Anchored` event, or raise `IntegrityError` if it contradicts itself."""
    name, head, accumulator = event.topics
    batch, previous = int.from_bytes(event.data[:WORD]), Digest(event.data[WORD : 2 * WORD])
    link = Link(previous, batch, Digest(head))
    if name != topic("Anchored") or link.accumulator != accumulator:
        raise IntegrityError("an anchor's event does not match its own chain")
    return link


def step_from(event: Event) -> Step:
    """Read a `Step` event."""
    name, operation, account = event.topics
    if name != topic("Step"):
        raise IntegrityError("not a step's event")
    return Step(Digest(operation), account, int.from_bytes(event.data))


def revert_reason(output: bytes) -> str:
    """Return the text of `Error(string)`, or nothing."""
    if output[:4] != b"\x08\xc3\x79\xa0":
        return ""
    size = int.from_bytes(output[4 + WORD : 4 + 2 * WORD])
    return output[4 + 2 * WORD :][:size].decode("utf-8", "replace")


def _selector(function: str) -> bytes:
    return bytes.fromhex(artefact()["selectors"][function][2:])


def _bytes(content: bytes) -> bytes:
    padded = content + bytes(-len(content) % WORD)
    return WORD.to_bytes(WORD) + len(content).to_bytes(WORD) + padded
