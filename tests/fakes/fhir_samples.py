"""Opened records of every shape, as the gate would hand them to the FHIR edge."""

from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal
from fractions import Fraction

import numpy as np

from pulsekey.primitives.clock import Micros
from pulsekey.primitives.ids import ImportId, PatientId, SeriesId
from pulsekey.signals.category import Category
from pulsekey.signals.metric import Code, Metric
from pulsekey.signals.series import (
    Basis,
    Block,
    Channel,
    Grades,
    Quantities,
    Series,
    Source,
    Times,
    quantities,
)
from pulsekey.vault.records import BlockHead, BlockRecord, DocumentRecord, Samples, SeriesEntry

PATIENT = PatientId("pat2kzq7bdqxq6o7xw4s2q6m4a")
SERIES = SeriesId("ser3mzq7bdqxq6o7xw4s2q6m4a")
WATCH = Source("watch-1", 'Ann\'s "Watch" 100%', "Acme", "W 2")
NEW_YEAR = 1_767_225_600_000_000
"""2026-01-01T00:00:00Z in microseconds."""
MINUTE = 60_000_000


def times(
    starts: Sequence[int],
    *,
    lasting: int = 0,
    offset: int = 60,
    basis: Basis | Sequence[Basis] = Basis.RECORDED,
) -> Times:
    start = np.array(starts, np.int64)
    bases = np.broadcast_to(np.array(basis, np.uint8), start.shape).copy()
    return Times(start, start + lasting, np.full(len(start), offset, np.int16), bases)


def numbers(mantissa: Sequence[int], scale: int | Sequence[int] = 0) -> Quantities:
    scales = np.broadcast_to(np.array(scale, np.int8), (len(mantissa),)).copy()
    return quantities(np.array(mantissa, np.int64), scales)


def samples(
    metric: Metric,
    at: Times,
    *components: Quantities,
    units: tuple[str, ...] = (),
    labels: tuple[Code, ...] | None = None,
    grades: Sequence[tuple[int, int]] | None = None,
    first_ordinal: int = 0,
) -> Samples:
    """Return samples with ordinals in order, version 1, all stored at NEW_YEAR."""
    n = len(at.start)
    judged = None
    if grades is not None:
        judged = Grades(
            np.array([grade for grade, _ in grades], np.uint8),
            np.array([reasons for _, reasons in grades], np.uint32),
        )
    series = Series(metric, WATCH, at, components, units, labels, judged)
    return Samples(
        entry(metric, n),
        series,
        np.arange(first_ordinal, first_ordinal + n, dtype=np.int64),
        np.ones(n, np.int64),
        np.full(n, NEW_YEAR, np.int64),
    )


def entry(metric: Metric, count: int = 1) -> SeriesEntry:
    return SeriesEntry(
        SERIES,
        PATIENT,
        metric,
        WATCH,
        metric.category,
        count,
        Micros(NEW_YEAR),
        Micros(NEW_YEAR),
        Micros(NEW_YEAR),
    )


def changed(values: Quantities, **columns: Sequence[int]) -> Quantities:
    """Return `values` with whole columns replaced."""
    arrays = {
        name: np.array(column, getattr(values, name).dtype) for name, column in columns.items()
    }
    return replace(values, **arrays)


def block(
    metric: Metric,
    leads: Sequence[Code],
    raw: Sequence[int],
    *,
    rate: Fraction = Fraction(250),
    grades: Grades | None = None,
    basis: Basis = Basis.DECLARED,
    lost: int | None = None,
    limits: tuple[int, int] | None = None,
) -> BlockRecord:
    lower, upper = limits or (None, None)
    data = np.array(raw, np.int32)
    channels = tuple(
        Channel(lead, "mV", Decimal("0.005"), Decimal("-5.120"), data, lost, lower, upper)
        for lead in leads
    )
    whole = Block(NEW_YEAR, 0, basis, rate, channels, grades)
    end = NEW_YEAR + int(len(raw) * 1_000_000 / rate)
    head = BlockHead(entry(metric), 3, 2, Micros(NEW_YEAR), Micros(end), len(raw), Micros(NEW_YEAR))
    return BlockRecord(head, 0, whole)


def document(
    resource_type: str,
    content: bytes,
    *,
    name: str = "doc4mzq7bdqxq6o7xw4s2q6m4a",
    category: Category = Category.LABORATORY,
    date: str = "",
) -> DocumentRecord:
    return DocumentRecord(
        name,
        1,
        PATIENT,
        resource_type,
        "urn:uuid:source",
        category,
        content,
        "",
        date,
        (),
        Micros(NEW_YEAR),
        ImportId("import"),
    )
