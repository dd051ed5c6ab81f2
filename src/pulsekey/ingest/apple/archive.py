"""The export.zip of the Health app: which member is the export, which are electrocardiograms.

The one rule: members are known by what they hold, nothing is ever written to disk, and no number
that the archive states about itself is believed beyond a limit. Names are localised (导出.xml), so
they decide nothing; a name that tries to leave its folder only gets its member left out.
"""

import io
import struct
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import BinaryIO, Final, cast

from pulsekey.ingest.apple.tags import ROOT
from pulsekey.ingest.archive import READ_FAILURES, Bounded
from pulsekey.ingest.items import Payload, Refusal
from pulsekey.primitives.errors import MalformedInput
from pulsekey.primitives.messages import Said

DIRECTORY_BYTES_MAX: Final = 8 * 2**20
"""A directory of some 60,000 members: a route and an ECG for every day of eighty years."""
EXPORT_BYTES_MAX: Final = 16 * 2**30
ECG_BYTES_MAX: Final = 4 * 2**20
HEAD_BYTES: Final = 64 * 1_024
CANDIDATES_MAX: Final = 32
"""So many .xml members are looked into."""
CURE: Final = "send the zip as the Health app made it, or the export.xml in it"

_END: Final = b"PK\x05\x06"
_END_64: Final = b"PK\x06\x07"
_END_BYTES: Final = 22
_COMMENT_BYTES_MAX: Final = 65_535


@dataclass(frozen=True, slots=True)
class Archive:
    """An opened export.zip with one export in it."""

    zip: zipfile.ZipFile
    payload: Payload
    entry: zipfile.ZipInfo

    @property
    def export_name(self) -> str:
        return Said("{file}, export", file=self.payload.name)

    @contextmanager
    def export(self) -> Iterator[BinaryIO]:
        """Open the export as a stream of bounded length."""
        with _open(self.zip, self.entry, self.payload, EXPORT_BYTES_MAX) as stream:
            yield stream

    def electrocardiograms(self) -> Iterator[tuple[str, bytes]]:
        """Yield the ECG files, each with its place in the archive."""
        for number, entry in enumerate(self.zip.infolist(), 1):
            if _is_electrocardiogram(entry):
                with _open(self.zip, entry, self.payload, ECG_BYTES_MAX) as stream:
                    yield (
                        Said("{file}, member {number}", file=self.payload.name, number=number),
                        stream.read(),
                    )

    def refusals(self) -> Iterator[Refusal]:
        """Yield what the archive holds that is not read, counted by kind."""
        counts: dict[str, int] = {}
        for entry in self.zip.infolist():
            if entry is self.entry or entry.is_dir() or _is_electrocardiogram(entry):
                continue
            suffix = entry.filename.rpartition(".")[2].lower()
            kind = suffix if suffix in _CURES else "other"
            kind = "unsafe" if _unsafe(entry) else kind
            counts[kind] = counts.get(kind, 0) + 1
        for kind, count in counts.items():
            yield Refusal(
                Said(_FILES[kind], file=self.payload.name, kind=kind, count=count),
                "not read",
                _CURES[kind],
            )


_CURES: Final = {
    "gpx": "nothing to do: routes are not read; workouts and their distances are",
    "json": "import the clinical records of the hospital as a FHIR Bundle",
    "jpg": "nothing to do: pictures are not read",
    "xml": "nothing to do: export_cda.xml repeats what the export says",
    "other": "nothing to do: only the export and its electrocardiograms are read",
    "unsafe": "a name that leaves its folder, or an encrypted file: pack the archive again",
}
_OF_KIND: Final = "{file}, {count} {kind} files"
_FILES: Final = {
    "gpx": _OF_KIND,
    "json": _OF_KIND,
    "jpg": _OF_KIND,
    "xml": _OF_KIND,
    "other": "{file}, {count} other files",
    "unsafe": "{file}, {count} unsafe files",
}


