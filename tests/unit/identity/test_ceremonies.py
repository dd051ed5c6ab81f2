"""Ceremonies with their memory: single use, one purpose, one owner, one refusal for all."""

import secrets
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial

import pytest

from pulsekey.identity import token_store
from pulsekey.identity.ceremonies import CHALLENGE_SECONDS_MAX, REFUSED
from pulsekey.identity.lifecycle import Status
from pulsekey.identity.passkeys import Gesture
from pulsekey.identity.principals import PASSKEYS_MAX, Identifier, Role
from pulsekey.identity.responses import Refusal
from pulsekey.identity.sessions import SessionKind
from pulsekey.identity.setup import SET_UP_SECONDS_MAX, issue_set_up_token
from pulsekey.identity.token_store import Purpose
from pulsekey.primitives.errors import (
    AccessDenied,
    Conflict,
    IntegrityError,
    MalformedInput,
    NotAuthenticated,
    NotFound,
)
from pulsekey.primitives.ids import Digest, KeyId
from tests.unit.identity.node import CHECK, ORIGIN, Node, challenge_of, device_for, forge

OPERATION = Digest(b"\x11" * 32)


def refused(node: Node, why: Refusal, act: Callable[[], object]) -> None:
    """Whatever was wrong, the caller hears the same, and the operator's log hears why."""
    node.refusals.clear()
    with pytest.raises(NotAuthenticated) as caught:
        act()
    assert str(caught.value) == REFUSED
    assert node.refusals == [why]


def test_a_patient_registers_and_signs_in(node: Node) -> None:
    node.set_up()
    done, device = node.register(Role.PATIENT, "Petra Patient")
    assert done.principal.status is Status.REGISTERED
    assert done.principal.patient is not None
    assert done.principal.keys == (done.passkey.key_id,)
    options = node.ceremonies.begin_sign_in()
    assert not options.get("allowCredentials")
    signed_in = node.ceremonies.finish_sign_in(device.authenticate(challenge_of(options)))
    assert signed_in.principal.id == done.principal.id
    assert signed_in.key_id == done.passkey.key_id


def test_a_response_is_accepted_once(node: Node) -> None:
    node.set_up()
    _, device = node.register(Role.PATIENT, "Petra Patient")
    response = device.authenticate(challenge_of(node.ceremonies.begin_sign_in()))
    node.ceremonies.finish_sign_in(response)
    refused(node, Refusal.CHALLENGE, lambda: node.ceremonies.finish_sign_in(response))


def test_a_refused_response_uses_its_challenge_up(node: Node) -> None:
    node.set_up()
    _, device = node.register(Role.PATIENT, "Petra Patient")
    challenge = challenge_of(node.ceremonies.begin_sign_in())
    bad = forge(device, challenge, origin="https://evil.example")
    refused(node, Refusal.ORIGIN, lambda: node.ceremonies.finish_sign_in(bad))
    good = device.authenticate(challenge)
    refused(node, Refusal.CHALLENGE, lambda: node.ceremonies.finish_sign_in(good))


def test_a_registration_is_accepted_once(node: Node) -> None:
    node.set_up()
    options = node.ceremonies.begin_registration(Role.PATIENT, "Petra Patient")
    response = device_for(options).register(challenge_of(options))
    node.ceremonies.finish_registration(response)
    refused(node, Refusal.CHALLENGE, lambda: node.ceremonies.finish_registration(response))


def test_a_challenge_expires_on_its_second(node: Node) -> None:
    node.set_up()
    _, device = node.register(Role.PATIENT, "Petra Patient")
    response = device.authenticate(challenge_of(node.ceremonies.begin_sign_in()))
    node.clock.pass_seconds(CHALLENGE_SECONDS_MAX)
    refused(node, Refusal.CHALLENGE, lambda: node.ceremonies.finish_sign_in(response))
    response = device.authenticate(challenge_of(node.ceremonies.begin_sign_in()))
    node.clock.pass_seconds(CHALLENGE_SECONDS_MAX - 1)
    node.ceremonies.finish_sign_in(response)


def test_a_challenge_that_was_never_given_is_refused(node: Node) -> None:
    node.set_up()
    _, device = node.register(Role.PATIENT, "Petra Patient")
    made_up = device.authenticate(secrets.token_bytes(32))
    refused(node, Refusal.CHALLENGE, lambda: node.ceremonies.finish_sign_in(made_up))


