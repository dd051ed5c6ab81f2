"""Signed operations for tests: a software passkey, or a server's key, that signs for a ledger."""

import hashlib
from dataclasses import dataclass, field

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed

from pulsekey.consent.operations import (
    NEVER_EXPIRES,
    PATIENT_CAPABILITIES,
    KeyRecord,
    Operation,
    Scheme,
    SignedOperation,
    Witness,
    challenge,
)
from pulsekey.consent.witness import (
    NO_RELYING_PARTY,
    plain_witness,
    signature_from_der,
    witness_from,
)
from pulsekey.identity.software_passkey import SoftwarePasskey, base64url, create
from pulsekey.primitives.assertion import P256_ORDER, PREFIX, PublicKey, Signature
from pulsekey.primitives.clock import Seconds
from pulsekey.primitives.ids import LedgerId

RP_ID = "localhost"
ORIGIN = "http://localhost:8765"


class Repeatable:
    """Entropy that gives the same bytes in every run, and other bytes for every seed."""

    def __init__(self, seed: str) -> None:
        self._seed = seed.encode()
        self._drawn = 0

    def __call__(self, size: int) -> bytes:
        self._drawn += 1
        return hashlib.shake_256(self._seed + self._drawn.to_bytes(8)).digest(size)


@dataclass(slots=True)
class Signer:
    """A key that signs operations: a passkey, or with `plain` a server's key."""

    seed: str
    plain: bool = False
    rp_id: str = RP_ID
    origin: str = ORIGIN
    passkey: SoftwarePasskey = field(init=False)
    _server_key: ec.EllipticCurvePrivateKey = field(init=False)

    def __post_init__(self) -> None:
        entropy = Repeatable(self.seed)
        self.passkey = create(self.rp_id, self.origin, entropy)
        secret = int.from_bytes(entropy(64)) % (P256_ORDER - 1) + 1
        self._server_key = ec.derive_private_key(secret, ec.SECP256R1())

    @property
    def key(self) -> PublicKey:
        if not self.plain:
            return self.passkey.public_key
        point = self._server_key.public_key().public_numbers()
        return PublicKey(point.x.to_bytes(32), point.y.to_bytes(32))

    def record(
        self, capabilities: int = PATIENT_CAPABILITIES, expires: Seconds = NEVER_EXPIRES
    ) -> KeyRecord:
        scheme = Scheme.PLAIN_P256 if self.plain else Scheme.WEBAUTHN_P256
        party = NO_RELYING_PARTY if self.plain else self.passkey.rp_id_hash
        return KeyRecord(self.key, party, scheme, int(capabilities), expires)

    def witness(self, ledger: LedgerId, operation: bytes) -> Witness:
        signed = challenge(ledger, operation)
        if self.plain:
            algorithm = ec.ECDSA(Prehashed(hashes.SHA256()), deterministic_signing=True)
            return plain_witness(
                self.key, signature_from_der(self._server_key.sign(signed, algorithm))
            )
        return witness_from(self.passkey.authenticate(signed), self.key)

    def sign_assertion(
        self, ledger: LedgerId, operation: bytes, data: bytes, suffix: bytes
    ) -> Signature:
        """Sign whatever authenticator data and client data a hostile client composes."""
        client_data = PREFIX + base64url(challenge(ledger, operation)).encode() + suffix
        message = data + hashlib.sha256(client_data).digest()
        key = self.passkey._key
        return signature_from_der(key.sign(message, ec.ECDSA(hashes.SHA256())))

    def sign(self, ledger: LedgerId, operation: Operation) -> bytes:
        content = operation.encode()
        return SignedOperation(content, self.witness(ledger, content)).encode()


def other_half(signature: Signature) -> Signature:
    """Return the same signature with the other `s`: whoever sees one can make the other."""
    flipped = P256_ORDER - int.from_bytes(signature.s)
    return Signature(signature.r, flipped.to_bytes(32))
