"""Who takes part in a node, as lines for a terminal.

The rule: names and identifiers are printed only where they are asked for. Without them a line says
nothing about anybody to whoever reads the terminal, a screen share or a log of either later.
"""

from collections.abc import Iterator

from pulsekey.evidence.printing import printable
from pulsekey.identity.principals import Principal, Role
from pulsekey.identity.store import PRINCIPALS_LISTED_MAX, IdentityStore, Place
from pulsekey.primitives.clock import utc

NOBODY = "-"
HEAD = ("role", "status", "since", "patient", "person")
WIDTHS = (9, 10, 10, 26, 26)


def people_lines(
    identities: IdentityStore, *, role: str | None = None, names: bool = False
) -> Iterator[str]:
    """Yield a heading and a line for each person, the newest first; `role` is one of `Role`."""
    yield _row((*HEAD, "name, identifiers") if names else HEAD)
    after: Place | None = None
    while True:
        found = identities.listed(role=None if role is None else Role(role), after=after)
        for one in found:
            principal = identities.principal(one.place.id)
            known = [f"{each.system}|{each.value}" for each in one.identifiers]
            more = (printable(", ".join((one.name, *known))),) if names else ()
            yield _row((*_facts(principal), *more))
        if len(found) < PRINCIPALS_LISTED_MAX:
            return
        after = found[-1].place


def _facts(principal: Principal) -> tuple[str, ...]:
    return (
        principal.role.value,
        principal.status.value,
        f"{utc(principal.created_at):%Y-%m-%d}",
        principal.patient or NOBODY,
        principal.id,
    )


def _row(cells: tuple[str, ...]) -> str:
    padded = [cell.ljust(width) for cell, width in zip(cells, (*WIDTHS, 0), strict=False)]
    return "  ".join(padded).rstrip()
