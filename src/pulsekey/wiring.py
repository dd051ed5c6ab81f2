"""The only place that names concrete classes. Read it to see what runs.

A node's home, one folder:

    custodian.key     the custodian's key, unless the environment holds it: keep a copy elsewhere
    node.secret       the node's own keys, wrapped under the custodian's
    node.mark         how far every store had come, to notice an older copy of any of them
    vault/            sealed records, their keys and their index
    ledger/           the order of operations, and what is derived from it
    chain.sqlite      the journal of the embedded settlement chain
    identity.sqlite   people, passkeys, sessions
    consents.sqlite   terms, sealed
    accesses.sqlite   the access log, sealed
"""

import fcntl
import logging
import secrets
import threading
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from pulsekey.consent.operations import registration
from pulsekey.consent.program import ConsentProgram
from pulsekey.consent.register import ConsentRegister
from pulsekey.evidence.access_log import AccessLog
from pulsekey.exchange.accept_loss import AcceptLoss, Aftermath
from pulsekey.exchange.audit_vault import AuditVault
from pulsekey.exchange.commit_interval import CommitInterval, account_salt
from pulsekey.exchange.daily_totals import DailyTotals
from pulsekey.exchange.epochs import Epochs
from pulsekey.exchange.gate import Gate
from pulsekey.exchange.gather_evidence import GatherEvidence
from pulsekey.exchange.grant_access import GrantAccess
from pulsekey.exchange.high_water import HighWater, Store
from pulsekey.exchange.import_jobs import ImportJobs, import_jobs
from pulsekey.exchange.import_payload import ImportPayload
from pulsekey.exchange.keys import PatientKeys
from pulsekey.exchange.list_access import ListAccess
from pulsekey.exchange.list_imports import ListImports
from pulsekey.exchange.list_people import People
from pulsekey.exchange.mark_file import MarkFile
from pulsekey.exchange.marks import CHAIN, INSIDE, LEDGER, Seal, refusal
from pulsekey.exchange.node_keys import NodeKeys, create_node_secret, open_node_keys
from pulsekey.exchange.offers import Offers
from pulsekey.exchange.search_records import SearchRecords
from pulsekey.exchange.show_record import ShowRecord
from pulsekey.exchange.sign_operation import SignOperation
from pulsekey.exchange.stop_access import StopAccess
from pulsekey.exchange.survey import Places, Survey, survey
from pulsekey.identity.ceremonies import Ceremonies
from pulsekey.identity.directory import Directory
from pulsekey.identity.relying_party import relying_party
from pulsekey.identity.responses import Refusal
from pulsekey.identity.sessions import SessionLimits, Sessions
from pulsekey.identity.staff_passkeys import StaffPasskeys
from pulsekey.identity.store import IdentityStore, open_store
from pulsekey.ledger import embedded as ledger_home
from pulsekey.ledger.embedded import LedgerHome
from pulsekey.ledger.genesis import Genesis
from pulsekey.ledger.pipeline import Ledger
from pulsekey.ledger.ports import Outcome
from pulsekey.ledger.settlement.embedded import settlement_on
from pulsekey.ledger.settlement.journal import JournalledChain
from pulsekey.primitives.clock import Clock, SystemClock, seconds
from pulsekey.primitives.errors import Conflict, NotFound, PulsekeyError, Unavailable
from pulsekey.primitives.ids import Entropy
from pulsekey.settings import Settings
from pulsekey.vault.embedded import (
    FileBlobStore,
    LocalCustodian,
    create_key_file,
    key_from_file,
)
from pulsekey.vault.ports import Custodian
from pulsekey.vault.vault import INDEX_NAME, Vault

LOG = logging.getLogger("pulsekey")
PROGRAM_VERSION = 1
EMBEDDED_CHAIN = "embedded"
ANCHOR_SECONDS = 60.0
UNFINISHED = frozenset({"custodian.key", "vault", "ledger", "node.secret.new"})
"""What a creation that was cut short leaves in a home, and another one goes on from."""


