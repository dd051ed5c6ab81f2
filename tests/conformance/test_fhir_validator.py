"""Every kind of response against a validator that we did not write: HAPI FHIR, R4 4.0.1, offline.

Its errors must be none. Its warnings are best practices, and our own code systems, which it does
not know.
"""

import json
import shutil
import subprocess
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from pulsekey.fhir.bundle import Entry, searchset
from pulsekey.fhir.capability import Wired, capability
from pulsekey.fhir.documents import document as passed_on
from pulsekey.fhir.outcome import refusal
from pulsekey.fhir.render import observations
from pulsekey.fhir.search import SUPPORTED, compile_search
from pulsekey.fhir.waveforms import waveform
from pulsekey.primitives.clock import Micros
from pulsekey.primitives.errors import AccessDenied, MalformedInput
from pulsekey.signals.activity import activity
from pulsekey.signals.catalogue import HEART_RATE, METRICS
from pulsekey.signals.electrocardiography import ECG, LEADS
from pulsekey.signals.metric import Shape
from pulsekey.signals.series import Basis, Grades
from tests.fakes.fhir_samples import (
    MINUTE,
    NEW_YEAR,
    PATIENT,
    block,
    changed,
    document,
    numbers,
    samples,
    times,
)
from tests.fakes.tool_folder import tool

QUICK = ("-Xmx2g", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Xshare:auto")
"""It runs for seconds: nothing is gained by compiling it well."""
BASE = "https://node.example/fhir/R4"


def judge(folder: Path) -> list[str]:
    """Return what HAPI finds wrong in the JSON files of a folder, as file and message."""
    jars, classes = tool("r4_validator", "jars"), tool("r4_validator", "classes")
    java = shutil.which("java")
    if java is None:
        pytest.fail("the validator is installed and java is not")
    finished = subprocess.run(
        [java, *QUICK, "-cp", f"{classes}:{jars}/*", "ValidateFolder", str(folder)],
        check=True,
        capture_output=True,
        text=True,
        timeout=240,
    )
    lines = finished.stdout.splitlines()
    assert lines[-1] == f"judged\t{len(list(folder.glob('*.json')))}"
    return [line for line in lines[:-1] if line.split("\t")[1] in {"error", "fatal"}]


def points() -> list[bytes]:
    """Return points of every basis, comparator, absence and grade."""
    values = changed(
        numbers([60, 61, 62, 80, 5, 7], [0, 0, 1, 0, 3, 0]),
        comparator=[0, 1, 2, 3, 4, 0],
        absent=[0, 0, 0, 0, 1, 2],
        unit=[1, 0, 0, 0, 0, 0],
        given_mantissa=[100, 0, 0, 0, 0, 0],
    )
    at = times(
        [NEW_YEAR + index * MINUTE + index for index in range(6)],
        basis=[*Basis, Basis.FLOATING],
    )
    grades = [(0, 0), (1, 9), (2, 3), (2, 1), (0, 0), (1, 2)]
    return observations(samples(HEART_RATE, at, values, units=("Hz",), grades=grades))


def every_metric() -> list[bytes]:
    out = []
    for metric in METRICS.values():
        if metric.shape is Shape.WAVEFORM:
            continue
        spans = metric.shape in {Shape.INTERVAL, Shape.SESSION, Shape.CATEGORICAL}
        at = times([NEW_YEAR, NEW_YEAR], lasting=MINUTE if spans else 0)
        labels = (activity("running"),) * 2 if metric.shape is Shape.SESSION else None
        components = [numbers([0, 0]) for _ in metric.components]
        out += observations(
            samples(metric, at, *components, labels=labels, grades=[(0, 0), (2, 1)])
        )
    return out


def waveforms() -> list[bytes]:
    grades = Grades(np.array([0, 1, 2], np.uint8), np.array([0, 32, 64], np.uint32))
    leads = [LEADS["mlii"], LEADS["v1"]]
    return [
        waveform(
            block(
                ECG,
                leads,
                [0, 1, 2, -3] * 2_400,
                rate=Fraction(360),
                lost=-3,
                limits=(0, 1),
                grades=grades,
            )
        ),
        waveform(block(ECG, leads[:1], [0, 1, 2, -3] * 100, basis=Basis.FLOATING)),
    ]


def imported() -> bytes:
    text = {
        "resourceType": "Condition",
        "id": "old",
        "subject": {"reference": "urn:uuid:p"},
        "recorder": {"reference": "Practitioner?identifier=http://npi|9"},
        "code": {"text": "Hypertension"},
    }
    known = {"urn:uuid:p": f"Patient/{PATIENT}"}
    return passed_on(document("Condition", json.dumps(text).encode()), known.get)


def answers() -> list[bytes]:
    search = compile_search(
        "Observation", [("code", "8867-4"), ("typo", "x")], now=Micros(NEW_YEAR), lenient=True
    )
    entries = [
        Entry("Observation", json.loads(content)["id"], content)
        for content in [*points(), *waveforms()[:1]]
    ]
    return [
        searchset(BASE, search, entries, next_token="abc", decision="d1"),
        searchset(BASE, search, [], total=0),
        refusal(AccessDenied("")).body,
        refusal(MalformedInput("bad", where="Observation.code", cure="fix it")).body,
        capability(Wired(BASE, set(SUPPORTED), "0.1.0", Micros(NEW_YEAR))),
        imported(),
    ]


def test_every_kind_of_response_passes_an_independent_validator(tmp_path: Path) -> None:
    rendered = [*points(), *every_metric(), *waveforms(), *answers()]
    for index, content in enumerate(rendered):
        (tmp_path / f"{index:04}.json").write_bytes(content)
    # It takes one process for all, and this one shows that it would have told.
    wrong = json.loads(points()[0]) | {"status": "finale"}
    (tmp_path / "wrong.json").write_text(json.dumps(wrong))
    found = judge(tmp_path)
    assert [line for line in found if not line.startswith("wrong.json")] == []
    assert any("finale" in line for line in found)
