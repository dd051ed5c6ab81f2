"""Use cases of operators: who has registered, and confirming a clinician with an organisation."""

from dataclasses import dataclass

from pulsekey.identity.directory import Directory
from pulsekey.identity.enrolment import Check
from pulsekey.identity.principals import Identifier, Organisation, Principal, Role, require_operator
from pulsekey.identity.store import IdentityStore
from pulsekey.primitives.ids import PrincipalId

PEOPLE_MAX = 1_000


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody who registered, and for a patient the identifiers bound to them."""

    principal: Principal
    identifiers: tuple[Identifier, ...]


@dataclass(frozen=True, slots=True)
class People:
    identities: IdentityStore
    directory: Directory

    def __call__(self, operator: Principal) -> tuple[Person, ...]:
        """Return everybody, the newest first."""
        require_operator(operator)
        found = [one for role in Role for one in self.identities.principals(role)]
        found.sort(key=lambda one: (one.created_at, one.id), reverse=True)
        return tuple(Person(one, self._identifiers(one)) for one in found[:PEOPLE_MAX])

    def confirm_clinician(
        self, operator: Principal, subject: PrincipalId, organisation: str, check: Check
    ) -> None:
        """Confirm person and organisation; an unknown organisation is added by its name."""
        require_operator(operator)
        self.directory.confirm_staff(
            operator.id, subject, self._organisation(operator, organisation).id, check
        )

    def _organisation(self, operator: Principal, name: str) -> Organisation:
        own = self.identities.custodian()
        if not name or name == own.name:
            return own
        for known in self.identities.organisations():
            if known.name == name:
                return known
        return self.directory.add_organisation(operator.id, name)

    def _identifiers(self, one: Principal) -> tuple[Identifier, ...]:
        if one.patient is None:
            return ()
        return tuple(self.identities.identifiers_of(one.patient))
