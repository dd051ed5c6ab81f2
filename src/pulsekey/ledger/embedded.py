"""The ledger with its embedded engines, in one folder: nothing to install, nothing to run.

genesis.json        what the ledger is
consensus.sqlite    the order: the only file that cannot be derived from another
anchors.sqlite      which heads were anchored where
state.sqlite  heads.sqlite  log/  availability/    derived, see `rebuild`
"""

from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from shutil import rmtree

from pulsekey.ledger.anchoring import SqliteAnchors
from pulsekey.ledger.availability.files import FileAvailability
from pulsekey.ledger.consensus.sqlite import SqliteConsensus
from pulsekey.ledger.derived import Derived
from pulsekey.ledger.durable import sweep, write_durably
from pulsekey.ledger.genesis import Genesis, decode_genesis
from pulsekey.ledger.heads import SqliteHeads
from pulsekey.ledger.log.checkpoint import Sign
from pulsekey.ledger.log.tiles import TileLog
from pulsekey.ledger.pipeline import Ledger, Limits
from pulsekey.ledger.ports import Note, Program, Settlement
from pulsekey.ledger.state.sqlite import SqliteState
from pulsekey.primitives.clock import Clock
from pulsekey.primitives.errors import Conflict, IntegrityError, MalformedInput, NotFound


@dataclass(frozen=True, slots=True)
class LedgerHome:
    """Where everything of one ledger is kept."""

    folder: Path

    @property
    def genesis(self) -> Path:
        return self.folder / "genesis.json"

    @property
    def consensus(self) -> Path:
        return self.folder / "consensus.sqlite"

    @property
    def anchors(self) -> Path:
        return self.folder / "anchors.sqlite"

    @property
    def state(self) -> Path:
        return self.folder / "state.sqlite"

    @property
    def heads(self) -> Path:
        return self.folder / "heads.sqlite"

    @property
    def log(self) -> Path:
        return self.folder / "log"

    @property
    def availability(self) -> Path:
        return self.folder / "availability"


def found(home: LedgerHome, genesis: Genesis) -> None:
    """Begin a ledger. Raises `Conflict` if another one is there; repeating is no error."""
    if home.genesis.exists():
        if home.genesis.read_bytes() != genesis.encode():
            raise Conflict("another ledger is kept in this folder")
        return
    write_durably(home.genesis, genesis.encode())


def read_genesis(home: LedgerHome) -> Genesis:
    """Return what the ledger in `home` is. Raises `NotFound` or `IntegrityError`."""
    try:
        return decode_genesis(home.genesis.read_bytes(), where=home.genesis.name)
    except FileNotFoundError:
        raise NotFound(f"{home.genesis} is missing: put its newest copy back") from None
    except MalformedInput as error:
        raise IntegrityError(str(error)) from error


@contextmanager
def opened(
    home: LedgerHome,
    program: Program,
    clock: Clock,
    sign: Sign,
    *,
    settlement: Settlement | None = None,
    limits: Limits | None = None,
    note: Note | None = None,
) -> Iterator[Ledger]:
    """Open the ledger in `home`, recovering from a crash; close it at the end.

    Raises `Unavailable` if another process has it open, `IntegrityError` if something is damaged.
    """
    genesis = read_genesis(home)
    with ExitStack() as open_stores:
        # Consensus first: it keeps every other process out of the folder.
        consensus = open_stores.enter_context(
            closing(SqliteConsensus(home.consensus, genesis.ledger))
        )
        sweep(home.folder)
        state = open_stores.enter_context(closing(SqliteState(home.state)))
        heads = open_stores.enter_context(closing(SqliteHeads(home.heads)))
        anchors = open_stores.enter_context(closing(SqliteAnchors(home.anchors)))
        derived = Derived(
            genesis=genesis,
            program=program,
            state=state,
            log=TileLog(home.log),
            availability=FileAvailability(home.availability),
            heads=heads,
            sign=sign,
        )
        with Ledger(
            consensus,
            derived,
            clock,
            settlement=settlement,
            anchors=anchors,
            limits=limits,
            note=note,
        ) as ledger:
            yield ledger


def rebuild(home: LedgerHome, program: Program, clock: Clock, sign: Sign) -> None:
    """Derive state, heads, log and availability anew from consensus, after damage to one of them.

    The old checkpoint stays: if consensus leads elsewhere, `IntegrityError` says so. Refuses to
    touch a ledger that is open.
    """
    genesis = read_genesis(home)
    with closing(SqliteConsensus(home.consensus, genesis.ledger)) as consensus:
        for _ in consensus.batches(0):
            pass  # Read all of it once: nothing is removed that could not be derived.
        for tables in (home.state, home.heads):
            for path in tables.parent.glob(f"{tables.name}*"):
                path.unlink()
        for folder in (home.log / "tile", home.availability):
            rmtree(folder, ignore_errors=True)
    with opened(home, program, clock, sign):
        pass
