"""Passkeys of staff: a gesture for each change, in one session, and never the last one."""

from dataclasses import dataclass, replace
from typing import Any

import pytest

from pulsekey.identity.actions import Action
from pulsekey.identity.principals import PASSKEYS_MAX, Role
from pulsekey.identity.responses import Refusal
from pulsekey.identity.sessions import Session, SessionKind
from pulsekey.identity.software_passkey import SoftwarePasskey
from pulsekey.identity.staff_passkeys import StaffPasskeys
from pulsekey.primitives.errors import (
    AccessDenied,
    Conflict,
    MalformedInput,
    NotAuthenticated,
    NotFound,
)
from pulsekey.primitives.ids import KeyId, PrincipalId
from tests.unit.identity.node import CHECK, Node, challenge_of, device_for, forge

Json = dict[str, Any]


@dataclass
class Staff:
    """A clinician at a browser, with a device."""

    node: Node
    passkeys: StaffPasskeys
    id: PrincipalId
    key: KeyId
    device: SoftwarePasskey
    token: str

    @property
    def session(self) -> Session:
        return self.node.sessions.authenticate(self.token, SessionKind.PORTAL)

    def gesture(self, options: Json, device: SoftwarePasskey | None = None) -> Json:
        return dict((device or self.device).authenticate(challenge_of(options)))

    def add(self, name: str = "") -> tuple[SoftwarePasskey, KeyId]:
        options = self.passkeys.begin(
            self.session, self.gesture(self.passkeys.ask_to_add(self.session))
        )
        device = device_for(options)
        made = self.passkeys.finish(self.session, device.register(challenge_of(options)), name)
        return device, made.key_id

    def keys(self) -> tuple[KeyId, ...]:
        return self.node.store.principal(self.id).keys


def staff(node: Node, role: Role = Role.CLINICIAN, name: str = "Dr A. Li") -> Staff:
    done, device = node.register(role, name)
    token = node.sessions.open_portal(done.principal.id, done.passkey.key_id)
    passkeys = StaffPasskeys(node.store, node.ceremonies, node.clock)
    return Staff(node, passkeys, done.principal.id, done.passkey.key_id, device, token)


@pytest.fixture
def clinician(node: Node) -> Staff:
    node.set_up()
    return staff(node)


def refused(who: Staff, why: Refusal, call: Any) -> None:
    with pytest.raises(NotAuthenticated):
        call()
    assert who.node.refusals[-1] is why


def test_a_second_passkey_signs_in_and_has_its_name(clinician: Staff) -> None:
    device, key = clinician.add("Ward phone")
    answer = device.authenticate(challenge_of(clinician.node.ceremonies.begin_sign_in()))
    assert clinician.node.ceremonies.finish_sign_in(answer).key_id == key
    first, second = sorted(clinician.node.store.passkeys(clinician.id), key=lambda one: one.name)
    assert (first.name, second.name) == ("", "Ward phone")
    assert first.last_used_at == second.last_used_at == clinician.node.clock.now()


def test_the_options_leave_out_the_devices_that_have_one(clinician: Staff) -> None:
    gesture = clinician.gesture(clinician.passkeys.ask_to_add(clinician.session))
    options = clinician.passkeys.begin(clinician.session, gesture)
    assert len(options["excludeCredentials"]) == 1  # type: ignore[arg-type]  # JSON


def test_no_session_is_enough_without_a_gesture(clinician: Staff) -> None:
    asked = clinician.passkeys.ask_to_add(clinician.session)
    other = device_for({"user": {"id": "eA"}})
    response = clinician.gesture(asked, other)
    refused(
        clinician,
        Refusal.CREDENTIAL,
        lambda: clinician.passkeys.begin(clinician.session, response),
    )
    assert clinician.keys() == (clinician.key,)


def test_a_gesture_without_user_verification_is_not_enough(clinician: Staff) -> None:
    asked = clinician.passkeys.ask_to_add(clinician.session)
    touched = forge(clinician.device, challenge_of(asked), flags=0x01)
    refused(
        clinician,
        Refusal.USER_VERIFICATION,
        lambda: clinician.passkeys.begin(clinician.session, touched),
    )


def test_a_gesture_counts_once(clinician: Staff) -> None:
    response = clinician.gesture(clinician.passkeys.ask_to_add(clinician.session))
    clinician.passkeys.begin(clinician.session, response)
    refused(
        clinician, Refusal.CHALLENGE, lambda: clinician.passkeys.begin(clinician.session, response)
    )


