"""Pressure on a glucose sensor, recognised by its shape over time.

As in `checks`, what is said of a row depends on rows within `COMPRESSION_ROWS` of it only.
"""

import numpy as np

from pulsekey.quality.checks import SECOND, Bools, Floats, local_micros
from pulsekey.quality.rules import COMPRESSION_ROWS, Compression
from pulsekey.signals.series import Int64s, Times

NIGHT_BEGINS_HOUR = 22
NIGHT_ENDS_HOUR = 8
STEEP_MICROS = 11 * 60 * SECOND
"""A fall or rise is steep within two steps of a five-minute sensor, and a little for its clock."""
LEVEL_MICROS = 21 * 60 * SECOND
EVENT_MICROS = 90 * 60 * SECOND
STEEP_ROWS = 11
LEVEL_ROWS = 21
EVENT_ROWS = 100
assert STEEP_ROWS + LEVEL_ROWS + EVENT_ROWS < COMPRESSION_ROWS


def compressed(times: Times, values: Floats, rule: Compression) -> Bools:
    """Glucose fell and recovered as under pressure on the sensor, at night.

    Helton et al. 2011, J Diabetes Sci Technol 5(3):632-646; Mensh et al. 2013, ibid. 7(4):863-870;
    Baysal et al. 2014, "A novel method to detect pressure-induced sensor attenuations (PISA) in an
    artificial pancreas", ibid. 8(6):1091-1096: lying on a sensor starves it, the reading falls
    within minutes from a steady level and returns to that level as fast when the sleeper turns. We
    require all four: steady before (within `level` over 20 minutes), a fall of at least `steep`
    within 10 minutes, a rise of at least `steep` within 10 minutes, back at the level it left
    (within `level`), all within 90 minutes and begun between 22:00 and 08:00 local time. The
    numbers are ours: 3 mg/dL/min both ways is faster than insulin or carbohydrate move a steady
    level, so that a true, treated low is kept. Without a known wall time nothing is said.
    """
    n = len(values)
    marked = np.zeros(n, np.bool_)
    if n < 5:
        return marked
    wall, known = local_micros(times)
    hour = wall // (3_600 * SECOND) % 24
    night = known & ((hour >= NIGHT_BEGINS_HOUR) | (hour < NIGHT_ENDS_HOUR))
    for onset in np.flatnonzero(night & _falls(times.start, values, rule.steep)):
        if _steady_before(times.start, values, int(onset), rule.level):
            _mark(times.start, values, int(onset), rule, marked)
    return marked


def _falls(at: Int64s, values: Floats, steep: float) -> Bools:
    """Rows after which the value is lower by `steep` within ten minutes."""
    n = len(values)
    falls = np.zeros(n, np.bool_)
    for ahead in range(1, min(STEEP_ROWS, n - 1) + 1):
        later = at[ahead:] - at[:-ahead]
        within = (later > 0) & (later <= STEEP_MICROS)
        if not within.any():
            break
        falls[:-ahead] |= within & (values[:-ahead] - values[ahead:] >= steep)
    return falls


def _steady_before(at: Int64s, values: Floats, onset: int, level: float) -> bool:
    begin = max(0, onset - LEVEL_ROWS)
    before = slice(begin, onset)
    near = (at[onset] - at[before] <= LEVEL_MICROS) & (at[onset] > at[before])
    past = values[before][near]
    past = past[~np.isnan(past)]
    return len(past) >= 2 and bool((np.abs(past - values[onset]) <= level).all())


def _mark(at: Int64s, values: Floats, onset: int, rule: Compression, marked: Bools) -> None:
    """Mark the rows between `onset` and the recovery that ends it, if there is one."""
    until = min(len(values), onset + EVENT_ROWS)
    for end in range(onset + 2, until):
        if not 0 < at[end] - at[onset] <= EVENT_MICROS:
            return
        if abs(values[end] - values[onset]) > rule.level:
            continue
        begin = max(onset + 1, end - STEEP_ROWS)
        near = at[end] - at[begin:end] <= STEEP_MICROS
        if (near & (values[end] - values[begin:end] >= rule.steep)).any():
            inside = slice(onset + 1, end)
            marked[inside] |= values[inside] < values[onset] - rule.level
            return
