"""The verbs of the command line: each opens what it needs, calls a use case and prints."""

import logging
import os
import secrets
import sys
import time
from argparse import Namespace
from pathlib import Path

from pulsekey import wiring
from pulsekey.cli.demo import demo as play
from pulsekey.cli.listing import people_lines
from pulsekey.cli.sample_node import serve_samples
from pulsekey.cli.screen import redraw, say
from pulsekey.cli.serving import listening
from pulsekey.cli.serving import serve as serve_node
from pulsekey.consent.program import ConsentProgram
from pulsekey.evidence.file import EVIDENCE_BYTES_MAX, read_parts
from pulsekey.evidence.verify import report_lines, verify
from pulsekey.identity.setup import invite_from_console, issue_set_up_token
from pulsekey.ingest.items import Payload
from pulsekey.ingest.recognition import coverage_lines
from pulsekey.ledger import audit as ledger_audit
from pulsekey.ledger import embedded as ledger_home
from pulsekey.ledger.ports import Outcome
from pulsekey.primitives.clock import SystemClock
from pulsekey.primitives.errors import MalformedInput
from pulsekey.primitives.ids import ConsentId, PatientId
from pulsekey.settings import Settings
from pulsekey.wiring import Home, Node

LOG = logging.getLogger("pulsekey")
DIGEST_HEX_CHARACTERS = 64
COMPANIONS_MAX = 8
PROGRESS_SECONDS = 0.5
FAILED = 1


def init(settings: Settings, _: Namespace) -> int:
    wiring.create(settings)
    say(f"A node was made in {settings.home}.")
    if settings.custodian_key is None:
        say(f"Keep a copy of {Home(settings.home).custodian_key} off this machine:")
        say("without it nothing that the node keeps can ever be opened again.")
    say("Next: pulsekey serve")
    return 0


def serve(settings: Settings, _: Namespace) -> int:
    with listening(settings) as taken, wiring.opened(settings) as node:
        print_set_up(node)
        say(f"Serving at {settings.origin} until Ctrl-C.", flush=True)
        serve_node(node, taken)
    say("Stopped.")
    return 0


def print_set_up(node: Node) -> None:
    """Print the one-time token as long as nobody operates the node."""
    if not node.identities.has_operator():
        token = issue_set_up_token(node.identities, node.clock, node.entropy)
        say(f"The first operator registers at {node.settings.origin}/set-up with this token:")
        say(f"    {token}")


def invite_operator(settings: Settings, arguments: Namespace) -> int:
    """Make a token for a new operator, whether the node is running or not."""
    with wiring.identities_opened(settings) as identities:
        invited, token = invite_from_console(
            identities, SystemClock(), secrets.token_bytes, arguments.name
        )
    LOG.warning("an operator was invited from the console: %s", invited.id)
    say(f"{invited.display_name} registers at {settings.origin}/invited within 24 hours,")
    say("with this token, which works once:")
    say(f"    {token}")
    say("They are an operator from then on. Every operator sees this in the list of actions.")
    return 0


def list_people(settings: Settings, arguments: Namespace) -> int:
    """List people by role, status and ids; names only where they are asked for.

    A terminal keeps what it has shown, and a patient's id alone tells nothing.
    """
    with wiring.identities_opened(settings) as identities:
        for line in people_lines(identities, role=arguments.role, names=arguments.names):
            say(line)
    return 0


def formats(_: Settings, __: Namespace) -> int:
    for line in coverage_lines():
        say(line)
    return 0


def import_file(settings: Settings, arguments: Namespace) -> int:
    payload = payload_from(arguments.file)
    with wiring.opened(settings) as node:
        patient = node.identities.principal_of_patient(PatientId(arguments.patient))
        imported = node.importing(
            PatientId(arguments.patient),
            patient.organisation,
            payload,
            zone=arguments.zone,
            progress=Progress(payload.size),
        )
    for line in imported.report.lines():
        say(line)
    return 0


def evidence(settings: Settings, arguments: Namespace) -> int:
    _writable(arguments.output)  # Before anything is gathered, and the patient's log says so.
    with wiring.opened(settings) as node:
        content = node.evidence.for_operator(consent_from(arguments.consent))
    arguments.output.write_bytes(content)
    say(f"{arguments.output}: {len(content):,} bytes")
    return 0


def verify_file(_: Settings, arguments: Namespace) -> int:
    content = _content(arguments.file)
    _evidence_in(content, str(arguments.file))
    verdict = verify(
        content,
        anchors=[_content(path) for path in arguments.anchor],
        receipts=[_content(path) for path in arguments.receipt],
    )
    for line in report_lines(verdict):
        say(line)
    return 0 if verdict.holds else FAILED


