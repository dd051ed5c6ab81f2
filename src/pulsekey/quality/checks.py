"""The rules that judge single rows and their neighbours, as functions from columns to bool[n].

One rule must stay true: what a function says of row i depends on rows i - reach to i + reach only
(`rules.reach_rows`), so that a series graded in chunks gets the grades of the whole.
Neighbours are neighbours in the given order, and distances in time are absolute: an export may be
newest first. Absent values are NaN and compare as not suspicious.
"""

from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from pulsekey.quality.rules import HORIZON_ROWS, Bounds, Flat, Lonely, Pace, Rate, SensorRange
from pulsekey.signals.series import OFFSET_UNKNOWN, Basis, Comparator, Int64s, Quantities, Times

Bools: TypeAlias = NDArray[np.bool_]
Floats: TypeAlias = NDArray[np.float64]

SECOND = 1_000_000
FUTURE_TOLERANCE_MICROS = 5 * 60 * SECOND
ZONE_EAST_MAX_MICROS = 14 * 3_600 * SECOND
"""The easternmost zone: a wall clock can run ahead of UTC by so much."""
REWIND_MICROS = SECOND
"""Whole-second stamps may step back by less than this through rounding."""


def implausible(values: Floats, bounds: Bounds) -> Bools:
    """Outside the plausible range.

    Kahn et al. 2016, "A Harmonized Data Quality Assessment Terminology and Framework for the
    Secondary Use of Electronic Health Record Data", eGEMs 4(1):1244, "atemporal plausibility".
    """
    return (values < bounds.low) | (values > bounds.high)


def saturated(values: Floats, column: Quantities, sensor: SensorRange) -> Bools:
    """At the end of what the sensor can report, or declared to be beyond it by a comparator.

    Del Favero et al. 2020, "Retrofitting CGM traces", chapter 11 in Fabris and Kovatchev (eds.),
    Glucose Monitoring Devices, Academic Press, appendix: values outside the sensor's range are
    taken out before a trace is used.
    """
    at_end = (values <= sensor.low) | (values >= sensor.high)
    for stop in sensor.stops:
        at_end |= values == stop
    at_end |= (column.comparator != Comparator.NONE) & (column.absent == 0)
    return at_end


def too_fast(times: Times, values: Floats, rate: Rate) -> Bools:
    """Changed faster than the quantity can: the row that leaves, not the one that comes back.

    Kahn et al. 2016 (as above), "temporal plausibility"; the limit is the metric's own source.
    A lone spike is flagged and the row after it, which agrees with the row before, is not.
    """
    suspicious = np.zeros(len(values), np.bool_)
    if len(values) < 2:
        return suspicious
    seconds = np.abs(np.diff(times.start)) / SECOND
    change = np.abs(np.diff(values))
    comparable = (seconds > 0) & (seconds <= rate.across_seconds)
    jump = comparable & (change > rate.per_second * np.maximum(seconds, rate.least_seconds))
    into = np.concatenate(([False], jump))
    out_of = np.concatenate((jump, [False]))
    spike_before = np.concatenate(([False], (into & out_of)[:-1]))
    return into & (out_of | ~spike_before)


def flat(times: Times, values: Floats, rule: Flat) -> Bools:
    """In a run of equal values that lasts longer than the quantity can stay unchanged.

    The rule is ours: what is measured trembles, what is stuck does not. The duration is the
    metric's own.
    """
    n = len(values)
    if n < rule.rows:
        return np.zeros(n, np.bool_)
    pause = rule.pause_seconds * SECOND
    same = (values[1:] == values[:-1]) & (np.abs(np.diff(times.start)) <= pause)
    # The last row of the run that each row is in; then the widest window within reach from it.
    breaks = np.flatnonzero(np.concatenate((~same, [True])))
    first = np.arange(n)
    last = np.repeat(breaks, np.diff(breaks, prepend=-1))
    last = np.minimum(last, first + HORIZON_ROWS - 1)
    span = np.abs(times.start[last] - times.start)
    long = (span >= rule.seconds * SECOND) & (last - first + 1 >= rule.rows)
    if not long.any():
        return np.zeros(n, np.bool_)
    edges = np.zeros(n + 1, np.int64)
    np.add.at(edges, first[long], 1)
    np.add.at(edges, last[long] + 1, -1)
    return np.cumsum(edges[:-1]) > 0


