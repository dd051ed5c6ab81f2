"""After a stop, what is sealed from then on is sealed under new keys, where it was shared.

In the categories that the stopped consent named. It takes nothing back: what was read stays with
the reader, and the interface says so. The stop itself binds by the ledger. Every stop on the ledger
is followed once, if not when it is confirmed then when the node opens again.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from pulsekey.consent.operations import (
    Operation,
    Revoke,
    RevokeAll,
    decode_operation,
    decode_signed,
)
from pulsekey.consent.register import ConsentRegister
from pulsekey.consent.terms import Terms
from pulsekey.identity.store import IdentityStore
from pulsekey.ledger.pipeline import Ledger
from pulsekey.primitives.errors import NotFound
from pulsekey.primitives.ids import ConsentId, PatientId
from pulsekey.vault.vault import Vault


@dataclass(frozen=True, slots=True)
class Epochs:
    vault: Vault
    register: ConsentRegister
    identities: IdentityStore

    def after_stop(self, patient: PatientId, stop: int, consent: ConsentId | None = None) -> None:
        """Start a new epoch of each category that a stopped consent, or any consent, named.

        `stop` is the place of the operation in the log; following it again changes nothing.
        """
        stopped = (
            self.register.of_patient(patient)
            if consent is None
            else (self.register.terms(consent),)
        )
        self._follow(patient, stopped, stop)

    def catch_up(self, ledger: Ledger) -> int:
        """Follow every executed stop that a crash kept from being followed; return how many."""
        view, keys = ledger.view(), self.vault.keys
        # After a loss was accepted the ledger may be shorter than it was.
        first = min(keys.stops_followed(), view.head.log_size)
        stops = 0
        for index, signed in view.operations_from(first):
            if view.step(index).code:
                continue
            operation = decode_operation(decode_signed(signed).operation)
            if isinstance(operation.body, Revoke | RevokeAll):
                stops += self._caught_up(index, operation)
        if keys.stops_followed() != view.head.log_size:
            keys.follow_stops(view.head.log_size)
        return stops

    def _caught_up(self, stop: int, operation: Operation) -> bool:
        """Follow one stop, unless its patient or its terms were erased."""
        consent = operation.body.consent if isinstance(operation.body, Revoke) else None
        try:
            patient = self.identities.principal_of_account(operation.account).patient
            if patient is None:
                return False
            self.after_stop(patient, stop, consent)
        except NotFound:
            return False
        return True

    def _follow(self, patient: PatientId, stopped: Iterable[Terms], stop: int) -> None:
        categories = sorted({category for terms in stopped for category in terms.categories})
        if categories:
            self.vault.keys.enrol(patient)
            self.vault.keys.new_epochs(patient, categories, stop)
