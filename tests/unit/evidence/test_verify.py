"""The verifier never raises, judges what can be judged, and says what it found in words."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pulsekey.evidence.file import EVIDENCE_BYTES_MAX, PARTS, read_parts
from pulsekey.evidence.releases import RECEIPT_BYTES_MAX, RECEIPTS_MAX
from pulsekey.evidence.trust import ANCHOR_BYTES_MAX, ANCHORS_MAX
from pulsekey.evidence.verify import CLAIMS, report_lines, verify
from pulsekey.primitives import canonical
from pulsekey.primitives.errors import MalformedInput

GOLDEN = Path(__file__).parents[3] / "vectors" / "evidence"
LIVE = (GOLDEN / "live.json").read_bytes()
json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**60), 2**60) | st.text(max_size=70) | st.floats(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=9), inner),
    max_leaves=8,
)


@given(st.binary(max_size=300))
def test_any_bytes_are_judged_and_refused(content: bytes) -> None:
    verdict = verify(content)
    assert verdict.failed == ("format", *CLAIMS)
    assert not verdict.holds


@given(st.sampled_from(PARTS), json_values)
def test_any_part_may_be_anything(part: str, value: object) -> None:
    document = json.loads(LIVE)
    if document[part] == value:
        return
    text = json.dumps(document | {part: value}, sort_keys=True, separators=(",", ":"))
    content = json.dumps(
        json.loads(text), sort_keys=True, separators=(",", ":"), ensure_ascii=False
    )
    assert verify(content.encode("utf-8", "surrogatepass")).failed


@given(st.binary(max_size=200) | st.text(max_size=200).map(str.encode))
def test_any_anchor_or_receipt_may_be_given(given_bytes: bytes) -> None:
    assert verify(LIVE, anchors=[given_bytes]).failed == ("anchor",)
    assert verify(LIVE, receipts=[given_bytes]).failed == ("releases",)


def test_what_is_too_long_or_too_many_is_refused() -> None:
    assert verify(LIVE, anchors=[b"x" * (ANCHOR_BYTES_MAX + 1)]).failed == ("anchor",)
    assert verify(LIVE, anchors=[b"0" * 64] * (ANCHORS_MAX + 1)).failed == ("anchor",)
    assert verify(LIVE, receipts=[b" " * (RECEIPT_BYTES_MAX + 1)]).failed == ("releases",)
    assert verify(LIVE, receipts=[b"{}"] * (RECEIPTS_MAX + 1)).failed == ("releases",)
    with pytest.raises(MalformedInput, match="longer than"):
        read_parts(bytes(EVIDENCE_BYTES_MAX + 1))


def test_a_report_names_what_failed_and_what_is_not_claimed() -> None:
    good = report_lines(verify(LIVE))
    assert good[0].startswith("ok    format")
    assert good[-2] == "Every claim holds. Trust: embedded: consistency only."
    assert good[-1].startswith("Not claimed: that nobody read outside of the gate;")
    bad = report_lines(verify(LIVE.replace(b"test-data", b"known-to-staff", 1)))
    assert "This evidence does not hold: enrolment." in bad
    assert any(line.startswith("FAIL  enrolment") for line in bad)


def test_a_part_that_cannot_be_read_leaves_the_others_to_be_judged() -> None:
    document = json.loads(LIVE)
    verdict = verify(canonical.encode(document | {"anchor": None}))
    assert verdict.failed == ("format", "anchor")
    assert verdict.claims[0].detail == "anchor: not of the form that version 1 describes"
    assert verdict.claims[-1].detail == "not judged: anchor cannot be read"
