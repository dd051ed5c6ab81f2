"""Serving a node over HTTP with uvicorn. Its own access log stays off: it would write paths.

It speaks up only where something is wrong: that the node is served is told by who serves it.
"""

import contextlib
import logging
import sys
import time
from collections.abc import Callable

import uvicorn
from starlette.types import ASGIApp

from pulsekey.api.connections import Connections, Limits, affordable
from pulsekey.api.http_protocol import WatchedConfig, WatchedProtocol
from pulsekey.settings import Settings

GRACE_SECONDS = 10
TICKS_PER_SWEEP = 10
"""uvicorn ticks ten times a second."""

DESCRIPTORS_MAX = 16_384
"""As many as are asked of the system, whatever it would give."""


class WatchedServer(uvicorn.Server):
    """uvicorn's server, which sweeps the connections once a second."""

    def __init__(self, config: WatchedConfig) -> None:
        super().__init__(config)
        self.connections = config.connections

    async def on_tick(self, counter: int) -> bool:
        if counter % TICKS_PER_SWEEP == 0:
            self.connections.sweep()
        return await super().on_tick(counter)


def server(
    app: ASGIApp, settings: Settings, seconds: Callable[[], float] = time.monotonic
) -> WatchedServer:
    """Return a server that is ready to run."""
    limits = Limits(
        together=affordable(settings.connections_max, raised_descriptors()),
        per_address=settings.connections_per_address_max,
    )
    config = WatchedConfig(
        app,
        connections=Connections(limits, seconds),
        trusted=settings.trusted_proxies,
        host=settings.host,
        port=settings.port,
        http=WatchedProtocol,
        ws="none",
        access_log=False,
        # uvicorn would believe X-Forwarded-For of any program on this machine; see rate_limit.py.
        proxy_headers=False,
        log_config=None,
        # That a stranger's request cannot be parsed is nothing that the operator could mend.
        log_level=logging.ERROR,
        server_header=False,
        timeout_graceful_shutdown=GRACE_SECONDS,
    )
    return WatchedServer(config)


def raised_descriptors() -> int:
    """Ask for as many file descriptors as this process may have, and return how many those are."""
    if sys.platform == "win32":
        return DESCRIPTORS_MAX  # Sockets there are no descriptors and have no such limit.
    import resource  # noqa: PLC0415  There is none on Windows.

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = DESCRIPTORS_MAX if hard == resource.RLIM_INFINITY else min(hard, DESCRIPTORS_MAX)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        with contextlib.suppress(ValueError, OSError):  # Some systems allow less than they say.
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
        soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return DESCRIPTORS_MAX if soft == resource.RLIM_INFINITY else soft
