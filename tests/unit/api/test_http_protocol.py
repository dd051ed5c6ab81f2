"""What a client may send on one connection, on a real socket: bounded, and never two readings."""

import itertools
import socket
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import pytest

from pulsekey.api.http_protocol import (
    FIELDS_MAX,
    HEAD_BYTES_MAX,
    PIPELINED_MAX,
    TARGET_BYTES_MAX,
)
from tests.fakes.node_clinic import Clinic, opened_clinic
from tests.fakes.node_http import Site, served

SECONDS_MAX = 60
GET = b"GET /api/me HTTP/1.1\r\nHost: x\r\n"
POST = b"POST /api/sign-in HTTP/1.1\r\nHost: x\r\n"
END = b"\r\n"
CLOSE = b"Connection: close\r\n\r\n"


@contextmanager
def connected(site: Site) -> Iterator[socket.socket]:
    settings = site.node.settings
    with socket.create_connection((settings.host, settings.port), timeout=SECONDS_MAX) as found:
        yield found


def said(site: Site, *sent: bytes) -> bytes:
    """Return all that is answered until the node closes."""
    with connected(site) as connection:
        return exchanged(connection, *sent)


def exchanged(connection: socket.socket, *sent: bytes) -> bytes:
    answer = b""
    try:
        for part in sent:
            connection.sendall(part)
        while part := connection.recv(65_536):
            answer += part
    except (ConnectionResetError, BrokenPipeError):
        pass  # Closed while more was on its way.
    return answer


def statuses(answer: bytes) -> list[bytes]:
    return [part[:3] for part in answer.split(b"HTTP/1.1 ")[1:]]


def test_a_request_of_an_ordinary_size_is_answered(site: Site) -> None:
    fields = b"".join(b"X-%d: %s\r\n" % (number, b"v" * 200) for number in range(50))
    assert statuses(said(site, GET + fields + CLOSE)) == [b"200"]


@pytest.mark.parametrize(
    ("request_head", "status"),
    [
        (GET + b"X: " + b"v" * HEAD_BYTES_MAX + END + CLOSE, b"431"),
        (GET + b"X" * HEAD_BYTES_MAX + b": v" + END + CLOSE, b"431"),
        (GET + b"X: v\r\n" * FIELDS_MAX + CLOSE, b"431"),
        (GET + b"X: v\r\n" * 1_000_000, b"431"),
        (b"GET /?" + b"a" * TARGET_BYTES_MAX + b" HTTP/1.1\r\nHost: x\r\n" + CLOSE, b"414"),
        (b"GET /?" + b"a" * 10_000_000, b"414"),
    ],
)
def test_a_head_is_bounded(site: Site, request_head: bytes, status: bytes) -> None:
    # Sent on a loopback, the answer may be lost in the reset; what is answered is the refusal.
    assert statuses(said(site, request_head)) in ([status], [])
    assert site.as_anyone().get("/api/me").status == 200


def test_a_field_that_never_ends_is_not_kept(site: Site) -> None:
    answer = said(site, GET + b"X: ", *[b"v" * 100_000] * 100)
    assert statuses(answer) in ([b"431"], [])


