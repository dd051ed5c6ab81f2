"""A grant's terms are what the patient chose and what an operator confirmed, and nothing else."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from pulsekey.consent.operations import Grant
from pulsekey.consent.terms import Terms, decode_terms
from pulsekey.exchange.grant_access import INCLUDE_SECONDS_MAX, VALID_DAYS_MAX, local_seconds
from pulsekey.exchange.offers import Offer
from pulsekey.primitives.clock import seconds
from pulsekey.primitives.errors import AccessDenied, Conflict, MalformedInput, NotFound
from pulsekey.primitives.ids import PrincipalId
from pulsekey.signals.category import Category
from tests.fakes.node_clinic import ORGANISATION, Clinic, Member

PARIS = "Europe/Paris"


def offered(clinic: Clinic, patient: Member, clinician: Member, **changes: object) -> Offer:
    known = {"days", "purpose", "data_from", "data_until", "zone", "language", "categories"}
    terms = {name: value for name, value in changes.items() if name in known}
    choice = clinic.choice(clinician, **terms)  # type: ignore[arg-type] # Named by each test.
    others = {name: value for name, value in changes.items() if name not in known}
    choice = replace(choice, **others)  # type: ignore[arg-type] # Named by each test.
    return clinic.node.granting.offer(patient.principal, patient.key, choice)


def terms_of(offer: Offer) -> Terms:
    assert offer.terms is not None
    return offer.terms


def test_the_terms_say_what_was_chosen_and_who_confirmed_it(clinic: Clinic) -> None:
    patient, clinician = clinic.patient(), clinic.clinician()
    offer = offered(clinic, patient, clinician, categories=["glucose", "ecg"], language="zh-CN")
    terms = terms_of(offer)
    assert terms.subject == patient.patient
    assert terms.signer == patient.principal.account
    assert terms.recipient.id == clinician.id
    assert terms.recipient.organisation.name == ORGANISATION
    assert terms.categories == (Category.GLUCOSE, Category.ECG)
    assert (terms.language, terms.purpose, terms.zone) == ("zh-CN", "TREAT", "UTC")
    assert terms.controller.contact == clinic.node.settings.contact
    assert terms.jurisdiction == clinic.node.settings.jurisdiction
    assert terms.valid_from <= seconds(clinic.clock.now()) < terms.valid_until
    assert terms.sentence
    assert decode_terms(terms.encode()) == terms


def test_the_operation_commits_to_the_terms_and_must_be_included_soon(clinic: Clinic) -> None:
    patient, clinician = clinic.patient(), clinic.clinician()
    offer = offered(clinic, patient, clinician)
    terms, body = terms_of(offer), offer.operation.body
    assert isinstance(body, Grant)
    assert body.consent == terms.consent
    assert (body.valid_from, body.valid_until) == (terms.valid_from, terms.valid_until)
    assert body.include_by - seconds(clinic.clock.now()) <= INCLUDE_SECONDS_MAX


def test_terms_are_kept_once_they_are_signed_and_not_before(clinic: Clinic) -> None:
    patient, clinician = clinic.patient(), clinic.clinician()
    offer = offered(clinic, patient, clinician)
    terms = terms_of(offer)
    with pytest.raises(NotFound):
        clinic.node.register.terms(terms.consent)
    patient.confirm(offer)
    assert clinic.node.register.terms(terms.consent) == terms


def test_two_grants_of_the_same_choice_are_two_consents(clinic: Clinic) -> None:
    patient, clinician = clinic.patient(), clinic.clinician()
    first, second = (terms_of(offered(clinic, patient, clinician)) for _ in range(2))
    assert first.consent != second.consent


def test_data_until_is_then_now_or_no_bound(clinic: Clinic) -> None:
    patient, clinician = clinic.patient(), clinic.clinician()
    found = {
        chosen: terms_of(offered(clinic, patient, clinician, data_until=chosen))
        for chosen in ("then", "now", "")
    }
    assert found["then"].data_until == found["then"].valid_until
    assert found["now"].data_until == found["now"].valid_from
    assert found[""].data_until is None
    begun = terms_of(offered(clinic, patient, clinician, data_from="2020-02-29T12:00", zone=PARIS))
    assert begun.data_from == datetime(2020, 2, 29, 11, tzinfo=UTC).timestamp()


@pytest.mark.parametrize(
    ("local", "utc"),
    [
        ("2026-07-01T12:00", (2026, 7, 1, 10, 0)),
        ("2026-12-22T23:59", (2026, 12, 22, 22, 59)),
        # 2:00 to 3:00 does not exist on this day: read with the offset before the gap.
        ("2026-03-29T02:30", (2026, 3, 29, 1, 30)),
        # 2:00 to 3:00 comes twice on this day: the first of the two.
        ("2026-10-25T02:30", (2026, 10, 25, 0, 30)),
    ],
)
def test_local_times_are_read_in_their_zone(local: str, utc: tuple[int, ...]) -> None:
    year, month, day, hour, minute = utc
    expected = datetime(year, month, day, hour, minute, tzinfo=UTC).timestamp()
    assert local_seconds(local, PARIS, where="validUntil") == expected


@pytest.mark.parametrize(
    ("local", "zone"),
    [
        ("2026-02-30T00:00", PARIS),
        ("2026-12-22", PARIS),
        ("2026-12-22T23:59:00", PARIS),
        ("2026-12-22T23:59Z", PARIS),
        ("0001-01-01T00:00", "Etc/GMT-14"),
        ("", PARIS),
        ("2026-12-22T23:59", ""),
        ("2026-12-22T23:59", "Nowhere/Here"),
        ("2026-12-22T23:59", "../Paris"),
        ("2026-12-22T23:59", "/etc/passwd"),
        ("2026-12-22T23:59", "Europe"),
        ("2026-12-22T23:59", "a" * 300),
        ("2026-12-22T23:59", "Europe/Paris\0"),
    ],
)
def test_what_is_no_local_time_in_a_known_zone_is_refused(local: str, zone: str) -> None:
    if local.startswith("0001"):
        # Far before 1970, yet a time: it is the grant that has to lie ahead.
        assert local_seconds(local, zone, where="validUntil") < 0
        return
    with pytest.raises(MalformedInput) as refused:
        local_seconds(local, zone, where="validUntil")
    assert refused.value.where == "validUntil"
    assert refused.value.cure


def test_an_unconfirmed_recipient_is_refused_like_an_unknown_one(clinic: Clinic) -> None:
    patient, clinician = clinic.patient(), clinic.clinician()
    registered = clinic.clinician("Dr New", confirmed=False)
    suspended = clinic.clinician("Dr Gone")
    clinic.node.directory.suspend(clinic.operator.id, suspended.id)
    messages = set()
    unknown = PrincipalId("nobody")
    for who in (registered.id, suspended.id, unknown, patient.id, clinic.operator.id):
        with pytest.raises(AccessDenied) as refused:
            offered(clinic, patient, clinician, recipient=who)
        messages.add(str(refused.value))
    assert len(messages) == 1
    assert clinic.node.register.of_patient(patient.patient) == ()


@pytest.mark.parametrize(
    ("changes", "where"),
    [
        ({"categories": ["heart"]}, "categories"),
        ({"categories": []}, "categories"),
        ({"categories": ["ecg", "ecg"]}, "categories"),
        ({"purpose": "CURIOSITY"}, "purpose"),
        ({"days": 0}, "validUntil"),
        ({"days": -1}, "validUntil"),
        ({"days": VALID_DAYS_MAX + 1}, "validUntil"),
        ({"valid_until": "tomorrow"}, "validUntil"),
        ({"data_from": "yesterday"}, "dataFrom"),
        ({"data_from": "2199-01-01T00:00"}, "data"),
        ({"zone": "Europe"}, "validUntil"),
        ({"language": "tlh"}, "language"),
    ],
)
def test_what_cannot_be_meant_is_refused_and_nothing_is_kept(
    clinic: Clinic, changes: dict[str, object], where: str
) -> None:
    patient, clinician = clinic.patient(), clinic.clinician()
    with pytest.raises(MalformedInput) as refused:
        offered(clinic, patient, clinician, **changes)
    assert refused.value.where == where
    assert clinic.node.register.of_patient(patient.patient) == ()


def test_only_a_patient_with_an_account_can_grant(clinic: Clinic) -> None:
    clinician, without = clinic.clinician(), clinic.patient(account=False)
    with pytest.raises(Conflict, match="no account"):
        offered(clinic, without, clinician)
    with pytest.raises(NotFound):
        offered(clinic, clinician, clinician)