@dataclass(frozen=True, slots=True)
class Home:
    """Where everything of one node is kept."""

    folder: Path

    @property
    def custodian_key(self) -> Path:
        return self.folder / "custodian.key"

    @property
    def node_secret(self) -> Path:
        return self.folder / "node.secret"

    @property
    def lock(self) -> Path:
        return self.folder / "node.lock"

    @property
    def vault(self) -> Path:
        return self.folder / "vault"

    @property
    def ledger(self) -> LedgerHome:
        return LedgerHome(self.folder / "ledger")

    @property
    def chain(self) -> Path:
        return self.folder / "chain.sqlite"

    @property
    def identities(self) -> Path:
        return self.folder / "identity.sqlite"

    @property
    def mark(self) -> Path:
        return self.folder / INSIDE

    @property
    def stores(self) -> dict[str, Path]:
        """The stores that count their commits, by part."""
        return {
            "identity": self.folder / "identity.sqlite",
            "consents": self.folder / "consents.sqlite",
            "accesses": self.folder / "accesses.sqlite",
            "vault": self.vault / INDEX_NAME,
        }

    @property
    def exists(self) -> bool:
        return self.node_secret.exists()


@dataclass(frozen=True, slots=True)
class Node:
    """A node that is open: everything that the interfaces call."""

    settings: Settings
    keys: NodeKeys
    identities: IdentityStore
    ceremonies: Ceremonies
    sessions: Sessions
    directory: Directory
    ledger: Ledger
    vault: Vault
    register: ConsentRegister
    accesses: AccessLog
    gate: Gate
    signing: SignOperation
    granting: GrantAccess
    stopping: StopAccess
    importing: ImportPayload
    jobs: ImportJobs
    reports: ListImports
    showing: ShowRecord
    totals: DailyTotals
    listing: ListAccess
    staff_passkeys: StaffPasskeys
    people: People
    records: SearchRecords
    committing: CommitInterval
    evidence: GatherEvidence
    auditing: AuditVault
    water: HighWater
    clock: Clock
    entropy: Entropy

    @property
    def secure(self) -> bool:
        """Whether browsers reach the node over TLS."""
        return self.settings.origin.startswith("https://")


def create(
    settings: Settings,
    entropy: Entropy = secrets.token_bytes,
    *,
    beside: frozenset[str] = frozenset(),
) -> None:
    """Make a new node in `settings.home`. Raises `Conflict` where there is one.

    The folder may hold `beside` already, and what a creation that was cut short left there.
    """
    home = Home(settings.home)
    if home.exists:
        raise Conflict(f"there is a node in {settings.home} already")
    clock = SystemClock()
    known = UNFINISHED | beside
    if home.folder.exists() and not {each.name for each in home.folder.iterdir()} <= known:
        raise Conflict(f"{settings.home} holds something else; name a folder of its own")
    home.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    home.folder.chmod(0o700)  # A folder that was there may be open to others.
    home.vault.mkdir(exist_ok=True, mode=0o700)
    home.ledger.folder.mkdir(exist_ok=True, mode=0o700)
    if settings.custodian_key is None and not home.custodian_key.exists():
        create_key_file(home.custodian_key, entropy)
    custodian = _custodian(settings, home, entropy)
    _make_vault(home, custodian, entropy)
    # The secret comes last: a node whose creation was cut short does not exist yet.
    secret = home.folder / "node.secret.new"
    secret.unlink(missing_ok=True)
    create_node_secret(secret, custodian, entropy)
    keys = open_node_keys(secret, custodian)
    record = keys.commit_record()
    genesis = Genesis(
        name=settings.organisation,
        custodian_account=registration(record, account_salt(keys)).account,
        custodian_key=record.encode(),
        checkpoint_key=keys.public_key(),
        program=PROGRAM_VERSION,
        settlement=EMBEDDED_CHAIN,
        created=seconds(clock.now()),
        salt=entropy(32),
    )
    if not home.ledger.consensus.exists():
        # What a creation that was cut short began, nobody ever wrote to.
        home.ledger.genesis.unlink(missing_ok=True)
    ledger_home.found(home.ledger, genesis)
    secret.rename(home.node_secret)


