"""Which submissions are worth ordering: size, room, duplicate, signature, cheapest first.

Nothing here knows the state. What is dropped leaves no trace; what passes may still be refused. A
forged copy never blocks the real operation, because only what was verified enters the window.
"""

import threading
from dataclasses import dataclass

from pulsekey.ledger.encoding import SIGNED_BYTES_MAX, operation_part
from pulsekey.ledger.ports import Program, Verdict
from pulsekey.primitives.errors import MalformedInput
from pulsekey.primitives.hashing import digest
from pulsekey.primitives.ids import Digest, LedgerId

WINDOW_OPERATIONS_MAX = 65_536
QUEUE_OPERATIONS_MAX = 16_384


@dataclass(frozen=True, slots=True)
class Judgement:
    """A verdict and, unless it is OK, its reason in a few words."""

    verdict: Verdict
    reason: str = ""


ADMITTED = Judgement(Verdict.OK)
TOO_LONG = Judgement(Verdict.DROP, "longer than the ledger carries")
NOT_ADMISSIBLE = Judgement(Verdict.DROP, "not an operation of this ledger, or its signature fails")
DUPLICATE = Judgement(Verdict.DROP, "submitted before")
QUEUE_FULL = Judgement(Verdict.LATER, "too many operations are waiting")


class Screen:
    """Judges submissions for one ledger. Safe to call from any thread."""

    def __init__(
        self,
        ledger: LedgerId,
        program: Program,
        *,
        window_operations_max: int = WINDOW_OPERATIONS_MAX,
        queue_operations_max: int = QUEUE_OPERATIONS_MAX,
    ) -> None:
        self._ledger = ledger
        self._program = program
        self._window_max = window_operations_max
        self._queue_max = queue_operations_max
        self._window: dict[Digest, None] = {}
        self._lock = threading.Lock()

    def judge(self, signed: bytes, waiting: int) -> Judgement:
        """Judge one submission while `waiting` others are queued; OK also remembers it."""
        if len(signed) > SIGNED_BYTES_MAX:
            return TOO_LONG
        if waiting >= self._queue_max:
            return QUEUE_FULL
        try:
            identity = digest(operation_part(signed))
        except MalformedInput:
            return NOT_ADMISSIBLE
        if identity in self._window:
            return DUPLICATE
        if not self._program.admissible(self._ledger, signed):
            return NOT_ADMISSIBLE
        return self._remember(identity)

    def forget(self, signed: bytes) -> None:
        """Let an operation in again that was judged OK but never ordered."""
        with self._lock:
            self._window.pop(digest(operation_part(signed)), None)

    def _remember(self, identity: Digest) -> Judgement:
        with self._lock:
            # Two threads may have verified the same operation at the same time.
            if identity in self._window:
                return DUPLICATE
            if len(self._window) >= self._window_max:
                del self._window[next(iter(self._window))]
            self._window[identity] = None
        return ADMITTED
