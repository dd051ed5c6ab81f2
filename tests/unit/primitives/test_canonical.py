"""Canonical bytes: one document, one byte string."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pulsekey.primitives import canonical
from pulsekey.primitives.errors import MalformedInput

keys = st.text(st.characters(max_codepoint=127), max_size=8)
leaves = (
    st.none()
    | st.booleans()
    | st.integers(-canonical.INTEGER_MAX, canonical.INTEGER_MAX)
    | st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
)
documents = st.recursive(
    leaves, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(keys, inner, max_size=4)
)


@given(documents)
def test_what_was_encoded_is_decoded(document: canonical.Document) -> None:
    assert canonical.decode(canonical.encode(document)) == document


@given(st.dictionaries(keys, leaves, min_size=2, max_size=6))
def test_the_order_of_keys_does_not_matter(document: dict[str, canonical.Document]) -> None:
    reordered = dict(reversed(list(document.items())))
    assert canonical.encode(reordered) == canonical.encode(document)


@pytest.mark.parametrize(
    "content",
    [
        b'{"a": 1}',
        b'{"b":1,"a":2}',
        b'{"a":1,"a":1}',
        b'{"a":1.5}',
        b'{"a":1e3}',
        b'{"a":9007199254740993}',
        b'"\\u0041"',
        b'"\\ud800"',
        b"[1,]",
        b"\xff",
        b"NaN",
        b"[" * 100_000,
        '{"ä":1}'.encode(),
    ],
)
def test_any_other_form_is_refused(content: bytes) -> None:
    with pytest.raises(MalformedInput):
        canonical.decode(content)


def test_it_is_what_rfc_8785_prints() -> None:
    # The string of RFC 8785, section 3.2.2.2: escapes and characters outside ASCII.
    document = {"string": "\u20ac$\u000f\u000aA'\u0042\u0022\u005c\\\"/"}
    assert canonical.encode(dict(document)) == (
        '{"string":"€$\\u000f\\nA\'B\\"\\\\\\\\\\"/"}'.encode()
    )
    assert json.loads(canonical.encode(dict(document))) == document
