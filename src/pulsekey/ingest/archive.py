"""Zip, gzip and bzip2 without their dangers: bounded output, no paths, nothing written to disk.

The one rule: no number that an archive states about itself is believed. Bytes are counted as they
come out.
"""

import bz2
import gzip
import io
import lzma
import stat
import zipfile
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import BinaryIO, Final

from pulsekey.ingest.items import Payload
from pulsekey.primitives.errors import MalformedInput
from pulsekey.primitives.messages import Said

MEMBERS_MAX: Final = 64
"""A record has a handful of files; an Apple export with its routes is read by its own parser."""
MEMBER_BYTES_MAX: Final = 512 * 2**20
NAME_CHARACTERS_MAX: Final = 255
RATIO_MAX: Final = 400
"""Above what text of measurements compresses to (about 1:40), below any bomb worth making."""
RATIO_FREE_BYTES: Final = 16 * 2**20
"""Up to here the ratio is not judged: small files of zeros compress a thousandfold."""

DIRECTORY_BYTES_MAX: Final = 2**20
END_BYTES: Final = 22
COMMENT_BYTES_MAX: Final = 65_535

GZIP_MAGIC: Final = b"\x1f\x8b"
BZIP2_MAGIC: Final = b"BZh"
ZIP_MAGIC: Final = b"PK\x03\x04"
END_MAGIC: Final = b"PK\x05\x06"

READ_FAILURES: Final = (
    EOFError,
    OSError,
    lzma.LZMAError,
    zlib.error,
    zipfile.BadZipFile,
    NotImplementedError,
    RuntimeError,
    ValueError,
)
"""What the standard library raises on damaged, encrypted or exotic archives."""


class Bounded(io.RawIOBase):
    """A stream that refuses to give out more than `limit` bytes, and names its failures.

    Raises `MalformedInput` where the source is damaged, too long or too dense.
    """

    def __init__(self, source: BinaryIO, *, limit: int, packed_bytes: int, where: str) -> None:
        super().__init__()
        self._source = source
        self._limit = min(limit, max(RATIO_FREE_BYTES, packed_bytes * RATIO_MAX))
        self._where = where

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override] # RawIOBase says Buffer.
        with _named(self._where):
            data = self._source.read(len(buffer))
            at = self._source.tell()
        if at > self._limit:
            raise MalformedInput(
                Said("unpacks to more than {limit} bytes", limit=self._limit),
                where=self._where,
                cure="send it unpacked, or in parts",
            )
        buffer[: len(data)] = data
        return len(data)

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        # From the end would unpack everything to find out where that is.
        if whence == io.SEEK_END:
            raise io.UnsupportedOperation("the length of packed data is not known")
        with _named(self._where):
            return self._source.seek(offset, whence)

    def tell(self) -> int:
        return self._source.tell()

    def close(self) -> None:
        self._source.close()
        super().close()


def unpacked(payload: Payload, head: bytes, *, limit: int) -> BinaryIO:
    """Open `payload`, through gzip or bzip2 if its first bytes say so, for `limit` bytes."""
    source = payload.open()
    opener: Callable[[BinaryIO], BinaryIO] | None = None
    if head.startswith(GZIP_MAGIC):
        opener = _gzip
    elif head.startswith(BZIP2_MAGIC):
        opener = _bzip2
    if opener is None:
        return source
    return _buffered(opener(source), limit, payload.size, payload.name)


