"""What is packaged is what the sources say, and the sources use the constants of the program."""

import hashlib
import os
import re
import subprocess
from pathlib import Path

import pytest

from pulsekey.consent.operations import SIGNED_OPERATION_BYTES_MAX, Capability, Kind
from pulsekey.consent.program import ACCOUNT_KEYS_MAX, NONCE_STEP_MAX, Refusal
from pulsekey.ledger.settlement.contract import artefact
from pulsekey.primitives import tags

ROOT = Path(__file__).parents[2]
SOURCES = ROOT / "contracts" / "src"
CONSTANT = re.compile(r"^([A-Z0-9_]+): constant\([^)]*\)+ = (\S+.*)$", re.MULTILINE)
COMPILER = ROOT / ".venv-evm" / "bin" / "python"


def constants() -> dict[str, str]:
    found: dict[str, str] = {}
    for path in SOURCES.glob("*.vy"):
        text = path.read_text("utf-8")
        found |= dict(
            re.findall(r"^([A-Z0-9_]+): constant\([^)]*\)+ = (\S+.*)$", text, re.MULTILINE)
        )
    return found


def test_the_artefact_names_the_sources_as_they_are() -> None:
    digests = {
        path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in SOURCES.glob("*.vy")
    }
    assert artefact()["sources"] == digests


def test_compiling_again_gives_the_same_artefact() -> None:
    if not COMPILER.is_file():
        reason = "the compiler is not installed: make .venv-evm/.ready"
        if os.environ.get("CI") == "true":
            pytest.fail(reason)
        pytest.skip(reason)
    script = ROOT / "contracts" / "build.py"
    assert subprocess.run([COMPILER, script, "--check"], check=False).returncode == 0


@pytest.mark.parametrize("refusal", Refusal, ids=lambda refusal: refusal.name)
def test_the_contract_numbers_refusals_alike(refusal: Refusal) -> None:
    assert int(constants()[refusal.name]) == refusal


@pytest.mark.parametrize("kind", Kind, ids=lambda kind: kind.name)
def test_the_contract_numbers_kinds_alike(kind: Kind) -> None:
    assert int(constants()[kind.name]) == kind


@pytest.mark.parametrize(
    ("name", "tag"),
    [
        ("KEY", tags.KEY),
        ("ACCOUNT", tags.ACCOUNT),
        ("CHALLENGE", tags.CHALLENGE),
        ("STATE_ACCOUNT", tags.STATE_ACCOUNT),
        ("STATE_KEY", tags.STATE_KEY),
        ("STATE_GRANT", tags.STATE_GRANT),
        ("STATE_COMMITMENT", tags.STATE_COMMITMENT),
        ("ANCHOR_CHAIN", tags.ANCHOR_CHAIN),
        ("DIRECT_LEDGER", tags.DIRECT_LEDGER),
        ("SIGNED_OPERATION", tags.OPERATION),
    ],
)
def test_the_contract_has_the_same_domain_tags(name: str, tag: tags.Tag) -> None:
    assert constants()[name] == "0x" + tag.hex()


def test_the_contract_has_the_same_limits() -> None:
    found = constants()
    assert int(found["ACCOUNT_KEYS_MAX"]) == ACCOUNT_KEYS_MAX
    assert NONCE_STEP_MAX == 2**32
    assert found["NONCE_STEP_MAX"] == "2**32"
    assert int(found["SIGNED_MAX"]) == SIGNED_OPERATION_BYTES_MAX + 1
    names = {
        "CONSENT": "CONSENT",
        "REVOKE": "MAY_REVOKE",
        "MANAGE": "MANAGE",
        "COMMIT": "MAY_COMMIT",
    }
    for capability, name in names.items():
        assert int(found[name]) == Capability[capability]
