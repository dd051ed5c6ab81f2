"""The story of `make demo`, over the node's interfaces. Every line is measured or read back.

Patient, clinician and operator are software with passkeys of their own; what they send and get is
what a browser and a clinic's software would.
"""

import json
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from pulsekey import wiring
from pulsekey.cli.people import Person, register
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
from pulsekey.cli.serving import free_port, served
from pulsekey.cli.story import Story
from pulsekey.evidence.verify import verify
from pulsekey.identity.enrolment import Method
from pulsekey.identity.setup import issue_set_up_token
from pulsekey.primitives.errors import Unavailable
from pulsekey.settings import Settings
from pulsekey.wiring import Node

POLL_SECONDS = 0.05
IMPORT_SECONDS_MAX = 60.0
REPORT_LINES = 9
REPORTS = "imports.txt"
EVIDENCE = "evidence.json"
SHARED = ("heart-rate", "blood-pressure", "glucose", "ecg", "conditions")
READS = (
    ("heart rate", "Observation", (("code", "http://loinc.org|8867-4"), ("_count", "3"))),
    ("blood pressure", "Observation", (("code", "85354-9"), ("_count", "3"))),
    ("glucose", "Observation", (("code", "99504-3"), ("_count", "3"))),
    ("ECG", "Observation", (("code", "urn:iso:std:iso:11073:10101|131328"),)),
    ("conditions", "Condition", ()),
)


def demo(home: Path) -> None:
    """Play the whole story in a fresh node under `home`, and leave the evidence there."""
    story = Story()
    with sample_home(home) as folder:
        emptied(folder)
        with _fresh_node(folder, story) as node:
            _played(story, node, home)
    say()
    say(f"Done in {time.perf_counter() - story.begun:.1f} s. Next:")
    program = Path(sys.argv[0])
    verb = program if program.name == "pulsekey" else "pulsekey"
    say(f"  {verb} verify {home / EVIDENCE}")
    say(f"  {verb} --home {home} demo --serve    the portal, with the same data (`make run`)")


def _played(story: Story, node: Node, home: Path) -> None:
    origin, party = node.settings.origin, node.settings.relying_party
    token = issue_set_up_token(node.identities, node.clock, node.entropy)
    operator = register(
        origin,
        party,
        "/api/set-up",
        role="operator",
        displayName=OPERATOR_NAME,
        organisationName=ORGANISATION,
        setupToken=token,
    )
    story.line(f"{OPERATOR_NAME} set the node up for {ORGANISATION} with the one-time token")
    clinician = _clinician(story, operator, origin, party)
    patient = _patient(story, operator, origin, party)
    _imports(story, patient, home)
    consent = _consent(story, patient, clinician)
    evidence = _evidence(story, patient, consent, home)
    _tampered(story, evidence)


@contextmanager
def _fresh_node(folder: Path, story: Story) -> Iterator[Node]:
    port = free_port()
    settings = replace(
        Settings(),
        home=folder,
        port=port,
        origin=f"http://localhost:{port}",
        organisation=ORGANISATION,
        test_data=True,
    )
    story.chapter("A node, with nothing but Python")
    wiring.create(settings, beside=frozenset({MARK}))
    with wiring.opened(settings) as node, served(node):
        story.line(f"created and serving at {settings.origin}; ledger {_short(node)}")
        yield node


def _short(node: Node) -> str:
    return node.ledger.genesis.ledger.hex()[:16]


def _clinician(story: Story, operator: Person, origin: str, party: str) -> Person:
    clinician = register(
        origin, party, "/api/registrations", role="clinician", displayName=CLINICIAN_NAME
    )
    path = f"/api/people/{clinician.principal['id']}/confirmation"
    operator.client.post(path, {"method": Method.TEST_DATA, "reference": "staff badge 7"})
    story.line(f"{CLINICIAN_NAME} registered a passkey; {OPERATOR_NAME} confirmed who she is")
    return clinician


def _patient(story: Story, operator: Person, origin: str, party: str) -> Person:
    patient = register(
        origin, party, "/api/registrations", role="patient", displayName=PATIENT_NAME
    )
    step = patient.sign(patient.client.post("/api/offers/account"))
    story.line(f"{PATIENT_NAME} registered; account opened on the ledger, entry {step['logIndex']}")
    path = f"/api/people/{patient.principal['id']}/enrolment"
    operator.client.post(
        path,
        {
            "method": Method.TEST_DATA,
            "reference": "identity card",
            "identifiers": [identifier()],
        },
    )
    story.line("the operator bound the account to the hospital's record number")
    return patient


def _imports(story: Story, patient: Person, home: Path) -> None:
    story.chapter("Five kinds of files come in")
    reports: list[str] = []
    for sample in samples():
        job = patient.client.upload(sample.name, sample.content, ZONE)["import"]
        report = _awaited(patient, job)
        story.line(f"{sample.what}: {len(sample.content):,} bytes")
        lines: list[str] = report["lines"]
        reports += [*lines, ""]
        for text in lines[1:REPORT_LINES]:
            story.aside(text)
        if len(lines) > REPORT_LINES:
            story.aside(f"... {len(lines) - REPORT_LINES:,} more lines in {home / REPORTS}")
    (home / REPORTS).write_text("\n".join(reports), "utf-8")


