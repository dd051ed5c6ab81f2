"""Read golden cases. A test that calls `cases("name")` consumes `vectors/name.json`."""

import json
from pathlib import Path
from typing import Any, TypeAlias

FOLDER = Path(__file__).parent
Case: TypeAlias = dict[str, Any]


def cases(name: str) -> list[Case]:
    """Return the cases of one file. Bytes are lower-case hexadecimal, times whole seconds."""
    loaded: list[Case] = json.loads((FOLDER / f"{name}.json").read_text("utf-8"))["cases"]
    return loaded
