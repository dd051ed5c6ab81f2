"""The portal's pages as routes: shells without anybody's data, which a module fills over `/api`.

The rule: nothing that a page may hold comes from here but words, so a shell can be shown to
anybody; and no shell allows a script, a style or a frame that is not our own file.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

from jinja2 import Environment, PackageLoader, StrictUndefined
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Match, Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

from pulsekey.consent.sentence import LANGUAGES as CONSENT_LANGUAGES
from pulsekey.consent.sentence import released
from pulsekey.portal import catalogue

LANGUAGE_COOKIE = "pulsekey_language"
LANGUAGE_SECONDS = 365 * 86_400
FORM_BYTES_MAX = 4_096
TEMPLATE = "pulsekey.template"
"""Where the request log looks for the route template of a request."""

STATIC = Path(str(resources.files("pulsekey.portal") / "static"))

CONTENT_SECURITY_POLICY = (
    "default-src 'self'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'; "
    "require-trusted-types-for 'script'; trusted-types 'none'"
)
"""CSP Level 3 with Trusted Types: markup from text cannot be made at all."""

SAFE: Mapping[str, str] = {
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
}
REVALIDATE = {"Cache-Control": "no-cache"}
"""Files are asked for again each time: a page and its modules are always of one release."""

TYPES = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".json": "application/json",
    ".md": "text/plain; charset=utf-8",
    ".svg": "image/svg+xml",
    ".LICENSE": "text/plain; charset=utf-8",
}


@dataclass(frozen=True, slots=True)
class Page:
    """One page. `role` decides the navigation; `results`: it shows measurements or a chart."""

    path: str
    name: str
    role: str = ""
    template: str = ""
    results: bool = False

    @property
    def file(self) -> str:
        return f"{self.template or self.name}.html"


PAGES = (
    Page("/", "welcome"),
    Page("/sign-in", "sign-in"),
    Page("/register", "register"),
    Page("/register/clinician", "register-clinician"),
    Page("/invited", "invited"),
    Page("/set-up", "set-up"),
    Page("/record", "record", "patient", results=True),
    Page("/record/{series}", "series", "patient", results=True),
    Page("/chart", "chart", "patient", results=True),
    Page("/upload", "upload", "patient"),
    Page("/grant", "grant", "patient"),
    Page("/consents", "consents", "patient"),
    Page("/reads", "reads", "patient"),
    Page("/passkeys", "passkeys", "patient"),
    Page("/evidence", "evidence"),
    Page("/patients", "patients", "clinician"),
    Page("/patients/{patient}", "patient-record", "clinician", "record", results=True),
    Page(
        "/patients/{patient}/series/{series}", "patient-series", "clinician", "series", results=True
    ),
    Page("/patients/{patient}/chart", "patient-chart", "clinician", "chart", results=True),
    Page("/people", "people", "operator"),
    Page("/actions", "actions", "operator"),
    Page("/operator/passkeys", "operator-passkeys", "operator", "staff-passkeys"),
    Page("/clinician/passkeys", "clinician-passkeys", "clinician", "staff-passkeys"),
)

NOT_FOUND = Page("/{path}", "not-found")
"""What is shown where there is no page; its path only names it in the log."""

MACHINES = (["api"], ["fhir"], ["static"], ["messages"], ["consent-texts"])
"""First parts of paths that programs ask for: nothing there is answered with a page."""

TABS = {
    "": (),
    "patient": ("record", "chart", "upload", "grant", "consents", "reads", "passkeys"),
    "clinician": ("patients", "clinician-passkeys"),
    "operator": ("people", "actions", "operator-passkeys"),
}
"""What the navigation of a role offers, by page name."""

_PATHS = {page.name: page.path for page in PAGES}
_TEMPLATES = Environment(
    loader=PackageLoader("pulsekey.portal"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)


class Files(StaticFiles):
    """Our own files, each with the type that we say it has."""

    async def get_response(self, path: str, scope: Scope) -> Response:
        scope[TEMPLATE] = "/static/{file}"
        response = await super().get_response(path, scope)
        kind = TYPES.get(Path(path).suffix)
        if kind and response.status_code == 200:
            response.headers["Content-Type"] = kind
        response.headers.update({**SAFE, **REVALIDATE})
        return response


class Nowhere(Route):
    """Any path that a person asks for. What programs ask for keeps its own answer, 405 too."""

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        asked = scope["type"] == "http" and scope["method"] in {"GET", "HEAD"}
        if not asked or scope["path"].split("/")[1:2] in MACHINES:
            return Match.NONE, {}
        return super().matches(scope)


def pages() -> list[BaseRoute]:
    """Return the routes of the portal, to be mounted beside the JSON interface."""
    return [
        *(_route(page) for page in PAGES),
        Route("/language", choose_language, methods=["POST"]),
        Route("/messages/{language}.json", portal_messages),
        Route("/consent-texts/{language}.json", consent_texts),
        Mount("/static", Files(directory=STATIC), name="static"),
        Nowhere("/{path:path}", not_found, name="not-found"),
    ]


def _route(page: Page) -> Route:
    async def shown(request: Request) -> Response:
        request.scope[TEMPLATE] = page.path
        return Response(
            render(page, language_of(request), request.path_params, request.url.path),
            headers={**SAFE, **REVALIDATE, "Vary": "Accept-Language, Cookie"},
            media_type="text/html",
        )

    return Route(page.path, shown, name=page.name)


async def not_found(request: Request) -> Response:
    """Answer 404 with a page in the portal's look."""
    request.scope[TEMPLATE] = NOT_FOUND.path
    return Response(
        render(NOT_FOUND, language_of(request), {}, "/"),
        status_code=404,
        headers={**SAFE, **REVALIDATE, "Vary": "Accept-Language, Cookie"},
        media_type="text/html",
    )


