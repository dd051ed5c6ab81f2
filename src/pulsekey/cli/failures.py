"""What the command line tells of a failure: one line, and an exit status for scripts.

Nothing that an operator can cause by a wrong path or a full disk ends in a traceback; a bug does.
"""

import errno

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

EXIT_CODES: dict[type[PulsekeyError], int] = {
    MalformedInput: 2,
    NotFound: 3,
    AccessDenied: 4,
    NotAuthenticated: 4,
    Conflict: 5,
    IntegrityError: 6,
    Unavailable: 7,
    TooManyRequests: 7,
}
"""What a script can tell from the exit status. 1: a claim fails, or damage was found."""

INTERRUPTED = 130
"""128 and SIGINT, as every program of a shell."""

UNHEARD = 141
"""128 and SIGPIPE: whoever read the output has gone, as with `pulsekey formats | head -1`."""

_CURES: dict[int, str] = {
    errno.ENOENT: "there is no such folder; make it first, or name another",
    errno.ENOTDIR: "a file stands where a folder is needed; name another",
    errno.EISDIR: "this is a folder; name a file in it",
    errno.EEXIST: "a file stands where a folder is needed; name another",
    errno.EACCES: "this user may not; give them the right, or name another place",
    errno.EPERM: "this user may not; give them the right, or name another place",
    errno.EROFS: "nothing can be written here; name another place",
    errno.ENAMETOOLONG: "a shorter name",
    errno.ELOOP: "symbolic links lead in a circle",
}
"""Mistakes in a path, by what mends them. Whatever else a system refuses may pass by itself."""

_CURES_LATER: dict[int, str] = {
    errno.ENOSPC: "make room, then try again",
    errno.EDQUOT: "make room, then try again",
    errno.EMFILE: "raise the limit of open files (ulimit -n)",
}


def status_of(error: PulsekeyError) -> int:
    """Return the exit status of an expected failure."""
    return next(code for kind, code in EXIT_CODES.items() if isinstance(error, kind))


def of_system(error: OSError) -> PulsekeyError:
    """Return what the system refused as a failure with a place and a cure."""
    problem = (error.strerror or type(error).__name__).lower()
    where = str(error.filename) if error.filename is not None else ""
    if error.errno in _CURES:
        return MalformedInput(problem, where=where, cure=_CURES[error.errno])
    cure = _CURES_LATER.get(error.errno or 0, "try again")
    return Unavailable(f"{where}: {problem} ({cure})" if where else f"{problem} ({cure})")
