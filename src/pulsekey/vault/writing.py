"""Imports: what is new is sealed, what is known is left alone, what changed becomes a new version.

An import is visible as a whole or not at all. A sample keeps its ordinal for ever: it is what an
observation's id is made of. Memory follows the chunks that are added and one bit of bookkeeping for
each sample that was stored before and is named again, not the size of the import.
"""

import sqlite3
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self

import msgspec
import numpy as np
from numpy.typing import NDArray

from pulsekey.primitives.clock import MICROS_PER_SECOND, Micros
from pulsekey.primitives.errors import Conflict, MalformedInput
from pulsekey.primitives.ids import ImportId, OrganisationId, PatientId, SeriesId, opaque
from pulsekey.resources.documents import Clinical
from pulsekey.signals.metric import Code, Metric
from pulsekey.signals.series import (
    Basis,
    Block,
    Int64s,
    Series,
    Source,
    Waveform,
    check,
)
from pulsekey.vault import rows as index_rows
from pulsekey.vault.documents import DocumentDraft, DocumentFacts, PaperKind, clinical_facts
from pulsekey.vault.joining import newest_versions, taken
from pulsekey.vault.matching import CHANGED, KNOWN, NEW, match
from pulsekey.vault.opening import open_object, unsealed
from pulsekey.vault.publishing import Draft
from pulsekey.vault.records import Added
from pulsekey.vault.rows import (
    SEGMENT_COLUMNS,
    Bounds,
    SegmentRow,
    Summary,
    day_of,
    segment_row,
    structured,
)
from pulsekey.vault.sealing import Kind
from pulsekey.vault.segment import (
    COMPONENTS_MAX,
    PART_SAMPLES_MAX,
    ROWS_MAX,
    Rows,
    RowsEncoder,
    decode_rows,
    encode_part,
)
from pulsekey.vault.vault import Vault

CHUNK_ROWS_MAX = 1 << 20
"""The longest series that is added at once."""

CHANNELS_MAX = 512
NEVER = -(1 << 63)


@dataclass(slots=True)
class _Own:
    """A segment of this import, not published yet. `number` is its object's in the draft."""

    number: int
    first_ordinal: int
    last_ordinal: int
    bounds: Bounds


@dataclass(slots=True)
class _State:
    """One series during one import."""

    id: SeriesId
    category: str
    metric: Metric
    source: Source
    token: bytes
    base_ordinals: int
    base_segments: int
    stored: Summary | None
    ordinals: int
    segments: int
    first: int
    last: int
    latest_start: int
    own: list[_Own] = field(default_factory=list)
    rows: list[tuple[tuple[object, ...], int]] = field(default_factory=list)
    """Rows of `segments` without their object, and their object's number in the draft."""
    named: NDArray[np.bool_] | None = None
    """Which stored ordinals this import has named, made when the first one is."""
    units: dict[str, int] = field(default_factory=dict)
    labels: dict[Code, int] = field(default_factory=dict)

    def name(self, ordinals: Int64s) -> None:
        """Remember that stored ordinals were named."""
        mine = ordinals[ordinals < self.base_ordinals]
        if len(mine):
            if self.named is None:
                self.named = np.zeros(self.base_ordinals, np.bool_)
            self.named[mine] = True

    def replaceable(self, ordinals: Int64s) -> NDArray[np.bool_]:
        """Return which ordinals were stored before this import and have not been named in it."""
        old = ordinals < self.base_ordinals
        if self.named is not None:
            old[old] = ~self.named[ordinals[old]]
        return old


