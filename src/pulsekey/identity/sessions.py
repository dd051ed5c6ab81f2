"""Sessions: what follows a gesture, for a while. A token has 256 random bits, kept as a digest.

A *portal* session slides with use up to a fixed end; only a new gesture makes a new one. A *bearer*
token does not slide: it is bound to its principal, to one purpose of use and to scopes. A session
of one kind never passes as the other. Whatever is wrong with a token, the answer is the same.
"""

import base64
import binascii
import hashlib
import hmac
import re
from dataclasses import dataclass
from enum import StrEnum

from pulsekey.identity.lifecycle import MAY_SIGN_IN
from pulsekey.identity.principals import Principal
from pulsekey.identity.store import IdentityStore
from pulsekey.identity.token_store import StoredSession, session_id
from pulsekey.primitives.clock import MICROS_PER_SECOND, Clock, Micros
from pulsekey.primitives.errors import MalformedInput, NotAuthenticated
from pulsekey.primitives.ids import Entropy, KeyId, PrincipalId
from pulsekey.primitives.messages import Said

TOKEN_BYTES = 32
TOKEN_CHARACTERS = 43
SESSIONS_MAX = 16
"""Sessions of one kind that one principal may have at a time; the oldest gives way."""

SCOPES_MAX = 32
SLIDE_STEP_MICROS = 15 * MICROS_PER_SECOND
"""Sliding by less than this is not written down: reading a page should not cost a disk write."""

_PURPOSE = re.compile(r"[A-Z][A-Z0-9]{1,15}")
_SCOPE = re.compile(r"[A-Za-z0-9*._/:?=&-]{1,128}")


class SessionKind(StrEnum):
    PORTAL = "portal"
    BEARER = "bearer"


@dataclass(frozen=True, slots=True)
class SessionLimits:
    """How long things last."""

    idle_seconds_max: int = 15 * 60
    """A portal session that nobody uses ends after this."""

    portal_seconds_max: int = 8 * 3_600
    """A portal session ends after this, however much it is used."""

    bearer_seconds_max: int = 10 * 60
    """A bearer token ends after this."""


@dataclass(frozen=True, slots=True)
class Session:
    """Who is there, since which gesture, by which key, for what. Never the token."""

    kind: SessionKind
    principal: Principal
    key_id: KeyId
    purpose: str
    scopes: tuple[str, ...]
    gesture_at: Micros
    ends_at: Micros
    id: bytes
    """What tells it from other sessions of the same person."""


