"""Use cases: offer an operation to the person who may sign it, and send it once they did.

What is offered is what is signed and what is sent: the same bytes, kept with the offer.
"""

from dataclasses import dataclass
from typing import Final

from pulsekey.consent.operations import (
    NEVER_EXPIRES,
    PATIENT_CAPABILITIES,
    AddKey,
    Body,
    Grant,
    KeyRecord,
    Kind,
    Operation,
    Register,
    RemoveKey,
    Revoke,
    RevokeAll,
    Scheme,
    SignedOperation,
    challenge,
    registration,
)
from pulsekey.consent.program import Refusal
from pulsekey.consent.register import ConsentRegister
from pulsekey.consent.state import KeyStatus, account_slot, key_slot, read_account, read_key
from pulsekey.consent.terms import SALT_BYTES, Terms
from pulsekey.consent.witness import witness_from
from pulsekey.exchange.epochs import Epochs
from pulsekey.exchange.offers import Offer, OfferId, Offers, is_stop
from pulsekey.identity.ceremonies import Ceremonies
from pulsekey.identity.principals import Passkey, Principal
from pulsekey.identity.store import IdentityStore
from pulsekey.ledger.pipeline import Ledger
from pulsekey.ledger.ports import Refused, Step
from pulsekey.primitives.clock import Clock
from pulsekey.primitives.errors import Conflict, NotFound
from pulsekey.primitives.ids import AccountId, Entropy, KeyId, PatientId

STOP_LEAP = 2**16
"""No other operation's step is as long as this."""

OVERTAKEN: Final = "another change was confirmed meanwhile; confirm once more"


@dataclass(frozen=True, slots=True)
class Confirmed:
    """What became of an offer: the operation's step on the ledger."""

    offer: Offer
    step: Step


