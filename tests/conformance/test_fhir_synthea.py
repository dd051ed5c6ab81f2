"""Real charts (Synthea) through the FHIR edge: read, passed on, found again."""

import bz2
import json
import re
from pathlib import Path
from typing import Any

from pulsekey.fhir.documents import document as passed_on
from pulsekey.fhir.matching import document_matches
from pulsekey.fhir.search import SUPPORTED, compile_search
from pulsekey.primitives.clock import Micros
from pulsekey.resources import codec
from tests.fakes.fhir_samples import NEW_YEAR, PATIENT, document

CHARTS = 3
REFERENCE = re.compile(r'"reference": "([^"]*)"')


def test_every_resource_of_a_chart_is_valid_before_and_after(full_records: Path) -> None:
    for path in sorted((full_records / "synthea").glob("*-*-*.json.bz2"))[2 : 2 + CHARTS]:
        content = bz2.decompress(path.read_bytes())
        codec.read(content)
        entries = json.loads(content, parse_float=str)["entry"]
        known = {entry["fullUrl"]: opaque(entry) for entry in entries}
        for entry in entries:
            raw = json.dumps(entry["resource"]).encode()
            # What is not in this chart stays, so that it can be compared.
            resolve = {name: name for name in REFERENCE.findall(raw.decode())} | known
            out = passed_on(document(entry["resource"]["resourceType"], raw), resolve.get)
            plain = json.loads(out, parse_float=str)
            assert undone(plain, known) == without(entry["resource"])
        # Decimals came in as text above, so that they compare as written; here they are numbers.
        for entry in json.loads(content)["entry"]:
            raw = json.dumps(entry["resource"]).encode()
            codec.read(passed_on(document(entry["resource"]["resourceType"], raw), known.get))


def opaque(entry: Any) -> str:
    resource = entry["resource"]
    return f"{resource['resourceType']}/{'new' + resource['id']}"


def without(resource: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in resource.items() if name not in {"id", "meta"}}


def undone(resource: dict[str, Any], known: dict[str, str]) -> Any:
    """Return a resource that was passed on with its references as they came."""
    names = {local: source for source, local in known.items()}

    def walk(value: Any) -> Any:
        if isinstance(value, list):
            return [walk(one) for one in value]
        if not isinstance(value, dict):
            return value
        if isinstance(value.get("reference"), str) and value["reference"] in names:
            return value | {"reference": names[value["reference"]]}
        return {name: walk(one) for name, one in value.items()}

    return walk(without(resource))


def test_every_resource_is_found_by_what_it_says(full_records: Path) -> None:
    path = sorted((full_records / "synthea").glob("*-*-*.json.bz2"))[2]
    for entry in json.loads(bz2.decompress(path.read_bytes()))["entry"]:
        resource = entry["resource"]
        kind = resource["resourceType"]
        record = document(kind, json.dumps(resource).encode())
        for name, value in questions(resource):
            if name in SUPPORTED[kind]:
                search = compile_search(kind, [(name, value)], now=Micros(NEW_YEAR))
                assert document_matches(search, record), (kind, name)
                other = compile_search(kind, [(name, OTHERWISE[name])], now=Micros(NEW_YEAR))
                assert not document_matches(other, record), (kind, name)


OTHERWISE = {"patient": "nobody", "code": "no-such-code", "date": "1802"}


def questions(resource: dict[str, Any]) -> list[tuple[str, str]]:
    """Return what must find a resource: its patient, its first code, its date."""
    found: list[tuple[str, str]] = [("patient", PATIENT)]
    coding = resource.get("code", {}).get("coding")
    if coding:
        found.append(("code", f"{coding[0]['system']}|{coding[0]['code']}"))
    if "effectiveDateTime" in resource:
        found.append(("date", resource["effectiveDateTime"]))
        found.append(("date", resource["effectiveDateTime"][:4]))
    return found
