"""Segments.

Up to 4,096 samples of one series, or a part of one waveform block, as compressed columns. A segment
says by itself what it holds (metric, source, units, labels), so that it can be read without the
index. Layout 1 of the plain bytes, little-endian, all of it one zstd frame: version, kind, flags,
rows, number of columns, length of the description; the description as JSON; the columns.
"""

import struct
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from fractions import Fraction
from typing import TypeVar

import msgspec
import numpy as np
import zstandard
from numpy.typing import NDArray

from pulsekey.primitives.errors import IntegrityError, MalformedInput
from pulsekey.signals.metric import Code, Metric
from pulsekey.signals.series import (
    Basis,
    Block,
    Channel,
    Grades,
    Int32s,
    Int64s,
    Quantities,
    Series,
    Source,
    Times,
)
from pulsekey.vault import columns

ROWS_MAX = 4_096
PART_SAMPLES_MAX = 65_536
"""The longest part of a waveform block, a channel."""
PLAIN_BYTES_MAX = 1 << 28
LAYOUT = 1
HEAD = struct.Struct("<HBBIHI")
SAMPLES, PART = 1, 2
GRADED = 1
_LEVEL = 1

START, SPAN, OFFSET, BASIS, ORDINAL, VERSION, GRADE, REASONS, LABEL, GONE = range(1, 11)
COMPONENT, COMPONENT_STEP = 16, 8
"""Column numbers of component c: 16 + 8 c, in the order of the fields of `Quantities`."""
COMPONENTS_MAX = 100
_QUANTITY_TYPES: dict[str, type[np.signedinteger] | type[np.unsignedinteger]] = {
    "mantissa": np.int64,
    "scale": np.int8,
    "comparator": np.uint8,
    "absent": np.uint8,
    "unit": np.uint8,
    "given_mantissa": np.int64,
    "given_scale": np.int8,
}
_Described = TypeVar("_Described")
Column = NDArray[np.signedinteger] | NDArray[np.unsignedinteger]


@dataclass(frozen=True, slots=True)
class Description:
    """What all rows of a segment share."""

    metric: Metric
    source: Source
    units: tuple[str, ...] = ()
    labels: tuple[Code, ...] | None = None
    """The codes that the label column indexes, or None where samples have no label."""


@dataclass(frozen=True, slots=True, eq=False)
class Rows:
    """Samples with what the vault knows of them.

    `ordinals` int64[n], `versions` int64[n], from 1. `gone` bool[n], None where all are False,
    marks rows that only say that the sample left this time: its version stands at another one.
    """

    series: Series
    ordinals: Int64s
    versions: Int64s
    gone: NDArray[np.bool_] | None = None

    def __len__(self) -> int:
        return len(self.ordinals)


@dataclass(frozen=True, slots=True)
class ChannelFacts:
    """One lead of a part, without its samples."""

    code: Code
    unit: str
    factor: Decimal
    origin: Decimal
    lost: int | None
    lower: int | None
    upper: int | None


@dataclass(frozen=True, slots=True)
class PartFacts:
    """What all samples of a part share.

    `first` is its first sample's place in a block of `samples`.
    """

    metric: Metric
    source: Source
    start: int
    offset: int
    basis: int
    rate_hz: tuple[int, int]
    channels: tuple[ChannelFacts, ...]
    first: int
    samples: int
    grades: tuple[tuple[int, int], ...] | None = None
    """(grade, reasons) of each window of the whole block, with its first part only."""


@dataclass
class _Codecs(threading.local):
    """zstd contexts are not shared between threads. No slots: what stands in a slot is shared."""

    pack: zstandard.ZstdCompressor = field(
        default_factory=lambda: zstandard.ZstdCompressor(level=_LEVEL)
    )
    unpack: zstandard.ZstdDecompressor = field(default_factory=zstandard.ZstdDecompressor)


_codecs = _Codecs()


def compress(plain: bytes) -> bytes:
    """Return one zstd frame that states its size."""
    if len(plain) > PLAIN_BYTES_MAX:
        raise MalformedInput("a record larger than the vault keeps", cure="split it")
    return _codecs.pack.compress(plain)