def _awaited(patient: Person, job: str) -> dict[str, Any]:
    until = time.monotonic() + IMPORT_SECONDS_MAX
    while time.monotonic() < until:
        state = patient.client.get(f"/api/imports/{job}")
        if state["state"] == "done":
            report: dict[str, Any] = state["report"]
            return report
        if state["state"] == "failed":
            raise Unavailable(f"the import failed: {state['problem']}")
        time.sleep(POLL_SECONDS)
    raise Unavailable("the import did not end")


def _consent(story: Story, patient: Person, clinician: Person) -> str:
    who = patient.principal["patient"]
    story.chapter("Nobody reads without consent")
    token = clinician.token("TREAT")
    _refused(story, clinician, token, who)
    until = datetime.now(UTC) + timedelta(days=30)
    offer = patient.client.post(
        "/api/offers/grant",
        {
            "recipient": clinician.principal["id"],
            "categories": list(SHARED),
            "purpose": "TREAT",
            "validUntil": f"{until:%Y-%m-%d}T23:59",
            "zone": ZONE,
            "language": "en",
        },
    )
    story.line("the patient reads:")
    story.aside(f"“{json.loads(offer['terms'])['sentence']}”")
    step = patient.sign(offer)
    story.line(f"confirmed with a passkey; executed as entry {step['logIndex']} of the log")
    story.chapter("The clinician reads through FHIR")
    for name, resource_type, query in READS:
        reply = clinician.client.fhir(resource_type, token, ("patient", who), *query)
        matches = [
            entry["resource"]
            for entry in reply.json.get("entry", [])
            if entry["search"]["mode"] == "match"
        ]
        story.line(f"{name}: {reply.status}, {len(matches)} returned; {_shown(matches)}")
    reads = [one for one in patient.client.get("/api/accesses")["accesses"] if one["consent"]]
    story.line(f"the patient sees {len(reads)} reads by {reads[0]['readerName']}")
    story.chapter("The patient stops it")
    step = patient.sign(patient.client.post("/api/offers/stop", {"consent": offer["consent"]}))
    story.line(f"stopped: entry {step['logIndex']} of the log")
    _refused(story, clinician, token, who)
    return str(offer["consent"])


def _refused(story: Story, clinician: Person, token: str, patient: str) -> None:
    reply = clinician.client.fhir("Observation", token, ("patient", patient))
    text = reply.json["issue"][0]["details"]["text"]
    story.line(f"{CLINICIAN_NAME} asks for observations: {reply.status}, “{text}”")


def _shown(matches: list[dict[str, Any]]) -> str:
    """Return the newest of what was found, in a few words."""
    if not matches:
        return "nothing"
    first = matches[0]
    if "valueQuantity" in first:
        value = first["valueQuantity"]
        return f"newest {value['value']} {value.get('unit', '')} at {first['effectiveDateTime']}"
    parts = first.get("component", [])
    if parts and "valueSampledData" in parts[0]:
        samples_each = len(parts[0]["valueSampledData"]["data"].split(" "))
        return f"newest has {samples_each:,} samples a lead, leads: {len(parts)}"
    if parts:
        values = [str(part["valueQuantity"]["value"]) for part in parts if "valueQuantity" in part]
        return f"newest {'/'.join(values)} at {first.get('effectiveDateTime', '')}"
    return f"newest “{first.get('code', {}).get('text', '')}”"


def _evidence(story: Story, patient: Person, consent: str, home: Path) -> bytes:
    story.chapter("One file lets a stranger check all of it")
    reply = patient.client.call("GET", f"/api/grants/{consent}/evidence")
    target = home / EVIDENCE
    target.write_bytes(reply.body)
    story.line(f"evidence written to {target}: {len(reply.body):,} bytes")
    verdict = verify(target.read_bytes())
    story.line(f"verified offline: {len(verdict.claims)} claims")
    for claim in verdict.claims:
        story.aside(f"{'ok  ' if claim.ok else 'FAIL'} {claim.name}: {claim.detail}")
    if not all(claim.ok for claim in verdict.claims):
        raise Unavailable("the evidence does not verify")
    return reply.body


def _tampered(story: Story, evidence: bytes) -> None:
    # One letter of the sentence: what a forger would change first.
    at = evidence.index(b"may see my") + 5
    changed = evidence[:at] + bytes([evidence[at] ^ 1]) + evidence[at + 1 :]
    failed = [claim for claim in verify(changed).claims if not claim.ok]
    story.line(f"one byte changed (byte {at:,}): {len(failed)} claims fail")
    for claim in failed:
        story.aside(f"FAIL {claim.name}: {claim.detail}")
    if not failed:
        raise Unavailable("a changed file was verified")
