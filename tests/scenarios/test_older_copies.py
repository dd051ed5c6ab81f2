"""A part of a home that was put back from an older copy is found before anything is read.

A stopped consent must not live again because somebody restored a file.
"""

import json
import shutil
import sqlite3
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path

import pytest

from pulsekey import wiring
from pulsekey.cli.main import main
from pulsekey.consent.decision import Deny, Permit, Reason
from pulsekey.consent.program import ConsentProgram
from pulsekey.consent.state import GrantState
from pulsekey.evidence.entries import Asked, Basis
from pulsekey.exchange import high_water
from pulsekey.exchange.mark_file import SLOT_BYTES
from pulsekey.identity.lifecycle import Status
from pulsekey.identity.sessions import SessionKind
from pulsekey.ledger import audit as ledger_audit
from pulsekey.ledger.embedded import rebuild
from pulsekey.ledger.ports import Ordered, Outcome
from pulsekey.primitives.clock import SystemClock
from pulsekey.primitives.errors import (
    Conflict,
    IntegrityError,
    NotAuthenticated,
    NotFound,
    Unavailable,
)
from pulsekey.primitives.ids import ConsentId, PatientId, PrincipalId
from pulsekey.settings import Settings
from pulsekey.wiring import Home
from tests.fakes.node_child import described, found
from tests.fakes.node_clinic import Clinic, Member, opened_clinic, settings_for
from tests.fakes.payloads import sample

PORT = 8_497
PARTS = {
    "ledger/": ["ledger"],
    "chain.sqlite": ["chain.sqlite"],
    "identity.sqlite": ["identity.sqlite"],
    "consents.sqlite": ["consents.sqlite"],
    "accesses.sqlite": ["accesses.sqlite"],
    "vault/": ["vault"],
    "node.mark": ["node.mark"],
}
ASKED = Asked(("Observation",))


@dataclass(frozen=True, slots=True)
class Story:
    """A home before a stop and after it, and what was told of it."""

    before: Path
    after: Path
    consent: ConsentId
    people: dict[str, dict[str, str]]


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory) -> Story:
    folder = tmp_path_factory.mktemp("older")
    with opened_clinic(folder / "node", port=PORT) as clinic:
        patient, clinician = clinic.patient(), clinic.clinician()
        clinic.load(patient, sample("clarity-three-days.csv"))
        consent = clinic.grant(patient, clinician)
        people = {"patient": described(patient), "doctor": described(clinician)}
        read(clinic, clinician, patient)
        clinic.node.ledger.anchor_now()
    shutil.copytree(folder / "node", folder / "before")
    with opened_clinic(folder / "node", port=PORT) as clinic:
        patient = found(clinic, people["patient"], 1)
        clinician = found(clinic, people["doctor"], 1)
        read(clinic, clinician, patient)
        clinic.load(patient, sample("activity-walk.fit"))
        clinic.stop(patient, consent)
        clinic.grant(patient, clinician, ["ecg"])
        clinic.node.ledger.anchor_now()
    return Story(folder / "before", folder / "node", consent, people)


def read(clinic: Clinic, clinician: Member, patient: Member) -> None:
    clinic.node.gate.open(clinician.principal, patient.patient, "TREAT", ASKED)


def mixed(story: Story, home: Path, parts: Sequence[str], *, older: Path | None = None) -> Path:
    """Return the later home with some parts from the earlier one."""
    shutil.copytree(story.after, home)
    for name in parts:
        old, new = (older or story.before) / name, home / name
        if new.is_dir():
            shutil.rmtree(new)
            shutil.copytree(old, new)
        else:
            for left in home.glob(f"{name}*"):
                left.unlink()
            shutil.copy(old, new)
    return home


def refuses(home: Path, match: str) -> str:
    with pytest.raises(IntegrityError, match=match) as refused, wiring.opened(at(home)):
        pass
    assert "pulsekey restore" in str(refused.value)
    return str(refused.value)


def at(home: Path, **settings: object) -> Settings:
    return settings_for(home, port=PORT, **settings)


