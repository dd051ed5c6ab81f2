"""What a person should know about a series, as keys of messages with numbers.

The numbers are computed once and worded elsewhere in any language: `Message.key` names the
sentence, `Message.numbers` fills it. A series without a rhythm (weights months apart) has no
coverage: nothing was missed that was never due.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
from numpy.typing import NDArray

from pulsekey.quality.checks import SECOND, local_micros
from pulsekey.quality.ecg import window_starts
from pulsekey.quality.grading import GRADE_OF
from pulsekey.quality.shapes import NIGHT_BEGINS_HOUR, NIGHT_ENDS_HOUR
from pulsekey.signals.grade import Grade, Reason
from pulsekey.signals.metric import Shape
from pulsekey.signals.series import GRADE_WINDOW_SECONDS, Grades, Int64s, Series, Waveform

DAY_MICROS = 86_400 * SECOND
EPOCH_DAY = date(1970, 1, 1)
RHYTHM_ROWS_MIN = 10
RHYTHM_SECONDS_MAX = 3_600
"""A series that is sampled less often than this has no rhythm to miss."""
SLACK = 1.5
"""A step up to so many intervals long is still covered: clocks drift."""
PER_DAY_MAX = 4_000
BLAMED = frozenset(reason for reason, grade in GRADE_OF.items() if grade is Grade.UNUSABLE)
NOTED = frozenset((Reason.UNCERTAIN_TIME, Reason.CLOCK_JUMP, Reason.OVERLAPPED))
BLAMED_IN_WAVEFORMS = frozenset((Reason.NOISY, Reason.DISCONNECTED, Reason.SATURATED))
"""The reasons that can make something unusable; others only stand beside them."""


@dataclass(frozen=True, slots=True)
class Message:
    """One sentence: `key` names it, `numbers` fills it, `reasons` are names of `Reason` in it."""

    key: str
    numbers: Mapping[str, float]
    reasons: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class DayCoverage:
    """A local day and the shares, 0 to 1, of its whole day and of the night that ended in it.

    `night_whole`: the recording was running from the beginning of that night to its end.
    """

    day: date
    covered: float
    night_covered: float
    night_whole: bool


def reason_key(reason: Reason) -> str:
    """Return the key of one reason's wording, for instance `compressed`."""
    return str(reason.name).lower().replace("_", "-")


@dataclass(frozen=True, slots=True)
class Summary:
    """A series in numbers.

    `rows` (windows for a waveform), by grade and by reason; time in seconds.

    `interval_seconds` and `covered` (0 to 1, from first to last row) are None without a rhythm.
    `reason_seconds` is the time that a reason made unusable; 0 without a rhythm.
    """

    rows: int
    begin: int
    end: int
    interval_seconds: float | None
    covered: float | None
    longest_gap_seconds: float
    days: tuple[DayCoverage, ...]
    grades: Mapping[Grade, int]
    reasons: Mapping[Reason, int]
    unusable_seconds: float
    reason_seconds: Mapping[Reason, float]
    messages: tuple[Message, ...]


def interval_seconds(at: Int64s, lengths: Int64s) -> float | None:
    """Return the interval at which a series is due, from rising times, or None without a rhythm.

    The step that nine rows in ten keep: a watch that measures every five seconds in a workout and
    every five minutes otherwise is due every five minutes, and a tenth of the rows may stand before
    gaps without moving it (a quantile's breakdown point: Rousseeuw and Croux 1993, J Am Stat Assoc
    88:1273-1283; the nine tenths are ours). Rows at one time count once.
    """
    if len(lengths) and np.median(lengths) > 0:
        return None
    steps = np.diff(at)
    steps = steps[steps > 0]
    if len(steps) < RHYTHM_ROWS_MIN - 1:
        return None
    due = float(np.percentile(steps, 90, method="lower")) / SECOND
    return due if due <= RHYTHM_SECONDS_MAX else None


