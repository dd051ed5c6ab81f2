"""The one door to a record. It decides, logs durably, then opens, in that order.

Nothing else may import `vault.reading`. If logging fails, nothing is opened. A recipient who may
not read gets one and the same answer, whether the patient is unknown, never granted, stopped or
let the consent expire; why, only the patient's own log says.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from functools import cache

from pulsekey.consent.decision import (
    Allowance,
    Deny,
    OpenedGrant,
    Permit,
    Reason,
    Request,
    decide,
)
from pulsekey.consent.register import ConsentRegister
from pulsekey.consent.state import GrantState, account_slot, grant_slot, grant_state
from pulsekey.consent.terms import Terms
from pulsekey.evidence.access_log import AccessLog
from pulsekey.evidence.entries import Access, Asked, Basis, Entry, consent_chain, own_chain
from pulsekey.evidence.receipts import ReadReceipt, Signer, receipt_for
from pulsekey.exchange.admission import admitted
from pulsekey.exchange.scope import Bounds, scopes_of
from pulsekey.fhir.words import without_words
from pulsekey.identity.lifecycle import MAY_BE_GRANTED
from pulsekey.identity.principals import Principal, Role
from pulsekey.identity.store import IdentityStore
from pulsekey.ledger.pipeline import Ledger
from pulsekey.primitives.clock import Clock, Micros, Seconds, seconds
from pulsekey.primitives.errors import MalformedInput, NotFound
from pulsekey.primitives.ids import PatientId, PrincipalId, SeriesId
from pulsekey.signals.category import Category
from pulsekey.signals.series import Basis as TimeBasis
from pulsekey.vault.reading import Reader
from pulsekey.vault.records import (
    BLOCK_SAMPLES_PER_READ_MAX,
    BlockHead,
    BlockQuery,
    BlockRecord,
    Cursor,
    DocumentPage,
    DocumentQuery,
    Order,
    SamplePage,
    SampleQuery,
    Samples,
    SeriesEntry,
    SeriesQuery,
    Window,
)
from pulsekey.vault.searching import span_matches
from pulsekey.vault.vault import Vault

SELF_PURPOSE = "PATRQT"
"""HL7 v3 PurposeOfUse: patient requested."""

MAINTENANCE_PURPOSE = "HSYSADMIN"
"""HL7 v3 PurposeOfUse: health system administration."""

NOT_HERE = "not here, or not for you"
NOBODY = PatientId("nobody")
"""Whose record it is that does not exist. Asking for it is decided and logged like any other, or
the time that an answer takes would tell who is a patient here."""

EVERYTHING = frozenset(Category)
PATIENT_TYPE = frozenset({"Patient"})


@dataclass(frozen=True, slots=True)
class Scope:
    """A stretch of one patient's record that was opened: categories, and when measured.

    Whatever is asked of it, nothing outside of its bounds comes back.
    """

    patient: PatientId
    bounds: Bounds
    limited: bool
    """Whether a consent opened it, and not the patient's own key."""

    _reader: Reader = field(repr=False)

    def series(self, metrics: frozenset[str] | None = None) -> tuple[SeriesEntry, ...]:
        """Return the series of these categories, by id; maybe without a sample in the bounds."""
        found = self._reader.series(
            SeriesQuery(self.patient, self.bounds.categories, metrics=metrics)
        )
        return tuple(entry for entry in found if not self.bounds.excludes_metric(entry.metric))

    def latest(self) -> dict[SeriesId, Samples]:
        """Return the newest sample of each series that has one within the bounds."""
        series = frozenset(entry.id for entry in self.series())
        return self._reader.latest(self._which(series), self._within(()))

    def samples(
        self,
        series: Iterable[SeriesId],
        *,
        windows: tuple[Window, ...] = (),
        after: Cursor | None = None,
        order: Order = Order.NEWEST,
        limit: int = 1_000,
    ) -> SamplePage:
        """Return samples of some of its series."""
        return self._reader.samples(
            SampleQuery(self._which(series), self._within(windows), after, order, limit)
        )

    def sample(self, series: SeriesId, ordinal: int) -> Samples:
        """Return one sample, or raise `NotFound`."""
        self._entry(series)
        found = self._reader.sample(self.patient, self.bounds.categories, series, ordinal)
        times = found.series.times
        self._check_within(int(times.start[0]), int(times.end[0]), times.basis[0])
        return found

    def blocks(
        self,
        series: Iterable[SeriesId],
        *,
        windows: tuple[Window, ...] = (),
        after: Cursor | None = None,
        order: Order = Order.NEWEST,
        limit: int = 100,
    ) -> tuple[BlockHead, ...]:
        """Return blocks of some of its waveforms, without their samples."""
        return self._reader.blocks(
            BlockQuery(self._which(series), self._within(windows), after, order, limit)
        )

    def block(
        self,
        series: SeriesId,
        ordinal: int,
        *,
        first: int = 0,
        samples: int = BLOCK_SAMPLES_PER_READ_MAX,
    ) -> BlockRecord:
        """Return (a part of) one block, or raise `NotFound`."""
        self._entry(series)
        categories = self.bounds.categories
        found = self._reader.block(
            self.patient, categories, series, ordinal, first=first, samples=samples
        )
        self._check_within(found.head.start, found.head.end, found.block.basis)
        return found

    def documents(
        self,
        *,
        types: frozenset[str] | None = None,
        ids: frozenset[str] | None = None,
        codes: frozenset[tuple[str, str]] | None = None,
        windows: tuple[Window, ...] = (),
        undated: bool = True,
        after: Cursor | None = None,
        order: Order = Order.NEWEST,
        limit: int = 100,
    ) -> DocumentPage:
        """Return clinical resources, each whole and within the bounds as a whole (ADR 0048).

        A reader under a consent gets them without narratives and notes (ADR 0049). A page may hold
        fewer than `limit` although there is another.
        """
        page = self._reader.documents(
            DocumentQuery(
                self.patient,
                self.bounds.categories,
                types,
                ids,
                codes,
                self._within(windows),
                undated and self.bounds.data_from is None,
                after,
                order,
                limit,
            )
        )
        if not self.limited:
            return page
        kept = (record for record in page.documents if admitted(self.bounds, record))
        shown = tuple(replace(record, content=without_words(record.content)) for record in kept)
        return DocumentPage(shown, page.next)

    def document_counts(self) -> dict[Category, int]:
        """Return how many clinical resources a whole record holds per category."""
        if self.limited or self.bounds != Bounds(self.bounds.categories):
            raise MalformedInput("only a record that is open without bounds is counted as a whole")
        return self._reader.document_counts(self.patient, self.bounds.categories)

    def _which(self, series: Iterable[SeriesId]) -> SeriesQuery:
        """Return a query for those of `series` that are within the bounds."""
        wanted = frozenset(series)
        if self.bounds.exclusions:
            # The vault knows categories; which metrics a consent leaves out is known here only.
            wanted &= frozenset(entry.id for entry in self.series())
        return SeriesQuery(self.patient, self.bounds.categories, series=wanted)

    def _within(self, windows: tuple[Window, ...]) -> tuple[Window, ...]:
        own = self.bounds.window
        return windows if own is None else (own, *windows)

    def _entry(self, series: SeriesId) -> SeriesEntry:
        for entry in self._reader.series(self._which([series])):
            return entry
        raise NotFound(NOT_HERE)

    def _check_within(self, start: int, end: int, basis: int) -> None:
        floating = basis == TimeBasis.FLOATING
        if not span_matches(self._within(()), start, end, floating=floating):
            raise NotFound(NOT_HERE)


