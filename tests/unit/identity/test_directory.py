"""What operators do, and that nobody else does it."""

import secrets
from collections.abc import Callable

import pytest

from pulsekey.identity.embedded import SeedSigner
from pulsekey.identity.enrolment import (
    Check,
    Method,
    name_matches,
    reference_matches,
    verify_statement,
)
from pulsekey.identity.lifecycle import Status
from pulsekey.identity.principals import IDENTIFIERS_MAX, Identifier, Role
from pulsekey.primitives.errors import AccessDenied, Conflict, MalformedInput, NotFound
from pulsekey.primitives.ids import AccountId, OrganisationId, PrincipalId
from tests.unit.identity.node import CHECK, SEED, Node

MRN = Identifier("urn:mrn", "77")
CUSTODIAN_KEY = SeedSigner(SEED).public_key()


def registered_patient(node: Node, name: str = "Petra Patient") -> PrincipalId:
    done, _ = node.register(Role.PATIENT, name)
    node.store.set_account(done.principal.id, AccountId(secrets.token_bytes(32)))
    return done.principal.id


def test_an_unconfirmed_recipient_is_refused_like_an_unknown_one(node: Node) -> None:
    operator = node.set_up().principal.id
    done, _ = node.register(Role.CLINICIAN, "Dr A. Li")
    patient = node.confirmed_patient(operator)
    messages = set()
    for who in (done.principal.id, patient, operator, PrincipalId("nobody")):
        with pytest.raises(AccessDenied) as caught:
            node.directory.recipient(who)
        messages.add(str(caught.value))
    assert len(messages) == 1
    assert node.directory.recipients() == []


def test_a_confirmed_clinician_can_be_named_with_who_confirmed_them(node: Node) -> None:
    operator = node.set_up().principal.id
    hospital = node.directory.add_organisation(operator, "County Hospital")
    done, _ = node.register(Role.CLINICIAN, "Dr A. Li")
    signed = node.directory.confirm_staff(operator, done.principal.id, hospital.id, CHECK)
    recipient = node.directory.recipient(done.principal.id)
    assert recipient.principal.display_name == "Dr A. Li"
    assert recipient.organisation == hospital
    assert recipient.confirmed_by.name == "City Clinic"
    assert recipient.statement == signed
    assert node.directory.recipients() == [recipient]


@pytest.mark.parametrize("verb", ["suspend", "withdraw", "close"])
def test_a_recipient_whose_confirmation_ended_cannot_be_named(node: Node, verb: str) -> None:
    operator = node.set_up().principal.id
    clinician = node.confirmed_clinician(operator)
    getattr(node.directory, verb)(operator, clinician)
    with pytest.raises(AccessDenied):
        node.directory.recipient(clinician)


def test_a_confirmation_is_stated_signed_and_kept(node: Node) -> None:
    operator = node.set_up().principal.id
    patient = registered_patient(node)
    returned = node.directory.confirm_patient(operator, patient, [MRN], CHECK)
    ((signed, opened),) = node.store.statements_of(patient)
    assert signed == returned
    statement = verify_statement(signed, CUSTODIAN_KEY)
    principal = node.store.principal(patient)
    assert statement.subject == patient
    assert statement.account == principal.account
    assert statement.key_id == principal.keys[0]
    assert statement.operator == operator
    assert statement.custodian_name == "City Clinic"
    assert statement.method is Method.TEST_DATA
    assert name_matches(statement, "Petra Patient", opened.name_salt)
    assert reference_matches(statement, CHECK.reference, opened.reference_salt)
    assert not name_matches(statement, "Petra Patient", opened.reference_salt)
    assert b"Petra" not in signed.content
    assert b"X1234567" not in signed.content


def test_a_patient_is_confirmed_with_identifiers_and_an_account(node: Node) -> None:
    operator = node.set_up().principal.id
    done, _ = node.register(Role.PATIENT, "Petra Patient")
    patient = done.principal.id
    with pytest.raises(Conflict, match="no ledger account"):
        node.directory.confirm_patient(operator, patient, [MRN], CHECK)
    assert node.directory.patient_of(MRN) is None
    node.store.set_account(patient, AccountId(bytes(32)))
    node.directory.confirm_patient(operator, patient, [MRN], CHECK)
    assert node.store.principal(patient).status is Status.CONFIRMED
    assert done.principal.patient is not None
    assert node.directory.patient_of(MRN) == done.principal.patient
    assert node.directory.identifiers_of(done.principal.patient) == [MRN]


