"""Readers under a consent get no words that nobody judged; every other byte stays as it came."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pulsekey.fhir.words import SUBSETTED, without_words
from pulsekey.primitives.errors import MalformedInput

NARRATIVE = {"status": "generated", "div": "<div>HIV positive</div>"}
NOTES = [{"text": "HIV positive", "time": "2020-01-01"}]


def read(resource: dict[str, Any]) -> Any:
    return json.loads(without_words(json.dumps(resource).encode()))


def test_what_has_no_such_words_stays_byte_for_byte() -> None:
    content = (
        b'{ "resourceType":"Observation", "code":{"text":"pulse"},"valueQuantity":{"value":72.500},'
        b'"subject":{"reference":"Patient/1", "display":"Pat"}, "valueString":"note"}'
    )
    assert without_words(content) == content


def test_decimals_and_white_space_around_what_is_left_out_stay() -> None:
    content = b'{"resourceType":"X", "text":{"div":"a, b"} , "v": 72.500 ,"note":[{"text":"n"}]}'
    tag = json.dumps({"tag": [SUBSETTED]}, separators=(",", ":")).encode()
    assert without_words(content) == b'{"meta":' + tag + b',"resourceType":"X",  "v": 72.500 }'


@pytest.mark.parametrize(
    "resource",
    [
        {"text": NARRATIVE, "resourceType": "X", "note": NOTES},
        {"resourceType": "X", "text": NARRATIVE, "note": NOTES},
        {"resourceType": "X", "note": NOTES, "text": NARRATIVE},
        {"note": NOTES, "text": NARRATIVE, "resourceType": "X"},
        {"resourceType": "X", "contained": [{"resourceType": "Y", "text": NARRATIVE}]},
        {"resourceType": "X", "reaction": [{"note": NOTES}, {"note": NOTES, "a": 1}]},
        {"resourceType": "X", "note": [{"note": NOTES, "text": NARRATIVE}]},
        {"resourceType": "X", "reason": [{"reference": "Condition/1", "display": "HIV positive"}]},
        {"resourceType": "X", "reason": {"display": "HIV positive", "reference": "urn:uuid:1"}},
        {
            "resourceType": "X",
            "r": {"reference": "#c", "display": "HIV positive"},
            "text": NARRATIVE,
        },
        {
            "resourceType": "X",
            "r": {
                "display": "HIV positive",
                "reference": "Condition/1",
                "identifier": {"assigner": {"reference": "Y/1", "display": "HIV positive"}},
            },
        },
    ],
)
@pytest.mark.parametrize("meta", [None, {"profile": ["p"]}, {"tag": [{"code": "a"}]}, "nonsense"])
def test_narratives_notes_and_displays_of_references_are_left_out_and_that_is_said(
    resource: dict[str, Any], meta: object
) -> None:
    got = read(resource if meta is None else {**resource, "meta": meta})
    assert "HIV" not in json.dumps(got)
    assert got["resourceType"] == "X"
    assert SUBSETTED in got["meta"]["tag"]


def test_who_and_where_keep_their_names() -> None:
    parties = [
        {"reference": f"{kind}1", "display": "City Clinic"}
        for kind in ("Organization/", "Practitioner?identifier=x|", "Patient/", "Location/")
    ]
    resource = {"resourceType": "X", "performer": parties}
    assert read(resource) == resource


def test_a_name_that_is_written_with_escapes_is_known() -> None:
    content = b'{"resourceType":"X","\\u0074ext":{"div":"HIV"},"n\\u006fte":[{"text":"HIV"}]}'
    assert b"HIV" not in without_words(content)


TREES = st.recursive(
    st.none() | st.integers() | st.text(max_size=3),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["text", "note", "display", "reference", "meta", "a", "b"]),
            inner,
            max_size=4,
        )
    ),
    max_leaves=20,
)


def judged(value: Any, *, top: bool = False) -> Any:
    """Return what should be left of a tree, by another way: through its objects."""
    if isinstance(value, list):
        return [judged(one) for one in value]
    if not isinstance(value, dict):
        return value
    return {
        name: judged(inner)
        for name, inner in value.items()
        if not (name in {"text", "note"} and isinstance(inner, dict | list))
        and not (name == "display" and "reference" in value)
        and not (name == "meta" and top)
    }


@given(st.dictionaries(st.sampled_from(["text", "note", "meta", "a", "b"]), TREES))
def test_nothing_else_is_left_out_and_json_stays_json(tree: dict[str, Any]) -> None:
    resource = {"resourceType": "X", **tree}
    got = read(resource)
    got.pop("meta", None)
    assert got == judged(resource, top=True)


def test_what_is_no_object_is_refused() -> None:
    with pytest.raises(MalformedInput):
        without_words(b'["\\u0041"]')
