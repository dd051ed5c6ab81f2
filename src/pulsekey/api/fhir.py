"""The FHIR edge over HTTP: `/fhir/R4`, JSON, read and search, GET and POST `_search`.

Only bearer tokens open it: a cookie would let any page of this site read for whoever is signed in.
"""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from urllib.parse import parse_qsl

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from pulsekey import __version__
from pulsekey.api.callers import bearer_token
from pulsekey.api.endpoint import Lane, body_of
from pulsekey.api.errors import headers_of
from pulsekey.api.rate_limit import Edge, Kind
from pulsekey.api.request_log import TEMPLATE
from pulsekey.exchange.search_records import Answered, Reader
from pulsekey.fhir.capability import Wired, capability
from pulsekey.fhir.outcome import Issue, outcome, refusal
from pulsekey.fhir.search import SUPPORTED
from pulsekey.fhir.systems import MEDIA_TYPE
from pulsekey.identity.sessions import SessionKind
from pulsekey.primitives.clock import Micros
from pulsekey.primitives.errors import MalformedInput, NotAuthenticated, PulsekeyError
from pulsekey.primitives.messages import Said
from pulsekey.wiring import Node

BASE = "/fhir/R4"
RECEIPT = "Pulsekey-Read-Receipt"
FORM = "application/x-www-form-urlencoded"
PARAMETERS_MAX = 200
TYPE_CHARACTERS_MAX = 64
NOTHING: Mapping[str, str] = MappingProxyType({})
JSON_FORMS = ("json", "fhir+json", "*/*", "application/*")

CORS = {
    # No credentials: a bearer token is sent by whoever has it, and cookies open nothing here.
    "Access-Control-Allow-Origin": "*",
    "Access-Control-Expose-Headers": f"ETag, Last-Modified, Location, {RECEIPT}",
}
PREFLIGHT = CORS | {
    "Allow": "GET, HEAD, OPTIONS, POST",
    "Access-Control-Allow-Methods": "GET, POST, OPTIONS",
    "Access-Control-Allow-Headers": "Authorization, Content-Type, Accept, Prefer, If-None-Match",
    "Access-Control-Max-Age": "600",
}
PRIVATE = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}

Served = Callable[[Node, Request, bytes], Response]


def routes() -> list[Route]:
    """Return the routes of the FHIR edge."""
    table: tuple[tuple[str, str, Served], ...] = (
        ("GET", "/metadata", _metadata),
        ("GET", "/{type}", _search_by_query),
        ("POST", "/{type}/_search", _search_by_form),
        ("GET", "/{type}/{id}", _read),
    )
    rows = [_route(method, BASE + path, served) for method, path, served in table]
    return [*rows, Route(BASE + "/{rest:path}", _preflight, methods=["OPTIONS"])]


def _route(method: str, path: str, served: Served) -> Route:
    async def serve(request: Request) -> Response:
        request.scope[TEMPLATE] = path
        try:
            kind = request.path_params.get("type")
            if kind is not None and kind not in SUPPORTED:  # As metadata tells anybody.
                return _unsupported(404, _no_type(kind))
            if served is _metadata:  # All that is answered here without a token.
                edge: Edge = request.app.state.edge
                edge.admit(Kind.METADATA, request)
            content = await body_of(request) if method == "POST" else b""
            lane: Lane = request.app.state.programs
            async with lane:
                return await run_in_threadpool(served, request.app.state.node, request, content)
        except PulsekeyError as error:
            return failure(error)

    return Route(path, serve, methods=[method])


def failure(error: PulsekeyError) -> Response:
    """Return the OperationOutcome of an expected failure."""
    status, body = refusal(error)
    return Response(body, status, CORS | PRIVATE | headers_of(error), MEDIA_TYPE)


def elsewhere(method: str, allowed: str) -> Response:
    """Return what is said under `/fhir` where no route is, or none that takes this method."""
    if method == "OPTIONS":
        return Response(status_code=204, headers=PREFLIGHT)
    if not allowed:
        return _unsupported(404, "There is no such interaction here.")
    text = f"Records are read and searched here, never changed: {allowed} is what this takes."
    return _unsupported(405, text, {"Allow": allowed})


def failed(text: str) -> Response:
    """Return what is said after a bug."""
    body = outcome(Issue("fatal", "exception", text))
    return Response(body, 500, CORS | PRIVATE, MEDIA_TYPE)


