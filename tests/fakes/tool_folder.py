"""What tests/install-tools.sh installed. What is missing is a skip, and in CI a failure."""

import os
from pathlib import Path

import pytest

TOOLS = Path(__file__).parents[2] / ".tools"


def tool(*parts: str) -> Path:
    """Return the path of an installed tool. Without it the test skips, and in CI it fails."""
    path = TOOLS.joinpath(*parts)
    if not path.exists():
        reason = f"{path.name} is not installed: run `make ci-tools`"
        if os.environ.get("CI") == "true":
            pytest.fail(reason)
        pytest.skip(reason)
    return path