def test_a_challenge_serves_its_own_purpose_only(node: Node) -> None:
    node.set_up()
    done, device = node.register(Role.PATIENT, "Petra Patient")
    patient, key = done.principal.id, done.passkey.key_id
    node.ceremonies.begin_operation(patient, OPERATION, key)
    response = device.authenticate(OPERATION)
    refused(node, Refusal.CHALLENGE, lambda: node.ceremonies.finish_sign_in(response))
    sign_in = Digest(challenge_of(node.ceremonies.begin_sign_in()))
    answer = device.authenticate(sign_in)
    refused(
        node,
        Refusal.CHALLENGE,
        lambda: node.ceremonies.finish_operation(patient, sign_in, answer),
    )
    # Neither try has used the other purpose's challenge up.
    node.ceremonies.finish_sign_in(device.authenticate(sign_in))
    fresh = device.authenticate(OPERATION)
    assert isinstance(node.ceremonies.finish_operation(patient, OPERATION, fresh), Gesture)


@pytest.mark.parametrize(
    ("why", "changes"),
    [
        (Refusal.ORIGIN, {"origin": "http://localhost:1"}),
        (Refusal.CROSS_ORIGIN, {"crossOrigin": True}),
        (Refusal.RELYING_PARTY, {"rp_id": "evil.example"}),
        (Refusal.USER_VERIFICATION, {"flags": 1}),
        (Refusal.TYPE, {"kind": "webauthn.create"}),
    ],
)
def test_sign_in_and_signing_refuse_the_same_things(
    node: Node, why: Refusal, changes: dict[str, object]
) -> None:
    node.set_up()
    done, device = node.register(Role.PATIENT, "Petra Patient")
    challenge = challenge_of(node.ceremonies.begin_sign_in())
    response = forge(device, challenge, **changes)  # type: ignore[arg-type]  # any field at all
    refused(node, why, lambda: node.ceremonies.finish_sign_in(response))
    patient = done.principal.id
    node.ceremonies.begin_operation(patient, OPERATION, done.passkey.key_id)
    signed = forge(device, OPERATION, **changes)  # type: ignore[arg-type]  # any field at all
    refused(node, why, lambda: node.ceremonies.finish_operation(patient, OPERATION, signed))


def test_a_sign_in_that_names_nobody_or_a_stranger_is_refused(node: Node) -> None:
    node.set_up()
    _, device = node.register(Role.PATIENT, "Petra Patient")
    nameless = forge(device, challenge_of(node.ceremonies.begin_sign_in()))
    nameless["response"]["userHandle"] = None
    refused(node, Refusal.OWNER, lambda: node.ceremonies.finish_sign_in(nameless))
    options = node.ceremonies.begin_registration(Role.PATIENT, "Never Finished")
    stranger = device_for(options)
    unknown = stranger.authenticate(challenge_of(node.ceremonies.begin_sign_in()))
    refused(node, Refusal.CREDENTIAL, lambda: node.ceremonies.finish_sign_in(unknown))


def test_an_operation_is_signed_by_the_one_passkey_that_it_names(node: Node) -> None:
    node.set_up()
    mine, device = node.register(Role.PATIENT, "Petra Patient")
    _, other_device = node.register(Role.PATIENT, "Otto Other")
    patient, key = mine.principal.id, mine.passkey.key_id
    options = node.ceremonies.begin_operation(patient, OPERATION, key)
    assert challenge_of(options) == OPERATION
    assert len(list(options["allowCredentials"])) == 1  # type: ignore[call-overload]  # JSON
    foreign = other_device.authenticate(OPERATION)
    refused(
        node,
        Refusal.CREDENTIAL,
        lambda: node.ceremonies.finish_operation(patient, OPERATION, foreign),
    )
    second = Digest(b"\x22" * 32)
    node.ceremonies.begin_operation(patient, second, key)
    gesture = node.ceremonies.finish_operation(patient, second, device.authenticate(second))
    assert gesture.credential_id == device.credential_id


