"""What HTTP adds to the use cases: who calls, from where, with what, and what is told back."""

import json
import logging
import socket
from http import HTTPStatus
from typing import Any

import pytest

from pulsekey.api import routes_patient, routes_reading
from pulsekey.api.app import ENDPOINTS
from pulsekey.api.callers import COOKIE
from pulsekey.api.endpoint import BODY_BYTES_MAX, Answer, render
from pulsekey.exchange.import_jobs import ENDED, State
from tests.fakes.node_clinic import Clinic, Member, challenge_of, everything
from tests.fakes.node_http import FHIR, Caller, Reply, Site
from tests.fakes.payloads import SAMPLES

BODIES = [one for one in ENDPOINTS if one.body is not None]
SECRET = "a diagnosis that a bug stumbled over"


def test_every_route_of_the_interface_is_in_the_openapi_document(site: Site) -> None:
    reply = site.as_anyone().get("/api/openapi.json")
    document = reply.json
    assert document["openapi"].startswith("3.1")
    assert set(document["info"]) >= {"title", "version"}
    described = {
        (method.upper(), path) for path, item in document["paths"].items() for method in item
    }
    assert described >= {(one.method, one.path) for one in ENDPOINTS}
    assert ("POST", routes_patient.UPLOAD) in described
    schemes = document["components"]["securitySchemes"]
    for path, item in document["paths"].items():
        names = {part[1:-1] for part in path.split("/") if part.startswith("{")}
        for operation in item.values():
            given = {one["name"]: one for one in operation.get("parameters", [])}
            in_path = {name for name, one in given.items() if one["in"] == "path"}
            assert in_path == names
            assert all(given[name]["required"] is True for name in in_path)
            assert operation["responses"]
            for status, response in operation["responses"].items():
                assert HTTPStatus(int(status))
                assert response["description"]
            for requirement in operation.get("security", []):
                assert set(requirement) <= set(schemes)
    references = set(_references(document))
    assert references
    for reference in references:
        assert reference.removeprefix("#/components/schemas/") in document["components"]["schemas"]


def _references(value: Any) -> list[str]:
    if isinstance(value, list):
        return [one for each in value for one in _references(each)]
    if not isinstance(value, dict):
        return []
    own = [value["$ref"]] if isinstance(value.get("$ref"), str) else []
    return own + [one for each in value.values() for one in _references(each)]


@pytest.mark.parametrize("endpoint", BODIES, ids=lambda one: one.path)
def test_a_member_that_nobody_knows_is_refused(clinic: Clinic, site: Site, endpoint: Any) -> None:
    who = {
        "operators": clinic.operator,
        "clinicians and operators": clinic.operator,
        "anyone signed in": clinic.operator,
        "patients": clinic.patient(),
    }.get(str(endpoint.access))
    caller = site.as_anyone() if who is None else site.in_portal(who)
    path = endpoint.path.replace("{person}", "x").replace("{key}", "0" * 64)
    for body in ({"displaynam": 1}, b"[]", b'{"credential": ', b"\xff", b"null"):
        reply = caller.post(path, body)
        assert reply.status == 400
        assert reply.json["error"] == "MalformedInput"
        assert reply.json["where"] == "request body"


@pytest.mark.parametrize("origin", [None, "null", "http://localhost", "https://evil.example"])
def test_a_cookie_changes_something_from_our_own_pages_only(
    clinic: Clinic, site: Site, origin: str | None
) -> None:
    patient = clinic.patient()
    cookie = {"Cookie": f"{COOKIE}={patient.portal()}"}
    sent = cookie if origin is None else cookie | {"Origin": origin}
    reply = site.call("POST", "/api/offers/stop-all", b"{}", sent)
    assert (reply.status, reply.json["error"]) == (403, "AccessDenied")
    assert site.call("POST", "/api/imports", b"x", sent).status == 403
    assert site.call("GET", "/api/grants", None, sent).status == 200
    own = cookie | {"Origin": site.origin}
    assert site.call("POST", "/api/offers/stop-all", b"{}", own).status == 200


