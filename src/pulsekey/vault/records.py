"""What the vault speaks: queries, and what answers them.

Types only, so that FHIR and exchange can name them. A time in a query counts microseconds UTC.
Samples and documents whose zone is unknown (`Basis.FLOATING`, a date without a zone) match a window
only where they lie inside it whatever their zone is.
"""

from dataclasses import dataclass, field
from enum import StrEnum
from fractions import Fraction

from pulsekey.primitives.clock import MICROS_PER_SECOND, Micros
from pulsekey.primitives.ids import ImportId, OrganisationId, PatientId, SeriesId
from pulsekey.signals.category import Category
from pulsekey.signals.metric import Metric
from pulsekey.signals.series import Block, Int32s, Int64s, Series, Source

ROWS_PER_READ_MAX = 65_536
DOCUMENTS_PER_READ_MAX = 1_000
BLOCKS_PER_READ_MAX = 1_000
BLOCK_SAMPLES_PER_READ_MAX = 8_000_000
"""Samples a channel that one read of a block returns at most."""

WEST_MICROS = 12 * 3_600 * MICROS_PER_SECOND
EAST_MICROS = 14 * 3_600 * MICROS_PER_SECOND
"""Local time is at most this far behind, or ahead of, UTC."""


class Order(StrEnum):
    """By start; equal starts by series id, then ordinal."""

    NEWEST = "newest"
    OLDEST = "oldest"


@dataclass(frozen=True, slots=True)
class Window:
    """Bounds on a record's start and end, each inclusive, None where there is none.

    "Begins and ends within" is `start_min` with `end_max`; "overlaps" is `end_min` with
    `start_max`.
    """

    start_min: int | None = None
    start_max: int | None = None
    end_min: int | None = None
    end_max: int | None = None


@dataclass(frozen=True, slots=True)
class SeriesEntry:
    """A series as a list shows it.

    `count` is the number of ordinals, `updated` the newest import's time.
    """

    id: SeriesId
    patient: PatientId
    metric: Metric
    source: Source
    category: Category
    count: int
    first: Micros
    """The earliest start."""
    last: Micros
    """The latest end."""
    updated: Micros


@dataclass(frozen=True, slots=True)
class Cursor:
    """The place of a record in an order: the next page begins strictly after it."""

    start: int
    id: str
    ordinal: int = 0


@dataclass(frozen=True, slots=True)
class SeriesQuery:
    """Which series.

    `categories` is what the reader may see; nothing outside of it is ever opened.
    """

    patient: PatientId
    categories: frozenset[Category]
    series: frozenset[SeriesId] | None = None
    metrics: frozenset[str] | None = None


@dataclass(frozen=True, slots=True)
class SampleQuery:
    """Which samples of which series. A sample has to satisfy every window."""

    which: SeriesQuery
    windows: tuple[Window, ...] = ()
    after: Cursor | None = None
    order: Order = Order.NEWEST
    limit: int = 1_000


@dataclass(frozen=True, slots=True, eq=False)
class Samples:
    """Samples of one series, in the order asked for.

    `ordinals` int64[n], `versions` int64[n] from 1, `updated` int64[n] microseconds: when each was
    received.
    """

    entry: SeriesEntry
    series: Series
    ordinals: Int64s
    versions: Int64s
    updated: Int64s

    def __len__(self) -> int:
        return len(self.ordinals)


@dataclass(frozen=True, slots=True, eq=False)
class SamplePage:
    """One page. Row i of the page is row `row[i]` of `samples[which[i]]`; both int32[n]."""

    samples: tuple[Samples, ...]
    which: Int32s
    row: Int32s
    next: Cursor | None
    """Where the next page begins, None if this is the last."""

    def __len__(self) -> int:
        return len(self.row)


@dataclass(frozen=True, slots=True)
class BlockHead:
    """A stretch of waveform without its samples. `end` is when its last sample ends."""

    entry: SeriesEntry
    ordinal: int
    version: int
    start: Micros
    end: Micros
    samples: int
    updated: Micros


@dataclass(frozen=True, slots=True, eq=False)
class BlockRecord:
    """A block, or samples [first, first + n) of it; `block.start` is the whole block's."""

    head: BlockHead
    first: int
    block: Block

    @property
    def duration_seconds(self) -> Fraction:
        return len(self.block.channels[0].raw) / self.block.rate_hz


@dataclass(frozen=True, slots=True)
class BlockQuery:
    """Which blocks of which waveform series."""

    which: SeriesQuery
    windows: tuple[Window, ...] = ()
    after: Cursor | None = None
    order: Order = Order.NEWEST
    limit: int = 100


@dataclass(frozen=True, slots=True)
class DocumentQuery:
    """Which clinical resources, each in its newest version.

    `codes` are (system, code) pairs of which one has to match; an empty system matches the bare
    code. `undated` says whether resources without a date match where there are windows.
    """

    patient: PatientId
    categories: frozenset[Category]
    types: frozenset[str] | None = None
    ids: frozenset[str] | None = None
    codes: frozenset[tuple[str, str]] | None = None
    windows: tuple[Window, ...] = ()
    undated: bool = False
    after: Cursor | None = None
    order: Order = Order.NEWEST
    limit: int = 100


@dataclass(frozen=True, slots=True)
class DocumentRecord:
    """A clinical resource as it came, byte for byte. `versions` is how many there are."""

    id: str
    version: int
    patient: PatientId
    resource_type: str
    key: str
    category: Category
    content: bytes
    subject: str
    date: str
    codes: tuple[tuple[str, str], ...]
    received: Micros
    import_id: ImportId
    resource_id: str = ""
    """The id it had where it came from."""
    references: tuple[str, ...] = ()
    """What it refers to, as written."""


@dataclass(frozen=True, slots=True)
class DocumentPage:
    """One page of documents, in the order asked for; `next` is None if it is the last."""

    documents: tuple[DocumentRecord, ...]
    next: Cursor | None


@dataclass(frozen=True, slots=True)
class Added:
    """What adding something to an import did, in samples, blocks or documents.

    `dated` is how many of `changed` got a time zone, or another one than they had.
    """

    new: int = 0
    known: int = 0
    changed: int = 0
    dated: int = 0

    def __add__(self, other: "Added") -> "Added":
        return Added(
            self.new + other.new,
            self.known + other.known,
            self.changed + other.changed,
            self.dated + other.dated,
        )


@dataclass(frozen=True, slots=True)
class ImportRecord:
    """An import that is complete. `report` is what the importer said about it."""

    id: ImportId
    patient: PatientId
    organisation: OrganisationId
    received: Micros
    added: Added = field(default_factory=Added)
    report: bytes = b""
