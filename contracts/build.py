"""Compile the contracts into the package. Runs in the compiler's own environment: `make contracts`.

What is written is a function of the sources and of the settings here, so a test can compile again
and compare. With `--check` nothing is written; the exit status says whether the artefacts are true.
"""

import hashlib
import json
import sys
from pathlib import Path

import vyper
from eth_hash.auto import keccak
from vyper.compiler import compile_from_file_input
from vyper.compiler.input_bundle import FilesystemInputBundle
from vyper.compiler.settings import OptimizationLevel, Settings

ROOT = Path(__file__).parent
SOURCES = ROOT / "src"
MOCKS = ROOT / "mocks"
PACKAGED = ROOT.parent / "src" / "pulsekey" / "ledger" / "settlement" / "artefacts"
FOR_TESTS = ROOT.parent / "tests" / "contracts" / "artefacts"
CONTRACTS = {"settlement": PACKAGED, "assertion_check": FOR_TESTS}
EVM_VERSION = "cancun"
OPTIMIZE = OptimizationLevel.GAS


def build(name: str) -> str:
    """Return the artefact of one contract as text."""
    bundle = FilesystemInputBundle([SOURCES, MOCKS])
    out = compile_from_file_input(
        bundle.load_file(f"{name}.vy"),
        input_bundle=bundle,
        output_formats=["abi", "bytecode", "method_identifiers"],
        settings=Settings(evm_version=EVM_VERSION, optimize=OPTIMIZE),
    )
    events = [entry for entry in out["abi"] if entry["type"] == "event"]
    artefact = {
        "contract": name,
        "compiler": {
            "name": "vyper",
            "version": vyper.__version__,
            "evm_version": EVM_VERSION,
            "optimize": str(OPTIMIZE),
        },
        "sources": {
            path.name: hashlib.sha256(path.read_bytes()).hexdigest()
            for path in sorted(SOURCES.glob("*.vy"))
        },
        "selectors": {
            signature.split("(")[0]: f"0x{int(selector, 16):08x}"
            for signature, selector in sorted(out["method_identifiers"].items())
        },
        "topics": {event["name"]: topic(event) for event in events},
        "abi": out["abi"],
        "bytecode": out["bytecode"],
    }
    return json.dumps(artefact, indent=1) + "\n"


def topic(event: dict) -> str:
    """Return the first topic of an event: the Keccak-256 of its signature."""
    types = ",".join(field["type"] for field in event["inputs"])
    return "0x" + keccak(f"{event['name']}({types})".encode()).hex()


def main() -> int:
    """Write the artefacts, or with `--check` compare them."""
    stale = 0
    for name, folder in CONTRACTS.items():
        path, text = folder / f"{name}.json", build(name)
        if "--check" in sys.argv:
            stale += not path.is_file() or path.read_text("utf-8") != text
        else:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, "utf-8")
    return stale


if __name__ == "__main__":
    raise SystemExit(main())