def audit(settings: Settings, _: Namespace) -> int:
    """Re-verify the ledger from its stored bytes, then every sealed byte of the vault."""
    with wiring.stopped(settings):
        pass  # What is being written to looks damaged, or empty.
    home = Home(settings.home)
    problems: list[str] = []
    if home.ledger.consensus.exists():  # Else the node has never been opened.
        report = ledger_audit.audit(home.ledger, ConsentProgram(Outcome))
        say(f"ledger: {report.batches:,} batches, {report.operations:,} operations")
        problems += [f"{one.place}: {one.problem}" for one in report.findings]
    with wiring.opened(settings) as node:
        found = node.auditing()
        problems += [f"{one.kind} {one.name}: {one.problem}" for one in found.findings]
        say(f"vault: {found.objects:,} objects")
    for problem in problems:
        say(f"DAMAGE {problem}")
    say("Every byte is as it was committed." if not problems else _findings(len(problems)))
    return FAILED if problems else 0


def rebuild(settings: Settings, _: Namespace) -> int:
    """Derive the ledger's state, log and batches anew; the node must not be running."""
    keys = wiring.node_keys(settings)
    with wiring.stopped(settings):
        ledger_home.rebuild(
            Home(settings.home).ledger, ConsentProgram(Outcome), SystemClock(), keys.sign
        )
    say("The ledger was derived anew from its order of operations.")
    return 0


def restore(settings: Settings, arguments: Namespace) -> int:
    """Name what is lost; with the flag, make the node safe without it and let it open again."""
    if not arguments.accept_loss:
        findings = wiring.surveyed(settings).findings
        for one in findings:
            say(f"LOST {one}")
        if findings:
            say("Put the newest copy of it back if there is one. If it is lost for good,")
            say("`pulsekey restore --accept-loss` goes on without it; see docs/operating.md.")
        say(_findings(len(findings)) if findings else "Every part is the newest one known.")
        return FAILED if findings else 0
    found, done = wiring.accept_loss(settings)
    for one in found.findings:
        say(f"LOST {one}")
    say(f"{done.consents_held:,} consents are held until their patients give them again.")
    say(f"{done.clinicians_withdrawn:,} clinicians have to be confirmed again.")
    if done.patients_unreadable:
        say(f"{done.patients_unreadable:,} patients' terms and access logs cannot be opened.")
    say("Every session has ended. Every patient's access log says that this happened.")
    return 0


def demo(settings: Settings, arguments: Namespace) -> int:
    if arguments.serve:
        serve_samples(settings)
    else:
        play(settings.home)
    return 0


def payload_from(path: Path) -> Payload:
    """Return a file as a payload, with the files beside it that share its name (WFDB)."""
    if path.is_dir():
        raise MalformedInput(
            "this is a folder", where=str(path), cure="name one file in it; a .zip is one file"
        )
    if not path.is_file():
        raise MalformedInput("no such file", where=str(path))
    beside = sorted(path.parent.glob(f"{path.stem}.*"))[:COMPANIONS_MAX]
    companions = {other.name: _payload(other) for other in beside if other != path}
    return Payload(path.name, path.stat().st_size, lambda: path.open("rb"), companions)


def consent_from(text: str) -> ConsentId:
    """Return a consent's name from its hexadecimal digits."""
    try:
        consent = bytes.fromhex(text)
    except ValueError:
        consent = b""
    if len(text) != DIGEST_HEX_CHARACTERS or not consent:
        raise MalformedInput("64 hexadecimal digits", where="consent")
    return ConsentId(consent)


class Progress:
    """Shows how far an import is, on a terminal."""

    def __init__(self, size: int) -> None:
        self._size = max(size, 1)
        self._shown = 0.0

    def __call__(self, consumed: int) -> None:
        now = time.monotonic()
        last = consumed >= self._size
        if sys.stderr.isatty() and (last or now - self._shown >= PROGRESS_SECONDS):
            self._shown = now
            share = min(consumed / self._size, 1.0)
            bar = "#" * int(30 * share)
            redraw(f"[{bar:<30}] {share:4.0%}", last=last)


def _payload(path: Path) -> Payload:
    return Payload(path.name, path.stat().st_size, lambda: path.open("rb"))


def _content(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(EVIDENCE_BYTES_MAX + 1)  # One more is enough to be too long.
    except OSError as problem:
        why = (problem.strerror or "").lower()
        raise MalformedInput(f"cannot be read: {why}", where=str(path)) from None


def _writable(path: Path) -> None:
    """Refuse a file that cannot be written where it is meant to be."""
    if path.is_dir():
        raise MalformedInput("this is a folder", where=str(path), cure="name a file in it")
    if not path.parent.is_dir():
        raise MalformedInput(
            "there is no such folder", where=str(path.parent), cure="make it first"
        )
    if not os.access(path if path.exists() else path.parent, os.W_OK):
        raise MalformedInput("this user may not write here", where=str(path), cure="name another")


def _evidence_in(content: bytes, name: str) -> None:
    """Refuse what is no evidence at all: no claim of it holds or fails."""
    try:
        read_parts(content)
    except MalformedInput as refused:
        raise MalformedInput(
            f"this is no evidence file: {refused.problem}",
            where=name,
            cure="name the file that `pulsekey evidence` or the portal wrote, whole",
        ) from None


def _findings(count: int) -> str:
    return "1 finding" if count == 1 else f"{count:,} findings"
