"""When two samples of a series are the same one, whatever zone was declared at which import. Pure.

The rule: what a clock on a wall showed is what a sample without a zone, or with a declared one, is
found by; an instant that a device or an exporter wrote is found by that instant. So a declared time
moves to the zone that was declared last, a floating one to any that is known, and two recorded
instants never become one, though a wall clock showed the same at both. Every version of a sample
has the wall-clock time of its first, as long as its offset was known. See docs/decisions/0031.
"""

from dataclasses import dataclass, replace

import numpy as np

from pulsekey.primitives.clock import MICROS_PER_SECOND
from pulsekey.signals.grade import Reason
from pulsekey.signals.series import Basis, Grades, Int64s, Series, Times
from pulsekey.vault.joining import joined, newest_versions, rows_at, taken, times_at
from pulsekey.vault.matching import CHANGED, KNOWN, NEW, TIME_COLUMNS, Columns, Match, match, paired
from pulsekey.vault.records import Added
from pulsekey.vault.segment import Rows
from pulsekey.vault.walls import DECLARED, FIRM, FLOATS, Bools, ahead_micros, ranks, walls

CLOCK_CHANGES_MICROS = tuple(minutes * 60 * MICROS_PER_SECOND for minutes in (30, 60, 120))
"""By how much a zone's clocks change: at Lord Howe, nearly everywhere, and at Troll."""


@dataclass(frozen=True, slots=True, eq=False)
class Facts:
    """What n samples are found by: their times, and int64[n, k] of what they say."""

    times: Times
    values: Int64s

    def __len__(self) -> int:
        return len(self.values)

    def at(self, places: Int64s) -> "Facts":
        return Facts(times_at(self.times, places), self.values[places])


@dataclass(frozen=True, slots=True, eq=False)
class Stored:
    """Rows that are stored already, in all versions: `ordinals`, `versions`, `gone` as in `Rows`.

    `replaceable` bool[m] marks samples that may get another value.
    """

    facts: Facts
    ordinals: Int64s
    versions: Int64s
    gone: Bools
    replaceable: Bools


@dataclass(frozen=True, slots=True, eq=False)
class Recognised:
    """What has to be written, sorted by start; which stored ordinals were named; the counts."""

    rows: Rows
    named: Int64s
    added: Added


def recognise(series: Series, values: Int64s, stored: Stored, next_ordinal: int) -> Recognised:
    """Say what has to be written of `series`, sorted by start, one of `by_rank`.

    `values` int64[n, k] is what its samples say, in the terms of `stored`, which holds every row
    whose start or wall-clock time one of them has.
    """
    incoming = Facts(series.times, values)
    live = np.zeros(len(stored.ordinals), np.bool_)
    live[newest_versions(stored.ordinals, stored.versions, stored.gone)] = True
    known = stored
    if stored.gone.any():
        here = np.flatnonzero(~stored.gone)
        known, live = _at(stored, here), live[here]
    level = int(ranks(series.times.basis[:1])[0])
    if level == FIRM:
        found = _by_instant(incoming, known, live)
    else:
        found = _by_wall(incoming, known, live, moving=level == DECLARED)
    return _written(series, found, known, next_ordinal)


def _at(stored: Stored, places: Int64s) -> Stored:
    return Stored(
        stored.facts.at(places),
        stored.ordinals[places],
        stored.versions[places],
        stored.gone[places],
        stored.replaceable[places],
    )


def _by_instant(incoming: Facts, stored: Stored, live: Bools) -> Match:
    """Match recorded instants with each other, then with samples whose time may still move."""
    firm = ranks(stored.facts.times.basis) == FIRM
    found = match(
        _identities(incoming, comparable=np.ones(len(incoming), np.bool_)),
        _identities(stored.facts, comparable=firm),
        stored.ordinals,
        live & firm & stored.replaceable,
    )
    if not firm.all():
        named = np.isin(stored.ordinals, stored.ordinals[found.stored[found.stored >= 0]])
        _claim(found, incoming, stored, live & ~firm & ~named)
    return found


