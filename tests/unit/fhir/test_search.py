"""Search parameters: what is understood, what is refused, and what a date means."""

from urllib.parse import parse_qsl, urlsplit

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from pulsekey.fhir.bundle import self_link
from pulsekey.fhir.instants import Interval, interval
from pulsekey.fhir.parameters import OFFICIAL
from pulsekey.fhir.search import (
    ALTERNATIVES_MAX,
    COUNT_DEFAULT,
    COUNT_MAX,
    PARAMETERS_MAX,
    SUPPORTED,
    Order,
    Prefix,
    Search,
    Token,
    compile_search,
    split,
    unescape,
)
from pulsekey.primitives.clock import Micros
from pulsekey.primitives.errors import MalformedInput
from tests.fakes.fhir_samples import NEW_YEAR

DAY = 86_400_000_000
NOW = Micros(NEW_YEAR + 100 * DAY)


def ask(*parameters: tuple[str, str], kind: str = "Observation", lenient: bool = False) -> Search:
    return compile_search(kind, parameters, now=NOW, lenient=lenient)


def test_repeating_narrows_and_commas_widen() -> None:
    search = ask(("code", "http://loinc.org|8867-4,8480-6"), ("code", "|x"), ("_id", "a,b"))
    assert search.tokens == (
        ("code", (Token("http://loinc.org", "8867-4"), Token(None, "8480-6"))),
        ("code", (Token("", "x"),)),
    )
    assert search.ids == (frozenset({"a", "b"}),)


def test_patient_and_subject_are_one() -> None:
    search = ask(("patient", "p1"), ("subject", "Patient/p1"), ("subject:Patient", "p1"))
    assert search.patients == (frozenset({"p1"}),) * 3


def test_another_servers_patient_is_not_ours() -> None:
    (asked,) = ask(("patient", "https://elsewhere/fhir/Patient/p1")).patients
    assert "p1" not in asked


def test_a_system_alone_asks_for_any_code_of_it() -> None:
    assert ask(("code", "http://loinc.org|")).tokens[0][1] == (Token("http://loinc.org", None),)


def test_escapes_are_characters() -> None:
    (token,) = ask(("identifier", r"http://x|a\,b\|c\\d\$"), kind="Patient").tokens[0][1]
    assert token == Token("http://x", r"a,b|c\d$")


@example(["a\\", "b"])
@given(st.lists(st.text(max_size=5), min_size=1, max_size=4))
def test_escaping_and_splitting_give_the_parts_back(parts: list[str]) -> None:
    escaped = [part.replace("\\", "\\\\").replace(",", r"\,").replace("|", r"\|") for part in parts]
    assert [unescape(part) for part in split(",".join(escaped))] == parts


def test_without_a_count_or_order_there_are_defaults() -> None:
    search = ask()
    assert (search.count, search.order, search.descending) == (COUNT_DEFAULT, Order.DATE, True)
    assert ask(kind="Organization").order is Order.UPDATED


@pytest.mark.parametrize(
    ("asked", "order", "descending"),
    [
        ("date", Order.DATE, False),
        ("-date", Order.DATE, True),
        ("_lastUpdated", Order.UPDATED, False),
        ("-_lastUpdated", Order.UPDATED, True),
    ],
)
def test_results_are_sorted_as_asked(asked: str, order: Order, *, descending: bool) -> None:
    search = ask(("_sort", asked))
    assert (search.order, search.descending) == (order, descending)


def test_a_count_has_a_limit() -> None:
    assert ask(("_count", "7")).count == 7
    assert ask(("_count", "999999")).count == COUNT_MAX


REFUSED = [
    ("cod", "8867-4"),
    ("code:in", "x"),
    ("code:not", "x"),
    ("patient.name", "x"),
    ("patient:identifier", "x"),
    ("_has:Observation:patient:code", "x"),
    ("_include", "Observation:patient"),
    ("_page", "x"),
    ("identifier", "x"),
    ("code", ""),
    ("code", "a|b|c"),
    ("code", "|"),
    ("code", "x,"),
    ("code", "x" * 5_000),
    ("code", ",".join("x" * (ALTERNATIVES_MAX + 1))),
    ("patient", "Practitioner/1"),
    ("patient", "a b"),
    ("patient", "Patient/"),
    ("_id", "a/b"),
    ("_sort", "code"),
    ("_sort", "date,-date"),
    ("_sort:x", "date"),
    ("_count", "-1"),
    ("_count", "x"),
    ("_count", "²"),
    ("_count", "9" * 5_000),
    ("_count:x", "1"),
    ("_format", "xml"),
    ("date", "yesterday"),
    ("date", "xx2026"),
    ("date", "2026-02-30"),
    ("date", "2026-13"),
    ("date", "0000"),
    ("date", "2026-01-01T10:00:00"),
    ("date", "2026-01-01T24:00:00Z"),
    ("date", "2026-01-01T10:00:00 02:00"),
    ("date", "2026-01-01T10:00:00+15:00"),
    ("date", "ge"),
    ("date:missing", "true"),
    ("_lastUpdated", "20260101"),
]


