"""Where there is nothing, and what is not done there: each interface answers in its own form."""

import pytest

from pulsekey.portal.pages import pages
from tests.fakes.node_clinic import Clinic
from tests.fakes.node_http import FHIR, Reply, Site, served


def issue_of(reply: Reply) -> dict[str, object]:
    assert reply.headers["content-type"].startswith("application/fhir+json")
    assert reply.headers["access-control-allow-origin"] == "*"
    assert reply.json["resourceType"] == "OperationOutcome"
    (issue,) = reply.json["issue"]
    found: dict[str, object] = issue
    return found


@pytest.mark.parametrize(
    ("method", "path", "told"),
    [
        ("GET", "/Patients", "no resource type Patients"),
        ("GET", "/observation", "no resource type observation"),
        ("GET", "/Patients/1", "no resource type Patients"),
        ("POST", "/Patients/_search", "no resource type Patients"),
        ("GET", "/%3Cb%3E%0A", "no such resource type here"),
        ("GET", "", "no such interaction"),
        ("POST", "", "no such interaction"),
        ("GET", "/Observation/1/_history", "no such interaction"),
        ("GET", "/Patient/1/$everything", "no such interaction"),
        ("GET", "/../R5/Observation", "no such interaction"),
    ],
)
@pytest.mark.parametrize("known", [True, False], ids=["with a token", "without"])
def test_what_fhir_does_not_have_is_not_supported(
    clinic: Clinic, site: Site, method: str, path: str, told: str, *, known: bool
) -> None:
    who = site.with_token(clinic.clinician()) if known else site.as_anyone()
    reply = site.call(method, FHIR + path, b"" if method == "POST" else None, who.headers)
    issue = issue_of(reply)
    assert (reply.status, issue["code"]) == (404, "not-supported")
    assert told in str(issue["details"])
    assert "/fhir/R4/metadata" in str(issue["diagnostics"])


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("POST", "/Observation", "GET, HEAD, OPTIONS"),
        ("DELETE", "/Observation/1", "GET, HEAD, OPTIONS"),
        ("PUT", "/Patient/1", "GET, HEAD, OPTIONS"),
        ("PATCH", "/Patient/1", "GET, HEAD, OPTIONS"),
        ("POST", "/metadata", "GET, HEAD, OPTIONS"),
    ],
)
def test_what_fhir_does_not_do_is_not_supported(
    site: Site, method: str, path: str, allowed: str
) -> None:
    reply = site.call(method, FHIR + path, b"{}")
    issue = issue_of(reply)
    assert (reply.status, issue["code"]) == (405, "not-supported")
    assert reply.headers["allow"] == allowed
    assert "read and searched" in str(issue["details"])


def test_a_method_that_one_of_several_routes_takes_is_named(site: Site) -> None:
    # `GET /{type}/{id}` matches too: a search is a name like any other.
    reply = site.call("DELETE", f"{FHIR}/Observation/_search")
    assert (reply.status, reply.headers["allow"]) == (405, "GET, HEAD, OPTIONS, POST")


@pytest.mark.parametrize("path", ["/api", "/api/", "/api/nothing", "/api/me/x", "/api/people/x/y"])
@pytest.mark.parametrize("method", ["GET", "POST", "DELETE", "OPTIONS"])
def test_an_unknown_address_of_the_interface_is_its_own_error(
    site: Site, method: str, path: str
) -> None:
    reply = site.call(method, path, None, {"Accept-Language": "zh-CN"})
    assert reply.status == 404
    assert reply.headers["content-type"] == "application/json"
    assert reply.headers["content-language"] == "zh-CN"
    assert reply.json["error"] == "NotFound"
    assert reply.json["code"]
    assert "/api/openapi.json" in reply.json["message"]


@pytest.mark.parametrize(
    ("path", "allowed"),
    [
        ("/api/me", "GET, HEAD, OPTIONS"),
        ("/api/passkeys", "GET, HEAD, OPTIONS, POST"),
        ("/api/imports", "GET, HEAD, OPTIONS, POST"),
        ("/api/sign-out", "OPTIONS, POST"),
        ("/api/openapi.json", "GET, HEAD, OPTIONS"),
    ],
)
def test_a_method_that_is_not_taken_says_which_are(site: Site, path: str, allowed: str) -> None:
    reply = site.call("DELETE", path)
    assert (reply.status, reply.headers["allow"]) == (405, allowed)
    assert reply.json["error"] == "MethodNotAllowed"
    assert allowed in reply.json["cure"]
    options = site.call("OPTIONS", path)
    assert (options.status, options.headers["allow"], options.body) == (204, allowed, b"")
    assert "access-control-allow-origin" not in options.headers


def test_head_is_get_without_a_body(clinic: Clinic, site: Site) -> None:
    program = site.with_token(clinic.clinician())
    for path in (f"{FHIR}/metadata", f"{FHIR}/Observation", "/api/me", "/api/openapi.json"):
        got, head = (site.call(one, path, None, program.headers) for one in ("GET", "HEAD"))
        assert (head.status, head.body) == (got.status, b""), path
        assert head.headers["content-type"] == got.headers["content-type"]
        assert int(head.headers["content-length"]) > 0


def test_a_preflight_is_answered_everywhere_under_fhir(site: Site) -> None:
    for path in (FHIR, f"{FHIR}/", f"{FHIR}/Observation", f"{FHIR}/Observation/1/x"):
        reply = site.call("OPTIONS", path)
        assert (reply.status, reply.headers["access-control-allow-origin"]) == (204, "*"), path
        assert "GET" in reply.headers["allow"]


def test_pages_keep_their_own_answers(clinic: Clinic) -> None:
    with served(clinic.node, pages()) as site:
        nowhere = site.as_anyone().get("/nowhere")
        assert (nowhere.status, nowhere.headers["content-type"]) == (
            404,
            "text/html; charset=utf-8",
        )
        for path in ("/static/none.js", "/messages/xx.json"):
            assert b"OperationOutcome" not in site.as_anyone().get(path).body
        assert site.as_anyone().get("/api/nothing").json["error"] == "NotFound"
        assert issue_of(site.as_anyone().get("/fhir"))["code"] == "not-supported"


def test_a_bug_is_told_in_the_form_of_the_interface(
    site: Site, clinic: Clinic, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stumble(*_: object, **__: object) -> None:
        raise ZeroDivisionError

    program = site.with_token(clinic.clinician())
    monkeypatch.setattr(type(clinic.node.records), "search", stumble)
    reply = program.fhir("Observation", ("patient", "x"))
    assert (reply.status, issue_of(reply)["code"]) == (500, "exception")
    monkeypatch.setattr(type(clinic.node.listing), "shared_with", stumble)
    reply = program.get("/api/shared")
    assert (reply.status, reply.json["error"]) == (500, "Failure")
