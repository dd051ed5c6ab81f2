"""How a query finds its rows.

Which segments and documents the index names, in which order, and what fits. Works on index rows and
times only; nothing is opened here.
"""

import sqlite3
from collections.abc import Callable, Iterator, Sequence
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from pulsekey.primitives.errors import MalformedInput
from pulsekey.primitives.ids import SeriesId
from pulsekey.primitives.messages import Said
from pulsekey.signals.series import Basis, Int64s, Times
from pulsekey.vault.documents import (
    CLINICAL,
    JOINED,
    OBJECT_COLUMNS,
    ROW_COLUMNS,
    code_token,
    open_row,
    type_token,
)
from pulsekey.vault.records import (
    EAST_MICROS,
    WEST_MICROS,
    BlockQuery,
    Cursor,
    DocumentQuery,
    Order,
    SampleQuery,
    Window,
)
from pulsekey.vault.rows import SAMPLES, SEGMENT_COLUMNS, Dating, SegmentRow, day_of, segment_row
from pulsekey.vault.sealing import PatientSecret

ALTERNATIVES_MAX = 1_000
"""How many types, ids or codes one query may name."""

FETCHED_AT_ONCE = 16
CODED_FEW = 200
_ALWAYS = 1 << 62
_FIRST_DAY = 6
"""Where a document's first day stands in `ROW_COLUMNS`."""

DocumentPlace: TypeAlias = tuple[int, int, str]
"""Undated or not, signed start, id: what documents are ordered by."""


def segments(
    reader: sqlite3.Connection,
    secret: PatientSecret,
    series: SeriesId,
    kind: int,
    query: SampleQuery | BlockQuery,
) -> Iterator[SegmentRow]:
    """Yield a series' segments that may hold a match, in the order of `edge`.

    The index knows days only: a day's rows are fetched together and put in order by their exact
    times.
    """
    newest = query.order is Order.NEWEST
    low, high = starts(query.windows, query.after, query.order)
    ends = max((w.end_min for w in query.windows if w.end_min is not None), default=-_ALWAYS)
    order = "s.last_day DESC" if newest else "s.first_day"
    cursor = reader.execute(
        f"SELECT {SEGMENT_COLUMNS} WHERE s.series = ? AND s.last_day >= ?"
        f" AND s.first_day <= ? ORDER BY {order}",
        (series, day_of(low), day_of(high)),
    )
    by_edge = edge(query.order)
    today: list[SegmentRow] = []
    while rows := cursor.fetchmany(FETCHED_AT_ONCE):
        for raw in rows:
            row = segment_row(secret, raw)
            bounds = row.bounds
            if bounds.kind != kind:
                continue
            # A block's next version may end elsewhere: which one is asked about, the caller knows.
            if kind == SAMPLES and bounds.end_max < ends:
                continue
            if bounds.start_max < low or bounds.start_min > high:
                continue
            if today and _day(today[0], newest=newest) != _day(row, newest=newest):
                yield from sorted(today, key=by_edge)
                today.clear()
            today.append(row)
    yield from sorted(today, key=by_edge)


def edge(order: Order) -> Callable[[SegmentRow], int]:
    """Return what segments are ordered by: the first place that any of their rows can have."""
    if order is Order.NEWEST:
        return lambda row: -row.bounds.start_max
    return lambda row: row.bounds.start_min


def starts(windows: Sequence[Window], after: Cursor | None, order: Order) -> tuple[int, int]:
    """Return the earliest and the latest start that a match can have."""
    lows = [w.start_min for w in windows if w.start_min is not None]
    highs = [w.start_max for w in windows if w.start_max is not None]
    highs += [w.end_max for w in windows if w.end_max is not None]
    if after is not None:
        (highs if order is Order.NEWEST else lows).append(after.start)
    return max(lows, default=-_ALWAYS), min(highs, default=_ALWAYS)


def matching(
    times: Times, ordinals: Int64s, series: SeriesId, query: SampleQuery
) -> NDArray[np.bool_]:
    """Return which rows satisfy every window and come after the cursor: bool[n]."""
    fits = np.ones(len(ordinals), np.bool_)
    if not query.windows and query.after is None:
        return fits
    floating = times.basis == Basis.FLOATING
    early = np.where(floating, EAST_MICROS, 0)
    late = np.where(floating, WEST_MICROS, 0)
    for window in query.windows:
        if window.start_min is not None:
            fits &= times.start - early >= window.start_min
        if window.start_max is not None:
            fits &= times.start + late <= window.start_max
        if window.end_min is not None:
            fits &= times.end - early >= window.end_min
        if window.end_max is not None:
            fits &= times.end + late <= window.end_max
    if query.after is not None:
        fits &= _beyond(times.start, ordinals, series, query.after, query.order)
    return fits


def span_matches(windows: Sequence[Window], start: int, end: int, *, floating: bool) -> bool:
    """Whether one span satisfies every window, whatever its zone is if that is unknown."""
    early, late = (EAST_MICROS, WEST_MICROS) if floating else (0, 0)
    return all(
        (w.start_min is None or start - early >= w.start_min)
        and (w.start_max is None or start + late <= w.start_max)
        and (w.end_min is None or end - early >= w.end_min)
        and (w.end_max is None or end + late <= w.end_max)
        for w in windows
    )


def block_matches(row: SegmentRow, query: BlockQuery) -> bool:
    """Whether the block that a first part belongs to matches."""
    bounds = row.bounds
    if not span_matches(query.windows, bounds.start_min, bounds.end_max, floating=bounds.floating):
        return False
    if query.after is None:
        return True
    place = (bounds.start_min, row.series, row.first_ordinal)
    after = (query.after.start, query.after.id, query.after.ordinal)
    return place < after if query.order is Order.NEWEST else place > after