def summarise(series: Series) -> Summary:
    """Return the summary of a series, which may be unsorted and ungraded."""
    n = len(series)
    grades = series.grades or Grades(np.zeros(n, np.uint8), np.zeros(n, np.uint32))
    order = np.argsort(series.times.start, kind="stable")
    at, until = series.times.start[order], series.times.end[order]
    every = interval_seconds(at, until - at) if series.metric.shape is Shape.POINT else None
    wall = local_micros(series.times)[0][order]
    if every is None:
        covers = until - at
    else:
        step = np.diff(at, append=at[-1] + round(every * SECOND))
        whole = round(every * SECOND)
        covers = np.where(step <= SLACK * whole, step, whole)
    return _summary(at, covers, wall, _ordered(grades, order), every, BLAMED)


def summarise_waveform(waveform: Waveform) -> Summary:
    """Return the summary of a waveform: its rows are the windows that grades speak of."""
    at, covers, wall, grade, reasons = [], [], [], [], []
    for block in waveform.blocks:
        starts = window_starts(block)
        n = len(block.channels[0].raw) if block.channels else 0
        lengths = np.diff(np.append(starts, n))
        begin = block.start + (starts * SECOND / float(block.rate_hz)).astype(np.int64)
        at.append(begin)
        covers.append((lengths * SECOND / float(block.rate_hz)).astype(np.int64))
        wall.append(begin + block.offset * 60 * SECOND)
        given = block.grades
        grade.append(np.zeros(len(starts), np.uint8) if given is None else given.grade)
        reasons.append(np.zeros(len(starts), np.uint32) if given is None else given.reasons)
    none = np.zeros(0, np.int64)
    return _summary(
        np.concatenate([none, *at]),
        np.concatenate([none, *covers]),
        np.concatenate([none, *wall]),
        Grades(
            np.concatenate([np.zeros(0, np.uint8), *grade]),
            np.concatenate([np.zeros(0, np.uint32), *reasons]),
        ),
        float(GRADE_WINDOW_SECONDS),
        BLAMED_IN_WAVEFORMS,
    )


def _ordered(grades: Grades, order: "NDArray[np.intp]") -> Grades:
    return Grades(grades.grade[order], grades.reasons[order])


def _summary(
    at: Int64s,
    covers: Int64s,
    wall: Int64s,
    grades: Grades,
    every: float | None,
    blamed: frozenset[Reason],
) -> Summary:
    n = len(at)
    begin = int(at[0]) if n else 0
    end = int((at + covers).max()) if n else 0
    gaps = at[1:] - (at + covers)[:-1]
    gap = max(float(gaps.max()), 0.0) / SECOND if n > 1 else 0.0
    unusable = grades.grade == Grade.UNUSABLE
    timed = covers if every is not None else np.zeros(n, np.int64)
    present = [reason for reason in Reason if (grades.reasons & np.uint32(reason)).any()]
    on = {reason: (grades.reasons & np.uint32(reason)) != 0 for reason in present}
    covered = None
    days: tuple[DayCoverage, ...] = ()
    if every is not None and n:
        covered = min(float(covers.sum()) / max(end - begin, 1), 1.0)
        days = _days(wall, covers)
    summary = Summary(
        rows=n,
        begin=begin,
        end=end,
        interval_seconds=every,
        covered=covered,
        longest_gap_seconds=gap,
        days=days,
        grades={grade: int((grades.grade == grade).sum()) for grade in Grade},
        reasons={reason: int(rows.sum()) for reason, rows in on.items()},
        unusable_seconds=float(timed[unusable].sum()) / SECOND,
        reason_seconds={
            reason: float(timed[rows & unusable].sum()) / SECOND
            for reason, rows in on.items()
            if reason in blamed
        },
        messages=(),
    )
    return _with_messages(summary)


