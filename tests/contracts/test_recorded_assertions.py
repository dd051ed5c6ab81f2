"""Forty assertions that Chromium made hold in Python and in the contract, and no mutation does."""

import json
from collections.abc import Callable
from pathlib import Path

import eth_abi
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pulsekey.adapters.pyevm.engine import PyEvm
from pulsekey.primitives.assertion import (
    P256_ORDER,
    PREFIX,
    Assertion,
    PublicKey,
    Signature,
    assertion_holds,
)
from tests.contracts.direct_ledger import CHAIN_ID, PROPOSER, START
from vectors.reading import Case, cases

ARTEFACT = json.loads((Path(__file__).parent / "artefacts" / "assertion_check.json").read_text())
TYPES = ["bytes32", "bytes32", "bytes", "bytes", "(bytes32,bytes32,bytes32,bytes32)"]
CHALLENGE_CHARACTERS = 43
FIELDS = ("challenge", "rp_id_hash", "data", "suffix", "r", "s", "x", "y")

ENGINE = PyEvm(CHAIN_ID)
PLACE = ENGINE.deploy(PROPOSER, bytes.fromhex(ARTEFACT["bytecode"][2:]), START).contract


def parts(case: Case) -> dict[str, bytes]:
    content = case["client_data_json"].encode()
    assert content.startswith(PREFIX)
    data = bytes.fromhex(case["authenticator_data"])
    named = {name: bytes.fromhex(case[name]) for name in ("challenge", "r", "s", "x", "y")}
    suffix = content[len(PREFIX) + CHALLENGE_CHARACTERS :]
    return named | {"data": data, "suffix": suffix, "rp_id_hash": data[:32]}


def both(given_parts: dict[str, bytes]) -> bool:
    """Ask Python and the contract, insist that they agree, and return what they say."""
    challenge, party, data, suffix, r, s, x, y = (given_parts[name] for name in FIELDS)
    here = assertion_holds(
        challenge, party, PublicKey(x, y), Assertion(data, suffix), Signature(r, s)
    )
    assert PLACE is not None
    selector = bytes.fromhex(ARTEFACT["selectors"]["assertion_holds"][2:])
    call = selector + eth_abi.encode(TYPES, [challenge, party, data, suffix, (r, s, x, y)])
    answer = ENGINE.call(PROPOSER, PLACE, call, START)
    assert answer.succeeded
    assert int.from_bytes(answer.output) == here
    return here


@pytest.mark.parametrize("case", cases("chromium-assertions"), ids=lambda case: case["name"])
def test_a_recorded_assertion_holds_with_low_and_with_high_s(case: Case) -> None:
    recorded = parts(case)
    assert both(recorded)
    flipped = (P256_ORDER - int.from_bytes(recorded["s"])).to_bytes(32)
    assert both(recorded | {"s": flipped})


@pytest.mark.parametrize("field", FIELDS)
@given(pick=st.integers(0, 39), place=st.integers(min_value=0), mask=st.integers(1, 255))
def test_no_field_can_be_changed(field: str, pick: int, place: int, mask: int) -> None:
    recorded = parts(cases("chromium-assertions")[pick])
    changed = bytearray(recorded[field])
    changed[place % len(changed)] ^= mask
    assert not both(recorded | {field: bytes(changed)})


@given(challenge=st.binary(min_size=32, max_size=32))
def test_a_signature_is_of_one_challenge(challenge: bytes) -> None:
    recorded = parts(cases("chromium-assertions")[0])
    assert both(recorded | {"challenge": challenge}) == (challenge == recorded["challenge"])


@pytest.mark.parametrize(
    "make",
    [
        lambda value: value.to_bytes(32),
        lambda value: (value + P256_ORDER).to_bytes(33)[-32:],
        lambda _value: bytes(32),
        lambda _value: P256_ORDER.to_bytes(32),
        lambda _value: b"\xff" * 32,
    ],
)
@pytest.mark.parametrize("field", ["r", "s"])
def test_a_half_out_of_range_is_none(field: str, make: Callable[[int], bytes]) -> None:
    recorded = parts(cases("chromium-assertions")[0])
    value = make(int.from_bytes(recorded[field]))
    assert both(recorded | {field: value}) == (value == recorded[field])
