"""Annotations in MIT format: what an expert or a program wrote beside the samples of a record.

Source: WFDB Applications Guide, annot(5). Two bytes an annotation, of which 6 bits are its type
and 10 bits the samples since the one before; types from 59 on say more about an annotation.
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import Final

from pulsekey.primitives.errors import MalformedInput
from pulsekey.primitives.messages import Said

ANNOTATIONS_MAX: Final = 2_000_000
ANNOTATION_BYTES_MAX: Final = 16 * 2**20

SYMBOLS: Final = ' NLRaVFJASEj/Q~ | sT*D"=pB^t+u?![]en@xf()r'
"""The mnemonic of each annotation type, by number; a space where none is defined."""

NOTE: Final = 22
SKIP: Final = 59
NUM: Final = 60
SUB: Final = 61
CHAN: Final = 62
AUX: Final = 63
DETAILS: Final = frozenset({NUM, SUB, CHAN, AUX})
SAMPLE_MAX: Final = 2**40

_RATE_NOTE: Final = b"## time resolution: "


@dataclass(frozen=True, slots=True)
class Annotation:
    """One annotation. `sample` counts in the record's frames; `note` is its text, NULs included."""

    sample: int
    kind: int
    subtype: int
    channel: int
    number: int
    note: bytes

    @property
    def symbol(self) -> str:
        """The mnemonic, or a space where the type has none."""
        return SYMBOLS[self.kind] if self.kind < len(SYMBOLS) else " "


def read_annotations(
    content: bytes, *, where: str
) -> tuple[tuple[Annotation, ...], Fraction | None]:
    """Return the annotations in file order and their own time resolution in Hz, if they state one.

    Raises `MalformedInput` naming the byte where the file cannot be read any further.
    """
    if len(content) > ANNOTATION_BYTES_MAX:
        raise MalformedInput(
            Said("more than {most} bytes of annotations", most=ANNOTATION_BYTES_MAX), where=where
        )
    return _without_definitions(tuple(_Pairs(content, where).annotations()), where)


class _Pairs:
    """Walks the byte pairs of a file. Channel and number last until they are changed."""

    def __init__(self, content: bytes, where: str) -> None:
        self._content = content
        self._where = where
        self._at = 0
        self._sample = 0
        self._channel = 0
        self._number = 0

    def annotations(self) -> Iterator[Annotation]:
        # Both loops end: every turn consumes the two bytes that it has read.
        for _ in range(ANNOTATIONS_MAX):
            while self._peek() == SKIP:
                self._skip()
            (word,) = struct.unpack_from("<H", self._content, self._at)
            if word == 0:
                return
            if word >> 10 in DETAILS:
                raise self._cut("a detail without its annotation")
            self._at += 2
            self._sample += word & 0x3FF
            if not 0 <= self._sample < SAMPLE_MAX:
                raise self._cut("an annotation outside of any record")
            yield self._detailed(word >> 10)
        raise self._cut(Said("more than {most} annotations", most=ANNOTATIONS_MAX))

    def _detailed(self, kind: int) -> Annotation:
        subtype, note = 0, b""
        while (code := self._peek()) in DETAILS:
            value = self._content[self._at]
            self._at += 2
            if code == NUM:
                self._number = _signed(value)
            elif code == CHAN:
                self._channel = value
            elif code == SUB:
                subtype = _signed(value)
            else:
                note = self._content[self._at : self._at + value]
                self._at += value + value % 2
        return Annotation(self._sample, kind, subtype, self._channel, self._number, note)

    def _skip(self) -> None:
        if self._at + 6 > len(self._content):
            raise self._cut("the file ends within a skip")
        # Four bytes with the high half first, each half little-endian, as a PDP-11 wrote them.
        high, low = struct.unpack_from("<hH", self._content, self._at + 2)
        self._sample += (high << 16) + low
        self._at += 6

    def _peek(self) -> int:
        if self._at + 2 > len(self._content):
            raise self._cut("the file ends without its end mark")
        return self._content[self._at + 1] >> 2

    def _cut(self, problem: str) -> MalformedInput:
        return MalformedInput(
            problem,
            where=Said("{file}, byte {at}", file=self._where, at=self._at),
            cure="send the file again, complete",
        )


def _without_definitions(
    found: tuple[Annotation, ...], where: str
) -> tuple[tuple[Annotation, ...], Fraction | None]:
    """Take out the notes at sample 0 by which a writer states its time resolution and own types."""
    rate: Fraction | None = None
    kept = list(found)
    while kept and kept[0].sample == 0 and kept[0].kind == NOTE and kept[0].note.startswith(b"## "):
        note = kept.pop(0).note.rstrip(b"\0")
        if note.startswith(_RATE_NOTE):
            try:
                rate = Fraction(note.removeprefix(_RATE_NOTE).decode("ascii"))
            except (ValueError, ZeroDivisionError):
                raise MalformedInput("an impossible time resolution", where=where) from None
            if not 0 < rate <= 10**6:
                raise MalformedInput("an impossible time resolution", where=where)
    return tuple(kept), rate


def _signed(byte: int) -> int:
    return byte - 256 if byte > 127 else byte
