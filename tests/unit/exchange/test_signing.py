"""What is offered is what is signed and sent; a stop binds from its acknowledgement."""

from typing import Any
from unittest.mock import patch

import pytest

from pulsekey.consent.operations import Revoke, decode_operation
from pulsekey.consent.program import Refusal
from pulsekey.consent.state import account_slot, read_account
from pulsekey.evidence.entries import Asked
from pulsekey.exchange.offers import OFFER_SECONDS_MAX, OfferId
from pulsekey.exchange.sign_operation import STOP_LEAP
from pulsekey.identity.sessions import SessionKind
from pulsekey.ledger.pipeline import Ledger
from pulsekey.ledger.ports import Refused
from pulsekey.primitives.errors import Conflict, NotAuthenticated, NotFound
from pulsekey.primitives.ids import ConsentId, KeyId
from pulsekey.primitives.messages import code_of
from tests.fakes.node_clinic import Clinic, Member

ASKED = Asked(("Observation",))


def nonce_of(clinic: Clinic, member: Member) -> int:
    account = member.principal.account
    assert account is not None
    return read_account(clinic.node.ledger.executed(account_slot(account))).nonce


def may_read(clinic: Clinic, clinician: Member, patient: Member) -> bool:
    try:
        clinic.node.gate.open(clinician.principal, patient.patient, "TREAT", ASKED)
    except NotFound:
        return False
    return True


def test_opening_an_account_tells_identity_its_name(clinic: Clinic) -> None:
    patient = clinic.patient(account=False)
    assert patient.principal.account is None
    offer = clinic.node.signing.offer_account(patient.principal, patient.key)
    confirmed = patient.confirm(offer)
    assert confirmed.step.code == 0
    assert patient.principal.account == offer.operation.account
    with pytest.raises(Conflict):
        clinic.node.signing.offer_account(patient.principal, patient.key)


def test_nothing_can_be_signed_before_there_is_an_account(clinic: Clinic) -> None:
    patient = clinic.patient(account=False)
    with pytest.raises(Conflict, match="no account"):
        clinic.node.signing.offer_stop_all(patient.principal, patient.key)


def test_a_nonce_rises_and_a_stop_leaps_ahead(clinic: Clinic) -> None:
    patient, clinician = clinic.patient(), clinic.clinician()
    before = nonce_of(clinic, patient)
    clinic.grant(patient, clinician)
    granted = nonce_of(clinic, patient)
    assert before < granted <= before + STOP_LEAP
    offer = clinic.node.signing.offer_stop_all(patient.principal, patient.key)
    assert offer.operation.nonce > granted + STOP_LEAP
    patient.confirm(offer)
    assert nonce_of(clinic, patient) == offer.operation.nonce


def test_a_stop_whose_gesture_was_lost_can_be_offered_and_confirmed_again(clinic: Clinic) -> None:
    patient, clinician = clinic.patient(), clinic.clinician()
    consent = clinic.grant(patient, clinician)
    signing, who = clinic.node.signing, patient.principal
    lost = clinic.node.stopping.offer(who, patient.key, consent)
    answer = patient.gesture(lost.options)
    # As if the node had died after the gesture was used up and before the ledger had the operation.
    signing.ceremonies.finish_operation(who.id, lost.challenge, answer)
    patient.confirm(clinic.node.stopping.offer(who, patient.key, consent))
    assert not may_read(clinic, clinician, patient)


def test_a_grant_that_is_confirmed_meanwhile_does_not_void_a_stop(clinic: Clinic) -> None:
    patient, clinician = clinic.patient(), clinic.clinician()
    clinic.grant(patient, clinician)
    stop = clinic.node.signing.offer_stop_all(patient.principal, patient.key)
    clinic.grant(patient, clinician)
    assert patient.confirm(stop).step.code == 0
    assert not may_read(clinic, clinician, patient)


def test_stops_that_were_prepared_side_by_side_are_confirmed_in_their_order(clinic: Clinic) -> None:
    patient, clinician = clinic.patient(), clinic.clinician()
    for _ in range(8):
        consents = [clinic.grant(patient, clinician) for _ in range(3)]
        offers = [
            clinic.node.stopping.offer(patient.principal, patient.key, one) for one in consents
        ]
        offers.append(clinic.node.signing.offer_stop_all(patient.principal, patient.key))
        nonces = [offer.operation.nonce for offer in offers]
        assert nonces == sorted(nonces)
        assert [patient.confirm(offer).step.code for offer in offers] == [0] * 4


