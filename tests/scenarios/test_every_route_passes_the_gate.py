"""No way into a record but through the gate: every route of a served node is walked."""

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from starlette.routing import Mount, Route

import pulsekey
from pulsekey.api.app import ENDPOINTS, OPENAPI, build_app
from pulsekey.api.callers import Access
from pulsekey.api.request_log import RequestLog
from pulsekey.evidence.access_log import AccessLog
from pulsekey.evidence.entries import Asked, Entry
from pulsekey.exchange.gate import Scope
from pulsekey.fhir.search import SUPPORTED
from pulsekey.portal.pages import pages
from pulsekey.primitives.errors import Unavailable
from pulsekey.wiring import Node
from tests.fakes.node_clinic import (
    MRN,
    Clinic,
    Member,
    chart_of,
    everything,
    opened_clinic,
)
from tests.fakes.node_http import FHIR, Caller, Reply, Site, served

PACKAGE = Path(pulsekey.__file__).parent
NAME = "Pat Canary-Example"
DAY = 86_400

PUBLIC = {
    "GET /api/me",
    "POST /api/registrations/options",
    "POST /api/registrations",
    "POST /api/set-up",
    "POST /api/sign-in/options",
    "POST /api/sign-in",
    "POST /api/tokens/options",
    "POST /api/tokens",
    "GET /api/openapi.json",
    "GET /fhir/R4/metadata",
    "OPTIONS /fhir/R4/{rest:path}",
}
"""What anybody may call. Pages are shells, tested apart."""

OWN = {"GET /api/shared", "GET /api/passkeys"}
"""What tells a clinician of themselves: of nobody's record where nobody let them in."""

READING = {
    "GET /api/categories",
    "GET /api/series",
    "GET /api/series/{series}",
    "GET /api/series/{series}/blocks",
    "GET /api/series/{series}/blocks/{ordinal}",
    "GET /api/chart",
    "GET /api/documents",
    "GET /api/daily-totals/{metric}",
    "GET /fhir/R4/{type}",
    "POST /fhir/R4/{type}/_search",
    "GET /fhir/R4/{type}/{id}",
}
"""What opens a record."""

NOT_READING = {
    "GET /api/recipients",
    "GET /api/grants",
    "GET /api/accesses",
    "GET /api/grants/{consent}/evidence",
    "GET /api/imports",
    "GET /api/imports/{import}",
    "POST /api/imports",
    "GET /api/shared",
    "GET /api/people",
    "POST /api/people/search",
    "GET /api/actions",
    "POST /api/people/{person}/confirmation",
    "POST /api/people/{person}/enrolment",
    "POST /api/people/{person}/bindings",
    "POST /api/people/{person}/unbinding",
    "POST /api/people/{person}/invitation",
    "POST /api/people/{person}/withdrawal",
    "POST /api/people/{person}/suspension",
    "POST /api/people/{person}/reinstatement",
    "POST /api/people/{person}/closing",
    "GET /api/passkeys",
    "POST /api/passkeys",
    "POST /api/passkeys/options",
    "POST /api/passkeys/confirmation",
    "POST /api/passkeys/{key}/name",
    "POST /api/passkeys/{key}/removal",
    "POST /api/invitations",
    "POST /api/offers/account",
    "POST /api/offers/key/options",
    "POST /api/offers/key",
    "POST /api/offers/key-removal",
    "POST /api/offers/grant",
    "POST /api/offers/stop",
    "POST /api/offers/stop-all",
    "POST /api/operations",
    "POST /api/sign-out",
}
"""What is about accounts, consents, logs and reports, and holds no measurement."""


OWN = {"GET /api/shared", "GET /api/passkeys"}
"""What answers a clinician whom nobody has let in: about themselves."""


