"""Which incoming samples are known, which change a stored one, which are new. Pure and vectorised.

A sample is found again by its times. Among samples with equal times an incoming value that is
stored in any version is known, so an older export never undoes a newer one. What is left pairs, in
order, with the stored samples that this import has not named yet and becomes their next version;
what is then left is new. The same sample twice in one import is known the second time. Which times
are equal, `sameness` says.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from pulsekey.signals.series import Int8s, Int64s

Columns: TypeAlias = Sequence[Int64s]
"""What n rows are found by: start int64[n], end, what they count, then the columns of the value."""

TIME_COLUMNS = 3

KNOWN, CHANGED, NEW = 0, 1, 2
_RANK_MAX = 1 << 31


@dataclass(frozen=True, slots=True, eq=False)
class Match:
    """`outcome` int8[n] of KNOWN, CHANGED, NEW.

    `stored` int64[n] the stored row it is about, -1 if none.
    """

    outcome: Int8s
    stored: Int64s


def match(
    incoming: Columns, stored: Columns, ordinals: Int64s, replaceable: NDArray[np.bool_]
) -> Match:
    """Match n incoming rows with m stored ones, which are of `ordinals` int64[m].

    `replaceable` bool[m] marks the stored rows that may get a next version.
    """
    n, m = len(incoming[0]), len(stored[0])
    outcome = np.full(n, KNOWN, np.int8)
    whole, times = _identities(stored, incoming)
    row_of = np.full(n + m, -1, np.int64)
    row_of[whole[:m]] = np.arange(m)
    found = row_of[whole[m:]]
    unknown = np.flatnonzero(found < 0)
    # The first of several equal rows stands for all of them.
    left = unknown[np.sort(np.unique(whole[m:][unknown], return_index=True)[1])]
    outcome[left] = NEW
    named = np.isin(ordinals, ordinals[found[found >= 0]])
    candidates = np.flatnonzero(replaceable & ~named)
    if len(left) and len(candidates):
        candidates = candidates[np.argsort(ordinals[candidates], kind="stable")]
        _, mine, theirs = np.intersect1d(
            _ranked(times[m:][left]), _ranked(times[:m][candidates]), return_indices=True
        )
        outcome[left[mine]] = CHANGED
        found[left[mine]] = candidates[theirs]
    return Match(outcome, found)


def paired(mine: Columns, theirs: Columns) -> tuple[Int64s, Int64s]:
    """Return places in `mine` and in `theirs` of equal rows, one to one.

    The first of several equal rows pairs with the first of theirs, the second with the second.
    """
    n = len(mine[0])
    whole, _ = _identities(mine, theirs)
    _, left, right = np.intersect1d(_ranked(whole[:n]), _ranked(whole[n:]), return_indices=True)
    return left, right


def _identities(first: Columns, second: Columns) -> tuple[Int64s, Int64s]:
    """Return for each row of both a number of the whole row and one of its time columns alone."""
    columns = [np.concatenate(pair) for pair in zip(first, second, strict=True)]
    count = len(columns[0])
    if count == 0:
        return np.zeros(0, np.int64), np.zeros(0, np.int64)
    # A column that never varies separates nothing.
    varying = [k for k, column in enumerate(columns) if (column != column[0]).any()]
    order = np.lexsort([columns[k] for k in reversed(varying)]) if varying else np.arange(count)
    fresh_times = np.zeros(count, np.bool_)
    fresh = np.zeros(count, np.bool_)
    for k in varying:
        ordered = columns[k][order]
        differs = ordered[1:] != ordered[:-1]
        fresh[1:] |= differs
        if k < TIME_COLUMNS:
            fresh_times[1:] |= differs
    whole, times = np.empty(count, np.int64), np.empty(count, np.int64)
    whole[order] = np.cumsum(fresh)
    times[order] = np.cumsum(fresh_times)
    return whole, times


def _ranked(groups: Int64s) -> Int64s:
    """Return a number for each (group, how many of that group came before): unique, comparable."""
    order = np.argsort(groups, kind="stable")
    ordered = groups[order]
    begins = np.r_[True, ordered[1:] != ordered[:-1]]
    first = np.maximum.accumulate(np.where(begins, np.arange(len(groups)), 0))
    ranked = np.empty(len(groups), np.int64)
    ranked[order] = ordered * _RANK_MAX + (np.arange(len(groups)) - first)
    return ranked
