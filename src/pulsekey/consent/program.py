"""The consent program: what an operation does to the state. This file is the specification.

Pure: the same bytes on the same values at the same time give the same outcome on every node, in
every audit, and in `contracts/src/program.vy`, which follows this file check by check. An operation
touches its account, its signer's key, and at most one slot more (`pulsekey.consent.state`).
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import IntEnum
from typing import Generic, TypeAlias, TypeVar

from pulsekey.consent.operations import (
    ALL_CAPABILITIES,
    AddKey,
    Capability,
    Commit,
    Grant,
    KeyRecord,
    Operation,
    Register,
    RemoveKey,
    Revoke,
    RevokeAll,
    Scheme,
    SignedOperation,
    challenge,
    decode_operation,
    decode_signed,
)
from pulsekey.consent.state import (
    ABSENT,
    AccountSlot,
    GrantSlot,
    GrantState,
    GrantStatus,
    KeySlot,
    KeyStatus,
    account_slot,
    commitment_slot,
    grant_slot,
    grant_state,
    key_slot,
    read_account,
    read_grant,
    read_key,
)
from pulsekey.consent.witness import NO_ASSERTION, NO_RELYING_PARTY
from pulsekey.primitives.assertion import assertion_holds, signature_holds
from pulsekey.primitives.clock import Seconds
from pulsekey.primitives.errors import MalformedInput
from pulsekey.primitives.ids import KeyId, LedgerId

__all__ = [
    "ABSENT",
    "ACCOUNT_KEYS_MAX",
    "EXECUTED",
    "NONCE_STEP_MAX",
    "ConsentProgram",
    "GrantState",
    "Outcome",
    "Refusal",
    "admissible",
    "apply",
    "examine",
    "grant_state",
    "keys",
    "transition",
]

EXECUTED = 0
ACCOUNT_KEYS_MAX = 64
NONCE_STEP_MAX = 2**32
"""One signature cannot use up the nonces: whoever can still sign can still stop (ADR 0011)."""


class Refusal(IntEnum):
    """Why an operation did nothing. Up to `BAD_SIGNATURE` it is not admissible: no step is left."""

    MALFORMED = 1
    FOREIGN_WITNESS = 2
    NOT_ITS_ACCOUNT = 3
    BAD_SIGNATURE = 4
    ALREADY_REGISTERED = 10
    NOT_REGISTERED = 11
    NONCE_NOT_RISING = 12
    NONCE_TOO_FAR = 13
    UNKNOWN_KEY = 14
    REMOVED_KEY = 15
    EXPIRED_KEY = 16
    LACKS_CAPABILITY = 17
    BAD_CAPABILITIES = 20
    BAD_EXPIRY = 21
    KEY_ALREADY_USED = 22
    TOO_MANY_KEYS = 23
    SELF_REMOVAL = 24
    NO_SUCH_KEY = 25
    INCLUDED_TOO_LATE = 30
    BAD_PERIOD = 31
    CONSENT_ALREADY_USED = 32
    EMPTY_ROOT = 40


Write: TypeAlias = tuple[bytes, bytes]
OutcomeT_co = TypeVar("OutcomeT_co", covariant=True)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one operation did: `EXECUTED` and its ordered writes, or a `Refusal` and none."""

    code: int
    writes: tuple[Write, ...] = ()


def examine(ledger: LedgerId, signed: bytes) -> Refusal | None:
    """Judge bytes by themselves: None if they are one operation, well formed and well signed."""
    try:
        carried = decode_signed(signed)
        operation = decode_operation(carried.operation)
    except MalformedInput:
        return Refusal.MALFORMED
    witness, body = carried.witness, operation.body
    if witness.scheme is Scheme.PLAIN_P256 and (
        witness.rp_id_hash != NO_RELYING_PARTY or witness.assertion != NO_ASSERTION
    ):
        return Refusal.MALFORMED
    if isinstance(body, Register | AddKey) and not _has_its_party(body.record):
        return Refusal.MALFORMED
    if isinstance(body, Register) and (
        operation.account != body.account or operation.signer != body.record.key_id
    ):
        return Refusal.NOT_ITS_ACCOUNT
    if witness.key_id != operation.signer:
        return Refusal.FOREIGN_WITNESS
    return None if _signature_holds(ledger, carried) else Refusal.BAD_SIGNATURE


