"""One row of the JSON interface: what it takes, what it answers, who may call it, and the use case.

The OpenAPI document, the router and the tests that walk every route are made from the same rows.
"""

import asyncio
import re
from collections.abc import Callable, Mapping
from contextlib import nullcontext
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

import msgspec
from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route

from pulsekey.api.callers import Access, Caller, admitted, caller_of, cookie_name
from pulsekey.api.errors import document_of, headers_of, status_of
from pulsekey.api.rate_limit import Edge, Kind
from pulsekey.api.request_log import TEMPLATE
from pulsekey.primitives.errors import MalformedInput, NotAuthenticated, PulsekeyError
from pulsekey.primitives.messages import DEFAULT, Said, preferred
from pulsekey.wiring import Node

BODY_BYTES_MAX = 262_144
JSON = "application/json"
_ENUM_VALUE = re.compile("Invalid enum value '.*'", re.DOTALL)
VARY = "Accept-Language"
PRIVATE = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}


@dataclass(frozen=True, slots=True)
class Query:
    """A query parameter that an endpoint takes, as the OpenAPI document names it."""

    name: str
    kind: Literal["string", "integer"]
    text: str


@dataclass(frozen=True, slots=True)
class Call:
    """One request, parsed. `caller` is None only where anyone may call.

    `query` holds what was given of the endpoint's own parameters, each once.
    """

    caller: Caller | None
    body: Any
    path: Mapping[str, str]
    query: Mapping[str, str]
    language: str = DEFAULT
    """What the caller reads, by `Accept-Language`."""

    @property
    def who(self) -> Caller:
        """The caller of an endpoint that is not public."""
        if self.caller is None:
            raise NotAuthenticated("sign in first")
        return self.caller


@dataclass(frozen=True, slots=True)
class Answer:
    """What a use case answers, with what only HTTP can say."""

    content: object
    session: str | None = None
    """The token of a new portal session, or "" to end it."""

    media_type: str = JSON
    file_name: str = ""


Handler = Callable[[Node, Call], object]
Lane: TypeAlias = asyncio.Semaphore
"""How many requests of a kind may be worked on at a time; the others wait in their order."""

LANE_WIDTH = 4
"""Python works on one at a time anyway; more would only take turns away from everybody else."""


@dataclass(frozen=True, slots=True)
class Endpoint:
    method: str
    path: str
    summary: str
    access: Access
    handler: Handler
    body: type[msgspec.Struct] | None = None
    answer: object = field(default=dict)
    status: int = 200
    query: tuple[Query, ...] = ()
    metered: Kind | None = None
    """What is limited here, where anybody may call and a call costs something."""

    signs_in: bool = False
    """Whether an answer says that somebody was recognised."""

    def route(self) -> Route:
        async def serve(request: Request) -> Response:
            request.scope[TEMPLATE] = self.path
            try:
                return await self._served(request)
            except PulsekeyError as error:
                return failure(error, request)

        return Route(self.path, serve, methods=[self.method])

    async def _served(self, request: Request) -> Response:
        edge: Edge = request.app.state.edge
        if self.metered is not None:
            edge.admit(self.metered, request)
        content = await body_of(request) if self.body is not None else b""
        # Opening records is what takes time: so many at a time, and never in the way of a stop.
        lane: Lane | None = request.app.state.readers if self.access is Access.READER else None
        async with lane or nullcontext():
            result = await run_in_threadpool(self._called, request, content)
        if self.signs_in:
            edge.recognise(request)
        answer = result if isinstance(result, Answer) else Answer(result)
        return render(answer, self.status, secure=request.app.state.node.secure)

    def _called(self, request: Request, content: bytes) -> object:
        node: Node = request.app.state.node
        caller = admitted(caller_of(node, request), self.access)
        body = None if self.body is None else decode(content, self.body)
        query = self._asked(request.query_params.multi_items())
        asked = Call(caller, body, request.path_params, query, language_of(request))
        return self.handler(node, asked)

    def _asked(self, pairs: list[tuple[str, str]]) -> dict[str, str]:
        """Return the query by its declared parameters, each given once.

        An unknown one is refused like an unknown member of a body: a typo must not be ignored.
        """
        known = {one.name: one for one in self.query}
        asked: dict[str, str] = {}
        for name, value in pairs:
            if name not in known or name in asked:
                cure = ", ".join(known) or "none"
                raise MalformedInput("an unknown or repeated parameter", where="query", cure=cure)
            asked[name] = value
        return asked


def decode(content: bytes, shape: type[msgspec.Struct]) -> msgspec.Struct:
    """Return the body as `shape`; raise `MalformedInput` naming the member that does not fit."""
    try:
        return msgspec.json.decode(content or b"{}", type=shape)
    except msgspec.DecodeError as problem:
        # msgspec names the member and the expected type, and the value of an enumeration only.
        told = _ENUM_VALUE.sub("Invalid value", str(problem))
        raise MalformedInput(told, where="request body") from None
    except (UnicodeDecodeError, RecursionError):
        raise MalformedInput(
            "not UTF-8, or nested too deeply", where="request body", cure="send plain JSON"
        ) from None


def require_plain(request: Request) -> None:
    """Raise `MalformedInput` for a body that was compressed on its way (RFC 9110, 8.4)."""
    if request.headers.get("content-encoding", "identity").strip().lower() != "identity":
        raise MalformedInput(
            "a compressed request", where="Content-Encoding", cure="send the file as it is"
        )


async def body_of(request: Request) -> bytes:
    """Return the whole body, bounded."""
    require_plain(request)
    content = bytearray()
    try:
        async for chunk in request.stream():
            content += chunk
            if len(content) > BODY_BYTES_MAX:
                raise MalformedInput(
                    Said("longer than {most} bytes", most=BODY_BYTES_MAX), where="request body"
                )
    except ClientDisconnect:
        raise MalformedInput("cut short", where="request body") from None
    return bytes(content)


def render(answer: Answer, status: int, *, secure: bool) -> Response:
    """Return the HTTP response of an answer."""
    content = answer.content
    raw = content if isinstance(content, bytes) else msgspec.json.encode(content)
    headers = dict(PRIVATE)
    if answer.file_name:
        headers["Content-Disposition"] = f'attachment; filename="{answer.file_name}"'
    response = Response(raw, status, headers, answer.media_type)
    name = cookie_name(secure=secure)
    if answer.session:
        response.set_cookie(
            name, answer.session, path="/", httponly=True, secure=secure, samesite="strict"
        )
    elif answer.session == "":
        response.delete_cookie(name, path="/", httponly=True, secure=secure, samesite="strict")
    return response


def language_of(request: Request) -> str:
    """Return the language to answer in, by `Accept-Language` (RFC 9110, 12.5.4)."""
    return preferred(request.headers.get("accept-language", ""))


def failure(error: PulsekeyError, request: Request) -> Response:
    """Return the HTTP response of an expected failure."""
    language = language_of(request)
    content = msgspec.json.encode(document_of(error, language))
    headers = PRIVATE | headers_of(error) | {"Content-Language": language, "Vary": VARY}
    return Response(content, status_of(error), headers, JSON)
