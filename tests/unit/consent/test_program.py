"""The program's rules, one sentence each. The contract is compared with it in tests/contracts."""

from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pulsekey.consent.operations import (
    ALL_CAPABILITIES,
    NEVER_EXPIRES,
    NONCE_MAX,
    PATIENT_CAPABILITIES,
    SIGNED_OPERATION_BYTES_MAX,
    AddKey,
    Body,
    Capability,
    Commit,
    Grant,
    KeyRecord,
    Operation,
    RemoveKey,
    Revoke,
    RevokeAll,
    Scheme,
    SignedOperation,
    decode_signed,
    registration,
)
from pulsekey.consent.program import (
    ABSENT,
    ACCOUNT_KEYS_MAX,
    EXECUTED,
    NONCE_STEP_MAX,
    ConsentProgram,
    GrantState,
    Refusal,
    admissible,
    apply,
    examine,
    grant_state,
    keys,
    transition,
)
from pulsekey.consent.state import (
    AccountSlot,
    GrantSlot,
    GrantStatus,
    KeySlot,
    KeyStatus,
    account_slot,
    commitment_slot,
    grant_slot,
    key_slot,
    read_account,
    read_grant,
    read_key,
)
from pulsekey.ledger import ports
from pulsekey.primitives.assertion import Assertion, PublicKey
from pulsekey.primitives.clock import Seconds
from pulsekey.primitives.ids import AccountId, ConsentId, Digest, KeyId, LedgerId
from tests.fakes.software_authenticator import Signer, other_half

LEDGER = LedgerId(b"L" * 32)
NOW = Seconds(1_000)
CONSENT = ConsentId(b"c" * 32)
PATIENT = Signer("patient")
PHONE = Signer("phone")
SERVER = Signer("server", plain=True)


@dataclass
class World:
    """One account on one ledger, and the state that its operations leave behind."""

    capabilities: int = PATIENT_CAPABILITIES
    expires: Seconds = NEVER_EXPIRES
    owner: Signer = field(default_factory=lambda: PATIENT)
    state: dict[bytes, bytes] = field(default_factory=dict)
    account: AccountId = field(init=False)

    def __post_init__(self) -> None:
        operation = registration(self.owner.record(self.capabilities, self.expires), b"s" * 32)
        self.account = operation.account
        assert self.put(self.owner.sign(LEDGER, operation)) == EXECUTED

    def put(self, signed: bytes, at: Seconds = NOW) -> int:
        outcome = apply(self.state, LEDGER, signed, at)
        assert outcome.code == EXECUTED or not outcome.writes
        self.state.update(outcome.writes)
        return outcome.code

    def act(self, nonce: int, body: Body, signer: Signer | None = None, at: Seconds = NOW) -> int:
        return self.put(self.signed(nonce, body, signer), at)

    def signed(self, nonce: int, body: Body, signer: Signer | None = None) -> bytes:
        key = signer or self.owner
        operation = Operation(self.account, nonce, key.record().key_id, body)
        return key.sign(LEDGER, operation)

    def consent(self, consent: ConsentId = CONSENT, at: int = NOW) -> GrantState:
        value = self.state.get(grant_slot(self.account, consent), ABSENT)
        return grant_state(value, self.state[account_slot(self.account)], Seconds(at))


def grant(
    consent: ConsentId = CONSENT, start: int = 900, end: int = 2_000, include_by: int = 1_100
) -> Grant:
    return Grant(consent, Seconds(start), Seconds(end), Seconds(include_by))


def test_the_program_fits_the_port_of_the_ledger() -> None:
    program: ports.Program = ConsentProgram(ports.Outcome)
    signed = PATIENT.sign(LEDGER, registration(PATIENT.record(), bytes(32)))
    assert program.admissible(LEDGER, signed)
    outcome = program.transition([ABSENT, ABSENT], signed, NOW)
    assert isinstance(outcome, ports.Outcome)
    assert dict(outcome.writes).keys() == set(program.keys(signed))


def test_an_account_opens_with_its_first_key() -> None:
    world = World()
    assert read_account(world.state[account_slot(world.account)]) == AccountSlot(1, 0, 1, 1)
    slot = world.state[key_slot(world.account, PATIENT.record().key_id)]
    assert read_key(slot) == KeySlot(PATIENT_CAPABILITIES, NEVER_EXPIRES, KeyStatus.ACTIVE)


