"""A WFDB header as data: which signals a record has, how they are stored and what they mean.

Source: WFDB Applications Guide, header(5) and signal(5). Comment lines hold age, diagnoses and
medication of a person: they are counted and never kept, shown or logged. No message quotes the
header.
"""

import re
from dataclasses import dataclass
from datetime import date, time
from decimal import Context, Decimal
from fractions import Fraction
from typing import Final

from pulsekey.primitives.errors import MalformedInput
from pulsekey.primitives.messages import Said

HEADER_BYTES_MAX: Final = 65_536
SIGNALS_MAX: Final = 64
SAMPLES_PER_FRAME_MAX: Final = 64
SAMPLES_MAX: Final = 2**31 - 1
RATE_HZ_MAX: Final = 100_000
YEAR_MIN, YEAR_MAX = 1900, 2199

FORMATS: Final = {16: 16, 24: 24, 32: 32, 61: 16, 80: 8, 160: 16, 212: 12}
"""Bits a sample takes in each signal format that we read."""
NO_VALUE: Final = {
    16: -(2**15),
    24: -(2**23),
    32: -(2**31),
    61: -(2**15),
    80: -(2**7),
    160: -(2**15),
    212: -(2**11),
}
"""The sample value that stands for 'no value' in each format."""

EXACT: Final = Context(prec=17)
"""A gain whose inverse has no finite decimal form is rounded at 17 digits, as a double would be."""

_REAL = r"[0-9.eE+-]{1,32}"
_RECORD = re.compile(
    r"(?P<name>[A-Za-z0-9_-]{1,64})(?P<segments>/\d{1,9})?[ \t]+(?P<signals>\d{1,4})"
    rf"(?:[ \t]+(?P<rate>{_REAL})(?:/{_REAL}(?:\({_REAL}\))?)?"
    r"(?:[ \t]+(?P<samples>\d{1,12})"
    r"(?:[ \t]+(?P<time>[0-9:.]{1,16})"
    r"(?:[ \t]+(?P<date>\d{1,2}/\d{1,2}/\d{4}))?)?)?)?[ \t]*"
)
_SIGNAL = re.compile(
    r"(?P<file>[^ \t]{1,128})"
    r"[ \t]+(?P<format>\d{1,3})(?:x(?P<frame>\d{1,4}))?(?::(?P<skew>\d{1,9}))?"
    r"(?:\+(?P<offset>\d{1,12}))?"
    rf"(?:[ \t]+(?P<gain>{_REAL})(?:\((?P<baseline>-?\d{{1,10}})\))?(?:/(?P<unit>[^ \t]{{1,32}}))?"
    r"(?:[ \t]+(?P<resolution>\d{1,3})"
    r"(?:[ \t]+(?P<zero>-?\d{1,10})"
    r"(?:[ \t]+(?P<first>-?\d{1,10})"
    r"(?:[ \t]+(?P<checksum>-?\d{1,10})"
    r"(?:[ \t]+(?P<block>\d{1,9})"
    r"(?:[ \t]+(?P<name>[^\t].{0,127}))?)?)?)?)?)?)?[ \t]*"
)
_SAFE_FILE = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,126}")
"""A file beside the header: no folder, no parent, no drive, no hidden file, no standard input."""


@dataclass(frozen=True, slots=True)
class Signal:
    """One signal. `gain` is None where the header calls it uncalibrated; `unit` as written."""

    file: str
    format: int
    samples_per_frame: int
    byte_offset: int
    gain: Decimal | None
    baseline: int
    unit: str
    resolution_bits: int
    zero: int
    first: int | None
    checksum: int | None
    name: str

    @property
    def factor(self) -> Decimal:
        """Physical units a raw step. Only for a calibrated signal."""
        assert self.gain is not None
        return EXACT.divide(Decimal(1), self.gain).normalize()

    @property
    def origin(self) -> Decimal:
        """The physical value of raw zero."""
        assert self.gain is not None
        value = EXACT.divide(Decimal(-self.baseline), self.gain).normalize()
        return value or Decimal(0)

    @property
    def range(self) -> tuple[int, int] | None:
        """The converter's lowest and highest raw value, if the header states its resolution."""
        if not self.resolution_bits:
            return None
        half = 1 << (self.resolution_bits - 1)
        return self.zero - half, self.zero + half - 1


@dataclass(frozen=True, slots=True)
class Header:
    """A record: frames a second, how many (None: as many as the file holds), and its start."""

    record: str
    rate_hz: Fraction
    frames: int | None
    at: time | None
    day: date | None
    signals: tuple[Signal, ...]
    comments: int


def looks_like_header(head: bytes) -> bool:
    """Whether the first line that is no comment has the shape of a record line with its signals."""
    try:
        lines = _lines(head[:HEADER_BYTES_MAX].decode("ascii", errors="replace"))
    except MalformedInput:
        return False
    record = _RECORD.fullmatch(lines[0][1]) if lines else None
    if record is None:
        return False
    if record["segments"]:
        return True
    signals = int(record["signals"])
    return 0 < signals < len(lines) + 1 and (
        len(lines) == 1 or _SIGNAL.fullmatch(lines[1][1]) is not None
    )


