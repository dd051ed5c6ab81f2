"""Takes a picture of every page, narrow and wide, in both languages, to be looked at.

    python -m tests.browser.screenshots [--theme dark] [--language zh] [--size wide] [PAGE]...

writes build/screenshots/LANGUAGE-WIDTH-PAGE.png from a fresh node with the shipped sample files.
"""

import argparse
import contextlib
import io
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from playwright.sync_api import Browser, FilePayload

from pulsekey.ingest.items import Payload
from pulsekey.portal.pages import pages
from pulsekey.primitives.errors import NotFound
from pulsekey.samples import apple_export
from tests.browser.visitor import DESK, PHONE, Visitor, launched, visiting
from tests.fakes.node_clinic import (
    Clinic,
    Member,
    chart,
    chart_identifiers,
    everything,
    opened_clinic,
)
from tests.fakes.node_http import Site, served
from tests.fakes.payloads import SAMPLES, payload

OUT = Path("build") / "screenshots"
SIZES = {"narrow": PHONE, "wide": DESK}
LANGUAGES = {"en": "en-GB", "zh": "zh-CN"}
SETTLED_MS = 600
DRAWN = ("glucose-sensor", "heart-rate", "blood-pressure", "steps", "sleep-stage", "workout", "ecg")
SHARED = ("heart-rate", "glucose", "ecg", "conditions", "medication", "blood-pressure")

Act = Callable[[Visitor], None]


@dataclass(frozen=True, slots=True)
class Cast:
    """Who is in the pictures; `series` are the patient's by metric, `None` is nobody."""

    operator: Member
    clinician: Member
    waiting: Member
    patient: Member
    empty: Member
    series: Mapping[str, str]
    evidence: bytes


@dataclass(frozen=True, slots=True)
class Picture:
    """One picture: who looks, at which path, and what they do first."""

    name: str
    path: str
    who: Member | None = None
    act: Act | None = None


def apple() -> Payload:
    """An Apple Health export of two weeks."""
    made = io.BytesIO()
    apple_export.write_zip(made, apple_export.Plan())
    return payload("export.zip", made.getvalue())


def people(clinic: Clinic) -> Cast:
    """Fill a clinic: data, consents, reads and a refusal."""
    clinician, other = clinic.clinician(), clinic.clinician("Dr B. Osei")
    waiting = clinic.clinician("Dr C. Neu", confirmed=False)
    patient = clinic.patient("Anna Example", bound=chart_identifiers())
    empty = clinic.patient("Bo Beispiel")
    clinic.load(patient, *everything(), chart(), apple())
    clinic.load(empty, chart())
    consent = clinic.grant(patient, clinician, SHARED, zone="Europe/Paris")
    clinic.stop(patient, clinic.grant(patient, other, ("sleep",), zone="Europe/Paris"))
    showing = clinic.node.showing
    showing.series(clinician.principal, patient.patient, "TREAT")
    with contextlib.suppress(NotFound):
        showing.series(other.principal, patient.patient, "TREAT")
    own = showing.series(patient.principal, patient.patient, "PATRQT").series
    series = {entry.metric.name: entry.id for entry in sorted(own, key=lambda one: one.count)}
    evidence = clinic.node.evidence(patient.principal, consent)
    return Cast(clinic.operator, clinician, waiting, patient, empty, series, evidence)


def pictures(cast: Cast) -> list[Picture]:
    """Every page, and the states of it that look different."""
    patient, clinician = cast.patient, cast.clinician
    record = f"/patients/{patient.patient}"
    return [
        Picture("welcome", "/"),
        Picture("sign-in", "/sign-in"),
        Picture("sign-in-needed", "/record"),
        Picture("register", "/register"),
        Picture("register-2", "/register", None, _registering),
        Picture("register-clinician", "/register/clinician"),
        Picture("invited", "/invited"),
        Picture("set-up", "/set-up"),
        Picture("record", "/record", patient),
        Picture("record-empty", "/record", cast.empty),
        *(Picture(f"series-{one}", f"/record/{cast.series[one]}", patient) for one in DRAWN),
        Picture("chart", "/chart", patient),
        Picture("upload", "/upload", patient),
        Picture("upload-report", "/upload", patient, _uploading),
        Picture("upload-quarantine", "/upload", cast.empty, _opening),
        Picture("upload-refused", "/upload", cast.empty, _refused),
        Picture("grant", "/grant", patient),
        Picture("grant-missing", "/grant", patient, _unfilled),
        Picture("grant-review", "/grant", patient, _granting),
        Picture("consents", "/consents", patient),
        Picture("consents-stop", "/consents", patient, _stopping),
        Picture("reads", "/reads", patient),
        Picture("passkeys", "/passkeys", patient),
        Picture("evidence", "/evidence"),
        Picture("evidence-holds", "/evidence", None, _checking(cast.evidence)),
        Picture("evidence-fails", "/evidence", None, _checking(_altered(cast.evidence))),
        Picture("not-found", "/nowhere"),
        Picture("patients", "/patients", clinician),
        Picture("patients-waiting", "/patients", cast.waiting),
        Picture("patient", record, clinician),
        Picture("patient-series", f"{record}/series/{cast.series['glucose-sensor']}", clinician),
        Picture("patient-chart", f"{record}/chart", clinician),
        Picture("patient-gone", f"{record}/series/{cast.series['sleep-stage']}", clinician),
        Picture("clinician-passkeys", "/clinician/passkeys", clinician),
        Picture("operator-passkeys", "/operator/passkeys", cast.operator),
        Picture("actions", "/actions", cast.operator),
        Picture("people", "/people", cast.operator),
        Picture("people-open", "/people", cast.operator, _opening),
    ]


