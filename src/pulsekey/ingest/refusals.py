"""Counts what could not be read, so that nothing is dropped in silence and nothing floods a report.

The one rule: a refusal names a place and a kind, never a value.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from pulsekey.ingest.items import Refusal
from pulsekey.primitives.messages import Said

EACH_MAX: Final = 200
"""So many refusals of one problem are told one by one, the rest in one line."""
KINDS_MAX: Final = 1_000
TEXT_MAX: Final = 80
OTHER_KINDS: Final = Said("other kinds")


@dataclass(slots=True)
class Refusals:
    """Single refusals, told when they happen, and kinds of records counted until the end."""

    _told: dict[str, int] = field(default_factory=dict)
    _cures: dict[str, str] = field(default_factory=dict)
    _kinds: dict[tuple[str, str, str], int] = field(default_factory=dict)

    def one(self, where: str, problem: str, cure: str) -> Iterator[Refusal]:
        """Refuse one record: at once, or counted once there are too many of the same problem."""
        told = self._told.get(problem, 0)
        self._told[problem] = told + 1
        self._cures[problem] = cure
        if told < EACH_MAX:
            yield Refusal(where, problem, cure)

    def kind(self, name: str, problem: str, cure: str) -> None:
        """Count one record of a kind that is not read at all."""
        key = (name if isinstance(name, Said) else name[:TEXT_MAX], problem, cure)
        if key not in self._kinds and len(self._kinds) >= KINDS_MAX:
            key = (OTHER_KINDS, problem, cure)
        self._kinds[key] = self._kinds.get(key, 0) + 1

    def rest(self) -> Iterator[Refusal]:
        """Tell what was only counted."""
        for (name, problem, cure), count in self._kinds.items():
            yield Refusal(Said("{name} ({count})", name=name, count=count), problem, cure)
        for problem, count in self._told.items():
            if count > EACH_MAX:
                yield Refusal(
                    Said("{count} more records", count=count - EACH_MAX),
                    problem,
                    self._cures[problem],
                )
        self._kinds.clear()
        self._told.clear()
