"""Who did what, the console's way in, and a binding that was wrong."""

import secrets
from collections.abc import Callable
from pathlib import Path

import pytest

from pulsekey.identity.actions import ACTIONS_LISTED_MAX, Action
from pulsekey.identity.directory import Invitation
from pulsekey.identity.lifecycle import Status
from pulsekey.identity.principals import Identifier, Role
from pulsekey.identity.sessions import SessionKind
from pulsekey.identity.setup import CONSOLE_SECONDS_MAX, invite_from_console
from pulsekey.identity.store import open_store
from pulsekey.primitives.errors import AccessDenied, Conflict, NotAuthenticated, NotFound
from tests.unit.identity.node import CHECK, KEY, Node, challenge_of, device_for, node_on

WRONG = Identifier("urn:mrn", "MRN-1")


def told(node: Node) -> list[Action]:
    """What the list says, the oldest first."""
    return [one.action for one in reversed(node.store.actions.page())]


def test_every_verb_of_an_operator_is_written_down(node: Node) -> None:
    boss = node.set_up().principal.id
    directory = node.directory
    invitation = directory.invite(boss, Role.OPERATOR, "Otto Operator", ())
    directory.invite_again(boss, invitation.principal.id)
    directory.close(boss, invitation.principal.id)
    clinician = node.confirmed_clinician(boss)
    directory.withdraw(boss, clinician)
    directory.suspend(boss, clinician)
    directory.reinstate(boss, clinician)
    patient = node.confirmed_patient(boss)
    directory.unbind(boss, patient, WRONG)
    assert told(node) == [
        Action.SET_UP,
        Action.INVITE,
        Action.INVITE_AGAIN,
        Action.CLOSE,
        Action.CONFIRM,
        Action.WITHDRAW,
        Action.SUSPEND,
        Action.REINSTATE,
        Action.BIND,
        Action.CONFIRM,
        Action.UNBIND,
    ]
    entries = node.store.actions.page()
    assert {one.actor for one in entries} == {boss}
    assert [one.number for one in entries] == sorted((e.number for e in entries), reverse=True)


def test_what_is_refused_is_not_written_down(node: Node) -> None:
    boss = node.set_up().principal.id
    clinician = node.confirmed_clinician(boss)
    before = told(node)
    refusals: list[Callable[[], object]] = [
        lambda: node.directory.reinstate(boss, clinician),
        lambda: node.directory.suspend(boss, boss),
        lambda: node.directory.suspend(clinician, boss),
        lambda: node.directory.unbind(boss, clinician, WRONG),
    ]
    for refused in refusals:
        with pytest.raises((AccessDenied, Conflict, NotFound)):
            refused()
    assert told(node) == before


def test_the_list_is_read_in_portions(node: Node) -> None:
    boss = node.set_up().principal.id
    for _ in range(5):
        node.store.actions.add(boss, Action.INVITE, boss, node.clock.now())
    first = node.store.actions.page(limit=4)
    rest = node.store.actions.page(first[-1].number)
    assert len(first) == 4
    assert [one.action for one in rest] == [Action.INVITE, Action.SET_UP]
    assert len(node.store.actions.page(limit=10**9)) <= ACTIONS_LISTED_MAX


def test_an_identifier_that_was_taken_away_is_free_for_the_right_patient(node: Node) -> None:
    boss = node.set_up().principal.id
    wrong, right = node.confirmed_patient(boss), node.confirmed_patient(boss, "MRN-2")
    with pytest.raises(Conflict, match="another patient"):
        node.directory.bind(boss, right, [WRONG])
    since = node.clock.now()
    node.clock.pass_seconds(60)
    assert node.directory.unbind(boss, wrong, WRONG) == since
    assert node.directory.patient_of(WRONG) is None
    node.directory.bind(boss, right, [WRONG])
    assert node.directory.patient_of(WRONG) == node.store.principal(right).patient
    with pytest.raises(NotFound):
        node.directory.unbind(boss, wrong, WRONG)
    assert node.directory.patient_of(WRONG) == node.store.principal(right).patient


