"""Documents by date: what the index is asked for lets through whatever the resource itself says."""

import json
from itertools import product

import msgspec
import pytest

from pulsekey.fhir.matching import document_matches, document_windows
from pulsekey.fhir.parameters import OFFICIAL
from pulsekey.fhir.search import SUPPORTED, compile_search
from pulsekey.ingest.fhir_bundle import FhirBundle
from pulsekey.ingest.fhir_shape import DATES, REQUIRED
from pulsekey.ingest.items import Context, Payload
from pulsekey.primitives.clock import Micros
from pulsekey.resources import r4
from pulsekey.resources.documents import Clinical
from pulsekey.vault.rows import span_of
from pulsekey.vault.searching import span_matches
from tests.fakes.fhir_samples import NEW_YEAR
from tests.fakes.fhir_samples import document as record
from tests.fakes.node_clinic import Clinic
from tests.fakes.payloads import payload

DATED = sorted(kind for kind, names in SUPPORTED.items() if "date" in names)
ELSEWHERE = "1999-05-05T00:00:00Z"
CHOICES = ("effective", "occurrence", "performed")
"""Elements of several types, whose name ends in the one that is used."""

FORMS: tuple[tuple[str, object], ...] = (
    ("DateTime", "2020-03-04T05:06:07Z"),
    ("Period", {"start": "2020-03-04"}),
    ("Period", {"end": "2020-03-04"}),
    ("Period", {"start": "2019", "end": "2021"}),
    ("Timing", {"event": ["2020-03-04", "2020-06-01"]}),
    ("Timing", {"repeat": {"boundsPeriod": {"end": "2020-03-04"}}}),
    ("Timing", {"repeat": {"boundsPeriod": {"start": "2020-03-04"}}}),
    ("", "2020-03-04"),
    ("", {"start": "2020-03-04"}),
    ("", {"end": "2020-03-04"}),
)
ASKED = (
    *("eq2020", "ne1999", "gt2020-01", "ge2020-03-04", "lt2020-12", "le2020-03-04", "sa2019-06"),
    *("eb2030", "ap2020-03-04", "lt1990", "gt2040"),
)


OWN: dict[str, object] = {
    "resourceType": "Patient",
    "id": "p",
    "identifier": [{"system": "http://mrn", "value": "7"}],
}
OPEN_ENCOUNTER: dict[str, object] = {
    "resourceType": "Encounter",
    "status": "finished",
    "class": {"code": "AMB"},
    "subject": {"reference": "Patient/p"},
    "period": {"end": "2020-03-04"},
}


def resource(kind: str, path: str, value: object, others: tuple[str, ...]) -> dict[str, object]:
    names = [name.replace("[x]", "CodeableConcept") for name in REQUIRED[kind]]
    plain: dict[str, object] = {name: "x" for name in names if not name.startswith(CHOICES)}
    plain |= dict.fromkeys(others, ELSEWHERE) | {"resourceType": kind}
    head, *inner = path.split(".")
    for name in reversed(inner):
        value = {name: value}
    return plain | {head: value}


def bundle(*resources: dict[str, object]) -> Payload:
    entries = [{"resource": plain} for plain in resources]
    content = json.dumps({"resourceType": "Bundle", "type": "collection", "entry": entries})
    return payload("b.json", content.encode())


def filed(plain: dict[str, object]) -> str | None:
    """Return the date under which an import files a resource, None where it refuses it."""
    (item,) = FhirBundle().parse(bundle(plain), Context(Micros(NEW_YEAR), "", lambda _: None))
    return item.date if isinstance(item, Clinical) else None


def test_a_resource_that_is_filed_without_a_date_is_found_by_the_one_it_has(
    clinic: Clinic,
) -> None:
    patient = clinic.patient(bound=[("http://mrn", "7")])
    clinic.load(patient, bundle(OWN, OPEN_ENCOUNTER))
    reader = patient.reader("PATRQT")
    for asked, found in (("lt2021", 1), ("le2020-03-04", 1), ("gt2021", 0)):
        answered = clinic.node.records.search(reader, "Encounter", [("date", asked)])
        entries = json.loads(answered.body)["entry"]
        assert [each["resource"]["resourceType"] for each in entries].count("Encounter") == found


@pytest.mark.parametrize("kind", DATED)
def test_the_index_lets_through_whatever_a_resource_says_of_its_date(kind: str) -> None:
    judged = 0
    known = {field.encode_name for field in msgspec.structs.fields(getattr(r4, kind))}
    # Where another date may stand, one that `date` does not ask for.
    others = [(), *((name,) for name in DATES if name in known)]
    for path, (form, value), other in product(OFFICIAL[kind]["date"].paths, FORMS, others):
        if bool(form) is not (path in CHOICES) or (form and path + form not in known):
            continue
        if any(name.startswith(path) for name in other):
            continue
        plain = resource(kind, path + form, value, other)
        date = filed(plain)
        if date is None:
            continue
        judged += 1
        span = span_of(date)
        held = record(kind, json.dumps(plain).encode())
        for asked in ASKED:
            search = compile_search(kind, [("date", asked)], now=Micros(NEW_YEAR))
            if span is None or not document_matches(search, held):
                continue
            start, end, floating = span
            windows = document_windows(search)
            assert span_matches(windows, start, end, floating=floating), (asked, date, plain)
    assert judged