def test_a_stop_that_was_overtaken_says_so_and_is_confirmed_once_more(clinic: Clinic) -> None:
    patient, clinician = clinic.patient(), clinic.clinician()
    mine, other = clinic.grant(patient, clinician), clinic.grant(patient, clinician)
    first = clinic.node.stopping.offer(patient.principal, patient.key, mine)
    second = clinic.node.stopping.offer(patient.principal, patient.key, other)
    assert patient.confirm(second).step.code == 0
    with pytest.raises(Conflict) as overtaken:
        patient.confirm(first)
    assert code_of(overtaken.value.args[0]) == "another-change-was-confirmed-meanwhile"
    refused = overtaken.value.__cause__
    assert isinstance(refused, Refused)
    assert refused.step.code == Refusal.NONCE_NOT_RISING
    assert may_read(clinic, clinician, patient)
    clinic.stop(patient, mine)
    assert not may_read(clinic, clinician, patient)


def test_a_grant_that_was_overtaken_is_not_offered_again_as_if_it_were_a_stop(
    clinic: Clinic,
) -> None:
    patient, clinician = clinic.patient(), clinic.clinician()
    grant = clinic.node.granting.offer(patient.principal, patient.key, clinic.choice(clinician))
    patient.confirm(clinic.node.signing.offer_stop_all(patient.principal, patient.key))
    with pytest.raises(Refused):
        patient.confirm(grant)
    assert not may_read(clinic, clinician, patient)


def test_a_confirmation_works_once(clinic: Clinic) -> None:
    patient = clinic.patient()
    offer = clinic.node.signing.offer_stop_all(patient.principal, patient.key)
    gesture = patient.gesture(offer.options)
    clinic.node.signing.confirm(patient.principal, offer.id, gesture)
    with pytest.raises(Conflict):
        clinic.node.signing.confirm(patient.principal, offer.id, gesture)


def test_nobody_confirms_for_another(clinic: Clinic) -> None:
    patient, other = clinic.patient(), clinic.patient("Quinn")
    offer = clinic.node.signing.offer_stop_all(patient.principal, patient.key)
    with pytest.raises(Conflict):
        clinic.node.signing.confirm(other.principal, offer.id, other.gesture(offer.options))
    assert patient.confirm(offer).step.code == 0


def test_a_gesture_for_another_operation_is_refused(clinic: Clinic) -> None:
    patient, clinician = clinic.patient(), clinic.clinician()
    stop_all = clinic.node.signing.offer_stop_all(patient.principal, patient.key)
    grant = clinic.node.granting.offer(patient.principal, patient.key, clinic.choice(clinician))
    gesture = patient.gesture(stop_all.options)
    with pytest.raises(NotAuthenticated):
        clinic.node.signing.confirm(patient.principal, grant.id, gesture)
    assert not may_read(clinic, clinician, patient)


def test_another_passkey_cannot_confirm(clinic: Clinic) -> None:
    patient = clinic.patient()
    second = clinic.add_passkey(patient)
    offer = clinic.node.signing.offer_stop_all(patient.principal, patient.key)
    with pytest.raises(NotAuthenticated):
        clinic.node.signing.confirm(patient.principal, offer.id, second.gesture(offer.options))


def test_a_tampered_gesture_is_refused(clinic: Clinic) -> None:
    patient = clinic.patient()
    offer = clinic.node.signing.offer_stop_all(patient.principal, patient.key)
    gesture: dict[str, Any] = dict(patient.gesture(offer.options))
    gesture["response"] = gesture["response"] | {"signature": "AAAA"}
    with pytest.raises(NotAuthenticated):
        clinic.node.signing.confirm(patient.principal, offer.id, gesture)


def test_an_offer_that_waited_too_long_has_to_be_asked_for_again(clinic: Clinic) -> None:
    patient = clinic.patient()
    offer = clinic.node.signing.offer_stop_all(patient.principal, patient.key)
    clinic.clock.advance(OFFER_SECONDS_MAX)
    with pytest.raises(Conflict):
        patient.confirm(offer)


def test_an_unknown_offer_is_refused(clinic: Clinic) -> None:
    patient = clinic.patient()
    offer = clinic.node.signing.offer_stop_all(patient.principal, patient.key)
    with pytest.raises(Conflict):
        clinic.node.signing.confirm(
            patient.principal, OfferId("none"), patient.gesture(offer.options)
        )


def test_a_second_passkey_is_nobodys_before_the_first_has_let_it_in(clinic: Clinic) -> None:
    patient = clinic.patient()
    second, offer = clinic.offer_passkey(patient)
    signing, ceremonies = clinic.node.signing, clinic.node.ceremonies
    assert patient.principal.keys == (patient.key,)
    with pytest.raises(NotAuthenticated):
        ceremonies.finish_sign_in(second.gesture(ceremonies.begin_sign_in()))
    with pytest.raises(Conflict):
        signing.offer_stop_all(patient.principal, second.key)
    with pytest.raises(NotAuthenticated):  # It cannot let itself in.
        second.confirm(offer)
    again, offered = clinic.offer_passkey(patient)
    assert patient.confirm(offered).step.code == 0
    assert again.confirm(signing.offer_stop_all(patient.principal, again.key)).step.code == 0
    assert (
        ceremonies.finish_sign_in(again.gesture(ceremonies.begin_sign_in())).principal.id
        == patient.id
    )


