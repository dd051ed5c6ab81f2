"""Every failure we expect, as a tree.

PulsekeyError
├── MalformedInput     the caller sent something we cannot read
├── NotAuthenticated   we do not know who the caller is
├── AccessDenied       we know who it is, and the state forbids it
├── NotFound           the caller named something that is not here
├── Conflict           the request is well formed but contradicts what is already so
├── IntegrityError     stored bytes do not match their commitment
├── Unavailable        a backend failed after its own retries; safe to retry
└── TooManyRequests    asked too often without being signed in; safe to retry later

No message carries health data, key material or a token.
"""


class PulsekeyError(Exception):
    """A failure we expect. Anything else is a bug and is left to crash."""


class MalformedInput(PulsekeyError):
    """The caller sent something we cannot read.

    `where` names the place (a file and line, a field), `cure` what the caller can do about it.
    """

    def __init__(self, problem: str, *, where: str = "", cure: str = "") -> None:
        self.problem = problem
        self.where = where
        self.cure = cure
        super().__init__(problem, where, cure)

    def __str__(self) -> str:
        place = f"{self.where}: " if self.where else ""
        cure = f" ({self.cure})" if self.cure else ""
        return f"{place}{self.problem}{cure}"


class NotAuthenticated(PulsekeyError):
    """We do not know who the caller is: no session, an expired one, or a ceremony that failed."""


class AccessDenied(PulsekeyError):
    """We know who the caller is, and the state forbids what they ask."""


class NotFound(PulsekeyError):
    """The caller named something that is not here, or that they may not know of."""


class Conflict(PulsekeyError):
    """The request is well formed but contradicts what is already so."""


class IntegrityError(PulsekeyError):
    """Stored bytes do not match their commitment."""


class Unavailable(PulsekeyError):
    """A backend failed after its own retries; safe to retry."""


class TooManyRequests(PulsekeyError):
    """Somebody who has not signed in asked too often; `retry_seconds` says when to come back."""

    def __init__(self, retry_seconds: int) -> None:
        self.retry_seconds = retry_seconds
        super().__init__("too many requests; wait a little and try again")
