"""Operators among themselves, invitations, and what a clinician's pages ask for."""

from playwright.sync_api import Request, expect

from pulsekey.evidence.entries import Basis
from pulsekey.exchange.list_access import Reading
from pulsekey.primitives.ids import ConsentId
from tests.browser.conftest import NewVisitor
from tests.browser.visitor import Visitor, needs_chromium
from tests.fakes.node_clinic import Clinic, Member, chart_of
from tests.fakes.payloads import sample

pytestmark = needs_chromium

MRN = "urn:oid:1.2.36.146.595.217.0.1"
HEADLINE = "This token is wrong, has expired or was already used."


def invited(clinic: Clinic, new_visitor: NewVisitor, name: str) -> tuple[Visitor, str]:
    """Invite an operator by clicks; return the one who invited, and the token."""
    operator = new_visitor()
    operator.as_member(clinic.operator)
    operator.go("/people")
    operator.fill("Name", name)
    operator.page.get_by_label("Role", exact=True).select_option("operator")
    operator.click("Make an invitation")
    return operator, operator.page.locator("#token").inner_text()


def use(visitor: Visitor, token: str) -> None:
    visitor.go("/invited")
    visitor.fill("Invitation token", token)
    visitor.page.locator("#form button").click()


def test_a_second_operator_waits_until_the_first_has_confirmed_them(
    clinic: Clinic, new_visitor: NewVisitor
) -> None:
    operator, token = invited(clinic, new_visitor, "Otto Operator")
    second = new_visitor()
    use(second, token)
    second.is_at("/people")
    second.sees("Another operator of this node has to confirm you first.")
    expect(second.page.get_by_text("Loading …")).to_have_count(0)
    expect(second.page.locator("#invite")).to_be_hidden()

    operator.page.reload()
    person = operator.page.locator("[data-person]").filter(has_text="Otto Operator")
    person.locator("summary").get_by_text("Confirm this operator").click()
    person.get_by_label("How did you check?").select_option("employment-record")
    person.get_by_label("Reference").fill("file 7")
    person.get_by_role("button", name="Confirm this operator", exact=True).click()
    expect(
        operator.page.locator("[data-status=confirmed]").filter(has_text="Otto Operator")
    ).to_be_visible()
    second.page.reload()
    second.sees("Olga Operator")


def test_a_used_or_wrong_token_is_said_to_be_the_reason(
    clinic: Clinic, new_visitor: NewVisitor
) -> None:
    _, token = invited(clinic, new_visitor, "Oda Operator")
    wrong = new_visitor()
    use(wrong, token[:-4] + "AAAA")
    expect(wrong.page.locator("#problem [data-kind=TokenRefused]")).to_be_visible()
    first = new_visitor()
    use(first, token)
    first.is_at("/people")
    late = new_visitor()
    use(late, token)
    problem = late.page.locator("#problem [data-kind=TokenRefused]")
    expect(problem).to_contain_text(HEADLINE)
    expect(problem).not_to_contain_text("passkey")


def test_an_answer_that_fails_leaves_nothing_loading(
    clinic: Clinic, new_visitor: NewVisitor
) -> None:
    visitor = new_visitor()
    visitor.as_member(clinic.operator)
    visitor.page.route("**/api/people/search", lambda route: route.abort())
    visitor.go("/people")
    expect(visitor.page.locator("#problem [data-kind=Unreachable]")).to_be_visible()
    expect(visitor.page.get_by_text("Loading …")).to_have_count(0)


def shown(
    clinic: Clinic, new_visitor: NewVisitor, *categories: str
) -> tuple[Visitor, Member, ConsentId]:
    """A clinician's browser and a patient with a chart and measurements, of which some are open."""
    clinician = clinic.clinician("Dr C. Wong")
    # One node serves these tests, and an identifier is one patient's.
    number = clinic.entropy(8).hex()
    patient = clinic.patient("Pia Example", bound=[(MRN, number)])
    clinic.load(patient, sample("activity-walk.fit"), chart_of(MRN, number))
    consent = clinic.grant(patient, clinician, categories)
    visitor = new_visitor()
    visitor.as_member(clinician)
    return visitor, patient, consent


def test_a_clinicians_chart_names_only_what_is_shared_and_there(
    clinic: Clinic, new_visitor: NewVisitor
) -> None:
    visitor, patient, _ = shown(clinic, new_visitor, "allergies", "insurance")
    asked: list[str] = []
    visitor.page.on("request", lambda one: _note(asked, one))
    visitor.go(f"/patients/{patient.patient}/chart")
    sections = visitor.page.locator("#list details")
    expect(sections.first).to_be_visible()
    types = [each.get_attribute("data-type") for each in sections.all()]
    assert types == ["AllergyIntolerance", "Claim", "ExplanationOfBenefit"]
    visitor.sees("Allergy to grass pollen")
    expect(sections.first.locator("summary")).to_have_text("Allergies (7)")
    assert len(asked) == 1
    assert "type=AllergyIntolerance" in asked[0]
    expect(visitor.page.locator("#whose")).to_have_text("Pia Example")


def _refused(clinic: Clinic, patient: Member) -> list[Reading]:
    found = clinic.node.listing.readings(patient.patient)
    return [one for one in found if one.access.basis is Basis.REFUSED]


def _note(asked: list[str], request: Request) -> None:
    if "/api/documents" in request.url:
        asked.append(request.url)


def test_what_is_stopped_while_a_clinician_looks_leaves_plain_words_and_nothing_loading(
    clinic: Clinic, new_visitor: NewVisitor
) -> None:
    visitor, patient, consent = shown(clinic, new_visitor, "conditions", "heart-rate")
    visitor.go(f"/patients/{patient.patient}")
    link = visitor.page.get_by_role("link", name="Heart rate", exact=True)
    link.click()
    expect(visitor.page.locator("#plot canvas")).to_be_visible()
    series = visitor.page.url
    visitor.go(f"/patients/{patient.patient}/chart")
    expect(visitor.page.locator("[data-type=Condition] summary")).to_be_visible()
    clinic.stop(patient, consent)
    visitor.page.locator("[data-type=Observation] summary").click()
    visitor.sees("There is nothing here that you may see now.")
    before = len(_refused(clinic, patient))
    for path in (series, f"{visitor.origin}/patients/{patient.patient}"):
        visitor.page.goto(path)
        visitor.sees("There is nothing here that you may see now.")
        expect(visitor.page.get_by_text("Loading …")).to_have_count(0)
    # Whoever opens what was stopped has tried to read it, and the patient sees that they did.
    assert len(_refused(clinic, patient)) == before + 2
    visitor.go(f"/patients/{patient.patient}/chart")
    visitor.sees("There is nothing here that you may see now.")
    expect(visitor.page.locator("#list details")).to_have_count(0)
