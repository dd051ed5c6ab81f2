"""Use cases: what there is in a record, and a stretch of one series to draw.

The patient's own reading and a clinician's are the same calls; the gate decides what they see.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pulsekey.evidence.entries import Asked
from pulsekey.exchange.gate import NOT_HERE, Gate, Opened, Scope
from pulsekey.fhir.documents import document
from pulsekey.fhir.paging import document_key
from pulsekey.identity.principals import Principal
from pulsekey.primitives.clock import Micros
from pulsekey.primitives.errors import MalformedInput, NotFound
from pulsekey.primitives.ids import PatientId, SeriesId
from pulsekey.primitives.messages import Said
from pulsekey.quality.chunks import joined
from pulsekey.quality.summary import Summary, summarise
from pulsekey.resources.codec import TYPES
from pulsekey.signals.category import Category
from pulsekey.signals.classification import categories_of
from pulsekey.signals.grade import Grade
from pulsekey.signals.metric import Shape
from pulsekey.signals.series import floats
from pulsekey.vault.records import (
    ROWS_PER_READ_MAX,
    BlockHead,
    BlockRecord,
    Order,
    Samples,
    SeriesEntry,
    Window,
)

POINTS_MAX = 5_000
BLOCK_SECONDS_MAX = 600
BLOCKS_MAX = 200
DOCUMENTS_MAX = 500
COUNTED_MAX = 1_000
Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Listed:
    """The series that a reader may see, the newest sample of each, whether there may be more."""

    limited: bool
    series: tuple[SeriesEntry, ...]
    latest: Mapping[SeriesId, Samples]


@dataclass(frozen=True, slots=True)
class Chart:
    """How many clinical resources of each type a reader may see, `cut` where counting ended."""

    limited: bool
    counts: Mapping[str, int]
    cut: bool


@dataclass(frozen=True, slots=True)
class Documents:
    """Clinical resources of one type as JSON, newest first; `cut` where there are more."""

    limited: bool
    resources: tuple[bytes, ...]
    cut: bool


@dataclass(frozen=True, slots=True, eq=False)
class Stretch:
    """Samples of one series in the order of time, and what their quality comes to.

    `thinned` says that samples were left out: per step of time the lowest, the highest and every
    one that is not good are kept, so that no peak and no doubt disappears from a drawing. `cut`
    says that only the newest samples of the stretch were read at all.
    """

    entry: SeriesEntry
    samples: Samples | None
    shown: NDArray[np.int64]
    thinned: bool
    cut: bool
    summary: Summary | None


@dataclass(frozen=True, slots=True)
class ShowRecord:
    gate: Gate

    def categories(self, who: Principal, patient: PatientId) -> dict[Category, tuple[int, int]]:
        """Return how many series and clinical resources a patient has, per category.

        Of the patient's own reading: raises `MalformedInput` for a record that is open in part.
        """
        opened = self._open(who, patient, "PATRQT", Asked(("Observation", "Document")))
        series: Counter[Category] = Counter()
        documents: Counter[Category] = Counter()
        for scope in opened.scopes:
            series.update(entry.category for entry in scope.series())
            documents.update(scope.document_counts())
        return {
            category: (series[category], documents[category])
            for category in Category
            if series[category] or documents[category]
        }

    def series(self, who: Principal, patient: PatientId, purpose: str) -> Listed:
        """Return the series of a record that may be seen."""
        opened = self._open(who, patient, purpose, Asked(("Observation",)))
        entries = {entry.id: entry for scope in opened.scopes for entry in scope.series()}
        ordered = sorted(
            entries.values(), key=lambda entry: (entry.category, entry.metric.name, entry.id)
        )
        return Listed(opened.limited, tuple(ordered), _newest(opened.scopes))

    def stretch(
        self,
        who: Principal,
        series: SeriesId,
        purpose: str,
        begin: Micros | None,
        end: Micros | None,
        points: int,
    ) -> Stretch:
        """Return up to `points` samples of a series between two times."""
        if not 1 <= points <= POINTS_MAX:
            raise MalformedInput(Said("1 to {most}", most=POINTS_MAX), where="points")
        opened, entry = self._entry(who, series, purpose, begin, end)
        pages = [
            scope.samples(
                [series],
                windows=(Window(start_min=begin, start_max=end),),
                order=Order.NEWEST,
                limit=ROWS_PER_READ_MAX,
            )
            for scope in opened.scopes
            if any(one.id == series for one in scope.series())
        ]
        found = [samples for page in pages for samples in page.samples if len(samples)]
        cut = any(page.next is not None for page in pages)
        if not found:
            return Stretch(entry, None, np.zeros(0, np.int64), False, cut, None)
        return _stretch(entry, _together(entry, found), points, cut=cut)

    def blocks(self, who: Principal, series: SeriesId, purpose: str) -> tuple[BlockHead, ...]:
        """Return the newest blocks of a waveform, without their samples."""
        opened, _ = self._entry(who, series, purpose, None, None)
        heads = [
            head for scope in opened.scopes for head in scope.blocks([series], limit=BLOCKS_MAX)
        ]
        heads.sort(key=lambda head: (head.start, head.ordinal), reverse=True)
        return tuple(heads[:BLOCKS_MAX])

    def waveform(
        self,
        who: Principal,
        series: SeriesId,
        purpose: str,
        ordinal: int,
        first_second: int,
        seconds: int,
    ) -> BlockRecord:
        """Return some seconds of one block of a waveform."""
        if not 1 <= seconds <= BLOCK_SECONDS_MAX or first_second < 0:
            raise MalformedInput(
                Said("1 to {most} seconds", most=BLOCK_SECONDS_MAX), where="seconds"
            )
        opened, _ = self._entry(who, series, purpose, None, None)
        for scope in opened.scopes:
            try:
                rate = scope.block(series, ordinal, samples=1).block.rate_hz
            except NotFound:
                continue  # Another period that may be read, or none.
            first, samples = int(first_second * rate), max(int(seconds * rate), 1)
            return scope.block(series, ordinal, first=first, samples=samples)
        raise NotFound(NOT_HERE)

    def chart(self, who: Principal, patient: PatientId, purpose: str) -> Chart:
        """Return which types of clinical resources there are to read, and how many of each."""
        opened = self._open(who, patient, purpose, Asked(("Document",), limit=COUNTED_MAX))
        types: dict[str, str] = {}
        cut = False
        for scope in opened.scopes:
            page = scope.documents(limit=COUNTED_MAX)
            types.update({record.id: record.resource_type for record in page.documents})
            cut = cut or page.next is not None
        return Chart(opened.limited, Counter(types.values()), cut)

    def documents(
        self, who: Principal, patient: PatientId, purpose: str, resource_type: str
    ) -> Documents:
        """Return the resources of one type, newest first; `MalformedInput` for no such type."""
        if resource_type not in TYPES:
            # Before anything is logged: what a log keeps for ever is not for a reader to write.
            raise MalformedInput("no type of clinical resource", where="type")
        categories = tuple(sorted(map(str, categories_of(resource_type))))
        asked = Asked((resource_type,), categories, limit=DOCUMENTS_MAX)
        opened = self._open(who, patient, purpose, asked)
        wanted = frozenset({resource_type})
        pages = [scope.documents(types=wanted, limit=DOCUMENTS_MAX) for scope in opened.scopes]
        # Two consents may let the same resource through; a reader sees it once.
        records = {record.id: record for page in pages for record in page.documents}
        ordered = sorted(
            records.values(), key=lambda record: (document_key(record), record.id), reverse=True
        )
        return Documents(
            opened.limited,
            tuple(document(record, opened.resolve) for record in ordered),
            any(page.next is not None for page in pages),
        )

    def _open(self, who: Principal, patient: PatientId, purpose: str, asked: Asked) -> Opened:
        return self.gate.open(who, patient, purpose, asked)

    def _entry(
        self,
        who: Principal,
        series: SeriesId,
        purpose: str,
        begin: Micros | None,
        end: Micros | None,
    ) -> tuple[Opened, SeriesEntry]:
        patient, categories = self.gate.series_about(series)
        asked = Asked(("Observation",), categories, (), begin, end, POINTS_MAX)
        opened = self._open(who, patient, purpose, asked)
        for scope in opened.scopes:
            for entry in scope.series():
                if entry.id == series:
                    return opened, entry
        raise NotFound(NOT_HERE)


def _together(entry: SeriesEntry, found: list[Samples]) -> Samples:
    """Return samples of one series that were read in several periods, as one."""
    if len(found) == 1:
        return found[0]
    return Samples(
        entry,
        joined([samples.series for samples in found]),
        np.concatenate([samples.ordinals for samples in found]),
        np.concatenate([samples.versions for samples in found]),
        np.concatenate([samples.updated for samples in found]),
    )


def _newest(scopes: tuple[Scope, ...]) -> dict[SeriesId, Samples]:
    """Return the newest sample of each series over all periods that may be read."""
    newest: dict[SeriesId, Samples] = {}
    for scope in scopes:
        for series, sample in scope.latest().items():
            known = newest.get(series)
            if known is None or _start(sample) > _start(known):
                newest[series] = sample
    return newest


def _start(sample: Samples) -> int:
    return int(sample.series.times.start[0])


def _stretch(entry: SeriesEntry, samples: Samples, points: int, *, cut: bool) -> Stretch:
    order = np.argsort(samples.series.times.start, kind="stable")
    summary = None if entry.metric.shape is Shape.SESSION else summarise(samples.series)
    shown = thinned(samples, order, points)
    return Stretch(entry, samples, shown, len(shown) < len(samples), cut, summary)


def thinned(samples: Samples, order: NDArray[np.int64], points: int) -> NDArray[np.int64]:
    """Return which rows to draw, in order: all of them, or the extremes of equal steps of time.

    Minimum and maximum per step keep a drawing's outline (as in M4: Jugel et al., VLDB 2014,
    without first and last). Rows that are not good are kept as far as they fit. The lowest and the
    highest are kept even where `points` is 1.
    """
    if len(order) <= points:
        return order
    start = samples.series.times.start[order]
    values = floats(samples.series.components[0])[order]
    steps = max(points // 3, 1)
    step = (start - start[0]) // (int(start[-1] - start[0]) // steps + 1)
    ranked = np.lexsort((np.nan_to_num(values), step))
    edges = np.flatnonzero(np.diff(step[ranked], prepend=-1))
    last = np.append(edges[1:], len(ranked)) - 1
    keep = np.zeros(len(order), np.bool_)
    keep[ranked[edges]] = keep[ranked[last]] = True
    grades = samples.series.grades
    if grades is not None:
        doubtful = np.flatnonzero((grades.grade[order] != Grade.GOOD) & ~keep)
        keep[doubtful[: max(points - int(keep.sum()), 0)]] = True
    return order[keep]
