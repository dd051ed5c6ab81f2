"""Canonical bytes for documents: the RFC 8785 form of a JSON without fractions.

A document is made of objects with ASCII keys, arrays, strings, integers, booleans and null. Under
that restriction sorting keys by code point is sorting them by UTF-16 unit, and numbers have one
form, so a verifier in any language needs only a JSON library that leaves characters alone.
"""

import json
from typing import TypeAlias

from pulsekey.primitives.errors import MalformedInput

Document: TypeAlias = (
    "dict[str, Document] | list[Document] | tuple[Document, ...] | str | int | bool | None"
)

INTEGER_MAX = 2**53 - 1
DEPTH_MAX = 32


def encode(document: Document) -> bytes:
    """Return the one byte string that stands for `document`."""
    _check(document, 0)
    return json.dumps(
        document, ensure_ascii=False, allow_nan=False, sort_keys=True, separators=(",", ":")
    ).encode("utf-8")


def decode(content: bytes, *, where: str = "document") -> Document:
    """Return the document that `content` stands for; raise `MalformedInput` unless canonical."""
    try:
        document: Document = json.loads(content)
        canonical = encode(document) == content
    except (ValueError, RecursionError):
        canonical = False
        document = None
    if not canonical:
        raise MalformedInput(
            "not canonical JSON", where=where, cure="RFC 8785 form, integers only, ASCII keys"
        )
    return document


def _check(document: Document, depth: int) -> None:
    if depth > DEPTH_MAX:
        raise MalformedInput(f"nested deeper than {DEPTH_MAX} levels")
    match document:
        case bool() | str() | None:
            pass
        case int():
            if abs(document) > INTEGER_MAX:
                raise MalformedInput("an integer beyond 2^53 has no exact form in every language")
        case dict():
            for key, member in document.items():
                if not key.isascii():
                    raise MalformedInput("keys are ASCII")
                _check(member, depth + 1)
        case list() | tuple():
            for member in document:
                _check(member, depth + 1)
        case _:
            raise MalformedInput(f"a {type(document).__name__} has no canonical form")
