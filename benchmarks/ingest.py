"""How fast files become samples, and in how much memory. CPU time of one core."""

import io
import resource
import time

from pulsekey.ingest.apple_health import AppleHealth
from pulsekey.ingest.clarity import Clarity
from pulsekey.ingest.items import Context, Format, Payload
from pulsekey.primitives.clock import Micros
from pulsekey.samples.apple_export import Plan, write
from pulsekey.signals.series import Series

APPLE_DAYS = 120
CLARITY_ROWS = 100_000
CLARITY_HEADER = (
    "Index,Timestamp (YYYY-MM-DDThh:mm:ss),Event Type,Event Subtype,Patient Info,Device Info,"
    "Source Device ID,Glucose Value (mg/dL),Transmitter ID\n"
)


def figures() -> list[tuple[str, float, str]]:
    """Return (name, value, unit) of each figure."""
    export = io.BytesIO()
    tally = write(export, Plan(days=APPLE_DAYS))
    apple = _seconds(AppleHealth(), export.getvalue())
    rows = "".join(
        f"{n},2023-04-{1 + n % 28:02d} {n % 24:02d}:{n % 60:02d}:47,EGV,,,,G6,{60 + n % 200},X\n"
        for n in range(CLARITY_ROWS)
    )
    clarity = _seconds(Clarity(), (CLARITY_HEADER + rows).encode())
    peak_mebibytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1_024
    return [
        ("Apple XML to samples", sum(tally.records.values()) / apple, "records/s/core"),
        ("Clarity CSV to samples", CLARITY_ROWS / clarity, "rows/s/core"),
        ("Peak memory of this benchmark, its input included", peak_mebibytes, "MiB"),
    ]


def _seconds(format_: Format, content: bytes) -> float:
    payload = Payload("benchmark", len(content), lambda: io.BytesIO(content))
    start = time.process_time()
    samples = sum(
        len(item) for item in format_.parse(payload, Context(Micros(0))) if isinstance(item, Series)
    )
    assert samples
    return time.process_time() - start
