"""Series: one metric of one patient from one source over time, as columns.

A value is an integer mantissa with a decimal scale (value = mantissa / 10**scale), so that FHIR
decimals stay exact. A time is int64 microseconds in UTC, the local offset and the basis of both.
All columns of a series have the same length n; arrays are read-only by convention and never changed
in place.
"""

from dataclasses import dataclass, replace
from decimal import Decimal
from enum import IntEnum
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from pulsekey.primitives.errors import MalformedInput
from pulsekey.signals.metric import Code, Metric

Int64s = NDArray[np.int64]
Int32s = NDArray[np.int32]
Int16s = NDArray[np.int16]
Int8s = NDArray[np.int8]
UInt8s = NDArray[np.uint8]
UInt32s = NDArray[np.uint32]

OFFSET_UNKNOWN = -32_768
SCALE_MAX = 18
"""Apple writes doubles with all of their digits, so twelve would not do."""


class Basis(IntEnum):
    """Where the time zone of a sample comes from."""

    RECORDED = 0
    """The device recorded it with the sample."""
    DECLARED = 1
    """Somebody named the zone: the wall clock is what was measured, the instant follows from it."""
    EXPORT = 2
    """The exporter's zone at the time of the export, not the event's. The instant is right."""
    FLOATING = 3
    """Unknown: `start` and `end` count local wall time, not comparable with UTC."""
    NAMED = 4
    """The device recorded the instant; somebody named the zone, and only the offset is theirs."""


class Comparator(IntEnum):
    """FHIR Quantity.comparator."""

    NONE = 0
    LESS = 1
    LESS_OR_EQUAL = 2
    GREATER_OR_EQUAL = 3
    GREATER = 4


class Absence(IntEnum):
    """Why there is no value. NONE: there is one."""

    NONE = 0
    SENSOR = 1
    """The device's own sentinel for 'no value'."""
    NOT_MEASURED = 2


@dataclass(frozen=True, slots=True)
class Source:
    """Where a series comes from. `key` is stable over exports: no memory address, no file name."""

    key: str
    name: str
    manufacturer: str = ""
    model: str = ""
    hardware: str = ""
    software: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class Times:
    """When each sample was.

    `start` and `end` int64[n] microseconds (equal for points), `offset` int16[n] minutes, `basis`
    uint8[n].
    """

    start: Int64s
    end: Int64s
    offset: Int16s
    basis: UInt8s


@dataclass(frozen=True, slots=True, eq=False)
class Quantities:
    """One component's values.

    `mantissa` int64[n], `scale` int8[n], `comparator` uint8[n], `absent` uint8[n]; where a value
    was converted, `unit` uint8[n] is 1 + its index in `Series.units` (0: not converted) and
    `given_mantissa`, `given_scale` hold what was given.
    """

    mantissa: Int64s
    scale: Int8s
    comparator: UInt8s
    absent: UInt8s
    unit: UInt8s
    given_mantissa: Int64s
    given_scale: Int8s


@dataclass(frozen=True, slots=True, eq=False)
class Grades:
    """`grade` uint8[n] of `Grade`, `reasons` uint32[n] of `Reason` bits."""

    grade: UInt8s
    reasons: UInt32s


@dataclass(frozen=True, slots=True, eq=False)
class Series:
    """A series of any shape but the waveform. `components` follow `metric.components`.

    A categorical component's mantissa is an index into its `answers`. `labels` holds one code a row
    where a session is of one kind among many (its activity).
    """

    metric: Metric
    source: Source
    times: Times
    components: tuple[Quantities, ...]
    units: tuple[str, ...] = ()
    labels: tuple[Code, ...] | None = None
    grades: Grades | None = None

    def __len__(self) -> int:
        return len(self.times.start)

    def graded(self, grades: Grades) -> "Series":
        return replace(self, grades=grades)


@dataclass(frozen=True, slots=True, eq=False)
class Channel:
    """One lead of a block: value = raw * factor + origin, in `unit` (UCUM), as in SampledData.

    `raw` int32[n]; `lost` is the raw value that stands for 'no value', if there is one.
    """

    code: Code
    unit: str
    factor: Decimal
    origin: Decimal
    raw: Int32s
    lost: int | None = None
    lower: int | None = None
    upper: int | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Block:
    """A stretch of waveform without a gap: all channels have the same length and rate."""

    start: int
    offset: int
    basis: Basis
    rate_hz: Fraction
    channels: tuple[Channel, ...]
    grades: Grades | None = None
    """One grade a window of `GRADE_WINDOW_SECONDS`, the last one shorter."""


GRADE_WINDOW_SECONDS = 10


@dataclass(frozen=True, slots=True, eq=False)
class Waveform:
    """A waveform series: blocks in the order of their start."""

    metric: Metric
    source: Source
    blocks: tuple[Block, ...]


def quantities(mantissa: Int64s, scale: Int8s | int) -> Quantities:
    """Return values as given: no comparator, none absent, none converted."""
    n = len(mantissa)
    scales = np.full(n, scale, np.int8) if isinstance(scale, int) else scale
    zeros = np.zeros(n, np.uint8)
    return Quantities(
        mantissa, scales, zeros, zeros, zeros, np.zeros(n, np.int64), np.zeros(n, np.int8)
    )


def floats(values: Quantities) -> NDArray[np.float64]:
    """Return float64[n] for numerics: absent values are NaN. Never stored, never rendered."""
    out = values.mantissa / np.power(10.0, values.scale)
    out[values.absent != 0] = np.nan
    return out


def check(series: Series) -> Series:
    """Return `series` if its columns agree, or raise `MalformedInput`."""
    n = len(series)
    lengths = {n, len(series.times.end), len(series.times.offset), len(series.times.basis)}
    for component in series.components:
        lengths |= {len(getattr(component, name)) for name in Quantities.__dataclass_fields__}
    if len(lengths) != 1:
        raise MalformedInput("columns of different lengths", where=series.metric.name)
    if len(series.components) != len(series.metric.components):
        raise MalformedInput("components that the metric does not have", where=series.metric.name)
    if (series.times.end < series.times.start).any():
        raise MalformedInput("an end before its start", where=series.metric.name)
    return series
