"""Whoever may read a resource reads all of it: what nobody knows in it leaves it closed."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pulsekey.resources import r4
from pulsekey.resources.matter import CODINGS_MAX, category_of, concepts
from pulsekey.signals.category import Category
from pulsekey.signals.classification import CODED_TYPES, SENSITIVE, SENSITIVE_CODES, WHOLE_TYPES
from pulsekey.signals.metric import LOINC, SNOMED
from tests.fakes.fhir_paths import coded_paths, merged, placed, plain

TYPES = sorted(kind for kind in {*WHOLE_TYPES, *CODED_TYPES} if hasattr(r4, kind))
CLOSED = {*SENSITIVE, Category.UNCLASSIFIED}
HIV = (SNOMED, "86406008")
HIV_ANTIBODY = (LOINC, "29893-5")
ALLERGY_OWN = {"code", "reaction.substance", "reaction.manifestation", "reaction.exposureRoute"}


def concept(*pairs: tuple[str, str], **more: Any) -> dict[str, Any]:
    return {"coding": [{"system": system, "code": code} for system, code in pairs], **more}


@pytest.mark.parametrize("kind", TYPES)
def test_a_plain_resource_of_each_type_is_ordinary(kind: str) -> None:
    assert category_of(plain(kind)) not in CLOSED


@given(st.data())
def test_a_sensitive_code_closes_a_resource_wherever_it_stands(data: st.DataObject) -> None:
    kind = data.draw(st.sampled_from(TYPES))
    inside = data.draw(st.sampled_from(["", *TYPES]))
    carrier = inside or kind
    steps = data.draw(st.sampled_from(coded_paths(carrier)))
    pair = data.draw(st.sampled_from(sorted(SENSITIVE_CODES)))
    carrying = merged(plain(carrier), placed(steps, *pair, getattr(r4, carrier)))
    resource = {**plain(kind), "contained": [carrying]} if inside else carrying
    assert category_of(resource) is SENSITIVE_CODES[pair]


@given(st.data())
def test_a_code_that_nobody_judged_closes_a_resource_beside_its_subject(
    data: st.DataObject,
) -> None:
    kind = data.draw(st.sampled_from(sorted({*TYPES} - {"Patient", "RelatedPerson"})))
    steps = data.draw(st.sampled_from(coded_paths(kind)))
    path = ".".join(name for name, _ in steps)
    struct = getattr(r4, kind)
    resource = merged(plain(kind), placed(steps, *HIV_ANTIBODY, struct))
    names = {one.path for one in concepts(plain(kind))}
    # What the type says itself: an allergy may be to anything.
    own = path.startswith(("meta.tag", "meta.profile")) or (kind, path) in OPEN
    if not own and path not in names:
        assert category_of(resource) is Category.UNCLASSIFIED, path


OPEN = {
    *(("AllergyIntolerance", path) for path in ALLERGY_OWN),
    *(("ImagingStudy", path) for path in ("modality", "series.modality", "series.bodySite")),
    *(("Immunization", path) for path in ("vaccineCode", "site", "route")),
    *(("Coverage", path) for path in ("type", "relationship")),
}


def observation(**more: Any) -> dict[str, Any]:
    return plain("Observation") | {"code": concept((LOINC, "85354-9"))} | more


SYSTOLIC = {"code": concept((LOINC, "8480-6")), "valueQuantity": {"value": 120, "code": "mm[Hg]"}}
DIASTOLIC = {"code": concept((LOINC, "8462-4")), "valueQuantity": {"value": 80, "code": "mm[Hg]"}}


def test_a_panel_of_blood_pressure_is_blood_pressure() -> None:
    panel = observation(component=[SYSTOLIC, DIASTOLIC])
    assert category_of(panel) is Category.BLOOD_PRESSURE


@pytest.mark.parametrize(
    "resource",
    [
        observation(component=[SYSTOLIC, {"code": concept(HIV_ANTIBODY, text="HIV 1 Ab")}]),
        observation(component=[SYSTOLIC, {"code": {"text": "AUDIT-C score"}, "valueInteger": 12}]),
        observation(component=[SYSTOLIC, {"code": concept((LOINC, "93025-5"))}]),
        plain("Observation") | {"code": concept((LOINC, "718-7"), HIV_ANTIBODY)},
        plain("Observation") | {"code": {"text": "HIV positive"}},
        plain("Observation")
        | {
            "component": [{"code": concept((LOINC, "718-7"))}] * CODINGS_MAX,
            "valueCodeableConcept": concept(HIV),
        },
        plain("Condition") | {"code": {"text": "HIV positive"}},
        plain("Condition") | {"evidence": [{"code": [{"text": "HIV positive"}]}]},
        plain("AllergyIntolerance") | {"contained": [plain("Condition") | {"code": concept(HIV)}]},
        plain("AllergyIntolerance") | {"contained": [plain("Condition")]},
        plain("AllergyIntolerance")
        | {"contained": [{"resourceType": "Flag", "code": {"text": "x"}}]},
        plain("Immunization") | {"reasonCode": [concept((SNOMED, "72892002"))]},
        plain("Immunization") | {"reasonCode": [{"text": "pregnant"}]},
        plain("Encounter") | {"reasonReference": [{"display": "HIV disease"}]},
        plain("Encounter") | {"diagnosis": [{"condition": {"display": "HIV disease"}}]},
        plain("Encounter") | {"serviceType": concept(("urn:local", "PSY-OPD"))},
        plain("Encounter") | {"class": {"display": "psychiatric day clinic"}},
        plain("MedicationRequest")
        | {"contained": [{"resourceType": "Medication", "code": {"text": "sertraline"}}]},
        plain("Observation") | {"meta": {"security": [{"system": "urn:x", "code": "R"}]}},
        plain("Patient") | {"contained": [plain("Condition")]},
    ],
)
def test_what_nobody_knows_or_what_is_in_words_closes_a_resource(resource: dict[str, Any]) -> None:
    assert category_of(resource) in CLOSED


V3 = "http://terminology.hl7.org/CodeSystem/v3-"


@pytest.mark.parametrize(
    ("system", "code", "category"),
    [
        ("ActCode", "PSY", Category.MENTAL_HEALTH),
        ("ActCode", "ETH", Category.SUBSTANCE_USE),
        ("ActCode", "HIV", Category.REPRODUCTIVE_HEALTH),
        ("ActCode", "SDV", Category.UNCLASSIFIED),
        ("Confidentiality", "R", Category.UNCLASSIFIED),
        ("Confidentiality", "N", Category.CONDITIONS),
    ],
)
def test_a_label_that_the_sender_gave_is_kept_to(
    system: str, code: str, category: Category
) -> None:
    label = {"system": V3 + system, "code": code}
    assert category_of(plain("Condition") | {"meta": {"security": [label]}}) is category


def test_what_an_ordinary_resource_has_beside_its_subject_keeps_it_open() -> None:
    more = {
        "clinicalStatus": {"coding": [{"code": "active"}]},
        "category": [
            concept(
                ("http://terminology.hl7.org/CodeSystem/condition-category", "problem-list-item")
            )
        ],
        "bodySite": [{"text": "left arm"}],
        "recorder": {"display": "Dr A. Li"},
        "stage": [{"summary": concept((SNOMED, "260385009"), ("urn:local", "NEG"))}],
        "contained": [{"resourceType": "Practitioner", "id": "d", "name": [{"text": "A. Li"}]}],
    }
    assert category_of(plain("Condition") | more) is Category.CONDITIONS


def test_how_often_a_dose_is_taken_may_be_said_in_words() -> None:
    more = {"dosageInstruction": [{"text": "daily", "timing": {"code": {"text": "BID"}}}]}
    assert category_of(plain("MedicationRequest") | more) is Category.MEDICATION


@given(
    st.recursive(
        st.none() | st.text() | st.integers(),
        lambda inner: (
            st.lists(inner)
            | st.dictionaries(
                st.sampled_from(
                    [
                        "code",
                        "system",
                        "coding",
                        "text",
                        "display",
                        "contained",
                        "component",
                        "value",
                    ]
                )
                | st.text(),
                inner,
            )
        ),
    ),
    st.sampled_from(TYPES),
)
def test_any_json_has_a_category(value: Any, kind: str) -> None:
    resource = value if isinstance(value, dict) else {"code": value}
    assert category_of({**resource, "resourceType": kind}) in Category
