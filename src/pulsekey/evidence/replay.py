"""What the operations in a file lead to, by executing them again with the program itself.

The file holds some of the account's operations. Leaving one out shows: what it changed is missing
from the slots that are proved under the head, so the replay ends in another state than the ledger.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from pulsekey.consent.operations import (
    AddKey,
    Commit,
    Grant,
    Operation,
    Register,
    Revoke,
    RevokeAll,
)
from pulsekey.consent.program import EXECUTED, Refusal, keys, transition
from pulsekey.consent.state import (
    ABSENT,
    AccountSlot,
    GrantState,
    account_slot,
    commitment_slot,
    grant_slot,
    grant_state,
    key_slot,
    read_account,
    read_grant,
)
from pulsekey.evidence.file import Proved
from pulsekey.ledger.ports import Step
from pulsekey.primitives.clock import Seconds
from pulsekey.primitives.errors import IntegrityError
from pulsekey.primitives.ids import AccountId, ConsentId, KeyId


@dataclass(frozen=True, slots=True)
class Story:
    """The operations of a file by what they are."""

    operations: tuple[Proved, ...]

    @property
    def account(self) -> AccountId:
        return self.operations[0].operation.account

    @property
    def granted(self) -> tuple[Grant, Step]:
        """The one grant, and its step."""
        for each in self.operations:
            if isinstance(each.operation.body, Grant):
                return each.operation.body, each.proof.step
        raise IntegrityError("no grant")  # pragma: no cover - reading has seen to it

    @property
    def committed(self) -> tuple[Operation, Commit, Step]:
        """The custodian's commitment, and its step."""
        last = self.operations[-1]
        assert isinstance(last.operation.body, Commit)
        return last.operation, last.operation.body, last.proof.step

    @property
    def earlier(self) -> tuple[tuple[Operation, Commit], ...]:
        """The commitment before the newest in which the chain ended where it does, if any."""
        return tuple(
            (each.operation, each.operation.body)
            for each in self.operations[:-1]
            if isinstance(each.operation.body, Commit)
        )

    @property
    def closed(self) -> Step:
        """The step of the first commitment that the file shows to all of the chain."""
        return next(
            each.proof.step for each in self.operations if isinstance(each.operation.body, Commit)
        )

    @property
    def stopped(self) -> Step | None:
        """The step of the first operation that stopped the consent."""
        grant, given = self.granted
        for each in self.operations:
            body, step = each.operation.body, each.proof.step
            stops = body == Revoke(grant.consent) or isinstance(body, RevokeAll)
            if stops and step.index > given.index:
                return step
        return None


@dataclass(frozen=True, slots=True)
class Replayed:
    """The slots after the replay, by state key in the order in which a file proves them."""

    values: tuple[tuple[bytes, bytes], ...]
    account: AccountSlot
    grant: bytes

    def state_at(self, at: Seconds) -> GrantState:
        return grant_state(self.grant, self.account.encode(), at)


def replay(story: Story) -> Replayed:
    """Execute a file's operations in their order; raise `IntegrityError` where one is refused."""
    account, slot = story.account, account_slot(story.account)
    grant, _ = story.granted
    values: dict[bytes, bytes] = {}
    for each in story.operations[:-1]:
        operation, step = each.operation, each.proof.step
        if isinstance(operation.body, Commit):
            continue  # The custodian's own; `releases` judges it.
        if operation.account != account:
            raise IntegrityError(f"operation {step.index} is of another account")
        body = operation.body
        if isinstance(body, Register) and (account, operation.signer) != (
            body.account,
            body.record.key_id,
        ):
            raise IntegrityError("the registration is not of its own account and key")
        if isinstance(body, Grant | Revoke) and body.consent != grant.consent:
            raise IntegrityError(f"operation {step.index} is about another consent")
        if slot in values:
            values[slot] = _before(values[slot], operation.nonce)
        outcome = transition(
            [values.get(key, ABSENT) for key in keys(each.signed)], each.signed, step.time
        )
        if outcome.code != EXECUTED:
            reason = Refusal(outcome.code).name.lower().replace("_", " ")
            raise IntegrityError(f"operation {step.index} could not have been executed: {reason}")
        values.update(outcome.writes)
    custodian = story.committed[0].account
    wanted = state_keys(account, keys_of(story.operations), grant.consent, custodian)
    values[wanted[-1]] = story.committed[1].root
    return Replayed(
        tuple((key, values[key]) for key in wanted), read_account(values[slot]), values[wanted[-2]]
    )


def check_states(replayed: Replayed, proved: Sequence[tuple[bytes, bytes]]) -> None:
    """Compare a replay with the (key, value) proved under the head; raise `IntegrityError`."""
    if [key for key, _ in proved] != [key for key, _ in replayed.values]:
        raise IntegrityError("the proved slots are not those of the account, keys and consent")
    _check_account(replayed, read_account(proved[0][1]))
    *held, granted, committed = [
        value == shown
        for (_, value), (_, shown) in zip(replayed.values[1:], proved[1:], strict=True)
    ]
    if not all(held):
        raise IntegrityError("a change of a key was left out")
    if not granted:
        raise IntegrityError("the consent's slot does not follow from its operations")
    if not committed:
        raise IntegrityError("the commitment is not the custodian's newest under this head")


def _check_account(replayed: Replayed, proved: AccountSlot) -> None:
    if proved.registered != 1 or proved.nonce < replayed.account.nonce:
        raise IntegrityError("the account is behind its own operations")
    # A stop of everything from before the grant is nobody's business, unless the file holds it.
    through = replayed.account.revoked_through
    before = through == 0 and proved.revoked_through < read_grant(replayed.grant).nonce
    if proved.revoked_through != through and not before:
        raise IntegrityError("a stop of everything was left out")


def keys_of(operations: Sequence[Proved]) -> tuple[KeyId, ...]:
    """Return the keys that a file's operations register or add, in their order."""
    return tuple(
        each.operation.body.record.key_id
        for each in operations
        if isinstance(each.operation.body, Register | AddKey)
    )


def state_keys(
    account: AccountId, held: Sequence[KeyId], consent: ConsentId, custodian: AccountId
) -> tuple[bytes, ...]:
    """Return the state keys that a file proves, in their order."""
    return (
        account_slot(account),
        *(key_slot(account, key) for key in held),
        grant_slot(account, consent),
        commitment_slot(custodian),
    )


def _before(value: bytes, nonce: int) -> bytes:
    """Let the account's nonce stand where operations that are not in the file may have put it."""
    account = read_account(value)
    if nonce <= account.nonce:
        return value
    return AccountSlot(nonce - 1, account.revoked_through, account.keys, 1).encode()