def holds_export(payload: Payload) -> bool:
    """Whether a zip has an Apple Health export in it."""
    try:
        with payload.open() as stream, opened(stream, payload):
            return True
    except MalformedInput:
        return False


@contextmanager
def opened(stream: BinaryIO, payload: Payload) -> Iterator[Archive]:
    """Open an export.zip, or raise `MalformedInput`."""
    _check_directory(stream, payload)
    try:
        archive = zipfile.ZipFile(stream)
    except (*READ_FAILURES, ValueError) as failure:
        raise MalformedInput("a damaged archive", where=payload.name, cure=CURE) from failure
    with archive:
        yield Archive(archive, payload, _export_entry(archive, payload))


def _export_entry(archive: zipfile.ZipFile, payload: Payload) -> zipfile.ZipInfo:
    candidates = [
        entry
        for entry in archive.infolist()
        if entry.filename.lower().endswith(".xml") and not _unsafe(entry)
    ]
    candidates.sort(key=lambda entry: entry.file_size, reverse=True)
    found: list[zipfile.ZipInfo] = []
    for entry in candidates[:CANDIDATES_MAX]:
        with _open(archive, entry, payload, HEAD_BYTES) as stream:
            if ROOT in stream.read(HEAD_BYTES):
                found.append(entry)
    if len(found) != 1:
        problem = "several exports in one archive" if found else "no export in this archive"
        raise MalformedInput(problem, where=payload.name, cure=CURE)
    return found[0]


@contextmanager
def _open(
    archive: zipfile.ZipFile, entry: zipfile.ZipInfo, payload: Payload, limit: int
) -> Iterator[BinaryIO]:
    try:
        member = archive.open(entry)
    except (*READ_FAILURES, ValueError) as failure:
        raise MalformedInput("a damaged archive", where=payload.name, cure=CURE) from failure
    # What is packed cannot be longer than the archive, whatever the archive says.
    packed = min(entry.compress_size, payload.size)
    bounded = Bounded(
        cast("BinaryIO", member),
        limit=limit + HEAD_BYTES,
        packed_bytes=packed,
        where=payload.name,
    )
    with io.BufferedReader(bounded, HEAD_BYTES) as stream:
        yield cast("BinaryIO", stream)


def _is_electrocardiogram(entry: zipfile.ZipInfo) -> bool:
    name = entry.filename.lower()
    return "electrocardiograms/" in name and name.endswith(".csv") and not _unsafe(entry)


def _unsafe(entry: zipfile.ZipInfo) -> bool:
    parts = entry.filename.replace("\\", "/").split("/")
    absolute = parts[0] == "" or ":" in parts[0]
    return absolute or ".." in parts or bool(entry.flag_bits & 0x1)


def _check_directory(stream: BinaryIO, payload: Payload) -> None:
    """Refuse a directory too long to be held, before it is read (PKWARE APPNOTE, 4.3.14)."""
    size = stream.seek(0, io.SEEK_END)
    stream.seek(max(0, size - _END_BYTES - _COMMENT_BYTES_MAX))
    tail = stream.read(_END_BYTES + _COMMENT_BYTES_MAX)
    at = tail.rfind(_END)
    if at < 0 or len(tail) - at < _END_BYTES:
        raise MalformedInput("an archive without its end", where=payload.name, cure=CURE)
    (directory_bytes,) = struct.unpack_from("<L", tail, at + 12)
    if at >= 20 and tail[at - 20 : at - 16] == _END_64:
        (place,) = struct.unpack_from("<Q", tail, at - 12)
        stream.seek(min(place, size))
        record = stream.read(56)
        directory_bytes = struct.unpack_from("<Q", record, 40)[0] if len(record) == 56 else size
    stream.seek(0)
    if directory_bytes > DIRECTORY_BYTES_MAX:
        raise MalformedInput("too many files in one archive", where=payload.name, cure=CURE)
