"""Challenges, sessions and one-time tokens at rest: only their digests, and whether they were used.

Taking something that may be used once is one UPDATE that names every condition, committed before
the caller learns of it: of two threads or processes one succeeds, and after SIGKILL it stays used.
"""

from dataclasses import dataclass
from enum import StrEnum

from pulsekey.identity.database import Database, Row
from pulsekey.identity.sealing import Sealer
from pulsekey.primitives import tags
from pulsekey.primitives.clock import MICROS_PER_SECOND, Micros
from pulsekey.primitives.errors import Conflict
from pulsekey.primitives.hashing import tagged
from pulsekey.primitives.ids import KeyId, PrincipalId

CHALLENGES_MAX = 100_000
"""Open and recently used challenges kept at a time, of those that anybody may ask for."""

KEPT_MICROS = 3_600 * MICROS_PER_SECOND
"""What has ended is kept this long, so that using it again is still known to be that."""


class Purpose(StrEnum):
    """What a challenge may be answered for, and nothing else."""

    REGISTER = "register"
    SET_UP = "set-up"
    ADD_PASSKEY = "add-passkey"
    SIGN_IN = "sign-in"
    OPERATION = "operation"
    STEP_UP = "step-up"
    """A gesture by which somebody who is signed in confirms one act on their own passkeys."""


ANYBODYS = (Purpose.REGISTER, Purpose.SET_UP, Purpose.SIGN_IN)
"""What a challenge is given out for to somebody who has not signed in."""


class TokenKind(StrEnum):
    SET_UP = "set-up"
    INVITATION = "invitation"
    CONSOLE = "console"
    """An operator's invitation that was made at the machine itself."""


@dataclass(frozen=True, slots=True)
class PendingChallenge:
    """What was remembered when a challenge was given out. `draft` holds what is to be created."""

    purpose: Purpose
    expires_at: Micros
    principal: PrincipalId | None = None
    key_id: KeyId | None = None
    draft: bytes = b""


@dataclass(frozen=True, slots=True)
class StoredSession:
    """A session as it is kept: everything but its token."""

    kind: str
    principal: PrincipalId
    key_id: KeyId
    purpose: str
    scopes: tuple[str, ...]
    gesture_at: Micros
    idle_until: Micros
    ends_at: Micros
    revoked: bool = False


_SESSION_COLUMNS = (
    "kind, principal, key_id, purpose, scopes, gesture_at, idle_until, ends_at,"
    " revoked_at IS NOT NULL"
)


