"""Use cases of operators: finding people, and what may be done to somebody's account.

A name lies sealed and cannot be searched in the store, so a search opens one after another: a
bounded number a call, and the answer says where to go on. Nothing is ever cut off without a word.
"""

import unicodedata
from dataclasses import dataclass

from pulsekey.exchange.list_imports import ListImports
from pulsekey.identity.actions import Entry
from pulsekey.identity.directory import Directory
from pulsekey.identity.enrolment import Check
from pulsekey.identity.lifecycle import TRANSITIONS, Event, Status
from pulsekey.identity.principals import (
    IDENTIFIER_CHARACTERS_MAX,
    Identifier,
    Organisation,
    Principal,
    Role,
    require_operator,
)
from pulsekey.identity.store import IdentityStore, Listed, Place
from pulsekey.primitives.clock import Micros
from pulsekey.primitives.errors import Conflict, MalformedInput
from pulsekey.primitives.ids import PrincipalId
from pulsekey.primitives.messages import Said

PEOPLE_PER_PAGE = 50
SEARCHED_MAX = 10_000
"""Names that one call opens at most; `next` leads on to the rest."""

TEXT_CHARACTERS_MAX = 2 * IDENTIFIER_CHARACTERS_MAX + 1
ACTS = frozenset({Event.WITHDRAW, Event.SUSPEND, Event.REINSTATE, Event.CLOSE})


@dataclass(frozen=True, slots=True)
class Wanted:
    """Whom to list: `text` occurs in the name or in an identifier, which may be system|value."""

    text: str = ""
    role: Role | None = None
    status: Status | None = None


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody who registered or was invited; `acts` is what the operator may do to the account."""

    principal: Principal
    identifiers: tuple[Identifier, ...]
    acts: tuple[Event, ...]


@dataclass(frozen=True, slots=True)
class PeoplePage:
    """Some of them, maybe none yet. `next` leads on; it is None at the end."""

    people: tuple[Person, ...]
    next: Place | None


@dataclass(frozen=True, slots=True)
class Unbound:
    """What became of a wrong binding: since when it was, and how many imports came meanwhile."""

    bound_at: Micros
    imports: int


@dataclass(frozen=True, slots=True)
class People:
    identities: IdentityStore
    directory: Directory
    reports: ListImports

    def __call__(
        self, operator: Principal, wanted: Wanted | None = None, after: Place | None = None
    ) -> PeoplePage:
        """Return people behind `after`, the newest first, at most `PEOPLE_PER_PAGE`."""
        require_operator(operator)
        wanted = wanted or Wanted()
        text = _folded(wanted.text)
        found: list[Listed] = []
        opened = 0
        while opened < SEARCHED_MAX:
            size = min(SEARCHED_MAX - opened, 1_000) if text else PEOPLE_PER_PAGE
            rows = self.identities.listed(
                role=wanted.role, status=wanted.status, after=after, limit=size
            )
            for row in rows:
                after = row.place
                found += [row] if _matches(row, text) else []
                if len(found) == PEOPLE_PER_PAGE:
                    return self._page(operator, found, after)
            opened += size
            if len(rows) < size:
                return self._page(operator, found, None)
        return self._page(operator, found, after)

    def actions(
        self, operator: Principal, before: int | None
    ) -> tuple[list[Entry], dict[PrincipalId, Principal]]:
        """Return who did what, the newest first, and the people in it."""
        require_operator(operator)
        entries = self.identities.actions.page(before)
        named = {one.actor for one in entries if one.actor} | {one.subject for one in entries}
        return entries, {one: self.identities.principal(one) for one in named}

    def confirm_clinician(
        self, operator: Principal, subject: PrincipalId, organisation: str, check: Check
    ) -> None:
        """Confirm person and organisation; an unknown organisation is added by its name."""
        require_operator(operator)
        self.directory.confirm_staff(
            operator.id, subject, self._organisation(operator, organisation).id, check
        )

    def act(self, operator: Principal, event: Event, subject: PrincipalId) -> None:
        """Withdraw a confirmation, or suspend, reinstate or close an account."""
        require_operator(operator)
        if event is Event.CLOSE and _is_bound_to_consents(self.identities.principal(subject)):
            raise Conflict("a patient who has registered is suspended, not closed")
        verbs = {
            Event.WITHDRAW: self.directory.withdraw,
            Event.SUSPEND: self.directory.suspend,
            Event.REINSTATE: self.directory.reinstate,
            Event.CLOSE: self.directory.close,
        }
        verbs[event](operator.id, subject)

    def unbind(self, operator: Principal, subject: PrincipalId, identifier: Identifier) -> Unbound:
        """Take a wrong identifier from a patient. What was imported meanwhile stays where it is."""
        require_operator(operator)
        bound_at = self.directory.unbind(operator.id, subject, identifier)
        patient = self.identities.principal(subject).patient
        return Unbound(bound_at, 0 if patient is None else self.reports.since(patient, bound_at))

    def _page(self, operator: Principal, found: list[Listed], more: Place | None) -> PeoplePage:
        people = []
        for row in found:
            principal = self.identities.principal(row.place.id)
            people.append(Person(principal, row.identifiers, _acts(operator, principal)))
        return PeoplePage(tuple(people), more)

    def _organisation(self, operator: Principal, name: str) -> Organisation:
        own = self.identities.custodian()
        if not name or name == own.name:
            return own
        for known in self.identities.organisations():
            if known.name == name:
                return known
        return self.directory.add_organisation(operator.id, name)


def _acts(operator: Principal, subject: Principal) -> tuple[Event, ...]:
    if operator.id == subject.id:
        return ()
    possible = [event for status, event in TRANSITIONS if status is subject.status]
    return tuple(
        event
        for event in possible
        if event in ACTS and not (event is Event.CLOSE and _is_bound_to_consents(subject))
    )


def _is_bound_to_consents(subject: Principal) -> bool:
    """Whether closing an account would leave consents that nobody can stop."""
    return subject.role is Role.PATIENT and subject.status is not Status.INVITED


def _matches(row: Listed, text: str) -> bool:
    """Whether every word stands in the name, or the text in an identifier."""
    if not text:
        return True
    name = _folded(row.name)
    if all(word in name for word in text.split()):
        return True
    return any(text in _folded(f"{one.system}|{one.value}") for one in row.identifiers)


def _folded(text: str) -> str:
    if len(text) > TEXT_CHARACTERS_MAX:
        raise MalformedInput(
            Said("at most {most} characters", most=TEXT_CHARACTERS_MAX), where="text"
        )
    return unicodedata.normalize("NFKC", text).casefold().strip()
