"""The contract and the program answer alike, operation by operation, whatever happens to both."""

from collections.abc import Callable
from dataclasses import replace
from typing import TypeAlias

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from pulsekey.consent.operations import (
    SIGNED_OPERATION_BYTES_MAX,
    AddKey,
    Body,
    Commit,
    Grant,
    Operation,
    RemoveKey,
    Revoke,
    RevokeAll,
    SignedOperation,
    decode_signed,
    registration,
)
from pulsekey.consent.program import ACCOUNT_KEYS_MAX, EXECUTED, NONCE_STEP_MAX, Refusal
from pulsekey.consent.state import account_slot, read_account
from pulsekey.primitives.assertion import SUFFIX_START, Assertion
from pulsekey.primitives.clock import Seconds
from pulsekey.primitives.ids import ConsentId, Digest, KeyId
from tests.contracts.direct_ledger import START, DirectLedger
from tests.fakes.software_authenticator import Signer, other_half

# Few names, and times within a second of now: collisions are what finds a wrong comparison.
SIGNERS = [Signer("phone"), Signer("tablet"), Signer("server", plain=True)]
CONSENTS = [ConsentId(b"a" * 32), ConsentId(b"b" * 32)]
signers = st.sampled_from(SIGNERS)
around = st.sampled_from([-1, 0, 0, 1])
after = st.sampled_from([0, 1, 1, 2])
consents = st.sampled_from(CONSENTS)
steps = st.sampled_from([0, 1, 1, 1, 2, NONCE_STEP_MAX, NONCE_STEP_MAX + 1])
capabilities = st.sampled_from([0x3F, 0x3F, 0x1F, 0, 1, 2, 16, 32, 0x40])
expiries = st.sampled_from([0, 1, 2, 10**6])
BodyAt: TypeAlias = Callable[[int], Body]


def grant_around(consent: ConsentId, start: int, end: int, include: int) -> BodyAt:
    return lambda now: Grant(
        consent, Seconds(now + start), Seconds(now + end), Seconds(now + include)
    )


def key_around(signer: Signer, can: int, until: int) -> BodyAt:
    return lambda now: AddKey(signer.record(can, Seconds(now + until)))


def whenever(body: Body) -> BodyAt:
    return lambda _now: body


bodies: st.SearchStrategy[BodyAt] = st.one_of(
    st.builds(grant_around, consents, around, after, around),
    st.builds(key_around, signers, capabilities, expiries),
    st.one_of(
        consents.map(Revoke),
        st.just(RevokeAll()),
        signers.map(lambda signer: RemoveKey(signer.record().key_id)),
        st.sampled_from([Commit(Digest(bytes(32)), 7), Commit(Digest(b"r" * 32), 7)]),
    ).map(whenever),
)


class ContractFollowsProgram(RuleBasedStateMachine):
    """Every operation is executed on both sides by `DirectLedger`, which compares."""

    def __init__(self) -> None:
        super().__init__()
        self.both = DirectLedger()
        self.seen: list[bytes] = []

    @initialize(owner=signers, can=st.sampled_from([0x3F, 0x1F]), until=expiries)
    def open(self, owner: Signer, can: int, until: int) -> None:
        expires = Seconds(self.both.time + until)
        self.first = registration(owner.record(can, expires), bytes(32))
        self.account = self.first.account
        self.owner = owner
        self._put(owner, self.first)

    @rule(signer=signers, can=capabilities, until=expiries, nonce=st.integers(0, 2))
    def register(self, signer: Signer, can: int, until: int, nonce: int) -> None:
        first = registration(signer.record(can, Seconds(self.both.time + until)), bytes(32))
        self._put(signer, replace(first, nonce=nonce))

    @rule(body=bodies, step=steps)
    def act_as_owner(self, body: BodyAt, step: int) -> None:
        self._act(self.owner, body, step)

    @rule(signer=signers, body=bodies, step=steps)
    def act_as_anyone(self, signer: Signer, body: BodyAt, step: int) -> None:
        self._act(signer, body, step)

    @rule(pick=st.integers(0, 50))
    def replay(self, pick: int) -> None:
        self.both.put(self.seen[pick % len(self.seen)])

    @rule(pick=st.integers(0, 50))
    def replay_with_the_other_half(self, pick: int) -> None:
        carried = decode_signed(self.seen[pick % len(self.seen)])
        twin = replace(carried.witness, signature=other_half(carried.witness.signature))
        self.both.put(SignedOperation(carried.operation, twin).encode())

    @rule(passed=st.integers(1, 2))
    def let_time_pass(self, passed: int) -> None:
        self.both.time = Seconds(self.both.time + passed)

    @invariant()
    def every_slot_is_the_same(self) -> None:
        for key, value in self.both.state.items():
            assert self.both.slot(key) == value

    def _act(self, signer: Signer, body: BodyAt, step: int) -> None:
        value = self.both.state.get(account_slot(self.account), bytes(32))
        nonce = read_account(value).nonce + step
        made = body(self.both.time)
        self._put(signer, Operation(self.account, nonce, signer.record().key_id, made))

    def _put(self, signer: Signer, operation: Operation) -> None:
        signed = signer.sign(self.both.ledger, operation)
        self.seen.append(signed)
        self.both.put(signed)