def test_an_operation_is_not_finished_for_somebody_else(node: Node) -> None:
    node.set_up()
    mine, device = node.register(Role.PATIENT, "Petra Patient")
    other, _ = node.register(Role.PATIENT, "Otto Other")
    node.ceremonies.begin_operation(mine.principal.id, OPERATION, mine.passkey.key_id)
    response = device.authenticate(OPERATION)
    refused(
        node,
        Refusal.OWNER,
        lambda: node.ceremonies.finish_operation(other.principal.id, OPERATION, response),
    )


def test_an_operation_begins_with_an_own_passkey_and_a_whole_challenge(node: Node) -> None:
    node.set_up()
    mine, _ = node.register(Role.PATIENT, "Petra Patient")
    other, _ = node.register(Role.PATIENT, "Otto Other")
    with pytest.raises(Conflict, match="does not belong"):
        node.ceremonies.begin_operation(mine.principal.id, OPERATION, other.passkey.key_id)
    with pytest.raises(MalformedInput):
        node.ceremonies.begin_operation(
            mine.principal.id, Digest(OPERATION[1:]), mine.passkey.key_id
        )


def test_an_operation_may_be_begun_again_until_it_was_answered(node: Node) -> None:
    node.set_up()
    mine, device = node.register(Role.PATIENT, "Petra Patient")
    patient, key = mine.principal.id, mine.passkey.key_id
    node.ceremonies.begin_operation(patient, OPERATION, key)
    node.clock.pass_seconds(CHALLENGE_SECONDS_MAX - 1)
    node.ceremonies.begin_operation(patient, OPERATION, key)
    node.clock.pass_seconds(CHALLENGE_SECONDS_MAX - 1)
    response = device.authenticate(OPERATION)
    node.ceremonies.finish_operation(patient, OPERATION, response)
    refused(
        node,
        Refusal.CHALLENGE,
        lambda: node.ceremonies.finish_operation(patient, OPERATION, response),
    )
    with pytest.raises(Conflict, match="answered already"):
        node.ceremonies.begin_operation(patient, OPERATION, key)


def test_somebody_else_cannot_take_over_an_open_operation(node: Node) -> None:
    node.set_up()
    mine, _ = node.register(Role.PATIENT, "Petra Patient")
    other, _ = node.register(Role.PATIENT, "Otto Other")
    node.ceremonies.begin_operation(mine.principal.id, OPERATION, mine.passkey.key_id)
    with pytest.raises(Conflict):
        node.ceremonies.begin_operation(other.principal.id, OPERATION, other.passkey.key_id)


def test_a_counter_that_falls_is_refused_and_remembered_and_the_owner_is_not_locked_out(
    node: Node,
) -> None:
    node.set_up()
    done, device = node.register(Role.PATIENT, "Petra Patient")
    device.sign_count = 50
    challenge = challenge_of(node.ceremonies.begin_sign_in())
    node.ceremonies.finish_sign_in(device.authenticate(challenge))
    cloned = forge(device, challenge_of(node.ceremonies.begin_sign_in()), count=51)
    refused(node, Refusal.COUNTER, lambda: node.ceremonies.finish_sign_in(cloned))
    (passkey,) = node.store.passkeys(done.principal.id)
    assert passkey.clone_suspected_at == node.clock.now()
    rising = device.authenticate(challenge_of(node.ceremonies.begin_sign_in()))
    assert node.ceremonies.finish_sign_in(rising).principal.id == done.principal.id


def test_a_counter_that_another_gesture_has_overtaken_is_refused(node: Node) -> None:
    node.set_up()
    done, device = node.register(Role.PATIENT, "Petra Patient")
    assert node.store.raise_sign_count(device.credential_id, 7)
    assert not node.store.raise_sign_count(device.credential_id, 7)
    assert not node.store.raise_sign_count(device.credential_id, 0)
    (passkey,) = node.store.passkeys(done.principal.id)
    assert passkey.sign_count == 7


def test_a_counter_that_is_overtaken_between_judging_and_storing_is_refused(
    node: Node, monkeypatch: pytest.MonkeyPatch
) -> None:
    node.set_up()
    done, device = node.register(Role.PATIENT, "Petra Patient")
    response = device.authenticate(challenge_of(node.ceremonies.begin_sign_in()))
    store_count = node.store.raise_sign_count

    def overtaken(credential_id: bytes, sign_count: int) -> bool:
        store_count(credential_id, sign_count + 1)
        return store_count(credential_id, sign_count)

    monkeypatch.setattr(node.store, "raise_sign_count", overtaken)
    refused(node, Refusal.COUNTER, lambda: node.ceremonies.finish_sign_in(response))
    (passkey,) = node.store.passkeys(done.principal.id)
    assert passkey.clone_suspected_at is not None


