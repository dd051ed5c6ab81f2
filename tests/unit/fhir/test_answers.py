"""Bundles, pages, outcomes and the capability statement."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pulsekey.fhir.bundle import LIMITED, Entry, searchset
from pulsekey.fhir.capability import Wired, capability
from pulsekey.fhir.instants import EARLIEST
from pulsekey.fhir.outcome import refusal
from pulsekey.fhir.paging import (
    TOKEN_CHARS_MAX,
    continuation,
    document_key,
    merge,
    page_token,
    resume,
)
from pulsekey.fhir.parameters import OFFICIAL
from pulsekey.fhir.search import SUPPORTED, USED_BYTES_MAX, Search, compile_search
from pulsekey.primitives.clock import Micros
from pulsekey.primitives.errors import (
    AccessDenied,
    Conflict,
    IntegrityError,
    MalformedInput,
    NotAuthenticated,
    NotFound,
    PulsekeyError,
    Unavailable,
)
from pulsekey.resources import codec
from pulsekey.signals.category import Category
from pulsekey.vault.records import Cursor
from tests.fakes.fhir_samples import NEW_YEAR, document

BASE = "https://node.example/fhir/R4"
NOW = Micros(NEW_YEAR)


def ask(*parameters: tuple[str, str]) -> Search:
    return compile_search("Observation", parameters, now=NOW, lenient=True)


def read(content: bytes) -> Any:
    codec.read(content)
    return json.loads(content)


OBSERVATION = b'{"resourceType":"Observation","id":"a","status":"final","code":{"text":"x"}}'


def test_a_searchset_says_what_was_found_asked_and_that_it_is_limited() -> None:
    search = ask(("code", "a b&c"), ("typo", "1"))
    entries = [Entry("Observation", "a", OBSERVATION)]
    bundle = read(searchset(BASE, search, entries, next_token="t/+=", decision="d1"))
    assert bundle["type"] == "searchset"
    assert "total" not in bundle
    assert [(one["relation"], one["url"]) for one in bundle["link"]] == [
        ("self", f"{BASE}/Observation?code=a+b%26c"),
        ("next", f"{BASE}/Observation?_page=t%2F%2B%3D"),
    ]
    match, outcome = bundle["entry"]
    assert match["fullUrl"] == f"{BASE}/Observation/a"
    assert match["search"] == {"mode": "match"}
    assert outcome["search"] == {"mode": "outcome"}
    issues = outcome["resource"]["issue"]
    assert issues[0]["details"]["text"] == LIMITED
    assert issues[0]["diagnostics"] == "Decision d1"
    assert "typo" in issues[1]["details"]["text"]


def test_an_empty_searchset_is_limited_in_the_same_words() -> None:
    empty = read(searchset(BASE, ask(), [], total=0))
    assert empty["total"] == 0
    full = read(searchset(BASE, ask(), [Entry("Observation", "a", OBSERVATION)]))
    assert empty["entry"] == full["entry"][-1:]


def test_a_page_resumes_the_same_search() -> None:
    search = compile_search("Observation", [("code", "x"), ("date", "ap2025")], now=NOW)
    cursors = (Cursor(5, "s", 3), None, Cursor(-7, "d"))
    token = continuation(search, cursors, asked_at=NOW)
    assert resume(token) == (search, cursors, NOW)


def test_the_longest_search_has_pages_that_are_taken_back() -> None:
    names = ",".join(f"series{n:04}-{'7' * 24}" for n in range(100))
    search = ask(*[("_id", names)] * (USED_BYTES_MAX // 4_000))
    cursors = [Cursor(-(2**62), "s" * 64, 2**62)] * (3 * len(Category))
    token = continuation(search, cursors, asked_at=NOW)
    sealed = "t" * ((len(token) + 28) * 4 // 3 + 4)
    assert page_token([("_page", sealed)]) == sealed
    assert resume(token)[0] == search
    with pytest.raises(MalformedInput, match="altogether"):
        ask(*[("_id", names)] * (USED_BYTES_MAX // 3_000))


@given(st.binary(max_size=30))
def test_what_is_no_page_is_refused(token: bytes) -> None:
    with pytest.raises(MalformedInput):
        resume(token)


def test_a_page_of_another_version_is_refused() -> None:
    token = continuation(ask(), (), asked_at=NOW).replace(b"[1,", b"[2,", 1)
    with pytest.raises(MalformedInput):
        resume(token)


def test_a_page_link_is_used_as_it_was_given() -> None:
    assert page_token([("code", "x")]) is None
    assert page_token([("_page", "t")]) == "t"
    for wrong in (
        [("_page", "t"), ("code", "x")],
        [("_page", "t")] * 2,
        [("_page", "t" * (TOKEN_CHARS_MAX + 1))],
    ):
        with pytest.raises(MalformedInput):
            page_token(wrong)


@given(
    st.lists(st.lists(st.integers(0, 5), max_size=6), max_size=3),
    st.integers(0, 20),
    st.booleans(),
)
def test_merging_keeps_each_streams_order_and_takes_the_first(
    keys: list[list[int]],
    limit: int,
    descending: bool,
) -> None:
    streams = [
        [(key, (stream, place)) for place, key in enumerate(sorted(some, reverse=descending))]
        for stream, some in enumerate(keys)
    ]
    merged = merge(streams, descending=descending, limit=limit)
    everything = [(key, item) for stream in streams for key, item in stream]
    # Python's sort is stable: equal keys stay in the order of streams and of places.
    expected = sorted(everything, key=lambda one: -one[0] if descending else one[0])
    assert merged == [(item[0], item) for _, item in expected][:limit]


def test_an_undated_document_sorts_before_all() -> None:
    assert document_key(document("Observation", b"{}", date="2026")) == NEW_YEAR
    assert document_key(document("Observation", b"{}")) == EARLIEST


@pytest.mark.parametrize(
    ("error", "status", "code"),
    [
        (MalformedInput("x", where="Observation.status", cure="y"), 400, "invalid"),
        (NotAuthenticated("secret7"), 401, "login"),
        (AccessDenied("secret7"), 404, "not-found"),
        (NotFound("secret7"), 404, "not-found"),
        (Conflict("secret7"), 409, "conflict"),
        (IntegrityError("secret7"), 500, "exception"),
        (Unavailable("secret7"), 503, "transient"),
        (PulsekeyError("secret7"), 500, "exception"),
    ],
)
def test_an_error_is_an_outcome_without_its_reason(
    error: PulsekeyError, status: int, code: str
) -> None:
    answer = refusal(error)
    assert answer.status == status
    assert read(answer.body)["issue"][0]["code"] == code
    assert b"secret7" not in answer.body


def test_a_recipient_cannot_tell_unknown_from_denied() -> None:
    answers = {
        refusal(error)
        for error in (
            NotFound("no such record"),
            AccessDenied("never granted"),
            AccessDenied("stopped at 12:00"),
            AccessDenied("expired"),
        )
    }
    assert len(answers) == 1


def test_a_malformed_input_names_place_and_cure() -> None:
    (issue,) = read(refusal(MalformedInput("bad", where="a.xml line 3", cure="fix")).body)["issue"]
    assert issue["details"]["text"] == "a.xml line 3: bad"
    assert issue["diagnostics"] == "fix"
    (issue,) = read(refusal(MalformedInput("bad", where="Observation.code")).body)["issue"]
    assert issue["expression"] == ["Observation.code"]


def test_the_capability_statement_says_what_search_does() -> None:
    wired = Wired(BASE, {"Patient", "Observation", "Medication"}, "0.1.0", NOW)
    statement = read(capability(wired))
    assert statement["fhirVersion"] == "4.0.1"
    resources = {one["type"]: one for one in statement["rest"][0]["resource"]}
    assert set(resources) == {"Patient", "Observation", "Medication"}
    for kind, resource in resources.items():
        assert [one["code"] for one in resource["interaction"]] == ["read", "search-type"]
        # An ETag and If-None-Match; no versions, no updates.
        assert (resource["versioning"], resource["conditionalRead"]) == ("versioned", "not-match")
        assert (resource["readHistory"], resource["updateCreate"]) == (False, False)
        named = {one["name"]: one for one in resource["searchParam"]}
        assert tuple(named) == SUPPORTED[kind]
        for name, parameter in named.items():
            official = (OFFICIAL[kind] | OFFICIAL["Resource"])[name]
            assert (parameter["type"], parameter["definition"]) == (official.kind, official.url)
