"""There is one encoding of each operation, and whatever is read encodes to the same bytes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pulsekey.consent.operations import (
    BODY_BYTES,
    HEADER,
    OPERATION_BYTES_MAX,
    SIGNED_OPERATION_BYTES_MAX,
    AddKey,
    Body,
    Commit,
    Grant,
    KeyRecord,
    Kind,
    Operation,
    Register,
    RemoveKey,
    Revoke,
    RevokeAll,
    Scheme,
    SignedOperation,
    Witness,
    challenge,
    decode_operation,
    decode_signed,
    registration,
)
from pulsekey.primitives.assertion import (
    AUTHENTICATOR_DATA_MAX,
    SUFFIX_MAX,
    Assertion,
    PublicKey,
    Signature,
)
from pulsekey.primitives.clock import Seconds
from pulsekey.primitives.errors import MalformedInput
from pulsekey.primitives.ids import AccountId, ConsentId, Digest, KeyId, LedgerId

words = st.binary(min_size=32, max_size=32)
u64 = st.integers(0, 2**64 - 1)
times = u64.map(Seconds)
points = st.builds(PublicKey, words, words)
schemes = st.sampled_from(Scheme)
records = st.builds(KeyRecord, points, words, schemes, st.integers(0, 2**16 - 1), times)
bodies: st.SearchStrategy[Body] = st.one_of(
    st.builds(Register, records, words),
    st.builds(AddKey, records),
    st.builds(RemoveKey, words.map(KeyId)),
    st.builds(Grant, words.map(ConsentId), times, times, times),
    st.builds(Revoke, words.map(ConsentId)),
    st.just(RevokeAll()),
    st.builds(Commit, words.map(Digest), u64),
)
operations = st.builds(Operation, words.map(AccountId), u64, words.map(KeyId), bodies)
witnesses = st.builds(
    Witness,
    schemes,
    points,
    words,
    st.builds(Signature, words, words),
    st.builds(
        Assertion, st.binary(max_size=AUTHENTICATOR_DATA_MAX), st.binary(max_size=SUFFIX_MAX)
    ),
)


@given(operation=operations)
def test_an_operation_is_read_back_as_it_was_written(operation: Operation) -> None:
    content = operation.encode()
    assert decode_operation(content) == operation
    assert len(content) == HEADER.size + BODY_BYTES[operation.body.kind] <= OPERATION_BYTES_MAX


@given(operation=operations, witness=witnesses)
def test_a_signed_operation_is_read_back_as_it_was_written(
    operation: Operation, witness: Witness
) -> None:
    signed = SignedOperation(operation.encode(), witness)
    content = signed.encode()
    assert len(content) <= SIGNED_OPERATION_BYTES_MAX
    assert decode_signed(content) == signed


@given(content=st.binary(max_size=400))
def test_whatever_is_read_encodes_to_the_same_bytes(content: bytes) -> None:
    for decode in (decode_operation, decode_signed):
        try:
            assert decode(content).encode() == content
        except MalformedInput:
            continue


@given(operation=operations, witness=witnesses, cut=st.integers(1, 60), more=st.binary(min_size=1))
def test_nothing_shorter_or_longer_is_read(
    operation: Operation, witness: Witness, cut: int, more: bytes
) -> None:
    content = SignedOperation(operation.encode(), witness).encode()
    for wrong in (content[:-cut], content + more):
        with pytest.raises(MalformedInput):
            decode_signed(wrong)
    for wrong in (operation.encode()[:-cut], operation.encode() + more):
        with pytest.raises(MalformedInput):
            decode_operation(wrong)


@pytest.mark.parametrize(("place", "value", "problem"), [
    (0, 2, "operation version 2"),
    (1, 0, "operation kind 0"),
    (1, 8, "operation kind 8"),
    (HEADER.size + 96, 3, "signature scheme 3"),
])  # fmt: skip
def test_what_is_reserved_or_unknown_is_named(place: int, value: int, problem: str) -> None:
    record = KeyRecord(PublicKey(bytes(32), bytes(32)), bytes(32), Scheme(1), 1, Seconds(1))
    content = bytearray(registration(record, bytes(32)).encode())
    content[place] = value
    with pytest.raises(MalformedInput, match=problem):
        decode_operation(bytes(content))


def test_an_unknown_scheme_of_a_witness_is_named() -> None:
    witness = Witness(
        Scheme(1),
        PublicKey(bytes(32), bytes(32)),
        bytes(32),
        Signature(bytes(32), bytes(32)),
        Assertion(b"", b""),
    )
    content = bytearray(SignedOperation(b"", witness).encode())
    content[2] = 9
    with pytest.raises(MalformedInput, match="signature scheme 9"):
        decode_signed(bytes(content))


def test_a_registration_names_its_own_digest_and_its_own_key() -> None:
    record = KeyRecord(PublicKey(b"x" * 32, b"y" * 32), b"r" * 32, Scheme(1), 31, Seconds(1))
    operation = registration(record, b"s" * 32)
    assert operation.signer == record.key_id
    assert registration(record, b"t" * 32).account != operation.account
    assert operation.body.kind is Kind.REGISTER


@given(one=words, two=words, operation=operations)
def test_a_challenge_is_of_one_ledger(one: bytes, two: bytes, operation: Operation) -> None:
    content = operation.encode()
    same = challenge(LedgerId(one), content) == challenge(LedgerId(two), content)
    assert same == (one == two)
