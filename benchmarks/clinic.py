"""A whole node for benchmarks: on disk, served over HTTP, with people who hold passkeys.

A patient with a long heart rate record has let a clinician in, for treatment, by a live consent.
"""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np

from pulsekey import wiring
from pulsekey.cli.people import Person, register
from pulsekey.cli.serving import free_port, served
from pulsekey.exchange.search_records import Reader
from pulsekey.identity.sessions import SessionKind
from pulsekey.identity.setup import issue_set_up_token
from pulsekey.primitives.ids import PatientId
from pulsekey.quality.grading import GradingContext, grade
from pulsekey.settings import Settings
from pulsekey.signals.catalogue import HEART_RATE
from pulsekey.signals.series import Series, Source, Times, quantities
from pulsekey.vault.writing import begin_import
from pulsekey.wiring import Node

PURPOSE = "TREAT"
HOUR_ROWS = 3_600
MINUTE_MICROS = 60_000_000
GRANTED = ("heart-rate", "glucose", "blood-pressure")


@dataclass(frozen=True, slots=True)
class Clinic:
    """The node, who is on it, and the clinician's token."""

    node: Node
    patient: Person
    clinician: Person
    record: PatientId
    consent: str
    token: str

    @property
    def reader(self) -> Reader:
        """The clinician, as the FHIR edge sees her."""
        session = self.node.sessions.authenticate(self.token, SessionKind.BEARER)
        return Reader(session.principal, session.purpose, session.scopes)


@contextmanager
def clinic(rows: int, sources: int = 1) -> Iterator[Clinic]:
    """Open a fresh node whose patient has `rows` of heart rate from `sources` devices in turns."""
    with tempfile.TemporaryDirectory() as folder:
        port = free_port()
        origin = f"http://localhost:{port}"
        settings = replace(Settings(), home=Path(folder) / "node", port=port, origin=origin)
        wiring.create(settings)
        with wiring.opened(settings) as node, served(node):
            yield _peopled(node, rows, sources)


def _peopled(node: Node, rows: int, sources: int) -> Clinic:
    origin, party = node.settings.origin, node.settings.relying_party
    token = issue_set_up_token(node.identities, node.clock, node.entropy)
    operator = register(
        origin,
        party,
        "/api/set-up",
        role="operator",
        displayName="Operator",
        organisationName="Benchmark",
        setupToken=token,
    )
    clinician = register(
        origin, party, "/api/registrations", role="clinician", displayName="Clinician"
    )
    method = operator.client.get("/api/people")["methods"][0]
    operator.client.post(
        f"/api/people/{clinician.principal['id']}/confirmation",
        {"method": method, "reference": "badge"},
    )
    patient = register(origin, party, "/api/registrations", role="patient", displayName="Patient")
    patient.sign(patient.client.post("/api/offers/account"))
    operator.client.post(
        f"/api/people/{patient.principal['id']}/enrolment",
        {
            "method": method,
            "reference": "identity card",
            "identifiers": [{"system": "urn:benchmark", "value": "1"}],
        },
    )
    record = PatientId(patient.principal["patient"])
    _fill(node, record, rows, sources)
    until = datetime.now(UTC) + timedelta(days=30)
    offer = patient.client.post(
        "/api/offers/grant",
        {
            "recipient": clinician.principal["id"],
            "categories": list(GRANTED),
            "purpose": PURPOSE,
            "validUntil": f"{until:%Y-%m-%d}T23:59",
            "zone": "Europe/Paris",
            "language": "en",
        },
    )
    patient.sign(offer)
    return Clinic(node, patient, clinician, record, offer["consent"], clinician.token(PURPOSE))


def _fill(node: Node, record: PatientId, rows: int, sources: int) -> None:
    """Seal graded heart rate at 1 Hz that ended a minute ago, in hour-long segments."""
    now = node.clock.now()
    node.vault.keys.enrol(record)
    owner = node.identities.principal_of_patient(record)
    context = GradingContext(now)
    with begin_import(node.vault, record, owner.organisation, now) as session:
        for number, first in enumerate(range(0, rows, HOUR_ROWS)):
            count = min(HOUR_ROWS, rows - first)
            end = now - MINUTE_MICROS - (rows - first - count) * 1_000_000
            source = f"watch {number % sources}"
            session.add_series(grade(heart_rate(count, end, seed=first, source=source), context))
        session.commit(b"")


def heart_rate(rows: int, end_micros: int, *, seed: int, source: str = "watch") -> Series:
    """Return 1 Hz heart rate as a random walk, with 20 ms of jitter in its times."""
    chance = np.random.default_rng(seed)
    start = end_micros - np.arange(rows, 0, -1, dtype=np.int64) * 1_000_000
    start += chance.integers(-20_000, 20_000, rows)
    walk = 70 + np.cumsum(chance.integers(-1, 2, rows))
    values = np.clip(walk, 40, 180).astype(np.int64)
    times = Times(start, start, np.full(rows, 60, np.int16), np.zeros(rows, np.uint8))
    return Series(HEART_RATE, Source(source, source), times, (quantities(values, 0),))
