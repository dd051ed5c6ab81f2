"""What a patient sees and does about their own record, besides signing."""

from urllib.parse import unquote

import msgspec
from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route

from pulsekey.api import render, shapes
from pulsekey.api.callers import Access, admitted, caller_of
from pulsekey.api.endpoint import PRIVATE, Answer, Call, Endpoint, failure, require_plain
from pulsekey.api.errors import document_of
from pulsekey.api.request_log import TEMPLATE
from pulsekey.api.routes_offers import digest_from
from pulsekey.exchange.import_jobs import Job
from pulsekey.identity.lifecycle import Status
from pulsekey.identity.principals import Principal
from pulsekey.primitives.errors import MalformedInput, NotFound, PulsekeyError
from pulsekey.primitives.ids import ConsentId, PatientId
from pulsekey.wiring import Node

UPLOAD = "/api/imports"


def recipients(node: Node, _: Call) -> shapes.RecipientsAnswer:
    found = node.directory.recipients()
    return shapes.RecipientsAnswer(recipients=[render.recipient(one) for one in found])


def categories(node: Node, call: Call) -> shapes.CategoriesAnswer:
    found = node.showing.categories(call.who.principal, own(call.who.principal))
    return shapes.CategoriesAnswer(
        categories=[
            shapes.CategoryShape(category=str(category), series=series, documents=documents)
            for category, (series, documents) in found.items()
        ]
    )


def grants(node: Node, call: Call) -> shapes.GrantsAnswer:
    found = node.listing.consents(own(call.who.principal))
    return shapes.GrantsAnswer(grants=[render.consent(one) for one in found])


def accesses(node: Node, call: Call) -> shapes.AccessesAnswer:
    found = node.listing.readings(own(call.who.principal))
    return shapes.AccessesAnswer(accesses=[render.reading(one) for one in found])


def evidence(node: Node, call: Call) -> Answer:
    consent = ConsentId(digest_from(call.path["consent"], "consent"))
    content = node.evidence(call.who.principal, consent)
    return Answer(content, file_name=f"pulsekey-evidence-{consent.hex()[:12]}.json")


def imports(node: Node, call: Call) -> shapes.ImportsAnswer:
    found = node.reports(own(call.who.principal))
    return shapes.ImportsAnswer(
        imports=[
            shapes.ImportShape(
                import_=one.id,
                at_micros=one.report.received,
                report=render.report(one.report, call.language),
            )
            for one in found
        ]
    )


def import_state(node: Node, call: Call) -> shapes.ImportStateAnswer:
    job = node.jobs.job(call.path["import"], own(call.who.principal))
    imported = job.imported
    return shapes.ImportStateAnswer(
        state=job.state.value,
        bytes=job.consumed,
        size=job.spool.size,
        problem=None if job.problem is None else document_of(job.problem, call.language),
        report=None if imported is None else render.report(imported.report, call.language),
    )


def own(principal: Principal) -> PatientId:
    """Return the record that is about a patient."""
    if principal.patient is None:
        raise NotFound("no record of your own")
    return principal.patient


def upload_route() -> Route:
    """Return the one route that takes a body as it comes, however long."""

    async def serve(request: Request) -> Response:
        request.scope[TEMPLATE] = UPLOAD
        node: Node = request.app.state.node
        try:
            job = await run_in_threadpool(_received, node, request)
        except PulsekeyError as error:
            return failure(error, request)
        try:
            async for chunk in request.stream():
                await run_in_threadpool(node.jobs.write, job, chunk)
            await run_in_threadpool(node.jobs.begin, job)
        except ClientDisconnect:
            cut = MalformedInput("cut short", where="upload")
            return failure(_given_up(node, job, cut), request)
        except PulsekeyError as error:
            return failure(_given_up(node, job, error), request)
        answer = msgspec.json.encode(shapes.ImportAccepted(import_=job.id))
        return Response(answer, 202, dict(PRIVATE), "application/json")

    return Route(UPLOAD, serve, methods=["POST"])


def _given_up(node: Node, job: Job, error: PulsekeyError) -> PulsekeyError:
    node.jobs.give_up(job, error)
    return error


def _received(node: Node, request: Request) -> Job:
    require_plain(request)
    caller = admitted(caller_of(node, request), Access.PATIENT)
    if caller is None:
        raise NotFound("no record of your own")
    raw = request.headers.get("x-file-name", "upload")
    zone = request.headers.get("x-time-zone", "")
    try:
        name = unquote(raw, errors="strict")
    except UnicodeDecodeError:
        raise MalformedInput("not percent-encoded UTF-8", where="X-File-Name") from None
    principal = caller.principal
    return node.jobs.receive(
        own(principal),
        principal.organisation,
        name,
        zone,
        confirmed=principal.status is Status.CONFIRMED,
    )


ENDPOINTS = (
    Endpoint(
        "GET",
        "/api/recipients",
        "Whom I can let in: confirmed clinicians",
        Access.PATIENT,
        recipients,
        answer=shapes.RecipientsAnswer,
    ),
    Endpoint(
        "GET",
        "/api/categories",
        "What there is in my record",
        Access.PATIENT,
        categories,
        answer=shapes.CategoriesAnswer,
    ),
    Endpoint(
        "GET",
        "/api/grants",
        "What I have allowed",
        Access.PATIENT,
        grants,
        answer=shapes.GrantsAnswer,
    ),
    Endpoint(
        "GET",
        "/api/accesses",
        "Who read what, and who was refused",
        Access.PATIENT,
        accesses,
        answer=shapes.AccessesAnswer,
    ),
    Endpoint(
        "GET",
        "/api/grants/{consent}/evidence",
        "The evidence of one consent, as a file",
        Access.PATIENT,
        evidence,
    ),
    Endpoint(
        "GET",
        "/api/imports",
        "My imports and their reports",
        Access.PATIENT,
        imports,
        answer=shapes.ImportsAnswer,
    ),
    Endpoint(
        "GET",
        "/api/imports/{import}",
        "How far an import is",
        Access.PATIENT,
        import_state,
        answer=shapes.ImportStateAnswer,
    ),
)
