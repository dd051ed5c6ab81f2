"""The whole story by clicks: from setting up a node to proving a consent that was stopped."""

import json
from pathlib import Path
from typing import Any

from playwright.sync_api import expect

from pulsekey.identity.setup import issue_set_up_token
from tests.browser.conftest import NewVisitor
from tests.browser.visitor import Visitor, needs_chromium
from tests.fakes.node_clinic import Clinic, chart_identifiers
from tests.fakes.payloads import SAMPLES

pytestmark = needs_chromium


def opened(visitor: Visitor, person: str, form: str) -> Any:
    """Open one form of a person on the operator's list."""
    card = visitor.page.locator("[data-person]").filter(has_text=person)
    box = card.locator(f"[data-form={form}]")
    box.locator("summary").click()
    return box


def add_file(visitor: Visitor, name: str) -> None:
    visitor.page.set_input_files("#file", str(SAMPLES / name))
    visitor.click("Add this file")
    expect(visitor.page.locator("#report h2")).to_be_visible()
    expect(visitor.page.locator("#report .report")).to_contain_text(name)
    expect(visitor.page.get_by_role("button", name="Add this file")).to_be_enabled()


def allow(visitor: Visitor, categories: tuple[str, ...]) -> str:
    """Let Dr A. Li in; return the sentence that was confirmed."""
    visitor.go("/grant")
    expect(visitor.page.locator("input:checked")).to_have_count(0)
    visitor.page.get_by_role("radio", name="Dr A. Li").check()
    for category in categories:
        visitor.page.get_by_role("checkbox", name=category, exact=True).check()
    visitor.page.get_by_role("radio", name="My treatment").check()
    visitor.click("30 days")
    visitor.page.get_by_role("radio", name="Recorded so far, and what comes until then").check()
    visitor.click("Read the sentence")
    sentence = visitor.page.locator(".sentence").inner_text()
    visitor.click("Allow")
    visitor.sees("Access is open")
    return str(sentence)


def test_the_whole_story(clinic: Clinic, new_visitor: NewVisitor, tmp_path: Path) -> None:
    node = clinic.node
    token = issue_set_up_token(node.identities, node.clock, node.entropy)

    operator, clinician = new_visitor(), new_visitor()
    patient = new_visitor(accept_downloads=True)
    set_up(operator, token)
    introduce(clinician, patient)
    confirm(operator)
    fill(patient)
    see(patient)
    read(patient, clinician)
    prove_and_stop(patient, clinician, tmp_path)


def set_up(operator: Visitor, token: str) -> None:
    operator.go("/")
    operator.click("Set it up", "link")
    operator.fill("Set-up token", token)
    operator.fill("Your name", "Olga Operator")
    operator.click("Make a passkey")
    operator.is_at("/people")


def introduce(clinician: Visitor, patient: Visitor) -> None:
    clinician.go("/register/clinician")
    clinician.fill("Your name and title", "Dr A. Li")
    clinician.click("Make a passkey")
    clinician.sees("Waiting for confirmation")

    patient.register("Pat Example")
    patient.go("/grant")
    patient.sees("No clinician has been confirmed at this node yet.")


def confirm(operator: Visitor) -> None:
    operator.go("/people")
    form = opened(operator, "Dr A. Li", "confirmation")
    form.get_by_label("How did you check?").select_option("professional-register")
    form.get_by_label("Reference").fill("register entry 1")
    form.get_by_role("button").click()
    expect(
        operator.page.locator("[data-status=confirmed]").filter(has_text="Dr A. Li")
    ).to_be_visible()

    (system, value), *_ = chart_identifiers()
    form = opened(operator, "Pat Example", "enrolment")
    form.get_by_label("System of the identifier").fill(system)
    form.get_by_label("Identifier", exact=True).fill(value)
    form.get_by_label("How did you check?").select_option("in-person-document")
    form.get_by_label("Reference").fill("file 2")
    form.get_by_role("button").click()
    expect(
        operator.page.locator("[data-status=confirmed]").filter(has_text="Pat Example")
    ).to_be_visible()