class ImportSession:
    """One import of one patient.

    Used by one thread, as a context manager; leaving it early aborts.
    """

    def __init__(
        self, vault: Vault, patient: PatientId, organisation: OrganisationId, received: Micros
    ) -> None:
        vault.claim(patient)
        self._open = True
        try:
            self._draft = Draft(vault, patient, organisation, received)
        except BaseException:
            vault.release(patient)
            raise
        self._vault = vault
        self._documents = DocumentDraft(self._draft)
        self._series: dict[tuple[str, str], _State] = {}
        self._added = Added()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.abort()

    @property
    def import_id(self) -> ImportId:
        """The id that this import will have."""
        return self._draft.import_id

    def add_series(self, series: Series) -> Added:
        """Add samples of one series, in any order. Returns how many were new, known and changed."""
        self._require_open()
        check(series)
        count = len(series)
        if count > CHUNK_ROWS_MAX or len(series.components) > COMPONENTS_MAX:
            raise MalformedInput("a chunk larger than the vault takes", where=series.metric.name)
        if any(int(c.unit.max(initial=0)) > len(series.units) for c in series.components):
            raise MalformedInput("a unit that the series does not list", where=series.metric.name)
        if series.labels is not None and len(series.labels) != count:
            raise MalformedInput("columns of different lengths", where=series.metric.name)
        if count == 0:
            return Added()
        state = self._state(series.metric, series.source)
        start = series.times.start
        if not (start[1:] > start[:-1]).all():
            series = taken(series, np.lexsort((series.times.end, start)))
            start = series.times.start
        rising = bool((start[1:] > start[:-1]).all())
        if rising and int(start[0]) > state.latest_start:
            ordinals = np.arange(state.ordinals, state.ordinals + count, dtype=np.int64)
            rows = Rows(series, ordinals, np.ones(count, np.int64))
            added = Added(new=count)
        else:
            rows, added = self._matched(state, series)
        self._write_rows(state, rows)
        self._added += added
        return added

    def add_waveform(self, waveform: Waveform) -> Added:
        """Add blocks. A block is found again by its start; what it says is compared as a whole."""
        self._require_open()
        state = self._state(waveform.metric, waveform.source)
        added = Added()
        for block in waveform.blocks:
            added += self._add_block(state, waveform, block)
        self._added += added
        return added

    def add_document(self, clinical: Clinical) -> Added:
        """Add a clinical resource as it came. It is found again by its key."""
        self._require_open()
        added = self._documents.add(clinical_facts(clinical), clinical.content)
        self._added += added
        return added

    def commit(self, report: bytes) -> ImportId:
        """Publish everything at once, durably, with `report` as the import's own paper.

        Raises `Conflict` if the patient was erased meanwhile or another process wrote to the same
        series, `Unavailable`. Nothing is visible then, and the session is over.
        """
        self._require_open()
        draft = self._draft
        self._open = False
        facts = DocumentFacts(PaperKind.IMPORT_REPORT.value, "", draft.import_id, "")
        try:
            self._documents.add(facts, report)
            draft.publish(self._added, self._write_index)
        except Conflict:
            draft.discard()
            raise
        finally:
            # After any other failure the packs stay: whether the last write reached the disk is not
            # known, and the next opening sweeps what it did not publish.
            self._vault.release(draft.patient)
        return draft.import_id

    def abort(self) -> None:
        """Drop everything. After a commit, or repeated, it does nothing."""
        if self._open:
            self._open = False
            self._draft.discard()
            self._vault.release(self._draft.patient)

    def _require_open(self) -> None:
        if not self._open:
            raise Conflict("this import is over")

    def _state(self, metric: Metric, source: Source) -> _State:
        """Return what is known of the series of `metric` and `source.key`."""
        state = self._series.get((metric.name, source.key))
        if state is not None:
            state.source = source
            return state
        draft = self._draft
        secret = draft.secret
        token = secret.token("series", metric.name, source.key)
        with self._vault.index.reading() as reader:
            row = reader.execute(
                "SELECT id, patient, token, category, metric, ordinals, segments, sealed"
                " FROM series WHERE patient = ? AND token = ?",
                (draft.patient, token),
            ).fetchone()
        if row is None:
            state = _State(
                SeriesId(opaque(self._vault.entropy)),
                metric.category.value,
                metric,
                source,
                token,
                base_ordinals=0,
                base_segments=0,
                stored=None,
                ordinals=0,
                segments=0,
                first=-NEVER - 1,
                last=NEVER,
                latest_start=NEVER,
            )
        else:
            stored = structured(secret.open_row(row[7], "series", *row[:7]), Summary)
            state = _State(
                SeriesId(row[0]),
                # A series stays in the category that its first samples were sealed under.
                stored.category,
                metric,
                source,
                token,
                base_ordinals=row[5],
                base_segments=row[6],
                stored=stored,
                ordinals=row[5],
                segments=row[6],
                first=stored.first,
                last=stored.last,
                latest_start=stored.latest_start,
            )
        self._series[(metric.name, source.key)] = state
        return state

    def _matched(self, state: _State, series: Series) -> tuple[Rows, Added]:
        """Return what has to be written of `series` (sorted by start), and the counts."""
        incoming = _identity(state, series)
        old, ordinals, versions = self._stored(state, series)
        newest = np.zeros(len(ordinals), np.bool_)
        newest[newest_versions(ordinals, versions)] = True
        found = match(incoming, old, ordinals, newest & state.replaceable(ordinals))
        about = found.stored[found.stored >= 0]
        state.name(ordinals[about])
        kept = np.flatnonzero(found.outcome != KNOWN)
        outcome, about = found.outcome[kept], found.stored[kept]
        fresh = outcome == NEW
        new = int(fresh.sum())
        kept_ordinals = np.empty(len(kept), np.int64)
        kept_versions = np.ones(len(kept), np.int64)
        kept_ordinals[fresh] = state.ordinals + np.arange(new)
        kept_ordinals[~fresh] = ordinals[about[~fresh]]
        kept_versions[~fresh] = versions[about[~fresh]] + 1
        changed = int((outcome == CHANGED).sum())
        rows = Rows(taken(series, kept), kept_ordinals, kept_versions)
        return rows, Added(new, len(series) - new - changed, changed)

    def _stored(self, state: _State, series: Series) -> tuple[Int64s, Int64s, Int64s]:
        """Return what is stored and starts when a sample of `series` does.

        Identities, ordinals and versions, in all versions. One segment is
        open at a time, so this stays small however much is stored.
        """
        starts = series.times.start
        parts: list[tuple[Int64s, Int64s, Int64s]] = []
        for bounds, load in self._overlapping(state, int(starts[0]), int(starts[-1])):
            low = np.searchsorted(starts, bounds.start_min)
            if low == np.searchsorted(starts, bounds.start_max, "right"):
                continue
            rows = decode_rows(load())
            if len(rows.series.components) != len(series.components):
                raise Conflict("the metric is stored with other components")
            place = np.minimum(np.searchsorted(starts, rows.series.times.start), len(starts) - 1)
            same = np.flatnonzero(starts[place] == rows.series.times.start)
            if len(same):
                identity = _identity(state, taken(rows.series, same))
                parts.append((identity, rows.ordinals[same], rows.versions[same]))
        if not parts:
            width = _identity(state, taken(series, np.zeros(0, np.int64))).shape[1]
            empty = np.zeros(0, np.int64)
            return np.zeros((0, width), np.int64), empty, empty
        identities, ordinals, versions = zip(*parts, strict=True)
        return np.concatenate(identities), np.concatenate(ordinals), np.concatenate(versions)

    def _overlapping(
        self, state: _State, first: int, last: int
    ) -> Iterator[tuple[Bounds, Callable[[], bytes]]]:
        """Yield segments of samples whose starts may fall into [first, last], stored and own."""
        draft = self._draft
        for row in self._stored_segments(state, first, last):
            bounds = row.bounds
            if bounds.kind == index_rows.SAMPLES:
                yield (
                    bounds,
                    lambda row=row: open_object(  # type: ignore[misc]
                        self._vault, draft.patient, state.category, row.object
                    ),
                )
        for own in state.own:
            if own.bounds.kind == index_rows.SAMPLES:
                yield own.bounds, lambda own=own: self._own_bytes(state, own)  # type: ignore[misc]

    def _stored_segments(self, state: _State, first: int, last: int) -> list[SegmentRow]:
        if state.stored is None or first > state.stored.latest_start:
            return []
        with self._vault.index.reading() as reader:
            found = reader.execute(
                f"SELECT {SEGMENT_COLUMNS} WHERE s.series = ? AND s.last_day >= ?"
                " AND s.first_day <= ?",
                (state.id, day_of(first), day_of(last)),
            ).fetchall()
        return [segment_row(self._draft.secret, row) for row in found]

    def _own_bytes(self, state: _State, own: _Own) -> bytes:
        row, sealed = self._draft.bytes_of(own.number)
        return unsealed(self._vault, self._draft.patient, state.category, row, sealed)

    def _write_rows(self, state: _State, rows: Rows) -> None:
        """Cut rows, sorted by start, into segments and seal them."""
        count = len(rows)
        if count == 0:
            return
        times = rows.series.times
        encoder = RowsEncoder(rows)
        floating = times.basis == Basis.FLOATING
        for begin in range(0, count, ROWS_MAX):
            end = min(begin + ROWS_MAX, count)
            ordinals = rows.ordinals[begin:end]
            bounds = Bounds(
                index_rows.SAMPLES,
                bool(floating[begin:end].any()),
                int(times.start[begin]),
                int(times.start[end - 1]),
                int(times.end[begin:end].max()),
                self._draft.received,
                int(rows.versions[begin:end].max()),
                end - begin,
            )
            self._write_segment(
                state,
                Kind.SEGMENT,
                encoder.encode(begin, end),
                (int(ordinals.min()), int(ordinals.max())),
                bounds,
            )

    def _write_segment(
        self,
        state: _State,
        kind: Kind,
        plain: bytes,
        ordinals: tuple[int, int],
        bounds: Bounds,
    ) -> None:
        draft = self._draft
        name = f"{state.id}/{state.segments}"
        number = draft.add(kind, state.category, name, plain)
        columns = (
            draft.patient,
            day_of(bounds.start_min),
            day_of(bounds.start_max),
            *ordinals,
        )
        sealed = draft.secret.seal_row(
            self._vault.entropy, bounds.pack(), "segment", name, *columns
        )
        state.rows.append(((state.id, state.segments, *columns, sealed), number))
        state.own.append(_Own(number, *ordinals, bounds))
        state.segments += 1
        state.ordinals = max(state.ordinals, ordinals[1] + 1)
        state.first = min(state.first, bounds.start_min)
        state.last = max(state.last, bounds.end_max)
        state.latest_start = max(state.latest_start, bounds.start_max)

    def _add_block(self, state: _State, waveform: Waveform, block: Block) -> Added:
        samples = len(block.channels[0].raw) if block.channels else 0
        if not samples or any(len(channel.raw) != samples for channel in block.channels):
            raise MalformedInput("channels of different lengths, or none", where=state.metric.name)
        if len(block.channels) > CHANNELS_MAX or block.rate_hz <= 0:
            raise MalformedInput("too many channels, or no rate", where=state.metric.name)
        floating = block.basis == Basis.FLOATING
        value = self._draft.secret.value(*_block_content(block))
        outcome, ordinal, version = self._match_block(state, block.start, floating, value)
        state.name(np.array([ordinal], np.int64))
        if outcome == KNOWN:
            return Added(known=1)
        length = int(samples * MICROS_PER_SECOND / block.rate_hz)
        for first in range(0, samples, PART_SAMPLES_MAX):
            end = min(first + PART_SAMPLES_MAX, samples)
            bounds = Bounds(
                index_rows.PART,
                floating,
                int(block.start),
                int(block.start),
                int(block.start) + length,
                self._draft.received,
                version,
                end - first,
                first,
                samples,
                value,
            )
            plain = encode_part(waveform.metric, waveform.source, block, first, end)
            self._write_segment(state, Kind.BLOCK_PART, plain, (ordinal, ordinal), bounds)
        return Added(new=1) if outcome == NEW else Added(changed=1)

    def _match_block(
        self, state: _State, start: int, floating: bool, value: bytes
    ) -> tuple[int, int, int]:
        """Return the outcome for a block, its ordinal and its version.

        By the rules of `matching`.
        """
        found = [
            (row.first_ordinal, row.bounds) for row in self._stored_segments(state, start, start)
        ]
        found += [(own.first_ordinal, own.bounds) for own in state.own]
        versions: dict[int, int] = {}
        for ordinal, bounds in found:
            if bounds.kind != index_rows.PART or bounds.first != 0:
                continue
            if (bounds.start_min, bounds.floating) != (start, floating):
                continue
            if bounds.value == value:
                return KNOWN, ordinal, bounds.version_max
            versions[ordinal] = max(versions.get(ordinal, 0), bounds.version_max)
        ordinals = np.array(sorted(versions), np.int64)
        replaceable = ordinals[state.replaceable(ordinals)]
        if len(replaceable):
            ordinal = int(replaceable[0])
            return CHANGED, ordinal, versions[ordinal] + 1
        return NEW, state.ordinals, 1

    def _write_index(self, writer: sqlite3.Connection, base: int) -> None:
        """Write the rows of series, segments and documents within the publishing transaction."""
        draft = self._draft
        for state in self._series.values():
            if not state.rows:
                continue
            summary = Summary(
                state.metric,
                state.source,
                state.category,
                state.first,
                state.last,
                state.latest_start,
                draft.received,
            )
            columns = (
                state.id,
                draft.patient,
                state.token,
                draft.secret.token("category", state.category),
                draft.secret.token("metric", state.metric.name),
                state.ordinals,
                state.segments,
            )
            sealed = draft.secret.seal_row(
                self._vault.entropy, msgspec.json.encode(summary), "series", *columns
            )
            if state.stored is None:
                writer.execute(
                    "INSERT INTO series VALUES (?, ?, ?, ?, ?, ?, ?, ?)", (*columns, sealed)
                )
            else:
                done = writer.execute(
                    "UPDATE series SET ordinals = ?, segments = ?, sealed = ?"
                    " WHERE id = ? AND ordinals = ? AND segments = ?",
                    (
                        state.ordinals,
                        state.segments,
                        sealed,
                        state.id,
                        state.base_ordinals,
                        state.base_segments,
                    ),
                )
                if done.rowcount != 1:
                    raise Conflict("somebody else added to the same series meanwhile")
            writer.executemany(
                "INSERT INTO segments VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
                [(*row[:3], base + number, *row[3:]) for row, number in state.rows],
            )
        self._documents.write_rows(writer, base)


