"""Tests about the code: the tree, the documents and the rules agree."""

import ast
import importlib
import inspect
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from pulsekey.primitives import errors
from pulsekey.settings import Settings

ROOT = Path(__file__).parents[2]
SOURCE = ROOT / "src" / "pulsekey"
PACKAGES = sorted(path.parent for path in SOURCE.rglob("__init__.py"))
MODULES = sorted(SOURCE.rglob("*.py"))
FILE_LINES_MAX = 300
FUNCTION_LINES_MAX = 50

LONG = ROOT / "tests" / "architecture" / "long.toml"
"""Files and functions over the size, each with its reason."""


def name_of(path: Path) -> str:
    return path.relative_to(SOURCE.parent).as_posix()


def long_reasons(table: str) -> dict[str, str]:
    reasons: dict[str, str] = tomllib.loads(LONG.read_text())[table]
    return reasons


@pytest.mark.parametrize("package", PACKAGES, ids=name_of)
def test_a_package_says_in_one_line_what_it_is_for(package: Path) -> None:
    docstring = ast.get_docstring(ast.parse((package / "__init__.py").read_text())) or ""
    assert docstring, "no docstring"
    assert len(docstring.splitlines()) == 1


def test_every_top_level_package_is_on_the_map() -> None:
    text = (ROOT / "ARCHITECTURE.md").read_text()
    for package in PACKAGES:
        if package.parent == SOURCE:
            docstring = ast.get_docstring(ast.parse((package / "__init__.py").read_text())) or ""
            assert f"| `{package.name}` | {docstring} |" in text, package.name


def test_files_and_functions_are_within_size_or_have_a_reason() -> None:
    files, functions = long_reasons("files"), long_reasons("functions")
    seen_files, seen_functions = set(), set()
    for path in MODULES:
        text = path.read_text()
        if text.count("\n") > FILE_LINES_MAX:
            seen_files.add(name_of(path))
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                lines = (node.end_lineno or 0) - node.lineno + 1
                if lines > FUNCTION_LINES_MAX:
                    seen_functions.add(f"{name_of(path)}:{node.name}")
    assert seen_files == set(files), "tests/architecture/long.toml names these files"
    assert seen_functions == set(functions), "tests/architecture/long.toml names these functions"
    assert all(reason.strip() for reason in (*files.values(), *functions.values()))


def test_every_setting_is_documented() -> None:
    text = (ROOT / "docs" / "operating.md").read_text()
    for name in Settings.__dataclass_fields__:
        assert f"`PULSEKEY_{name.upper()}`" in text, name


def test_every_error_is_documented() -> None:
    text = (ROOT / "docs" / "api.md").read_text()
    for name, kind in inspect.getmembers(errors, inspect.isclass):
        if issubclass(kind, errors.PulsekeyError) and kind is not errors.PulsekeyError:
            assert f"`{name}`" in text, name


def test_every_port_has_a_conformance_suite() -> None:
    suites = "".join(path.read_text() for path in (ROOT / "tests" / "conformance").glob("*.py"))
    for path in sorted(SOURCE.rglob("ports.py")):
        tree = ast.parse(path.read_text())
        for node in tree.body:
            if isinstance(node, ast.ClassDef) and any(
                isinstance(parent, ast.Name) and parent.id == "Protocol" for parent in node.bases
            ):
                exempt = "No conformance suite:" in (ast.get_docstring(node) or "")
                assert exempt or node.name in suites, f"{name_of(path)}: {node.name}"


def test_decisions_are_numbered_once_and_have_a_status() -> None:
    numbers = []
    for path in sorted((ROOT / "docs" / "decisions").glob("*.md")):
        assert re.fullmatch(r"\d{4}-[a-z0-9-]+\.md", path.name), path.name
        numbers.append(path.name[:4])
        text = path.read_text()
        assert re.search(r"^Status: (accepted|superseded by \d{4})$", text, re.MULTILINE), path.name
    assert numbers
    assert len(set(numbers)) == len(numbers)


def test_what_a_module_exports_exists() -> None:
    for path in MODULES:
        if "__all__" in path.read_text():
            name = ".".join(path.relative_to(SOURCE.parent).with_suffix("").parts)
            module = importlib.import_module(name.removesuffix(".__init__"))
            assert all(hasattr(module, exported) for exported in module.__all__), name


def test_nothing_that_is_committed_names_a_place_of_its_making() -> None:
    tracked = subprocess.run(
        ["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True, text=True
    ).stdout.split("\0")
    hosts = re.compile(rb"pypi\.org|pythonhosted|registry\.npmjs|repo1?\.maven|deb\.debian\.org")
    for name in tracked:
        if name and (ROOT / name).is_file() and name != "tests/architecture/test_house.py":
            content = (ROOT / name).read_bytes()
            assert not hosts.search(content), name
            assert b"/work/" + b"main" not in content, name


def test_every_command_is_documented() -> None:
    text = (ROOT / "docs" / "operating.md").read_text()
    helped = subprocess.run(
        [sys.executable, "-m", "pulsekey.cli.main", "--help"],
        capture_output=True,
        check=True,
        text=True,
    ).stdout
    commands = re.findall(r"^    ([a-z-]+)  ", helped, re.MULTILINE)
    assert len(commands) > 5
    for name in commands:
        assert f"| `pulsekey {name}" in text, name
