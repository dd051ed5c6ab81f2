"""Use case: an operator goes on without what was lost for good, so that nothing lost comes alive.

The stores that remain cannot say which consents were stopped, which devices were taken away, and
who was suspended in what is gone. So whatever might have ended is treated as ended: consents are
held until their patients give them again, sessions end, and clinicians are confirmed anew if it is
the people who were lost (ADR 0064). The patients' own access logs say that it happened.
"""

from dataclasses import dataclass

from pulsekey.consent.register import ConsentRegister
from pulsekey.evidence.access_log import AccessLog
from pulsekey.evidence.entries import Access, Asked, Basis, own_chain
from pulsekey.exchange.audit_vault import OPERATOR
from pulsekey.exchange.gate import MAINTENANCE_PURPOSE
from pulsekey.exchange.marks import CHAIN
from pulsekey.identity.store import IdentityStore
from pulsekey.primitives.clock import Micros, seconds
from pulsekey.primitives.errors import IntegrityError
from pulsekey.primitives.ids import PatientId
from pulsekey.vault.vault import Vault

STOPS_ARE_ELSEWHERE = frozenset({CHAIN, "identity", "accesses", "vault"})
"""Parts that can be lost without losing a stop: the ledger and the terms are as they were."""

ASKED = Asked(("Restore",))


@dataclass(frozen=True, slots=True)
class Aftermath:
    """What was done so that the node can open again."""

    consents_held: int
    clinicians_withdrawn: int
    patients_unreadable: int
    """Whose terms or access log cannot be opened any more: their keys were in the lost vault."""


@dataclass(frozen=True, slots=True)
class AcceptLoss:
    vault: Vault
    identities: IdentityStore
    register: ConsentRegister
    accesses: AccessLog

    def __call__(self, parts: frozenset[str], at: Micros) -> Aftermath:
        """Make everything safe that the loss of `parts` could have made unsafe. Repeatable."""
        unreadable = self._unreadable() if "vault" in parts else ()
        for patient in unreadable:
            self.register.erase(patient)
            self.accesses.erase(patient)
        held = 0 if parts <= STOPS_ARE_ELSEWHERE else self.register.hold_all(seconds(at))
        self.identities.tokens.end_everything(at)
        withdrawn = self.identities.withdraw_clinicians() if "identity" in parts else 0
        self.accesses.append(
            [
                Access(
                    own_chain(patient, Basis.MAINTENANCE),
                    patient,
                    OPERATOR,
                    Basis.MAINTENANCE,
                    MAINTENANCE_PURPOSE,
                    at,
                    ASKED,
                )
                for patient in self.vault.patients()
            ]
        )
        return Aftermath(held, withdrawn, len(unreadable))

    def _unreadable(self) -> tuple[PatientId, ...]:
        known = {*self.register.patients(), *self.accesses.patients()}
        return tuple(patient for patient in sorted(known) if not self._opens(patient))

    def _opens(self, patient: PatientId) -> bool:
        try:
            self.register.of_patient(patient)
            self.accesses.of_patient(patient, 1)
        except IntegrityError:
            return False
        return True
