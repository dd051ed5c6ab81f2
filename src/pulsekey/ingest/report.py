"""What an import did, in numbers and in words: nothing is dropped in silence.

The rule: every item that a parser yields is counted once, as new, changed, known, refused or
quarantined. A report is stored and shown to the patient, so it repeats no value of a measurement.
"""

from collections import Counter
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

import numpy as np

from pulsekey.ingest.items import Refusal
from pulsekey.primitives.clock import Micros, utc
from pulsekey.primitives.messages import DEFAULT, Said, in_language
from pulsekey.resources.documents import Clinical
from pulsekey.signals.grade import Grade
from pulsekey.signals.series import GRADE_WINDOW_SECONDS, Basis, Grades, Series, Waveform

REFUSALS_MAX: Final = 200
"""Kept in full; beyond it they are counted by problem."""
PROBLEMS_MAX: Final = 200
"""Different problems that are counted beyond the full ones; the rest is counted together."""
QUARANTINED_MAX: Final = 200
SUMMARIES_MAX: Final = 1_000
OTHER_PROBLEMS: Final = Said("other problems")
UNDATED: Final = "1970-01-01"
"""Where a recording without a date begins to count."""


class Outcome(StrEnum):
    """What became of one document."""

    NEW = "new"
    CHANGED = "changed"
    KNOWN = "known"


@dataclass(frozen=True, slots=True)
class Stored:
    """What became of the rows of one series: `changed` are those kept as a new version.

    `dated` is how many of those got a time zone, or another one than was declared before.
    """

    new: int = 0
    changed: int = 0
    known: int = 0
    dated: int = 0


@dataclass(frozen=True, slots=True)
class Tally:
    """Counts of one metric or resource type. `kind` is what is counted.

    `new`, `changed` and `known` add up to what was read; `questionable` and `unusable` say how much
    of what was read was graded so, and `dated` how much of `changed` got a time zone: they are no
    further part of the sum.
    """

    kind: str
    name: str
    new: int = 0
    changed: int = 0
    known: int = 0
    questionable: int = 0
    unusable: int = 0
    dated: int = 0


@dataclass(frozen=True, slots=True)
class Quarantined:
    """An item that was set aside because it may be about somebody else."""

    where: str
    what: str
    explanation: str


@dataclass(frozen=True, slots=True)
class Summary:
    """What the quality of one series comes to, in words."""

    metric: str
    source: str
    text: str


@dataclass(frozen=True, slots=True)
class ImportReport:
    """An import. `first_day` and `last_day` are YYYY-MM-DD, or "" where nothing was dated."""

    name: str
    format: str
    received: Micros
    tallies: tuple[Tally, ...] = ()
    refusals: tuple[Refusal, ...] = ()
    refused_beyond: tuple[tuple[str, int], ...] = ()
    quarantined: tuple[Quarantined, ...] = ()
    quarantined_beyond: int = 0
    first_day: str = ""
    last_day: str = ""
    summaries: tuple[Summary, ...] = ()

    @property
    def refused(self) -> int:
        """How many records were refused."""
        return len(self.refusals) + sum(count for _, count in self.refused_beyond)

    @property
    def set_aside(self) -> int:
        """How many items were quarantined."""
        return len(self.quarantined) + self.quarantined_beyond

    def lines(self) -> tuple[str, ...]:
        """Return the report in English that needs no training, for the command line."""
        said = [f"{self.name}: {self.format}"]
        if self.first_day:
            said.append(f"From {self.first_day} to {self.last_day}.")
        said.extend(_tally_line(tally) for tally in self.tallies)
        if not self.tallies:
            said.append("Nothing was kept.")
        said.extend(f"{of.metric}, {of.source}: {_english(of.text)}" for of in self.summaries)
        if self.refused:
            said.append(f"{self.refused:,} not kept:")
            said.extend(
                f"  {_english(r.where)}: {_english(r.problem)} ({_english(r.cure)})"
                for r in self.refusals
            )
            said.extend(
                f"  and {count:,} more: {_english(problem)}"
                for problem, count in self.refused_beyond
            )
        if self.set_aside:
            said.append(f"{self.set_aside:,} set aside, because they may be about somebody else:")
            said.extend(
                f"  {_english(q.where)}: {q.what}. {_english(q.explanation)}"
                for q in self.quarantined
            )
            if self.quarantined_beyond:
                said.append(f"  and {self.quarantined_beyond:,} more")
        return tuple(said)


