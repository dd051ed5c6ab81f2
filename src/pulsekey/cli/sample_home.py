"""The folder of a sample node: made anew each time, and nothing else is ever removed.

The rule: what a folder holds is removed only if the sample node itself left its mark in it and no
process has it open. Whose the folder is gets settled before anything is touched.
"""

import fcntl
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pulsekey.primitives.errors import Conflict, Unavailable
from pulsekey.wiring import Home

NODE = "node"
LOCK = "sample-node.lock"
MARK = "sample-node"
MARK_TEXT = (
    "This folder was made by `pulsekey demo`, which removes all of it the next time it runs.\n"
)


@contextmanager
def sample_home(home: Path) -> Iterator[Path]:
    """Yield the folder in `home` that is a sample node's, and keep every other one off.

    Raises `Unavailable` while a node runs in it, `Conflict` where it is not a sample node's own.
    Nothing in it is touched yet: see `emptied`.
    """
    folder = home / NODE
    home.mkdir(parents=True, exist_ok=True)
    with _held(home / LOCK, folder):
        if not _ours(folder):
            raise Conflict(
                f"{folder} was not made by the sample node, so it is left alone; name another"
                " folder with --home, or remove this one yourself if nothing in it is needed"
            )
        with _stopped(folder):
            pass
        yield folder


def emptied(folder: Path) -> None:
    """Leave nothing but the mark in a folder that `sample_home` yielded."""
    if folder.exists():
        with _stopped(folder):
            shutil.rmtree(folder)
    folder.mkdir(mode=0o700)
    (folder / MARK).write_text(MARK_TEXT)


def _ours(folder: Path) -> bool:
    if not folder.exists() or (folder.is_dir() and not any(folder.iterdir())):
        return True
    mark = folder / MARK
    return mark.is_file() and mark.read_text() == MARK_TEXT


@contextmanager
def _stopped(folder: Path) -> Iterator[None]:
    lock = Home(folder).lock
    if not lock.exists():  # Nobody has ever opened it.
        yield
        return
    with _held(lock, folder):
        yield


@contextmanager
def _held(lock: Path, folder: Path) -> Iterator[None]:
    with lock.open("a") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise Unavailable(
                f"a node is running in {folder}; stop it, or name another folder with --home"
            ) from None
        yield
