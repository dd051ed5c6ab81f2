"""Single pages: a second passkey, languages, hostile names, the policy, evidence."""

import pytest
from playwright.sync_api import FilePayload, Page, expect

from pulsekey.portal.pages import PAGES
from pulsekey.portal.pages import Page as Portal
from tests.browser.conftest import NewVisitor
from tests.browser.visitor import PHONE, Visitor, needs_chromium
from tests.fakes.node_clinic import Clinic
from tests.fakes.payloads import sample

pytestmark = needs_chromium

HOSTILE = '<img src=x onerror="alert(1)">'
EVIDENCE = b'{"this": "is no evidence"}'


@pytest.fixture
def patient(clinic: Clinic, new_visitor: NewVisitor) -> Visitor:
    if not clinic.node.directory.recipients():
        clinic.clinician()
    visitor = new_visitor()
    visitor.register("Pat Example")
    return visitor


def test_a_second_passkey_signs_in_and_the_first_can_be_removed(patient: Visitor) -> None:
    patient.go("/passkeys")
    expect(patient.page.locator("[data-key]")).to_have_count(1)
    first = patient.passkeys()
    patient.new_device()
    patient.click("Make another passkey")
    patient.sees("The new passkey may sign for my account")
    second = patient.passkeys()
    patient.use(first)
    patient.click("Let it sign for me")
    expect(patient.page.locator("[data-key]")).to_have_count(2)
    patient.click("Sign out")
    patient.sees("Register as a patient")
    patient.use(second)
    patient.go("/sign-in")
    patient.click("Sign in with your passkey")
    patient.is_at("/record")
    patient.go("/passkeys")
    patient.click("Remove")
    patient.click("Remove it")
    expect(patient.page.locator("[data-key]")).to_have_count(1)


def test_whoever_opens_no_account_yet_may_add_data_but_not_let_anybody_in(
    clinic: Clinic, new_visitor: NewVisitor
) -> None:
    """Once "Not now" led back to where it stood, without end."""
    _ = clinic.operator  # Without a custodian nobody can register.
    visitor = new_visitor()
    visitor.go("/register")
    visitor.fill("Your name", "Pat Example")
    visitor.click("Make a passkey")
    visitor.click("Not now")
    visitor.is_at("/record")
    visitor.sees("There are no measurements yet.")
    for path in ("/grant", "/consents", "/passkeys"):
        visitor.page.goto(f"{visitor.origin}{path}")
        visitor.is_at("/register")


def test_a_date_that_cannot_be_is_said_at_its_field(patient: Visitor) -> None:
    patient.go("/grant")
    page = patient.page
    page.locator("input[name=recipient]").first.check()
    page.get_by_text("Other kinds").or_(page.locator("#categories details")).first.click()
    page.locator("input[value=glucose]").check()
    page.check("input[value=TREAT]")
    page.locator("#quick button").first.click()
    page.check("input[name=period][value=then]")
    page.fill("#since", "2999-01-01")
    page.click("#form button[type=submit]")
    expect(page.locator("#since[aria-invalid=true]")).to_be_focused()
    patient.sees("Ends before it begins. Choose a later end.")
    page.fill("#since", "")
    page.click("#form button[type=submit]")
    patient.sees("Read this before you decide")


def test_a_name_that_is_markup_stays_a_name(clinic: Clinic, new_visitor: NewVisitor) -> None:
    clinic.clinician(HOSTILE)
    visitor = new_visitor()
    visitor.register(HOSTILE)
    visitor.sees(f"Signed in as {HOSTILE}")
    visitor.go("/grant")
    visitor.sees(HOSTILE)
    picture = FilePayload(name=f"{HOSTILE}.csv", mimeType="text/csv", buffer=b"no such format")
    visitor.go("/upload")
    visitor.page.set_input_files("#file", [picture])
    visitor.click("Add this file")
    expect(visitor.page.locator("#report .notice")).to_contain_text("img src")
    expect(visitor.page.locator("img")).to_have_count(0)


def test_the_policy_stops_what_is_not_ours(new_visitor: NewVisitor) -> None:
    visitor = new_visitor()
    visitor.go("/")
    stopped = visitor.page.evaluate(
        """async () => {
          const seen = [];
          addEventListener("securitypolicyviolation", (event) =>
            seen.push(event.effectiveDirective));
          const script = document.createElement("script");
          try {
            script.textContent = "window.broken = true";
            document.head.append(script);
          } catch {}
          try { document.body.innerHTML = "<b>x</b>"; } catch (error) { seen.push(error.name); }
          await fetch("https://elsewhere.example/").catch(() => {});
          await new Promise((resolve) => setTimeout(resolve, 200));
          return [seen, window.broken === true];
        }"""
    )
    assert stopped[1] is False
    assert {"TypeError", "connect-src"} <= set(stopped[0])
    visitor.complaints.clear()


