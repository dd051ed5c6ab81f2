"""The passkey ceremonies as pure functions: options out, responses judged.

What goes out and comes in are the standard's JSON forms (WebAuthn Level 3, sections 5.1.8 to
5.1.10) as dicts. A judgement is a value: what was found, or why it was refused.
Every rule that we rely on is checked here in a straight line; then py_webauthn judges the same
response on its own, and both have to accept. No options ever carry a PRF request: a gesture that
signs in or consents releases no key.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from webauthn import (
    generate_authentication_options,
    generate_registration_options,
    verify_authentication_response,
    verify_registration_response,
)
from webauthn.helpers import decode_credential_public_key, encode_cbor
from webauthn.helpers.cose import COSECRV, COSEAlgorithmIdentifier
from webauthn.helpers.decode_credential_public_key import DecodedEC2PublicKey
from webauthn.helpers.exceptions import WebAuthnException
from webauthn.helpers.options_to_json_dict import options_to_json_dict
from webauthn.helpers.structs import (
    AttestationConveyancePreference,
    AuthenticatorSelectionCriteria,
    CredentialDeviceType,
    PublicKeyCredentialDescriptor,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)

from pulsekey.identity.principals import Passkey
from pulsekey.identity.relying_party import RelyingParty
from pulsekey.identity.responses import (
    AssertionResponse,
    JsonObject,
    Refusal,
    base64url,
    client_data_refusal,
    read_assertion,
    read_registration,
)
from pulsekey.primitives.assertion import (
    AUTHENTICATOR_DATA_MIN,
    FLAGS_NEEDED,
    PREFIX,
    Assertion,
    PublicKey,
    Signature,
    assertion_holds,
)

GESTURE_MILLISECONDS_MAX = 120_000
FIELD_BYTES = 32

# None: browsers strip attestation. Packed: they may leave a self attestation, which names nothing.
ATTESTATION_FORMATS = frozenset({"none", "packed"})

_ES256 = COSEAlgorithmIdentifier.ECDSA_SHA_256

# py_webauthn documents its own errors; these others leak from malformed CBOR, keys and signatures.
_LIBRARY_REFUSALS = (
    WebAuthnException,
    InvalidSignature,
    ValueError,
    TypeError,
    LookupError,
    AttributeError,
)


@dataclass(frozen=True, slots=True)
class NewPasskey:
    """What an accepted registration says."""

    credential_id: bytes
    key: PublicKey
    rp_id_hash: bytes
    sign_count: int
    synced: bool
    transports: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Gesture:
    """An accepted assertion, in the parts that a ledger witness is made of."""

    credential_id: bytes
    authenticator_data: bytes
    client_data: bytes
    signature_der: bytes
    signature: Signature
    key: PublicKey
    rp_id_hash: bytes
    sign_count: int


def creation_options(
    party: RelyingParty,
    *,
    user_handle: bytes,
    user_name: str,
    challenge: bytes,
    registered: Sequence[bytes] = (),
) -> dict[str, object]:
    """Return options for a new passkey: ES256, resident, user verified, no attestation.

    `registered` are credential ids of the same user, so that one device is not registered twice.
    """
    options = generate_registration_options(
        rp_id=party.id,
        rp_name=party.name,
        user_id=user_handle,
        user_name=user_name,
        user_display_name=user_name,
        challenge=challenge,
        timeout=GESTURE_MILLISECONDS_MAX,
        attestation=AttestationConveyancePreference.NONE,
        authenticator_selection=AuthenticatorSelectionCriteria(
            resident_key=ResidentKeyRequirement.REQUIRED,
            user_verification=UserVerificationRequirement.REQUIRED,
        ),
        exclude_credentials=[PublicKeyCredentialDescriptor(id=each) for each in registered],
        supported_pub_key_algs=[_ES256],
    )
    return options_to_json_dict(options)


def request_options(
    party: RelyingParty, *, challenge: bytes, allowed: Sequence[bytes] = ()
) -> dict[str, object]:
    """Return options for a gesture by one of the `allowed` credentials; none means any of ours."""
    options = generate_authentication_options(
        rp_id=party.id,
        challenge=challenge,
        timeout=GESTURE_MILLISECONDS_MAX,
        allow_credentials=[PublicKeyCredentialDescriptor(id=each) for each in allowed],
        user_verification=UserVerificationRequirement.REQUIRED,
    )
    return options_to_json_dict(options)


def judge_registration(  # noqa: PLR0911 - a straight line of checks, each with its refusal
    response: JsonObject, party: RelyingParty, challenge: bytes
) -> NewPasskey | Refusal:
    """Judge a RegistrationResponseJSON as WebAuthn Level 3, section 7.1, and our own rules say."""
    read = read_registration(response)
    if isinstance(read, Refusal):
        return read
    refusal = client_data_refusal(read.client_data, "webauthn.create", party, challenge)
    if refusal is not None:
        return refusal
    try:
        verified = verify_registration_response(
            credential=dict(response),
            expected_challenge=challenge,
            expected_rp_id=party.id,
            expected_origin=sorted(party.origins),
            require_user_verification=False,
            # Every algorithm that the library knows: a wrong one gets its own refusal below.
            supported_pub_key_algs=list(COSEAlgorithmIdentifier),
        )
        public = decode_credential_public_key(verified.credential_public_key)
    except _LIBRARY_REFUSALS:
        return _registration_refusal(read.attestation_object, party)
    if not verified.user_verified:
        return Refusal.USER_VERIFICATION
    if verified.fmt not in ATTESTATION_FORMATS:
        return Refusal.ATTESTATION
    if verified.credential_id != read.credential_id:
        return Refusal.CREDENTIAL
    key = _p256_point(public)
    if key is None:
        return Refusal.ALGORITHM
    return NewPasskey(
        verified.credential_id,
        key,
        party.id_hash,
        verified.sign_count,
        verified.credential_device_type is CredentialDeviceType.MULTI_DEVICE,
        read.transports,
    )


def judge_assertion(  # noqa: PLR0911 - a straight line of checks, each with its refusal
    response: JsonObject, party: RelyingParty, challenge: bytes, passkey: Passkey
) -> Gesture | Refusal:
    """Judge an AuthenticationResponseJSON by `passkey` as WebAuthn Level 3, section 7.2, says.

    A user handle, where there is one, has to be the owner's. A counter that did not rise is refused
    as `COUNTER` after everything else has held: only a true signature can raise a suspicion.
    """
    read = read_assertion(response)
    if isinstance(read, Refusal):
        return read
    if read.credential_id != passkey.credential_id:
        return Refusal.CREDENTIAL
    if read.user_handle is not None and read.user_handle != passkey.principal.encode():
        return Refusal.OWNER
    refusal = client_data_refusal(
        read.client_data, "webauthn.get", party, challenge
    ) or _authenticator_data_refusal(read.authenticator_data, party, passkey)
    if refusal is not None:
        return refusal
    signature = _signature_from_der(read.signature)
    if signature is None:
        return Refusal.SIGNATURE
    try:
        verified = verify_authentication_response(
            credential=dict(response),
            expected_challenge=challenge,
            expected_rp_id=party.id,
            expected_origin=sorted(party.origins),
            credential_public_key=_cose(passkey.key),
            credential_current_sign_count=0,
            require_user_verification=True,
        )
    except _LIBRARY_REFUSALS:
        return Refusal.SIGNATURE
    if not _holds_on_the_ledger(read, party, challenge, passkey, signature):
        return Refusal.LEDGER_FORM
    count = verified.new_sign_count
    if (count or passkey.sign_count) and count <= passkey.sign_count:
        return Refusal.COUNTER
    return Gesture(
        read.credential_id,
        read.authenticator_data,
        read.client_data,
        read.signature,
        signature,
        passkey.key,
        party.id_hash,
        count,
    )


def _holds_on_the_ledger(
    read: AssertionResponse,
    party: RelyingParty,
    challenge: bytes,
    passkey: Passkey,
    signature: Signature,
) -> bool:
    """Whether the check that contracts do (the limited verification algorithm) accepts it too."""
    prefix = PREFIX + base64url(challenge).encode()
    if not read.client_data.startswith(prefix):
        return False
    assertion = Assertion(read.authenticator_data, read.client_data[len(prefix) :])
    return assertion_holds(challenge, party.id_hash, passkey.key, assertion, signature)


def _authenticator_data_refusal(
    data: bytes, party: RelyingParty, passkey: Passkey
) -> Refusal | None:
    if len(data) < AUTHENTICATOR_DATA_MIN:
        return Refusal.MALFORMED
    if data[:32] != party.id_hash or passkey.rp_id_hash != party.id_hash:
        return Refusal.RELYING_PARTY
    if data[32] & FLAGS_NEEDED != FLAGS_NEEDED:
        return Refusal.USER_VERIFICATION
    return None


def _registration_refusal(attestation: bytes, party: RelyingParty) -> Refusal:
    """Name the likeliest reason for what the library refused; its messages are no interface."""
    if party.id_hash not in attestation:
        return Refusal.RELYING_PARTY
    return Refusal.ATTESTATION


def _p256_point(public: object) -> PublicKey | None:
    """Return the point of an ES256 key if it is on the curve: the library does not look."""
    if not isinstance(public, DecodedEC2PublicKey):
        return None
    if public.alg != _ES256 or public.crv != COSECRV.P256:
        return None
    try:
        point = b"\x04" + public.x + public.y
        ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), point)
        fits = len(public.x) == len(public.y) == FIELD_BYTES
    except (ValueError, TypeError):
        # CBOR may hold text or a number where bytes belong; the library does not look either.
        return None
    if not fits:
        return None
    return PublicKey(public.x, public.y)


def _cose(key: PublicKey) -> bytes:
    return encode_cbor({1: 2, 3: int(_ES256), -1: int(COSECRV.P256), -2: key.x, -3: key.y})


def _signature_from_der(der: bytes) -> Signature | None:
    try:
        r, s = decode_dss_signature(der)
        return Signature(r.to_bytes(32), s.to_bytes(32))
    except (ValueError, OverflowError):
        return None
