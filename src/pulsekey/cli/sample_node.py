"""What `make run` serves: a node with the sample record, and people who wait for their passkeys."""

import io
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
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
    identifier,
    samples,
)
from pulsekey.cli.sample_home import MARK, emptied, sample_home
from pulsekey.cli.screen import say
from pulsekey.cli.serving import listening, serve
from pulsekey.cli.story import Story
from pulsekey.identity.enrolment import Check, Method
from pulsekey.identity.lifecycle import Status
from pulsekey.identity.principals import Identifier, Role
from pulsekey.identity.setup import issue_set_up_token
from pulsekey.identity.software_passkey import SoftwarePasskey
from pulsekey.ingest.items import Payload
from pulsekey.primitives.errors import Conflict
from pulsekey.primitives.ids import PatientId, PrincipalId
from pulsekey.settings import Settings
from pulsekey.wiring import Node

POLL_SECONDS = 0.5


def serve_samples(given: Settings) -> None:
    """Make a node with the sample record, invite three people to it, and serve the portal."""
    with sample_home(given.home) as folder, listening(given) as taken:
        emptied(folder)
        _served(replace(given, home=folder, organisation=ORGANISATION, test_data=True), taken)


def _served(settings: Settings, taken: socket.socket) -> None:
    story = Story()
    wiring.create(settings, beside=frozenset({MARK}))
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
        say()
        say(f"The portal: {settings.origin}")
        say(f"Take a part at {settings.origin}/invited with its one-time token, in this order:")
        for who, token in invitations.tokens:
            say(f"    {who:<36} {token}")
        say("The patient also opens a consent account there. Then, under People, the operator")
        say("confirms the clinician and the patient, and the patient can let the clinician in.")
        say("One browser profile a person. Ctrl-C ends it.", flush=True)
        with _confirming(node, invitations):
            serve(node, taken)
    say(f"Stopped. The sample node stays in {settings.home} until the next run replaces it.")


@contextmanager
def _confirming(node: Node, invitations: "_Invitations") -> Iterator[None]:
    """Confirm the invited operator once they have registered, as the founder would."""
    ended = threading.Event()

    def watch() -> None:
        while not ended.wait(POLL_SECONDS):
            if node.identities.principal(invitations.operator).status is Status.REGISTERED:
                check = Check(Method.TEST_DATA, "whoever runs the sample node")
                own = node.identities.custodian().id
                node.directory.confirm_staff(invitations.founder, invitations.operator, own, check)
                return

    watcher = threading.Thread(target=watch, name="sample operator", daemon=True)
    watcher.start()
    try:
        yield
    finally:
        ended.set()
        watcher.join()


@dataclass(frozen=True, slots=True)
class _Invitations:
    record: PatientId
    founder: PrincipalId
    operator: PrincipalId
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
    another = node.directory.invite(operator, Role.OPERATOR, OPERATOR_NAME)
    clinician = node.directory.invite(operator, Role.CLINICIAN, CLINICIAN_NAME)
    if patient.principal.patient is None:
        raise Conflict("a patient without a record")
    return _Invitations(
        patient.principal.patient,
        operator,
        another.principal.id,
        tuple(
            (f"{one.principal.role}: {one.principal.display_name}", one.token)
            for one in (another, clinician, patient)
        ),
    )


def _operator_options(node: Node) -> tuple[SoftwarePasskey, dict[str, Any]]:
    token = issue_set_up_token(node.identities, node.clock, node.entropy)
    options = node.ceremonies.begin_set_up(token, "Set-up", ORGANISATION)
    settings = node.settings
    return make_passkey(settings.relying_party, settings.origin, options), options


def _opener(content: bytes) -> Callable[[], io.BytesIO]:
    return lambda: io.BytesIO(content)
