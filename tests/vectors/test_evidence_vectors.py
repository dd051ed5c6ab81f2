"""Golden evidence: both verifiers find in it what is written down, today and in later versions.

The files are never made anew by a test: evidence that was given out once has to hold for ever.
"""

import json
from typing import Any

from tests.fakes.evidence_verifiers import Case, judged
from vectors.generate_evidence import EVIDENCE, edited

CASES: list[dict[str, Any]] = json.loads((EVIDENCE / "cases.json").read_text("utf-8"))["cases"]


def test_every_case_is_found_by_both_verifiers() -> None:
    asked = [
        Case(
            edited((EVIDENCE / case["file"]).read_bytes(), case["edits"]),
            tuple(text.encode() for text in case["receipts"]),
            tuple(text.encode() for text in case["anchors"]),
        )
        for case in CASES
    ]
    for case, verdict in zip(CASES, judged(*asked), strict=True):
        assert list(verdict.failed) == case["failed"], case["name"]


def test_a_golden_file_is_canonical_as_it_stands() -> None:
    for case in CASES:
        content = (EVIDENCE / case["file"]).read_bytes()
        assert edited(content, []) == content
