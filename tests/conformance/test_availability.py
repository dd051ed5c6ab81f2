"""Every Availability keeps the promises written in pulsekey.ledger.ports.Availability."""

from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pulsekey.ledger.availability.files import FileAvailability
from pulsekey.ledger.ports import Availability
from pulsekey.primitives.errors import IntegrityError, NotFound
from pulsekey.primitives.hashing import digest
from tests.fakes.ledger_stores import MemoryAvailability

ENGINES: dict[str, Callable[[Path], Availability]] = {
    "memory": lambda _: MemoryAvailability(),
    "files": FileAvailability,
}
every_engine = pytest.mark.parametrize("engine_in", ENGINES.values(), ids=ENGINES.keys())


@every_engine
@given(content=st.binary(max_size=4_096))
def test_what_was_published_is_fetched_by_its_receipt(
    engine_in: Callable[[Path], Availability],
    content: bytes,
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    availability = engine_in(tmp_path_factory.mktemp("availability"))
    receipt = availability.publish(content)
    assert receipt == digest(content) == availability.publish(content)
    assert availability.fetch(receipt) == content


@every_engine
def test_what_was_never_published_is_not_found(
    engine_in: Callable[[Path], Availability], tmp_path: Path
) -> None:
    with pytest.raises(NotFound):
        engine_in(tmp_path).fetch(digest(b"never"))


@pytest.mark.parametrize("damage", [b"", b"contenT", b"content and more"])
def test_a_damaged_file_is_found_on_fetching_and_mended_by_publishing(
    tmp_path: Path, damage: bytes
) -> None:
    availability = FileAvailability(tmp_path)
    receipt = availability.publish(b"content")
    availability.path(receipt).write_bytes(damage)
    with pytest.raises(IntegrityError, match=receipt.hex()):
        availability.fetch(receipt)
    availability.publish(b"content")
    assert availability.fetch(receipt) == b"content"