def _make_vault(home: Home, custodian: Custodian, entropy: Entropy) -> None:
    """Make an empty vault, or go on with the one that a creation that was cut short made."""
    try:
        made = Vault.create(home.vault, _blobs(home, entropy), custodian, entropy)
    except Conflict:
        made = Vault.open(home.vault, _blobs(home, entropy), custodian, entropy)
    with made:
        if made.patients():
            raise Conflict("there are records here, and the node's secret is missing: restore it")


def node_keys(settings: Settings, entropy: Entropy = secrets.token_bytes) -> NodeKeys:
    """Return the node's own keys. Raises `NotFound` where there is no node."""
    home = Home(settings.home)
    if not home.exists:
        raise NotFound(f"there is no node in {settings.home}; `pulsekey init` makes one")
    return open_node_keys(home.node_secret, _custodian(settings, home, entropy))


@contextmanager
def identities_opened(
    settings: Settings, entropy: Entropy = secrets.token_bytes
) -> Iterator[IdentityStore]:
    """Open who takes part and nothing else, beside a node that is running or not."""
    home, keys = Home(settings.home), node_keys(settings, entropy)
    if not home.identities.exists():
        # Opening would make an empty one, which looks like an older copy when the node opens.
        if home.mark.exists():
            raise NotFound(f"{home.identities} is missing: put its newest copy back")
        raise Conflict(
            "this node has not been set up yet: `pulsekey serve` prints the first operator's token"
        )
    with closing(open_store(home.identities, keys.identity_key, entropy)) as identities:
        yield identities


@contextmanager
def opened(
    settings: Settings, *, clock: Clock | None = None, entropy: Entropy = secrets.token_bytes
) -> Iterator[Node]:
    """Open the node in `settings.home`; close it at the end.

    Raises `NotFound` where there is none, `Unavailable` if another process has it open,
    `IntegrityError` if a part of it was put back from an older copy.
    """
    home, clock = Home(settings.home), clock or SystemClock()
    keys = node_keys(settings, entropy)
    custodian = _custodian(settings, home, entropy)
    with ExitStack() as stack:
        stack.enter_context(_alone(home))
        places, seal = _marked(settings, home, keys)
        found = survey(places, seal)
        if found.findings:
            raise refusal(found.findings)
        chain = stack.enter_context(closing(_chain(home, entropy)))
        vault = stack.enter_context(
            Vault.open(home.vault, _blobs(home, entropy), custodian, entropy)
        )
        identities = open_store(home.identities, keys.identity_key, entropy)
        stack.callback(identities.close)
        patient_keys = PatientKeys(vault.keys)
        register = stack.enter_context(
            closing(ConsentRegister(home.folder / "consents.sqlite", patient_keys, entropy))
        )
        accesses = stack.enter_context(
            closing(AccessLog(home.folder / "accesses.sqlite", patient_keys, entropy))
        )
        water = HighWater(
            MarkFile(places.inside, seal),
            None if places.outside is None else MarkFile(places.outside, seal),
            _counted(identities, register, accesses, vault),
            lambda: chain.length,
            clock,
            found.newest,
        )
        stack.callback(water.close)
        ledger = stack.enter_context(
            ledger_home.opened(
                home.ledger,
                ConsentProgram(Outcome),
                clock,
                keys.sign,
                settlement=settlement_on(chain, clock),
                note=water.note,
            )
        )
        water.agree(ledger)
        node = _node(
            settings, keys, identities, ledger, vault, register, accesses, water, clock, entropy
        )
        stack.callback(node.jobs.close)
        yield node


