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

_TOKEN = re.compile(rb'"(?:[^"\\]|\\.)*"|[{}\[\],:]|[^\s"{}\[\],:]+')


@dataclass(slots=True)
class _Member:
    """A member of an object that may have to change: where its key and its value stand."""

    begin: int
    value_begin: int
    end: int = 0


@dataclass(slots=True)
class _Object:
    begin: int
    depth: int
    members: dict[bytes, _Member] = field(default_factory=dict)


def document(record: DocumentRecord, resolve: Resolve) -> bytes:
    """Return the resource of `record` as it is read here.

    Raises `MalformedInput` if its bytes are no JSON object.
    """
    content = record.content
    edits: list[tuple[int, int, bytes]] = []
    for one in _objects(content):
        if one.depth == 0:
            edits += _identity(one, content, record)
        elif b'"reference"' in one.members:
            edits += _reference(one, content, resolve)
    out = bytearray(content)
    for begin, end, replacement in sorted(edits, reverse=True):
        out[begin:end] = replacement
    return bytes(out)


class _Scan:
    """One pass over the tokens of a JSON text, keeping where members of interest stand."""

    def __init__(self) -> None:
        self.open: list[_Object | None] = []
        self.closed: list[_Object] = []
        self.last = (b"", 0)

    def take(self, token: bytes, begin: int, end: int) -> None:
        match token:
            case b"{":
                self.open.append(_Object(begin, len(self.open)))
            case b"[":
                self.open.append(None)
            case b":":
                self._name(end)
            case b"," | b"}" | b"]":
                self._finish(begin, close=token != b",")
        self.last = (token, begin)

    def _name(self, end: int) -> None:
        key, begin = self.last
        top = self.open[-1]
        if top is not None and key in _WANTED:
            top.members[key] = _Member(begin, end)

    def _finish(self, at: int, *, close: bool) -> None:
        top = self.open[-1]
        if top is not None:
            for member in top.members.values():
                member.end = member.end or at
        if close:
            self.open.pop()
            if top is not None:
                self.closed.append(top)


def _objects(content: bytes) -> list[_Object]:
    """Return every object of a JSON text with its members of interest, inner ones first."""
    scan = _Scan()
    try:
        for matched in _TOKEN.finditer(content):
            scan.take(matched[0], matched.start(), matched.end())
    except IndexError:
        scan.closed.clear()
    if scan.open or not scan.closed or scan.closed[-1].depth:
        raise MalformedInput("not a JSON object", where="document")
    return scan.closed


_WANTED = frozenset({b'"id"', b'"meta"', b'"reference"', b'"identifier"'})


def _identity(top: _Object, content: bytes, record: DocumentRecord) -> list[tuple[int, int, bytes]]:
    """Return the edits of id and meta. What the source said in meta beside versions stays."""
    meta: Json = {}
    member = top.members.get(b'"meta"')
    if member is not None:
        meta = msgspec.json.decode(content[member.value_begin : member.end])
    meta |= {"versionId": str(record.version), "lastUpdated": instant_text(record.received)}
    tag = {"system": systems.CATEGORY, "code": record.category.value}
    meta["tag"] = [*meta.get("tag", ()), tag]
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


def _reference(one: _Object, content: bytes, resolve: Resolve) -> list[tuple[int, int, bytes]]:
    member = one.members[b'"reference"']
    text = msgspec.json.decode(content[member.value_begin : member.end])
    if not isinstance(text, str) or text.startswith("#"):
        return []
    local = resolve(text)
    if local is not None:
        return [(member.value_begin, member.end, dumps(local).encode())]
    if b'"identifier"' in one.members:
        return [_without(member, one, content)]
    return [(member.begin, member.end, f'"identifier":{dumps(named(text))}'.encode())]


def named(reference: str) -> Json:
    """Return the Identifier of a resource that is not here, from the reference that named it."""
    target, _, query = reference.partition("?")
    name, _, value = query.partition("=")
    if name == "identifier" and "&" not in value and target.isalpha():
        system, _, code = unquote(value).rpartition("|")
        return ({"system": system} if system else {}) | {"value": code}
    return {"system": systems.URI, "value": reference}


def _without(member: _Member, one: _Object, content: bytes) -> tuple[int, int, bytes]:
    """Return the edit that removes a member together with one comma. Another member is there."""
    if content[member.end : member.end + 1] == b",":
        return member.begin, member.end + 1, b""
    comma = content.rindex(b",", one.begin, member.begin)
    return comma, member.end, b""
