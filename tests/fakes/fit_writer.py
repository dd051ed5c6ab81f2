"""Writes FIT files for tests: definitions, messages, and the checksum that makes them pass."""

import struct
from collections.abc import Sequence

from fitdecode.utils import compute_crc

FIT_EPOCH_SECONDS = 631_065_600

ENUM, UINT8, UINT16, SINT32, UINT32, UINT32Z, UINT64 = 0x00, 0x02, 0x84, 0x85, 0x86, 0x8C, 0x8F
_SIZES = {
    ENUM: (1, "B"),
    UINT8: (1, "B"),
    UINT16: (2, "H"),
    SINT32: (4, "i"),
    UINT32: (4, "I"),
    UINT32Z: (4, "I"),
    UINT64: (8, "Q"),
}

FILE_ID, SESSION, LAP, RECORD, ACTIVITY, HRV = 0, 18, 19, 20, 34, 78


def message(
    number: int, fields: Sequence[tuple[int, int, int]], *, local: int = 0, extra: bytes = b""
) -> bytes:
    """A definition and one message of it: fields are (definition number, base type, raw value)."""
    defined = struct.pack("<BBBHB", 0x40 | local, 0, 0, number, len(fields))
    content = struct.pack("<B", local)
    for definition, base, value in fields:
        size, code = _SIZES[base]
        defined += struct.pack("<BBB", definition, size, base)
        content += struct.pack(f"<{code}", value)
    return defined + content + extra


def file_id(kind: int = 4, serial: int = 4242) -> bytes:
    """An activity (4) of Garmin (1), unless `kind` says otherwise."""
    return message(FILE_ID, [(0, ENUM, kind), (1, UINT16, 1), (3, UINT32Z, serial)])


def fit(*messages: bytes) -> bytes:
    """A whole file of `messages`."""
    return sealed_fit(bytes(14) + b"".join(messages) + bytes(2))


def sealed_fit(content: bytes) -> bytes:
    """Return `content` with a right header and checksum around what stands between them."""
    body = content[14:-2]
    header = struct.pack("<BBHI4sH", 14, 0x20, 2158, len(body), b".FIT", 0)
    return header + body + struct.pack("<H", compute_crc(header + body))
