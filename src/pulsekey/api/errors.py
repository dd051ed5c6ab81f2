"""The one table that says what an expected failure is in HTTP."""

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

CHALLENGE = 'Bearer realm="pulsekey"'
"""RFC 9110, section 11.6.1: what a 401 carries in `WWW-Authenticate`."""


def status_of(error: PulsekeyError) -> int:
    """Return the HTTP status of an expected failure."""
    return next((STATUS[kind] for kind in type(error).__mro__ if kind in STATUS), 500)


def headers_of(error: PulsekeyError) -> dict[str, str]:
    """Return the headers that go with an expected failure (RFC 9110, 11.6.1; RFC 6585, 4)."""
    if isinstance(error, NotAuthenticated):
        return {"WWW-Authenticate": CHALLENGE}
    if isinstance(error, TooManyRequests):
        return {"Retry-After": str(error.retry_seconds)}
    return {}


def document_of(error: PulsekeyError) -> dict[str, str]:
    """Return the failure as JSON. Damage is named in the log, not to callers."""
    if isinstance(error, IntegrityError):
        return {
            "error": "IntegrityError",
            "message": "Stored data does not match its commitment. The operator has been told.",
        }
    document = {"error": type(error).__name__, "message": str(error)}
    if isinstance(error, MalformedInput):
        document["message"] = error.problem
        document |= {
            name: text for name, text in (("where", error.where), ("cure", error.cure)) if text
        }
    return document