def _node(
    settings: Settings,
    keys: NodeKeys,
    identities: IdentityStore,
    ledger: Ledger,
    vault: Vault,
    register: ConsentRegister,
    accesses: AccessLog,
    water: HighWater,
    clock: Clock,
    entropy: Entropy,
) -> Node:
    limits = SessionLimits(idle_seconds_max=settings.session_minutes_max * 60)
    sessions = Sessions(identities, clock, entropy, limits)
    party = relying_party(
        settings.relying_party, settings.organisation, frozenset({settings.origin})
    )
    ceremonies = Ceremonies(
        identities, party, sessions, clock=clock, entropy=entropy, on_refusal=_log_refusal
    )
    directory = Directory(identities, keys, clock, entropy)
    gate = Gate(vault, register, identities, ledger, accesses, keys, clock)
    signing = SignOperation(
        ledger,
        ceremonies,
        identities,
        Offers(clock, entropy),
        Epochs(vault, register, identities),
        register,
        clock,
        entropy,
    )
    committing = CommitInterval(vault, accesses, ledger, keys, clock)
    committing.open_account()
    signing.catch_up()
    importing = ImportPayload(vault, identities, clock)
    reports = ListImports(vault)
    return Node(
        settings=settings,
        keys=keys,
        identities=identities,
        ceremonies=ceremonies,
        sessions=sessions,
        directory=directory,
        ledger=ledger,
        vault=vault,
        register=register,
        accesses=accesses,
        gate=gate,
        signing=signing,
        granting=GrantAccess(
            signing,
            directory,
            identities,
            settings.contact,
            settings.jurisdiction,
            clock,
            entropy,
        ),
        stopping=StopAccess(signing, register),
        importing=importing,
        jobs=import_jobs(
            importing,
            settings.home,
            entropy,
            clock,
            bytes_max=settings.upload_bytes_max,
            spool_bytes_max=settings.spool_bytes_max,
        ),
        reports=reports,
        showing=ShowRecord(gate),
        totals=DailyTotals(gate),
        listing=ListAccess(gate, identities, accesses, clock),
        staff_passkeys=StaffPasskeys(identities, ceremonies, clock),
        people=People(identities, directory, reports),
        records=SearchRecords(
            gate, identities, clock, entropy, f"{settings.origin}/fhir/R4", entropy(32)
        ),
        committing=committing,
        evidence=GatherEvidence(gate, register, identities, accesses, ledger, committing, keys),
        auditing=AuditVault(vault, gate),
        water=water,
        clock=clock,
        entropy=entropy,
    )


def surveyed(settings: Settings, entropy: Entropy = secrets.token_bytes) -> Survey:
    """Return what of a home is older than the rest of it remembers. The node must be stopped."""
    home, keys = Home(settings.home), node_keys(settings, entropy)
    with _alone(home):
        return survey(*_marked(settings, home, keys))


def accept_loss(
    settings: Settings, *, clock: Clock | None = None, entropy: Entropy = secrets.token_bytes
) -> tuple[Survey, Aftermath]:
    """Let a node go on without what was lost, safely; return what that was and what was done.

    Raises `Conflict` if nothing is lost. Cut short, it can be repeated: the mark that lets the node
    open again is written last.
    """
    home, clock = Home(settings.home), clock or SystemClock()
    keys = node_keys(settings, entropy)
    custodian = _custodian(settings, home, entropy)
    with ExitStack() as stack:
        stack.enter_context(_alone(home))
        places, seal = _marked(settings, home, keys)
        found = survey(places, seal)
        if not found.findings:
            raise Conflict("nothing is lost: the node opens as it is")
        _set_aside(home, found, clock)
        vault = stack.enter_context(
            Vault.open(home.vault, _blobs(home, entropy), custodian, entropy)
        )
        identities = stack.enter_context(
            closing(open_store(home.stores["identity"], keys.identity_key, entropy))
        )
        patient_keys = PatientKeys(vault.keys)
        register = stack.enter_context(
            closing(ConsentRegister(home.stores["consents"], patient_keys, entropy))
        )
        accesses = stack.enter_context(
            closing(AccessLog(home.stores["accesses"], patient_keys, entropy))
        )
        done = AcceptLoss(vault, identities, register, accesses)(found.parts, clock.now())
        chain = stack.enter_context(closing(_chain(home, entropy)))
        with ledger_home.opened(home.ledger, ConsentProgram(Outcome), clock, keys.sign) as ledger:
            HighWater(
                MarkFile(places.inside, seal),
                None if places.outside is None else MarkFile(places.outside, seal),
                _counted(identities, register, accesses, vault),
                lambda: chain.length,
                clock,
                found.newest,
            ).begin_anew(ledger)
    lost = "; ".join(map(str, found.findings))
    LOG.warning("an operator went on without what was lost: %s", lost)
    return found, done


