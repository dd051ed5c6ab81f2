"""Every stop on the ledger is followed by new keys, once, whenever the node died in between."""

import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from pulsekey.primitives.ids import PatientId
from pulsekey.wiring import Node
from tests.fakes.node_child import described
from tests.fakes.node_clinic import opened_clinic
from tests.fakes.payloads import sample

PORT = 8_496
ROOT = Path(__file__).parents[2]
SHARED = ("glucose", "heart-rate")
ALL = (*SHARED, "ecg")


def epochs(node: Node, patient: PatientId) -> dict[str, int]:
    return {one: node.vault.keys.current(patient, one).epoch for one in ALL}


@pytest.mark.parametrize(("which", "followed"), [("one", {*SHARED}), ("all", {*ALL})])
def test_a_stop_whose_node_was_killed_before_the_vault_followed_is_followed(
    tmp_path: Path, which: str, followed: set[str]
) -> None:
    home, people = tmp_path / "node", tmp_path / "people.json"
    with opened_clinic(home, port=PORT) as clinic:
        patient, clinician = clinic.patient(), clinic.clinician()
        clinic.load(patient, sample("clarity-three-days.csv"))
        consent = clinic.grant(patient, clinician, SHARED)
        clinic.grant(patient, clinician, ["ecg"])
        people.write_text(json.dumps({"patient": described(patient)}))
        record, before = patient.patient, epochs(clinic.node, patient.patient)
    dead = subprocess.run(
        [
            *(sys.executable, "-m", "tests.fakes.dying_stop"),
            *(str(home), str(people), consent.hex(), which, str(PORT)),
        ],
        cwd=ROOT,
        check=False,
    )
    assert dead.returncode == -signal.SIGKILL
    expected = {one: before[one] + (one in followed) for one in ALL}
    for _ in range(2):  # Opened again, it is not followed again.
        with opened_clinic(home, port=PORT) as clinic:
            assert epochs(clinic.node, record) == expected


def test_a_stop_that_was_followed_is_not_followed_again(tmp_path: Path) -> None:
    with opened_clinic(tmp_path / "node", port=PORT) as clinic:
        node, patient, clinician = clinic.node, clinic.patient(), clinic.clinician()
        first, second = (clinic.grant(patient, clinician, SHARED) for _ in range(2))
        before = epochs(node, patient.patient)
        clinic.stop(patient, first)
        node.signing.catch_up()
        assert node.signing.epochs.catch_up(node.ledger) == 0
        clinic.stop(patient, second)
        after = epochs(node, patient.patient)
        assert after == {one: before[one] + 2 * (one in SHARED) for one in ALL}
        record = patient.patient
    with opened_clinic(tmp_path / "node", port=PORT) as clinic:
        assert epochs(clinic.node, record) == after


def test_what_was_erased_is_not_made_anew_by_a_stop(tmp_path: Path) -> None:
    with opened_clinic(tmp_path / "node", port=PORT) as clinic:
        node, patient = clinic.node, clinic.patient()
        consent = clinic.grant(patient, clinic.clinician(), SHARED)
        clinic.stop(patient, consent)
        node.register.erase(patient.patient)
        node.vault.erase(patient.patient)
        node.vault.keys.follow_stops(0)
        assert node.signing.epochs.catch_up(node.ledger) == 0
        assert patient.patient not in node.vault.patients()
