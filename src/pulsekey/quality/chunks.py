"""Rows of series: cut out and put together. Columns are shared where they can be, never changed."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from pulsekey.primitives.errors import MalformedInput
from pulsekey.signals.series import Grades, Quantities, Series, Times, UInt8s

TIME_COLUMNS = tuple(Times.__dataclass_fields__)
VALUE_COLUMNS = tuple(Quantities.__dataclass_fields__)
UNITS_MAX = 255


def rows(series: Series, begin: int, end: int) -> Series:
    """Return rows `begin` to `end`, sharing the columns."""
    part = slice(begin, end)
    grades = series.grades
    return replace(
        series,
        times=Times(*(getattr(series.times, name)[part] for name in TIME_COLUMNS)),
        components=tuple(
            Quantities(*(getattr(component, name)[part] for name in VALUE_COLUMNS))
            for component in series.components
        ),
        labels=None if series.labels is None else series.labels[part],
        grades=None if grades is None else Grades(grades.grade[part], grades.reasons[part]),
    )


def concatenate(first: Series, second: Series) -> Series:
    """Return the rows of both, ungraded.

    Raises `MalformedInput` if they are not chunks of one series.
    """
    same = first.metric.name == second.metric.name and first.source.key == second.source.key
    if not same or (first.labels is None) != (second.labels is None):
        raise MalformedInput("chunks of different series", where=first.metric.name)
    units = first.units + tuple(unit for unit in second.units if unit not in first.units)
    if len(units) > UNITS_MAX:
        raise MalformedInput("more original units than a series can hold", where=first.metric.name)
    indices = np.array([0, *(1 + units.index(unit) for unit in second.units)], np.uint8)
    labels = None
    if first.labels is not None and second.labels is not None:
        labels = first.labels + second.labels
    return Series(
        metric=first.metric,
        source=first.source,
        times=Times(
            *(
                np.concatenate((getattr(first.times, name), getattr(second.times, name)))
                for name in TIME_COLUMNS
            )
        ),
        components=tuple(
            _joined(one, other, indices)
            for one, other in zip(first.components, second.components, strict=True)
        ),
        units=units,
        labels=labels,
    )


def _joined(one: Quantities, other: Quantities, indices: UInt8s) -> Quantities:
    moved = replace(other, unit=indices[other.unit])
    return Quantities(
        *(np.concatenate((getattr(one, name), getattr(moved, name))) for name in VALUE_COLUMNS)
    )


def joined(chunks: Sequence[Series]) -> Series:
    """Return all rows of at least one chunk, with their grades if every chunk has them."""
    whole = chunks[0]
    for chunk in chunks[1:]:
        whole = concatenate(whole, chunk)
    graded = [chunk.grades for chunk in chunks if chunk.grades is not None]
    if len(graded) < len(chunks):
        return replace(whole, grades=None)
    return whole.graded(
        Grades(
            np.concatenate([grades.grade for grades in graded]),
            np.concatenate([grades.reasons for grades in graded]),
        )
    )
