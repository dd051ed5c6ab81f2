"""How long a stranger needs to check one consent, and the node to write the file for it."""

from collections.abc import Iterator

from benchmarks.clinic import Clinic, clinic
from benchmarks.figures import Figure, cpu_seconds, wall_seconds
from pulsekey.evidence.verify import verify

FEW, MANY = 5, 500
ROWS = 1_000


def figures() -> Iterator[Figure]:
    with clinic(ROWS) as one:
        read = 0
        for reads in (FEW, MANY):
            _search(one, reads - read)
            read = reads
            yield from _evidence(one, reads)


def _search(at: Clinic, times: int) -> None:
    query = [("patient", str(at.record)), ("_count", "1")]
    for _ in range(times):
        at.node.records.search(at.reader, "Observation", query)


def _evidence(at: Clinic, reads: int) -> Iterator[Figure]:
    path = f"/api/grants/{at.consent}/evidence"
    at.patient.client.connection.close()  # The server has let go of an idle one.
    found = at.patient.client.call("GET", path).body
    assert verify(found).holds
    written = wall_seconds(lambda: at.patient.client.call("GET", path))
    checked = cpu_seconds(lambda: verify(found))
    yield Figure(f"a consent with {reads} reads, checked offline", checked * 1e3, "ms of CPU")
    yield Figure("the same, written by the node", written * 1e3, "ms over HTTP")
    yield Figure("the same, its size", len(found) / 1e3, "kB")
