"""What a hostile Bundle costs: refused by what a scan counts, before anything is made of it."""

import bz2
import gzip
import io
import json
import random
import subprocess
import sys
from typing import Any

import pytest

from pulsekey.ingest.fhir_bundle import FhirBundle
from pulsekey.ingest.items import Payload, Refusal
from pulsekey.ingest.json_text import (
    CHARACTERS_A_VALUE_MIN,
    DEPTH_MAX,
    VALUE_CHARACTERS_MAX,
    VALUES_MAX,
    JsonText,
)
from pulsekey.primitives.errors import MalformedInput
from pulsekey.resources.documents import Clinical
from tests.fakes.payloads import SAMPLES, context, payload

MEBIBYTE = 2**20
MEMORY_MEBIBYTES = 700
"""Of address space: the program itself takes 300 of it, the longest text three times its 64."""


def bundle(inner: str) -> str:
    return '{"resourceType":"Bundle","type":"collection","entry":[' + inner + "]}"


def basic(extension: str, own_id: str = "x") -> str:
    about = '"resourceType":"Basic","code":{"text":"x"}'
    return '{"resource":{' + about + f',"id":"{own_id}","extension":{extension}' + "}}"


def parsed(text: str) -> list[Any]:
    return list(FhirBundle().parse(payload("chart.json", text.encode()), context()))


@pytest.mark.parametrize(
    ("extension", "problem"),
    [
        ("[" + '"12345678",' * VALUES_MAX + "0]", f"more than {VALUES_MAX:,} values"),
        ("[" * (DEPTH_MAX + 3) + "0" + "]" * (DEPTH_MAX + 3), f"than {DEPTH_MAX} levels"),
        (f'"{"a" * VALUE_CHARACTERS_MAX}"', f"longer than {VALUE_CHARACTERS_MAX:,} characters"),
    ],
    ids=["values", "depth", "length"],
)
def test_an_entry_in_excess_is_refused_by_its_number_and_the_limit(
    extension: str, problem: str
) -> None:
    first, second, third = parsed(
        bundle(",".join((basic("[1]", "a"), basic(extension), basic("[1]", "b"))))
    )
    assert isinstance(first, Clinical)
    assert isinstance(second, Refusal)
    assert second.where.startswith("entry 2")
    assert problem in second.problem
    assert isinstance(third, Clinical)


@pytest.mark.parametrize("depth", [63, 200, 900, 940, 960, 980, 990, 1_000, 5_000])
def test_no_depth_is_too_much_for_the_reader(depth: int) -> None:
    try:
        (item,) = parsed(bundle(basic("[" * depth + "0" + "]" * depth)))
    except MalformedInput as error:
        assert "nested deeper" in error.problem  # noqa: PT017 # Either outcome is right.
    else:
        assert isinstance(item, Refusal)
        assert "nested deeper" in item.problem


def test_what_is_in_excess_is_never_decoded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pulsekey.ingest.json_text.VALUES_MAX", 10)
    decoded: list[int] = []
    real = JsonText.piece

    def counting(self: JsonText, extent: Any) -> Any:
        decoded.append(extent.values)
        return real(self, extent)

    monkeypatch.setattr(JsonText, "piece", counting)
    parsed(bundle(basic("[" + "0," * 50 + "0]") + "," + '{"search":{"mode":"match"}}'))
    assert len(decoded) == 1
    assert decoded[0] <= 10


def test_beside_its_entries_a_bundle_is_short() -> None:
    many = "[" + '"12345678",' * VALUES_MAX + "0]"
    text = '{"resourceType":"Bundle","type":"batch","meta":' + many + "}"
    with pytest.raises(MalformedInput, match="values"):
        parsed(text)


HOSTILE = {
    "lists": "[],",
    "objects": "{},",
    "pairs": '{"a":0},',
    "nests": "[[[[0]]]],",
    "numbers": "0,",
    "characters": '"\N{GRINNING FACE}aaaaaaaa",',
}

CHILD = f"""
import resource, sys
resource.setrlimit(resource.RLIMIT_AS, ({MEMORY_MEBIBYTES} * {MEBIBYTE},) * 2)
resource.setrlimit(resource.RLIMIT_CPU, (60, 60))
import io
from pathlib import Path
from pulsekey.ingest.fhir_bundle import FhirBundle
from pulsekey.ingest.items import Context, Payload
from pulsekey.primitives.errors import MalformedInput
path = Path(sys.argv[1])
payload = Payload("a.json.gz", path.stat().st_size, lambda: path.open("rb"))
try:
    print(sum(1 for _ in FhirBundle().parse(payload, Context(0))))
except MalformedInput as error:
    print(error.problem)
"""


@pytest.mark.parametrize("shape", HOSTILE)
def test_a_small_upload_stays_within_the_memory_of_a_node(shape: str, tmp_path: Any) -> None:
    unit = HOSTILE[shape]
    # What does not compress keeps the ratio below what is judged.
    padding = json.dumps(random.Random(1).randbytes(110_000).hex())
    inner = "[" + unit * (60 * MEBIBYTE // len(unit.encode())) + padding + "]"
    path = tmp_path / "a.json.gz"
    path.write_bytes(gzip.compress(bundle(inner).encode(), 1))
    child = subprocess.run(
        [sys.executable, "-c", CHILD, str(path)], capture_output=True, text=True, check=False
    )
    assert child.returncode == 0, child.stderr[-500:]
    assert "more than" in child.stdout or child.stdout.strip() == "1"


def steps(text: str) -> int:
    """Count the lines of Python that reading `text` executes."""
    counted = 0

    def tracing(_: Any, event: str, __: Any) -> Any:
        nonlocal counted
        counted += event == "line"
        return tracing

    given = Payload("a.json", len(text), lambda: io.BytesIO(text.encode()))
    before = sys.gettrace()
    sys.settrace(tracing)
    try:
        list(FhirBundle().parse(given, context()))
    finally:
        sys.settrace(before)
    return counted


@pytest.mark.parametrize(
    "unit",
    ['{"url":"urn:x"}', "[0]", '"aaaaaaaa"', '{"reference":"Patient/p"}', '{"code":"a"}'],
)
def test_twice_the_values_take_twice_the_steps(unit: str) -> None:
    few, many = (steps(bundle(basic("[" + ",".join([unit] * n) + "]"))) for n in (200, 400))
    assert many < 2.2 * few


def test_twice_the_entries_take_twice_the_steps() -> None:
    def whole(count: int) -> str:
        return bundle(",".join(basic("[1]", f"i{n}") for n in range(count)))

    assert steps(whole(100)) < 2.2 * steps(whole(50))


def test_the_average_is_far_from_that_of_a_chart() -> None:
    text = bz2.decompress((SAMPLES / "chart-adult.json.bz2").read_bytes()).decode()
    assert len(text) > 3 * CHARACTERS_A_VALUE_MIN * sum(map(text.count, "{[,"))
