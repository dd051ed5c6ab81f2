"""Use cases: what a patient has allowed and who read what; who has let a clinician in."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from pulsekey.consent.state import GrantState, account_slot, grant_slot, grant_state
from pulsekey.consent.terms import Terms
from pulsekey.evidence.access_log import AccessLog
from pulsekey.evidence.entries import Access, Basis, consent_chain
from pulsekey.exchange.gate import Gate, at_its_place
from pulsekey.identity.lifecycle import MAY_BE_GRANTED
from pulsekey.identity.principals import Principal
from pulsekey.identity.store import IdentityStore
from pulsekey.primitives.clock import Clock, Micros, Seconds, seconds
from pulsekey.primitives.errors import NotFound
from pulsekey.primitives.ids import AccountId, ConsentId, PatientId, PrincipalId
from pulsekey.signals.category import Category

ACCESSES_MAX = 500
"""Entries of one basis that are listed."""


@dataclass(frozen=True, slots=True)
class Consent:
    """A consent as its patient sees it."""

    consent: ConsentId
    terms: Terms
    state: GrantState
    reads: int


@dataclass(frozen=True, slots=True)
class Shared:
    """A patient who lets somebody in now."""

    patient: PatientId
    name: str
    until: Seconds
    categories: tuple[Category, ...]


@dataclass(frozen=True, slots=True)
class Reading:
    """An access, with the reader's name as it is now."""

    access: Access
    reader_name: str


@dataclass(frozen=True, slots=True)
class ListAccess:
    gate: Gate
    identities: IdentityStore
    accesses: AccessLog
    clock: Clock

    def consents(self, patient: PatientId) -> tuple[Consent, ...]:
        """Return every consent that a patient signed, the newest first."""
        now = self.clock.now()
        reads = {chain: counter for chain, counter, _ in self.accesses.heads(patient)}
        found = []
        for terms in self.gate.register.of_patient(patient):
            grant = self.gate.opened_grant(terms, now)
            if grant.state is not GrantState.NEVER:
                count = reads.get(consent_chain(grant.consent), 0)
                found.append(Consent(grant.consent, terms, grant.state, count))
        return tuple(sorted(found, key=lambda one: one.terms.valid_from, reverse=True))

    def readings(self, patient: PatientId) -> tuple[Reading, ...]:
        """Return who read what, and who was refused, the newest first.

        The newest of each basis: somebody who is refused again and again, or the patient's own
        pages, must not push out of sight what others read.
        """
        found = [
            entry
            for chain, _, _ in self.accesses.heads(patient)
            for entry in self.accesses.chain(chain, ACCESSES_MAX)
        ]
        found.sort(key=lambda entry: entry.access.at, reverse=True)
        shown: Counter[Basis] = Counter()
        entries = []
        for entry in found:
            shown[entry.access.basis] += 1
            if shown[entry.access.basis] <= ACCESSES_MAX:
                entries.append(entry)
        names = self._names({entry.access.reader for entry in entries})
        return tuple(Reading(entry.access, names[entry.access.reader]) for entry in entries)

    def shared_with(self, reader: Principal, purpose: str) -> tuple[Shared, ...]:
        """Return the patients who let `reader` in now, by name."""
        if reader.status not in MAY_BE_GRANTED:
            return ()
        now = self.clock.now()
        by_patient: dict[PatientId, list[Terms]] = {}
        accounts: dict[PatientId, AccountId | None] = {}
        for consent, patient in self.gate.register.of_recipient(reader.id):
            if patient not in accounts:
                accounts[patient] = self.identities.principal_of_patient(patient).account
            if not self._runs(accounts[patient], consent, now):
                continue
            terms = self.gate.register.terms(consent)
            if not at_its_place(reader, terms):
                continue
            grant = self.gate.opened_grant(terms, now)
            if grant.state is GrantState.LIVE and terms.purpose == purpose:
                by_patient.setdefault(terms.subject, []).append(terms)
        found = [self._shared(patient, terms) for patient, terms in by_patient.items()]
        return tuple(sorted(found, key=lambda one: (one.name, one.patient)))

    def _runs(self, account: AccountId | None, consent: ConsentId, now: Micros) -> bool:
        """Whether the ledger says that a consent is live; what else speaks against it, the gate."""
        if account is None:
            return False
        executed = self.gate.ledger.executed
        grant, whole = executed(grant_slot(account, consent)), executed(account_slot(account))
        return grant_state(grant, whole, seconds(now)) is GrantState.LIVE

    def _shared(self, patient: PatientId, several: Iterable[Terms]) -> Shared:
        terms = tuple(several)
        categories = {category for one in terms for category in one.categories}
        return Shared(
            patient,
            self.identities.principal_of_patient(patient).display_name,
            Seconds(max(one.valid_until for one in terms)),
            tuple(sorted(categories)),
        )

    def _names(self, readers: set[PrincipalId]) -> dict[PrincipalId, str]:
        names = {}
        for reader in readers:
            try:
                names[reader] = self.identities.principal(reader).display_name
            except NotFound:
                names[reader] = ""
        return names
