"""Imports: what is new is sealed, what is known is left alone, what changed becomes a new version.

An import is visible as a whole or not at all. A sample keeps its ordinal for ever: it is what an
observation's id is made of. Memory follows the chunks that are added and one bit of bookkeeping for
each sample that was stored before and is named again, not the size of the import.
"""

import sqlite3
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import TracebackType
from typing import Self

import msgspec
import numpy as np
from numpy.typing import NDArray

from pulsekey.primitives.clock import MICROS_PER_SECOND, Micros
from pulsekey.primitives.errors import Conflict, MalformedInput
from pulsekey.primitives.ids import ImportId, OrganisationId, PatientId, SeriesId, opaque
from pulsekey.resources.documents import Clinical
from pulsekey.signals.metric import Code, Metric, Shape
from pulsekey.signals.series import (
    OFFSET_UNKNOWN,
    Basis,
    Block,
    Int64s,
    Series,
    Source,
    Times,
    Waveform,
    check,
)
from pulsekey.vault import rows as index_rows
from pulsekey.vault.blocks import BlockTime, Place, recognise_block
from pulsekey.vault.documents import DocumentDraft, DocumentFacts, PaperKind, clinical_facts
from pulsekey.vault.extent import Extent, block_extent, sample_extent
from pulsekey.vault.joining import gone_of, rows_at, taken
from pulsekey.vault.matching import KNOWN, NEW
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
from pulsekey.vault.sameness import Facts, Stored, recognise
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
from pulsekey.vault.walls import FIRM, REACH_MICROS, by_rank, latest_wall, movable, rank, walls

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
    latest_wall: int
    """No stored sample shows a later time on a wall clock."""
    movable: bool
    """Whether there may be times that floated or were declared once."""
    moved: bool = False
    """Whether this import took a sample or a block away from its time."""
    own: list[_Own] = field(default_factory=list)
    rows: list[tuple[tuple[object, ...], int]] = field(default_factory=list)
    """Rows of `segments` without their object, and their object's number in the draft."""
    named: NDArray[np.bool_] | None = None
    """Which stored ordinals this import has named, made when the first one is."""
    units: dict[str, int] = field(default_factory=dict)
    labels: dict[Code, int] = field(default_factory=dict)
    near: tuple[tuple[int, int], list[SegmentRow]] | None = None
    """The days that were asked for last, and the stored segments there."""

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
        added = Added()
        for part in by_rank(series):
            added += self._add_part(state, part)
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
            extents = {state.id: self._extent(state) for state in self._series.values()}
            draft.publish(
                self._added, lambda writer, base: self._write_index(writer, base, extents)
            )
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
                latest_wall=NEVER,
                movable=False,
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
                latest_wall=stored.latest_start + REACH_MICROS
                if stored.latest_wall is None
                else stored.latest_wall,
                movable=stored.movable,
            )
        self._series[(metric.name, source.key)] = state
        return state

    def _add_part(self, state: _State, series: Series) -> Added:
        """Add samples whose times are known equally well."""
        start = series.times.start
        if not (start[1:] > start[:-1]).all():
            series = taken(series, np.lexsort((series.times.end, start)))
        if _all_new(state, series.times):
            ordinals = np.arange(state.ordinals, state.ordinals + len(series), dtype=np.int64)
            rows, added = Rows(series, ordinals, np.ones(len(series), np.int64)), None
        else:
            values = _values(state, series)
            stored = self._stored(state, series, values.shape[1])
            found = recognise(series, values, stored, state.ordinals)
            state.name(found.named)
            rows, added = found.rows, found.added
        self._write_rows(state, rows)
        return Added(new=len(series)) if added is None else added

    def _stored(self, state: _State, series: Series, width: int) -> Stored:
        """Return the rows that start when a sample of `series` does, or show its wall-clock time.

        In all versions. One segment is open at a time, so this stays small however much is stored.
        """
        starts = series.times.start
        # Recorded instants are found where they are; only what may move has to be looked for.
        keys, shown, reach = starts, starts, 0
        if state.movable or rank(int(series.times.basis[0])) != FIRM:
            shown, clear = walls(series.times)
            shown = np.unique(shown[clear])
            keys, reach = np.unique(np.concatenate((starts, shown))), REACH_MICROS
        parts: list[tuple[Times, Int64s, Rows]] = []
        for bounds, load in self._overlapping(state, int(keys[0]) - reach, int(keys[-1]) + reach):
            low = np.searchsorted(keys, bounds.start_min - reach)
            if low == np.searchsorted(keys, bounds.start_max + reach, "right"):
                continue
            rows = decode_rows(load())
            if len(rows.series.components) != len(series.components):
                raise Conflict("the metric is stored with other components")
            fits = _among(rows.series.times.start, starts)
            if reach:
                theirs, known = walls(rows.series.times)
                fits |= _among(theirs, shown) & known
            same = np.flatnonzero(fits)
            if len(same):
                rows = rows_at(rows, same)
                parts.append((rows.series.times, _values(state, rows.series), rows))
        return _joined(state, parts, width)

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
        days = day_of(first), day_of(last)
        # Blocks come one by one, and a day has many.
        if state.near is not None and state.near[0] == days:
            return state.near[1]
        with self._vault.index.reading() as reader:
            found = reader.execute(
                f"SELECT {SEGMENT_COLUMNS} WHERE s.series = ? AND s.last_day >= ?"
                " AND s.first_day <= ?",
                (state.id, *days),
            ).fetchall()
        state.near = days, [segment_row(self._draft.secret, row) for row in found]
        return state.near[1]

    def _own_bytes(self, state: _State, own: _Own) -> bytes:
        row, sealed = self._draft.bytes_of(own.number)
        return unsealed(self._vault, self._draft.patient, state.category, row, sealed)

    def _write_rows(self, state: _State, rows: Rows) -> None:
        """Cut rows, sorted by start, into segments and seal them."""
        count = len(rows)
        if count == 0:
            return
        times = rows.series.times
        wall = latest_wall(times)
        state.latest_wall = state.latest_wall if wall is None else max(state.latest_wall, wall)
        state.movable |= movable(times.basis)
        state.moved |= rows.gone is not None and bool(rows.gone.any())
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
        value = self._draft.secret.value(*_block_content(block))
        time = BlockTime(int(block.start), int(block.offset), block.basis)
        found = recognise_block(
            time, value, self._block_places(state, time), state.replaceable, state.ordinals
        )
        state.name(np.array([found.ordinal], np.int64))
        if found.outcome == KNOWN:
            return Added(known=1)
        block = replace(
            block, start=found.time.start, offset=found.time.offset, basis=found.time.basis
        )
        if found.left is not None:
            there = replace(
                block, start=found.left.start, offset=found.left.offset, basis=found.left.basis
            )
            self._write_parts(
                state, waveform, there, found.ordinal, found.version, value, gone=True
            )
        self._write_parts(state, waveform, block, found.ordinal, found.version, value)
        if found.outcome == NEW:
            return Added(new=1)
        return Added(changed=1, dated=int(found.dated))

    def _write_parts(
        self,
        state: _State,
        waveform: Waveform,
        block: Block,
        ordinal: int,
        version: int,
        value: bytes,
        *,
        gone: bool = False,
    ) -> None:
        """Seal a block, or, as `gone`, one sample in its place that says that it left."""
        samples = len(block.channels[0].raw)
        start, floating = int(block.start), block.basis == Basis.FLOATING
        length = int(samples * MICROS_PER_SECOND / block.rate_hz)
        shown = start
        if not floating and block.offset != OFFSET_UNKNOWN:
            shown += block.offset * 60 * MICROS_PER_SECOND
        state.latest_wall = max(state.latest_wall, shown)
        state.movable |= rank(block.basis) != FIRM
        state.moved |= gone
        for first in range(0, 1 if gone else samples, PART_SAMPLES_MAX):
            end = 1 if gone else min(first + PART_SAMPLES_MAX, samples)
            bounds = Bounds(
                index_rows.PART,
                floating,
                start,
                start,
                start + length,
                self._draft.received,
                version,
                end - first,
                first,
                samples,
                value,
                int(block.basis),
                int(block.offset),
                gone,
            )
            plain = encode_part(waveform.metric, waveform.source, block, first, end)
            self._write_segment(state, Kind.BLOCK_PART, plain, (ordinal, ordinal), bounds)

    def _block_places(self, state: _State, time: BlockTime) -> list[Place]:
        """Return where blocks are that a block at `time` may be: all versions, first parts."""
        reach = REACH_MICROS if rank(time.basis) != FIRM or state.movable else 0
        low, high = time.earliest - reach, time.latest + reach
        found = [(row.first_ordinal, row.bounds) for row in self._stored_segments(state, low, high)]
        found += [(own.first_ordinal, own.bounds) for own in state.own]
        return [
            Place(ordinal, bounds)
            for ordinal, bounds in found
            if bounds.kind == index_rows.PART
            and bounds.first == 0
            and low <= bounds.start_min <= high
        ]

    def _extent(self, state: _State) -> Extent:
        """Return the earliest start and the latest end of what is not superseded."""
        if not state.moved:
            return Extent(state.first, state.last)
        everything = self._stored_segments(state, NEVER, -NEVER - 1)
        if state.metric.shape is Shape.WAVEFORM:
            places = [Place(row.first_ordinal, row.bounds) for row in everything]
            places += [Place(own.first_ordinal, own.bounds) for own in state.own]
            return block_extent(places)
        return sample_extent(list(self._overlapping(state, NEVER, -NEVER - 1)))

    def _write_index(
        self, writer: sqlite3.Connection, base: int, extents: Mapping[SeriesId, Extent]
    ) -> None:
        """Write the rows of series, segments and documents within the publishing transaction."""
        draft = self._draft
        for state in self._series.values():
            if not state.rows:
                continue
            extent = extents[state.id]
            summary = Summary(
                state.metric,
                state.source,
                state.category,
                extent.first,
                extent.last,
                state.latest_start,
                draft.received,
                state.latest_wall,
                state.movable,
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


def _all_new(state: _State, times: Times) -> bool:
    """Whether samples, sorted by start, come after all that is stored and after one another."""
    start = times.start
    rising = bool((start[1:] > start[:-1]).all())
    if rank(int(times.basis[0])) == FIRM:
        if not rising or int(start[0]) <= state.latest_start or not state.movable:
            return rising and int(start[0]) > state.latest_start
        shown, clear = walls(times)
        return int(shown[clear].min(initial=-NEVER - 1)) > state.latest_wall
    shown, clear = walls(times)
    # Where a zone skips an hour, two wall-clock times may be one instant, or out of order.
    rising &= bool((shown[1:] > shown[:-1]).all())
    return rising and bool(clear.all()) and int(shown[0]) > state.latest_wall


def _values(state: _State, series: Series) -> Int64s:
    """Return int64[n, k]: what each sample says, in numbers that hold for the whole import.

    The offset and the grade are no part of it: an exporter's zone changes from export to export,
    and a grade is our judgement.
    """
    units = np.array(
        [0, *(state.units.setdefault(u, len(state.units) + 1) for u in series.units)], np.int64
    )
    columns: list[NDArray[np.generic]] = []
    for c in series.components:
        columns += [c.mantissa, c.scale, c.comparator, c.absent, units[c.unit]]
        columns += [c.given_mantissa, c.given_scale]
    if series.labels is None:
        columns.append(np.zeros(len(series), np.int64))
    else:
        places = [state.labels.setdefault(code, len(state.labels) + 1) for code in series.labels]
        columns.append(np.array(places, np.int64))
    # Matching goes through it by columns.
    out = np.empty((len(series), len(columns)), np.int64, order="F")
    for k, column in enumerate(columns):
        out[:, k] = column
    return out


def _joined(state: _State, parts: Sequence[tuple[Times, Int64s, Rows]], width: int) -> Stored:
    """Return what was found in several segments as one."""
    none = np.zeros(0, np.int64)
    start, end, offset, basis = (
        np.concatenate([none.astype(kind), *(getattr(times, name) for times, _, _ in parts)])
        for name, kind in (
            ("start", np.int64),
            ("end", np.int64),
            ("offset", np.int16),
            ("basis", np.uint8),
        )
    )
    values = np.concatenate([np.zeros((0, width), np.int64), *(each for _, each, _ in parts)])
    ordinals = np.concatenate([none, *(rows.ordinals for _, _, rows in parts)])
    versions = np.concatenate([none, *(rows.versions for _, _, rows in parts)])
    gone = np.concatenate([none.astype(np.bool_), *(gone_of(rows) for _, _, rows in parts)])
    facts = Facts(Times(start, end, offset, basis), values)
    return Stored(facts, ordinals, versions, gone, state.replaceable(ordinals))


def _among(values: Int64s, keys: Int64s) -> NDArray[np.bool_]:
    """Return which values are among sorted keys: bool[n]."""
    if len(keys) == 0:
        return np.zeros(len(values), np.bool_)
    place = np.minimum(np.searchsorted(keys, values), len(keys) - 1)
    return np.equal(keys[place], values)


def _block_content(block: Block) -> Iterator[bytes]:
    """Yield all that a block says, unambiguously. Grades are our judgement and no part of it."""
    yield repr((block.rate_hz, len(block.channels), len(block.channels[0].raw))).encode()
    for c in block.channels:
        facts = (c.code.system, c.code.code, c.unit, str(c.factor), str(c.origin))
        yield repr((*facts, c.lost, c.lower, c.upper)).encode()
        yield np.ascontiguousarray(c.raw, "<i4").tobytes()