def test_an_account_opens_once() -> None:
    world = World()
    again = registration(PATIENT.record(), b"s" * 32)
    assert world.put(PATIENT.sign(LEDGER, again)) == Refusal.ALREADY_REGISTERED


@pytest.mark.parametrize("capabilities", [0, ALL_CAPABILITIES + 1, 0xFFFF])
def test_a_first_key_may_do_something_and_nothing_unknown(capabilities: int) -> None:
    operation = registration(PATIENT.record(capabilities), bytes(32))
    outcome = apply({}, LEDGER, PATIENT.sign(LEDGER, operation), NOW)
    assert outcome.code == Refusal.BAD_CAPABILITIES


@pytest.mark.parametrize(("nonce", "code"), [
    (0, Refusal.NONCE_NOT_RISING),
    (1, EXECUTED),
    (NONCE_STEP_MAX, EXECUTED),
    (NONCE_STEP_MAX + 1, Refusal.NONCE_TOO_FAR),
])  # fmt: skip
def test_a_first_nonce_is_above_zero_and_within_a_step(nonce: int, code: int) -> None:
    first = registration(PATIENT.record(), bytes(32))
    operation = Operation(first.account, nonce, first.signer, first.body)
    assert apply({}, LEDGER, PATIENT.sign(LEDGER, operation), NOW).code == code


@pytest.mark.parametrize(("expires", "code"), [(NOW, Refusal.BAD_EXPIRY), (NOW + 1, EXECUTED)])
def test_a_first_key_is_not_over_already(expires: int, code: int) -> None:
    operation = registration(PATIENT.record(expires=Seconds(expires)), bytes(32))
    assert apply({}, LEDGER, PATIENT.sign(LEDGER, operation), NOW).code == code


def test_an_account_is_the_digest_of_its_registration() -> None:
    first = registration(PATIENT.record(), bytes(32))
    stolen = Operation(AccountId(b"a" * 32), 1, first.signer, first.body)
    assert examine(LEDGER, PATIENT.sign(LEDGER, stolen)) == Refusal.NOT_ITS_ACCOUNT
    foreign = Operation(first.account, 1, PHONE.record().key_id, first.body)
    assert examine(LEDGER, PHONE.sign(LEDGER, foreign)) == Refusal.NOT_ITS_ACCOUNT


def test_nothing_happens_under_an_account_that_nobody_opened() -> None:
    operation = Operation(AccountId(bytes(32)), 1, PATIENT.record().key_id, RevokeAll())
    outcome = apply({}, LEDGER, PATIENT.sign(LEDGER, operation), NOW)
    assert outcome.code == Refusal.NOT_REGISTERED


@pytest.mark.parametrize(("nonce", "code"), [
    (0, Refusal.NONCE_NOT_RISING),
    (1, Refusal.NONCE_NOT_RISING),
    (2, EXECUTED),
    (1_000, EXECUTED),
    (1 + NONCE_STEP_MAX, EXECUTED),
    (2 + NONCE_STEP_MAX, Refusal.NONCE_TOO_FAR),
    (NONCE_MAX, Refusal.NONCE_TOO_FAR),
])  # fmt: skip
def test_nonces_rise_and_gaps_are_legal_within_a_step(nonce: int, code: int) -> None:
    assert World().act(nonce, grant()) == code


def test_a_refused_operation_does_not_use_up_its_nonce() -> None:
    world = World()
    assert world.act(2, grant(end=10)) == Refusal.BAD_PERIOD
    assert world.act(2, grant()) == EXECUTED


def test_an_operation_is_not_executed_twice() -> None:
    world = World()
    signed = world.signed(2, RevokeAll())
    assert world.put(signed) == EXECUTED
    assert world.put(signed) == Refusal.NONCE_NOT_RISING


def test_the_other_half_of_a_signature_holds_and_is_no_replay() -> None:
    world = World()
    first = decode_signed(world.signed(2, grant()))
    witness = first.witness
    twin = SignedOperation(
        first.operation,
        type(witness)(
            witness.scheme,
            witness.key,
            witness.rp_id_hash,
            other_half(witness.signature),
            witness.assertion,
        ),
    ).encode()
    assert twin != first.encode()
    assert admissible(LEDGER, twin)
    assert world.put(first.encode()) == EXECUTED
    assert world.put(twin) == Refusal.NONCE_NOT_RISING


