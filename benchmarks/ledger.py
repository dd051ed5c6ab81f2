"""How many consents a second the ledger takes, and where the time goes.

Real WebAuthn assertions from a software passkey, the consent program, SQLite and files: nothing is
left out but the network. Signing is not counted.
"""

import random
import secrets
import tempfile
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from statistics import median

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from benchmarks.figures import Figure, cpu_seconds, latencies
from pulsekey.consent.operations import (
    NEVER_EXPIRES,
    PATIENT_CAPABILITIES,
    Grant,
    KeyRecord,
    Operation,
    Scheme,
    SignedOperation,
    challenge,
    registration,
)
from pulsekey.consent.program import ConsentProgram
from pulsekey.consent.witness import witness_from
from pulsekey.exchange.mark_file import MarkFile
from pulsekey.exchange.marks import NOTHING, PLACES, Mark, Seal
from pulsekey.identity.software_passkey import SoftwarePasskey, create
from pulsekey.ledger.admission.screen import Screen
from pulsekey.ledger.embedded import LedgerHome, found, opened
from pulsekey.ledger.genesis import KEY_RECORD_BYTES, Genesis
from pulsekey.ledger.log.tiles import TileLog
from pulsekey.ledger.pipeline import Ledger, Limits
from pulsekey.ledger.ports import Ordered, Outcome, Verdict
from pulsekey.ledger.state.tree import tree_of
from pulsekey.primitives.clock import Seconds, SystemClock, seconds
from pulsekey.primitives.ids import ConsentId, LedgerId

ACCOUNTS = 200
GRANTS = 6_000
LONE = 50
LEAVES = 100_000
UPDATES = 20_000
LOG_ENTRIES = 100_000
BATCH = 1_024
ADMITTED = 1_000
REPEATS = 3
CONSENTS_TARGET = 3_000
DAY_SECONDS = 86_400


class Patient:
    """An account with one software passkey."""

    def __init__(self, ledger: LedgerId) -> None:
        self._ledger = ledger
        self._passkey: SoftwarePasskey = create(
            "localhost", "http://localhost:8765", secrets.token_bytes
        )
        self._record = KeyRecord(
            self._passkey.public_key,
            self._passkey.rp_id_hash,
            Scheme.WEBAUTHN_P256,
            int(PATIENT_CAPABILITIES),
            NEVER_EXPIRES,
        )
        self._first = registration(self._record, secrets.token_bytes(32))
        self._nonce = 1

    def register(self) -> bytes:
        return self._signed(self._first)

    def grant(self, now: Seconds) -> bytes:
        self._nonce += 1
        until = Seconds(now + DAY_SECONDS)
        body = Grant(ConsentId(secrets.token_bytes(32)), now, until, until)
        return self._signed(Operation(self._first.account, self._nonce, self._record.key_id, body))

    def _signed(self, operation: Operation) -> bytes:
        content = operation.encode()
        response = self._passkey.authenticate(challenge(self._ledger, content))
        return SignedOperation(content, witness_from(response, self._passkey.public_key)).encode()


def figures() -> Iterator[Figure]:
    yield from _consents()
    yield from _state()
    yield from _log()