def test_a_passkey_that_the_ledger_refuses_does_not_sign_in(clinic: Clinic) -> None:
    patient = clinic.patient()
    second, offer = clinic.offer_passkey(patient)
    patient.confirm(clinic.node.signing.offer_stop_all(patient.principal, patient.key))
    with pytest.raises(Refused):  # A stop leaps ahead of what was offered before it.
        patient.confirm(offer)
    assert second.key not in patient.principal.keys
    ceremonies = clinic.node.ceremonies
    with pytest.raises(NotAuthenticated):
        ceremonies.finish_sign_in(second.gesture(ceremonies.begin_sign_in()))


def test_a_passkey_that_the_ledger_never_heard_of_can_be_removed(clinic: Clinic) -> None:
    """The node died after the gesture and before the ledger had it."""
    patient = clinic.patient()
    second, offer = clinic.offer_passkey(patient)
    dying = patch.object(Ledger, "submit", side_effect=KeyboardInterrupt)
    with dying, pytest.raises(KeyboardInterrupt):
        patient.confirm(offer)
    assert second.key in patient.principal.keys
    with pytest.raises(Conflict, match="removed"):
        clinic.node.signing.offer_key_removal(patient.principal, patient.key, second.key)
    assert second.key not in patient.principal.keys


def test_a_removed_passkey_neither_signs_nor_signs_in(clinic: Clinic) -> None:
    patient = clinic.patient()
    second = clinic.add_passkey(patient)
    signing = clinic.node.signing
    token = second.portal()
    offer = signing.offer_key_removal(patient.principal, patient.key, second.key)
    assert patient.confirm(offer).step.code == 0
    assert second.key not in patient.principal.keys
    with pytest.raises(Conflict):
        signing.offer_stop_all(patient.principal, second.key)
    with pytest.raises(NotAuthenticated):
        clinic.node.sessions.authenticate(token, SessionKind.PORTAL)


def test_a_key_of_nobody_cannot_sign(clinic: Clinic) -> None:
    patient = clinic.patient()
    with pytest.raises(Conflict):
        clinic.node.signing.offer_stop_all(patient.principal, KeyId(bytes(32)))


def test_a_stop_binds_from_its_acknowledgement(clinic: Clinic) -> None:
    patient, clinician = clinic.patient(), clinic.clinician()
    kept = clinic.clinician("Dr B")
    consent = clinic.grant(patient, clinician)
    clinic.grant(patient, kept)
    assert may_read(clinic, clinician, patient)
    offer = clinic.node.stopping.offer(patient.principal, patient.key, consent)
    assert isinstance(offer.operation.body, Revoke)
    assert offer.terms == clinic.node.register.terms(consent)
    assert may_read(clinic, clinician, patient), "an offer is no stop"
    patient.confirm(offer)
    assert not may_read(clinic, clinician, patient)
    assert may_read(clinic, kept, patient)


def test_a_stopped_consent_can_be_stopped_again_and_never_comes_back(clinic: Clinic) -> None:
    patient, clinician = clinic.patient(), clinic.clinician()
    consent = clinic.grant(patient, clinician)
    clinic.stop(patient, consent)
    clinic.stop(patient, consent)
    assert not may_read(clinic, clinician, patient)


def test_nobody_stops_anothers_consent_nor_an_unknown_one(clinic: Clinic) -> None:
    patient, other, clinician = clinic.patient(), clinic.patient("Quinn"), clinic.clinician()
    consent = clinic.grant(patient, clinician)
    messages = set()
    for name in (consent, ConsentId(bytes(32))):
        with pytest.raises(NotFound) as refused:
            clinic.node.stopping.offer(other.principal, other.key, name)
        messages.add(str(refused.value))
    assert len(messages) == 1


def test_the_bytes_that_are_sent_are_the_bytes_that_were_offered(clinic: Clinic) -> None:
    patient = clinic.patient()
    offer = clinic.node.signing.offer_stop_all(patient.principal, patient.key)
    confirmed = patient.confirm(offer)
    assert confirmed.offer == offer
    assert decode_operation(offer.operation_bytes) == offer.operation
    assert clinic.node.ledger.step(confirmed.step.index) == confirmed.step


def test_what_the_ledger_refused_changes_nothing_here(clinic: Clinic) -> None:
    patient = clinic.patient()
    second = clinic.add_passkey(patient)
    signing = clinic.node.signing
    offer = signing.offer_key_removal(patient.principal, patient.key, second.key)
    patient.confirm(signing.offer_stop_all(patient.principal, patient.key))
    with pytest.raises(Refused) as refused:
        patient.confirm(offer)
    assert refused.value.step.code == Refusal.NONCE_NOT_RISING
    assert second.key in patient.principal.keys
