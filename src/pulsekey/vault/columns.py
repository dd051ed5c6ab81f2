"""Integer columns as few bytes: a constant, a narrow offset from a minimum, or a narrow difference.

All arithmetic wraps modulo 2**64, so every int64 column comes back exactly, extremes included. What
is wider than a byte is split into planes (all lowest bytes first), which zstd packs better.
"""

import struct
from collections.abc import Mapping

import numpy as np

from pulsekey.primitives.errors import IntegrityError
from pulsekey.signals.series import Int64s

COLUMN = struct.Struct("<HBBqq")
"""Column number, encoding, bytes a value, base (the minimum), first value."""

CONSTANT, PLAIN, DELTA = 0, 1, 2
COLUMNS_MAX = 1_024
_MASK = (1 << 64) - 1


def encode(number: int, values: Int64s) -> tuple[bytes, bytes]:
    """Return the description and the packed bytes of an int64[n] column."""
    if len(values) == 0 or (values == values[0]).all():
        return COLUMN.pack(number, CONSTANT, 0, int(values[0]) if len(values) else 0, 0), b""
    unsigned = values.view(np.uint64)
    differences = unsigned[1:] - unsigned[:-1]
    signed = differences.view(np.int64)
    step_low, step_high = int(signed.min()), int(signed.max())
    low, high = int(values.min()), int(values.max())
    step_width, width = _width(step_high - step_low), _width(high - low)
    if step_width <= width:
        head = COLUMN.pack(number, DELTA, step_width, step_low, int(values[0]))
        return head, _pack(differences - np.uint64(step_low & _MASK), step_width)
    head = COLUMN.pack(number, PLAIN, width, low, 0)
    return head, _pack(unsigned - np.uint64(low & _MASK), width)


def constant(number: int, value: int) -> bytes:
    """Return the description of a column whose values are all `value`."""
    return COLUMN.pack(number, CONSTANT, 0, value, 0)


def decode_all(content: memoryview, count: int, rows: int) -> Mapping[int, Int64s]:
    """Return int64[rows] columns by number: `count` descriptions, then their packed bytes."""
    place = count * COLUMN.size
    columns: dict[int, Int64s] = {}
    if count > COLUMNS_MAX or place > len(content):
        raise IntegrityError("a segment with more columns than bytes")
    for number, encoding, width, base, first in COLUMN.iter_unpack(content[:place]):
        length = 0 if encoding == CONSTANT else width * (rows - 1 if encoding == DELTA else rows)
        packed = content[place : place + length]
        if len(packed) != length:
            raise IntegrityError("a column with fewer bytes than rows")
        place += length
        columns[number] = _decode(encoding, width, base, first, packed, rows)
    return columns


def _decode(
    encoding: int, width: int, base: int, first: int, packed: memoryview, rows: int
) -> Int64s:
    if encoding == CONSTANT:
        # One value seen `rows` times: nothing is filled until somebody narrows it.
        return np.ndarray((rows,), np.int64, struct.pack("<q", base), strides=(0,))
    wide = _unpack(packed, width, rows - 1 if encoding == DELTA else rows) + np.uint64(base & _MASK)
    if encoding == PLAIN:
        return wide.view(np.int64)
    out = np.empty(rows, np.uint64)
    out[0] = first & _MASK
    np.cumsum(wide, out=out[1:])
    out[1:] += out[0]
    return out.view(np.int64)


def _width(spread: int) -> int:
    """Return how many bytes hold 0..spread: 0, 1, 2, 4 or 8."""
    if spread == 0:
        return 0
    return 1 if spread < 1 << 8 else 2 if spread < 1 << 16 else 4 if spread < 1 << 32 else 8


def _pack(values: "np.ndarray[tuple[int], np.dtype[np.uint64]]", width: int) -> bytes:
    if width == 0:
        return b""
    narrow = values.astype(f"<u{width}")
    if width == 1:
        return narrow.tobytes()
    return narrow.view(np.uint8).reshape(-1, width).T.tobytes()


def _unpack(
    packed: memoryview, width: int, count: int
) -> "np.ndarray[tuple[int], np.dtype[np.uint64]]":
    if width == 0:
        return np.zeros(count, np.uint64)
    planes = np.frombuffer(packed, np.uint8).reshape(width, count)
    return np.ascontiguousarray(planes.T).view(f"<u{width}").reshape(count).astype(np.uint64)
