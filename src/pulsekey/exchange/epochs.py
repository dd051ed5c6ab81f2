"""After a stop, what is sealed from then on is sealed under new keys, where it was shared.

In the categories that the stopped consent named. It takes nothing back: what was read stays with
the reader, and the interface says so. The stop itself binds by the ledger; a node that dies
before this only seals a little longer under the old keys.
"""

from dataclasses import dataclass

from pulsekey.consent.register import ConsentRegister
from pulsekey.primitives.ids import ConsentId, PatientId
from pulsekey.vault.vault import Vault


@dataclass(frozen=True, slots=True)
class Epochs:
    vault: Vault
    register: ConsentRegister

    def after_stop(self, patient: PatientId, consent: ConsentId | None = None) -> None:
        """Start a new epoch of each category that a stopped consent, or any consent, named."""
        stopped = (
            self.register.of_patient(patient)
            if consent is None
            else (self.register.terms(consent),)
        )
        self.vault.keys.enrol(patient)
        for category in sorted({category for terms in stopped for category in terms.categories}):
            self.vault.new_epoch(patient, category)