def _unsupported(status: int, text: str, headers: Mapping[str, str] = NOTHING) -> Response:
    issue = Issue("error", "not-supported", text, f"GET {BASE}/metadata lists what there is.")
    return Response(outcome(issue), status, CORS | PRIVATE | dict(headers), MEDIA_TYPE)


def _no_type(kind: str) -> str:
    # What is no name is not repeated: whoever made the link chose it.
    if kind.isascii() and kind.isalnum() and len(kind) <= TYPE_CHARACTERS_MAX:
        return f"There is no resource type {kind} here."
    return "There is no such resource type here."


def _metadata(node: Node, request: Request, _: bytes) -> Response:
    _acceptable(request)
    built = node.ledger.genesis.created * 1_000_000
    wired = Wired(node.settings.origin + BASE, SUPPORTED.keys(), __version__, Micros(built))
    return Response(capability(wired), 200, CORS, MEDIA_TYPE)


def _search_by_query(node: Node, request: Request, _: bytes) -> Response:
    return _search(node, request, _reader(node, request), _pairs(request.url.query))


def _search_by_form(node: Node, request: Request, content: bytes) -> Response:
    reader = _reader(node, request)
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != FORM:
        raise MalformedInput(Said("a search is posted as {form}", form=FORM), where="Content-Type")
    try:
        text = content.decode("ascii")
    except UnicodeDecodeError:
        raise MalformedInput("not percent-encoded", where="request body") from None
    return _search(node, request, reader, [*_pairs(request.url.query), *_pairs(text)])


def _search(node: Node, request: Request, reader: Reader, pairs: list[tuple[str, str]]) -> Response:
    _acceptable(request)
    kind = _type(request)
    lenient = "handling=lenient" in request.headers.get("prefer", "").replace(" ", "")
    answered = node.records.search(reader, kind, _local(node, pairs), lenient=lenient)
    return Response(answered.body, 200, CORS | PRIVATE | _receipts(answered), MEDIA_TYPE)


def _read(node: Node, request: Request, _: bytes) -> Response:
    reader = _reader(node, request)
    _acceptable(request)
    answered = node.records.read(reader, _type(request), request.path_params["id"])
    headers = CORS | PRIVATE | _receipts(answered) | {"ETag": f'W/"{answered.version}"'}
    if request.headers.get("if-none-match") == headers["ETag"]:
        return Response(status_code=304, headers=headers)
    return Response(answered.body, 200, headers, MEDIA_TYPE)


async def _preflight(request: Request) -> Response:
    request.scope[TEMPLATE] = BASE + "/{rest}"
    return Response(status_code=204, headers=PREFLIGHT)


def _reader(node: Node, request: Request) -> Reader:
    token = bearer_token(request)
    if token is None:
        raise NotAuthenticated("a bearer token is needed")
    session = node.sessions.authenticate(token, SessionKind.BEARER)
    return Reader(session.principal, session.purpose, session.scopes)


def _type(request: Request) -> str:
    kind: str = request.path_params["type"]
    return kind


def _acceptable(request: Request) -> None:
    accepted = request.headers.get("accept", "*/*").lower()
    if not any(form in accepted for form in JSON_FORMS):
        raise MalformedInput("this node speaks JSON", where="Accept", cure=MEDIA_TYPE)


def _pairs(text: str) -> list[tuple[str, str]]:
    try:
        return parse_qsl(
            text,
            keep_blank_values=True,
            strict_parsing=bool(text),
            errors="strict",
            max_num_fields=PARAMETERS_MAX,
        )
    except ValueError:
        raise MalformedInput("not a query string", where="query") from None


def _local(node: Node, pairs: list[tuple[str, str]]) -> list[tuple[str, str]]:
    """Return the parameters with our own base cut off references to Patients."""
    own = f"{node.settings.origin}{BASE}/"
    return [
        (name, ",".join(part.removeprefix(own) for part in value.split(",")))
        if name.partition(":")[0] in {"patient", "subject"}
        else (name, value)
        for name, value in pairs
    ]


def _receipts(answered: Answered) -> dict[str, str]:
    tokens = [receipt.token() for receipt in answered.receipts]
    return {RECEIPT: ", ".join(tokens)} if tokens else {}
