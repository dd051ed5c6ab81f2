"""Every rule about a registration or an assertion, broken one at a time."""

import base64
import json
import secrets
from typing import Any

import cbor2
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from hypothesis import given
from hypothesis import strategies as st

from pulsekey.consent.operations import Scheme
from pulsekey.consent.operations import key_id as ledger_key_id
from pulsekey.identity import passkeys, software_passkey
from pulsekey.identity.passkeys import (
    Gesture,
    NewPasskey,
    creation_options,
    judge_assertion,
    judge_registration,
    request_options,
)
from pulsekey.identity.principals import passkey_id
from pulsekey.identity.responses import CLIENT_DATA_MAX, Refusal
from pulsekey.identity.software_passkey import SoftwarePasskey, base64url
from pulsekey.primitives.assertion import P256_ORDER
from tests.unit.identity.node import (
    ORIGIN,
    PARTY,
    RP_ID,
    Json,
    as_passkey,
    forge,
    from_base64url,
)

CHALLENGE = bytes(range(32))
OTHER = bytes(32)


@pytest.fixture
def device() -> SoftwarePasskey:
    return make_device()


def make_device(rp_id: str = RP_ID, origin: str = ORIGIN) -> SoftwarePasskey:
    return software_passkey.create(rp_id, origin, secrets.token_bytes, user_handle=b"principal")


def judged(device: SoftwarePasskey, response: Json, *, sign_count: int = 0) -> Gesture | Refusal:
    return judge_assertion(response, PARTY, CHALLENGE, as_passkey(device, sign_count=sign_count))


def test_creation_asks_for_es256_a_verified_user_and_a_resident_key_and_no_attestation() -> None:
    options: Any = creation_options(
        PARTY, user_handle=b"u", user_name="Petra", challenge=CHALLENGE, registered=[b"old"]
    )
    assert options["pubKeyCredParams"] == [{"type": "public-key", "alg": -7}]
    assert options["authenticatorSelection"]["userVerification"] == "required"
    assert options["authenticatorSelection"]["residentKey"] == "required"
    assert options["attestation"] == "none"
    assert options["rp"] == {"id": RP_ID, "name": "Pulsekey"}
    assert [each["id"] for each in options["excludeCredentials"]] == [base64url(b"old")]
    assert options["challenge"] == base64url(CHALLENGE)
    assert json.loads(json.dumps(options)) == options


def test_a_request_asks_for_a_verified_user_and_for_no_extension() -> None:
    options: Any = request_options(PARTY, challenge=CHALLENGE, allowed=[b"one"])
    assert options["userVerification"] == "required"
    assert options["rpId"] == RP_ID
    assert [each["id"] for each in options["allowCredentials"]] == [base64url(b"one")]
    assert "extensions" not in options


def test_a_true_registration_is_accepted(device: SoftwarePasskey) -> None:
    found = judge_registration(device.register(CHALLENGE), PARTY, CHALLENGE)
    assert found == NewPasskey(
        device.credential_id,
        device.public_key,
        PARTY.id_hash,
        1,
        synced=False,
        transports=("internal",),
    )


def test_a_true_assertion_gives_the_parts_of_a_witness(device: SoftwarePasskey) -> None:
    response = device.authenticate(CHALLENGE)
    gesture = judged(device, dict(response))
    assert isinstance(gesture, Gesture)
    assert gesture.key == device.public_key
    assert base64url(gesture.client_data) == response["response"]["clientDataJSON"]
    assert base64url(gesture.authenticator_data) == response["response"]["authenticatorData"]
    assert base64url(gesture.signature_der) == response["response"]["signature"]


def test_identity_and_ledger_name_a_passkey_alike(device: SoftwarePasskey) -> None:
    expected = ledger_key_id(Scheme.WEBAUTHN_P256, device.public_key, device.rp_id_hash)
    assert passkey_id(device.public_key, device.rp_id_hash) == expected


