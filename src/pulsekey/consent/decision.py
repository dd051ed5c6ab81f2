"""The one question that the gate asks: may this read happen, and what may it see.

State in, decision out. Nothing here reads a clock, a network or a database, so the same inputs
give the same answer on every node, in every test and in every audit. Silence denies.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeAlias

from pulsekey.consent.program import GrantState
from pulsekey.consent.terms import Terms
from pulsekey.primitives.clock import MICROS_PER_SECOND, Micros, Seconds
from pulsekey.primitives.ids import ConsentId, PatientId, PrincipalId
from pulsekey.signals.category import Category


@dataclass(frozen=True, slots=True)
class Request:
    """Who asks for whose data, for what purpose, at what time."""

    reader: PrincipalId
    patient: PatientId
    purpose: str
    at: Seconds


@dataclass(frozen=True, slots=True)
class OpenedGrant:
    """Terms that the custodian can open, and what the executed ledger says of them."""

    consent: ConsentId
    terms: Terms
    state: GrantState


class Reason(StrEnum):
    """Why a read is denied. For the patient and the auditor; a recipient never learns which."""

    NEVER_GRANTED = "never granted"
    NOT_YET = "not yet"
    STOPPED = "stopped"
    EXPIRED = "expired"
    HELD = "given before a restore"
    OTHER_PURPOSE = "granted for another purpose"
    NOT_COVERED = "not among what was granted"
    UNCONFIRMED = "recipient not confirmed"
    MOVED = "recipient at another organisation"


@dataclass(frozen=True, slots=True)
class Allowance:
    """What one consent lets through: categories less exclusions, in [data_from, data_until).

    Bounds are microseconds; None means no bound.
    """

    consent: ConsentId
    categories: frozenset[Category]
    exclusions: frozenset[str]
    data_from: Micros | None
    data_until: Micros | None


@dataclass(frozen=True, slots=True)
class Permit:
    """The read may happen, within any one of the allowances, until a time."""

    allowances: tuple[Allowance, ...]
    until: Seconds

    @property
    def consents(self) -> tuple[ConsentId, ...]:
        return tuple(allowance.consent for allowance in self.allowances)


@dataclass(frozen=True, slots=True)
class Deny:
    reason: Reason


Decision: TypeAlias = Permit | Deny

# The most telling reason first: a patient asks "why not any more?" before "why not yet?".
_BY_STATE = {
    GrantState.STOPPED: Reason.STOPPED,
    GrantState.HELD: Reason.HELD,
    GrantState.EXPIRED: Reason.EXPIRED,
    GrantState.NOT_YET: Reason.NOT_YET,
}


def decide(request: Request, grants: Iterable[OpenedGrant]) -> Decision:
    """Decide `request` on the grants that were opened for this patient."""
    concerned = [
        grant
        for grant in grants
        if grant.terms.subject == request.patient and grant.terms.recipient.id == request.reader
    ]
    live = [grant for grant in concerned if grant.state is GrantState.LIVE]
    fitting = [grant for grant in live if grant.terms.purpose == request.purpose]
    if fitting:
        return Permit(
            allowances=tuple(_allowance(grant) for grant in fitting),
            until=Seconds(min(grant.terms.valid_until for grant in fitting)),
        )
    if live:
        return Deny(Reason.OTHER_PURPOSE)
    states = {grant.state for grant in concerned}
    for state, reason in _BY_STATE.items():
        if state in states:
            return Deny(reason)
    return Deny(Reason.NEVER_GRANTED)


def _allowance(grant: OpenedGrant) -> Allowance:
    terms = grant.terms
    return Allowance(
        consent=grant.consent,
        categories=frozenset(terms.categories),
        exclusions=frozenset(terms.exclusions),
        data_from=_micros(terms.data_from),
        data_until=_micros(terms.data_until),
    )


def _micros(at: Seconds | None) -> Micros | None:
    return None if at is None else Micros(at * MICROS_PER_SECOND)
