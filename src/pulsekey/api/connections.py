"""Who may hold a connection, and how long it may keep the node waiting.

The rule: a connection that waits for its client gives way to a newcomer, the longest waiting one of
whoever holds most, so that nobody keeps others out by being slow. One that the node is working for
is never closed from here.

Nothing here is HTTP or does I/O: `http_protocol.py` tells what each connection is doing.
"""

import logging
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import NamedTuple, Protocol

LOG = logging.getLogger("pulsekey")
TOLD_SECONDS = 600.0
"""How often the operator is told, at most, that connections are full."""

RESERVED = 256
"""Descriptors that are kept for databases, threads and the log; half of all where there are few."""

SHARE_OF_UPLOADS = 8
"""One descriptor in so many is for payloads that are being received."""


class Phase(Enum):
    """What a connection waits for."""

    HEAD = auto()
    """The client, for the first or next request or the rest of its head."""

    BODY = auto()
    """The client, for more of a body."""

    SERVED = auto()
    """The node."""

    SENDING = auto()
    """The client, to take more of the answer."""

    ENDING = auto()
    """The client, to send or take the rest of what no longer matters."""


class Doing(NamedTuple):
    """What a connection is at. Two that are equal mean that it has not moved on, but for bytes."""

    phase: Phase
    step: int
    """Counts what was completed, so that the same phase of the next request is told apart."""

    taken: int = 0
    """Bytes of bodies that have come so far."""


class Held(Protocol):
    """A connection, as far as it can be watched and closed."""

    def doing(self) -> Doing: ...

    def end(self) -> None: ...


@dataclass(frozen=True, slots=True)
class Limits:
    """How many, and for how long. A body has to come with `body_bytes` in every `body_seconds`.

    The times and the rate are those of Apache httpd's mod_reqtimeout, rounded to one deadline.
    """

    together: int
    per_address: int
    head_seconds: float = 20.0
    body_seconds: float = 20.0
    body_bytes: int = 10_000
    sending_seconds: float = 60.0
    ending_seconds: float = 20.0


@dataclass(slots=True, eq=False)
class Line:
    """One connection that is held, and since when it has not moved on."""

    held: Held
    address: str
    trusted: bool
    since: float
    last: Doing

    @property
    def waits(self) -> bool:
        return self.held.doing().phase is not Phase.SERVED


@dataclass(slots=True)
class Connections:
    """All that are open. Used from the one thread of the event loop."""

    limits: Limits
    seconds: Callable[[], float]
    """A clock that only moves on, in seconds."""

    _lines: dict[str, OrderedDict[Line, None]] = field(default_factory=dict)
    _count: int = 0
    _told_at: float | None = None

    def __len__(self) -> int:
        return self._count

    def enter(self, held: Held, address: str, *, trusted: bool) -> Line | None:
        """Hold one more, in the place of another if there are too many.

        None if there is no place, because the node works for all of those that could give way. A
        trusted proxy stands for many people, so no limit of its own holds for it.
        """
        own = self._lines.get(address, OrderedDict[Line, None]())
        if not trusted and len(own) >= self.limits.per_address:
            victim = next((line for line in own if line.waits), None)
        elif self._count >= self.limits.together:
            victim = self._longest_waiting()
        else:
            return self._held(held, address, trusted=trusted)
        self._tell()
        if victim is None:
            return None
        self._end(victim)
        return self._held(held, address, trusted=trusted)

    def leave(self, line: Line) -> None:
        """Forget one that is closed. Leaving twice is not an error."""
        lines = self._lines.get(line.address)
        if lines is None or line not in lines:
            return
        del lines[line]
        self._count -= 1
        if not lines:
            del self._lines[line.address]

    def sweep(self) -> None:
        """Close what keeps the node waiting for too long. To be called about once a second."""
        now = self.seconds()
        for line in [line for lines in self._lines.values() for line in lines]:
            doing = line.held.doing()
            if self._moved_on(line, doing, now):
                line.since, line.last = now, doing
                self._lines[line.address].move_to_end(line)
            elif now - line.since >= self._seconds_max(doing.phase):
                self._end(line)

    def _moved_on(self, line: Line, doing: Doing, now: float) -> bool:
        if (doing.phase, doing.step) != (line.last.phase, line.last.step):
            return True
        if doing.phase is not Phase.BODY:
            return doing.phase is Phase.SERVED
        whole = now - line.since >= self.limits.body_seconds
        return whole and doing.taken - line.last.taken >= self.limits.body_bytes

    def _seconds_max(self, phase: Phase) -> float:
        limits = self.limits
        return {
            Phase.HEAD: limits.head_seconds,
            Phase.BODY: limits.body_seconds,
            Phase.SENDING: limits.sending_seconds,
            Phase.ENDING: limits.ending_seconds,
        }.get(phase, float("inf"))

    def _longest_waiting(self) -> Line | None:
        """Return the longest waiting one of whoever holds most; a proxy counts like one of them."""
        waiting = (
            (next((line for line in lines if line.waits), None), len(lines))
            for lines in self._lines.values()
        )
        ranked = [
            ((1 if line.trusted else held, -line.since), line)
            for line, held in waiting
            if line is not None
        ]
        return max(ranked, key=lambda each: each[0])[1] if ranked else None

    def _held(self, held: Held, address: str, *, trusted: bool) -> Line:
        line = Line(held, address, trusted, self.seconds(), held.doing())
        self._lines.setdefault(address, OrderedDict())[line] = None
        self._count += 1
        return line

    def _end(self, line: Line) -> None:
        self.leave(line)
        line.held.end()

    def _tell(self) -> None:
        now = self.seconds()
        if self._told_at is None or now - self._told_at >= TOLD_SECONDS:
            self._told_at = now
            LOG.warning("there are as many connections as there may be; slow ones give way")


def affordable(wanted: int, descriptors: int) -> int:
    """Return how many connections a process may hold that may open so many descriptors."""
    reserved = min(RESERVED, descriptors // 2)
    return max(min(wanted, descriptors - reserved - descriptors // SHARE_OF_UPLOADS), 1)
