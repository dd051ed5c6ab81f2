"""The one table that says what an expected failure is in HTTP."""

from typing import Any

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
from pulsekey.primitives.messages import arguments_of, code_of, in_language

STATUS: dict[type[PulsekeyError], int] = {
    MalformedInput: 400,
    NotAuthenticated: 401,
    AccessDenied: 403,
    NotFound: 404,
    Conflict: 409,
    IntegrityError: 500,
    Unavailable: 503,
    TooManyRequests: 429,
}

DAMAGED = "Stored data does not match its commitment. The operator has been told."

CHALLENGE = 'Bearer realm="pulsekey"'
"""RFC 9110, section 11.6.1: what a 401 carries in `WWW-Authenticate`."""


RETRY_SECONDS = 30
"""When to come back to what was not available: uploads that stall are given up by then."""


def status_of(error: PulsekeyError) -> int:
    """Return the HTTP status of an expected failure."""
    return next((STATUS[kind] for kind in type(error).__mro__ if kind in STATUS), 500)


def headers_of(error: PulsekeyError) -> dict[str, str]:
    """Return the headers that go with an expected failure (RFC 9110, 10.2.3 and 11.6.1)."""
    if isinstance(error, NotAuthenticated):
        return {"WWW-Authenticate": CHALLENGE}
    if isinstance(error, TooManyRequests):
        return {"Retry-After": str(error.retry_seconds)}
    if isinstance(error, Unavailable):
        return {"Retry-After": str(RETRY_SECONDS)}
    return {}


def document_of(error: PulsekeyError, language: str) -> dict[str, Any]:
    """Return the failure as JSON: its texts in `language`, with the code that stays.

    Damage is named in the log, not to callers. `code` is "" for what is said to operators only.
    """
    problem = DAMAGED if isinstance(error, IntegrityError) else _problem(error)
    document: dict[str, Any] = {
        "error": type(error).__name__,
        "message": in_language(problem, language),
        "code": code_of(problem),
        "arguments": {
            name: value if isinstance(value, int) else in_language(value, language)
            for name, value in arguments_of(problem).items()
        },
    }
    if isinstance(error, MalformedInput):
        places = (("where", error.where), ("cure", error.cure))
        document |= {name: in_language(text, language) for name, text in places if text}
    return document


def _problem(error: PulsekeyError) -> str:
    said = error.args[0] if error.args else ""
    return said if isinstance(said, str) else str(error)
