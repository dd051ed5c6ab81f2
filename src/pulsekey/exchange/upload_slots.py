"""Who may send a payload now, and which other upload gives way for it. Pure: state in, answer out.

The rule: a patient whom an operator has confirmed is never kept out by those whom nobody has, and
among equals nobody is kept out by one who holds more, or who is slow.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from pulsekey.primitives.clock import MICROS_PER_SECOND, Micros
from pulsekey.primitives.ids import PatientId

EACH_MAX = 4
"""Payloads of one patient that may be received at a time."""

SLOT_BYTES = 64 * 1024**2
SLOTS_MIN, SLOTS_MAX = 8, 128
"""A slot for every `SLOT_BYTES` of the room; each is one file that is open."""

UNCONFIRMED_PART = 2
"""All whom nobody has confirmed have at most one slot in so many."""

GRACE_MICROS = 30 * MICROS_PER_SECOND
RATE_BYTES = 65_536
"""Bytes a second. Who is slower, for longer than the grace, gives way when slots are short."""

STALLED_MICROS = 60 * MICROS_PER_SECOND
WHOLE_MICROS = 6 * 3_600 * MICROS_PER_SECOND
"""Four gibibytes at 1.6 Mbit/s."""


@dataclass(frozen=True, slots=True)
class Upload:
    """A payload that is being received."""

    id: str
    patient: PatientId
    confirmed: bool
    began: Micros
    moved: Micros
    """When the last of its bytes came."""

    size: int

    def rate(self, now: Micros) -> float:
        """Return its bytes a second so far."""
        return self.size * MICROS_PER_SECOND / max(now - self.began, 1)

    def is_over(self, now: Micros) -> bool:
        """Whether it has stood still for too long, or takes too long as a whole."""
        return now - self.moved > STALLED_MICROS or now - self.began > WHOLE_MICROS


@dataclass(frozen=True, slots=True)
class Full:
    """There is no slot; `own`: because of the patient's own uploads."""

    own: bool


def slots_for(spool_bytes_max: int) -> int:
    """Return how many payloads may be received at a time."""
    return max(SLOTS_MIN, min(spool_bytes_max // SLOT_BYTES, SLOTS_MAX))


def room_for(
    receiving: Sequence[Upload], patient: PatientId, now: Micros, slots: int, *, confirmed: bool
) -> Upload | Full | None:
    """Return which upload gives way to a new one: None if there is a slot, `Full` if none does."""
    own = sum(one.patient == patient for one in receiving)
    if own >= EACH_MAX:
        return Full(own=True)
    strangers = [one for one in receiving if not one.confirmed]
    if confirmed:
        has_slot = len(receiving) < slots
        rivals = strangers or list(receiving)
        outranked = bool(strangers)
    else:
        has_slot = len(receiving) < slots and len(strangers) < slots // UNCONFIRMED_PART
        rivals, outranked = strangers, False
    if has_slot:
        return None
    held = Counter(one.patient for one in rivals)
    most = max(held.values(), default=0)
    greedy = [one for one in rivals if held[one.patient] == most]
    if not outranked and most <= own + 1:
        greedy = [
            one for one in rivals if now - one.began >= GRACE_MICROS and one.rate(now) < RATE_BYTES
        ]
    return min(greedy, key=lambda one: (one.rate(now), one.began), default=Full(own=False))