@pytest.mark.parametrize(
    "smuggled",
    [
        POST + b"Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + GET + CLOSE,
        POST + b"Transfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n0\r\n\r\n" + GET + CLOSE,
        POST + b"Content-Length: 0\r\nContent-Length: 5\r\n\r\nhello" + GET + CLOSE,
        POST + b"Content-Length: 0, 5\r\n\r\nhello" + GET + CLOSE,
        POST + b"Content-Length: +5\r\n\r\nhello" + GET + CLOSE,
        POST + b"Content-Length: -1\r\n\r\n" + GET + CLOSE,
        POST + b"Content-Length : 5\r\n\r\nhello" + GET + CLOSE,
        POST + b"Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n" + GET + CLOSE,
        POST + b"Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n" + GET + CLOSE,
        POST + b"Transfer-Encoding\x0b: chunked\r\n\r\n0\r\n\r\n" + GET + CLOSE,
        POST + b"X: a\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + GET + CLOSE,
        POST + b"Transfer-Encoding: chunked\r\n\r\n0x2\r\nhi\r\n0\r\n\r\n" + GET + CLOSE,
        POST + b"Transfer-Encoding: chunked\r\n\r\n2\nhi\r\n0\r\n\r\n" + GET + CLOSE,
        POST + b"Transfer-Encoding: chunked\r\n\r\n0\r\nCookie: a=b\r\n\r\n" + GET + CLOSE,
        GET + b" folded: x\r\n" + CLOSE,
        b"GET http://[ HTTP/1.1\r\nHost: x\r\n" + CLOSE,
        b"CONNECT x:443 HTTP/1.1\r\nHost: x\r\n" + CLOSE,
    ],
)
def test_what_two_readers_could_read_differently_is_refused(site: Site, smuggled: bytes) -> None:
    found = statuses(said(site, smuggled))
    # Nothing that follows a body of doubtful length is taken for a request.
    assert b"200" not in found
    assert found[-1:] in ([b"400"], [])


def test_requests_in_a_row_are_answered_in_order(site: Site) -> None:
    row = GET + END + b"GET /api/nothing HTTP/1.1\r\nHost: x\r\n\r\n" + GET + CLOSE
    assert statuses(said(site, row)) == [b"200", b"404", b"200"]


def test_more_requests_in_a_row_than_are_kept_end_the_connection(site: Site) -> None:
    answer = said(site, (GET + END) * (PIPELINED_MAX + 200))
    assert len(statuses(answer)) <= PIPELINED_MAX + 3


def test_an_upgrade_is_not_made(site: Site) -> None:
    upgrade = b"Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: x\r\n\r\n"
    with connected(site) as connection:
        connection.sendall(GET + upgrade)
        assert connection.recv(65_536).startswith(b"HTTP/1.1 200")


def test_a_compressed_body_is_refused_by_name(clinic: Clinic, site: Site) -> None:
    caller = site.in_portal(clinic.patient())
    for path in ("/api/offers/stop", "/api/imports"):
        reply = caller.post(path, b"{}", Content_Encoding="gzip")
        assert reply.status == 400
        assert reply.json["where"] == "Content-Encoding"


def test_a_newcomer_is_answered_while_half_sent_requests_hold_every_place(tmp_path: Path) -> None:
    with (
        opened_clinic(tmp_path / "node", connections_max=8) as clinic,
        served(clinic.node) as site,
        ExitStack() as stack,
    ):
        held = [stack.enter_context(connected(site)) for _ in range(40)]
        for one in held:
            with suppress(OSError):  # It has given way already.
                one.sendall(GET + b"X: half")
        for _ in range(20):
            assert site.as_anyone().get("/api/me").status == 200
        for one in held[:32]:
            assert exchanged(one) == b""  # Ends, because the node has closed it.


@pytest.mark.parametrize(
    "half",
    [
        b"",
        b"G",
        GET,
        POST + b"Content-Length: 10\r\n\r\nhalf",
        # Answered, with a body that does not end.
        b"POST /api/nothing HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nhalf",
        # A half request on a connection that was used before.
        GET + END + GET,
    ],
)
def test_whatever_a_client_begins_and_leaves_is_closed(clinic: Clinic, half: bytes) -> None:
    with served(clinic.node, seconds=hurrying()) as site, connected(site) as connection:
        exchanged(connection, half)  # Returns because the node closes.


def test_a_client_that_takes_no_answer_is_closed(clinic: Clinic) -> None:
    with served(clinic.node, seconds=hurrying()) as site, connected(site) as connection:
        asked = itertools.repeat(b"GET /api/openapi.json HTTP/1.1\r\nHost: x\r\n\r\n")
        with suppress(ConnectionResetError, BrokenPipeError):
            for one in asked:  # Ends because the node closes.
                connection.sendall(one)


def hurrying() -> Callable[[], float]:
    """Return a clock by which every deadline has passed when it is next looked at."""
    return itertools.count(0.0, 1_000.0).__next__
