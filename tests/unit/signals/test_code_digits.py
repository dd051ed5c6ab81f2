"""Every code of every table carries the check digit of its system: a slip of the pen is found."""

import re

import pytest

from pulsekey.signals.administrative_codes import SUPPORTING
from pulsekey.signals.catalogue import METRICS
from pulsekey.signals.metric import LOINC, SNOMED
from pulsekey.signals.ordinary_codes import NOTES, OBSERVED, ORDINARY, SOCIAL_HISTORY
from pulsekey.signals.sensitive_codes import (
    MENTAL_HEALTH,
    REPRODUCTIVE_HEALTH,
    RXNORM,
    SUBSTANCE_USE,
    WITHHELD,
)

TABLES = {
    "mental-health": MENTAL_HEALTH,
    "substance-use": SUBSTANCE_USE,
    "reproductive-health": REPRODUCTIVE_HEALTH,
    "withheld": WITHHELD,
    "ordinary": ORDINARY,
    "social-history": SOCIAL_HISTORY,
    "notes": NOTES,
    "supporting": SUPPORTING,
    **{str(category): concepts for category, concepts in OBSERVED.items()},
    "metrics": {
        (code.system, code.code): code.display
        for metric in METRICS.values()
        for code in (*metric.codes, *(c for part in metric.components for c in part.codes))
    },
}
ALL = pytest.mark.parametrize("name", TABLES)
# Verhoeff's dihedral group D5 and his permutation of places (SNOMED CT Technical Implementation
# Guide, "Check-digit computation").
PERMUTATION = (1, 5, 7, 6, 2, 8, 3, 0, 9, 4)
FORMS = {LOINC: r"[1-9]\d{0,6}-\d", SNOMED: r"[1-9]\d{5,17}", RXNORM: r"[1-9]\d{0,7}"}


def luhn(digits: str) -> int:
    """The check digit of LOINC: Luhn's, over the digits before the hyphen."""
    doubled = [int(d) * (2 if place % 2 == 0 else 1) for place, d in enumerate(digits[::-1])]
    return -sum(d // 10 + d % 10 for d in doubled) % 10


def times(one: int, other: int) -> int:
    """The product in D5, where 0 to 4 are turns and 5 to 9 are reflections."""
    if one < 5:
        return (one + other) % 5 + (5 if other >= 5 else 0)
    return (one - other) % 5 + (5 if other < 5 else 0)


def verhoeff_holds(identifier: str) -> bool:
    """Whether an SCTID, its check digit included, comes to the neutral element."""
    total = 0
    for place, digit in enumerate(map(int, identifier[::-1])):
        moved = digit
        for _ in range(place % 8):
            moved = PERMUTATION[moved]
        total = times(total, moved)
    return total == 0


@ALL
def test_codes_have_the_form_of_their_system(name: str) -> None:
    for system, code in TABLES[name]:
        if system in FORMS:
            assert re.fullmatch(FORMS[system], code), (system, code)


@ALL
def test_loinc_codes_have_their_check_digit(name: str) -> None:
    wrong = [
        code
        for system, code in TABLES[name]
        if system == LOINC and luhn(code[:-2]) != int(code[-1])
    ]
    assert wrong == []


@ALL
def test_snomed_codes_have_their_check_digit(name: str) -> None:
    assert [c for system, c in TABLES[name] if system == SNOMED and not verhoeff_holds(c)] == []


@ALL
def test_snomed_codes_are_concepts_and_not_descriptions(name: str) -> None:
    # The two digits before the check digit are the partition: 00 and 10 are concepts.
    assert {c[-3:-1] for system, c in TABLES[name] if system == SNOMED} <= {"00", "10"}


@ALL
def test_each_code_has_a_display(name: str) -> None:
    assert all(len(display) > 2 for display in TABLES[name].values())


def test_a_wrong_digit_would_be_found() -> None:
    assert verhoeff_holds("22298006")
    assert not verhoeff_holds("22298016")
    assert not verhoeff_holds("22290006")
    assert luhn("8867") == 4
    assert luhn("8876") != 4
