"""What operators do: confirm clinicians, bind patients to identifiers, suspend."""

from pulsekey.api import render, shapes
from pulsekey.api.callers import Access
from pulsekey.api.endpoint import Call, Endpoint
from pulsekey.exchange.list_people import Person
from pulsekey.identity.enrolment import Check, Method
from pulsekey.identity.principals import Identifier, Principal
from pulsekey.primitives.errors import MalformedInput
from pulsekey.primitives.ids import PrincipalId
from pulsekey.wiring import Node


def people(node: Node, call: Call) -> shapes.PeopleAnswer:
    found = node.people(call.who.principal)
    return shapes.PeopleAnswer(
        people=[_person(node, one) for one in found], methods=[str(one) for one in Method]
    )


def confirm(node: Node, call: Call) -> shapes.PrincipalAnswer:
    body: shapes.CheckTaken = call.body
    subject = PrincipalId(call.path["person"])
    node.people.confirm_clinician(
        call.who.principal, subject, body.organisation_name, _check(body.method, body.reference)
    )
    return _changed(node, subject)


def enrol(node: Node, call: Call) -> shapes.PrincipalAnswer:
    body: shapes.EnrolmentTaken = call.body
    subject = PrincipalId(call.path["person"])
    node.directory.confirm_patient(
        call.who.principal.id,
        subject,
        [Identifier(one.system, one.value) for one in body.identifiers],
        _check(body.method, body.reference),
    )
    return _changed(node, subject)


def suspend(node: Node, call: Call) -> shapes.PrincipalAnswer:
    subject = PrincipalId(call.path["person"])
    node.directory.suspend(call.who.principal.id, subject)
    return _changed(node, subject)


def _check(method: str, reference: str) -> Check:
    try:
        return Check(Method(method), reference)
    except ValueError:
        raise MalformedInput(
            "unknown method", where="method", cure=", ".join(str(one) for one in Method)
        ) from None


def _changed(node: Node, subject: PrincipalId) -> shapes.PrincipalAnswer:
    return shapes.PrincipalAnswer(principal=_shape(node, node.identities.principal(subject)))


def _person(node: Node, one: Person) -> shapes.PersonShape:
    return shapes.PersonShape(
        principal=_shape(node, one.principal),
        identifiers=[{"system": each.system, "value": each.value} for each in one.identifiers],
        has_account=one.principal.account is not None,
    )


def _shape(node: Node, one: Principal) -> shapes.PrincipalShape:
    return render.principal(one, {each.id: each for each in node.identities.organisations()})


ENDPOINTS = (
    Endpoint(
        "GET",
        "/api/people",
        "Everybody who has registered",
        Access.OPERATOR,
        people,
        answer=shapes.PeopleAnswer,
    ),
    Endpoint(
        "POST",
        "/api/people/{person}/confirmation",
        "Confirm a clinician: person and organisation",
        Access.OPERATOR,
        confirm,
        shapes.CheckTaken,
        shapes.PrincipalAnswer,
    ),
    Endpoint(
        "POST",
        "/api/people/{person}/enrolment",
        "Bind a patient's account to identifiers",
        Access.OPERATOR,
        enrol,
        shapes.EnrolmentTaken,
        shapes.PrincipalAnswer,
    ),
    Endpoint(
        "POST",
        "/api/people/{person}/suspension",
        "End somebody's sessions and let them sign in no more",
        Access.OPERATOR,
        suspend,
        answer=shapes.PrincipalAnswer,
    ),
)
