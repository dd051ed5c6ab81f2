"""WFDB records: ECG samples with their leads, and the beats and rhythms written beside them.

A record is a header with its signal files and annotations, sent as one upload of several files or
as one zip. The rule: not one sample is given out before every signal has the first value and the
checksum that its header states, and nothing is read that is not beside the header.

Sources: WFDB Applications Guide, header(5), signal(5), annot(5).
"""

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from fractions import Fraction
from itertools import groupby
from typing import BinaryIO, Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import numpy as np

from pulsekey.ingest.archive import ZIP_MAGIC, members
from pulsekey.ingest.items import ROWS_MAX, Context, Coverage, Item, Payload, Refusal
from pulsekey.ingest.wfdb.annotations import ANNOTATION_BYTES_MAX, Annotation, read_annotations
from pulsekey.ingest.wfdb.header import (
    FORMATS,
    HEADER_BYTES_MAX,
    NO_VALUE,
    Header,
    Signal,
    looks_like_header,
    parse_header,
)
from pulsekey.primitives.clock import MICROS_PER_SECOND, micros
from pulsekey.primitives.errors import MalformedInput
from pulsekey.primitives.messages import Said
from pulsekey.signals.electrocardiography import ECG, ECG_BEAT, ECG_EVENT, ECG_RHYTHM, LEADS
from pulsekey.signals.metric import Metric
from pulsekey.signals.series import (
    GRADE_WINDOW_SECONDS,
    OFFSET_UNKNOWN,
    Basis,
    Block,
    Channel,
    Int32s,
    Series,
    Source,
    Times,
    Waveform,
    quantities,
)

ANNOTATORS: Final = ("atr", "ari", "ann", "ecg", "qrs", "rhy")
"""The extensions under which annotations stand beside a record."""
UNITS: Final = {"mV": "mV", "uV": "uV", "V": "V", "µV": "uV"}
"""Units of an electric potential as headers write them, in UCUM."""
RHYTHM: Final = "+"
_WHOLE: Final = {
    16: ("<i2", 0),
    32: ("<i4", 0),
    61: (">i2", 0),
    80: ("u1", 2**7),
    160: ("<u2", 2**15),
}
"""Signal formats of whole bytes: how a sample is stored, and what stands for zero."""
RECORD_MICROS_MAX: Final = 100 * 366 * 86_400 * MICROS_PER_SECOND


@dataclass(frozen=True, slots=True)
class _Start:
    micros: int
    offset: int
    basis: Basis


class WfdbRecord:
    """The WFDB format. See `pulsekey.ingest.items.Format`."""

    coverage = Coverage(
        format="wfdb",
        title="WFDB record: ECG with annotations (.hea with .dat and .atr, or one zip of them)",
        metrics=(ECG.name, ECG_BEAT.name, ECG_RHYTHM.name, ECG_EVENT.name),
        notes=(
            "signal formats 16, 24, 32, 61, 80, 160 and 212; one segment; no skew",
            "leads by their usual names, in V, mV or uV; other signals are refused one by one",
            "checksums and first values are verified before anything is kept",
            "a record without a date keeps floating times from 1970-01-01",
            "comment lines, annotation notes and subtypes are not kept",
        ),
    )

    def recognises(self, head: bytes, payload: Payload) -> bool:
        """Whether the payload, one of its companions or a file in its zip is a WFDB header."""
        if looks_like_header(head):
            return True
        if head.startswith(ZIP_MAGIC):
            try:
                return _header_name(_beside(payload, head)) is not None
            except MalformedInput:
                return False
        return _header_name(payload.companions) is not None

    def parse(self, payload: Payload, context: Context) -> Iterator[Item]:
        """Yield waveforms, then annotations, then what was not kept.

        Raises `MalformedInput` where the header cannot be read, a file is missing or cut short, or
        a signal contradicts its header.
        """
        with payload.open() as stream:
            head = stream.read(HEADER_BYTES_MAX)
        files = _beside(payload, head)
        name = _header_name(files)
        if name is None:
            raise MalformedInput(
                "no WFDB header among the files", where=payload.name, cure="add the .hea file"
            )
        with files[name].open() as stream:
            header = parse_header(stream.read(HEADER_BYTES_MAX + 1), where=name)
        start = _start(header, context, name)
        source = Source(key=f"wfdb:{header.record}", name=f"WFDB {header.record}")
        reading = _Reading(header, files, name, payload.size, context.progress)
        reading.verify()
        yield from _waveforms(reading, source, start)
        yield from _annotations(header, files, source, start)
        yield from _left_out(header, files, name)
        context.progress(payload.size)


