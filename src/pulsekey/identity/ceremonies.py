"""The passkey ceremonies with their memory: who was asked what, once, and until when.

Each ceremony begins with a random challenge of its own purpose, and ends by using it up *before*
the response is looked at: one response, one try. Sign-in and registration challenges are digests
under their own tags, an operation's challenge is computed by `consent`, so none can stand for
another. A refusal tells the caller nothing but that it was one.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from pulsekey.identity.actions import Action
from pulsekey.identity.lifecycle import MAY_SIGN_IN, Event, Status
from pulsekey.identity.passkeys import (
    Gesture,
    NewPasskey,
    creation_options,
    judge_assertion,
    judge_registration,
    request_options,
)
from pulsekey.identity.principals import PASSKEYS_MAX, Passkey, Principal, Role, checked_name
from pulsekey.identity.relying_party import RelyingParty
from pulsekey.identity.responses import (
    CHALLENGE_BYTES,
    AssertionResponse,
    JsonObject,
    Refusal,
    read_assertion,
    read_registration,
)
from pulsekey.identity.sessions import Session, Sessions, decode_token
from pulsekey.identity.store import IdentityStore, new_principal
from pulsekey.identity.token_store import PendingChallenge, Purpose, TokenKind
from pulsekey.primitives import canonical, tags
from pulsekey.primitives.clock import MICROS_PER_SECOND, Clock, Micros
from pulsekey.primitives.errors import (
    AccessDenied,
    Conflict,
    IntegrityError,
    MalformedInput,
    NotAuthenticated,
)
from pulsekey.primitives.hashing import tagged
from pulsekey.primitives.ids import Digest, Entropy, KeyId, PrincipalId, opaque
from pulsekey.primitives.messages import Said

CHALLENGE_SECONDS_MAX = 300
"""How long a person may take for a gesture, reading included."""

REFUSED = "the passkey was not accepted"


@dataclass(frozen=True, slots=True)
class Registered:
    principal: Principal
    passkey: Passkey


@dataclass(frozen=True, slots=True)
class SignedIn:
    principal: Principal
    key_id: KeyId


@dataclass(frozen=True, slots=True)
class Draft:
    """What a registration will create when its gesture succeeds."""

    principal: PrincipalId
    role: Role
    display_name: str
    organisation_name: str = ""
    """Only at set-up: the organisation that runs this node."""

    one_time_token: bytes = b""
    """Set-up and invitations: the token to use up together with the gesture."""

    session: bytes = b""
    """Only for a further passkey: the session in which it was asked for."""


class Ceremonies:
    """Begins and finishes ceremonies. `on_refusal` hears why one failed, for the operator's log."""

    def __init__(
        self,
        store: IdentityStore,
        party: RelyingParty,
        sessions: Sessions,
        *,
        clock: Clock,
        entropy: Entropy,
        on_refusal: Callable[[Refusal], None],
    ) -> None:
        self._store = store
        self._party = party
        self._sessions = sessions
        self._clock = clock
        self._entropy = entropy
        self._on_refusal = on_refusal

    def begin_registration(self, role: Role, display_name: str) -> dict[str, object]:
        """Let a patient or a clinician register themselves; an operator confirms them later."""
        if role is Role.OPERATOR:
            raise MalformedInput("operators are invited", where="role")
        self._store.custodian()
        draft = Draft(self._new_id(), role, checked_name(display_name))
        return self._begin_creation(Purpose.REGISTER, draft)

    def begin_invited(self, invitation: str) -> dict[str, object]:
        """Let somebody register whom an operator has invited. The token is used up at the end."""
        raw = decode_token(invitation) or b""
        tokens, now = self._store.tokens, self._clock.now()
        found = tokens.one_time_stands(raw, TokenKind.INVITATION, now) or tokens.one_time_stands(
            raw, TokenKind.CONSOLE, now
        )
        if found is None or found[0] is None:
            raise NotAuthenticated(REFUSED)
        principal = self._store.principal(found[0])
        draft = Draft(principal.id, principal.role, principal.display_name, one_time_token=raw)
        return self._begin_creation(Purpose.REGISTER, draft)

    def begin_set_up(
        self, set_up_token: str, display_name: str, organisation_name: str
    ) -> dict[str, object]:
        """Let the first operator register with the token that the node printed."""
        raw = decode_token(set_up_token) or b""
        found = self._store.tokens.one_time_stands(raw, TokenKind.SET_UP, self._clock.now())
        if found is None or self._store.has_operator():
            raise NotAuthenticated(REFUSED)
        draft = Draft(
            self._new_id(),
            Role.OPERATOR,
            checked_name(display_name),
            checked_name(organisation_name, where="organisation name"),
            raw,
        )
        return self._begin_creation(Purpose.SET_UP, draft)

    def finish_set_up(self, response: JsonObject) -> Registered:
        """Create the custodian's organisation and its first operator, or nothing."""
        return self._finish_new(response, Purpose.SET_UP)

    def finish_registration(self, response: JsonObject) -> Registered:
        """Keep a new principal with their first passkey, or raise `NotAuthenticated`."""
        return self._finish_new(response, Purpose.REGISTER)

    def begin_passkey(self, session: Session) -> dict[str, object]:
        """Return options for another passkey of the same person, on this or another device.

        It becomes theirs only with a gesture of one that is theirs already: see
        `exchange.sign_operation` for patients and `staff_passkeys` for all others.
        """
        principal = session.principal
        passkeys = self._store.passkeys(principal.id)
        if len(passkeys) >= PASSKEYS_MAX:
            raise Conflict(Said("{most} passkeys are enough", most=PASSKEYS_MAX))
        draft = Draft(principal.id, principal.role, principal.display_name, session=session.id)
        registered = [each.credential_id for each in passkeys]
        return self._begin_creation(Purpose.ADD_PASSKEY, draft, registered)

    def finish_passkey(self, session: Session, response: JsonObject) -> Passkey:
        """Return another passkey that was made for this session; `NotAuthenticated` if it was not.

        Nothing is kept yet: a session alone, left open or stolen, must not let a passkey in.
        """
        challenge, pending = self._take_registration(response, Purpose.ADD_PASSKEY)
        asked_in = _decode_draft(pending.draft).session
        if (pending.principal, asked_in) != (session.principal.id, session.id):
            raise self._refused(Refusal.OWNER)
        return self._judged(response, challenge, session.principal.id)

    def begin_step_up(
        self, session: Session, deed: Sequence[str], *, but: KeyId | None = None
    ) -> dict[str, object]:
        """Ask for a gesture that confirms one deed in this session, by any passkey `but` one.

        A session that was left open, or its stolen token, is not enough for what `deed` names.
        """
        allowed = [
            each.credential_id
            for each in self._store.passkeys(session.principal.id)
            if each.key_id != but
        ]
        if not allowed:
            raise Conflict("the last passkey cannot be removed")
        challenge = tagged(tags.SIGN_IN, self._entropy(CHALLENGE_BYTES))
        meant = canonical.encode([session.id.hex(), *deed])
        owner = session.principal.id
        self._open(challenge, PendingChallenge(Purpose.STEP_UP, self._expiry(), owner, draft=meant))
        return request_options(self._party, challenge=challenge, allowed=allowed)

    def finish_step_up(
        self,
        session: Session,
        deed: Sequence[str],
        response: JsonObject,
        *,
        but: KeyId | None = None,
    ) -> KeyId:
        """Return the passkey that confirmed `deed`, or raise `NotAuthenticated`."""
        read = self._read(response)
        pending = self._take(read.challenge, Purpose.STEP_UP)
        if pending.draft != canonical.encode([session.id.hex(), *deed]):
            raise self._refused(Refusal.CHALLENGE)
        gesture, passkey = self._gesture(response, read, read.challenge)
        if passkey.principal != session.principal.id:
            raise self._refused(Refusal.OWNER)
        if passkey.key_id == but:
            raise self._refused(Refusal.CREDENTIAL)
        self._count(gesture)
        return passkey.key_id

    def begin_sign_in(self) -> dict[str, object]:
        """Ask for a gesture of anybody: names nobody, so it tells nobody who is registered."""
        challenge = tagged(tags.SIGN_IN, self._entropy(CHALLENGE_BYTES))
        self._open(challenge, PendingChallenge(Purpose.SIGN_IN, self._expiry()))
        return request_options(self._party, challenge=challenge)

    def finish_sign_in(self, response: JsonObject) -> SignedIn:
        """Return who gave the gesture, or raise `NotAuthenticated`. Opens no session."""
        read = self._read(response)
        # WebAuthn Level 3, section 7.2, step 6: a user who was not named has to name themselves.
        if read.user_handle is None:
            raise self._refused(Refusal.OWNER)
        self._take(read.challenge, Purpose.SIGN_IN)
        gesture, passkey = self._gesture(response, read, read.challenge)
        principal = self._store.principal(passkey.principal)
        if principal.status not in MAY_SIGN_IN:
            # Whoever gave this gesture holds the account's passkey, and may know what became of it.
            raise AccessDenied(Said("this account is {status}", status=Said(principal.status)))
        self._count(gesture)
        return SignedIn(principal, passkey.key_id)

    def begin_operation(
        self, principal: PrincipalId, challenge: Digest, signer: KeyId
    ) -> dict[str, object]:
        """Ask for a gesture by the one passkey that an operation names as its signer.

        A page that was closed may begin again; an operation that was answered raises `Conflict`.
        """
        allowed = [
            each.credential_id for each in self._store.passkeys(principal) if each.key_id == signer
        ]
        if not allowed:
            raise Conflict("this passkey does not belong to this account")
        if len(challenge) != CHALLENGE_BYTES:
            raise MalformedInput("is 32 bytes", where="operation challenge")
        self._open(
            challenge, PendingChallenge(Purpose.OPERATION, self._expiry(), principal, signer)
        )
        return request_options(self._party, challenge=challenge, allowed=allowed)

    def finish_operation(
        self, principal: PrincipalId, challenge: Digest, response: JsonObject
    ) -> Gesture:
        """Return the parts of a ledger witness, or raise `NotAuthenticated`."""
        read = self._read(response)
        pending = self._take(challenge, Purpose.OPERATION)
        if pending.principal != principal:
            raise self._refused(Refusal.OWNER)
        gesture, passkey = self._gesture(response, read, challenge)
        if passkey.principal != principal or passkey.key_id != pending.key_id:
            raise self._refused(Refusal.CREDENTIAL)
        if self._store.principal(principal).status not in MAY_SIGN_IN:
            raise self._refused(Refusal.OWNER)
        self._count(gesture)
        return gesture

    def _begin_creation(
        self, purpose: Purpose, draft: Draft, registered: list[bytes] | None = None
    ) -> dict[str, object]:
        challenge = tagged(tags.REGISTRATION, self._entropy(CHALLENGE_BYTES))
        self._open(
            challenge,
            PendingChallenge(purpose, self._expiry(), draft.principal, draft=_encode_draft(draft)),
        )
        return creation_options(
            self._party,
            user_handle=draft.principal.encode(),
            user_name=draft.display_name,
            challenge=challenge,
            registered=registered or [],
        )

    def _finish_new(self, response: JsonObject, purpose: Purpose) -> Registered:
        challenge, pending = self._take_registration(response, purpose)
        draft = _decode_draft(pending.draft)
        passkey = self._judged(response, challenge, draft.principal)
        with self._store.transaction():
            if purpose is Purpose.SET_UP:
                self._create_first_operator(draft)
            elif draft.one_time_token:
                self._join(draft)
            else:
                self._create(draft, Status.REGISTERED)
            self._store.add_passkey(passkey)
            return Registered(self._store.principal(draft.principal), passkey)

    def _create_first_operator(self, draft: Draft) -> None:
        # The token lives only while there is no operator, so whoever uses it up is the first.
        self._use_up(draft, TokenKind.SET_UP)
        self._store.found_custodian(draft.organisation_name, self._entropy)
        self._create(draft, Status.CONFIRMED)
        self._log(draft.principal, Action.SET_UP, draft.principal)

    def _join(self, draft: Draft) -> None:
        tokens, now = self._store.tokens, self._clock.now()
        by_console = tokens.take_one_time(draft.one_time_token, TokenKind.CONSOLE, now)
        if not by_console:
            self._use_up(draft, TokenKind.INVITATION)
        self._store.advance(draft.principal, Event.REGISTER)
        if by_console:
            self._store.advance(draft.principal, Event.CONFIRM)
            self._log(None, Action.CONSOLE_JOIN, draft.principal)

    def _log(self, actor: PrincipalId | None, action: Action, subject: PrincipalId) -> None:
        self._store.actions.add(actor, action, subject, self._clock.now())

    def _create(self, draft: Draft, status: Status) -> None:
        principal = new_principal(
            draft.role,
            status,
            self._store.custodian().id,
            draft.display_name,
            now=self._clock.now(),
            entropy=self._entropy,
            principal_id=draft.principal,
        )
        self._store.add_principal(principal)

    def _use_up(self, draft: Draft, kind: TokenKind) -> None:
        if not self._store.tokens.take_one_time(draft.one_time_token, kind, self._clock.now()):
            raise NotAuthenticated(REFUSED)

    def _take_registration(
        self, response: JsonObject, purpose: Purpose
    ) -> tuple[bytes, PendingChallenge]:
        read = read_registration(response)
        if isinstance(read, Refusal):
            raise self._refused(read)
        return read.challenge, self._take(read.challenge, purpose)

    def _judged(self, response: JsonObject, challenge: bytes, owner: PrincipalId) -> Passkey:
        judged = judge_registration(response, self._party, challenge)
        if isinstance(judged, Refusal):
            raise self._refused(judged)
        return _passkey_of(judged, owner, self._clock.now())

    def _read(self, response: JsonObject) -> AssertionResponse:
        read = read_assertion(response)
        if isinstance(read, Refusal):
            raise self._refused(read)
        return read

    def _gesture(
        self, response: JsonObject, read: AssertionResponse, challenge: bytes
    ) -> tuple[Gesture, Passkey]:
        passkey = self._store.passkey(read.credential_id)
        if passkey is None:
            raise self._refused(Refusal.CREDENTIAL)
        judged = judge_assertion(response, self._party, challenge, passkey)
        if judged is Refusal.COUNTER:
            self._store.suspect_clone(passkey.credential_id, self._clock.now())
        if isinstance(judged, Refusal):
            raise self._refused(judged)
        return judged, passkey

    def _count(self, gesture: Gesture) -> None:
        """Keep the risen counter. It was judged by a copy: a concurrent gesture may be ahead."""
        with self._store.transaction():
            ahead = self._store.raise_sign_count(gesture.credential_id, gesture.sign_count)
            self._store.note_use(gesture.credential_id, self._clock.now())
        if not ahead:
            self._store.suspect_clone(gesture.credential_id, self._clock.now())
            raise self._refused(Refusal.COUNTER)

    def _open(self, challenge: bytes, pending: PendingChallenge) -> None:
        self._store.tokens.open_challenge(challenge, pending, self._clock.now())

    def _take(self, challenge: bytes, purpose: Purpose) -> PendingChallenge:
        pending = self._store.tokens.take_challenge(challenge, purpose, self._clock.now())
        if pending is None:
            raise self._refused(Refusal.CHALLENGE)
        return pending

    def _refused(self, why: Refusal) -> NotAuthenticated:
        self._on_refusal(why)
        return NotAuthenticated(REFUSED)

    def _expiry(self) -> Micros:
        return Micros(self._clock.now() + CHALLENGE_SECONDS_MAX * MICROS_PER_SECOND)

    def _new_id(self) -> PrincipalId:
        return PrincipalId(opaque(self._entropy))


def _passkey_of(new: NewPasskey, owner: PrincipalId, now: Micros) -> Passkey:
    return Passkey(
        new.credential_id,
        owner,
        new.key,
        new.rp_id_hash,
        new.sign_count,
        new.synced,
        new.transports,
        now,
    )


def _encode_draft(draft: Draft) -> bytes:
    return canonical.encode(
        [
            draft.principal,
            draft.role.value,
            draft.display_name,
            draft.organisation_name,
            draft.one_time_token.hex(),
            draft.session.hex(),
        ]
    )


def _decode_draft(content: bytes) -> Draft:
    match canonical.decode(content, where="draft"):
        case [str(principal), str(role), str(name), str(organisation), str(token), str(session)]:
            return Draft(
                PrincipalId(principal),
                Role(role),
                name,
                organisation,
                bytes.fromhex(token),
                bytes.fromhex(session),
            )
        case _:
            raise IntegrityError("a sealed draft has another form")
