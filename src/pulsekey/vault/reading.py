"""Opening records.

Only `exchange.gate` may import this module: nothing is opened without a decision. A query names the
categories that the reader may see; a series or document outside of them is not opened. Every byte
is checked on the way: its address, its header, its seal, and the index row that led to it.
Plaintext is never cached (see `keys`).
"""

import heapq
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from itertools import groupby, islice
from typing import Any

import numpy as np

from pulsekey.primitives.clock import Micros
from pulsekey.primitives.errors import IntegrityError, MalformedInput, NotFound
from pulsekey.primitives.ids import ImportId, OrganisationId, PatientId, SeriesId
from pulsekey.signals.category import Category
from pulsekey.signals.metric import Shape
from pulsekey.signals.series import Int64s
from pulsekey.vault.documents import (
    CLINICAL,
    JOINED,
    OBJECT_COLUMNS,
    ROW_COLUMNS,
    import_of,
    open_document,
    open_row,
)
from pulsekey.vault.joining import gone_of, joined, newest_versions, rows_at, taken
from pulsekey.vault.opening import open_object
from pulsekey.vault.records import (
    BLOCK_SAMPLES_PER_READ_MAX,
    BLOCKS_PER_READ_MAX,
    DOCUMENTS_PER_READ_MAX,
    ROWS_PER_READ_MAX,
    Added,
    BlockHead,
    BlockQuery,
    BlockRecord,
    Cursor,
    DocumentPage,
    DocumentQuery,
    DocumentRecord,
    ImportRecord,
    Order,
    SamplePage,
    SampleQuery,
    Samples,
    SeriesEntry,
    SeriesQuery,
    Window,
)
from pulsekey.vault.rows import (
    PART,
    SAMPLES,
    SEGMENT_COLUMNS,
    ImportNote,
    SegmentRow,
    Summary,
    object_row,
    segment_row,
    structured,
)
from pulsekey.vault.sealing import PatientSecret
from pulsekey.vault.searching import (
    block_matches,
    check_limit,
    documents,
    edge,
    matching,
    segments,
)
from pulsekey.vault.segment import Rows, block_of, decode_part, decode_rows
from pulsekey.vault.vault import Vault


