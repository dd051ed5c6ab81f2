"""A whole node in a folder, its people with software passkeys, and a clock that stands until told.

With a repeatable entropy everything in it is the same in every run.
"""

import base64
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from unittest.mock import patch

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed, decode_dss_signature

from pulsekey import wiring
from pulsekey.evidence.entries import Asked
from pulsekey.evidence.receipts import ReadReceipt
from pulsekey.exchange.gather_evidence import GatherEvidence
from pulsekey.exchange.grant_access import Choice
from pulsekey.exchange.node_keys import NodeKeys
from pulsekey.exchange.offers import Offer
from pulsekey.identity.ceremonies import Registered
from pulsekey.identity.enrolment import Check, Method
from pulsekey.identity.principals import Identifier, Principal, Role
from pulsekey.identity.sessions import SessionKind
from pulsekey.identity.setup import issue_set_up_token
from pulsekey.identity.software_passkey import SoftwarePasskey, create
from pulsekey.ledger.ports import Step
from pulsekey.primitives.assertion import Signature
from pulsekey.primitives.clock import MICROS_PER_SECOND, Micros
from pulsekey.primitives.ids import ConsentId, Digest, KeyId
from pulsekey.settings import Settings
from pulsekey.wiring import Node
from tests.fakes.software_authenticator import Repeatable

STARTS = Micros(1_790_000_000 * MICROS_PER_SECOND)
CHECKED = Check(Method.TEST_DATA, "made up")
READING = Asked(("Observation",), ("heart-rate",), (), None, None, 50)


@dataclass(slots=True)
class StandingClock:
    """Stands still until it is told to move."""

    at: Micros = STARTS

    def now(self) -> Micros:
        return self.at

    def pass_seconds(self, count: float) -> None:
        self.at = Micros(self.at + int(count * MICROS_PER_SECOND))


@dataclass(slots=True)
class Patient:
    """A patient with an account, and the passkeys that sign for it."""

    principal: Principal
    passkeys: dict[KeyId, SoftwarePasskey]
    first: KeyId


@dataclass(slots=True)
class EvidenceNode:
    """What a story about evidence needs of a node. Every step takes ten seconds."""

    node: Node
    clock: StandingClock
    entropy: Repeatable
    operator: Principal
    clinician: Principal

    @property
    def gathering(self) -> GatherEvidence:
        node = self.node
        return GatherEvidence(
            node.gate,
            node.register,
            node.identities,
            node.accesses,
            node.ledger,
            node.committing,
            node.keys,
        )

    def patient(self, name: str, *, confirmed: bool = True) -> Patient:
        """Register a patient, open their account and confirm them."""
        node = self.node
        passkey, registered = _registered(
            node, self.entropy, node.ceremonies.begin_registration(Role.PATIENT, name)
        )
        key = registered.passkey.key_id
        patient = Patient(registered.principal, {key: passkey}, key)
        self.sign(patient, node.signing.offer_account(patient.principal, key), key)
        if confirmed:
            node.directory.confirm_patient(
                self.operator.id, patient.principal.id, [Identifier("urn:test", name)], CHECKED
            )
        patient.principal = node.identities.principal(patient.principal.id)
        return patient

    def add_passkey(self, patient: Patient) -> KeyId:
        """Register another passkey and let it sign for the account."""
        node = self.node
        token = node.sessions.open_portal(patient.principal.id, patient.first)
        session = node.sessions.authenticate(token, SessionKind.PORTAL)
        options = node.ceremonies.begin_passkey(session)
        passkey = _made(self.entropy, node, options)
        added = node.ceremonies.finish_passkey(
            session, dict(passkey.register(_unbase64(options["challenge"])))
        )
        patient.passkeys[added.key_id] = passkey
        self.sign(patient, node.signing.offer_key(patient.principal, patient.first, added))
        return added.key_id

    def grant(
        self,
        patient: Patient,
        *,
        key: KeyId | None = None,
        until: str = "2026-12-22T23:59",
        language: str = "en",
        categories: tuple[str, ...] = ("heart-rate", "glucose"),
        data_from: str = "",
        data_until: str = "then",
        purpose: str = "TREAT",
        zone: str = "Europe/Paris",
    ) -> ConsentId:
        """Let the clinician in, and return the consent."""
        choice = Choice(
            self.clinician.id,
            categories,
            purpose,
            until,
            data_from,
            data_until,
            zone,
            language,
        )
        key = key or patient.first
        offer = self.node.granting.offer(patient.principal, key, choice)
        assert offer.terms is not None
        self.sign(patient, offer, key)
        return offer.terms.consent

    def stop(self, patient: Patient, consent: ConsentId, *, key: KeyId | None = None) -> Step:
        key = key or patient.first
        return self.sign(patient, self.node.stopping.offer(patient.principal, key, consent), key)

    def stop_all(self, patient: Patient) -> Step:
        return self.sign(
            patient, self.node.signing.offer_stop_all(patient.principal, patient.first)
        )

    def remove_passkey(self, patient: Patient, removed: KeyId, *, key: KeyId) -> Step:
        return self.sign(
            patient, self.node.signing.offer_key_removal(patient.principal, key, removed), key
        )

    def sign(self, patient: Patient, offer: Offer, key: KeyId | None = None) -> Step:
        passkey = patient.passkeys[key or patient.first]
        response = passkey.authenticate(_unbase64(offer.options["challenge"]))
        self.clock.pass_seconds(10)
        return self.node.signing.confirm(patient.principal, offer.id, dict(response)).step

    def read(self, patient: Patient) -> tuple[ReadReceipt, ...]:
        """Let the clinician read through the gate; return the receipts."""
        assert patient.principal.patient is not None
        self.clock.pass_seconds(10)
        return self.node.gate.open(
            self.clinician, patient.principal.patient, "TREAT", READING
        ).receipts

    def evidence(self, patient: Patient, consent: ConsentId) -> bytes:
        self.clock.pass_seconds(10)
        return self.gathering(patient.principal, consent)