def _days(wall: Int64s, covers: Int64s) -> tuple[DayCoverage, ...]:
    """Return coverage by local day and the night that ends in it, the latest `PER_DAY_MAX` days."""
    hours = NIGHT_ENDS_HOUR + 24 - NIGHT_BEGINS_HOUR
    evening = (24 - NIGHT_BEGINS_HOUR) * 3_600 * SECOND
    by_day = _by_day(wall, covers)
    # Moved by the hours before midnight, a night is the first hours of the day in which it ends.
    moved, night_end = wall + evening, hours * 3_600 * SECOND
    of_day = moved % DAY_MICROS
    asleep = np.clip(night_end - of_day, 0, covers)
    by_night = _by_day(moved, asleep)
    first, last = int(moved.min()), int((moved + covers).max())
    days = sorted(by_day.keys() | {day for day, some in by_night.items() if some})
    return tuple(
        DayCoverage(
            EPOCH_DAY + timedelta(days=day),
            min(by_day.get(day, 0) / DAY_MICROS, 1.0),
            min(by_night.get(day, 0) / night_end, 1.0),
            first <= day * DAY_MICROS and day * DAY_MICROS + night_end <= last,
        )
        for day in days[-PER_DAY_MAX:]
    )


def _by_day(wall: Int64s, covers: Int64s) -> dict[int, int]:
    day = wall // DAY_MICROS
    # A row covers at most an hour and a half; what reaches over midnight belongs to the next day.
    here = np.minimum(covers, (day + 1) * DAY_MICROS - wall)
    names, index = np.unique(np.concatenate((day, day + 1)), return_inverse=True)
    micros = np.zeros(len(names), np.int64)
    np.add.at(micros, index, np.concatenate((here, covers - here)))
    return {int(name): int(total) for name, total in zip(names, micros, strict=True) if total}


def _with_messages(summary: Summary) -> Summary:
    """Add the sentences, the most important first."""
    messages: list[Message] = []
    if summary.rows == 0:
        messages.append(Message("quality.empty", {}))
    elif summary.covered is None:
        messages.append(Message("quality.samples", {"rows": summary.rows}))
    else:
        messages.append(Message("quality.covered", {"percent": _percent(summary.covered)}))
        # A night that the recording itself cut short counts only if it has no whole one, and half.
        whole = [day.night_covered for day in summary.days if day.night_whole]
        halves = [day.night_covered for day in summary.days if day.night_covered >= 0.5]
        nights = whole or halves
        if nights:
            typical = float(np.median(nights))
            messages.append(
                Message("quality.nights", {"percent": _percent(typical), "nights": len(nights)})
            )
    if summary.longest_gap_seconds >= 60 and summary.covered is not None:
        messages.append(
            Message("quality.gap", {"minutes": round(summary.longest_gap_seconds / 60)})
        )
    messages += _doubts(summary)
    return Summary(
        **{
            name: getattr(summary, name)
            for name in Summary.__dataclass_fields__
            if name != "messages"
        },
        messages=tuple(messages),
    )


def _percent(share: float) -> int:
    """Whole percent, never rounded up to 100: a gap must not vanish."""
    return int(share * 100 + 1e-9)


def _doubts(summary: Summary) -> list[Message]:
    """What was found, the unusable first and what only notes something last."""
    messages = []
    unusable = summary.reason_seconds
    ranked = sorted(
        summary.reasons.items(),
        key=lambda item: (item[0] not in unusable, item[0] in NOTED, -item[1], item[0]),
    )
    for reason, count in ranked:
        seconds, named = unusable.get(reason, 0.0), (reason_key(reason),)
        if seconds >= 60:
            minutes = {"minutes": round(seconds / 60)}
            messages.append(Message("quality.unusable.minutes", minutes, named))
        elif count == summary.rows > 1:
            messages.append(Message("quality.rows.all", {}, named))
        else:
            messages.append(Message("quality.rows", {"rows": count}, named))
    return messages
