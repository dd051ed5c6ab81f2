"""Imported resources as they came: only id, the node's part of meta, and references change.

Everything else is passed on byte for byte, decimals and spacing included. A reference either names
a resource of this node or becomes identifier-only, so that none leads nowhere (R4 2.3.0).
"""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from urllib.parse import unquote

import msgspec

from pulsekey.fhir import systems
from pulsekey.fhir.fragments import Json, dumps
from pulsekey.fhir.instants import instant_text
from pulsekey.primitives.errors import MalformedInput
from pulsekey.vault.records import DocumentRecord

Resolve = Callable[[str], str | None]
"""From a reference as its source wrote it to `Type/id` here, None where it leads nowhere."""

_TOKEN = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*"|[{}\[\],:]')


@dataclass(slots=True)
class Member:
    """A member of an object that may have to change: where its key and its value stand."""

    begin: int
    value_begin: int
    end: int = 0


@dataclass(slots=True)
class Object:
    begin: int
    depth: int
    members: dict[bytes, Member] = field(default_factory=dict)


def document(record: DocumentRecord, resolve: Resolve) -> bytes:
    """Return the resource of `record` as it is read here.

    Raises `MalformedInput` if its bytes are no JSON object.
    """
    content = record.content
    edits: list[tuple[int, int, bytes]] = []
    for one in objects_of(content, _WANTED):
        if one.depth == 0:
            edits += _identity(one, content, record)
        elif b'"reference"' in one.members:
            edits += _reference(one, content, resolve)
    out = bytearray(content)
    for begin, end, replacement in sorted(edits, reverse=True):
        out[begin:end] = replacement
    return bytes(out)


def objects_of(content: bytes, wanted: frozenset[bytes]) -> list[Object]:
    """Return every object of a JSON text with its members of interest, inner ones first.

    `wanted` are names in their quotes. Raises `MalformedInput` if the text is no JSON object.

    One loop over all tokens, on the path of every document that is read: it stays flat.
    """
    open_: list[Object | None] = []
    closed: list[Object] = []
    last, last_begin = b"", 0
    try:
        for matched in _TOKEN.finditer(content):
            token = matched[0]
            begin = matched.start()
            if token == b":":
                top = open_[-1]
                if b"\\" in last:  # A name may be written with escapes.
                    last = dumps(msgspec.json.decode(last)).encode()
                if top is not None and last in wanted:
                    top.members[last] = Member(last_begin, begin + 1)
            elif token in _ENDS:
                _end(open_, closed, token, begin)
            elif token == b"{":
                open_.append(Object(begin, len(open_)))
            elif token == b"[":
                open_.append(None)
            last, last_begin = token, begin
    except IndexError:
        closed.clear()
    if open_ or not closed or closed[-1].depth:
        raise MalformedInput("not a JSON object", where="document")
    return closed


def _end(open_: list[Object | None], closed: list[Object], token: bytes, at: int) -> None:
    """End a member, and at a closing bracket what holds it."""
    top = open_[-1]
    if top is not None:
        for member in top.members.values():
            member.end = member.end or at
    if token != b",":
        open_.pop()
        if top is not None:
            closed.append(top)


_ENDS = frozenset({b",", b"}", b"]"})
_WANTED = frozenset({b'"id"', b'"meta"', b'"reference"', b'"identifier"'})


def _identity(top: Object, content: bytes, record: DocumentRecord) -> list[tuple[int, int, bytes]]:
    """Return the edits of id and meta. What the source said in meta beside versions stays."""
    meta: Json = {}
    member = top.members.get(b'"meta"')
    if member is not None:
        # An import keeps what it was sent: here it is only believed as far as it makes sense.
        given = msgspec.json.decode(content[member.value_begin : member.end])
        meta = given if isinstance(given, dict) else {}
    meta |= {"versionId": str(record.version), "lastUpdated": instant_text(record.received)}
    tag = {"system": systems.CATEGORY, "code": record.category.value}
    tags = meta.get("tag")
    kept = [one for one in tags if isinstance(one, dict)] if isinstance(tags, list) else []
    meta["tag"] = [*kept, tag]
    edits = []
    fresh = []
    for key, text in ((b'"id"', dumps(record.id)), (b'"meta"', dumps(meta))):
        member = top.members.get(key)
        if member is None:
            fresh.append(key + b":" + text.encode())
        else:
            edits.append((member.value_begin, member.end, text.encode()))
    if fresh:
        # A resource has a resourceType, so something follows.
        edits.append((top.begin + 1, top.begin + 1, b",".join(fresh) + b","))
    return edits


def _reference(one: Object, content: bytes, resolve: Resolve) -> list[tuple[int, int, bytes]]:
    member = one.members[b'"reference"']
    text = msgspec.json.decode(content[member.value_begin : member.end])
    if not isinstance(text, str) or text.startswith("#"):
        return []
    local = resolve(text)
    if local is not None:
        return [(member.value_begin, member.end, dumps(local).encode())]
    if b'"identifier"' in one.members:
        return [without(member, one, content)]
    return [(member.begin, member.end, f'"identifier":{dumps(named(text))}'.encode())]


def named(reference: str) -> Json:
    """Return the Identifier of a resource that is not here, from the reference that named it."""
    target, _, query = reference.partition("?")
    name, _, value = query.partition("=")
    if name == "identifier" and "&" not in value and target.isalpha():
        system, _, code = unquote(value).rpartition("|")
        return ({"system": system} if system else {}) | {"value": code}
    return {"system": systems.URI, "value": reference}


def without(member: Member, one: Object, content: bytes) -> tuple[int, int, bytes]:
    """Return the edit that removes a member together with one comma, if another member is there."""
    if content[member.end : member.end + 1] == b",":
        return member.begin, member.end + 1, b""
    comma = content.rfind(b",", one.begin, member.begin)
    return (member.begin if comma < 0 else comma), member.end, b""
