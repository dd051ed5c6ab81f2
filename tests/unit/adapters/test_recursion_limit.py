"""Loading the embedded EVM leaves the process as robust against nested input as it was."""

import subprocess
import sys

PROGRAM = """
import sys
before = sys.getrecursionlimit()
import pulsekey.adapters.pyevm.engine
assert sys.getrecursionlimit() == before, sys.getrecursionlimit()
from pulsekey.primitives import canonical
from pulsekey.primitives.errors import MalformedInput
try:
    canonical.decode(b"[" * 100_000)
except MalformedInput:
    print("refused")
"""


def test_nested_json_is_refused_after_the_embedded_evm_was_loaded() -> None:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=False
    )
    assert done.stdout == "refused\n", done.stderr
