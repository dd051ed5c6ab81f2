"""The codec: what FHIR's JSON form allows, and what an error may say."""

import json
from contextlib import suppress
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pulsekey.primitives.errors import MalformedInput
from pulsekey.resources import codec, r4
from pulsekey.resources.strict import Exact, fhir_name

GLUCOSE = {
    "resourceType": "Observation",
    "id": "glucose-1",
    "status": "final",
    "code": {"coding": [{"system": "http://loinc.org", "code": "2339-0"}], "text": "Glucose"},
    "subject": {"reference": "Patient/p1"},
    "effectivePeriod": {"start": "2026-01-01T08:00:00+01:00", "end": "2026-01-01T07:00:05Z"},
    "valueQuantity": {"value": 5.40, "unit": "mmol/L", "system": "http://unitsofmeasure.org"},
    "referenceRange": [{"low": {"value": 3.9}, "text": "fasting"}],
}


def text(**changes: object) -> bytes:
    """Return the glucose reading with members replaced, or removed where None is given."""
    merged = GLUCOSE | changes
    return json.dumps({name: value for name, value in merged.items() if value is not None}).encode()


def refusal(content: bytes) -> MalformedInput:
    with pytest.raises(MalformedInput) as caught:
        codec.read(content)
    assert caught.value.cure
    return caught.value


def test_a_valid_resource_is_read_and_written_back() -> None:
    resource = codec.read(text())
    assert isinstance(resource, r4.Observation)
    assert json.loads(codec.encode(resource)) == GLUCOSE


@pytest.mark.parametrize(
    "number", ["1.10", "0", "-0.0", "100", "0.1000000000000000055511151231257827", "1e3", "12E-20"]
)
def test_a_decimal_keeps_its_digits(number: str) -> None:
    content = text(valueQuantity={"value": 7}).replace(b'"value": 7', f'"value":{number}'.encode())
    resource = codec.read(content)
    assert isinstance(resource, r4.Observation)
    assert isinstance(resource.value_quantity, r4.Quantity)
    value = resource.value_quantity.value
    assert isinstance(value, Exact)
    assert (value.as_tuple(), str(value)) == (Decimal(number).as_tuple(), str(Decimal(number)))
    written = json.loads(codec.encode(resource), parse_float=Decimal, parse_int=Decimal)
    assert written["valueQuantity"]["value"].as_tuple() == Decimal(number).as_tuple()


@pytest.mark.parametrize(
    "value", ['"7"', "true", "[]", "{}", "NaN", "Infinity", "1e4000000", "9" * 65, "0x1"]
)
def test_what_is_no_decimal_is_refused(value: str) -> None:
    refusal(text(valueQuantity={"value": 7}).replace(b'"value": 7', f'"value":{value}'.encode()))


