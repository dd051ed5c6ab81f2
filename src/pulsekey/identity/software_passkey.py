"""A passkey made of software, for the demonstration, for scripts and for tests.

Its answers have byte for byte the form that Chromium's have, so whatever accepts one accepts both.
It has no screen lock: it says "user verified" of whoever holds the object. Never a person's own.
"""

import base64
import hashlib
import json
from dataclasses import dataclass
from typing import TypedDict

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from pulsekey.primitives.assertion import P256_ORDER, PublicKey
from pulsekey.primitives.errors import MalformedInput
from pulsekey.primitives.ids import Entropy

CREDENTIAL_ID_BYTES = 32
NO_AAGUID = bytes(16)
ES256 = -7

# WebAuthn Level 3, section 6.1: user present, user verified, attested credential data follow.
_FLAGS_ASSERTION = 0x05
_FLAGS_REGISTRATION = 0x45

# Chromium appends this member to some client data, lest anyone compare it with a template.
_EXTRA_MEMBER = (
    "other_keys_can_be_added_here",
    "do not compare clientDataJSON against a template. See https://goo.gl/yabPex",
)
_EXTRA_ONE_IN = 8

# RFC 9052 key for ES256: {1: 2, 3: -7, -1: 1, -2: x, -3: y} in CTAP2 canonical CBOR.
_COSE_X = bytes.fromhex("a5010203262001215820")
_COSE_Y = bytes.fromhex("225820")
# {"fmt": "none", "attStmt": {}, "authData": bytes with a one-byte length}.
_ATTESTATION_NONE = b"\xa3\x63fmt\x64none\x67attStmt\xa0\x68authData\x58"


class AttestationResponse(TypedDict):
    clientDataJSON: str
    attestationObject: str
    authenticatorData: str
    publicKey: str
    publicKeyAlgorithm: int
    transports: list[str]


class RegistrationResponse(TypedDict):
    """`RegistrationResponseJSON` of WebAuthn Level 3, section 5.1."""

    id: str
    rawId: str
    type: str
    authenticatorAttachment: str
    clientExtensionResults: dict[str, object]
    response: AttestationResponse


class AssertionResponse(TypedDict):
    clientDataJSON: str
    authenticatorData: str
    signature: str
    userHandle: str


class AuthenticationResponse(TypedDict):
    """`AuthenticationResponseJSON` of WebAuthn Level 3, section 5.1."""

    id: str
    rawId: str
    type: str
    authenticatorAttachment: str
    clientExtensionResults: dict[str, object]
    response: AssertionResponse