def test_the_newest_home_opens_again_and_again(story: Story, tmp_path: Path) -> None:
    home = mixed(story, tmp_path / "node", [])
    for _ in range(2):
        with wiring.opened(at(home)) as node:
            terms = node.register.terms(story.consent)
            assert node.gate.opened_grant(terms, node.clock.now()).state is GrantState.STOPPED


@pytest.mark.parametrize("part", PARTS)
def test_one_part_from_an_older_copy_is_found_and_named(
    story: Story, tmp_path: Path, part: str
) -> None:
    said = refuses(mixed(story, tmp_path / "node", PARTS[part]), f"{part} is an older copy")
    assert said.count("older copy") == 1
    if part == "ledger/":
        assert "lacks 2 batches (the last one ends at operation" in said
        assert "it stands as of 20" in said


SEVERAL = [
    which
    for count in range(2, len(PARTS))
    for which in combinations(PARTS, count)
    if count in {2, len(PARTS) - 1} or (count == 3 and {"ledger/", "chain.sqlite"} <= {*which})
]


@pytest.mark.parametrize("parts", SEVERAL, ids="+".join)
def test_several_parts_from_one_older_copy_are_found(
    story: Story, tmp_path: Path, parts: tuple[str, ...]
) -> None:
    home = mixed(story, tmp_path / "node", [name for part in parts for name in PARTS[part]])
    with pytest.raises(IntegrityError, match="is an older copy"):
        wiring_survey(home)


def wiring_survey(home: Path) -> None:
    findings = wiring.surveyed(at(home)).findings
    if findings:
        raise IntegrityError("; ".join(map(str, findings)))


@pytest.mark.parametrize("part", [part for part in PARTS if part not in {"ledger/", "vault/"}])
def test_a_part_that_is_gone_is_found(story: Story, tmp_path: Path, part: str) -> None:
    home = mixed(story, tmp_path / "node", [])
    (home / part).unlink()
    refuses(home, f"{part} is missing")


def test_an_order_that_is_older_than_what_is_derived_is_named_as_that(
    story: Story, tmp_path: Path
) -> None:
    home = mixed(story, tmp_path / "node", ["ledger/consensus.sqlite"])
    refuses(home, "ledger/ is an older copy")


@pytest.mark.parametrize("name", ["log", "heads.sqlite", "state.sqlite", "availability"])
def test_what_the_ledger_derives_is_brought_up_or_named(
    story: Story, tmp_path: Path, name: str
) -> None:
    home = mixed(story, tmp_path / "node", [f"ledger/{name}"])
    ledger, program = Home(home).ledger, ConsentProgram(Outcome)
    named = bool(ledger_audit.audit(ledger, program).findings)
    try:
        open_and_close(at(home))
    except IntegrityError:
        assert named
    keys = wiring.node_keys(at(home))
    rebuild(ledger, program, SystemClock(), keys.sign)
    assert ledger_audit.audit(ledger, program).findings == ()
    open_and_close(at(home))


@pytest.mark.parametrize(
    ("damage", "problem"),
    [
        (lambda whole: whole[:-1], "the mark is cut off"),
        (lambda _: b"", "the mark is cut off"),
        (lambda whole: bytes(len(whole)), "the mark is empty"),
        (lambda whole: whole.replace(b'"batch":', b'"bitch":'), "the mark was altered"),
        (lambda whole: whole.replace(b'"version":1', b'"version":2'), "the mark was altered"),
    ],
)
def test_a_mark_that_is_damaged_says_so(
    story: Story, tmp_path: Path, damage: object, problem: str
) -> None:
    home = mixed(story, tmp_path / "node", [])
    mark = home / "node.mark"
    mark.write_bytes(damage(mark.read_bytes()))  # type: ignore[operator]  # one of the above
    refuses(home, problem)


def test_a_mark_of_another_node_says_so(story: Story, tmp_path: Path) -> None:
    with opened_clinic(tmp_path / "other", port=PORT):
        pass
    home = mixed(story, tmp_path / "node", ["node.mark"], older=tmp_path / "other")
    refuses(home, "the mark is of another node's ledger")
    theirs = mixed(story, tmp_path / "more", ["accesses.sqlite"], older=tmp_path / "other")
    refuses(theirs, r"accesses.sqlite does not hold: .* of another node's ledger")