MUTATIONS = [
    ("status", "finale", "Observation.status", "value set"),
    ("status", 7, "Observation.status", "str"),
    ("status", None, "Observation.status", "missing"),
    ("code", None, "Observation.code", "missing"),
    ("code", {}, "Observation.code", "ele-1"),
    ("code", {"coding": []}, "Observation.code.coding", "empty"),
    ("code", {"coding": [{}]}, "Observation.code.coding[0]", "ele-1"),
    ("code", {"coding": [{"code": " x"}]}, "Observation.code.coding[0].code", "form"),
    ("code", {"coding": [{"system": "a b"}]}, "Observation.code.coding[0].system", "form"),
    ("code", {"text": "  "}, "Observation.code.text", "form"),
    ("code", [{"text": "x"}], "Observation.code", "object"),
    ("category", {"text": "x"}, "Observation.category", "array"),
    ("category", [None], "Observation.category[0]", "null"),
    ("colour", "red", "Observation.colour", "no such element"),
    ("id", "a b", "Observation.id", "form"),
    ("id", "x" * 65, "Observation.id", "form"),
    ("id", "x\n", "Observation.id", "form"),
    ("issued", "2026-01-01", "Observation.issued", "form"),
    ("issued", "2026-02-30T00:00:00Z", "Observation.issued", "calendar"),
    ("effectiveDateTime", "2026-01-01", "Observation.effective[x]", "more than one"),
    ("valueString", "x", "Observation.value[x]", "more than one"),
    ("dataAbsentReason", {"text": "x"}, "Observation", "obs-6"),
    ("referenceRange", [{"age": {"low": {"value": 1}}}], "Observation.referenceRange[0]", "obs-3"),
    ("valueQuantity", {"code": "mg"}, "Observation.valueQuantity", "qty-3"),
    ("subject", {"reference": "Practitioner/1"}, "Observation.subject", "Practitioner"),
    ("subject", {"reference": "#gone"}, "Observation", "ref-1"),
    ("contained", [{"resourceType": "Patient", "id": "x"}], "Observation", "dom-3"),
    (
        "effectivePeriod",
        {"start": "2026-01-01T08:00:00+01:00", "end": "2026-01-01T06:59:59Z"},
        "Observation.effectivePeriod",
        "per-1",
    ),
    (
        "effectivePeriod",
        {"start": "2026-01-02", "end": "2026-01-01"},
        "Observation.effectivePeriod",
        "per-1",
    ),
    (
        "component",
        [{"code": GLUCOSE["code"], "valueString": "x"}],
        "Observation",
        "obs-7",
    ),
    ("component", [{"valueString": "x"}], "Observation.component[0].code", "missing"),
    ("extension", [{"url": "http://x"}], "Observation.extension[0]", "ext-1"),
    ("extension", [{"valueString": "x"}], "Observation.extension[0].url", "missing"),
    ("text", {"status": "generated", "div": "<p>x</p>"}, "Observation.text", "txt-1"),
]


@pytest.mark.parametrize(("name", "value", "where", "problem"), MUTATIONS)
def test_one_wrong_element_is_refused_at_its_place(
    name: str, value: object, where: str, problem: str
) -> None:
    changes = {name: value}
    if name == "dataAbsentReason":
        changes["referenceRange"] = None
    error = refusal(text(**changes))
    assert error.where == where
    assert problem in error.problem


def test_null_is_refused_where_an_element_stands() -> None:
    assert refusal(text().replace(b'"final"', b"null")).where == "Observation.status"


def test_a_property_given_twice_is_refused() -> None:
    assert "twice" in refusal(text()[:-1] + b',"status":"final"}').problem


def test_a_control_character_is_refused() -> None:
    assert "control" in refusal(text(code={"text": "a\u0007b"})).problem


@pytest.mark.parametrize(
    "content",
    [b"", b"[]", b"null", b"{", b'{"resourceType":"Observation"', b"\xff\xfe", b"[" * 9999],
)
def test_what_is_no_resource_is_refused(content: bytes) -> None:
    refusal(content)


@pytest.mark.parametrize("content", [b'{"resourceType":"Dragon"}', b'{"id":"x"}', b"{}"])
def test_an_unknown_or_missing_type_is_named(content: bytes) -> None:
    assert "resource" in refusal(content).problem


def test_a_primitive_may_be_there_by_its_extension_alone() -> None:
    reason = {"url": "http://hl7.org/fhir/StructureDefinition/data-absent-reason", "valueCode": "x"}
    resource = codec.read(text(status=None, _status={"extension": [reason]}))
    assert isinstance(resource, r4.Observation)


def test_a_null_in_a_list_needs_something_beside_it() -> None:
    patient = {"resourceType": "Patient", "name": [{"given": [None, "A"], "_given": [None, None]}]}
    content = json.dumps(patient).encode()
    assert refusal(content).where.startswith("Patient.name[0].")
    patient["name"] = [
        {
            "given": [None, "A"],
            "_given": [{"id": "x", "extension": [{"url": "http://x", "valueString": "y"}]}, None],
        }
    ]
    codec.read(json.dumps(patient).encode())


def test_a_contained_resource_may_be_referred_to() -> None:
    device = {"resourceType": "Device", "id": "d", "deviceName": [{"name": "W", "type": "other"}]}
    codec.read(text(contained=[device], device={"reference": "#d"}))


