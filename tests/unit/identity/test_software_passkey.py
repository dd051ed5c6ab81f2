"""The software passkey answers in Chromium's form, and `webauthn` accepts what it says."""

import base64
import json
import re

import pytest
from webauthn import verify_authentication_response, verify_registration_response
from webauthn.helpers.exceptions import InvalidAuthenticationResponse

from pulsekey.identity.software_passkey import SoftwarePasskey, base64url, create, loaded, saved
from pulsekey.primitives.errors import MalformedInput
from tests.fakes.software_authenticator import Repeatable
from vectors.reading import cases

ORIGIN = "http://localhost:8765"


def passkey() -> SoftwarePasskey:
    return create("localhost", ORIGIN, Repeatable("passkey"), user_handle=b"somebody")


def test_an_independent_library_accepts_its_registration_and_its_assertions() -> None:
    mine = passkey()
    registered = verify_registration_response(
        credential=dict(mine.register(b"a challenge")),
        expected_challenge=b"a challenge",
        expected_rp_id="localhost",
        expected_origin=ORIGIN,
        require_user_verification=True,
    )
    for number in range(20):
        challenge = bytes([number]) * 32
        verified = verify_authentication_response(
            credential=dict(mine.authenticate(challenge)),
            expected_challenge=challenge,
            expected_rp_id="localhost",
            expected_origin=ORIGIN,
            credential_public_key=registered.credential_public_key,
            credential_current_sign_count=number,
            require_user_verification=True,
        )
        assert verified.new_sign_count == number + 2


def test_an_assertion_over_another_challenge_is_refused_by_that_library() -> None:
    mine = passkey()
    registered = verify_registration_response(
        credential=dict(mine.register(b"a challenge")),
        expected_challenge=b"a challenge",
        expected_rp_id="localhost",
        expected_origin=ORIGIN,
    )
    with pytest.raises(InvalidAuthenticationResponse):
        verify_authentication_response(
            credential=dict(mine.authenticate(b"one")),
            expected_challenge=b"another",
            expected_rp_id="localhost",
            expected_origin=ORIGIN,
            credential_public_key=registered.credential_public_key,
            credential_current_sign_count=0,
        )


def test_client_and_authenticator_data_have_the_bytes_that_chromium_made() -> None:
    seen = set()
    for case in cases("chromium-assertions"):
        mine = passkey()
        mine.sign_count = int.from_bytes(bytes.fromhex(case["authenticator_data"])[33:]) - 1
        answer = mine.authenticate(bytes.fromhex(case["challenge"]))["response"]
        recorded = case["client_data_json"]
        extra = "other_keys_can_be_added_here" in recorded
        seen.add(extra)
        # Which client data carry the extra member is chance; all other bytes are not.
        plain = re.sub(r',"other_keys_can_be_added_here":"[^"]*"', "", recorded)
        made = _unbase64(answer["clientDataJSON"]).decode()
        assert re.sub(r',"other_keys_can_be_added_here":"[^"]*"', "", made) == plain
        assert _unbase64(answer["authenticatorData"]).hex() == case["authenticator_data"]
    assert seen == {True, False}


def test_the_extra_member_stands_where_chromium_puts_it() -> None:
    recorded = next(
        case["client_data_json"]
        for case in cases("chromium-assertions")
        if "other_keys" in case["client_data_json"]
    )
    challenge = bytes(32)
    made = _unbase64(passkey().authenticate(challenge)["response"]["clientDataJSON"]).decode()
    assert made == recorded.replace(json.loads(recorded)["challenge"], base64url(challenge))


def test_signatures_have_both_low_and_high_halves() -> None:
    mine = passkey()
    signatures = [
        _unbase64(mine.authenticate(bytes([n]) * 32)["response"]["signature"]) for n in range(40)
    ]
    lengths = {signature[3] + signature[5 + signature[3]] for signature in signatures}
    assert len(lengths) > 1


def test_two_passkeys_share_nothing() -> None:
    one = create("localhost", ORIGIN, Repeatable("one"))
    two = create("localhost", ORIGIN, Repeatable("two"))
    assert one.public_key != two.public_key
    assert one.credential_id != two.credential_id


def _unbase64(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def test_a_passkey_that_was_saved_signs_on() -> None:
    mine = passkey()
    registered = verify_registration_response(
        credential=dict(mine.register(b"a challenge")),
        expected_challenge=b"a challenge",
        expected_rp_id="localhost",
        expected_origin=ORIGIN,
    )
    verified = verify_authentication_response(
        credential=dict(loaded(saved(mine)).authenticate(b"another")),
        expected_challenge=b"another",
        expected_rp_id="localhost",
        expected_origin=ORIGIN,
        credential_public_key=registered.credential_public_key,
        credential_current_sign_count=1,
        require_user_verification=True,
    )
    assert verified.new_sign_count == 2
    assert loaded(saved(mine)).user_handle == b"somebody"


@pytest.mark.parametrize("content", [b"", b"[]", b"{}", b"\xff", b'{"rpId": "localhost"}'])
def test_what_is_no_saved_passkey_is_refused(content: bytes) -> None:
    with pytest.raises(MalformedInput):
        loaded(content)


def test_a_saved_passkey_that_was_cut_is_refused_without_its_secret() -> None:
    content = saved(passkey())
    secret = json.loads(content)["secret"]
    for changed in (content.replace(secret.encode(), b"zz" + secret[2:].encode()), content[:-9]):
        with pytest.raises(MalformedInput) as refused:
            loaded(changed)
        assert secret[2:12] not in str(refused.value)
