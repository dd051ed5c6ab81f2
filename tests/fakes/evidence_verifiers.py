"""Both verifiers of evidence, asked together: the one in Python and the one of the browser."""

import base64
import json
import os
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from pulsekey.evidence.verify import Claim, Verdict, verify

ROOT = Path(__file__).parents[2]
MODULE = ROOT / "src" / "pulsekey" / "portal" / "static" / "evidence.js"
CASES_AT_ONCE = 500
RUNNER = ROOT / "tests" / "tools" / "verify_evidence.mjs"


@dataclass(frozen=True, slots=True)
class Case:
    """What a verifier is given."""

    content: bytes
    receipts: tuple[bytes, ...] = ()
    anchors: tuple[bytes, ...] = ()


def in_python(case: Case) -> Verdict:
    return verify(case.content, receipts=case.receipts, anchors=case.anchors)


def in_the_browser(cases: Sequence[Case]) -> list[Verdict]:
    """Judge with `evidence.js` under Node.js; without it the test skips, and in CI it fails."""
    node = shutil.which("node")
    if node is None:
        if os.environ.get("CI") == "true":
            pytest.fail("node is not installed")
        pytest.skip("node is not installed: the browser's verifier is not compared")
    asked = [
        {
            "content": _base64(case.content),
            "receipts": [_base64(each) for each in case.receipts],
            "anchors": [_base64(each) for each in case.anchors],
        }
        for case in cases
    ]
    done = subprocess.run(
        [node, "--no-warnings", RUNNER, MODULE],
        input=json.dumps(asked).encode(),
        capture_output=True,
        check=True,
        timeout=600,
    )
    return [
        Verdict(
            tuple(Claim(each["name"], each["ok"], each["detail"]) for each in answer["claims"]),
            tuple(answer["anchors"]),
        )
        for answer in json.loads(done.stdout)
    ]


def judged(*cases: Case) -> list[Verdict]:
    """Return Python's verdicts, having checked that the browser's say the same of every claim."""
    verdicts = [in_python(case) for case in cases]
    answers = (
        answer
        for first in range(0, len(cases), CASES_AT_ONCE)
        for answer in in_the_browser(cases[first : first + CASES_AT_ONCE])
    )
    for place, (ours, theirs) in enumerate(zip(verdicts, answers, strict=True)):
        assert [(one.name, one.ok) for one in ours.claims] == [
            (one.name, one.ok) for one in theirs.claims
        ], f"case {place}: {_differing(ours, theirs)}"
        assert ours.trust == theirs.trust
    return verdicts


def _differing(ours: Verdict, theirs: Verdict) -> list[tuple[Claim, Claim]]:
    pairs = zip(ours.claims, theirs.claims, strict=True)
    return [(one, other) for one, other in pairs if one.ok != other.ok]


def _base64(content: bytes) -> str:
    return base64.b64encode(content).decode()
