"""What a browser sends after a ceremony, decoded strictly: one form of each byte string, bounded.

The standard's JSON forms are WebAuthn Level 3, section 5.1.8; client data is section 5.8.1. Nothing
read here is true until `passkeys.py` has judged it.
"""

import base64
import binascii
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeAlias

from pulsekey.identity.relying_party import RelyingParty
from pulsekey.primitives.assertion import AUTHENTICATOR_DATA_MAX, PREFIX, SUFFIX_MAX

JsonObject: TypeAlias = Mapping[str, object]

CHALLENGE_BYTES = 32
CLIENT_DATA_MAX = len(PREFIX) + 43 + SUFFIX_MAX
"""Client data that the ledger could not carry is refused at every gesture, not only the last."""

ATTESTATION_OBJECT_MAX = 4_096
CREDENTIAL_ID_MAX = 1_023
"""WebAuthn Level 3, section 4, credential id."""

SIGNATURE_MAX = 72
"""DER of two 33-byte integers: the longest ECDSA P-256 signature."""

USER_HANDLE_MAX = 64
TRANSPORTS_KNOWN = frozenset({"ble", "hybrid", "internal", "nfc", "smart-card", "usb"})
_BASE64URL = re.compile(r"[A-Za-z0-9_-]*")


class Refusal(StrEnum):
    """Why a response was refused: for tests and the operator's log, never for the caller."""

    MALFORMED = "malformed"
    TYPE = "type"
    CHALLENGE = "challenge"
    ORIGIN = "origin"
    CROSS_ORIGIN = "cross-origin"
    RELYING_PARTY = "relying-party"
    USER_VERIFICATION = "user-verification"
    ALGORITHM = "algorithm"
    ATTESTATION = "attestation"
    CREDENTIAL = "credential"
    OWNER = "owner"
    SIGNATURE = "signature"
    COUNTER = "counter"
    LEDGER_FORM = "ledger-form"


@dataclass(frozen=True, slots=True)
class RegistrationResponse:
    """A RegistrationResponseJSON, decoded and within limits; nothing in it is believed yet."""

    credential_id: bytes
    client_data: bytes
    challenge: bytes
    attestation_object: bytes
    transports: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class AssertionResponse:
    """An AuthenticationResponseJSON, decoded and within limits; nothing in it is believed yet."""

    credential_id: bytes
    client_data: bytes
    challenge: bytes
    authenticator_data: bytes
    signature: bytes
    user_handle: bytes | None


def read_registration(response: JsonObject) -> RegistrationResponse | Refusal:
    """Decode a RegistrationResponseJSON within its limits. Nothing is verified."""
    inner = _inner(response)
    credential_id = _credential_id(response)
    client_data = _bytes_in(inner, "clientDataJSON", CLIENT_DATA_MAX)
    attestation = _bytes_in(inner, "attestationObject", ATTESTATION_OBJECT_MAX)
    if credential_id is None or client_data is None or attestation is None:
        return Refusal.MALFORMED
    challenge = claimed_challenge(client_data)
    if challenge is None:
        return Refusal.MALFORMED
    return RegistrationResponse(
        credential_id, client_data, challenge, attestation, _transports(inner)
    )


def read_assertion(response: JsonObject) -> AssertionResponse | Refusal:
    """Decode an AuthenticationResponseJSON within its limits. Nothing is verified."""
    inner = _inner(response)
    credential_id = _credential_id(response)
    client_data = _bytes_in(inner, "clientDataJSON", CLIENT_DATA_MAX)
    data = _bytes_in(inner, "authenticatorData", AUTHENTICATOR_DATA_MAX)
    signature = _bytes_in(inner, "signature", SIGNATURE_MAX)
    handle = (
        None if inner.get("userHandle") is None else _bytes_in(inner, "userHandle", USER_HANDLE_MAX)
    )
    if credential_id is None or client_data is None or data is None or signature is None:
        return Refusal.MALFORMED
    if inner.get("userHandle") is not None and handle is None:
        return Refusal.MALFORMED
    challenge = claimed_challenge(client_data)
    if challenge is None:
        return Refusal.MALFORMED
    return AssertionResponse(credential_id, client_data, challenge, data, signature, handle)


def client_data_refusal(
    client_data: bytes, kind: str, party: RelyingParty, challenge: bytes
) -> Refusal | None:
    """Judge client data of a ceremony: type, challenge, origin, and that no frame stood between."""
    fields = _client_data_fields(client_data) or {}
    if fields.get("type") != kind:
        return Refusal.TYPE
    if claimed_challenge(client_data) != challenge:
        return Refusal.CHALLENGE
    origin = fields.get("origin")
    if not isinstance(origin, str) or origin not in party.origins:
        return Refusal.ORIGIN
    # py_webauthn reads crossOrigin but does not judge it.
    if fields.get("crossOrigin", False) is not False or "topOrigin" in fields:
        return Refusal.CROSS_ORIGIN
    return None


def claimed_challenge(client_data: bytes) -> bytes | None:
    """Return the 32-byte challenge inside client data, or None. It is a claim until verified."""
    fields = _client_data_fields(client_data)
    if fields is None:
        return None
    challenge = _from_base64url(fields.get("challenge"), CHALLENGE_BYTES)
    return challenge if challenge is not None and len(challenge) == CHALLENGE_BYTES else None


def base64url(content: bytes) -> str:
    """Return base64url without padding, the form of all bytes in WebAuthn's JSON."""
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()


def _client_data_fields(client_data: bytes) -> dict[str, object] | None:
    try:
        fields: object = json.loads(client_data, object_pairs_hook=_without_repeats)
    except (ValueError, RecursionError):
        return None
    return fields if isinstance(fields, dict) else None


def _without_repeats(pairs: list[tuple[str, object]]) -> dict[str, object]:
    fields = dict(pairs)
    if len(fields) != len(pairs):
        raise ValueError("a key stands twice")
    return fields


def _inner(response: JsonObject) -> JsonObject:
    inner = response.get("response")
    return inner if isinstance(inner, Mapping) else {}


def _credential_id(response: JsonObject) -> bytes | None:
    if response.get("type") != "public-key" or response.get("id") != response.get("rawId"):
        return None
    return _bytes_in(response, "rawId", CREDENTIAL_ID_MAX)


def _bytes_in(fields: JsonObject, name: str, longest: int) -> bytes | None:
    content = _from_base64url(fields.get(name), longest)
    return content or None


def _from_base64url(text: object, longest: int) -> bytes | None:
    """Decode the one base64url form of at most `longest` bytes; None for everything else."""
    if not isinstance(text, str) or len(text) > (longest * 4 + 2) // 3:
        return None
    if not _BASE64URL.fullmatch(text):
        return None
    try:
        content = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except binascii.Error:
        return None
    return content if base64url(content) == text else None


def _transports(inner: JsonObject) -> tuple[str, ...]:
    listed = inner.get("transports")
    if not isinstance(listed, list):
        return ()
    return tuple(each for each in sorted(TRANSPORTS_KNOWN) if each in listed)