@dataclass(frozen=True, slots=True)
class Record:
    """The names of things in one patient's record, as somebody may have learnt them."""

    patient: str
    series: str
    wave: str
    document: str
    identifier: str

    def paths(self) -> tuple[str, ...]:
        """Every way to ask for it, but POST."""
        return (
            f"{FHIR}/Observation?patient={self.patient}",
            f"{FHIR}/Observation?patient={self.patient}&_count=1&_sort=date",
            f"{FHIR}/Observation?subject=Patient/{self.patient}&code=http://loinc.org|8867-4",
            f"{FHIR}/Observation?_id={self.series}-0",
            f"{FHIR}/Condition?patient={self.patient}",
            f"{FHIR}/Condition?_id={self.document}",
            f"{FHIR}/Patient?_id={self.patient}",
            f"{FHIR}/Patient?identifier={MRN}|{self.identifier}",
            f"{FHIR}/Patient/{self.patient}",
            f"{FHIR}/Observation/{self.series}-0",
            f"{FHIR}/Observation/{self.wave}-0",
            f"{FHIR}/Condition/{self.document}",
            f"/api/series?patient={self.patient}",
            f"/api/chart?patient={self.patient}",
            f"/api/documents?patient={self.patient}&type=Condition",
            f"/api/daily-totals/steps?patient={self.patient}",
            f"/api/series/{self.series}",
            f"/api/series/{self.series}?points=3",
            f"/api/series/{self.wave}/blocks",
            f"/api/series/{self.wave}/blocks/0",
        )

    def answers(self, program: Caller, portal: Caller) -> list[Reply]:
        """Ask in every way."""
        found = [(program if path.startswith(FHIR) else portal).get(path) for path in self.paths()]
        return [*found, program.fhir_post("Observation", ("patient", self.patient))]


NOBODY = Record("z" * 26, "y" * 26, "x" * 26, "w" * 26, "unheard-of")


def record_of(clinic: Clinic, patient: Member, identifier: str) -> Record:
    """Look a record's names up as the patient would."""
    scope: Scope = clinic.node.gate.open(patient.principal, patient.patient, "", Asked(())).scopes[
        0
    ]
    entries = scope.series()
    wave = next(one.id for one in entries if one.metric.name == "ecg")
    rate = next(one.id for one in entries if one.metric.name == "glucose-sensor")
    conditions = scope.documents(types=frozenset({"Condition"})).documents
    return Record(patient.patient, rate, wave, conditions[0].id, identifier)


def filled(clinic: Clinic, number: int) -> tuple[Member, Record]:
    """A patient with files in the record, known by a number."""
    patient = clinic.patient(f"{NAME} {number}", bound=[(MRN, f"number-{number}")])
    clinic.load(patient, *everything(), chart_of(MRN, f"number-{number}"))
    return patient, record_of(clinic, patient, f"number-{number}")


@pytest.fixture
def clinic(tmp_path: Path) -> Iterator[Clinic]:
    with opened_clinic(tmp_path / "node") as opened:
        yield opened


@pytest.fixture
def site(clinic: Clinic) -> Iterator[Site]:
    with served(clinic.node, pages()) as up:
        yield up


def routes_of(node: Node) -> list[Route]:
    app = build_app(node, pages())
    assert isinstance(app, RequestLog)
    inner: Any = app._app
    return [one for one in inner.routes if isinstance(one, Route)]


def named(route: Route) -> list[str]:
    return [f"{method} {route.path}" for method in sorted((route.methods or set()) - {"HEAD"})]


def api_of(node: Node) -> set[str]:
    """Return every route but the pages, as method and template."""
    apart = {one.path for one in pages() if isinstance(one, (Route, Mount))}
    return {name for one in routes_of(node) if one.path not in apart for name in named(one)}


def concrete(path: str, record: Record, person: str, consent: str) -> str:
    """Fill a template with the names of things that exist."""
    return (
        path.replace("{rest:path}", "Observation")
        .replace("{series}", record.series)
        .replace("{ordinal}", "0")
        .replace("{metric}", "steps")
        .replace("{consent}", consent)
        .replace("{import}", "some-import")
        .replace("{person}", person)
        .replace("{type}/_search", f"Observation/_search?patient={record.patient}")
        .replace("{type}/{id}", f"Observation/{record.series}-0")
        .replace("{type}", f"Observation?patient={record.patient}")
    )


def test_every_route_is_known_to_be_public_reading_or_neither(clinic: Clinic) -> None:
    assert api_of(clinic.node) == PUBLIC | READING | NOT_READING
    declared = {f"{one.method} {one.path}" for one in ENDPOINTS if one.access is Access.PUBLIC} | {
        f"GET {OPENAPI}"
    }
    assert declared == {name for name in PUBLIC if "/api/" in name}


