"""What an Apple export tells as a whole: a workout with its statistics, and a day in three rings.

The one rule: a heart rate never becomes part of an exercise; it is a metric of its own category.
"""

import re
from dataclasses import dataclass, field
from typing import Final

import numpy as np

from pulsekey.ingest import decimals, local_time, units
from pulsekey.ingest.apple import types
from pulsekey.ingest.apple.records import moment
from pulsekey.ingest.apple.sources import source
from pulsekey.ingest.columns import ABSENT, Moment, Value
from pulsekey.ingest.refusals import Refusals
from pulsekey.primitives.clock import MICROS_PER_SECOND
from pulsekey.signals import catalogue
from pulsekey.signals.activity import activity
from pulsekey.signals.metric import Code
from pulsekey.signals.series import Source

DAY_MICROS: Final = 86_400 * MICROS_PER_SECOND
STATISTICS_MAX: Final = 64
SUMMARY: Final = Source("apple-health|activity-summary", "Apple Health")

_DAY_PARTS: Final = (
    ("activeEnergyBurned", "activeEnergyBurnedUnit"),
    ("activeEnergyBurnedGoal", "activeEnergyBurnedUnit"),
    ("appleExerciseTime", "min"),
    ("appleExerciseTimeGoal", "min"),
    ("appleStandHours", "count"),
    ("appleStandHoursGoal", "count"),
)
_ENTRIES: Final = frozenset({"HKTimeZone", "HKElevationAscended"})
_WORD = re.compile(r"[A-Z][a-z0-9]*")


@dataclass(slots=True)
class Workout:
    """One workout as written: its attributes, its metadata and its statistics."""

    told: dict[str, str]
    entries: dict[str, str] = field(default_factory=dict)
    statistics: list[dict[str, str]] = field(default_factory=list)

    def add_statistic(self, told: dict[str, str]) -> None:
        if len(self.statistics) < STATISTICS_MAX:
            self.statistics.append(told)

    def add_entry(self, key: str, value: str) -> None:
        if key in _ENTRIES:
            self.entries[key] = value

    def moment(self) -> Moment | None:
        """Return when it was, None where its dates are not legible."""
        begun, ended = self.told.get("startDate", ""), self.told.get("endDate", "")
        return moment(begun, ended, self.entries.get("HKTimeZone", ""))

    def measured_by(self) -> Source:
        told = self.told
        return source(
            told.get("sourceName", ""), told.get("device", ""), told.get("sourceVersion", "")
        )

    def label(self) -> Code:
        """Return what was done: `HKWorkoutActivityTypeTaiChi` is tai-chi."""
        name = self.told.get("workoutActivityType", "").removeprefix("HKWorkoutActivityType")
        return activity("-".join(_WORD.findall(name)).lower())

    def parts(self, refusals: Refusals) -> tuple[Value, ...]:
        """Return the components of the workout metric; statistics without a place are counted."""
        told = self.told
        ascended, _, ascent_unit = self.entries.get("HKElevationAscended", "").partition(" ")
        given = {
            types.WORKOUT_DURATION: (told.get("duration"), told.get("durationUnit", "")),
            types.WORKOUT_DISTANCE: (
                told.get("totalDistance"),
                told.get("totalDistanceUnit", ""),
            ),
            types.WORKOUT_ENERGY: (
                told.get("totalEnergyBurned"),
                told.get("totalEnergyBurnedUnit", ""),
            ),
            types.WORKOUT_ASCENT: (ascended or None, ascent_unit),
        }
        for statistic in self.statistics:
            kind = statistic.get("type", "")
            if kind in types.WORKOUT_PARTS and "sum" in statistic:
                place = types.WORKOUT_PARTS[kind]
                given[place] = (statistic["sum"], statistic.get("unit", ""))
            elif kind != types.HEART_RATE:
                cure = "nothing to do: the samples that it was computed from are read"
                refusals.kind(kind, "a statistic of a workout that is not read", cure)
        values: list[Value] = []
        for place, component in enumerate(catalogue.WORKOUT.components):
            text, unit = given.get(place, (None, ""))
            assert component.unit is not None
            values.append(_or_absent(text, unit, component.unit.ucum, refusals))
        return tuple(values)

    def heart(self, refusals: Refusals) -> tuple[Value, ...] | None:
        """Return average, minimum and maximum heart rate, None where there is no such statistic."""
        for statistic in self.statistics:
            if statistic.get("type") == types.HEART_RATE:
                unit = statistic.get("unit", "")
                return tuple(
                    _or_absent(statistic.get(name), unit, "/min", refusals)
                    for name in ("average", "minimum", "maximum")
                )
        return None


def day(told: dict[str, str], zone: str) -> tuple[Moment, tuple[Value, ...]] | None:
    """Return one ActivitySummary: a local day, floating unless a zone was declared."""
    stamps = local_time.read_local([f"{told.get('dateComponents', '')} 00:00:00"])
    if not stamps.legible.all():
        return None
    wall = stamps.wall
    times = local_time.wall_times(wall, wall + DAY_MICROS, zone)
    columns = (times.start, times.end, times.offset, times.basis)
    components = catalogue.ACTIVITY_DAY.components
    values: list[Value] = []
    for (name, unit), component in zip(_DAY_PARTS, components, strict=True):
        assert component.unit is not None
        given = told.get(unit, unit)
        value = value_of(told[name], given, component.unit.ucum) if name in told else None
        values.append(value or ABSENT)
    return Moment(*(int(np.asarray(column)[0]) for column in columns)), tuple(values)


def value_of(text: str, given_unit: str, ours: str) -> Value | None:
    """Return one quantity in our unit, None where its text or its unit cannot be read."""
    number = decimals.one(text)
    by = units.conversion(given_unit, ours)
    if number is None or by is None:
        return None
    if by.identity:
        return Value(*number)
    converted = units.convert_one(*number, by)
    return None if converted is None else Value(*converted, given_unit, *number)


def _or_absent(text: str | None, unit: str, ours: str, refusals: Refusals) -> Value:
    if text is None:
        return ABSENT
    value = value_of(text, unit, ours)
    if value is None:
        cure = "set the app to a usual unit, and export again"
        refusals.kind("Workout", "a part whose value or unit is not known", cure)
        return ABSENT
    return value
