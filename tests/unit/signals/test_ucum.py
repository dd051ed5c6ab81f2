"""Every unit that we keep or write is a valid UCUM expression of the right dimension.

The grammar is that of The Unified Code for Units of Measure 2.1, chapters 2 and 3: terms of
components joined by `.` and `/`, a component an atom with a prefix, an exponent and an annotation.
Atoms and their dimensions are those of ucum-essence, as far as we use them.
"""

import re

import pytest

from pulsekey.ingest.wfdb.record import UNITS as WFDB_UNITS
from pulsekey.signals import unit
from pulsekey.signals.catalogue import METRICS
from pulsekey.signals.metric import Unit

PREFIXES = {"k", "d", "c", "m", "u", "n"}
METRIC_ATOMS = {
    "m": "L",
    "g": "M",
    "s": "T",
    "K": "C",
    "Cel": "C",
    "L": "L3",
    "mol": "1",
    "V": "L2.M.T-2.Q-1",
    "W": "L2.M.T-3",
    "J": "L2.M.T-2",
    "cal": "L2.M.T-2",
    "m[Hg]": "L-1.M.T-2",
    "B[SPL]": "1",
    "[iU]": "1",
}
OTHER_ATOMS = {"min": "T", "h": "T", "d": "T", "deg": "1", "%": "1"}
COMPONENT = re.compile(
    r"(?P<atom>[^\d./(){}+-][^./(){}]*?)?(?P<power>[+-]?\d+)?(?P<note>\{[^{}]*\})?"
)
EXPECTED = {
    "/min": "T-1",
    "cm": "L",
    "dB[SPL]": "1",
    "deg": "1",
    "Cel": "C",
    "g": "M",
    "h": "T",
    "[iU]": "1",
    "kcal": "L2.M.T-2",
    "kcal/(kg.h)": "L2.T-3",
    "kg": "M",
    "kg/m2": "L-2.M",
    "m": "L",
    "m/s": "L.T-1",
    "mg": "M",
    "mg/dL": "L-3.M",
    "mL": "L3",
    "mL/(kg.min)": "L3.M-1.T-1",
    "mm[Hg]": "L-1.M.T-2",
    "mmol/L": "L-3",
    "ms": "T",
    "mV": "L2.M.T-2.Q-1",
    "min": "T",
    "%": "1",
    "s": "T",
    "W": "L2.M.T-3",
    "V": "L2.M.T-2.Q-1",
    "uV": "L2.M.T-2.Q-1",
}
SIGNS = {".": 1, "/": -1}
LEAF = re.compile(r"(?:[^./(){}]|\{[^{}]*\})+")
Dimension = dict[str, int]


def atom(text: str) -> Dimension:
    """The dimension of an atom with or without a prefix; a metric atom alone takes one."""
    known = {**METRIC_ATOMS, **OTHER_ATOMS}
    found = known.get(text)
    if found is None and text[:1] in PREFIXES:
        found = METRIC_ATOMS.get(text[1:])
    if found is None:
        raise ValueError(text)
    return parsed(found)


def parsed(text: str) -> Dimension:
    return {
        part[0]: int(part[1:] or 1) for part in text.split(".") if part and not part[0].isdigit()
    }


def dimension(text: str) -> Dimension:
    """Read a whole expression from left to right; raise ValueError where it is none."""
    total: Dimension = {}
    rest = text if text.startswith("/") else f".{text}"
    while rest:
        if rest[0] not in SIGNS:
            raise ValueError(text)
        part, power, after = factor(rest[1:])
        for base, times in part.items():
            total[base] = total.get(base, 0) + SIGNS[rest[0]] * power * times
        rest = after
    return {base: times for base, times in total.items() if times}


def factor(text: str) -> tuple[Dimension, int, str]:
    """Read one factor and return its dimension, its power and what follows it."""
    if text.startswith("("):
        inner, closed, rest = text[1:].partition(")")
        if not closed:
            raise ValueError(text)
        return dimension(inner), 1, rest
    found = LEAF.match(text)
    if found is None:
        raise ValueError(text)
    return (*component(found.group()), text[found.end() :])


def component(text: str) -> tuple[Dimension, int]:
    found = COMPONENT.fullmatch(text)
    if found is None or not text:
        raise ValueError(text)
    if found["atom"] is None:
        return {}, 1
    return atom(found["atom"]), int(found["power"] or 1)


OURS = sorted(
    {entry.ucum for entry in vars(unit).values() if isinstance(entry, Unit)}
    | set(WFDB_UNITS.values())
)


@pytest.mark.parametrize("ucum", OURS)
def test_a_unit_is_a_ucum_expression_of_its_dimension(ucum: str) -> None:
    if re.fullmatch(r"\{[a-z]+\}", ucum):
        assert dimension(ucum) == {}
    else:
        assert dimension(ucum) == parsed(EXPECTED[ucum])


@pytest.mark.parametrize(
    "text",
    ["", "mg//dL", "mmHg", "bpm", "C", "kk", "mg/", "(m", "1/min.", "kmin", "cCelx", "IU", "°C"],
)
def test_what_is_no_ucum_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"^"):
        dimension(text)


@pytest.mark.parametrize(
    ("word", "ucum"),
    [
        ("heart-rate", "/min"),
        ("temperature", "Cel"),
        ("glucose", "mg/dL mmol/L"),
        ("insulin", "[iU]"),
        ("distance", "m"),
        ("energy", "kcal"),
        ("speed", "m/s"),
        ("variability", "ms"),
    ],
)
def test_metrics_of_one_kind_are_in_one_unit(word: str, ucum: str) -> None:
    kept = {
        part.unit.ucum
        for metric in METRICS.values()
        for part in metric.components
        if part.unit is not None and word in part.name
    }
    if word == "heart-rate":
        kept -= {"ms"}
    assert kept == set(ucum.split())
