"""How many consents a second the ledger takes, and where the time goes. CPU time of one process.

    .venv/bin/python -m benchmarks.ledger [--profile]

Real WebAuthn assertions from a software passkey, the consent program, SQLite and files: nothing is
left out but the network. Signing is not counted.
"""

import cProfile
import pstats
import random
import secrets
import sys
import tempfile
import time
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

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
from pulsekey.identity.software_passkey import SoftwarePasskey, create
from pulsekey.ledger.admission.screen import Screen
from pulsekey.ledger.embedded import LedgerHome, found, opened
from pulsekey.ledger.genesis import KEY_RECORD_BYTES, Genesis
from pulsekey.ledger.log.tiles import TileLog
from pulsekey.ledger.pipeline import Limits
from pulsekey.ledger.ports import Outcome, Verdict
from pulsekey.ledger.state.tree import tree_of
from pulsekey.primitives.clock import Seconds, SystemClock, seconds
from pulsekey.primitives.ids import ConsentId, LedgerId

ACCOUNTS = 200
GRANTS = 6_000
LONE = 50
LEAVES = 100_000
UPDATES = 20_000
LOG_ENTRIES = 100_000
DAY_SECONDS = 86_400

Figure = tuple[str, float, str]


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


def figures() -> list[Figure]:
    """Measure everything of the ledger."""
    return [*_consents(), *_state(), *_log()]


def _consents() -> list[Figure]:
    signer = Ed25519PrivateKey.generate()
    now = seconds(SystemClock().now())
    genesis = Genesis(
        name="benchmark",
        custodian_account=bytes(32),
        custodian_key=bytes(KEY_RECORD_BYTES),
        checkpoint_key=signer.public_key().public_bytes_raw(),
        program=1,
        settlement="none",
        created=now,
        salt=secrets.token_bytes(32),
    )
    program = ConsentProgram(Outcome)
    patients = [Patient(genesis.ledger) for _ in range(ACCOUNTS)]
    grants = [patients[n % ACCOUNTS].grant(now) for n in range(GRANTS + LONE)]
    screen = Screen(genesis.ledger, program)
    started = time.process_time()
    for signed in grants[:1_000]:
        assert screen.judge(signed, 0).verdict is Verdict.OK
    admission_seconds = time.process_time() - started
    with tempfile.TemporaryDirectory() as folder:
        home = LedgerHome(Path(folder))
        found(home, genesis)
        with opened(
            home, program, SystemClock(), signer.sign, limits=Limits(linger_seconds=0)
        ) as ledger:
            registered = ledger.submit_many([patient.register() for patient in patients])
            ledger.step(registered[-1].index)
            cpu_started, started = time.process_time(), time.perf_counter()
            steps = ledger.submit_many(grants[:GRANTS])
            ledger.step(steps[-1].index)
            cpu_seconds = time.process_time() - cpu_started
            wall_seconds = time.perf_counter() - started
            assert all(step.code == 0 for step in steps)
            waits = sorted(_timed(lambda one=one: ledger.submit(one)) for one in grants[GRANTS:])
    return [
        ("ledger: consents, all layers", GRANTS / cpu_seconds, "operations/s of CPU"),
        ("ledger: consents, all layers, wall clock", GRANTS / wall_seconds, "operations/s"),
        ("ledger: admission alone", 1_000 / admission_seconds, "operations/s of CPU"),
        ("ledger: one consent at a time, p50", waits[LONE // 2] * 1_000, "ms to acknowledgement"),
    ]


def _timed(action: object) -> float:
    started = time.perf_counter()
    assert callable(action)
    action()
    return time.perf_counter() - started


def _state() -> list[Figure]:
    draw = random.Random(1)
    keys = [draw.randbytes(32) for _ in range(LEAVES)]
    started = time.process_time()
    tree = tree_of((key, key) for key in keys)
    built = time.process_time() - started
    value = b"v" * 32
    started = time.process_time()
    for key in keys[:UPDATES]:
        tree = tree.after([(key, value)])
    updated = time.process_time() - started
    new = [draw.randbytes(32) for _ in range(UPDATES)]
    started = time.process_time()
    for key in new:
        tree = tree.after([(key, value)])
    inserted = time.process_time() - started
    return [
        ("ledger: state, single-path updates of 100,000 keys", UPDATES / updated, "1/s of CPU"),
        ("ledger: state, single-path inserts into 100,000 keys", UPDATES / inserted, "1/s of CPU"),
        ("ledger: state, building at opening", LEAVES / built, "keys/s of CPU"),
        ("ledger: state, proof at 100,000 keys", len(tree.prove(keys[0])), "bytes"),
    ]


def _log() -> list[Figure]:
    entries = [number.to_bytes(124) for number in range(LOG_ENTRIES)]
    with tempfile.TemporaryDirectory() as folder:
        log = TileLog(Path(folder))
        started = time.process_time()
        for low in range(0, LOG_ENTRIES, 1_024):
            log.append(entries[low : low + 1_024])
        appended = time.process_time() - started
    return [
        ("ledger: log, appended in batches of 1,024", LOG_ENTRIES / appended, "entries/s of CPU")
    ]


def _profile() -> None:
    with cProfile.Profile() as profile:
        _consents()
    pstats.Stats(profile).sort_stats("tottime").print_stats(25)


if __name__ == "__main__":
    if "--profile" in sys.argv:
        _profile()
    for name, figure, unit in figures():
        print(f"{figure:12,.1f}  {unit:24}{name}")
