"""What a clock on the wall showed, and how much is known of a time. Pure.

The rule: a floating time counts what the wall showed; for any other, the wall is start and offset.
"""

import numpy as np
from numpy.typing import NDArray

from pulsekey.primitives.clock import MICROS_PER_SECOND
from pulsekey.signals.series import OFFSET_UNKNOWN, Basis, Int64s, Series, Times
from pulsekey.vault.joining import taken

Bools = NDArray[np.bool_]

REACH_MICROS = 14 * 3_600 * MICROS_PER_SECOND
"""A wall clock is at most this far from UTC, on either side."""

FLOATS, DECLARED, FIRM = 0, 1, 2
"""How much is known of a time: nothing, what somebody said, an instant that was written down."""

MICROS_PER_MINUTE = 60 * MICROS_PER_SECOND


def ranks(basis: NDArray[np.uint8]) -> Int64s:
    """Return int64[n] of FLOATS, DECLARED, FIRM."""
    out = np.full(len(basis), FIRM, np.int64)
    out[basis == Basis.DECLARED] = DECLARED
    out[basis == Basis.FLOATING] = FLOATS
    return out


def movable(basis: NDArray[np.uint8]) -> bool:
    """Whether any of these times may get a better one."""
    return bool(((basis == Basis.DECLARED) | (basis == Basis.FLOATING)).any())


def rank(basis: int) -> int:
    """Return FLOATS, DECLARED or FIRM."""
    return {Basis.FLOATING: FLOATS, Basis.DECLARED: DECLARED}.get(Basis(basis), FIRM)


def walls(times: Times) -> tuple[Int64s, Bools]:
    """Return what a clock on the wall showed at each start, int64[n], and whether it is known."""
    floating = times.basis == Basis.FLOATING
    known = floating | (times.offset != OFFSET_UNKNOWN)
    return times.start + ahead_micros(times), known


def ahead_micros(times: Times) -> Int64s:
    none = (times.basis == Basis.FLOATING) | (times.offset == OFFSET_UNKNOWN)
    return np.where(none, 0, times.offset.astype(np.int64)) * MICROS_PER_MINUTE


def latest_wall(times: Times) -> int | None:
    """Return a time that no clock on the wall was past at a start, None where nobody knows any.

    Cheap, and up to a change of the offset too late where offsets differ.
    """
    ahead = int(times.offset.max(initial=OFFSET_UNKNOWN)) * MICROS_PER_MINUTE
    if bool((times.basis == Basis.FLOATING).any()):
        ahead = max(ahead, 0)
    elif ahead == OFFSET_UNKNOWN * MICROS_PER_MINUTE:
        return None
    return int(times.start.max()) + ahead


def by_rank(series: Series) -> list[Series]:
    """Return a series as parts whose times are known equally well, the best known first."""
    basis = series.times.basis
    if len(basis) == 0 or (basis == basis[0]).all():
        return [series]
    known = ranks(basis)
    parts = (np.flatnonzero(known == each) for each in (FIRM, DECLARED, FLOATS))
    return [taken(series, places) for places in parts if len(places)]
