"""Files that are whole or not there: written aside, synced, renamed, and the folder synced too."""

import os
import secrets
from pathlib import Path

from pulsekey.primitives.errors import Unavailable

ASIDE_SUFFIX = ".aside"


def write_durably(path: Path, content: bytes) -> None:
    """Put `content` at `path`, durable on return. Raises `Unavailable` if the disk refuses."""
    aside = path.with_name(f".{path.name}.{secrets.token_hex(4)}{ASIDE_SUFFIX}")
    try:
        _make_folder(path.parent)
        with aside.open("xb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        aside.replace(path)
        _sync_folder(path.parent)
    except OSError as error:
        aside.unlink(missing_ok=True)
        raise Unavailable(f"{path.name} could not be written: {error.strerror}") from error


def sweep(folder: Path) -> None:
    """Remove what writers that were killed left aside."""
    for path in folder.rglob(f".*{ASIDE_SUFFIX}"):
        path.unlink(missing_ok=True)


def _make_folder(folder: Path) -> None:
    if folder.is_dir():
        return
    _make_folder(folder.parent)
    folder.mkdir(exist_ok=True)
    _sync_folder(folder.parent)


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
