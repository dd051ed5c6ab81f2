"""`make demo` plays the whole story and ends well; the evidence that it leaves verifies."""

import os
import subprocess
import sys
from pathlib import Path

from pulsekey.evidence.verify import verify

TOLD = (
    "Five kinds of files come in",
    "Nobody reads without consent",
    "404, “There is nothing here that you may read.”",
    "may see my heart rate",
    "The clinician reads through FHIR",
    "The patient stops it",
    "stopped: entry",
    "verified offline",
    "one byte changed",
    "more lines in",
    "Done in",
    "verify",
)
SECONDS_MAX = 240


def test_the_demonstration_tells_the_whole_story(tmp_path: Path) -> None:
    plain = {name: text for name, text in os.environ.items() if not name.startswith("PULSEKEY_")}
    done = subprocess.run(
        [
            sys.executable,
            "-c",
            "from pulsekey.cli.main import run; run()",
            "--home",
            str(tmp_path),
            "demo",
        ],
        check=False,
        capture_output=True,
        text=True,
        timeout=SECONDS_MAX,
        env=plain | {"PYTHONIOENCODING": "utf-8"},
    )
    assert done.returncode == 0, done.stdout + done.stderr
    places = [done.stdout.find(line) for line in TOLD]
    assert -1 not in places, dict(zip(TOLD, places, strict=True))
    assert "FAIL" not in done.stdout.split("one byte changed")[0]
    assert "FAIL" in done.stdout.split("one byte changed")[1]
    (evidence,) = tmp_path.glob("evidence*.json")
    assert verify(evidence.read_bytes()).holds
