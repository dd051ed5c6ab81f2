"""A small client of a node's own interfaces, for the demonstration: JSON, cookies and FHIR."""

import http.client
import json
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

from pulsekey.primitives.errors import Unavailable

TIMEOUT_SECONDS = 60


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer of the node."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass(slots=True)
class Client:
    """One person at one node: keeps their session cookie, as a browser would."""

    origin: str
    cookie: str = ""
    connection: http.client.HTTPConnection = field(init=False)

    def __post_init__(self) -> None:
        parts = urlsplit(self.origin)
        over_tls = parts.scheme == "https"
        kind = http.client.HTTPSConnection if over_tls else http.client.HTTPConnection
        host = parts.hostname or "localhost"
        self.connection = kind(host, parts.port, timeout=TIMEOUT_SECONDS)

    def get(self, path: str, **query: str) -> Any:
        """Call the JSON interface, and return what it answers."""
        return self._expected(self.call("GET", path + _query(query)))

    def post(self, path: str, body: object = None) -> Any:
        """Call the JSON interface with a body, and return what it answers."""
        content = json.dumps({} if body is None else body).encode()
        return self._expected(
            self.call("POST", path, content, {"Content-Type": "application/json"})
        )

    def upload(self, name: str, content: bytes, zone: str) -> Any:
        """Send a payload."""
        headers = {
            "Content-Type": "application/octet-stream",
            "X-File-Name": quote(name),
            "X-Time-Zone": zone,
        }
        return self._expected(self.call("POST", "/api/imports", content, headers))

    def fhir(self, path: str, token: str, *query: tuple[str, str]) -> Reply:
        """Read through FHIR, whatever the answer is."""
        headers = {"Authorization": f"Bearer {token}", "Accept": "application/fhir+json"}
        return self.call("GET", f"/fhir/R4/{path}" + _query(query), headers=headers)

    def call(
        self, method: str, path: str, body: bytes = b"", headers: dict[str, str] | None = None
    ) -> Reply:
        """Send one request."""
        # A connection that was kept may have been closed by the node while nobody asked anything.
        sent = {"Origin": self.origin, "Connection": "close", **(headers or {})}
        if self.cookie and "Authorization" not in sent:
            sent["Cookie"] = self.cookie
        self.connection.request(method, path, body or None, sent)
        response = self.connection.getresponse()
        content = response.read()
        received = dict(response.getheaders())
        given = response.getheader("set-cookie")
        if given:
            self.cookie = given.partition(";")[0]
        return Reply(response.status, {k.lower(): v for k, v in received.items()}, content)

    def _expected(self, reply: Reply) -> Any:
        if reply.status >= http.HTTPStatus.BAD_REQUEST:
            raise Unavailable(f"the node answered {reply.status}: {reply.body.decode()[:300]}")
        return reply.json


def _query(pairs: "dict[str, str] | tuple[tuple[str, str], ...]") -> str:
    return f"?{urlencode(pairs)}" if pairs else ""
