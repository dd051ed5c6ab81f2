"""Both verifiers, given the same odd bytes, say the same of every claim.

They share no code, so whatever one forgives and the other does not is a hole in the specification.
A sample by default; with PULSEKEY_TEST_EFFORT=long thousands.
"""

import base64
import json
import os
import random
from collections.abc import Callable
from pathlib import Path

import pytest

from pulsekey.evidence.file import EVIDENCE_MARKS_MAX
from tests.fakes.evidence_verifiers import Case, judged

LONG = os.environ.get("PULSEKEY_TEST_EFFORT") == "long"
ROUNDS = 2_000 if LONG else 60
GOLDEN = Path(__file__).parents[2] / "vectors" / "evidence"
CASES = json.loads((GOLDEN / "cases.json").read_text("utf-8"))["cases"]
HELD = next(case for case in CASES if case["name"] == "live, with what others hold")
LIVE, STOPPED = ((GOLDEN / f"{name}.json").read_bytes() for name in ("live", "stopped"))
TOKEN: bytes = HELD["receipts"][0].encode()
RECEIPT = base64.urlsafe_b64decode(TOKEN)
GENESIS: bytes = HELD["anchors"][0].encode()
CHECKPOINT: bytes = json.loads(LIVE)["checkpoint"].encode()

SPLINTERS = [
    *(one.encode() for one in ["\ufeff", "\xa0", "\x85", "\u2028", "\u2003", "\u674e"]),
    *(bytes([one]) for one in (0, 9, 10, 11, 12, 13, 28, 29, 30, 31, 32, 34, 92, 127, 128, 255)),
    b'""', b"1.0", b"1e0", b"-0", b"0", b"01", b"NaN", b"true", b"null", b"[]", b"{}", b",", b":",
    b"\\u0041", b"\\ud800", b"\\n", b"\\/", b"=", b"==", b"+", b"/", b"-", b"_", b"\r\n", b"\n\n",
    b"\xc0\xaf", b"\xed\xa0\x80", b"__proto__", b"constructor", b"9007199254740993", b"1E400",
]  # fmt: skip


def spoilt(content: bytes, chance: random.Random) -> bytes:
    """Return `content` with one to three things put in, taken out, doubled, moved or replaced."""
    for _ in range(chance.randint(1, 3)):
        at = chance.choice([0, len(content), chance.randint(0, len(content))])
        splinter = chance.choice(SPLINTERS)
        more = chance.choice([0, 0, 1, 2, chance.randint(0, 40)])
        content = chance.choice(
            [
                content[:at] + splinter + content[at:],
                content[:at] + splinter + content[at + len(splinter) :],
                content[:at] + content[at + more :],
                content[:at] + content[at : at + more] + content[at:],
                content.replace(b"1", splinter, 1),
                content.replace(b'"', splinter, 1),
            ]
        )
    return content


def member_spoilt(content: bytes, chance: random.Random) -> bytes:
    """Return a file, canonical again, in which some values are others."""
    document = json.loads(content)
    for _ in range(chance.randint(1, 2)):
        inner, key = document, chance.choice(sorted(document))
        while isinstance(inner[key], dict | list) and inner[key] and chance.random() < 0.9:
            inner = inner[key]
            names = sorted(inner) if isinstance(inner, dict) else range(len(inner))
            key = chance.choice(list(names))
        inner[key] = chance.choice(
            [
                None, True, "", [], {}, 0, 1, -1, 2**53 - 1, -(2**53) + 1, 64_800, 64_801,
                "00" * 32, "x", "\u674e\u0085", "pulsekey", "\ufeff",
                inner[key] + 1 if type(inner[key]) is int else 1.5,
                f"{inner[key]}0", [inner[key]], [inner[key]] * 2,
            ]
        )  # fmt: skip
    text = json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return text.encode("utf-8", "replace")


def header_spoilt(content: bytes, chance: random.Random) -> bytes:
    return base64.urlsafe_b64encode(spoilt(content, chance))


KINDS: dict[str, Callable[[random.Random], Case]] = {
    "files by bytes": lambda chance: Case(spoilt(chance.choice([LIVE, STOPPED]), chance)),
    "files by members": lambda chance: Case(member_spoilt(chance.choice([LIVE, STOPPED]), chance)),
    "receipts": lambda chance: Case(LIVE, (spoilt(chance.choice([TOKEN, RECEIPT]), chance),)),
    "receipts inside a header": lambda chance: Case(LIVE, (header_spoilt(RECEIPT, chance),)),
    "anchors": lambda chance: Case(
        LIVE, anchors=(spoilt(chance.choice([GENESIS, CHECKPOINT, b"0" * 64]), chance),)
    ),
    "checkpoints inside": lambda chance: Case(
        json.dumps(
            json.loads(LIVE)
            | {"checkpoint": spoilt(CHECKPOINT, chance).decode("utf-8", "replace")},
            sort_keys=True,
            separators=(",", ":"),
            ensure_ascii=False,
        ).encode()
    ),
}


@pytest.mark.parametrize("kind", KINDS)
def test_both_verifiers_say_the_same_of_odd_bytes(kind: str) -> None:
    seed = random.Random().randrange(2**32) if LONG else 11
    chance = random.Random(f"{kind} {seed}")
    judged(*(KINDS[kind](chance) for _ in range(ROUNDS)))


def test_a_file_at_its_limits_is_read_alike() -> None:
    marks = EVIDENCE_MARKS_MAX - sum(map(STOPPED.count, (b",", b"[", b"{")))
    language = b'"language":"en"'
    assert language in STOPPED
    files = [
        STOPPED.replace(language, b'"language":"' + b"," * count + b'"')
        for count in (marks, marks + 1)
    ]
    files += [b'{"a":"' + b"x" * (32 * 1_024**2 - 8 + more) + b'"}' for more in (0, 1)]
    fits, marked, long, longer = judged(*map(Case, files))
    assert "releases" in fits.failed
    assert "log" not in fits.failed
    assert marked.claims[0].detail.endswith("more values than evidence has")
    assert "not the members" in long.claims[0].detail
    assert "longer than" in longer.claims[0].detail
