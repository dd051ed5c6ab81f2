"""Daily totals in which the same steps count once, although phone and watch both counted them.

The sources are ranked, and a time belongs to the best source that has a row there; the next one
fills what is left, as Apple's Health does ("Manage Health data on your iPhone", Apple Support
108779: where sources overlap, the one highest in the list of data sources is used; a watch stands
above a phone). A row of which only a part is left counts in proportion, exactly, as a fraction:
counts are taken as spread evenly over their interval. The raw series are not touched.

What stays true, for every day: the total is at most the sum of all sources, at least the whole
total of the best source (its own repetitions counted once), and at least what any source counted
while no better one had a row. It may be less than a lesser source's total: preferring is a choice.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from fractions import Fraction
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from pulsekey.primitives.errors import MalformedInput
from pulsekey.quality.checks import SECOND
from pulsekey.signals.grade import Grade
from pulsekey.signals.metric import Shape
from pulsekey.signals.series import OFFSET_UNKNOWN, Basis, Int64s, Series, Source, Times

Bools: TypeAlias = NDArray[np.bool_]

DAY_MICROS = 86_400 * SECOND
EPOCH_DAY = date(1970, 1, 1)
DAYS_MAX = 50_000
"""A hundred and thirty years: a row may not pretend to be longer than a life."""

SUMMED = (
    "steps",
    "distance-on-foot",
    "distance-cycled",
    "distance-swum",
    "distance-by-wheelchair",
    "flights-climbed",
    "active-energy",
    "basal-energy",
)
"""The metrics that have a daily total."""


@dataclass(frozen=True, slots=True)
class Part:
    """A stretch of one source's rows, `begin` to `end` in local wall microseconds, and its count.

    `value` is less than the rows hold where better sources already had some of the stretch.
    """

    source: str
    begin: int
    end: int
    value: Fraction


@dataclass(frozen=True, slots=True)
class DailyTotal:
    """One local day.

    `value` is the sum of `parts`; `left_out` is what each source counted beside it.

    Reported values may be rounded; `value` is exact, in the unit of the metric.
    """

    metric: str
    unit: str
    day: date
    value: Fraction
    parts: tuple[Part, ...]
    left_out: Mapping[str, Fraction]


def preference(source: Source) -> int:
    """Return the rank of a source, least first: a watch or band, a phone, then anything else.

    Apple Support 108779, as in the module's docstring: devices worn all day come before a phone.
    """
    words = f"{source.name} {source.model} {source.hardware} {source.manufacturer}".lower()
    if any(word in words for word in ("watch", "band", "garmin", "fitbit", "oura", "whoop")):
        return 0
    return 1 if any(word in words for word in ("phone", "android", "pixel", "galaxy")) else 2


@dataclass(frozen=True, slots=True, eq=False)
class _Pieces:
    """Rows cut at local midnights, in wall time.

    `share` of `of` microseconds of a row's mantissa.
    """

    begin: Int64s
    end: Int64s
    of: Int64s
    mantissa: Int64s
    scale: Int64s
    day: Int64s


def daily_totals(
    sources: Sequence[Series], order: Sequence[str] | None = None
) -> tuple[DailyTotal, ...]:
    """Return the totals of all days on which any source has a row, in the order of the days.

    `sources` are interval series of one metric, of different sources (`Source.key`), in any order
    and unsorted. `order` lists source keys, best first; without it, `preference`, then the key.
    Rows graded unusable and absent values count nowhere. A day is local: by each row's own offset,
    UTC where it is unknown. Raises `MalformedInput` on series that cannot be summed.
    """
    if not sources:
        return ()
    _check_summable(sources)
    ranked = _ranked(sources, order)
    days: dict[int, list[Part]] = {}
    left: dict[int, dict[str, Fraction]] = {}
    taken: tuple[Int64s, Int64s] = (np.zeros(0, np.int64), np.zeros(0, np.int64))
    for series in ranked:
        pieces = _sorted(_pieces(series))
        own = _uncovered_by_own(pieces)
        free = np.maximum(own - _covered(pieces, own, taken), 0)
        free[_is_instant(pieces)] = _instants_free(pieces, taken)
        _account(series.source.key, pieces, free, days, left)
        taken = _union(
            np.concatenate((taken[0], pieces.begin)), np.concatenate((taken[1], pieces.end))
        )
    metric = ranked[0].metric
    unit = metric.components[0].unit
    return tuple(
        DailyTotal(
            metric.name,
            unit.ucum if unit is not None else "",
            EPOCH_DAY + timedelta(days=day),
            sum((part.value for part in days.get(day, ())), Fraction(0)),
            tuple(sorted(days.get(day, ()), key=lambda part: (part.begin, part.source))),
            left.get(day, {}),
        )
        for day in sorted(days.keys() | left.keys())
    )


def _check_summable(sources: Sequence[Series]) -> None:
    name = sources[0].metric.name
    keys = {series.source.key for series in sources}
    if len(keys) != len(sources):
        raise MalformedInput("one source given twice", where=name, cure="join its series first")
    for series in sources:
        if series.metric.name != name or series.metric.shape is not Shape.INTERVAL:
            raise MalformedInput("series that cannot be summed", where=series.metric.name)


def _ranked(sources: Iterable[Series], order: Sequence[str] | None) -> list[Series]:
    if order is None:
        return sorted(sources, key=lambda one: (preference(one.source), one.source.key))
    places = {key: place for place, key in enumerate(order)}
    return sorted(
        sources, key=lambda one: (places.get(one.source.key, len(places)), one.source.key)
    )


def _pieces(series: Series) -> _Pieces:
    """Cut the usable rows of a series at local midnights."""
    column = series.components[0]
    usable = column.absent == 0
    if series.grades is not None:
        usable &= series.grades.grade != Grade.UNUSABLE
    shift = _wall_shift(series.times)[usable]
    begin, end = series.times.start[usable] + shift, series.times.end[usable] + shift
    first = begin // DAY_MICROS
    # An interval that ends on midnight has no part of the next day.
    last = np.maximum(first, (end - 1) // DAY_MICROS)
    days = last - first + 1
    if len(days) and int(days.max()) > DAYS_MAX:
        raise MalformedInput("an interval longer than a life", where=series.metric.name)
    row = np.repeat(np.arange(len(begin)), days)
    nth = np.arange(len(row)) - np.repeat(np.cumsum(days) - days, days)
    day = first[row] + nth
    return _Pieces(
        np.maximum(begin[row], day * DAY_MICROS),
        np.minimum(end[row], (day + 1) * DAY_MICROS),
        (end - begin)[row],
        column.mantissa[usable][row],
        column.scale[usable][row].astype(np.int64),
        day,
    )


def _wall_shift(times: Times) -> Int64s:
    known = (times.basis != Basis.FLOATING) & (times.offset != OFFSET_UNKNOWN)
    return np.where(known, times.offset.astype(np.int64), 0) * (60 * SECOND)


def _sorted(pieces: _Pieces) -> _Pieces:
    # Where rows overlap within one source, the earlier one counts, and of two the longer one.
    # The rest only makes the order one: pieces cut at midnight may agree in all but their row.
    order = np.lexsort((pieces.scale, pieces.of, pieces.mantissa, -pieces.end, pieces.begin))
    return _Pieces(*(getattr(pieces, name)[order] for name in _Pieces.__dataclass_fields__))


def _uncovered_by_own(pieces: _Pieces) -> Int64s:
    """Return how much of each piece no earlier piece of the same source covers: int64[n].

    Pieces are sorted by their begin, so what earlier ones leave free is the end of a piece.
    """
    if len(pieces.begin) == 0:
        return np.zeros(0, np.int64)
    reached = np.concatenate((pieces.begin[:1], np.maximum.accumulate(pieces.end)[:-1]))
    free: Int64s = np.maximum(pieces.end - np.maximum(pieces.begin, reached), 0)
    return free


def _covered(pieces: _Pieces, own: Int64s, taken: tuple[Int64s, Int64s]) -> Int64s:
    """Return how much of the free end of each piece better sources already have."""
    return _length_before(pieces.end, taken) - _length_before(pieces.end - own, taken)


def _length_before(at: Int64s, taken: tuple[Int64s, Int64s]) -> Int64s:
    """Return how much of the disjoint, rising intervals `taken` lies before each moment."""
    begins, ends = taken
    if len(begins) == 0:
        return np.zeros(len(at), np.int64)
    total = np.concatenate(([0], np.cumsum(ends - begins)))
    index = np.searchsorted(begins, at, side="right")
    inside = np.minimum(at, ends[np.maximum(index - 1, 0)]) - begins[np.maximum(index - 1, 0)]
    return np.where(index > 0, total[np.maximum(index - 1, 0)] + inside, 0)


def _is_instant(pieces: _Pieces) -> Bools:
    return np.equal(pieces.of, 0)


def _instants_free(pieces: _Pieces, taken: tuple[Int64s, Int64s]) -> Int64s:
    """Return 1 for each row without length that stands in no better interval, and repeats none."""
    instant = _is_instant(pieces)
    at, mantissa = pieces.begin[instant], pieces.mantissa[instant]
    index = np.searchsorted(taken[0], at, side="right")
    ends = np.append(taken[1], np.iinfo(np.int64).min)
    inside = (index > 0) & (at < ends[np.maximum(index - 1, 0)])
    repeats = np.zeros(len(at), np.bool_)
    repeats[1:] = (at[1:] == at[:-1]) & (mantissa[1:] == mantissa[:-1])
    return np.where(inside | repeats, 0, 1).astype(np.int64)


def _union(begins: Int64s, ends: Int64s) -> tuple[Int64s, Int64s]:
    """Return disjoint, rising intervals that cover the same time; those without length vanish."""
    long = ends > begins
    order = np.argsort(begins[long], kind="stable")
    begin, end = begins[long][order], ends[long][order]
    if len(begin) == 0:
        return begin, end
    reached = np.maximum.accumulate(end)
    opens = np.concatenate(([True], begin[1:] > reached[:-1]))
    closes = np.concatenate((opens[1:], [True]))
    return begin[opens], reached[closes]


def _account(
    key: str,
    pieces: _Pieces,
    free: Int64s,
    days: dict[int, list[Part]],
    left: dict[int, dict[str, Fraction]],
) -> None:
    """Add what `pieces` count in their free time to `days`, and the rest to `left`."""
    whole = np.maximum(pieces.of, 1)
    length = np.where(_is_instant(pieces), 1, pieces.end - pieces.begin)
    # A part is a stretch of pieces of one day that touch each other and all count.
    counts = free > 0
    touches = np.zeros(len(free), np.bool_)
    touches[1:] = (
        counts[1:]
        & counts[:-1]
        & (pieces.day[1:] == pieces.day[:-1])
        & (pieces.begin[1:] <= pieces.end[:-1])
    )
    columns = (pieces.day, pieces.begin, pieces.end, pieces.mantissa, pieces.scale)
    rows = zip(
        *(column.tolist() for column in (*columns, whole, length, free, touches)), strict=True
    )
    for day, begin, end, mantissa, scale, of, long, given, goes_on in rows:
        unit = of * 10**scale
        if given:
            value = Fraction(mantissa * given, unit)
            parts = days.setdefault(day, [])
            if goes_on and parts and parts[-1].source == key:
                before = parts.pop()
                parts.append(Part(key, before.begin, max(end, before.end), before.value + value))
            else:
                parts.append(Part(key, begin, end, value))
        if given < long:
            rest = Fraction(mantissa * (long - given), unit)
            of_day = left.setdefault(day, {})
            of_day[key] = of_day.get(key, Fraction(0)) + rest
