"""Programs that others wrote read a served node, and a validator of others judges all it says."""

import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fhirpy import SyncFHIRClient
from fhirpy.base.exceptions import AuthorizationError, OperationOutcome, ResourceNotFound

from pulsekey.cli.sample_data import samples
from pulsekey.fhir.search import SUPPORTED
from pulsekey.signals.category import Category
from tests.conformance.test_fhir_validator import judge
from tests.fakes.node_clinic import Clinic, Member, chart_identifiers, opened_clinic
from tests.fakes.node_http import FHIR, Caller, Reply, Site, served
from tests.fakes.payloads import payload
from tests.fakes.tool_folder import tool

ROOT = Path(__file__).parents[2]
GLUCOSE = "http://loinc.org|99504-3"
KINDS_AT_LEAST = 12
OK = 200
FOREIGN_PROFILE = "Failed to retrieve profile with url=http://hl7.org/fhir/us/core/"
"""The sample chart claims US Core, which R4's own definitions do not hold."""

SHAPES = {"point", "interval", "panel", "categorical", "session", "waveform"}


class Hospital:
    """A served node with every kind of sample file, a patient, and a clinician who may see all."""

    def __init__(self, clinic: Clinic, site: Site) -> None:
        self.clinic = clinic
        self.site = site
        self.patient: Member = clinic.patient(bound=chart_identifiers())
        self.clinician: Member = clinic.clinician()
        for one in samples():
            clinic.load(self.patient, payload(one.name, one.content))
        clinic.grant(self.patient, self.clinician, list(Category), data_until="")

    @property
    def base(self) -> str:
        return self.site.origin + FHIR


@pytest.fixture(scope="module")
def hospital(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hospital]:
    home = tmp_path_factory.mktemp("hospital") / "node"
    with opened_clinic(home) as clinic, served(clinic.node) as site:
        yield Hospital(clinic, site)


def glucose(hospital: Hospital) -> list[str]:
    """Return the ids of all glucose readings, the newest first, from one page each of 1,000."""
    program = hospital.site.with_token(hospital.clinician)
    reply = program.fhir(
        "Observation",
        ("patient", hospital.patient.patient),
        ("code", GLUCOSE),
        ("_count", "1000"),
    )
    assert not reply.next
    return [str(one["id"]) for one in reply.entries]


def test_fhirpy_reads_searches_and_turns_pages(hospital: Hospital) -> None:
    client = SyncFHIRClient(hospital.base, authorization=f"Bearer {hospital.clinician.bearer()}")
    patient = hospital.patient.patient
    search = client.resources("Observation").search(patient=patient, code=GLUCOSE)
    expected = glucose(hospital)
    assert len(expected) > 800
    assert [one["id"] for one in search.limit(300)] == expected
    assert [one["id"] for one in search.limit(5).fetch()] == expected[:5]
    first = client.reference("Observation", expected[0]).to_resource()
    assert first["subject"]["reference"] == f"Patient/{patient}"
    assert client.reference("Patient", patient).to_resource()["id"] == patient
    conditions = client.resources("Condition").search(patient=patient).fetch_all()
    assert conditions
    assert {one["resourceType"] for one in conditions} == {"Condition"}
    dated = search.search(date__ge="1961-04-14").fetch_all()
    assert 0 < len(dated) < len(expected)


def test_fhirpy_tells_its_user_what_was_wrong(hospital: Hospital) -> None:
    client = SyncFHIRClient(hospital.base, authorization=f"Bearer {hospital.clinician.bearer()}")
    with pytest.raises(ResourceNotFound):
        client.reference("Condition", "none").to_resource()
    with pytest.raises(OperationOutcome) as refused:
        client.resources("Observation").search(cod="x").fetch()
    assert refused.value.resource["issue"][0]["code"] == "invalid"
    nobody = SyncFHIRClient(hospital.base)
    with pytest.raises(AuthorizationError, match="login"):
        nobody.reference("Patient", hospital.patient.patient).to_resource()


