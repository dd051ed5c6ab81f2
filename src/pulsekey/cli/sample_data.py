"""The sample files as the demonstration sends them. Its person is composed of several."""

import bz2
import io
import json
import zipfile
from dataclasses import dataclass
from importlib import resources

from pulsekey.samples.apple_export import Plan, write_zip

ZONE = "Europe/Paris"
PATIENT_NAME = "Pat Example (test data)"
CLINICIAN_NAME = "Dr A. Li"
OPERATOR_NAME = "Olga Operator"
ORGANISATION = "City Clinic"
CHART = "chart-adult.json.bz2"
WFDB_FILES = ("mitdb208.hea", "mitdb208.dat", "mitdb208.atr")


@dataclass(frozen=True, slots=True)
class Sample:
    """A payload, and what it is for somebody who looks on."""

    name: str
    what: str
    content: bytes


def samples() -> tuple[Sample, ...]:
    """Return five kinds of files: a phone's export, a glucose sensor, a watch, an ECG, a chart."""
    return (
        Sample("export.zip", "Apple Health, a phone's export", _apple()),
        Sample("clarity.csv", "Dexcom Clarity, a glucose sensor", _file("clarity-three-days.csv")),
        Sample("walk.fit", "Garmin FIT, a walk", _file("activity-walk.fit")),
        Sample("ecg.zip", "WFDB, a two-lead ECG with annotations", _wfdb()),
        Sample(CHART, "FHIR R4, a hospital's chart", _file(CHART)),
    )


def identifier() -> dict[str, str]:
    """Return the identifier by which the hospital knows the sample patient."""
    bundle = json.loads(bz2.decompress(_file(CHART)))
    for entry in bundle["entry"]:
        resource = entry["resource"]
        if resource["resourceType"] == "Patient":
            found = resource["identifier"][0]
            return {"system": found["system"], "value": found["value"]}
    raise LookupError(CHART)


def _file(name: str) -> bytes:
    return (resources.files("pulsekey.samples") / "files" / name).read_bytes()


def _apple() -> bytes:
    out = io.BytesIO()
    write_zip(out, Plan())
    return out.getvalue()


def _wfdb() -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in WFDB_FILES:
            archive.writestr(name, _file(name))
    return out.getvalue()
