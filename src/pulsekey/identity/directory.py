"""What operators do: invite and confirm people, bind patients to identifiers, suspend and close.

Every verb looks the acting operator up again, so an operator who was suspended a moment ago can do
nothing. A confirmation, the bindings it rests on and its signed statement are stored together or
not at all. Nobody confirms themselves. Every act is written into the list of actions with itself.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from pulsekey.identity.actions import Action
from pulsekey.identity.enrolment import (
    Check,
    SignedStatement,
    Statement,
    commitment,
    openings,
    sign_statement,
)
from pulsekey.identity.lifecycle import Event, Status
from pulsekey.identity.ports import Signer
from pulsekey.identity.principals import (
    IDENTIFIERS_MAX,
    Identifier,
    Organisation,
    Principal,
    Role,
    checked_identifier,
    checked_name,
    require_grantable,
    require_operator,
)
from pulsekey.identity.sessions import TOKEN_BYTES, encode_token
from pulsekey.identity.store import IdentityStore, new_principal
from pulsekey.identity.token_store import TokenKind
from pulsekey.primitives.clock import MICROS_PER_SECOND, Clock, Micros, seconds
from pulsekey.primitives.errors import AccessDenied, Conflict, MalformedInput, NotFound
from pulsekey.primitives.ids import Entropy, OrganisationId, PatientId, PrincipalId, opaque
from pulsekey.primitives.messages import Said

INVITATION_SECONDS_MAX = 7 * 24 * 3_600
STATEMENT_ORGANISATION = "organisation name"


@dataclass(frozen=True, slots=True)
class Invitation:
    """The person who was invited, and the token to give them: it is shown once."""

    principal: Principal
    token: str


@dataclass(frozen=True, slots=True)
class Recipient:
    """Whom a consent may name: confirmed, with the organisations that stand in its sentence."""

    principal: Principal
    organisation: Organisation
    confirmed_by: Organisation
    statement: SignedStatement


class Directory:
    """The operators' verbs, and the look-ups that the rest of the node needs."""

    def __init__(
        self, store: IdentityStore, signer: Signer, clock: Clock, entropy: Entropy
    ) -> None:
        self._store = store
        self._signer = signer
        self._clock = clock
        self._entropy = entropy

    def add_organisation(self, operator: PrincipalId, name: str) -> Organisation:
        checked = checked_name(name, where=STATEMENT_ORGANISATION)
        with self._store.transaction():
            self._require_operator(operator)
            if any(each.name == checked for each in self._store.organisations()):
                raise Conflict("an organisation of this name exists")
            organisation = Organisation(OrganisationId(opaque(self._entropy)), checked)
            self._store.add_organisation(organisation)
        return organisation

    def invite(
        self,
        operator: PrincipalId,
        role: Role,
        display_name: str,
        identifiers: Sequence[Identifier] = (),
    ) -> Invitation:
        """Create an account that waits for its passkey; a patient's record can be filled before."""
        checked = _checked_identifiers(role, identifiers)
        now = self._clock.now()
        with self._store.transaction():
            self._require_operator(operator)
            principal = new_principal(
                role,
                Status.INVITED,
                self._store.custodian().id,
                checked_name(display_name),
                now=now,
                entropy=self._entropy,
            )
            self._store.add_principal(principal)
            self._log(operator, Action.INVITE, principal.id)
            self._bind(principal, checked, operator)
            return Invitation(principal, self._invitation_token(principal.id))

    def invite_again(self, operator: PrincipalId, principal: PrincipalId) -> Invitation:
        """Return a new token for somebody who has not registered; the earlier one stops working."""
        with self._store.transaction():
            self._require_operator(operator)
            invited = self._store.principal(principal)
            if invited.status is not Status.INVITED:
                raise Conflict(
                    Said(
                        "an account that is {status} is not waiting to register",
                        status=Said(invited.status),
                    )
                )
            self._log(operator, Action.INVITE_AGAIN, principal)
            return Invitation(invited, self._invitation_token(principal))

    def bind(
        self, operator: PrincipalId, patient: PrincipalId, identifiers: Sequence[Identifier]
    ) -> None:
        """Bind more identifiers to a patient; one of another patient's raises `Conflict`."""
        checked = _checked_identifiers(Role.PATIENT, identifiers)
        with self._store.transaction():
            self._require_operator(operator)
            principal = self._store.principal(patient)
            if principal.status is Status.CLOSED:
                raise Conflict("this account is closed")
            self._bind(principal, checked, operator)

    def unbind(self, operator: PrincipalId, patient: PrincipalId, identifier: Identifier) -> Micros:
        """Take a wrongly bound identifier from a patient; return since when it was bound.

        Whatever was imported while it was bound stays in the record that it is in: moving it would
        show somebody's data to whoever was let into another's record. Later imports that name the
        identifier are set aside again, until it is bound to the right patient.
        """
        with self._store.transaction():
            self._require_operator(operator)
            principal = self._store.principal(patient)
            if principal.patient is None:
                raise Conflict("only a patient has identifiers")
            bound_at = self._store.unbind(principal.patient, checked_identifier(identifier))
            self._log(operator, Action.UNBIND, patient)
        return bound_at

    def confirm_patient(
        self,
        operator: PrincipalId,
        patient: PrincipalId,
        identifiers: Sequence[Identifier],
        check: Check,
    ) -> SignedStatement:
        """State that this account is that of a person who was identified, bound to `identifiers`.

        The patient has opened their ledger account before: the statement names it.
        """
        checked = _checked_identifiers(Role.PATIENT, identifiers)
        with self._store.transaction():
            self._require_operator(operator)
            principal = self._store.principal(patient)
            if principal.role is not Role.PATIENT:
                raise Conflict("this principal is not a patient")
            if principal.account is None:
                raise Conflict("this patient has no ledger account yet")
            self._bind(principal, checked, operator)
            return self._confirm(operator, principal, principal.organisation, check)

    def confirm_staff(
        self,
        operator: PrincipalId,
        subject: PrincipalId,
        organisation: OrganisationId,
        check: Check,
    ) -> SignedStatement:
        """State that a clinician or operator was identified and belongs to `organisation`."""
        with self._store.transaction():
            self._require_operator(operator)
            principal = self._store.principal(subject)
            if principal.role is Role.PATIENT:
                raise Conflict("a patient is confirmed with their identifiers")
            self._store.set_organisation(subject, organisation)
            return self._confirm(operator, principal, organisation, check)

    def withdraw(self, operator: PrincipalId, subject: PrincipalId) -> None:
        """A confirmation no longer holds: nothing new is granted, and the gate refuses to read."""
        self._advance(operator, subject, Event.WITHDRAW)

    def suspend(self, operator: PrincipalId, subject: PrincipalId) -> None:
        """End all sessions of an account and let nobody sign in to it."""
        self._advance(operator, subject, Event.SUSPEND)

    def reinstate(self, operator: PrincipalId, subject: PrincipalId) -> None:
        """Let somebody sign in again. They have to be confirmed anew."""
        self._advance(operator, subject, Event.REINSTATE)

    def close(self, operator: PrincipalId, subject: PrincipalId) -> None:
        """Close an account for good."""
        self._advance(operator, subject, Event.CLOSE)

    def recipient(self, principal: PrincipalId) -> Recipient:
        """Return a confirmed clinician as consent may name them, or raise `AccessDenied`.

        Somebody unknown and somebody unconfirmed are refused alike.
        """
        try:
            found = self._store.principal(principal)
        except NotFound:
            raise AccessDenied("this recipient's identity has not been confirmed") from None
        require_grantable(found)
        (newest, _), *_ = self._store.statements_of(principal)
        return Recipient(
            found, self._store.organisation(found.organisation), self._store.custodian(), newest
        )

    def recipients(self) -> list[Recipient]:
        """Return every clinician whom a patient may choose, by name."""
        confirmed = [self.recipient(each.id) for each in self._store.confirmed(Role.CLINICIAN)]
        return sorted(confirmed, key=lambda each: (each.principal.display_name, each.principal.id))

    def patient_of(self, identifier: Identifier) -> PatientId | None:
        """Return the patient whom an operator has bound an identifier to, or None."""
        return self._store.patient_of(identifier)

    def identifiers_of(self, patient: PatientId) -> list[Identifier]:
        return self._store.identifiers_of(patient)

    def _confirm(
        self,
        operator: PrincipalId,
        principal: Principal,
        organisation: OrganisationId,
        check: Check,
    ) -> SignedStatement:
        if operator == principal.id:
            raise AccessDenied("nobody confirms themselves")
        self._store.advance(principal.id, Event.CONFIRM)
        self._log(operator, Action.CONFIRM, principal.id)
        now = self._clock.now()
        opened = openings(principal.display_name, check, self._entropy)
        custodian = self._store.custodian()
        first_key = self._store.passkeys(principal.id)[0]
        statement = Statement(
            role=principal.role,
            subject=principal.id,
            account=principal.account,
            key_id=first_key.key_id,
            rp_id_hash=first_key.rp_id_hash,
            operator=operator,
            custodian=custodian.id,
            custodian_name=custodian.name,
            organisation=organisation,
            organisation_name=self._store.organisation(organisation).name,
            method=check.method,
            name_commitment=commitment(opened.name_salt, opened.name),
            person_commitment=commitment(opened.reference_salt, opened.reference),
            stated_at=seconds(now),
        )
        signed = sign_statement(statement, self._signer)
        self._store.add_statement(opaque(self._entropy), principal.id, signed, opened, now)
        return signed

    def _advance(self, operator: PrincipalId, subject: PrincipalId, event: Event) -> None:
        with self._store.transaction():
            self._require_operator(operator)
            if operator == subject:
                raise AccessDenied("another operator has to do this")
            self._store.advance(subject, event)
            self._log(operator, Action(event.value), subject)
            if event in {Event.SUSPEND, Event.CLOSE}:
                self._store.tokens.revoke_sessions(subject, self._clock.now())
                self._store.tokens.forget_one_time(subject)

    def _bind(
        self, principal: Principal, identifiers: Sequence[Identifier], operator: PrincipalId
    ) -> None:
        if not identifiers:
            return
        if principal.patient is None:
            raise Conflict("only a patient has identifiers")
        known = len(self._store.identifiers_of(principal.patient))
        if known + len(identifiers) > IDENTIFIERS_MAX:
            raise Conflict(Said("a patient has at most {most} identifiers", most=IDENTIFIERS_MAX))
        self._log(operator, Action.BIND, principal.id)
        for identifier in identifiers:
            self._store.bind(principal.patient, identifier, operator, self._clock.now())

    def _invitation_token(self, principal: PrincipalId) -> str:
        raw = self._entropy(TOKEN_BYTES)
        expires_at = Micros(self._clock.now() + INVITATION_SECONDS_MAX * MICROS_PER_SECOND)
        self._store.tokens.put_one_time(raw, TokenKind.INVITATION, principal, expires_at)
        return encode_token(raw)

    def _log(self, operator: PrincipalId, action: Action, subject: PrincipalId) -> None:
        self._store.actions.add(operator, action, subject, self._clock.now())

    def _require_operator(self, operator: PrincipalId) -> None:
        require_operator(self._store.principal(operator))


def _checked_identifiers(role: Role, identifiers: Sequence[Identifier]) -> list[Identifier]:
    if len(identifiers) > IDENTIFIERS_MAX:
        raise MalformedInput(Said("at most {most}", most=IDENTIFIERS_MAX), where="identifiers")
    if identifiers and role is not Role.PATIENT:
        raise MalformedInput("only a patient has identifiers", where="identifiers")
    return [checked_identifier(each) for each in identifiers]
