"""Write golden evidence: files of a node that is the same in every run, and what to find.

Not part of `make vectors`: evidence that was given out has to hold for ever, so these files stay as
they are, and a new version of the format adds others.

`vectors/evidence/cases.json` names a file, edits (a path of members and places, and the value to
put there; the file is then canonical again), receipts and anchors, and the claims that must fail.
"""

import copy
import json
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from tests.fakes.evidence_node import evidence_node
from vectors.reading import FOLDER, Case

EVIDENCE = FOLDER / "evidence"
Edit = tuple[list[str | int], Any]


def files() -> tuple[dict[str, bytes], dict[str, list[str]]]:
    """Return the evidence files and, for each, what its reader and its ledger's users hold."""
    with tempfile.TemporaryDirectory() as folder, evidence_node(Path(folder), "vector") as town:
        town.patient("Ann Other")
        first, second = town.patient("Pat Vector"), town.patient("Quinn Vector")
        live = town.grant(first, language="zh-CN", data_from="2026-01-01T08:30")
        tokens = [town.read(first)[0].token() for _ in range(2)]
        phone = town.add_passkey(second)
        stopped = town.grant(second, key=phone, data_until="now")
        town.read(second)
        town.remove_passkey(second, phone, key=second.first)
        town.stop(second, stopped)
        contents = {
            "live": town.evidence(first, live),
            "stopped": town.evidence(second, stopped),
        }
        later = town.node.ledger.view()
        genesis = town.node.ledger.genesis.encode().decode()
    return contents, {
        "receipts": tokens,
        "genesis": [genesis],
        "checkpoint": [later.checkpoint.decode()],
    }


def cases(held: dict[str, list[str]]) -> Iterable[Case]:
    """Yield what a verifier must find."""
    receipts, genesis, newest = held["receipts"], held["genesis"], held["checkpoint"]
    yield _case("live", "live", [])
    yield _case("live, with what others hold", "live", [], receipts=receipts, anchors=genesis)
    yield _case("stopped", "stopped", [], anchors=newest)
    yield _case("a newer checkpoint without a proof", "live", ["anchor"], anchors=newest)
    yield _case("a receipt of another patient", "stopped", ["releases"], receipts=receipts[:1])
    edits: list[tuple[str, str, Edit, list[str]]] = [
        ("other words", "live", (["terms", "sentence"], "…"), ["terms", "releases"]),
        ("a read left out", "live", (["releases", "entries"], []), ["releases"]),
        ("another chain", "live", (["anchor", "chain"], "1:0"), ["anchor"]),
        ("another method", "live", (["enrolment", "statement", "method"], "known-to-staff"),
         ["enrolment"]),
        ("nobody enrolled", "stopped", (["enrolment"], None), ["enrolment"]),
        ("another salt of the name", "stopped", (["recipient", "nameSalt"], "00" * 32),
         ["recipient"]),
        ("another path", "stopped", (["operations", 0, "inclusion", 0], "00" * 32), ["log"]),
        ("no checkpoint", "stopped", (["checkpoint"], ""), ["checkpoint"]),
        ("a state left out", "stopped", (["states"], []), ["state"]),
        ("a fraction", "stopped", (["anchor", "block"], 1.5),
         ["format", "terms", "signature", "key", "enrolment", "recipient", "log", "checkpoint",
          "state", "stopped", "releases", "anchor"]),
    ]  # fmt: skip
    for name, file, edit, failed in edits:
        yield _case(name, file, failed, edits=[edit])


def edited(content: bytes, edits: Iterable[Edit]) -> bytes:
    """Return a file with some values replaced."""
    document = copy.deepcopy(json.loads(content))
    for path, value in edits:
        inner = document
        for step in path[:-1]:
            inner = inner[step]
        inner[path[-1]] = value
    text = json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return text.encode()


def render() -> dict[str, bytes]:
    """Return every file of `vectors/evidence`, by name."""
    contents, held = files()
    about = "Evidence files, edits to them, and the claims that then fail (docs/evidence.md)."
    listed = {"about": about, "cases": list(cases(held))}
    texts = {f"{name}.json": content for name, content in contents.items()}
    return texts | {
        "cases.json": (json.dumps(listed, indent=1, ensure_ascii=False) + "\n").encode()
    }


def main(folder: Path = EVIDENCE) -> None:
    """Write every file."""
    for name, content in render().items():
        (folder / name).write_bytes(content)


def _case(
    name: str,
    file: str,
    failed: list[str],
    *,
    edits: list[Edit] | None = None,
    receipts: list[str] | None = None,
    anchors: list[str] | None = None,
) -> Case:
    return {
        "name": name,
        "file": f"{file}.json",
        "edits": edits or [],
        "receipts": receipts or [],
        "anchors": anchors or [],
        "failed": failed,
    }


if __name__ == "__main__":
    main()
