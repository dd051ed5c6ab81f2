"""A session is what its token says, for as long as it says, and every refusal sounds alike."""

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pulsekey.identity.lifecycle import Event
from pulsekey.identity.principals import Role
from pulsekey.identity.sessions import (
    SESSIONS_MAX,
    SessionKind,
    SessionLimits,
    decode_token,
    encode_token,
)
from pulsekey.primitives.clock import Micros
from pulsekey.primitives.errors import MalformedInput, NotAuthenticated
from pulsekey.primitives.ids import KeyId, PrincipalId
from tests.unit.identity.node import Node

LIMITS = SessionLimits()
READ = ("patient/Observation.rs",)


@pytest.fixture
def somebody(node: Node) -> tuple[PrincipalId, KeyId]:
    node.set_up()
    done, _ = node.register(Role.CLINICIAN, "Dr A. Li")
    return done.principal.id, done.passkey.key_id


def refused(act: Callable[[], object]) -> None:
    with pytest.raises(NotAuthenticated) as caught:
        act()
    assert str(caught.value) == "sign in again"


def test_a_portal_session_is_its_principal(node: Node, somebody: tuple[PrincipalId, KeyId]) -> None:
    session = node.sessions.authenticate(node.sessions.open_portal(*somebody), SessionKind.PORTAL)
    assert (session.principal.id, session.key_id) == somebody
    assert session.scopes == ()


def test_a_bearer_token_is_bound_to_purpose_and_scopes(
    node: Node, somebody: tuple[PrincipalId, KeyId]
) -> None:
    token = node.sessions.open_bearer(*somebody, "TREAT", READ)
    session = node.sessions.authenticate(token, SessionKind.BEARER)
    assert (session.principal.id, session.purpose, session.scopes) == (somebody[0], "TREAT", READ)


def test_one_kind_never_passes_as_the_other(
    node: Node, somebody: tuple[PrincipalId, KeyId]
) -> None:
    portal = node.sessions.open_portal(*somebody)
    bearer = node.sessions.open_bearer(*somebody, "TREAT", READ)
    refused(lambda: node.sessions.authenticate(portal, SessionKind.BEARER))
    refused(lambda: node.sessions.authenticate(bearer, SessionKind.PORTAL))


def test_a_portal_session_slides_up_to_its_end(
    node: Node, somebody: tuple[PrincipalId, KeyId]
) -> None:
    token = node.sessions.open_portal(*somebody)
    used = 0
    while used + 800 < LIMITS.portal_seconds_max:
        node.clock.pass_seconds(800)
        node.sessions.authenticate(token, SessionKind.PORTAL)
        used += 800
    node.clock.pass_seconds(LIMITS.portal_seconds_max - used)
    refused(lambda: node.sessions.authenticate(token, SessionKind.PORTAL))


def test_an_unused_portal_session_ends_on_its_second(
    node: Node, somebody: tuple[PrincipalId, KeyId]
) -> None:
    token = node.sessions.open_portal(*somebody)
    node.clock.pass_seconds(LIMITS.idle_seconds_max)
    refused(lambda: node.sessions.authenticate(token, SessionKind.PORTAL))


def test_a_bearer_token_does_not_slide(node: Node, somebody: tuple[PrincipalId, KeyId]) -> None:
    token = node.sessions.open_bearer(*somebody, "TREAT", READ)
    node.clock.pass_seconds(LIMITS.bearer_seconds_max - 1)
    node.sessions.authenticate(token, SessionKind.BEARER)
    node.clock.pass_seconds(1)
    refused(lambda: node.sessions.authenticate(token, SessionKind.BEARER))


def test_a_session_from_the_future_is_refused(
    node: Node, somebody: tuple[PrincipalId, KeyId]
) -> None:
    token = node.sessions.open_portal(*somebody)
    node.clock.at = Micros(node.clock.at - 1)
    refused(lambda: node.sessions.authenticate(token, SessionKind.PORTAL))


def test_a_session_is_not_renewed_by_somebody_elses_gesture(
    node: Node, somebody: tuple[PrincipalId, KeyId]
) -> None:
    other, _ = node.register(Role.CLINICIAN, "Dr B. Other")
    token = node.sessions.open_portal(*somebody)
    refused(lambda: node.sessions.renew(token, other.principal.id, other.passkey.key_id))
    node.sessions.authenticate(token, SessionKind.PORTAL)


