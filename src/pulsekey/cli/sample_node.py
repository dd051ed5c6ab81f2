"""What `make run` serves: a node with the sample record, and people who wait for their passkeys."""

import io
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from pulsekey import wiring
from pulsekey.cli.people import challenge_of, make_passkey
from pulsekey.cli.sample_data import (
    CLINICIAN_NAME,
    OPERATOR_NAME,
    ORGANISATION,
    PATIENT_NAME,
    ZONE,
    fresh_folder,
    identifier,
    samples,
)
from pulsekey.cli.serving import serve
from pulsekey.cli.story import Story
from pulsekey.identity.principals import Identifier, Role
from pulsekey.identity.setup import issue_set_up_token
from pulsekey.identity.software_passkey import SoftwarePasskey
from pulsekey.ingest.items import Payload
from pulsekey.primitives.errors import Conflict
from pulsekey.primitives.ids import PatientId
from pulsekey.settings import Settings
from pulsekey.wiring import Node


def serve_samples(given: Settings) -> None:
    """Make a node with the sample record, invite three people to it, and serve the portal."""
    story = Story()
    settings = replace(given, home=fresh_folder(given.home), organisation=ORGANISATION)
    wiring.create(settings)
    with wiring.opened(settings) as node:
        invitations = _invited(node)
        story.line("a node with an operator, a clinician and a patient who wait for their passkeys")
        record = node.identities.principal_of_patient(invitations.record)
        for sample in samples():
            payload = Payload(sample.name, len(sample.content), _opener(sample.content))
            report = node.importing(
                invitations.record, record.organisation, payload, zone=ZONE
            ).report
            story.line(f"{sample.what}: {len(report.tallies)} kinds of data")
        print(f"\nThe portal: {settings.origin}")
        print("Register there as one of these, each with its one-time token:")
        for who, token in invitations.tokens:
            print(f"    {who:<28} {token}")
        print("Ctrl-C ends it.", flush=True)
        serve(node)


@dataclass(frozen=True, slots=True)
class _Invitations:
    record: PatientId
    tokens: tuple[tuple[str, str], ...]


def _invited(node: Node) -> _Invitations:
    """Found the organisation with a first operator who signs with software, then invite people."""
    passkey, options = _operator_options(node)
    response = passkey.register(challenge_of(options))
    operator = node.ceremonies.finish_set_up(dict(response)).principal.id
    known = identifier()
    patient = node.directory.invite(
        operator, Role.PATIENT, PATIENT_NAME, [Identifier(known["system"], known["value"])]
    )
    others = [
        node.directory.invite(operator, role, name)
        for role, name in ((Role.OPERATOR, OPERATOR_NAME), (Role.CLINICIAN, CLINICIAN_NAME))
    ]
    if patient.principal.patient is None:
        raise Conflict("a patient without a record")
    return _Invitations(
        patient.principal.patient,
        tuple(
            (f"{one.principal.role}: {one.principal.display_name}", one.token)
            for one in (patient, *others)
        ),
    )


def _operator_options(node: Node) -> tuple[SoftwarePasskey, dict[str, Any]]:
    token = issue_set_up_token(node.identities, node.clock, node.entropy)
    options = node.ceremonies.begin_set_up(token, "Set-up", ORGANISATION)
    settings = node.settings
    return make_passkey(settings.relying_party, settings.origin, options), options


def _opener(content: bytes) -> Callable[[], io.BytesIO]:
    return lambda: io.BytesIO(content)
