"""What a resource says in words that nobody judged: left out for readers under a consent.

A consent opens categories, and codes decide them. A narrative and a note can be about anything, and
the display of a reference tells what it leads to, which may be closed: readers who see categories
get none of them (ADR 0049); that they were left out, a tag says. All other bytes stay as they came.
"""

import re
from typing import Final

import msgspec

from pulsekey.fhir.documents import Member, Object, objects_of, without
from pulsekey.fhir.fragments import Json, dumps
from pulsekey.resources.matter import CARRIERS

SUBSETTED: Final[Json] = {
    "system": "http://terminology.hl7.org/CodeSystem/v3-ObservationValue",
    "code": "SUBSETTED",
}
"""R4, Resource.meta.tag: this is not the whole resource, and nothing to be sent back as such."""

_TYPE: Final = re.compile("[/?]")
_NAMES: Final = (b'"text"', b'"note"')
_META, _DISPLAY, _REFERENCE = b'"meta"', b'"display"', b'"reference"'


def without_words(content: bytes) -> bytes:
    """Return a resource without narratives, notes and displays of references, tagged if it had any.

    Those of contained resources and of their parts go too. `text` that is a string belongs to the
    concept that it stands in, and stays. Raises `MalformedInput` if it is no JSON object.
    """
    left = content
    for name in _NAMES:
        if name in left or b"\\" in left:  # A name may be written with escapes.
            # One name at a time: then no two edits meet at the same comma.
            left = _without(name, left)
    left = _without_displays(left)
    return left if left == content else _tagged(left)


def _without(name: bytes, content: bytes) -> bytes:
    edits = [
        without(member, one, content)
        for one in objects_of(content, frozenset({name}))
        for member in one.members.values()
        if _structured(member, content)
    ]
    return _edited(content, edits)


def _without_displays(content: bytes) -> bytes:
    edits = [
        without(one.members[_DISPLAY], one, content)
        for one in objects_of(content, frozenset({_DISPLAY, _REFERENCE}))
        if one.members.keys() == {_DISPLAY, _REFERENCE} and not _names_a_party(one, content)
    ]
    return _edited(content, edits)


def _edited(content: bytes, edits: list[tuple[int, int, bytes]]) -> bytes:
    out = bytearray(content)
    for begin, end, _ in _outermost(edits):
        del out[begin:end]
    return bytes(out)


def _names_a_party(one: Object, content: bytes) -> bool:
    """Whether a reference says that it leads to a person or a place."""
    member = one.members[_REFERENCE]
    reference = msgspec.json.decode(content[member.value_begin : member.end])
    return isinstance(reference, str) and _TYPE.split(reference, maxsplit=1)[0] in CARRIERS


def _outermost(edits: list[tuple[int, int, bytes]]) -> list[tuple[int, int, bytes]]:
    """Return edits that lie in no other one, last first."""
    kept: list[tuple[int, int, bytes]] = []
    for edit in sorted(edits, key=lambda edit: (edit[0], -edit[1])):
        if not kept or edit[0] >= kept[-1][1]:
            kept.append(edit)
    return kept[::-1]


def _structured(member: Member, content: bytes) -> bool:
    """Whether a member's value is a Narrative or Annotations, and no string."""
    return content[member.value_begin : member.end].lstrip()[:1] in {b"{", b"["}


def _tagged(content: bytes) -> bytes:
    top: Object = objects_of(content, frozenset({_META}))[-1]
    member = top.members.get(_META)
    if member is None:
        fresh = _META + b":" + dumps({"tag": [SUBSETTED]}).encode()
        rest = content[top.begin + 1 :]
        comma = b"" if rest.lstrip().startswith(b"}") else b","
        return content[: top.begin + 1] + fresh + comma + rest
    given = msgspec.json.decode(content[member.value_begin : member.end])
    meta: Json = given if isinstance(given, dict) else {}
    tags = meta.get("tag")
    meta["tag"] = [*(tags if isinstance(tags, list) else []), SUBSETTED]
    return content[: member.value_begin] + dumps(meta).encode() + content[member.end :]
