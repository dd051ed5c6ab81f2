"""What every test shares: how hard properties are tried, and where the full sample records are."""

import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

SLOW_MACHINE = [HealthCheck.too_slow, HealthCheck.data_too_large]
settings.register_profile(
    "usual",
    max_examples=40,
    deadline=None,
    suppress_health_check=SLOW_MACHINE,
    print_blob=True,
    # CI judges a change by the same examples each time; a developer's machine tries new ones.
    derandomize="CI" in os.environ,
)
settings.register_profile("long", settings.get_profile("usual"), max_examples=2_000)
settings.load_profile(os.environ.get("PULSEKEY_TEST_EFFORT", "usual"))


@pytest.fixture(scope="session")
def full_records() -> Path:
    """The folder of full sample records, which a fresh clone does not have.

    docs/operating.md says where they go. The tests that need them compare with public records too
    large, or under other licences than ours, to be shipped; excerpts of them are.
    """
    folder = Path(__file__).parents[2] / "shared" / "data"
    if not folder.is_dir():
        pytest.skip(f"the full sample records are not in {folder}: see docs/operating.md, Tests")
    return folder