@pytest.mark.parametrize(("at", "state"), [
    (899, GrantState.NOT_YET),
    (900, GrantState.LIVE),
    (1_999, GrantState.LIVE),
    (2_000, GrantState.EXPIRED),
])  # fmt: skip
def test_a_grant_lives_from_its_first_second_to_before_its_last(at: int, state: GrantState) -> None:
    world = World()
    assert world.consent(at=at) is GrantState.NEVER
    assert world.act(2, grant()) == EXECUTED
    assert world.consent(at=at) is state


@pytest.mark.parametrize(("at", "code"), [
    (1_100, EXECUTED),
    (1_101, Refusal.INCLUDED_TOO_LATE),
])  # fmt: skip
def test_a_grant_is_included_by_its_last_moment(at: int, code: int) -> None:
    assert World().act(2, grant(), at=Seconds(at)) == code


@pytest.mark.parametrize(("start", "end"), [(900, 900), (900, 899), (0, 1_000), (5_000, 4_000)])
def test_a_grant_that_is_empty_or_over_is_refused(start: int, end: int) -> None:
    assert World().act(2, grant(start=start, end=end)) == Refusal.BAD_PERIOD


def test_a_consent_lives_once() -> None:
    world = World()
    assert world.act(2, grant()) == EXECUTED
    assert world.act(3, grant()) == Refusal.CONSENT_ALREADY_USED
    assert world.act(4, Revoke(CONSENT)) == EXECUTED
    assert world.act(5, grant()) == Refusal.CONSENT_ALREADY_USED
    assert world.consent() is GrantState.STOPPED


def test_a_consent_that_was_stopped_before_it_came_never_comes() -> None:
    world = World()
    late = world.signed(2, grant())
    slipped_in_later = world.signed(9, grant())
    assert world.act(8, Revoke(CONSENT)) == EXECUTED
    assert world.put(late) == Refusal.NONCE_NOT_RISING
    assert world.put(slipped_in_later) == Refusal.CONSENT_ALREADY_USED
    assert world.consent() is GrantState.STOPPED
    # What is left of it says which operation stopped it.
    tombstone = read_grant(world.state[grant_slot(world.account, CONSENT)])
    assert tombstone == GrantSlot(8, Seconds(0), Seconds(0), GrantStatus.STOPPED)


def test_stopping_twice_is_no_error_and_changes_only_the_nonce() -> None:
    world = World()
    world.act(2, grant())
    world.act(3, Revoke(CONSENT))
    before = world.state[grant_slot(world.account, CONSENT)]
    assert world.act(4, Revoke(CONSENT)) == EXECUTED
    assert world.state[grant_slot(world.account, CONSENT)] == before


def test_stopping_everything_ends_all_that_was_given_and_nothing_given_later() -> None:
    world = World()
    other, later = ConsentId(b"o" * 32), ConsentId(b"l" * 32)
    world.act(2, grant())
    world.act(3, grant(other))
    assert world.act(7, RevokeAll()) == EXECUTED
    assert world.act(8, grant(later)) == EXECUTED
    assert [world.consent(each) for each in (CONSENT, other, later)] == [
        GrantState.STOPPED,
        GrantState.STOPPED,
        GrantState.LIVE,
    ]


def test_a_consent_of_another_account_is_another_consent() -> None:
    one, two = World(), World(owner=PHONE)
    two.state |= one.state
    assert two.act(2, grant()) == EXECUTED
    assert one.account != two.account
    assert grant_slot(one.account, CONSENT) not in two.state


def test_a_second_key_signs_as_the_first_does() -> None:
    world = World()
    assert world.act(2, grant(), PHONE) == Refusal.UNKNOWN_KEY
    assert world.act(2, AddKey(PHONE.record())) == EXECUTED
    assert world.act(3, grant(), PHONE) == EXECUTED
    assert read_account(world.state[account_slot(world.account)]).keys == 2


