"""Errors as OperationOutcomes. What a recipient may not know looks the same whatever the reason.

Unknown, never granted, stopped and expired give one answer, equal in every byte; precise reasons go
to the patient and the auditor by other ways.
"""

from dataclasses import dataclass
from typing import NamedTuple

from pulsekey.fhir.fragments import Json, dumps
from pulsekey.primitives.errors import (
    AccessDenied,
    Conflict,
    IntegrityError,
    MalformedInput,
    NotAuthenticated,
    NotFound,
    PulsekeyError,
    TooManyRequests,
    Unavailable,
)


@dataclass(frozen=True, slots=True)
class Issue:
    """One issue. `code` is of the IssueType value set; `expression` a FHIRPath place."""

    severity: str
    code: str
    text: str
    diagnostics: str = ""
    expression: str = ""


class Answer(NamedTuple):
    """A status of HTTP and the body beside it."""

    status: int
    body: bytes


def outcome(*issues: Issue) -> bytes:
    """Return an OperationOutcome of at least one issue."""
    return dumps({"resourceType": "OperationOutcome", "issue": list(map(_issue, issues))}).encode()


def _issue(issue: Issue) -> Json:
    out: Json = {
        "severity": issue.severity,
        "code": issue.code,
        "details": {"text": issue.text},
    }
    if issue.diagnostics:
        out["diagnostics"] = issue.diagnostics
    if issue.expression:
        out["expression"] = [issue.expression]
    return out


def refusal(error: PulsekeyError) -> Answer:
    """Return the answer to an error, with nothing in it that its reader may not know."""
    if isinstance(error, MalformedInput):
        return Answer(400, outcome(_malformed(error)))
    for kind, status, issue in _ANSWERS:
        if isinstance(error, kind):
            return Answer(status, outcome(issue))
    return Answer(500, outcome(Issue("fatal", "exception", "The node failed.")))


_UNREADABLE = Issue("error", "not-found", "There is nothing here that you may read.")
_ANSWERS: tuple[tuple[type[PulsekeyError], int, Issue], ...] = (
    (AccessDenied, 404, _UNREADABLE),
    (NotFound, 404, _UNREADABLE),
    (NotAuthenticated, 401, Issue("error", "login", "Sign in first.")),
    (
        Conflict,
        409,
        Issue("error", "conflict", "The request contradicts what is already so."),
    ),
    (
        Unavailable,
        503,
        Issue("error", "transient", "A part of this node does not answer. Try again."),
    ),
    (
        TooManyRequests,
        429,
        Issue("error", "throttled", "Too many requests. Wait a little and try again."),
    ),
    (
        IntegrityError,
        500,
        Issue("fatal", "exception", "Stored bytes do not match their commitment."),
    ),
)


def _malformed(error: MalformedInput) -> Issue:
    where = error.where if _is_path(error.where) else ""
    place = f"{error.where}: " if error.where and not where else ""
    return Issue("error", "invalid", f"{place}{error.problem}", str(error.cure), where)


def _is_path(where: str) -> bool:
    """Whether a place is a FHIRPath expression and not a file, line or parameter."""
    head, _, rest = where.partition(".")
    return head[:1].isupper() and head.isalpha() and " " not in rest