@dataclass(frozen=True, slots=True)
class Opened:
    """What the gate let through: scopes to read in, until when, and what was logged of it."""

    patient: PatientId
    basis: Basis
    scopes: tuple[Scope, ...]
    until: Seconds | None
    entries: tuple[Entry, ...]
    receipts: tuple[ReadReceipt, ...]
    _names: Callable[[], frozenset[str]] = field(repr=False)
    """What imported resources call the patient: looked up when a reference asks for it."""

    _visible: tuple[Scope, ...] = field(repr=False)
    """All that the reader may see, asked for or not: a reference to it leads somewhere."""

    _reader: Reader = field(repr=False)

    def resolve(self, reference: str) -> str | None:
        """Return `Type/id` of what a reference of an imported resource names, if it may be seen.

        References to the patient always lead somewhere: the whole record is about them.
        """
        if reference in self._names():
            return f"Patient/{self.patient}"
        found = self._reader.locate(self.patient, [reference]).get(reference)
        if found is None:
            return None
        for scope in self._visible:
            for record in scope.documents(ids=frozenset({found}), limit=1).documents:
                return f"{record.resource_type}/{record.id}"
        return None

    @property
    def limited(self) -> bool:
        """Whether the reader sees only what a consent lets through."""
        return self.basis is Basis.CONSENT

    @property
    def decision(self) -> str:
        """The name of the decision that allowed this read: the log entries it left."""
        return " ".join(entry.digest.hex()[:32] for entry in self.entries)

    @property
    def categories(self) -> frozenset[Category]:
        return frozenset().union(*(scope.bounds.categories for scope in self.scopes))


