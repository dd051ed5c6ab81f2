"""From when to when a series reaches, once samples of it have left the times they had. Pure.

Only the edges are opened: rows that are superseded say no more where the series begins or ends.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from pulsekey.signals.series import Int64s
from pulsekey.vault.blocks import Place, newest_places
from pulsekey.vault.joining import gone_of, newest_versions
from pulsekey.vault.rows import PART, Bounds
from pulsekey.vault.segment import decode_rows

Loadable = tuple[Bounds, Callable[[], bytes]]


@dataclass(frozen=True, slots=True)
class Extent:
    """The earliest start and the latest end, microseconds as the samples count them."""

    first: int
    last: int


def block_extent(places: Sequence[Place]) -> Extent:
    """Return the extent of a waveform of at least one block."""
    parts = [place for place in places if place.bounds.kind == PART and place.bounds.first == 0]
    newest = [place.bounds for place in newest_places(parts).values()]
    return Extent(min(b.start_min for b in newest), max(b.end_max for b in newest))


def sample_extent(segments: Sequence[Loadable]) -> Extent:
    """Return the extent of a series of at least one sample, opening what lies at its edges."""
    first = _edge(
        sorted(segments, key=lambda s: s[0].start_min),
        lambda b: b.start_min,
        lambda _, start: start,
    )
    last = _edge(
        sorted(segments, key=lambda s: -s[0].end_max), lambda b: -b.end_max, lambda end, _: -end
    )
    return Extent(first, -last)


def _edge(
    segments: Sequence[Loadable],
    reaches: Callable[[Bounds], int],
    place: Callable[[Int64s, Int64s], Int64s],
) -> int:
    """Return the least `place` of what is not superseded, given segments in order of `reaches`."""
    ordinals, versions, places = (np.zeros(0, np.int64) for _ in range(3))
    gone = np.zeros(0, np.bool_)
    found: int | None = None
    for bounds, load in segments:
        if found is not None and reaches(bounds) > found:
            break
        rows = decode_rows(load())
        times = rows.series.times
        ordinals = np.concatenate((ordinals, rows.ordinals))
        versions = np.concatenate((versions, rows.versions))
        gone = np.concatenate((gone, gone_of(rows)))
        places = np.concatenate((places, place(times.end, times.start)))
        newest = newest_versions(ordinals, versions, gone)
        found = int(places[newest].min()) if len(newest) else None
    assert found is not None
    return found
