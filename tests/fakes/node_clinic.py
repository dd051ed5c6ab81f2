"""A real node with people in it, each with a passkey of software. Nothing of it is faked.

Calls go to the node's use cases; tests/fakes/node_http.py serves the same node over HTTP.
"""

import base64
import bz2
import json
import secrets
import socket
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from typing import Any, cast

from pulsekey import wiring
from pulsekey.consent.operations import Grant
from pulsekey.consent.sentence import with_sentence
from pulsekey.consent.terms import Terms
from pulsekey.exchange.grant_access import LOCAL_FORMAT, Choice
from pulsekey.exchange.import_payload import Imported
from pulsekey.exchange.offers import Offer
from pulsekey.exchange.search_records import Reader
from pulsekey.exchange.sign_operation import Confirmed
from pulsekey.identity import software_passkey
from pulsekey.identity.enrolment import Check, Method
from pulsekey.identity.principals import Identifier, Principal, Role
from pulsekey.identity.sessions import SessionKind
from pulsekey.identity.setup import issue_set_up_token
from pulsekey.identity.software_passkey import SoftwarePasskey
from pulsekey.ingest.items import Payload
from pulsekey.primitives.clock import MICROS_PER_SECOND, Micros, Seconds, SystemClock, seconds, utc
from pulsekey.primitives.ids import ConsentId, Entropy, KeyId, PatientId, PrincipalId
from pulsekey.settings import Settings
from pulsekey.wiring import Node
from tests.fakes.payloads import SAMPLES, ecg_sample, payload, sample

ORGANISATION = "City Clinic"
MRN = "urn:example:mrn"
CHART = "chart-adult.json.bz2"
SHARED = ("heart-rate", "glucose", "ecg")
CHECK = Check(Method.TEST_DATA, "a badge")


class ShiftedClock:
    """The machine's clock, which a test can move forward."""

    def __init__(self) -> None:
        self._ahead = 0

    def now(self) -> Micros:
        return Micros(SystemClock().now() + self._ahead)

    def advance(self, seconds: int) -> None:
        self._ahead += seconds * MICROS_PER_SECOND


@dataclass(slots=True)
class Member:
    """Somebody who registered."""

    clinic: "Clinic"
    id: PrincipalId
    key: KeyId
    passkey: SoftwarePasskey

    @property
    def principal(self) -> Principal:
        """Who they are now."""
        return self.clinic.node.identities.principal(self.id)

    @property
    def patient(self) -> PatientId:
        """The record about them."""
        found = self.principal.patient
        assert found is not None
        return found

    def gesture(self, options: dict[str, Any]) -> dict[str, object]:
        """Confirm with the device's screen lock."""
        return cast("dict[str, object]", self.passkey.authenticate(challenge_of(options)))

    def confirm(self, offer: Offer) -> Confirmed:
        return self.clinic.node.signing.confirm(
            self.principal, offer.id, self.gesture(offer.options)
        )

    def portal(self) -> str:
        """Return the token of a fresh portal session."""
        return self.clinic.node.sessions.open_portal(self.id, self.key)

    def bearer(self, purpose: str = "TREAT", scopes: tuple[str, ...] = ("user/*.read",)) -> str:
        """Return a fresh bearer token."""
        return self.clinic.node.sessions.open_bearer(self.id, self.key, purpose, scopes)

    def reader(self, purpose: str = "TREAT", scopes: tuple[str, ...] = ("user/*.read",)) -> Reader:
        return Reader(self.principal, purpose, scopes)


