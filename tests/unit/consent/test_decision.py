"""A decision takes from what was granted only what was asked by whom, about whom and for what."""

from dataclasses import replace

import pytest

from pulsekey.consent.decision import Decision, Deny, OpenedGrant, Permit, Reason, Request, decide
from pulsekey.consent.state import GrantState
from pulsekey.consent.terms import Controller, Organisation, Recipient, Terms
from pulsekey.primitives.clock import MICROS_PER_SECOND, Seconds
from pulsekey.primitives.ids import AccountId, ConsentId, OrganisationId, PatientId, PrincipalId
from pulsekey.signals.category import Category

CLINIC = Organisation(OrganisationId("clinic"), "City Clinic")
LI = Recipient(PrincipalId("li"), "Dr A. Li", CLINIC, "00" * 32)
TERMS = Terms(
    subject=PatientId("ann"),
    signer=AccountId(bytes(32)),
    recipient=LI,
    controller=Controller(CLINIC, "privacy@clinic.example"),
    categories=(Category.HEART_RATE,),
    purpose="TREAT",
    valid_from=Seconds(100),
    valid_until=Seconds(900),
    data_from=Seconds(50),
    data_until=None,
    zone="Europe/Paris",
    jurisdiction="FR",
    language="en",
    legal_basis="gdpr-9-2-a",
    salt=bytes(range(32)),
    exclusions=("http://loinc.org|8867-4",),
)
ASKED = Request(PrincipalId("li"), PatientId("ann"), "TREAT", Seconds(500))


def opened(state: GrantState = GrantState.LIVE, name: int = 0, **change: object) -> OpenedGrant:
    terms = replace(TERMS, **change)  # type: ignore[arg-type]  # Any field of terms.
    return OpenedGrant(ConsentId(bytes([name]) * 32), terms, state)


def reason(decision: Decision) -> Reason | None:
    return decision.reason if isinstance(decision, Deny) else None


def test_a_live_consent_lets_through_what_it_says_and_until_it_ends() -> None:
    decision = decide(ASKED, [opened()])
    assert isinstance(decision, Permit)
    (allowed,) = decision.allowances
    assert allowed.categories == {Category.HEART_RATE}
    assert allowed.exclusions == {"http://loinc.org|8867-4"}
    assert (allowed.data_from, allowed.data_until) == (50 * MICROS_PER_SECOND, None)
    assert decision.until == 900


def test_silence_denies() -> None:
    assert reason(decide(ASKED, [])) is Reason.NEVER_GRANTED


@pytest.mark.parametrize(
    "grant",
    [opened(subject=PatientId("bob")), opened(recipient=replace(LI, id=PrincipalId("wu")))],
    ids=["of another", "for another"],
)
def test_a_consent_of_or_for_somebody_else_is_none(grant: OpenedGrant) -> None:
    assert reason(decide(ASKED, [grant])) is Reason.NEVER_GRANTED


def test_another_purpose_is_another_consent() -> None:
    assert reason(decide(ASKED, [opened(purpose="HRESCH")])) is Reason.OTHER_PURPOSE
    both = decide(ASKED, [opened(purpose="HRESCH", name=1), opened(name=2)])
    assert isinstance(both, Permit)
    assert both.consents == (ConsentId(bytes([2]) * 32),)


def test_several_consents_hold_until_the_first_of_them_ends() -> None:
    decision = decide(
        ASKED, [opened(valid_until=Seconds(n), name=n % 250) for n in (900, 600, 700)]
    )
    assert isinstance(decision, Permit)
    assert len(decision.allowances) == 3
    assert decision.until == 600


def test_one_that_is_not_live_adds_nothing_to_one_that_is() -> None:
    decision = decide(
        ASKED,
        [
            opened(state, name, categories=(Category.GLUCOSE,))
            for name, state in enumerate(GrantState, 1)
            if state is not GrantState.LIVE
        ]
        + [opened()],
    )
    assert isinstance(decision, Permit)
    assert decision.consents == (ConsentId(bytes(32)),)


ORDER = (
    (GrantState.STOPPED, Reason.STOPPED),
    (GrantState.HELD, Reason.HELD),
    (GrantState.EXPIRED, Reason.EXPIRED),
    (GrantState.NOT_YET, Reason.NOT_YET),
    (GrantState.NEVER, Reason.NEVER_GRANTED),
)


@pytest.mark.parametrize("first", range(len(ORDER)))
def test_the_most_telling_reason_is_the_one_that_is_given(first: int) -> None:
    grants = [opened(state, name) for name, (state, _) in enumerate(ORDER[first:])]
    for several in (grants, grants[::-1]):
        assert reason(decide(ASKED, several)) is ORDER[first][1]
