"""A node of tests/fakes/node_clinic.py behind a real HTTP server, and who calls it."""

import http.client
import json
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

from starlette.routing import BaseRoute

from pulsekey.api.app import build_app
from pulsekey.api.callers import COOKIE
from pulsekey.api.server import server
from pulsekey.wiring import Node
from tests.fakes.node_clinic import Member

STARTING_SECONDS_MAX = 30.0
FHIR = "/fhir/R4"


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer, header names in lower case; several of one name are joined."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def same(self) -> tuple[int, dict[str, str], bytes]:
        """What has to be equal where two answers must look alike: all but the time."""
        return self.status, {k: v for k, v in self.headers.items() if k != "date"}, self.body

    @property
    def entries(self) -> list[Any]:
        """The matches of a searchset."""
        found = self.json["entry"]
        return [one["resource"] for one in found if one["search"]["mode"] == "match"]

    @property
    def next(self) -> str:
        """The link to the next page, "" if this is the last."""
        links = {link["relation"]: link["url"] for link in self.json["link"]}
        return str(links.get("next", ""))


@dataclass(frozen=True, slots=True)
class Site:
    """Where the node is served."""

    node: Node

    @property
    def origin(self) -> str:
        return self.node.settings.origin

    def call(
        self,
        method: str,
        path: str,
        body: bytes | None = None,
        headers: dict[str, str] | None = None,
    ) -> Reply:
        """Send one request on a connection of its own, with these headers and no other."""
        path = path.removeprefix(self.origin)
        connection = http.client.HTTPConnection(
            self.node.settings.host, self.node.settings.port, timeout=60
        )
        try:
            connection.request(method, path, body, headers or {})
            response = connection.getresponse()
            content = response.read()
            names = {name.lower() for name, _ in response.getheaders()}
            received = {name: response.getheader(name) or "" for name in names}
            return Reply(response.status, received, content)
        finally:
            connection.close()

    def as_anyone(self) -> "Caller":
        return Caller(self)

    def in_portal(self, member: Member) -> "Caller":
        """Somebody with a portal session, on our own pages."""
        cookie = {"Cookie": f"{COOKIE}={member.portal()}", "Origin": self.origin}
        return Caller(self, cookie)

    def with_token(
        self, member: Member, purpose: str = "TREAT", scopes: tuple[str, ...] = ("user/*.read",)
    ) -> "Caller":
        """Somebody's program, with a bearer token."""
        return Caller(self, {"Authorization": f"Bearer {member.bearer(purpose, scopes)}"})


@dataclass(frozen=True, slots=True)
class Caller:
    """Sends the same headers with every request."""

    site: Site
    headers: dict[str, str] = field(default_factory=dict)

    def get(self, path: str, **headers: str) -> Reply:
        return self.site.call("GET", path, None, self.headers | _spelt(headers))

    def post(self, path: str, body: object = None, **headers: str) -> Reply:
        """Post JSON; bytes are sent as they are."""
        content = body if isinstance(body, bytes) else json.dumps(body or {}).encode()
        sent = {"Content-Type": "application/json"} | self.headers | _spelt(headers)
        return self.site.call("POST", path, content, sent)

    def fhir(self, path: str, *query: tuple[str, str]) -> Reply:
        """Read or search."""
        return self.get(f"{FHIR}/{path}" + (f"?{urlencode(query)}" if query else ""))

    def fhir_post(self, kind: str, *query: tuple[str, str]) -> Reply:
        """Search with a form."""
        form = {"Content-Type": "application/x-www-form-urlencoded"}
        content = urlencode(query).encode()
        return self.site.call("POST", f"{FHIR}/{kind}/_search", content, self.headers | form)

    def upload(self, name: str, content: bytes, zone: str = "Europe/Paris") -> Reply:
        headers = {"X-File-Name": name, "X-Time-Zone": zone}
        return self.site.call("POST", "/api/imports", content, self.headers | headers)


@contextmanager
def served(
    node: Node,
    pages: Iterable[BaseRoute] = (),
    seconds: Callable[[], float] = time.monotonic,
) -> Iterator[Site]:
    """Serve a node in a thread of this process while the context lasts.

    `seconds` is the clock by which slow connections are closed.
    """
    running = server(build_app(node, pages), node.settings, seconds)
    thread = threading.Thread(target=running.run, name="served node", daemon=True)
    thread.start()
    try:
        while not running.started and thread.is_alive():
            thread.join(0.005)
        assert running.started, "the port is taken"
        yield Site(node)
    finally:
        running.should_exit = True
        thread.join()


def _spelt(headers: dict[str, str]) -> dict[str, str]:
    return {name.replace("_", "-"): value for name, value in headers.items()}