def test_signing_out_ends_one_session_and_revoking_ends_all(
    node: Node, somebody: tuple[PrincipalId, KeyId]
) -> None:
    one, two = node.sessions.open_portal(*somebody), node.sessions.open_portal(*somebody)
    bearer = node.sessions.open_bearer(*somebody, "TREAT", READ)
    node.sessions.revoke(one)
    node.sessions.revoke(one)
    node.sessions.revoke("never issued")
    refused(lambda: node.sessions.authenticate(one, SessionKind.PORTAL))
    node.sessions.authenticate(two, SessionKind.PORTAL)
    assert node.sessions.revoke_all(somebody[0]) == 2
    refused(lambda: node.sessions.authenticate(two, SessionKind.PORTAL))
    refused(lambda: node.sessions.authenticate(bearer, SessionKind.BEARER))


def test_the_oldest_session_gives_way(node: Node, somebody: tuple[PrincipalId, KeyId]) -> None:
    tokens = []
    for _ in range(SESSIONS_MAX + 1):
        tokens.append(node.sessions.open_portal(*somebody))
        node.clock.pass_seconds(1)
    refused(lambda: node.sessions.authenticate(tokens[0], SessionKind.PORTAL))
    for token in tokens[1:]:
        node.sessions.authenticate(token, SessionKind.PORTAL)


def test_a_session_ends_with_its_account_even_where_nobody_revoked_it(
    node: Node, somebody: tuple[PrincipalId, KeyId]
) -> None:
    token = node.sessions.open_portal(*somebody)
    stranger = node.sessions.open_portal(somebody[0], KeyId(bytes(32)))
    refused(lambda: node.sessions.authenticate(stranger, SessionKind.PORTAL))
    node.store.advance(somebody[0], Event.SUSPEND)
    refused(lambda: node.sessions.authenticate(token, SessionKind.PORTAL))


def test_suspending_and_closing_end_sessions_at_once(node: Node) -> None:
    operator = node.set_up().principal.id
    done, _ = node.register(Role.CLINICIAN, "Dr A. Li")
    who = done.principal.id, done.passkey.key_id
    token = node.sessions.open_bearer(*who, "TREAT", READ)
    node.directory.suspend(operator, who[0])
    refused(lambda: node.sessions.authenticate(token, SessionKind.BEARER))
    node.directory.reinstate(operator, who[0])
    refused(lambda: node.sessions.authenticate(token, SessionKind.BEARER))


@pytest.mark.parametrize(
    ("purpose", "scopes"),
    [
        ("treat", READ),
        ("", READ),
        ("TREAT OR", READ),
        ("TREAT", ()),
        ("TREAT", ("two scopes",)),
        ("TREAT", ("",)),
        ("TREAT", READ * 33),
    ],
)
def test_a_bearer_token_needs_a_purpose_and_scopes(
    node: Node, somebody: tuple[PrincipalId, KeyId], purpose: str, scopes: tuple[str, ...]
) -> None:
    with pytest.raises(MalformedInput):
        node.sessions.open_bearer(*somebody, purpose, scopes)


@given(st.binary(min_size=32, max_size=32))
def test_a_token_has_one_form(raw: bytes) -> None:
    token = encode_token(raw)
    assert len(token) == 43
    assert decode_token(token) == raw


@given(st.text(max_size=50))
def test_what_decodes_is_the_one_form_of_its_bytes(text: str) -> None:
    raw = decode_token(text)
    assert raw is None or encode_token(raw) == text


@pytest.mark.parametrize(
    "token",
    [
        "",
        "A" * 42,
        "A" * 44,
        "A" * 42 + "B",
        "A" * 42 + "=",
        "+" * 43,
        "!" * 43,
        "é" * 43,
        "\ud800",
    ],
)
def test_a_token_that_cannot_be_one_is_refused_like_any_other(node: Node, token: str) -> None:
    refused(lambda: node.sessions.authenticate(token, SessionKind.PORTAL))


def test_a_bit_changed_in_a_token_is_another_token(
    node: Node, somebody: tuple[PrincipalId, KeyId]
) -> None:
    raw = decode_token(node.sessions.open_portal(*somebody))
    assert raw is not None
    for place in (0, 100, 255):
        changed = (int.from_bytes(raw) ^ 1 << place).to_bytes(32)
        refused(lambda: node.sessions.authenticate(encode_token(changed), SessionKind.PORTAL))  # noqa: B023 - called at once


def test_tokens_differ(node: Node, somebody: tuple[PrincipalId, KeyId]) -> None:
    assert len({node.sessions.open_portal(*somebody) for _ in range(50)}) == 50


def test_a_new_gesture_renews_and_ends_the_old_token(
    node: Node, somebody: tuple[PrincipalId, KeyId]
) -> None:
    old = node.sessions.open_portal(*somebody)
    new = node.sessions.renew(old, *somebody)
    node.sessions.authenticate(new, SessionKind.PORTAL)
    refused(lambda: node.sessions.authenticate(old, SessionKind.PORTAL))
    refused(lambda: node.sessions.renew(old, *somebody))