@pytest.mark.parametrize(("name", "value"), REFUSED)
def test_what_is_not_understood_is_refused(name: str, value: str) -> None:
    with pytest.raises(MalformedInput) as caught:
        ask((name, value))
    # What is long or odd enough to be somebody's is not repeated.
    assert len(value) < 9 or value not in str(caught.value)


def test_too_much_is_refused() -> None:
    with pytest.raises(MalformedInput):
        ask(*[("code", "x")] * (PARAMETERS_MAX + 1))
    with pytest.raises(MalformedInput):
        ask(("_count", "1"), ("_count", "2"))
    with pytest.raises(MalformedInput):
        ask(("_sort", "date"), ("_sort", "-date"))
    with pytest.raises(MalformedInput):
        ask(kind="OperationOutcome")


def test_lenient_handling_ignores_names_but_not_values() -> None:
    search = ask(("cod", "x"), ("a b\n", "x"), ("code", "8867-4"), lenient=True)
    assert search.used == (("code", "8867-4"),)
    assert search.ignored == ("cod", "a parameter")
    with pytest.raises(MalformedInput):
        ask(("date", "yesterday"), lenient=True)


def test_self_says_what_was_used_and_leads_to_the_same_search() -> None:
    search = ask(
        ("code", "http://loinc.org|8867-4,a\\,b"),
        ("typo", "1"),
        ("date", "ge2026-01-01T00:00:00+01:00"),
        ("_count", "3"),
        lenient=True,
    )
    link = self_link("https://node/fhir/R4", search)
    assert "typo" not in link
    again = parse_qsl(urlsplit(link).query, keep_blank_values=True)
    assert ask(*again).used == search.used


@pytest.mark.parametrize(
    ("text", "start", "width"),
    [
        ("2026", NEW_YEAR, 365 * DAY),
        ("2024", NEW_YEAR - 731 * DAY, 366 * DAY),
        ("2026-01", NEW_YEAR, 31 * DAY),
        ("2026-01-02", NEW_YEAR + DAY, DAY),
        ("2026-01-01T01:00+01:00", NEW_YEAR, 60_000_000),
        ("2026-01-01T00:00:00Z", NEW_YEAR, 1_000_000),
        ("2025-12-31T23:59:60Z", NEW_YEAR - 1_000_000, 1_000_000),
        ("2026-01-01T00:00:00.5Z", NEW_YEAR + 500_000, 100_000),
        ("2026-01-01T00:00:00.123456789Z", NEW_YEAR + 123_456, 1),
    ],
)
def test_a_date_is_as_wide_as_its_precision(text: str, start: int, width: int) -> None:
    assert interval(text) == Interval(start, start + width)
    (bound,) = ask(("date", f"sa{text}")).dates[0]
    assert (bound.prefix, bound.interval) == (Prefix.SA, Interval(start, start + width))


def test_approximately_widens_by_a_tenth_of_the_distance() -> None:
    (bound,) = ask(("date", "ap2026-01-01")).dates[0]
    assert bound.interval == Interval(NEW_YEAR - 10 * DAY, NEW_YEAR + 11 * DAY)


@given(st.text(max_size=30))
def test_no_text_breaks_a_date(text: str) -> None:
    found = interval(text)
    assert found is None or found.start < found.end


def test_every_supported_parameter_is_official() -> None:
    for kind, names in SUPPORTED.items():
        for name in names:
            parameter = (OFFICIAL[kind] | OFFICIAL["Resource"])[name]
            assert parameter.kind in {"token", "reference", "date"}, (kind, name)
            if name not in {"_id", "_lastUpdated"}:
                assert parameter.paths, (kind, name)
