"""The streams of one search: each yields what matches, in order, with the place to go on from.

Samples, blocks of waveform and imported resources are three kinds of stream per scope; a search
merges them, so one search spans what devices sent and what hospitals sent.
"""

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np

from pulsekey.exchange.gate import Scope
from pulsekey.fhir.documents import document
from pulsekey.fhir.matching import (
    block_matches,
    document_matches,
    document_windows,
    rows_match,
    series_matches,
    windows,
)
from pulsekey.fhir.paging import document_key
from pulsekey.fhir.render import observations
from pulsekey.fhir.search import Search
from pulsekey.fhir.systems import observation_id
from pulsekey.fhir.waveforms import waveform
from pulsekey.primitives.errors import MalformedInput, NotFound
from pulsekey.primitives.ids import SeriesId
from pulsekey.vault.records import (
    DOCUMENTS_PER_READ_MAX,
    BlockHead,
    Cursor,
    DocumentRecord,
    Order,
    Samples,
)
from pulsekey.vault.rows import span_of

BLOCKS_PAGE = 50
RESOURCES_PAGE = 100
PAGES_SCANNED_MAX = 200
"""Vault pages that one stream of one answer goes through; beyond it the search is too wide."""

UNDATED = 1
ORDINAL_DIGITS_MAX = 18
Resolve: TypeAlias = Callable[[str], str | None]


@dataclass(frozen=True, slots=True)
class Found:
    """A match: its place in the order, where to go on after it, and how to render it."""

    key: int
    updated: int
    version: int
    after: Cursor
    item: "Sampled | Blocked | DocumentRecord"


@dataclass(frozen=True, slots=True, eq=False)
class Sampled:
    """One row of samples that were opened together."""

    samples: Samples
    row: int


@dataclass(frozen=True, slots=True)
class Blocked:
    """A block of waveform, not opened yet."""

    scope: Scope
    head: BlockHead


Stream: TypeAlias = Callable[[Cursor | None], Iterator[Found]]
"""From where a page begins to what matches from there on, in the order of the search."""


def streams_of(scope: Scope, search: Search) -> tuple[Stream, ...]:
    """Return the streams of a search in one scope, always the same ones in the same order."""
    order = Order.NEWEST if search.descending else Order.OLDEST

    def resources(after: Cursor | None) -> Iterator[Found]:
        return _resources(scope, search, order, after)

    if search.resource_type != "Observation":
        return (resources,)
    wanted = [entry for entry in scope.series() if series_matches(search, entry)]
    rows = frozenset(entry.id for entry in wanted if entry.metric.shape != "waveform")
    waves = frozenset(entry.id for entry in wanted if entry.metric.shape == "waveform")

    def samples(after: Cursor | None) -> Iterator[Found]:
        if search.ids:
            return _beyond(_named_samples(scope, search, rows), order, after)
        return _samples(scope, search, order, after, rows) if rows else iter(())

    def blocks(after: Cursor | None) -> Iterator[Found]:
        if search.ids:
            return _beyond(_named_blocks(scope, search, waves), order, after)
        return _blocks(scope, search, order, after, waves) if waves else iter(())

    return (samples, blocks, resources)


def rendered(found: Sequence[Found], resolve: Resolve) -> list[tuple[str, str, bytes]]:
    """Return (resource type, id, JSON) of each match, in order.

    Rows that were opened together are rendered together: a template is filled a page at a time.
    """
    out: list[tuple[str, str, bytes]] = [("", "", b"")] * len(found)
    together: dict[int, list[tuple[int, Sampled]]] = defaultdict(list)
    for place, one in enumerate(found):
        match one.item:
            case Sampled(samples, _) as sampled:
                together[id(samples)].append((place, sampled))
            case Blocked(scope, head):
                name = observation_id(head.entry.id, head.ordinal)
                body = waveform(scope.block(head.entry.id, head.ordinal))
                out[place] = ("Observation", name, body)
            case DocumentRecord() as record:
                out[place] = (record.resource_type, record.id, document(record, resolve))
    for placed in together.values():
        samples = placed[0][1].samples
        rows = np.array([sampled.row for _, sampled in placed])
        names = [observation_id(samples.entry.id, n) for n in samples.ordinals[rows].tolist()]
        bodies = observations(samples, rows)
        for (place, _), name, body in zip(placed, names, bodies, strict=True):
            out[place] = ("Observation", name, body)
    return out


def sample_named(name: str) -> tuple[SeriesId, int] | None:
    """Return the series and ordinal that an Observation's id stands for, None if it is no sample's.

    A sample has one id: no sign, no leading zero.
    """
    series, _, ordinal = name.rpartition("-")
    digits = ordinal.isascii() and ordinal.isdecimal() and len(ordinal) <= ORDINAL_DIGITS_MAX
    if not series or not digits or ordinal != str(int(ordinal)):
        return None
    return SeriesId(series), int(ordinal)