@dataclass(slots=True)
class Clinic:
    """The node, and how people come to it."""

    node: Node
    clock: ShiftedClock
    entropy: Entropy
    _operator: Member | None = field(default=None, repr=False)

    @property
    def operator(self) -> Member:
        """The first operator, who sets the node up when they are first asked for."""
        if self._operator is None:
            node = self.node
            token = issue_set_up_token(node.identities, node.clock, node.entropy)
            options = node.ceremonies.begin_set_up(token, "Olga Operator", ORGANISATION)
            self._operator = self._registered(options, node.ceremonies.finish_set_up)
        return self._operator

    def clinician(self, name: str = "Dr A. Li", *, confirmed: bool = True) -> Member:
        member = self._self_registered(Role.CLINICIAN, name)
        if confirmed:
            custodian = self.node.identities.custodian()
            self.node.directory.confirm_staff(self.operator.id, member.id, custodian.id, CHECK)
        return member

    def patient(
        self,
        name: str = "Pat Example",
        *,
        bound: Sequence[tuple[str, str]] = (),
        account: bool = True,
    ) -> Member:
        """Register a patient; `bound` are identifiers as (system, value)."""
        member = self._self_registered(Role.PATIENT, name)
        if account:
            member.confirm(self.node.signing.offer_account(member.principal, member.key))
        if bound:
            identifiers = [Identifier(*one) for one in bound]
            self.node.directory.confirm_patient(self.operator.id, member.id, identifiers, CHECK)
        return member

    def offer_passkey(self, member: Member) -> tuple[Member, Offer]:
        """Make a second passkey for a patient, and the offer that lets it in."""
        node = self.node
        token = node.sessions.open_portal(member.id, member.key)
        session = node.sessions.authenticate(token, SessionKind.PORTAL)
        options = node.ceremonies.begin_passkey(session)
        passkey = self._passkey(options)
        response = cast("dict[str, object]", passkey.register(challenge_of(options)))
        added = node.ceremonies.finish_passkey(session, response)
        offer = node.signing.offer_key(member.principal, member.key, added)
        return Member(self, member.id, added.key_id, passkey), offer

    def add_passkey(self, member: Member) -> Member:
        """Give a patient a second passkey that signs in and for the account."""
        second, offer = self.offer_passkey(member)
        member.confirm(offer)
        return second

    def load(self, patient: Member, *payloads: Payload, zone: str = "Europe/Paris") -> Imported:
        """Import files for a patient; return what became of the last."""
        done = None
        for one in payloads:
            organisation = patient.principal.organisation
            done = self.node.importing(patient.patient, organisation, one, zone=zone)
        assert done is not None
        return done

    def choice(
        self,
        clinician: Member,
        categories: Sequence[str] = SHARED,
        *,
        purpose: str = "TREAT",
        days: int = 30,
        data_from: str = "",
        data_until: str = "then",
        zone: str = "UTC",
        language: str = "en",
    ) -> Choice:
        until = utc(self.clock.now()) + timedelta(days=days)
        return Choice(
            clinician.id,
            tuple(categories),
            purpose,
            until.strftime(LOCAL_FORMAT),
            data_from,
            data_until,
            zone,
            language,
        )

    def grant(
        self,
        patient: Member,
        clinician: Member,
        categories: Sequence[str] = SHARED,
        **terms: Any,
    ) -> ConsentId:
        """Let a clinician in; the keywords are those of `choice`."""
        choice = self.choice(clinician, categories, **terms)
        offer = self.node.granting.offer(patient.principal, patient.key, choice)
        confirmed = patient.confirm(offer)
        assert confirmed.step.code == 0
        assert offer.terms is not None
        return offer.terms.consent

    def grant_later(self, patient: Member, clinician: Member, *, seconds_ahead: int) -> ConsentId:
        """Let a clinician in from some time on: the portal does not offer it, the ledger has it."""
        node = self.node
        offer = node.granting.offer(patient.principal, patient.key, self.choice(clinician))
        assert offer.terms is not None
        begin = Seconds(seconds(self.clock.now()) + seconds_ahead)
        return self.grant_terms(patient, replace(offer.terms, valid_from=begin, sentence=""))

    def grant_terms(self, patient: Member, terms: Terms) -> ConsentId:
        """Grant on terms that no page offers; `terms` have no sentence yet."""
        node = self.node
        said = with_sentence(terms)
        node.register.keep(said)
        included_by = max(said.valid_from, Seconds(seconds(self.clock.now()) + 60))
        body = Grant(said.consent, said.valid_from, said.valid_until, included_by)
        patient.confirm(node.signing.offer(patient.principal, patient.key, body, said))
        return said.consent

    def stop(self, patient: Member, consent: ConsentId) -> Confirmed:
        return patient.confirm(self.node.stopping.offer(patient.principal, patient.key, consent))

    def _self_registered(self, role: Role, name: str) -> Member:
        _ = self.operator  # Without a custodian nobody can register.
        options = self.node.ceremonies.begin_registration(role, name)
        return self._registered(options, self.node.ceremonies.finish_registration)

    def _registered(
        self, options: dict[str, Any], finish: Callable[[dict[str, Any]], Any]
    ) -> Member:
        passkey = self._passkey(options)
        done = finish(cast("dict[str, Any]", passkey.register(challenge_of(options))))
        return Member(self, done.principal.id, done.passkey.key_id, passkey)

    def _passkey(self, options: dict[str, Any]) -> SoftwarePasskey:
        settings = self.node.settings
        return software_passkey.create(
            settings.relying_party,
            settings.origin,
            self.entropy,
            user_handle=unpadded(options["user"]["id"]),
        )


@contextmanager
def opened_clinic(
    home: Path, *, entropy: Entropy = secrets.token_bytes, **settings: Any
) -> Iterator[Clinic]:
    """A fresh node in `home` (or the one that is there), with an operator."""
    settled = settings_for(home, **settings)
    if not wiring.Home(home).exists:
        wiring.create(settled, entropy)
    clock = ShiftedClock()
    with wiring.opened(settled, clock=clock, entropy=entropy) as node:
        yield Clinic(node, clock, entropy)


def settings_for(home: Path, **settings: Any) -> Settings:
    """Settings of a node that listens on a port of its own."""
    port = settings.pop("port", None) or free_port()
    return Settings(
        home=home,
        port=port,
        origin=f"http://localhost:{port}",
        organisation=ORGANISATION,
        **settings,
    )


def everything() -> tuple[Payload, ...]:
    """Sample files that yield every shape but the sessions: see tests/conformance."""
    return (sample("clarity-three-days.csv"), sample("activity-walk.fit"), ecg_sample())


def chart() -> Payload:
    return sample(CHART)


def chart_identifiers() -> list[tuple[str, str]]:
    """The identifiers by which the chart's hospital knows its patient."""
    bundle = json.loads(bz2.decompress((SAMPLES / CHART).read_bytes()))
    resources = [entry["resource"] for entry in bundle["entry"]]
    (patient,) = (one for one in resources if one["resourceType"] == "Patient")
    return [(one["system"], one["value"]) for one in patient["identifier"]]


def chart_of(system: str, value: str) -> Payload:
    """The sample chart, as if its hospital knew the patient by this identifier."""
    document = json.loads(bz2.decompress(chart().open().read()))
    for entry in document["entry"]:
        if entry["resource"]["resourceType"] == "Patient":
            entry["resource"]["identifier"] = [{"system": system, "value": value}]
    return payload("chart.json", json.dumps(document).encode())


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def challenge_of(options: dict[str, Any]) -> bytes:
    return unpadded(options["challenge"])


def unpadded(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
