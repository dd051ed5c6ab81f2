"""The golden cases are what the code says, and what plain SHA-256 over fixed widths says.

Where it can, a test recomputes with nothing but the standard library, as another language would.
"""

import hashlib
import json
import re
import struct
from pathlib import Path

import pytest

from pulsekey.consent.operations import decode_operation, decode_signed
from pulsekey.consent.program import EXECUTED, Refusal, admissible, apply
from pulsekey.ledger.encoding import decode_head, decode_step
from pulsekey.primitives import canonical
from pulsekey.primitives.clock import Seconds
from pulsekey.primitives.hashing import merkle_root
from pulsekey.primitives.ids import LedgerId
from vectors import generate
from vectors.reading import FOLDER, Case, cases

TESTS = Path(__file__).parents[1]
unhex = bytes.fromhex


def tag(name: str) -> bytes:
    return name.encode().ljust(32, b"\0")


def sha256(*fields: bytes) -> str:
    return hashlib.sha256(b"".join(fields)).hexdigest()


def every(name: str) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("case", cases(name), ids=lambda case: case["name"])


@pytest.mark.parametrize("name", generate.FILES)
def test_generating_again_changes_nothing(name: str) -> None:
    assert (FOLDER / f"{name}.json").read_text("utf-8") == generate.render(name)


def test_every_file_of_cases_is_read_by_some_test() -> None:
    used: set[str] = set()
    for path in TESTS.rglob("test_*.py"):
        used |= set(re.findall(r'(?:cases|every)\("([a-z-]+)"\)', path.read_text("utf-8")))
    assert {path.stem for path in FOLDER.glob("*.json")} <= used


@every("domain-tags")
def test_a_domain_tag_is_a_name_padded_with_zeros(case: Case) -> None:
    raw = unhex(case["tag"])
    assert len(raw) == 32
    assert raw.rstrip(b"\0").decode().startswith("pulsekey/")
    assert case["over_nothing"] == sha256(raw)


def test_no_two_domain_tags_are_the_same() -> None:
    tags = [case["tag"] for case in cases("domain-tags")]
    assert len(set(tags)) == len(tags)


@every("canonical-json")
def test_a_document_has_one_form(case: Case) -> None:
    content = unhex(case["bytes"])
    assert canonical.encode(canonical.decode(content)) == content
    again = json.dumps(
        json.loads(content), sort_keys=True, separators=(",", ":"), ensure_ascii=False
    )
    assert again.encode() == content
    assert case["sha256"] == sha256(content)


@every("merkle-trees")
def test_a_merkle_tree_hash_is_that_of_rfc_9162(case: Case) -> None:
    def root(leaves: list[bytes]) -> bytes:
        if len(leaves) < 2:
            return hashlib.sha256(b"\0" + leaves[0] if leaves else b"").digest()
        left = 1 << ((len(leaves) - 1).bit_length() - 1)
        return hashlib.sha256(b"\1" + root(leaves[:left]) + root(leaves[left:])).digest()

    leaves = [unhex(leaf) for leaf in case["leaves"]]
    assert root(leaves).hex() == case["root"] == merkle_root(leaves).hex()


@every("identifiers")
def test_names_commit_to_what_they_name(case: Case) -> None:
    x, y, party = unhex(case["x"]), unhex(case["y"]), unhex(case["rp_id_hash"])
    scheme = bytes([case["scheme"]])
    rest = struct.pack(">HQ", case["capabilities"], int(case["expires"]))
    assert case["key_id"] == sha256(tag("pulsekey/key/1"), scheme, x, y, party)
    record = x + y + party + scheme + rest
    assert case["account"] == sha256(tag("pulsekey/account/1"), record, unhex(case["salt"]))
    account = unhex(case["account"])
    assert case["account_slot"] == sha256(tag("pulsekey/state-account/1"), account)
    key = unhex(case["key_id"])
    assert case["key_slot"] == sha256(tag("pulsekey/state-key/1"), account, key)
    consent = unhex(case["consent"])
    assert case["grant_slot"] == sha256(tag("pulsekey/state-grant/1"), account, consent)
    assert case["commitment_slot"] == sha256(tag("pulsekey/state-commitment/1"), account)


@every("operations")
def test_an_operation_and_its_challenge_are_fixed_bytes(case: Case) -> None:
    content, ledger = unhex(case["operation"]), unhex(case["ledger"])
    version, kind, account, nonce, signer = struct.unpack_from(">BB32sQ32s", content)
    assert (version, kind, nonce) == (1, case["kind"], case["nonce"])
    assert (account.hex(), signer.hex()) == (case["account"], case["signer"])
    signed_for = sha256(tag("pulsekey/operation-challenge/1"), b"\1", ledger, content)
    assert case["challenge"] == signed_for
    assert decode_operation(content).encode() == content
    signed = unhex(case["signed"])
    assert signed[:2] + signed[2 : 2 + len(content)] == len(content).to_bytes(2) + content
    assert case["signed_digest"] == sha256(tag("pulsekey/signed-operation/1"), signed)
    assert decode_signed(signed).encode() == signed
    assert admissible(LedgerId(ledger), signed)
    assert case["keys"][0] == sha256(tag("pulsekey/state-account/1"), account)


@every("transitions")
def test_an_operation_does_what_its_case_says(case: Case) -> None:
    before = {unhex(key): unhex(value) for key, value in case["before"].items()}
    outcome = apply(before, LedgerId(unhex(case["ledger"])), unhex(case["signed"]), case["time"])
    assert outcome.code == case["code"]
    assert [[key.hex(), value.hex()] for key, value in outcome.writes] == case["writes"]
    assert (case["refusal"] is None) == (outcome.code == EXECUTED)


def test_the_cases_show_every_refusal_but_one() -> None:
    # An account with too many keys would be 65 cases of one kind; the contract's tests have them.
    shown = {case["refusal"] for case in cases("transitions")} - {None}
    assert shown == {refusal.name for refusal in Refusal} - {"TOO_MANY_KEYS"}


@every("settlement")
def test_an_anchor_chain_is_plain_sha_256(case: Case) -> None:
    chain, contract = case["chain_id"].to_bytes(32), unhex(case["contract"])
    assert case["direct_ledger"] == sha256(tag("pulsekey/direct-ledger/1"), chain, contract)
    batch, previous, head = (
        case["batch"].to_bytes(8),
        unhex(case["previous"]),
        unhex(case["head"]),
    )
    assert case["accumulator"] == sha256(tag("pulsekey/anchor-chain/1"), previous, batch, head)


def test_a_step_and_a_head_are_fixed_bytes() -> None:
    step, head = cases("steps-and-heads")
    read = decode_step(unhex(step["bytes"]))
    assert (read.batch, read.index, read.time, read.code) == (3, 1, Seconds(1_000), step["code"])
    assert read.pre.hex() == step["pre"]
    again = decode_head(unhex(head["bytes"]))
    assert again.log_root.hex() == head["log_root"]
    assert head["digest"] == sha256(tag("pulsekey/head/1"), unhex(head["bytes"]))