def admissible(ledger: LedgerId, signed: bytes) -> bool:
    """Whether the bytes are one well-formed operation for this ledger whose signature holds."""
    return examine(ledger, signed) is None


def keys(signed: bytes) -> tuple[bytes, ...]:
    """Return the state keys of an admissible operation: account, signer's key, what it is about."""
    return _keys(decode_operation(decode_signed(signed).operation))


def transition(values: Sequence[bytes], signed: bytes, time: Seconds) -> Outcome:
    """Execute an admissible operation on the values of its `keys`, in a batch of that `time`."""
    operation = decode_operation(decode_signed(signed).operation)
    result = _execute(operation, values, time)
    if isinstance(result, Refusal):
        return Outcome(result)
    slots = zip(_keys(operation), values, result, strict=True)
    return Outcome(EXECUTED, tuple((key, new) for key, old, new in slots if new != old))


def apply(state: Mapping[bytes, bytes], ledger: LedgerId, signed: bytes, time: Seconds) -> Outcome:
    """Admit and execute: all that a ledger of this program does with one operation."""
    refusal = examine(ledger, signed)
    if refusal is not None:
        return Outcome(refusal)
    values = [state.get(key, ABSENT) for key in keys(signed)]
    return transition(values, signed, time)


class ConsentProgram(Generic[OutcomeT_co]):
    """The program in the shape of the ledger's port: `ConsentProgram(ledger.ports.Outcome)`."""

    def __init__(self, outcome: Callable[[int, tuple[Write, ...]], OutcomeT_co]) -> None:
        self._outcome = outcome

    def admissible(self, ledger: LedgerId, signed: bytes) -> bool:
        return admissible(ledger, signed)

    def keys(self, signed: bytes) -> tuple[bytes, ...]:
        return keys(signed)

    def transition(
        self, values: Sequence[bytes], signed: bytes, batch_time: Seconds
    ) -> OutcomeT_co:
        outcome = transition(values, signed, batch_time)
        return self._outcome(outcome.code, outcome.writes)


def _has_its_party(record: KeyRecord) -> bool:
    return record.scheme is not Scheme.PLAIN_P256 or record.rp_id_hash == NO_RELYING_PARTY


def _signature_holds(ledger: LedgerId, carried: SignedOperation) -> bool:
    witness = carried.witness
    signed = challenge(ledger, carried.operation)
    if witness.scheme is Scheme.PLAIN_P256:
        return signature_holds(signed, witness.key, witness.signature)
    return assertion_holds(
        signed, witness.rp_id_hash, witness.key, witness.assertion, witness.signature
    )


def _keys(operation: Operation) -> tuple[bytes, ...]:
    account = operation.account
    own = (account_slot(account), key_slot(account, operation.signer))
    match operation.body:
        case AddKey(record):
            return (*own, key_slot(account, record.key_id))
        case RemoveKey(removed):
            return (*own, key_slot(account, removed))
        case Grant(consent) | Revoke(consent):
            return (*own, grant_slot(account, consent))
        case Commit():
            return (*own, commitment_slot(account))
        case Register() | RevokeAll():
            return own


NEEDED = {
    AddKey: Capability.MANAGE,
    RemoveKey: Capability.MANAGE,
    Grant: Capability.CONSENT,
    Revoke: Capability.REVOKE,
    RevokeAll: Capability.REVOKE,
    Commit: Capability.COMMIT,
}


def _execute(
    operation: Operation, values: Sequence[bytes], time: Seconds
) -> tuple[bytes, ...] | Refusal:
    account = read_account(values[0])
    if isinstance(operation.body, Register):
        return _register(account, operation, operation.body.record, time)
    if not account.registered:
        return Refusal.NOT_REGISTERED
    signer = read_key(values[1])
    refusal = _refuse_nonce(account, operation.nonce) or _refuse_signer(
        signer, NEEDED[type(operation.body)], time
    )
    if refusal is not None:
        return refusal
    about = values[2] if len(values) > 2 else b""
    after = _execute_body(operation, replace(account, nonce=operation.nonce), signer, about, time)
    if isinstance(after, Refusal):
        return after
    changed, *rest = after
    return (changed.encode(), values[1], *rest)


