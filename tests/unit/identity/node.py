"""A node's identity side, small enough for a test, and a forger of WebAuthn responses."""

import base64
import hashlib
import json
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeAlias

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec

from pulsekey.identity import software_passkey
from pulsekey.identity.ceremonies import Ceremonies, Registered
from pulsekey.identity.directory import Directory, Invitation
from pulsekey.identity.embedded import SeedSigner
from pulsekey.identity.enrolment import Check, Method
from pulsekey.identity.principals import Identifier, Passkey, Role
from pulsekey.identity.relying_party import RelyingParty, relying_party
from pulsekey.identity.responses import Refusal
from pulsekey.identity.sessions import SessionLimits, Sessions
from pulsekey.identity.setup import issue_set_up_token
from pulsekey.identity.software_passkey import SoftwarePasskey, base64url
from pulsekey.identity.store import IdentityStore, open_store
from pulsekey.primitives.clock import MICROS_PER_SECOND, Micros
from pulsekey.primitives.ids import AccountId, PrincipalId

RP_ID = "localhost"
ORIGIN = "http://localhost:8765"
PARTY: RelyingParty = relying_party(RP_ID, "Pulsekey", frozenset({ORIGIN}))
KEY = bytes(range(32))
SEED = b"\x07" * 32
CHECK = Check(Method.TEST_DATA, "passport X1234567")

Json: TypeAlias = dict[str, Any]


START = Micros(1_790_000_000 * MICROS_PER_SECOND)


@dataclass
class ManualClock:
    at: Micros = START

    def now(self) -> Micros:
        return self.at

    def pass_seconds(self, seconds: float) -> None:
        self.at = Micros(self.at + int(seconds * MICROS_PER_SECOND))


@dataclass
class Node:
    store: IdentityStore
    clock: ManualClock
    sessions: Sessions
    ceremonies: Ceremonies
    directory: Directory
    refusals: list[Refusal] = field(default_factory=list)

    def set_up(self) -> Registered:
        """Create the custodian and its first operator."""
        token = issue_set_up_token(self.store, self.clock, secrets.token_bytes)
        options = self.ceremonies.begin_set_up(token, "Olga Operator", "City Clinic")
        device = device_for(options)
        return self.ceremonies.finish_set_up(device.register(challenge_of(options)))

    def register(self, role: Role, name: str) -> tuple[Registered, SoftwarePasskey]:
        options = self.ceremonies.begin_registration(role, name)
        device = device_for(options)
        done = self.ceremonies.finish_registration(device.register(challenge_of(options)))
        return done, device

    def register_invited(self, invitation: Invitation) -> PrincipalId:
        options = self.ceremonies.begin_invited(invitation.token)
        response = device_for(options).register(challenge_of(options))
        return self.ceremonies.finish_registration(response).principal.id

    def confirmed_clinician(self, operator: PrincipalId, name: str = "Dr A. Li") -> PrincipalId:
        done, _ = self.register(Role.CLINICIAN, name)
        clinic = self.store.custodian().id
        self.directory.confirm_staff(operator, done.principal.id, clinic, CHECK)
        return done.principal.id

    def confirmed_patient(self, operator: PrincipalId, value: str = "MRN-1") -> PrincipalId:
        done, _ = self.register(Role.PATIENT, "Petra Patient")
        patient = done.principal.id
        self.store.set_account(patient, AccountId(secrets.token_bytes(32)))
        self.directory.confirm_patient(operator, patient, [Identifier("urn:mrn", value)], CHECK)
        return patient


def node_on(store: IdentityStore, clock: ManualClock | None = None) -> Node:
    clock = clock or ManualClock()
    sessions = Sessions(store, clock, secrets.token_bytes, SessionLimits())
    refusals: list[Refusal] = []
    ceremonies = Ceremonies(
        store,
        PARTY,
        sessions,
        clock=clock,
        entropy=secrets.token_bytes,
        on_refusal=refusals.append,
    )
    directory = Directory(store, SeedSigner(SEED), clock, secrets.token_bytes)
    return Node(store, clock, sessions, ceremonies, directory, refusals)


@contextmanager
def opened(folder: Path) -> Iterator[Node]:
    store = open_store(folder / "identity.db", KEY, secrets.token_bytes)
    try:
        yield node_on(store)
    finally:
        store.close()


def device_for(options: Json, **changes: str) -> SoftwarePasskey:
    """Return a device that will answer these creation options."""
    handle = from_base64url(options["user"]["id"])
    place = {"rp_id": RP_ID, "origin": ORIGIN} | changes
    return software_passkey.create(
        place["rp_id"], place["origin"], secrets.token_bytes, user_handle=handle
    )


def challenge_of(options: Json) -> bytes:
    return from_base64url(options["challenge"])


def from_base64url(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def as_passkey(device: SoftwarePasskey, *, sign_count: int = 0) -> Passkey:
    """Return what a store would remember of a device."""
    return Passkey(
        device.credential_id,
        PrincipalId(device.user_handle.decode()),
        device.public_key,
        device.rp_id_hash,
        sign_count,
        synced=False,
        transports=("internal",),
        created_at=Micros(0),
    )


def forge(
    device: SoftwarePasskey,
    challenge: bytes,
    /,
    *,
    kind: str = "webauthn.get",
    rp_id: str = RP_ID,
    flags: int = 0x05,
    count: int | None = None,
    extensions: bytes = b"",
    key: ec.EllipticCurvePrivateKey | None = None,
    client_data: bytes | None = None,
    **members: object,
) -> Json:
    """Return an assertion that is truly signed, with anything in it replaced."""
    fields = {
        "type": kind,
        "challenge": base64url(challenge),
        "origin": ORIGIN,
        "crossOrigin": False,
    } | members
    if client_data is None:
        client_data = json.dumps(fields, separators=(",", ":")).encode()
    rising = device.sign_count + 1 if count is None else count
    data = hashlib.sha256(rp_id.encode()).digest() + bytes([flags]) + rising.to_bytes(4)
    data += extensions
    signed = data + hashlib.sha256(client_data).digest()
    signature = (key or device._key).sign(signed, ec.ECDSA(hashes.SHA256()))
    name = base64url(device.credential_id)
    return {
        "id": name,
        "rawId": name,
        "type": "public-key",
        "clientExtensionResults": {},
        "response": {
            "clientDataJSON": base64url(client_data),
            "authenticatorData": base64url(data),
            "signature": base64url(signature),
            "userHandle": base64url(device.user_handle),
        },
    }