def test_without_a_session_every_route_but_the_public_ones_answers_401(
    clinic: Clinic, site: Site
) -> None:
    patient, record = filled(clinic, 1)
    clinician = clinic.clinician()
    consent = clinic.grant(patient, clinician).hex()
    callers: dict[str, dict[str, str]] = {
        "nothing": {},
        "an unknown token": {"Authorization": f"Bearer {'A' * 43}"},
        "a portal session as a token": {"Authorization": f"Bearer {clinician.portal()}"},
        "a token as a cookie": {"Cookie": f"pulsekey_session={clinician.bearer()}"},
    }
    for who, headers in callers.items():
        for name in api_of(clinic.node):
            method, path = name.split(" ", 1)
            sent = headers | {"Origin": site.origin, "Content-Type": "application/json"}
            target = concrete(path, record, patient.id, consent)
            reply = site.call(method, target, b"{}", sent)
            told = f"{who}: {name}: {reply.status}"
            assert NAME.encode() not in reply.body, told
            assert record.series.encode() not in reply.body, told
            if name in PUBLIC:
                assert reply.status != 500, told
            else:
                assert reply.status == 401, told
                assert reply.headers["www-authenticate"].startswith("Bearer"), told


def test_pages_are_shells_that_are_the_same_for_everybody(clinic: Clinic, site: Site) -> None:
    patient, record = filled(clinic, 1)
    portal, anyone = site.in_portal(patient), site.as_anyone()
    shown = 0
    for route in pages():
        if not isinstance(route, Route) or "GET" not in (route.methods or set()):
            continue
        path = concrete(route.path, record, patient.id, "0" * 64).replace(
            "{patient}", record.patient
        )
        path = path.replace("{language}", "en")
        own, other = portal.get(path), anyone.get(path)
        assert own.same == other.same, path
        assert NAME.encode() not in own.body
        shown += own.status == 200
    assert shown > 10


def test_a_clinician_without_consent_gets_nothing_from_any_route(
    clinic: Clinic, site: Site
) -> None:
    patient, record = filled(clinic, 1)
    other = clinic.clinician("Dr B")
    consent = clinic.grant(patient, other).hex()
    clinician = clinic.clinician()
    portal, program = site.in_portal(clinician), site.with_token(clinician)
    secrets = [NAME, "Canary", record.identifier, other.id, consent, "number-1"]
    for name in api_of(clinic.node) - {"POST /api/sign-out", "OPTIONS /fhir/R4/{rest:path}"}:
        method, path = name.split(" ", 1)
        target = concrete(path, record, patient.id, consent)
        if path in {"/api/series", "/api/chart", "/api/documents", "/api/daily-totals/{metric}"}:
            target += f"?patient={record.patient}"
        who = program if path.startswith(FHIR) else portal
        form = "x-www-form-urlencoded" if path.endswith("_search") else "json"
        headers = who.headers | {"Content-Type": f"application/{form}"}
        content = {"GET": None, "POST": b"{}"}[method]
        reply = site.call(method, target, b"" if form != "json" else content, headers)
        told = f"{name}: {reply.status} {reply.body[:200]!r}"
        assert not [one for one in secrets if one.encode() in reply.body], told
        if name in READING:
            assert reply.status in {403, 404}, told
        elif name not in PUBLIC:
            assert reply.status in {400, 403, 404} or name in OWN, told
    assert portal.get("/api/shared").json == {"patients": []}
    for kind in SUPPORTED:
        assert program.fhir(kind, ("patient", record.patient)).status in {400, 404}