def _register(
    account: AccountSlot, operation: Operation, record: KeyRecord, time: Seconds
) -> tuple[bytes, ...] | Refusal:
    if account.registered:
        return Refusal.ALREADY_REGISTERED
    refusal = _refuse_nonce(account, operation.nonce)
    if refusal is not None:
        return refusal
    if not 0 < record.capabilities <= ALL_CAPABILITIES:
        return Refusal.BAD_CAPABILITIES
    if record.expires <= time:
        return Refusal.BAD_EXPIRY
    opened = AccountSlot(operation.nonce, 0, 1, 1)
    return opened.encode(), _active(record)


def _refuse_nonce(account: AccountSlot, nonce: int) -> Refusal | None:
    if nonce <= account.nonce:
        return Refusal.NONCE_NOT_RISING
    return Refusal.NONCE_TOO_FAR if nonce - account.nonce > NONCE_STEP_MAX else None


def _refuse_signer(signer: KeySlot, needed: Capability, time: Seconds) -> Refusal | None:
    if signer.status == KeyStatus.UNKNOWN:
        return Refusal.UNKNOWN_KEY
    if signer.status == KeyStatus.REMOVED:
        return Refusal.REMOVED_KEY
    if signer.expires <= time:
        return Refusal.EXPIRED_KEY
    return None if signer.capabilities & needed else Refusal.LACKS_CAPABILITY


_After: TypeAlias = "tuple[AccountSlot] | tuple[AccountSlot, bytes] | Refusal"


def _execute_body(
    operation: Operation, account: AccountSlot, signer: KeySlot, about: bytes, time: Seconds
) -> _After:
    match operation.body:
        case AddKey(record):
            return _add_key(account, record, signer, about, time)
        case RemoveKey(removed):
            return _remove_key(account, operation.signer, removed, about)
        case Grant() as grant:
            return _grant(account, grant, about, time)
        case Revoke():
            return _revoke(account, about)
        case RevokeAll():
            return (replace(account, revoked_through=account.nonce),)
        case Commit(root):
            return Refusal.EMPTY_ROOT if root == ABSENT else (account, root)
        case Register():  # pragma: no cover - `_execute` has taken it
            raise AssertionError


def _add_key(
    account: AccountSlot, record: KeyRecord, signer: KeySlot, about: bytes, time: Seconds
) -> _After:
    if not record.capabilities or record.capabilities & ~signer.capabilities:
        return Refusal.BAD_CAPABILITIES
    if not time < record.expires <= signer.expires:
        return Refusal.BAD_EXPIRY
    if about != ABSENT:
        return Refusal.KEY_ALREADY_USED
    if account.keys >= ACCOUNT_KEYS_MAX:
        return Refusal.TOO_MANY_KEYS
    return replace(account, keys=account.keys + 1), _active(record)


def _remove_key(account: AccountSlot, signer: KeyId, removed: KeyId, about: bytes) -> _After:
    if removed == signer:
        return Refusal.SELF_REMOVAL
    target = read_key(about)
    if target.status != KeyStatus.ACTIVE:
        return Refusal.NO_SUCH_KEY
    gone = replace(target, status=KeyStatus.REMOVED)
    return replace(account, keys=account.keys - 1), gone.encode()


def _grant(account: AccountSlot, grant: Grant, about: bytes, time: Seconds) -> _After:
    if time > grant.include_by:
        return Refusal.INCLUDED_TOO_LATE
    if grant.valid_until <= grant.valid_from or grant.valid_until <= time:
        return Refusal.BAD_PERIOD
    if about != ABSENT:
        return Refusal.CONSENT_ALREADY_USED
    granted = GrantSlot(account.nonce, grant.valid_from, grant.valid_until, GrantStatus.GRANTED)
    return account, granted.encode()


def _revoke(account: AccountSlot, about: bytes) -> _After:
    grant = read_grant(about)
    if grant.status == GrantStatus.NEVER:
        # The consent may still be in flight: the tombstone sees to it that it never comes.
        grant = replace(grant, nonce=account.nonce)
    return account, replace(grant, status=GrantStatus.STOPPED).encode()


def _active(record: KeyRecord) -> bytes:
    return KeySlot(record.capabilities, record.expires, KeyStatus.ACTIVE).encode()
