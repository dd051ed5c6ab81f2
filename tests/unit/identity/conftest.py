"""A node for each test."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.unit.identity.node import Node, opened


@pytest.fixture
def node(tmp_path: Path) -> Iterator[Node]:
    with opened(tmp_path) as made:
        yield made
