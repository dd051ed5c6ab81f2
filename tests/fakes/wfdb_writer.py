"""Writes WFDB records for tests and for the shipped excerpt: format 212 and MIT annotations."""

import struct
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from pulsekey.ingest.wfdb.annotations import AUX, NUM, SKIP, SUB, Annotation


def pack_212(samples: NDArray[np.int32]) -> bytes:
    """Pack int32[n] samples of 12 bits, two in three bytes; the last one of an odd count in two."""
    flat = samples.reshape(-1).astype(np.int64) & 0xFFF
    odd = len(flat) % 2
    pairs = np.append(flat, 0)[: len(flat) + odd].reshape(-1, 2)
    packed = np.empty((len(pairs), 3), np.uint8)
    packed[:, 0] = pairs[:, 0] & 0xFF
    packed[:, 1] = pairs[:, 0] >> 8 | (pairs[:, 1] >> 8) << 4
    packed[:, 2] = pairs[:, 1] & 0xFF
    content = packed.tobytes()
    return content[:-1] if odd else content


def checksum(samples: NDArray[np.int32]) -> int:
    """The 16-bit sum of one signal as header(5) wants it, signed."""
    total = int(samples.sum(dtype=np.int64)) & 0xFFFF
    return total - 0x10000 if total >= 0x8000 else total


def header(
    record: str,
    samples: NDArray[np.int32],
    leads: Sequence[str],
    *,
    rate: str = "360",
    start: str = "",
    comments: Sequence[str] = (),
) -> bytes:
    """A header for int32[frames, leads] in one file of format 212, scaled as MIT-BIH is."""
    lines = [f"{record} {len(leads)} {rate} {len(samples)}{start and ' ' + start}"]
    for index, lead in enumerate(leads):
        first = int(samples[0, index])
        lines.append(f"{record}.dat 212 200 11 1024 {first} {checksum(samples[:, index])} 0 {lead}")
    lines.extend(f"# {comment}" for comment in comments)
    return ("\n".join(lines) + "\n").encode()


def annotations(found: Sequence[Annotation]) -> bytes:
    """Annotations in MIT format, in their order, with the end mark."""
    out = bytearray()
    before = number = 0
    for one in found:
        step = one.sample - before
        before = one.sample
        if not 0 <= step < 1024:
            out += struct.pack("<HhH", SKIP << 10, step >> 16, step & 0xFFFF)
            step = 0
        out += struct.pack("<H", one.kind << 10 | step)
        if one.subtype:
            out += struct.pack("<H", SUB << 10 | one.subtype & 0xFF)
        if one.number != number:
            number = one.number
            out += struct.pack("<H", NUM << 10 | number & 0xFF)
        if one.note:
            out += struct.pack("<H", AUX << 10 | len(one.note))
            out += one.note + b"\0" * (len(one.note) % 2)
    return bytes(out) + b"\0\0"


def record(
    name: str = "made",
    frames: int = 720,
    leads: Sequence[str] = ("MLII", "V1"),
    found: Sequence[Annotation] = (),
    start: str = "",
) -> Mapping[str, bytes]:
    """A small record of a ramp, complete and correct."""
    ramp = np.arange(frames * len(leads), dtype=np.int32).reshape(frames, len(leads)) % 2048
    return {
        f"{name}.hea": header(name, ramp, leads, start=start),
        f"{name}.dat": pack_212(ramp),
        f"{name}.atr": annotations(found),
    }
