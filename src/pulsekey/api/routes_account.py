"""Registering, signing in, tokens, and who I am."""

from pulsekey.api import render, routes_passkeys, shapes
from pulsekey.api.callers import Access, Caller
from pulsekey.api.endpoint import Answer, Call, Endpoint
from pulsekey.api.rate_limit import Kind
from pulsekey.consent.terms import PURPOSES
from pulsekey.identity.ceremonies import Registered
from pulsekey.identity.principals import Principal, Role
from pulsekey.identity.sessions import SessionKind
from pulsekey.primitives.clock import seconds
from pulsekey.primitives.errors import Conflict, MalformedInput
from pulsekey.primitives.messages import Said
from pulsekey.wiring import Node


def begin_registration(node: Node, call: Call) -> shapes.OptionsShape:
    body: shapes.RegistrationBegin = call.body
    if body.setup_token and not node.identities.has_operator():
        options = node.ceremonies.begin_set_up(
            body.setup_token, body.display_name, body.organisation_name
        )
    elif body.setup_token:
        options = node.ceremonies.begin_invited(body.setup_token)
    else:
        options = node.ceremonies.begin_registration(Role(body.role), body.display_name)
    return shapes.OptionsShape(options=options)


def finish_registration(node: Node, call: Call) -> Answer:
    body: shapes.CredentialGiven = call.body
    return _signed_in(node, node.ceremonies.finish_registration(body.credential))


def finish_set_up(node: Node, call: Call) -> Answer:
    body: shapes.CredentialGiven = call.body
    return _signed_in(node, node.ceremonies.finish_set_up(body.credential))


def begin_sign_in(node: Node, _: Call) -> shapes.OptionsShape:
    return shapes.OptionsShape(options=node.ceremonies.begin_sign_in())


def finish_sign_in(node: Node, call: Call) -> Answer:
    body: shapes.CredentialGiven = call.body
    signed = node.ceremonies.finish_sign_in(body.credential)
    token = node.sessions.open_portal(signed.principal.id, signed.key_id)
    return Answer(_principal(node, signed.principal), session=token)


def finish_token(node: Node, call: Call) -> shapes.TokenAnswer:
    body: shapes.TokenTaken = call.body
    if body.purpose not in PURPOSES:
        # A consent is for one of these; a token for a mistyped one would only ever be refused.
        cure = Said("one of {names}", names=", ".join(PURPOSES))
        raise MalformedInput("unknown purpose", where="purpose", cure=cure)
    signed = node.ceremonies.finish_sign_in(body.credential)
    token = node.sessions.open_bearer(signed.principal.id, signed.key_id, body.purpose, body.scopes)
    ends = node.sessions.authenticate(token, SessionKind.BEARER).ends_at
    return shapes.TokenAnswer(token=token, expires=seconds(ends), purpose=body.purpose)


def sign_out(node: Node, call: Call) -> Answer:
    node.sessions.revoke(call.who.token)
    return Answer({}, session="")


def me(node: Node, call: Call) -> shapes.MeAnswer:
    caller = call.caller
    return shapes.MeAnswer(
        node=_node(node),
        principal=None if caller is None else _shape(node, caller.principal),
        account=None if caller is None else _account(node, caller),
    )


def invite(node: Node, call: Call) -> shapes.InvitationAnswer:
    body: shapes.InvitationTaken = call.body
    invitation = node.directory.invite(call.who.principal.id, Role(body.role), body.display_name)
    return shapes.InvitationAnswer(setup_token=invitation.token, principal=invitation.principal.id)


def _signed_in(node: Node, registered: Registered) -> Answer:
    found = registered.principal
    token = node.sessions.open_portal(found.id, registered.passkey.key_id)
    return Answer(_principal(node, found), session=token)


def _principal(node: Node, found: Principal) -> shapes.PrincipalAnswer:
    return shapes.PrincipalAnswer(principal=_shape(node, found))


def _shape(node: Node, found: Principal) -> shapes.PrincipalShape:
    return render.principal(found, node.identities.organisation(found.organisation))


def _node(node: Node) -> shapes.NodeShape:
    try:
        organisation = node.identities.custodian().name
    except Conflict:
        organisation = node.settings.organisation
    return shapes.NodeShape(
        organisation=organisation,
        ledger=node.ledger.genesis.ledger.hex(),
        contact=node.settings.contact,
        set_up=node.identities.has_operator(),
    )


def _account(node: Node, caller: Caller) -> shapes.AccountShape | None:
    if caller.principal.account is None:
        return None
    keys = routes_passkeys.shown(node, caller)
    return shapes.AccountShape(account=caller.principal.account.hex(), keys=keys)


ENDPOINTS = (
    Endpoint(
        "GET",
        "/api/me",
        "Who I am, and what this node is",
        Access.PUBLIC,
        me,
        answer=shapes.MeAnswer,
    ),
    Endpoint(
        "POST",
        "/api/registrations/options",
        "Begin to register with a new passkey",
        Access.PUBLIC,
        begin_registration,
        shapes.RegistrationBegin,
        shapes.OptionsShape,
        metered=Kind.REGISTRATION,
    ),
    Endpoint(
        "POST",
        "/api/registrations",
        "Finish registering; opens a session",
        Access.PUBLIC,
        finish_registration,
        shapes.CredentialGiven,
        shapes.PrincipalAnswer,
        metered=Kind.REGISTRATION,
    ),
    Endpoint(
        "POST",
        "/api/set-up",
        "Finish registering the first operator; opens a session",
        Access.PUBLIC,
        finish_set_up,
        shapes.CredentialGiven,
        shapes.PrincipalAnswer,
        metered=Kind.REGISTRATION,
    ),
    Endpoint(
        "POST",
        "/api/sign-in/options",
        "Begin to sign in",
        Access.PUBLIC,
        begin_sign_in,
        answer=shapes.OptionsShape,
        metered=Kind.SIGN_IN,
    ),
    Endpoint(
        "POST",
        "/api/sign-in",
        "Finish signing in; opens a session",
        Access.PUBLIC,
        finish_sign_in,
        shapes.CredentialGiven,
        shapes.PrincipalAnswer,
        metered=Kind.SIGN_IN,
        signs_in=True,
    ),
    Endpoint(
        "POST",
        "/api/tokens/options",
        "Begin to obtain a bearer token",
        Access.PUBLIC,
        begin_sign_in,
        answer=shapes.OptionsShape,
        metered=Kind.SIGN_IN,
    ),
    Endpoint(
        "POST",
        "/api/tokens",
        "Obtain a bearer token for one purpose of use",
        Access.PUBLIC,
        finish_token,
        shapes.TokenTaken,
        shapes.TokenAnswer,
        metered=Kind.SIGN_IN,
        signs_in=True,
    ),
    Endpoint("POST", "/api/sign-out", "End this session", Access.SIGNED_IN, sign_out),
    Endpoint(
        "POST",
        "/api/invitations",
        "Invite somebody to register",
        Access.OPERATOR,
        invite,
        shapes.InvitationTaken,
        shapes.InvitationAnswer,
    ),
)
