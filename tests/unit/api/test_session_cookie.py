"""The session's cookie: which name it has, and that nobody plants a second one (cookie tossing)."""

from collections.abc import Iterator
from dataclasses import replace

import pytest

from pulsekey.api.callers import COOKIE, HOST_PREFIX, cookie_name
from pulsekey.api.endpoint import Answer, render
from tests.fakes.node_clinic import Clinic
from tests.fakes.node_http import Site, served

HOSTED = HOST_PREFIX + COOKIE


@pytest.fixture
def behind_tls(clinic: Clinic) -> Iterator[Site]:
    """A node that browsers reach by https: a proxy ends TLS and forwards to it."""
    settings = replace(clinic.node.settings, origin="https://records.clinic.example")
    with served(replace(clinic.node, settings=settings)) as site:
        yield site


def test_over_tls_only_the_name_with_the_prefix_opens_a_session(
    clinic: Clinic, behind_tls: Site
) -> None:
    token = clinic.patient().portal()
    assert (
        behind_tls.call("GET", "/api/grants", None, {"Cookie": f"{HOSTED}={token}"}).status == 200
    )
    assert (
        behind_tls.call("GET", "/api/grants", None, {"Cookie": f"{COOKIE}={token}"}).status == 401
    )


def test_over_tls_a_planted_cookie_of_the_plain_name_is_not_even_looked_at(
    clinic: Clinic, behind_tls: Site
) -> None:
    mine, planted = clinic.patient("Mine"), clinic.patient("Mallory")
    for row in ((HOSTED, COOKIE), (COOKIE, HOSTED)):
        tokens = {HOSTED: mine.portal(), COOKIE: planted.portal()}
        cookie = "; ".join(f"{name}={tokens[name]}" for name in row)
        reply = behind_tls.call("GET", "/api/me", None, {"Cookie": cookie})
        assert reply.json["principal"]["displayName"] == "Mine"


@pytest.mark.parametrize("secure", [True, False])
def test_the_cookie_has_what_its_prefix_asks_for(*, secure: bool) -> None:
    for session in ("token", ""):
        response = render(Answer({}, session=session), 200, secure=secure)
        name, *attributes = response.headers["set-cookie"].split("; ")
        assert name.partition("=")[0] == cookie_name(secure=secure)
        given = {one.lower() for one in attributes}
        assert {"path=/", "httponly", "samesite=strict"} <= given
        assert ("secure" in given) is secure
        assert not any(one.startswith("domain") for one in given)
    assert cookie_name(secure=True).startswith("__Host-")


@pytest.mark.parametrize("between", ["; ", ";", ";x=y; "])
def test_a_request_with_two_session_cookies_is_refused(
    clinic: Clinic, site: Site, between: str
) -> None:
    mine, planted = clinic.patient().portal(), clinic.patient("Mallory").portal()
    for first, second in ((mine, planted), (planted, mine), (mine, mine), (mine, "")):
        cookie = {"Cookie": f"{COOKIE}={first}{between}{COOKIE}={second}", "Origin": site.origin}
        for method, path in (
            ("GET", "/api/me"),
            ("GET", "/api/grants"),
            ("POST", "/api/offers/stop-all"),
            ("POST", "/api/sign-in/options"),
            ("POST", "/api/imports"),
        ):
            reply = site.call(method, path, b"{}" if method == "POST" else None, cookie)
            assert (reply.status, reply.json["where"]) == (400, "Cookie"), path


def test_cookies_of_others_are_let_be(clinic: Clinic, site: Site) -> None:
    token = clinic.patient().portal()
    for cookie in (
        f"x{COOKIE}=1; {COOKIE}={token}; {COOKIE}x=2",
        f"pulsekey_language=en; {COOKIE}={token}",
        f"{COOKIE}; {token}; a={COOKIE}={token}; {COOKIE.upper()}=3",
    ):
        reply = site.call("GET", "/api/me", None, {"Cookie": cookie})
        assert reply.status == 200


def test_the_document_of_the_interface_names_the_cookie(site: Site) -> None:
    assert _named(site) == COOKIE


def test_over_tls_the_document_names_the_cookie_with_its_prefix(behind_tls: Site) -> None:
    assert _named(behind_tls) == HOSTED


def _named(site: Site) -> str:
    schemes = site.as_anyone().get("/api/openapi.json").json["components"]["securitySchemes"]
    return str(schemes["session"]["name"])