def _beside(payload: Payload, head: bytes) -> Mapping[str, Payload]:
    """Return every file of the upload by its plain name."""
    if not head.startswith(ZIP_MAGIC):
        return {payload.name.rsplit("/", 1)[-1]: payload, **payload.companions}
    inside: dict[str, Payload] = {}
    for number, (path, member) in enumerate(members(payload).items(), 1):
        name = path.rsplit("/", 1)[-1]
        if name in inside:
            raise MalformedInput(
                "two files of the same name in different folders",
                where=Said("{file}, member {number}", file=payload.name, number=number),
                cure="send one record at a time",
            )
        inside[name] = member
    return inside


def _header_name(files: Mapping[str, Payload]) -> str | None:
    """Return the one file that is a header by its content. Two of them are an error."""
    found = [name for name, file in files.items() if _is_header(file)]
    if len(found) > 1:
        raise MalformedInput("several WFDB headers", cure="send one record at a time")
    return found[0] if found else None


def _is_header(file: Payload) -> bool:
    if file.size > HEADER_BYTES_MAX:
        return False
    with file.open() as stream:
        return looks_like_header(stream.read(HEADER_BYTES_MAX))


def _start(header: Header, context: Context, where: str) -> _Start:
    """Return when the record begins. Without a date, or a zone that somebody declared: floating."""
    local = datetime.combine(header.day or date(1970, 1, 1), header.at or time(), UTC)
    if header.day is None or not context.zone:
        return _Start(micros(local), OFFSET_UNKNOWN, Basis.FLOATING)
    try:
        zone = ZoneInfo(context.zone)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise MalformedInput(
            "an unknown time zone was declared", where=where, cure="name one as Europe/Paris"
        ) from None
    shift = local.replace(tzinfo=zone).utcoffset()
    assert shift is not None
    minutes = round(shift.total_seconds() / 60)
    return _Start(micros(local - shift), minutes, Basis.DECLARED)