def test_what_is_no_response_is_refused(node: Node) -> None:
    node.set_up()
    shapes: list[dict[str, object]] = [{}, {"response": []}, {"type": "public-key", "id": 1}]
    for shape in shapes:
        refused(node, Refusal.MALFORMED, partial(node.ceremonies.finish_sign_in, shape))
        refused(node, Refusal.MALFORMED, partial(node.ceremonies.finish_registration, shape))


def test_a_draft_of_another_form_is_an_error_of_integrity(node: Node) -> None:
    node.set_up()
    options = node.ceremonies.begin_registration(Role.PATIENT, "Petra Patient")
    challenge = challenge_of(options)
    pending = node.store.tokens.take_challenge(challenge, Purpose.REGISTER, node.clock.now())
    assert pending is not None
    other = secrets.token_bytes(32)
    odd = replace(pending, draft=b"{}")
    node.store.tokens.open_challenge(other, odd, node.clock.now())
    with pytest.raises(IntegrityError, match="draft"):
        node.ceremonies.finish_registration(device_for(options).register(other))


def test_a_second_passkey_signs_in_to_the_same_account(node: Node) -> None:
    node.set_up()
    done, first = node.register(Role.PATIENT, "Petra Patient")
    token = node.sessions.open_portal(done.principal.id, done.passkey.key_id)
    session = node.sessions.authenticate(token, SessionKind.PORTAL)
    options = node.ceremonies.begin_passkey(session)
    assert len(list(options["excludeCredentials"])) == 1  # type: ignore[call-overload]  # JSON
    second = device_for(options)
    added = node.ceremonies.finish_passkey(session, second.register(challenge_of(options)))
    assert added.principal == done.principal.id
    node.store.add_passkey(added)
    for device in (first, second):
        answer = device.authenticate(challenge_of(node.ceremonies.begin_sign_in()))
        assert node.ceremonies.finish_sign_in(answer).principal.id == done.principal.id


def test_a_session_alone_lets_no_passkey_in(node: Node) -> None:
    """Once it did: a stolen session, or a token, could make its own way in."""
    node.set_up()
    done, _ = node.register(Role.PATIENT, "Petra Patient")
    token = node.sessions.open_portal(done.principal.id, done.passkey.key_id)
    session = node.sessions.authenticate(token, SessionKind.PORTAL)
    options = node.ceremonies.begin_passkey(session)
    device = device_for(options)
    node.ceremonies.finish_passkey(session, device.register(challenge_of(options)))
    assert [one.key_id for one in node.store.passkeys(done.principal.id)] == [done.passkey.key_id]
    answer = device.authenticate(challenge_of(node.ceremonies.begin_sign_in()))
    refused(node, Refusal.CREDENTIAL, lambda: node.ceremonies.finish_sign_in(answer))


def test_a_passkey_is_not_added_to_somebody_elses_account(node: Node) -> None:
    node.set_up()
    mine, _ = node.register(Role.PATIENT, "Petra Patient")
    other, _ = node.register(Role.PATIENT, "Otto Other")
    sessions = [
        node.sessions.authenticate(
            node.sessions.open_portal(each.principal.id, each.passkey.key_id), SessionKind.PORTAL
        )
        for each in (mine, other)
    ]
    options = node.ceremonies.begin_passkey(sessions[0])
    response = device_for(options).register(challenge_of(options))
    refused(node, Refusal.OWNER, lambda: node.ceremonies.finish_passkey(sessions[1], response))
    assert len(node.store.passkeys(other.principal.id)) == 1


def test_one_credential_is_registered_once(node: Node) -> None:
    node.set_up()
    _, device = node.register(Role.PATIENT, "Petra Patient")
    options = node.ceremonies.begin_registration(Role.PATIENT, "Otto Other")
    again = device.register(challenge_of(options))
    with pytest.raises(Conflict):
        node.ceremonies.finish_registration(again)
    assert len(node.store.listed(role=Role.PATIENT)) == 1


