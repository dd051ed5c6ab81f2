"""Every page in Chinese, where it fails too: only names, units and codes stay Latin."""

import json
import re
from typing import Any

import pytest
from playwright.sync_api import FilePayload, expect

from pulsekey.ingest.fhir_shape import REQUIRED
from tests.browser.conftest import NewVisitor
from tests.browser.visitor import Visitor, needs_chromium
from tests.fakes.node_clinic import Clinic, Member, chart, chart_identifiers, everything
from tests.fakes.payloads import sample, zipped

pytestmark = needs_chromium

TEXTS = """() => {
  const found = [];
  const foreign = (element) => {
    const marked = element.closest("[lang]");
    return marked && marked !== document.documentElement && marked.lang !== "zh-CN";
  };
  const folded = "details, [hidden], dialog";
  const unread = "script, style, noscript, option[value*='/']";
  const hidden = (element) => !element.checkVisibility() && !element.closest(folded);
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const { parentElement, data } = walker.currentNode;
    if (!data.trim() || parentElement.closest(unread)) continue;
    if (!foreign(parentElement) && !hidden(parentElement)) found.push(data.trim());
  }
  for (const element of document.body.querySelectorAll("*")) {
    if (foreign(element)) continue;
    for (const name of ["title", "aria-label", "aria-description", "placeholder", "alt", "label"]) {
      if (element.getAttribute(name)) found.push(element.getAttribute(name));
    }
  }
  return [document.title, ...found];
}"""
"""Every text on a page and in its attributes, but what is marked as another language."""

NAMES = [
    "Pulsekey", "Apple", "Health", "Dexcom", "Clarity", "Garmin", "Geneva", "FIT", "FHIR", "R4",
    "Bundle", "WFDB", "XML", "ZIP", "CSV", "JSON", "GZ", "BZ2", "UTF", "GDPR", "ISO", "PIN",
    "JavaScript", "Europe", "Other", "SON", "Paris", "Asia", "Shanghai", "UTC", "IANA",
    "English", "HR", "SDNN", "RMSSD", "REM", "QRS", "ST", "T", "P", "U", "R", "IU", "NaN",
    "Infinity", "PDF", "https", "localhost", "verify", "pulsekey", "Null", "null", "id",
    "resource", "Me", "transaction", "batch", "collection", "searchset", "Olga", "Operator",
    "Pat", "Example", "Dr", "A", "Li", "City", "Clinic", "Riverside",
]  # fmt: skip
UNITS = [
    "mmHg", "mmol", "mol", "mg", "dL", "mL", "g", "kg", "cm", "mm", "m", "s", "ms", "h", "min",
    "mV", "uV", "µV", "V", "W", "dB", "Hz", "bpm", "kcal", "rpm",
]  # fmt: skip
# A file's name, a digest, an identifier of a standard: shown as it is in any language.
CODE = re.compile(
    r"(?i:[\w.-]+\.(?:csv|fit|json|xml|zip|hea|dat|atr|bz2|gz|pdf|png))\b"  # file names
    r"|\b[0-9a-f]{8}-[0-9a-f-]{27}\b|\b[0-9a-f]{6,}\b|embedded:[\w-]+|\bHK\w+|https?://\S+|urn:\w+|\b[a-z]+[A-Z]\w*"
    r"|\b\w+_\w+\b|\w+\[[\w\]\[.]*|\.\w+\b|\[?x\]|\bMLII\b|\bV\d\b|\b[a-z]+-[a-z-]+\b"
)
SOURCES = ("Dexcom G6 Mobile App", "G6 Garmin fenix5", "WFDB mitdb208", "atr", "android")
"""What devices call themselves."""
WORD = re.compile(r"[A-Za-zµ]{2,}\d*|(?<!\w)[A-Za-z]\d{1,2}(?!\w)")


def english(visitor: Visitor, *names: str) -> list[str]:
    """Return the texts of the page that hold Latin words which are no name, unit or code."""
    allowed = {*NAMES, *UNITS, *(word for name in names for word in WORD.findall(name))}
    return [
        text
        for text in visitor.page.evaluate(TEXTS)
        if set(WORD.findall(CODE.sub(" ", text))) - allowed - set(REQUIRED)
    ]


@pytest.fixture
def visitor(new_visitor: NewVisitor) -> Visitor:
    return new_visitor(language="zh-CN")


@pytest.fixture(scope="module")
def clinician(clinic: Clinic) -> Member:
    return clinic.clinician()


@pytest.fixture(scope="module")
def patient(clinic: Clinic, clinician: Member) -> Member:
    """A patient with measurements and a chart, who let somebody in and stopped something."""
    patient = clinic.patient(bound=chart_identifiers())
    clinic.load(patient, *everything(), chart())
    clinic.grant(patient, clinician, ("heart-rate", "glucose", "ecg"), language="zh-CN")
    clinic.stop(patient, clinic.grant(patient, clinician, ("sleep",)))
    return patient