@dataclass(frozen=True, slots=True)
class SignOperation:
    """Offer and confirm. The passkey of the session signs, unless the account says otherwise."""

    ledger: Ledger
    ceremonies: Ceremonies
    identities: IdentityStore
    offers: Offers
    epochs: Epochs
    register: ConsentRegister
    clock: Clock
    entropy: Entropy

    def offer_account(self, principal: Principal, signer: KeyId) -> Offer:
        """Offer to open the ledger account of somebody who has none."""
        if principal.account is not None:
            raise Conflict("this person already has an account on the ledger")
        record = record_of(self._passkey(principal, signer))
        return self._make(principal, registration(record, self.entropy(SALT_BYTES)))

    def offer_key(self, principal: Principal, signer: KeyId, added: Passkey) -> Offer:
        """Offer to let another passkey of the same person sign for the account, and sign in.

        Nothing of it is kept before one that is there already has confirmed.
        """
        return self.offer(principal, signer, AddKey(record_of(added)), added)

    def offer_key_removal(self, principal: Principal, signer: KeyId, removed: KeyId) -> Offer:
        """Offer to take a passkey's power away.

        A removal that the ledger executed while the node died is finished here instead, and so is
        that of a passkey that the ledger never heard of.
        """
        if removed in principal.keys and not self._active(account_of(principal), removed):
            self.identities.remove_passkey(principal.id, removed, self.clock.now())
            raise Conflict("this passkey has been removed already")
        return self.offer(principal, signer, RemoveKey(removed))

    def offer_stop_all(self, principal: Principal, signer: KeyId) -> Offer:
        """Offer to stop every consent that was given so far."""
        return self.offer(principal, signer, RevokeAll())

    def offer(
        self,
        principal: Principal,
        signer: KeyId,
        body: Body,
        about: Terms | Passkey | None = None,
    ) -> Offer:
        """Offer one operation under the person's account, with a nonce above the last one."""
        account = account_of(principal)
        nonce = read_account(self.ledger.executed(account_slot(account))).nonce
        if is_stop(body):
            # Of stops that were prepared side by side each may follow the one before it.
            nonce = max(nonce, self.offers.highest_stop(principal.id))
        # A challenge is answered once. If the node dies between gesture and ledger, the same stop
        # offered again has to be another operation, so the step is drawn anew each time.
        nonce += 1 + int.from_bytes(self.entropy(2)) % STOP_LEAP
        # And a stop leaps ahead of every grant that is still being read somewhere: gaps are legal.
        nonce += STOP_LEAP if is_stop(body) else 0
        return self._make(principal, Operation(account, nonce, signer, body), about)

    def confirm(
        self, principal: Principal, offer_id: OfferId, response: dict[str, object]
    ) -> Confirmed:
        """Check the gesture, send the operation, and return once it is durable and executed.

        Raises `NotAuthenticated` for a gesture that does not hold, `Conflict` for an offer that
        is no longer open or an operation that the ledger refused. `OVERTAKEN` says of a stop that
        it only has to be offered and confirmed anew.
        """
        offer = self.offers.take(offer_id, principal.id)
        gesture = self.ceremonies.finish_operation(principal.id, offer.challenge, response)
        witness = witness_from(response, gesture.key)
        signed = SignedOperation(offer.operation_bytes, witness)
        if offer.terms is not None and isinstance(offer.operation.body, Grant):
            # Before the ledger has it, so that a live grant can always be opened.
            self.register.keep(offer.terms)
        step = self._submit(offer, signed.encode())
        self._follow(principal, offer, step)
        return Confirmed(offer, step)

    def catch_up(self) -> None:
        """Follow what the ledger executed while the node died, between the steps of `confirm`.

        A lost device must not stay able to sign in, and a stop starts new epochs.
        """
        self.epochs.catch_up(self.ledger)
        for principal, account, key in self.identities.ledger_keys():
            if self._removed(account, key):
                self.identities.remove_passkey(principal, key, self.clock.now())

    def _submit(self, offer: Offer, signed: bytes) -> Step:
        added = offer.passkey
        if added is None:
            return self._submit_alone(offer, signed)
        # Known here first, so that whatever has power on the ledger can be seen and removed.
        self.identities.add_passkey(added)
        try:
            return self.ledger.submit(signed)
        except Refused:
            self.identities.remove_passkey(added.principal, added.key_id, self.clock.now())
            raise

    def _submit_alone(self, offer: Offer, signed: bytes) -> Step:
        try:
            return self.ledger.submit(signed)
        except Refused as refused:
            late = refused.step.code == Refusal.NONCE_NOT_RISING
            if late and is_stop(offer.operation.body):
                raise Conflict(OVERTAKEN) from refused
            raise

    def _removed(self, account: AccountId, key: KeyId) -> bool:
        return self._status(account, key) == KeyStatus.REMOVED

    def _active(self, account: AccountId, key: KeyId) -> bool:
        return self._status(account, key) == KeyStatus.ACTIVE

    def _status(self, account: AccountId, key: KeyId) -> int:
        return read_key(self.ledger.executed(key_slot(account, key))).status

    def _make(
        self, principal: Principal, operation: Operation, about: Terms | Passkey | None = None
    ) -> Offer:
        demanded = challenge(self.ledger.genesis.ledger, operation.encode())
        options = self.ceremonies.begin_operation(principal.id, demanded, operation.signer)
        return self.offers.make(principal.id, operation, demanded, options, about)

    def _follow(self, principal: Principal, offer: Offer, step: Step) -> None:
        """Let identity and vault follow what the ledger now says."""
        match offer.operation.body:
            case Register() as opened:
                self.identities.set_account(principal.id, opened.account)
            case RemoveKey(removed):
                self.identities.remove_passkey(principal.id, removed, self.clock.now())
            case Revoke(consent):
                self.epochs.after_stop(patient_of(principal), step.index, consent)
            case RevokeAll():
                self.epochs.after_stop(patient_of(principal), step.index)
            case _:
                pass

    def _passkey(self, principal: Principal, key: KeyId) -> Passkey:
        for passkey in self.identities.passkeys(principal.id):
            if passkey.key_id == key:
                return passkey
        raise NotFound("no such passkey")


def account_of(principal: Principal) -> AccountId:
    """Return the person's account, or raise `Conflict` saying how to get one."""
    if principal.account is None:
        raise Conflict("no account on the ledger yet: confirm your registration first")
    return principal.account


def patient_of(principal: Principal) -> PatientId:
    """Return the record that a patient signs for."""
    if principal.patient is None:
        raise NotFound("only a patient has a record")
    return principal.patient


def record_of(passkey: Passkey) -> KeyRecord:
    """Return the ledger's record of a patient's passkey."""
    return KeyRecord(
        passkey.key,
        passkey.rp_id_hash,
        Scheme.WEBAUTHN_P256,
        int(PATIENT_CAPABILITIES),
        NEVER_EXPIRES,
    )


def kind_name(kind: Kind) -> str:
    """Return an operation kind as the interfaces spell it."""
    return kind.name.lower()