def test_a_cookie_opens_nothing_of_fhir(clinic: Clinic, site: Site) -> None:
    patient = clinic.patient()
    assert site.in_portal(patient).fhir("Observation").status == 401


def test_the_session_cookie_is_out_of_reach_of_scripts_and_other_sites(
    clinic: Clinic, site: Site
) -> None:
    reply = signed_in(site, clinic.patient())
    name, *attributes = reply.headers["set-cookie"].split("; ")
    assert name.startswith(f"{COOKIE}=")
    assert {one.lower() for one in attributes} == {"httponly", "path=/", "samesite=strict"}
    assert reply.headers["cache-control"] == "no-store"


def signed_in(site: Site, who: Member) -> Reply:
    anyone = site.as_anyone()
    options = anyone.post("/api/sign-in/options").json["options"]
    credential = who.passkey.authenticate(challenge_of(options))
    reply = anyone.post("/api/sign-in", {"credential": credential})
    assert reply.status == 200
    return reply


def test_over_tls_the_cookie_is_secure() -> None:
    response = render(Answer({}, session="token"), 200, secure=True)
    assert "secure" in response.headers["set-cookie"].lower().split("; ")


def test_signing_out_ends_the_session_for_good(clinic: Clinic, site: Site) -> None:
    patient = clinic.patient()
    cookie = signed_in(site, patient).headers["set-cookie"].partition(";")[0]
    caller = Caller(site, {"Cookie": cookie, "Origin": site.origin})
    assert caller.get("/api/grants").status == 200
    out = caller.post("/api/sign-out")
    assert out.status == 200
    assert out.headers["set-cookie"].startswith(f'{COOKIE}=""')
    assert caller.get("/api/grants").status == 401
    assert caller.get("/api/me").json["principal"] is None


def test_sessions_and_tokens_end_with_time(clinic: Clinic, site: Site) -> None:
    patient = clinic.patient()
    portal, program = site.in_portal(patient), site.with_token(patient, "PATRQT")
    assert (portal.get("/api/grants").status, program.fhir("Condition").status) == (200, 200)
    clinic.clock.advance(10 * 60)
    assert (portal.get("/api/grants").status, program.fhir("Condition").status) == (200, 401)
    clinic.clock.advance(15 * 60)
    assert portal.get("/api/grants").status == 401


def test_who_is_not_known_is_told_how_to_sign_in(site: Site) -> None:
    for path in ("/api/grants", f"{FHIR}/Observation"):
        reply = site.as_anyone().get(path)
        assert reply.status == 401
        assert reply.headers["www-authenticate"] == 'Bearer realm="pulsekey"'
        assert reply.headers["cache-control"] == "no-store"


def test_other_sites_may_read_fhir_with_a_token_and_no_cookie(site: Site) -> None:
    reply = site.call(
        "OPTIONS",
        f"{FHIR}/Observation/x",
        None,
        {"Origin": "https://app.example", "Access-Control-Request-Method": "GET"},
    )
    assert reply.status in {200, 204}
    assert reply.headers["access-control-allow-origin"] == "*"
    assert "authorization" in reply.headers["access-control-allow-headers"].lower()
    assert "access-control-allow-credentials" not in reply.headers
    assert "access-control-allow-origin" not in site.as_anyone().get("/api/me").headers


@pytest.fixture
def loaded(clinic: Clinic) -> Member:
    patient = clinic.patient()
    clinic.load(patient, *everything())
    return patient


def test_what_has_not_changed_is_not_sent_again(site: Site, loaded: Member) -> None:
    program = site.with_token(loaded, "PATRQT")
    (first,) = program.fhir("Observation", ("_count", "1")).entries
    path = f"{FHIR}/Observation/{first['id']}"
    whole = program.get(path)
    assert whole.headers["etag"] == 'W/"1"'
    again = program.get(path, If_None_Match=whole.headers["etag"])
    assert (again.status, again.body) == (304, b"")
    assert program.get(path, If_None_Match='W/"2"').status == 200


