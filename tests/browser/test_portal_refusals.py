"""What a page refuses: a failing lock, a wrong device, an ended session, bytes that lie."""

import base64
import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from playwright.sync_api import Route, expect

from pulsekey.consent import terms as consent_terms
from pulsekey.consent.operations import challenge
from pulsekey.consent.sentence import sentence
from pulsekey.primitives.ids import LedgerId
from tests.browser.conftest import NewVisitor
from tests.browser.visitor import Visitor, needs_chromium
from tests.fakes.node_clinic import Clinic

pytestmark = needs_chromium

Change = Callable[[dict[str, Any]], None]
SESSION_SECONDS = 3_600


@pytest.fixture
def patient(clinic: Clinic, new_visitor: NewVisitor) -> Visitor:
    """Somebody who registered, at a node with one clinician."""
    if not clinic.node.directory.recipients():
        clinic.clinician()
    visitor = new_visitor()
    visitor.register("Pat Example")
    return visitor


def choose(visitor: Visitor) -> None:
    """Fill in a grant and ask for the sentence."""
    visitor.go("/grant")
    visitor.page.locator("input[name=recipient]").first.check()
    visitor.page.locator("#categories summary").click()
    if not visitor.page.locator("input[value=heart-rate]").is_visible():
        visitor.page.locator("#categories summary").click()
    visitor.page.check("input[value=heart-rate]")
    visitor.page.check("input[value=TREAT]")
    visitor.click("7 days")
    visitor.page.check("input[name=period][value=then]")
    visitor.click("Read the sentence")


def lie(visitor: Visitor, path: str, change: Change) -> None:
    """Change what the node offers on its way to the page."""

    def changed(route: Route) -> None:
        answer = route.fetch()
        document = answer.json()
        change(document)
        route.fulfill(response=answer, body=json.dumps(document))

    visitor.page.route(f"**{path}", changed)


def flipped(text: str, at: int) -> str:
    """Return hexadecimal text with one byte changed."""
    return text[: 2 * at] + f"{int(text[2 * at : 2 * at + 2], 16) ^ 1:02x}" + text[2 * at + 2 :]


def in_terms(change: Change, *, hashed: bool = False) -> Change:
    """Change the terms; `hashed`: and make hash and operation agree with them again."""

    def changed(offer: dict[str, Any]) -> None:
        terms = json.loads(offer["terms"])
        change(terms)
        offer["terms"] = json.dumps(
            terms, ensure_ascii=False, sort_keys=True, separators=(",", ":")
        )
        if hashed:
            consent = consent_terms.consent_id(offer["terms"].encode()).hex()
            offer["operation"] = offer["operation"].replace(offer["consent"], consent)
            offer["consent"] = consent

    return changed


def in_operation(at: int) -> Change:
    def changed(offer: dict[str, Any]) -> None:
        offer["operation"] = flipped(offer["operation"], at)

    return changed


LIES: dict[str, Change] = {
    "sentence": in_terms(
        lambda terms: terms.update(sentence=terms["sentence"].replace("may", "can"))
    ),
    "sentence-of-other-terms": in_terms(lambda terms: terms.update(categories=["glucose"])),
    "sentence-about-another": in_terms(lambda terms: terms["recipient"].update(name="Dr Evil")),
    "hidden-member": in_terms(lambda terms: terms.update(also="research")),
    "salt": in_terms(lambda terms: terms.update(salt=flipped(terms["salt"], 0))),
    "not-canonical": lambda offer: offer.update(terms=offer["terms"] + " "),
    "terms-and-hash": in_terms(lambda terms: terms.update(salt="00" * 32), hashed=True),
    "challenge": lambda offer: offer.update(challenge=flipped(offer["challenge"], 31)),
    "challenge-of-the-request": lambda offer: offer["options"].update(challenge="A" * 43),
    "no-verification": lambda offer: offer["options"].update(userVerification="preferred"),
    "ledger": lambda offer: offer.update(ledger=flipped(offer["ledger"], 0)),
    "kind": in_operation(1),
    "account": in_operation(2),
    "nonce": in_operation(41),
    "terms-hash": in_operation(74),
    "valid-from": in_operation(113),
    "valid-until": in_operation(121),
    "include-by": in_operation(122),
}


@pytest.mark.parametrize("name", LIES)
def test_a_tampered_offer_is_refused_before_the_gesture(patient: Visitor, name: str) -> None:
    lie(patient, "/api/offers/grant", LIES[name])
    before = patient.gestures()
    choose(patient)
    refused = patient.page.locator("#problem [data-kind]")
    expect(refused).to_contain_text("Stopped before signing")
    expect(patient.page.locator(".sentence")).to_have_count(0)
    expect(patient.page.get_by_role("button", name="Allow", exact=True)).to_have_count(0)
    assert patient.gestures() == before


