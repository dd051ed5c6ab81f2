"""The custodian's Ed25519 signature over a digest, judged."""

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from pulsekey.primitives.errors import IntegrityError
from pulsekey.primitives.ids import Digest


def check_signature(public_key: bytes, signature: bytes, message: Digest, what: str) -> None:
    """Raise `IntegrityError` unless `public_key` (32 bytes) signed `message`; `what` names it."""
    try:
        Ed25519PublicKey.from_public_bytes(public_key).verify(signature, message)
    except (InvalidSignature, ValueError):
        raise IntegrityError(f"{what} is not signed by this ledger's custodian") from None
