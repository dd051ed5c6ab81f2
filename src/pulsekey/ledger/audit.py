"""Re-verification of a whole ledger from its stored bytes alone.

Everything is executed again from consensus; every root, proof path, file and table row must be what
that gives. A finding names the file and the place. Run it on a ledger that is closed. Memory grows
with the ledger: about 1 kB an operation.
"""

import sqlite3
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

from pulsekey.ledger import anchoring, heads
from pulsekey.ledger.consensus import sqlite as consensus
from pulsekey.ledger.derived import checkpoint_of, origin_of
from pulsekey.ledger.durable import ASIDE_SUFFIX
from pulsekey.ledger.embedded import LedgerHome, read_genesis
from pulsekey.ledger.encoding import (
    batch_ledger,
    decode_batch,
    encode_head,
    encode_step,
    first_head,
    head_digest,
)
from pulsekey.ledger.execution.execute import execute
from pulsekey.ledger.genesis import Genesis
from pulsekey.ledger.log.checkpoint import open_checkpoint
from pulsekey.ledger.log.layout import (
    HASH_BYTES,
    WIDTH,
    encode_bundle,
    grow_spine,
    spine_root,
    tile_root,
    tiles_of,
)
from pulsekey.ledger.log.proof import entry_hash
from pulsekey.ledger.log.tiles import CHECKPOINT
from pulsekey.ledger.ports import ABSENT, Batch, Head, Program, Step
from pulsekey.ledger.state import sqlite as state
from pulsekey.ledger.state.tree import Tree
from pulsekey.primitives import tags
from pulsekey.primitives.database import translated
from pulsekey.primitives.errors import IntegrityError, MalformedInput, PulsekeyError
from pulsekey.primitives.hashing import digest, tagged
from pulsekey.primitives.ids import Digest

HEADS_SCHEMA = ";".join(heads.MIGRATIONS)


@dataclass(frozen=True, slots=True)
class Finding:
    """Something stored that is not what it must be."""

    place: str
    problem: str


@dataclass(frozen=True, slots=True)
class AuditReport:
    """What was checked, and what was found: nothing, if the ledger is sound."""

    batches: int
    operations: int
    findings: tuple[Finding, ...]


@dataclass(slots=True)
class _Expected:
    """What executing everything again gives."""

    heads: list[Head] = field(default_factory=list)
    touched: set[tuple[bytes, int]] = field(default_factory=set)
    steps: list[Step] = field(default_factory=list)
    contents: dict[str, bytes] = field(default_factory=dict)
    leaves: dict[bytes, tuple[bytes, int]] = field(default_factory=dict)
    root: Digest = field(default_factory=lambda: Tree().root)


def audit(home: LedgerHome, program: Program) -> AuditReport:
    """Check every stored byte of the ledger in `home`."""
    try:
        genesis = read_genesis(home)
    except PulsekeyError as error:
        return AuditReport(0, 0, (Finding(home.genesis.name, str(error)),))
    expected = _Expected()
    findings = [*_executed(home, genesis, program, expected)]
    checks: tuple[Callable[[], Iterator[Finding]], ...] = (
        partial(_check_heads, home, expected),
        partial(_check_state, home, expected),
        partial(_check_availability, home, expected),
        partial(_check_log, home, expected),
        partial(_check_checkpoint, home, genesis, expected),
        partial(_check_anchors, home, expected),
    )
    for check in checks:
        findings += check()
    return AuditReport(len(expected.heads), len(expected.steps), tuple(findings))


def _executed(
    home: LedgerHome, genesis: Genesis, program: Program, expected: _Expected
) -> Iterator[Finding]:
    """Execute what consensus holds into `expected`, until something in it is wrong."""
    snapshot = Tree()
    head = first_head(genesis.ledger, genesis.created)
    spine: list[tuple[int, bytes]] = []
    query = "SELECT number, digest, content FROM batch ORDER BY number"
    rows = _Rows(home.consensus, consensus.SCHEMA, query)
    for number, claimed, content in rows:
        try:
            batch = _checked_batch(genesis, head, number, claimed, content)
        except (MalformedInput, IntegrityError) as error:
            yield Finding(f"{home.consensus.name}, batch {number}", str(error))
            if batch_ledger(content) != genesis.ledger and tagged(tags.BATCH, content) == claimed:
                yield Finding(home.genesis.name, "is not of the ledger that consensus keeps")
            break
        execution = execute(
            program, snapshot, batch, head.log_size, partial(program.admissible, genesis.ledger)
        )
        assert isinstance(execution.snapshot, Tree)
        snapshot = execution.snapshot
        expected.steps += execution.steps
        expected.touched |= {*execution.touched}
        for step in execution.steps:
            grow_spine(spine, 1, entry_hash(encode_step(step)))
        expected.contents[digest(content).hex()] = content
        for key, value in execution.writes:
            expected.leaves[key] = (value, batch.number)
        head = Head(
            ledger=genesis.ledger,
            batch=batch.number,
            time=batch.time,
            state_root=snapshot.root,
            log_size=len(expected.steps),
            log_root=Digest(spine_root(spine)),
            availability=digest(content),
            parent=head_digest(head),
        )
        expected.heads.append(head)
    expected.root = snapshot.root
    expected.leaves = {k: v for k, v in expected.leaves.items() if v[0] != ABSENT}
    yield from rows.findings


