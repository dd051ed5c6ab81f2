"""A node for every test: one takes 40 ms."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.fakes.node_clinic import Clinic, opened_clinic


@pytest.fixture
def clinic(tmp_path: Path) -> Iterator[Clinic]:
    with opened_clinic(tmp_path / "node") as opened:
        yield opened
