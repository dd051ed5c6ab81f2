"""Rows of FIT integers on their way to columns: exact values, absent ones, local offsets.

A sentinel becomes an absent value where the same file has real ones too; a column of sentinels only
belongs to a sensor that is not there, and becomes nothing.
"""

from array import array
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import numpy as np
from numpy.typing import NDArray

from pulsekey.ingest.fit.profile import (
    OFFSET_SECONDS_MAX,
    OFFSET_STEP_SECONDS,
    OFFSET_TOLERANCE_SECONDS,
    Mapping,
)
from pulsekey.ingest.items import ROWS_MAX
from pulsekey.primitives.clock import Micros, utc
from pulsekey.primitives.errors import MalformedInput
from pulsekey.signals.catalogue import POSITION
from pulsekey.signals.metric import Code, Metric
from pulsekey.signals.series import (
    OFFSET_UNKNOWN,
    Absence,
    Basis,
    Int16s,
    Int64s,
    Quantities,
    Series,
    Source,
    Times,
)

NOTHING: Final = -(2**62)
"""Stands for 'no value' in a column of raw integers; no FIT field can hold it."""
RAW_MAX: Final = 2**40
"""No field that we map is wider; a value beyond it is not one."""
DEGREE_SCALE: Final = 9
"""A semicircle is 8e-8 degrees: nine decimals tell any two of them apart."""
FRACTION_SCALE: Final = 7
"""128ths have seven decimals."""
OFFSET_BUCKET_MICROS: Final = OFFSET_STEP_SECONDS * 1_000_000


@dataclass(frozen=True, slots=True)
class Origin:
    """Who recorded, at which offset if the file states it, and in which zone if one is declared."""

    source: Source
    offset_minutes: int | None
    zone: str


class Rows:
    """Rows of raw integers with their start and end, in flat arrays."""

    def __init__(self, width: int) -> None:
        self.start = array("q")
        self.end = array("q")
        self.raw = [array("q") for _ in range(width)]

    def add(self, start: int, end: int, *values: int | None) -> None:
        self.start.append(start)
        self.end.append(end)
        for column, value in zip(self.raw, values, strict=True):
            known = value is not None and -RAW_MAX < value < RAW_MAX
            column.append(value if known and value is not None else NOTHING)

    def positions(self, origin: Origin) -> Iterator[Series]:
        """Yield latitudes and longitudes in degrees, semicircles kept as given."""
        if all(value == NOTHING for column in self.raw for value in column):
            return
        columns = [_degrees(np.array(column, np.int64)) for column in self.raw]
        yield from _chunks(POSITION, origin, self, columns, ("{semicircle}",))

    def points(self, metric: Metric, origin: Origin) -> Iterator[Series]:
        """Yield the rows as they are, in the metric's own unit."""
        columns = [_plain(np.array(column, np.int64), 0) for column in self.raw]
        yield from _chunks(metric, origin, self, columns, ())


class Column:
    """One metric of a record."""

    def __init__(self, mapping: Mapping) -> None:
        self._mapping = mapping
        self._rows = Rows(2)

    def add(self, at: int, raw: int | None, fraction: int | None) -> None:
        self._rows.add(at, at, raw, fraction)

    def series(self, origin: Origin) -> Iterator[Series]:
        """Yield the column in chunks, or nothing if it has no value at all."""
        mapping = self._mapping
        raw = np.array(self._rows.raw[0], np.int64)
        if (raw == NOTHING).all():
            return
        values = _plain(np.where(raw == NOTHING, 0, raw * mapping.times - mapping.minus), 0)
        if mapping.fraction:
            values = _with_128ths(raw, np.array(self._rows.raw[1], np.int64))
        else:
            values = replace(values, scale=np.full(len(raw), mapping.scale, np.int8))
        values = _absent(values, raw == NOTHING)
        units: tuple[str, ...] = ()
        if mapping.given:
            units = (mapping.given,)
            values = _given(values, raw, mapping.given_scale)
        yield from _chunks(mapping.metric, origin, self._rows, [values], units)


def session_rows(
    metric: Metric,
    origin: Origin,
    rows: Sequence[tuple[int, int, tuple[int | None, ...]]],
    parts: Sequence[tuple[str, int]],
    labels: tuple[Code, ...] | None,
) -> Iterator[Series]:
    """Yield rows with a start and an end, one component for each of `parts` (field, scale)."""
    if not rows:
        return
    held = Rows(len(parts))
    for start, end, values in rows:
        held.add(start, end, *values)
    columns = []
    for column, (_, scale) in zip(held.raw, parts, strict=True):
        raw = np.array(column, np.int64)
        lacking = raw == NOTHING
        known = _plain(np.where(lacking, 0, raw), scale)
        columns.append(_absent(known, lacking, Absence.NOT_MEASURED))
    yield from _chunks(metric, origin, held, columns, (), labels=labels)