@dataclass(frozen=True, slots=True)
class Gate:
    """Decides, logs, opens."""

    vault: Vault
    register: ConsentRegister
    identities: IdentityStore
    ledger: Ledger
    accesses: AccessLog
    signer: Signer
    clock: Clock

    @property
    def reader(self) -> Reader:
        return Reader(self.vault)

    def open(self, who: Principal, patient: PatientId, purpose: str, asked: Asked) -> Opened:
        """Open a patient's record for somebody, or raise `NotFound` whatever the reason is."""
        now = self.clock.now()
        patient = self._known(patient)
        if who.role is Role.PATIENT and who.patient == patient:
            return self._open_own(who, patient, asked, now)
        decision = self.decide(who, patient, purpose, now)
        allowances = _asked_for(decision.allowances, asked) if isinstance(decision, Permit) else ()
        if isinstance(decision, Deny) or not allowances:
            reason = decision.reason if isinstance(decision, Deny) else Reason.NOT_COVERED
            # What was asked for, as asked: categories would only be those that it might have met.
            bare = replace(asked, categories=())
            refused = self._access(who, patient, Basis.REFUSED, purpose, now, bare)
            self.accesses.append([refused.because(reason)])
            raise NotFound(NOT_HERE)
        entries = self.accesses.append(
            [
                self._access(
                    who,
                    patient,
                    Basis.CONSENT,
                    purpose,
                    now,
                    asked.within(each.categories, each.data_from, each.data_until),
                ).under(consent_chain(each.consent))
                for each in allowances
            ]
        )
        scopes = self._scopes(patient, allowances)
        visible = self._scopes(patient, decision.allowances)
        receipts = tuple(
            receipt_for(self.ledger.genesis.ledger, entry, self.signer) for entry in entries
        )
        return self._opened(
            patient, Basis.CONSENT, scopes, visible, decision.until, entries, receipts
        )

    def owner(self, record: str) -> PatientId:
        """Return whose record a series or document is, `NOBODY` if it is none; opens nothing."""
        try:
            return self.reader.owner(record)
        except NotFound:
            return NOBODY

    def series_about(self, series: SeriesId) -> tuple[PatientId, tuple[str, ...]]:
        """Return whose a series is and its category, for the log.

        Opens no sample, and tells a reader nothing: what they learn, they learn from `open`.
        """
        patient = self.owner(series)
        if patient == NOBODY:
            return patient, ()
        which = SeriesQuery(patient, EVERYTHING, series=frozenset({series}))
        return patient, tuple(str(entry.category) for entry in self.reader.series(which))

    def decide(
        self, who: Principal, patient: PatientId, purpose: str, now: Micros
    ) -> Permit | Deny:
        """Decide without opening: on the executed head, at this moment.

        A confirmation is a condition of reading, not only of granting: whoever lost it may be
        somebody else behind the account (ADR 0039). So is the organisation that the patient read
        of: whoever was confirmed for another one since then is let in there by nobody.
        """
        request = Request(who.id, patient, purpose, seconds(now))
        own = [one for one in self.register.of_patient(patient) if one.recipient.id == who.id]
        grants = [self.opened_grant(one, now) for one in own]
        decision = decide(request, [one for one in grants if at_its_place(who, one.terms)])
        if isinstance(decision, Permit):
            return decision if who.status in MAY_BE_GRANTED else Deny(Reason.UNCONFIRMED)
        if isinstance(decide(request, grants), Permit):
            return Deny(Reason.MOVED)
        return decision

    def opened_grant(self, terms: Terms, now: Micros) -> OpenedGrant:
        """Return terms together with what the executed ledger says of them now."""
        consent = terms.consent
        grant = self.ledger.executed(grant_slot(terms.signer, consent))
        account = self.ledger.executed(account_slot(terms.signer))
        state = grant_state(grant, account, seconds(now))
        if state in {GrantState.LIVE, GrantState.NOT_YET} and self.register.is_held(consent):
            state = GrantState.HELD
        return OpenedGrant(consent, terms, state)

    def log_maintenance(self, who: PrincipalId, patient: PatientId, asked: Asked) -> None:
        """Log that maintenance goes through a patient's sealed bytes, before it does."""
        chain, now = own_chain(patient, Basis.MAINTENANCE), self.clock.now()
        access = Access(chain, patient, who, Basis.MAINTENANCE, MAINTENANCE_PURPOSE, now, asked)
        self.accesses.append([access])

    def _open_own(self, who: Principal, patient: PatientId, asked: Asked, now: Micros) -> Opened:
        access = self._access(who, patient, Basis.SELF, SELF_PURPOSE, now, asked)
        entries = self.accesses.append([access])
        scope = Scope(patient, Bounds(EVERYTHING), limited=False, _reader=self.reader)
        return self._opened(patient, Basis.SELF, (scope,), (scope,), None, entries, ())

    def _opened(
        self,
        patient: PatientId,
        basis: Basis,
        scopes: tuple[Scope, ...],
        visible: tuple[Scope, ...],
        until: Seconds | None,
        entries: tuple[Entry, ...],
        receipts: tuple[ReadReceipt, ...],
    ) -> Opened:
        reader = self.reader

        @cache
        def names() -> frozenset[str]:
            query = DocumentQuery(patient, EVERYTHING, types=PATIENT_TYPE)
            return frozenset(record.key for record in reader.documents(query).documents)

        return Opened(patient, basis, scopes, until, entries, receipts, names, visible, reader)

    def _scopes(self, patient: PatientId, allowances: tuple[Allowance, ...]) -> tuple[Scope, ...]:
        return tuple(
            Scope(patient, bounds, limited=True, _reader=self.reader)
            for bounds in scopes_of(allowances)
        )

    def _known(self, patient: PatientId) -> PatientId:
        try:
            self.identities.principal_of_patient(patient)
        except NotFound:
            return NOBODY
        return patient

    def _access(
        self,
        who: Principal,
        patient: PatientId,
        basis: Basis,
        purpose: str,
        now: Micros,
        asked: Asked,
    ) -> Access:
        return Access(own_chain(patient, basis), patient, who.id, basis, purpose, now, asked)


def at_its_place(who: Principal, terms: Terms) -> bool:
    """Whether a recipient still is at the organisation that the terms name."""
    return terms.recipient.organisation.id == who.organisation


def _asked_for(allowances: tuple[Allowance, ...], asked: Asked) -> tuple[Allowance, ...]:
    """Return the allowances as far as they concern what is asked: each is logged for its own part.

    What is asked may name no category, which means all. A consent that covers none of it is left
    out.
    """
    wanted = frozenset(asked.categories)
    if not wanted:
        return allowances
    narrowed = (replace(each, categories=each.categories & wanted) for each in allowances)
    return tuple(each for each in narrowed if each.categories)
