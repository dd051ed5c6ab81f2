"""The embedded chain with its real engine, killed at random moments, is as one that never died.

State (codes, storage, balances, nonces), receipts, events and heads are compared with an engine
that executed the same transactions without a break, and with what was acknowledged.
"""

import os
import random
import signal
import subprocess
import sys
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from pulsekey.adapters.pyevm.engine import PyEvm
from pulsekey.ledger.settlement import contract
from pulsekey.ledger.settlement.journal import JournalledChain
from pulsekey.ledger.settlement.ports import Receipt
from pulsekey.ledger.settlement.receipts import encode_receipt
from pulsekey.primitives.clock import Seconds
from tests.contracts.chain_process import entropy, put, transaction
from tests.contracts.direct_ledger import PROPOSER
from tests.fakes.child_lines import Lines

ROOT = Path(__file__).parents[2]
LONG = os.environ.get("PULSEKEY_TEST_EFFORT") == "long"
KILLS = 150 if LONG else 15
"""Of each of the two chains."""

KILLS_BETWEEN_CHECKS = 3
ACKNOWLEDGED_BEFORE_KILL_MAX = 10
SECONDS_BEFORE_KILL_MAX = 0.02
OPENING_ONE_IN = 4
NEVER = 10**6
LATER = Seconds(10**6)


@dataclass(slots=True)
class Undisturbed:
    """An engine that never died, as far as the other one has come."""

    engine: PyEvm
    receipts: list[Receipt] = field(default_factory=list)

    def reach(self, length: int) -> None:
        place = self.receipts[0].contract if self.receipts else None
        for number in range(len(self.receipts) + 1, length + 1):
            one = transaction(number, self.engine.chain_id, place)
            self.receipts.append(put(self.engine, one))
            place = place or self.receipts[0].contract


def hear(line: str, acknowledged: dict[int, str]) -> None:
    number, receipt = line.split()
    assert acknowledged.setdefault(int(number), receipt) == receipt


def compare(path: Path, undisturbed: Undisturbed, acknowledged: dict[int, str]) -> None:
    with closing(JournalledChain(path, PyEvm, entropy)) as chain:
        undisturbed.reach(chain.length)
        receipts, engine = undisturbed.receipts, undisturbed.engine
        assert isinstance(chain._engine, PyEvm)
        assert chain._engine.dump() == engine.dump()
        assert max(acknowledged, default=0) <= chain.length
        for number, receipt in acknowledged.items():
            assert receipt == encode_receipt(receipts[number - 1]).hex()
        if not receipts:
            return
        place = chain.first_contract()
        assert place is not None
        assert place == receipts[0].contract
        expected = [
            (receipt, event)
            for receipt in receipts
            for event in receipt.events
            if event.contract == place
        ]
        assert [*chain.events(place, [])] == expected
        head = contract.accumulator_call()
        answer = chain.call(PROPOSER, place, head, LATER)
        assert answer == engine.call(PROPOSER, place, head, LATER)


@pytest.mark.parametrize("snapshot_after", [NEVER, 8], ids=["replaying", "with-snapshots"])
def test_a_killed_chain_is_as_one_that_never_died(tmp_path: Path, snapshot_after: int) -> None:
    seed = random.SystemRandom().randrange(2**32)
    print("seed", seed)
    chance, path = random.Random(seed), tmp_path / "chain.sqlite"
    acknowledged: dict[int, str] = {}
    with closing(JournalledChain(path, PyEvm, entropy)) as chain:
        undisturbed = Undisturbed(PyEvm(chain.chain_id))
    with subprocess.Popen(
        [sys.executable, "-m", "tests.contracts.chain_process", str(path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        bufsize=0,
        cwd=ROOT,
    ) as parent:
        assert parent.stdin is not None
        assert parent.stdout is not None
        lines = Lines(parent.stdout)
        for kill in range(1, KILLS + 1):
            parent.stdin.write(f"{snapshot_after}\n".encode())
            word, child = lines.next().split()
            assert word == "pid"
            if chance.randrange(OPENING_ONE_IN):
                for _ in range(1 + chance.randrange(ACKNOWLEDGED_BEFORE_KILL_MAX)):
                    hear(lines.next(), acknowledged)
            lines.wait(chance.random() * SECONDS_BEFORE_KILL_MAX)
            os.kill(int(child), signal.SIGKILL)
            while (line := lines.next()) != "dead":
                hear(line, acknowledged)
            if kill % KILLS_BETWEEN_CHECKS == 0 or kill == KILLS:
                compare(path, undisturbed, acknowledged)
        parent.stdin.close()
    kinds = {(receipt.succeeded, bool(receipt.events)) for receipt in undisturbed.receipts}
    assert kinds == {(True, True), (True, False), (False, False)}
    # At most the one transaction that was under way at each kill is there without a word.
    assert len(undisturbed.receipts) - len(acknowledged) <= KILLS