@pytest.mark.parametrize(("language", "words"), [("en-GB", "Sign in"), ("zh-CN", "登录")])
def test_the_browsers_language_is_spoken_until_another_is_chosen(
    new_visitor: NewVisitor, language: str, words: str
) -> None:
    visitor = new_visitor(language=language)
    visitor.go("/sign-in")
    expect(visitor.page.get_by_role("heading", level=1)).to_have_text(words)
    other = {"en-GB": "简体中文", "zh-CN": "English"}[language]
    visitor.click(other)
    visitor.is_at("/sign-in")
    expect(visitor.page.get_by_role("heading", level=1)).not_to_have_text(words)


def test_a_grant_in_chinese_is_confirmed_over_the_chinese_sentence(
    clinic: Clinic, new_visitor: NewVisitor
) -> None:
    # Tests come in any order: without somebody to let in there would be nothing to choose.
    if not clinic.node.directory.recipients():
        clinic.clinician()
    patient = clinic.patient("王芳")
    visitor = new_visitor(language="zh-CN")
    visitor.as_member(patient)
    visitor.go("/grant")
    page = visitor.page
    page.locator("input[name=recipient]").first.check()
    page.locator("#categories input[value=sleep]").check()
    page.check("input[value=TREAT]")
    visitor.click("30 天")
    page.check("input[name=period][value=now]")
    visitor.click("阅读授权文字")
    sentence = page.locator(".sentence")
    expect(sentence).to_contain_text("可以查看我的睡眠")
    expect(sentence).to_contain_text("Paris时间")


@pytest.mark.parametrize(
    "page", [page for page in PAGES if "{" not in page.path], ids=lambda p: p.name
)
def test_no_page_scrolls_sideways_on_the_narrowest_phone_or_lacks_a_name(
    clinic: Clinic, new_visitor: NewVisitor, page: Portal
) -> None:
    visitor = new_visitor(viewport={"width": 320, "height": 640})
    if page.role == "operator":
        visitor.as_member(clinic.operator)
    elif page.role:
        visitor.as_member(clinic.patient() if page.role == "patient" else clinic.clinician())
    visitor.go(page.path)
    visitor.page.wait_for_load_state("networkidle")
    assert not visitor.page.evaluate("document.documentElement.scrollWidth > innerWidth")
    assert unnamed(visitor.page) == []


def unnamed(page: Page) -> list[str]:
    """Controls without an accessible name."""
    found: list[str] = page.evaluate(
        """() => [...document.querySelectorAll("button, a, input:not([type=hidden]), select")]
          .filter((each) => !(each.labels?.length || each.textContent.trim() || each.ariaLabel))
          .map((each) => each.outerHTML)"""
    )
    return found


def test_a_plot_has_a_table_that_a_keyboard_opens(clinic: Clinic, new_visitor: NewVisitor) -> None:
    patient = clinic.patient()
    clinic.load(patient, sample("activity-walk.fit"))
    visitor = new_visitor(viewport=PHONE)
    visitor.as_member(patient)
    visitor.go("/record")
    visitor.page.get_by_role("link", name="Heart rate", exact=True).press("Enter")
    expect(visitor.page.locator("#plot canvas")).to_be_visible()
    expect(visitor.page.locator("#table table")).to_be_hidden()
    visitor.page.locator("#table-box summary").press("Enter")
    expect(visitor.page.locator("#table tbody tr").first).to_contain_text("beats/minute")


def test_a_file_that_is_no_evidence_is_said_to_be_none(new_visitor: NewVisitor) -> None:
    visitor = new_visitor()
    visitor.go("/evidence")
    picked = FilePayload(name="evidence.json", mimeType="application/json", buffer=EVIDENCE)
    expect(visitor.page.locator("#file")).to_be_enabled()
    visitor.page.set_input_files("#file", [picked])
    expect(visitor.page.locator("#outcome .notice[data-failed]")).to_be_visible()
    expect(visitor.page.locator("#outcome [data-claim]")).to_have_count(0)
    expect(visitor.page.locator("[data-good=true]")).to_have_count(0)


def test_a_report_speaks_the_language_of_the_page(clinic: Clinic, new_visitor: NewVisitor) -> None:
    patient = clinic.patient()
    clinic.load(patient, sample("activity-walk.fit"))
    visitor = new_visitor(language="zh-CN")
    visitor.as_member(patient)
    visitor.go("/upload")
    visitor.page.locator(".import summary").first.click()
    report = visitor.page.locator(".import .report").first
    expect(report).to_contain_text("覆盖了 80% 的时间")
    expect(report).to_contain_text("传感器报告错误")
    expect(report).not_to_contain_text("of the time covered")
