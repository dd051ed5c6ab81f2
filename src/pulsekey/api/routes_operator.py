"""What operators do: find and confirm people, bind patients, end accounts, and see who did it."""

from pulsekey.api import render, shapes
from pulsekey.api.callers import Access
from pulsekey.api.endpoint import Call, Endpoint, Handler, Query
from pulsekey.exchange.list_people import Person, Wanted
from pulsekey.identity.actions import ACTIONS_LISTED_MAX
from pulsekey.identity.enrolment import Check, Method
from pulsekey.identity.lifecycle import Event, Status
from pulsekey.identity.principals import Identifier, Principal, Role
from pulsekey.identity.store import Place
from pulsekey.primitives.clock import Micros, seconds
from pulsekey.primitives.errors import MalformedInput
from pulsekey.primitives.ids import PrincipalId
from pulsekey.wiring import Node

DIGITS_MAX = 18
ACTS = (
    ("withdrawal", Event.WITHDRAW, "Say that a confirmation no longer holds"),
    ("suspension", Event.SUSPEND, "End somebody's sessions and let them sign in no more"),
    ("reinstatement", Event.REINSTATE, "Let somebody sign in again; they are confirmed anew"),
    ("closing", Event.CLOSE, "Close an account for good"),
)


def people(node: Node, call: Call) -> shapes.PeopleAnswer:
    return _listed(node, call, Wanted(), call.query.get("after", ""))


def search(node: Node, call: Call) -> shapes.PeopleAnswer:
    body: shapes.PeopleSought = call.body
    wanted = Wanted(
        body.text,
        Role(body.role) if body.role else None,
        Status(body.status) if body.status else None,
    )
    return _listed(node, call, wanted, body.after)


def actions(node: Node, call: Call) -> shapes.ActionsAnswer:
    given = call.query.get("before", "")
    before = _whole(given, "before") if given else None
    entries, named = node.people.actions(call.who.principal, before)
    shown = [
        shapes.ActionShape(
            at=seconds(one.at),
            action=str(one.action),
            actor=None if one.actor is None else _named(named[one.actor]),
            subject=_named(named[one.subject]),
        )
        for one in entries
    ]
    more = len(entries) == ACTIONS_LISTED_MAX
    return shapes.ActionsAnswer(actions=shown, next=entries[-1].number if more else None)


def confirm(node: Node, call: Call) -> shapes.PrincipalAnswer:
    body: shapes.CheckTaken = call.body
    subject = PrincipalId(call.path["person"])
    node.people.confirm_clinician(
        call.who.principal,
        subject,
        body.organisation_name,
        _check(node, body.method, body.reference),
    )
    return _changed(node, subject)


def enrol(node: Node, call: Call) -> shapes.PrincipalAnswer:
    body: shapes.EnrolmentTaken = call.body
    subject = PrincipalId(call.path["person"])
    node.directory.confirm_patient(
        call.who.principal.id,
        subject,
        [Identifier(one.system, one.value) for one in body.identifiers],
        _check(node, body.method, body.reference),
    )
    return _changed(node, subject)


def bind(node: Node, call: Call) -> shapes.PrincipalAnswer:
    body: shapes.BindingsTaken = call.body
    subject = PrincipalId(call.path["person"])
    identifiers = [Identifier(one.system, one.value) for one in body.identifiers]
    node.directory.bind(call.who.principal.id, subject, identifiers)
    return _changed(node, subject)


def unbind(node: Node, call: Call) -> shapes.UnboundAnswer:
    body: shapes.IdentifierShape = call.body
    subject = PrincipalId(call.path["person"])
    done = node.people.unbind(call.who.principal, subject, Identifier(body.system, body.value))
    return shapes.UnboundAnswer(
        principal=_changed(node, subject).principal,
        bound_at=seconds(done.bound_at),
        imports=done.imports,
    )


def act(event: Event) -> Handler:
    """Return the handler that lets `event` happen to somebody's account."""

    def acted(node: Node, call: Call) -> shapes.PrincipalAnswer:
        subject = PrincipalId(call.path["person"])
        node.people.act(call.who.principal, event, subject)
        return _changed(node, subject)

    return acted


def invite_again(node: Node, call: Call) -> shapes.InvitationAnswer:
    subject = PrincipalId(call.path["person"])
    invitation = node.directory.invite_again(call.who.principal.id, subject)
    return shapes.InvitationAnswer(setup_token=invitation.token, principal=subject)