class Sessions:
    """Opens, recognises and ends sessions. Who gave the gesture is the caller's knowledge."""

    def __init__(
        self, store: IdentityStore, clock: Clock, entropy: Entropy, limits: SessionLimits
    ) -> None:
        self._store = store
        self._clock = clock
        self._entropy = entropy
        self._limits = limits

    def open_portal(self, principal: PrincipalId, key_id: KeyId) -> str:
        """Return the token of a new portal session, right after a gesture with `key_id`."""
        limits = self._limits
        return self._open(
            SessionKind.PORTAL,
            principal,
            key_id,
            idle_seconds=limits.idle_seconds_max,
            seconds=limits.portal_seconds_max,
        )

    def open_bearer(
        self, principal: PrincipalId, key_id: KeyId, purpose: str, scopes: tuple[str, ...]
    ) -> str:
        """Return a bearer token for one purpose (an HL7 v3 PurposeOfUse code) and some scopes."""
        if not _PURPOSE.fullmatch(purpose):
            raise MalformedInput("is no HL7 PurposeOfUse code", where="purpose")
        if not 1 <= len(scopes) <= SCOPES_MAX or not all(map(_SCOPE.fullmatch, scopes)):
            raise MalformedInput(
                Said("1 to {most} scopes are needed", most=SCOPES_MAX), where="scope"
            )
        seconds = self._limits.bearer_seconds_max
        return self._open(
            SessionKind.BEARER,
            principal,
            key_id,
            idle_seconds=seconds,
            seconds=seconds,
            purpose=purpose,
            scopes=scopes,
        )

    def renew(self, token: str, principal: PrincipalId, key_id: KeyId) -> str:
        """End a portal session and return the token of a fresh one, after a new gesture.

        The token changes, so that one that was stolen before does not gain from the gesture.
        """
        with self._store.transaction():
            if self.authenticate(token, SessionKind.PORTAL).principal.id != principal:
                raise NotAuthenticated(_SIGN_IN)
            self.revoke(token)
            return self.open_portal(principal, key_id)

    def authenticate(self, token: str, kind: SessionKind) -> Session:
        """Return the live session of `token`, or raise `NotAuthenticated`. A portal one slides."""
        raw = _raw_token(token)
        now = self._clock.now()
        stored = self._store.tokens.session(raw)
        if stored is None or not _same(stored.kind, kind) or stored.revoked:
            raise NotAuthenticated(_SIGN_IN)
        if not stored.gesture_at <= now < min(stored.idle_until, stored.ends_at):
            raise NotAuthenticated(_SIGN_IN)
        principal = self._store.principal(stored.principal)
        if principal.status not in MAY_SIGN_IN or stored.key_id not in principal.keys:
            raise NotAuthenticated(_SIGN_IN)
        if kind is SessionKind.PORTAL:
            self._slide(raw, stored, now)
        return Session(
            kind,
            principal,
            stored.key_id,
            stored.purpose,
            stored.scopes,
            stored.gesture_at,
            stored.ends_at,
            session_id(raw),
        )

    def revoke(self, token: str) -> None:
        """End a session: sign out. Ending an unknown one is not an error."""
        self._store.tokens.revoke_session(_raw_token(token), self._clock.now())

    def revoke_all(self, principal: PrincipalId) -> int:
        """End every session of a principal, of both kinds. Return how many were live."""
        return self._store.tokens.revoke_sessions(principal, self._clock.now())

    def _open(
        self,
        kind: SessionKind,
        principal: PrincipalId,
        key_id: KeyId,
        *,
        idle_seconds: int,
        seconds: int,
        purpose: str = "",
        scopes: tuple[str, ...] = (),
    ) -> str:
        now = self._clock.now()
        raw = self._entropy(TOKEN_BYTES)
        session = StoredSession(
            kind,
            principal,
            key_id,
            purpose,
            scopes,
            now,
            Micros(now + idle_seconds * MICROS_PER_SECOND),
            Micros(now + seconds * MICROS_PER_SECOND),
        )
        self._store.tokens.add_session(raw, session, SESSIONS_MAX)
        return encode_token(raw)

    def _slide(self, raw: bytes, stored: StoredSession, now: Micros) -> None:
        idle_until = now + self._limits.idle_seconds_max * MICROS_PER_SECOND
        if idle_until - stored.idle_until >= SLIDE_STEP_MICROS:
            self._store.tokens.slide_session(raw, Micros(idle_until))


_SIGN_IN = "sign in again"


def encode_token(raw: bytes) -> str:
    """Return the 43 characters that stand for a token of 32 bytes."""
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def decode_token(token: str) -> bytes | None:
    """Return the 32 bytes of a token, or None: there is one form of each."""
    if len(token) != TOKEN_CHARACTERS or not token.isascii():
        return None
    try:
        raw = base64.b64decode(token + "=", altchars=b"-_", validate=True)
    except binascii.Error:
        return None
    return raw if encode_token(raw) == token else None


def _raw_token(token: str) -> bytes:
    raw = decode_token(token)
    # A token that cannot be one takes the same way as an unknown one.
    return hashlib.sha256(token.encode("utf-8", "replace")).digest() if raw is None else raw


def _same(stored: str, expected: str) -> bool:
    return hmac.compare_digest(stored.encode(), expected.encode())
