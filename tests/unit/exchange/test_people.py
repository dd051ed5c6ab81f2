"""The people list and the lists of consents: searched in portions, and never cut without a word."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from pulsekey.consent import register
from pulsekey.exchange import list_people
from pulsekey.exchange.list_people import Wanted
from pulsekey.identity import store
from pulsekey.identity.lifecycle import Event
from pulsekey.identity.principals import Identifier, Role
from pulsekey.identity.store import Place
from pulsekey.primitives.errors import AccessDenied, Conflict
from tests.fakes.node_clinic import MRN, Clinic, Member, everything, opened_clinic


@pytest.fixture
def clinic(tmp_path: Path) -> Iterator[Clinic]:
    with opened_clinic(tmp_path / "home") as opened:
        yield opened


def invite(clinic: Clinic, number: int, name: str = "Crowd") -> None:
    for each in range(number):
        clinic.node.directory.invite(clinic.operator.id, Role.PATIENT, f"{name} {each:02}")


def every(clinic: Clinic, wanted: Wanted) -> tuple[list[str], int]:
    """Return the names of everybody who is found, and how many calls it took."""
    names: list[str] = []
    after: Place | None = None
    for calls in range(1, 100):
        page = clinic.node.people(clinic.operator.principal, wanted, after)
        names += [one.principal.display_name for one in page.people]
        after = page.next
        if after is None:
            return names, calls
    raise AssertionError("never ends")


def test_a_search_goes_on_where_one_call_stopped(
    clinic: Clinic, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(list_people, "SEARCHED_MAX", 4)
    invite(clinic, 1, "Needle")
    invite(clinic, 9)
    first = clinic.node.people(clinic.operator.principal, Wanted("needle"))
    assert (first.people, first.next is None) == ((), False), "not found yet, and it says so"
    assert every(clinic, Wanted("needle")) == (["Needle 00"], 3)


def test_more_people_than_are_read_at_a_time_are_all_found(
    clinic: Clinic, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store, "PRINCIPALS_LISTED_MAX", 3)
    monkeypatch.setattr(list_people, "PEOPLE_PER_PAGE", 3)
    invite(clinic, 7)
    names, calls = every(clinic, Wanted())
    assert sorted(names) == sorted([*(f"Crowd {each:02}" for each in range(7)), "Olga Operator"])
    assert calls == 3
    assert len(every(clinic, Wanted(role=Role.PATIENT))[0]) == 7


def test_more_clinicians_than_are_read_at_a_time_may_all_be_granted(
    clinic: Clinic, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store, "PRINCIPALS_LISTED_MAX", 2)
    clinicians = {clinic.clinician(f"Dr {number}").id for number in range(5)}
    assert {one.principal.id for one in clinic.node.directory.recipients()} == clinicians


def acts(clinic: Clinic, member: Member) -> set[Event]:
    found = clinic.node.people(clinic.operator.principal).people
    (mine,) = (one for one in found if one.principal.id == member.id)
    return set(mine.acts)


def test_what_may_be_done_to_an_account_is_what_can_be_done(clinic: Clinic) -> None:
    boss, people = clinic.operator.principal, clinic.node.people
    assert acts(clinic, clinic.operator) == set()
    for member in (clinic.clinician(), clinic.patient(bound=[(MRN, "1")])):
        for event in (Event.WITHDRAW, Event.SUSPEND, Event.REINSTATE, Event.SUSPEND):
            assert event in acts(clinic, member)
            impossible = set(list_people.ACTS) - acts(clinic, member)
            for other in impossible:
                with pytest.raises(Conflict):
                    people.act(boss, other, member.id)
            people.act(boss, event, member.id)
        assert (Event.CLOSE in acts(clinic, member)) == (member.principal.role is Role.CLINICIAN)
        with pytest.raises(AccessDenied):
            people.act(member.principal, Event.SUSPEND, clinic.operator.id)


def test_imports_since_a_wrong_binding_are_counted_and_stay(clinic: Clinic) -> None:
    patient = clinic.patient(account=True)
    clinic.load(patient, everything()[0])
    clinic.clock.advance(10)
    wrong = Identifier(MRN, "1")
    clinic.node.directory.bind(clinic.operator.id, patient.id, [wrong])
    clinic.clock.advance(10)
    clinic.load(patient, *everything()[1:])
    before = clinic.node.showing.series(patient.principal, patient.patient, "PATRQT").series
    unbound = clinic.node.people.unbind(clinic.operator.principal, patient.id, wrong)
    assert unbound.imports == len(everything()) - 1
    after = clinic.node.showing.series(patient.principal, patient.patient, "PATRQT").series
    assert after == before


def test_a_recipient_of_very_many_consents_sees_every_patient(
    clinic: Clinic, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(register, "ROWS_AT_A_TIME", 2)
    clinician = clinic.clinician()
    patients = [clinic.patient(f"P {number}") for number in range(5)]
    for patient in patients:
        clinic.grant(patient, clinician)
    found = clinic.node.listing.shared_with(clinician.principal, "TREAT")
    assert {one.patient for one in found} == {one.patient for one in patients}


def test_one_consent_too_many_is_refused_before_the_ledger_has_it(
    clinic: Clinic, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(register, "CONSENTS_PER_PATIENT_MAX", 2)
    patient, clinician = clinic.patient(), clinic.clinician()
    kept = [clinic.grant(patient, clinician) for _ in range(2)]
    with pytest.raises(Conflict, match="too many consents"):
        clinic.grant(patient, clinician)
    assert {one.consent for one in clinic.node.listing.consents(patient.patient)} == set(kept)
    clinic.grant(clinic.patient("Q"), clinician)
    assert clinic.stop(patient, kept[0]).step.code == 0, "stopping is always possible"