def _listed(node: Node, call: Call, wanted: Wanted, after: str) -> shapes.PeopleAnswer:
    found = node.people(call.who.principal, wanted, _place(after))
    return shapes.PeopleAnswer(
        people=[_person(node, one) for one in found.people],
        methods=_methods(node),
        next=None if found.next is None else f"{found.next.created_at}.{found.next.id}",
    )


def _place(text: str) -> Place | None:
    if not text:
        return None
    created_at, _, principal = text.partition(".")
    return Place(Micros(_whole(created_at, "after")), PrincipalId(principal))


def _whole(text: str, where: str) -> int:
    if not (text.isascii() and text.isdecimal() and len(text) <= DIGITS_MAX):
        raise MalformedInput("a whole number", where=where)
    return int(text)


def _named(one: Principal) -> shapes.NamedShape:
    return shapes.NamedShape(id=one.id, display_name=one.display_name, role=str(one.role))


def _methods(node: Node) -> list[str]:
    """Return how somebody may be checked: not at all, only where nobody is real."""
    test_data = node.settings.test_data
    return [str(one) for one in Method if test_data or one is not Method.TEST_DATA]


def _check(node: Node, method: str, reference: str) -> Check:
    if method not in _methods(node):
        raise MalformedInput("unknown method", where="method", cure=", ".join(_methods(node)))
    return Check(Method(method), reference)


def _changed(node: Node, subject: PrincipalId) -> shapes.PrincipalAnswer:
    return shapes.PrincipalAnswer(principal=_shape(node, node.identities.principal(subject)))


def _person(node: Node, one: Person) -> shapes.PersonShape:
    return shapes.PersonShape(
        principal=_shape(node, one.principal),
        identifiers=[{"system": each.system, "value": each.value} for each in one.identifiers],
        has_account=one.principal.account is not None,
        acts=[str(event) for event in one.acts],
    )


def _shape(node: Node, one: Principal) -> shapes.PrincipalShape:
    return render.principal(one, node.identities.organisation(one.organisation))


ENDPOINTS = (
    Endpoint(
        "GET",
        "/api/people",
        "Everybody who has registered or was invited, the newest first",
        Access.OPERATOR,
        people,
        answer=shapes.PeopleAnswer,
        query=(Query("after", "string", "go on behind this place: `next` of the answer before"),),
    ),
    Endpoint(
        "POST",
        "/api/people/search",
        "Find people by name, identifier, role or status",
        Access.OPERATOR,
        search,
        shapes.PeopleSought,
        shapes.PeopleAnswer,
    ),
    Endpoint(
        "GET",
        "/api/actions",
        "Who did what to whose account, the newest first",
        Access.OPERATOR,
        actions,
        answer=shapes.ActionsAnswer,
        query=(Query("before", "integer", "only older ones: `next` of the answer before"),),
    ),
    Endpoint(
        "POST",
        "/api/people/{person}/confirmation",
        "Confirm a clinician or an operator: person and organisation",
        Access.OPERATOR,
        confirm,
        shapes.CheckTaken,
        shapes.PrincipalAnswer,
    ),
    Endpoint(
        "POST",
        "/api/people/{person}/enrolment",
        "Confirm a patient and bind their account to identifiers",
        Access.OPERATOR,
        enrol,
        shapes.EnrolmentTaken,
        shapes.PrincipalAnswer,
    ),
    Endpoint(
        "POST",
        "/api/people/{person}/bindings",
        "Bind a patient's account to more identifiers",
        Access.OPERATOR,
        bind,
        shapes.BindingsTaken,
        shapes.PrincipalAnswer,
    ),
    Endpoint(
        "POST",
        "/api/people/{person}/unbinding",
        "Take a wrong identifier from a patient; what was imported stays where it is",
        Access.OPERATOR,
        unbind,
        shapes.IdentifierShape,
        shapes.UnboundAnswer,
    ),
    Endpoint(
        "POST",
        "/api/people/{person}/invitation",
        "Make a new token for somebody who has not registered; the earlier one ends",
        Access.OPERATOR,
        invite_again,
        answer=shapes.InvitationAnswer,
    ),
    *(
        Endpoint(
            "POST",
            f"/api/people/{{person}}/{path}",
            summary,
            Access.OPERATOR,
            act(event),
            answer=shapes.PrincipalAnswer,
        )
        for path, event, summary in ACTS
    ),
)
