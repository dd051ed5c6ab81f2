"""No change to evidence goes unnoticed: both verifiers refuse it and name the same claims.

A sample by default; with PULSEKEY_TEST_EFFORT=long every byte and every member.
"""

import copy
import json
import os
import random
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from tests.fakes.evidence_node import evidence_node
from tests.fakes.evidence_verifiers import Case, judged

LONG = os.environ.get("PULSEKEY_TEST_EFFORT") == "long"
BYTES_IN_SAMPLE = 120
MEMBERS_IN_SAMPLE = 250
Path_ = tuple[str | int, ...]


@pytest.fixture(scope="module")
def content(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """Evidence with every part there is: two passkeys, one removed, two reads, a stop."""
    with evidence_node(tmp_path_factory.mktemp("node")) as town:
        town.patient("Ann Other")
        town.patient("Bob Other")
        pat = town.patient("Pat")
        second = town.add_passkey(pat)
        consent = town.grant(pat, key=second)
        town.read(pat)
        town.read(pat)
        town.node.committing()
        town.remove_passkey(pat, second, key=pat.first)
        town.stop(pat, consent)
        return town.evidence(pat, consent)


def canonical(document: object) -> bytes:
    return json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def refused(mutants: Sequence[bytes]) -> list[tuple[str, ...]]:
    failed = [verdict.failed for verdict in judged(*map(Case, mutants))]
    for place, names in enumerate(failed):
        assert names, f"mutant {place} was accepted"
    return failed


def test_the_evidence_itself_holds(content: bytes) -> None:
    (verdict,) = judged(Case(content))
    assert verdict.failed == ()
    kinds = {json.loads(content)["operations"][n]["signed"][6:8] for n in range(7)}
    assert kinds == {"01", "02", "03", "04", "05", "07"}


def test_a_changed_byte_is_noticed(content: bytes) -> None:
    places = list(range(len(content)))
    if not LONG:
        places = random.Random(7).sample(places, BYTES_IN_SAMPLE)
    refused([content[:at] + bytes([content[at] ^ 1]) + content[at + 1 :] for at in places])


def test_a_missing_or_doubled_byte_is_noticed(content: bytes) -> None:
    places = random.Random(8).sample(range(len(content)), 2_000 if LONG else 25)
    cut = [content[:at] + content[at + 1 :] for at in places]
    doubled = [content[: at + 1] + content[at:] for at in places]
    refused(
        [*cut, *doubled, content + b"\n", b" " + content, b"\xef\xbb\xbf" + content, b"", b"{}"]
    )


def leaves(document: object, path: Path_ = ()) -> Iterator[tuple[Path_, object]]:
    """Yield every value and where it stands, containers included."""
    yield path, document
    if isinstance(document, dict):
        for name, member in document.items():
            yield from leaves(member, (*path, name))
    elif isinstance(document, list):
        for place, member in enumerate(document):
            yield from leaves(member, (*path, place))


def changed(document: Any, path: Path_, value: object) -> bytes:
    whole = copy.deepcopy(document)
    if not path:
        return canonical(value)
    inner = whole
    for step in path[:-1]:
        inner = inner[step]
    inner[path[-1]] = value
    return canonical(whole)


def others(value: object) -> Iterator[object]:
    """Yield values that are not `value`, some of its form and some of another."""
    match value:
        case str():
            yield from (value + "0", value[1:] if value else "x", None, 1)
            if value:
                last = "0" if value[-1] != "0" else "1"
                yield from (
                    value[:-1] + last,
                    value.upper() if value.upper() != value else "\u0130",
                )
        case bool() | None:
            yield from (0, "")
        case int():
            yield from (value + 1, value - 1, -value - 1, str(value), True, value + 0.5, 2**53 - 1)
        case list():
            yield from ([*value, None], {}, "")
            if value:
                yield from (value[1:], value[:-1], [*value, value[-1]])
            if len(value) > 1 and value[0] != value[-1]:
                yield [value[-1], *value[1:-1], value[0]]
        case dict():
            yield from (value | {"more": 1}, [], None)
            for name in value:
                yield {key: member for key, member in value.items() if key != name}


def test_a_changed_member_is_noticed(content: bytes) -> None:
    document = json.loads(content)
    mutants = [
        changed(document, path, other)
        for path, value in leaves(document)
        for other in others(value)
        if canonical(other) != canonical(value)
    ]
    if not LONG:
        mutants = random.Random(9).sample(mutants, MEMBERS_IN_SAMPLE)
    refused(mutants)


@pytest.mark.parametrize(
    ("path", "value", "claims"),
    [
        (("terms", "sentence"), "I agree to everything.", {"terms", "releases"}),
        (("terms", "recipient", "name"), "Dr B. Li", {"terms", "recipient", "releases"}),
        (("anchor", "block"), 99, {"anchor"}),
        (("anchor", "chain"), "1:mainnet", {"anchor"}),
        (("recipient", "nameSalt"), "00" * 32, {"recipient"}),
        (("enrolment", "statement", "method"), "in-person-document", {"enrolment"}),
        (("enrolment",), None, {"enrolment"}),
        (("releases", "reads", 1, 0), 1_790_000_000_000_000, {"releases"}),
        (("releases", "asked", 0, "limit"), 1, {"releases"}),
        (("releases", "newest", "leaf", "size"), 7, {"releases"}),
        (("releases", "closing", "leaf", "size"), 7, {"releases"}),
        (("releases", "closing"), None, {"releases"}),
        (("releases", "asked"), [], {"format", "stopped", "releases"}),
        (("terms", "offsets", "validUntil"), 0, {"terms", "releases"}),
        (("states", 0, "value"), "00" * 32, {"state"}),
        (("checkpoint",), "", {"checkpoint"}),
        (("operations", 2, "inclusion", 0), "00" * 32, {"log"}),
        (("genesis",), {}, {"format", "signature", "enrolment", "recipient", "log", "checkpoint"}
         | {"releases", "anchor"}),
        (("version",), 2, {"format", "terms", "signature", "key", "enrolment", "recipient", "log"}
         | {"checkpoint", "state", "stopped", "releases", "anchor"}),
    ],
)  # fmt: skip
def test_the_claim_that_fails_is_the_one_that_was_touched(
    content: bytes, path: Path_, value: object, claims: set[str]
) -> None:
    (failed,) = refused([changed(json.loads(content), path, value)])
    assert set(failed) == claims


def test_an_operation_that_was_left_out_is_missed(content: bytes) -> None:
    document = json.loads(content)
    for place in range(len(document["operations"])):
        short = copy.deepcopy(document)
        del short["operations"][place]
        (failed,) = refused([canonical(short)])
        assert {"key", "state", "format", "releases"} & set(failed), place


def test_a_signature_bit_of_every_operation_is_checked(content: bytes) -> None:
    document = json.loads(content)
    mutants = []
    for place, each in enumerate(document["operations"]):
        signed = each["signed"]
        # operation length 2, operation, then scheme, x, y, rp id hash, r, s of 1 and 32 bytes each
        first = 2 * (2 + int(signed[:4], 16) + 1 + 3 * 32)
        for at in (first + 20, first + 64 + 20):
            flipped = f"{signed[:at]}{int(signed[at], 16) ^ 1:x}{signed[at + 1 :]}"
            mutants.append(changed(document, ("operations", place, "signed"), flipped))
    for failed in refused(mutants):
        assert {"signature", "log"} <= set(failed)


def test_hostile_json_is_refused_without_harm(content: bytes) -> None:
    deep = b'{"a":' * 5_000 + b"1" + b"}" * 5_000
    double = content.replace(b'"anchor":', b'"anchor":1,"anchor":', 1)
    lone = content.replace(b'"language":"en"', b'"language":"\\ud800"')
    zone = content.replace(b"Europe/Paris", b"Europe")
    number = content.replace(b'"version":1}', b'"version":1.0}')
    nan = content.replace(b'"version":1}', b'"version":NaN}')
    huge = content.replace(b'"version":1}', b'"version":1e400}')
    utf16 = content.decode().encode("utf-16")
    for failed in refused(
        [deep, double, lone, zone, number, nan, huge, utf16, b"[]", b"null", b"5"]
    ):
        assert failed


def test_a_file_of_another_folder_is_no_evidence() -> None:
    refused([Path(__file__).read_bytes()])
