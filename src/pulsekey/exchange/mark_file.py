"""A mark in a file: two slots that are written in turn, so that a torn write leaves the other.

One write of one page and one sync; the file never grows. Slots are 4096 bytes: length u32 | sealed
mark | zeros.
"""

import os
from dataclasses import dataclass
from pathlib import Path

from pulsekey.exchange.marks import Mark, Seal
from pulsekey.ledger.durable import write_durably
from pulsekey.primitives.errors import IntegrityError, Unavailable

SLOT_BYTES = 4_096
SLOTS = 2
_LENGTH_BYTES = 4


@dataclass(frozen=True, slots=True)
class MarkFile:
    path: Path
    seal: Seal

    def read(self) -> Mark | None:
        """Return the newer of the marks in the file, None if there is no file.

        A slot that was torn by a power failure does not matter while the other one holds. Raises
        `IntegrityError` where neither does.
        """
        try:
            content = self.path.read_bytes()
        except FileNotFoundError:
            return None
        except OSError as error:
            raise Unavailable(f"{self.path.name}: {error.strerror}") from error
        if len(content) != SLOTS * SLOT_BYTES:
            raise IntegrityError(f"{self.path.name}: the mark is cut off")
        marks, problems = [], []
        for at in range(0, len(content), SLOT_BYTES):
            slot = content[at : at + SLOT_BYTES]
            length = int.from_bytes(slot[:_LENGTH_BYTES])
            if not length:
                continue
            try:
                sealed = slot[_LENGTH_BYTES : _LENGTH_BYTES + length]
                marks.append(self.seal.opened(sealed, where=self.path.name))
            except IntegrityError as problem:
                problems.append(problem)
        if marks:
            return max(marks, key=lambda mark: mark.serial)
        raise problems[0] if problems else IntegrityError(f"{self.path.name}: the mark is empty")

    def write(self, mark: Mark) -> None:
        """Keep a mark durably, beside the one before. Raises `Unavailable`."""
        slot = self._slot(mark)
        try:
            # Never made here: a share that went away would leave an empty folder to make it in.
            descriptor = os.open(self.path, os.O_WRONLY)
        except OSError as error:
            raise Unavailable(f"{self.path.name}: {error.strerror}") from error
        try:
            os.pwrite(descriptor, slot, mark.serial % SLOTS * SLOT_BYTES)
            os.fsync(descriptor)
        except OSError as error:
            raise Unavailable(f"{self.path.name}: {error.strerror}") from error
        finally:
            os.close(descriptor)

    def replace(self, mark: Mark) -> None:
        """Put a mark in the place of whatever is there, or where nothing is."""
        content = self._slot(mark) + bytes(SLOT_BYTES)
        if mark.serial % SLOTS:
            content = content[SLOT_BYTES:] + content[:SLOT_BYTES]
        write_durably(self.path, content)

    def _slot(self, mark: Mark) -> bytes:
        sealed = self.seal.closed(mark)
        if len(sealed) > SLOT_BYTES - _LENGTH_BYTES:
            raise IntegrityError("the mark does not fit into its slot")
        return (len(sealed).to_bytes(_LENGTH_BYTES) + sealed).ljust(SLOT_BYTES, b"\0")
