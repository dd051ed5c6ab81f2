"""SIGKILL at any moment loses nothing that was acknowledged and leaves nothing half visible."""

import os
import random
import signal
import subprocess
import sys
from pathlib import Path

from pulsekey.ledger.audit import audit
from pulsekey.ledger.embedded import LedgerHome
from pulsekey.ledger.encoding import encode_step
from pulsekey.ledger.evidence import verify_evidence
from pulsekey.ledger.log.proof import verify_consistency
from pulsekey.ledger.ports import Head
from tests.fakes import ledger_child
from tests.fakes.ledger_toy import GENESIS, ToyProgram, toy_ledger

KILLS = 300 if os.environ.get("PULSEKEY_TEST_EFFORT") == "long" else 40
CHECK_ALL_EVERY = 25 if KILLS > 40 else 5
LINES_MAX = 60
ROOT = Path(__file__).parents[2]


def test_every_acknowledged_operation_is_there_with_the_same_step(tmp_path: Path) -> None:
    moments = random.Random(7)
    acknowledged: dict[bytes, bytes] = {}
    earlier: Head | None = None
    for kill in range(KILLS):
        told = _run_and_kill(tmp_path, kill * 1_000_000, moments)
        acknowledged |= told
        checked = kill % CHECK_ALL_EVERY == CHECK_ALL_EVERY - 1
        with toy_ledger(tmp_path) as ledger:
            newest = None
            for signed, step_bytes in (acknowledged if checked else told).items():
                newest = ledger.find(signed)
                assert encode_step(newest) == step_bytes
            head = ledger.head()
            assert head.log_size >= len(acknowledged)
            if newest is not None:
                verify_evidence(GENESIS, ledger.evidence(newest, ToyProgram().keys(signed)))
            if earlier is not None:
                proof = ledger.consistency(earlier.log_size, head.log_size)
                verify_consistency(
                    earlier.log_size, earlier.log_root, head.log_size, head.log_root, proof
                )
            earlier = head
        if checked:
            report = audit(LedgerHome(tmp_path), ToyProgram())
            assert report.findings == ()
            assert report.operations == head.log_size
    assert len(acknowledged) > KILLS


def _run_and_kill(folder: Path, start: int, moments: random.Random) -> dict[bytes, bytes]:
    """Let a child submit, kill it after a random number of lines and a random moment more."""
    child = subprocess.Popen(
        [sys.executable, "-m", ledger_child.__name__, str(folder), str(start)],
        stdout=subprocess.PIPE,
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        text=True,
    )
    assert child.stdout is not None
    lines = []
    for _ in range(moments.randrange(1, LINES_MAX)):
        lines.append(child.stdout.readline())
        assert lines[-1], "the child ended by itself"
    # A moment more, measured in our own work: anywhere between two acknowledgements.
    for _ in range(moments.randrange(200_000)):
        pass
    os.kill(child.pid, signal.SIGKILL)
    lines += child.stdout.readlines()
    child.stdout.close()
    assert child.wait() == -signal.SIGKILL
    # The kill may cut the last line: an acknowledgement that nobody heard in full.
    whole = [line.split() for line in lines if line.endswith("\n")]
    return {bytes.fromhex(signed): bytes.fromhex(step) for signed, step in whole}
