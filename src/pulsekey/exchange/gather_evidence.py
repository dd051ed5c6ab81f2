"""Use case: the patient of a consent, or an operator, takes all that a stranger needs to check it.

A fresh commitment comes first, so that the file says of every release until now that there was no
other. All proofs stand under one head. No record is opened; an operator's taking is logged before
anything is gathered, the patient's own is not: the portal shows them their own log anyway.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from pulsekey.consent.operations import (
    AddKey,
    Body,
    Commit,
    Grant,
    Operation,
    Register,
    RemoveKey,
    Revoke,
    RevokeAll,
    decode_operation,
    decode_signed,
)
from pulsekey.consent.register import ConsentRegister
from pulsekey.consent.state import account_slot, commitment_slot
from pulsekey.consent.terms import Terms
from pulsekey.evidence.access_log import AccessLog
from pulsekey.evidence.entries import Asked, consent_chain
from pulsekey.evidence.file import (
    Evidence,
    FileAnchor,
    NamedStatement,
    Releases,
    Stated,
    check_size,
    read_of,
)
from pulsekey.evidence.openings import Chains, Closing
from pulsekey.evidence.receipts import Signer
from pulsekey.evidence.replay import state_keys
from pulsekey.evidence.shapes import READS_MAX
from pulsekey.exchange.audit_vault import OPERATOR
from pulsekey.exchange.commit_interval import CommitInterval, Commitment
from pulsekey.exchange.gate import Gate
from pulsekey.identity.enrolment import decode_statement
from pulsekey.identity.principals import Principal, Role, require_operator
from pulsekey.identity.store import IdentityStore
from pulsekey.ledger.pipeline import Ledger
from pulsekey.ledger.view import ProvedStep, View
from pulsekey.primitives.errors import AccessDenied, MalformedInput, NotFound, Unavailable
from pulsekey.primitives.hashing import digest
from pulsekey.primitives.ids import AccountId, ConsentId, KeyId, PatientId

ATTEMPTS_MAX = 16
"""How often a commitment is made anew because somebody read or committed in between."""

NO_CONSENT = "no such consent"
ASKED = Asked(("Evidence",))
TOO_MUCH = "more reads than one evidence file holds"


@dataclass(frozen=True, slots=True)
class GatherEvidence:
    gate: Gate
    register: ConsentRegister
    identities: IdentityStore
    accesses: AccessLog
    ledger: Ledger
    committing: CommitInterval
    signer: Signer

    def __call__(self, who: Principal, consent: ConsentId) -> bytes:
        """Return the evidence file of one consent.

        Raises `NotFound` for a consent that is not the caller's or was never given, `Unavailable`
        if the settlement chain is out of reach or the patient's log does not stand still,
        `MalformedInput` if there are more reads than version 1 of the file holds.
        """
        terms = self.register.terms(consent)
        if who.role is Role.PATIENT and who.patient == terms.subject:
            return self._gathered(terms)
        try:
            require_operator(who)
        except AccessDenied:
            raise NotFound(NO_CONSENT) from None
        self.gate.log_maintenance(who.id, terms.subject, ASKED)
        return self._gathered(terms)

    def for_operator(self, consent: ConsentId) -> bytes:
        """Do the same for whoever has the node's command line, whose taking is logged as that."""
        terms = self.register.terms(consent)
        self.gate.log_maintenance(OPERATOR, terms.subject, ASKED)
        return self._gathered(terms)

    def _gathered(self, terms: Terms) -> bytes:
        commitment, view = self._committed(terms.subject)
        operations = _operations(view, terms)
        closing = self._closing(view, terms, commitment)
        proved = [view.prove(one.index, one.signed) for one in operations]
        if closing is not None:
            proved = sorted([*proved, closing[1]], key=lambda one: one.step.index)
        content = Evidence(
            genesis=self.ledger.genesis,
            terms=terms,
            enrolment=self._enrolment(terms),
            recipient=self._recipient(terms),
            operations=(*proved, view.prove(commitment.step.index, commitment.signed)),
            head=view.head,
            checkpoint=view.checkpoint,
            states=tuple(view.state(key) for key in self._keys(terms, operations)),
            releases=self._releases(terms, commitment, closing and closing[0]),
            anchor=self._anchor(view),
        ).encode()
        try:
            check_size(content)
        except MalformedInput:
            raise MalformedInput(TOO_MUCH) from None
        return content

    def _committed(self, patient: PatientId) -> tuple[Commitment, View]:
        """Commit, and return that with a view where it is the newest."""
        slot = commitment_slot(AccountId(self.ledger.genesis.custodian_account))
        for _ in range(ATTEMPTS_MAX):
            commitment = self.committing(afresh=True)
            chains = self.accesses.heads(patient)
            view = self.ledger.view()
            if (
                commitment is not None
                and _chains_of(commitment, patient) == chains
                and view.state(slot).value == commitment.tree.root
            ):
                return commitment, view
        raise Unavailable("the access log is being written without a pause; ask again")

    def _enrolment(self, terms: Terms) -> Stated | None:
        """Return the newest statement about who holds the account, if there is any."""
        patient = self.identities.principal_of_patient(terms.subject)
        for signed, _ in self.identities.statements_of(patient.id):
            if decode_statement(signed.content).account == terms.signer:
                return Stated(signed.content, signed.signature)
        return None

    def _recipient(self, terms: Terms) -> NamedStatement:
        """Return the statement that the terms name, and the salt of the name in it."""
        for signed, opened in self.identities.statements_of(terms.recipient.id):
            if digest(signed.content).hex() == terms.recipient.confirmation:
                return NamedStatement(Stated(signed.content, signed.signature), opened.name_salt)
        raise NotFound("the recipient's confirmation is not kept any more")

    def _keys(self, terms: Terms, operations: Iterable["_Found"]) -> tuple[bytes, ...]:
        held = (
            one.operation.body.record.key_id
            for one in operations
            if isinstance(one.operation.body, Register | AddKey)
        )
        custodian = AccountId(self.ledger.genesis.custodian_account)
        return state_keys(terms.signer, tuple(held), terms.consent, custodian)

    def _closing(
        self, view: View, terms: Terms, commitment: Commitment
    ) -> tuple[Closing, ProvedStep] | None:
        """Return the first commitment to all of the chain, unless that is the one just made."""
        chain = consent_chain(terms.consent)
        closing = self.accesses.closing(chain)
        newest = {name: counter for name, counter, _ in commitment.chains[terms.subject]}
        if (
            closing is None
            or closing.counter != newest.get(chain)
            or closing.index >= commitment.step.index
        ):
            return None
        for index, signed in view.operations_from(closing.index):
            body = decode_operation(decode_signed(signed).operation).body
            # After a loss was accepted, something else may stand there.
            if isinstance(body, Commit) and closing.opening.opens(terms.subject, body.root):
                return closing, view.prove(index, signed)
            break
        return None

    def _releases(self, terms: Terms, commitment: Commitment, closing: Closing | None) -> Releases:
        chain = consent_chain(terms.consent)
        newest = {name: counter for name, counter, _ in commitment.chains[terms.subject]}
        count = newest.get(chain, 0)
        if count > READS_MAX:
            raise MalformedInput(TOO_MUCH)
        return Releases(
            # What was appended since belongs to the next commitment.
            tuple(read_of(entry) for entry in self.accesses.chain(chain)[:count]),
            commitment.opening(terms.subject),
            None if closing is None else closing.opening,
        )

    def _anchor(self, view: View) -> FileAnchor:
        anchored = self.ledger.anchor_now()
        if anchored is None:
            raise Unavailable("this ledger has no settlement chain to anchor on")
        # Others may have submitted since: the head that was anchored extends the view's.
        head = self.ledger.head_named(anchored.head)
        anchor = FileAnchor(
            head,
            self.ledger.consistency(view.head.log_size, head.log_size),
            anchored.chain,
            anchored.block,
            anchored.time,
            anchored.accumulator,
        )
        return replace(anchor, signature=self.signer.sign(anchor.message))


