"""What identity needs from outside: somebody to sign what the custodian states."""

from typing import Protocol


class Signer(Protocol):
    """The custodian's Ed25519 key (RFC 8032), wherever it lives.

    Trusted: whoever can call it can state in the custodian's name who somebody is. It is never
    given anything but tagged digests, so it cannot be made to sign a transaction or a token.

    Every implementation passes tests/conformance/test_identity_signer.py.
    """

    def public_key(self) -> bytes:
        """Return the 32-byte public key that goes with every signature made from now on."""

    def sign(self, message: bytes) -> bytes:
        """Return the 64-byte signature over `message`, or raise `Unavailable`."""