def fill(patient: Visitor) -> None:
    patient.go("/upload")
    add_file(patient, "clarity-three-days.csv")
    add_file(patient, "activity-walk.fit")
    add_file(patient, "chart-adult.json.bz2")
    add_file(patient, "activity-walk.fit")
    known = patient.page.locator("#report tr").filter(has_text="Heart rate").locator("td")
    expect(known.nth(1)).to_have_text("0")
    assert known.nth(3).inner_text() != "0"


def see(patient: Visitor) -> None:
    patient.go("/record")
    patient.click("Glucose (sensor)", "link")
    expect(patient.page.locator("#plot canvas")).to_be_visible()
    expect(patient.page.locator("#quality")).to_contain_text("covered")
    expect(patient.page.locator("#table tbody tr").first).to_contain_text("mg/dL")
    patient.sees("Not for emergencies.")
    patient.go("/chart")
    expect(patient.page.locator("[data-type=Condition] li").first).to_be_visible()


def read(patient: Visitor, clinician: Visitor) -> None:
    sentence = allow(patient, ("Glucose", "Conditions"))
    assert sentence.startswith(
        "Dr A. Li (identity confirmed by City Clinic) may see my conditions and glucose, "
        "recorded so far and until then, for my treatment, until "
    )
    assert "Paris time" in sentence

    clinician.go("/patients")
    clinician.click("Pat Example", "link")
    clinician.sees("Limited view.")
    expect(clinician.page.locator(".series-list > li")).to_have_count(1)
    expect(clinician.page.locator(".latest")).to_contain_text("mg/dL")
    clinician.click("Glucose (sensor)", "link")
    expect(clinician.page.locator("#plot canvas")).to_be_visible()
    clinician.sees("Limited view.")

    patient.go("/reads")
    read = patient.page.locator("[data-basis=consent]").first
    expect(read).to_contain_text("Dr A. Li")
    expect(patient.page.locator("[data-basis=self]")).to_have_count(0)
    patient.page.get_by_label("Show my own reading too").check()
    expect(patient.page.locator("[data-basis=self]").first).to_be_visible()


def checked(visitor: Visitor, file: Path, *, holds: bool) -> None:
    """Check an evidence file in the browser."""
    assert json.loads(file.read_text("utf-8"))
    visitor.go("/evidence")
    expect(visitor.page.locator("#file")).to_be_enabled()
    visitor.page.set_input_files("#file", str(file))
    verdict = visitor.page.locator("#outcome .notice[data-good]")
    expect(verdict).to_have_attribute("data-good", "true" if holds else "false")


def prove_and_stop(patient: Visitor, clinician: Visitor, folder: Path) -> None:
    patient.go("/consents")
    with patient.page.expect_download() as download:
        patient.page.locator("[data-evidence]").click()
    kept = folder / "evidence.json"
    download.value.save_as(kept)
    checked(patient, kept, holds=True)
    broken = folder / "broken.json"
    broken.write_text(kept.read_text("utf-8").replace("my treatment", "my enjoyment"), "utf-8")
    checked(patient, broken, holds=False)
    patient.go("/consents")
    patient.click("Stop access")
    patient.click("Stop now")
    patient.sees("stopped by you")
    expect(patient.page.locator("[data-stop]")).to_have_count(0)

    clinician.click("Last day")
    clinician.sees("This is not here, or no longer open to you")
    expect(clinician.page.locator("canvas, tbody")).to_have_count(0)
    clinician.page.reload()
    clinician.sees("This is not here, or no longer open to you")
    expect(clinician.page.locator("canvas")).to_have_count(0)
    clinician.go("/patients")
    clinician.sees("No patient lets you in now.")
    patient.go("/reads")
    expect(patient.page.locator("[data-basis=refused]").first).to_contain_text("you stopped it")
