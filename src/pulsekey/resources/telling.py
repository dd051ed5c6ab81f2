"""What times a resource tells of: everything that a period of consent has to hold.

The one rule: a time that is there counts. When it happened, from begin to end, when it was written
down and when it was issued are all told to whoever reads the resource. This is not the `date` that
a search asks for, which names one element (`ingest.fhir_shape`); see ADR 0048.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

Json: TypeAlias = Any

_DATED_BY: Final = frozenset(
    {
        *("authored", "authoredOn", "billablePeriod", "created", "date", "dateAsserted"),
        *("dateTime", "dateWritten", "effectiveDateTime", "effectiveInstant", "effectivePeriod"),
        *("effectiveTiming", "end", "issued", "occurrenceDateTime", "occurrencePeriod"),
        *("occurrenceTiming", "performedDateTime", "performedPeriod", "period", "received"),
        *("receivedTime", "recorded", "recordedDate", "sent", "servicedDate", "servicedPeriod"),
        *("start", "started", "timingDateTime", "timingPeriod", "whenHandedOver", "whenPrepared"),
    }
)
"""Elements that say when something was measured, done or written down. Without any of them a
resource is undated: an onset says when an illness began, not when anybody knew."""

_LEFT_OUT: Final = frozenset(
    {
        *("meta", "identifier", "name", "telecom", "address"),
        *("birthDate", "expirationDate", "manufactureDate"),
    }
)
"""Of storage, of names and numbers, of birth and of a product: since when somebody has an address
is no clinical time, and when a file was changed last is none either."""

_TEXTS: Final = frozenset(
    {
        *("code", "display", "div", "id", "lotNumber", "reference", "serialNumber", "system"),
        *("url", "value", "version"),
    }
)
"""Strings that may look like times and are none."""

_TIMELY: Final = ("Date", "DateTime", "Instant")
_MOMENTS: Final = frozenset({"start", "end", "event"})
_FORM: Final = re.compile(r"\d{4}-\d\d(-\d\d(T[0-9:.]{5,}(Z|[+-]\d\d:\d\d)?)?)?", re.ASCII)
_YEAR: Final = re.compile(r"\d{4}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Times:
    """The times that a resource tells, as it writes them.

    `begins` is whether it tells nothing from before the earliest of `dates`, `ends` the same of the
    latest: a period without an end goes on, and what is undated may tell of any time.
    """

    dates: tuple[str, ...]
    begins: bool
    ends: bool


def times_of(resource: Mapping[str, Json]) -> Times:
    """Return the times of a resource of R4 in its JSON form."""
    dates: list[str] = []
    dated, begins, ends = False, True, True
    waiting: list[tuple[str, Json, bool]] = [
        (name, value, name in _DATED_BY) for name, value in resource.items()
    ]
    while waiting:
        name, value, dating = waiting.pop()
        if name.lstrip("_") in _LEFT_OUT:
            continue
        if isinstance(value, list):
            waiting.extend((name, one, dating) for one in value)
        elif isinstance(value, dict):
            begins = begins and ("start" in value or not _from_somewhen(name, value))
            ends = ends and ("end" in value or not _is_period(name, value))
            waiting.extend((inner, one, dating) for inner, one in value.items())
        elif isinstance(value, str) and _is_date(name, value):
            dates.append(value)
            dated = dated or dating
        elif isinstance(value, str):
            # What should say when, and cannot be read, says that nobody knows.
            begins = begins and not (_is_timely(name) or name.startswith("onset"))
            ends = ends and not _is_timely(name)
    return Times(tuple(dates), begins and dated, ends and dated)


def _is_period(name: str, value: Mapping[str, Json]) -> bool:
    named = name.lower().endswith("period") or "start" in value or "end" in value
    return named and "event" not in value


def _from_somewhen(name: str, value: Mapping[str, Json]) -> bool:
    """Whether something that does not say its start began at some time: also an onset by age."""
    return _is_period(name, value) or name.startswith("onset")


def _is_timely(name: str) -> bool:
    return name in _DATED_BY or name in _MOMENTS or name.endswith(_TIMELY)


def _is_date(name: str, value: str) -> bool:
    if name in _TEXTS:
        return False
    return _FORM.fullmatch(value) is not None or (
        _is_timely(name) and _YEAR.fullmatch(value) is not None
    )
