"""Use case: a patient lets a clinician see some of their record, for a purpose and a time.

The terms are made here, from what the patient chose and from facts that an operator confirmed; the
sentence is made from the terms.
"""

from dataclasses import dataclass
from datetime import datetime
from functools import cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

from pulsekey.consent import terms as consent_terms
from pulsekey.consent.operations import Grant
from pulsekey.consent.sentence import with_sentence
from pulsekey.consent.terms import SALT_BYTES, Controller, Terms
from pulsekey.exchange.offers import Offer
from pulsekey.exchange.sign_operation import SignOperation, account_of
from pulsekey.identity.directory import Directory
from pulsekey.identity.principals import Principal
from pulsekey.identity.store import IdentityStore
from pulsekey.primitives.clock import Clock, Seconds, micros, seconds
from pulsekey.primitives.errors import MalformedInput, NotFound
from pulsekey.primitives.hashing import digest
from pulsekey.primitives.ids import Entropy, KeyId, PrincipalId
from pulsekey.primitives.messages import Said
from pulsekey.signals.category import Category

LOCAL_FORMAT = "%Y-%m-%dT%H:%M"
VALID_DAYS_MAX = 3_650
INCLUDE_SECONDS_MAX = 600
"""A grant that has not reached its batch by then never takes effect."""

LEGAL_BASIS = "gdpr-9-2-a"
"""GDPR Article 9(2)(a): explicit consent. Treatment often rests on another basis."""


@dataclass(frozen=True, slots=True)
class Choice:
    """What the patient chose. Times are local, as they read them: "2026-12-22T23:59" in `zone`.

    `data_until` is "then" (as long as may be read), "now" (recorded so far) or "" (no bound).
    """

    recipient: PrincipalId
    categories: tuple[str, ...]
    purpose: str
    valid_until: str
    data_from: str
    data_until: str
    zone: str
    language: str


@dataclass(frozen=True, slots=True)
class GrantAccess:
    signing: SignOperation
    directory: Directory
    identities: IdentityStore
    contact: str
    jurisdiction: str
    clock: Clock
    entropy: Entropy

    def offer(self, patient: Principal, signer: KeyId, choice: Choice) -> Offer:
        """Offer a grant on terms made from `choice`, or raise `MalformedInput`."""
        terms = self._terms(patient, choice)
        body = Grant(
            terms.consent,
            terms.valid_from,
            terms.valid_until,
            Seconds(seconds(self.clock.now()) + INCLUDE_SECONDS_MAX),
        )
        return self.signing.offer(patient, signer, body, terms)

    def _terms(self, patient: Principal, choice: Choice) -> Terms:
        if patient.patient is None:
            raise NotFound("only a patient can let somebody see their record")
        now = seconds(self.clock.now())
        valid_until = local_seconds(choice.valid_until, choice.zone, where="validUntil")
        if not now < valid_until <= now + VALID_DAYS_MAX * 86_400:
            raise MalformedInput(
                Said("must lie ahead, by {most} days at most", most=VALID_DAYS_MAX),
                where="validUntil",
            )
        recipient = self.directory.recipient(choice.recipient)
        custodian = self.identities.custodian()
        terms = Terms(
            subject=patient.patient,
            signer=account_of(patient),
            recipient=consent_terms.Recipient(
                recipient.principal.id,
                recipient.principal.display_name,
                consent_terms.Organisation(recipient.organisation.id, recipient.organisation.name),
                digest(recipient.statement.content).hex(),
            ),
            controller=Controller(
                consent_terms.Organisation(custodian.id, custodian.name), self.contact
            ),
            categories=_categories(choice.categories),
            purpose=choice.purpose,
            valid_from=now,
            valid_until=valid_until,
            data_from=_bound(choice.data_from, choice.zone),
            data_until={"then": valid_until, "now": now, "": None}[choice.data_until],
            zone=choice.zone,
            jurisdiction=self.jurisdiction,
            language=choice.language,
            legal_basis=LEGAL_BASIS,
            salt=self.entropy(SALT_BYTES),
        )
        return with_sentence(consent_terms.check(terms))


def local_seconds(text: str, zone: str, *, where: str) -> Seconds:
    """Return a local time ("2026-12-22T23:59") in an IANA zone as whole seconds in UTC.

    A time that the zone skips is read with the offset before the gap, one that it repeats as the
    first of the two (PEP 495, fold=0).
    """
    try:
        local = datetime.strptime(text, LOCAL_FORMAT).replace(tzinfo=_zone(zone))
        return seconds(micros(local))
    except (ValueError, ZoneInfoNotFoundError, OverflowError, OSError):
        # OSError: "Europe" is a folder of the zone database, not a zone.
        raise MalformedInput(
            "not a local time in a known zone",
            where=where,
            cure="such as 2026-12-22T23:59, with a zone such as Europe/Paris",
        ) from None


def _zone(name: str) -> ZoneInfo:
    if name not in zones():
        raise ValueError(name)
    return ZoneInfo(name)


@cache
def zones() -> frozenset[str]:
    """Return the names of zones that mean the same everywhere.

    `localtime` is the zone of whatever machine looks, `right/...` counts leap seconds.
    """
    return frozenset(available_timezones()) - {"localtime", "Factory"}


def _bound(text: str, zone: str) -> Seconds | None:
    return local_seconds(text, zone, where="dataFrom") if text else None


def _categories(names: tuple[str, ...]) -> tuple[Category, ...]:
    try:
        return tuple(Category(name) for name in names)
    except ValueError:
        raise MalformedInput("unknown category", where="categories") from None
