"""Imported resources: byte for byte, but for id, meta and references."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pulsekey.fhir import systems
from pulsekey.fhir.documents import document
from pulsekey.primitives.errors import MalformedInput
from tests.fakes.fhir_samples import PATIENT
from tests.fakes.fhir_samples import document as record

KNOWN = {"urn:uuid:p": f"Patient/{PATIENT}", "Encounter/7": "Encounter/enc"}


def rendered(text: str) -> str:
    return document(record("Observation", text.encode()), KNOWN.get).decode()


def test_everything_but_id_meta_and_references_is_passed_on() -> None:
    text = """{
  "resourceType" : "Observation", "id": "old",
  "meta": {"versionId":"9","profile":["http://p"],"tag":[{"code":"t"}]},
  "subject": { "display":"x", "reference":"urn:uuid:p" },
  "note": [{"text":"say \\"reference\\": {\\\\ [ \\u00e9"}],
  "valueQuantity": {"value": 1.50e1 , "id" : "inner"},
  "encounter": {"reference": "Encounter/7"}
}"""
    out = rendered(text)
    kept = text.partition('"note"')[2].partition('"encounter"')[0]
    assert kept in out
    plain = json.loads(out)
    assert plain["id"] == record("x", b"").id
    assert plain["meta"]["profile"] == ["http://p"]
    assert plain["meta"]["versionId"] == "1"
    assert plain["meta"]["tag"][0] == {"code": "t"}
    assert plain["meta"]["tag"][1]["system"] == systems.CATEGORY
    assert plain["subject"] == {"display": "x", "reference": f"Patient/{PATIENT}"}
    assert plain["encounter"] == {"reference": "Encounter/enc"}
    assert plain["valueQuantity"]["id"] == "inner"


def test_a_resource_without_id_and_meta_gets_them() -> None:
    plain = json.loads(rendered('{"resourceType":"Observation"}'))
    assert list(plain) == ["id", "meta", "resourceType"]


@pytest.mark.parametrize(
    ("reference", "identifier"),
    [
        ("urn:uuid:gone", {"system": "urn:ietf:rfc:3986", "value": "urn:uuid:gone"}),
        ("Practitioner/9", {"system": "urn:ietf:rfc:3986", "value": "Practitioner/9"}),
        (
            "Practitioner?identifier=http://hl7.org/fhir/sid/us-npi|99",
            {"system": "http://hl7.org/fhir/sid/us-npi", "value": "99"},
        ),
        ("Practitioner?identifier=99", {"value": "99"}),
    ],
)
def test_a_reference_that_leads_nowhere_becomes_identifier_only(
    reference: str, identifier: dict[str, str]
) -> None:
    text = json.dumps({"resourceType": "X", "performer": [{"reference": reference, "type": "T"}]})
    assert json.loads(rendered(text))["performer"] == [{"identifier": identifier, "type": "T"}]


@pytest.mark.parametrize("first", [True, False])
def test_an_identifier_that_is_there_already_stays_the_only_one(*, first: bool) -> None:
    members = ['"reference":"urn:uuid:gone"', '"identifier":{"value":"1"}']
    text = f'{{"resourceType":"X","a":{{{",".join(members if first else members[::-1])}}}}}'
    assert json.loads(rendered(text))["a"] == {"identifier": {"value": "1"}}


def test_a_fragment_stays() -> None:
    text = '{"resourceType":"X","contained":[{"id":"f"}],"a":{"reference":"#f"}}'
    plain = json.loads(rendered(text))
    assert (plain["contained"], plain["a"]) == ([{"id": "f"}], {"reference": "#f"})


members = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=6),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.text(max_size=4) | st.sampled_from(["id", "meta", "x"]), inner, max_size=3
        )
    ),
    max_leaves=10,
)


@given(st.dictionaries(st.text(max_size=5), members, max_size=4), st.booleans())
def test_any_json_is_left_as_it_is(extra: dict[str, Any], spaced: bool) -> None:
    extra.pop("meta", None)
    plain = {"resourceType": "X"} | extra
    text = json.dumps(plain, indent=2 if spaced else None)
    out = json.loads(rendered(text))
    for name in ("id", "meta"):
        out.pop(name)
        plain.pop(name, None)
    assert out == plain


@pytest.mark.parametrize(
    "meta", ['"x"', "[1]", "null", "7", '{"tag":{"code":"t"}}', '{"tag":"x"}', '{"tag":[null]}']
)
def test_a_meta_that_is_none_is_replaced(meta: str) -> None:
    out = json.loads(rendered(f'{{"resourceType":"X","meta":{meta}}}'))
    assert out["meta"]["versionId"] == "1"
    assert out["meta"]["tag"] == [{"system": systems.CATEGORY, "code": "laboratory"}]


def without_repetition(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    assert len(dict(pairs)) == len(pairs)
    return dict(pairs)


def test_a_name_is_the_same_however_it_is_escaped() -> None:
    out = rendered(
        r'{"resourceType":"X","\u0069d":"another","subject":{"refer\u0065nce":"urn:uuid:gone"}}'
    )
    plain = json.loads(out, object_pairs_hook=without_repetition)
    assert plain["id"] == record("x", b"").id
    assert "reference" not in plain["subject"]


@pytest.mark.parametrize("content", ["", "[]", "{", "]", '{"a":1', '"x"', '}{"', ":"])
def test_what_is_no_object_is_refused(content: str) -> None:
    with pytest.raises(MalformedInput):
        rendered(content)
