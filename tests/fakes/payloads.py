"""Payloads made of bytes, and of the sample files that the project ships."""

import io
import zipfile
from collections.abc import Mapping
from pathlib import Path

from pulsekey.ingest.items import Context, Payload
from pulsekey.primitives.clock import Micros

SAMPLES = Path(__file__).parents[2] / "src" / "pulsekey" / "samples" / "files"
RECEIVED = Micros(1_790_000_000_000_000)
ECG_RECORD = "mitdb208"


def payload(name: str, content: bytes, companions: Mapping[str, bytes] | None = None) -> Payload:
    """A payload of `content`, with companions by their names."""
    beside = {other: payload(other, data) for other, data in (companions or {}).items()}
    return Payload(name, len(content), lambda: io.BytesIO(content), beside)


def sample(name: str, *companions: str) -> Payload:
    """A shipped sample file, with others beside it."""
    return payload(
        name,
        (SAMPLES / name).read_bytes(),
        {other: (SAMPLES / other).read_bytes() for other in companions},
    )


def ecg_sample() -> Payload:
    """The shipped ECG record as an upload of three files."""
    return sample(f"{ECG_RECORD}.hea", f"{ECG_RECORD}.dat", f"{ECG_RECORD}.atr")


def zipped(files: Mapping[str, bytes], name: str = "upload.zip") -> Payload:
    """A zip of `files`, the same bytes every time."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for inside, content in files.items():
            entry = zipfile.ZipInfo(inside, (1980, 1, 1, 0, 0, 0))
            archive.writestr(entry, content, zipfile.ZIP_DEFLATED)
    return payload(name, out.getvalue())


def context(zone: str = "") -> Context:
    """A context without progress."""
    return Context(received=RECEIVED, zone=zone)