def test_lenient_handling_is_shown_in_what_was_used(site: Site, loaded: Member) -> None:
    program = site.with_token(loaded, "PATRQT")
    path = f"{FHIR}/Observation?cod=x&_count=1"
    assert program.get(path).status == 400
    reply = program.get(path, Prefer="handling=lenient")
    assert reply.status == 200
    (link,) = (one["url"] for one in reply.json["link"] if one["relation"] == "self")
    assert "cod" not in link
    assert "_count=1" in link


@pytest.mark.parametrize(
    ("path", "headers"),
    [
        (f"{FHIR}/Observation?code=%zz&x", {}),
        (f"{FHIR}/Observation?code=%ff", {}),
        (f"{FHIR}/Observation?" + "&".join(f"a{n}=1" for n in range(300)), {}),
        (f"{FHIR}/Observation?_count=0x1", {}),
        (f"{FHIR}/Observation", {"Accept": "application/fhir+xml"}),
    ],
)
def test_a_malformed_search_is_refused(
    site: Site, loaded: Member, path: str, headers: dict[str, str]
) -> None:
    reply = site.with_token(loaded, "PATRQT").get(path, **headers)
    assert reply.status == 400
    assert reply.json["resourceType"] == "OperationOutcome"


def test_a_posted_search_is_a_form(site: Site, loaded: Member) -> None:
    program = site.with_token(loaded, "PATRQT")
    path = f"{FHIR}/Observation/_search"
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    for body, kind in ((b"{}", {}), (b"code=\xff", form), (b"x" * (BODY_BYTES_MAX + 1), form)):
        reply = site.call("POST", path, body, program.headers | kind)
        assert (reply.status, reply.json["resourceType"]) == (400, "OperationOutcome")


def test_a_body_is_bounded(site: Site) -> None:
    long = b'{"credential": {"x": "' + b"x" * BODY_BYTES_MAX + b'"}}'
    reply = site.as_anyone().post("/api/sign-in", long)
    assert reply.status == 400
    assert "longer than" in reply.json["message"]


def uploaded(clinic: Clinic, caller: Caller, content: bytes) -> dict[str, Any]:
    reply = caller.upload("x.bin", content)
    assert reply.status == 202, reply.body
    job = clinic.node.jobs._jobs[reply.json["import"]]
    while job.state not in ENDED:
        caller.get(f"/api/imports/{job.id}")
    found: dict[str, Any] = caller.get(f"/api/imports/{job.id}").json
    return found


def test_an_upload_is_read_whatever_its_name_is(clinic: Clinic, site: Site) -> None:
    caller = site.in_portal(clinic.patient())
    done = uploaded(clinic, caller, (SAMPLES / "activity-walk.fit").read_bytes())
    assert done["state"] == "done"
    assert done["report"]["lines"]
    (past,) = caller.get("/api/imports").json["imports"]
    assert past["report"] == done["report"]


@pytest.mark.parametrize("content", [b"", b"nothing that anybody reads", b"\x00" * 1_000])
def test_an_upload_of_something_else_says_what_is_wrong(
    clinic: Clinic, site: Site, content: bytes
) -> None:
    done = uploaded(clinic, site.in_portal(clinic.patient()), content)
    assert done["state"] == "failed"
    assert done["problem"]["message"]
    assert done["report"] is None


def test_an_upload_beyond_the_limit_ends_at_once(clinic: Clinic, site: Site) -> None:
    caller = site.in_portal(clinic.patient())
    reply = caller.upload("big.bin", b"x" * 1_000_001)
    assert reply.status == 400
    assert "larger than" in reply.json["message"]
    (job,) = clinic.node.jobs._jobs.values()
    assert job.state == State.FAILED


