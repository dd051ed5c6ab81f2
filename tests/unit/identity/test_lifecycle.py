"""The table of an account's life, tested as a table."""

from itertools import product

import pytest

from pulsekey.identity.lifecycle import (
    MAY_BE_GRANTED,
    MAY_SIGN_IN,
    TRANSITIONS,
    Event,
    Status,
    after,
)
from pulsekey.primitives.errors import Conflict


@pytest.mark.parametrize(("status", "event"), list(product(Status, Event)))
def test_what_the_table_does_not_name_cannot_happen(status: Status, event: Event) -> None:
    following = TRANSITIONS.get((status, event))
    if following is None:
        with pytest.raises(Conflict, match=f"{status} cannot {event}"):
            after(status, event)
    else:
        assert after(status, event) is following


def test_nothing_leaves_a_closed_account_and_every_other_state_can_be_closed() -> None:
    assert not [start for start, _ in TRANSITIONS if start is Status.CLOSED]
    closable = {start for start, event in TRANSITIONS if event is Event.CLOSE}
    assert closable == set(Status) - {Status.CLOSED}


def test_only_a_confirmation_leads_to_confirmed() -> None:
    leading = {event for (_, event), end in TRANSITIONS.items() if end is Status.CONFIRMED}
    assert leading == {Event.CONFIRM}


def test_somebody_suspended_comes_back_unconfirmed() -> None:
    assert after(Status.SUSPENDED, Event.REINSTATE) is Status.REGISTERED


def test_every_state_can_be_reached() -> None:
    assert {*TRANSITIONS.values(), Status.INVITED} == set(Status)


def test_whoever_may_be_granted_may_sign_in() -> None:
    assert MAY_BE_GRANTED < MAY_SIGN_IN
    assert Status.SUSPENDED not in MAY_SIGN_IN
