"""The private parts of index rows.

Exact times and identities, sealed into the rows that only show days. Every layout here is
fixed-width or JSON of a struct; the plain columns of a row are authenticated with them
(`PatientSecret.seal_row`), so that a changed cell is found when the row is used.
"""

import re
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from typing import Any, TypeVar

import msgspec

from pulsekey.primitives.clock import MICROS_PER_SECOND, micros
from pulsekey.primitives.errors import IntegrityError
from pulsekey.primitives.hashing import DIGEST_BYTES
from pulsekey.primitives.ids import Digest, PatientId, SeriesId
from pulsekey.signals.metric import Metric
from pulsekey.signals.series import OFFSET_UNKNOWN, Source
from pulsekey.vault.sealing import PatientSecret

DAY_MICROS = 86_400 * MICROS_PER_SECOND
OBJECT_BYTES_MAX = 1 << 29
KIND_MAX = 255
SAMPLES, PART = 1, 2
BASIS_UNKNOWN = -1
_BOUNDS = struct.Struct(">BBqqqqIIqq16s")
_PLACED = struct.Struct(">bh?")
"""What follows the bounds since a sample's time can become known later."""
_DATING = struct.Struct(">BBqqq16s")
_Private = TypeVar("_Private")


@dataclass(frozen=True, slots=True)
class Bounds:
    """What a segment holds, exactly. For a part, times are its whole block's."""

    kind: int
    floating: bool
    start_min: int
    start_max: int
    end_max: int
    received: int
    version_max: int
    rows: int
    first: int = 0
    """A part's first sample."""
    samples: int = 0
    """Samples a channel of the whole block."""
    value: bytes = bytes(16)
    """A keyed digest of the whole block."""
    basis: int = BASIS_UNKNOWN
    """A part's `Basis`; not noted for samples, nor by earlier versions of this program."""
    offset: int = OFFSET_UNKNOWN
    """A part's offset."""
    gone: bool = False
    """A part that only says that its block left this time for another."""

    def pack(self) -> bytes:
        return _BOUNDS.pack(
            self.kind,
            self.floating,
            self.start_min,
            self.start_max,
            self.end_max,
            self.received,
            self.version_max,
            self.rows,
            self.first,
            self.samples,
            self.value,
        ) + _PLACED.pack(self.basis, self.offset, self.gone)


@dataclass(frozen=True, slots=True)
class ObjectRow:
    """Where the bytes of a sealed object are."""

    kind: int
    name: str
    address: Digest
    pack: Digest
    at: int
    length: int
    key: bytes


@dataclass(frozen=True, slots=True)
class SegmentRow:
    """A segment as the index knows it, its private part opened."""

    series: SeriesId
    number: int
    patient: PatientId
    first_day: int
    last_day: int
    first_ordinal: int
    last_ordinal: int
    bounds: Bounds
    object: ObjectRow


@dataclass(frozen=True, slots=True)
class Summary:
    """What the list of series shows, and what an import has to know before it adds to one."""

    metric: Metric
    source: Source
    category: str
    first: int
    last: int
    latest_start: int
    updated: int
    latest_wall: int | None = None
    """The latest wall-clock time of a start; None where it was not noted."""
    movable: bool = True
    """Whether there may be times that floated or were declared once."""


@dataclass(frozen=True, slots=True)
class Dating:
    """When a document is dated and was received, and a keyed digest of what it says."""

    dated: bool
    floating: bool
    start: int
    end: int
    received: int
    value: bytes

    def pack(self) -> bytes:
        return _DATING.pack(
            self.dated, self.floating, self.start, self.end, self.received, self.value
        )


@dataclass(frozen=True, slots=True)
class ImportNote:
    """The private part of an import: when it came in and what it added."""

    received: int
    new: int
    known: int
    changed: int


SEGMENT_COLUMNS = (
    "s.series, s.number, s.patient, s.first_day, s.last_day, s.first_ordinal, s.last_ordinal,"
    " s.sealed, o.kind, o.name, o.address, o.pack, o.at, o.length, o.key"
    " FROM segments s JOIN objects o ON o.patient = s.patient AND o.seq = s.object"
)
"""What `segment_row` reads, as the start of a SELECT."""


