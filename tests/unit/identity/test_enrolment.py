"""An enrolment statement says one thing, under one key, and can be read by anyone."""

import json
import secrets
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pulsekey.identity.embedded import SeedSigner
from pulsekey.identity.enrolment import (
    STATEMENT_BYTES_MAX,
    Check,
    Method,
    Statement,
    commitment,
    decode_statement,
    encode_statement,
    openings,
    sign_statement,
    verify_statement,
)
from pulsekey.identity.principals import Role
from pulsekey.primitives.clock import Seconds
from pulsekey.primitives.errors import IntegrityError, MalformedInput
from pulsekey.primitives.ids import AccountId, Digest, KeyId, OrganisationId, PrincipalId
from tests.unit.identity.node import SEED

SIGNER = SeedSigner(SEED)
STATEMENT = Statement(
    role=Role.CLINICIAN,
    subject=PrincipalId("abc"),
    account=None,
    key_id=KeyId(b"\x01" * 32),
    rp_id_hash=b"\x02" * 32,
    operator=PrincipalId("op"),
    custodian=OrganisationId("org"),
    custodian_name="City Clinic 市诊所",
    organisation=OrganisationId("org2"),
    organisation_name="County Hospital",
    method=Method.PROFESSIONAL_REGISTER,
    name_commitment=Digest(b"\x03" * 32),
    person_commitment=Digest(b"\x04" * 32),
    stated_at=Seconds(1_790_000_000),
)


@pytest.mark.parametrize("account", [None, AccountId(b"\x05" * 32)])
def test_a_statement_is_read_back_as_it_was(account: AccountId | None) -> None:
    statement = replace(STATEMENT, account=account)
    assert decode_statement(encode_statement(statement)) == statement


def test_a_signed_statement_holds_under_the_custodians_key_only() -> None:
    signed = sign_statement(STATEMENT, SIGNER)
    assert verify_statement(signed, SIGNER.public_key()) == STATEMENT
    other = SeedSigner(bytes(32))
    with pytest.raises(IntegrityError, match="another key"):
        verify_statement(signed, other.public_key())
    with pytest.raises(IntegrityError, match="does not hold"):
        verify_statement(replace(signed, public_key=other.public_key()), other.public_key())
    with pytest.raises(IntegrityError, match="does not hold"):
        verify_statement(replace(signed, public_key=b"short"), b"short")


@given(st.integers(0, 10_000), st.integers(1, 255))
def test_no_byte_of_a_statement_can_be_changed(at: int, change: int) -> None:
    signed = sign_statement(STATEMENT, SIGNER)
    content = bytearray(signed.content)
    content[at % len(content)] ^= change
    with pytest.raises(IntegrityError):
        verify_statement(replace(signed, content=bytes(content)), SIGNER.public_key())


@given(st.integers(0, 63), st.integers(1, 255))
def test_no_byte_of_its_signature_can_be_changed(at: int, change: int) -> None:
    signed = sign_statement(STATEMENT, SIGNER)
    signature = bytearray(signed.signature)
    signature[at] ^= change
    with pytest.raises(IntegrityError):
        verify_statement(replace(signed, signature=bytes(signature)), SIGNER.public_key())


@pytest.mark.parametrize(
    "changes",
    [
        {"format": "pulsekey/enrolment/2"},
        {"role": "king"},
        {"method": "guess"},
        {"key": "00"},
        {"key": "AB" * 32},
        {"key": "zz" * 32},
        {"account": "00"},
        {"subject": 4},
        {"stated_at": "now"},
        {"stated_at": True},
        {"extra": 1},
    ],
)
def test_a_statement_of_another_form_is_refused(changes: dict[str, object]) -> None:
    document = json.loads(encode_statement(STATEMENT)) | changes
    content = json.dumps(
        document, sort_keys=True, separators=(",", ":"), ensure_ascii=False
    ).encode()
    with pytest.raises(MalformedInput, match="enrolment"):
        decode_statement(content)


@pytest.mark.parametrize("content", [b"", b"{}", b"[]", b"{ }", b"x" * (STATEMENT_BYTES_MAX + 1)])
def test_what_is_no_statement_is_refused(content: bytes) -> None:
    with pytest.raises(MalformedInput):
        decode_statement(content)


def test_a_commitment_hides_a_name_that_could_be_guessed() -> None:
    check = Check(Method.TEST_DATA, "passport 1")
    one, two = (openings("Petra", check, secrets.token_bytes) for _ in range(2))
    assert commitment(one.name_salt, "Petra") != commitment(two.name_salt, "Petra")
    assert one.name_salt != one.reference_salt
