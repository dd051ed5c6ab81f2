"""What every format speaks: a payload goes in, items come out, one at a time, in bounded memory.

A parser never stores, grades or decides. It yields what it understood, and a `Refusal` for each
record that it did not, so that nothing is dropped in silence.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import BinaryIO, Protocol, TypeAlias

from pulsekey.primitives.clock import Micros
from pulsekey.resources.documents import Clinical
from pulsekey.signals.series import Series, Waveform

ROWS_MAX = 65_536
"""The longest series that a parser yields at once; a longer one comes in several chunks."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """A record that could not be read: `where` it stands, the `problem`, and the `cure`.

    `where` is a line, byte or record number and the record's kind; it never holds a value.
    """

    where: str
    problem: str
    cure: str


Item: TypeAlias = Series | Waveform | Clinical | Refusal


@dataclass(frozen=True, slots=True)
class Payload:
    """Bytes that somebody sent. `open` starts a fresh seekable binary stream over all of them.

    `companions` are the other files of one upload, by name (a WFDB header has its data beside it).
    """

    name: str
    size: int
    open: Callable[[], BinaryIO]
    companions: Mapping[str, "Payload"] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Context:
    """What the sender said about the payload, and where progress is told.

    `zone` is an IANA name that somebody declared for local times, or "" if nobody did. `progress`
    is called with the bytes consumed so far, of `Payload.size`.
    """

    received: Micros
    zone: str = ""
    progress: Callable[[int], None] = lambda _: None


@dataclass(frozen=True, slots=True)
class Coverage:
    """What a format yields, as `pulsekey formats` prints it: metric names or resource types."""

    format: str
    title: str
    metrics: tuple[str, ...] = ()
    resource_types: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


class Format(Protocol):
    """One file format. Trusted with nothing: its input is hostile, its memory is bounded.

    Every implementation passes tests/conformance/test_formats.py.
    """

    @property
    def coverage(self) -> Coverage:
        """What it yields. An implementation has it as an attribute of its class."""

    def recognises(self, head: bytes, payload: Payload) -> bool:
        """Whether the payload is in this format, by its first 64 KiB and never by its name."""

    def parse(self, payload: Payload, context: Context) -> Iterator[Item]:
        """Yield what the payload holds; raise `MalformedInput` where reading cannot go on."""
