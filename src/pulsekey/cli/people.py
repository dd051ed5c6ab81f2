"""People of the demonstration: each has a passkey made of software and a client of the node."""

import secrets
from base64 import urlsafe_b64decode
from dataclasses import dataclass
from typing import Any

from pulsekey.cli.client import Client
from pulsekey.identity import software_passkey
from pulsekey.identity.software_passkey import SoftwarePasskey


@dataclass(slots=True)
class Person:
    """Somebody who has registered."""

    client: Client
    passkey: SoftwarePasskey
    principal: dict[str, Any]

    def sign(self, offer: dict[str, Any]) -> Any:
        """Confirm an offer, as a gesture on a device would."""
        credential = self.passkey.authenticate(challenge_of(offer["options"]))
        return self.client.post(
            "/api/operations", {"offer": offer["offer"], "credential": credential}
        )

    def token(self, purpose: str) -> str:
        """Obtain a bearer token for FHIR with a gesture."""
        options = self.client.post("/api/tokens/options")["options"]
        credential = self.passkey.authenticate(challenge_of(options))
        answer = self.client.post("/api/tokens", {"credential": credential, "purpose": purpose})
        return str(answer["token"])


def register(origin: str, rp_id: str, finish: str, **begin: str) -> Person:
    """Register somebody through the documented endpoints."""
    client = Client(origin)
    options = client.post("/api/registrations/options", begin)["options"]
    passkey = make_passkey(rp_id, origin, options)
    credential = passkey.register(challenge_of(options))
    principal = client.post(finish, {"credential": credential})["principal"]
    return Person(client, passkey, principal)


def make_passkey(rp_id: str, origin: str, options: dict[str, Any]) -> SoftwarePasskey:
    """Make the passkey that creation options ask for."""
    return software_passkey.create(
        rp_id, origin, secrets.token_bytes, user_handle=_bytes(options["user"]["id"])
    )


def challenge_of(options: dict[str, Any]) -> bytes:
    """Return the challenge that a device signs."""
    return _bytes(options["challenge"])


def _bytes(text: str) -> bytes:
    return urlsafe_b64decode(text + "=" * (-len(text) % 4))
