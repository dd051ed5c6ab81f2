"""Looks at every part of a home before any of them is opened, and compares them with the marks.

Opening would change what is looked at: a vault sweeps packs that its index does not know, a ledger
derives what it lacks. Nothing is written here.
"""

import sqlite3
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pulsekey.exchange.mark_file import MarkFile
from pulsekey.exchange.marks import (
    CHAIN,
    INSIDE,
    LEDGER,
    NOTHING,
    OUTSIDE,
    PLACES,
    STORES,
    Finding,
    Mark,
    Seal,
    Standing,
    behind,
)
from pulsekey.ledger.encoding import decode_batch
from pulsekey.ledger.settlement.contract import anchored_batch
from pulsekey.primitives.database import translated
from pulsekey.primitives.errors import IntegrityError, MalformedInput
from pulsekey.primitives.ids import LedgerId

UNMARKED_BATCHES_MAX = 1
"""A node that dies between ordering a batch and marking it leaves one batch above the mark."""


@dataclass(frozen=True, slots=True)
class Places:
    """The files of a home whose positions are compared, by part."""

    inside: Path
    outside: Path | None
    consensus: Path
    chain: Path
    stores: Mapping[str, Path]


@dataclass(frozen=True, slots=True)
class Survey:
    """What a home looks like from outside of its stores, and what is wrong with that."""

    standings: Mapping[str, Standing]
    marks: tuple[Mark, ...]
    findings: tuple[Finding, ...]

    @property
    def parts(self) -> frozenset[str]:
        """What is lost or older than the rest."""
        return frozenset(finding.part for finding in self.findings)

    @property
    def newest(self) -> Mark:
        """Return the mark that knows most, or one that knows nothing."""
        return max(self.marks, key=lambda mark: mark.serial, default=NOTHING)


def survey(places: Places, seal: Seal) -> Survey:
    """Compare every part of a home with every mark that can be found. Opens no store."""
    findings: list[Finding] = []
    marks: dict[str, Mark] = {}
    standings: dict[str, Standing] = {
        LEDGER: _ledger_standing(places.consensus, seal.ledger),
    }
    standings[CHAIN], anchored = _chain_standing(places.chain)
    for part in STORES:
        standing, told = _told(part, places.stores[part], seal, findings)
        standings[part] = standing
        if told is not None:
            marks[part] = told
    for name, path in ((INSIDE, places.inside), (OUTSIDE, places.outside)):
        if path is not None:
            try:
                mark = MarkFile(path, seal).read()
            except IntegrityError as error:
                findings.append(Finding(name, f"does not hold: {error}"))
                continue
            if mark is not None:
                marks[name] = mark
    findings += _about_files(places, marks, standings, findings)
    lacking = behind(standings.values(), marks.values())
    if anchored > standings[LEDGER].position and LEDGER not in {one.part for one in lacking}:
        findings.append(
            Finding(
                LEDGER, f"is an older copy: {PLACES[CHAIN]} holds the head of batch {anchored:,}"
            )
        )
    findings += lacking
    return Survey(standings, tuple(marks.values()), tuple(findings))


def _about_files(
    places: Places,
    marks: Mapping[str, Mark],
    standings: Mapping[str, Standing],
    findings: list[Finding],
) -> list[Finding]:
    """Judge the marks themselves: whether one is missing, or older than what others remember."""
    unreadable = {finding.part for finding in findings}
    inside = marks.get(INSIDE)
    if inside is None:
        # A node that no version with marks ever opened has none anywhere, and gets its first.
        known = INSIDE in unreadable or not marks
        return [] if known else [Finding(INSIDE, "is missing")]
    found = []
    newest = max(mark.serial for name, mark in marks.items() if name != OUTSIDE)
    unmarked = standings[LEDGER].position - inside.ledger.batch
    if inside.serial < newest:
        found.append(Finding(INSIDE, "is an older copy: the stores remember a later mark"))
    elif unmarked > UNMARKED_BATCHES_MAX:
        found.append(Finding(INSIDE, f"is an older copy: {unmarked:,} batches are above it"))
    lost = OUTSIDE not in marks and OUTSIDE not in unreadable
    if inside.outside and places.outside is not None and lost:
        found.append(
            Finding(OUTSIDE, f"is missing: {places.outside.name} is not where it is looked for")
        )
    return found


def _ledger_standing(path: Path, ledger: LedgerId) -> Standing:
    row = _looked_up(
        path, "batch", "SELECT number, content FROM batch ORDER BY number DESC LIMIT 1"
    )
    if not row:
        return Standing(LEDGER, 0, there=row is not None)
    try:
        return Standing(LEDGER, row[0], decode_batch(row[1], ledger=ledger).time)
    except MalformedInput:
        return Standing(LEDGER, row[0])  # Opening the ledger names the damage.


def _chain_standing(path: Path) -> tuple[Standing, int]:
    """Return where the chain stands, and the batch that its newest transaction anchors, or 0."""
    row = _looked_up(
        path, "entry", "SELECT number, time, data FROM entry ORDER BY number DESC LIMIT 1"
    )
    if not row:
        return Standing(CHAIN, 0, there=row is not None), 0
    return Standing(CHAIN, row[0], row[1]), anchored_batch(row[2]) or 0


def _looked_up(path: Path, table: str, query: str) -> tuple[Any, ...] | None:
    """Return a row of a store that nobody has open, () for none, None if there is no file."""
    if not path.exists():
        return None
    with translated(path), closing(_peeked(path)) as tables:
        known = "SELECT 1 FROM sqlite_master WHERE name = ?"
        if tables.execute(known, (table,)).fetchone() is None:
            return ()
        row: tuple[Any, ...] | None = tables.execute(query).fetchone()
    return row or ()


def _told(
    part: str, path: Path, seal: Seal, findings: list[Finding]
) -> tuple[Standing, Mark | None]:
    """Return where a store stands and the mark that it was told; none before the first."""
    row = _looked_up(path, "waterline", "SELECT position, mark FROM waterline")
    position, sealed = row or (0, b"")
    if row is None:
        return Standing(part, 0, there=False), None
    if not isinstance(position, int) or not isinstance(sealed, bytes):
        findings.append(Finding(part, "does not hold: a store has lost its waterline"))
        return Standing(part, 0, there=False), None
    if not sealed:
        return Standing(part, position), None
    try:
        mark = seal.opened(sealed, where=path.name)
    except IntegrityError as error:
        findings.append(Finding(part, f"does not hold: {error}"))
        return Standing(part, position), None
    return Standing(part, position, mark.at), mark


def _peeked(path: Path) -> sqlite3.Connection:
    """Look into a store that nobody has open, without making it and without migrating it."""
    return sqlite3.connect(f"file:{path.resolve()}?mode=rw", uri=True, isolation_level=None)
