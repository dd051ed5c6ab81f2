"""How long a sign-in takes at the server: challenge, gesture and session, each on disk."""

from collections.abc import Iterator
from itertools import repeat
from statistics import median
from time import perf_counter, process_time

from benchmarks.clinic import Clinic, clinic
from benchmarks.figures import Figure, percentile
from pulsekey.cli.people import challenge_of

SIGN_INS = 200


def figures() -> Iterator[Figure]:
    with clinic(0) as one:
        waits, spent = zip(*(_sign_in(one) for _ in repeat(None, SIGN_INS)), strict=True)
    yield Figure("sign-in with a passkey, p50", median(waits) * 1e3, "ms", note="three commits")
    yield Figure("sign-in with a passkey, p95", percentile(sorted(waits), 0.95) * 1e3, "ms")
    yield Figure("sign-ins", 1 / median(spent), "sign-ins/s/core")


def _sign_in(at: Clinic) -> tuple[float, float]:
    """Return wall and CPU time of the server's part; the gesture itself is not counted."""
    node, passkey = at.node, at.clinician.passkey
    wall, cpu = perf_counter(), process_time()
    options = node.ceremonies.begin_sign_in()
    wall, cpu = perf_counter() - wall, process_time() - cpu
    response = passkey.authenticate(challenge_of(options))
    wall, cpu = perf_counter() - wall, process_time() - cpu
    signed = node.ceremonies.finish_sign_in(dict(response))
    node.sessions.open_portal(signed.principal.id, signed.key_id)
    return perf_counter() - wall, process_time() - cpu
