"""Use case: re-verify every sealed byte of the vault. Maintenance is logged before it begins."""

from dataclasses import dataclass

from pulsekey.evidence.entries import Asked
from pulsekey.exchange.gate import Gate
from pulsekey.primitives.ids import PrincipalId
from pulsekey.vault.audit import AuditReport, audit
from pulsekey.vault.vault import Vault

OPERATOR = PrincipalId("command-line")
"""Whoever can run commands on the node's machine; nobody signs in there."""


@dataclass(frozen=True, slots=True)
class AuditVault:
    vault: Vault
    gate: Gate

    def __call__(self) -> AuditReport:
        """Log that maintenance goes through each patient's record, then go through all of them."""
        for patient in self.vault.patients():
            self.gate.log_maintenance(OPERATOR, patient, Asked(("Record",)))
        return audit(self.vault)