def test_a_bundle_is_judged_with_its_entries() -> None:
    entry = {"fullUrl": "urn:uuid:0", "resource": json.loads(text(status="finale"))}
    bundle: dict[str, object] = {"resourceType": "Bundle", "type": "collection", "entry": [entry]}
    assert refusal(json.dumps(bundle).encode()).where == "Bundle.entry[0].resource.status"
    entry["resource"] = json.loads(text())
    codec.read(json.dumps(bundle).encode())
    bundle["total"] = 1
    assert "bdl-1" in refusal(json.dumps(bundle).encode()).problem
    del bundle["total"]
    bundle["entry"] = [entry, entry]
    assert "bdl-7" in refusal(json.dumps(bundle).encode()).problem
    bundle["type"] = "transaction"
    assert "bdl-3" in refusal(json.dumps(bundle).encode()).problem


@pytest.mark.parametrize(
    ("resource", "key"),
    [
        ({"resourceType": "Organization", "active": True}, "org-1"),
        ({"resourceType": "AllergyIntolerance", "patient": {"display": "x"}}, "ait-1"),
        ({"resourceType": "Patient", "contact": [{"gender": "male"}]}, "pat-1"),
        ({"resourceType": "Patient", "telecom": [{"value": "1"}]}, "cpt-2"),
        ({"resourceType": "Patient", "photo": [{"data": "AAAA"}]}, "att-1"),
        (
            {
                "resourceType": "Condition",
                "subject": {"display": "x"},
                "clinicalStatus": {"coding": [{"code": "active"}]},
            },
            "value set",
        ),
        (
            {
                "resourceType": "Condition",
                "subject": {"display": "x"},
                "abatementString": "gone",
                "clinicalStatus": {
                    "coding": [
                        {
                            "system": "http://terminology.hl7.org/CodeSystem/condition-clinical",
                            "code": "active",
                        }
                    ]
                },
            },
            "con-4",
        ),
    ],
)
def test_other_types_are_judged_by_their_own_rules(resource: dict[str, object], key: str) -> None:
    assert key in refusal(json.dumps(resource).encode()).problem


def test_no_message_holds_a_value() -> None:
    secret = "canary7788"
    for content in (
        text(status=secret),
        text(id=secret + " "),
        text(issued=secret),
        text(valueQuantity={"value": secret}),
        text(resourceType=secret),
        text(subject={"reference": f"Practitioner/{secret}"}),
        text(code={"coding": [{"code": secret, "system": secret, "userSelected": secret}]}),
        text(**{f"{secret} {secret}": 1}),
    ):
        error = refusal(content)
        assert secret not in str(error)


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(
                st.sampled_from(["code", "value", "text", "coding", "id", "x"]), inner
            )
        ),
        max_leaves=12,
    )
)
def test_no_json_breaks_the_codec(value: object) -> None:
    for name in ("code", "valueQuantity", "component", "extension", "subject", "status"):
        # Anything but a MalformedInput fails the test.
        with suppress(MalformedInput):
            codec.read(json.dumps(GLUCOSE | {name: value}).encode())


@pytest.mark.parametrize(
    ("data", "valid"),
    [
        ("AAAA", True),
        (" AA AA\nAAA= ", True),
        ("AAA", False),
        ("AAAA!", False),
        ("AAAA    " * 60 + "!", False),
        ("A" * 4_000_000, True),
    ],
)
def test_base64_is_judged_without_backtracking(data: str, *, valid: bool) -> None:
    binary = {"resourceType": "Binary", "contentType": "text/plain", "data": data}
    content = json.dumps(binary).encode()
    if valid:
        codec.read(content)
    else:
        assert refusal(content).where == "Binary.data"


@pytest.mark.parametrize("name", ["id", "status", "issued", "language", "implicitRules"])
@pytest.mark.parametrize("piece", ["a ", " ", "1", "2026-01-01T", "- at `$", "\\"])
def test_a_long_hostile_string_is_refused_in_time(name: str, piece: str) -> None:
    refusal(text(**{name: piece * 50_000 + "\x00"}))


def test_every_attribute_leads_back_to_its_element() -> None:
    assert fhir_name("carrier_h_r_f") == "carrierHRF"
    assert fhir_name("class_keyword_") == "_class"
    assert fhir_name("value_base64_binary") == "valueBase64Binary"