def parse_header(content: bytes, *, where: str) -> Header:
    """Return the header that `content` spells, or raise `MalformedInput` naming the line."""
    if len(content) > HEADER_BYTES_MAX:
        raise MalformedInput(
            Said("a header longer than {most} bytes", most=HEADER_BYTES_MAX),
            where=where,
            cure="send the .hea file",
        )
    # Comments may be in any encoding; they are only counted.
    text = content.decode("ascii", errors="replace")
    lines = _lines(text)
    comments = sum(line.lstrip().startswith("#") for line in text.splitlines())
    if not lines:
        raise MalformedInput(
            "no record line", where=where, cure="send the .hea file as it was made"
        )
    number, line = lines[0]
    place = Said("{file}, line {line}", file=where, line=number)
    record = _RECORD.fullmatch(line)
    if record is None:
        raise _bad(place, "not a record line")
    if record["segments"]:
        raise MalformedInput(
            "a record of several segments",
            where=place,
            cure="send each segment as a record of its own",
        )
    count, has = int(record["signals"]), len(lines) - 1
    if not 0 < count <= SIGNALS_MAX:
        raise _bad(place, Said("it announces no signals, or more than {most}", most=SIGNALS_MAX))
    if has != count:
        problem = "it announces {count} signals and has {lines} lines"
        raise _bad(place, Said(problem, count=count, lines=has))
    signals = tuple(
        _signal(line, Said("{file}, line {line}", file=where, line=at)) for at, line in lines[1:]
    )
    samples = int(record["samples"] or 0)
    if samples > SAMPLES_MAX:
        raise _bad(place, "more samples than can be")
    return Header(
        record=record["name"],
        rate_hz=_rate(record["rate"] or "250", place),
        frames=samples or None,
        at=_time(record["time"], place),
        day=_date(record["date"], place),
        signals=signals,
        comments=comments,
    )


def _lines(text: str) -> list[tuple[int, str]]:
    numbered = [(number, line.rstrip()) for number, line in enumerate(text.split("\n"), 1)]
    return [(n, line) for n, line in numbered if line and not line.lstrip().startswith("#")]


def _signal(line: str, where: str) -> Signal:
    found = _SIGNAL.fullmatch(line)
    if found is None:
        raise MalformedInput("not a signal line", where=where, cure="see header(5) of WFDB")
    if not _SAFE_FILE.fullmatch(found["file"]) or ".." in found["file"]:
        raise MalformedInput(
            "a signal file that is not beside the header",
            where=where,
            cure="put both into one folder and name the file only",
        )
    kind = int(found["format"])
    if kind not in FORMATS:
        raise MalformedInput(
            Said("signal format {kind} is not read", kind=kind),
            where=where,
            cure=Said(
                "convert it to one of {names}, as with xform",
                names=", ".join(map(str, sorted(FORMATS))),
            ),
        )
    frame = int(found["frame"] or 1)
    if not 0 < frame <= SAMPLES_PER_FRAME_MAX:
        raise MalformedInput("an impossible number of samples a frame", where=where)
    if int(found["skew"] or 0):
        raise MalformedInput("a skewed signal", where=where, cure="remove the skew, as with xform")
    resolution = int(found["resolution"] or 0)
    if resolution > 32:
        raise MalformedInput("an impossible resolution", where=where)
    zero = int(found["zero"] or 0)
    return Signal(
        file=found["file"],
        format=kind,
        samples_per_frame=frame,
        byte_offset=int(found["offset"] or 0),
        gain=_gain(found["gain"], where),
        baseline=int(found["baseline"]) if found["baseline"] else zero,
        unit=found["unit"] or "mV",
        resolution_bits=resolution,
        zero=zero,
        first=int(found["first"]) if found["first"] else None,
        checksum=int(found["checksum"]) if found["checksum"] else None,
        name=(found["name"] or "").strip(),
    )


def _gain(text: str | None, where: str) -> Decimal | None:
    value = _number(text or "0", where)
    if value == 0:
        return None
    if not Decimal("1e-9") < abs(value) < Decimal("1e12"):
        raise MalformedInput("an impossible gain", where=where)
    return value


def _rate(text: str, where: str) -> Fraction:
    value = _number(text, where)
    if not 0 < value <= RATE_HZ_MAX:
        raise MalformedInput("an impossible sampling rate", where=where)
    return Fraction(value)


def _number(text: str, where: str) -> Decimal:
    if not re.fullmatch(r"[+-]?\d{1,20}(\.\d{0,20})?([eE][+-]?\d{1,2})?", text):
        raise MalformedInput("not a number", where=where, cure="see header(5) of WFDB")
    return Decimal(text)


def _time(text: str | None, where: str) -> time | None:
    if text is None:
        return None
    # header(5): minutes and hours may be left out, seconds may have a fraction.
    found = re.fullmatch(r"(?:(?:(\d{1,2}):)?(\d{1,2}):)?(\d{1,2})(?:\.(\d{1,6})\d*)?", text)
    try:
        if found is not None:
            hours, minutes, seconds, fraction = found.groups()
            micros = int((fraction or "0").ljust(6, "0"))
            return time(int(hours or 0), int(minutes or 0), int(seconds), micros)
    except ValueError:
        pass
    raise MalformedInput("an impossible time of day", where=where, cure="HH:MM:SS")


def _date(text: str | None, where: str) -> date | None:
    if text is None:
        return None
    day, month, year = (int(part) for part in text.split("/"))
    try:
        found = date(year, month, day)
    except ValueError:
        found = None
    if found is None or not YEAR_MIN <= year <= YEAR_MAX:
        raise MalformedInput("an impossible date", where=where, cure="DD/MM/YYYY")
    return found


def _bad(where: str, problem: str) -> MalformedInput:
    return MalformedInput(problem, where=where, cure="see header(5) of WFDB")
