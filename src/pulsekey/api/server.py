"""Serving a node over HTTP with uvicorn. Its own access log stays off: it would write paths.

It speaks up only where something is wrong: that the node is served is told by who serves it.
"""

import logging

import uvicorn
from starlette.types import ASGIApp

GRACE_SECONDS = 10


def server(app: ASGIApp, host: str, port: int) -> uvicorn.Server:
    """Return a server that is ready to run."""
    config = uvicorn.Config(
        app,
        host=host,
        port=port,
        access_log=False,
        # uvicorn would believe X-Forwarded-For of any program on this machine; see rate_limit.py.
        proxy_headers=False,
        log_config=None,
        log_level=logging.WARNING,
        server_header=False,
        timeout_graceful_shutdown=GRACE_SECONDS,
    )
    return uvicorn.Server(config)
