"""Gas of every call of the contract, from the snapshot that tests keep true (`contracts/gas.json`).

Gas does not drift from run to run, so it is read and not measured. The floor is what the prototype
needed for as much of the call as it did.
"""

import json
from collections.abc import Iterator
from pathlib import Path

from benchmarks.figures import Figure

SNAPSHOT = Path(__file__).parent.parent / "contracts" / "gas.json"
FLOORS = {
    "grant, first": 61_731,
    "grant, another": 61_731,
    "revoke": 44_591,
    "revoke, never granted": 44_591,
    "anchor, first": 48_923,
    "anchor, next": 26_785,
}
"""Figures of the prototype, whose grant had one slot, no nonce and no key record."""


def figures() -> Iterator[Figure]:
    calls = json.loads(SNAPSHOT.read_text())["calls"]
    for name, call in calls.items():
        floor = FLOORS.get(name)
        against = f"floor {floor:,}: {call['gas'] - floor:+,}. " if floor else ""
        yield Figure(name, call["gas"], "gas", note=against + call["why"])
