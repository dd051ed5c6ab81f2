"""How much may wait on disk at a time, and who may have how much of it.

The rule: patients whom nobody has confirmed never fill the room, nobody fills it alone, and the
disk keeps enough for the ledger, so that no flood of uploads keeps a stop from becoming durable.
"""

import shutil
import threading
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from pulsekey.primitives.errors import Unavailable
from pulsekey.primitives.ids import PatientId

EACH_PART = 4
"""One patient has at most one part in so many."""

UNCONFIRMED_PART = 2
"""All whom nobody has confirmed have at most one part in so many."""

FREE_BYTES_MIN = 256 * 1024**2
"""What is left free on the disk for everything else that the node writes."""


@dataclass(slots=True)
class SpoolRoom:
    """The bytes that wait. Safe to use from several threads."""

    bytes_max: int
    free: Callable[[], int]
    """How many bytes the disk has left."""

    _held: Counter[PatientId] = field(default_factory=Counter)
    _unconfirmed: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def share(self, patient: PatientId, *, confirmed: bool) -> "Share":
        """Return what one payload of a patient takes from the room: nothing yet."""
        return Share(self, patient, confirmed)

    def take(self, patient: PatientId, count: int, *, confirmed: bool) -> None:
        """Take some bytes more, or raise `Unavailable`."""
        with self._lock:
            fits = (
                self._held.total() + count <= self.bytes_max
                and self._held[patient] + count <= self.bytes_max // EACH_PART
                and (confirmed or self._unconfirmed + count <= self.bytes_max // UNCONFIRMED_PART)
                and self.free() - count >= FREE_BYTES_MIN
            )
            if not fits:
                raise Unavailable("there is no room for this upload now")
            self._held[patient] += count
            self._unconfirmed += 0 if confirmed else count

    def give_back(self, patient: PatientId, count: int, *, confirmed: bool) -> None:
        with self._lock:
            self._held[patient] -= count
            if not self._held[patient]:
                del self._held[patient]
            self._unconfirmed -= 0 if confirmed else count


@dataclass(slots=True)
class Share:
    """What one payload takes from the room."""

    room: SpoolRoom
    patient: PatientId
    confirmed: bool
    held: int = 0

    def take(self, count: int) -> None:
        """Take some bytes more, or raise `Unavailable`."""
        self.room.take(self.patient, count, confirmed=self.confirmed)
        self.held += count

    def give_back(self) -> None:
        """Give all of it back; a second time gives nothing."""
        self.room.give_back(self.patient, self.held, confirmed=self.confirmed)
        self.held = 0


def free_bytes_of(folder: Path) -> Callable[[], int]:
    """Return what says how many bytes the disk of a folder has left."""
    return lambda: shutil.disk_usage(folder).free