def _registering(visitor: Visitor) -> None:
    visitor.page.fill("#name", "Anna Example")
    visitor.page.click("#form button")
    visitor.page.wait_for_selector(".sentence")


def _uploading(visitor: Visitor) -> None:
    visitor.page.set_input_files("#file", str(SAMPLES / "activity-walk.fit"))
    visitor.page.click("#form button")
    visitor.page.wait_for_selector("#report h2")


def _refused(visitor: Visitor) -> None:
    picture = FilePayload(name="photo.png", mimeType="image/png", buffer=b"\x89PNG\r\n")
    visitor.page.set_input_files("#file", [picture])
    visitor.page.click("#form button")
    visitor.page.wait_for_selector("#report .notice")


def _unfilled(visitor: Visitor) -> None:
    visitor.page.click("#form button[type=submit]")


def _granting(visitor: Visitor) -> None:
    page = visitor.page
    page.locator("input[name=recipient]").first.check()
    for category in ("heart-rate", "glucose"):
        page.check(f"input[value={category}]")
    page.check("input[value=TREAT]")
    page.locator("#quick button").nth(1).click()
    page.check("input[name=period][value=then]")
    page.click("#form button[type=submit]")
    page.wait_for_selector(".sentence")


def _stopping(visitor: Visitor) -> None:
    visitor.page.click("[data-stop]")
    visitor.page.wait_for_selector(".sentence")


def _checking(evidence: bytes) -> Act:
    def check(visitor: Visitor) -> None:
        file = FilePayload(name="evidence.json", mimeType="application/json", buffer=evidence)
        visitor.page.set_input_files("#file", [file])
        visitor.page.wait_for_selector("[data-claim]")

    return check


def _altered(evidence: bytes) -> bytes:
    """Let another clinician have been named."""
    return evidence.replace(b"Dr A. Li", b"Dr B. Li")


def _opening(visitor: Visitor) -> None:
    visitor.page.wait_for_selector("details")
    for box in visitor.page.locator("details").all()[:6]:
        box.evaluate("box => { box.open = true; }")


def take(browser: Browser, site: Site, picture: Picture, tag: str, size: str, theme: str) -> str:
    """Take one picture; return what the page complained of."""
    more = {"viewport": SIZES[size], "color_scheme": theme}
    with visiting(browser, site.origin, language=LANGUAGES[tag], **more) as visitor:
        if picture.who is not None:
            visitor.as_member(picture.who)
        visitor.go(picture.path)
        visitor.page.wait_for_load_state("networkidle")
        if picture.act is not None:
            picture.act(visitor)
        visitor.page.wait_for_timeout(SETTLED_MS)
        # In one long picture a header that sticks to the window would lie over what it scrolled to.
        visitor.page.evaluate("document.querySelector('.bar').style.position = 'static'")
        wide = visitor.page.evaluate("document.documentElement.scrollWidth > innerWidth")
        visitor.page.screenshot(path=OUT / f"{tag}-{size}-{picture.name}.png", full_page=True)
        return " ".join([*visitor.complaints, *(["scrolls sideways"] if wide else [])])


def main() -> None:
    """Take them all, or those that are asked for."""
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--theme", choices=("light", "dark"), default="light")
    asked.add_argument("--language", choices=LANGUAGES, action="append")
    asked.add_argument("--size", choices=SIZES, action="append")
    asked.add_argument("pages", nargs="*", metavar="PAGE", help="names of pictures")
    given = asked.parse_args()
    OUT.mkdir(parents=True, exist_ok=True)
    with (
        tempfile.TemporaryDirectory() as folder,
        opened_clinic(Path(folder) / "home") as clinic,
        served(clinic.node, pages()) as site,
        launched() as browser,
    ):
        taken = pictures(people(clinic))
        for tag in given.language or LANGUAGES:
            for size in given.size or SIZES:
                for picture in taken:
                    if given.pages and picture.name not in given.pages:
                        continue
                    said = take(browser, site, picture, tag, size, given.theme)
                    if said:
                        print(tag, size, picture.name, said)


if __name__ == "__main__":
    main()