def _checked_batch(
    genesis: Genesis, before: Head, number: int, claimed: bytes, content: bytes
) -> Batch:
    if tagged(tags.BATCH, content) != claimed:
        raise IntegrityError("does not match its digest")
    batch = decode_batch(content, ledger=genesis.ledger)
    if batch.number != number or number != before.batch + 1:
        raise IntegrityError(f"does not follow batch {before.batch}")
    if batch.time < before.time:
        raise IntegrityError("is older than the one before it")
    return batch


def _check_heads(home: LedgerHome, expected: _Expected) -> Iterator[Finding]:
    name = home.heads.name
    rows = _Rows(home.heads, HEADS_SCHEMA, "SELECT batch, digest, content FROM head")
    wanted = {
        head.batch: (head.batch, head_digest(head), encode_head(head)) for head in expected.heads
    }
    yield from _compared(f"{name}, head", {row[0]: row for row in rows}, wanted)
    yield from rows.findings
    places = _Rows(home.heads, HEADS_SCHEMA, "SELECT operation, log_index FROM place")
    first: dict[bytes, tuple[bytes, int]] = {}
    for step in expected.steps:
        first.setdefault(step.operation, (step.operation, step.index))
    yield from _compared(f"{name}, place of operation", {row[0]: row for row in places}, first)
    yield from places.findings
    touched = {*_Rows(home.heads, HEADS_SCHEMA, "SELECT key, log_index FROM touched")}
    for key, index in sorted(touched ^ expected.touched):
        known = "is missing" if (key, index) in expected.touched else "is there without a reason"
        yield Finding(f"{name}, touched {key.hex()} at {index}", known)
    last = {1: (1, len(expected.heads))} if expected.heads else {}
    indexed = _Rows(home.heads, HEADS_SCHEMA, "SELECT one, batch FROM indexed")
    yield from _compared(f"{name}, indexed", {row[0]: row for row in indexed}, last)


def _check_state(home: LedgerHome, expected: _Expected) -> Iterator[Finding]:
    name = home.state.name
    rows = _Rows(home.state, state.SCHEMA, "SELECT key, value, batch FROM leaf")
    wanted = {key: (key, value, batch) for key, (value, batch) in expected.leaves.items()}
    yield from _compared(f"{name}, leaf", {row[0]: row for row in rows}, wanted)
    yield from rows.findings
    kept = _Rows(home.state, state.SCHEMA, "SELECT one, batch, root FROM kept")
    last = {1: (1, len(expected.heads), expected.root)} if expected.heads else {}
    yield from _compared(f"{name}, kept", {row[0]: row for row in kept}, last)
    yield from kept.findings


def _check_availability(home: LedgerHome, expected: _Expected) -> Iterator[Finding]:
    wanted = {f"{name[:2]}/{name}": content for name, content in expected.contents.items()}
    yield from _compared("availability", dict(_files(home.availability)), wanted)


def _check_log(home: LedgerHome, expected: _Expected) -> Iterator[Finding]:
    """Compare every tile. Partial ones of earlier sizes must be beginnings of what came later."""
    entries = [encode_step(step) for step in expected.steps]
    level_hashes = [[entry_hash(entry) for entry in entries]]
    while len(level_hashes[-1]) >= WIDTH:
        below = level_hashes[-1]
        full = range(0, len(below) - len(below) % WIDTH, WIDTH)
        level_hashes.append([tile_root(below[at : at + WIDTH]) for at in full])
    wanted: dict[str, bytes] = {}
    earlier: dict[str, bytes] = {}
    for tile in tiles_of(len(entries)):
        low = tile.index * WIDTH
        content = b"".join(level_hashes[tile.level][low : low + tile.width])
        wanted[tile.path.as_posix()] = content
        for width in range(1, tile.width):
            path = replace(tile, width=width).path.as_posix()
            earlier[path] = content[: width * HASH_BYTES]
        if tile.level == 0:
            wanted[tile.entries_path.as_posix()] = encode_bundle(entries[low : low + tile.width])
            for width in range(1, tile.width):
                path = replace(tile, width=width).entries_path.as_posix()
                earlier[path] = encode_bundle(entries[low : low + width])
    stored = {path: content for path, content in _files(home.log) if path != CHECKPOINT}
    wanted |= {path: earlier[path] for path in stored.keys() & earlier.keys()}
    yield from _compared("log", stored, wanted)


