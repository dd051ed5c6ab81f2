"""The command line: what each verb prints and returns, and what a script can tell from it."""

import ast
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from pulsekey.cli import commands
from pulsekey.cli.failures import UNHEARD
from pulsekey.cli.main import main
from pulsekey.primitives.ids import PatientId
from pulsekey.wiring import Home
from tests.fakes.node_clinic import MRN, Clinic, opened_clinic
from tests.fakes.payloads import SAMPLES

FIT = SAMPLES / "activity-walk.fit"


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A node with a patient, a clinician and a consent that was used once; nobody has it open."""
    for name in ("HOME", "ORIGIN", "PORT", "CUSTODIAN_KEY", "ORGANISATION"):
        monkeypatch.delenv(f"PULSEKEY_{name}", raising=False)
    folder = tmp_path / "node"
    with opened_clinic(folder) as clinic:
        patient, clinician = clinic.patient(bound=[(MRN, "1")]), clinic.clinician()
        consent = clinic.grant(patient, clinician)
        (tmp_path / "names.json").write_text(
            json.dumps({"patient": patient.patient, "consent": consent.hex()})
        )
    return folder


def name_of(home: Path, what: str) -> str:
    found: str = json.loads((home.parent / "names.json").read_text())[what]
    return found


def run(home: Path, *words: str | Path) -> int:
    return main(["--home", str(home), *map(str, words)])


def test_init_makes_a_node_once(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    home = tmp_path / "fresh"
    assert run(home, "init") == 0
    told = capsys.readouterr().out
    assert str(home) in told
    assert "custodian.key" in told
    assert (Home(home).custodian_key.stat().st_mode & 0o077) == 0
    assert run(home, "init") == 5
    assert "already" in capsys.readouterr().err


STEERING = "\x1b[2J\x9b31m\u202e\nEvery byte is as it was."


def test_what_a_file_says_never_steers_the_terminal(
    home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    watch = "\x9b2J\x9b31mWatch\u202eevil&#10;Every byte is as it was."
    export = (
        '<?xml version="1.0" encoding="UTF-8"?><HealthData locale="en_US">'
        '<ExportDate value="2024-01-02 00:00:00 +0100"/>'
        f'<Record type="HKQuantityTypeIdentifierHeartRate" sourceName="{watch}" sourceVersion="1"'
        ' unit="count/min" creationDate="2024-01-01 10:00:00 +0100" value="61"'
        ' startDate="2024-01-01 10:00:00 +0100" endDate="2024-01-01 10:00:00 +0100"/></HealthData>'
    )
    file = tmp_path / f"export{STEERING}.xml"
    file.write_text(export)
    patient = name_of(home, "patient")
    assert run(home, "import", file, "--patient", patient) == 0
    assert run(home, "import", tmp_path / f"no{STEERING}", "--patient", patient) == 2
    assert run(home, "import", file, "--patient", STEERING) == 3
    told = capsys.readouterr()
    assert "Watch" in told.out
    lines = [*told.out.splitlines(), *told.err.splitlines()]
    assert [line for line in lines if not line.isprintable()] == []
    assert [line for line in lines if line.startswith("Every byte")] == []


def test_one_file_prints_for_every_command() -> None:
    folder = Path(commands.__file__).parent
    found = {
        path.name
        for path in folder.glob("*.py")
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
        if node.func.id == "print"
    }
    assert found == {"screen.py"}


def test_formats_names_every_format(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(tmp_path, "formats") == 0
    told = capsys.readouterr().out
    for name in ("apple", "clarity", "fit", "wfdb", "fhir"):
        assert name in told.lower()


def test_import_prints_its_report_and_again_that_all_is_known(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    patient = name_of(home, "patient")
    for word in ("new", "known"):
        assert run(home, "import", FIT, "--patient", patient, "--zone", "Europe/Paris") == 0
        told = capsys.readouterr().out
        assert told.startswith("activity-walk.fit")
        assert word in told


def test_import_takes_the_files_beside_a_header(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    patient = name_of(home, "patient")
    assert run(home, "import", SAMPLES / "mitdb208.hea", "--patient", patient) == 0
    assert "ecg" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "status", "told"),
    [
        (("import", "nothing.fit", "--patient", "x"), 2, "no such file"),
        (("import", FIT, "--patient", "nobody"), 3, ""),
        (("evidence", "zz", "-o", "out.json"), 2, "hexadecimal"),
        (("evidence", "0" * 64, "-o", "out.json"), 3, "no such consent"),
        (("verify", "nothing.json"), 2, "cannot be read"),
        (("import", SAMPLES, "--patient", "x"), 2, "this is a folder"),
        (("evidence", "0" * 64, "-o", "/nowhere/out.json"), 2, "/nowhere: there is no such folder"),
        (("evidence", "0" * 64, "-o", SAMPLES), 2, "this is a folder"),
        (("verify", FIT), 2, "no evidence file"),
        (("verify", SAMPLES), 2, "is a directory"),
        (("init",), 5, "already"),
    ],
)
def test_a_mistake_has_its_own_status(
    home: Path,
    capsys: pytest.CaptureFixture[str],
    words: tuple[str | Path, ...],
    status: int,
    told: str,
) -> None:
    assert run(home, *words) == status
    said = capsys.readouterr().err
    assert said.startswith("pulsekey: ")
    assert told in said
    assert said.count("\n") == 1


def test_without_a_node_it_says_how_to_make_one(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(tmp_path / "none", "import", FIT, "--patient", "x") == 3
    assert "pulsekey init" in capsys.readouterr().err


def test_a_node_that_is_open_elsewhere_is_left_alone(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with opened_clinic(home) as clinic:
        assert isinstance(clinic, Clinic)
        assert run(home, "import", FIT, "--patient", name_of(home, "patient")) == 7
    assert capsys.readouterr().err.startswith("pulsekey: ")


def test_a_setting_that_cannot_be_meant_is_refused(
    home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PULSEKEY_PORT", "eighty")
    assert run(home, "audit") == 2
    assert "PULSEKEY_PORT" in capsys.readouterr().err


def test_another_custodians_key_does_not_open_the_node(
    home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PULSEKEY_CUSTODIAN_KEY", "ab" * 32)
    assert run(home, "import", FIT, "--patient", "x") == 4
    assert "ab" * 32 not in capsys.readouterr().err


def test_audit_is_clean_and_names_a_flipped_bit(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    patient = name_of(home, "patient")
    assert run(home, "import", FIT, "--patient", patient) == 0
    capsys.readouterr()
    assert run(home, "audit") == 0
    assert "Every byte is as it was committed." in capsys.readouterr().out
    packs = sorted(path for path in (home / "vault" / "blobs").rglob("*") if path.is_file())
    content = bytearray(packs[0].read_bytes())
    content[len(content) // 2] ^= 1
    packs[0].chmod(0o600)
    packs[0].write_bytes(content)
    assert run(home, "audit") == 1
    told = capsys.readouterr().out
    assert "DAMAGE" in told
    assert "findings" in told


def test_evidence_is_written_and_verified_and_a_changed_byte_fails(
    home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "evidence.json"
    assert run(home, "evidence", name_of(home, "consent"), "-o", file) == 0
    capsys.readouterr()
    assert run(home, "verify", file) == 0
    assert capsys.readouterr().out
    content = file.read_bytes()
    at = content.index(b"may see my")
    file.write_bytes(content[:at] + b"may SEE my" + content[at + 10 :])
    assert run(home, "verify", file) == 1


def test_rebuild_derives_the_ledger_anew(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(home, "rebuild") == 0
    capsys.readouterr()
    assert run(home, "audit") == 0


def test_an_unknown_command_says_which_there_are(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["fly"])
    assert ended.value.code == 2
    assert "audit" in capsys.readouterr().err


def test_the_console_invites_an_operator_beside_a_node_that_runs(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "node"
    with opened_clinic(folder) as clinic:
        _ = clinic.operator
        assert run(folder, "invite-operator", "Cora Console") == 0
        told = capsys.readouterr().out
        (token,) = (line.strip() for line in told.splitlines() if line.startswith("    "))
        assert token not in told.replace(f"    {token}", "")
        node = clinic.node
        assert node.ceremonies.begin_invited(token)["user"]
        (newest, *_) = node.identities.actions.page()
        assert (str(newest.action), newest.actor) == ("console-invite", None)
    assert run(folder, "invite-operator", "Again Console") == 0, "and when it is stopped"


def test_the_console_invites_nobody_to_a_node_that_is_not_set_up(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    home = tmp_path / "fresh"
    assert run(home, "init") == 0
    assert run(home, "invite-operator", "Cora Console") == 5
    assert run(tmp_path / "nowhere", "invite-operator", "Cora Console") == 3
    assert "set up" in capsys.readouterr().err


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"resourceType":"Bundle"}', b"\xff" * 9])
def test_what_is_no_evidence_at_all_has_no_claims(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], content: bytes
) -> None:
    file = tmp_path / "file.json"
    file.write_bytes(content)
    assert run(tmp_path, "verify", file) == 2
    told = capsys.readouterr()
    assert told.out == ""
    assert str(file) in told.err
    assert told.err.count("\n") == 1


@pytest.mark.parametrize("command", ["audit", "rebuild", "restore"])
def test_what_needs_a_stopped_node_says_that_it_is_running(
    home: Path, capsys: pytest.CaptureFixture[str], command: str
) -> None:
    with opened_clinic(home):
        assert run(home, command) == 7
    told = capsys.readouterr()
    assert told.out == ""
    assert f"a node is running in {home}" in told.err


@pytest.mark.parametrize("command", ["audit", "rebuild", "serve", "people"])
def test_a_lost_custodian_key_is_named_with_its_cure(
    home: Path, capsys: pytest.CaptureFixture[str], command: str
) -> None:
    Home(home).custodian_key.unlink()
    assert run(home, command) == 3
    told = capsys.readouterr().err
    assert str(Home(home).custodian_key) in told
    assert "copy" in told
    assert "PULSEKEY_CUSTODIAN_KEY" in told


@pytest.mark.parametrize("name", ["ORGANISATION", "JURISDICTION"])
def test_init_refuses_a_setting_by_name_and_writes_nothing(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    name: str,
) -> None:
    home = tmp_path / "fresh"
    monkeypatch.setenv(f"PULSEKEY_{name}", "")
    assert run(home, "init") == 2
    assert f"PULSEKEY_{name}" in capsys.readouterr().err
    assert not home.exists()
    monkeypatch.delenv(f"PULSEKEY_{name}")
    assert run(home, "init") == 0


def test_init_goes_on_from_what_was_cut_short(tmp_path: Path) -> None:
    home = tmp_path / "fresh"
    assert run(home, "init") == 0
    key = Home(home).custodian_key.read_bytes()
    # As it is a moment before the last step: the secret has not got its name yet.
    Home(home).node_secret.rename(home / "node.secret.new")
    assert run(home, "init") == 0
    assert Home(home).custodian_key.read_bytes() == key
    assert run(home, "audit") == 0


@pytest.mark.parametrize("place", ["file", "file/inside", "/proc/pulsekey"])
def test_a_home_that_cannot_be_made_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], place: str
) -> None:
    (tmp_path / "file").write_text("x")
    home = tmp_path / place  # An absolute place replaces the folder.
    assert run(home, "init") == 2
    told = capsys.readouterr().err
    assert told.startswith("pulsekey: ")
    assert str(home) in told
    assert told.count("\n") == 1


def test_a_reader_who_goes_away_is_no_failure(tmp_path: Path) -> None:
    told, away = os.pipe()
    os.close(told)
    done = subprocess.run(
        [sys.executable, "-m", "pulsekey.cli.main", "--home", tmp_path, "formats"],
        check=False,
        stdout=away,
        stderr=subprocess.PIPE,
        text=True,
    )
    os.close(away)
    assert (done.returncode, done.stderr) == (UNHEARD, "")


def test_people_lists_ids_and_shows_names_only_when_asked(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    patient = name_of(home, "patient")
    with opened_clinic(home):  # Beside a node that is running.
        assert run(home, "people") == 0
    plain = capsys.readouterr().out
    assert [line for line in plain.splitlines() if patient in line and "patient" in line]
    for hidden in ("Pat Example", "Dr A. Li", MRN):
        assert hidden not in plain
    assert run(home, "people", "--names", "--role", "patient") == 0
    named = capsys.readouterr().out
    assert "Pat Example" in named
    assert f"{MRN}|1" in named
    assert "Dr A. Li" not in named


def test_a_name_cannot_steer_the_terminal_that_shows_it(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with opened_clinic(home) as clinic:
        subject = clinic.node.identities.principal_of_patient(PatientId(name_of(home, "patient")))
        clinic.node.identities.set_display_name(subject.id, "Pat\x1b[2J\nroot")
    assert run(home, "people", "--names") == 0
    told = capsys.readouterr().out
    assert "\x1b" not in told
    assert "\nroot" not in told


@pytest.mark.parametrize("words", [("people",), ("invite-operator", "Ada Operator")])
def test_a_lost_store_of_people_is_not_made_anew(
    home: Path, capsys: pytest.CaptureFixture[str], words: tuple[str, ...]
) -> None:
    store = Home(home).identities
    store.unlink()
    assert run(home, *words) == 3
    assert f"{store} is missing" in capsys.readouterr().err
    assert not store.exists()


@pytest.mark.parametrize("words", [("people",), ("invite-operator", "Ada Operator")])
def test_before_the_node_was_served_nobody_takes_part(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], words: tuple[str, ...]
) -> None:
    assert run(tmp_path / "node", "init") == 0
    assert run(tmp_path / "node", *words) == 5
    assert "pulsekey serve" in capsys.readouterr().err


@pytest.mark.parametrize("command", ["audit", "rebuild", "restore"])
def test_a_lost_ledger_is_named_with_its_cure(
    home: Path, capsys: pytest.CaptureFixture[str], command: str
) -> None:
    genesis = Home(home).ledger.genesis
    genesis.unlink()
    assert run(home, command) == 3
    assert f"{genesis} is missing: put its newest copy back" in capsys.readouterr().err