def settled(visitor: Visitor, path: str) -> None:
    visitor.go(path)
    expect(visitor.page.locator("[data-loading]")).to_have_count(0)


@pytest.mark.parametrize(
    "path",
    ["/", "/sign-in", "/register", "/register/clinician", "/invited", "/evidence", "/nowhere"],
)
def test_a_page_for_everybody_is_in_chinese(visitor: Visitor, path: str) -> None:
    settled(visitor, path)
    assert english(visitor) == []


@pytest.mark.parametrize(
    "path", ["/record", "/upload", "/grant", "/consents", "/reads", "/passkeys", "/record/none"]
)
def test_a_page_of_a_patient_is_in_chinese(visitor: Visitor, patient: Member, path: str) -> None:
    visitor.as_member(patient)
    settled(visitor, path)
    assert english(visitor, *SOURCES) == []


def test_every_kind_of_series_is_in_chinese(visitor: Visitor, patient: Member) -> None:
    visitor.as_member(patient)
    settled(visitor, "/record")
    links: list[str] = visitor.page.eval_on_selector_all(
        "a[href^='/record/']", "(all) => [...new Set(all.map((one) => one.getAttribute('href')))]"
    )
    assert len(links) > 5
    for link in links:
        settled(visitor, link)
        expect(visitor.page.locator("#table-box, #problem *").first).to_be_attached()
        assert english(visitor, *SOURCES) == [], link


BROKEN: dict[str, bytes] = {
    "empty.csv": b"",
    "letter.pdf": b"%PDF-1.7 a letter",
    "picture.png": b"\x89PNG\r\n",
    "page.xml": b"<html></html>",
    "wide.csv": "Index,Timestamp".encode("utf-16"),
    "some.json": b'{"resourceType": "Patient"}',
    "cut.json": b'{"resourceType": "Bundle", "type": "transaction", "entry": [{"resource": {',
    "other.json": b'{"resourceType": "Bundle", "type": "message", "entry": []}',
    "odd.json": json.dumps(
        {
            "resourceType": "Bundle",
            "type": "collection",
            "entry": [
                3,
                {},
                {"resource": {"resourceType": "Nothing"}},
                {"resource": {"resourceType": "Observation", "id": "!"}},
                {"resource": {"resourceType": "Observation", "status": "", "code": {}}},
                {"resource": {"resourceType": "Condition", "note": []}},
                {"resource": {"resourceType": "Procedure", "status": None}},
                {"request": {"method": "DELETE"}},
                {"search": {"mode": "outcome"}},
                {"resource": {"resourceType": "Bundle", "type": "batch"}},
            ],
        }
    ).encode(),
    "cut.xml": b'<?xml version="1.0"?>\n<HealthData locale="en">\n <Record type="X"',
    "wrong.xml": (
        b'<?xml version="1.0"?>\n<HealthData locale="en">\n'
        b'<Record type="HKQuantityTypeIdentifierHeartRate" sourceName="W" unit="count/min"'
        b' startDate="soon" endDate="soon" value="60"/>\n'
        b'<Record type="HKQuantityTypeIdentifierUVExposure" sourceName="W" unit="count"'
        b' startDate="2023-01-01 00:00:00 +0000" endDate="2023-01-01 00:00:00 +0000" value="1"/>\n'
        b'<Record type="HKQuantityTypeIdentifierHeartRate" sourceName="W" unit="furlong"'
        b' startDate="2023-01-01 00:00:00 +0000" endDate="2023-01-01 00:00:00 +0000" value="1"/>\n'
        b'<Record sourceName="W"/>\n<Me/>\n<Correlation type="Food"></Correlation>\n</HealthData>'
    ),
    "garbage.xml": b'<?xml version="1.0"?>\n<HealthData locale="en">\nwords\n</HealthData>',
}


def broken_files() -> dict[str, bytes]:
    """Files that are refused as a whole, or record by record, for as many reasons as may be."""
    csv, fit = (one.open().read() for one in (sample("clarity-three-days.csv"), FIT))
    lines = csv.decode().splitlines(keepends=True)
    spoilt = [
        *lines[:12],
        lines[12].replace(",", ",x", 1),
        "99,never,EGV,,,,Device,x\n",
        *lines[13:20],
    ]
    return {
        **BROKEN,
        "rows.csv": "".join([*spoilt, "7\n", "8,2023-01-01T00:00:00,Dance,,,,,,,,,,,\n"]).encode(),
        "unit.csv": csv.replace(b"mg/dL", b"spoons"),
        "cut.fit": fit[:-40],
        "changed.fit": fit[:200] + bytes([fit[200] ^ 1]) + fit[201:],
        "none.zip": zipped({"a.txt": b"a"}).open().read(),
        "cut.zip": zipped({"a.txt": b"a"}).open().read()[:20],
        "lone.hea": b"100 2 360 650000\n100.dat 212\n100.dat 212\n",
        "walk.fit": fit,
        "chart.json.bz2": chart().open().read(),
    }


