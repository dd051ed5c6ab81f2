"""The assertion check accepts what a browser signed and nothing else."""

import base64
import hashlib
from collections.abc import Callable
from dataclasses import replace

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from hypothesis import given
from hypothesis import strategies as st

from pulsekey.primitives.assertion import (
    P256_ORDER,
    Assertion,
    PublicKey,
    Signature,
    assertion_holds,
    signature_holds,
)

RP = hashlib.sha256(b"localhost").digest()
CHALLENGE = bytes(range(32))
SUFFIX = b'","origin":"http://localhost:8000","crossOrigin":false}'
PRIVATE = ec.derive_private_key(7, ec.SECP256R1())
_POINT = PRIVATE.public_key().public_numbers()
KEY = PublicKey(_POINT.x.to_bytes(32), _POINT.y.to_bytes(32))


def signed(
    *, rp: bytes = RP, flags: int = 0x05, suffix: bytes = SUFFIX, extra: bytes = b""
) -> tuple[Assertion, Signature]:
    data = rp + bytes([flags]) + bytes(4) + extra
    challenge = base64.urlsafe_b64encode(CHALLENGE).rstrip(b"=")
    client = b'{"type":"webauthn.get","challenge":"' + challenge + suffix
    der = PRIVATE.sign(data + hashlib.sha256(client).digest(), ec.ECDSA(hashes.SHA256()))
    r, s = decode_dss_signature(der)
    return Assertion(data, suffix), Signature(r.to_bytes(32), s.to_bytes(32))


def holds(assertion: Assertion, signature: Signature, challenge: bytes = CHALLENGE) -> bool:
    return assertion_holds(challenge, RP, KEY, assertion, signature)


def test_a_good_assertion_holds() -> None:
    assert holds(*signed())
    assert holds(*signed(extra=bytes(256 - 37)))


def test_both_halves_of_a_signature_hold() -> None:
    assertion, signature = signed()
    other = (P256_ORDER - int.from_bytes(signature.s)).to_bytes(32)
    assert holds(assertion, replace(signature, s=other))


@pytest.mark.parametrize(
    "made",
    [
        lambda: signed(flags=0x01),
        lambda: signed(flags=0x04),
        lambda: signed(rp=hashlib.sha256(b"elsewhere").digest()),
        lambda: signed(extra=bytes(257 - 37)),
        lambda: signed(suffix=b'A","origin":"http://localhost:8000"}'),
        lambda: signed(suffix=b'","crossOrigin":false,"origin":"http://localhost:8000"}'),
        lambda: signed(suffix=SUFFIX + bytes(512)),
    ],
    ids=[
        "no verification",
        "no presence",
        "other rp",
        "long data",
        "more challenge",
        "order",
        "long",
    ],
)
def test_what_a_key_signed_otherwise_does_not_hold(
    made: Callable[[], tuple[Assertion, Signature]],
) -> None:
    assert not holds(*made())


@given(st.integers(0, 36), st.integers(0, 7))
def test_one_flipped_bit_of_the_authenticator_data_breaks_it(at: int, bit: int) -> None:
    assertion, signature = signed()
    data = bytearray(assertion.authenticator_data)
    data[at] ^= 1 << bit
    assert not holds(replace(assertion, authenticator_data=bytes(data)), signature)


def test_another_challenge_does_not_hold() -> None:
    assert not holds(*signed(), challenge=bytes(32))


@pytest.mark.parametrize("r", [0, P256_ORDER])
@pytest.mark.parametrize("s", [0, P256_ORDER, 2**256 - 1])
def test_numbers_outside_the_group_are_no_signature(r: int, s: int) -> None:
    assert not signature_holds(bytes(32), KEY, Signature(r.to_bytes(32), s.to_bytes(32)))


def test_a_point_off_the_curve_is_no_key() -> None:
    _, signature = signed()
    assert not signature_holds(bytes(32), PublicKey(bytes(32), bytes(32)), signature)