def test_a_slot_that_was_torn_does_not_matter(story: Story, tmp_path: Path) -> None:
    home = mixed(story, tmp_path / "node", [])
    mark = home / "node.mark"
    whole = bytearray(mark.read_bytes())
    serials = [
        json.loads(slot[36:].rstrip(b"\0"))["serial"] for slot in (whole[:4096], whole[4096:])
    ]
    next_one = serials.index(min(serials)) * SLOT_BYTES
    whole[next_one + 100 : next_one + 400] = bytes(300)
    mark.write_bytes(whole)
    with wiring.opened(at(home)):
        pass


def test_a_copy_that_went_on_by_itself_is_not_believed(
    story: Story, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = mixed(story, tmp_path / "node", [])
    kept = high_water._ordered_at

    def forked(head: object) -> Ordered:
        true = kept(head)  # type: ignore[arg-type]  # a head
        return Ordered(true.batch, true.time, true.log_size, true.parent, true.content)

    with monkeypatch.context() as patched:
        patched.setattr(high_water, "_ordered_at", forked)
        with wiring.opened(at(home)):
            pass
    with pytest.raises(IntegrityError, match="another batch"), wiring.opened(at(home)):
        pass


@dataclass(frozen=True, slots=True)
class Elsewhere:
    """A home with a mark on another disk, the home as it was earlier, and where the mark is."""

    home: Path
    before: Path
    folder: Path


@pytest.fixture
def elsewhere(story: Story, tmp_path: Path) -> Elsewhere:
    home, folder = tmp_path / "node", tmp_path / "share"
    folder.mkdir()
    shutil.copytree(story.before, home)
    with opened_clinic(home, port=PORT, mark_folder=folder):
        pass
    shutil.copytree(home, tmp_path / "before")
    with opened_clinic(home, port=PORT, mark_folder=folder) as clinic:
        clinic.stop(found(clinic, story.people["patient"], 1), story.consent)
    return Elsewhere(home, tmp_path / "before", folder)


def test_a_whole_home_from_an_older_copy_is_found_by_the_mark_outside(
    elsewhere: Elsewhere,
) -> None:
    with wiring.opened(at(elsewhere.home, mark_folder=elsewhere.folder)):
        pass
    with (
        pytest.raises(IntegrityError, match="ledger/ is an older copy: it lacks 1 batches"),
        wiring.opened(at(elsewhere.before, mark_folder=elsewhere.folder)),
    ):
        pass


def test_what_happens_to_the_mark_outside_is_said(elsewhere: Elsewhere) -> None:
    (mark,) = elsewhere.folder.iterdir()
    whole = mark.read_bytes()
    settings = at(elsewhere.home, mark_folder=elsewhere.folder)
    mark.unlink()
    with pytest.raises(IntegrityError, match="outside of the home is missing"):
        open_and_close(settings)
    mark.write_bytes(whole[:5_000])
    with pytest.raises(IntegrityError, match="the mark is cut off"):
        open_and_close(settings)
    mark.write_bytes(whole.replace(b'"operations":', b'"opera7ions":'))
    with pytest.raises(IntegrityError, match="the mark was altered"):
        open_and_close(settings)
    shutil.rmtree(elsewhere.folder)
    with pytest.raises(Unavailable, match="is it mounted"):
        open_and_close(settings)


def test_a_store_whose_waterline_is_damaged_is_named(elsewhere: Elsewhere) -> None:
    """Once whatever stood there was compared as if it were a number."""
    with closing(sqlite3.connect(elsewhere.home / "consents.sqlite")) as tables:
        tables.execute("DROP TABLE waterline")
        tables.execute("CREATE TABLE waterline (position, mark)")
        tables.execute("INSERT INTO waterline VALUES (NULL, x'00')")
        tables.commit()
    with pytest.raises(IntegrityError, match=r"consents.*lost its waterline"):
        open_and_close(at(elsewhere.home, mark_folder=elsewhere.folder))


def open_and_close(settings: Settings) -> None:
    with wiring.opened(settings):
        pass


def test_no_stop_is_acknowledged_without_its_mark_and_it_binds_all_the_same(
    story: Story, elsewhere: Elsewhere
) -> None:
    with opened_clinic(elsewhere.home, port=PORT, mark_folder=elsewhere.folder) as clinic:
        patient = found(clinic, story.people["patient"], 2)
        consent = clinic.grant(patient, found(clinic, story.people["doctor"], 2))
        terms = clinic.node.register.terms(consent)
        away = elsewhere.folder.rename(elsewhere.folder.with_name("away"))
        with pytest.raises(Unavailable):
            clinic.stop(patient, consent)
        assert clinic.node.gate.opened_grant(terms, clinic.clock.now()).state is GrantState.STOPPED
        away.rename(elsewhere.folder)
    with opened_clinic(elsewhere.home, port=PORT, mark_folder=elsewhere.folder) as clinic:
        assert clinic.node.gate.opened_grant(terms, clinic.clock.now()).state is GrantState.STOPPED


# Going on without what is lost


@pytest.fixture
def lost(story: Story, tmp_path: Path) -> Path:
    """A home whose ledger and chain were put back: the stop is not in it."""
    return mixed(story, tmp_path / "node", ["ledger", "chain.sqlite"])


def test_a_stopped_consent_stays_closed_after_its_stop_was_lost(story: Story, lost: Path) -> None:
    found_lost, done = wiring.accept_loss(at(lost))
    assert found_lost.parts == {"ledger", "chain"}
    assert done.consents_held == 2
    with opened_clinic(lost, port=PORT) as clinic:
        node = clinic.node
        patient = found(clinic, story.people["patient"], 3)
        clinician = found(clinic, story.people["doctor"], 3)
        terms, who = node.register.terms(story.consent), clinician.principal
        assert node.gate.opened_grant(terms, node.clock.now()).state is GrantState.HELD
        decided = node.gate.decide(who, patient.patient, "TREAT", clinic.clock.now())
        assert decided == Deny(Reason.HELD)
        with pytest.raises(NotFound):
            read(clinic, clinician, patient)
        assert [one.state for one in node.listing.consents(patient.patient)] == [GrantState.HELD]
        # The patient's own log says that it happened, and giving it again opens again.
        mine = [one.access.basis for one in node.listing.readings(patient.patient)]
        assert Basis.MAINTENANCE in mine
        again = clinic.grant(patient, clinician)
        decided = node.gate.decide(who, patient.patient, "TREAT", clinic.clock.now())
        assert isinstance(decided, Permit)
        assert decided.consents == (again,)
        node.ledger.anchor_now()
        assert node.evidence.for_operator(again)
    # It opens from then on, what is held stays held, and nothing of the ledger is damaged.
    with wiring.opened(at(lost)) as later:
        assert later.register.is_held(story.consent)
        assert not later.register.is_held(again)
    assert ledger_audit.audit(Home(lost).ledger, ConsentProgram(Outcome)).findings == ()
    with pytest.raises(Conflict, match="nothing is lost"):
        wiring.accept_loss(at(lost))


@pytest.mark.parametrize("part", PARTS)
def test_a_node_goes_on_without_any_one_part(story: Story, tmp_path: Path, part: str) -> None:
    home = mixed(story, tmp_path / "node", PARTS[part])
    _, done = wiring.accept_loss(at(home))
    assert bool(done.consents_held) == (part in {"ledger/", "consents.sqlite", "node.mark"})
    assert done.clinicians_withdrawn == (part == "identity.sqlite")
    assert done.patients_unreadable == 0
    with opened_clinic(home, port=PORT) as clinic:
        patient = found(clinic, story.people["patient"], 4)
        clinician = found(clinic, story.people["doctor"], 4)
        if part == "identity.sqlite":
            assert clinician.principal.status is Status.REGISTERED
        else:
            consent = clinic.grant(patient, clinician)
            clinic.node.gate.open(clinician.principal, patient.patient, "TREAT", ASKED)
            clinic.stop(patient, consent)
        clinic.node.ledger.anchor_now()
        assert clinic.node.auditing().findings == ()


def test_the_keys_of_patients_that_a_lost_vault_held_are_gone_with_their_terms(
    story: Story, tmp_path: Path
) -> None:
    home = tmp_path / "node"
    shutil.copytree(story.after, home)
    with opened_clinic(home, port=PORT) as clinic:
        doctor = clinic._operator = found(clinic, story.people["doctor"], 5)
        newcomer = clinic.patient("New Comer")
        clinic.grant(newcomer, doctor)
        record = newcomer.patient
    shutil.rmtree(home / "vault")
    shutil.copytree(story.after / "vault", home / "vault")
    _, done = wiring.accept_loss(at(home))
    assert done.patients_unreadable == 1
    with wiring.opened(at(home)) as node:
        assert node.register.of_patient(PatientId(record)) == ()


def test_a_session_that_was_open_ends(story: Story, tmp_path: Path) -> None:
    home = tmp_path / "node"
    shutil.copytree(story.after, home)
    with opened_clinic(home, port=PORT) as clinic:
        doctor = found(clinic, story.people["doctor"], 6)
        token = clinic.node.sessions.open_portal(PrincipalId(doctor.id), doctor.key)
        clinic.node.sessions.authenticate(token, SessionKind.PORTAL)
    for name in ("ledger", "chain.sqlite"):
        shutil.rmtree(home / name) if (home / name).is_dir() else (home / name).unlink()
        older = story.before / name
        shutil.copytree(older, home / name) if older.is_dir() else shutil.copy(older, home / name)
    wiring.accept_loss(at(home))
    with wiring.opened(at(home)) as node, pytest.raises(NotAuthenticated):
        node.sessions.authenticate(token, SessionKind.PORTAL)


def test_going_on_that_was_cut_short_is_repeated(
    story: Story, lost: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def cut(*_: object) -> None:
        raise Unavailable("the power is gone")

    with monkeypatch.context() as patched:
        patched.setattr("pulsekey.exchange.mark_file.MarkFile.replace", cut)
        with pytest.raises(Unavailable):
            wiring.accept_loss(at(lost))
    refuses(lost, "is an older copy")
    wiring.accept_loss(at(lost))
    with wiring.opened(at(lost)) as node:
        assert node.register.is_held(story.consent)


def test_the_command_says_what_is_lost_and_changes_nothing_without_its_flag(
    story: Story,
    lost: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("PULSEKEY_MARK_FOLDER", raising=False)

    def run(*words: str) -> int:
        return main(["--home", str(lost), *words])

    assert run("evidence", story.consent.hex(), "-o", str(lost / "file")) == 6
    assert "ledger/ is an older copy: it lacks 2 batches" in capsys.readouterr().err
    for _ in range(2):
        assert run("restore") == 1
        told = capsys.readouterr().out
        assert "LOST ledger/ is an older copy: it lacks 2 batches" in told
        assert "--accept-loss" in told
    assert run("restore", "--accept-loss") == 0
    assert "2 consents are held until their patients give them again." in capsys.readouterr().out
    assert run("restore") == 0
    assert run("restore", "--accept-loss") == 5
    assert run("audit") == 0


def test_a_home_of_a_version_without_marks_gets_its_first(story: Story, tmp_path: Path) -> None:
    home = mixed(story, tmp_path / "node", [])
    (home / "node.mark").unlink()
    for path in Home(home).stores.values():
        tables = sqlite3.connect(path)
        tables.execute("DROP TABLE waterline")
        tables.commit()
        tables.close()
    with wiring.opened(at(home)):
        pass
    assert (home / "node.mark").stat().st_size == 2 * SLOT_BYTES
    with wiring.opened(at(home)):
        pass


def test_the_steps_of_a_backup_are_true(story: Story, tmp_path: Path) -> None:
    """docs/operating.md: stop, copy all but the key, put both back."""
    copy = tmp_path / "copy"
    shutil.copytree(story.after, copy, ignore=lambda _, names: {"custodian.key"} & {*names})
    home = tmp_path / "node"
    shutil.copytree(copy, home)
    shutil.copy(story.after / "custodian.key", home / "custodian.key")
    with opened_clinic(home, port=PORT) as clinic:
        assert clinic.node.auditing().findings == ()
        patient = found(clinic, story.people["patient"], 7)
        assert clinic.node.listing.consents(patient.patient)