def test_every_reason_for_not_reading_looks_the_same(clinic: Clinic, site: Site) -> None:
    clinician = clinic.clinician()
    records = {"unknown": NOBODY}
    expiring, records["expired"] = filled(clinic, 1)
    clinic.grant(expiring, clinician, days=1)
    clinic.clock.advance(DAY)
    _, records["never granted"] = filled(clinic, 2)
    stopping, records["stopped"] = filled(clinic, 3)
    clinic.stop(stopping, clinic.grant(stopping, clinician))
    later, records["not yet"] = filled(clinic, 4)
    clinic.grant_later(later, clinician, seconds_ahead=DAY)
    offering, records["only offered"] = filled(clinic, 5)
    clinic.node.granting.offer(offering.principal, offering.key, clinic.choice(clinician))
    researched, records["for another purpose"] = filled(clinic, 6)
    clinic.grant(researched, clinician, purpose="HRESCH")
    program, portal = site.with_token(clinician), site.in_portal(clinician)
    expected = [one.same for one in NOBODY.answers(program, portal)]
    assert {status for status, _, _ in expected} == {404}
    for why, record in records.items():
        for path, answer, unknown in zip(
            (*record.paths(), "POST"), record.answers(program, portal), expected, strict=True
        ):
            assert answer.same == unknown, f"{why}: {path}"
    # The patient's own log tells them apart.
    reasons = {
        one["reason"]
        for member in (expiring, stopping, later, researched)
        for one in site.in_portal(member).get("/api/accesses").json["accesses"]
    }
    assert reasons >= {"expired", "stopped", "not yet", "granted for another purpose"}


def test_a_granted_record_is_not_refused_by_the_same_questions(clinic: Clinic, site: Site) -> None:
    """The test above would pass on a node that refuses everything."""
    patient, record = filled(clinic, 1)
    clinician = clinic.clinician()
    clinic.grant(patient, clinician, ["activity", "glucose", "ecg", "conditions", "heart-rate"])
    answers = record.answers(site.with_token(clinician), site.in_portal(clinician))
    assert {answer.status for answer in answers} == {200}


class NoLog:
    """What the access log does on a full disk."""

    def __call__(self, *_: object) -> tuple[Entry, ...]:
        raise Unavailable("the disk is full")