def test_a_suspended_operator_takes_nothing_away(node: Node) -> None:
    boss = node.set_up().principal.id
    patient = node.confirmed_patient(boss)
    with pytest.raises(AccessDenied):
        node.directory.unbind(node.confirmed_clinician(boss), patient, WRONG)
    assert node.directory.patient_of(WRONG) is not None


def test_the_console_makes_an_operator_when_none_can_sign_in(node: Node) -> None:
    boss = node.set_up().principal.id
    invited, token = invite_from_console(node.store, node.clock, secrets.token_bytes, "Cora")
    options = node.ceremonies.begin_invited(token)
    registered = node.ceremonies.finish_registration(
        device_for(options).register(challenge_of(options))
    )
    assert (registered.principal.id, registered.principal.role) == (invited.id, Role.OPERATOR)
    assert registered.principal.status is Status.CONFIRMED
    node.directory.close(invited.id, boss)
    assert node.store.principal(boss).status is Status.CLOSED
    newest = [(one.action, one.actor) for one in node.store.actions.page(limit=3)]
    assert newest == [
        (Action.CLOSE, invited.id),
        (Action.CONSOLE_JOIN, None),
        (Action.CONSOLE_INVITE, None),
    ]
    with pytest.raises(NotAuthenticated):
        node.ceremonies.begin_invited(token)


def test_the_consoles_token_expires_and_an_operators_confirms_nobody(node: Node) -> None:
    boss = node.set_up().principal.id
    _, token = invite_from_console(node.store, node.clock, secrets.token_bytes, "Cora")
    node.clock.pass_seconds(CONSOLE_SECONDS_MAX)
    with pytest.raises(NotAuthenticated):
        node.ceremonies.begin_invited(token)
    invitation = node.directory.invite(boss, Role.OPERATOR, "Otto")
    joined = node.register_invited(invitation)
    assert node.store.principal(joined).status is Status.REGISTERED


def test_the_console_waits_until_the_node_is_set_up(node: Node) -> None:
    with pytest.raises(Conflict):
        invite_from_console(node.store, node.clock, secrets.token_bytes, "Cora")


def test_the_console_works_beside_a_node_that_runs(node: Node, tmp_path: Path) -> None:
    node.set_up()
    other = open_store(tmp_path / "identity.db", KEY, secrets.token_bytes)
    try:
        invited, token = invite_from_console(other, node.clock, secrets.token_bytes, "Cora")
    finally:
        other.close()
    assert node.register_invited(Invitation(invited, token)) == invited.id
    assert node_on(node.store).store.principal(invited.id).status is Status.CONFIRMED


def test_somebody_who_was_invited_and_closed_cannot_join(node: Node) -> None:
    boss = node.set_up().principal.id
    invitation = node.directory.invite(boss, Role.CLINICIAN, "Dr A. Li")
    node.directory.close(boss, invitation.principal.id)
    with pytest.raises(NotAuthenticated):
        node.ceremonies.begin_invited(invitation.token)


def test_suspension_ends_sessions_tokens_and_open_ceremonies_at_once(node: Node) -> None:
    boss = node.set_up().principal.id
    done, device = node.register(Role.CLINICIAN, "Dr A. Li")
    who, key = done.principal.id, done.passkey.key_id
    node.directory.confirm_staff(boss, who, node.store.custodian().id, CHECK)
    portal = node.sessions.open_portal(who, key)
    bearer = node.sessions.open_bearer(who, key, "TREAT", ("user/*.read",))
    begun = device.authenticate(challenge_of(node.ceremonies.begin_sign_in()))
    node.directory.suspend(boss, who)
    for token, kind in ((portal, SessionKind.PORTAL), (bearer, SessionKind.BEARER)):
        with pytest.raises(NotAuthenticated):
            node.sessions.authenticate(token, kind)
    with pytest.raises(AccessDenied, match="suspended"):
        node.ceremonies.finish_sign_in(begun)
    node.directory.reinstate(boss, who)
    with pytest.raises(NotAuthenticated):
        node.sessions.authenticate(portal, SessionKind.PORTAL)