@pytest.mark.parametrize(
    ("refusal", "changes"),
    [
        (Refusal.TYPE, {"kind": "webauthn.create"}),
        (Refusal.TYPE, {"kind": "payment.get"}),
        (Refusal.CHALLENGE, {"challenge": base64url(OTHER)}),
        (Refusal.MALFORMED, {"challenge": base64url(OTHER[1:])}),
        (Refusal.ORIGIN, {"origin": "http://localhost:8766"}),
        (Refusal.ORIGIN, {"origin": "https://localhost.evil.example"}),
        (Refusal.ORIGIN, {"origin": [ORIGIN]}),
        (Refusal.CROSS_ORIGIN, {"crossOrigin": True}),
        (Refusal.CROSS_ORIGIN, {"crossOrigin": "false"}),
        (Refusal.CROSS_ORIGIN, {"topOrigin": "https://evil.example"}),
        (Refusal.RELYING_PARTY, {"rp_id": "evil.example"}),
        (Refusal.USER_VERIFICATION, {"flags": 0x01}),
        (Refusal.USER_VERIFICATION, {"flags": 0x04}),
        (Refusal.SIGNATURE, {"key": ec.generate_private_key(ec.SECP256R1())}),
        (Refusal.SIGNATURE, {"flags": 0x15}),
        (Refusal.SIGNATURE, {"extensions": b"\x00"}),
        (Refusal.MALFORMED, {"client_data": b"{}"}),
        (Refusal.MALFORMED, {"client_data": b"[]"}),
        (Refusal.MALFORMED, {"client_data": b"\xff"}),
        (Refusal.MALFORMED, {"client_data": b"[" * 700}),
        (Refusal.MALFORMED, {"padding": "x" * CLIENT_DATA_MAX}),
    ],
)
def test_an_assertion_is_refused_for(
    device: SoftwarePasskey, refusal: Refusal, changes: Json
) -> None:
    assert isinstance(judged(device, forge(device, CHALLENGE)), Gesture)
    assert judged(device, forge(device, CHALLENGE, **changes)) is refusal


def test_an_unusual_order_of_client_data_is_refused_because_the_ledger_cannot_read_it(
    device: SoftwarePasskey,
) -> None:
    fields = {"challenge": base64url(CHALLENGE), "type": "webauthn.get", "origin": ORIGIN}
    response = forge(device, CHALLENGE, client_data=json.dumps(fields).encode())
    assert judged(device, response) is Refusal.LEDGER_FORM


def test_a_member_that_stands_twice_is_refused(device: SoftwarePasskey) -> None:
    twice = (
        f'{{"type":"webauthn.get","challenge":"{base64url(CHALLENGE)}","origin":"{ORIGIN}",'
        '"crossOrigin":true,"crossOrigin":false}'
    )
    assert judged(device, forge(device, CHALLENGE, client_data=twice.encode())) is Refusal.MALFORMED


def test_another_credential_and_another_user_are_refused(device: SoftwarePasskey) -> None:
    other = make_device()
    assert judged(device, dict(other.authenticate(CHALLENGE))) is Refusal.CREDENTIAL
    response = forge(device, CHALLENGE)
    response["response"]["userHandle"] = base64url(b"somebody else")
    assert judged(device, response) is Refusal.OWNER


def test_a_user_handle_may_be_absent_but_not_empty(device: SoftwarePasskey) -> None:
    response = forge(device, CHALLENGE)
    response["response"]["userHandle"] = None
    assert isinstance(judged(device, response), Gesture)
    response["response"]["userHandle"] = ""
    assert judged(device, response) is Refusal.MALFORMED


@pytest.mark.parametrize(
    ("stored", "given_count", "accepted"),
    [
        (0, 0, True),
        (0, 1, True),
        (4, 5, True),
        (5, 5, False),
        (5, 4, False),
        (5, 0, False),
    ],
)
def test_a_counter_rises_or_is_always_zero(
    device: SoftwarePasskey, stored: int, given_count: int, accepted: bool
) -> None:
    response = forge(device, CHALLENGE, count=given_count)
    found = judged(device, response, sign_count=stored)
    assert isinstance(found, Gesture) if accepted else found is Refusal.COUNTER


def test_a_false_signature_is_never_a_counter_alarm(device: SoftwarePasskey) -> None:
    stranger = ec.generate_private_key(ec.SECP256R1())
    response = forge(device, CHALLENGE, count=1, key=stranger)
    assert judged(device, response, sign_count=9) is Refusal.SIGNATURE


@pytest.mark.parametrize(
    "der",
    [b"\x30\x00", b"\x30\x06\x02\x01\x00\x02\x01\x00", b"\x30\x06\x02\x01\x81\x02\x01\x01", b"no"],
)
def test_a_signature_that_is_none_is_refused(device: SoftwarePasskey, der: bytes) -> None:
    response = forge(device, CHALLENGE)
    response["response"]["signature"] = base64url(der)
    assert judged(device, response) is Refusal.SIGNATURE


