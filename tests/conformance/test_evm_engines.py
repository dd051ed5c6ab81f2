"""Every engine gives the same results, events and gas for our contract, to the unit.

The same transactions from the same senders at the same times run on each; what the embedded engine
says is compared with the executable specification and with anvil, receipt by receipt.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from pulsekey.adapters.evm_rpc.chain import RpcChain
from pulsekey.adapters.pyevm.engine import PyEvm
from pulsekey.ledger.settlement import contract
from pulsekey.ledger.settlement.onchain import OnChainSettlement
from pulsekey.ledger.settlement.ports import Address, Engine, Evm, Receipt
from pulsekey.primitives.clock import Micros, Seconds
from pulsekey.primitives.errors import Conflict
from pulsekey.primitives.ids import Digest
from tests.conformance.evm_engines import ENGINES
from tests.contracts.direct_ledger import CHAIN_ID, PROPOSER, STRANGER
from tests.contracts.gas_story import Call, story

P256VERIFY = Address(bytes(18) + b"\x01\x00")


@dataclass
class Run:
    """One story on one engine."""

    engine: Evm
    place: Address
    deployment: Receipt
    receipts: list[tuple[Call, Receipt]]


def play(engine: Evm) -> Run:
    deployment = engine.deploy(PROPOSER, contract.initcode(PROPOSER), Seconds(1_000))
    assert deployment.contract is not None
    receipts = [
        (call, engine.transact(call.sender, deployment.contract, call.data, call.at))
        for call in story(contract.direct_ledger(CHAIN_ID, deployment.contract))
    ]
    return Run(engine, deployment.contract, deployment, receipts)


@pytest.fixture(scope="module", params=list(ENGINES))
def run(request: pytest.FixtureRequest) -> Iterator[Run]:
    with ENGINES[request.param](CHAIN_ID) as engine:
        yield play(engine)


@pytest.fixture(scope="module")
def reference() -> Run:
    return play(PyEvm(CHAIN_ID))


def test_an_engine_that_was_dumped_loads_equal(reference: Run) -> None:
    engine = reference.engine
    assert isinstance(engine, PyEvm)
    other: Engine = PyEvm(CHAIN_ID)
    other.load(engine.dump())
    assert other.dump() == engine.dump()
    call = contract.accumulator_call()
    mine = other.call(STRANGER, reference.place, call, Seconds(5_000))
    assert mine == engine.call(STRANGER, reference.place, call, Seconds(5_000))


def test_the_chain_has_the_number_it_was_given(run: Run) -> None:
    assert run.engine.chain_id == CHAIN_ID


def test_the_contract_lands_in_the_same_place_with_the_same_code(run: Run, reference: Run) -> None:
    assert run.place == reference.place
    assert run.engine.code(run.place) == reference.engine.code(run.place)
    assert run.deployment.gas_used == reference.deployment.gas_used
    assert run.engine.code(Address(b"n" * 20)) == b""


def test_every_call_has_the_same_result_events_and_gas(run: Run, reference: Run) -> None:
    for (call, mine), (_same, theirs) in zip(run.receipts, reference.receipts, strict=True):
        assert mine.succeeded == theirs.succeeded, call.name
        assert mine.events == theirs.events, call.name
        assert mine.gas_used == theirs.gas_used, call.name
        assert mine.time == theirs.time, call.name


def test_every_slot_has_the_same_value_at_the_end(run: Run, reference: Run) -> None:
    calls = [contract.accumulator_call(), contract.ledger_call()]
    calls += [contract.slot_call(key) for call, _ in run.receipts for key in call.keys]
    for call in calls:
        mine = run.engine.call(STRANGER, run.place, call, Seconds(5_000))
        theirs = reference.engine.call(STRANGER, reference.place, call, Seconds(5_000))
        assert mine == theirs


def test_a_refused_call_gives_its_reason_back(run: Run) -> None:
    call = contract.anchor_call(99, contract.EMPTY, contract.NO_LINK)
    answer = run.engine.call(STRANGER, run.place, call, Seconds(5_000))
    assert not answer.succeeded
    assert contract.revert_reason(answer.output) == "settlement: not the proposer"


@pytest.mark.parametrize("size", [0, 32, 159, 161, 192])
def test_the_precompile_answers_nothing_to_input_of_another_length(run: Run, size: int) -> None:
    answer = run.engine.call(STRANGER, P256VERIFY, b"\x01" * size, Seconds(5_000))
    assert answer.succeeded
    assert answer.output == b""


def test_the_precompile_answers_as_it_does_in_the_reference(run: Run, reference: Run) -> None:
    order = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
    prime = 0xFFFFFFFF00000001000000000000000000000000FFFFFFFFFFFFFFFFFFFFFFFF
    good = [
        0xCD3C7A25BF731A82B28582948A09263FC02BBA641867379A66DF52793641AEA2,
        0xE986667C173B418888E7528C0B78AC6F2F81E3581CAF5C941BE34B119111FD40,
        0x9D7B1D20536CCF4CFCB9445EBDF6D12E363672458D3F77BE3C8F8A9A68DEE925,
        0x2B1F4DD68A8A5319CE62CF10045D5D2AD88F8AB5C003951E035669C7AD493495,
        0x3901A9A014FD1BDE4802A51FC881DD6E67089B3997A3CF5448F5A5BCF20FF4BE,
    ]
    cases = [(good, True), ([*good[:2], order - good[2], *good[3:]], True)]
    for place in range(5):
        for value in (0, order, prime, 2**256 - 1, good[place] ^ 1):
            changed = [*good]
            changed[place] = value
            cases.append((changed, False))
    cases.append(([*good[:3], 0, 0], False))
    cases.append(([*good[:4], prime - good[4]], False))
    for numbers, holds in cases:
        data = b"".join(number.to_bytes(32) for number in numbers)
        answer = run.engine.call(STRANGER, P256VERIFY, data, Seconds(5_000))
        assert answer.output == ((1).to_bytes(32) if holds else b"")
        assert answer == reference.engine.call(STRANGER, P256VERIFY, data, Seconds(5_000))


def test_heads_are_anchored_on_a_remote_chain_as_on_the_embedded_one() -> None:
    with ENGINES["anvil"](CHAIN_ID) as chain:
        assert isinstance(chain, RpcChain)
        place = chain.deploy(PROPOSER, contract.initcode(PROPOSER), Seconds(1_000)).contract
        assert place is not None
        settlement = OnChainSettlement("evm", chain, place, PROPOSER, Ticking())
        assert settlement.latest() is None
        for batch, head in ((1, Digest(b"1" * 32)), (5, Digest(b"5" * 32))):
            anchored = settlement.anchor(head, batch)
            assert settlement.anchor(head, batch) == anchored == settlement.latest()
        with pytest.raises(Conflict, match="batch does not rise"):
            settlement.anchor(Digest(b"4" * 32), 4)


class Ticking:
    """A clock that is a second later whenever it is read: anvil wants every block to be later."""

    def __init__(self) -> None:
        self._seconds = 2_000

    def now(self) -> Micros:
        self._seconds += 1
        return Micros(self._seconds * 1_000_000)
