"""Blood pressures of an Apple export, which stand in it three times each.

The one rule: one reading becomes one panel. Both halves stand as records of their own and again
inside a correlation; a half that repeats what is known of its source and time is the same half.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from pulsekey.ingest import decimals
from pulsekey.ingest.apple import types
from pulsekey.ingest.apple.records import CHECK_DATE, CHECK_VALUE, Lane, moment
from pulsekey.ingest.apple.sessions import value_of
from pulsekey.ingest.apple.tags import Place
from pulsekey.ingest.columns import ABSENT, Several
from pulsekey.ingest.items import Item
from pulsekey.ingest.refusals import Refusals
from pulsekey.primitives.errors import MalformedInput
from pulsekey.primitives.messages import Said
from pulsekey.signals.catalogue import BLOOD_PRESSURE
from pulsekey.signals.series import Source

READINGS_MAX: Final = 200_000
"""One a day for five centuries."""
AT_ONCE_MAX: Final = 8
"""So many different readings of one source in one second are kept apart."""


@dataclass(slots=True)
class _Reading:
    """The halves of the readings of one source at one time, as written."""

    measured_by: Source
    zone: str
    unit: str
    systolic: list[str] = field(default_factory=list)
    diastolic: list[str] = field(default_factory=list)


@dataclass(slots=True)
class Pressures:
    """Halves of blood pressures, kept until the end of the export brings the last of them."""

    _readings: dict[tuple[str, str, str], _Reading] = field(default_factory=dict)

    def add(self, lane: Lane, start: str, end: str, value: str, zone: str, place: Place) -> None:
        """Take in one half; raise `MalformedInput` if there are more than anybody measures."""
        key = (lane.source.key, start, end)
        found = self._readings.get(key)
        if found is None:
            if len(self._readings) >= READINGS_MAX:
                raise MalformedInput(
                    Said("more than {most} blood pressures", most=READINGS_MAX),
                    where=place.where,
                    cure="send the export in parts",
                )
            found = self._readings[key] = _Reading(lane.source, zone, lane.given_unit)
        half = found.diastolic if lane.kind == types.DIASTOLIC else found.systolic
        if value not in half and len(half) < AT_ONCE_MAX:
            # One character more than is legible, so that what is cut off cannot become legible.
            half.append(value[: decimals.TEXT_MAX + 1])

    def rest(self, several: Several, refusals: Refusals) -> Iterator[Item]:
        """Yield all of them as panels; a half without its other half keeps an absent component."""
        for (_, start, end), reading in self._readings.items():
            when = moment(start, end, reading.zone)
            if when is None:
                problem = "a date that does not exist"
                yield from refusals.one("a blood pressure", problem, CHECK_DATE)
                continue
            sides = (reading.systolic, reading.diastolic)
            for place in range(max(map(len, sides))):
                halves = [
                    ABSENT if place >= len(side) else value_of(side[place], reading.unit, "mm[Hg]")
                    for side in sides
                ]
                values = tuple(half for half in halves if half is not None)
                if len(values) < len(halves):
                    problem = "a value that cannot be read"
                    yield from refusals.one("a blood pressure", problem, CHECK_VALUE)
                    continue
                yield from several.add(BLOOD_PRESSURE, reading.measured_by, when, values)
        self._readings.clear()
