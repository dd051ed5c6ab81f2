"""Somebody with a browser of their own: a context, a page, and a device that holds passkeys.

What the page says in the console, what it throws and what its security policy stops is kept, so
that a test can say that there was none of it.
"""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

from pulsekey.api.callers import COOKIE
from tests.fakes.node_clinic import Member

CHROMIUM = shutil.which("chromium")
ARGUMENTS = [
    "--no-sandbox",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
PHONE = {"width": 390, "height": 844}
DESK = {"width": 1280, "height": 900}
MILLISECONDS_MAX = 20_000

needs_chromium = [
    pytest.mark.browser,
    pytest.mark.skipif(
        CHROMIUM is None and "CI" not in os.environ, reason="chromium is not installed"
    ),
]
"""What every module of browser tests is marked with: in CI a missing browser fails."""


@dataclass(slots=True)
class Visitor:
    """A person at a device."""

    page: Page
    origin: str
    complaints: list[str] = field(default_factory=list)
    _devices: Any = None
    _device: str = ""

    @property
    def context(self) -> BrowserContext:
        return self.page.context

    def go(self, path: str) -> None:
        self.page.goto(self.origin + path)

    def click(self, name: str, role: Any = "button") -> None:
        self.page.get_by_role(role, name=name, exact=True).click()

    def fill(self, label: str, text: str) -> None:
        self.page.get_by_label(label, exact=True).fill(text)

    def sees(self, text: str) -> None:
        """Wait until the text is on the page."""
        expect(self.page.get_by_text(text).filter(visible=True).first).to_be_visible()

    def is_at(self, path: str) -> None:
        self.page.wait_for_url(self.origin + path)

    def screen_lock(self, *, works: bool) -> None:
        """Say whether fingerprint, face or PIN are recognised from now on."""
        self._devices.send(
            "WebAuthn.setUserVerified", {"authenticatorId": self._device, "isUserVerified": works}
        )

    def new_device(self) -> None:
        """Change to a device that holds no passkey."""
        if self._devices is None:
            self._devices = self.context.new_cdp_session(self.page)
            self._devices.send("WebAuthn.enable")
        else:
            self._devices.send(
                "WebAuthn.removeVirtualAuthenticator", {"authenticatorId": self._device}
            )
        # A failed verification blocks an authenticator with PRF for good, so ours has none.
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
        made = self._devices.send("WebAuthn.addVirtualAuthenticator", {"options": options})
        self._device = made["authenticatorId"]

    def passkeys(self) -> list[dict[str, Any]]:
        """What this device holds."""
        named = {"authenticatorId": self._device}
        found: list[dict[str, Any]] = self._devices.send("WebAuthn.getCredentials", named)[
            "credentials"
        ]
        return found

    def use(self, passkeys: list[dict[str, Any]]) -> None:
        """Change to a device that holds these passkeys: an environment has one at a time."""
        self.new_device()
        for passkey in passkeys:
            named = {"authenticatorId": self._device, "credential": passkey}
            self._devices.send("WebAuthn.addCredential", named)

    def as_member(self, member: Member) -> None:
        """Sign in as somebody of the clinic, whose passkey is elsewhere."""
        session = {"name": COOKIE, "value": member.portal(), "url": self.origin}
        self.context.add_cookies([session])  # type: ignore[list-item]  # A SetCookieParam.

    def gestures(self) -> int:
        """How often this device's passkeys have signed."""
        return sum(each["signCount"] for each in self.passkeys())

    def register(self, name: str) -> None:
        """Register as a patient, both steps, by clicks."""
        self.go("/register")
        self.fill("Your name", name)
        self.click("Make a passkey")
        self.click("Open my account")
        self.sees("You are registered")


@contextmanager
def launched() -> Iterator[Browser]:
    """A headless browser that talks to nobody but us."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield browser
        browser.close()


@contextmanager
def visiting(
    browser: Browser, origin: str, *, language: str = "en-GB", **more: Any
) -> Iterator[Visitor]:
    """A new person with a new browser profile and a device."""
    context = browser.new_context(
        locale=language, timezone_id="Europe/Paris", viewport=more.pop("viewport", DESK), **more
    )
    context.set_default_timeout(MILLISECONDS_MAX)
    page = context.new_page()
    visitor = Visitor(page, origin)
    page.on("pageerror", lambda error: visitor.complaints.append(f"error: {error}"))
    page.on(
        "console",
        lambda message: (
            visitor.complaints.append(message.text)
            if "Content Security Policy" in message.text or "TrustedHTML" in message.text
            else None
        ),
    )
    visitor.new_device()
    yield visitor
    context.close()