def test_passkeys_are_limited_and_the_last_one_stays(node: Node) -> None:
    node.set_up()
    done, _ = node.register(Role.PATIENT, "Petra Patient")
    with pytest.raises(Conflict, match="last passkey"):
        node.store.remove_passkey(done.principal.id, done.passkey.key_id, node.clock.now())
    token = node.sessions.open_portal(done.principal.id, done.passkey.key_id)
    session = node.sessions.authenticate(token, SessionKind.PORTAL)
    for _ in range(PASSKEYS_MAX - 1):
        options = node.ceremonies.begin_passkey(session)
        response = device_for(options).register(challenge_of(options))
        node.store.add_passkey(node.ceremonies.finish_passkey(session, response))
    with pytest.raises(Conflict, match="enough"):
        node.ceremonies.begin_passkey(session)


def test_two_passkeys_begun_for_one_free_place_do_not_both_fit(node: Node) -> None:
    node.set_up()
    done, _ = node.register(Role.PATIENT, "Petra Patient")
    token = node.sessions.open_portal(done.principal.id, done.passkey.key_id)
    session = node.sessions.authenticate(token, SessionKind.PORTAL)
    begun = [node.ceremonies.begin_passkey(session) for _ in range(PASSKEYS_MAX)]
    responses = [device_for(each).register(challenge_of(each)) for each in begun]
    made = [node.ceremonies.finish_passkey(session, response) for response in responses]
    for passkey in made[:-1]:
        node.store.add_passkey(passkey)
    with pytest.raises(Conflict, match="enough"):
        node.store.add_passkey(made[-1])
    assert len(node.store.passkeys(done.principal.id)) == PASSKEYS_MAX


def test_a_removed_passkey_signs_nothing_and_its_sessions_end(node: Node) -> None:
    node.set_up()
    done, first = node.register(Role.PATIENT, "Petra Patient")
    patient = done.principal.id
    token = node.sessions.open_portal(patient, done.passkey.key_id)
    session = node.sessions.authenticate(token, SessionKind.PORTAL)
    options = node.ceremonies.begin_passkey(session)
    response = device_for(options).register(challenge_of(options))
    node.store.add_passkey(node.ceremonies.finish_passkey(session, response))
    other, _ = node.register(Role.PATIENT, "Otto Other")
    now = node.clock.now()
    with pytest.raises(NotFound):
        node.store.remove_passkey(patient, other.passkey.key_id, now)
    node.store.remove_passkey(patient, done.passkey.key_id, now)
    with pytest.raises(NotAuthenticated):
        node.sessions.authenticate(token, SessionKind.PORTAL)
    answer = first.authenticate(challenge_of(node.ceremonies.begin_sign_in()))
    refused(node, Refusal.CREDENTIAL, lambda: node.ceremonies.finish_sign_in(answer))
    with pytest.raises(Conflict):
        node.ceremonies.begin_operation(patient, OPERATION, done.passkey.key_id)


def test_nobody_registers_before_the_node_is_set_up(node: Node) -> None:
    with pytest.raises(Conflict, match="not been set up"):
        node.ceremonies.begin_registration(Role.PATIENT, "Petra Patient")


def test_an_operator_does_not_register_themselves(node: Node) -> None:
    node.set_up()
    with pytest.raises(MalformedInput, match="invited"):
        node.ceremonies.begin_registration(Role.OPERATOR, "Eve")


def test_the_first_operator_is_made_with_the_printed_token(node: Node) -> None:
    done = node.set_up()
    assert done.principal.role is Role.OPERATOR
    assert done.principal.status is Status.CONFIRMED
    assert node.store.custodian().name == "City Clinic"
    assert done.principal.organisation == node.store.custodian().id


def test_a_set_up_token_works_once_and_no_second_is_printed(node: Node) -> None:
    token = issue_set_up_token(node.store, node.clock, secrets.token_bytes)
    options = node.ceremonies.begin_set_up(token, "Olga", "City Clinic")
    node.ceremonies.finish_set_up(device_for(options).register(challenge_of(options)))
    with pytest.raises(NotAuthenticated):
        node.ceremonies.begin_set_up(token, "Eve", "Evil Clinic")
    with pytest.raises(Conflict):
        issue_set_up_token(node.store, node.clock, secrets.token_bytes)