def test_if_reads_cannot_be_logged_nobody_reads(
    clinic: Clinic, site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    patient, record = filled(clinic, 1)
    clinician = clinic.clinician()
    clinic.grant(patient, clinician, ["glucose", "ecg", "conditions"])
    monkeypatch.setattr(AccessLog, "append", NoLog())
    for who in (clinician, patient):
        program, portal = site.with_token(who), site.in_portal(who)
        for path, answer in zip(
            (*record.paths(), "POST"), record.answers(program, portal), strict=True
        ):
            assert answer.status == 503, path
            assert record.series.encode() not in answer.body
    assert site.in_portal(patient).get("/api/categories").status == 503


def test_a_stop_binds_open_pages_sessions_and_tokens_at_once(clinic: Clinic, site: Site) -> None:
    patient, record = filled(clinic, 1)
    clinician = clinic.clinician()
    consent = clinic.grant(patient, clinician, ["glucose", "ecg", "conditions"])
    program, portal = site.with_token(clinician), site.in_portal(clinician)
    page = program.fhir("Observation", ("patient", record.patient), ("_count", "1"))
    assert page.next
    assert program.get(page.next).status == 200
    (only,) = program.fhir("Observation", ("_id", f"{record.series}-0")).entries
    etag = program.fhir(f"Observation/{only['id']}").headers["etag"]
    owner = site.in_portal(patient)
    offer = owner.post("/api/offers/stop", {"consent": consent.hex()}).json
    gesture = patient.gesture(offer["options"])
    done = owner.post("/api/operations", {"offer": offer["offer"], "credential": gesture})
    assert done.status == 200
    # From here on, with everything that was open before:
    refused = program.fhir("Observation", ("patient", NOBODY.patient)).same
    assert program.get(page.next).same == refused
    cached = program.get(f"{FHIR}/Observation/{only['id']}", If_None_Match=etag)
    assert cached.same == refused
    assert {one.status for one in record.answers(program, portal)} == {404}
    assert portal.get("/api/shared").json == {"patients": []}


@pytest.mark.parametrize("role", ["patient", "clinician", "operator"])
def test_a_bearer_token_changes_nothing(clinic: Clinic, site: Site, role: str) -> None:
    """Once a token of reading could add a passkey, confirm a clinician and suspend a patient."""
    patient, record = filled(clinic, 1)
    who = {"patient": patient, "clinician": clinic.clinician(), "operator": clinic.operator}[role]
    token = site.with_token(who, scopes=("user/*.cruds", "patient/*.cruds"))
    changing = {name for name in api_of(clinic.node) if name.startswith("POST /api/")}
    assert len(changing) > 20
    for name in changing - set(PUBLIC):
        target = concrete(name.split(" ", 1)[1], record, who.id, "0" * 64)
        reply = token.post(target, {})
        assert reply.status == 403, f"{name}: {reply.status} {reply.body[:200]!r}"


def test_a_suspended_clinician_is_out_at_once(clinic: Clinic, site: Site) -> None:
    patient, record = filled(clinic, 1)
    clinician = clinic.clinician()
    clinic.grant(patient, clinician, ["glucose", "ecg", "conditions"])
    program, portal = site.with_token(clinician), site.in_portal(clinician)
    boss = site.in_portal(clinic.operator)
    assert boss.post(f"/api/people/{clinician.id}/suspension").status == 200
    assert {one.status for one in record.answers(program, portal)} == {401}


def test_a_token_reads_no_more_than_its_scopes(clinic: Clinic, site: Site) -> None:
    patient, record = filled(clinic, 1)
    clinician = clinic.clinician()
    clinic.grant(patient, clinician, ["glucose", "ecg", "conditions"])
    program = site.with_token(clinician, scopes=("user/Condition.rs",))
    assert program.fhir("Condition", ("patient", record.patient)).status == 200
    assert program.fhir(f"Condition/{record.document}").status == 200
    assert program.fhir("Observation", ("patient", record.patient)).status == 404
    assert program.fhir(f"Observation/{record.series}-0").status == 404
    assert program.fhir(f"Patient/{record.patient}").status == 404
    for scope, searches, reads in (
        ("user/*.write", 404, 404),
        ("user/*.cud", 404, 404),
        ("system/*.read", 404, 404),
        ("user/*.sr", 404, 404),
        ("user/*.rs?category=laboratory", 404, 404),
        ("user/*.r", 404, 200),
        ("user/*.s", 200, 404),
        ("user/*.cruds", 200, 200),
        ("user/*.*", 200, 200),
        ("patient/Condition.read", 200, 200),
    ):
        limited = site.with_token(clinician, scopes=(scope,))
        assert limited.fhir("Condition", ("patient", record.patient)).status == searches, scope
        assert limited.fhir(f"Condition/{record.document}").status == reads, scope


def modules() -> dict[str, ast.Module]:
    return {
        ".".join(("pulsekey", *path.relative_to(PACKAGE).with_suffix("").parts)): ast.parse(
            path.read_text()
        )
        for path in PACKAGE.rglob("*.py")
    }


def imported(module: ast.Module) -> set[str]:
    """Return the dotted names that a module imports, as modules and as their members."""
    found = set()
    for node in ast.walk(module):
        if isinstance(node, ast.Import):
            found |= {name.name for name in node.names}
        elif isinstance(node, ast.ImportFrom):
            found |= {node.module or ""} | {f"{node.module}.{name.name}" for name in node.names}
    return found


def test_only_the_gate_imports_what_reads_the_vault() -> None:
    importing = {
        name for name, tree in modules().items() if "pulsekey.vault.reading" in imported(tree)
    }
    assert importing == {"pulsekey.exchange.gate"}


def test_only_the_vault_opens_sealed_objects() -> None:
    """By import, by attribute or by a name in text: nothing outside of the vault says it."""
    openers = {"open_object", "unsealed", "unseal"}
    for name, tree in modules().items():
        if name.startswith("pulsekey.vault."):
            continue
        for node in ast.walk(tree):
            said = {
                getattr(node, "attr", None),
                getattr(node, "id", None),
                node.value if isinstance(node, ast.Constant) else None,
                *(
                    [alias.name for alias in node.names]
                    if isinstance(node, (ast.Import, ast.ImportFrom))
                    else []
                ),
            }
            assert not {one for one in said if isinstance(one, str)} & openers, name


def test_nothing_imports_by_a_computed_name() -> None:
    """Else the two tests above could be passed by a detour."""
    for name, tree in modules().items():
        for node in ast.walk(tree):
            if isinstance(node, ast.Call):
                called = node.func
                said = getattr(called, "attr", None) or getattr(called, "id", None)
                assert said not in {"__import__", "import_module", "exec", "eval"}, name