def decompress(packed: bytes) -> bytes:
    """Return what `compress` was given. Called on authenticated bytes only."""
    try:
        if zstandard.frame_content_size(packed) > PLAIN_BYTES_MAX:
            raise IntegrityError("a segment larger than any that is written")
        return _codecs.unpack.decompress(packed)
    except zstandard.ZstdError:
        raise IntegrityError("a segment that does not decompress") from None


class RowsEncoder:
    """Encodes slices of one series: what is the same for all of it is found only once."""

    def __init__(self, rows: Rows) -> None:
        series = rows.series
        if len(series.components) > COMPONENTS_MAX:
            raise MalformedInput("too many components", where=series.metric.name)
        labels, places = label_table(series.labels)
        self._description = msgspec.json.encode(
            Description(series.metric, series.source, series.units, labels)
        )
        self._flags = 0 if series.grades is None else GRADED
        self._fixed: list[bytes] = []
        self._moving: list[tuple[int, Column]] = []
        seen_constant: dict[int, int] = {}
        # A list, so that every column lives and no two share an identity by chance.
        for number, column in list(_columns_of(rows, places)):
            # The columns that `quantities` makes are one shared array of zeros: look at it once.
            value = seen_constant.get(id(column))
            if value is None and len(column) and (column == column[0]).all():
                value = seen_constant[id(column)] = int(column[0])
            if value is None:
                self._moving.append((number, column))
            else:
                self._fixed.append(columns.constant(number, value))

    def encode(self, begin: int, end: int) -> bytes:
        """Return rows [begin, end) as compressed plain bytes."""
        heads, bodies = list(self._fixed), []
        for number, column in self._moving:
            head, body = columns.encode(number, column[begin:end].astype(np.int64))
            heads.append(head)
            bodies.append(body)
        head = HEAD.pack(
            LAYOUT, SAMPLES, self._flags, end - begin, len(heads), len(self._description)
        )
        return compress(b"".join((head, self._description, *heads, *bodies)))


def decode_rows(packed: bytes) -> Rows:
    """Return the samples of a segment, or raise `IntegrityError`."""
    flags, description, stored = _open(packed, SAMPLES)
    facts = _described(description, Description)
    try:
        start = stored[START]
        components = tuple(
            Quantities(
                **{
                    name: stored[COMPONENT + COMPONENT_STEP * c + k].astype(kind, copy=False)
                    for k, (name, kind) in enumerate(_QUANTITY_TYPES.items())
                }
            )
            for c in range(len(facts.metric.components))
        )
        grades = None
        if flags & GRADED:
            grades = Grades(stored[GRADE].astype(np.uint8), stored[REASONS].astype(np.uint32))
        labels = None
        if facts.labels is not None:
            table = facts.labels
            labels = tuple(table[place] for place in stored[LABEL].tolist())
        times = Times(
            start,
            start + stored[SPAN],
            stored[OFFSET].astype(np.int16),
            stored[BASIS].astype(np.uint8),
        )
        series = Series(facts.metric, facts.source, times, components, facts.units, labels, grades)
        gone = stored[GONE] != 0 if GONE in stored else None
        return Rows(series, stored[ORDINAL], stored[VERSION], gone)
    except (KeyError, IndexError):
        raise IntegrityError("a segment without a column that it needs") from None


def encode_part(metric: Metric, source: Source, block: Block, first: int, end: int) -> bytes:
    """Return samples [first, end) of a block, all channels, as compressed plain bytes.

    The grades of the whole block travel with its first part.
    """
    with_grades = first == 0 and block.grades is not None
    facts = PartFacts(
        metric,
        source,
        int(block.start),
        int(block.offset),
        int(block.basis),
        (block.rate_hz.numerator, block.rate_hz.denominator),
        tuple(
            ChannelFacts(c.code, c.unit, c.factor, c.origin, c.lost, c.lower, c.upper)
            for c in block.channels
        ),
        first,
        len(block.channels[0].raw),
        _windows(block.grades) if with_grades and block.grades is not None else None,
    )
    description = msgspec.json.encode(facts)
    pairs = [
        columns.encode(COMPONENT + index, channel.raw[first:end].astype(np.int64))
        for index, channel in enumerate(block.channels)
    ]
    head = HEAD.pack(LAYOUT, PART, 0, end - first, len(pairs), len(description))
    return compress(
        b"".join((head, description, *(h for h, _ in pairs), *(body for _, body in pairs)))
    )


