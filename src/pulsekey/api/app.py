"""The ASGI application: routes over a node that is open. Nothing is decided here."""

from collections.abc import Iterable

import msgspec
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route
from starlette.types import ASGIApp

from pulsekey.api import (
    fhir,
    nowhere,
    openapi,
    routes_account,
    routes_offers,
    routes_operator,
    routes_passkeys,
    routes_patient,
    routes_reading,
)
from pulsekey.api.callers import cookie_name
from pulsekey.api.endpoint import LANE_WIDTH, Endpoint, Lane
from pulsekey.api.rate_limit import Edge, RateLimit
from pulsekey.api.request_log import TEMPLATE, RequestLog
from pulsekey.wiring import Node

ENDPOINTS: tuple[Endpoint, ...] = (
    *routes_account.ENDPOINTS,
    *routes_passkeys.ENDPOINTS,
    *routes_offers.ENDPOINTS,
    *routes_patient.ENDPOINTS,
    *routes_reading.ENDPOINTS,
    *routes_operator.ENDPOINTS,
)
OPENAPI = "/api/openapi.json"


def build_app(node: Node, pages: Iterable[BaseRoute] = ()) -> ASGIApp:
    """Return the application of `node`, with the portal's pages if there are any."""
    routes: list[BaseRoute] = [
        *(endpoint.route() for endpoint in ENDPOINTS),
        routes_patient.upload_route(),
        Route(OPENAPI, _openapi),
        *fhir.routes(),
        *pages,
    ]
    app = Starlette(
        routes=routes,
        exception_handlers={HTTPException: nowhere.answer, Exception: nowhere.failed},
    )
    # A redirect would go to whatever host the request names.
    app.router.redirect_slashes = False
    app.state.node = node
    app.state.programs, app.state.readers = Lane(LANE_WIDTH), Lane(LANE_WIDTH)
    settings = node.settings
    limit = RateLimit(
        node.clock,
        per_address=settings.anonymous_per_address_max,
        together=settings.anonymous_max,
    )
    app.state.edge = Edge(limit, settings.trusted_proxies)
    return RequestLog(app)


async def _openapi(request: Request) -> Response:
    request.scope[TEMPLATE] = OPENAPI
    cookie = cookie_name(secure=request.app.state.node.secure)
    content = msgspec.json.encode(openapi.document(ENDPOINTS, cookie))
    return Response(content, media_type="application/json")