def test_a_gesture_counts_for_its_own_deed_only(clinician: Staff) -> None:
    _, second = clinician.add()
    _, third = clinician.add()
    for_adding = clinician.gesture(clinician.passkeys.ask_to_add(clinician.session))
    refused(
        clinician,
        Refusal.CHALLENGE,
        lambda: clinician.passkeys.remove(clinician.session, second, for_adding),
    )
    for_third = clinician.gesture(clinician.passkeys.ask_to_remove(clinician.session, third))
    refused(
        clinician,
        Refusal.CHALLENGE,
        lambda: clinician.passkeys.remove(clinician.session, second, for_third),
    )
    assert set(clinician.keys()) == {clinician.key, second, third}


def test_a_gesture_counts_in_the_session_that_asked(clinician: Staff) -> None:
    node = clinician.node
    elsewhere = node.sessions.open_portal(clinician.id, clinician.key)
    stolen = node.sessions.authenticate(elsewhere, SessionKind.PORTAL)
    response = clinician.gesture(clinician.passkeys.ask_to_add(clinician.session))
    refused(clinician, Refusal.CHALLENGE, lambda: clinician.passkeys.begin(stolen, response))


def test_a_new_passkey_belongs_to_the_session_that_asked(clinician: Staff) -> None:
    node = clinician.node
    gesture = clinician.gesture(clinician.passkeys.ask_to_add(clinician.session))
    options = clinician.passkeys.begin(clinician.session, gesture)
    response = device_for(options).register(challenge_of(options))
    elsewhere = node.sessions.open_portal(clinician.id, clinician.key)
    other = node.sessions.authenticate(elsewhere, SessionKind.PORTAL)
    refused(clinician, Refusal.OWNER, lambda: clinician.passkeys.finish(other, response, ""))
    refused(
        clinician,
        Refusal.CHALLENGE,
        lambda: clinician.passkeys.finish(clinician.session, response, ""),
    )


def test_a_sign_in_is_no_confirmation_and_a_confirmation_no_sign_in(clinician: Staff) -> None:
    node = clinician.node
    signing_in = clinician.gesture(node.ceremonies.begin_sign_in())
    refused(
        clinician,
        Refusal.CHALLENGE,
        lambda: clinician.passkeys.begin(clinician.session, signing_in),
    )
    asked = clinician.passkeys.ask_to_add(clinician.session)
    confirming = clinician.gesture(asked)
    refused(clinician, Refusal.CHALLENGE, lambda: node.ceremonies.finish_sign_in(confirming))


def test_a_gesture_is_waited_for_five_minutes(clinician: Staff) -> None:
    response = clinician.gesture(clinician.passkeys.ask_to_add(clinician.session))
    session = clinician.session
    clinician.node.clock.pass_seconds(301)
    refused(clinician, Refusal.CHALLENGE, lambda: clinician.passkeys.begin(session, response))


def test_a_removed_passkey_ends_with_its_sessions_and_tokens(clinician: Staff) -> None:
    node = clinician.node
    device, second = clinician.add()
    theirs = node.sessions.open_portal(clinician.id, second)
    bearer = node.sessions.open_bearer(clinician.id, second, "TREAT", ("user/*.read",))
    asked = clinician.passkeys.ask_to_remove(clinician.session, second)
    clinician.passkeys.remove(clinician.session, second, clinician.gesture(asked))
    assert clinician.keys() == (clinician.key,)
    for token, kind in ((theirs, SessionKind.PORTAL), (bearer, SessionKind.BEARER)):
        with pytest.raises(NotAuthenticated):
            node.sessions.authenticate(token, kind)
    answer = device.authenticate(challenge_of(node.ceremonies.begin_sign_in()))
    refused(clinician, Refusal.CREDENTIAL, lambda: node.ceremonies.finish_sign_in(answer))
    assert clinician.session.principal.id == clinician.id


def test_a_passkey_does_not_confirm_its_own_removal(clinician: Staff) -> None:
    device, second = clinician.add()
    asked = clinician.passkeys.ask_to_remove(clinician.session, second)
    assert len(asked["allowCredentials"]) == 1  # type: ignore[arg-type]  # JSON
    response = clinician.gesture(asked, device)
    refused(
        clinician,
        Refusal.CREDENTIAL,
        lambda: clinician.passkeys.remove(clinician.session, second, response),
    )
    assert set(clinician.keys()) == {clinician.key, second}


