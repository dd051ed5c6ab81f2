"""How the demonstration speaks: each line with the time that its part took."""

import time
from dataclasses import dataclass, field

from pulsekey.cli.screen import say


@dataclass(slots=True)
class Story:
    """Tells what happens and how long each part took."""

    begun: float = field(default_factory=time.perf_counter)
    last: float = field(default_factory=time.perf_counter)

    def chapter(self, title: str) -> None:
        say()
        say(title)

    def line(self, text: str) -> None:
        now = time.perf_counter()
        say(f"  {(now - self.last) * 1_000:8.0f} ms  {text}")
        self.last = now

    def aside(self, text: str) -> None:
        say(f"               {text}")
