"""The gate decides, logs durably, then opens; whoever may not read learns nothing."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from pulsekey.evidence.access_log import AccessLog
from pulsekey.evidence.entries import Asked, Basis, Entry, consent_chain, own_chain
from pulsekey.evidence.receipts import verify_receipt
from pulsekey.exchange.gate import EVERYTHING, NOBODY, NOT_HERE, Gate, Scope
from pulsekey.exchange.scope import Bounds
from pulsekey.primitives.clock import Micros, seconds
from pulsekey.primitives.errors import NotFound, Unavailable
from pulsekey.primitives.ids import PatientId, SeriesId
from pulsekey.signals.category import Category
from pulsekey.signals.series import Basis as TimeBasis
from pulsekey.vault.records import BlockQuery, DocumentRecord, SeriesQuery
from tests.fakes.node_clinic import CHECK, Clinic, Member, chart, chart_identifiers, everything

ASKED = Asked(("Observation",))
DAY = 86_400


class Watched:
    """Stands for something, and notes each use of it."""

    def __init__(self, inner: object, events: list[str], name: str) -> None:
        self._inner = inner
        self._events = events
        self._name = name

    def __getattr__(self, name: str) -> Any:
        self._events.append(self._name)
        return getattr(self._inner, name)


class FailingLog:
    """An access log whose disk is full."""

    def append(self, *_: object) -> tuple[Entry, ...]:
        raise Unavailable("the disk is full")


def watched(gate: Gate, events: list[str], **others: Any) -> Gate:
    parts: dict[str, Any] = {
        "vault": Watched(gate.vault, events, "open"),
        "register": Watched(gate.register, events, "decide"),
        "accesses": Watched(gate.accesses, events, "log"),
    }
    return replace(gate, **(parts | others))


def refusals(log: AccessLog, patient: PatientId) -> list[str]:
    return [entry.access.reason for entry in log.chain(own_chain(patient, Basis.REFUSED))]


def test_nothing_is_opened_when_the_read_cannot_be_logged(clinic: Clinic) -> None:
    patient, clinician, stranger = clinic.patient(), clinic.clinician(), clinic.clinician("Dr B")
    clinic.grant(patient, clinician)
    events: list[str] = []
    gate = watched(clinic.node.gate, events, accesses=FailingLog())
    for who in (clinician, patient, stranger):
        with pytest.raises(Unavailable):
            gate.open(who.principal, patient.patient, "TREAT", ASKED)
    assert "open" not in events


def test_it_decides_then_logs_then_opens(clinic: Clinic) -> None:
    patient, clinician = clinic.patient(), clinic.clinician()
    clinic.grant(patient, clinician)
    events: list[str] = []
    gate = watched(clinic.node.gate, events)
    gate.open(clinician.principal, patient.patient, "TREAT", ASKED).scopes[0].series()
    assert sorted(set(events), key=events.index) == ["decide", "log", "open"]
    assert events == sorted(events, key=["decide", "log", "open"].index)


def not_granted(_: Clinic, __: Member, ___: Member) -> None:
    """Nothing happens."""


def stopped(clinic: Clinic, patient: Member, clinician: Member) -> None:
    clinic.stop(patient, clinic.grant(patient, clinician))


def stopped_with_all(clinic: Clinic, patient: Member, clinician: Member) -> None:
    clinic.grant(patient, clinician)
    patient.confirm(clinic.node.signing.offer_stop_all(patient.principal, patient.key))


def expired(clinic: Clinic, patient: Member, clinician: Member) -> None:
    clinic.grant(patient, clinician, days=2)
    clinic.clock.advance(2 * DAY)


def not_yet(clinic: Clinic, patient: Member, clinician: Member) -> None:
    clinic.grant_later(patient, clinician, seconds_ahead=DAY)


def other_purpose(clinic: Clinic, patient: Member, clinician: Member) -> None:
    clinic.grant(patient, clinician, purpose="HRESCH")


def offered_only(clinic: Clinic, patient: Member, clinician: Member) -> None:
    clinic.node.granting.offer(patient.principal, patient.key, clinic.choice(clinician))


DENIED: dict[str, tuple[Callable[[Clinic, Member, Member], None], str]] = {
    "never granted": (not_granted, "never granted"),
    "offered but never signed": (offered_only, "never granted"),
    "not yet": (not_yet, "not yet"),
    "stopped": (stopped, "stopped"),
    "stopped with all others": (stopped_with_all, "stopped"),
    "expired": (expired, "expired"),
    "granted for another purpose": (other_purpose, "granted for another purpose"),
}


@pytest.mark.parametrize(("prepare", "reason"), DENIED.values(), ids=DENIED.keys())
def test_a_denied_read_is_logged_with_its_reason_and_answered_like_any_other(
    clinic: Clinic, prepare: Callable[[Clinic, Member, Member], None], reason: str
) -> None:
    patient, clinician = clinic.patient(), clinic.clinician()
    prepare(clinic, patient, clinician)
    with pytest.raises(NotFound) as denied:
        clinic.node.gate.open(clinician.principal, patient.patient, "TREAT", ASKED)
    with pytest.raises(NotFound) as unknown:
        clinic.node.gate.open(clinician.principal, PatientId("nobody"), "TREAT", ASKED)
    assert str(denied.value) == str(unknown.value) == NOT_HERE
    assert refusals(clinic.node.accesses, patient.patient) == [reason]


def test_who_is_not_a_clinician_reads_nothing_of_others(clinic: Clinic) -> None:
    patient, other = clinic.patient(), clinic.patient("Quinn")
    for who in (other, clinic.operator):
        with pytest.raises(NotFound, match=NOT_HERE):
            clinic.node.gate.open(who.principal, patient.patient, "TREAT", ASKED)
    assert refusals(clinic.node.accesses, patient.patient) == ["never granted"] * 2


def test_who_lost_their_confirmation_reads_nothing_until_it_is_given_again(clinic: Clinic) -> None:
    patient, clinician = clinic.patient(), clinic.clinician()
    clinic.grant(patient, clinician)
    clinic.node.directory.withdraw(clinic.operator.principal.id, clinician.principal.id)
    again = clinic.node.identities.principal(clinician.principal.id)
    with pytest.raises(NotFound, match=NOT_HERE):
        clinic.node.gate.open(again, patient.patient, "TREAT", ASKED)
    assert refusals(clinic.node.accesses, patient.patient) == ["recipient not confirmed"]
    assert clinic.node.listing.shared_with(again, "TREAT") == ()


def test_a_consent_does_not_follow_its_recipient_to_another_organisation(clinic: Clinic) -> None:
    """Once it did: the patient had read "identity confirmed by City Clinic"."""
    patient, clinician = clinic.patient(), clinic.clinician()
    clinic.grant(patient, clinician)
    directory, boss = clinic.node.directory, clinic.operator.id
    home = clinician.principal.organisation
    directory.withdraw(boss, clinician.id)
    other = directory.add_organisation(boss, "Big Insurance Inc")
    directory.confirm_staff(boss, clinician.id, other.id, CHECK)
    with pytest.raises(NotFound, match=NOT_HERE):
        clinic.node.gate.open(clinician.principal, patient.patient, "TREAT", ASKED)
    reason = "recipient at another organisation"
    assert refusals(clinic.node.accesses, patient.patient) == [reason]
    assert clinic.node.listing.shared_with(clinician.principal, "TREAT") == ()
    directory.withdraw(boss, clinician.id)
    directory.confirm_staff(boss, clinician.id, home, CHECK)
    assert clinic.node.gate.open(clinician.principal, patient.patient, "TREAT", ASKED).limited


def test_a_patients_own_reading_is_a_named_decision_too(clinic: Clinic) -> None:
    patient = clinic.patient()
    opened = clinic.node.gate.open(patient.principal, patient.patient, "TREAT", ASKED)
    (entry,) = clinic.node.accesses.of_patient(patient.patient)
    assert (entry.access.basis, entry.access.purpose) == (Basis.SELF, "PATRQT")
    assert not opened.limited
    assert opened.receipts == ()
    assert opened.decision == entry.digest.hex()[:32]


def test_each_consent_that_lets_a_read_through_gets_an_entry_and_a_receipt(
    clinic: Clinic,
) -> None:
    patient, clinician = clinic.patient(), clinic.clinician()
    consents = {
        clinic.grant(patient, clinician, ["glucose"]),
        clinic.grant(patient, clinician, ["ecg", "glucose"], days=9),
    }
    for counter in (1, 2):
        opened = clinic.node.gate.open(clinician.principal, patient.patient, "TREAT", ASKED)
        assert {entry.access.chain for entry in opened.entries} == set(map(consent_chain, consents))
        assert {entry.counter for entry in opened.entries} == {counter}
        for receipt in opened.receipts:
            verify_receipt(receipt, clinic.node.keys.public_key())
        assert [receipt.entry for receipt in opened.receipts] == [
            entry.digest for entry in opened.entries
        ]
    assert opened.until is not None
    assert opened.until <= seconds(clinic.clock.now()) + 9 * DAY
    assert opened.categories == {Category.GLUCOSE, Category.ECG}


def test_what_is_logged_is_what_was_asked_and_permitted(clinic: Clinic) -> None:
    patient, clinician = clinic.patient(), clinic.clinician()
    clinic.grant(patient, clinician, ["glucose"])
    for asked, logged in (((), ("glucose",)), (("ecg", "glucose"), ("glucose",))):
        opened = clinic.node.gate.open(
            clinician.principal, patient.patient, "TREAT", Asked(("Observation",), asked)
        )
        assert opened.entries[0].access.asked.categories == logged


def test_what_no_consent_covers_is_refused_and_logged_as_that(clinic: Clinic) -> None:
    patient, clinician = clinic.patient(), clinic.clinician()
    clinic.grant(patient, clinician, ["glucose"])
    with pytest.raises(NotFound, match=NOT_HERE):
        clinic.node.gate.open(
            clinician.principal, patient.patient, "TREAT", Asked(("Observation",), ("ecg",))
        )
    assert refusals(clinic.node.accesses, patient.patient) == ["not among what was granted"]
    (refused,) = clinic.node.accesses.chain(own_chain(patient.patient, Basis.REFUSED))
    # Which categories it might have met is our guess, not what was asked.
    assert refused.access.asked.categories == ()


def test_whatever_is_asked_of_a_scope_stays_within_its_bounds(clinic: Clinic) -> None:
    patient, clinician = clinic.patient(bound=chart_identifiers()), clinic.clinician()
    clinic.load(patient, *everything(), chart())
    # The sensor's three days are 13 to 15 April 1961: the second one and what follows.
    clinic.grant(
        patient,
        clinician,
        ["glucose"],
        data_from="1961-04-14T00:00",
        data_until="then",
        zone="Europe/Paris",
    )
    own = clinic.node.gate.open(patient.principal, patient.patient, "", ASKED).scopes[0]
    opened = clinic.node.gate.open(clinician.principal, patient.patient, "TREAT", ASKED)
    (scope,) = opened.scopes
    begin = scope.bounds.data_from
    assert begin is not None
    assert {entry.category for entry in scope.series()} == {Category.GLUCOSE}
    everyone = [entry.id for entry in own.series()]
    whole = own.samples(everyone, limit=60_000)
    page = scope.samples(everyone, limit=60_000)
    assert 0 < len(page) < len(whole)
    assert all(
        (samples.series.times.start >= begin).all() and samples.entry.category == Category.GLUCOSE
        for samples in page.samples
    )
    # One by one, by name: what is outside is not here.
    shown = {
        (samples.entry.id, int(ordinal)) for samples in page.samples for ordinal in samples.ordinals
    }
    tried = 0
    for samples in whole.samples:
        for row, ordinal in list(enumerate(samples.ordinals.tolist()))[::25]:
            tried += 1
            if (samples.entry.id, ordinal) in shown:
                found = scope.sample(samples.entry.id, ordinal)
                assert found.series.times.start[0] == samples.series.times.start[row]
            else:
                with pytest.raises(NotFound, match=NOT_HERE):
                    scope.sample(samples.entry.id, ordinal)
    assert tried > len(everyone)
    (glucose,) = (one for one in whole.samples if one.entry.metric.name == "glucose-sensor")
    assert 0 < len(page) < len(glucose), "some of what the consent names lies outside of it"
    waves = [entry.id for entry in own.series() if entry.metric.shape == "waveform"]
    assert own.blocks(waves)
    assert scope.blocks(waves) == ()
    with pytest.raises(NotFound, match=NOT_HERE):
        scope.block(waves[0], own.blocks(waves)[0].ordinal)
    own_documents = own.documents(limit=500).documents
    ids = frozenset(one.id for one in own_documents)
    assert len(ids) > 50
    assert {one.category for one in scope.documents(ids=ids, limit=500).documents} <= {
        Category.GLUCOSE
    }


def test_a_block_outside_of_the_data_period_is_not_here(clinic: Clinic) -> None:
    patient, clinician = clinic.patient(), clinic.clinician()
    clinic.load(patient, *everything())
    clinic.grant(patient, clinician, ["ecg"], data_from="2022-01-01T00:00")
    own = clinic.node.gate.open(patient.principal, patient.patient, "", ASKED).scopes[0]
    (scope,) = clinic.node.gate.open(clinician.principal, patient.patient, "TREAT", ASKED).scopes
    waves = [entry.id for entry in scope.series() if entry.metric.shape == "waveform"]
    assert waves
    assert scope.blocks(waves) == ()
    with pytest.raises(NotFound, match=NOT_HERE):
        scope.block(waves[0], own.blocks(waves)[0].ordinal)


def test_what_reaches_over_an_edge_of_the_period_is_not_here(clinic: Clinic) -> None:
    patient = clinic.patient()
    clinic.load(patient, *everything())
    own = clinic.node.gate.open(patient.principal, patient.patient, "", ASKED).scopes[0]
    everyone = [entry.id for entry in own.series()]
    (head, *_) = own.blocks([one.id for one in own.series() if one.metric.shape == "waveform"])
    series = head.entry.id
    whole = own.samples(everyone, limit=60_000)
    lasting = next(
        samples
        for samples in whole.samples
        if (samples.series.times.end > samples.series.times.start).any()
        and not (samples.series.times.basis == TimeBasis.FLOATING).any()
    )
    row = int((lasting.series.times.end > lasting.series.times.start).argmax())
    name, ordinal = lasting.entry.id, int(lasting.ordinals[row])
    start, end = int(lasting.series.times.start[row]), int(lasting.series.times.end[row])

    def within(begin: int, until: int) -> Scope:
        return replace(own, bounds=Bounds(EVERYTHING, Micros(begin), Micros(until)), limited=True)

    assert within(start, end + 1).sample(name, ordinal)
    for scope in (within(start + 1, end + 1), within(start, end - 1)):
        with pytest.raises(NotFound, match=NOT_HERE):
            scope.sample(name, ordinal)
        page = scope.samples([name])
        assert not any(ordinal in samples.ordinals for samples in page.samples)
        latest = scope.latest().get(name)
        assert latest is None or ordinal not in latest.ordinals
    assert within(head.start, head.end + 1).blocks([series])
    inside = within(head.start, head.end + 1).block(series, head.ordinal, samples=1)
    assert inside.head.start == head.start
    for scope in (within(head.start + 1, head.end + 1), within(head.start, head.end - 1)):
        assert not scope.blocks([series])
        with pytest.raises(NotFound, match=NOT_HERE):
            scope.block(series, head.ordinal, samples=1)


def test_what_a_consent_leaves_out_is_not_here_by_any_way(clinic: Clinic) -> None:
    patient, clinician = clinic.patient(bound=chart_identifiers()), clinic.clinician()
    clinic.load(patient, *everything(), chart())
    own = clinic.node.gate.open(patient.principal, patient.patient, "", ASKED).scopes[0]
    glucose = next(one for one in own.series() if one.category == Category.GLUCOSE)
    resource = next(one for one in own.documents(limit=500).documents if one.codes)
    left_out = [(code.system, code.code) for code in glucose.metric.codes] + [*resource.codes]
    offer = clinic.node.granting.offer(
        patient.principal,
        patient.key,
        clinic.choice(clinician, [str(glucose.category), str(resource.category)]),
    )
    assert offer.terms is not None
    excluded = tuple(sorted({"|".join(pair) for pair in left_out}))
    clinic.grant_terms(patient, replace(offer.terms, exclusions=excluded, sentence=""))
    scopes = clinic.node.gate.open(clinician.principal, patient.patient, "TREAT", ASKED).scopes
    assert scopes
    ordinal = int(own.samples([glucose.id], limit=1).samples[0].ordinals[0])
    for scope in scopes:
        assert glucose.id not in {one.id for one in scope.series()}
        assert len(scope.samples([glucose.id])) == 0
        assert glucose.id not in scope.latest()
        with pytest.raises(NotFound, match=NOT_HERE):
            scope.sample(glucose.id, ordinal)
        shown = scope.documents(limit=500).documents
        assert not [one for one in shown if set(one.codes) & set(left_out)]
        assert scope.documents(ids=frozenset({resource.id})).documents == ()


def test_a_reference_leads_to_what_another_consent_lets_see(clinic: Clinic) -> None:
    patient, clinician = clinic.patient(bound=chart_identifiers()), clinic.clinician()
    clinic.load(patient, chart())
    own = clinic.node.gate.open(patient.principal, patient.patient, "", ASKED)
    by_type = {one.resource_type: one for one in own.scopes[0].documents(limit=500).documents}
    condition, encounter = by_type["Condition"], by_type["Encounter"]
    clinic.grant(patient, clinician, [str(condition.category)])
    clinic.grant(patient, clinician, [str(encounter.category)])
    asked = Asked(("Condition",), (str(condition.category),))
    opened = clinic.node.gate.open(clinician.principal, patient.patient, "TREAT", asked)
    assert opened.categories == {condition.category}
    assert opened.resolve(encounter.key) == f"Encounter/{encounter.id}"


def test_an_undated_resource_needs_a_period_without_a_start(clinic: Clinic) -> None:
    patient, clinician, other = (
        clinic.patient(bound=chart_identifiers()),
        *(clinic.clinician(name) for name in ("Dr A", "Dr B")),
    )
    clinic.load(patient, chart())
    clinic.grant(patient, clinician, ["demographics"])
    clinic.grant(patient, other, ["demographics"], data_from="1900-01-01T00:00")
    found = []
    for who in (clinician, other):
        (scope,) = clinic.node.gate.open(who.principal, patient.patient, "TREAT", ASKED).scopes
        found.append([one for one in scope.documents().documents if not one.date])
    assert found[0]
    assert found[1] == []


def test_references_lead_only_to_what_may_be_read(clinic: Clinic) -> None:
    patient, clinician = clinic.patient(bound=chart_identifiers()), clinic.clinician()
    clinic.load(patient, chart())
    clinic.grant(patient, clinician, ["conditions"])
    own = clinic.node.gate.open(patient.principal, patient.patient, "", ASKED)
    limited = clinic.node.gate.open(clinician.principal, patient.patient, "TREAT", ASKED)
    by_type: dict[str, DocumentRecord] = {}
    for one in own.scopes[0].documents(limit=500).documents:
        by_type.setdefault(one.resource_type, one)
    condition, encounter = by_type["Condition"], by_type["Encounter"]
    assert limited.resolve(condition.key) == own.resolve(condition.key)
    assert own.resolve(encounter.key) == f"Encounter/{encounter.id}"
    assert limited.resolve(encounter.key) is None
    assert limited.resolve(by_type["Patient"].key) == f"Patient/{patient.patient}"
    assert limited.resolve("urn:uuid:of-nothing") is None


def test_maintenance_goes_through_a_record_only_after_it_was_logged(clinic: Clinic) -> None:
    patient = clinic.patient()
    clinic.load(patient, *everything())
    assert clinic.node.auditing().sound
    (entry,) = clinic.node.accesses.chain(own_chain(patient.patient, Basis.MAINTENANCE))
    assert (entry.access.reader, entry.access.purpose) == ("command-line", "HSYSADMIN")
    failing = watched(clinic.node.gate, [], accesses=FailingLog())
    with pytest.raises(Unavailable):
        replace(clinic.node.auditing, gate=failing)()


@pytest.mark.parametrize(
    ("kind", "query"),
    [
        ("Observation", [("patient", "unknown")]),
        ("Observation", [("_id", "unknown-7")]),
        ("Condition", [("_id", "unknown")]),
        ("Patient", [("identifier", "urn:oid:1.2.3|unknown")]),
    ],
)
def test_asking_for_nobodys_record_costs_a_log_entry_like_any_other_refusal(
    clinic: Clinic, kind: str, query: list[tuple[str, str]]
) -> None:
    """Once it cost none, and the answer came a millisecond sooner where nobody was there."""
    reader, log = clinic.clinician().reader("TREAT"), clinic.node.accesses
    for count in (1, 2):
        with pytest.raises(NotFound, match=NOT_HERE):
            clinic.node.records.search(reader, kind, query)
        assert refusals(log, NOBODY) == ["never granted"] * count


def test_reading_what_is_nobodys_is_refused_and_logged(clinic: Clinic) -> None:
    reader, node = clinic.clinician().reader("TREAT"), clinic.node
    who = reader.principal
    for ask in (
        lambda: node.records.read(reader, "Condition", "unknown"),
        lambda: node.records.read(reader, "Observation", "unknown-0"),
        lambda: node.records.read(reader, "Patient", "unknown"),
        lambda: node.showing.blocks(who, SeriesId("unknown"), "TREAT"),
        lambda: node.showing.chart(who, PatientId("unknown"), "TREAT"),
    ):
        before = len(refusals(node.accesses, NOBODY))
        with pytest.raises(NotFound, match=NOT_HERE):
            ask()
        assert len(refusals(node.accesses, NOBODY)) == before + 1
    assert node.gate.owner("unknown") == NOBODY
    # A node that was asked for nobody still commits, proves and audits.
    assert node.committing() is not None
    assert node.auditing().sound


def test_a_query_of_no_series_finds_no_block(clinic: Clinic) -> None:
    patient = clinic.patient()
    clinic.load(patient, *everything())
    which = SeriesQuery(patient.patient, frozenset(Category), series=frozenset())
    assert clinic.node.gate.reader.blocks(BlockQuery(which)) == ()