def begin_import(
    vault: Vault, patient: PatientId, organisation: OrganisationId, received: Micros
) -> ImportSession:
    """Begin the only import of `patient` that runs now.

    Raises `Conflict` while there is another.
    """
    return ImportSession(vault, patient, organisation, received)


def _identity(state: _State, series: Series) -> Int64s:
    """Return int64[n, k]: start, end, floating, then what the sample says.

    The offset and the grade are no part of it: an exporter's zone changes from export to export,
    and a grade is our judgement. Units and labels become numbers that hold for the whole import.
    """
    units = np.array(
        [0, *(state.units.setdefault(u, len(state.units) + 1) for u in series.units)], np.int64
    )
    columns: list[NDArray[np.generic]] = [
        series.times.start,
        series.times.end,
        series.times.basis == Basis.FLOATING,
    ]
    for c in series.components:
        columns += [c.mantissa, c.scale, c.comparator, c.absent, units[c.unit]]
        columns += [c.given_mantissa, c.given_scale]
    if series.labels is None:
        columns.append(np.zeros(len(series), np.int64))
    else:
        places = [state.labels.setdefault(code, len(state.labels) + 1) for code in series.labels]
        columns.append(np.array(places, np.int64))
    out = np.empty((len(series), len(columns)), np.int64)
    for k, column in enumerate(columns):
        out[:, k] = column
    return out


def _block_content(block: Block) -> Iterator[bytes]:
    """Yield all that a block says, unambiguously. Grades are our judgement and no part of it."""
    yield repr((block.rate_hz, len(block.channels), len(block.channels[0].raw))).encode()
    for c in block.channels:
        facts = (c.code.system, c.code.code, c.unit, str(c.factor), str(c.origin))
        yield repr((*facts, c.lost, c.lower, c.upper)).encode()
        yield np.ascontiguousarray(c.raw, "<i4").tobytes()