def _by_wall(incoming: Facts, stored: Stored, live: Bools, *, moving: bool) -> Match:
    """Match by wall-clock time. `moving`: a zone is declared that stored samples have to take."""
    found = match(
        _on_the_wall(incoming),
        _on_the_wall(stored.facts),
        stored.ordinals,
        live & stored.replaceable,
    )
    if (incoming.times.end > incoming.times.start).any():
        named = np.isin(stored.ordinals, stored.ordinals[found.stored[found.stored >= 0]])
        _claim_over_clock_changes(found, incoming, stored, live & ~named)
    about = np.flatnonzero((found.outcome == KNOWN) & (found.stored >= 0))
    if moving and len(about):
        newest = _newest_of(stored, live, found.stored[about])
        about, newest = about[newest >= 0], newest[newest >= 0]
        # An older value says nothing of a newer version's time.
        same = (incoming.values[about] == stored.facts.values[newest]).all(axis=1)
        about, newest = about[same], newest[same]
        # The first of several equal rows decides.
        newest, first = np.unique(newest, return_index=True)
        about = about[first]
        theirs = stored.facts.times
        moves = (ranks(theirs.basis[newest]) == FLOATS) | (
            (ranks(theirs.basis[newest]) == DECLARED)
            & (
                (theirs.start[newest] != incoming.times.start[about])
                | (theirs.end[newest] != incoming.times.end[about])
            )
        )
        found.outcome[about[moves]] = CHANGED
        found.stored[about[moves]] = newest[moves]
    return found


def _claim(found: Match, incoming: Facts, stored: Stored, candidates: Bools) -> None:
    """Let instants that are new so far take samples of equal wall-clock time, one to one."""
    _, clear = walls(incoming.times)
    mine, theirs = _on_the_wall(incoming), _on_the_wall(stored.facts)
    for count, allowed in (
        (len(mine), candidates),
        (TIME_COLUMNS, candidates & stored.replaceable),
    ):
        left = np.flatnonzero((found.outcome == NEW) & clear)
        free = np.flatnonzero(allowed & ~_taken(found, len(candidates)))
        free = free[np.argsort(stored.ordinals[free], kind="stable")]
        if len(left) and len(free):
            a, b = paired(_rows_of(mine[:count], left), _rows_of(theirs[:count], free))
            found.outcome[left[a]] = CHANGED
            found.stored[left[a]] = free[b]
    _claim_over_clock_changes(found, incoming, stored, candidates)


def _claim_over_clock_changes(
    found: Match, incoming: Facts, stored: Stored, candidates: Bools
) -> None:
    """Find intervals that are as long as a stored one but for a change of the clocks within them.

    A day from midnight to midnight has 24 hours on a wall, and may have 23 where a zone is known.
    """
    mine, theirs = _on_the_wall(incoming), _on_the_wall(stored.facts)
    spans = incoming.times.end - incoming.times.start
    stored_spans = stored.facts.times.end - stored.facts.times.start
    mine, theirs = (mine[0], *mine[2:]), (theirs[0], *theirs[2:])  # Without the end.
    for count, allowed, outcome in (
        (len(mine), candidates, KNOWN),
        (TIME_COLUMNS - 1, candidates & stored.replaceable, CHANGED),
    ):
        left = np.flatnonzero((found.outcome == NEW) & (spans > 0))
        free = np.flatnonzero(allowed & (stored_spans > 0) & ~_taken(found, len(candidates)))
        if not len(left) or not len(free):
            return
        free = free[np.argsort(stored.ordinals[free], kind="stable")]
        a, b = paired(_rows_of(mine[:count], left), _rows_of(theirs[:count], free))
        a, b = left[a], free[b]
        longer = np.abs(spans[a] - stored_spans[b])
        # Two floating times, or two of the same zone, have no change of clocks between them.
        placed = (incoming.times.start[a] != stored.facts.times.start[b]) | (
            incoming.times.basis[a] != stored.facts.times.basis[b]
        )
        fits = np.isin(longer, CLOCK_CHANGES_MICROS) & placed
        firm = ranks(incoming.times.basis[a[fits]]) == FIRM
        found.outcome[a[fits]] = np.where(firm, CHANGED, outcome)
        found.stored[a[fits]] = b[fits]


