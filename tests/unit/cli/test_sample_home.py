"""A sample node replaces what it made itself, and nothing else; a running node is left alone."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from pulsekey import wiring
from pulsekey.cli.main import main
from pulsekey.cli.sample_home import MARK, MARK_TEXT, emptied, sample_home
from pulsekey.primitives.errors import Conflict, Unavailable
from pulsekey.settings import Settings

COMMANDS = (("demo",), ("demo", "--serve"))


def files_of(folder: Path) -> dict[str, bytes]:
    """What a folder holds; the locks hold nothing, and taking one is not touching the node."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.suffix != ".lock"
    }


@contextmanager
def taken_port() -> Iterator[int]:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port: int = other.getsockname()[1]
        yield port


def sample_at(home: Path) -> Settings:
    """Make a sample node in `home`, as one of an earlier run."""
    with sample_home(home) as folder:
        emptied(folder)
        settings = Settings(home=folder)
        wiring.create(settings, beside=frozenset({MARK}))
    return settings


def test_its_own_folder_is_made_anew(tmp_path: Path) -> None:
    settings = sample_at(tmp_path)
    assert (settings.home / "node.secret").exists()
    with sample_home(tmp_path) as folder:
        emptied(folder)
        assert files_of(folder) == {MARK: MARK_TEXT.encode()}


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_a_node_that_it_did_not_make_is_left_alone(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], words: tuple[str, ...]
) -> None:
    assert main(["--home", str(tmp_path / "node"), "init"]) == 0
    before = files_of(tmp_path)
    capsys.readouterr()
    assert main(["--home", str(tmp_path), *words]) == 5
    assert files_of(tmp_path) == before
    told = capsys.readouterr().err
    assert str(tmp_path / "node") in told
    assert "--home" in told


@pytest.mark.parametrize("stranger", ["notes.txt", MARK])
def test_any_other_folder_is_left_alone(tmp_path: Path, stranger: str) -> None:
    (tmp_path / "node").mkdir()
    (tmp_path / "node" / stranger).write_text("a list of mine")
    with pytest.raises(Conflict), sample_home(tmp_path):
        pytest.fail("it was taken for a sample node's")
    assert (tmp_path / "node" / stranger).read_text() == "a list of mine"


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_a_sample_node_that_is_running_is_left_alone(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    words: tuple[str, ...],
) -> None:
    settings = sample_at(tmp_path)
    with wiring.opened(settings), taken_port() as port:
        before = files_of(tmp_path)
        monkeypatch.setenv("PULSEKEY_PORT", str(port))
        assert main(["--home", str(tmp_path), *words]) == 7
        assert files_of(tmp_path) == before
    told = capsys.readouterr()
    assert f"a node is running in {settings.home}" in told.err
    assert told.out == ""


def test_two_do_not_begin_at_once(tmp_path: Path) -> None:
    with sample_home(tmp_path), pytest.raises(Unavailable), sample_home(tmp_path):
        pytest.fail("two have it")


def test_a_port_that_is_taken_is_told_before_anything_is_removed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    sample_at(tmp_path)
    before = files_of(tmp_path)
    with taken_port() as port:
        monkeypatch.setenv("PULSEKEY_PORT", str(port))
        assert main(["--home", str(tmp_path), "demo", "--serve"]) == 7
        assert main(["--home", str(tmp_path / "node"), "serve"]) == 7
    told = capsys.readouterr()
    assert told.err.count(f"port {port}") == 2
    assert "PULSEKEY_PORT" in told.err
    assert told.out == ""
    assert files_of(tmp_path) == before


def test_init_does_not_make_a_node_where_a_sample_node_would_remove_it(tmp_path: Path) -> None:
    with sample_home(tmp_path) as folder:
        emptied(folder)
    assert main(["--home", str(tmp_path / "node"), "init"]) == 5