@dataclass(slots=True)
class SoftwarePasskey:
    """One credential of one relying party. Signing counts up, as an authenticator does."""

    rp_id: str
    origin: str
    credential_id: bytes
    user_handle: bytes
    sign_count: int
    _key: ec.EllipticCurvePrivateKey

    @property
    def public_key(self) -> PublicKey:
        point = self._key.public_key().public_numbers()
        return PublicKey(point.x.to_bytes(32), point.y.to_bytes(32))

    @property
    def rp_id_hash(self) -> bytes:
        return hashlib.sha256(self.rp_id.encode()).digest()

    def register(self, challenge: bytes) -> RegistrationResponse:
        """Answer `navigator.credentials.create`, attestation `none`."""
        self.sign_count += 1
        key = self.public_key
        credential = len(self.credential_id).to_bytes(2) + self.credential_id
        data = self._data(_FLAGS_REGISTRATION) + NO_AAGUID + credential
        data += _COSE_X + key.x + _COSE_Y + key.y
        name = base64url(self.credential_id)
        return {
            "id": name,
            "rawId": name,
            "type": "public-key",
            "authenticatorAttachment": "platform",
            "clientExtensionResults": {},
            "response": {
                "clientDataJSON": base64url(self._client_data("webauthn.create", challenge)),
                "attestationObject": base64url(_ATTESTATION_NONE + bytes([len(data)]) + data),
                "authenticatorData": base64url(data),
                "publicKey": base64url(
                    self._key.public_key().public_bytes(
                        Encoding.DER, PublicFormat.SubjectPublicKeyInfo
                    )
                ),
                "publicKeyAlgorithm": ES256,
                "transports": ["internal"],
            },
        }

    def authenticate(self, challenge: bytes) -> AuthenticationResponse:
        """Answer `navigator.credentials.get`. Half of the signatures have a high `s`."""
        self.sign_count += 1
        data = self._data(_FLAGS_ASSERTION)
        client_data = self._client_data("webauthn.get", challenge)
        signature = self._key.sign(
            data + hashlib.sha256(client_data).digest(),
            ec.ECDSA(hashes.SHA256(), deterministic_signing=True),
        )
        name = base64url(self.credential_id)
        return {
            "id": name,
            "rawId": name,
            "type": "public-key",
            "authenticatorAttachment": "platform",
            "clientExtensionResults": {},
            "response": {
                "clientDataJSON": base64url(client_data),
                "authenticatorData": base64url(data),
                "signature": base64url(signature),
                "userHandle": base64url(self.user_handle),
            },
        }

    def _data(self, flags: int) -> bytes:
        return self.rp_id_hash + bytes([flags]) + self.sign_count.to_bytes(4)

    def _client_data(self, ceremony: str, challenge: bytes) -> bytes:
        members: dict[str, object] = {
            "type": ceremony,
            "challenge": base64url(challenge),
            "origin": self.origin,
            "crossOrigin": False,
        }
        if challenge[-1:] and challenge[-1] % _EXTRA_ONE_IN == 0:
            members[_EXTRA_MEMBER[0]] = _EXTRA_MEMBER[1]
        return json.dumps(members, separators=(",", ":"), ensure_ascii=False).encode()


def create(
    rp_id: str, origin: str, entropy: Entropy, *, user_handle: bytes = b""
) -> SoftwarePasskey:
    """Make a new passkey for a relying party, to be used from `origin`."""
    # 64 bytes reduced modulo the order: the bias is below 2^-256 (FIPS 186-5, A.2.1).
    secret = int.from_bytes(entropy(64)) % (P256_ORDER - 1) + 1
    key = ec.derive_private_key(secret, ec.SECP256R1())
    return SoftwarePasskey(rp_id, origin, entropy(CREDENTIAL_ID_BYTES), user_handle, 0, key)


def saved(passkey: SoftwarePasskey) -> bytes:
    """Return a passkey as JSON, private key included: for a file that only its owner can read.

    Save it again after each use: whoever signs with an older count looks like a clone.
    """
    document = {
        "rpId": passkey.rp_id,
        "origin": passkey.origin,
        "credentialId": passkey.credential_id.hex(),
        "userHandle": passkey.user_handle.hex(),
        "signCount": passkey.sign_count,
        "secret": f"{passkey._key.private_numbers().private_value:064x}",  # noqa: SLF001  Its own module.
    }
    return json.dumps(document).encode()


def loaded(content: bytes) -> SoftwarePasskey:
    """Return the passkey that `saved` wrote; raise `MalformedInput` for anything else."""
    try:
        raw = json.loads(content)
        return SoftwarePasskey(
            rp_id=str(raw["rpId"]),
            origin=str(raw["origin"]),
            credential_id=bytes.fromhex(raw["credentialId"]),
            user_handle=bytes.fromhex(raw["userHandle"]),
            sign_count=int(raw["signCount"]),
            _key=ec.derive_private_key(int(raw["secret"], 16), ec.SECP256R1()),
        )
    except (ValueError, KeyError, TypeError):
        # Not what it says: it may be half of a key.
        raise MalformedInput("not a saved passkey", where="passkey file") from None


def base64url(content: bytes) -> str:
    """Return the unpadded form that WebAuthn's JSON uses."""
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()
