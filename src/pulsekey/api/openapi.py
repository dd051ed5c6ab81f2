"""The OpenAPI document, made from the rows that are served."""

from collections.abc import Iterable
from typing import Any

import msgspec

from pulsekey import __version__
from pulsekey.api import openapi_fhir, shapes
from pulsekey.api.callers import Access
from pulsekey.api.endpoint import Endpoint
from pulsekey.api.errors import STATUS
from pulsekey.api.routes_patient import UPLOAD

PATH_PARAMETER = {"in": "path", "required": True, "schema": {"type": "string"}}


class Problem(shapes.Given, frozen=True):
    """What every failure says."""

    error: str
    message: str
    code: str
    arguments: dict[str, str | int]
    where: str = ""
    cure: str = ""


def document(endpoints: Iterable[Endpoint], cookie: str) -> dict[str, Any]:
    """Return the OpenAPI 3.1 document of the JSON interface."""
    rows = tuple(endpoints)
    kinds = [kind for row in rows for kind in (row.body, row.answer) if _is_struct(kind)]
    _, components = msgspec.json.schema_components(
        [*dict.fromkeys(kinds), shapes.ImportAccepted, Problem],
        ref_template="#/components/schemas/{name}",
    )
    paths: dict[str, dict[str, Any]] = {}
    for row in rows:
        paths.setdefault(row.path, {})[row.method.lower()] = _operation(row)
    paths.setdefault(UPLOAD, {})["post"] = _upload()
    paths |= openapi_fhir.paths()
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Pulsekey",
            "version": __version__,
            "description": "The JSON interface of a Pulsekey node, and its FHIR R4 edge.",
            "license": {"name": "Apache-2.0"},
        },
        "paths": paths,
        "components": {
            "schemas": components,
            "securitySchemes": {
                "session": {"type": "apiKey", "in": "cookie", "name": cookie},
                "bearer": {"type": "http", "scheme": "bearer"},
            },
        },
    }


def _operation(row: Endpoint) -> dict[str, Any]:
    operation: dict[str, Any] = {
        "summary": row.summary,
        "description": f"For {row.access}.",
        "responses": {
            str(row.status): {"description": "Done", "content": _content(row.answer)},
            **_failures(),
        },
    }
    names = [part[1:-1] for part in row.path.split("/") if part.startswith("{")]
    parameters = [{"name": name, **PATH_PARAMETER} for name in names]
    parameters += [
        {"name": one.name, "in": "query", "description": one.text, "schema": {"type": one.kind}}
        for one in row.query
    ]
    if parameters:
        operation["parameters"] = parameters
    if row.body is not None:
        operation["requestBody"] = {"required": True, "content": _content(row.body)}
    if row.access is not Access.PUBLIC:
        operation["security"] = [{"session": []}, {"bearer": []}]
    return operation


def _upload() -> dict[str, Any]:
    """Return the one operation whose body is no JSON."""
    headers = {
        "X-File-Name": "percent-encoded UTF-8",
        "X-Time-Zone": "IANA zone of local times in the file",
    }
    return {
        "summary": "Import a file, in any format that `pulsekey formats` names",
        "description": f"For {Access.PATIENT}. Its progress is at {UPLOAD}/{{import}}.",
        "parameters": [
            {"name": name, "in": "header", "description": text, "schema": {"type": "string"}}
            for name, text in headers.items()
        ],
        "requestBody": {"required": True, "content": {"application/octet-stream": {}}},
        "responses": {
            "202": {"description": "Received", "content": _content(shapes.ImportAccepted)},
            **_failures(),
        },
        "security": [{"session": []}, {"bearer": []}],
    }


def _failures() -> dict[str, Any]:
    return {
        str(status): {"description": kind.__name__, "content": _content(Problem)}
        for kind, status in STATUS.items()
    }


def _content(kind: object) -> dict[str, Any]:
    schema = (
        {"$ref": f"#/components/schemas/{getattr(kind, '__name__', '')}"}
        if _is_struct(kind)
        else {"type": "object"}
    )
    return {"application/json": {"schema": schema}}


def _is_struct(kind: object) -> bool:
    return isinstance(kind, type) and issubclass(kind, msgspec.Struct)
