"""Lines of a process that a test kills, read without waiting beyond them."""

import os
import select
from typing import IO


class Lines:
    """Reads lines without waiting beyond them, so that a kill can happen at a chosen moment."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream = stream
        self._rest = b""

    def next(self) -> str:
        while b"\n" not in self._rest:
            more = os.read(self._stream.fileno(), 65_536)
            assert more, "the process ended by itself"
            self._rest += more
        line, _, self._rest = self._rest.partition(b"\n")
        return line.decode()

    def wait(self, seconds: float) -> None:
        """Wait, but not beyond the next line."""
        if b"\n" not in self._rest:
            select.select([self._stream], [], [], seconds)
