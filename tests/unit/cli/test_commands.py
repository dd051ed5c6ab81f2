"""The command line: what each verb prints and returns, and what a script can tell from it."""

import json
from pathlib import Path

import pytest

from pulsekey.cli.main import main
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
    assert "Traceback" not in said


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
