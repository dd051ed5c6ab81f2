"""Metrics: what a series measures, in which shape, unit and code."""

from dataclasses import dataclass
from enum import StrEnum

from pulsekey.signals.category import Category

LOINC = "http://loinc.org"
MDC = "urn:iso:std:iso:11073:10101"
SNOMED = "http://snomed.info/sct"
UCUM = "http://unitsofmeasure.org"
PULSEKEY = "https://pulsekey.health/fhir/CodeSystem/metric"


class Shape(StrEnum):
    """How the samples of a series lie in time."""

    POINT = "point"
    INTERVAL = "interval"
    PANEL = "panel"
    CATEGORICAL = "categorical"
    WAVEFORM = "waveform"
    SESSION = "session"


@dataclass(frozen=True, slots=True)
class Code:
    """A concept in a code system."""

    system: str
    code: str
    display: str


@dataclass(frozen=True, slots=True)
class Unit:
    """A UCUM unit, and how a person reads it."""

    ucum: str
    text: str


@dataclass(frozen=True, slots=True)
class Component:
    """One quantity of a metric. `unit` is None for a categorical one: values index `answers`."""

    name: str
    codes: tuple[Code, ...]
    unit: Unit | None
    answers: tuple[Code, ...] = ()


@dataclass(frozen=True, slots=True)
class Metric:
    """What is measured. Only a panel or a session has more than one component.

    The components of a point or interval metric carry the codes of the metric itself.
    """

    name: str
    shape: Shape
    category: Category
    codes: tuple[Code, ...]
    components: tuple[Component, ...]