def test_one_identifier_is_never_bound_to_two_patients(node: Node) -> None:
    operator = node.set_up().principal.id
    node.confirmed_patient(operator, "MRN-1")
    second = registered_patient(node, "Otto Other")
    both = [Identifier("urn:new", "5"), Identifier("urn:mrn", "MRN-1")]
    with pytest.raises(Conflict, match="another patient"):
        node.directory.confirm_patient(operator, second, both, CHECK)
    # Nothing of the refused confirmation remains.
    assert node.directory.patient_of(both[0]) is None
    assert node.store.principal(second).status is Status.REGISTERED
    assert node.store.statements_of(second) == []


def test_binding_again_changes_nothing(node: Node) -> None:
    operator = node.set_up().principal.id
    patient = node.confirmed_patient(operator, "77")
    node.directory.bind(operator, patient, [MRN, MRN])
    record = node.store.principal(patient).patient
    assert record is not None
    assert node.directory.identifiers_of(record) == [MRN]


def test_system_and_value_are_told_apart(node: Node) -> None:
    operator = node.set_up().principal.id
    patient = registered_patient(node)
    node.directory.bind(operator, patient, [Identifier("urn:ab", "c")])
    assert node.directory.patient_of(Identifier("urn:a", "bc")) is None
    assert node.directory.patient_of(Identifier("urn:ab", "C")) is None


@pytest.mark.parametrize(
    "identifier",
    [
        Identifier("", "1"),
        Identifier("urn:mrn", ""),
        Identifier("urn:mrn", " 1"),
        Identifier("urn:mrn", "1\n"),
        Identifier("urn:mrn", "x" * 256),
    ],
)
def test_an_identifier_that_could_not_be_told_apart_is_refused(
    node: Node, identifier: Identifier
) -> None:
    operator = node.set_up().principal.id
    with pytest.raises(MalformedInput):
        node.directory.bind(operator, registered_patient(node), [identifier])


def test_identifiers_are_a_patients_only_and_limited(node: Node) -> None:
    operator = node.set_up().principal.id
    with pytest.raises(MalformedInput):
        node.directory.invite(operator, Role.CLINICIAN, "Dr A. Li", [MRN])
    with pytest.raises(Conflict, match="only a patient"):
        node.directory.bind(operator, node.confirmed_clinician(operator), [MRN])
    patient = registered_patient(node)
    many = [Identifier("urn:mrn", str(number)) for number in range(IDENTIFIERS_MAX + 1)]
    with pytest.raises(MalformedInput):
        node.directory.bind(operator, patient, many)
    node.directory.bind(operator, patient, many[:-1])
    with pytest.raises(Conflict, match="at most"):
        node.directory.bind(operator, patient, many[-1:])


VERBS: dict[str, Callable[[Node, PrincipalId, PrincipalId], object]] = {
    "organisation": lambda node, who, _: node.directory.add_organisation(who, "Evil Clinic"),
    "invite": lambda node, who, _: node.directory.invite(who, Role.OPERATOR, "Eve"),
    "invite again": lambda node, who, on: node.directory.invite_again(who, on),
    "bind": lambda node, who, on: node.directory.bind(who, on, [MRN]),
    "patient": lambda node, who, on: node.directory.confirm_patient(who, on, [MRN], CHECK),
    "staff": lambda node, who, _: node.directory.confirm_staff(
        who, node.register(Role.CLINICIAN, "Eve")[0].principal.id, node.store.custodian().id, CHECK
    ),
    "withdraw": lambda node, who, on: node.directory.withdraw(who, on),
    "suspend": lambda node, who, on: node.directory.suspend(who, on),
    "reinstate": lambda node, who, on: node.directory.reinstate(who, on),
    "close": lambda node, who, on: node.directory.close(who, on),
}


@pytest.mark.parametrize("verb", VERBS.values(), ids=VERBS)
def test_nobody_but_a_confirmed_operator_does_what_operators_do(
    node: Node, verb: Callable[[Node, PrincipalId, PrincipalId], object]
) -> None:
    operator = node.set_up().principal.id
    subject = registered_patient(node)
    clinician = node.confirmed_clinician(operator)
    invited = node.directory.invite(operator, Role.OPERATOR, "Not Yet Confirmed").principal.id
    before = node.store.principal(subject)
    for who in (subject, clinician, invited):
        with pytest.raises(AccessDenied, match="only an operator"):
            verb(node, who, subject)
    with pytest.raises(NotFound):
        verb(node, PrincipalId("nobody"), subject)
    assert node.store.principal(subject) == before
    assert node.directory.patient_of(MRN) is None