TestContractFollowsProgram = ContractFollowsProgram.TestCase
TestContractFollowsProgram.settings = settings(max_examples=12, stateful_step_count=25)

PATIENT = SIGNERS[0]
BOTH = DirectLedger()
"""For properties that leave no state behind."""


@pytest.fixture
def both() -> DirectLedger:
    return DirectLedger()


def opened(both: DirectLedger, capability: int = 0x3F) -> Operation:
    first = registration(PATIENT.record(capability), bytes(32))
    assert both.put(PATIENT.sign(both.ledger, first)) == EXECUTED
    return first


def next_of(first: Operation, nonce: int, body: Body) -> Operation:
    return Operation(first.account, nonce, first.signer, body)


@pytest.mark.parametrize("now", [START + 9, START + 10, START + 11])
def test_both_judge_the_very_second_alike(both: DirectLedger, now: int) -> None:
    edge = Seconds(START + 10)
    first = registration(PATIENT.record(0x3F), bytes(32))
    brief = SIGNERS[1].record(0x3F, edge)
    assert both.put(PATIENT.sign(both.ledger, first)) == EXECUTED
    assert both.put(PATIENT.sign(both.ledger, next_of(first, 2, AddKey(brief)))) == EXECUTED
    both.time = Seconds(now)

    def act(nonce: int, body: Body) -> int:
        return both.put(PATIENT.sign(both.ledger, next_of(first, nonce, body)))

    late, never = Seconds(START), Seconds(10**6)
    over = Refusal.BAD_PERIOD if now >= edge else EXECUTED
    assert act(3, Grant(CONSENTS[0], late, edge, never)) == over
    missed = Refusal.INCLUDED_TOO_LATE if now > edge else EXECUTED
    assert act(4, Grant(CONSENTS[1], late, never, edge)) == missed
    dead = Refusal.BAD_EXPIRY if now >= edge else EXECUTED
    assert act(5, AddKey(SIGNERS[2].record(1, edge))) == dead
    expired = Operation(first.account, 6, brief.key_id, RevokeAll())
    gone = Refusal.EXPIRED_KEY if now >= edge else EXECUTED
    assert both.put(SIGNERS[1].sign(both.ledger, expired)) == gone
    fresh = registration(PATIENT.record(1, edge), b"f" * 32)
    assert both.put(PATIENT.sign(both.ledger, fresh)) == dead


@pytest.mark.parametrize(("until", "code"), [(9, 0), (10, 0), (11, Refusal.BAD_EXPIRY)])
def test_both_compare_a_new_key_with_the_one_that_adds_it(
    both: DirectLedger, until: int, code: int
) -> None:
    first = registration(PATIENT.record(0x1F, Seconds(START + 10)), bytes(32))
    assert both.put(PATIENT.sign(both.ledger, first)) == EXECUTED
    added = AddKey(SIGNERS[1].record(0x1F, Seconds(START + until)))
    assert both.put(PATIENT.sign(both.ledger, next_of(first, 2, added))) == code
    beyond = AddKey(SIGNERS[2].record(0x3F, Seconds(START + 9)))
    answer = both.put(PATIENT.sign(both.ledger, next_of(first, 3, beyond)))
    assert answer == Refusal.BAD_CAPABILITIES