@dataclass(slots=True)
class _Gathered:
    """What was opened of one series so far, windows and cursor applied."""

    entry: SeriesEntry
    parts: list[Rows] = field(default_factory=list)
    updated: list[Int64s] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Reader:
    """Reads a vault. Every answer is limited to the categories that its query names."""

    vault: Vault

    def owner(self, record: str) -> PatientId:
        """Return whose series or document `record` is. Opens nothing. Raises `NotFound`."""
        with self.vault.index.reading() as reader:
            row = reader.execute(
                "SELECT patient FROM series WHERE id = ?1"
                " UNION SELECT patient FROM documents WHERE id = ?1",
                (record,),
            ).fetchone()
        if row is None:
            raise NotFound("no such record in this vault")
        return PatientId(row[0])

    def series(self, query: SeriesQuery) -> tuple[SeriesEntry, ...]:
        """Return the series that match, by id."""
        secret = self.vault.keys.secret(query.patient)
        allowed = secret.categories(query.categories)
        metrics = None
        if query.metrics is not None:
            metrics = {secret.token("metric", metric) for metric in query.metrics}
        with self.vault.index.reading() as reader:
            rows = reader.execute(
                "SELECT id, patient, token, category, metric, ordinals, segments, sealed"
                " FROM series WHERE patient = ? ORDER BY id",
                (query.patient,),
            ).fetchall()
        return tuple(
            _entry(secret, row)
            for row in rows
            if row[3] in allowed
            and (metrics is None or row[4] in metrics)
            and (query.series is None or row[0] in query.series)
        )

    def samples(self, query: SampleQuery) -> SamplePage:
        """Return the first `limit` matching samples in the order asked for.

        Each comes in its newest version. Segments are opened in order of time over all series, and
        only until what is missing can no longer come before what was found. Raises
        `MalformedInput` for a limit out of range.
        """
        check_limit(query.limit, ROWS_PER_READ_MAX)
        return self._samples(self.series(query.which), query)

    def latest(
        self, query: SeriesQuery, windows: tuple[Window, ...] = ()
    ) -> dict[SeriesId, Samples]:
        """Return the newest sample of each series that matches and has one in the windows.

        Waveforms have none: what they hold is blocks.
        """
        found = {}
        for entry in self.series(query):
            if entry.metric.shape is Shape.WAVEFORM:
                continue
            page = self._samples([entry], SampleQuery(query, windows, None, Order.NEWEST, 1))
            if page.samples:
                found[entry.id] = page.samples[0]
        return found

    def history(
        self, patient: PatientId, categories: frozenset[Category], series: SeriesId, ordinal: int
    ) -> Samples:
        """Return every version of one sample, oldest first. Raises `NotFound`."""
        entry = self._one(patient, categories, series)
        parts, updated = [], []
        for row in self._with_ordinal(entry, ordinal, SAMPLES):
            rows = decode_rows(open_object(self.vault, patient, entry.category.value, row.object))
            at = np.flatnonzero((rows.ordinals == ordinal) & ~gone_of(rows))
            if len(at):
                parts.append(rows_at(rows, at))
                updated.append(np.full(len(at), row.bounds.received, np.int64))
        if not parts:
            raise NotFound("no such sample in this series")
        whole = joined(parts)
        order = np.argsort(whole.versions, kind="stable")
        whole = rows_at(whole, order)
        received = np.concatenate(updated)[order]
        return Samples(entry, whole.series, whole.ordinals, whole.versions, received)

    def sample(
        self, patient: PatientId, categories: frozenset[Category], series: SeriesId, ordinal: int
    ) -> Samples:
        """Return one sample in its newest version. Raises `NotFound`."""
        versions = self.history(patient, categories, series, ordinal)
        last = np.array([len(versions) - 1], np.int64)
        return Samples(
            versions.entry,
            taken(versions.series, last),
            versions.ordinals[last],
            versions.versions[last],
            versions.updated[last],
        )

    def blocks(self, query: BlockQuery) -> tuple[BlockHead, ...]:
        """Return the first `limit` matching blocks, newest versions, without their samples.

        A block whose newest version does not match is not found by an older one.
        """
        check_limit(query.limit, BLOCKS_PER_READ_MAX)
        heads: list[BlockHead] = []
        with self.vault.index.reading() as reader:
            secret = self.vault.keys.secret(query.which.patient)
            entries = {entry.id: entry for entry in self.series(query.which)}
            streams = [segments(reader, secret, series, PART, query) for series in entries]
            place = edge(query.order)
            # A block that left a time for another says so where it was.
            for _, together in groupby(heapq.merge(*streams, key=place), key=place):
                found = [row for row in _newest_blocks(together) if block_matches(row, query)]
                heads += [_block_head(entries[row.series], row) for row in found]
                if len(heads) >= query.limit:
                    break
        heads.sort(
            key=lambda h: (h.start, h.entry.id, h.ordinal), reverse=query.order is Order.NEWEST
        )
        return tuple(heads[: query.limit])

    def block(
        self,
        patient: PatientId,
        categories: frozenset[Category],
        series: SeriesId,
        ordinal: int,
        *,
        version: int | None = None,
        first: int = 0,
        samples: int = BLOCK_SAMPLES_PER_READ_MAX,
    ) -> BlockRecord:
        """Return samples [first, first + samples) of a block, its newest version if none is named.

        Raises `NotFound`, `MalformedInput` for a range that the block does not have.
        """
        check_limit(samples, BLOCK_SAMPLES_PER_READ_MAX)
        entry = self._one(patient, categories, series)
        rows = [r for r in self._with_ordinal(entry, ordinal, PART) if not r.bounds.gone]
        wanted = version or max((row.bounds.version_max for row in rows), default=0)
        parts = sorted(
            (row for row in rows if row.bounds.version_max == wanted),
            key=lambda row: row.bounds.first,
        )
        if not parts:
            raise NotFound("no such block in this series")
        head = _block_head(entry, parts[0])
        if not 0 <= first < head.samples:
            raise MalformedInput("samples that the block does not have")
        end = min(first + samples, head.samples)
        facts, pieces, place = None, [], 0
        for row in parts:
            bounds = row.bounds
            if bounds.first != place:
                raise IntegrityError(f"{row.object.name}: a part of its block is missing before it")
            place += bounds.rows
            overlaps = bounds.first < end and place > first
            if bounds.first == 0 or overlaps:
                plain = open_object(self.vault, patient, entry.category.value, row.object)
                described, raw = decode_part(plain)
                facts = facts or described
                if overlaps:
                    low, high = max(first - bounds.first, 0), end - bounds.first
                    pieces.append([channel[low:high] for channel in raw])
        if facts is None or place != head.samples:
            raise IntegrityError(f"{series}: a block without its last part")
        joined_raw = tuple(np.concatenate(channel) for channel in zip(*pieces, strict=True))
        return BlockRecord(head, first, block_of(facts, joined_raw))

    def documents(self, query: DocumentQuery) -> DocumentPage:
        """Return the first `limit` clinical resources that match, by date, undated ones last."""
        check_limit(query.limit, DOCUMENTS_PER_READ_MAX)
        secret = self.vault.keys.secret(query.patient)
        with self.vault.index.reading() as reader:
            found = list(islice(documents(reader, secret, query), query.limit + 1))
        opened = tuple(
            self._document(secret, query.patient, query.categories, row)
            for _, row in found[: query.limit]
        )
        following = None
        if len(found) > query.limit:
            (undated, start, name), _ = found[query.limit - 1]
            following = Cursor(start, name, undated)
        return DocumentPage(opened, following)

    def document_counts(
        self, patient: PatientId, categories: frozenset[Category]
    ) -> dict[Category, int]:
        """Return how many clinical resources there are per category. Opens nothing."""
        allowed = self.vault.keys.secret(patient).categories(categories)
        with self.vault.index.reading() as reader:
            rows = reader.execute(
                "SELECT d.category, count(*) FROM documents d WHERE d.patient = ? AND d.version ="
                " (SELECT max(n.version) FROM documents n WHERE n.id = d.id) GROUP BY d.category",
                (patient,),
            ).fetchall()
        return {allowed[token]: count for token, count in rows if token in allowed}

    def document(
        self,
        patient: PatientId,
        categories: frozenset[Category],
        document: str,
        version: int | None = None,
    ) -> DocumentRecord:
        """Return one clinical resource, its newest version if none is named. Raises `NotFound`."""
        versions = self.document_history(patient, categories, document)
        for record in reversed(versions):
            if version is None or record.version == version:
                return record
        raise NotFound("no such version of this document")

    def document_history(
        self, patient: PatientId, categories: frozenset[Category], document: str
    ) -> tuple[DocumentRecord, ...]:
        """Return every version of one clinical resource, oldest first. Raises `NotFound`."""
        secret = self.vault.keys.secret(patient)
        allowed = secret.categories(categories)
        with self.vault.index.reading() as reader:
            rows = reader.execute(
                f"SELECT {ROW_COLUMNS}, {OBJECT_COLUMNS} {JOINED}"
                " WHERE d.id = ? AND d.patient = ? ORDER BY d.version",
                (document, patient),
            ).fetchall()
        if not rows or any(row[5] not in allowed for row in rows):
            # One version in a closed category closes the others: they are about the same thing.
            raise NotFound("no such document in this vault")
        return tuple(self._document(secret, patient, categories, row) for row in rows)

    def locate(self, patient: PatientId, keys: Collection[str]) -> dict[str, str]:
        """Return the ids of the clinical resources with these keys, for those that are here.

        Opens nothing, and says nothing about what a reader may see: whoever renders a reference has
        to ask for its target under the reader's own categories.
        """
        secret = self.vault.keys.secret(patient)
        found = {}
        with self.vault.index.reading() as reader:
            for key in keys:
                row = reader.execute(
                    "SELECT id FROM documents WHERE patient = ? AND token = ? LIMIT 1",
                    (patient, secret.token("document", CLINICAL, key)),
                ).fetchone()
                if row is not None:
                    found[key] = row[0]
        return found

    def imports(self, patient: PatientId) -> tuple[ImportRecord, ...]:
        """Return the patient's imports by time.

        Their reports are papers: `documents.Papers` has them.
        """
        secret = self.vault.keys.secret(patient)
        with self.vault.index.reading() as reader:
            rows = reader.execute(
                "SELECT id, patient, organisation, day, sealed FROM imports WHERE patient = ?",
                (patient,),
            ).fetchall()
        return tuple(sorted((_import(secret, row) for row in rows), key=lambda i: i.received))

    def _samples(self, entries: Collection[SeriesEntry], query: SampleQuery) -> SamplePage:
        """Open segments of these series in order, as far as the query needs them."""
        secret = self.vault.keys.secret(query.which.patient)
        gathered = {entry.id: _Gathered(entry) for entry in entries}
        with self.vault.index.reading() as reader:
            streams = [segments(reader, secret, one, SAMPLES, query) for one in gathered]
            place = edge(query.order)
            found, threshold = 0, None
            for row in heapq.merge(*streams, key=place):
                if threshold is not None and place(row) > threshold:
                    break
                found += self._gather(gathered[row.series], row, query)
                if found > query.limit:
                    threshold = _threshold(list(gathered.values()), query)
        return _page([one for one in gathered.values() if one.parts], query)

    def _gather(self, one: _Gathered, row: SegmentRow, query: SampleQuery) -> int:
        """Open a segment, keep what matches, and return how many rows that is."""
        entry = one.entry
        plain = open_object(self.vault, entry.patient, entry.category.value, row.object)
        rows = decode_rows(plain)
        fits = matching(rows.series.times, rows.ordinals, entry.id, query)
        count = int(fits.sum())
        if count:
            one.parts.append(rows if count == len(rows) else rows_at(rows, np.flatnonzero(fits)))
            one.updated.append(np.full(count, row.bounds.received, np.int64))
        return count

    def _one(
        self, patient: PatientId, categories: frozenset[Category], series: SeriesId
    ) -> SeriesEntry:
        found = self.series(SeriesQuery(patient, categories, frozenset({series})))
        if not found:
            raise NotFound("no such series in this vault")
        return found[0]

    def _with_ordinal(self, entry: SeriesEntry, ordinal: int, kind: int) -> list[SegmentRow]:
        secret = self.vault.keys.secret(entry.patient)
        with self.vault.index.reading() as reader:
            found = reader.execute(
                f"SELECT {SEGMENT_COLUMNS} WHERE s.series = ? AND s.first_ordinal <= ?"
                " AND s.last_ordinal >= ?",
                (entry.id, ordinal, ordinal),
            ).fetchall()
        rows = [segment_row(secret, row) for row in found]
        return [row for row in rows if row.bounds.kind == kind]

    def _document(
        self,
        secret: PatientSecret,
        patient: PatientId,
        categories: frozenset[Category],
        row: tuple[Any, ...],
    ) -> DocumentRecord:
        dated = open_row(secret, row)
        category = secret.categories(categories)[row[5]]
        where = object_row(row[10:])
        if where.name != f"{row[0]}/{row[1]}":
            raise IntegrityError(f"document {row[0]}: the index gives it the bytes of another")
        facts, content = open_document(self.vault, patient, category.value, where)
        return DocumentRecord(
            row[0],
            row[1],
            patient,
            facts.resource_type,
            facts.key,
            category,
            content,
            facts.subject,
            facts.date,
            facts.codes,
            Micros(dated.received),
            import_of(row),
            facts.resource_id,
            facts.references,
        )