def test_low_and_high_s_are_both_a_signature(device: SoftwarePasskey) -> None:
    seen = set()
    for _ in range(40):
        found = judged(device, forge(device, CHALLENGE))
        assert isinstance(found, Gesture)
        seen.add(int.from_bytes(found.signature.s) > P256_ORDER // 2)
    assert seen == {True, False}


def registration_with(
    device: SoftwarePasskey, *, flags: int = 0x45, cose: Any = None, fmt: str = "none"
) -> Json:
    """Return a registration whose key, flags or format were replaced."""
    response: Json = dict(device.register(CHALLENGE))
    attestation = cbor2.loads(from_base64url(response["response"]["attestationObject"]))
    data = attestation["authData"]
    head = data[:32] + bytes([flags]) + data[33 : 55 + len(device.credential_id)]
    key = data[55 + len(device.credential_id) :] if cose is None else cbor2.dumps(cose)
    attestation |= {"authData": head + key, "fmt": fmt}
    response["response"] = response["response"] | {
        "attestationObject": base64url(cbor2.dumps(attestation))
    }
    return response


X = bytes.fromhex("6b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c296")
Y = bytes.fromhex("4fe342e2fe1a7f9b8ee7eb4a7c0f9e162bce33576b315ececbb6406837bf51f5")


@pytest.mark.parametrize(
    ("refusal", "changes"),
    [
        (Refusal.USER_VERIFICATION, {"flags": 0x41}),
        (Refusal.ATTESTATION, {"flags": 0x05}),
        (Refusal.ATTESTATION, {"fmt": "tpm"}),
        (Refusal.ATTESTATION, {"fmt": "unheard-of"}),
        # Ed25519, RSA, ES384, and ES256 on a curve that is not P-256.
        (Refusal.ALGORITHM, {"cose": {1: 1, 3: -8, -1: 6, -2: X}}),
        (Refusal.ALGORITHM, {"cose": {1: 3, 3: -257, -1: X * 8, -2: b"\1\0\1"}}),
        (Refusal.ALGORITHM, {"cose": {1: 2, 3: -36, -1: 2, -2: X, -3: Y}}),
        (Refusal.ALGORITHM, {"cose": {1: 2, 3: -7, -1: 2, -2: X, -3: Y}}),
        # A point beside the curve, a short one, text instead of bytes.
        (Refusal.ALGORITHM, {"cose": {1: 2, 3: -7, -1: 1, -2: X, -3: X}}),
        (Refusal.ALGORITHM, {"cose": {1: 2, 3: -7, -1: 1, -2: X[1:], -3: Y}}),
        (Refusal.ALGORITHM, {"cose": {1: 2, 3: -7, -1: 1, -2: X[:31], -3: X[31:] + Y}}),
        (Refusal.ALGORITHM, {"cose": {1: 2, 3: -7, -1: 1, -2: "x" * 32, -3: "y" * 32}}),
        (Refusal.ALGORITHM, {"cose": 4}),
        (Refusal.ATTESTATION, {"cose": {}}),
        (Refusal.ATTESTATION, {"cose": [1, 2]}),
        (Refusal.ATTESTATION, {"cose": {1: 99, 3: -7}}),
    ],
)
def test_a_registration_is_refused_for(
    device: SoftwarePasskey, refusal: Refusal, changes: Json
) -> None:
    response = registration_with(device, **changes)
    assert judge_registration(response, PARTY, CHALLENGE) is refusal


def test_the_replaced_registration_is_accepted_when_nothing_is_replaced(
    device: SoftwarePasskey,
) -> None:
    for cose in (None, {1: 2, 3: -7, -1: 1, -2: X, -3: Y}):
        response = registration_with(device, cose=cose)
        assert isinstance(judge_registration(response, PARTY, CHALLENGE), NewPasskey)


def test_a_registration_for_another_party_origin_or_challenge_is_refused() -> None:
    foreign = make_device(rp_id="evil.example").register(CHALLENGE)
    assert judge_registration(foreign, PARTY, CHALLENGE) is Refusal.RELYING_PARTY
    elsewhere = make_device(origin="https://evil.example").register(CHALLENGE)
    assert judge_registration(elsewhere, PARTY, CHALLENGE) is Refusal.ORIGIN
    late = make_device().register(OTHER)
    assert judge_registration(late, PARTY, CHALLENGE) is Refusal.CHALLENGE


def test_an_assertion_does_not_register_and_a_registration_does_not_sign_in(
    device: SoftwarePasskey,
) -> None:
    assert judge_registration(device.authenticate(CHALLENGE), PARTY, CHALLENGE) in set(Refusal)
    assert judged(device, dict(device.register(CHALLENGE))) is Refusal.MALFORMED


def test_a_registration_names_its_own_credential(device: SoftwarePasskey) -> None:
    response = dict(device.register(CHALLENGE)) | {
        "id": base64url(b"another"),
        "rawId": base64url(b"another"),
    }
    assert judge_registration(response, PARTY, CHALLENGE) is Refusal.CREDENTIAL


FIELDS = ("clientDataJSON", "authenticatorData", "signature")


@given(st.sampled_from(FIELDS), st.integers(0, 2_000), st.integers(1, 255))
def test_no_byte_of_an_assertion_can_be_changed(field: str, place: int, change: int) -> None:
    device = make_device()
    response: Json = dict(device.authenticate(CHALLENGE))
    content = bytearray(from_base64url(response["response"][field]))
    content[place % len(content)] ^= change
    response["response"] = response["response"] | {field: base64url(bytes(content))}
    assert judged(device, response) in set(Refusal)


@given(st.integers(0, 2_000), st.integers(1, 255))
def test_no_attestation_object_makes_the_judgement_crash(place: int, change: int) -> None:
    device = make_device()
    response: Json = dict(device.register(CHALLENGE))
    content = bytearray(from_base64url(response["response"]["attestationObject"]))
    content[place % len(content)] ^= change
    response["response"] = response["response"] | {"attestationObject": base64url(bytes(content))}
    judge_registration(response, PARTY, CHALLENGE)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner),
    max_leaves=6,
)


