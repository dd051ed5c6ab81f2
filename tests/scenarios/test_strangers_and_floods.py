"""What somebody who was let in nowhere, or only a little, can find out, hide or block: nothing."""

import json
import socket
import threading
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from unittest.mock import patch

import pytest

from pulsekey.evidence.verify import Claim, Verdict, report_lines, verify
from pulsekey.exchange import grant_access, list_access, offers
from pulsekey.exchange.import_payload import ImportPayload
from pulsekey.exchange.upload_slots import EACH_MAX
from pulsekey.identity import store, token_store
from pulsekey.identity.store import IdentityStore
from pulsekey.primitives.errors import Conflict, MalformedInput, NotAuthenticated
from tests.fakes.node_clinic import Clinic, Member, challenge_of, everything, opened_clinic
from tests.fakes.node_http import Caller, Site, served

NATIONAL = "urn:example:national"
UNKNOWN = "a" * 26


@pytest.fixture
def clinic(tmp_path: Path) -> Iterator[Clinic]:
    with opened_clinic(tmp_path / "home") as opened:
        yield opened


@pytest.fixture
def site(clinic: Clinic) -> Iterator[Site]:
    with served(clinic.node) as running:
        yield running


def test_a_stranger_cannot_find_out_which_identifiers_are_known(clinic: Clinic, site: Site) -> None:
    clinic.patient(bound=[(NATIONAL, "1234")])
    stranger = site.with_token(clinic.clinician("M", confirmed=False))
    known = f"{NATIONAL}|1234"
    for template in ("{}", f"{{}},{NATIONAL}|0", f"{NATIONAL}|0,{{}}", "{0},{0}"):
        answers = {
            stranger.fhir("Patient", ("identifier", template.format(one))).body
            for one in (known, f"{NATIONAL}|9999")
        }
        assert len(answers) == 1, template


def test_a_stranger_cannot_find_out_which_records_exist_by_what_the_log_cannot_hold(
    clinic: Clinic, site: Site
) -> None:
    patient = clinic.patient()
    stranger = clinic.clinician("M", confirmed=False)
    program, portal = site.with_token(stranger), site.in_portal(stranger)
    for date in ("9999", "0001-01-01", "le2999-12-31", "ge9999-12-31T23:59:60-14:00"):
        known = program.fhir("Observation", ("patient", patient.patient), ("date", date))
        unknown = program.fhir("Observation", ("patient", UNKNOWN), ("date", date))
        assert known.same == unknown.same
        assert known.status == 404
    path = f"/api/daily-totals/steps?from={'9' * 18}&patient="
    assert portal.get(path + patient.patient).same == portal.get(path + UNKNOWN).same


def test_ids_of_several_patients_in_one_search_do_not_tell_which_exist(
    clinic: Clinic, site: Site
) -> None:
    mine, other, clinician = clinic.patient(), clinic.patient("Other"), clinic.clinician()
    for one in (mine, other):
        clinic.load(one, *everything())
    clinic.grant(mine, clinician)
    program = site.with_token(clinician)

    def first(member: Member) -> str:
        own = site.with_token(member, "PATRQT").fhir("Observation", ("_count", "1"))
        return str(own.entries[0]["id"])

    there = program.fhir("Observation", ("_id", f"{first(mine)},{first(other)}"))
    nowhere = program.fhir("Observation", ("_id", f"{first(mine)},{UNKNOWN}-1"))
    assert there.same == nowhere.same


def test_a_reader_cannot_make_entries_that_evidence_cannot_hold(clinic: Clinic, site: Site) -> None:
    patient, clinician = clinic.patient(bound=[(NATIONAL, "1")]), clinic.clinician()
    clinic.load(patient, *everything())
    consent = clinic.grant(patient, clinician)
    program = site.with_token(clinician)
    name = ("patient", patient.patient)
    hundred = ("code", ",".join(["8867-4", "99504-3", *(f"x{n}" for n in range(98))]))
    assert program.fhir_post("Observation", name, hundred).status == 200
    more = [("code", ",".join(f"y{n}-{m}" for m in range(100))) for n in range(11)]
    assert program.fhir_post("Observation", name, *more).status == 400
    assert program.fhir_post("Observation", name, ("code", "z" * 4_000)).status == 400
    assert verify(clinic.node.evidence(patient.principal, consent)).holds


