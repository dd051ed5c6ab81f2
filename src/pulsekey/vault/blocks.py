"""Whether a waveform block is known, changes a stored one, or is new. Pure.

The rules of `sameness`, for one block at a time: what a block says is compared as a whole.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pulsekey.signals.series import OFFSET_UNKNOWN, Basis, Int64s
from pulsekey.vault.matching import CHANGED, KNOWN, NEW
from pulsekey.vault.rows import BASIS_UNKNOWN, Bounds
from pulsekey.vault.walls import DECLARED, FIRM, MICROS_PER_MINUTE, rank


@dataclass(frozen=True, slots=True)
class BlockTime:
    """When a block begins."""

    start: int
    offset: int
    basis: Basis

    @property
    def wall(self) -> int | None:
        """What a clock on the wall showed then, None where nobody knows."""
        if self.basis is Basis.FLOATING:
            return self.start
        if self.offset == OFFSET_UNKNOWN:
            return None
        return self.start + self.offset * MICROS_PER_MINUTE

    @property
    def earliest(self) -> int:
        return self.start if self.wall is None else min(self.start, self.wall)

    @property
    def latest(self) -> int:
        return self.start if self.wall is None else max(self.start, self.wall)


@dataclass(frozen=True, slots=True)
class Place:
    """A version of a stored block: its ordinal, and the bounds of its first part."""

    ordinal: int
    bounds: Bounds

    @property
    def unplaced(self) -> bool:
        """Whether it was written before bases were noted: it is found by its instant alone."""
        return self.bounds.basis == BASIS_UNKNOWN and not self.bounds.floating

    @property
    def time(self) -> BlockTime:
        bounds = self.bounds
        if bounds.basis == BASIS_UNKNOWN:
            basis = Basis.FLOATING if bounds.floating else Basis.EXPORT
            return BlockTime(bounds.start_min, OFFSET_UNKNOWN, basis)
        return BlockTime(bounds.start_min, bounds.offset, Basis(bounds.basis))


@dataclass(frozen=True, slots=True)
class FoundBlock:
    """What a block is, and at which time it is kept. `left` is the time that its sample leaves.

    `dated` says that its time became known, or another one.
    """

    outcome: int
    ordinal: int
    version: int
    time: BlockTime
    left: BlockTime | None = None
    dated: bool = False


def recognise_block(
    time: BlockTime,
    value: bytes,
    places: Sequence[Place],
    replaceable: Callable[[Int64s], NDArray[np.bool_]],
    next_ordinal: int,
) -> FoundBlock:
    """Say what the block at `time` is among `places`, every version of every block near it."""
    live = newest_places(places)
    alike = [place for place in places if not place.bounds.gone and _same(time, place, live)]
    # Instants that were recorded before those that may move.
    alike.sort(key=lambda place: (-rank(place.time.basis), place.ordinal))
    for place in alike:
        if place.bounds.value != value:
            continue
        newest = live.get(place.ordinal)
        if newest is None or newest.bounds.value != value or not _better(time, newest.time):
            return FoundBlock(KNOWN, place.ordinal, place.bounds.version_max, time)
        return _next(time, newest)
    ordinals = np.array(sorted({p.ordinal for p in alike if p.ordinal in live}), np.int64)
    free = ordinals[replaceable(ordinals)]
    if len(free):
        return _next(time, live[int(free[0])])
    return FoundBlock(NEW, next_ordinal, 1, time)


def newest_places(places: Sequence[Place]) -> dict[int, Place]:
    """Return the newest version of each block that is still where it says."""
    newest: dict[int, Place] = {}
    for place in sorted(places, key=lambda p: (p.bounds.version_max, not p.bounds.gone)):
        newest[place.ordinal] = place
    return {ordinal: place for ordinal, place in newest.items() if not place.bounds.gone}


def _same(time: BlockTime, place: Place, live: dict[int, Place]) -> bool:
    """Whether a stored version has the time of the incoming block."""
    other = place.time
    firm, was_firm = rank(time.basis) == FIRM, rank(other.basis) == FIRM
    if place.unplaced:
        return time.basis is not Basis.FLOATING and time.start == other.start
    if firm and was_firm:
        return time.start == other.start
    if firm and live.get(place.ordinal) is not place:
        return False
    return time.wall is not None and time.wall == other.wall


def _better(time: BlockTime, known: BlockTime) -> bool:
    """Whether a stored block has to take the incoming time."""
    mine, theirs = rank(time.basis), rank(known.basis)
    return mine > theirs or (mine == theirs == DECLARED and time.start != known.start)


def _next(time: BlockTime, newest: Place) -> FoundBlock:
    known, version = newest.time, newest.bounds.version_max + 1
    if not _better(time, known):
        kept = time if newest.unplaced else known
        return FoundBlock(CHANGED, newest.ordinal, version, kept)
    left = known if known.start != time.start else None
    return FoundBlock(CHANGED, newest.ordinal, version, time, left, dated=True)
