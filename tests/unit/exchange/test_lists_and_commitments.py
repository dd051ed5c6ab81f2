"""What a patient and a clinician are shown of consents, and what a custodian commits to."""

import pytest

from pulsekey.evidence.entries import Asked, accesses_head
from pulsekey.exchange.patient_resource import patient_resource
from pulsekey.identity.principals import Identifier
from pulsekey.primitives.errors import AccessDenied
from tests.fakes.node_clinic import CHECK, MRN, Clinic, chart, chart_identifiers, everything

ASKED = Asked(("Observation",))
DAY = 86_400


def test_consents_are_listed_with_their_state_and_reads(clinic: Clinic) -> None:
    patient, clinician = clinic.patient(), clinic.clinician()
    listing = clinic.node.listing
    clinic.node.granting.offer(patient.principal, patient.key, clinic.choice(clinician))
    assert listing.consents(patient.patient) == (), "what was never signed is no consent"
    short = clinic.grant(patient, clinician, days=1)
    for _ in range(2):
        clinic.node.gate.open(clinician.principal, patient.patient, "TREAT", ASKED)
    clinic.clock.advance(DAY)
    stopped, live = (clinic.grant(patient, clinician) for _ in range(2))
    clinic.stop(patient, stopped)
    found = {one.consent: (str(one.state), one.reads) for one in listing.consents(patient.patient)}
    states = {name: state for name, (state, _) in found.items()}
    assert set(found) == {short, stopped, live}
    assert len(set(states.values())) == 3
    assert found[short][1] == 2
    assert found[live][1] == 0


def test_a_clinician_sees_who_lets_them_in_now_for_this_purpose(clinic: Clinic) -> None:
    clinician = clinic.clinician()
    patients = [clinic.patient(name) for name in ("Zoe", "Ann", "Mia")]
    clinic.grant(patients[0], clinician, ["ecg"])
    clinic.grant(patients[0], clinician, ["glucose"], days=60)
    clinic.grant(patients[1], clinician, ["ecg"])
    clinic.stop(patients[2], clinic.grant(patients[2], clinician))
    shared = clinic.node.listing.shared_with(clinician.principal, "TREAT")
    assert [one.name for one in shared] == ["Ann", "Zoe"]
    assert [str(one) for one in shared[1].categories] == ["ecg", "glucose"]
    assert shared[1].until > shared[0].until
    assert clinic.node.listing.shared_with(clinician.principal, "HRESCH") == ()
    assert clinic.node.listing.shared_with(clinic.clinician("Dr B").principal, "TREAT") == ()


def test_readings_name_the_reader_newest_first(clinic: Clinic) -> None:
    patient, clinician = clinic.patient(), clinic.clinician("Dr A. Li")
    clinic.grant(patient, clinician)
    clinic.node.gate.open(clinician.principal, patient.patient, "TREAT", ASKED)
    clinic.node.gate.open(patient.principal, patient.patient, "", ASKED)
    clinic.node.auditing()
    found = clinic.node.listing.readings(patient.patient)
    assert [one.reader_name for one in found[1:]] == ["Pat Example", "Dr A. Li"]
    assert found[0].reader_name == "", "nobody signs in at the command line"
    assert [one.access.at for one in found] == sorted(
        (one.access.at for one in found), reverse=True
    )


def test_people_are_for_operators_only(clinic: Clinic) -> None:
    patient, clinician = clinic.patient(bound=[(MRN, "1")]), clinic.clinician()
    found = clinic.node.people(clinic.operator.principal).people
    assert {one.principal.id for one in found} == {clinic.operator.id, patient.id, clinician.id}
    (bound,) = (one.identifiers for one in found if one.principal.id == patient.id)
    assert bound == (Identifier(MRN, "1"),)
    for who in (patient, clinician):
        with pytest.raises(AccessDenied):
            clinic.node.people(who.principal)
        with pytest.raises(AccessDenied):
            clinic.node.people.confirm_clinician(who.principal, clinician.id, "", CHECK)


def test_an_organisation_that_is_unknown_is_added_once(clinic: Clinic) -> None:
    people, boss = clinic.node.people, clinic.operator.principal
    for name in ("Dr B", "Dr C"):
        member = clinic.clinician(name, confirmed=False)
        people.confirm_clinician(boss, member.id, "Lakeside Lab", CHECK)
        recipient = clinic.node.directory.recipient(member.id)
        assert recipient.organisation.name == "Lakeside Lab"
    names = [one.name for one in clinic.node.identities.organisations()]
    assert names.count("Lakeside Lab") == 1


def test_nothing_is_committed_to_until_there_is_something(clinic: Clinic) -> None:
    assert clinic.node.committing() is None


def test_a_commitment_covers_every_manifest_and_access_log(clinic: Clinic) -> None:
    patient, other = clinic.patient(), clinic.patient("Quinn")
    clinic.load(patient, *everything())
    clinic.load(other, everything()[0])
    first = clinic.node.committing()
    assert first is not None
    assert first.heads.keys() == {patient.patient, other.patient}
    assert first.step.code == 0
    assert clinic.node.committing() is first, "nothing changed"
    clinic.node.gate.open(patient.principal, patient.patient, "", ASKED)
    second = clinic.node.committing()
    assert second is not None
    assert second.tree.root != first.tree.root, "a read is committed to"
    assert second.step.index > first.step.index
    afresh = clinic.node.committing(afresh=True)
    assert afresh is not None
    assert afresh.step.index > second.step.index
    assert afresh.tree.root == second.tree.root


def test_the_head_of_access_logs_depends_on_every_part(clinic: Clinic) -> None:
    patient = clinic.patient()
    clinic.node.gate.open(patient.principal, patient.patient, "", ASKED)
    heads = clinic.node.accesses.heads(patient.patient)
    ((chain, counter, newest),) = heads
    known = {accesses_head(heads), accesses_head(())}
    for changed in (
        (newest, counter, newest),
        (chain, counter + 1, newest),
        (chain, counter, chain),
    ):
        known.add(accesses_head((changed,)))
    assert len(known) == 5


def test_whoever_reads_anything_sees_that_there_is_a_patient(clinic: Clinic) -> None:
    patient, clinician = clinic.patient(bound=chart_identifiers()), clinic.clinician()
    clinic.load(patient, chart())
    clinic.grant(patient, clinician, ["conditions"])
    opened = clinic.node.gate.open(clinician.principal, patient.patient, "TREAT", ASKED)
    bound = clinic.node.identities.identifiers_of(patient.patient)
    bare = patient_resource(opened, bound)
    assert bare.body == b'{"resourceType":"Patient","id":"%s"}' % patient.patient.encode()
    clinic.grant(patient, clinician, ["demographics"])
    opened = clinic.node.gate.open(clinician.principal, patient.patient, "TREAT", ASKED)
    whole = patient_resource(opened, bound)
    assert b'"birthDate"' in whole.body
    assert f'"id":"{patient.patient}"'.encode() in whole.body


def test_without_an_imported_patient_demographics_are_the_identifiers(clinic: Clinic) -> None:
    patient = clinic.patient(bound=[(MRN, "1")])
    opened = clinic.node.gate.open(patient.principal, patient.patient, "", ASKED)
    bound = clinic.node.identities.identifiers_of(patient.patient)
    assert b'"value":"1"' in patient_resource(opened, bound).body
