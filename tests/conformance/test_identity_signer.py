"""Every Signer keeps the promises written in pulsekey.identity.ports.Signer."""

from collections.abc import Callable

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from hypothesis import given
from hypothesis import strategies as st

from pulsekey.identity.embedded import SeedSigner
from pulsekey.identity.ports import Signer
from pulsekey.primitives.errors import MalformedInput

# Adding an adapter means adding a line here; nothing else in this file changes.
SIGNERS: dict[str, Callable[[], Signer]] = {"seed": lambda: SeedSigner(b"\x07" * 32)}

every_signer = pytest.mark.parametrize("signer", SIGNERS.values(), ids=SIGNERS.keys())


@every_signer
@given(message=st.binary(max_size=200))
def test_what_was_signed_verifies_under_the_public_key(
    signer: Callable[[], Signer], message: bytes
) -> None:
    made = signer()
    key = Ed25519PublicKey.from_public_bytes(made.public_key())
    signature = made.sign(message)
    assert len(signature) == 64
    key.verify(signature, message)
    with pytest.raises(InvalidSignature):
        key.verify(signature, message + b"x")


@every_signer
def test_the_key_is_the_same_when_opened_again(signer: Callable[[], Signer]) -> None:
    assert signer().public_key() == signer().public_key()


def test_a_seed_has_32_bytes() -> None:
    with pytest.raises(MalformedInput):
        SeedSigner(bytes(31))


def test_rfc_8032_section_7_1_test_1() -> None:
    seed = bytes.fromhex("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60")
    signer = SeedSigner(seed)
    public = "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a"
    assert signer.public_key().hex() == public
    assert signer.sign(b"").hex() == (
        "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701"
        "cf9b46bd25bf5f0595bbe24655141438e7a100b"
    )