def test_the_last_passkey_stays(clinician: Staff) -> None:
    with pytest.raises(Conflict, match="last passkey"):
        clinician.passkeys.ask_to_remove(clinician.session, clinician.key)


def test_two_removals_at_once_leave_one(clinician: Staff) -> None:
    device, second = clinician.add()
    first = clinician.passkeys.ask_to_remove(clinician.session, second)
    other = clinician.passkeys.ask_to_remove(clinician.session, clinician.key)
    session = clinician.session
    clinician.passkeys.remove(session, second, clinician.gesture(first))
    response = clinician.gesture(other, device)
    with pytest.raises(NotAuthenticated):
        clinician.passkeys.remove(session, clinician.key, response)
    assert clinician.keys() == (clinician.key,)


def test_nobody_removes_or_names_a_passkey_of_somebody_else(clinician: Staff) -> None:
    other = staff(clinician.node, name="Dr B. Osei")
    other.add()
    with pytest.raises(NotFound):
        clinician.passkeys.ask_to_remove(clinician.session, other.key)
    with pytest.raises(NotFound):
        clinician.node.store.name_passkey(clinician.id, other.key, "mine")


def test_passkeys_of_staff_are_limited(clinician: Staff) -> None:
    for _ in range(PASSKEYS_MAX - 1):
        clinician.add()
    with pytest.raises(Conflict, match="enough"):
        clinician.add()


@pytest.mark.parametrize("name", [" desk", "de\u202esk", "x" * 61, "a\nb"])
def test_a_name_that_cannot_be_shown_uses_nothing_up(clinician: Staff, name: str) -> None:
    gesture = clinician.gesture(clinician.passkeys.ask_to_add(clinician.session))
    options = clinician.passkeys.begin(clinician.session, gesture)
    response = device_for(options).register(challenge_of(options))
    with pytest.raises(MalformedInput):
        clinician.passkeys.finish(clinician.session, response, name)
    assert clinician.passkeys.finish(clinician.session, response, "desk").principal == clinician.id


def test_a_name_is_taken_away_again_and_lies_sealed(clinician: Staff) -> None:
    store = clinician.node.store
    store.name_passkey(clinician.id, clinician.key, "Work phone")
    assert store.passkeys(clinician.id)[0].name == "Work phone"
    ((raw,),) = store._database.rows("SELECT name FROM passkeys WHERE name IS NOT NULL")
    assert b"Work phone" not in raw
    store.name_passkey(clinician.id, clinician.key, "")
    assert store.passkeys(clinician.id)[0].name == ""


def test_a_patients_passkeys_go_by_the_ledger(node: Node) -> None:
    node.set_up()
    patient = staff(node, Role.PATIENT, "Petra Patient")
    for call in (
        lambda: patient.passkeys.ask_to_add(patient.session),
        lambda: patient.passkeys.begin(patient.session, {}),
        lambda: patient.passkeys.finish(patient.session, {}, ""),
        lambda: patient.passkeys.ask_to_remove(patient.session, patient.key),
        lambda: patient.passkeys.remove(patient.session, patient.key, {}),
    ):
        with pytest.raises(AccessDenied):
            call()


def test_what_confirmed_staff_do_is_written_down_and_what_strangers_do_is_not(node: Node) -> None:
    operator = node.set_up().principal.id
    clinician = staff(node)
    _, second = clinician.add()
    node.directory.confirm_staff(operator, clinician.id, node.store.custodian().id, CHECK)
    clinician.add()
    asked = clinician.passkeys.ask_to_remove(clinician.session, second)
    clinician.passkeys.remove(clinician.session, second, clinician.gesture(asked))
    newest = [(one.action, one.actor) for one in node.store.actions.page(limit=3)]
    assert newest == [
        (Action.REMOVE_PASSKEY, clinician.id),
        (Action.ADD_PASSKEY, clinician.id),
        (Action.CONFIRM, operator),
    ]


def test_a_session_that_was_taken_over_by_another_person_confirms_nothing(node: Node) -> None:
    node.set_up()
    mine, theirs = staff(node), staff(node, name="Dr B. Osei")
    asked = mine.passkeys.ask_to_add(mine.session)
    # A made-up session that has everything of mine but the person.
    mixed = replace(mine.session, principal=theirs.session.principal)
    refused(mine, Refusal.OWNER, lambda: mine.passkeys.begin(mixed, mine.gesture(asked)))
