"""The FHIR edge in the OpenAPI document: a path a type, with the search parameters that it takes.

What a parameter means is defined by its SearchParameter, whose URL stands beside it; the node's
CapabilityStatement is made from the same tables. What a resource looks like is FHIR's to say.
"""

from typing import Any

from pulsekey.fhir.parameters import OFFICIAL
from pulsekey.fhir.search import COUNT_MAX, SUPPORTED
from pulsekey.fhir.systems import MEDIA_TYPE

BASE = "/fhir/R4"
RESULTS = ("_count", "_sort", "_format")
"""What every type takes about the answer (FHIR R4, 3.1.1.5 and 3.1.0.1.11), each once."""

FORM = "application/x-www-form-urlencoded"
ANSWERS = {
    "400": "A parameter that is unknown or cannot be read",
    "401": "No token, or one that does not stand",
    "404": "Not here, or not for you",
    "429": "Too many requests",
}
SECURITY: list[dict[str, list[str]]] = [{"bearer": []}]


def paths() -> dict[str, dict[str, Any]]:
    """Return the path items of every type that is served."""
    items: dict[str, dict[str, Any]] = {
        f"{BASE}/metadata": {
            "get": {
                "summary": "What this node can do: the CapabilityStatement",
                "responses": _answers("CapabilityStatement", "429"),
            }
        }
    }
    for kind in sorted(SUPPORTED):
        search = {
            "summary": f"Search {kind}",
            "responses": _answers("Bundle", "400", "401"),
            "security": SECURITY,
        }
        fields = {one["name"]: one["schema"] for one in parameters(kind)}
        form = {FORM: {"schema": {"type": "object", "properties": fields}}}
        items[f"{BASE}/{kind}"] = {"get": search | {"parameters": parameters(kind)}}
        items[f"{BASE}/{kind}/_search"] = {
            "post": search
            | {"parameters": parameters(kind), "requestBody": {"required": True, "content": form}}
        }
        items[f"{BASE}/{kind}/{{id}}"] = {
            "get": {
                "summary": f"Read one {kind}",
                "parameters": [
                    {"name": "id", "in": "path", "required": True, "schema": {"type": "string"}}
                ],
                "responses": _answers(kind, "401", "404"),
                "security": SECURITY,
            }
        }
    return items


def parameters(kind: str) -> list[dict[str, Any]]:
    """Return the query parameters of a search for resources of `kind`."""
    official = OFFICIAL.get(kind, {}) | OFFICIAL["Resource"]
    own = [
        _parameter(name, f"{official[name].kind}: {official[name].url}") for name in SUPPORTED[kind]
    ]
    count = _parameter("_count", "how many matches a page holds")
    count["schema"] = {"type": "integer", "minimum": 0, "maximum": COUNT_MAX}
    return [
        *own,
        count,
        _parameter("_sort", "date or _lastUpdated, with - for the newest first"),
        _parameter("_format", "json, in any of its names"),
    ]


def _parameter(name: str, text: str) -> dict[str, Any]:
    # A parameter may stand more than once: all of them have to hold (FHIR R4, 3.1.1.4).
    listed = {"type": "array", "items": {"type": "string"}}
    single = name in RESULTS
    return {
        "name": name,
        "in": "query",
        "description": text,
        "schema": {"type": "string"} if single else listed,
    }


def _answers(kind: str, *failures: str) -> dict[str, Any]:
    content = {MEDIA_TYPE: {"schema": {"type": "object"}}}
    return {"200": {"description": kind, "content": content}} | {
        status: {"description": ANSWERS[status], "content": content} for status in failures
    }
