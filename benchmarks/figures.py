"""What every benchmark hands over, and how time is taken.

A rate "per core" divides by CPU time of the process, a latency is wall time. Work is repeated and
the median counts: the best of several runs would flatter, the mean would show what else ran.
"""

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass

REPEATS = 5


@dataclass(frozen=True, slots=True)
class Figure:
    """One measured number. `target` is what issue or design asks for, None where nothing is."""

    name: str
    value: float
    unit: str
    target: float | None = None
    note: str = ""
    less_is_better: bool = False

    @property
    def met(self) -> bool | None:
        """Whether the target is reached; None without one."""
        if self.target is None:
            return None
        return self.value <= self.target if self.less_is_better else self.value >= self.target


def cpu_seconds(work: Callable[[], object], repeats: int = REPEATS) -> float:
    """Return the median CPU time of one run of `work`."""
    return _median(time.process_time, work, repeats)


def wall_seconds(work: Callable[[], object], repeats: int = REPEATS) -> float:
    """Return the median wall time of one run of `work`."""
    return _median(time.perf_counter, work, repeats)


def latencies(work: Callable[[], object], repeats: int) -> list[float]:
    """Return the wall times of `repeats` runs, in order of size."""
    return sorted(_run(time.perf_counter, work) for _ in range(repeats))


def percentile(ordered: list[float], share: float) -> float:
    """Return the value below which `share` of `ordered` lies (nearest rank)."""
    return ordered[min(int(len(ordered) * share), len(ordered) - 1)]


def _median(clock: Callable[[], float], work: Callable[[], object], repeats: int) -> float:
    return max(statistics.median(_run(clock, work) for _ in range(repeats)), 1e-9)


def _run(clock: Callable[[], float], work: Callable[[], object]) -> float:
    begin = clock()
    work()
    return clock() - begin
