"""What is answered where no route answers: no such address, another method, or a bug.

Each interface keeps its form: an OperationOutcome under `/fhir`, the JSON error under `/api`. The
rule: nothing is told that the capability statement and the OpenAPI document do not tell anybody.
"""

import msgspec
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from pulsekey.api import fhir
from pulsekey.api.endpoint import JSON, PRIVATE, VARY, failure, language_of
from pulsekey.api.errors import document_of
from pulsekey.primitives.errors import MalformedInput, NotFound
from pulsekey.primitives.messages import Said

NOT_FOUND = 404
NOT_ALLOWED = 405
FAILED = "The node failed. Its operator has been told."


async def answer(request: Request, problem: Exception) -> Response:
    """Answer instead of a route; Starlette's handler of its `HTTPException`."""
    status = problem.status_code if isinstance(problem, HTTPException) else NOT_FOUND
    first = request.url.path.split("/")[1]
    if status not in {NOT_FOUND, NOT_ALLOWED} or first not in {"api", "fhir"}:
        said = problem.detail if isinstance(problem, HTTPException) else ""
        headers = problem.headers if isinstance(problem, HTTPException) else None
        return PlainTextResponse(said, status, headers)
    allowed = ", ".join(_methods(request))
    if first == "fhir":
        return fhir.elsewhere(request.method, allowed)
    if not allowed:
        return failure(NotFound("nothing is at this address; /api/openapi.json lists all"), request)
    if request.method == "OPTIONS":
        return Response(status_code=204, headers={"Allow": allowed})
    return _not_allowed(request, allowed)


async def failed(request: Request, _: Exception) -> Response:
    """Answer after a bug. What it was is for the request log, which is told by Starlette."""
    if request.url.path.startswith("/fhir/"):
        return fhir.failed(FAILED)
    document = {"error": "Failure", "message": FAILED}
    return Response(msgspec.json.encode(document), 500, PRIVATE, JSON)


def _not_allowed(request: Request, allowed: str) -> Response:
    language = language_of(request)
    problem = MalformedInput(
        "this method is not taken here", cure=Said("one of {names}", names=allowed)
    )
    document = document_of(problem, language) | {"error": "MethodNotAllowed"}
    headers = PRIVATE | {"Allow": allowed, "Content-Language": language, "Vary": VARY}
    return Response(msgspec.json.encode(document), NOT_ALLOWED, headers, JSON)


def _methods(request: Request) -> list[str]:
    """Return what the routes of a path take together: one path may have several routes."""
    taken: set[str] = set()
    for route in request.app.routes:
        # The portal has a route that takes every path: it is none of an interface's.
        ours = isinstance(route, Route) and route.path.startswith(("/api/", "/fhir/"))
        if ours and route.path_regex.match(request.url.path):
            taken |= route.methods or set()
    return sorted(taken | {"OPTIONS"}) if taken - {"OPTIONS"} else []
