"""The high-water mark: how far each store of the node had come, under the node's own seal.

A store that is behind a mark was put back from an older copy. A mark only ever says "at least":
stores run ahead of it, never behind. What must stay true: nothing is acknowledged by the ledger
before the mark that covers it is durable, so that a stop cannot be undone unnoticed (ADR 0063).
"""

import hmac
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from pulsekey.ledger.ports import Ordered
from pulsekey.primitives import canonical, tags
from pulsekey.primitives.clock import Micros, Seconds, utc
from pulsekey.primitives.errors import IntegrityError, MalformedInput
from pulsekey.primitives.hashing import DIGEST_BYTES
from pulsekey.primitives.ids import Digest, LedgerId

VERSION = 1
LEDGER = "ledger"
CHAIN = "chain"
STORES = ("identity", "consents", "accesses", "vault")
"""The stores that count their own commits and keep a copy of the mark."""

INSIDE = "node.mark"
OUTSIDE = "the mark outside of the home"

PLACES: Mapping[str, str] = {
    LEDGER: "ledger/",
    CHAIN: "chain.sqlite",
    "identity": "identity.sqlite",
    "consents": "consents.sqlite",
    "accesses": "accesses.sqlite",
    "vault": "vault/",
}
UNITS: Mapping[str, str] = {LEDGER: "batches", CHAIN: "transactions"}
ACCEPTED_MAX = 16
"""Losses that a mark remembers, the newest ones."""

CURE = (
    "put the newest copy of it back; if there is none, `pulsekey restore` says what would be lost"
    " and how to go on without it"
)


@dataclass(frozen=True, slots=True)
class Accepted:
    """An operator went on without what was lost: when, and where the ledger then stood."""

    at: Seconds
    batch: int
    operations: int


@dataclass(frozen=True, slots=True)
class Mark:
    """How far the node had come. `positions` count transactions of the chain and commits."""

    serial: int
    """Rises by one with every mark that is written."""
    at: Seconds
    ledger: Ordered
    positions: Mapping[str, int]
    outside: bool = False
    """Whether a mark is kept outside of the home too."""
    accepted: tuple[Accepted, ...] = ()


NOTHING = Mark(0, Seconds(0), Ordered(), {})
"""The mark of a node that has none yet."""


@dataclass(frozen=True, slots=True)
class Seal:
    """Makes marks and reads them: of one ledger, under one key."""

    key: bytes = field(repr=False)
    ledger: LedgerId

    def closed(self, mark: Mark) -> bytes:
        """Return the mark as bytes that nobody else can make: MAC 32 | canonical JSON."""
        ordered = mark.ledger
        content = canonical.encode(
            {
                "version": VERSION,
                "ledger": self.ledger.hex(),
                "serial": mark.serial,
                "at": mark.at,
                "batch": ordered.batch,
                "time": ordered.time,
                "operations": ordered.log_size,
                "content": ordered.content.hex(),
                "parent": ordered.parent.hex(),
                "positions": dict(mark.positions),
                "outside": mark.outside,
                "accepted": [[one.at, one.batch, one.operations] for one in mark.accepted],
            }
        )
        return self._mac(content) + content

    def opened(self, sealed: bytes, *, where: str) -> Mark:
        """Return what `closed` was given, or raise `IntegrityError` saying what it is instead."""
        mac, content = sealed[:DIGEST_BYTES], sealed[DIGEST_BYTES:]
        holds = hmac.compare_digest(mac, self._mac(content))
        try:
            document = canonical.decode(content, where=where)
        except MalformedInput:
            document = None
        match document:
            case {"ledger": str(ledger)} if ledger != self.ledger.hex():
                raise IntegrityError(f"{where}: the mark is of another node's ledger")
            case {
                "version": int(version),
                "serial": int(serial),
                "at": int(at),
                "batch": int(batch),
                "time": int(time),
                "operations": int(operations),
                "content": str(batch_content),
                "parent": str(parent),
                "positions": dict(positions),
                "outside": bool(outside),
                "accepted": [*accepted],
            } if holds and version == VERSION:
                ordered = Ordered(
                    batch,
                    Seconds(time),
                    operations,
                    Digest(bytes.fromhex(batch_content)),
                    Digest(bytes.fromhex(parent)),
                )
                counts = {name: _count(count) for name, count in positions.items()}
                losses = tuple(_accepted(one) for one in accepted)
                return Mark(serial, Seconds(at), ordered, counts, outside, losses)
            case {"version": int(version)} if holds:
                raise IntegrityError(f"{where}: the mark has version {version}, not {VERSION}")
            case _:
                raise IntegrityError(f"{where}: the mark was altered")

    def _mac(self, content: bytes) -> bytes:
        return hmac.digest(self.key, tags.HIGH_WATER_MARK + content, "sha256")


@dataclass(frozen=True, slots=True)
class Standing:
    """Where one part of the home stands, as read from it before anything is opened."""

    part: str
    position: int
    since: Seconds | None = None
    """The last moment at which it was known to be the newest, if it says."""
    there: bool = True


@dataclass(frozen=True, slots=True)
class Finding:
    """A part of the home that is not what the marks say it must be."""

    part: str
    problem: str

    def __str__(self) -> str:
        return f"{PLACES.get(self.part, self.part)} {self.problem}"


def behind(standings: Iterable[Standing], marks: Iterable[Mark]) -> tuple[Finding, ...]:
    """Return every part that stands before a mark, with how much it lacks and since when."""
    known = tuple(marks)
    found = []
    for one in standings:
        wanted = max((_position(mark, one.part) for mark in known), default=0)
        if one.position >= wanted:
            continue
        if not one.there:
            found.append(Finding(one.part, "is missing"))
            continue
        unit = UNITS.get(one.part, "commits")
        if one.part == LEDGER:
            newest = max(known, key=lambda mark: mark.ledger.batch).ledger
            unit += f" (the last one ends at operation {newest.log_size:,})"
        since = "" if one.since is None else f"; it stands as of {_said(one.since)}"
        lacks = wanted - one.position
        found.append(Finding(one.part, f"is an older copy: it lacks {lacks:,} {unit}{since}"))
    return tuple(found)


def refusal(findings: Iterable[Finding]) -> IntegrityError:
    """Return the error with which a node refuses to open."""
    return IntegrityError(f"{'; '.join(map(str, findings))}. To cure it: {CURE}")


def _position(mark: Mark, part: str) -> int:
    return mark.ledger.batch if part == LEDGER else mark.positions.get(part, 0)


def _said(at: Seconds) -> str:
    return utc(Micros(at * 1_000_000)).strftime("%Y-%m-%d %H:%M:%S UTC")


def _count(value: canonical.Document) -> int:
    if not isinstance(value, int):
        raise IntegrityError("the mark has another form")
    return value


def _accepted(value: canonical.Document) -> Accepted:
    match value:
        case [int(at), int(batch), int(operations)]:
            return Accepted(Seconds(at), batch, operations)
        case _:
            raise IntegrityError("the mark has another form")
