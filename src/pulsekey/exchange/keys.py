"""Keys of a patient for what lies outside the vault's files: their terms and their access log.

They come from the patient's secret in the vault, so erasing the patient there makes both
unreadable.
"""

from dataclasses import dataclass

from pulsekey.primitives.ids import PatientId
from pulsekey.vault.keys import KeyRing


@dataclass(frozen=True, slots=True)
class PatientKeys:
    """What the consent register and the access log ask for, answered by the vault's key ring."""

    ring: KeyRing

    def terms_key(self, patient: PatientId) -> bytes:
        return self._key(patient, "consent terms")

    def access_key(self, patient: PatientId) -> bytes:
        return self._key(patient, "access log")

    def _key(self, patient: PatientId, use: str) -> bytes:
        self.ring.enrol(patient)
        return self.ring.secret(patient).key(use)
