"""Time as a number. A clock is read at the edge only; everything inside is told what time it is.

Data and logs count microseconds, the ledger counts whole seconds, both since 1970 in UTC. Integers
are compared and hashed without any rounding, in Python, Vyper and JavaScript alike.
"""

import time
from datetime import UTC, datetime, timedelta
from typing import NewType, Protocol

Micros = NewType("Micros", int)
"""Microseconds since 1970-01-01T00:00:00Z."""

Seconds = NewType("Seconds", int)
"""Whole seconds since 1970-01-01T00:00:00Z."""

MICROS_PER_SECOND = 1_000_000
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Clock(Protocol):
    """Tells the time. Trusted by its own node only: others judge by batch and settlement times."""

    def now(self) -> Micros:
        """Return the current time."""


class SystemClock:
    """The machine's own clock."""

    def now(self) -> Micros:
        return Micros(time.time_ns() // 1_000)


def seconds(at: Micros) -> Seconds:
    """Return the whole second that `at` falls into."""
    return Seconds(at // MICROS_PER_SECOND)


def micros(at: datetime) -> Micros:
    """Return an aware datetime as microseconds."""
    return Micros((at - EPOCH) // timedelta(microseconds=1))


def utc(at: Micros) -> datetime:
    """Return `at` as an aware UTC datetime."""
    return EPOCH + timedelta(microseconds=at)
