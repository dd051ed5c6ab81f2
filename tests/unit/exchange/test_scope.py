"""What several consents let through together, against a model that looks at one instant a time."""

from itertools import pairwise
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pulsekey.consent.decision import Allowance
from pulsekey.exchange.scope import Bounds, Period, scopes_of, union
from pulsekey.primitives.clock import Micros
from pulsekey.primitives.ids import ConsentId
from pulsekey.signals.catalogue import METRICS
from pulsekey.signals.category import Category
from pulsekey.signals.metric import LOINC

CATEGORIES = (Category.HEART_RATE, Category.GLUCOSE, Category.ECG)
CODES = ("a", "b")
LAST = 8
"""Times in these tests are 0 to 8, so that periods touch, overlap and miss by one."""

instants = st.integers(0, LAST)
bounds = st.none() | instants.map(Micros)


@st.composite
def periods(draw: st.DrawFn) -> Period:
    begin, end = draw(bounds), draw(bounds)
    if begin is not None and end is not None and end <= begin:
        end = Micros(begin + 1)
    return begin, end


@st.composite
def allowances(draw: st.DrawFn) -> Allowance:
    begin, end = draw(periods())
    excluded = st.sampled_from([*(f"s|{code}" for code in CODES), str(Category.ECG)])
    return Allowance(
        ConsentId(bytes(32)),
        draw(st.frozensets(st.sampled_from(CATEGORIES), min_size=1)),
        draw(st.frozensets(excluded, max_size=1)),
        begin,
        end,
    )


def allowance_until(end: int) -> Allowance:
    nothing: frozenset[str] = frozenset()
    return Allowance(ConsentId(bytes(32)), frozenset(CATEGORIES[:1]), nothing, None, Micros(end))


def covers(period: Period, instant: int) -> bool:
    begin, end = period
    return (begin is None or begin <= instant) and (end is None or instant < end)


def permitted(several: list[Allowance], category: Category, code: str, span: range) -> bool:
    """The model: every instant lies in a consent that names the category, and none excludes it."""
    naming = [one for one in several if category in one.categories]
    if any({str(category), f"s|{code}"} & one.exclusions for one in naming):
        return False
    return all(
        any(covers((one.data_from, one.data_until), instant) for one in naming) for instant in span
    )


def scopes_with(found: tuple[Bounds, ...], category: Category, code: str) -> list[Bounds]:
    return [
        one for one in found if category in one.categories and not one.excludes_codes([("s", code)])
    ]


@given(st.lists(allowances(), max_size=5), st.data())
def test_a_record_is_read_if_consents_cover_it_and_none_excludes_it(
    several: list[Allowance], data: st.DataObject
) -> None:
    found = scopes_of(several)
    category, code = data.draw(st.sampled_from(CATEGORIES)), data.draw(st.sampled_from(CODES))
    start = data.draw(instants)
    for end in range(start, LAST + 2):
        span = range(start, max(end, start + 1))
        holding = [one for one in scopes_with(found, category, code) if one.holds(start, end)]
        assert bool(holding) == permitted(several, category, code, span), (start, end)
        assert len(holding) <= 1, "a page would show it twice"


@given(st.lists(allowances(), max_size=5), instants, instants)
def test_the_window_that_the_vault_gets_says_the_same_as_the_bounds(
    several: list[Allowance], start: int, length: int
) -> None:
    end = start + length
    for one in scopes_of(several):
        window = one.window
        inside = window is None or (
            (window.start_min is None or window.start_min <= start)
            and (window.start_max is None or start <= window.start_max)
            and (window.end_max is None or end <= window.end_max)
        )
        assert inside == one.holds(start, end)


@given(st.lists(periods(), max_size=6))
def test_a_union_covers_what_its_parts_cover_in_disjoint_pieces_in_order(
    several: list[Period],
) -> None:
    found = union(several)
    for instant in range(-1, LAST + 3):
        pieces = [one for one in found if covers(one, instant)]
        assert bool(pieces) == any(covers(one, instant) for one in several)
        assert len(pieces) <= 1
    for (_, end), (begin, _) in pairwise(found):
        assert end is not None
        assert begin is not None
        assert end < begin, "pieces that touch are one"


@given(st.lists(allowances(), max_size=4), st.randoms(use_true_random=False))
def test_the_order_of_consents_does_not_matter(several: list[Allowance], chance: Random) -> None:
    shuffled = list(several)
    chance.shuffle(shuffled)
    assert scopes_of(shuffled) == scopes_of(several)


def test_what_begins_as_the_period_ends_is_outside_even_if_it_has_no_length() -> None:
    (bounds,) = scopes_of([allowance_until(10)])
    assert bounds.window is not None
    assert bounds.window.start_max == 9
    assert not bounds.holds(10, 10)
    assert bounds.holds(9, 10)


def test_no_consent_opens_nothing() -> None:
    assert scopes_of([]) == ()


def test_a_panel_is_excluded_with_any_of_its_components() -> None:
    panel = METRICS["blood-pressure"]
    systolic = Bounds(frozenset(Category), exclusions=frozenset({f"{LOINC}|8480-6"}))
    whole = Bounds(frozenset(Category), exclusions=frozenset({f"{LOINC}|85354-9"}))
    other = Bounds(frozenset(Category), exclusions=frozenset({f"{LOINC}|8867-4"}))
    assert systolic.excludes_metric(panel)
    assert whole.excludes_metric(panel)
    assert not other.excludes_metric(panel)


@pytest.mark.parametrize("excluded", [str(Category.GLUCOSE)])
def test_a_category_that_is_excluded_is_not_opened(excluded: str) -> None:
    one = Allowance(
        ConsentId(bytes(32)),
        frozenset({Category.GLUCOSE, Category.ECG}),
        frozenset({excluded}),
        None,
        None,
    )
    (bounds_,) = scopes_of([one])
    assert bounds_.categories == {Category.ECG}
