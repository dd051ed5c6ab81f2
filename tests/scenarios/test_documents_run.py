"""What the documents tell a reader to run does what they say: the blocks are run as they stand."""

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from pulsekey.cli.sample_data import identifier, samples
from pulsekey.identity.principals import Identifier, Role
from pulsekey.identity.software_passkey import loaded
from tests.fakes.node_clinic import Clinic, opened_clinic
from tests.fakes.node_http import Site, served
from tests.fakes.payloads import payload

DOCS = Path(__file__).parents[2] / "docs"
SECONDS_MAX = 120
MODE = 0o777


def blocks(name: str, language: str) -> list[str]:
    text = (DOCS / name).read_text("utf-8")
    return re.findall(rf"^```{language}\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)


@dataclass(frozen=True, slots=True)
class Reader:
    """Somebody at a shell, in an empty folder, with `get_token.py` as the document has it."""

    folder: Path
    site: Site

    def token(self, role: str, purpose: str, *invitation: str) -> str:
        words = [self.site.origin, role, purpose, *invitation]
        done = subprocess.run(
            [sys.executable, "get_token.py", *words],
            check=False,
            capture_output=True,
            text=True,
            cwd=self.folder,
            timeout=SECONDS_MAX,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    def shell(self, script: str, token: str) -> "subprocess.CompletedProcess[str]":
        set_up = f"set -o pipefail\nBASE={self.site.origin}/fhir/R4\n"
        return subprocess.run(
            ["bash", "-c", set_up + script],
            check=False,
            capture_output=True,
            text=True,
            cwd=self.folder,
            env=os.environ | {"TOKEN": token},
            timeout=SECONDS_MAX,
        )


@contextmanager
def reading(folder: Path) -> Iterator[tuple[Clinic, Reader]]:
    with opened_clinic(folder / "node") as clinic, served(clinic.node) as site:
        shell = folder / "shell"
        shell.mkdir()
        (program,) = blocks("api.md", "python")
        (shell / "get_token.py").write_text(program)
        yield clinic, Reader(shell, site)


def invited(clinic: Clinic, role: Role, *identifiers: Identifier) -> tuple[str, Any]:
    made = clinic.node.directory.invite(clinic.operator.id, role, "Pat Example", identifiers)
    return made.token, made.principal


def test_a_program_gets_a_token_and_another_one_later(tmp_path: Path) -> None:
    with reading(tmp_path) as (clinic, reader):
        invitation, principal = invited(clinic, Role.PATIENT)
        first = reader.token("patient", "PATRQT", invitation)
        file = reader.folder / "passkey.json"
        assert file.stat().st_mode & MODE == 0o600
        count = loaded(file.read_bytes()).sign_count
        again = reader.token("patient", "PATRQT")
        assert loaded(file.read_bytes()).sign_count > count
        assert first != again
        for token in (first, again):
            reply = reader.site.call("GET", "/api/me", None, {"Authorization": f"Bearer {token}"})
            assert reply.json["principal"]["id"] == principal.id


def test_without_an_invitation_a_clinicians_program_registers_itself(tmp_path: Path) -> None:
    with reading(tmp_path) as (clinic, reader):
        assert clinic.operator.id  # Nobody registers before the node is set up.
        token = reader.token("clinician", "TREAT")
        reply = reader.site.call("GET", "/api/shared", None, {"Authorization": f"Bearer {token}"})
        assert reply.json == {"patients": []}


@pytest.fixture
def bash_and_curl() -> None:
    for tool in ("bash", "curl"):
        if shutil.which(tool) is None:
            pytest.skip(f"{tool} is not installed: the examples of docs/fhir.md are not run")


@pytest.mark.usefixtures("bash_and_curl")
def test_the_examples_of_fhir_find_something_in_the_sample_record(tmp_path: Path) -> None:
    _, examples, mistakes = blocks("fhir.md", "sh")
    functions = examples.splitlines()[0]
    with reading(tmp_path) as (clinic, reader):
        known = identifier()
        invitation, patient = invited(
            clinic, Role.PATIENT, Identifier(known["system"], known["value"])
        )
        for sample in samples():
            file = payload(sample.name, sample.content)
            clinic.node.importing(patient.patient, patient.organisation, file, zone="Europe/Paris")
        token = reader.token("patient", "PATRQT", invitation)
        done = reader.shell(f"set -e\n{examples}", token)
        refused = reader.shell(f"{functions}\n{mistakes.splitlines()[1]}", token)
        unknown = reader.shell(f"{functions}\n{mistakes.splitlines()[0]}", token)
    assert done.returncode == 0, done.stdout[-2_000:] + done.stderr
    answers = list(documents(done.stdout))
    assert len(answers) == len(re.findall(r"^(?:fhir |curl )", examples, re.MULTILINE))
    *bundles, one = answers
    for number, bundle in enumerate(bundles):
        assert any(each["search"]["mode"] == "match" for each in bundle["entry"]), number
    assert one["resourceType"] == "Observation"
    for failed, line in ((unknown, mistakes.splitlines()[0]), (refused, mistakes.splitlines()[1])):
        (issue,) = json.loads(failed.stdout)["issue"]
        assert f"{issue['code']}: {issue['details']['text']}" in line


def documents(text: str) -> Iterator[Any]:
    """Yield JSON documents that stand one after the other."""
    decoder, at = json.JSONDecoder(), 0
    while text[at:].strip():
        document, end = decoder.raw_decode(text[at:].lstrip())
        at = len(text) - len(text[at:].lstrip()) + end
        yield document
