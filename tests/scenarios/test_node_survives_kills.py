"""SIGKILL at any moment of a node's work loses nothing that anybody was told.

Real processes are killed: in the middle of imports, grants, stops, logged reads, commitments and
anchors, and while the node opens. Each is then compared with what had been acknowledged.
"""

import json
import os
import random
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from pulsekey.consent.program import ConsentProgram
from pulsekey.consent.state import GrantState
from pulsekey.evidence.entries import Asked
from pulsekey.ledger import audit as ledger_audit
from pulsekey.ledger.ports import Outcome
from pulsekey.primitives.ids import ConsentId, Digest, PatientId
from pulsekey.vault.audit import audit
from pulsekey.wiring import Home
from tests.fakes.child_lines import Lines
from tests.fakes.node_child import PORT, READINGS, ROWS, described
from tests.fakes.node_clinic import Clinic, opened_clinic

ROOT = Path(__file__).parents[2]
HOMES = 2
KILLS = 300 if os.environ.get("PULSEKEY_TEST_EFFORT") == "long" else 20
"""In each of the homes."""

KILLS_BETWEEN_CHECKS = 4
LINES_BEFORE_KILL_MAX = 14
SECONDS_BEFORE_KILL_MAX = 0.03
OPENING_ONE_IN = 6
ASKED = Asked(("Observation",))


@dataclass(slots=True)
class Told:
    """What was acknowledged so far, over all lives."""

    imports: list[str] = field(default_factory=list)
    states: dict[str, set[GrantState]] = field(default_factory=dict)
    reads: set[tuple[str, int, str]] = field(default_factory=set)
    commits: list[int] = field(default_factory=list)
    lives: int = 0
    kinds: set[str] = field(default_factory=set)

    def hear(self, line: str) -> None:
        kind, *words = line.split()
        self.kinds.add(kind)
        match kind:
            case "import":
                self.imports.append(words[0])
            case "grant":
                self.states[words[0]] = {GrantState.LIVE}
            case "stop":
                self.states[words[0]] = {GrantState.STOPPED}
            case "stop-all":
                self.states = {one: {GrantState.STOPPED} for one in self.states}
            case "read":
                self.reads.add((words[0], int(words[1]), words[2]))
            case "commit":
                self.commits.append(int(words[0]))
            case "refused":
                assert words == ["True"], "a stopped consent was read"
            case _:
                assert kind in {"ready", "anchor"}, line

    def died(self) -> None:
        """A stop may have become durable without its acknowledgement; a grant never goes."""
        self.lives += 1
        for states in self.states.values():
            if states == {GrantState.LIVE}:
                states.add(GrantState.STOPPED)


@contextmanager
def lives(home: Path) -> Iterator["subprocess.Popen[bytes]"]:
    parent = subprocess.Popen(
        [sys.executable, "-m", "tests.fakes.node_child", str(home)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        bufsize=0,
        cwd=ROOT,
    )
    try:
        yield parent
    finally:
        assert parent.stdin is not None
        assert parent.stdout is not None
        parent.stdin.close()
        parent.stdout.close()
        parent.wait()


def one_life(
    parent: "subprocess.Popen[bytes]", lines: Lines, told: Told, chance: random.Random
) -> None:
    """Let a node run and kill it at a random moment; hear all that it acknowledged."""
    assert parent.stdin is not None
    parent.stdin.write(f"{told.lives + 1}\n".encode())
    word, number = lines.next().split()
    assert word == "pid"
    if chance.randrange(OPENING_ONE_IN):
        for _ in range(1 + chance.randrange(LINES_BEFORE_KILL_MAX)):
            told.hear(lines.next())
    lines.wait(chance.random() * SECONDS_BEFORE_KILL_MAX)
    os.kill(int(number), signal.SIGKILL)
    while (line := lines.next()) != "dead":
        told.hear(line)
    told.died()


def check(clinic: Clinic, patient: PatientId, told: Told) -> None:
    """Compare the node with what was told, and re-verify every sealed byte."""
    node = clinic.node
    visible = [one.id for one in node.reports(patient)]
    assert set(told.imports) <= set(visible)
    assert len(visible) <= len(told.imports) + told.lives
    # Whole: the readings are those of so many imports, each once.
    owner = node.identities.principal_of_patient(patient)
    scope = node.gate.open(owner, patient, "", ASKED).scopes[0]
    expected = min(len(visible) * ROWS, len(READINGS))
    assert [entry.count for entry in scope.series()] == ([expected] if visible else [])
    for consent, allowed in told.states.items():
        terms = node.register.terms(ConsentId(bytes.fromhex(consent)))
        assert node.gate.opened_grant(terms, node.clock.now()).state in allowed
    for chain, counter, digest in told.reads:
        entry = node.accesses.chain(Digest(bytes.fromhex(chain)))[counter - 1]
        assert (entry.counter, entry.digest.hex()) == (counter, digest)
    for index in told.commits:
        assert node.ledger.step(index).code == 0
    report = audit(node.vault)
    assert report.findings == ()
    assert report.orphans == ()


@pytest.mark.parametrize("number", range(HOMES))
def test_nothing_acknowledged_is_lost_and_nothing_is_half_visible(
    tmp_path: Path, number: int
) -> None:
    seed = random.SystemRandom().randrange(2**32)
    print("seed", seed, "home", number)
    chance, told, home = random.Random(seed), Told(), tmp_path / "node"
    with opened_clinic(home, port=PORT) as clinic:
        patient, clinician = clinic.patient(), clinic.clinician()
        record = patient.patient
        people = {"patient": described(patient), "doctor": described(clinician)}
        (tmp_path / "people.json").write_text(json.dumps(people))
    with lives(home) as parent:
        assert parent.stdout is not None
        lines = Lines(parent.stdout)
        for kill in range(1, KILLS + 1):
            one_life(parent, lines, told, chance)
            if kill % KILLS_BETWEEN_CHECKS == 0 or kill == KILLS:
                with opened_clinic(home, port=PORT) as clinic:
                    check(clinic, record, told)
    assert told.kinds >= {"ready", "stop-all", "import", "grant", "read", "stop", "refused"}
    found = ledger_audit.audit(Home(home).ledger, ConsentProgram(Outcome))
    assert found.findings == ()
