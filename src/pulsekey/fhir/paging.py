"""One answer out of several sorted streams, and where the next page begins.

A page's token carries the whole search, so that a link to it holds no code, date or patient in
readable form. What is returned here is plain: whoever mints the link seals it, and unseals it
before `resume`, which trusts its input no further than its form.
"""

from collections.abc import Sequence
from typing import TypeVar

import msgspec

from pulsekey.fhir.instants import EARLIEST, interval
from pulsekey.fhir.search import Search, compile_search
from pulsekey.primitives.clock import Micros
from pulsekey.primitives.errors import MalformedInput
from pulsekey.vault.records import Cursor, DocumentRecord

VERSION = 1
PAGE_PARAMETER = "_page"
TOKEN_CHARS_MAX = 65_536
"""Above what `USED_BYTES_MAX` of search and a cursor for every stream come to, sealed as Base64."""

T = TypeVar("T")


class _Page(msgspec.Struct, array_like=True, frozen=True, forbid_unknown_fields=True):
    version: int
    resource_type: str
    asked_at: int
    used: tuple[tuple[str, str], ...]
    cursors: tuple[tuple[int, str, int] | None, ...]


_DECODER = msgspec.json.Decoder(_Page)


def page_token(parameters: Sequence[tuple[str, str]]) -> str | None:
    """Return the sealed token of a request for a later page, None if it is a new search."""
    tokens = [value for name, value in parameters if name == PAGE_PARAMETER]
    if not tokens:
        return None
    if len(parameters) != 1 or len(tokens[0]) > TOKEN_CHARS_MAX:
        raise MalformedInput(
            "a page link is used as it was given", where=PAGE_PARAMETER, cure="follow the link"
        )
    return tokens[0]


def continuation(search: Search, cursors: Sequence[Cursor | None], *, asked_at: Micros) -> bytes:
    """Return what a page's token has to hold: one cursor a stream, None where it is untouched.

    `asked_at` is the `now` of the first page, so that `ap` means the same on every page.
    """
    places = tuple(
        None if cursor is None else (cursor.start, cursor.id, cursor.ordinal) for cursor in cursors
    )
    return msgspec.json.encode(_Page(VERSION, search.resource_type, asked_at, search.used, places))


def resume(token: bytes) -> tuple[Search, tuple[Cursor | None, ...], Micros]:
    """Return the search, the cursors and the `asked_at` of an unsealed token."""
    try:
        page = _DECODER.decode(token)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        page = None
    if page is None or page.version != VERSION:
        raise MalformedInput("not a page of this node", where=PAGE_PARAMETER, cure="search again")
    asked_at = Micros(page.asked_at)
    search = compile_search(page.resource_type, page.used, now=asked_at)
    return search, tuple(one if one is None else Cursor(*one) for one in page.cursors), asked_at


def merge(
    streams: Sequence[Sequence[tuple[int, T]]], *, descending: bool, limit: int
) -> list[tuple[int, T]]:
    """Return the first `limit` of several streams of (key, item), each sorted already, in order.

    Returns (stream, item). At equal keys an earlier stream goes first, and within a stream its own
    order stands, so that a page begins where the last one ended whatever breaks ties inside.
    """
    places = [0] * len(streams)
    out: list[tuple[int, T]] = []
    sign = -1 if descending else 1
    while len(out) < limit:
        heads = [
            (sign * stream[places[index]][0], index)
            for index, stream in enumerate(streams)
            if places[index] < len(stream)
        ]
        if not heads:
            break
        _, chosen = min(heads)
        out.append((chosen, streams[chosen][places[chosen]][1]))
        places[chosen] += 1
    return out


def document_key(record: DocumentRecord) -> int:
    """Return the start by which documents are sorted; one without a date comes before all."""
    found = interval(record.date)
    return EARLIEST if found is None else found.start
