"""Times as files write them, to microseconds in UTC, an offset and a basis; a column at a time.

The one rule: the zone of the machine that runs this is never used. A time without a zone is
floating until somebody names one.

A wall time that a zone skips (the hour lost in spring) is read with the offset in force before the
change, one that it has twice (the hour gained in autumn) as the first of the two: so PEP 495 reads
both. Neither is refused: a device that does not know of the change keeps counting, and an hour
of readings is worth more than the doubt (docs/decisions/0021-times-without-a-zone.md).
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import numpy as np
from numpy.typing import NDArray

from pulsekey.primitives.clock import EPOCH, MICROS_PER_SECOND
from pulsekey.primitives.errors import MalformedInput
from pulsekey.signals.series import OFFSET_UNKNOWN, Basis, Int16s, Int64s, Times, UInt8s

MICROS_PER_MINUTE: Final = 60 * MICROS_PER_SECOND
YEAR_MIN, YEAR_MAX = 1900, 2199
OFFSET_MINUTES_MAX: Final = 14 * 60
"""UTC+14 (Line Islands) is the farthest that a zone has ever been."""

_SHIFTED: Final = len("2023-07-14 21:30:05 -0500")
_LOCAL: Final = len("2023-07-14 21:30:05")
_DIGITS: Final = (0, 1, 2, 3, 5, 6, 8, 9, 11, 12, 14, 15, 17, 18)
_DAYS_BEFORE_MONTH: Final = np.array([0, 0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334])
_DAYS_OF_MONTH: Final = np.array([0, 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31])


@dataclass(frozen=True, slots=True, eq=False)
class Stamps:
    """A column of times as written.

    `wall` int64[n]: microseconds of the wall time, read as if it were UTC; `offset` int16[n]
    minutes, OFFSET_UNKNOWN where none was written; `legible` bool[n]: whether it is a date that
    exists, from 1900 to 2199. Where it is not, the other two are zero.
    """

    wall: Int64s
    offset: Int16s
    legible: NDArray[np.bool_]

    def instant(self) -> Int64s:
        """Return the microseconds in UTC of stamps that carry an offset."""
        return self.wall - self.offset.astype(np.int64) * MICROS_PER_MINUTE


def read_shifted(texts: list[str]) -> Stamps:
    """Read stamps of the form `2023-07-14 21:30:05 -0500`."""
    characters, fits = _characters(texts, _SHIFTED)
    wall, legible = _wall(characters)
    digit = (characters[21:25] - np.int32(48)).astype(np.int32)
    sign = characters[20]
    legible &= fits & (characters[19] == ord(" ")) & ((sign == ord("+")) | (sign == ord("-")))
    legible &= ((digit >= 0) & (digit <= 9)).all(axis=0)
    minutes = (digit[0] * 10 + digit[1]) * 60 + digit[2] * 10 + digit[3]
    legible &= (minutes <= OFFSET_MINUTES_MAX) & (digit[2] < 6)
    offset = np.where(sign == ord("-"), -minutes, minutes)
    return _blanked(wall, offset, legible)


def read_local(texts: list[str]) -> Stamps:
    """Read stamps of the form `2023-07-14 21:30:05` or `2023-07-14T21:30:05`."""
    characters, fits = _characters(texts, _LOCAL)
    wall, legible = _wall(characters)
    offset = np.full(len(texts), OFFSET_UNKNOWN, np.int32)
    return _blanked(wall, offset, legible & fits)


def zone(name: str) -> ZoneInfo:
    """Return the zone with an IANA name, or raise `MalformedInput`."""
    try:
        return _zone(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as failure:
        raise MalformedInput(
            "not the name of a time zone", where="time zone", cure="an IANA name, as Europe/Paris"
        ) from failure


def known_zone(name: str) -> bool:
    """Whether there is a zone with this IANA name."""
    try:
        _zone(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return False
    return True


@lru_cache(maxsize=1_024)
def _zone(name: str) -> ZoneInfo:
    if not name or len(name) > 64 or name.startswith(("/", ".", "posix", "right", "local")):
        raise ValueError(name)
    return ZoneInfo(name)


def offsets_at(instant: Int64s, of: ZoneInfo) -> Int16s:
    """Return the minutes by which `of` was ahead of UTC at each instant."""
    return _by_minute(instant, lambda minute: _minutes(of, EPOCH + timedelta(minutes=minute)))


def declared(wall: Int64s, of: ZoneInfo) -> tuple[Int64s, Int16s]:
    """Return the instants and offsets of wall times in a zone that somebody declared."""

    def ahead(minute: int) -> int:
        naive = (EPOCH + timedelta(minutes=minute)).replace(tzinfo=of, fold=0)
        return _minutes_of(naive.utcoffset())

    offset = _by_minute(wall, ahead)
    return wall - offset.astype(np.int64) * MICROS_PER_MINUTE, offset


def wall_times(start: Int64s, end: Int64s, zone_name: str) -> Times:
    """Return wall times as `Times`: declared where a zone is named, floating where it is not."""
    n = len(start)
    if not zone_name:
        basis: UInt8s = np.full(n, Basis.FLOATING, np.uint8)
        return Times(start, end, np.full(n, OFFSET_UNKNOWN, np.int16), basis)
    place = zone(zone_name)
    first, offset = declared(start, place)
    last, _ = declared(end, place)
    return Times(first, last, offset, np.full(n, Basis.DECLARED, np.uint8))


def _minutes(of: ZoneInfo, at: datetime) -> int:
    return _minutes_of(at.astimezone(of).utcoffset())


def _minutes_of(ahead: timedelta | None) -> int:
    return round((ahead or timedelta(0)) / timedelta(minutes=1))


def _by_minute(micros: Int64s, ahead: Callable[[int], int]) -> Int16s:
    """Apply `ahead` once to each whole minute that occurs: zones change on whole minutes only."""
    minutes, places = np.unique(micros // MICROS_PER_MINUTE, return_inverse=True)
    table = np.array([ahead(minute) for minute in minutes.tolist()], np.int16)
    return table[places] if len(table) else np.zeros(len(micros), np.int16)


def _characters(texts: list[str], width: int) -> tuple[NDArray[np.int32], NDArray[np.bool_]]:
    """Return the texts as int32[width, n] of code points, and which have exactly that width."""
    n = len(texts)
    joined = "".join(texts)
    if joined.isascii() and len(joined) == n * width and all(len(text) == width for text in texts):
        fits = np.ones(n, np.bool_)
    else:
        fits = np.array([len(text) == width and text.isascii() for text in texts], np.bool_)
        blank = " " * width
        joined = "".join(text if fit else blank for text, fit in zip(texts, fits, strict=True))
    codes = np.frombuffer(joined.encode("ascii"), np.uint8).reshape(n, width)
    return codes.T.astype(np.int32), fits


def _wall(characters: NDArray[np.int32]) -> tuple[Int64s, NDArray[np.bool_]]:
    """Return the wall time of `YYYY-MM-DD?HH:MM:SS` and whether it is one."""
    digit = characters[_DIGITS, :] - 48
    legible = ((digit >= 0) & (digit <= 9)).all(axis=0)
    legible &= (characters[4] == ord("-")) & (characters[7] == ord("-"))
    legible &= (characters[10] == ord(" ")) | (characters[10] == ord("T"))
    legible &= (characters[13] == ord(":")) & (characters[16] == ord(":"))
    year = digit[0] * 1000 + digit[1] * 100 + digit[2] * 10 + digit[3]
    month, day, hour, minute, second = (
        digit[place] * 10 + digit[place + 1] for place in (4, 6, 8, 10, 12)
    )
    legible &= (year >= YEAR_MIN) & (year <= YEAR_MAX) & (month >= 1) & (month <= 12)
    legible &= (hour < 24) & (minute < 60) & (second < 60) & (day >= 1)
    month = np.where(legible, month, 1)
    leap = (year % 4 == 0) & ((year % 100 != 0) | (year % 400 == 0))
    legible &= day <= _DAYS_OF_MONTH[month] + (leap & (month == 2))
    before = year - 1
    days = before * 365 + before // 4 - before // 100 + before // 400 - 719_162
    days = days + _DAYS_BEFORE_MONTH[month] + (leap & (month > 2)) + day - 1
    seconds = days.astype(np.int64) * 86_400 + hour * 3_600 + minute * 60 + second
    return seconds * MICROS_PER_SECOND, legible


def _blanked(wall: Int64s, offset: NDArray[np.int32], legible: NDArray[np.bool_]) -> Stamps:
    return Stamps(
        np.where(legible, wall, 0), np.where(legible, offset, 0).astype(np.int16), legible
    )


def chosen(times: Times, at: NDArray[np.intp]) -> Times:
    """Return the rows `at` of `times`."""
    return Times(times.start[at], times.end[at], times.offset[at], times.basis[at])
