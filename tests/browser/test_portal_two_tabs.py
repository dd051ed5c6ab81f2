"""Stops that are prepared in two tabs: each is confirmed, at worst with one gesture more."""

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import NewVisitor
from tests.browser.visitor import Visitor, needs_chromium
from tests.fakes.node_clinic import Clinic

pytestmark = needs_chromium

AGAIN = "another change was confirmed meanwhile; confirm once more"
STOPPED = "Stopped. From now on every attempt to read is refused."


@pytest.fixture
def patient(clinic: Clinic, new_visitor: NewVisitor) -> Visitor:
    """Somebody who lets two clinicians in."""
    if not clinic.node.directory.recipients():
        clinic.clinician("Dr A. Li")
        clinic.clinician("Dr B. Mo")
    visitor = new_visitor()
    visitor.register("Pat Example")
    for number in range(2):
        visitor.go("/grant")
        visitor.page.locator("input[name=recipient]").nth(number).check()
        visitor.page.locator("#categories summary").click()
        if not visitor.page.locator("input[value=heart-rate]").is_visible():
            visitor.page.locator("#categories summary").click()
        visitor.page.check("input[value=heart-rate]")
        visitor.page.check("input[value=TREAT]")
        visitor.click("7 days")
        visitor.page.check("input[name=period][value=then]")
        visitor.click("Read the sentence")
        visitor.click("Allow")
        visitor.sees("Access is open")
    return visitor


def second_tab(patient: Visitor) -> Visitor:
    """The same browser and session. Each tab has its own copy of the simulated device."""
    tab = Visitor(patient.context.new_page(), patient.origin)
    tab.use(patient.passkeys())
    return tab


def prepare(tab: Visitor, number: int) -> None:
    tab.go("/consents")
    tab.page.locator("[data-stop]").nth(number).click()
    expect(tab.page.locator("#review [data-answer=allow]")).to_be_visible()


def stops(tab: Visitor) -> None:
    tab.click("Stop now")
    tab.sees(STOPPED)


def test_two_tabs_in_the_order_in_which_they_were_prepared(patient: Visitor) -> None:
    other = second_tab(patient)
    prepare(patient, 0)
    prepare(other, 1)
    stops(patient)
    other.use(patient.passkeys())
    stops(other)
    patient.go("/consents")
    expect(patient.page.locator("[data-state=stopped]")).to_have_count(2)


def test_the_tab_that_was_overtaken_says_why_and_asks_once_more(patient: Visitor) -> None:
    other = second_tab(patient)
    prepare(patient, 0)
    prepare(other, 1)
    stops(other)
    patient.use(other.passkeys())
    patient.click("Stop now")
    patient.sees(AGAIN)
    expect(patient.page.locator("#problem")).to_be_empty()
    stops(patient)
    patient.go("/consents")
    expect(patient.page.locator("[data-state=stopped]")).to_have_count(2)


def test_what_the_other_tab_has_stopped_already_takes_no_further_gesture(patient: Visitor) -> None:
    other = second_tab(patient)
    prepare(patient, 0)
    other.go("/consents")
    other.click("Stop all access")
    other.click("Stop everything now")
    other.sees(STOPPED)
    patient.use(other.passkeys())
    patient.click("Stop now")
    patient.sees(STOPPED)
    expect(patient.page.locator("[data-stop]")).to_have_count(0)