class TokenStore:
    """Everything that is presented once or for a while."""

    def __init__(self, database: Database, sealer: Sealer) -> None:
        self._database = database
        self._sealer = sealer

    def open_challenge(self, challenge: bytes, pending: PendingChallenge, now: Micros) -> None:
        """Remember a challenge. An open one may be given out again, a used one is `Conflict`."""
        token = self._sealer.token("challenge", challenge)
        draft = self._sealer.seal(f"challenges:{token.hex()}", pending.draft)
        with self._database.transaction():
            self._database.write("DELETE FROM challenges WHERE expires_at < ?", now - KEPT_MICROS)
            if pending.purpose in ANYBODYS:
                self._make_room()
            stored = self._database.write(
                "INSERT INTO challenges VALUES (?, ?, ?, ?, ?, ?, NULL)"
                " ON CONFLICT (token) DO UPDATE SET expires_at = excluded.expires_at,"
                " draft = excluded.draft WHERE used_at IS NULL AND purpose = excluded.purpose"
                " AND principal IS excluded.principal AND key_id IS excluded.key_id",
                token,
                pending.purpose,
                pending.principal,
                pending.key_id,
                draft,
                pending.expires_at,
            )
            if not stored:
                raise Conflict("this challenge has been answered already")

    def _make_room(self) -> None:
        """Let the oldest give way among the challenges that anybody may ask for.

        Refusing new ones instead would let a stranger keep everybody out, and a patient from
        stopping a consent. These challenges are random: a forgotten one is refused like a used one.
        """
        ((kept,),) = self._database.rows(
            "SELECT count(*) FROM challenges WHERE purpose IN (?, ?, ?)", *ANYBODYS
        )
        if kept >= CHALLENGES_MAX:
            self._database.write(
                "DELETE FROM challenges WHERE token IN (SELECT token FROM challenges"
                " WHERE purpose IN (?, ?, ?) ORDER BY expires_at LIMIT ?)",
                *ANYBODYS,
                kept - CHALLENGES_MAX + 1,
            )

    def take_challenge(
        self, challenge: bytes, purpose: Purpose, now: Micros
    ) -> PendingChallenge | None:
        """Use up a challenge; None if it is unknown, used, expired or meant for something else."""
        token = self._sealer.token("challenge", challenge)
        with self._database.transaction():
            taken = self._database.write(
                "UPDATE challenges SET used_at = ? WHERE token = ? AND purpose = ?"
                " AND used_at IS NULL AND expires_at > ?",
                now,
                token,
                purpose,
                now,
            )
            row = self._database.row(
                "SELECT expires_at, principal, key_id, draft FROM challenges WHERE token = ?", token
            )
        if not taken or row is None:
            return None
        expires_at, principal, key_id, draft = row
        opened = self._sealer.open(f"challenges:{token.hex()}", draft)
        return PendingChallenge(purpose, Micros(expires_at), principal, key_id, opened)

    def add_session(self, token: bytes, session: StoredSession, sessions_max: int) -> None:
        """Keep a session, and end the oldest of the same kind beyond `sessions_max`."""
        with self._database.transaction():
            self._database.write(
                "DELETE FROM sessions WHERE ends_at < ?", session.gesture_at - KEPT_MICROS
            )
            self._database.write(
                "INSERT INTO sessions VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, NULL)",
                session_id(token),
                session.kind,
                session.principal,
                session.key_id,
                session.purpose,
                " ".join(session.scopes),
                session.gesture_at,
                session.idle_until,
                session.ends_at,
            )
            self._database.write(
                "UPDATE sessions SET revoked_at = ?1 WHERE revoked_at IS NULL AND token IN ("
                " SELECT token FROM sessions WHERE principal = ?2 AND kind = ?3"
                " AND revoked_at IS NULL ORDER BY gesture_at DESC, token LIMIT -1 OFFSET ?4)",
                session.gesture_at,
                session.principal,
                session.kind,
                sessions_max,
            )

    def session(self, token: bytes) -> StoredSession | None:
        row = self._database.row(
            f"SELECT {_SESSION_COLUMNS} FROM sessions WHERE token = ?",  # noqa: S608 - a constant
            session_id(token),
        )
        return None if row is None else _session(row)

    def slide_session(self, token: bytes, idle_until: Micros) -> None:
        self._database.write(
            "UPDATE sessions SET idle_until = ?1 WHERE token = ?2 AND idle_until < ?1",
            idle_until,
            session_id(token),
        )

    def end_everything(self, now: Micros) -> None:
        """End every session and forget every challenge and one-time token."""
        with self._database.transaction():
            self._database.write("UPDATE sessions SET revoked_at = ? WHERE revoked_at IS NULL", now)
            self._database.write("DELETE FROM challenges")
            self._database.write("DELETE FROM one_time_tokens")

    def revoke_session(self, token: bytes, now: Micros) -> None:
        """End a session. Ending an unknown or ended one is not an error."""
        self._database.write(
            "UPDATE sessions SET revoked_at = ? WHERE token = ? AND revoked_at IS NULL",
            now,
            session_id(token),
        )

    def revoke_sessions(
        self, principal: PrincipalId, now: Micros, *, key_id: KeyId | None = None
    ) -> int:
        """End all sessions of a principal, or those that one passkey opened. Return how many."""
        return self._database.write(
            "UPDATE sessions SET revoked_at = ?1 WHERE principal = ?2 AND revoked_at IS NULL"
            " AND (?3 IS NULL OR key_id = ?3)",
            now,
            principal,
            key_id,
        )

    def forget_one_time(self, principal: PrincipalId) -> None:
        """Let every token that names a principal work no more."""
        self._database.write("DELETE FROM one_time_tokens WHERE principal = ?", principal)

    def put_one_time(
        self, token: bytes, kind: TokenKind, principal: PrincipalId | None, expires_at: Micros
    ) -> None:
        """Keep a one-time token in the place of any earlier one for the same thing."""
        with self._database.transaction():
            self._database.write(
                "DELETE FROM one_time_tokens WHERE kind = ? AND principal IS ?", kind, principal
            )
            self._database.write(
                "INSERT INTO one_time_tokens VALUES (?, ?, ?, ?, NULL)",
                _one_time_token(token),
                kind,
                principal,
                expires_at,
            )

    def one_time_stands(
        self, token: bytes, kind: TokenKind, now: Micros
    ) -> tuple[PrincipalId | None] | None:
        """Return whom an unused token names (in a tuple, because set-up names nobody), or None."""
        return self._database.row(
            "SELECT principal FROM one_time_tokens WHERE token = ? AND kind = ?"
            " AND used_at IS NULL AND expires_at > ?",
            _one_time_token(token),
            kind,
            now,
        )

    def take_one_time(self, token: bytes, kind: TokenKind, now: Micros) -> bool:
        """Use up a token. Of several takers exactly one is told True."""
        return bool(
            self._database.write(
                "UPDATE one_time_tokens SET used_at = ? WHERE token = ? AND kind = ?"
                " AND used_at IS NULL AND expires_at > ?",
                now,
                _one_time_token(token),
                kind,
                now,
            )
        )


def _session(row: Row) -> StoredSession:
    kind, principal, key_id, purpose, scopes, gesture_at, idle_until, ends_at, revoked = row
    return StoredSession(
        kind,
        PrincipalId(principal),
        KeyId(key_id),
        purpose,
        tuple(scopes.split()),
        Micros(gesture_at),
        Micros(idle_until),
        Micros(ends_at),
        bool(revoked),
    )


# A token has 256 random bits: its bare digest cannot be inverted, and an index over digests leaks
# nothing about tokens through the time that a lookup takes.
def session_id(token: bytes) -> bytes:
    """Return the 32 bytes by which a session is known, and which open nothing."""
    return tagged(tags.SESSION_TOKEN, token)


def _one_time_token(token: bytes) -> bytes:
    return tagged(tags.ONE_TIME_TOKEN, token)