def _check_checkpoint(home: LedgerHome, genesis: Genesis, expected: _Expected) -> Iterator[Finding]:
    place = f"log/{CHECKPOINT}"
    path = home.log / CHECKPOINT
    if not expected.heads:
        if path.exists():
            yield Finding(place, "is there although nothing was ever ordered")
        return
    try:
        note = path.read_bytes()
        signed = open_checkpoint(note, origin_of(genesis.ledger), genesis.checkpoint_key)
    except FileNotFoundError:
        yield Finding(place, "is missing")
    except (MalformedInput, IntegrityError) as error:
        yield Finding(place, str(error))
    else:
        if signed != checkpoint_of(expected.heads[-1]):
            yield Finding(place, "is not of the newest head")


def _check_anchors(home: LedgerHome, expected: _Expected) -> Iterator[Finding]:
    rows = _Rows(home.anchors, anchoring.SCHEMA, "SELECT * FROM anchor")
    known = {head.batch: head_digest(head) for head in expected.heads}
    for batch, chain, *rest in rows:
        place = f"{home.anchors.name}, anchor {batch}"
        try:
            _, anchored = anchoring.read_anchor((batch, chain.decode(), *rest))
        except (IntegrityError, UnicodeDecodeError) as error:
            yield Finding(place, str(error))
        else:
            if known.get(batch) != anchored.head:
                yield Finding(place, "names another head")
    yield from rows.findings


def _compared(
    what: str, stored: Mapping[Any, object], wanted: Mapping[Any, object]
) -> Iterator[Finding]:
    """Name what is missing, what nothing leads to, and what is there but differs."""
    for key in sorted(stored.keys() | wanted.keys()):
        place = f"{what} {key.hex() if isinstance(key, bytes) else key}"
        if key not in stored:
            yield Finding(place, "is missing")
        elif key not in wanted:
            yield Finding(place, "is there, and nothing in consensus leads to it")
        elif stored[key] != wanted[key]:
            yield Finding(place, "is not what consensus leads to")


def _files(folder: Path) -> Iterator[tuple[str, bytes]]:
    for path in folder.rglob("*"):
        if path.is_file() and not path.name.endswith(ASIDE_SUFFIX):
            yield path.relative_to(folder).as_posix(), path.read_bytes()


class _Rows:
    """The rows of a query on a file that may be damaged. What is wrong stands in `findings`."""

    def __init__(self, path: Path, schema: str, query: str) -> None:
        self._path = path
        self._schema = schema
        self._query = query
        self.findings: list[Finding] = []

    def __iter__(self) -> Iterator[tuple[Any, ...]]:
        if not self._path.is_file():
            self.findings.append(Finding(self._path.name, "is missing"))
            return
        try:
            with translated(self._path), closing(sqlite3.connect(self._path)) as tables:
                tables.text_factory = bytes
                self._examine(tables)
                yield from tables.execute(self._query)
        except PulsekeyError as error:
            self.findings.append(Finding(self._path.name, str(error)))

    def _examine(self, tables: sqlite3.Connection) -> None:
        for (problem,) in tables.execute("PRAGMA integrity_check"):
            if problem != b"ok":
                self.findings.append(Finding(self._path.name, problem.decode(errors="replace")))
        with closing(sqlite3.connect(":memory:")) as fresh:
            fresh.text_factory = bytes
            fresh.executescript(self._schema)
            if _tables_of(tables) != _tables_of(fresh):
                self.findings.append(Finding(self._path.name, "does not have the ledger's tables"))


def _tables_of(tables: sqlite3.Connection) -> list[tuple[bytes, ...]]:
    query = "SELECT type, name, tbl_name, sql FROM sqlite_master ORDER BY name"
    return [tuple(part and part.strip() for part in row) for row in tables.execute(query)]