@given(
    st.sampled_from(["id", "rawId", "type", "response", *FIELDS, "userHandle", "transports"]), JSON
)
def test_no_json_in_any_place_makes_a_judgement_crash(place: str, value: object) -> None:
    device = make_device()
    response: Json = dict(device.authenticate(CHALLENGE))
    registration: Json = dict(device.register(CHALLENGE))
    for each in (response, registration):
        each["response"] = dict(each["response"])
        (each if place in each else each["response"])[place] = value
    judged(device, response)
    judge_registration(registration, PARTY, CHALLENGE)


def test_an_attestation_of_a_kind_that_names_a_device_is_refused(
    device: SoftwarePasskey, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(passkeys, "ATTESTATION_FORMATS", frozenset({"packed"}))
    response = device.register(CHALLENGE)
    assert judge_registration(response, PARTY, CHALLENGE) is Refusal.ATTESTATION


def test_cut_authenticator_data_is_refused(device: SoftwarePasskey) -> None:
    response = forge(device, CHALLENGE)
    response["response"]["authenticatorData"] = base64url(PARTY.id_hash)
    assert judged(device, response) is Refusal.MALFORMED


def test_a_registration_without_a_whole_challenge_or_a_list_of_transports(
    device: SoftwarePasskey,
) -> None:
    short = device.register(CHALLENGE[1:])
    assert judge_registration(short, PARTY, CHALLENGE) is Refusal.MALFORMED
    response: Json = dict(device.register(CHALLENGE))
    response["response"] = response["response"] | {"transports": "internal"}
    found = judge_registration(response, PARTY, CHALLENGE)
    assert isinstance(found, NewPasskey)
    assert found.transports == ()


@pytest.mark.parametrize("twist", ["=", " ", "\n", "+", "A"])
def test_bytes_have_one_form_in_base64url(device: SoftwarePasskey, twist: str) -> None:
    response = forge(device, CHALLENGE)
    response["response"]["signature"] += twist
    assert judged(device, response) in {Refusal.MALFORMED, Refusal.SIGNATURE}
    handle = base64.urlsafe_b64encode(b"principal").decode()
    response = forge(device, CHALLENGE)
    response["response"]["userHandle"] = handle + twist
    assert judged(device, response) in {Refusal.MALFORMED, Refusal.OWNER}