class _Reading:
    """The samples of a record, read twice: once to verify them and once to give them out."""

    def __init__(
        self,
        header: Header,
        files: Mapping[str, Payload],
        where: str,
        size: int,
        progress: Callable[[int], None],
    ) -> None:
        self.header = header
        self._where = where
        self._size = size
        self._progress = progress
        self._done = 0
        self._groups: list[tuple[Payload, tuple[tuple[int, Signal], ...]]] = []
        numbered = list(enumerate(header.signals))
        taken: set[str] = set()
        for name, together in groupby(numbered, key=lambda pair: pair[1].file):
            signals = tuple(together)
            if name in taken:
                raise MalformedInput(
                    "signals of one file that do not follow each other",
                    where=where,
                    cure="see header(5) of WFDB",
                )
            taken.add(name)
            if name not in files:
                raise MalformedInput(
                    Said(
                        "the file of signal {number} is not in this upload",
                        number=signals[0][0] + 1,
                    ),
                    where=where,
                    cure="send the header together with its signal files",
                )
            first = signals[0][1]
            if any(
                (s.format, s.byte_offset) != (first.format, first.byte_offset) for _, s in signals
            ):
                raise MalformedInput(
                    "signals of one file in different formats or places", where=where
                )
            self._groups.append((files[name], signals))
        self.frames = header.frames if header.frames is not None else self._frames_held()
        if not self.frames:
            raise MalformedInput("no samples", where=where, cure="send the record complete")
        self.frames_a_chunk = _chunk_frames(header)
        self._total = 2 * self.frames * len(header.signals)

    def _frames_held(self) -> int:
        held = []
        for file, signals in self._groups:
            bits = sum(s.samples_per_frame for _, s in signals) * FORMATS[signals[0][1].format]
            held.append(max(0, file.size - signals[0][1].byte_offset) * 8 // bits)
        return min(held)

    def verify(self) -> None:
        """Raise `MalformedInput` unless every signal has its first value and its checksum."""
        count = len(self.header.signals)
        sums = [0] * count
        firsts: list[int | None] = [None] * count
        for _, chunk in self.chunks():
            for index, raw in enumerate(chunk):
                sums[index] += int(raw.sum(dtype=np.int64))
                if firsts[index] is None and len(raw):
                    firsts[index] = int(raw[0])
        for index, signal in enumerate(self.header.signals):
            where = Said("{file}, signal {number}", file=self._where, number=index + 1)
            cure = "send the files again as they were made"
            if signal.checksum is not None and (sums[index] - signal.checksum) % 2**16:
                raise MalformedInput(
                    "its samples do not have the checksum that the header states",
                    where=where,
                    cure=cure,
                )
            if None not in (signal.first, firsts[index]) and signal.first != firsts[index]:
                raise MalformedInput(
                    "its first sample is not the one that the header states", where=where, cure=cure
                )

    def chunks(self) -> Iterator[tuple[int, list[Int32s]]]:
        """Yield (first frame, raw samples by signal), at most `frames_a_chunk` frames at a time."""
        streams = [file.open() for file, _ in self._groups]
        try:
            for stream, (_, signals) in zip(streams, self._groups, strict=True):
                stream.seek(signals[0][1].byte_offset)
            for at in range(0, self.frames, self.frames_a_chunk):
                frames = min(self.frames_a_chunk, self.frames - at)
                chunk: list[Int32s] = [np.empty(0, np.int32)] * len(self.header.signals)
                for stream, (_, signals) in zip(streams, self._groups, strict=True):
                    for (index, _), raw in zip(
                        signals, self._frames_of(stream, signals, frames, at), strict=True
                    ):
                        chunk[index] = raw
                self._done += frames * len(self.header.signals)
                self._progress(min(self._size, self._size * self._done // self._total))
                yield at, chunk
        finally:
            for stream in streams:
                stream.close()

    def _frames_of(
        self, stream: BinaryIO, signals: tuple[tuple[int, Signal], ...], frames: int, at: int
    ) -> Iterator[Int32s]:
        widths = [signal.samples_per_frame for _, signal in signals]
        count = frames * sum(widths)
        bytes_wanted = math.ceil(count * FORMATS[signals[0][1].format] / 8)
        content = stream.read(bytes_wanted)
        if len(content) != bytes_wanted:
            raise MalformedInput(
                Said(
                    "its file ends before frame {frame} of {frames}",
                    frame=at + frames,
                    frames=self.frames,
                ),
                where=Said("{file}, signal {number}", file=self._where, number=signals[0][0] + 1),
                cure="send the files again, complete",
            )
        raw = decode_samples(content, count, signals[0][1].format).reshape(frames, -1)
        left = 0
        for width in widths:
            yield np.ascontiguousarray(raw[:, left : left + width]).reshape(-1)
            left += width


def decode_samples(content: bytes, count: int, kind: int) -> Int32s:
    """Return `count` samples, int32[count], from signal format `kind` of signal(5)."""
    if kind in _WHOLE:
        dtype, zero = _WHOLE[kind]
        return np.frombuffer(content, dtype, count).astype(np.int32) - np.int32(zero)
    three = np.frombuffer(content + bytes(-len(content) % 3), np.uint8).reshape(-1, 3)
    low, middle, high = (three[:, at].astype(np.int32) for at in range(3))
    if kind == 24:
        return _signed(low | middle << 8 | high << 16, 24)
    if kind == 212:
        pairs = np.stack((low | (middle & 0x0F) << 8, high | (middle & 0xF0) << 4), axis=1)
        return _signed(pairs.reshape(-1)[:count], 12)
    raise MalformedInput(Said("signal format {kind} is not read", kind=kind))


def _signed(raw: Int32s, bits: int) -> Int32s:
    half = np.int32(1 << (bits - 1))
    return (raw ^ half) - half


def _chunk_frames(header: Header) -> int:
    """Return how many frames a block holds: whole grade windows that end on whole microseconds.

    Where the rate allows neither, the block is as long as it may be and its start is rounded.
    """
    widest = max(signal.samples_per_frame for signal in header.signals)
    most = ROWS_MAX // widest
    exact = (header.rate_hz / MICROS_PER_SECOND).numerator
    window = (header.rate_hz * GRADE_WINDOW_SECONDS).numerator
    # Two frames, because two samples of format 212 share a byte.
    for step in (math.lcm(exact, window, 2), math.lcm(exact, 2), 2):
        if step <= most:
            return most // step * step
    return 1


def _waveforms(reading: _Reading, source: Source, start: _Start) -> Iterator[Item]:
    header = reading.header
    readable: list[tuple[int, Signal]] = []
    for index, signal in enumerate(header.signals):
        problem, cure = _unreadable(signal)
        if problem:
            yield Refusal(Said("signal {number}", number=index + 1), problem, cure)
        else:
            readable.append((index, signal))
    if not readable:
        return
    readable.sort(key=lambda pair: (pair[1].samples_per_frame, pair[0]))
    for at, chunk in reading.chunks():
        begins = start.micros + _micros_at(at, header.rate_hz)
        for width, together in groupby(readable, key=lambda pair: pair[1].samples_per_frame):
            channels = tuple(_channel(signal, chunk[index]) for index, signal in together)
            block = Block(begins, start.offset, start.basis, header.rate_hz * width, channels)
            yield Waveform(ECG, source, (block,))


def _unreadable(signal: Signal) -> tuple[str, str]:
    """Say why a signal cannot become a lead of an ECG, or ("", "")."""
    if signal.name.lower() not in LEADS:
        return "its name is not that of an ECG lead", "rename it in the header if it is one"
    if signal.unit not in UNITS:
        return "its unit is not an electric potential", "state V, mV or uV in the header"
    if signal.gain is None:
        return "it is not calibrated", "state its gain in the header"
    return "", ""


def _channel(signal: Signal, raw: Int32s) -> Channel:
    lower, upper = signal.range or (None, None)
    lost = NO_VALUE[signal.format]
    return Channel(
        code=LEADS[signal.name.lower()],
        unit=UNITS[signal.unit],
        factor=signal.factor,
        origin=signal.origin,
        raw=raw,
        lost=lost if bool((raw == lost).any()) else None,
        lower=lower,
        upper=upper,
    )


def _annotations(
    header: Header, files: Mapping[str, Payload], source: Source, start: _Start
) -> Iterator[Item]:
    for annotator in ANNOTATORS:
        name = f"{header.record}.{annotator}"
        if name not in files:
            continue
        with files[name].open() as stream:
            content = stream.read(ANNOTATION_BYTES_MAX + 1)
        found, own_rate = read_annotations(content, where=name)
        rate = own_rate or header.rate_hz
        by = Source(key=f"{source.key}.{annotator}", name=f"{source.name} ({annotator})")
        kept = 0
        for metric in (ECG_BEAT, ECG_RHYTHM, ECG_EVENT):
            chosen = [pair for pair in map(_answer(metric), found) if pair is not None]
            kept += len(chosen)
            yield from _categorical(metric, by, start, rate, chosen)
        yield from _unkept(found, kept, annotator)


def _answer(metric: Metric) -> Callable[[Annotation], tuple[int, int] | None]:
    """Return what turns an annotation into (sample, index of its answer), or None."""
    index = {code.code: at for at, code in enumerate(metric.components[0].answers)}

    def answer(annotation: Annotation) -> tuple[int, int] | None:
        if (annotation.symbol == RHYTHM) != (metric is ECG_RHYTHM):
            return None
        text = annotation.symbol
        if metric is ECG_RHYTHM:
            text = annotation.note.rstrip(b"\0").decode("latin-1").removeprefix("(")
        return (annotation.sample, index[text]) if text in index else None

    return answer


def _categorical(
    metric: Metric, source: Source, start: _Start, rate: Fraction, chosen: list[tuple[int, int]]
) -> Iterator[Series]:
    chosen.sort(key=lambda pair: pair[0])
    for left in range(0, len(chosen), ROWS_MAX):
        part = chosen[left : left + ROWS_MAX]
        at = np.array([start.micros + _micros_at(sample, rate) for sample, _ in part], np.int64)
        answers = np.array([answer for _, answer in part], np.int64)
        yield Series(
            metric,
            source,
            Times(
                at,
                at,
                np.full(len(part), start.offset, np.int16),
                np.full(len(part), start.basis, np.uint8),
            ),
            (quantities(answers, 0),),
        )


def _unkept(found: tuple[Annotation, ...], kept: int, annotator: str) -> Iterator[Refusal]:
    where = Said("annotations ({annotator})", annotator=annotator)
    if kept < len(found):
        yield Refusal(
            where,
            Said(
                "{count} annotations are of a type or rhythm that is not understood",
                count=len(found) - kept,
            ),
            "use the standard annotation codes",
        )
    subtypes = sum(1 for a in found if a.subtype or a.channel or a.number)
    if subtypes:
        yield Refusal(
            where,
            Said(
                "{count} annotations carry a subtype, channel or number, which is not kept",
                count=subtypes,
            ),
            "keep the original file if you need them",
        )
    notes = sum(1 for a in found if a.note and a.symbol != RHYTHM)
    if notes:
        yield Refusal(
            where,
            Said("{count} annotations carry a note, which is not kept", count=notes),
            "keep the original file if you need them",
        )


def _left_out(header: Header, files: Mapping[str, Payload], name: str) -> Iterator[Refusal]:
    if header.comments:
        yield Refusal(
            "header comments",
            Said(
                "{count} comment lines hold free text about a person, which is not kept",
                count=header.comments,
            ),
            "enter what matters as a condition or a medication",
        )
    if header.day is None:
        yield Refusal(
            "header",
            "it states no date: the samples are kept, with times that count from 1970-01-01",
            "add the base time and date to the record line",
        )
    used = {name, *(signal.file for signal in header.signals)}
    used |= {f"{header.record}.{annotator}" for annotator in ANNOTATORS}
    others = len(set(files) - used)
    if others:
        yield Refusal(
            "upload",
            Said("{count} files do not belong to the record", count=others),
            "send them on their own",
        )


def _micros_at(sample: int, rate: Fraction) -> int:
    """Return when `sample` is, in microseconds from the start, rounded half up."""
    at = (2 * sample * MICROS_PER_SECOND * rate.denominator + rate.numerator) // (
        2 * rate.numerator
    )
    if at > RECORD_MICROS_MAX:
        raise MalformedInput("a sample later than any record is long", cure="state the right rate")
    return at
