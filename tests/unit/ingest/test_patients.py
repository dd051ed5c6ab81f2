"""Whose record it is: everybody whom a chart names has to be the patient whom somebody chose."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pulsekey.ingest.fhir_bundle import FhirBundle
from pulsekey.ingest.fhir_people import BESIDE, MENTIONS_MAX, RELATIVES
from pulsekey.ingest.fhir_shape import REQUIRED
from pulsekey.ingest.items import Refusal
from pulsekey.ingest.patients import Match, Objection, match, objections
from pulsekey.resources.documents import Clinical
from tests.fakes.payloads import context, payload

MRN = "http://hospital.example/mrn"
PASSPORT = "urn:example:passport"
BOUND = [(MRN, "1")]
BASE = "https://one.example/fhir"

Resource = dict[str, Any]
Verdicts = list[Objection | str]
KEPT = "kept"

PATHS = {
    kind: tuple(paths)
    for kind, *paths in (
        line.split()
        for line in (Path(__file__).parent / "reference-paths.txt").read_text().splitlines()
    )
}
"""Every element of type Reference in R4 by resource type; `*` marks what is repeated."""


def identified(value: str, system: str = MRN) -> Resource:
    return {"system": system, "value": value}


def patient(own_id: str, *values: str, **more: Any) -> Resource:
    who = {"identifier": [identified(value) for value in values]} if values else {}
    return {"resourceType": "Patient", "id": own_id, **who, **more}


def observation(subject: Any = None, own_id: str = "x", **more: Any) -> Resource:
    about = {} if subject is None else {"subject": subject}
    coded = {"status": "final", "code": {"text": "Haemoglobin"}}
    return {"resourceType": "Observation", "id": own_id, **coded, **about, **more}


def to(reference: str, **more: Any) -> Resource:
    return {"reference": reference, **more}


def documents(*resources: Resource, urls: dict[str, str] | None = None) -> list[Clinical]:
    entries = []
    for resource in resources:
        url = (urls or {}).get(resource.get("id", ""))
        entries.append({"resource": resource} | ({"fullUrl": url} if url else {}))
    content = {"resourceType": "Bundle", "type": "collection", "entry": entries}
    found = list(FhirBundle().parse(payload("a.json", json.dumps(content).encode()), context()))
    assert not [one for one in found if isinstance(one, Refusal)]
    return [one for one in found if isinstance(one, Clinical)]


def verdicts(*resources: Resource, urls: dict[str, str] | None = None) -> Verdicts:
    return [one or KEPT for one in objections(documents(*resources, urls=urls), BOUND)]


A = patient("p", "1")
B = patient("B", "2")
OF_A = to("Patient/p")

TWO_PATIENTS: dict[str, tuple[list[Resource], Verdicts]] = {
    "a contained patient with another number": (
        [A, observation(to("#b"), contained=[patient("b", "2")])],
        [KEPT, Objection.CONTRADICTION],
    ),
    "nothing but a contained patient with another number": (
        [observation(to("#b"), contained=[patient("b", "2")])],
        [Objection.CONTRADICTION],
    ),
    "a subject whose identifier contradicts its reference": (
        [A, observation(to("Patient/p", identifier=identified("2")))],
        [KEPT, Objection.BESIDES],
    ),
    "a subject with nothing but a name": (
        [A, observation({"display": "Bob, MRN 2"})],
        [KEPT, Objection.UNCLEAR],
    ),
    "a subject and, elsewhere, another patient": (
        [
            A,
            {
                "resourceType": "Immunization",
                "status": "completed",
                "vaccineCode": {"text": "x"},
                "occurrenceDateTime": "2026-01-01",
                "subject": OF_A,
                "patient": to("Patient/B"),
            },
        ],
        [KEPT, Objection.BESIDES],
    ),
    "a second patient under another system": (
        [
            A,
            patient("q", identifier=[identified("999", "urn:ssn")]),
            observation(to("Patient/q")),
        ],
        [KEPT, Objection.UNBOUND, Objection.UNBOUND],
    ),
    # One person may have several numbers of one system (docs/decisions/0024).
    "a patient with two numbers, one of them bound": (
        [patient("q", "2", "1"), observation(to("Patient/q"))],
        [KEPT, KEPT],
    ),
    "a measurement of nobody": ([observation()], [Objection.NOBODY]),
    "a group": ([A, observation(to("Group/b"))], [KEPT, Objection.UNCLEAR]),
    "a practitioner as the subject": (
        [A, {"resourceType": "Practitioner", "id": "B"}, observation(to("Practitioner/B"))],
        [KEPT, Objection.SEVERAL, Objection.UNCLEAR],
    ),
    "a person as the subject": (
        [
            A,
            {"resourceType": "Person", "id": "B", "name": [{"family": "Bob"}]},
            observation(to("Person/B")),
        ],
        [KEPT, Objection.UNBOUND, Objection.UNBOUND],
    ),
    "a list by another patient": (
        [
            A,
            {
                "resourceType": "List",
                "status": "current",
                "mode": "working",
                "source": to("Patient/B"),
            },
        ],
        [KEPT, Objection.UNBOUND],
    ),
    "an account of another patient": (
        [A, {"resourceType": "Account", "status": "active", "subject": [to("Patient/B")]}],
        [KEPT, Objection.UNBOUND],
    ),
    "an appointment of another patient": (
        [
            A,
            {
                "resourceType": "Appointment",
                "status": "booked",
                "participant": [{"actor": to("Patient/B"), "status": "accepted"}],
            },
        ],
        [KEPT, Objection.UNBOUND],
    ),
    "a provenance of another patient": (
        [
            A,
            {
                "resourceType": "Provenance",
                "recorded": "2026-01-01T00:00:00Z",
                "target": [to("Patient/B")],
                "agent": [{"who": to("Patient/B")}],
            },
        ],
        [KEPT, Objection.UNBOUND],
    ),
    # A parent may pay: the coverage says nothing about them, and is the patient's own.
    "a coverage that another person pays": (
        [
            A,
            {
                "resourceType": "Coverage",
                "status": "active",
                "beneficiary": OF_A,
                "subscriber": to("Patient/B"),
                "payor": [to("Patient/B")],
            },
        ],
        [KEPT, KEPT],
    ),
    "the same id on another server": (
        [A, observation(to("https://other.example/fhir/Patient/p"))],
        [KEPT, Objection.UNBOUND],
    ),
    "one version of the patient": ([A, observation(to("Patient/p/_history/7"))], [KEPT, KEPT]),
}


@pytest.mark.parametrize("shape", TWO_PATIENTS)
def test_another_patient_is_never_merged(shape: str) -> None:
    resources, expected = TWO_PATIENTS[shape]
    assert verdicts(*resources) == expected


MORE: dict[str, tuple[list[Resource], Verdicts]] = {
    "a search for another number": (
        [A, observation(to(f"Patient?identifier={MRN}|2"))],
        [KEPT, Objection.CONTRADICTION],
    ),
    "a search for the number": (
        [A, observation(to(f"Patient?identifier={MRN}|1"))],
        [KEPT, KEPT],
    ),
    "a search by name": (
        [A, observation(to("Patient?name=Bob"))],
        [KEPT, Objection.UNBOUND],
    ),
    "a search by two numbers": (
        [A, observation(to(f"Patient?identifier={MRN}|1&identifier={MRN}|2"))],
        [KEPT, Objection.UNBOUND],
    ),
    "a logical subject": (
        [observation({"identifier": identified("1")}), observation(own_id="y")],
        [KEPT, KEPT],
    ),
    "a logical subject by a number that only the file knows": (
        [
            patient("p", identifier=[identified("1"), identified("P", PASSPORT)]),
            observation({"identifier": identified("P", PASSPORT)}),
        ],
        [KEPT, KEPT],
    ),
    "a logical subject by a number that nobody knows": (
        [A, observation({"identifier": identified("P", PASSPORT)})],
        [KEPT, Objection.UNCLEAR],
    ),
    "a logical performer of the ward": (
        [A, observation(OF_A, performer=[{"identifier": identified("77", "urn:npi")}])],
        [KEPT, KEPT],
    ),
    "a practitioner with a number of the same system": (
        [A, observation(OF_A, performer=[{"type": "Practitioner", "identifier": identified("2")}])],
        [KEPT, KEPT],
    ),
    "a subject of the right number that is nowhere in the file": (
        [observation(to("Patient/elsewhere", identifier=identified("1")))],
        [KEPT],
    ),
    "a subject that is text instead of a reference": (
        [A, observation("Patient/B")],
        [KEPT, Objection.UNCLEAR],
    ),
    "a subject in another case": ([A, observation(to("patient/B"))], [KEPT, Objection.UNBOUND]),
    "a performer with a space before the type": (
        [A, observation(OF_A, performer=[to(" Patient/B")])],
        [KEPT, Objection.BESIDES],
    ),
    "a subject in percent signs": ([A, observation(to("Patient%2FB"))], [KEPT, Objection.UNBOUND]),
    "a subject that is too long to be taken apart": (
        [A, observation(to("x" * 5_000))],
        [KEPT, Objection.UNBOUND],
    ),
    "a device as the subject": ([A, observation(to("Device/d"))], [KEPT, KEPT]),
    "a contained device as the subject": (
        [A, observation(to("#d"), contained=[{"resourceType": "Device", "id": "d"}])],
        [KEPT, KEPT],
    ),
    "a contained patient of the same number": (
        [observation(to("#a"), contained=[patient("a", "1")])],
        [KEPT],
    ),
    "a contained patient without a number": (
        [A, observation(to("#a"), contained=[patient("a", name=[{"family": "Same"}])])],
        [KEPT, Objection.UNBOUND],
    ),
    "a contained patient to whom nothing refers": (
        [A, observation(OF_A, contained=[patient("a", "2")])],
        [KEPT, Objection.BESIDES],
    ),
    "another patient within what is contained": (
        [
            A,
            observation(
                OF_A,
                hasMember=[to("#o")],
                contained=[observation(to("Patient/B"), "o")],
            ),
        ],
        [KEPT, Objection.BESIDES],
    ),
    "a coverage that carries the one who pays": (
        [
            A,
            {
                "resourceType": "Coverage",
                "status": "active",
                "beneficiary": OF_A,
                "subscriber": to("#b"),
                "payor": [to("Organization/o")],
                "contained": [patient("b", "2")],
            },
        ],
        [KEPT, Objection.BESIDES],
    ),
    "a relative of the patient": (
        [
            A,
            {"resourceType": "RelatedPerson", "id": "m", "patient": OF_A},
            observation(OF_A, performer=[to("RelatedPerson/m")]),
        ],
        [KEPT, KEPT, KEPT],
    ),
    "a relative of another patient": (
        [
            A,
            {"resourceType": "RelatedPerson", "id": "m", "patient": to("Patient/B")},
            observation(OF_A, performer=[to("RelatedPerson/m")]),
        ],
        [KEPT, Objection.UNBOUND, Objection.BESIDES],
    ),
    "a measurement of a relative": (
        [
            A,
            {"resourceType": "RelatedPerson", "id": "m", "patient": OF_A},
            observation(to("RelatedPerson/m")),
        ],
        [KEPT, KEPT, Objection.UNCLEAR],
    ),
    "a person who is the patient": (
        [
            A,
            {"resourceType": "Person", "id": "x1", "link": [{"target": OF_A}]},
            observation(to("Person/x1")),
        ],
        [KEPT, KEPT, KEPT],
    ),
    "a person who is two patients": (
        [
            A,
            {
                "resourceType": "Person",
                "id": "x1",
                "link": [{"target": OF_A}, {"target": to("Patient/B")}],
            },
        ],
        [KEPT, Objection.BESIDES],
    ),
    "a group of the patient alone": (
        [
            A,
            {
                "resourceType": "Group",
                "id": "g",
                "type": "person",
                "actual": True,
                "member": [{"entity": OF_A}],
            },
            observation(to("Group/g")),
        ],
        [KEPT, KEPT, KEPT],
    ),
    "a group of two": (
        [
            A,
            {
                "resourceType": "Group",
                "id": "g",
                "type": "person",
                "actual": True,
                "member": [{"entity": OF_A}, {"entity": to("Patient/B")}],
            },
            observation(to("Group/g")),
        ],
        [KEPT, Objection.BESIDES, Objection.UNCLEAR],
    ),
    "a report on a result of somebody else": (
        [
            A,
            observation(to("Patient/B"), "o"),
            {
                "resourceType": "DiagnosticReport",
                "status": "final",
                "code": {"text": "x"},
                "subject": OF_A,
                "result": [to("Observation/o")],
            },
        ],
        [KEPT, Objection.UNBOUND, Objection.BESIDES],
    ),
    "a newborn's stay, part of the mother's": (
        [
            A,
            {
                "resourceType": "Encounter",
                "id": "m",
                "status": "finished",
                "class": {"code": "IMP"},
                "subject": to("Patient/B"),
            },
            {
                "resourceType": "Encounter",
                "status": "finished",
                "class": {"code": "IMP"},
                "subject": OF_A,
                "partOf": to("Encounter/m"),
            },
        ],
        [KEPT, Objection.UNBOUND, KEPT],
    ),
    "a relative's own record, named in the family's history": (
        [
            A,
            *(
                {
                    "resourceType": "FamilyMemberHistory",
                    "id": f"f{number}",
                    "status": "completed",
                    "patient": OF_A,
                    "relationship": {"text": "mother"},
                    "extension": [{"url": url, "valueReference": to("Patient/B")}],
                }
                for number, url in enumerate(sorted(RELATIVES))
            ),
        ],
        [KEPT, *[KEPT] * len(RELATIVES)],
    ),
    "a patient by a former number": (
        [patient("p", "1", link=[{"other": to("Patient/B"), "type": "replaces"}]), B],
        [KEPT, Objection.CONTRADICTION],
    ),
    "a directory of a hospital and nobody in it": (
        [{"resourceType": "Organization"}, {"resourceType": "Location"}],
        [KEPT, KEPT],
    ),
    "a hospital beside two patients": (
        [A, B, {"resourceType": "Organization"}],
        [KEPT, Objection.CONTRADICTION, Objection.SEVERAL],
    ),
    "an organisation that answers to a patient's name": (
        [A, {"resourceType": "Organization", "id": "o"}, observation(to(f"{BASE}/Patient/B"))],
        [KEPT, Objection.SEVERAL, Objection.UNCLEAR],
    ),
}  # fmt: skip
URLS = {"an organisation that answers to a patient's name": {"o": f"{BASE}/Patient/B"}}


@pytest.mark.parametrize("shape", MORE)
def test_every_way_to_name_somebody_is_judged(shape: str) -> None:
    resources, expected = MORE[shape]
    assert verdicts(*resources, urls=URLS.get(shape)) == expected


def test_a_relative_reference_stays_on_its_own_server() -> None:
    urls = {"p": f"{BASE}/Patient/p", "x": "https://two.example/fhir/Observation/x"}
    assert verdicts(A, observation(OF_A), urls=urls) == [KEPT, Objection.UNBOUND]
    urls["x"] = f"{BASE}/Observation/x"
    assert verdicts(A, observation(OF_A), urls=urls) == [KEPT, KEPT]
    assert verdicts(A, observation(to(f"{BASE}/Patient/p")), urls=urls) == [KEPT, KEPT]


def test_a_reference_that_two_patients_could_mean_is_nobodys() -> None:
    one, two = patient("p", "1"), patient("p", "2")
    found = documents(one, urls={"p": f"{BASE}/Patient/p"})
    found += documents(two, observation(OF_A), urls={"p": "https://two.example/fhir/Patient/p"})
    assert list(objections(found, BOUND)) == [
        None,
        Objection.CONTRADICTION,
        Objection.UNBOUND,
    ]


def test_identifiers_decide_and_names_do_not() -> None:
    bound = [(MRN, "1"), ("urn:ssn", "9")]
    assert match([(MRN, "1")], bound) is Match.SAME
    assert match([(MRN, "1"), ("urn:other", "5")], bound) is Match.SAME
    assert match([(MRN, "1"), (MRN, "7")], bound) is Match.SAME
    assert match([(MRN, "2")], bound) is Match.CONTRADICTS
    assert match([(MRN, "1"), ("urn:ssn", "8")], bound) is Match.CONTRADICTS
    assert match([("urn:other", "1")], bound) is Match.UNKNOWN
    assert match([], bound) is Match.UNKNOWN
    assert match([("", "1")], [("", "1")]) is Match.UNKNOWN


def test_without_a_bound_identifier_nothing_is_anybodys() -> None:
    found = documents(A, observation(OF_A), {"resourceType": "Medication"})
    assert set(objections(found, [])) == {Objection.UNBOUND}


def test_a_resource_about_more_people_than_are_looked_at_is_refused() -> None:
    many = [{"subject": to(f"Patient/{n}")} for n in range(MENTIONS_MAX + 1)]
    crowd = {
        "resourceType": "Account",
        "status": "active",
        "subject": [one["subject"] for one in many],
    }
    content = {"resourceType": "Bundle", "type": "batch", "entry": [{"resource": crowd}]}
    (item,) = FhirBundle().parse(payload("a.json", json.dumps(content).encode()), context())
    assert isinstance(item, Refusal)
    assert "too many" in item.problem


# -- a second patient at any place of any resource

FORMS: dict[str, Resource] = {
    "relative": to("Patient/B"),
    "absolute": to(f"{BASE}/Patient/B"),
    "absolute elsewhere": to("https://two.example/r4/Patient/B"),
    "versioned": to("Patient/B/_history/3"),
    "of this file": to("urn:uuid:0000000b-0000-4000-8000-000000000000"),
    "searched": to(f"Patient?identifier={MRN}|2"),
    "logical": {"identifier": identified("2")},
    "logical and typed": {"type": "Patient", "identifier": identified("2", PASSPORT)},
    "named and typed": {"type": "Patient", "display": "Bob"},
    "contained": to("#b"),
    "a person": to("Person/B"),
}
PLACES = [(kind, path.replace("*", "")) for kind, paths in sorted(PATHS.items()) for path in paths]


def holding(kind: str, path: str, reference: Resource) -> Resource:
    """Return a resource about A that holds a reference at one place."""
    made: Resource = {"resourceType": kind, "id": "x"}
    if kind in {"Patient", "Person"}:
        made["identifier"] = [identified("1")]
    for name in REQUIRED[kind]:
        made[name.replace("[x]", "String")] = "final" if name == "status" else "2026"
    for name in ("subject", "patient", "beneficiary", "candidate", "individual", "for"):
        if name in {one.strip("*") for one in PATHS.get(kind, ())} or name in made:
            made[name] = OF_A
    whole = next(one for one in PATHS[kind] if one.replace("*", "") == path)
    *outer, last = whole.split(".")
    holder = made
    for name in outer:
        inner: Resource = {}
        holder[name.strip("*")] = [inner] if name.endswith("*") else inner
        holder = inner
    holder[last.strip("*")] = [reference] if last.endswith("*") else reference
    return made


@given(st.sampled_from(PLACES), st.sampled_from(sorted(FORMS)), st.booleans())
def test_a_second_patient_at_any_place_of_any_resource_is_noticed(
    place: tuple[str, str], form: str, extended: bool
) -> None:
    kind, path = place
    resource = holding(kind, path, FORMS[form])
    if extended:
        resource = holding(kind, path, OF_A)
        value = {"url": "urn:example:other", "valueReference": FORMS[form]}
        resource["extension"] = [value]
    if form == "contained":
        resource["contained"] = [patient("b", "2")]
    if kind in {"Bundle", "Parameters"}:
        return
    urls = {"B": FORMS["of this file"]["reference"]} if form == "of this file" else None
    others = [B] if urls else []
    found = verdicts(A, *others, resource, urls=urls)
    named = f"{kind}.{path}" in BESIDE and not extended
    if named and form != "contained":
        assert found[-1] != Objection.CONTRADICTION
    else:
        assert found[-1] != KEPT
    # And with A in its stead the same resource is kept.
    assert verdicts(A, holding(kind, path, OF_A))[-1] == KEPT


def test_every_place_of_the_standard_is_known_to_the_property() -> None:
    assert len(PATHS) > 120
    assert {place.partition(".")[0] for place in BESIDE} <= PATHS.keys()
    assert {f"{kind}.{path}" for kind, path in PLACES} >= BESIDE
