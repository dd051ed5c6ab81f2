"""How long a clinician waits: search through the gate, decided, logged on disk and decrypted.

A real node with a live consent; each search is one entry of the access log, durable before
anything is opened. "At the server" is the use case alone, "over HTTP" includes socket, token and
client.
"""

import json
from collections.abc import Callable, Iterator

from benchmarks.clinic import PURPOSE, Clinic, clinic
from benchmarks.figures import Figure, cpu_seconds, latencies, percentile
from pulsekey.evidence.entries import Asked
from pulsekey.primitives.clock import Micros

ROWS = 200_000
SOURCES = 20
FOUND = 50
SEARCHES = 400
WARM = 20
TARGET_MILLISECONDS = 5.0


def figures() -> Iterator[Figure]:
    with clinic(ROWS) as one:
        yield from _searches(one, "last 50 of 200,000", TARGET_MILLISECONDS)
        yield from _parts(one)
    with clinic(ROWS, SOURCES) as several:
        yield from _searches(several, f"the same from {SOURCES} sources", None)


def _searches(at: Clinic, name: str, target: float | None) -> Iterator[Figure]:
    query = [("patient", str(at.record)), ("code", "http://loinc.org|8867-4"), ("_count", "50")]
    reader = at.reader
    logged = at.node.accesses.heads(at.record)
    answer = at.node.records.search(reader, "Observation", query).body
    assert len(json.loads(answer)["entry"]) == FOUND + 1  # And what it is limited to.
    assert at.node.accesses.heads(at.record) != logged

    def searched() -> None:
        at.node.records.search(reader, "Observation", query)

    def asked() -> None:
        assert at.clinician.client.fhir("Observation", at.token, *query).status == 200

    yield from _waits(f"{name}, at the server", searched, target)
    spent = cpu_seconds(searched, SEARCHES)
    yield Figure("the same, CPU of the server's part", spent * 1e3, "ms", note="the rest is disk")
    at.clinician.client.connection.close()  # The server has let go of an idle one.
    yield from _waits(f"{name}, over HTTP", asked, None)


def _parts(at: Clinic) -> Iterator[Figure]:
    who = at.reader.principal
    gate, now = at.node.gate, at.node.clock.now()
    asked = Asked(("Observation",), limit=FOUND)
    yield from _waits(
        "the gate alone: decided and logged", lambda: gate.open(who, at.record, PURPOSE, asked)
    )

    def decided() -> None:
        for _ in range(SEARCHES):
            gate.decide(who, at.record, PURPOSE, Micros(now))

    each = cpu_seconds(decided) / SEARCHES
    yield Figure("consent decision, terms opened before", each * 1e6, "us")


def _waits(name: str, work: Callable[[], object], target: float | None = None) -> Iterator[Figure]:
    for _ in range(WARM):
        work()
    waits = latencies(work, SEARCHES)
    p50, p95 = percentile(waits, 0.5) * 1e3, percentile(waits, 0.95) * 1e3
    yield Figure(f"{name}, p50", p50, "ms", target, less_is_better=True)
    yield Figure(f"{name}, p95", p95, "ms")
