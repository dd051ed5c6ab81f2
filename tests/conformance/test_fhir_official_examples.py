"""The codec against what HL7 published: the official R4 examples and the definitions."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from pulsekey.primitives.errors import MalformedInput
from pulsekey.resources import codec, generator
from tests.fakes.tool_folder import tool

WRONG_IN_THE_STANDARD = {
    # dispenseRequest.performer may name an Organization only.
    "MedicationRequest-medrx0301.json",
    # performer may not name an Encounter.
    "Observation-clinical-gender.json",
}
EXAMPLES_AT_LEAST = 450


def examples() -> list[Path]:
    folder = tool("node_modules", "hl7.fhir.r4.examples")
    found = [
        path
        for path in sorted(folder.glob("*-*.json"))
        if path.name.split("-")[0] in generator.ROOTS
    ]
    assert len(found) > EXAMPLES_AT_LEAST
    return found


def is_of_our_types(value: object) -> bool:
    """Whether every resource inside is of a type that we generate."""
    if isinstance(value, dict):
        kind = value.get("resourceType")
        return (kind is None or kind in generator.ROOTS) and all(
            map(is_of_our_types, value.values())
        )
    return not isinstance(value, list) or all(map(is_of_our_types, value))


def test_official_examples_are_accepted_and_keep_every_digit() -> None:
    refused = {}
    judged = 0
    for path in examples():
        content = path.read_bytes()
        plain = json.loads(content, parse_float=str, parse_int=str)
        if not is_of_our_types(plain):
            continue
        judged += 1
        try:
            resource = codec.read(content)
        except MalformedInput as error:
            refused[path.name] = str(error)
            continue
        written = json.loads(codec.encode(resource), parse_float=str, parse_int=str)
        assert normal(written) == normal(plain), path.name
    assert set(refused) == WRONG_IN_THE_STANDARD
    assert judged > EXAMPLES_AT_LEAST - 30


def normal(value: object) -> object:
    """Return JSON with exponents in one spelling: 1e3 and 1E+3 have the same digits."""
    if isinstance(value, dict):
        return {name: normal(one) for name, one in value.items()}
    if isinstance(value, list):
        return [normal(one) for one in value]
    return value.lower().replace("e+", "e") if isinstance(value, str) else value


def test_a_changed_official_example_is_refused() -> None:
    """Each mutation makes any resource invalid; not one may pass, on any example."""
    for path in examples()[::7]:
        resource = json.loads(path.read_bytes())
        if path.name in WRONG_IN_THE_STANDARD or not is_of_our_types(resource):
            continue
        changes: tuple[dict[str, object], ...] = (
            {"unheardOf": True},
            {"id": "not an id"},
            {"meta": {}},
            {"language": None},
            {"extension": []},
            {"text": {"status": "generated"}},
            {"extension": [{"url": "http://x", "valueString": "a", "valueCode": "b"}]},
        )
        for change in changes:
            if path.name.startswith(("Bundle", "Binary")) and set(change) & {"extension", "text"}:
                continue
            with pytest.raises(MalformedInput):
                codec.read(json.dumps(resource | change).encode())


def test_what_is_committed_is_what_the_generator_makes(tmp_path: Path) -> None:
    definitions = tool("node_modules", "@medplum", "definitions", "dist", "fhir", "r4")
    package = Path(generator.__file__).parents[1]
    copy = tmp_path / "src" / "pulsekey"
    for folder in ("resources", "fhir"):
        (copy / folder).mkdir(parents=True)
    pyproject = package.parents[1] / "pyproject.toml"
    shutil.copy(pyproject, tmp_path / "pyproject.toml")
    copied = copy / "resources" / "generator.py"
    shutil.copy(generator.__file__, copied)
    subprocess.run([sys.executable, copied, definitions], check=True, cwd=tmp_path)
    for name in ("resources/r4.py", "resources/facts.py", "fhir/parameters.py"):
        assert (copy / name).read_text() == (package / name).read_text(), name