@pytest.mark.parametrize(("capabilities", "expires", "code"), [
    (Capability.CONSENT, 1_500, EXECUTED),
    (Capability.COMMIT, 1_500, Refusal.BAD_CAPABILITIES),
    (0, 1_500, Refusal.BAD_CAPABILITIES),
    (0xFFFF, 1_500, Refusal.BAD_CAPABILITIES),
    (Capability.CONSENT, 1_501, Refusal.BAD_EXPIRY),
    (Capability.CONSENT, NOW, Refusal.BAD_EXPIRY),
])  # fmt: skip
def test_a_key_gives_no_more_than_it_has(capabilities: int, expires: int, code: int) -> None:
    world = World(expires=Seconds(1_500))
    assert world.act(2, AddKey(PHONE.record(capabilities, Seconds(expires)))) == code


def test_a_key_gives_no_other_power_than_its_own_however_small() -> None:
    world = World(capabilities=Capability.MANAGE | Capability.CONSENT)
    for gained in (Capability.REVOKE, Capability.REVOKE | Capability.CONSENT):
        assert gained < Capability.MANAGE | Capability.CONSENT
        assert world.act(2, AddKey(PHONE.record(gained))) == Refusal.BAD_CAPABILITIES


def test_a_removed_key_is_dead_and_cannot_come_back() -> None:
    world = World()
    phone = PHONE.record()
    world.act(2, AddKey(phone))
    assert world.act(3, RemoveKey(phone.key_id)) == EXECUTED
    assert world.act(4, grant(), PHONE) == Refusal.REMOVED_KEY
    assert world.act(4, AddKey(phone)) == Refusal.KEY_ALREADY_USED
    assert world.act(4, RemoveKey(phone.key_id)) == Refusal.NO_SUCH_KEY
    assert read_account(world.state[account_slot(world.account)]).keys == 1


def test_a_key_cannot_remove_or_add_itself() -> None:
    world = World()
    own = PATIENT.record()
    assert world.act(2, RemoveKey(own.key_id)) == Refusal.SELF_REMOVAL
    assert world.act(2, AddKey(own)) == Refusal.KEY_ALREADY_USED
    assert world.act(2, RemoveKey(KeyId(b"k" * 32))) == Refusal.NO_SUCH_KEY


def test_an_expired_key_signs_nothing_but_can_be_removed() -> None:
    world = World()
    phone = PHONE.record(expires=Seconds(1_200))
    world.act(2, AddKey(phone))
    assert world.act(3, grant(), PHONE, at=Seconds(1_200)) == Refusal.EXPIRED_KEY
    assert world.act(3, RevokeAll(), PHONE, at=Seconds(1_199)) == EXECUTED
    assert world.act(4, RemoveKey(phone.key_id), at=Seconds(1_300)) == EXECUTED


def test_an_account_holds_a_limited_number_of_keys() -> None:
    world = World()
    slot = account_slot(world.account)
    world.state[slot] = AccountSlot(1, 0, ACCOUNT_KEYS_MAX, 1).encode()
    assert world.act(2, AddKey(PHONE.record())) == Refusal.TOO_MANY_KEYS


@pytest.mark.parametrize(
    ("body", "needed"),
    [
        (grant(), Capability.CONSENT),
        (Revoke(CONSENT), Capability.REVOKE),
        (RevokeAll(), Capability.REVOKE),
        (Commit(Digest(b"r" * 32), 1), Capability.COMMIT),
        (AddKey(PHONE.record(Capability.MANAGE)), Capability.MANAGE),
    ],
    ids=lambda value: type(value).__name__,
)
def test_every_operation_needs_its_capability(body: Body, needed: Capability) -> None:
    assert World(capabilities=needed).act(2, body) == EXECUTED
    without = World(capabilities=ALL_CAPABILITIES & ~needed)
    assert without.act(2, body) == Refusal.LACKS_CAPABILITY


def test_removing_a_key_needs_the_capability_to_manage() -> None:
    world = World()
    weak = PHONE.record(PATIENT_CAPABILITIES & ~Capability.MANAGE)
    world.act(2, AddKey(weak))
    removal = RemoveKey(PATIENT.record().key_id)
    assert world.act(3, removal, PHONE) == Refusal.LACKS_CAPABILITY