def decode_part(packed: bytes) -> tuple[PartFacts, tuple[Int32s, ...]]:
    """Return a part's facts and its channels' raw int32[n], or raise `IntegrityError`."""
    _, description, stored = _open(packed, PART)
    facts = _described(description, PartFacts)
    try:
        raw = tuple(
            stored[COMPONENT + index].astype(np.int32) for index in range(len(facts.channels))
        )
    except KeyError:
        raise IntegrityError("a part of a waveform without one of its channels") from None
    return facts, raw


def block_of(facts: PartFacts, raw: tuple[Int32s, ...]) -> Block:
    """Return the block that `facts`, of a first part, describes, with samples joined over parts."""
    grades = None
    if facts.grades is not None:
        grades = Grades(
            np.array([grade for grade, _ in facts.grades], np.uint8),
            np.array([reasons for _, reasons in facts.grades], np.uint32),
        )
    return Block(
        facts.start,
        facts.offset,
        Basis(facts.basis),
        Fraction(*facts.rate_hz),
        tuple(
            Channel(c.code, c.unit, c.factor, c.origin, samples, c.lost, c.lower, c.upper)
            for c, samples in zip(facts.channels, raw, strict=True)
        ),
        grades,
    )


def label_table(labels: tuple[Code, ...] | None) -> tuple[tuple[Code, ...] | None, Int64s]:
    """Return each code once, in order of appearance, and int64[n] indices into them."""
    if labels is None:
        return None, np.zeros(0, np.int64)
    places: dict[Code, int] = {}
    indices = [places.setdefault(label, len(places)) for label in labels]
    return tuple(places), np.array(indices, np.int64)


def _windows(grades: Grades) -> tuple[tuple[int, int], ...]:
    return tuple(zip(grades.grade.tolist(), grades.reasons.tolist(), strict=True))


def _columns_of(rows: Rows, labels: Int64s) -> Iterator[tuple[int, Column]]:
    series = rows.series
    times = series.times
    yield START, times.start
    yield SPAN, times.end - times.start
    yield OFFSET, times.offset
    yield BASIS, times.basis
    yield ORDINAL, rows.ordinals
    yield VERSION, rows.versions
    if rows.gone is not None:
        yield GONE, rows.gone.view(np.uint8)
    if series.grades is not None:
        yield GRADE, series.grades.grade
        yield REASONS, series.grades.reasons
    if series.labels is not None:
        yield LABEL, labels
    for c, component in enumerate(series.components):
        for k, name in enumerate(_QUANTITY_TYPES):
            yield COMPONENT + COMPONENT_STEP * c + k, getattr(component, name)


def _open(packed: bytes, wanted: int) -> tuple[int, bytes, Mapping[int, Int64s]]:
    """Return the flags, the description and the columns."""
    plain = decompress(packed)
    if len(plain) < HEAD.size:
        raise IntegrityError("a segment without a header")
    layout, kind, flags, rows, count, described = HEAD.unpack_from(plain)
    if (layout, kind) != (LAYOUT, wanted):
        raise IntegrityError("a segment of an unknown layout or of another kind")
    body = HEAD.size + described
    stored = columns.decode_all(memoryview(plain)[body:], count, rows)
    return flags, plain[HEAD.size : body], stored


def _described(description: bytes, kind: type[_Described]) -> _Described:
    try:
        return msgspec.json.decode(description, type=kind)
    except msgspec.MsgspecError:
        raise IntegrityError("a segment whose description cannot be read") from None
