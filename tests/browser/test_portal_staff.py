"""Staff and their passkeys, and what operators do to accounts, by clicks in a browser."""

from playwright.sync_api import Locator, expect

from pulsekey.exchange.list_people import PEOPLE_PER_PAGE
from pulsekey.identity.principals import Role
from pulsekey.identity.setup import invite_from_console
from pulsekey.primitives.ids import PrincipalId
from tests.browser.conftest import NewVisitor
from tests.browser.visitor import Visitor, needs_chromium
from tests.fakes.node_clinic import CHECK, Clinic
from tests.fakes.payloads import sample

pytestmark = needs_chromium


def use(visitor: Visitor, token: str) -> None:
    visitor.go("/invited")
    visitor.fill("Invitation token", token)
    visitor.page.locator("#form button").click()
    visitor.is_at("/people")


def staffed(clinic: Clinic, new_visitor: NewVisitor, name: str) -> tuple[Visitor, PrincipalId]:
    """A confirmed operator at a browser whose device holds their passkey."""
    node = clinic.node
    invitation = node.directory.invite(clinic.operator.id, Role.OPERATOR, name)
    visitor = new_visitor()
    use(visitor, invitation.token)
    organisation = node.identities.custodian().id
    node.directory.confirm_staff(clinic.operator.id, invitation.principal.id, organisation, CHECK)
    return visitor, invitation.principal.id


def card(visitor: Visitor, name: str) -> Locator:
    return visitor.page.locator("[data-person]").filter(has_text=name)


def seek(visitor: Visitor, text: str) -> None:
    visitor.go("/people")
    visitor.page.locator("#sought").fill(text)
    visitor.click("Search")


def test_staff_name_add_and_remove_passkeys_with_a_gesture_each(
    clinic: Clinic, new_visitor: NewVisitor
) -> None:
    visitor, operator = staffed(clinic, new_visitor, "Ona Operator")
    visitor.go("/operator/passkeys")
    visitor.sees("This is your only passkey.")
    expect(visitor.page.get_by_role("button", name="Remove", exact=True)).to_have_count(0)
    visitor.page.locator("summary").get_by_text("Give it a name").click()
    visitor.page.locator("[data-key] input").fill("Desk")
    visitor.click("Save the name")
    expect(visitor.page.get_by_role("heading", name="Desk")).to_be_visible()

    visitor.page.locator("#new-name").fill("Key ring")
    visitor.screen_lock(works=False)
    visitor.click("Confirm with my passkey")
    expect(visitor.page.locator("#problem [data-kind=cancelled]")).to_be_visible()
    visitor.screen_lock(works=True)
    visitor.click("Confirm with my passkey")
    visitor.sees("Confirmed. Now make the new passkey")
    visitor.click("Make another passkey")
    visitor.sees("This device already has a passkey for this account.")
    desk = visitor.passkeys()
    visitor.new_device()
    visitor.click("Make another passkey")
    expect(visitor.page.get_by_role("heading", name="Key ring")).to_be_visible()
    expect(visitor.page.locator("#only")).to_be_hidden()
    assert len(clinic.node.identities.passkeys(operator)) == 2

    ring = visitor.passkeys()
    visitor.click("Remove")
    visitor.sees("Remove “Key ring”?")
    visitor.click("Remove it")
    expect(visitor.page.locator("#problem [data-kind=cancelled]")).to_be_visible()
    assert len(clinic.node.identities.passkeys(operator)) == 2, "not by the one that goes"
    visitor.use(desk)
    visitor.click("Remove it")
    expect(visitor.page.get_by_role("heading", name="Key ring")).to_have_count(0)
    assert [one.name for one in clinic.node.identities.passkeys(operator)] == ["Desk"]

    visitor.use(ring)
    visitor.click("Sign out")
    visitor.is_at("/")
    visitor.go("/sign-in")
    visitor.page.locator("#sign-in").click()
    expect(visitor.page.locator("#problem [data-kind=NotAuthenticated]")).to_be_visible()


