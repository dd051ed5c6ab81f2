"""A stop goes through while somebody holds every connection that the system allows."""

import http.client
import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

from pulsekey.api.callers import COOKIE
from pulsekey.settings import Settings
from tests.fakes.node_clinic import ORGANISATION, opened_clinic

DESCRIPTORS = 256
ATTACKERS = 300
SECONDS_MAX = 60
HALF = b"POST /api/sign-in/options HTTP/1.1\r\nHost: x\r\nX-A: "
STALLED = b"POST /api/sign-in HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\nx"


@contextmanager
def process_of(settings: Settings) -> Iterator[subprocess.Popen[str]]:
    """Serve a home in a process that may open few files."""
    plain = {name: text for name, text in os.environ.items() if not name.startswith("PULSEKEY_")}
    told = {
        "PULSEKEY_HOME": str(settings.home),
        "PULSEKEY_PORT": str(settings.port),
        "PULSEKEY_ORGANISATION": ORGANISATION,
    }
    limited = f'ulimit -n {DESCRIPTORS}; exec "{sys.executable}" -m pulsekey.cli.main serve'
    process = subprocess.Popen(
        ["/bin/sh", "-c", limited],
        env=plain | told,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    try:
        assert process.stdout is not None
        assert any(line.startswith("Serving at") for line in process.stdout)
        yield process
    finally:
        process.kill()
        process.communicate()


def besiege(stack: ExitStack, port: int, address: str, sent: bytes) -> None:
    """Open more connections than the process has descriptors, and say half of something on each."""
    for _ in range(ATTACKERS):
        found = socket.create_connection(("127.0.0.1", port), SECONDS_MAX, (address, 0))
        stack.enter_context(found)
        with suppress(ConnectionError):  # It has given way already.
            found.sendall(sent)


@pytest.mark.skipif(sys.platform != "linux", reason="needs a second address on the loopback")
@pytest.mark.parametrize("sent", [HALF, STALLED, b""])
@pytest.mark.parametrize("address", ["127.0.0.2", "127.0.0.1"])
def test_a_patient_stops_a_consent_during_a_flood_of_half_sent_requests(
    tmp_path: Path, sent: bytes, address: str
) -> None:
    with opened_clinic(tmp_path / "node") as clinic:
        settings = clinic.node.settings
        patient = clinic.patient()
        consent = clinic.grant(patient, clinic.clinician())
        cookie = {"Cookie": f"{COOKIE}={patient.portal()}", "Origin": settings.origin}

    def call(method: str, path: str, body: Any = None) -> Any:
        connection = http.client.HTTPConnection("127.0.0.1", settings.port, timeout=SECONDS_MAX)
        connection.request(method, path, None if body is None else json.dumps(body), cookie)
        reply = connection.getresponse()
        content = reply.read()
        connection.close()
        assert reply.status == 200, content
        return json.loads(content)

    with process_of(settings) as process, ExitStack() as stack:
        besiege(stack, settings.port, address, sent)
        offer = call("POST", "/api/offers/stop", {"consent": consent.hex()})
        besiege(stack, settings.port, address, sent)
        gesture = patient.gesture(offer["options"])
        step = call("POST", "/api/operations", {"offer": offer["offer"], "credential": gesture})
        assert step["code"] == 0
        (grant,) = call("GET", "/api/grants")["grants"]
        assert grant["state"] == "stopped"
        held = list(Path(f"/proc/{process.pid}/fd").iterdir())
        assert len(held) < DESCRIPTORS