def lonely(times: Times, rule: Lonely) -> Bools:
    """Alone within a gap of a series that is otherwise dense, so nothing supports it.

    Böttcher et al. 2022, "Data quality evaluation in wearable monitoring", Scientific Reports
    12:21412 (data completeness and on-body scores): readings outside a supported wear period.
    Dense means that three steps in a row, next to the gap, are short.
    """
    n = len(times.start)
    alone = np.zeros(n, np.bool_)
    if n < 5:
        return alone
    step = np.abs(np.diff(times.start))
    wide = step > rule.gap_seconds * SECOND
    if not wide.any():
        return alone
    short = step <= rule.dense_seconds * SECOND
    three = short[2:] & short[1:-1] & short[:-2]
    # three[j] speaks of steps j..j+2; the step before row i is i-1, so the gap is steps i-1 and i.
    before = np.zeros(n, np.bool_)
    before[4:] = three[: n - 4]
    after = np.zeros(n, np.bool_)
    after[: n - 4] = three[1 : n - 3]
    alone[1:-1] = wide[:-1] & wide[1:] & (before | after)[1:-1]
    return alone


def too_dense(times: Times, values: Floats, pace: Pace) -> Bools:
    """An interval that holds more than its length allows. Intervals without length are not judged.

    The most that a body can do in a second is the metric's own source.
    """
    seconds = (times.end - times.start) / SECOND
    return (seconds > 0) & (values > pace.per_second * np.maximum(seconds, 1.0))


def contradictory(greater: Floats, smaller: Floats) -> Bools:
    """A component that is not above the one which it must exceed: a diastolic at its systolic.

    By definition: systolic is the highest and diastolic the lowest pressure of one cardiac cycle,
    hence never equal in a living patient.
    """
    return smaller >= greater


def in_future(times: Times, received: int) -> Bools:
    """Dated after it was received, by more than five minutes.

    Weiskopf and Weng 2013, "Methods and dimensions of electronic health record data quality
    assessment", J Am Med Inform Assoc 20:144-151 (currency and plausibility); the five minutes are
    ours. Wall time without a zone may be up to fourteen hours ahead of UTC (Kiribati) and is
    allowed that.
    """
    latest = np.where(
        times.basis == Basis.FLOATING, received + ZONE_EAST_MAX_MICROS, np.int64(received)
    )
    return times.start > latest + FUTURE_TOLERANCE_MICROS


def rewound(times: Times, *, device_order: bool) -> Bools:
    """The clock stepped back here, although time was running forwards just before.

    The rule is ours; why wall clocks repeat themselves, IETF RFC 3339 section 4 (local time) tells.
    Instants are judged only if the device itself wrote them in order (`device_order`); wall clocks
    always, because there a step back is what the end of summer time looks like.
    """
    n = len(times.start)
    back = np.zeros(n, np.bool_)
    if n < 3:
        return back
    step = np.diff(times.start)
    back[2:] = (step[1:] < -REWIND_MICROS) & (step[:-1] > 0)
    if not device_order:
        wall = (times.basis == Basis.FLOATING) | (times.basis == Basis.DECLARED)
        back[1:] &= wall[1:] & wall[:-1]
    return back


def zone_moved(times: Times) -> Bools:
    """The offset or its basis differs from the row before: somebody travelled, or summer began.

    The rule is ours; on offsets see IETF RFC 3339 section 4. The instants stay right, so this is
    noted and lowers no grade.
    """
    moved = np.zeros(len(times.start), np.bool_)
    known = (times.offset[1:] != OFFSET_UNKNOWN) & (times.offset[:-1] != OFFSET_UNKNOWN)
    moved[1:] = (times.offset[1:] != times.offset[:-1]) & known
    moved[1:] |= times.basis[1:] != times.basis[:-1]
    return moved


def uncertain(times: Times) -> Bools:
    """The zone is unknown (`FLOATING`) or is the exporter's (`EXPORT`).

    IETF RFC 3339 section 4.4 (unqualified local time). Noted, and lowers no grade: the value is as
    good as ever, and the basis says what its time can be compared with.
    """
    return np.isin(times.basis, (Basis.FLOATING, Basis.EXPORT))


def local_micros(times: Times) -> tuple[Int64s, Bools]:
    """Return wall time int64[n], and whether it is known bool[n]."""
    floating = times.basis == Basis.FLOATING
    known = floating | (times.offset != OFFSET_UNKNOWN)
    offset = np.where(floating | ~known, 0, times.offset.astype(np.int64))
    return times.start + offset * (60 * SECOND), known
