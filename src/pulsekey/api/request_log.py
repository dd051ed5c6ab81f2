"""The request log: method, route template, status, time. Never a path as sent, query or header.

A path holds ids and a query holds codes and dates, so neither is written; a request that no route
matches is logged as such.
"""

import logging
import time
from pathlib import Path

from starlette.types import ASGIApp, Message, Receive, Scope, Send

LOG = logging.getLogger("pulsekey.requests")
TEMPLATE = "pulsekey.template"
"""Where a matched endpoint leaves its route template in the ASGI scope."""


STATUS_FAILED = 500
FAILED = b'{"error":"Failure","message":"The node failed. Its operator has been told."}'


class RequestLog:
    """ASGI middleware; the outermost."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started = time.perf_counter()
        status, started_response = STATUS_FAILED, False

        async def watched(message: Message) -> None:
            nonlocal status, started_response
            if message["type"] == "http.response.start":
                status, started_response = message["status"], True
            await send(message)

        try:
            await self._app(scope, receive, watched)
        except Exception as bug:  # noqa: BLE001  A bug: told to the operator, without its message.
            status = STATUS_FAILED
            LOG.error("%s at %s", type(bug).__name__, _places(bug))  # noqa: TRY400  No traceback.
            if not started_response:
                await _failed(send)
        finally:
            LOG.info(
                "%s %s %d %.1f ms",
                scope["method"] if scope["method"].isalpha() else "?",
                scope.get(TEMPLATE, "(no route)"),
                status,
                (time.perf_counter() - started) * 1_000,
            )


async def _failed(send: Send) -> None:
    headers = [(b"content-type", b"application/json"), (b"cache-control", b"no-store")]
    await send({"type": "http.response.start", "status": STATUS_FAILED, "headers": headers})
    await send({"type": "http.response.body", "body": FAILED})


def _places(bug: Exception) -> str:
    """Return files and lines, innermost first: a message could hold what a person sent."""
    places = []
    trace = bug.__traceback__
    while trace is not None:
        places.append(f"{Path(trace.tb_frame.f_code.co_filename).name}:{trace.tb_lineno}")
        trace = trace.tb_next
    return " < ".join(reversed(places))
