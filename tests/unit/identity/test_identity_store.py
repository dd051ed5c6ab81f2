"""The identity store: durable, private, honest about damage, and of one mind in many threads."""

import base64
import os
import secrets
import signal
import sqlite3
import stat
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from pulsekey.identity import schema
from pulsekey.identity.database import Database
from pulsekey.identity.principals import Identifier, Organisation, Role
from pulsekey.identity.responses import Refusal
from pulsekey.identity.sessions import SessionKind, decode_token
from pulsekey.identity.setup import issue_set_up_token
from pulsekey.identity.store import open_store
from pulsekey.identity.token_store import PendingChallenge, Purpose
from pulsekey.primitives.clock import Micros
from pulsekey.primitives.errors import (
    Conflict,
    IntegrityError,
    NotAuthenticated,
    NotFound,
    Unavailable,
)
from pulsekey.primitives.ids import OrganisationId, PatientId, PrincipalId
from tests.unit.identity.node import CHECK, KEY, Node, challenge_of, device_for, opened

SECRET_NAME = "Zzyzx Quillfeather"
SECRET_CLINIC = "Vexbrook Infirmary"
SECRET_VALUE = "MRN-QQ-918273"


def stored_bytes(folder: Path) -> bytes:
    return b"".join(each.read_bytes() for each in sorted(folder.iterdir()))


def encodings(secret: bytes) -> list[bytes]:
    return [
        secret,
        secret.hex().encode(),
        base64.b64encode(secret).rstrip(b"="),
        base64.urlsafe_b64encode(secret).rstrip(b"="),
        secret.decode("latin-1").encode("utf-16-le"),
    ]


def test_no_token_challenge_name_or_identifier_stands_in_the_files(tmp_path: Path) -> None:
    secret: list[bytes] = [each.encode() for each in (SECRET_NAME, SECRET_CLINIC, SECRET_VALUE)]
    secret += [CHECK.reference.encode(), KEY]
    with opened(tmp_path) as node:
        set_up = issue_set_up_token(node.store, node.clock, secrets.token_bytes)
        options = node.ceremonies.begin_set_up(set_up, SECRET_NAME, SECRET_CLINIC)
        secret.append(challenge_of(options))
        done = node.ceremonies.finish_set_up(device_for(options).register(challenge_of(options)))
        operator = done.principal.id
        unfinished = node.ceremonies.begin_registration(Role.PATIENT, SECRET_NAME)
        sign_in = node.ceremonies.begin_sign_in()
        secret += [challenge_of(unfinished), challenge_of(sign_in)]
        invitation = node.directory.invite(
            operator, Role.PATIENT, SECRET_NAME, [Identifier("urn:mrn", SECRET_VALUE)]
        )
        patient = node.confirmed_patient(operator, SECRET_VALUE + "-2")
        key = node.store.principal(patient).keys[0]
        tokens = [
            set_up,
            invitation.token,
            node.sessions.open_portal(patient, key),
            node.sessions.open_bearer(patient, key, "TREAT", ("patient/*.rs",)),
        ]
        for token in tokens:
            raw = decode_token(token)
            assert raw is not None
            secret += [token.encode(), raw]
        while_open = stored_bytes(tmp_path)
    for content in (while_open, stored_bytes(tmp_path)):
        assert operator.encode() in content  # What is meant to be in clear is found this way.
        found = [each for canary in secret for each in encodings(canary) if each in content]
        assert not found


def test_the_files_belong_to_their_owner_only(tmp_path: Path) -> None:
    with opened(tmp_path) as node:
        node.set_up()
        for each in tmp_path.iterdir():
            assert stat.S_IMODE(each.stat().st_mode) == 0o600


def test_everything_is_found_again_after_opening_again(tmp_path: Path) -> None:
    with opened(tmp_path) as node:
        operator = node.set_up().principal.id
        patient = node.confirmed_patient(operator, SECRET_VALUE)
        before = node.store.principal(patient), node.store.statements_of(patient)
        token = node.sessions.open_portal(patient, before[0].keys[0])
    with opened(tmp_path) as node:
        assert (node.store.principal(patient), node.store.statements_of(patient)) == before
        record = node.directory.patient_of(Identifier("urn:mrn", SECRET_VALUE))
        assert record == before[0].patient
        assert record is not None
        assert node.store.principal_of_patient(record) == before[0]
        assert node.sessions.authenticate(token, SessionKind.PORTAL).principal == before[0]