@contextmanager
def evidence_node(folder: Path, seed: str = "evidence") -> Iterator[EvidenceNode]:
    """Make a node with an operator and a confirmed clinician, and close it at the end."""
    clock, entropy = StandingClock(), Repeatable(seed)
    settings = Settings(home=folder / "home", organisation="City Clinic")
    with ExitStack() as stack:
        # The node is made at its own time, and its commitments are signed as RFC 6979 says.
        stack.enter_context(patch.object(wiring, "SystemClock", lambda: clock))
        stack.enter_context(patch.object(NodeKeys, "sign_commitment", _sign_repeatably))
        wiring.create(settings, entropy)
        node = stack.enter_context(wiring.opened(settings, clock=clock, entropy=entropy))
        token = issue_set_up_token(node.identities, clock, entropy)
        options = node.ceremonies.begin_set_up(token, "Olga Operator", "City Clinic")
        passkey = _made(entropy, node, options)
        operator = node.ceremonies.finish_set_up(
            dict(passkey.register(_unbase64(options["challenge"])))
        ).principal
        _, registered = _registered(
            node, entropy, node.ceremonies.begin_registration(Role.CLINICIAN, "Dr A. Li 李")
        )
        node.directory.confirm_staff(
            operator.id, registered.principal.id, node.identities.custodian().id, CHECKED
        )
        clinician = node.identities.principal(registered.principal.id)
        operator = node.identities.principal(operator.id)
        yield EvidenceNode(node, clock, entropy, operator, clinician)


def _registered(
    node: Node, entropy: Repeatable, options: dict[str, object]
) -> tuple[SoftwarePasskey, Registered]:
    passkey = _made(entropy, node, options)
    response = passkey.register(_unbase64(options["challenge"]))
    return passkey, node.ceremonies.finish_registration(dict(response))


def _made(entropy: Repeatable, node: Node, options: dict[str, object]) -> SoftwarePasskey:
    user = options["user"]
    assert isinstance(user, dict)
    return create("localhost", node.settings.origin, entropy, user_handle=_unbase64(user["id"]))


def _sign_repeatably(keys: NodeKeys, challenge: Digest) -> Signature:
    scheme = ec.ECDSA(Prehashed(hashes.SHA256()), deterministic_signing=True)
    r, s = decode_dss_signature(keys.commit.sign(challenge, scheme))
    return Signature(r.to_bytes(32), s.to_bytes(32))


def _unbase64(text: object) -> bytes:
    assert isinstance(text, str)
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
