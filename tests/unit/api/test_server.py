"""How a node is served: with as many files as the system lets it open."""

import subprocess
import sys

import pytest

CODE = """
import resource
from pulsekey.api.server import raised_descriptors
resource.setrlimit(resource.RLIMIT_NOFILE, ({soft}, {hard}))
print(raised_descriptors(), resource.getrlimit(resource.RLIMIT_NOFILE)[0])
"""


@pytest.mark.skipif(sys.platform == "win32", reason="sockets are no descriptors there")
@pytest.mark.parametrize(("soft", "hard", "found"), [(64, 512, 512), (256, 256, 256)])
def test_the_soft_limit_of_open_files_is_raised_to_the_hard_one(
    soft: int, hard: int, found: int
) -> None:
    done = subprocess.run(
        [sys.executable, "-c", CODE.format(soft=soft, hard=hard)],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.split() == [str(found), str(found)]