def documents(
    reader: sqlite3.Connection, secret: PatientSecret, query: DocumentQuery
) -> Iterator[tuple[DocumentPlace, tuple[object, ...]]]:
    """Yield the newest version of each document that matches, in the order of `document_place`.

    The index knows days only: a day's rows are opened together and put in order by their exact
    times, and days that nobody goes on to are not opened.
    """
    today: list[tuple[DocumentPlace, tuple[object, ...]]] = []
    # A cursor of documents holds the place itself.
    after = None if query.after is None else _document_cursor(query.after)
    for dated, row in _document_rows(reader, secret, query):
        place = document_place(dated, str(row[0]), query.order)
        if after is not None and place <= after:
            continue
        if today and today[0][1][_FIRST_DAY] != row[_FIRST_DAY]:
            yield from sorted(today)
            today.clear()
        today.append((place, row))
    yield from sorted(today)


def _document_rows(
    reader: sqlite3.Connection, secret: PatientSecret, query: DocumentQuery
) -> Iterator[tuple[Dating, tuple[object, ...]]]:
    """Yield matches day by day, then those without a date; no order within a day."""
    conditions, values = _document_conditions(reader, secret, query)
    newest = query.order is Order.NEWEST
    low, high = starts(query.windows, None, query.order)
    if query.after is None or not query.after.ordinal:
        if query.after is not None and newest:
            high = min(high, -query.after.start)
        elif query.after is not None:
            low = max(low, query.after.start)
        rows = reader.execute(
            f"{conditions} AND d.last_day >= ? AND d.first_day <= ?"
            f" ORDER BY d.first_day {'DESC' if newest else 'ASC'}",
            (*values, day_of(low), day_of(high)),
        )
        for row in rows:
            dated = open_row(secret, row)
            if span_matches(query.windows, dated.start, dated.end, floating=dated.floating):
                yield dated, row
    if query.undated or not query.windows:
        for row in reader.execute(f"{conditions} AND d.first_day IS NULL", values):
            yield open_row(secret, row), row


def _document_conditions(
    reader: sqlite3.Connection, secret: PatientSecret, query: DocumentQuery
) -> tuple[str, list[bytes | str]]:
    """Return the statement that finds documents whenever they are dated, and its values."""
    conditions = ["d.patient = ?"]
    values: list[bytes | str] = [query.patient]
    choices: list[tuple[str, list[bytes | str]]] = [
        ("d.category IN", list(secret.categories(query.categories)))
    ]
    if query.types is not None:
        choices.append(("d.type IN", [type_token(secret, CLINICAL, t) for t in query.types]))
    if query.ids is not None:
        choices.append(("d.id IN", list(query.ids)))
    for text, alternatives in choices:
        conditions.append(f"{text} ({_marks(len(alternatives))})")
        values += alternatives
    if query.codes is not None:
        conditions.append(
            "EXISTS (SELECT 1 FROM document_codes c WHERE c.patient = d.patient"  # noqa: S608 -- marks
            " AND c.document = d.id AND c.version = d.version"
            f" AND c.code IN ({_marks(len(query.codes))}))"
        )
        tokens = [code_token(secret, *pair) for pair in query.codes]
        values += tokens
        coded = reader.execute(
            f"SELECT DISTINCT document FROM document_codes WHERE patient = ?"  # noqa: S608 -- marks
            f" AND code IN ({_marks(len(tokens))}) LIMIT {CODED_FEW + 1}",
            (query.patient, *tokens),
        ).fetchall()
        if len(coded) <= CODED_FEW:
            # A rare code leads to its documents; a common one is looked for in the order of days.
            conditions.append(f"d.id IN ({_marks(len(coded))})")
            values += [document for (document,) in coded]
    conditions.append("d.version = (SELECT max(n.version) FROM documents n WHERE n.id = d.id)")
    text = f"SELECT {ROW_COLUMNS}, {OBJECT_COLUMNS} {JOINED} WHERE {' AND '.join(conditions)}"
    return text, values


def document_place(dated: Dating, name: str, order: Order) -> DocumentPlace:
    """Return where a document stands in an order: by start, then id; undated ones last."""
    start = dated.start if dated.dated else 0
    return int(not dated.dated), -start if order is Order.NEWEST else start, name


def _document_cursor(after: Cursor) -> DocumentPlace:
    return after.ordinal, after.start, after.id


def check_limit(limit: int, most: int) -> None:
    """Refuse a limit that no reader serves."""
    if not 1 <= limit <= most:
        raise MalformedInput("a limit out of range", cure=Said("1 to {most}", most=most))


def _beyond(
    start: Int64s, ordinals: Int64s, series: SeriesId, after: Cursor, order: Order
) -> NDArray[np.bool_]:
    if order is Order.NEWEST:
        past, first_of_tie, later = start < after.start, series < after.id, ordinals < after.ordinal
    else:
        past, first_of_tie, later = start > after.start, series > after.id, ordinals > after.ordinal
    tie = start == after.start
    if series == after.id:
        past |= tie & later
    elif first_of_tie:
        past |= tie
    return past


def _day(row: SegmentRow, *, newest: bool) -> int:
    return row.last_day if newest else row.first_day


def _marks(count: int) -> str:
    if count > ALTERNATIVES_MAX:
        raise MalformedInput(
            "too many alternatives", cure=Said("at most {most}", most=ALTERNATIVES_MAX)
        )
    return ", ".join("?" * count)