@dataclass(slots=True)
class ReportBuilder:
    """Counts an import as it goes. Its memory does not grow with the payload."""

    name: str
    format: str
    received: Micros
    _tallies: dict[tuple[str, str], list[int]] = field(default_factory=dict)
    _refusals: list[Refusal] = field(default_factory=list)
    _beyond: Counter[str] = field(default_factory=Counter)
    _quarantined: list[Quarantined] = field(default_factory=list)
    _quarantined_beyond: int = 0
    _summaries: list[Summary] = field(default_factory=list)
    _first_day: str = ""
    _last_day: str = ""

    def series(self, series: Series | Waveform, stored: Stored) -> None:
        """Count a graded series. A waveform is counted in windows of ten seconds."""
        if isinstance(series, Waveform):
            kind = f"windows of {GRADE_WINDOW_SECONDS} seconds"
            grades = [block.grades for block in series.blocks]
            for block in series.blocks:
                length = len(block.channels[0].raw) if block.channels else 0
                seconds = int(length / block.rate_hz)
                self._cover(block.start, block.start + seconds * 1_000_000, block.basis)
        else:
            kind, grades = "samples", [series.grades]
            if len(series):
                basis = Basis(int(series.times.basis.max()))
                self._cover(int(series.times.start.min()), int(series.times.end.max()), basis)
        questionable, unusable = _graded(grades)
        self._count(kind, series.metric.name, stored, questionable, unusable)

    def document(self, clinical: Clinical, outcome: Outcome) -> None:
        """Count a clinical document."""
        stored = Stored(**{outcome.value: 1})
        self._count("documents", clinical.resource_type, stored, 0, 0)
        day = clinical.date[:10]
        if len(day) == len(UNDATED):
            self._days(day, day)

    def refuse(self, refusal: Refusal) -> None:
        """Keep a refusal, or count it once there are many."""
        if len(self._refusals) < REFUSALS_MAX:
            self._refusals.append(refusal)
        elif refusal.problem in self._beyond or len(self._beyond) < PROBLEMS_MAX:
            self._beyond[refusal.problem] += 1
        else:
            self._beyond[OTHER_PROBLEMS] += 1

    def quarantine(self, where: str, what: str, explanation: str) -> None:
        """Keep what was set aside, and why."""
        if len(self._quarantined) < QUARANTINED_MAX:
            self._quarantined.append(Quarantined(where, what, explanation))
        else:
            self._quarantined_beyond += 1

    def summarise(self, metric: str, source: str, text: str) -> None:
        """Keep what the quality of one series comes to."""
        if len(self._summaries) < SUMMARIES_MAX:
            self._summaries.append(Summary(metric, source, text))

    def build(self) -> ImportReport:
        """Return the report so far."""
        return ImportReport(
            name=self.name,
            format=self.format,
            received=self.received,
            tallies=tuple(Tally(*key, *counts) for key, counts in sorted(self._tallies.items())),
            refusals=tuple(self._refusals),
            refused_beyond=tuple(sorted(self._beyond.items())),
            quarantined=tuple(self._quarantined),
            quarantined_beyond=self._quarantined_beyond,
            first_day=self._first_day,
            last_day=self._last_day,
            summaries=tuple(self._summaries),
        )

    def _count(
        self, kind: str, name: str, stored: Stored, questionable: int, unusable: int
    ) -> None:
        counts = self._tallies.setdefault((kind, name), [0] * 6)
        added = (stored.new, stored.changed, stored.known, questionable, unusable, stored.dated)
        for at, number in enumerate(added):
            counts[at] += number

    def _cover(self, start: int, end: int, basis: Basis) -> None:
        first, last = utc(Micros(start)).date().isoformat(), utc(Micros(end)).date().isoformat()
        # A recording without a date counts from 1970: that is no period that anybody lived.
        if basis is not Basis.FLOATING or first != UNDATED:
            self._days(first, last)

    def _days(self, first: str, last: str) -> None:
        self._first_day = min(self._first_day or first, first)
        self._last_day = max(self._last_day, last)


def _graded(grades: list[Grades | None]) -> tuple[int, int]:
    known = [grade.grade for grade in grades if grade is not None]
    return (
        sum(int(np.count_nonzero(grade == Grade.QUESTIONABLE)) for grade in known),
        sum(int(np.count_nonzero(grade == Grade.UNUSABLE)) for grade in known),
    )


def _english(text: str) -> str:
    return in_language(text, DEFAULT)


def _tally_line(tally: Tally) -> str:
    parts = [
        f"{count:,} {word}"
        for count, word in (
            (tally.new, "new"),
            (tally.changed, "changed"),
            (tally.known, "already known"),
            (tally.questionable, "questionable"),
            (tally.unusable, "unusable"),
            (tally.dated, "with a time zone that is now known"),
        )
        if count
    ]
    return f"{tally.name} ({tally.kind}): {', '.join(parts) or 'none'}"
