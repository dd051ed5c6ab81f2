"""Damages the sample files in many ways and feeds them to their parsers until the time is up.

Only `MalformedInput` may come out. Anything else is written to `build/fuzz/` with the bytes that
caused it and ends the run with an error; slow and memory-hungry inputs are reported too.
"""

import argparse
import io
import sys
import time
import traceback
import tracemalloc
from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path
from random import Random

from pulsekey.ingest.items import Context, Format, Payload
from pulsekey.primitives.clock import Micros
from pulsekey.primitives.errors import MalformedInput
from tests.conformance.test_formats import CASES

FOUND = Path("build/fuzz")
SLOW_SECONDS = 5.0
PEAK_BYTES_MAX = 512 * 2**20
DAMAGES_MAX = 6
INTERESTING = (
    b"\0",
    b"\xff",
    b"\x7f\xff",
    b"\xff\xff\xff\xff",
    b"\0" * 8,
    b'"',
    b"{",
    b"[",
    b"<",
    b",",
)


def damaged(content: bytes, random: Random) -> bytes:
    """Return `content` with bits turned, bytes put in, pieces repeated, or its end cut off."""
    changed = bytearray(content)
    for _ in range(random.randint(1, DAMAGES_MAX)):
        at = random.randrange(len(changed) + 1)
        match random.randrange(5):
            case 0 if changed:
                changed[at % len(changed)] ^= 1 << random.randrange(8)
            case 1:
                changed[at:at] = random.choice(INTERESTING)
            case 2:
                changed[at : at + random.randrange(64)] = b""
            case 3:
                changed[at:at] = changed[at : at + random.randrange(256)] * random.randint(1, 4)
            case _ if random.random() < 0.1:
                del changed[at:]
            case _:
                changed[at : at + 1] = random.randbytes(1)
    return bytes(changed)


def attempt(known: Format, whole: Payload) -> str:
    """Parse `whole` and say how it ended."""
    with whole.open() as stream:
        known.recognises(stream.read(65_536), whole)
    try:
        for _ in known.parse(whole, Context(received=Micros(0))):
            pass
    except MalformedInput:
        return "malformed"
    return "read"


def altered(whole: Payload, seal: Callable[[bytes], bytes], random: Random) -> Payload:
    """Damage one file of an upload, and let half of them pass their checksum."""
    files: Mapping[str, Payload] = {whole.name: whole, **whole.companions}
    chosen = random.choice(sorted(files))
    with files[chosen].open() as stream:
        content = damaged(stream.read(), random)
    if random.random() < 0.5:
        content = seal(content)
    new = Payload(chosen, len(content), lambda: io.BytesIO(content))
    if chosen == whole.name:
        return Payload(whole.name, new.size, new.open, whole.companions)
    return Payload(whole.name, whole.size, whole.open, {**whole.companions, chosen: new})


def main() -> int:
    """Fuzz until the time is up; return the number of failures."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--seconds", type=float, default=60.0)
    options.add_argument("--seed", type=int, default=1)
    asked = options.parse_args()
    random = Random(asked.seed)
    outcomes: Counter[tuple[str, str]] = Counter()
    failures = 0
    ends = time.monotonic() + asked.seconds
    while time.monotonic() < ends:
        name, case = random.choice(sorted(CASES.items()))
        upload = altered(case.payload(), case.sealed, random)
        tracemalloc.reset_peak() if tracemalloc.is_tracing() else tracemalloc.start()
        started = time.monotonic()
        try:
            outcome = attempt(case.format(), upload)
        except Exception:  # noqa: BLE001 # Finding these is what this program is for.
            failures += 1
            outcome = "FAILED"
            _keep(upload, f"{name}-{asked.seed}-{failures}", traceback.format_exc())
        if time.monotonic() - started > SLOW_SECONDS:
            outcome = f"{outcome}, slow"
        if tracemalloc.get_traced_memory()[1] > PEAK_BYTES_MAX:
            outcome = f"{outcome}, large"
        outcomes[name, outcome] += 1
    for (name, outcome), count in sorted(outcomes.items()):
        print(f"{count:8}  {name:<12} {outcome}")
    return min(failures, 1)


def _keep(upload: Payload, name: str, trace: str) -> None:
    folder = FOUND / name.replace(" ", "-")
    folder.mkdir(parents=True, exist_ok=True)
    for file_name, file in {"upload": upload, **upload.companions}.items():
        with file.open() as stream:
            (folder / file_name).write_bytes(stream.read())
    (folder / "trace.txt").write_text(trace)


if __name__ == "__main__":
    sys.exit(main())
