"""A witness is what an authenticator said, cut where the challenge ends; nothing else gets in."""

import pytest

from pulsekey.consent.operations import Scheme
from pulsekey.consent.witness import plain_witness, signature_from_der, witness_from
from pulsekey.identity.software_passkey import base64url
from pulsekey.primitives.assertion import P256_ORDER, PublicKey, Signature, assertion_holds
from pulsekey.primitives.errors import MalformedInput
from vectors.reading import Case, cases

KEY = PublicKey(b"x" * 32, b"y" * 32)


def response(case: Case, **changed: object) -> dict[str, object]:
    inner: dict[str, object] = {
        "clientDataJSON": base64url(case["client_data_json"].encode()),
        "authenticatorData": base64url(bytes.fromhex(case["authenticator_data"])),
        "signature": base64url(bytes.fromhex(case["signature_der"])),
    }
    return {"response": inner | changed}


@pytest.mark.parametrize("case", cases("chromium-assertions"), ids=lambda case: case["name"])
def test_a_recorded_assertion_becomes_a_witness_that_holds(case: Case) -> None:
    key = PublicKey(bytes.fromhex(case["x"]), bytes.fromhex(case["y"]))
    witness = witness_from(response(case), key)
    assert witness.scheme is Scheme.WEBAUTHN_P256
    assert witness.signature == Signature(bytes.fromhex(case["r"]), bytes.fromhex(case["s"]))
    challenge = bytes.fromhex(case["challenge"])
    assert assertion_holds(challenge, witness.rp_id_hash, key, witness.assertion, witness.signature)
    assert not assertion_holds(
        bytes(32), witness.rp_id_hash, key, witness.assertion, witness.signature
    )


@pytest.mark.parametrize(
    ("changed", "problem"),
    [
        ({"signature": None}, "signature is missing"),
        ({"signature": "A" * 3_000}, "too long"),
        ({"signature": "!!"}, "not base64url"),
        ({"signature": "AAAA"}, "not a P-256 signature"),
        ({"authenticatorData": base64url(bytes(36))}, "authenticator data of 36 bytes"),
        ({"authenticatorData": base64url(bytes(257))}, "authenticator data of 257 bytes"),
        ({"clientDataJSON": base64url(b'{"challenge":"')}, "does not begin"),
        (
            {"clientDataJSON": base64url(b'{"type":"webauthn.get","challenge":"' + bytes(600))},
            "client data beyond 512",
        ),
    ],
)
def test_what_is_no_response_is_named(changed: dict[str, object], problem: str) -> None:
    with pytest.raises(MalformedInput, match=problem):
        witness_from(response(cases("chromium-assertions")[0], **changed), KEY)


def test_a_response_without_its_inner_member_is_malformed() -> None:
    with pytest.raises(MalformedInput, match="no response member"):
        witness_from({"id": "x"}, KEY)


def test_a_half_beyond_32_bytes_is_malformed() -> None:
    too_long = bytes.fromhex("3026022101") + bytes(32) + bytes.fromhex("020101")
    with pytest.raises(MalformedInput):
        signature_from_der(too_long)


def test_a_plain_witness_names_no_relying_party_and_carries_no_assertion() -> None:
    witness = plain_witness(KEY, Signature(bytes(32), (P256_ORDER - 1).to_bytes(32)))
    assert witness.rp_id_hash == bytes(32)
    assert witness.assertion.authenticator_data == b""
    assert witness.assertion.client_data_suffix == b""
