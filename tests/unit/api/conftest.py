"""A served node for every test: one takes 50 ms."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.fakes.node_clinic import Clinic, opened_clinic
from tests.fakes.node_http import Site, served


@pytest.fixture
def clinic(tmp_path: Path) -> Iterator[Clinic]:
    with opened_clinic(tmp_path / "node", upload_bytes_max=1_000_000) as opened:
        yield opened


@pytest.fixture
def site(clinic: Clinic) -> Iterator[Site]:
    with served(clinic.node) as up:
        yield up