def test_a_longer_validity_is_refused_though_the_challenge_is_made_to_fit(patient: Visitor) -> None:
    def longer(offer: dict[str, Any]) -> None:
        in_operation(120)(offer)
        offer["challenge"] = _challenge(offer)
        offer["options"]["challenge"] = _base64url(offer["challenge"])

    lie(patient, "/api/offers/grant", longer)
    choose(patient)
    expect(patient.page.locator("#problem [data-kind=validity]")).to_be_visible()


def test_a_clock_that_is_not_the_zones_is_refused_though_all_else_is_made_to_fit(
    patient: Visitor,
) -> None:
    def other_clock(offer: dict[str, Any]) -> None:
        terms = consent_terms.decode_terms(offer["terms"].encode())
        later = terms.offsets.valid_until + 7_200
        until = None if terms.data_until is None else later
        lie = replace(terms, offsets=consent_terms.Offsets(later, None, until))
        told = replace(lie, sentence=sentence(lie))
        in_terms(lambda document: document.update(json.loads(told.encode())), hashed=True)(offer)
        offer["challenge"] = _challenge(offer)
        offer["options"]["challenge"] = _base64url(offer["challenge"])

    lie(patient, "/api/offers/grant", other_clock)
    choose(patient)
    refused = patient.page.locator("#problem [data-kind=offset]")
    expect(refused).to_contain_text("time zone data differ")


def test_consistent_terms_about_something_else_than_was_chosen_are_refused(
    patient: Visitor,
) -> None:
    def asks_for_more(route: Route) -> None:
        body = json.loads(route.request.post_data or "{}") | {
            "categories": ["heart-rate", "glucose"]
        }
        route.continue_(post_data=json.dumps(body))

    patient.page.route("**/api/offers/grant", asks_for_more)
    choose(patient)
    expect(patient.page.locator("#problem [data-kind=choice]")).to_be_visible()


def test_an_offer_to_stop_cannot_turn_into_another_operation(patient: Visitor) -> None:
    choose(patient)
    patient.click("Allow")
    patient.sees("Access is open")
    patient.go("/consents")
    lie(patient, "/api/offers/stop", in_operation(80))
    patient.click("Stop access")
    expect(patient.page.locator("#problem [data-kind]")).to_contain_text("Stopped before signing")


def test_a_screen_lock_that_fails_confirms_nothing_and_can_be_tried_again(patient: Visitor) -> None:
    choose(patient)
    patient.screen_lock(works=False)
    patient.click("Allow")
    expect(patient.page.locator("#problem [data-kind=cancelled]")).to_be_visible()
    patient.go("/consents")
    patient.sees("You have let nobody in.")
    patient.screen_lock(works=True)
    choose(patient)
    patient.click("Allow")
    patient.sees("Access is open")


def test_refusing_leaves_everything_as_it_was(patient: Visitor) -> None:
    choose(patient)
    before = patient.gestures()
    patient.click("Do not allow")
    expect(patient.page.locator("#form")).to_be_visible()
    assert patient.gestures() == before


def test_another_device_cannot_confirm(patient: Visitor) -> None:
    choose(patient)
    patient.new_device()
    patient.click("Allow")
    expect(patient.page.locator("#problem [data-kind=cancelled]")).to_be_visible()


def test_somebody_elses_passkey_does_not_sign_in_as_a_patient(new_visitor: NewVisitor) -> None:
    stranger = new_visitor()
    stranger.go("/sign-in")
    stranger.click("Sign in with your passkey")
    expect(stranger.page.locator("#problem [data-kind=cancelled]")).to_be_visible()
    assert "/sign-in" in stranger.page.url


def test_a_session_that_ended_leads_to_sign_in_and_back(patient: Visitor, clinic: Clinic) -> None:
    patient.go("/consents")
    patient.sees("You have let nobody in.")
    clinic.clock.advance(seconds=SESSION_SECONDS)
    patient.page.reload()
    patient.is_at("/sign-in")
    patient.sees("Sign in to see this page.")
    patient.click("Sign in with your passkey")
    patient.is_at("/consents")


def test_a_session_that_ends_while_somebody_reads_confirms_nothing(
    patient: Visitor, clinic: Clinic
) -> None:
    choose(patient)
    expect(patient.page.locator(".sentence")).to_be_visible()
    patient.context.clear_cookies()
    patient.click("Allow")
    patient.is_at("/sign-in")
    patient.sees("Your session has ended")
    assert clinic.node.directory.recipients()


def test_a_page_of_another_role_leads_to_ones_own(patient: Visitor) -> None:
    for path in ("/people", "/patients"):
        patient.go(path)
        patient.is_at("/record")


def _challenge(offer: dict[str, Any]) -> str:
    ledger = LedgerId(bytes.fromhex(offer["ledger"]))
    return challenge(ledger, bytes.fromhex(offer["operation"])).hex()


def _base64url(digest: str) -> str:
    return base64.urlsafe_b64encode(bytes.fromhex(digest)).rstrip(b"=").decode()