KILLED = """
import os, secrets, signal, sys
from pathlib import Path
from pulsekey.identity.store import open_store
from pulsekey.identity.token_store import Purpose
from pulsekey.primitives.clock import Micros

store = open_store(Path(sys.argv[1]), bytes.fromhex(sys.argv[2]), secrets.token_bytes)
take = lambda: store.tokens.take_challenge(bytes.fromhex(sys.argv[3]), Purpose.SIGN_IN, Micros(2))
if sys.argv[4] == "committed":
    assert take() is not None
    os.kill(os.getpid(), signal.SIGKILL)
with store.transaction():
    assert take() is not None
    os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.mark.parametrize("moment", ["committed", "halfway"])
def test_a_challenge_that_was_taken_stays_taken_through_sigkill(
    tmp_path: Path, moment: str
) -> None:
    challenge = secrets.token_bytes(32)
    path = tmp_path / "identity.db"
    store = open_store(path, KEY, secrets.token_bytes)
    pending = PendingChallenge(Purpose.SIGN_IN, Micros(1_000))
    store.tokens.open_challenge(challenge, pending, Micros(1))
    store.close()
    child = subprocess.run(
        [sys.executable, "-c", KILLED, path, KEY.hex(), challenge.hex(), moment],
        check=False,
        timeout=60,
        env=os.environ | {"PYTHONWARNINGS": "ignore"},
    )
    assert child.returncode == -signal.SIGKILL
    store = open_store(path, KEY, secrets.token_bytes)
    taken = store.tokens.take_challenge(challenge, Purpose.SIGN_IN, Micros(3))
    store.close()
    # What was acknowledged holds; what was not has left nothing half done.
    assert (taken is None) == (moment == "committed")


def test_of_two_processes_one_takes_a_challenge(tmp_path: Path) -> None:
    path = tmp_path / "identity.db"
    stores = [open_store(path, KEY, secrets.token_bytes) for _ in range(2)]
    challenge = secrets.token_bytes(32)
    pending = PendingChallenge(Purpose.SIGN_IN, Micros(1_000))
    stores[0].tokens.open_challenge(challenge, pending, Micros(1))
    taken = [store.tokens.take_challenge(challenge, Purpose.SIGN_IN, Micros(2)) for store in stores]
    for store in stores:
        store.close()
    assert taken[0] is not None
    assert taken[1] is None


def test_another_key_is_refused_at_the_door(tmp_path: Path) -> None:
    with opened(tmp_path):
        pass
    with pytest.raises(IntegrityError, match="another key"):
        open_store(tmp_path / "identity.db", bytes(32), secrets.token_bytes)


def test_a_newer_schema_is_refused(tmp_path: Path) -> None:
    with opened(tmp_path):
        pass
    with sqlite3.connect(tmp_path / "identity.db") as raw:
        raw.execute(f"PRAGMA user_version = {len(schema.MIGRATIONS) + 1}")
    raw.close()
    with pytest.raises(Conflict, match="newer"):
        open_store(tmp_path / "identity.db", KEY, secrets.token_bytes)


def test_a_migration_runs_once_and_all_or_nothing(tmp_path: Path) -> None:
    path = tmp_path / "some.db"
    first = "CREATE TABLE one (a INTEGER)"
    Database(path, [first]).close()
    with pytest.raises(Unavailable):
        Database(path, [first, "CREATE TABLE two (a INTEGER); CREATE TABLE one (a INTEGER)"])
    database = Database(path, [first, "CREATE TABLE two (a INTEGER)"])
    assert database.rows("PRAGMA user_version") == [(2,)]
    assert database.rows("SELECT * FROM two") == []
    database.close()


def test_a_file_that_is_no_database_is_named_as_damaged(tmp_path: Path) -> None:
    path = tmp_path / "identity.db"
    path.write_bytes(b"not a database" * 100)
    with pytest.raises(IntegrityError, match="damaged"):
        open_store(path, KEY, secrets.token_bytes)


def test_using_a_closed_store_is_a_bug_and_not_called_damage(node: Node) -> None:
    node.store.close()
    with pytest.raises(sqlite3.ProgrammingError):
        node.store.has_operator()


def test_a_sealed_name_moved_to_another_row_does_not_open(tmp_path: Path) -> None:
    with opened(tmp_path) as node:
        node.set_up()
        one, _ = node.register(Role.PATIENT, "Petra Patient")
        two, _ = node.register(Role.PATIENT, "Otto Other")
        with sqlite3.connect(tmp_path / "identity.db") as raw:
            raw.execute(
                "UPDATE principals SET name = (SELECT name FROM principals WHERE id = ?)"
                " WHERE id = ?",
                (one.principal.id, two.principal.id),
            )
        raw.close()
        with pytest.raises(IntegrityError, match=r"principals\.name"):
            node.store.principal(two.principal.id)


def test_a_sealed_value_of_another_form_is_an_error_of_integrity(node: Node) -> None:
    operator = node.set_up().principal.id
    patient = node.confirmed_patient(operator)
    record = node.store.principal(patient).patient
    assert record is not None
    database, sealer = node.store._database, node.store._sealer
    ((token,),) = database.rows("SELECT token FROM bindings")
    database.write(
        "UPDATE bindings SET identifier = ?", sealer.seal(f"bindings:{token.hex()}", b"1")
    )
    with pytest.raises(IntegrityError, match="bindings"):
        node.directory.identifiers_of(record)
    ((statement,),) = database.rows("SELECT id FROM statements")
    odd = sealer.seal(f"statements.openings:{statement}", b"[]")
    database.write("UPDATE statements SET openings = ?", odd)
    with pytest.raises(IntegrityError, match="statements"):
        node.store.statements_of(patient)


def test_a_commit_that_fails_leaves_nothing_open(tmp_path: Path) -> None:
    database = Database(
        tmp_path / "deferred.db",
        [
            """CREATE TABLE parent (id INTEGER PRIMARY KEY);
            CREATE TABLE child
            (parent INTEGER REFERENCES parent (id) DEFERRABLE INITIALLY DEFERRED)"""
        ],
    )
    # A deferred constraint makes COMMIT itself fail, as a full disk would.
    with pytest.raises(Conflict), database.transaction():
        database.write("INSERT INTO child VALUES (1)")
    with database.transaction():
        assert database.rows("SELECT * FROM child") == []
    database.close()


def test_a_failed_transaction_leaves_nothing(node: Node) -> None:
    class Stop(Exception):
        pass

    def halfway() -> None:
        with node.store.transaction():
            node.store.add_organisation(Organisation(OrganisationId("x"), "Gone"))
            with node.store.transaction():
                node.store.add_organisation(Organisation(OrganisationId("y"), "Gone too"))
            raise Stop

    with pytest.raises(Stop):
        halfway()
    assert node.store.organisations() == []


def test_no_thread_sees_half_of_another_threads_transaction(node: Node) -> None:
    inside, seen = threading.Event(), threading.Event()
    counts: list[int] = []

    def reader() -> None:
        inside.wait(10)
        seen.set()
        counts.append(len(node.store.organisations()))

    thread = threading.Thread(target=reader)
    thread.start()
    with node.store.transaction():
        node.store.add_organisation(Organisation(OrganisationId("a"), "One"))
        inside.set()
        seen.wait(10)
        node.store.add_organisation(Organisation(OrganisationId("b"), "Two"))
    thread.join()
    assert counts == [2]


def test_what_is_not_there_is_not_found(node: Node) -> None:
    for act in (
        lambda: node.store.principal(PrincipalId("x")),
        lambda: node.store.principal_of_patient(PatientId("x")),
        lambda: node.store.organisation(OrganisationId("x")),
        lambda: node.store.remove_passkey(
            PrincipalId("x"), node.set_up().passkey.key_id, Micros(0)
        ),
    ):
        with pytest.raises(NotFound):
            act()
    assert node.store.passkey(b"x") is None


def test_a_display_name_can_be_corrected(node: Node) -> None:
    operator = node.set_up().principal.id
    node.store.set_display_name(operator, "Olga Newname")
    assert node.store.principal(operator).display_name == "Olga Newname"


def test_a_custodian_is_founded_once(node: Node) -> None:
    node.set_up()
    with pytest.raises(Conflict):
        node.store.found_custodian("Evil Clinic", secrets.token_bytes)
    assert [each.name for each in node.store.organisations()] == ["City Clinic"]


def test_ended_sessions_and_old_challenges_are_cleared_away(node: Node, tmp_path: Path) -> None:
    done = node.set_up()
    who = done.principal.id, done.passkey.key_id
    node.sessions.open_portal(*who)
    node.ceremonies.begin_sign_in()
    node.clock.pass_seconds(24 * 3_600)
    node.sessions.open_portal(*who)
    node.ceremonies.begin_sign_in()
    with sqlite3.connect(tmp_path / "identity.db") as raw:
        assert raw.execute("SELECT count(*) FROM sessions").fetchall() == [(1,)]
        assert raw.execute("SELECT count(*) FROM challenges").fetchall() == [(1,)]
    raw.close()


def test_refusals_hold_no_personal_data(node: Node) -> None:
    node.set_up()
    _, device = node.register(Role.PATIENT, SECRET_NAME)
    with pytest.raises(NotAuthenticated) as caught:
        node.ceremonies.finish_sign_in(device.authenticate(secrets.token_bytes(32)))
    assert SECRET_NAME not in repr(caught.value)
    assert node.refusals == [Refusal.CHALLENGE]