@dataclass(frozen=True, slots=True)
class _Found:
    """An executed operation of the account, where it was found."""

    index: int
    signed: bytes
    operation: Operation


def _operations(view: View, terms: Terms) -> list[_Found]:
    """Return what matters of the account's operations, in the order of the log.

    That is the registration, the grant, what stopped it, and the coming and going of every key that
    signed one of these.
    """
    found = [
        one
        for index, signed in view.operations_touching(account_slot(terms.signer))
        for one in [_Found(index, signed, decode_operation(decode_signed(signed).operation))]
        if one.operation.account == terms.signer and not view.step(index).code
    ]
    given = [one.index for one in found if _is_grant(one.operation.body, terms.consent)]
    if not given:
        raise NotFound(NO_CONSENT)
    matter = {one.index for one in found if _is_about(one, terms.consent, given[0])}
    signers = {one.operation.signer for one in found if one.index in matter}
    return [one for one in found if one.index in matter | _key_changes(found, signers)]


def _is_grant(body: Body, consent: ConsentId) -> bool:
    return isinstance(body, Grant) and body.consent == consent


def _is_about(one: _Found, consent: ConsentId, given: int) -> bool:
    body = one.operation.body
    stops = body == Revoke(consent) or isinstance(body, RevokeAll)
    return isinstance(body, Register) or one.index == given or (stops and one.index > given)


def _key_changes(found: Sequence[_Found], signers: set[KeyId]) -> set[int]:
    """Return the log indices of what added or removed these keys, and the keys that did so."""
    needed, changes = set(signers), set[int]()
    # Every round that goes on finds at least one more change.
    for _ in found:
        known = len(changes)
        for one in found:
            match one.operation.body:
                case AddKey(record) if record.key_id in needed:
                    changes.add(one.index)
                    needed.add(one.operation.signer)
                case RemoveKey(removed) if removed in needed:
                    changes.add(one.index)
                    needed.add(one.operation.signer)
                case _:
                    pass
        if len(changes) == known:
            break
    return changes


def _chains_of(commitment: Commitment, patient: PatientId) -> Chains:
    try:
        return commitment.chains[patient]
    except KeyError:
        raise NotFound(NO_CONSENT) from None
