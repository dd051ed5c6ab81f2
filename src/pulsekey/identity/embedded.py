"""The embedded signer: a key given as bytes, in this process."""

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from pulsekey.primitives.errors import MalformedInput
from pulsekey.primitives.messages import Said

SEED_BYTES = 32


class SeedSigner:
    """Signs with the Ed25519 key that a 32-byte seed stands for."""

    def __init__(self, seed: bytes) -> None:
        if len(seed) != SEED_BYTES:
            raise MalformedInput(
                Said("needs {size} bytes", size=SEED_BYTES), where="custodian's signing seed"
            )
        self._key = Ed25519PrivateKey.from_private_bytes(seed)

    def public_key(self) -> bytes:
        return self._key.public_key().public_bytes_raw()

    def sign(self, message: bytes) -> bytes:
        return self._key.sign(message)