def _named(search: Search, series: frozenset[SeriesId]) -> Iterator[tuple[SeriesId, int]]:
    """Yield (series, ordinal) of the ids that a search names, as far as they are of `series`."""
    for name in frozenset.intersection(*search.ids):
        place = sample_named(name)
        if place is not None and place[0] in series:
            yield place


def _named_samples(scope: Scope, search: Search, series: frozenset[SeriesId]) -> Iterator[Found]:
    for name, ordinal in _named(search, series):
        try:
            samples = scope.sample(name, ordinal)
        except NotFound:
            continue
        if rows_match(search, samples)[0]:
            yield _sampled(samples, 0)


def _named_blocks(scope: Scope, search: Search, series: frozenset[SeriesId]) -> Iterator[Found]:
    for name, ordinal in _named(search, series):
        try:
            record = scope.block(name, ordinal, samples=1)
        except NotFound:
            continue
        if block_matches(search, record.head, record.block.basis):
            yield _blocked(scope, record.head)


def _beyond(found: Iterator[Found], order: Order, after: Cursor | None) -> Iterator[Found]:
    """Yield a few matches in order, from where a page begins."""

    def place(cursor: Cursor) -> tuple[int, str, int]:
        return cursor.start, cursor.id, cursor.ordinal

    newest = order is Order.NEWEST
    for one in sorted(found, key=lambda one: place(one.after), reverse=newest):
        beyond = after is None or one.after != after
        if beyond and (after is None or (place(one.after) < place(after)) == newest):
            yield one


def _samples(
    scope: Scope, search: Search, order: Order, after: Cursor | None, series: frozenset[SeriesId]
) -> Iterator[Found]:
    wanted = windows(search)
    for _ in range(PAGES_SCANNED_MAX):
        page = scope.samples(
            series, windows=wanted, after=after, order=order, limit=search.count + 1
        )
        masks = [rows_match(search, samples) for samples in page.samples]
        for which, row in zip(page.which.tolist(), page.row.tolist(), strict=True):
            if masks[which][row]:
                yield _sampled(page.samples[which], row)
        if page.next is None:
            return
        after = page.next
    raise MalformedInput("too much would have to be read", cure="narrow the search by date")


def _sampled(samples: Samples, row: int) -> Found:
    start = int(samples.series.times.start[row])
    place = Cursor(start, samples.entry.id, int(samples.ordinals[row]))
    version = int(samples.versions[row])
    return Found(start, int(samples.updated[row]), version, place, Sampled(samples, row))


def _blocks(
    scope: Scope, search: Search, order: Order, after: Cursor | None, series: frozenset[SeriesId]
) -> Iterator[Found]:
    wanted = windows(search)
    for _ in range(PAGES_SCANNED_MAX):
        heads = scope.blocks(series, windows=wanted, after=after, order=order, limit=BLOCKS_PAGE)
        for head in heads:
            after = Cursor(head.start, head.entry.id, head.ordinal)
            basis = scope.block(head.entry.id, head.ordinal, samples=1).block.basis
            if block_matches(search, head, basis):
                yield _blocked(scope, head)
        if len(heads) < BLOCKS_PAGE:
            return
    raise MalformedInput("too much would have to be read", cure="narrow the search by date")


def _blocked(scope: Scope, head: BlockHead) -> Found:
    place = Cursor(head.start, head.entry.id, head.ordinal)
    return Found(head.start, head.updated, head.version, place, Blocked(scope, head))


def _resources(scope: Scope, search: Search, order: Order, after: Cursor | None) -> Iterator[Found]:
    ids = frozenset.intersection(*search.ids) if search.ids else None
    limit = search.count + 1
    for _ in range(PAGES_SCANNED_MAX):
        page = scope.documents(
            types=frozenset({search.resource_type}),
            ids=ids,
            codes=_codes(search),
            windows=document_windows(search),
            after=after,
            order=order,
            limit=min(limit, DOCUMENTS_PER_READ_MAX),
        )
        for record in page.documents:
            if document_matches(search, record):
                yield _resource(record, order)
        if page.next is None:
            return
        # The gate leaves out what a consent does not hold: the more there is, the larger the steps.
        after, limit = page.next, max(limit, min(2 * limit, RESOURCES_PAGE))
    raise MalformedInput("too much would have to be read", cure="narrow the search by date")


def _resource(record: DocumentRecord, order: Order) -> Found:
    span = span_of(record.date) if record.date else None
    start = 0 if span is None else span[0]
    signed = -start if order is Order.NEWEST else start
    place = Cursor(signed, record.id, UNDATED if span is None else 0)
    return Found(document_key(record), record.received, record.version, place, record)


def _codes(search: Search) -> frozenset[tuple[str, str]] | None:
    """Return codes that the index can narrow by, None where it cannot."""
    for tokens in search.tokens_of("code"):
        if all(token.code for token in tokens):
            return frozenset((token.system or "", token.code or "") for token in tokens)
    return None