def recorded_offset(utc_seconds: int | None, local_seconds: int | None) -> int | None:
    """Return the offset in minutes that an activity message states, if it is one."""
    if utc_seconds is None or local_seconds is None:
        return None
    seconds = local_seconds - utc_seconds
    steps = round(seconds / OFFSET_STEP_SECONDS)
    rounded = steps * OFFSET_STEP_SECONDS
    if abs(rounded) > OFFSET_SECONDS_MAX or abs(seconds - rounded) > OFFSET_TOLERANCE_SECONDS:
        return None
    return rounded // 60


def _chunks(
    metric: Metric,
    origin: Origin,
    rows: Rows,
    columns: list[Quantities],
    units: tuple[str, ...],
    *,
    labels: tuple[Code, ...] | None = None,
) -> Iterator[Series]:
    start, end = np.array(rows.start, np.int64), np.array(rows.end, np.int64)
    for left in range(0, len(start), ROWS_MAX):
        part = slice(left, left + ROWS_MAX)
        yield Series(
            metric,
            origin.source,
            _times(start[part], end[part], origin),
            tuple(_cut(column, part) for column in columns),
            units,
            labels[part] if labels is not None else None,
        )


def _times(start: Int64s, end: Int64s, origin: Origin) -> Times:
    n = len(start)
    minutes = origin.offset_minutes
    if minutes is None and origin.zone:
        shifts = _offsets(start, origin.zone)
        return Times(start, end, shifts, np.full(n, Basis.NAMED, np.uint8))
    offset = np.full(n, OFFSET_UNKNOWN if minutes is None else minutes, np.int16)
    return Times(start, end, offset, np.full(n, Basis.RECORDED, np.uint8))


def _offsets(start: Int64s, zone: str) -> Int16s:
    """Return the offsets in a declared zone; zones change on quarters of an hour."""
    try:
        known = ZoneInfo(zone)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise MalformedInput(
            "an unknown time zone was declared", cure="name one as Europe/Paris"
        ) from None
    buckets, where = np.unique(start // OFFSET_BUCKET_MICROS, return_inverse=True)
    minutes = []
    for bucket in buckets.tolist():
        moment = utc(Micros(bucket * OFFSET_BUCKET_MICROS)).astimezone(known)
        shift = moment.utcoffset() or timedelta()
        minutes.append(round(shift.total_seconds() / 60))
    return np.array(minutes, np.int16)[where]


def _degrees(raw: Int64s) -> Quantities:
    lacking = raw == NOTHING
    known = np.where(lacking, 0, np.clip(raw, -(2**31), 2**31))
    # degrees = raw * 180 / 2**31; 45e9 * 2**31 would overflow, so whole degrees come first.
    whole, rest = np.divmod(known * 45, 2**29)
    fine = (rest * 10**DEGREE_SCALE + 2**28) >> 29
    values = _plain(whole * 10**DEGREE_SCALE + fine, DEGREE_SCALE)
    return _given(_absent(values, lacking), raw, 0)


def _with_128ths(raw: Int64s, fraction: Int64s) -> Quantities:
    whole = np.where(raw == NOTHING, 0, raw)
    part = np.where(fraction == NOTHING, 0, fraction)
    mantissa = whole * 10**FRACTION_SCALE + part * (10**FRACTION_SCALE // 128)
    scale = np.full(len(raw), FRACTION_SCALE, np.int8)
    for _ in range(FRACTION_SCALE):
        shorter = (mantissa % 10 == 0) & (scale > 0)
        mantissa = np.where(shorter, mantissa // 10, mantissa)
        scale = np.where(shorter, scale - 1, scale).astype(np.int8)
    return replace(_plain(mantissa, 0), scale=scale)


def _plain(mantissa: Int64s, scale: int) -> Quantities:
    n = len(mantissa)
    none = np.zeros(n, np.uint8)
    return Quantities(
        mantissa,
        np.full(n, scale, np.int8),
        none,
        none,
        none,
        np.zeros(n, np.int64),
        np.zeros(n, np.int8),
    )


def _absent(
    values: Quantities, lacking: NDArray[np.bool_], why: Absence = Absence.SENSOR
) -> Quantities:
    return replace(values, absent=np.where(lacking, why, 0).astype(np.uint8))


def _given(values: Quantities, raw: Int64s, scale: int) -> Quantities:
    present = values.absent == 0
    return replace(
        values,
        unit=present.astype(np.uint8),
        given_mantissa=np.where(present, raw, 0),
        given_scale=np.where(present, scale, 0).astype(np.int8),
    )


def _cut(values: Quantities, part: slice) -> Quantities:
    return Quantities(*(getattr(values, name)[part] for name in Quantities.__dataclass_fields__))