def render(page: Page, language: str, ids: Mapping[str, str], path: str) -> str:
    """Return the shell of a page. `ids` are opaque and come back escaped, as data attributes."""

    def t(key: str, **values: str) -> str:
        return catalogue.text(language, key, **values)

    return _TEMPLATES.get_template(page.file).render(
        t=t,
        page=page,
        language=language,
        languages=catalogue.OWN_NAMES,
        tabs=[(name, _PATHS[name]) for name in TABS[page.role]],
        active=_tab(page),
        patient=ids.get("patient", ""),
        series=ids.get("series", ""),
        path=path,
    )


def _tab(page: Page) -> str:
    """Return the tab under which a page lies: a series under the record, a patient under all."""
    if page.name in TABS[page.role]:
        return page.name
    return "patients" if page.role == "clinician" else page.name.replace("series", "record")


def language_of(request: Request) -> str:
    """Return the language to answer a request in."""
    return catalogue.preferred(
        request.cookies.get(LANGUAGE_COOKIE), request.headers.get("accept-language", "")
    )


async def choose_language(request: Request) -> Response:
    """Keep the chosen language in a cookie and go back to the page it was chosen on."""
    request.scope[TEMPLATE] = "/language"
    content = bytearray()
    async for chunk in request.stream():
        content += chunk
        if len(content) > FORM_BYTES_MAX:
            return Response(status_code=413)
    fields = parse_qs(content.decode("utf-8", "replace"))
    language, back = fields.get("language", [""])[0], fields.get("back", ["/"])[0]
    response = RedirectResponse(_own_path(back), status_code=303)
    if language in catalogue.LANGUAGES:
        response.set_cookie(
            LANGUAGE_COOKIE,
            language,
            max_age=LANGUAGE_SECONDS,
            httponly=True,
            secure=request.app.state.node.secure,
            samesite="lax",
        )
    return response


def _own_path(back: str) -> str:
    """Return `back` if it is a path on this node, else the first page: no open redirect."""
    parts = urlsplit(back)
    own = not parts.scheme and not parts.netloc and back.startswith("/") and "\\" not in back
    return parts.path if own and not back.startswith("//") else "/"


async def portal_messages(request: Request) -> Response:
    """Answer the portal's words in one language."""
    request.scope[TEMPLATE] = "/messages/{language}.json"
    language = request.path_params["language"]
    if language not in catalogue.LANGUAGES:
        return Response(status_code=404)
    return _json(catalogue.source(language))


async def consent_texts(request: Request) -> Response:
    """Answer the words of the consent sentence by version, for the page that makes it again."""
    request.scope[TEMPLATE] = "/consent-texts/{language}.json"
    language = request.path_params["language"]
    if language not in CONSENT_LANGUAGES:
        return Response(status_code=404)
    return _json(json.dumps(released(language), ensure_ascii=False).encode())


def _json(content: bytes) -> Response:
    return Response(content, headers={**SAFE, **REVALIDATE}, media_type="application/json")