@given(place=st.integers(min_value=0), mask=st.integers(1, 255), kind=st.integers(0, 6))
def test_no_changed_byte_passes_either(place: int, mask: int, kind: int) -> None:
    both = BOTH
    first = registration(PATIENT.record(), bytes(32))
    grant = Grant(CONSENTS[0], Seconds(900), Seconds(2_000), Seconds(1_100))
    body: Body = [
        first.body,
        AddKey(SIGNERS[1].record()),
        RemoveKey(KeyId(bytes(32))),
        grant,
        Revoke(CONSENTS[0]),
        RevokeAll(),
        Commit(Digest(b"r" * 32), 1),
    ][kind]
    signed = bytearray(PATIENT.sign(both.ledger, next_of(first, 1, body)))
    signed[place % len(signed)] ^= mask
    assert both.put(bytes(signed)) in {1, 2, 3, 4}


@given(
    content=st.one_of(
        st.binary(max_size=SIGNED_OPERATION_BYTES_MAX + 1),
        st.binary(min_size=250, max_size=450).map(
            lambda raw: b"\x00\x82\x01\x04" + raw  # A grant's length, version and kind.
        ),
    )
)
def test_no_bytes_make_the_contract_revert(content: bytes) -> None:
    assert BOTH.put(content) == Refusal.MALFORMED


@given(cut=st.integers(1, 400), more=st.binary(min_size=1, max_size=40))
def test_nothing_shorter_or_longer_passes_either(cut: int, more: bytes) -> None:
    first = registration(PATIENT.record(), bytes(32))
    signed = PATIENT.sign(BOTH.ledger, first)
    assert BOTH.put(signed[:-cut]) == Refusal.MALFORMED
    assert BOTH.put(signed + more) == Refusal.MALFORMED


@pytest.mark.parametrize(("size", "code"), [(11, 4), (12, 0), (512, 0), (513, 1)])
def test_both_take_client_data_of_up_to_512_bytes(both: DirectLedger, size: int, code: int) -> None:
    first = registration(PATIENT.record(), bytes(32))
    suffix = (SUFFIX_START + b"o" * 600)[:size]
    assert both.put(_resigned(both, first, lambda data: data, suffix)) == code


@pytest.mark.parametrize("place", range(len(SUFFIX_START)))
def test_both_want_the_origin_right_after_the_challenge(both: DirectLedger, place: int) -> None:
    first = registration(PATIENT.record(), bytes(32))
    suffix = bytearray(SUFFIX_START + b"anything")
    suffix[place] ^= 1
    signed = _resigned(both, first, lambda data: data, bytes(suffix))
    assert both.put(signed) == Refusal.BAD_SIGNATURE


def test_an_account_holds_as_many_keys_in_both(both: DirectLedger) -> None:
    first = opened(both)
    for number in range(1, ACCOUNT_KEYS_MAX + 1):
        added = AddKey(Signer(f"key {number}", plain=True).record())
        code = both.put(PATIENT.sign(both.ledger, next_of(first, number + 1, added)))
        assert code == (EXECUTED if number < ACCOUNT_KEYS_MAX else Refusal.TOO_MANY_KEYS)


@pytest.mark.parametrize("flags", range(8))
def test_both_want_a_user_who_is_present_and_verified(both: DirectLedger, flags: int) -> None:
    first = registration(PATIENT.record(), bytes(32))
    signed = _resigned(both, first, lambda data: data[:32] + bytes([flags]) + data[33:])
    assert both.put(signed) == (EXECUTED if flags & 5 == 5 else Refusal.BAD_SIGNATURE)


@pytest.mark.parametrize(("size", "code"), [(36, 4), (37, 0), (256, 0), (257, 1)])
def test_both_take_authenticator_data_of_37_to_256_bytes(
    both: DirectLedger, size: int, code: int
) -> None:
    first = registration(PATIENT.record(), bytes(32))
    signed = _resigned(both, first, lambda data: (data + bytes(300))[:size])
    assert both.put(signed) == code


def test_both_want_the_relying_party_of_the_key(both: DirectLedger) -> None:
    first = registration(PATIENT.record(), bytes(32))
    signed = _resigned(both, first, lambda data: b"x" * 32 + data[32:])
    assert both.put(signed) == Refusal.BAD_SIGNATURE


def _resigned(
    both: DirectLedger,
    first: Operation,
    change: Callable[[bytes], bytes],
    suffix: bytes = SUFFIX_START + b'http://localhost:8765"}',
) -> bytes:
    """Sign honestly over changed data, so that only the rule about the data can refuse them."""
    content = first.encode()
    honest = PATIENT.witness(both.ledger, content)
    data = change(honest.assertion.authenticator_data)
    signature = PATIENT.sign_assertion(both.ledger, content, data, suffix)
    witness = replace(honest, signature=signature, assertion=Assertion(data, suffix))
    return SignedOperation(content, witness).encode()
