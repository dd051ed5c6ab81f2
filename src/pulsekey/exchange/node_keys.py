"""The node's own keys, all from one secret that is kept wrapped under the custodian's key.

Whoever has the custodian's key and the node's folder has the node; nothing else needs a copy. The
secret is wrapped, not derived, because a key service lets nobody see the custodian's key.
"""

import os
from dataclasses import dataclass, field
from pathlib import Path

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed, decode_dss_signature
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from pulsekey.consent.operations import NEVER_EXPIRES, Capability, KeyRecord, Scheme
from pulsekey.consent.witness import NO_RELYING_PARTY
from pulsekey.primitives.assertion import P256_ORDER, PublicKey, Signature
from pulsekey.primitives.ids import Digest, Entropy
from pulsekey.vault.ports import Custodian

SECRET_BYTES = 32
WIDE_BYTES = 48
"""More than 32, so that reducing by the order has no bias to speak of (FIPS 186-5, A.2.1)."""

_CONTEXT = b"pulsekey node secret"


@dataclass(frozen=True, slots=True)
class NodeKeys:
    """Checkpoints, receipts and statements are signed with Ed25519; `commit` with plain P-256."""

    checkpoint: Ed25519PrivateKey = field(repr=False)
    commit: ec.EllipticCurvePrivateKey = field(repr=False)
    identity_key: bytes = field(repr=False)
    mark_key: bytes = field(repr=False)

    def public_key(self) -> bytes:
        """The Ed25519 public key, 32 bytes."""
        return self.checkpoint.public_key().public_bytes_raw()

    def sign(self, message: bytes) -> bytes:
        """Return an Ed25519 signature, 64 bytes."""
        return self.checkpoint.sign(message)

    def commit_record(self) -> KeyRecord:
        """Return the ledger's record of the key that signs commitments."""
        point = self.commit.public_key().public_numbers()
        return KeyRecord(
            PublicKey(point.x.to_bytes(32), point.y.to_bytes(32)),
            NO_RELYING_PARTY,
            Scheme.PLAIN_P256,
            int(Capability.COMMIT),
            NEVER_EXPIRES,
        )

    def sign_commitment(self, challenge: Digest) -> Signature:
        """Return a P-256 signature over a 32-byte challenge."""
        der = self.commit.sign(challenge, ec.ECDSA(Prehashed(hashes.SHA256())))
        r, s = decode_dss_signature(der)
        return Signature(r.to_bytes(32), s.to_bytes(32))


def create_node_secret(path: Path, custodian: Custodian, entropy: Entropy) -> None:
    """Make the node's secret once; `path` must not exist."""
    wrapped = custodian.wrap(entropy(SECRET_BYTES), _CONTEXT)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(wrapped)
        file.flush()
        os.fsync(file.fileno())


def open_node_keys(path: Path, custodian: Custodian) -> NodeKeys:
    """Return the node's keys; raise `AccessDenied` if another custodian's key wrapped them."""
    secret = custodian.unwrap(path.read_bytes(), _CONTEXT)
    wide = int.from_bytes(_derived(secret, b"commit p256", WIDE_BYTES))
    return NodeKeys(
        Ed25519PrivateKey.from_private_bytes(_derived(secret, b"checkpoint ed25519", 32)),
        ec.derive_private_key(wide % (P256_ORDER - 1) + 1, ec.SECP256R1()),
        _derived(secret, b"identity store", 32),
        _derived(secret, b"high-water mark", 32),
    )


def _derived(secret: bytes, use: bytes, size: int) -> bytes:
    return HKDF(hashes.SHA256(), size, salt=None, info=b"pulsekey node/1 " + use).derive(secret)