def members(payload: Payload) -> Mapping[str, Payload]:
    """Return the files of a zip by name, or raise `MalformedInput`.

    Names with a path upwards, absolute ones, links, encrypted members and too many of them are
    refused; folders are left out. Nothing is unpacked before a member is opened.
    """
    found: dict[str, Payload] = {}
    with payload.open() as stream:
        _refuse_long_directory(stream, payload.name)
    with _named(payload.name), payload.open() as stream, zipfile.ZipFile(stream) as archive:
        entries = archive.infolist()
    if len(entries) > MEMBERS_MAX:
        raise MalformedInput(
            Said("more than {most} files in one archive", most=MEMBERS_MAX),
            where=payload.name,
            cure="send one record at a time",
        )
    for number, entry in enumerate(entries, 1):
        if entry.is_dir():
            continue
        _refuse_tricks(entry, Said("{file}, member {number}", file=payload.name, number=number))
        if entry.filename in found:
            raise MalformedInput(
                "two members of the same name",
                where=Said("{file}, member {number}", file=payload.name, number=number),
                cure="keep one of them",
            )
        found[entry.filename] = Payload(
            entry.filename, entry.file_size, _member_opener(payload, entry, number)
        )
    return found


def _refuse_long_directory(stream: BinaryIO, where: str) -> None:
    """Refuse a directory too long to be held before it is read (PKWARE APPNOTE, 4.3.16).

    A zip64 archive states 0xFFFFFFFF here, which is too long as well: no record needs one.
    """
    size = stream.seek(0, io.SEEK_END)
    stream.seek(max(0, size - END_BYTES - COMMENT_BYTES_MAX))
    tail = stream.read()
    at = tail.rfind(END_MAGIC)
    if at < 0 or len(tail) - at < END_BYTES:
        raise MalformedInput("an archive without its end", where=where, cure="download it again")
    if int.from_bytes(tail[at + 12 : at + 16], "little") > DIRECTORY_BYTES_MAX:
        raise MalformedInput(
            "too many files in one archive", where=where, cure="send one record at a time"
        )


def _refuse_tricks(entry: zipfile.ZipInfo, where: str) -> None:
    name = entry.filename
    parts = name.replace("\\", "/").split("/")
    problem = ""
    if name.startswith(("/", "\\")) or ".." in parts or ":" in parts[0] or "\0" in name:
        problem = "a name that leaves its folder"
    elif len(name) > NAME_CHARACTERS_MAX:
        problem = Said("a name longer than {most} characters", most=NAME_CHARACTERS_MAX)
    elif stat.S_ISLNK(entry.external_attr >> 16):
        problem = "a link instead of a file"
    elif entry.flag_bits & 0x1:
        problem = "an encrypted file"
    elif entry.file_size > MEMBER_BYTES_MAX:
        problem = Said("a file larger than {most} bytes", most=MEMBER_BYTES_MAX)
    if problem:
        raise MalformedInput(problem, where=where, cure="pack the plain files into a new archive")


def _member_opener(payload: Payload, entry: zipfile.ZipInfo, number: int) -> Callable[[], BinaryIO]:
    def opened() -> BinaryIO:
        where = Said("{file}, member {number}", file=payload.name, number=number)
        with _named(where):
            archive = zipfile.ZipFile(payload.open())
            source = archive.open(entry)
        # Packed size is what the archive states; it cannot exceed the archive itself.
        packed = min(entry.compress_size, payload.size)
        return _buffered(source, MEMBER_BYTES_MAX, packed, where)  # type: ignore[arg-type] # IO[bytes]

    return opened


def _gzip(source: BinaryIO) -> BinaryIO:
    return gzip.GzipFile(fileobj=source, mode="rb")  # type: ignore[return-value] # typed as IOBase


def _bzip2(source: BinaryIO) -> BinaryIO:
    return bz2.BZ2File(source)  # type: ignore[return-value] # typed as IOBase


def _buffered(source: BinaryIO, limit: int, packed_bytes: int, where: str) -> BinaryIO:
    bounded = Bounded(source, limit=limit, packed_bytes=packed_bytes, where=where)
    return io.BufferedReader(bounded)


@contextmanager
def _named(where: str) -> Iterator[None]:
    try:
        yield
    except READ_FAILURES as failure:
        raise MalformedInput(
            "the archive is damaged, encrypted or packed in an unknown way",
            where=where,
            cure="download or pack it again",
        ) from failure
