"""`pulsekey serve` as a process: what it says, and how it ends when it is told to."""

import http.client
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from pulsekey.cli.main import main
from pulsekey.cli.serving import free_port

SECONDS_MAX = 60


@contextmanager
def serving(home: Path, port: int) -> Iterator[subprocess.Popen[str]]:
    plain = {name: text for name, text in os.environ.items() if not name.startswith("PULSEKEY_")}
    process = subprocess.Popen(
        [sys.executable, "-m", "pulsekey.cli.main", "--home", home, "serve"],
        env=plain | {"PULSEKEY_PORT": str(port)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


@pytest.mark.parametrize("told", [signal.SIGINT, signal.SIGTERM])
def test_it_ends_in_order_when_it_is_told_to(tmp_path: Path, told: signal.Signals) -> None:
    home, port = tmp_path / "node", free_port()
    assert main(["--home", str(home), "init"]) == 0
    with serving(home, port) as process:
        assert process.stdout is not None
        for line in process.stdout:
            if line.startswith("Serving at"):
                break
        connection = http.client.HTTPConnection("localhost", port, timeout=SECONDS_MAX)
        connection.request("GET", "/fhir/R4/metadata", headers={"Connection": "close"})
        assert connection.getresponse().status == 200
        connection.close()
        process.send_signal(told)
        out, err = process.communicate(timeout=SECONDS_MAX)
    assert process.returncode == 0, err
    assert out.endswith("Stopped.\n")
    names = {line.split(" ")[2] for line in err.splitlines()}
    assert {one.partition(".")[0] for one in names} == {"pulsekey"}, err
    assert "Traceback" not in err
    assert main(["--home", str(home), "audit"]) == 0
