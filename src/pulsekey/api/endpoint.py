"""One row of the JSON interface: what it takes, what it answers, who may call it, and the use case.

The OpenAPI document, the router and the tests that walk every route are made from the same rows.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import msgspec
from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route

from pulsekey.api.callers import COOKIE, Access, Caller, admitted, caller_of
from pulsekey.api.errors import CHALLENGE, document_of, status_of
from pulsekey.api.request_log import TEMPLATE
from pulsekey.primitives.errors import MalformedInput, NotAuthenticated, PulsekeyError
from pulsekey.wiring import Node

BODY_BYTES_MAX = 262_144
JSON = "application/json"
STATUS_UNAUTHENTICATED = 401
_ENUM_VALUE = re.compile("Invalid enum value '.*'", re.DOTALL)
PRIVATE = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}


@dataclass(frozen=True, slots=True)
class Call:
    """One request, parsed. `caller` is None only where anyone may call."""

    caller: Caller | None
    body: Any
    path: Mapping[str, str]
    query: Mapping[str, str]

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

    def route(self) -> Route:
        async def serve(request: Request) -> Response:
            request.scope[TEMPLATE] = self.path
            try:
                return await self._served(request)
            except PulsekeyError as error:
                return failure(error)

        return Route(self.path, serve, methods=[self.method])

    async def _served(self, request: Request) -> Response:
        content = await body_of(request) if self.body is not None else b""
        result = await run_in_threadpool(self._called, request, content)
        answer = result if isinstance(result, Answer) else Answer(result)
        return render(answer, self.status, secure=request.app.state.node.secure)

    def _called(self, request: Request, content: bytes) -> object:
        node: Node = request.app.state.node
        caller = admitted(caller_of(node, request), self.access)
        body = None if self.body is None else decode(content, self.body)
        return self.handler(node, Call(caller, body, request.path_params, request.query_params))


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


async def body_of(request: Request) -> bytes:
    """Return the whole body, bounded."""
    content = bytearray()
    try:
        async for chunk in request.stream():
            content += chunk
            if len(content) > BODY_BYTES_MAX:
                raise MalformedInput(f"longer than {BODY_BYTES_MAX} bytes", where="request body")
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
    if answer.session:
        response.set_cookie(
            COOKIE, answer.session, path="/", httponly=True, secure=secure, samesite="strict"
        )
    elif answer.session == "":
        response.delete_cookie(COOKIE, path="/", httponly=True, secure=secure, samesite="strict")
    return response


def failure(error: PulsekeyError) -> Response:
    """Return the HTTP response of an expected failure."""
    status = status_of(error)
    headers = dict(PRIVATE)
    if status == STATUS_UNAUTHENTICATED:
        headers["WWW-Authenticate"] = CHALLENGE
    return Response(msgspec.json.encode(document_of(error)), status, headers, JSON)
