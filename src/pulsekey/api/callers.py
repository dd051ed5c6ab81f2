"""Who is calling: a portal session in a cookie, or a bearer token, and nothing else."""

from dataclasses import dataclass
from enum import StrEnum

from starlette.requests import Request

from pulsekey.exchange.search_records import Reader
from pulsekey.identity.principals import Principal, Role
from pulsekey.identity.sessions import Session, SessionKind
from pulsekey.primitives.errors import AccessDenied, MalformedInput, NotAuthenticated
from pulsekey.primitives.ids import KeyId
from pulsekey.primitives.messages import Said
from pulsekey.wiring import Node

COOKIE = "pulsekey_session"
"""The name on http://localhost, where browsers keep no `__Host-` cookie."""

HOST_PREFIX = "__Host-"
"""Kept by browsers only as this host set it over TLS: no other host of the domain can plant one
(RFC 6265bis, section 4.1.3.2)."""

PORTAL_PURPOSE = "TREAT"
_FOREIGN = "the request does not come from this node's own pages"
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})


class Access(StrEnum):
    """Who may call an endpoint."""

    PUBLIC = "anyone"
    SIGNED_IN = "anyone signed in"
    PATIENT = "patients"
    CLINICIAN = "clinicians"
    OPERATOR = "operators"
    READER = "patients and clinicians"
    STAFF = "clinicians and operators"


_ROLES = {
    Access.SIGNED_IN: frozenset(Role),
    Access.PATIENT: frozenset({Role.PATIENT}),
    Access.CLINICIAN: frozenset({Role.CLINICIAN}),
    Access.OPERATOR: frozenset({Role.OPERATOR}),
    Access.READER: frozenset({Role.PATIENT, Role.CLINICIAN}),
    Access.STAFF: frozenset({Role.CLINICIAN, Role.OPERATOR}),
}


@dataclass(frozen=True, slots=True)
class Caller:
    """Somebody who is signed in; `token` is what they showed."""

    session: Session
    token: str

    @property
    def principal(self) -> Principal:
        return self.session.principal

    @property
    def key(self) -> KeyId:
        """The passkey that opened the session, which also signs operations."""
        return self.session.key_id

    @property
    def purpose(self) -> str:
        """The purpose of use: a bearer token's own, treatment in the portal."""
        return self.session.purpose or PORTAL_PURPOSE


def caller_of(node: Node, request: Request) -> Caller | None:
    """Return who calls: None if nothing was shown or a portal session has ended.

    A bearer token that does not stand raises `NotAuthenticated`: whoever shows one means it.
    """
    token = bearer_token(request)
    if token is not None:
        session = node.sessions.authenticate(token, SessionKind.BEARER)
        if request.method not in SAFE_METHODS:
            # Its scopes are all of reading (SMART 2.0, section 3.0.2); a change takes a session.
            raise AccessDenied("a bearer token reads; changes are made in a session")
        # A narrower token is for FHIR, where every type is held against it (DESIGN section 9).
        Reader(session.principal, session.purpose, session.scopes).require("*", "r")
        return Caller(session, token)
    require_own_page(request)
    token = session_token(request)
    if token is None:
        return None
    try:
        return Caller(node.sessions.authenticate(token, SessionKind.PORTAL), token)
    except NotAuthenticated:
        return None


def session_token(request: Request) -> str | None:
    """Return the portal session's token, if the request may use it.

    A cookie travels on its own, so what changes something must come from our own pages: `Origin` is
    compared, besides SameSite=Strict (OWASP CSRF Prevention Cheat Sheet, "Verifying Origin").
    Here it has to be there; a script without a cookie need not send it. Of two session cookies one
    was planted, and which one cannot be told: neither is taken (cookie tossing).
    """
    name = cookie_name(secure=request.app.state.node.secure)
    shown = _cookies(request, name)
    if not shown:
        return None
    if len(shown) > 1:
        raise MalformedInput(
            "two session cookies",
            where="Cookie",
            cure="delete this site's cookies and sign in again",
        )
    if request.method not in SAFE_METHODS and "origin" not in request.headers:
        raise AccessDenied(_FOREIGN)
    return shown[0]


def cookie_name(*, secure: bool) -> str:
    """Return what the session's cookie is called: with the prefix wherever it can be."""
    return HOST_PREFIX + COOKIE if secure else COOKIE


def _cookies(request: Request, name: str) -> list[str]:
    """Return every value that came under a name, where a parser would keep one of them."""
    pairs = (
        pair.partition("=")
        for header in request.headers.getlist("cookie")
        for pair in header.split(";")
    )
    return [value.strip() for key, _, value in pairs if key.strip() == name]


def require_own_page(request: Request) -> None:
    """Raise `AccessDenied` for a change that a browser sends from a page of somebody else.

    Without a session too: a foreign page could sign its visitor in as somebody else, and what they
    upload would be in the hands of that person (login CSRF; Barth et al., CCS 2008).
    """
    origin = request.headers.get("origin", "")
    own = request.app.state.node.settings.origin
    if request.method not in SAFE_METHODS and origin not in {"", own}:
        raise AccessDenied(_FOREIGN)


def bearer_token(request: Request) -> str | None:
    """Return the bearer token (RFC 6750, section 2.1), if there is one."""
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" and token.strip() else None


def admitted(caller: Caller | None, access: Access) -> Caller | None:
    """Return the caller if `access` lets them in, or raise."""
    if access is Access.PUBLIC:
        return caller
    if caller is None:
        raise NotAuthenticated("sign in first")
    if caller.principal.role not in _ROLES[access]:
        raise AccessDenied(Said("this is for {access}", access=Said(access)))
    return caller
