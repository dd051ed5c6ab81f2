"""Grades a series, whole or in chunks. The values are never touched, and both ways agree exactly.

A reason is not a grade: some reasons only note something. What lowers a grade, and how far, is
`GRADE_OF`. Implausibility alone is never worse than questionable, so that a true heart rate of 220
survives; unusable is what has no value, contradicts itself, or has the shape of a known failure.
"""

from dataclasses import dataclass

import numpy as np

from pulsekey.primitives.clock import Micros
from pulsekey.quality import checks
from pulsekey.quality.checks import Bools, Floats
from pulsekey.quality.chunks import concatenate, rows
from pulsekey.quality.rules import MetricRules, reach_rows
from pulsekey.quality.shapes import compressed
from pulsekey.quality.table import RULES
from pulsekey.signals.grade import Grade, Reason
from pulsekey.signals.series import Absence, Grades, Quantities, Series, floats

GRADE_OF: dict[Reason, Grade] = {
    Reason.IMPLAUSIBLE: Grade.QUESTIONABLE,
    Reason.SATURATED: Grade.QUESTIONABLE,
    Reason.FLAT: Grade.QUESTIONABLE,
    Reason.IMPOSSIBLE_RATE: Grade.QUESTIONABLE,
    Reason.ISOLATED: Grade.QUESTIONABLE,
    Reason.SENSOR_ERROR: Grade.UNUSABLE,
    Reason.COMPRESSED: Grade.UNUSABLE,
    Reason.CONFLICTING: Grade.UNUSABLE,
    Reason.CLOCK_JUMP: Grade.QUESTIONABLE,
    Reason.FUTURE: Grade.QUESTIONABLE,
}
"""How far a reason lowers the grade. `NOISY` and `DISCONNECTED` belong to waveforms (`ecg`).

`UNCERTAIN_TIME` and `OVERLAPPED` lower nothing: they are noted. `CLOCK_JUMP` lowers where the clock
ran backwards and is only noted where the offset or its basis changed, because those instants are
right.
"""


@dataclass(frozen=True, slots=True)
class GradingContext:
    """What rows do not say: when they were received, and whether a device wrote them in order.

    `device_order` is True for a device's own log; an export sorted by something else leaves it
    False.
    """

    received: Micros
    device_order: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class Carry:
    """What is kept between chunks: rows still needed, the last `pending` of them ungraded."""

    tail: Series
    pending: int


def grade(series: Series, context: GradingContext) -> Series:
    """Return `series` with grades uint8[n] and reasons uint32[n]."""
    return series.graded(_judge(series, context))


def grade_chunk(
    chunk: Series, context: GradingContext, carry: Carry | None = None
) -> tuple[Series, Carry]:
    """Return the graded rows that no later row can change, and the carry for the next chunk.

    The rows that come back are earlier ones than those given: some wait for their successors. All
    chunks returned and the one of `finish` are, in order, what `grade` returns for the whole.
    """
    known = chunk if carry is None else concatenate(carry.tail, chunk)
    pending = len(chunk) + (0 if carry is None else carry.pending)
    reach = reach_rows(rules_of(series=chunk))
    begin = len(known) - pending
    decided = max(begin, len(known) - reach)
    if decided - begin < reach:
        # Too few to be worth judging all their neighbours: tiny chunks are judged together.
        decided = begin
    kept = max(0, decided - reach)
    ready = rows(known, begin, decided)
    if decided > begin:
        grades = _judge(known, context)
        ready = ready.graded(Grades(grades.grade[begin:decided], grades.reasons[begin:decided]))
    else:
        ready = ready.graded(Grades(np.zeros(0, np.uint8), np.zeros(0, np.uint32)))
    return ready, Carry(rows(known, kept, len(known)), len(known) - decided)


def finish(carry: Carry, context: GradingContext) -> Series:
    """Return the graded rows that were still waiting: there is no later row."""
    graded = grade(carry.tail, context)
    return rows(graded, len(graded) - carry.pending, len(graded))


