"""From what a key's owner sends to the witness that travels with an operation.

Nothing is judged here but the shape: whether the signature holds is the program's question.
"""

import base64
import binascii
from collections.abc import Mapping

from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

from pulsekey.consent.operations import Scheme, Witness
from pulsekey.primitives.assertion import (
    AUTHENTICATOR_DATA_MAX,
    AUTHENTICATOR_DATA_MIN,
    PREFIX,
    SUFFIX_MAX,
    Assertion,
    PublicKey,
    Signature,
)
from pulsekey.primitives.errors import MalformedInput
from pulsekey.primitives.messages import Said

CHALLENGE_CHARACTERS = 43
NO_RELYING_PARTY = bytes(32)
NO_ASSERTION = Assertion(b"", b"")
_FIELD_CHARACTERS_MAX = 2_048
_WHERE = "authentication response"


def witness_from(response: Mapping[str, object], key: PublicKey) -> Witness:
    """Return the witness in an `AuthenticationResponseJSON` that `key` answered.

    Raises `MalformedInput` if a member is missing, too long, or not what its name says. Client data
    must begin as WebAuthn Level 3, section 5.8.1.2 lays down, which every current browser does.
    """
    inner = response.get("response")
    if not isinstance(inner, Mapping):
        raise MalformedInput("no response member", where=_WHERE)
    data = _field(inner, "authenticatorData")
    client_data = _field(inner, "clientDataJSON")
    if not AUTHENTICATOR_DATA_MIN <= len(data) <= AUTHENTICATOR_DATA_MAX:
        raise MalformedInput(
            Said("authenticator data of {count} bytes", count=len(data)), where=_WHERE
        )
    if not client_data.startswith(PREFIX):
        raise MalformedInput("client data does not begin as the standard says", where=_WHERE)
    suffix = client_data[len(PREFIX) + CHALLENGE_CHARACTERS :]
    if len(suffix) > SUFFIX_MAX:
        raise MalformedInput(Said("client data beyond {most} bytes", most=SUFFIX_MAX), where=_WHERE)
    signature = signature_from_der(_field(inner, "signature"))
    return Witness(Scheme.WEBAUTHN_P256, key, data[:32], signature, Assertion(data, suffix))


def plain_witness(key: PublicKey, signature: Signature) -> Witness:
    """Return the witness of a server's key, which signed the challenge itself."""
    return Witness(Scheme.PLAIN_P256, key, NO_RELYING_PARTY, signature, NO_ASSERTION)


def signature_from_der(content: bytes) -> Signature:
    """Return both halves of a DER-encoded ECDSA signature, or raise `MalformedInput`."""
    try:
        r, s = decode_dss_signature(content)
        return Signature(r.to_bytes(32), s.to_bytes(32))
    except (ValueError, OverflowError):
        raise MalformedInput("not a P-256 signature in DER", where=_WHERE) from None


def _field(inner: Mapping[str, object], name: str) -> bytes:
    text = inner.get(name)
    if not isinstance(text, str) or len(text) > _FIELD_CHARACTERS_MAX:
        raise MalformedInput(Said("{name} is missing or too long", name=name), where=_WHERE)
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        raise MalformedInput(Said("{name} is not base64url", name=name), where=_WHERE) from None
