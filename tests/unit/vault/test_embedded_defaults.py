"""Key files that others could read are refused, and interrupted puts leave nothing behind."""

import errno
import os
import secrets
from pathlib import Path

import pytest

from pulsekey.primitives.errors import (
    AccessDenied,
    Conflict,
    MalformedInput,
    NotFound,
    Unavailable,
)
from pulsekey.vault.embedded import (
    FileBlobStore,
    LocalCustodian,
    create_key_file,
    key_from_file,
    parse_key,
)


@pytest.fixture
def key_file(tmp_path: Path) -> Path:
    path = tmp_path / "custodian.key"
    create_key_file(path, secrets.token_bytes)
    return path


def test_a_key_file_is_for_its_owner_only(key_file: Path) -> None:
    assert key_file.stat().st_mode & 0o777 == 0o600
    assert len(key_from_file(key_file)) == 32


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o601])
def test_a_key_file_that_others_can_touch_is_refused(key_file: Path, mode: int) -> None:
    key_file.chmod(mode)
    with pytest.raises(AccessDenied, match="0600"):
        key_from_file(key_file)


def test_a_link_to_a_key_file_is_refused(key_file: Path, tmp_path: Path) -> None:
    link = tmp_path / "link"
    link.symlink_to(key_file)
    with pytest.raises(AccessDenied, match="symbolic link"):
        key_from_file(link)


def test_a_folder_is_not_a_key_file(tmp_path: Path) -> None:
    with pytest.raises(AccessDenied):
        key_from_file(tmp_path)


def test_a_missing_key_file_is_not_made_in_passing(tmp_path: Path) -> None:
    with pytest.raises(NotFound):
        key_from_file(tmp_path / "none")
    assert not (tmp_path / "none").exists()


def test_a_key_file_that_could_not_be_written_is_not_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_descriptor: int) -> None:
        raise OSError(errno.ENOSPC, "no room")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(Unavailable):
        create_key_file(tmp_path / "custodian.key", secrets.token_bytes)
    assert list(tmp_path.iterdir()) == []
    monkeypatch.undo()
    create_key_file(tmp_path / "custodian.key", secrets.token_bytes)
    assert len(key_from_file(tmp_path / "custodian.key")) == 32


def test_a_key_file_is_never_replaced(key_file: Path) -> None:
    before = key_file.read_bytes()
    with pytest.raises(Conflict):
        create_key_file(key_file, secrets.token_bytes)
    assert key_file.read_bytes() == before
    assert list(key_file.parent.iterdir()) == [key_file]


@pytest.mark.parametrize("content", [b"", b"00" * 31, b"zz" * 32, b"\xff" * 64, b"00" * 33])
def test_what_is_not_a_key_is_refused_and_not_repeated(content: bytes) -> None:
    with pytest.raises(MalformedInput) as refused:
        parse_key(content)
    assert "zz" not in str(refused.value)


def test_a_key_of_another_length_is_refused() -> None:
    with pytest.raises(MalformedInput):
        LocalCustodian(bytes(16), secrets.token_bytes)


def test_an_unfinished_put_is_discarded(tmp_path: Path) -> None:
    store = FileBlobStore(tmp_path / "blobs", secrets.token_bytes)
    draft = tmp_path / "blobs" / "unfinished" / "draft"
    draft.write_bytes(b"half")
    assert list(store.addresses()) == []
    store.discard_unfinished()
    assert not draft.exists()
