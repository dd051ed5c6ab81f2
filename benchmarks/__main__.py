"""`python -m benchmarks [MODULE ...]`: measure, print the table, keep it in `RESULTS.md`.

Every module runs in a process of its own, so that memory and caches do not mix. The file is written
only when everything was measured.
"""

import importlib
import os
import platform
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import msgspec

from benchmarks.figures import Figure

MODULES = {
    "ingest": "Data in",
    "quality": "Quality",
    "vault": "Vault",
    "ledger": "Ledger",
    "reading": "Reading",
    "fhir": "The FHIR edge alone",
    "identity": "Identity",
    "evidence": "Evidence",
    "starting": "Starting",
    "disk": "The disk, for comparison",
    "contracts": "The contract",
}
"""Each module offers `figures()`; its heading in the table."""

RESULTS = Path(__file__).parent / "RESULTS.md"
LIMITS = Path(__file__).parent / "LIMITS.md"
ABOUT = (
    "Written by `make bench`; the next run replaces it. Rates per core are CPU time of the whole "
    "process, waits are wall clock; medians of several runs."
)
MODULE_SECONDS_MAX = 300
CHILD = "--child"


def main(arguments: Sequence[str]) -> None:
    """Measure the modules that are named, or all of them."""
    if arguments[:1] == [CHILD]:
        for figure in measured(arguments[1]):
            print(msgspec.json.encode(figure).decode(), flush=True)
        return
    chosen = list(arguments) or list(MODULES)
    print(machine())
    sections: dict[str, list[Figure]] = {}
    for module in chosen:
        print(f"\n{MODULES[module]}", flush=True)
        sections[module] = []
        for figure in _from_child(module):
            sections[module].append(figure)
            print(_line(figure), flush=True)
    missed = [figure for found in sections.values() for figure in found if figure.met is False]
    print(f"\n{len(missed)} targets missed" + "".join(f"\n  {one.name}" for one in missed))
    if not arguments:
        RESULTS.write_text(document(sections))


def measured(module: str) -> Iterator[Figure]:
    """Return the figures of one module, measured in this process."""
    found: Iterator[Figure] = importlib.import_module(f"benchmarks.{module}").figures()
    return found


def _from_child(module: str) -> Iterator[Figure]:
    command = [sys.executable, "-m", "benchmarks", CHILD, module]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as child:
        assert child.stdout is not None
        for line in child.stdout:
            yield msgspec.json.decode(line, type=Figure)
        if child.wait(MODULE_SECONDS_MAX):
            raise SystemExit(f"benchmarks.{module} failed")


def machine() -> str:
    """Return what was measured on: nothing that names the machine."""
    model = next(
        (
            line.partition(":")[2].strip()
            for line in Path("/proc/cpuinfo").read_text().splitlines()
            if line.startswith("model name")
        )
        if Path("/proc/cpuinfo").exists()
        else iter(()),
        platform.processor() or platform.machine(),
    )
    return (
        f"{model}, {os.cpu_count()} cores, {platform.machine()}, {platform.system()} "
        f"{platform.release().partition('-')[0]}, Python {platform.python_version()}"
    )


def _line(figure: Figure) -> str:
    target = "" if figure.target is None else f"{_number(figure.target):>12}  {_verdict(figure)}"
    return f"  {figure.name:48}{_number(figure.value):>14}  {figure.unit:26}{target}".rstrip()


def document(sections: dict[str, list[Figure]]) -> str:
    """Return `RESULTS.md`: the table, and what limits what was missed."""
    out = [
        "# Figures",
        "",
        ABOUT,
        "",
        f"Machine: {machine()}.",
    ]
    for module, figures in sections.items():
        out += ["", f"## {MODULES[module]}", "", "| figure | this run | unit | target | |"]
        out += ["|---|---:|---|---:|---|"]
        for one in figures:
            target = "" if one.target is None else _number(one.target)
            said = ". ".join(part for part in (_verdict(one), one.note) if part)
            row = (one.name, _number(one.value), one.unit, target, said)
            out.append("| " + " | ".join(row) + " |")
    return "\n".join(out) + "\n\n" + LIMITS.read_text()


def _verdict(figure: Figure) -> str:
    if figure.met is None or figure.target is None:
        return ""
    if figure.met:
        return "met"
    return f"missed by {abs(figure.value / figure.target - 1):.0%}"


def _number(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


if __name__ == "__main__":
    main(sys.argv[1:])