FIT = sample("activity-walk.fit")


def test_reports_of_broken_files_are_in_chinese(visitor: Visitor, clinic: Clinic) -> None:
    visitor.as_member(clinic.patient("Pat Other"))
    settled(visitor, "/upload")
    for name, content in broken_files().items():
        file = FilePayload(name=name, mimeType="application/octet-stream", buffer=content)
        visitor.page.set_input_files("#file", [file])
        visitor.page.locator("#form button[type=submit], #form button").first.click()
        expect(
            visitor.page.locator("#report, #problem")
            .get_by_text(name)
            .or_(visitor.page.locator("#problem [data-kind]"))
            .first
        ).to_be_visible()
        expect(visitor.page.locator("#progress")).to_be_hidden()
        assert english(visitor, *SOURCES, "UVExposure", "Food", "Workout") == [], name
        for box in visitor.page.locator("#report details").all():
            box.evaluate("(one) => one.open = true")
        assert english(visitor, *SOURCES, "UVExposure", "Food", "Workout") == [], name


def damaged(evidence: bytes) -> list[bytes]:
    """Evidence with one byte changed, in each of its parts."""
    whole = json.loads(evidence)
    found = []

    def spoil(node: Any, path: list[Any]) -> None:
        items = node.items() if isinstance(node, dict) else enumerate(node)
        for key, value in items:
            if isinstance(value, dict | list):
                spoil(value, [*path, key])
            elif isinstance(value, str) and re.fullmatch(r"[0-9a-f]{8,}", value):
                found.append([*path, key])

    spoil(whole, [])
    changed = []
    for path in found[:: max(1, len(found) // 25)]:
        copy = json.loads(evidence)
        node = copy
        for step in path[:-1]:
            node = node[step]
        text = node[path[-1]]
        node[path[-1]] = f"{int(text[0], 16) ^ 1:x}" + text[1:]
        shown = json.dumps(copy, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
        changed.append(shown.encode())
    return [
        *changed,
        evidence.replace(b"may see", b"can see").replace("可以查看".encode(), "能看".encode()),
    ]


def test_what_evidence_shows_is_in_chinese(
    visitor: Visitor, clinic: Clinic, patient: Member
) -> None:
    consents = clinic.node.listing.consents(patient.patient)
    chosen = next(one for one in consents if one.terms.language == "zh-CN")
    evidence = clinic.node.evidence(patient.principal, chosen.consent)
    settled(visitor, "/evidence")
    for content in [evidence, *damaged(evidence), b"{}", b"no evidence"]:
        file = FilePayload(name="evidence.json", mimeType="application/json", buffer=content)
        visitor.page.set_input_files("#file", [])
        visitor.page.set_input_files("#file", [file])
        expect(visitor.page.locator("#outcome .notice").first).to_be_visible()
        assert english(visitor, "heart", "TREAT") == []


def test_refused_passkeys_and_ended_sessions_are_explained_in_chinese(
    visitor: Visitor, clinic: Clinic
) -> None:
    settled(visitor, "/sign-in")
    visitor.click("用通行密钥登录")
    expect(visitor.page.locator("#problem [data-kind]")).to_be_visible()
    assert english(visitor) == []
    visitor.go("/register")
    visitor.fill("您的姓名", "Pat Example")
    visitor.screen_lock(works=False)
    visitor.click("创建通行密钥")
    expect(visitor.page.locator("#problem [data-kind]")).to_be_visible()
    assert english(visitor) == []
    visitor.new_device()
    visitor.as_member(clinic.patient())
    settled(visitor, "/upload")
    visitor.context.clear_cookies(name="pulsekey_session")
    settled(visitor, "/upload")
    visitor.is_at("/sign-in")
    assert english(visitor) == []


def test_pages_of_an_operator_are_in_chinese(
    visitor: Visitor, clinic: Clinic, patient: Member
) -> None:
    assert patient.patient
    visitor.as_member(clinic.operator)
    for path in ("/people", "/actions", "/operator/passkeys"):
        settled(visitor, path)
        assert english(visitor) == [], path


def test_pages_of_a_clinician_are_in_chinese(
    visitor: Visitor, clinician: Member, patient: Member
) -> None:
    visitor.as_member(clinician)
    one = f"/patients/{patient.patient}"
    for path in ("/patients", one, f"{one}/series/none", "/patients/none", "/clinician/passkeys"):
        settled(visitor, path)
        assert english(visitor, *SOURCES) == [], path
