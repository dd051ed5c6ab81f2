"""Write golden evidence: files of a node that is the same in every run, and what to find.

Not part of `make vectors`: evidence that was given out has to hold for ever, so these files stay as
they are, and a new version of the format adds others.

`vectors/evidence/cases.json` names a file, edits (a path of members and places, and the value to
put there; the file is then canonical again), receipts and anchors, and the claims that must fail.
"""

import base64
import copy
import json
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from pulsekey.ledger.encoding import decode_head, head_digest
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
        town.node.committing()
        town.remove_passkey(second, phone, key=second.first)
        town.stop(second, stopped)
        contents = {
            "live": town.evidence(first, live),
            "stopped": town.evidence(second, stopped),
        }
        later = town.node.ledger.view()
        genesis = town.node.ledger.genesis.encode().decode()
    live_file = json.loads(contents["live"])
    witnessed = [
        f"{live_file['checkpoint']}\u2014 {name} AAAAAAAA\n"
        for name in ("w\u00a0\u0085\u2028" * 2_000, "\u674e" * 40_000)
    ]
    return contents, {
        "head": [head_digest(decode_head(bytes.fromhex(live_file["head"]))).hex()],
        "witnessed": witnessed,
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
        ("no read at all", "live", (["releases"], None),
         ["format", "stopped", "releases"]),
        ("another time", "live", (["releases", "reads", 1, 0], 1790000050000000), ["releases"]),
        ("a category that was not consented to", "live",
         (["releases", "asked", 0, "categories"], ["heart-rate", "mental-health"]), ["releases"]),
        ("no category named", "live", (["releases", "asked", 0, "categories"], []), ["releases"]),
        ("a period that was not consented to", "live", (["releases", "reads", 0, 2], None),
         ["releases"]),
        ("no closing", "stopped", (["releases", "closing"], None), ["releases"]),
        ("another clock", "live", (["terms", "offsets", "validUntil"], 0), ["terms", "releases"]),
        ("a clock that there is not", "live", (["terms", "offsets", "dataFrom"], 64801),
         ["terms", "releases"]),
        ("a line of a witness", "live", (["checkpoint"], held["witnessed"][0]), []),
        ("a line of a witness that is too long in bytes, not in characters", "live",
         (["checkpoint"], held["witnessed"][1]), ["checkpoint"]),
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
    yield from _given(receipts[0], genesis[0], held["head"][0])
    for name, file, edit, failed in edits:
        yield _case(name, file, failed, edits=[edit])


def _given(token: str, genesis: str, head: str) -> Iterable[Case]:
    """Yield ways in which a receipt, a genesis and a head must or must not be written."""
    receipt = base64.urlsafe_b64decode(token).decode()
    for name, text, good in (
        ("as JSON", receipt, True),
        ("as JSON and a line feed", f"{receipt}\n", True),
        ("as a token and a line feed", f"{token}\n", True),
        ("two line feeds", f"{token}\n\n", False),
        ("a carriage return", f"{token}\r\n", False),
        ("a fraction", receipt.replace('"counter":1', '"counter":1.0'), False),
        ("an exponent", receipt.replace('"counter":1', '"counter":1e0'), False),
        ("a byte order mark", f"\ufeff{receipt}", False),
        ("a token after a byte order mark", f"\ufeff{token}", False),
        ("a no-break space", f"\u00a0{receipt}", False),
        ("a next-line", f"\u0085{receipt}", False),
        ("a unit separator", f"\u001f{receipt}", False),
        ("spaces inside", receipt.replace(",", ", "), False),
        ("a space in the token", f"{token[:20]} {token[20:]}", False),
        ("a line feed in the token", f"{token[:20]}\n{token[20:]}", False),
        ("one equals sign more", f"{token}=", False),
        ("the other base64", base64.b64encode(f"{receipt}?>".encode()).decode(), False),
        ("a member twice", f'{receipt[:-1]},"counter":1}}', False),
        ("a member more", receipt.replace('"at"', '"a":1,"at"'), False),
        ("an escape too many", receipt.replace("pulsekey", "\\u0070ulsekey"), False),
    ):
        yield _case(f"a receipt: {name}", "live", [] if good else ["releases"], receipts=[text])
    for name, text, good in (
        ("a genesis and a line feed", f"{genesis}\n", True),
        ("a genesis with a fraction", genesis.replace('"program":1', '"program":1.0'), False),
        ("a genesis after a byte order mark", f"\ufeff{genesis}", False),
        ("a genesis with a space", genesis.replace(",", ", ", 1), False),
        ("a head", head, True),
        ("a head and a line feed", f"{head}\n", True),
        ("a head as an object", f'{{"head":"{head}"}}', True),
        ("a head as an object with a member more", f'{{"format":"x","head":"{head}"}}', False),
        ("a head twice", f'{{"head":"00","head":"{head}"}}', False),
        ("a head behind a prototype", f'{{"__proto__":{{"head":"{head}"}}}}', False),
        ("a head after a byte order mark", f"\ufeff{head}", False),
        ("a head after a next-line", f"\u0085{head}", False),
        ("a head after a file separator", f"\u001c{head}", False),
        ("a head in upper case", head.upper(), False),
        ("nothing", "", False),
        ("a line feed", "\n", False),
        ("a number", "1", False),
    ):
        yield _case(f"an anchor: {name}", "live", [] if good else ["anchor"], anchors=[text])


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
