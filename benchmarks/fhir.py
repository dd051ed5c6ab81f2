"""How fast samples become Observations, and resources are read and judged.

`figures()` returns (name, value, unit) rows, each per core: CPU time, the best of several runs.
"""

import json
import time
from collections.abc import Callable
from fractions import Fraction

import numpy as np

from pulsekey.fhir.bundle import Entry, searchset
from pulsekey.fhir.documents import document
from pulsekey.fhir.matching import rows_match
from pulsekey.fhir.render import observations
from pulsekey.fhir.search import compile_search
from pulsekey.fhir.waveforms import waveform
from pulsekey.primitives.clock import Micros
from pulsekey.resources import codec
from pulsekey.signals.catalogue import BLOOD_PRESSURE, HEART_RATE
from pulsekey.signals.electrocardiography import ECG, LEADS
from tests.fakes.fhir_samples import (
    MINUTE,
    NEW_YEAR,
    block,
    numbers,
    samples,
    times,
)
from tests.fakes.fhir_samples import document as record

Figure = tuple[str, float, str]
ROWS = 20_000
SEARCHED_ROWS = 200_000
PAGE_ROWS = 50
DECODED = 2_000
RUNS = 5
BASE = "https://node.example/fhir/R4"
ASKED = [("patient", "p"), ("code", "http://loinc.org|8867-4"), ("date", "ge2026-01-01")]


def figures() -> list[Figure]:
    """Return every figure of the FHIR edge."""
    beats = numbers(np.random.default_rng(1).integers(45, 170, ROWS).tolist())
    at = times([NEW_YEAR + index * MINUTE for index in range(ROWS)])
    points = samples(HEART_RATE, at, beats)
    graded = samples(
        HEART_RATE, at, beats, grades=[(index % 2, index % 2) for index in range(ROWS)]
    )
    panels = samples(BLOOD_PRESSURE, at, beats, beats)
    many = times([NEW_YEAR + index * MINUTE for index in range(SEARCHED_ROWS)])
    searched = samples(HEART_RATE, many, numbers([60] * SEARCHED_ROWS))
    search = compile_search("Observation", ASKED, now=Micros(NEW_YEAR))
    rendered = observations(points)[:DECODED]
    ecg = block(ECG, [LEADS["v1"], LEADS["v2"]], [7] * 108_000, rate=Fraction(360))
    imported = record("Observation", json.dumps(json.loads(rendered[0]), indent=2).encode())

    def page() -> bytes:
        chosen = np.arange(ROWS - PAGE_ROWS, ROWS)
        found = [Entry("Observation", "x", content) for content in observations(points, chosen)]
        return searchset(BASE, search, found)

    return [
        ("points rendered", ROWS / best(lambda: observations(points)), "Observations/s"),
        (
            "points rendered, half of them graded",
            ROWS / best(lambda: observations(graded)),
            "Observations/s",
        ),
        ("panels rendered", ROWS / best(lambda: observations(panels)), "Observations/s"),
        ("page of 50 as a Bundle", best(page) * 1e6, "us"),
        ("ECG rendered, 2 leads of 5 minutes", 216_000 / best(lambda: waveform(ecg)), "samples/s"),
        (
            "search compiled",
            best(lambda: compile_search("Observation", ASKED, now=Micros(0))) * 1e6,
            "us",
        ),
        ("dates compared", SEARCHED_ROWS / best(lambda: rows_match(search, searched)), "rows/s"),
        ("documents passed on", 1 / best(lambda: document(imported, str)), "documents/s"),
        (
            "Observations decoded (shape)",
            DECODED / best(lambda: each(codec.decode, rendered)),
            "/s",
        ),
        (
            "Observations read (every rule)",
            DECODED / best(lambda: each(codec.read, rendered)),
            "/s",
        ),
    ]


def each(work: Callable[[bytes], object], contents: list[bytes]) -> None:
    for content in contents:
        work(content)


def best(work: Callable[[], object]) -> float:
    """Return the CPU seconds of the fastest of several runs."""
    seconds = []
    for _ in range(RUNS):
        begin = time.process_time()
        work()
        seconds.append(time.process_time() - begin)
    return max(min(seconds), 1e-9)


if __name__ == "__main__":
    for name, value, unit in figures():
        print(f"{name:40} {value:14,.0f} {unit}")