def _entry(secret: PatientSecret, row: tuple[Any, ...]) -> SeriesEntry:
    summary = structured(secret.open_row(row[7], "series", *row[:7]), Summary)
    return SeriesEntry(
        SeriesId(row[0]),
        PatientId(row[1]),
        summary.metric,
        summary.source,
        Category(summary.category),
        row[5],
        Micros(summary.first),
        Micros(summary.last),
        Micros(summary.updated),
    )


def _import(secret: PatientSecret, row: tuple[Any, ...]) -> ImportRecord:
    note = structured(secret.open_row(row[4], "import", *row[:4]), ImportNote)
    return ImportRecord(
        ImportId(row[0]),
        PatientId(row[1]),
        OrganisationId(row[2]),
        Micros(note.received),
        Added(note.new, note.known, note.changed),
    )


def _newest_blocks(parts: Iterable[SegmentRow]) -> Iterable[SegmentRow]:
    """Return the first part of each block in its newest version, if it is still at this time."""
    newest: dict[tuple[SeriesId, int], SegmentRow] = {}
    for row in sorted(parts, key=lambda row: (row.bounds.version_max, not row.bounds.gone)):
        if row.bounds.first == 0:
            newest[(row.series, row.first_ordinal)] = row
    return [row for row in newest.values() if not row.bounds.gone]