def _consents() -> Iterator[Figure]:
    signer = Ed25519PrivateKey.generate()
    genesis = _genesis(signer.public_key().public_bytes_raw())
    program = ConsentProgram(Outcome)
    patients = [Patient(genesis.ledger) for _ in range(ACCOUNTS)]
    grants = [patients[n % ACCOUNTS].grant(genesis.created) for n in range(GRANTS + LONE)]
    registrations = [patient.register() for patient in patients]
    cpu, wall, admission = [], [], []
    lone: list[float] = []
    for _ in range(REPEATS):
        screen = Screen(genesis.ledger, program)
        admission.append(_spent(partial(_admit, screen, grants[:ADMITTED])))
        with tempfile.TemporaryDirectory() as folder:
            home = LedgerHome(Path(folder))
            found(home, genesis)
            file = MarkFile(Path(folder) / "node.mark", Seal(bytes(32), genesis.ledger))
            file.replace(NOTHING)
            with opened(
                home,
                program,
                SystemClock(),
                signer.sign,
                limits=Limits(linger_seconds=0),
                note=partial(_mark, file),
            ) as ledger:
                ledger.step(ledger.submit_many(registrations)[-1].index)
                started = time.perf_counter()
                cpu.append(_spent(partial(_submit, ledger, grants[:GRANTS])))
                wall.append(time.perf_counter() - started)
                for one in grants[GRANTS:]:
                    lone += latencies(partial(ledger.submit, one), 1)
    yield Figure(
        "consents, all layers",
        GRANTS / median(cpu),
        "operations/s/core",
        CONSENTS_TARGET,
        "real WebAuthn assertions; admission, program, state, log, head, mark, SQLite and files",
    )
    yield Figure("the same, wall clock", GRANTS / median(wall), "operations/s")
    yield Figure("admission alone", ADMITTED / median(admission), "operations/s/core")
    yield Figure("one consent alone, p50", median(lone) * 1e3, "ms to acknowledgement")


def _mark(file: MarkFile, ordered: Ordered) -> None:
    positions = dict.fromkeys(PLACES, ordered.batch)
    file.write(Mark(ordered.batch, ordered.time, ordered, positions))


def _genesis(checkpoint_key: bytes) -> Genesis:
    return Genesis(
        name="benchmark",
        custodian_account=bytes(32),
        custodian_key=bytes(KEY_RECORD_BYTES),
        checkpoint_key=checkpoint_key,
        program=1,
        settlement="none",
        created=seconds(SystemClock().now()),
        salt=secrets.token_bytes(32),
    )


def _spent(work: Callable[[], object]) -> float:
    return cpu_seconds(work, 1)


def _admit(screen: Screen, grants: list[bytes]) -> None:
    for signed in grants:
        assert screen.judge(signed, 0).verdict is Verdict.OK


def _submit(ledger: Ledger, grants: list[bytes]) -> None:
    steps = ledger.submit_many(grants)
    ledger.step(steps[-1].index)
    assert all(step.code == 0 for step in steps)


def _state() -> Iterator[Figure]:
    draw = random.Random(1)
    keys = [draw.randbytes(32) for _ in range(LEAVES)]
    new = [draw.randbytes(32) for _ in range(UPDATES)]
    leaves = [(key, key) for key in keys]
    built = tree_of(leaves)

    def put(which: list[bytes]) -> None:
        tree = built
        for key in which:
            tree = tree.after([(key, b"v" * 32)])

    updated = cpu_seconds(lambda: put(keys[:UPDATES]), REPEATS)
    inserted = cpu_seconds(lambda: put(new), REPEATS)
    begun = cpu_seconds(lambda: tree_of(leaves), REPEATS)
    yield Figure("state of 100,000 keys, one path updated", UPDATES / updated, "updates/s/core")
    yield Figure("state of 100,000 keys, one key inserted", UPDATES / inserted, "inserts/s/core")
    yield Figure("state, built at opening", LEAVES / begun, "keys/s/core")
    yield Figure("state of 100,000 keys, a proof", len(built.prove(keys[0])), "bytes")


def _log() -> Iterator[Figure]:
    entries = [number.to_bytes(124) for number in range(LOG_ENTRIES)]

    def append() -> None:
        with tempfile.TemporaryDirectory() as folder:
            log = TileLog(Path(folder))
            for low in range(0, LOG_ENTRIES, BATCH):
                log.append(entries[low : low + BATCH])

    seconds_each = cpu_seconds(append, REPEATS)
    yield Figure("log, in batches of 1,024", LOG_ENTRIES / seconds_each, "entries/s/core")