def _set_aside(home: Home, found: Survey, clock: Clock) -> None:
    """Move away what only fits what was lost; nothing is deleted."""
    if not found.parts & {LEDGER, CHAIN}:
        return
    aside = home.folder / f"set-aside-{clock.now()}"
    aside.mkdir(mode=0o700)
    ledger = home.ledger
    moved = [*ledger.folder.glob(f"{ledger.anchors.name}*")]
    if LEDGER in found.parts:
        # The heads, and the chain that anchors them, may be of batches that are not here any more.
        kept = (ledger.genesis.name, ledger.consensus.name)
        moved = [one for one in ledger.folder.iterdir() if not one.name.startswith(kept)]
        moved += home.folder.glob(f"{home.chain.name}*")
    for one in moved:
        one.rename(aside / one.name)


@contextmanager
def background(node: Node) -> Iterator[None]:
    """Commit and anchor every so often, while the context lasts."""
    ended = threading.Event()

    def work() -> None:
        while not ended.wait(node.settings.commit_minutes * 60):
            try:
                node.committing()
                node.signing.catch_up()
                node.water.stamp()
            except PulsekeyError as problem:
                # The next interval commits to all of it; the operator learns why this one did not.
                LOG.error("no commitment this time: %s", problem)  # noqa: TRY400

    node.ledger.start_anchoring(ANCHOR_SECONDS)
    worker = threading.Thread(target=work, name="commit interval", daemon=True)
    worker.start()
    try:
        yield
    finally:
        ended.set()
        worker.join()


@contextmanager
def stopped(settings: Settings) -> Iterator[None]:
    """Keep the node from being opened. Raises `NotFound`, or `Unavailable` while it is running."""
    home = Home(settings.home)
    if not home.exists:
        raise NotFound(f"there is no node in {settings.home}; `pulsekey init` makes one")
    with _alone(home):
        yield


@contextmanager
def _alone(home: Home) -> Iterator[None]:
    """Hold the node's lock. The stores have locks of their own; this one says it plainly."""
    with home.lock.open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise Unavailable(f"a node is running in {home.folder}; stop it first") from None
        yield


def _custodian(settings: Settings, home: Home, entropy: Entropy) -> Custodian:
    key = settings.custodian_key
    try:
        return LocalCustodian(key_from_file(home.custodian_key) if key is None else key, entropy)
    except NotFound:
        raise NotFound(
            f"the custodian's key, {home.custodian_key}, is missing, and nothing opens without it:"
            " put your copy of it back (mode 0600), or set PULSEKEY_CUSTODIAN_KEY"
        ) from None


def _blobs(home: Home, entropy: Entropy) -> FileBlobStore:
    return FileBlobStore(home.vault / "blobs", entropy)


def _chain(home: Home, entropy: Entropy) -> JournalledChain:
    # py-evm takes half a second to import, and only this engine needs it.
    from pulsekey.adapters.pyevm.engine import PyEvm  # noqa: PLC0415

    return JournalledChain(home.chain, PyEvm, entropy)


def _marked(settings: Settings, home: Home, keys: NodeKeys) -> tuple[Places, Seal]:
    """Return where marks and the marked stand, and the seal that is on the marks."""
    ledger = ledger_home.read_genesis(home.ledger).ledger
    outside = settings.mark_folder
    if outside is not None:
        if not outside.is_dir():
            # Never made here: a share that is not mounted would look like an empty folder.
            raise Unavailable(f"the folder for the mark, {outside}, is not there; is it mounted?")
        outside /= f"pulsekey-{ledger.hex()[:16]}.mark"
    places = Places(home.mark, outside, home.ledger.consensus, home.chain, home.stores)
    return places, Seal(keys.mark_key, ledger)


def _counted(
    identities: IdentityStore, register: ConsentRegister, accesses: AccessLog, vault: Vault
) -> dict[str, Store]:
    return {"identity": identities, "consents": register, "accesses": accesses, "vault": vault}


def _log_refusal(why: Refusal) -> None:
    LOG.info("a passkey ceremony was refused: %s", why)