def test_a_server_commits_with_a_plain_key() -> None:
    world = World(capabilities=Capability.COMMIT, owner=SERVER)
    assert world.act(2, Commit(Digest(b"r" * 32), 1)) == EXECUTED
    assert world.state[commitment_slot(world.account)] == b"r" * 32
    assert world.act(3, Commit(Digest(bytes(32)), 2)) == Refusal.EMPTY_ROOT


def test_an_operation_is_valid_on_one_ledger_only() -> None:
    world = World()
    signed = world.signed(2, grant())
    assert admissible(LEDGER, signed)
    assert examine(LedgerId(b"M" * 32), signed) == Refusal.BAD_SIGNATURE


def test_a_witness_is_of_the_key_that_the_operation_names() -> None:
    world = World()
    mine, theirs = decode_signed(world.signed(2, grant())), PHONE
    swapped = SignedOperation(mine.operation, theirs.witness(LEDGER, mine.operation))
    assert examine(LEDGER, swapped.encode()) == Refusal.FOREIGN_WITNESS


def test_a_plain_key_has_no_relying_party_and_no_assertion() -> None:
    record = SERVER.record()
    other = KeyRecord(record.key, b"p" * 32, Scheme.PLAIN_P256, record.capabilities, NEVER_EXPIRES)
    assert examine(LEDGER, SERVER.sign(LEDGER, registration(other, bytes(32)))) == Refusal.MALFORMED
    fine = decode_signed(SERVER.sign(LEDGER, registration(record, bytes(32))))
    witness = fine.witness
    for changed in (
        type(witness)(witness.scheme, witness.key, b"p" * 32, witness.signature, witness.assertion),
        type(witness)(
            witness.scheme, witness.key, bytes(32), witness.signature, Assertion(b"", b"x")
        ),
        type(witness)(
            witness.scheme, witness.key, bytes(32), witness.signature, Assertion(b"x", b"")
        ),
    ):
        signed = SignedOperation(fine.operation, changed).encode()
        assert examine(LEDGER, signed) == Refusal.MALFORMED


def test_a_point_that_is_not_on_the_curve_signs_nothing() -> None:
    record = KeyRecord(
        PublicKey(bytes(32), bytes(32)), bytes(32), Scheme.PLAIN_P256, 1, NEVER_EXPIRES
    )
    operation = registration(record, bytes(32)).encode()
    witness = SERVER.witness(LEDGER, operation)
    nowhere = type(witness)(
        witness.scheme, record.key, bytes(32), witness.signature, witness.assertion
    )
    signed = SignedOperation(operation, nowhere).encode()
    assert examine(LEDGER, signed) == Refusal.BAD_SIGNATURE


@given(content=st.binary(max_size=SIGNED_OPERATION_BYTES_MAX + 10))
def test_admission_never_raises(content: bytes) -> None:
    assert examine(LEDGER, content) is not None


@given(place=st.integers(min_value=0), mask=st.integers(1, 255))
def test_no_flipped_bit_is_admitted(place: int, mask: int) -> None:
    signed = bytearray(PATIENT.sign(LEDGER, registration(PATIENT.record(), bytes(32))))
    signed[place % len(signed)] ^= mask
    assert not admissible(LEDGER, bytes(signed))


@given(values=st.lists(st.binary(min_size=32, max_size=32), min_size=3, max_size=3))
def test_no_values_make_the_program_raise(values: list[bytes]) -> None:
    world = World()
    for body in (grant(), Revoke(CONSENT), RemoveKey(KeyId(b"k" * 32)), AddKey(PHONE.record())):
        outcome = transition(values, world.signed(2, body), NOW)
        assert outcome.code == EXECUTED or outcome.code in set(Refusal)


def test_an_operation_reads_no_more_keys_than_the_ledger_allows() -> None:
    world = World()
    for body in (grant(), Revoke(CONSENT), RevokeAll(), Commit(Digest(bytes(32)), 1)):
        assert len(keys(world.signed(2, body))) <= ports.STATE_KEYS_MAX


def test_slots_are_32_bytes() -> None:
    whole = 2**64 - 1
    assert len(AccountSlot(whole, whole, 2**32 - 1, 1).encode()) == 32
    assert len(KeySlot(0xFFFF, Seconds(whole), 2).encode()) == 32
    assert len(GrantSlot(whole, Seconds(whole), Seconds(whole), GrantStatus.STOPPED).encode()) == 32
