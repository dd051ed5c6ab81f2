"""The consent program's state: how 32-byte keys and 32-byte values say what was agreed.

An absent value is 32 zero bytes. Big-endian, filled with zeros; the last byte is a status:

    account     nonce u64 | revoked through u64 | keys u32 | 11 zeros | 1
    key         capabilities u16 | expires u64 | 21 zeros | 1 active, 2 removed
    grant       nonce u64 | valid from u64 | valid until u64 | 7 zeros | 1 granted, 2 stopped
    commitment  root 32

Nothing is ever deleted: a removed key and a stopped consent leave a value behind, so that neither
can come back.
"""

import struct
from dataclasses import dataclass
from enum import IntEnum
from typing import ClassVar

from pulsekey.primitives import tags
from pulsekey.primitives.clock import Seconds
from pulsekey.primitives.hashing import tagged
from pulsekey.primitives.ids import AccountId, ConsentId, KeyId

ABSENT = bytes(32)


class KeyStatus(IntEnum):
    UNKNOWN = 0
    ACTIVE = 1
    REMOVED = 2


class GrantStatus(IntEnum):
    NEVER = 0
    GRANTED = 1
    STOPPED = 2


@dataclass(frozen=True, slots=True)
class AccountSlot:
    nonce: int = 0
    revoked_through: int = 0
    keys: int = 0
    registered: int = 0

    LAYOUT: ClassVar[struct.Struct] = struct.Struct(">QQI11xB")

    def encode(self) -> bytes:
        return self.LAYOUT.pack(self.nonce, self.revoked_through, self.keys, self.registered)


@dataclass(frozen=True, slots=True)
class KeySlot:
    capabilities: int = 0
    expires: Seconds = Seconds(0)  # noqa: RUF009 - a NewType over int is immutable
    status: int = KeyStatus.UNKNOWN

    LAYOUT: ClassVar[struct.Struct] = struct.Struct(">HQ21xB")

    def encode(self) -> bytes:
        return self.LAYOUT.pack(self.capabilities, self.expires, self.status)


@dataclass(frozen=True, slots=True)
class GrantSlot:
    nonce: int = 0
    valid_from: Seconds = Seconds(0)  # noqa: RUF009 - a NewType over int is immutable
    valid_until: Seconds = Seconds(0)  # noqa: RUF009 - a NewType over int is immutable
    status: int = GrantStatus.NEVER

    LAYOUT: ClassVar[struct.Struct] = struct.Struct(">QQQ7xB")

    def encode(self) -> bytes:
        return self.LAYOUT.pack(self.nonce, self.valid_from, self.valid_until, self.status)


def read_account(value: bytes) -> AccountSlot:
    return AccountSlot(*AccountSlot.LAYOUT.unpack(value))


def read_key(value: bytes) -> KeySlot:
    return KeySlot(*KeySlot.LAYOUT.unpack(value))


def read_grant(value: bytes) -> GrantSlot:
    return GrantSlot(*GrantSlot.LAYOUT.unpack(value))


def account_slot(account: AccountId) -> bytes:
    """Return the state key of an account."""
    return tagged(tags.STATE_ACCOUNT, account)


def key_slot(account: AccountId, key: KeyId) -> bytes:
    """Return the state key of one key of an account."""
    return tagged(tags.STATE_KEY, account, key)


def grant_slot(account: AccountId, consent: ConsentId) -> bytes:
    """Return the state key of one consent of an account."""
    return tagged(tags.STATE_GRANT, account, consent)


def commitment_slot(account: AccountId) -> bytes:
    """Return the state key of a custodian's newest commitment."""
    return tagged(tags.STATE_COMMITMENT, account)


class GrantState(IntEnum):
    """What a consent is worth at a moment."""

    NEVER = 0
    NOT_YET = 1
    LIVE = 2
    EXPIRED = 3
    STOPPED = 4
    HELD = 5
    """Given before a loss that may hold its stop: this node waits for another one (ADR 0063)."""


def grant_state(grant_value: bytes, account_value: bytes, at: Seconds) -> GrantState:
    """Judge a consent by the values of its slot and of its account's. Valid in [from, until)."""
    grant = read_grant(grant_value)
    if grant.status == GrantStatus.NEVER:
        return GrantState.NEVER
    if grant.status == GrantStatus.STOPPED:
        return GrantState.STOPPED
    if grant.nonce <= read_account(account_value).revoked_through:
        return GrantState.STOPPED
    if at < grant.valid_from:
        return GrantState.NOT_YET
    return GrantState.LIVE if at < grant.valid_until else GrantState.EXPIRED
