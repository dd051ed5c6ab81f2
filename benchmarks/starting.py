"""How long one waits for a command, for a node to open, and for the whole demonstration."""

import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

from benchmarks.figures import Figure, cpu_seconds, wall_seconds
from pulsekey import wiring
from pulsekey.settings import Settings

STARTS = 3
DEMO_SECONDS_TARGET = 60.0
DEMO_SECONDS_MAX = 180.0
STDERR_CHARACTERS = 2_000
MEASURED = re.compile(r"^bench (\S+) (\S+)$", re.MULTILINE)
DEMO = """
import resource, sys, time
from pulsekey.cli.main import main
begun = time.perf_counter()
status = main(["--home", sys.argv[1], "demo"])
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
print(f"\\nbench {time.perf_counter() - begun} {peak}")
sys.exit(status)
"""


def figures() -> Iterator[Figure]:
    note = "compiled each time: no bytecode is kept" if sys.dont_write_bytecode else ""
    for name, text in (
        ("a command's imports", "import pulsekey.cli.main"),
        ("the embedded chain's imports", "import pulsekey.adapters.pyevm.engine"),
    ):
        bare = wall_seconds(lambda: _python("pass"), STARTS)
        seconds = wall_seconds(lambda text=text: _python(text), STARTS) - bare  # type: ignore[misc]
        yield Figure(f"{name}, wall clock", seconds, "s", note=note)
    yield from _opening()
    yield from _demo()


def _opening() -> Iterator[Figure]:
    with tempfile.TemporaryDirectory() as folder:
        settings = replace(Settings(), home=Path(folder) / "node")
        wiring.create(settings)

        def opened() -> None:
            with ExitStack() as stack:
                stack.enter_context(wiring.opened(settings))

        opened()  # Imports what only an open node needs.
        seconds = cpu_seconds(opened, STARTS)
    yield Figure("a node, opened and closed", seconds * 1e3, "ms of CPU", note="without imports")


def _demo() -> Iterator[Figure]:
    with tempfile.TemporaryDirectory() as folder:
        done = subprocess.run(
            [sys.executable, "-c", DEMO, folder],
            capture_output=True,
            text=True,
            timeout=DEMO_SECONDS_MAX,
            check=False,
        )
    found = MEASURED.search(done.stdout)
    if done.returncode or found is None:
        raise RuntimeError(f"the demonstration failed: {done.stderr[-STDERR_CHARACTERS:]}")
    seconds, peak = map(float, found.groups())
    yield Figure(
        "the demonstration", seconds, "s", DEMO_SECONDS_TARGET, "wall clock", less_is_better=True
    )
    yield Figure("the demonstration, peak memory", peak, "MiB")


def _python(text: str) -> None:
    subprocess.run([sys.executable, "-c", text], check=True, capture_output=True)
