"""Each consent's chain names its own part of a read, and a read opens no more than was logged."""

from dataclasses import replace

from pulsekey.consent.decision import Allowance
from pulsekey.evidence.entries import Asked
from pulsekey.exchange.gate import _asked_for
from pulsekey.primitives.ids import ConsentId
from pulsekey.signals.category import Category

HEART = Allowance(ConsentId(b"a" * 32), frozenset({Category.HEART_RATE}), frozenset(), None, None)
BOTH = Allowance(
    ConsentId(b"b" * 32),
    frozenset({Category.HEART_RATE, Category.GLUCOSE}),
    frozenset(),
    None,
    None,
)


def test_what_names_no_category_concerns_every_consent_in_full() -> None:
    assert _asked_for((HEART, BOTH), Asked(("Observation",))) == (HEART, BOTH)


def test_a_consent_that_does_not_cover_what_is_asked_is_left_out() -> None:
    asked = Asked(("Observation",), ("glucose",))
    only = replace(BOTH, categories=frozenset({Category.GLUCOSE}))
    assert _asked_for((HEART, BOTH), asked) == (only,)


def test_what_no_consent_covers_concerns_none() -> None:
    assert _asked_for((HEART, BOTH), Asked(("Observation",), ("ecg",))) == ()
