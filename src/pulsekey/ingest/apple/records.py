"""Apple's records to samples: thousands at a time, sorted into lanes by what they have in common.

The one rule: a record is read exactly or refused with its number; a whole type that we have no
metric for, or a unit that we do not know, is counted and told once.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from pulsekey.ingest import decimals, local_time, units
from pulsekey.ingest.apple import types
from pulsekey.ingest.apple.sources import source
from pulsekey.ingest.apple.tags import Place, attributes
from pulsekey.ingest.columns import Gathering, Moment, Stretch
from pulsekey.ingest.decimals import Decimals
from pulsekey.ingest.items import Item
from pulsekey.ingest.local_time import Stamps
from pulsekey.ingest.refusals import Refusals
from pulsekey.primitives.messages import Said
from pulsekey.signals import catalogue
from pulsekey.signals.metric import Metric, Shape
from pulsekey.signals.series import Basis, Int64s, Quantities, Source, Times, quantities

Bools: TypeAlias = NDArray[np.bool_]

BATCH_ROWS: Final = 8_192
HEADS_MAX: Final = 20_000
"""So many ways to begin a record are remembered; a real export has one for each app start."""
CHECK_DATE: Final = "check the date in the app that wrote it"
CHECK_VALUE: Final = "correct it in the app that wrote it"
FRACTION_UNIT: Final = "1"

_NO_METRIC = "a type that there is no metric for"
_NO_METRIC_CURE = "nothing to do: it is left out until a later version knows it"
_NO_UNIT = "a unit that is not known for its type"
_NO_UNIT_CURE = "set the app to a usual unit, and export again"

Row: TypeAlias = tuple["Lane", str, str, str, str, int]
"""Lane, start, end, value and zone as written, and the number of the record."""


@dataclass(frozen=True, slots=True, eq=False)
class Lane:
    """Records that become samples of one series in one way.

    `answers` maps the values of a categorical metric to the texts of their numbers. `number` tells
    the lanes of one reading apart.
    """

    number: int
    metric: Metric
    source: Source
    conversion: units.Conversion
    given_unit: str
    kind: str
    answers: dict[str, str] | None = None
    fraction: bool = False
    pressure: bool = False


@dataclass(slots=True)
class Records:
    """The records of one export, on their way to series."""

    refusals: Refusals
    gathering: Gathering = field(default_factory=Gathering)
    _opened: int = 0
    _heads: dict[str, Lane | None] = field(default_factory=dict)
    _lanes: dict[tuple[str, str, str, str], Lane] = field(default_factory=dict)
    _rows: list[Row] = field(default_factory=list)
    _reasons: dict[str, tuple[str, str, str]] = field(default_factory=dict)

    def lane(self, head: str, place: Place) -> Lane | None:
        """Return the lane of records that begin with `head`; None, and counted, if it has none."""
        if head in self._heads:
            found = self._heads[head]
        else:
            if len(self._heads) >= HEADS_MAX:
                self._heads.clear()
                self._reasons.clear()
            found = self._heads[head] = self._open(head, place)
        if found is None:
            self.refusals.kind(*self._reasons[head])
        return found

    def add(self, row: Row) -> None:
        """Take one record in. Call `settle` when there are `BATCH_ROWS` of them."""
        self._rows.append(row)

    @property
    def full(self) -> bool:
        return len(self._rows) >= BATCH_ROWS

    def settle(self) -> Iterator[Item]:
        """Read the records that were taken in; yield series that are long enough, and refusals."""
        rows, self._rows = self._rows, []
        if not rows:
            return
        lanes, starts, ends, values, zones, numbers = map(list, zip(*rows, strict=True))
        start, end = _stamps(starts, ends)
        value = decimals.read(values)
        times = _times(start, end, zones)
        dated = start.legible & end.legible
        forward = times.end >= times.start
        keep = dated & forward & value.legible
        for bad in np.flatnonzero(~keep).tolist():
            where = Said("record {number}, {kind}", number=numbers[bad], kind=lanes[bad].kind)
            if not dated[bad]:
                yield from self.refusals.one(where, "a date that does not exist", CHECK_DATE)
            elif not forward[bad]:
                yield from self.refusals.one(where, "an end before its start", CHECK_DATE)
            else:
                yield from self.refusals.one(where, "a value that cannot be read", CHECK_VALUE)
        which = np.array([lane.number for lane in lanes], np.int64)
        # Sorted once and cut where the lane changes: to search for each lane would be quadratic.
        kept = np.flatnonzero(keep)
        sorted_rows = kept[np.argsort(which[kept], kind="stable")]
        cuts = np.flatnonzero(np.diff(which[sorted_rows])) + 1
        for at in np.split(sorted_rows, cuts) if len(sorted_rows) else ():
            lane = lanes[at[0]]
            sample = _chosen(times, at, point=lane.metric.shape is Shape.POINT)
            chosen = Decimals(value.mantissa[at], value.scale[at], value.legible[at])
            fit, quantities = self._converted(lane, chosen)
            for bad in at[~fit].tolist():
                where = Said("record {number}, {kind}", number=numbers[bad], kind=lane.kind)
                yield from self.refusals.one(where, "a value too large for its unit", CHECK_VALUE)
            if not fit.all():
                sample = _chosen(sample, np.flatnonzero(fit), point=False)
                quantities = _rows_of(quantities, fit)
            yield from self.gathering.add(lane.metric, lane.source, Stretch(sample, quantities))

    def rest(self) -> Iterator[Item]:
        """Yield everything that is still here."""
        yield from self.settle()
        yield from self.gathering.rest()

    def _open(self, head: str, place: Place) -> Lane | None:
        told = attributes(head, place)
        kind, unit = told["type"], told.get("unit", "")
        name = told["sourceName"]
        measured_by = source(name, told.get("device", ""), told.get("sourceVersion", ""))
        metric, choices = _metric_of(kind, unit, name)
        if metric is None:
            self._reasons[head] = (kind, _NO_METRIC, _NO_METRIC_CURE)
            return None
        key = (metric.name, measured_by.key, unit, kind)
        if key in self._lanes:
            return self._lanes[key]
        conversion: units.Conversion | None = units.IDENTITY
        fraction = False
        if choices is None:
            ours = metric.components[0].unit
            assert ours is not None
            fraction = ours.ucum == "%" and unit == "%"
            conversion = units.conversion(unit, ours.ucum)
        if conversion is None:
            self._reasons[head] = (kind, _NO_UNIT, _NO_UNIT_CURE)
            return None
        if len(self._lanes) >= HEADS_MAX:
            self._lanes.clear()
        self._opened += 1
        lane = self._lanes[key] = Lane(
            self._opened,
            metric,
            measured_by,
            units.PERCENT_OF_FRACTION if fraction else conversion,
            FRACTION_UNIT if fraction else unit,
            kind,
            None if choices is None else {text: str(at) for text, at in choices.items()},
            fraction,
            kind in {types.SYSTOLIC, types.DIASTOLIC},
        )
        return lane

    def _converted(self, lane: Lane, given: Decimals) -> tuple[Bools, Quantities]:
        """Return which values fit our unit, and all of them in it."""
        if lane.answers is not None or lane.conversion.identity:
            return given.legible, quantities(given.mantissa, given.scale)
        ours = units.convert(given, lane.conversion)
        unit = self.gathering.unit(lane.metric, lane.source, lane.given_unit)
        mark = np.full(len(given), unit, np.uint8)
        if lane.fraction:
            # Some apps write 97 where Apple writes 0.97. Above 1 it cannot be a fraction.
            whole = given.mantissa > np.power(10, given.scale.astype(np.int64))
            ours = Decimals(
                np.where(whole, given.mantissa, ours.mantissa),
                np.where(whole, given.scale, ours.scale),
                whole | ours.legible,
            )
            mark[whole] = 0
        zeros = np.zeros(len(given), np.uint8)
        converted = mark != 0
        return ours.legible, Quantities(
            ours.mantissa,
            ours.scale,
            zeros,
            zeros,
            mark,
            np.where(converted, given.mantissa, 0),
            np.where(converted, given.scale, 0).astype(np.int8),
        )


def moment(start: str, end: str, zone: str) -> Moment | None:
    """Return one pair of stamps, None where one is not legible or the end lies before the start."""
    first, last = local_time.read_shifted([start]), local_time.read_shifted([end])
    if not (first.legible.all() and last.legible.all()):
        return None
    times = _times(first, last, [zone])
    if times.end[0] < times.start[0]:
        return None
    return Moment(
        *(int(column[0]) for column in (times.start, times.end, times.offset, times.basis))
    )


def _metric_of(
    kind: str, unit: str, source_name: str
) -> tuple[Metric | None, Mapping[str, int] | None]:
    if kind in types.CHOICES:
        return types.CHOICES[kind]
    if kind == types.GLUCOSE:
        name = source_name.casefold()
        sensor = any(known in name for known in types.SENSOR_NAMES)
        if unit.startswith("mmol"):
            molar = catalogue.GLUCOSE_SENSOR_MOLAR if sensor else catalogue.GLUCOSE_BLOOD_MOLAR
            return molar, None
        return (catalogue.GLUCOSE_SENSOR if sensor else catalogue.GLUCOSE_BLOOD), None
    if kind in {types.SYSTOLIC, types.DIASTOLIC}:
        return catalogue.BLOOD_PRESSURE, None
    return types.QUANTITIES.get(kind), None


def _stamps(starts: list[str], ends: list[str]) -> tuple[Stamps, Stamps]:
    """Read both columns; an end that is written like its start is read once."""
    start = local_time.read_shifted(starts)
    other = [at for at, (first, last) in enumerate(zip(starts, ends, strict=True)) if first != last]
    if not other:
        return start, start
    rest = local_time.read_shifted([ends[at] for at in other])
    end = Stamps(start.wall.copy(), start.offset.copy(), start.legible.copy())
    end.wall[other], end.offset[other], end.legible[other] = rest.wall, rest.offset, rest.legible
    return start, end


def _times(start: Stamps, end: Stamps, zones: list[str]) -> Times:
    """Return instants with the exporter's offset, or that of the zone that a record names."""
    first, last = start.instant(), end.instant()
    offset = start.offset.copy()
    basis = np.full(len(first), Basis.EXPORT, np.uint8)
    if any(zones):
        named = np.array(zones)
        for name in np.unique(named).tolist():
            if name and local_time.known_zone(name):
                here = named == name
                offset[here] = local_time.offsets_at(first[here], local_time.zone(name))
                basis[here] = Basis.RECORDED
    return Times(first, last, offset, basis)


def _chosen(times: Times, at: Int64s, *, point: bool) -> Times:
    start = times.start[at]
    return Times(start, start if point else times.end[at], times.offset[at], times.basis[at])


def _rows_of(values: Quantities, fit: Bools) -> Quantities:
    return Quantities(
        values.mantissa[fit],
        values.scale[fit],
        values.comparator[fit],
        values.absent[fit],
        values.unit[fit],
        values.given_mantissa[fit],
        values.given_scale[fit],
    )
