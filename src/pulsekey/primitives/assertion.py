"""The check of one WebAuthn assertion, and of one plain P-256 signature, as a contract can do it.

Everything is fixed-width or length-checked, nothing is parsed: the client data must begin with the
bytes that WebAuthn Level 3, section 5.8.1.2 (the limited verification algorithm) guarantees, so the
challenge stands at a known place. `contracts/src/webauthn.vy` is the same check.
"""

import base64
import hashlib
from dataclasses import dataclass
from functools import lru_cache

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed, encode_dss_signature

PREFIX = b'{"type":"webauthn.get","challenge":"'
SUFFIX_START = b'","origin":"'
FLAGS_NEEDED = 0x05
"""User present (bit 0) and user verified (bit 2), WebAuthn Level 3, section 6.1."""

AUTHENTICATOR_DATA_MIN = 37
AUTHENTICATOR_DATA_MAX = 256
SUFFIX_MAX = 512
P256_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551

_PREHASHED = ec.ECDSA(Prehashed(hashes.SHA256()))


@dataclass(frozen=True, slots=True)
class PublicKey:
    """A P-256 point, each coordinate 32 bytes big-endian."""

    x: bytes
    y: bytes


@dataclass(frozen=True, slots=True)
class Signature:
    """An ECDSA signature, each half 32 bytes big-endian. `s` may be low or high."""

    r: bytes
    s: bytes


@dataclass(frozen=True, slots=True)
class Assertion:
    """What an authenticator returned, with the client data cut off after its challenge."""

    authenticator_data: bytes
    client_data_suffix: bytes


def assertion_holds(
    challenge: bytes, rp_id_hash: bytes, key: PublicKey, assertion: Assertion, signature: Signature
) -> bool:
    """Whether `key` signed `challenge` for that relying party, its user present and verified."""
    data, suffix = assertion.authenticator_data, assertion.client_data_suffix
    if not AUTHENTICATOR_DATA_MIN <= len(data) <= AUTHENTICATOR_DATA_MAX:
        return False
    if len(suffix) > SUFFIX_MAX or not suffix.startswith(SUFFIX_START):
        return False
    if data[:32] != rp_id_hash or data[32] & FLAGS_NEEDED != FLAGS_NEEDED:
        return False
    client_data = PREFIX + base64.urlsafe_b64encode(challenge).rstrip(b"=") + suffix
    message = hashlib.sha256(data + hashlib.sha256(client_data).digest()).digest()
    return signature_holds(message, key, signature)


def signature_holds(message_hash: bytes, key: PublicKey, signature: Signature) -> bool:
    """Whether `signature` over a 32-byte hash is `key`'s, as EIP-7951 P256VERIFY decides it."""
    r, s = int.from_bytes(signature.r), int.from_bytes(signature.s)
    if not (0 < r < P256_ORDER and 0 < s < P256_ORDER):
        return False
    try:
        _point(key.x, key.y).verify(encode_dss_signature(r, s), message_hash, _PREHASHED)
    except (ValueError, InvalidSignature):
        return False
    return True


@lru_cache(maxsize=4_096)
def _point(x: bytes, y: bytes) -> ec.EllipticCurvePublicKey:
    return ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), b"\x04" + x + y)