def test_a_files_name_has_to_be_legible(clinic: Clinic, site: Site) -> None:
    assert site.in_portal(clinic.patient()).upload("%ff", b"x").status == 400


def test_an_upload_that_is_cut_short_is_given_up(clinic: Clinic, site: Site) -> None:
    token = clinic.patient().portal()
    head = (
        f"POST /api/imports HTTP/1.1\r\nHost: localhost\r\nOrigin: {site.origin}\r\n"
        f"Cookie: {COOKIE}={token}\r\nContent-Length: 1000\r\n\r\nhalf"
    )
    address = (clinic.node.settings.host, clinic.node.settings.port)
    with socket.create_connection(address) as connection:
        connection.sendall(head.encode())
        jobs = clinic.node.jobs._jobs
        while not jobs:
            site.as_anyone().get("/api/me")
        (job,) = jobs.values()
        assert job.state == State.RECEIVING
    while job.state is State.RECEIVING:
        site.as_anyone().get("/api/me")
    assert job.state == State.FAILED
    assert job.spool._file.closed


def test_another_patients_import_is_not_here(clinic: Clinic, site: Site) -> None:
    reply = site.in_portal(clinic.patient()).upload("x", b"nothing")
    other = site.in_portal(clinic.patient("Quinn"))
    assert other.get(f"/api/imports/{reply.json['import']}").status == 404


def test_a_bug_is_told_to_the_operator_without_what_it_stumbled_over(
    clinic: Clinic,
    site: Site,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG)

    def stumbles(*_: object) -> None:
        raise ValueError(SECRET)

    for module in (routes_patient, routes_reading):
        monkeypatch.setattr(module, "own", stumbles)
    caller = site.in_portal(clinic.patient())
    for path in ("/api/series", "/api/documents", "/api/grants"):
        reply = caller.get(path)
        assert reply.status == 500
        assert SECRET.encode() not in reply.body
        assert b"Traceback" not in reply.body
    assert SECRET not in caplog.text
    told = [one.getMessage() for one in caplog.records if one.levelno == logging.ERROR]
    assert any(one.startswith("ValueError at test_http.py:") for one in told)
    assert caller.get("/api/me").status == 200


def test_numbers_in_a_query_are_whole_and_bounded(site: Site, loaded: Member) -> None:
    caller = site.in_portal(loaded)
    one = caller.get("/api/series").json["series"][0]["series"]
    for query in (
        "points=0",
        "points=1e3",
        "points=-1",
        "from=x",
        f"until={'9' * 19}",
        "points=%D9%A3",
    ):
        reply = caller.get(f"/api/series/{one}?{query}")
        assert reply.status == 400, query
    assert caller.get(f"/api/series/{one}?from=-{'9' * 15}&until={'9' * 15}").status == 200
    wave = next(
        each["series"]
        for each in caller.get("/api/series").json["series"]
        if each["shape"] == "waveform"
    )
    path = f"/api/series/{wave}/blocks/0"
    assert caller.get(f"{path}?second={'9' * 18}").status == 400
    assert caller.get(f"{path}?seconds={'9' * 18}").status == 400
    assert caller.get(f"/api/series/{wave}/blocks/{'9' * 18}").status == 404
    assert caller.get(f"/api/series/{wave}/blocks/-1").status == 404


def test_what_is_absent_is_null_in_a_stretch(site: Site, loaded: Member) -> None:
    caller = site.in_portal(loaded)
    for entry in caller.get("/api/series").json["series"]:
        if entry["shape"] != "waveform":
            reply = caller.get(f"/api/series/{entry['series']}?points=50")
            assert reply.status == 200
            assert b"NaN" not in reply.body
            json.loads(reply.body, parse_constant=pytest.fail)


def test_an_unknown_place_is_not_found_and_an_unknown_method_not_allowed(site: Site) -> None:
    anyone = site.as_anyone()
    assert anyone.get("/nowhere").status == 404
    assert site.call("DELETE", "/api/me").status == 405
