"""`passkey.js` in a real browser: what it sends is accepted, what goes wrong has a name."""

import os
import secrets
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, Route, sync_playwright

from pulsekey.identity.passkeys import (
    Gesture,
    NewPasskey,
    creation_options,
    judge_assertion,
    judge_registration,
    request_options,
)
from pulsekey.identity.principals import Passkey
from pulsekey.identity.relying_party import relying_party
from pulsekey.primitives.clock import Micros
from pulsekey.primitives.ids import PrincipalId

STATIC = Path(__file__).parents[2] / "src" / "pulsekey" / "portal" / "static"
ORIGIN = "http://localhost:8765"
PARTY = relying_party("localhost", "Pulsekey", frozenset({ORIGIN}))
CHALLENGE = bytes(range(32))
CHROMIUM = shutil.which("chromium")

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(
        CHROMIUM is None and "CI" not in os.environ, reason="chromium is not installed"
    ),
]

CALL = """async ([verb, options]) => {
  const passkey = await import('/static/passkey.js');
  try { return await passkey[verb](options); }
  catch (error) { return { code: error.code, message: error.message, name: error.name }; }
}"""


@pytest.fixture(scope="module")
def page() -> Iterator[Page]:
    """A page of our origin, which needs no server: its two files are answered here."""

    def answer(route: Route) -> None:
        if route.request.url == f"{ORIGIN}/static/passkey.js":
            route.fulfill(path=STATIC / "passkey.js", content_type="text/javascript")
        else:
            route.fulfill(body="<!doctype html><title>test</title>", content_type="text/html")

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        opened = browser.new_page()
        opened.route(f"{ORIGIN}/**", answer)
        opened.goto(ORIGIN)
        yield opened
        browser.close()


@pytest.fixture
def device(page: Page) -> Iterator[Any]:
    """A virtual authenticator; calling it switches user verification on or off."""
    session = page.context.new_cdp_session(page)
    session.send("WebAuthn.enable")
    options = {
        "protocol": "ctap2",
        "ctap2Version": "ctap2_1",
        "transport": "internal",
        "hasResidentKey": True,
        "hasUserVerification": True,
        "isUserVerified": True,
        "hasPrf": False,
        "automaticPresenceSimulation": True,
    }
    made = session.send("WebAuthn.addVirtualAuthenticator", {"options": options})
    name = {"authenticatorId": made["authenticatorId"]}

    def verify(verified: bool) -> None:
        session.send("WebAuthn.setUserVerified", name | {"isUserVerified": verified})

    yield verify
    session.send("WebAuthn.removeVirtualAuthenticator", name)
    session.detach()


def created(page: Page, registered: list[bytes] | None = None) -> Any:
    options = creation_options(
        PARTY,
        user_handle=b"principal",
        user_name="Petra",
        challenge=CHALLENGE,
        registered=registered or [],
    )
    return page.evaluate(CALL, ["register", options])


def signed(page: Page, allowed: list[bytes] | None = None) -> Any:
    options = request_options(PARTY, challenge=CHALLENGE, allowed=allowed or [])
    return page.evaluate(CALL, ["authenticate", options])


@pytest.mark.usefixtures("device")
def test_a_passkey_made_in_the_browser_registers_and_signs(page: Page) -> None:
    new = judge_registration(created(page), PARTY, CHALLENGE)
    assert isinstance(new, NewPasskey)
    assert new.transports == ("internal",)
    passkey = Passkey(
        new.credential_id,
        PrincipalId("principal"),
        new.key,
        new.rp_id_hash,
        new.sign_count,
        new.synced,
        new.transports,
        Micros(0),
    )
    for allowed in ([], [new.credential_id]):
        response = signed(page, allowed)
        assert response["response"]["userHandle"]
        assert isinstance(judge_assertion(response, PARTY, CHALLENGE, passkey), Gesture)


@pytest.mark.usefixtures("device")
def test_a_device_that_is_registered_already_is_named(page: Page) -> None:
    new = judge_registration(created(page), PARTY, CHALLENGE)
    assert isinstance(new, NewPasskey)
    assert created(page, [new.credential_id])["code"] == "registered"


def test_a_failed_verification_and_a_wrong_device_say_what_to_do(page: Page, device: Any) -> None:
    assert created(page)["type"] == "public-key"
    device(False)
    refused = signed(page)
    assert refused["code"] == "cancelled"
    assert "try again" in refused["message"]
    device(True)
    assert signed(page, [secrets.token_bytes(32)])["code"] == "cancelled"


@pytest.mark.usefixtures("device")
@pytest.mark.parametrize(
    ("code", "changes"),
    [
        ("address", {"rpId": "evil.example"}),
        ("malformed", {"challenge": "not/base64url"}),
        ("malformed", {"challenge": "AB"}),
        ("malformed", {"challenge": None}),
        ("malformed", {"allowCredentials": [{"type": "public-key"}]}),
    ],
)
def test_a_request_that_cannot_be_meant_is_named(
    page: Page, code: str, changes: dict[str, object]
) -> None:
    options = request_options(PARTY, challenge=CHALLENGE) | changes
    found = page.evaluate(CALL, ["authenticate", options])
    assert (found["name"], found["code"]) == ("PasskeyError", code)


@pytest.mark.usefixtures("device")
def test_no_extension_passes_whatever_the_server_asks(page: Page) -> None:
    created(page)
    options = request_options(PARTY, challenge=CHALLENGE)
    options["extensions"] = {"prf": {"eval": {"first": "AAAA"}}}
    assert page.evaluate(CALL, ["authenticate", options])["clientExtensionResults"] == {}


def test_a_browser_without_passkeys_is_told_so(page: Page) -> None:
    page.evaluate("{ window.PublicKeyCredential = undefined; }")
    try:
        assert signed(page)["code"] == "unsupported"
    finally:
        page.reload()
