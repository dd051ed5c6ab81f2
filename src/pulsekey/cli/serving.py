"""Serving an open node: in the foreground for operators, in a thread for the demonstration.

The rule: the port is taken before anything else is done, so that a node which cannot be reached
never opens, and nothing is made or removed for it.
"""

import signal
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import uvicorn

from pulsekey.api.app import build_app
from pulsekey.api.server import server
from pulsekey.portal.pages import pages
from pulsekey.primitives.errors import Unavailable
from pulsekey.settings import Settings
from pulsekey.wiring import Node, background

STARTING_SECONDS_MAX = 30.0


@contextmanager
def listening(settings: Settings) -> Iterator[socket.socket]:
    """Take the address and the port of `settings`; `Unavailable` if somebody else has it."""
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    with socket.socket(family) as taken:
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            taken.bind((settings.host, settings.port))
            # Only listening takes the port for good; who calls early waits until it is served.
            taken.listen()
        except OSError as cause:
            raise Unavailable(
                f"cannot listen on {settings.host}, port {settings.port}:"
                f" {str(cause.strerror).lower()}; stop what listens there,"
                " or set PULSEKEY_PORT and PULSEKEY_HOST"
            ) from None
        yield taken


def serve(node: Node, taken: socket.socket) -> None:
    """Serve until Ctrl-C or SIGTERM, then return, so that the node is closed in order."""
    # The server finishes what it has begun and raises the signal again: also SIGTERM, which
    # would end the process where it stands.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with background(node), suppress(KeyboardInterrupt):
        _server(node).run(sockets=[taken])


@contextmanager
def served(node: Node) -> Iterator[None]:
    """Serve in a thread while the context lasts."""
    with listening(node.settings) as taken:
        running = _server(node)
        thread = threading.Thread(target=running.run, args=([taken],), name="server", daemon=True)
        started = threading.Event()

        def watch() -> None:
            while thread.is_alive() and not running.started:
                thread.join(0.01)
            started.set()

        thread.start()
        threading.Thread(target=watch, daemon=True).start()
        if not started.wait(STARTING_SECONDS_MAX) or not running.started:
            raise Unavailable(f"the server did not start on {node.settings.origin}")
        try:
            yield
        finally:
            running.should_exit = True
            thread.join()


def free_port() -> int:
    """Return a port of this machine that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _server(node: Node) -> uvicorn.Server:
    settings = node.settings
    return server(build_app(node, pages()), settings)