def test_a_second_operator_is_invited_and_confirmed_by_the_first(node: Node) -> None:
    operator = node.set_up().principal.id
    done = node.register_invited(node.directory.invite(operator, Role.OPERATOR, "Ona"))
    clinic = node.store.custodian().id
    with pytest.raises(AccessDenied):
        node.directory.add_organisation(done, "Too Early")
    node.directory.confirm_staff(operator, done, clinic, CHECK)
    assert node.directory.add_organisation(done, "County Hospital").name == "County Hospital"
    node.directory.suspend(done, operator)
    with pytest.raises(AccessDenied):
        node.directory.add_organisation(operator, "Too Late")


def test_operators_do_not_decide_about_themselves(node: Node) -> None:
    operator = node.set_up().principal.id
    clinic = node.store.custodian().id
    for act in (node.directory.suspend, node.directory.close, node.directory.withdraw):
        with pytest.raises(AccessDenied, match="another operator"):
            act(operator, operator)
    with pytest.raises(AccessDenied, match="confirms themselves"):
        node.directory.confirm_staff(operator, operator, clinic, CHECK)


def test_somebody_is_confirmed_in_the_way_of_their_role(node: Node) -> None:
    operator = node.set_up().principal.id
    patient, clinician = registered_patient(node), node.register(Role.CLINICIAN, "Dr A. Li")[0]
    with pytest.raises(Conflict):
        node.directory.confirm_staff(operator, patient, node.store.custodian().id, CHECK)
    with pytest.raises(Conflict):
        node.directory.confirm_patient(operator, clinician.principal.id, [], CHECK)


def test_somebody_without_a_passkey_is_not_confirmed(node: Node) -> None:
    operator = node.set_up().principal.id
    invited = node.directory.invite(operator, Role.CLINICIAN, "Dr A. Li").principal.id
    with pytest.raises(Conflict, match="invited cannot confirm"):
        node.directory.confirm_staff(operator, invited, node.store.custodian().id, CHECK)


def test_a_clinician_belongs_to_an_organisation_that_exists(node: Node) -> None:
    operator = node.set_up().principal.id
    done, _ = node.register(Role.CLINICIAN, "Dr A. Li")
    with pytest.raises(Conflict):
        node.directory.confirm_staff(operator, done.principal.id, OrganisationId("nowhere"), CHECK)
    assert node.store.principal(done.principal.id).status is Status.REGISTERED


def test_a_check_leaves_a_reference(node: Node) -> None:
    operator = node.set_up().principal.id
    done, _ = node.register(Role.CLINICIAN, "Dr A. Li")
    empty = Check(Method.KNOWN_TO_STAFF, "")
    with pytest.raises(MalformedInput, match="reference"):
        node.directory.confirm_staff(operator, done.principal.id, node.store.custodian().id, empty)


def test_organisations_have_names_of_their_own(node: Node) -> None:
    operator = node.set_up().principal.id
    with pytest.raises(Conflict, match="exists"):
        node.directory.add_organisation(operator, "City Clinic")
    with pytest.raises(MalformedInput, match="organisation name"):
        node.directory.add_organisation(operator, "")


def test_a_new_confirmation_after_a_suspension_is_a_new_statement(node: Node) -> None:
    operator = node.set_up().principal.id
    clinician = node.confirmed_clinician(operator)
    node.clock.pass_seconds(60)
    node.directory.suspend(operator, clinician)
    node.directory.reinstate(operator, clinician)
    with pytest.raises(AccessDenied):
        node.directory.recipient(clinician)
    again = node.directory.confirm_staff(operator, clinician, node.store.custodian().id, CHECK)
    assert node.directory.recipient(clinician).statement == again
    assert len(node.store.statements_of(clinician)) == 2


def test_only_somebody_who_waits_is_invited_again(node: Node) -> None:
    operator = node.set_up().principal.id
    patient = registered_patient(node)
    with pytest.raises(Conflict, match="not waiting"):
        node.directory.invite_again(operator, patient)


def test_a_closed_patient_is_bound_to_nothing_more(node: Node) -> None:
    operator = node.set_up().principal.id
    patient = registered_patient(node)
    node.directory.close(operator, patient)
    with pytest.raises(Conflict, match="closed"):
        node.directory.bind(operator, patient, [MRN])


def test_an_account_belongs_to_one_principal_and_does_not_change(node: Node) -> None:
    node.set_up()
    one, two = registered_patient(node), node.register(Role.PATIENT, "Otto")[0].principal.id
    account = node.store.principal(one).account
    assert account is not None
    node.store.set_account(one, account)
    assert node.store.principal_of_account(account).id == one
    with pytest.raises(Conflict):
        node.store.set_account(two, account)
    with pytest.raises(Conflict, match="account already"):
        node.store.set_account(one, AccountId(bytes(32)))