def _block_head(entry: SeriesEntry, row: SegmentRow) -> BlockHead:
    bounds = row.bounds
    return BlockHead(
        entry,
        row.first_ordinal,
        bounds.version_max,
        Micros(bounds.start_min),
        Micros(bounds.end_max),
        bounds.samples,
        Micros(bounds.received),
    )


def _threshold(gathered: list[_Gathered], query: SampleQuery) -> int | None:
    """Return the place of the last row that is needed, None while there are too few.

    One more than the limit is needed, to know whether there is another page. A sample counts once,
    where its newest version is.
    """
    newest = query.order is Order.NEWEST
    places = []
    for one in gathered:
        if not one.parts:
            continue
        begins = np.concatenate([part.series.times.start for part in one.parts])
        if any((part.versions != 1).any() for part in one.parts):
            ordinals = np.concatenate([part.ordinals for part in one.parts])
            versions = np.concatenate([part.versions for part in one.parts])
            gone = np.concatenate([gone_of(part) for part in one.parts])
            begins = begins[newest_versions(ordinals, versions, gone)]
        places.append(-begins if newest else begins)
    every = np.concatenate(places)
    if len(every) <= query.limit:
        return None
    return int(np.partition(every, query.limit)[query.limit])


def _page(gathered: list[_Gathered], query: SampleQuery) -> SamplePage:
    """Put what was gathered into one order and cut it."""
    whole: list[Rows] = []
    received: list[Int64s] = []
    sources: list[Int64s] = []
    for one in gathered:
        rows = joined(one.parts)
        newest = newest_versions(rows.ordinals, rows.versions, rows.gone)
        whole.append(rows if len(newest) == len(rows) else rows_at(rows, newest))
        when = np.concatenate(one.updated)
        received.append(when if len(newest) == len(rows) else when[newest])
        sources.append(np.full(len(newest), len(sources), np.int64))
    if not whole:
        none = np.zeros(0, np.int32)
        return SamplePage((), none, none, None)
    which = np.concatenate(sources)
    begins = np.concatenate([rows.series.times.start for rows in whole])
    ordinals = np.concatenate([rows.ordinals for rows in whole])
    local = np.concatenate([np.arange(len(rows)) for rows in whole])
    # `gathered` is in the order of series ids, so `which` orders like them.
    order = np.lexsort((ordinals, which, begins))
    if query.order is Order.NEWEST:
        order = order[::-1]
    more = len(order) > query.limit
    order = order[: query.limit]
    following = None
    if more:
        last = order[-1]
        series = gathered[int(which[last])].entry.id
        following = Cursor(int(begins[last]), series, int(ordinals[last]))
    samples: list[Samples] = []
    row, kept = np.zeros(len(order), np.int32), np.zeros(len(order), np.int32)
    for place, (one, rows, when) in enumerate(zip(gathered, whole, received, strict=True)):
        mine = which[order] == place
        if not mine.any():
            continue
        chosen = local[order[mine]]
        part = rows_at(rows, chosen)
        row[mine] = np.arange(len(chosen))
        kept[mine] = len(samples)
        samples.append(Samples(one.entry, part.series, part.ordinals, part.versions, when[chosen]))
    return SamplePage(tuple(samples), kept, row, following)
