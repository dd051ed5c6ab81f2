"""The life of an account, as a table: what may happen in which state, and where it leads.

Everything that changes a status goes through `after`; nothing else knows the order of states.
Somebody who was suspended has to be confirmed again, because the reason for suspending may be that
the wrong person was behind the account.
"""

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType

from pulsekey.primitives.errors import Conflict
from pulsekey.primitives.messages import Said


class Status(StrEnum):
    INVITED = "invited"
    """An operator has named the person; no passkey exists yet."""

    REGISTERED = "registered"
    """A passkey exists; nobody has checked who holds it."""

    CONFIRMED = "confirmed"
    """An operator has checked who holds it and signed a statement saying how."""

    SUSPENDED = "suspended"
    CLOSED = "closed"


class Event(StrEnum):
    REGISTER = "register"
    CONFIRM = "confirm"
    WITHDRAW = "withdraw"
    """A confirmation no longer holds: the person has left the organisation."""

    SUSPEND = "suspend"
    REINSTATE = "reinstate"
    CLOSE = "close"


TRANSITIONS: Mapping[tuple[Status, Event], Status] = MappingProxyType(
    {
        (Status.INVITED, Event.REGISTER): Status.REGISTERED,
        (Status.INVITED, Event.CLOSE): Status.CLOSED,
        (Status.REGISTERED, Event.CONFIRM): Status.CONFIRMED,
        (Status.REGISTERED, Event.SUSPEND): Status.SUSPENDED,
        (Status.REGISTERED, Event.CLOSE): Status.CLOSED,
        (Status.CONFIRMED, Event.WITHDRAW): Status.REGISTERED,
        (Status.CONFIRMED, Event.SUSPEND): Status.SUSPENDED,
        (Status.CONFIRMED, Event.CLOSE): Status.CLOSED,
        (Status.SUSPENDED, Event.REINSTATE): Status.REGISTERED,
        (Status.SUSPENDED, Event.CLOSE): Status.CLOSED,
    }
)

MAY_SIGN_IN = frozenset({Status.REGISTERED, Status.CONFIRMED})
MAY_BE_GRANTED = frozenset({Status.CONFIRMED})
MAY_OPERATE = frozenset({Status.CONFIRMED})


def after(status: Status, event: Event) -> Status:
    """Return the state that `event` leads to; `Conflict` if it cannot happen in `status`."""
    following = TRANSITIONS.get((status, event))
    if following is None:
        raise Conflict(
            Said(
                "an account that is {status} cannot {event}", status=Said(status), event=Said(event)
            )
        )
    return following