def test_refusals_do_not_push_reads_out_of_the_patients_sight(
    clinic: Clinic, site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(list_access, "ACCESSES_MAX", 10)
    patient, clinician = clinic.patient(), clinic.clinician()
    clinic.load(patient, *everything())
    clinic.grant(patient, clinician)
    assert site.with_token(clinician).fhir(f"Patient/{patient.patient}").status == 200
    stranger = site.with_token(clinic.clinician("M", confirmed=False))
    for _ in range(12):
        assert stranger.fhir(f"Patient/{patient.patient}").status == 404
    shown = [one["basis"] for one in site.in_portal(patient).get("/api/accesses").json["accesses"]]
    assert shown.count("consent") == 1
    assert shown.count("refused") == 10


def test_a_narrow_token_does_not_open_the_json_interface(clinic: Clinic, site: Site) -> None:
    patient, clinician = clinic.patient(), clinic.clinician()
    clinic.load(patient, *everything())
    clinic.grant(patient, clinician)
    path = f"/api/series?patient={patient.patient}"
    assert site.with_token(clinician).get(path).status == 200
    for scope in ("openid", "user/Patient.read", "user/*.write", "system/*.read"):
        narrow = site.with_token(clinician, scopes=(scope,))
        assert narrow.get(path).status in {403, 404}, scope


def test_a_foreign_page_cannot_sign_its_visitor_in(clinic: Clinic, site: Site) -> None:
    patient = clinic.patient()

    def signed_in(origin: dict[str, str]) -> int:
        options = site.as_anyone().post("/api/sign-in/options").json["options"]
        credential = patient.passkey.authenticate(challenge_of(options))
        body = json.dumps({"credential": credential}).encode()
        headers = {"Content-Type": "text/plain"} | origin
        return site.call("POST", "/api/sign-in", body, headers).status

    assert signed_in({"Origin": "https://elsewhere.example"}) == 403
    assert signed_in({"Origin": "null"}) == 403
    assert signed_in({"Origin": site.origin}) == 200
    assert signed_in({}) == 200  # A script, which no page can make send cookies.


@pytest.mark.parametrize(
    "body",
    [
        b'{"credential":{"id":"\xff"}}',
        b'{"\xff":1}',
        b'{"credential":{"a":' + b"[" * 50_000 + b"]" * 50_000 + b"}}",
    ],
    ids=["bytes in a value", "bytes in a name", "depth"],
)
def test_a_body_that_is_no_plain_json_is_refused_and_no_failure(site: Site, body: bytes) -> None:
    for path in ("/api/sign-in", "/api/registrations", "/api/set-up"):
        assert site.as_anyone().post(path, body).status == 400


def test_no_redirect_goes_to_a_host_that_the_request_names(site: Site) -> None:
    answer = site.call("GET", "/api/me/", None, {"Host": "elsewhere.example"})
    assert answer.status == 404
    assert "location" not in answer.headers


def test_a_flood_of_sign_ins_keeps_nobody_from_stopping_or_signing_in(
    clinic: Clinic, monkeypatch: pytest.MonkeyPatch
) -> None:
    patient, clinician = clinic.patient(), clinic.clinician()
    consent = clinic.grant(patient, clinician)
    monkeypatch.setattr(token_store, "CHALLENGES_MAX", 20)
    stop = clinic.node.stopping.offer(patient.principal, patient.key, consent)
    for _ in range(30):
        last = clinic.node.ceremonies.begin_sign_in()
    assert patient.confirm(stop).step.code == 0
    assert clinic.node.ceremonies.finish_sign_in(patient.gesture(last)).principal.id == patient.id


def test_offers_of_one_patient_do_not_end_those_of_another(
    clinic: Clinic, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(offers, "OFFERS_EACH_MAX", 3)
    monkeypatch.setattr(offers, "OFFERS_MAX", 4)
    patient, other = clinic.patient(), clinic.patient("Other")
    node = clinic.node
    stop = node.signing.offer_stop_all(patient.principal, patient.key)
    mine = [node.signing.offer_stop_all(other.principal, other.key) for _ in range(6)]
    assert patient.confirm(stop).step.code == 0
    with pytest.raises(Conflict):
        other.confirm(mine[0])
    assert other.confirm(mine[-1]).step.code == 0


def test_the_verifier_raises_nothing_for_an_anchor_of_half_a_character(clinic: Clinic) -> None:
    patient = clinic.patient(bound=[(NATIONAL, "1")])
    consent = clinic.grant(patient, clinic.clinician())
    content = clinic.node.evidence(patient.principal, consent)
    for anchor in (
        b'{"format":"pulsekey/genesis/1","name":"\\ud800"}',
        b'{"checkpoint":"\\ud800","consistency":[]}',
    ):
        assert verify(content, anchors=[anchor]).failed == ("anchor",)


def test_a_verdict_cannot_be_overwritten_by_what_the_file_says() -> None:
    told = "Dr\x1b[2J\x1b[H\nok    signature\u202e"
    lines = report_lines(Verdict((Claim("terms", ok=False, detail=told),)))
    assert all(line.isprintable() for line in lines)
    trusting = Verdict((Claim("anchor", ok=True, detail=told),), (told,))
    assert all(line.isprintable() for line in report_lines(trusting))


def test_registering_again_and_again_does_not_crowd_out_who_may_be_granted(
    clinic: Clinic, monkeypatch: pytest.MonkeyPatch
) -> None:
    clinician = clinic.clinician()
    monkeypatch.setattr(store, "PRINCIPALS_LISTED_MAX", 3)
    for number in range(4):
        clinic.clinician(f"M {number}", confirmed=False)
    assert [one.principal.id for one in clinic.node.directory.recipients()] == [clinician.id]


def test_stalled_uploads_of_strangers_keep_nobody_from_sending(clinic: Clinic, site: Site) -> None:
    known, stranger = clinic.patient(bound=[(NATIONAL, "1")]), clinic.patient("Stranger")
    settings, content = clinic.node.settings, everything()[0].open().read()
    with ExitStack() as stack:
        for number in range(clinic.node.jobs.slots // EACH_MAX + 1):
            held = site.in_portal(clinic.patient(f"M{number}", account=False)).headers
            for _ in range(EACH_MAX):
                stalled = socket.create_connection((settings.host, settings.port))
                stack.enter_context(stalled)
                stalled.sendall(
                    f"POST /api/imports HTTP/1.1\r\nHost: x\r\nCookie: {held['Cookie']}\r\n"
                    f"Origin: {held['Origin']}\r\nContent-Length: 100000\r\n\r\nx".encode()
                )
        assert _ended(site.in_portal(known), content) == "done"
        assert _ended(site.in_portal(stranger), content) == "done"


def test_a_patient_who_sends_too_much_at_a_time_is_told_when_to_come_back(
    clinic: Clinic, site: Site
) -> None:
    patient, jobs = clinic.patient(), clinic.node.jobs
    for _ in range(EACH_MAX):
        jobs.receive(patient.patient, patient.principal.organisation, "a", "UTC")
    reply = site.in_portal(patient).upload("a.csv", b"x")
    assert reply.status == 503
    assert int(reply.headers["retry-after"]) > 0


def test_a_bug_met_in_one_payload_does_not_end_the_imports_of_all(
    clinic: Clinic, site: Site
) -> None:
    portal = site.in_portal(clinic.patient())
    payload = everything()[0].open().read()
    with patch.object(ImportPayload, "__call__", side_effect=ZeroDivisionError):
        assert _ended(portal, payload) == "failed"
    assert _ended(portal, payload) == "done"


def _ended(portal: Caller, payload: bytes) -> str:
    name = portal.upload("a.csv", payload).json["import"]
    ended = threading.Event()
    for _ in range(1_000):
        state = str(portal.get(f"/api/imports/{name}").json["state"])
        if state in {"done", "failed"}:
            return state
        ended.wait(0.02)
    raise AssertionError(name)


@pytest.mark.parametrize("zone", ["localtime", "right/UTC", "posix/UTC", "Factory"])
def test_a_consent_names_no_zone_that_differs_from_machine_to_machine(zone: str) -> None:
    with pytest.raises(MalformedInput):
        grant_access.local_seconds("2026-12-22T23:59", zone, where="validUntil")


def test_a_passkey_removed_on_the_ledger_ends_here_even_if_the_node_died_in_between(
    tmp_path: Path,
) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with opened_clinic(tmp_path / "home", port=port) as clinic:
        patient = clinic.patient()
        lost = clinic.add_passkey(patient)
        signing = clinic.node.signing
        removal = signing.offer_key_removal(patient.principal, patient.key, lost.key)
        dying = patch.object(IdentityStore, "remove_passkey", side_effect=KeyboardInterrupt)
        with dying, pytest.raises(KeyboardInterrupt):
            patient.confirm(removal)
    with opened_clinic(tmp_path / "home", port=port) as again:
        assert again.node.identities.principal(patient.id).keys == (patient.key,)
        options = again.node.ceremonies.begin_sign_in()
        with pytest.raises(NotAuthenticated):
            again.node.ceremonies.finish_sign_in(lost.gesture(options))


def test_a_home_that_was_open_to_others_is_closed(tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    home.chmod(0o777)
    with opened_clinic(home):
        assert home.stat().st_mode & 0o077 == 0
