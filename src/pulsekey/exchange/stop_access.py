"""Use case: a patient stops a consent. It binds from its acknowledgement."""

from dataclasses import dataclass

from pulsekey.consent.operations import Revoke
from pulsekey.consent.register import ConsentRegister
from pulsekey.exchange.offers import Offer
from pulsekey.exchange.sign_operation import SignOperation
from pulsekey.identity.principals import Principal
from pulsekey.primitives.errors import NotFound
from pulsekey.primitives.ids import ConsentId, KeyId


@dataclass(frozen=True, slots=True)
class StopAccess:
    signing: SignOperation
    register: ConsentRegister

    def offer(self, patient: Principal, signer: KeyId, consent: ConsentId) -> Offer:
        """Offer to stop one of the patient's own consents, whatever its state is."""
        terms = self.register.terms(consent)
        if terms.subject != patient.patient:
            raise NotFound("no such consent")
        return self.signing.offer(patient, signer, Revoke(consent), terms)
