"""The table says what was measured and what was asked for, and not on whose machine."""

import inspect
import platform
from importlib import import_module
from pathlib import Path

import pytest

from benchmarks.__main__ import LIMITS, MODULES, document, machine
from benchmarks.figures import Figure, percentile

FAST = Figure("fast", 120_000.4, "rows/s/core", 100_000)
SLOW = Figure("slow", 75, "rows/s/core", 100, "limited by patience")
QUICK = Figure("quick", 4.2, "ms", 5, less_is_better=True)
LATE = Figure("late", 7.5, "ms", 5, less_is_better=True)
PLAIN = Figure("plain", 3, "ms")


def test_a_target_is_met_from_its_own_side() -> None:
    assert [one.met for one in (FAST, SLOW, QUICK, LATE, PLAIN)] == [
        True,
        False,
        True,
        False,
        None,
    ]
    assert Figure("even", 5, "ms", 5).met
    assert Figure("even", 5, "ms", 5, less_is_better=True).met


def test_the_document_says_by_how_much_a_target_was_missed_and_what_limits() -> None:
    text = document({"vault": [FAST, SLOW, QUICK, LATE, PLAIN]})
    assert "| fast | 120,000 | rows/s/core | 100,000 | met |" in text
    assert "| slow | 75 | rows/s/core | 100 | missed by 25%. limited by patience |" in text
    assert "| quick | 4.2 | ms | 5 | met |" in text
    assert "| late | 7.5 | ms | 5 | missed by 50% |" in text
    assert "| plain | 3 | ms |  |  |" in text
    assert text.endswith(LIMITS.read_text())


def test_the_machine_is_told_without_its_name_or_any_path() -> None:
    assert platform.python_version() in machine()
    assert platform.node() not in machine().split()
    assert str(Path.home()) not in machine()
    assert str(Path.cwd()) not in machine()


@pytest.mark.parametrize("module", MODULES)
def test_every_module_offers_its_figures_one_by_one(module: str) -> None:
    figures = import_module(f"benchmarks.{module}").figures
    assert inspect.isgeneratorfunction(figures)


def test_every_file_of_figures_is_run() -> None:
    files = {path.stem for path in Path(__file__).parents[3].glob("benchmarks/*.py")}
    assert files - {"__init__", "__main__", "figures", "clinic"} == set(MODULES)


def test_a_percentile_is_one_of_the_values() -> None:
    ordered = [float(value) for value in range(100)]
    assert percentile(ordered, 0.5) == 50
    assert percentile(ordered, 0.95) == 95
    assert percentile([1.0], 0.95) == 1
