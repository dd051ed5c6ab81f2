"""Search results as a Bundle: what was found, what was asked, and that it is limited.

Every searchset ends with the same statement, whether anything was withheld or not: an answer that
changed its wording would tell what it withholds. A total is given only by a caller who may know it.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from urllib.parse import quote, urlencode
from uuid import UUID

from pulsekey.fhir.fragments import dumps
from pulsekey.fhir.outcome import Issue, outcome
from pulsekey.fhir.paging import PAGE_PARAMETER
from pulsekey.fhir.search import Search
from pulsekey.primitives.hashing import digest

LIMITED = (
    "Results are limited to what the patient's consent permits you to read for the stated purpose. "
    "More may exist. Not for emergencies."
)


@dataclass(frozen=True, slots=True)
class Entry:
    """A resource in an answer; `resource` is its JSON."""

    resource_type: str
    id: str
    resource: bytes


def searchset(
    base: str,
    search: Search,
    entries: Iterable[Entry],
    *,
    next_token: str = "",
    total: int | None = None,
    decision: str = "",
) -> bytes:
    """Return the Bundle of one page.

    `base` is this node's FHIR base without a slash at its end, `next_token` the sealed token of the
    next page, `decision` the id of the decision that allowed this read.
    """
    links = [{"relation": "self", "url": self_link(base, search)}]
    if next_token:
        url = f"{base}/{search.resource_type}?{PAGE_PARAMETER}={quote(next_token, safe='')}"
        links.append({"relation": "next", "url": url})
    counted = "" if total is None else f'"total":{total},'
    head = (
        f'{{"resourceType":"Bundle","type":"searchset",{counted}"link":{dumps(links)},"entry":['
    ).encode()
    match = b',"search":{"mode":"match"}},'
    prefix = f'{{"fullUrl":"{base}/'.encode()
    parts = [head]
    for entry in entries:
        name = f'{entry.resource_type}/{entry.id}","resource":'.encode()
        parts += (prefix, name, entry.resource, match)
    last = statement(search.ignored, decision)
    # It cannot be fetched again, so its name is made of what it says.
    name = UUID(bytes=digest(last)[:16], version=4).urn.encode()
    parts += (b'{"fullUrl":"', name, b'","resource":', last, b',"search":{"mode":"outcome"}}]}')
    return b"".join(parts)


def self_link(base: str, search: Search) -> str:
    """Return the search as this node understood it: only what was used."""
    query = urlencode(search.used, safe=":/|,")
    return f"{base}/{search.resource_type}" + (f"?{query}" if query else "")


def statement(ignored: Sequence[str] = (), decision: str = "") -> bytes:
    """Return the OperationOutcome that closes every searchset."""
    issues = [Issue("information", "suppressed", LIMITED, decision and f"Decision {decision}")]
    issues += [
        Issue("warning", "not-supported", f"The search parameter {name} was ignored.")
        for name in ignored
    ]
    return outcome(*issues)
