"""Series for tests, from plain numbers."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from pulsekey.primitives.clock import Micros
from pulsekey.quality.grading import GradingContext
from pulsekey.signals.catalogue import METRICS
from pulsekey.signals.series import Basis, Quantities, Series, Source, Times, quantities

SECOND = 1_000_000
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
NOON = 1_700_000_000 // 86_400 * 86_400 * SECOND + 12 * HOUR
"""A noon in UTC, and with an offset of zero a local noon."""
LATER = GradingContext(Micros(NOON + 10_000 * HOUR))


def times(
    start: Sequence[int],
    end: Sequence[int] | None = None,
    *,
    offset: int | Sequence[int] = 0,
    basis: Basis | Sequence[Basis] = Basis.RECORDED,
) -> Times:
    n = len(start)
    return Times(
        np.array(start, np.int64),
        np.array(start if end is None else end, np.int64),
        np.broadcast_to(np.array(offset, np.int16), (n,)).copy(),
        np.broadcast_to(np.array(basis, np.uint8), (n,)).copy(),
    )


def column(values: Sequence[int | None], scale: int = 0) -> Quantities:
    """None is a device's own sentinel for 'no value'."""
    made = quantities(np.array([value or 0 for value in values], np.int64), scale)
    return replace(made, absent=np.array([value is None for value in values], np.uint8))


def series(
    metric: str,
    at: Times,
    *columns: Sequence[int | None],
    scale: int = 0,
    source: str = "source",
) -> Series:
    components = tuple(column(values, scale) for values in columns)
    return Series(METRICS[metric], Source(source, source), at, components)
