"""FHIR dates and microseconds: a date is an interval as wide as its precision (R4 3.1.1.4.6).

A date without a zone is taken in UTC, on both sides of a comparison, and the CapabilityStatement
says so: this node has no zone of its own. What `clock_texts` writes, `interval` reads back as
`intervals` says.
"""

import calendar
import re
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from pulsekey.primitives.clock import EPOCH, MICROS_PER_SECOND
from pulsekey.signals.series import OFFSET_UNKNOWN, Basis, Int64s, Times

Strings = NDArray[np.str_]

EARLIEST = -(2**62)
LATEST = 2**62
"""Ends of open intervals, in microseconds."""

MICROS_PER_MINUTE = 60 * MICROS_PER_SECOND
MICROS_PER_DAY = 86_400 * MICROS_PER_SECOND
MICROS_PER_MILLI = 1_000

_DATE = re.compile(
    r"(?P<year>[0-9]{4})(?:-(?P<month>[0-9]{2})(?:-(?P<day>[0-9]{2})"
    r"(?:T(?P<hour>[0-9]{2}):(?P<minute>[0-9]{2})(?::(?P<second>[0-9]{2})(?:\.(?P<part>[0-9]{1,12}))?)?"
    r"(?P<zone>Z|[+-][0-9]{2}:[0-9]{2})?)?)?)?"
)


class Interval(NamedTuple):
    """From `start` up to but not including `end`, in microseconds."""

    start: int
    end: int


def interval(text: str) -> Interval | None:
    """Return the interval that a FHIR date, dateTime, instant or search value stands for.

    None if it is none: out of the calendar, or a time without a zone. Minutes may lack seconds, as
    search values may.
    """
    matched = _DATE.fullmatch(text)
    if matched is None:
        return None
    try:
        return _interval(matched)
    except (ValueError, OverflowError):
        return None


def _interval(matched: re.Match[str]) -> Interval | None:
    year, month, day = (int(matched[name] or 1) for name in ("year", "month", "day"))
    start = _micros(datetime(year, month, day, tzinfo=UTC))
    if matched["hour"] is not None:
        return _clock(matched, start)
    if matched["day"] is not None:
        days = 1
    elif matched["month"] is not None:
        days = calendar.monthrange(year, month)[1]
    else:
        days = 365 + calendar.isleap(year)
    return Interval(start, start + days * MICROS_PER_DAY)


def _clock(matched: re.Match[str], start: int) -> Interval | None:
    zone = _zone_minutes(matched["zone"])
    hour, minute, second = (int(matched[name] or 0) for name in ("hour", "minute", "second"))
    if zone is None or hour > 23 or minute > 59 or second > 60:
        return None
    # A leap second counts as the one before it: this calendar has none.
    start += (hour * 60 + minute - zone) * MICROS_PER_MINUTE + min(second, 59) * MICROS_PER_SECOND
    if matched["second"] is None:
        return Interval(start, start + MICROS_PER_MINUTE)
    part = (matched["part"] or "")[:6]
    width = 10 ** (6 - len(part))
    start += int(part or 0) * width
    return Interval(start, start + width)


def _zone_minutes(zone: str | None) -> int | None:
    if zone is None:
        return None
    if zone == "Z":
        return 0
    minutes = int(zone[1:3]) * 60 + int(zone[4:6])
    if minutes > 14 * 60 or int(zone[4:6]) > 59:
        return None
    return -minutes if zone[0] == "-" else minutes


def _micros(at: datetime) -> int:
    return (at - EPOCH) // timedelta(microseconds=1)


def widths(at: Int64s) -> Int64s:
    """Return how wide each instant is by the precision in which `clock_texts` writes it."""
    return np.where(
        at % MICROS_PER_SECOND == 0,
        MICROS_PER_SECOND,
        np.where(at % MICROS_PER_MILLI == 0, MICROS_PER_MILLI, 1),
    )


def intervals(times: Times) -> tuple[Int64s, Int64s]:
    """Return start and end of the interval that each sample's effective time stands for."""
    floating = times.basis == Basis.FLOATING
    start = np.where(floating, times.start // MICROS_PER_DAY * MICROS_PER_DAY, times.start)
    last_day = times.end // MICROS_PER_DAY * MICROS_PER_DAY
    end = np.where(floating, last_day + MICROS_PER_DAY, times.end + widths(times.end))
    return start, end


def clock_texts(at: Int64s, offset: NDArray[np.int16], basis: NDArray[np.uint8]) -> list[str]:
    """Return dateTimes with seconds, milliseconds or microseconds, whichever is exact.

    In the local offset where it is the event's own, else in UTC: the exporter's zone is not the
    event's, and an instant does not become truer by it.
    """
    own = np.isin(basis, (Basis.RECORDED, Basis.DECLARED, Basis.NAMED)) & (offset != OFFSET_UNKNOWN)
    minutes = np.where(own, offset, 0).astype(np.int64)
    texts = wall_texts(at + minutes * MICROS_PER_MINUTE)
    zoned, inverse = np.unique(np.where(own, minutes, _UTC), return_inverse=True)
    suffixes = [_suffix(int(value)) for value in zoned]
    if len(suffixes) == 1:
        only = suffixes[0]
        return [text + only for text in texts]
    return [text + suffixes[index] for text, index in zip(texts, inverse.tolist(), strict=True)]


_UTC = -100_000


def _suffix(minutes: int) -> str:
    if minutes == _UTC:
        return "Z"
    sign = "-" if minutes < 0 else "+"
    return f"{sign}{abs(minutes) // 60:02}:{abs(minutes) % 60:02}"


def wall_texts(local: Int64s) -> list[str]:
    """Return wall-clock times without a zone, each as precise as it is exact."""
    if not len(local):
        return []
    wide = widths(local)
    exact = local.astype("datetime64[us]")
    seconds: list[str] = np.datetime_as_string(exact, unit="s").tolist()
    fine = np.nonzero(wide != MICROS_PER_SECOND)[0]
    if len(fine):
        parts = (local[fine] % MICROS_PER_SECOND).tolist()
        for index, part, width in zip(fine.tolist(), parts, wide[fine].tolist(), strict=True):
            fraction = f"{part // 1000:03}" if width == MICROS_PER_MILLI else f"{part:06}"
            seconds[index] = f"{seconds[index]}.{fraction}"
    return seconds


def instant_texts(at: Int64s) -> list[str]:
    """Return instants in UTC with microseconds, as every `lastUpdated` is written."""
    distinct, inverse = np.unique(at, return_inverse=True)
    written = [instant_text(int(value)) for value in distinct]
    return [written[index] for index in inverse.tolist()]


def instant_text(at: int) -> str:
    """Return one instant in UTC with microseconds."""
    return (EPOCH + timedelta(microseconds=at)).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