def rules_of(series: Series) -> MetricRules:
    """Return the rules of the metric of `series`; none if the table does not name it."""
    return RULES.get(series.metric.name, UNRULED)


UNRULED = MetricRules(none_because="not in the table")


class _Verdicts:
    """Grades and reasons while they are being found. Both only ever rise."""

    def __init__(self, n: int) -> None:
        self.grade = np.zeros(n, np.uint8)
        self.reasons = np.zeros(n, np.uint32)

    def note(self, where: Bools, reason: Reason) -> None:
        self.reasons |= where * np.uint32(reason)

    def lower(self, where: Bools, reason: Reason) -> None:
        if where.any():
            self.note(where, reason)
            np.maximum(self.grade, where * np.uint8(GRADE_OF[reason]), out=self.grade)


def _judge(series: Series, context: GradingContext) -> Grades:
    verdicts = _Verdicts(len(series))
    times = series.times
    verdicts.note(checks.uncertain(times), Reason.UNCERTAIN_TIME)
    verdicts.note(checks.zone_moved(times), Reason.CLOCK_JUMP)
    verdicts.lower(checks.rewound(times, device_order=context.device_order), Reason.CLOCK_JUMP)
    verdicts.lower(checks.in_future(times, context.received), Reason.FUTURE)
    verdicts.lower(in_error(series), Reason.SENSOR_ERROR)
    rules = rules_of(series)
    if not rules.none_because:
        _judge_values(series, rules, verdicts)
    return Grades(verdicts.grade, verdicts.reasons)


def _judge_values(series: Series, rules: MetricRules, verdicts: _Verdicts) -> None:
    times = series.times
    names = [component.name for component in series.metric.components]
    values = {name: numbers(column) for name, column in zip(names, series.components, strict=True)}
    for bounds in rules.bounds:
        lower_and_upper = checks.implausible(values[bounds.component], bounds)
        verdicts.lower(lower_and_upper, Reason.IMPLAUSIBLE)
    if rules.greater:
        conflict = checks.contradictory(values[rules.greater], values[rules.smaller])
        verdicts.lower(conflict, Reason.CONFLICTING)
    # The remaining rules are about metrics of one component.
    first = values[names[0]]
    if rules.sensor is not None:
        at_end = checks.saturated(first, series.components[0], rules.sensor)
        verdicts.lower(at_end, Reason.SATURATED)
    if rules.rate is not None:
        verdicts.lower(checks.too_fast(times, first, rules.rate), Reason.IMPOSSIBLE_RATE)
    if rules.pace is not None:
        verdicts.lower(checks.too_dense(times, first, rules.pace), Reason.IMPOSSIBLE_RATE)
    if rules.flat is not None:
        verdicts.lower(checks.flat(times, first, rules.flat), Reason.FLAT)
    if rules.lonely is not None:
        verdicts.lower(checks.lonely(times, rules.lonely), Reason.ISOLATED)
    if rules.compression is not None:
        verdicts.lower(compressed(times, first, rules.compression), Reason.COMPRESSED)


def in_error(series: Series) -> Bools:
    """The device itself reported that it has no value: its sentinel was read as absent.

    By definition: no value is no measurement. FHIR R4 says so in Observation.dataAbsentReason.
    """
    absent = np.zeros(len(series), np.bool_)
    for component in series.components:
        absent |= component.absent == Absence.SENSOR
    return absent


def numbers(column: Quantities) -> Floats:
    """Return float64[n], NaN where absent: `series.floats`, quicker where the scale is constant."""
    scale = column.scale
    if len(scale) == 0 or (scale != scale[0]).any():
        return floats(column)
    values = column.mantissa / 10.0 ** int(scale[0])
    if column.absent.any():
        values[column.absent != 0] = np.nan
    return values