def object_row(columns: Sequence[Any]) -> ObjectRow:
    """Return where an object is, or raise `IntegrityError` for what no object ever had.

    A damaged page of the index can hold anything, a NULL or a float included.
    """
    kind, name, address, pack, at, length, key = columns
    numbers = all(isinstance(number, int) and number >= 0 for number in (kind, at, length))
    digests = all(isinstance(d, bytes) and len(d) == DIGEST_BYTES for d in (address, pack))
    if not isinstance(name, str) or not isinstance(key, bytes) or not numbers or not digests:
        raise IntegrityError(f"object {name}: its row was changed")
    if kind > KIND_MAX or length > OBJECT_BYTES_MAX:
        raise IntegrityError(f"object {name}: its row was changed")
    return ObjectRow(kind, name, Digest(address), Digest(pack), at, length, key)


def segment_row(secret: PatientSecret, row: tuple[Any, ...]) -> SegmentRow:
    """Open one row of `SEGMENT_COLUMNS`, or raise `IntegrityError`, which names the segment."""
    series, number, patient, first_day, last_day, first_ordinal, last_ordinal, sealed = row[:8]
    name = f"{series}/{number}"
    private = secret.open_row(
        sealed, "segment", name, patient, first_day, last_day, first_ordinal, last_ordinal
    )
    kind, floating, *others = _BOUNDS.unpack_from(private)
    if len(private) > _BOUNDS.size:
        others += _PLACED.unpack_from(private, _BOUNDS.size)
    where = object_row(row[8:])
    if where.name != name:
        raise IntegrityError(f"segment {name}: the index gives it the bytes of another")
    bounds = Bounds(kind, bool(floating), *others)
    return SegmentRow(
        SeriesId(series),
        number,
        PatientId(patient),
        first_day,
        last_day,
        first_ordinal,
        last_ordinal,
        bounds,
        where,
    )


def dating(private: bytes) -> Dating:
    """Return the private part of a document's row."""
    dated, floating, *others = _DATING.unpack(private)
    return Dating(bool(dated), bool(floating), *others)


def structured(private: bytes, kind: type[_Private]) -> _Private:
    """Return the private part of a row that holds JSON."""
    try:
        return msgspec.json.decode(private, type=kind)
    except msgspec.MsgspecError:
        raise IntegrityError("a row of the index whose private part cannot be read") from None


def day_of(at: int) -> int:
    """Return the UTC day that `at` falls into, counted from 1970."""
    return at // DAY_MICROS


_DATE_TIME = re.compile(
    r"(\d{4})(?:-(\d\d)(?:-(\d\d)(?:T(\d\d):(\d\d)(?::(\d\d)(?:\.(\d{1,9}))?)?"
    r"(Z|[+-]\d\d:\d\d)?)?)?)?",
    re.ASCII,
)


def span_of(date: str) -> tuple[int, int, bool] | None:
    """Return the first and last microsecond of a FHIR dateTime, and if it is floating.

    None for what is not a date. Source: FHIR R4 datatypes, `date`
    and `dateTime`.
    """
    found = _DATE_TIME.fullmatch(date)
    if found is None:
        return None
    year, month, day, hour, minute, second, fraction, zone = found.groups()
    try:
        if second == "60":  # A leap second is the last one that this calendar has.
            second = "59"
        start = datetime(
            int(year),
            int(month or 1),
            int(day or 1),
            int(hour or 0),
            int(minute or 0),
            int(second or 0),
            tzinfo=_zone(zone),
        )
        start += timedelta(microseconds=int((fraction or "0").ljust(6, "0")[:6]))
        if month is None:
            after = start.replace(year=start.year + 1)
        elif day is None:
            after = (start + timedelta(days=31)).replace(day=1)
        elif hour is None:
            after = start + timedelta(days=1)
        elif second is None:
            after = start + timedelta(minutes=1)
        elif fraction is None:
            after = start + timedelta(seconds=1)
        else:
            after = start + timedelta(microseconds=10 ** max(6 - len(fraction), 0))
    except (ValueError, OverflowError):
        return None
    return micros(start), micros(after) - 1, zone is None


def _zone(zone: str | None) -> timezone:
    if zone is None or zone == "Z":
        return UTC
    shift = timedelta(hours=int(zone[1:3]), minutes=int(zone[4:6]))
    return timezone(-shift if zone[0] == "-" else shift)
