"""A process whose children each run a node until they are killed.

For every line on its input it forks, having imported everything but opened nothing; the child opens
the node and says on the output what was acknowledged: imports, grants, reads, stops, commitments.
The process itself says "dead" when a child is.
"""

import json
import os
import sys
from collections.abc import Callable
from importlib import import_module
from itertools import count
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec

from pulsekey.evidence.entries import Asked
from pulsekey.exchange.gate import Opened
from pulsekey.identity.software_passkey import SoftwarePasskey
from pulsekey.ingest.items import Payload
from pulsekey.primitives.errors import NotFound
from pulsekey.primitives.ids import KeyId, PrincipalId
from tests.fakes.node_clinic import Clinic, Member, opened_clinic
from tests.fakes.payloads import payload, sample

PORT = 8_498
"""Nobody listens there: passkeys are bound to an origin, and it has to stay the same."""

ROWS = 25
OVERLAP = 5
GESTURES_MAX = 1_000_000
"""In one life: the counters of the passkeys go on from there in the next."""

ASKED = Asked(("Observation",))
LINES = [
    line
    for line in sample("clarity-three-days.csv").open().read().decode().splitlines(keepends=True)
    if ",EGV," in line or not line[:1].isdigit() or line.split(",")[2] in {"FirstName", "Device"}
]
READINGS = [line for line in LINES if ",EGV," in line]
TITLES = [line for line in LINES if ",EGV," not in line]


def part(k: int) -> Payload:
    """The kth import: it begins with the last readings of the one before.

    When all have been sent they are sent again, and add nothing.
    """
    begin = k * ROWS % len(READINGS)
    lines = [*TITLES, *READINGS[max(begin - OVERLAP, 0) : begin + ROWS]]
    return payload(f"part-{k}.csv", "".join(lines).encode())


def described(member: Member) -> dict[str, Any]:
    """Return somebody as JSON, with the secret of their passkey."""
    passkey = member.passkey
    secret = passkey._key.private_numbers().private_value
    return {
        "id": member.id,
        "key": member.key.hex(),
        "credential": passkey.credential_id.hex(),
        "handle": passkey.user_handle.hex(),
        "secret": hex(secret),
    }


def found(clinic: Clinic, kept: dict[str, Any], life: int) -> Member:
    """Return somebody who was described, in a later life."""
    settings = clinic.node.settings
    passkey = SoftwarePasskey(
        settings.relying_party,
        settings.origin,
        bytes.fromhex(kept["credential"]),
        bytes.fromhex(kept["handle"]),
        life * GESTURES_MAX,
        ec.derive_private_key(int(kept["secret"], 16), ec.SECP256R1()),
    )
    return Member(clinic, PrincipalId(kept["id"]), KeyId(bytes.fromhex(kept["key"])), passkey)


def say(*words: object) -> None:
    """Acknowledge: one write, so that a line is there or not."""
    os.write(1, (" ".join(map(str, words)) + "\n").encode())


def live(home: Path, life: int) -> None:
    """Open the node and work until killed."""
    people = json.loads((home.parent / "people.json").read_text())
    with opened_clinic(home, port=PORT) as clinic:
        patient, clinician = (found(clinic, people[name], life) for name in ("patient", "doctor"))
        say("ready")
        node = clinic.node
        patient.confirm(node.signing.offer_stop_all(patient.principal, patient.key))
        say("stop-all")
        for k in count(len(node.reports(patient.patient))):
            say("import", clinic.load(patient, part(k), zone="UTC").id)
            consent = clinic.grant(patient, clinician, ["glucose"])
            say("grant", consent.hex())
            for entry in opened(clinic, clinician, patient).entries:
                say("read", entry.access.chain.hex(), entry.counter, entry.digest.hex())
            clinic.stop(patient, consent)
            say("stop", consent.hex())
            say("refused", refused(lambda: opened(clinic, clinician, patient)))
            done = node.committing()
            assert done is not None
            say("commit", done.step.index)
            if k % 3 == 0:
                node.ledger.anchor_now()
                say("anchor")


def opened(clinic: Clinic, clinician: Member, patient: Member) -> Opened:
    return clinic.node.gate.open(clinician.principal, patient.patient, "TREAT", ASKED)


def refused(act: Callable[[], object]) -> bool:
    """Return whether there was nothing here for somebody."""
    try:
        act()
    except NotFound:
        return True
    return False


def main() -> None:
    # The embedded chain's engine takes a second to import: once, before any fork.
    import_module("pulsekey.adapters.pyevm.engine")
    home = Path(sys.argv[1])
    for line in sys.stdin:
        child = os.fork()
        if child == 0:
            live(home, int(line))
            os._exit(0)
        say("pid", child)
        os.waitpid(child, 0)
        say("dead")


if __name__ == "__main__":
    main()
