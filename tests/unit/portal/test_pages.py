"""The portal's routes: shells for anybody, in both languages, under a policy of our own files."""

import asyncio
import json
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from hashlib import sha256
from types import SimpleNamespace
from typing import Any

import pytest
from starlette.applications import Starlette

from pulsekey.consent.sentence import released
from pulsekey.portal import catalogue
from pulsekey.portal.pages import CONTENT_SECURITY_POLICY, PAGES, STATIC, Page, pages

VENDOR = STATIC / "vendor"
HOSTILE = '"><script>alert(1)</script>'


@dataclass(slots=True)
class Reply:
    status: int = 0
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""

    @property
    def text(self) -> str:
        return self.body.decode()


def ask(
    method: str, path: str, body: bytes = b"", headers: Iterable[tuple[str, str]] = ()
) -> Reply:
    """Send one request to the portal alone, without a network."""
    app = Starlette(routes=pages())
    app.state.node = SimpleNamespace(secure=False)
    reply = Reply()
    scope = {
        "type": "http",
        "method": method,
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
        "headers": [(name.encode(), value.encode()) for name, value in headers],
    }
    sent = [{"type": "http.request", "body": body, "more_body": False}]

    async def receive() -> Any:
        return sent.pop() if sent else {"type": "http.disconnect"}

    async def send(message: Any) -> None:
        if message["type"] == "http.response.start":
            reply.status = message["status"]
            reply.headers = {name.decode(): value.decode() for name, value in message["headers"]}
        else:
            reply.body += message.get("body", b"")

    asyncio.run(app(scope, receive, send))
    return reply


def path_of(page: Page) -> str:
    return page.path.replace("{patient}", "abc").replace("{series}", "def")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
@pytest.mark.parametrize("language", catalogue.LANGUAGES)
def test_every_page_is_a_shell_of_our_own_files(page: Page, language: str) -> None:
    reply = ask("GET", path_of(page), headers=[("accept-language", language)])
    assert reply.status == 200
    assert reply.headers["content-type"] == "text/html; charset=utf-8"
    assert reply.headers["content-security-policy"] == CONTENT_SECURITY_POLICY
    assert f'<html lang="{language}">' in reply.text
    assert catalogue.text(language, f"title.{page.name}") in reply.text.replace("&#39;", "'")
    assert not re.search(r"<script(?![^>]* src=\"/static/)|<style|\sstyle=|\son[a-z]+=", reply.text)
    for file in re.findall(r'(?:src|href)="/static/([^"]+)"', reply.text):
        assert (STATIC / file).is_file()


@pytest.mark.parametrize("page", [page for page in PAGES if page.results], ids=lambda one: one.name)
def test_every_page_of_results_says_that_it_is_not_for_emergencies(page: Page) -> None:
    reply = ask("GET", path_of(page))
    assert catalogue.text("en", "results.emergency") in reply.text
    limited = catalogue.text("en", "results.limited.text") in reply.text
    assert limited == (page.role == "clinician")


def test_the_policy_allows_no_inline_script_no_frame_and_no_markup_from_text() -> None:
    assert "unsafe" not in CONTENT_SECURITY_POLICY
    for directive in (
        "default-src 'self'",
        "object-src 'none'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
        "require-trusted-types-for 'script'",
    ):
        assert directive in CONTENT_SECURITY_POLICY.split("; ")


def test_no_module_makes_markup_from_text() -> None:
    forbidden = re.compile(
        r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function|DOMParser"
    )
    found = {
        file.name
        for file in STATIC.rglob("*.js")
        if forbidden.search(file.read_text(encoding="utf-8"))
    }
    assert found == set()


def test_no_form_can_put_what_was_typed_into_an_address() -> None:
    for page in PAGES:
        for form in re.findall(r"<form[^>]*>", ask("GET", path_of(page)).text):
            assert 'method="dialog"' in form or 'action="/language"' in form


def test_an_id_in_a_path_comes_back_escaped() -> None:
    reply = ask("GET", f"/record/{HOSTILE.replace('/', '')}")
    assert "<script>alert" not in reply.text
    assert "&#34;&gt;&lt;script&gt;" in reply.text


@pytest.mark.parametrize(
    ("file", "kind"),
    [
        ("style.css", "text/css; charset=utf-8"),
        ("passkey.js", "text/javascript; charset=utf-8"),
        ("icon.svg", "image/svg+xml"),
        ("vendor/uPlot.esm.js", "text/javascript; charset=utf-8"),
    ],
)
def test_a_file_has_its_type_and_is_asked_for_again(file: str, kind: str) -> None:
    reply = ask("GET", f"/static/{file}")
    assert reply.status == 200
    assert reply.headers["content-type"] == kind
    assert reply.headers["cache-control"] == "no-cache"
    assert reply.headers["x-content-type-options"] == "nosniff"
    again = ask("GET", f"/static/{file}", headers=[("if-none-match", reply.headers["etag"])])
    assert again.status == 304


@pytest.mark.parametrize(
    "path", ["/static/../pages.py", "/static/none.js", "/messages/fr.json", "/consent-texts/x.json"]
)
def test_what_is_not_there_is_not_found(path: str) -> None:
    assert ask("GET", path).status == 404


@pytest.mark.parametrize("language", catalogue.LANGUAGES)
@pytest.mark.parametrize("path", ["/nothing", "/record/x/y", f"/x/{HOSTILE}"])
def test_where_there_is_no_page_people_are_told_so(path: str, language: str) -> None:
    reply = ask("GET", path, headers=[("accept-language", language)])
    assert reply.status == 404
    assert reply.headers["content-security-policy"] == CONTENT_SECURITY_POLICY
    assert catalogue.text(language, "not-found.text") in reply.text
    assert "<script" not in reply.text


@pytest.mark.parametrize("path", ["/api", "/api/nothing", "/fhir/R4/x/y", "/static/none.js"])
def test_programs_get_no_page_where_there_is_nothing(path: str) -> None:
    for method in ("GET", "POST"):
        reply = ask(method, path)
        assert reply.status in {404, 405}
        assert "<html" not in reply.text


@pytest.mark.parametrize(
    ("back", "location"),
    [
        ("/record", "/record"),
        ("//evil.example/x", "/"),
        ("https://evil.example", "/"),
        ("/\\evil.example", "/"),
        ("javascript:alert(1)", "/"),
        ("", "/"),
    ],
)
def test_choosing_a_language_leads_back_and_nowhere_else(back: str, location: str) -> None:
    body = f"language=zh-CN&back={back}".encode()
    reply = ask("POST", "/language", body)
    assert (reply.status, reply.headers["location"]) == (303, location)
    assert "pulsekey_language=zh-CN" in reply.headers["set-cookie"]


def test_a_language_that_we_do_not_speak_is_not_kept() -> None:
    reply = ask("POST", "/language", b"language=tlh&back=/")
    assert "set-cookie" not in reply.headers
    assert ask("POST", "/language", b"x" * 5_000).status == 413


def test_the_words_of_the_consent_sentence_are_served_as_they_are() -> None:
    reply = ask("GET", "/consent-texts/zh-CN.json")
    assert reply.headers["content-type"] == "application/json"
    assert json.loads(reply.text) == released("zh-CN")


def test_vendored_files_are_those_that_are_written_down() -> None:
    readme = (VENDOR / "README.md").read_text(encoding="utf-8")
    for file in VENDOR.iterdir():
        if file.suffix in {".js", ".css"}:
            assert sha256(file.read_bytes()).hexdigest() in readme
    assert "MIT" in (VENDOR / "uPlot.LICENSE").read_text(encoding="utf-8")
