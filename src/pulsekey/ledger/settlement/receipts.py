"""A transaction and what it did, as bytes: what the journal keeps and compares on replay.

transaction  number u64 | time u64 | sender 20 | deploys u8 | to 20 | data length u32 | data
receipt      succeeded u8 | gas u64 | deployed u8 | contract 20 | events u16, each:
             contract 20 | topics u8 | topics | data length u32 | data
"""

import struct
from dataclasses import dataclass

from pulsekey.ledger.settlement.ports import Address, Event, Receipt
from pulsekey.primitives.clock import Seconds
from pulsekey.primitives.errors import IntegrityError

_NOBODY = Address(bytes(20))
_TRANSACTION = struct.Struct(">QQ20sB20sI")
_RECEIPT = struct.Struct(">BQB20sH")
_EVENT = struct.Struct(">20sB")
_LENGTH = struct.Struct(">I")
_TOPIC_BYTES = 32


@dataclass(frozen=True, slots=True)
class Transaction:
    """What was asked of the chain. Without `to` the data are a contract's constructor."""

    number: int
    time: Seconds
    sender: Address
    to: Address | None
    data: bytes

    def encode(self) -> bytes:
        head = _TRANSACTION.pack(
            self.number,
            self.time,
            self.sender,
            self.to is None,
            self.to or _NOBODY,
            len(self.data),
        )
        return head + self.data


def encode_receipt(receipt: Receipt) -> bytes:
    """Return what the chain did, without the place and time that the transaction already has."""
    fields = [
        _RECEIPT.pack(
            receipt.succeeded,
            receipt.gas_used,
            receipt.contract is not None,
            receipt.contract or _NOBODY,
            len(receipt.events),
        )
    ]
    for event in receipt.events:
        fields += (
            _EVENT.pack(event.contract, len(event.topics)),
            *event.topics,
            _LENGTH.pack(len(event.data)),
            event.data,
        )
    return b"".join(fields)


def decode_receipt(content: bytes, number: int, time: Seconds) -> Receipt:
    """Read what `encode_receipt` wrote, or raise `IntegrityError`."""
    try:
        succeeded, gas, deployed, contract, count = _RECEIPT.unpack_from(content)
        at = _RECEIPT.size
        events = []
        for _ in range(count):
            emitter, topics = _EVENT.unpack_from(content, at)
            at += _EVENT.size
            ends = [at + _TOPIC_BYTES * place for place in range(topics + 1)]
            named = tuple(content[end : end + _TOPIC_BYTES] for end in ends[:-1])
            (size,) = _LENGTH.unpack_from(content, ends[-1])
            at = ends[-1] + _LENGTH.size + size
            events.append(Event(Address(emitter), named, content[at - size : at]))
    except struct.error:
        raise IntegrityError(f"the receipt of transaction {number} is damaged") from None
    place = Address(contract) if deployed else None
    return Receipt(number, time, bool(succeeded), gas, tuple(events), place)
