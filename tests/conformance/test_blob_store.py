"""Every BlobStore keeps the promises written in pulsekey.vault.ports.BlobStore."""

import secrets
from collections.abc import Callable
from pathlib import Path

import pytest

from pulsekey.primitives.errors import NotFound
from pulsekey.primitives.hashing import digest
from pulsekey.vault.embedded import FileBlobStore
from pulsekey.vault.ports import BlobStore
from tests.fakes.vault_stores import MemoryBlobStore

# Adding an adapter means adding a line here; nothing else in this file changes.
STORES: dict[str, Callable[[Path], BlobStore]] = {
    "files": lambda home: FileBlobStore(home / "blobs", secrets.token_bytes),
    "memory": lambda _: MemoryBlobStore(),
}


@pytest.fixture(params=STORES)
def store(request: pytest.FixtureRequest, tmp_path: Path) -> BlobStore:
    return STORES[request.param](tmp_path)


@pytest.mark.parametrize("sealed", [b"", b"x", bytes(range(256)) * 300])
def test_what_was_put_is_got(store: BlobStore, sealed: bytes) -> None:
    address = digest(sealed)
    assert not store.has(address)
    store.put(address, sealed)
    store.put(address, sealed)
    assert store.has(address)
    assert store.get(address) == sealed
    assert list(store.addresses()) == [address]


def test_a_range_is_a_slice_and_may_fall_short(store: BlobStore) -> None:
    address = digest(b"0123456789")
    store.put(address, b"0123456789")
    assert store.get(address, 2, 3) == b"234"
    assert store.get(address, 8) == b"89"
    assert store.get(address, 8, 100) == b"89"
    assert store.get(address, 20, 5) == b""


def test_a_missing_blob_is_not_found(store: BlobStore) -> None:
    with pytest.raises(NotFound):
        store.get(digest(b"never put"))


def test_a_deleted_blob_is_gone_and_deleting_again_is_no_error(store: BlobStore) -> None:
    address = digest(b"x")
    store.put(address, b"x")
    store.delete(address)
    store.delete(address)
    assert not store.has(address)
    assert list(store.addresses()) == []


def test_nothing_that_was_put_is_discarded_as_unfinished(store: BlobStore) -> None:
    address = digest(b"x")
    store.put(address, b"x")
    store.discard_unfinished()
    assert store.get(address) == b"x"
