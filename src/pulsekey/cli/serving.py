"""Serving an open node: in the foreground for operators, in a thread for the demonstration."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from pulsekey.api.app import build_app
from pulsekey.api.server import server
from pulsekey.portal.pages import pages
from pulsekey.primitives.errors import Unavailable
from pulsekey.wiring import Node, background

STARTING_SECONDS_MAX = 30.0


def serve(node: Node) -> None:
    """Serve until interrupted."""
    with background(node):
        settings = node.settings
        server(build_app(node, pages()), settings.host, settings.port).run()


@contextmanager
def served(node: Node) -> Iterator[None]:
    """Serve in a thread while the context lasts."""
    settings = node.settings
    running = server(build_app(node, pages()), settings.host, settings.port)
    thread = threading.Thread(target=running.run, name="server", daemon=True)
    started = threading.Event()

    def watch() -> None:
        while thread.is_alive() and not running.started:
            thread.join(0.01)
        started.set()

    thread.start()
    threading.Thread(target=watch, daemon=True).start()
    if not started.wait(STARTING_SECONDS_MAX) or not running.started:
        raise Unavailable(f"cannot listen on {settings.host}:{settings.port}")
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
