"""Cuts an Apple export into its tags, in bounded memory.

This reads a strict part of XML, the part that Apple writes: after the head nothing but tags with
double-quoted attributes and blanks between them. The one rule: whatever is not that, stops the
reading with its line. There are no entities but the five of XML and character references, so none
can grow. A general parser takes twice as long (docs/decisions/0020-reading-apple-exports.md).
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import BinaryIO, Final, NamedTuple, cast

from pulsekey.primitives.errors import MalformedInput
from pulsekey.primitives.messages import Said

CHUNK_BYTES: Final = 256 * 1_024
PROLOG_BYTES_MAX: Final = 256 * 1_024
"""Real heads hold about 8 KiB."""
TAG_BYTES_MAX: Final = 256 * 1_024
"""Nothing that a person or a device writes into one tag is longer."""
ROOT: Final = b"<HealthData"
CURE: Final = "export again from the Health app, and send the zip as it is"

_BLANK = "[ \t\r\n]"
_OTHER_ENTRIES = rf'(?:{_BLANK}*<MetadataEntry key="(?!HKTimeZone")[^"<]*" value="[^"<]*"/>)*'
_TOKEN = re.compile(
    # A record in the order that Apple writes, all of it where it lies in one piece.
    r'<Record (type="[^"<]*" sourceName="[^"<]*"(?: sourceVersion="[^"<]*")?'
    r'(?: device="[^"<]*")?(?: unit="[^"<]*")?)(?: creationDate="[^"<]*")?'
    r' startDate="([^"<]*)" endDate="([^"<]*)"(?: value="([^"<]*)")?'
    rf"(?:/>|>{_OTHER_ENTRIES}"
    rf'(?:{_BLANK}*<MetadataEntry key="HKTimeZone" value="([^"<]*)"/>{_OTHER_ENTRIES})?'
    rf"{_BLANK}*</Record>|(>))"
    # Any other tag; anything else.
    r'|(<[^<>"]*(?:"[^"<]*"[^<>"]*)*>)|([^ \t\r\n][^<]*)'
)
_TAG = re.compile(r'<(/?)([A-Za-z]\w*)((?:\s+[\w:.-]+\s*=\s*"[^"<]*")*)\s*(/?)>')
_ATTRIBUTE = re.compile(r'([\w:.-]+)\s*=\s*"([^"<]*)"')
_REFERENCE = re.compile(r"&([^;&]{0,10};?)")
_NAMED: Final = {"lt;": "<", "gt;": ">", "amp;": "&", "quot;": '"', "apos;": "'"}


class Token(NamedTuple):
    """One tag, or one whole record. `head` is "" where it is not a record in Apple's order.

    All texts are as written, references not resolved.
    """

    head: str
    start: str
    end: str
    value: str
    zone: str
    open: str
    tag: str
    bad: str


@dataclass(frozen=True, slots=True)
class Tag:
    """A tag taken apart: `closing` </x>, `alone` <x/>, else <x>."""

    name: str
    attributes: dict[str, str]
    closing: bool
    alone: bool


@dataclass(slots=True)
class Place:
    """How far the reading has come."""

    name: str
    line: int = 1
    bytes: int = 0

    @property
    def where(self) -> str:
        """The place in words."""
        return Said("{file}, at line {line} or soon after", file=self.name, line=self.line)


def tokens(stream: BinaryIO, place: Place, consumed: Callable[[], None]) -> Iterator[list[Token]]:
    """Yield the tokens of an export from its root tag on, a list for each chunk.

    `consumed` is called after each chunk. Raises `MalformedInput` at the first thing that is no
    tag, after everything before it has been yielded.
    """
    carried = _after_prolog(stream, place)
    while True:
        chunk = stream.read(CHUNK_BYTES)
        text = carried + chunk
        # A raw "<" stands nowhere but at the beginning of a tag, so all before the last is whole.
        cut = text.rfind(b"<") if chunk else len(text)
        carried = text[cut:]
        yield from _tokens_of(text[:cut], place)
        consumed()
        if len(carried) > TAG_BYTES_MAX:
            raise MalformedInput(
                Said("a tag longer than {most} bytes", most=TAG_BYTES_MAX),
                where=place.where,
                cure=CURE,
            )
        if not chunk:
            return


def _tokens_of(content: bytes, place: Place) -> Iterator[list[Token]]:
    try:
        text = content.decode()
    except UnicodeDecodeError as failure:
        text, broken = content[: failure.start].decode(), True
        text = text[: text.rfind("<") + 1].removesuffix("<")
    else:
        broken = False
    # Plain tuples in the order of Token's fields: to name them would cost as much as to find them.
    found = cast("list[Token]", _TOKEN.findall(text))
    bad = next((at for at, token in enumerate(found) if token[7]), None)
    if bad is None:
        yield found
    else:
        yield found[:bad]
        match = next(match for match in _TOKEN.finditer(text) if match[8])
        place.line += text.count("\n", 0, match.start())
        where = Said("{file}, line {line}", file=place.name, line=place.line)
        raise MalformedInput("something that Apple does not write here", where=where, cure=CURE)
    place.line += text.count("\n")
    place.bytes += len(content)
    if broken:
        raise MalformedInput("not UTF-8", where=place.where, cure=CURE)


def _after_prolog(stream: BinaryIO, place: Place) -> bytes:
    """Read the head and return what was read beyond it; refuse a head that defines entities."""
    head = b""
    while ROOT not in head:
        chunk = stream.read(CHUNK_BYTES)
        head += chunk
        if not chunk or (len(head) > PROLOG_BYTES_MAX and ROOT not in head):
            raise MalformedInput("no Apple Health export", where=place.where, cure=CURE)
    prolog, _, _ = head.partition(ROOT)
    declared = re.search(rb"""<\?xml[^>]{0,200}encoding\s*=\s*["']([\w.-]{1,40})["']""", prolog)
    if b"\0" in prolog or (declared and declared[1].lower() not in {b"utf-8", b"us-ascii"}):
        raise MalformedInput("not UTF-8", where=place.where, cure=CURE)
    if re.search(rb"<!ENTITY|<!DOCTYPE\s+\w+\s+(?:SYSTEM|PUBLIC)", prolog, re.IGNORECASE):
        raise MalformedInput("a head that defines entities", where=place.where, cure=CURE)
    place.line += prolog.count(b"\n")
    return head[len(prolog) :]


def take_apart(text: str, place: Place) -> Tag:
    """Take a tag apart, its references resolved, or raise `MalformedInput`."""
    match = _TAG.fullmatch(text)
    if match is None:
        raise MalformedInput("a tag that Apple does not write", where=place.where, cure=CURE)
    return Tag(match[2], attributes(match[3], place), bool(match[1]), bool(match[4]))


def attributes(text: str, place: Place) -> dict[str, str]:
    """Return the attributes in the inner text of a tag, references resolved."""
    return {name: resolved(value, place) for name, value in _ATTRIBUTE.findall(text)}


def resolved(text: str, place: Place) -> str:
    """Return a text with its references resolved; one that XML does not define is refused."""
    if "&" not in text:
        return text

    def character(match: re.Match[str]) -> str:
        reference = match[1]
        if reference in _NAMED:
            return _NAMED[reference]
        number = re.fullmatch(r"#(?:x([0-9a-fA-F]{1,6})|([0-9]{1,7}));", reference)
        code = int(number[1], 16) if number and number[1] else int(number[2]) if number else 0
        if not code or code > 0x10FFFF or 0xD800 <= code < 0xE000:
            raise MalformedInput("an entity that XML does not define", where=place.where, cure=CURE)
        return chr(code)

    return _REFERENCE.sub(character, text)