def test_fhir_kit_client_reads_searches_posts_and_turns_pages(hospital: Hospital) -> None:
    tool("node_modules", "fhir-kit-client")
    node = shutil.which("node")
    if node is None:
        missing = pytest.fail if os.environ.get("CI") == "true" else pytest.skip
        missing("node is not installed: run `make ci-tools`")
    token, patient = hospital.clinician.bearer(), hospital.patient.patient
    done = subprocess.run(
        [str(node), ROOT / "tests" / "tools" / "fhir_kit_story.js", hospital.base, token, patient],
        check=False,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert told["version"] == "4.0.1"
    assert told["ids"] == glucose(hospital)
    assert told["pages"] == 3
    assert len(told["conditions"]) > 5
    assert told["observation"] == told["ids"][0]
    assert told["person"] == told["resolved"] == patient
    outcome = {"type": "OperationOutcome"}
    assert told["missing"] == outcome | {"status": 404, "code": "not-found"}
    assert told["typo"] == outcome | {"status": 400, "code": "invalid"}
    assert told["nobody"] == outcome | {"status": 401, "code": "login"}


def every_answer(hospital: Hospital) -> dict[str, Reply]:
    """Return an answer of each kind, under a name for it."""
    site, record = hospital.site, ("patient", hospital.patient.patient)
    program = site.with_token(hospital.clinician)
    found = {"capability": site.as_anyone().fhir("metadata")}
    found |= searches(program, record)
    found |= one_of_each_shape(hospital, program)
    found |= {
        "unknown parameter": program.fhir("Observation", record, ("cod", "x")),
        "unknown type": program.fhir("Starship", record),
        "no patient": program.fhir("Observation"),
        "bad date": program.fhir("Observation", record, ("date", "2020-99")),
        "bad page": program.fhir("Observation", ("_page", "x")),
        "not here": program.fhir("Observation/none"),
        "nobody": site.as_anyone().fhir("Observation", record),
        "lenient": program.get(
            f"{FHIR}/Observation?patient={record[1]}&cod=x&_count=1", Prefer="handling=lenient"
        ),
        "form": program.fhir_post("Observation", record, ("_count", "2")),
        "own": site.with_token(hospital.patient, "PATRQT").fhir("Observation", ("_count", "2")),
        "nothing found": program.fhir("Observation", record, ("code", "http://loinc.org|0-0")),
        "last updated": program.fhir(
            "Condition", record, ("_sort", "-_lastUpdated"), ("_count", "3")
        ),
    }
    return found


def searches(program: Caller, record: tuple[str, str]) -> dict[str, Reply]:
    """Search each type, and read the first of what was found."""
    found = {}
    for kind in SUPPORTED:
        named = ("_id", record[1]) if kind == "Patient" else record
        found[f"search {kind}"] = page = program.fhir(kind, named, ("_count", "20"))
        if page.status != OK:
            continue  # A type that is about nobody is found by id only.
        for one in page.entries[:1]:
            found[f"read {kind}"] = program.fhir(f"{kind}/{one['id']}")
        if page.next:
            found[f"page of {kind}"] = program.get(page.next)
    return found


def one_of_each_shape(hospital: Hospital, program: Caller) -> dict[str, Reply]:
    """Read one observation of each metric in the record."""
    node, patient = hospital.clinic.node, hospital.patient
    listed = node.showing.series(patient.principal, patient.patient, "")
    found = {}
    for entry in listed.series:
        reply = program.fhir("Observation", ("_id", f"{entry.id}-0"))
        found[f"{entry.metric.shape} {entry.metric.name}"] = reply
    assert {str(entry.metric.shape) for entry in listed.series} == SHAPES
    return found


def test_whatever_the_node_answers_passes_an_independent_validator(
    hospital: Hospital, tmp_path: Path
) -> None:
    answers = every_answer(hospital)
    statuses = {name: reply.status for name, reply in answers.items()}
    assert set(statuses.values()) == {200, 400, 401, 404}, statuses
    assert sum(name.startswith("read ") for name in answers) >= KINDS_AT_LEAST
    names = {}
    for index, (name, reply) in enumerate(answers.items()):
        assert reply.headers["content-type"].startswith("application/fhir+json"), name
        shape = name.split(" ")[0]
        if shape in SHAPES:
            assert len(reply.entries) == 1, name
        names[f"{index:04}.json"] = name
        (tmp_path / f"{index:04}.json").write_bytes(reply.body)
    wrong: dict[str, Any] = answers["read Condition"].json | {"onsetDateTime": "yesterday"}
    (tmp_path / "wrong.json").write_text(json.dumps(wrong))
    found = judge(tmp_path)
    assert [
        f"{names[line.split(chr(9))[0]]}: {line}"
        for line in found
        if not line.startswith("wrong.json") and FOREIGN_PROFILE not in line
    ] == []
    assert any(line.startswith("wrong.json") for line in found)
