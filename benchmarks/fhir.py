"""How fast samples become Observations, and resources are read and judged."""

import json
from collections.abc import Iterator
from fractions import Fraction
from functools import partial

import numpy as np

from benchmarks.figures import Figure, cpu_seconds
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
from pulsekey.vault.records import Samples
from tests.fakes.fhir_samples import (
    MINUTE,
    NEW_YEAR,
    block,
    numbers,
    samples,
    times,
)
from tests.fakes.fhir_samples import document as record

ROWS = 20_000
SEARCHED_ROWS = 200_000
PAGE_ROWS = 50
DECODED = 2_000
CALLS = 200
ECG_SAMPLES = 108_000
BASE = "https://node.example/fhir/R4"
ASKED = [("patient", "p"), ("code", "http://loinc.org|8867-4"), ("date", "ge2026-01-01")]


def figures() -> Iterator[Figure]:
    beats = numbers(np.random.default_rng(1).integers(45, 170, ROWS).tolist())
    at = times([NEW_YEAR + index * MINUTE for index in range(ROWS)])
    points = samples(HEART_RATE, at, beats)
    mixed = [(index % 2, index % 2) for index in range(ROWS)]
    graded = samples(HEART_RATE, at, beats, grades=mixed)
    panels = samples(BLOOD_PRESSURE, at, beats, beats)
    for name, rows in (("points", points), ("points, half of them doubtful", graded)):
        seconds = cpu_seconds(partial(observations, rows))
        yield Figure(f"{name}, rendered", ROWS / seconds, "Observations/s/core")
    seconds = cpu_seconds(lambda: observations(panels))
    yield Figure("panels, rendered", ROWS / seconds, "Observations/s/core")
    ecg = block(ECG, [LEADS["v1"], LEADS["v2"]], [7] * ECG_SAMPLES, rate=Fraction(360))
    seconds = cpu_seconds(lambda: waveform(ecg))
    yield Figure("ECG, 2 leads of 5 minutes, rendered", 2 * ECG_SAMPLES / seconds, "samples/s/core")
    yield from _searching(points)
    yield from _reading(observations(points)[:DECODED])


def _searching(points: Samples) -> Iterator[Figure]:
    search = compile_search("Observation", ASKED, now=Micros(NEW_YEAR))

    def compiled() -> None:
        for _ in range(CALLS):
            compile_search("Observation", ASKED, now=Micros(0))

    def pages() -> None:
        chosen = np.arange(ROWS - PAGE_ROWS, ROWS)
        for _ in range(CALLS):
            found = [Entry("Observation", "x", one) for one in observations(points, chosen)]
            searchset(BASE, search, found)

    yield Figure("search, compiled", cpu_seconds(compiled) / CALLS * 1e6, "us")
    yield Figure("page of 50 as a Bundle", cpu_seconds(pages) / CALLS * 1e6, "us")
    many = times([NEW_YEAR + index * MINUTE for index in range(SEARCHED_ROWS)])
    searched = samples(HEART_RATE, many, numbers([60] * SEARCHED_ROWS))
    seconds = cpu_seconds(lambda: rows_match(search, searched))
    yield Figure("dates, compared", SEARCHED_ROWS / seconds, "rows/s/core")


def _reading(rendered: list[bytes]) -> Iterator[Figure]:
    imported = record("Observation", json.dumps(json.loads(rendered[0]), indent=2).encode())
    seconds = cpu_seconds(lambda: [document(imported, str) for _ in range(CALLS)])
    yield Figure("imported documents, passed on", CALLS / seconds, "documents/s/core")
    seconds = cpu_seconds(lambda: [codec.decode(one) for one in rendered])
    yield Figure("Observations, decoded (shape)", DECODED / seconds, "Observations/s/core")
    seconds = cpu_seconds(lambda: [codec.read(one) for one in rendered])
    yield Figure("Observations, read (every rule)", DECODED / seconds, "Observations/s/core")