def _taken(found: Match, count: int) -> Bools:
    out = np.zeros(count, np.bool_)
    out[found.stored[found.stored >= 0]] = True
    return out


def _newest_of(stored: Stored, live: Bools, rows: Int64s) -> Int64s:
    """Return for each of `rows` the live row of the same sample, -1 where there is none."""
    newest = np.flatnonzero(live)
    newest = newest[np.argsort(stored.ordinals[newest])]
    if len(newest) == 0:
        return np.full(len(rows), -1, np.int64)
    wanted = stored.ordinals[rows]
    at = np.minimum(np.searchsorted(stored.ordinals[newest], wanted), len(newest) - 1)
    return np.where(stored.ordinals[newest[at]] == wanted, newest[at], -1)


def _written(series: Series, found: Match, stored: Stored, next_ordinal: int) -> Recognised:
    """Return the versions to write, and for those that leave a time a row there that says so."""
    kept = np.flatnonzero(found.outcome != KNOWN)
    about = found.stored[kept]
    fresh = found.outcome[kept] == NEW
    ordinals, versions = np.empty(len(kept), np.int64), np.ones(len(kept), np.int64)
    new = int(fresh.sum())
    ordinals[fresh] = next_ordinal + np.arange(new)
    old = about[~fresh]
    ordinals[~fresh] = stored.ordinals[old]
    versions[~fresh] = stored.versions[old] + 1
    rows = Rows(taken(series, kept), ordinals, versions)
    dated = 0
    if len(old):
        rows, dated = _placed(rows, np.flatnonzero(~fresh), stored.facts.at(old).times)
    named = stored.ordinals[found.stored[found.stored >= 0]]
    changed = len(kept) - new
    return Recognised(rows, named, Added(new, len(series) - new - changed, changed, dated))


def _placed(rows: Rows, places: Int64s, old: Times) -> tuple[Rows, int]:
    """Give the next versions at `places` the better of two times. `old` are the stored ones.

    Returns the rows with those that say where samples were, and how many times became known.
    """
    series, times = rows.series, rows.series.times
    mine, theirs = ranks(times.basis[places]), ranks(old.basis)
    stays = (mine < theirs) | ((mine == theirs) & (mine == FIRM))
    differs = (times.start[places] != old.start) | (times.end[places] != old.end)
    # Row k of `stands` is where the time of row k stands, in the given times and the old ones.
    stands = np.arange(len(rows))
    stands[places[stays]] = len(rows) + np.flatnonzero(stays)
    times = times_at(
        Times(
            np.concatenate((times.start, old.start)),
            np.concatenate((times.end, old.end)),
            np.concatenate((times.offset, old.offset)),
            np.concatenate((times.basis, old.basis)),
        ),
        stands,
    )
    grades = series.grades
    if grades is not None:
        # Judged as floating, kept at a time that is known.
        certain = stays & ~np.isin(old.basis, (Basis.FLOATING, Basis.EXPORT))
        reasons = grades.reasons.copy()
        reasons[places[certain]] &= np.uint32(~int(Reason.UNCERTAIN_TIME) & 0xFFFF_FFFF)
        grades = Grades(grades.grade, reasons)
    whole = replace(rows, series=replace(series, times=times, grades=grades))
    left = np.flatnonzero(differs & ~stays)
    if len(left):
        was = rows_at(rows, places[left])
        gone = Rows(
            replace(was.series, times=times_at(old, left)),
            was.ordinals,
            was.versions,
            np.ones(len(left), np.bool_),
        )
        whole = joined((whole, gone))
    order = np.lexsort((whole.series.times.end, whole.series.times.start))
    return rows_at(whole, order), int((~stays & (differs | (mine > theirs))).sum())


def _identities(facts: Facts, *, comparable: Bools) -> Columns:
    times = facts.times
    return times.start, times.end, (~comparable).astype(np.int64), *facts.values.T


def _on_the_wall(facts: Facts) -> Columns:
    start, known = walls(facts.times)
    end = facts.times.end + ahead_micros(facts.times)
    return start, end, (~known).astype(np.int64), *facts.values.T


def _rows_of(columns: Columns, places: Int64s) -> Columns:
    return [column[places] for column in columns]