@pytest.mark.parametrize("token", ["", "x", "A" * 43, "é" * 43, "A" * 44])
def test_a_made_up_set_up_token_is_refused(node: Node, token: str) -> None:
    issue_set_up_token(node.store, node.clock, secrets.token_bytes)
    with pytest.raises(NotAuthenticated):
        node.ceremonies.begin_set_up(token, "Eve", "Evil Clinic")


def test_a_set_up_token_expires_even_in_the_middle_of_a_gesture(node: Node) -> None:
    token = issue_set_up_token(node.store, node.clock, secrets.token_bytes)
    node.clock.pass_seconds(SET_UP_SECONDS_MAX - 1)
    options = node.ceremonies.begin_set_up(token, "Olga", "City Clinic")
    node.clock.pass_seconds(1)
    response = device_for(options).register(challenge_of(options))
    with pytest.raises(NotAuthenticated):
        node.ceremonies.finish_set_up(response)
    assert not node.store.has_operator()
    with pytest.raises(NotAuthenticated):
        node.ceremonies.begin_set_up(token, "Olga", "City Clinic")


def test_a_new_set_up_token_ends_the_one_before(node: Node) -> None:
    first = issue_set_up_token(node.store, node.clock, secrets.token_bytes)
    issue_set_up_token(node.store, node.clock, secrets.token_bytes)
    with pytest.raises(NotAuthenticated):
        node.ceremonies.begin_set_up(first, "Olga", "City Clinic")


def test_a_cancelled_set_up_may_be_begun_again(node: Node) -> None:
    token = issue_set_up_token(node.store, node.clock, secrets.token_bytes)
    node.ceremonies.begin_set_up(token, "Olga", "City Clinic")
    options = node.ceremonies.begin_set_up(token, "Olga", "City Clinic")
    node.ceremonies.finish_set_up(device_for(options).register(challenge_of(options)))
    assert node.store.has_operator()


def test_a_set_up_gesture_does_not_register_a_patient(node: Node) -> None:
    token = issue_set_up_token(node.store, node.clock, secrets.token_bytes)
    options = node.ceremonies.begin_set_up(token, "Olga", "City Clinic")
    response = device_for(options).register(challenge_of(options))
    refused(node, Refusal.CHALLENGE, lambda: node.ceremonies.finish_registration(response))


def test_of_two_threads_that_race_for_the_set_up_one_becomes_operator(node: Node) -> None:
    token = issue_set_up_token(node.store, node.clock, secrets.token_bytes)
    responses = []
    for name in ("Olga", "Eve"):
        options = node.ceremonies.begin_set_up(token, name, f"{name}'s Clinic")
        responses.append(device_for(options).register(challenge_of(options)))

    def attempt(number: int) -> bool:
        try:
            node.ceremonies.finish_set_up(responses[number])
        except NotAuthenticated:
            return False
        return True

    with ThreadPoolExecutor(2) as threads:
        assert sorted(threads.map(attempt, range(2))) == [False, True]
    assert len(node.store.listed(role=Role.OPERATOR)) == 1
    assert len(node.store.organisations()) == 1


def test_of_many_threads_that_present_one_response_one_signs_in(node: Node) -> None:
    node.set_up()
    _, device = node.register(Role.PATIENT, "Petra Patient")
    response = device.authenticate(challenge_of(node.ceremonies.begin_sign_in()))

    def attempt(_: int) -> bool:
        try:
            node.ceremonies.finish_sign_in(response)
        except NotAuthenticated:
            return False
        return True

    with ThreadPoolExecutor(8) as threads:
        assert sum(threads.map(attempt, range(8))) == 1


def test_an_invited_patient_registers_into_their_prepared_record(node: Node) -> None:
    operator = node.set_up().principal.id
    mrn = Identifier("urn:mrn", "77")
    invitation = node.directory.invite(operator, Role.PATIENT, "Petra Patient", [mrn])
    assert node.directory.patient_of(mrn) == invitation.principal.patient
    options = node.ceremonies.begin_invited(invitation.token)
    done = node.ceremonies.finish_registration(device_for(options).register(challenge_of(options)))
    assert done.principal.id == invitation.principal.id
    assert done.principal.patient == invitation.principal.patient
    assert done.principal.status is Status.REGISTERED
    with pytest.raises(NotAuthenticated):
        node.ceremonies.begin_invited(invitation.token)


