"""Columns of several segments as one: joined, put in order, each ordinal in its newest version.

Pure.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from pulsekey.signals.metric import Code
from pulsekey.signals.series import Grades, Int64s, Quantities, Series, Times, UInt8s
from pulsekey.vault.segment import Rows

_QUANTITIES = tuple(Quantities.__dataclass_fields__)


def taken(series: Series, places: Int64s) -> Series:
    """Return the rows of `series` at `places`, in that order."""
    return Series(
        series.metric,
        series.source,
        times_at(series.times, places),
        tuple(
            Quantities(*(getattr(c, name)[places] for name in _QUANTITIES))
            for c in series.components
        ),
        series.units,
        None if series.labels is None else tuple(series.labels[k] for k in places.tolist()),
        None
        if series.grades is None
        else Grades(series.grades.grade[places], series.grades.reasons[places]),
    )


def times_at(times: Times, places: Int64s) -> Times:
    """Return some times, in the order of `places`."""
    return Times(times.start[places], times.end[places], times.offset[places], times.basis[places])


def rows_at(rows: Rows, places: Int64s) -> Rows:
    """Return some rows, in the order of `places`."""
    gone = None if rows.gone is None else rows.gone[places]
    return Rows(taken(rows.series, places), rows.ordinals[places], rows.versions[places], gone)


def joined(parts: Sequence[Rows]) -> Rows:
    """Return the rows of at least one part, one after the other.

    The source and the metric are the last part's; each part's units are mapped onto common ones. A
    part without grades among graded ones counts as good, one without labels as labelled with
    nothing.
    """
    if len(parts) == 1:
        return parts[0]
    series = [part.series for part in parts]
    units: dict[str, int] = {}
    for one in series:
        for unit in one.units:
            units.setdefault(unit, len(units) + 1)
    components = tuple(
        _joined_component([one.components[c] for one in series], series, units)
        for c in range(len(series[0].components))
    )
    times = Times(
        *(
            np.concatenate([getattr(one.times, name) for one in series])
            for name in ("start", "end", "offset", "basis")
        )
    )
    grades = None
    if any(one.grades is not None for one in series):
        each = [one.grades or _good(len(one)) for one in series]
        grades = Grades(
            np.concatenate([g.grade for g in each]), np.concatenate([g.reasons for g in each])
        )
    labels = None
    if any(one.labels is not None for one in series):
        none = Code("", "", "")
        labels = tuple(code for one in series for code in (one.labels or (none,) * len(one)))
    last = series[-1]
    gone = None
    if any(part.gone is not None for part in parts):
        gone = np.concatenate([gone_of(part) for part in parts])
    whole = Series(last.metric, last.source, times, components, tuple(units), labels, grades)
    return Rows(
        whole,
        np.concatenate([part.ordinals for part in parts]),
        np.concatenate([part.versions for part in parts]),
        gone,
    )


def newest_versions(
    ordinals: Int64s, versions: Int64s, gone: NDArray[np.bool_] | None = None
) -> Int64s:
    """Return the places of each ordinal's newest version; none for a sample that left.

    A sample that left one time for another has two rows of that version: the one that is not
    `gone` wins where both are given.
    """
    if (versions == 1).all():
        # First versions only, and an ordinal has one of those: nothing is superseded.
        return np.arange(len(ordinals))
    keys = (versions, ordinals) if gone is None else (~gone, versions, ordinals)
    order = np.lexsort(keys)
    if len(order) == 0:
        return order
    ordered = ordinals[order]
    last = order[np.r_[ordered[1:] != ordered[:-1], True]]
    return last if gone is None else last[~gone[last]]


def gone_of(rows: Rows) -> NDArray[np.bool_]:
    """Return bool[n]: which rows say that their sample left."""
    return np.zeros(len(rows), np.bool_) if rows.gone is None else rows.gone


def _joined_component(
    parts: Sequence[Quantities], series: Sequence[Series], units: dict[str, int]
) -> Quantities:
    mapped: list[UInt8s] = []
    for part, one in zip(parts, series, strict=True):
        table = np.array([0, *(units[unit] for unit in one.units)], np.uint8)
        mapped.append(table[part.unit])
    columns: dict[str, NDArray[np.generic]] = {
        name: np.concatenate([getattr(part, name) for part in parts]) for name in _QUANTITIES
    }
    columns["unit"] = np.concatenate(mapped)
    return Quantities(**columns)  # type: ignore[arg-type]


def _good(count: int) -> Grades:
    return Grades(np.zeros(count, np.uint8), np.zeros(count, np.uint32))