def test_a_clinician_names_the_passkey_in_use(clinic: Clinic, new_visitor: NewVisitor) -> None:
    visitor = new_visitor()
    visitor.as_member(clinic.clinician("Dr P. Key"))
    visitor.go("/patients")
    visitor.click("Passkeys", role="link")
    visitor.is_at("/clinician/passkeys")
    visitor.sees("your patients have to let you in again")
    visitor.page.locator("summary").get_by_text("Give it a name").click()
    visitor.page.locator("[data-key] input").fill("Ward phone")
    visitor.click("Save the name")
    expect(visitor.page.get_by_role("heading", name="Ward phone")).to_be_visible()


def rarely(visitor: Visitor, name: str, form: str) -> None:
    """Open what corrects or ends something, which is folded away."""
    card(visitor, name).locator("[data-rare] > summary").click()
    card(visitor, name).locator(f"[data-form={form}] > summary").click()


def test_what_an_operator_suspends_ends_at_once_and_stands_in_the_list(
    clinic: Clinic, new_visitor: NewVisitor
) -> None:
    clinician = clinic.clinician("Dr S. Pender")
    theirs = new_visitor()
    theirs.as_member(clinician)
    theirs.go("/patients")
    visitor, _ = staffed(clinic, new_visitor, "Ute Operator")
    seek(visitor, "pender")
    expect(visitor.page.locator("#found")).to_have_text("1 person")
    rarely(visitor, "Pender", "suspension")
    visitor.click("Suspend now")
    expect(card(visitor, "Pender")).to_have_attribute("data-status", "suspended")
    theirs.page.reload()
    theirs.is_at("/sign-in")
    rarely(visitor, "Pender", "reinstatement")
    visitor.click("Reinstate now")
    expect(card(visitor, "Pender")).to_have_attribute("data-status", "registered")
    rarely(visitor, "Pender", "closing")
    visitor.click("Close it for good")
    expect(card(visitor, "Pender")).to_have_attribute("data-status", "closed")
    expect(card(visitor, "Pender").locator("details")).to_have_count(0)
    visitor.go("/actions")
    for words in ("closed the account of", "reinstated", "suspended"):
        visitor.sees(f"Ute Operator {words} Dr S. Pender.")


def test_a_wrong_identifier_is_taken_away_with_plain_words_about_what_stays(
    clinic: Clinic, new_visitor: NewVisitor
) -> None:
    patient = clinic.patient("Wrong Bound", bound=[("urn:example:mrn", "W-1")])
    clinic.load(patient, sample("activity-walk.fit"))
    visitor, _ = staffed(clinic, new_visitor, "Uli Operator")
    seek(visitor, "mrn|w-1")
    rarely(visitor, "Wrong Bound", "unbinding")
    visitor.sees("What was imported while it was bound stays in this record")
    visitor.click("Take it away")
    visitor.sees("The identifier was taken from Wrong Bound.")
    visitor.sees("1 file was added to this record while it was bound. It stays there.")
    assert clinic.node.identities.identifiers_of(patient.patient) == []
    visitor.go("/actions")
    visitor.sees("Uli Operator took an identifier from Wrong Bound.")


def test_an_operator_from_the_console_is_shown_to_the_others(
    clinic: Clinic, new_visitor: NewVisitor
) -> None:
    visitor = new_visitor()
    visitor.as_member(clinic.operator)
    node = clinic.node
    _, token = invite_from_console(node.identities, node.clock, node.entropy, "Cora Console")
    visitor.go("/people")
    visitor.sees("An operator came from the machine's own console.")
    visitor.sees("Somebody at the machine's console invited Cora Console as an operator.")
    newcomer = new_visitor()
    use(newcomer, token)
    newcomer.sees("Signed in as Cora Console")
    newcomer.go("/actions")
    newcomer.sees("Cora Console became an operator with a token from the machine's console.")


def test_people_beyond_one_page_are_reached(clinic: Clinic, new_visitor: NewVisitor) -> None:
    for number in range(PEOPLE_PER_PAGE + 1):
        clinic.node.directory.invite(clinic.operator.id, Role.PATIENT, f"Crowd {number:03}")
    visitor = new_visitor()
    visitor.as_member(clinic.operator)
    seek(visitor, "crowd")
    expect(visitor.page.locator("[data-person]")).to_have_count(PEOPLE_PER_PAGE)
    expect(visitor.page.locator("#found")).to_contain_text("There are more.")
    visitor.click("Show more")
    expect(visitor.page.locator("[data-person]")).to_have_count(PEOPLE_PER_PAGE + 1)
    expect(visitor.page.locator("#more")).to_be_hidden()