def test_an_invitation_serves_one_of_two_registrations(node: Node) -> None:
    operator = node.set_up().principal.id
    invitation = node.directory.invite(operator, Role.CLINICIAN, "Dr A. Li")
    begun = [node.ceremonies.begin_invited(invitation.token) for _ in range(2)]
    responses = [device_for(each).register(challenge_of(each)) for each in begun]
    node.ceremonies.finish_registration(responses[0])
    with pytest.raises(NotAuthenticated):
        node.ceremonies.finish_registration(responses[1])
    assert len(node.store.passkeys(invitation.principal.id)) == 1


def test_an_invitation_expires_and_a_new_one_ends_the_old(node: Node) -> None:
    operator = node.set_up().principal.id
    first = node.directory.invite(operator, Role.CLINICIAN, "Dr A. Li")
    second = node.directory.invite_again(operator, first.principal.id)
    with pytest.raises(NotAuthenticated):
        node.ceremonies.begin_invited(first.token)
    node.clock.pass_seconds(8 * 24 * 3_600)
    with pytest.raises(NotAuthenticated):
        node.ceremonies.begin_invited(second.token)


def test_a_suspended_account_neither_signs_in_nor_signs(node: Node) -> None:
    operator = node.set_up().principal.id
    done, device = node.register(Role.PATIENT, "Petra Patient")
    patient = done.principal.id
    node.ceremonies.begin_operation(patient, OPERATION, done.passkey.key_id)
    node.directory.suspend(operator, patient)
    answer = device.authenticate(challenge_of(node.ceremonies.begin_sign_in()))
    # Whoever holds the passkey may know why.
    with pytest.raises(AccessDenied, match="suspended"):
        node.ceremonies.finish_sign_in(answer)
    signed = device.authenticate(OPERATION)
    refused(
        node,
        Refusal.OWNER,
        lambda: node.ceremonies.finish_operation(patient, OPERATION, signed),
    )


def test_in_a_flood_of_ceremonies_the_oldest_that_anybody_may_begin_give_way(
    node: Node, monkeypatch: pytest.MonkeyPatch
) -> None:
    node.set_up()
    done, device = node.register(Role.PATIENT, "Petra Patient")
    patient, key = done.principal.id, done.passkey.key_id
    monkeypatch.setattr(token_store, "CHALLENGES_MAX", 3)
    node.ceremonies.begin_operation(patient, OPERATION, key)
    first = challenge_of(node.ceremonies.begin_sign_in())
    for _ in range(3):
        node.clock.pass_seconds(1)
        last = challenge_of(node.ceremonies.begin_sign_in())
    early = device.authenticate(first)
    refused(node, Refusal.CHALLENGE, lambda: node.ceremonies.finish_sign_in(early))
    assert node.ceremonies.finish_sign_in(device.authenticate(last)).principal.id == patient
    signed = device.authenticate(OPERATION)
    assert isinstance(node.ceremonies.finish_operation(patient, OPERATION, signed), Gesture)


@pytest.mark.parametrize("name", ["", " x", "a\nb", "Dr\u202eiL .A", "x" * 121, "a\u200bb"])
def test_a_name_that_could_mislead_a_reader_is_refused(node: Node, name: str) -> None:
    node.set_up()
    with pytest.raises(MalformedInput, match="display name"):
        node.ceremonies.begin_registration(Role.CLINICIAN, name)


def test_the_pages_origin_is_part_of_every_ceremony(node: Node) -> None:
    node.set_up()
    options = node.ceremonies.begin_registration(Role.PATIENT, "Petra Patient")
    phisher = device_for(options, origin=ORIGIN.replace("localhost", "1ocalhost"))
    response = phisher.register(challenge_of(options))
    refused(node, Refusal.ORIGIN, lambda: node.ceremonies.finish_registration(response))
    assert not node.store.listed(role=Role.PATIENT)


def test_a_key_id_is_unknown_until_registered(node: Node) -> None:
    done = node.set_up()
    with pytest.raises(Conflict):
        node.ceremonies.begin_operation(done.principal.id, OPERATION, KeyId(bytes(32)))
    assert CHECK.reference not in repr(node.store.statements_of(done.principal.id))
