"""HTTP/1.1 from strangers: what uvicorn's parser leaves open is bounded here.

uvicorn limits neither the head of a request nor the time that it takes, keeps every trailer, and
queues as many pipelined requests as a client sends. The rule: of what a client has sent and the
application has not asked for yet, no more is kept than the limits below, and what was read at once.
"""

import asyncio
from typing import Any

from uvicorn import Config
from uvicorn.protocols.http.httptools_impl import (
    STATUS_LINE,
    HttpToolsProtocol,
    RequestResponseCycle,
)
from uvicorn.server import ServerState

from pulsekey.api.connections import Connections, Doing, Line, Phase
from pulsekey.api.rate_limit import is_trusted, sender
from pulsekey.settings import Network

HEAD_BYTES_MAX = 32_768
TARGET_BYTES_MAX = 16_384
FIELDS_MAX = 100
PIPELINED_MAX = 8
RETRY_SECONDS = 5
BAD_REQUEST, URI_TOO_LONG, FIELDS_TOO_LARGE, UNAVAILABLE = 400, 414, 431, 503


class WatchedConfig(Config):
    """What uvicorn is told, with who watches the connections."""

    def __init__(
        self, *given: Any, connections: Connections, trusted: tuple[Network, ...], **named: Any
    ) -> None:
        super().__init__(*given, **named)
        self.connections = connections
        self.trusted = trusted


class _Refused(Exception):
    """Ends the parsing; the answer has been chosen. Never leaves this file."""


class WatchedProtocol(HttpToolsProtocol):
    """One connection, bounded and watched."""

    def __init__(
        self,
        config: WatchedConfig,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self._connections = config.connections
        self._trusted = config.trusted
        self._line: Line | None = None
        self._refusal = BAD_REQUEST
        self._step = self._taken = 0
        self._whole = True  # No message has begun that is not complete.
        self._in_head = False
        self._head_bytes = self._fields = 0
        self._unseen_bytes = 0  # Fed to the parser since it last told of anything.

    def connection_made(  # type: ignore[override]  # As uvicorn itself declares it.
        self, transport: asyncio.Transport
    ) -> None:
        """Take a place, or say that there is none."""
        super().connection_made(transport)
        peer = self.client[0] if self.client else ""
        trusted = is_trusted(peer, self._trusted)
        self._line = self._connections.enter(self, sender(peer, (), ()), trusted=trusted)
        if self._line is None:
            self._answer(UNAVAILABLE)

    def connection_lost(self, exc: Exception | None) -> None:
        if self._line is not None:
            self._connections.leave(self._line)
        super().connection_lost(exc)

    def doing(self) -> Doing:
        """Say what the connection waits for."""
        return Doing(self._phase(), self._step, self._taken)

    def end(self) -> None:
        """Close now; what was not taken by now is dropped."""
        self.transport.abort()

    def _phase(self) -> Phase:
        cycle: RequestResponseCycle | None = self.cycle
        if self.flow.write_paused:
            return Phase.SENDING
        if self.transport.is_closing():
            return Phase.ENDING
        if self._in_head or cycle is None:
            answering = cycle is not None and not cycle.response_complete
            return Phase.SERVED if answering else Phase.HEAD
        if cycle.response_complete and not self.pipeline:
            return Phase.HEAD if self._whole else Phase.ENDING
        # While nothing is read, it is the application that keeps the client waiting.
        return Phase.SERVED if self._whole or self.flow.read_paused else Phase.BODY

    def data_received(self, data: bytes) -> None:
        """Parse what came; refuse what grows without becoming anything."""
        self._unseen_bytes += len(data)
        super().data_received(data)
        if self._unseen_bytes > HEAD_BYTES_MAX and not self.transport.is_closing():
            self._answer(FIELDS_TOO_LARGE)

    def send_400_response(self, msg: str) -> None:  # noqa: ARG002  Says nothing that helps.
        """Answer what cannot be parsed, or was refused while it was."""
        self._answer(self._refusal)

    def on_message_begin(self) -> None:
        if len(self.pipeline) >= PIPELINED_MAX:
            raise _Refused
        self._in_head, self._whole = True, False
        self._head_bytes = self._fields = self._unseen_bytes = 0
        super().on_message_begin()

    def on_url(self, url: bytes) -> None:
        self._seen(len(url), URI_TOO_LONG, TARGET_BYTES_MAX)
        super().on_url(url)

    def on_header(self, name: bytes, value: bytes) -> None:
        self._fields += 1
        # After the head this is a trailer: uvicorn would add it to the headers of the request.
        if not self._in_head or self._fields > FIELDS_MAX:
            self._refusal = FIELDS_TOO_LARGE if self._in_head else BAD_REQUEST
            raise _Refused
        self._seen(len(name) + len(value), FIELDS_TOO_LARGE, HEAD_BYTES_MAX)
        super().on_header(name, value)

    def on_headers_complete(self) -> None:
        self._in_head = False
        self._step += 1
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        self._taken += len(body)
        self._unseen_bytes = 0
        super().on_body(body)

    def on_message_complete(self) -> None:
        self._whole = True
        self._unseen_bytes = 0
        super().on_message_complete()

    def on_response_complete(self) -> None:
        self._step += 1
        super().on_response_complete()

    def resume_writing(self) -> None:
        self._step += 1
        super().resume_writing()

    def _seen(self, length: int, status: int, most: int) -> None:
        self._unseen_bytes = 0
        self._head_bytes += length
        if self._head_bytes > most:
            self._refusal = status
            raise _Refused

    def _answer(self, status: int) -> None:
        """Say in one line what is the matter, and close."""
        retry = b"retry-after: %d\r\n" % RETRY_SECONDS if status == UNAVAILABLE else b""
        rest = b"content-length: 0\r\nconnection: close\r\n\r\n"
        self.transport.write(STATUS_LINE[status] + retry + rest)
        self.transport.close()
