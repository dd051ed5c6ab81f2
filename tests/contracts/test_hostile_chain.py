"""A chain that lies or loses is named: anchors are believed by their own hash chain only."""

from collections.abc import Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from pulsekey.ledger.settlement import contract
from pulsekey.ledger.settlement.embedded import settlement_on
from pulsekey.ledger.settlement.journal import JournalledChain
from pulsekey.ledger.settlement.onchain import OnChainSettlement
from pulsekey.ledger.settlement.ports import Address, Event, Receipt
from pulsekey.primitives.clock import Micros, Seconds
from pulsekey.primitives.errors import IntegrityError, Unavailable
from pulsekey.primitives.ids import Digest
from tests.contracts.direct_ledger import CHAIN_ID, PROPOSER, START, deployed
from tests.fakes.counting_engine import CountingEngine

HEAD = Digest(b"h" * 32)


class Stopped:
    """A clock that stands still."""

    def now(self) -> Micros:
        return Micros(START * 1_000_000)


class Liar:
    """The real contract on a real engine, with one thing about it false."""

    def __init__(self, lie: str) -> None:
        self._lie = lie
        self._engine, self.place = deployed()
        self._kept: list[tuple[Receipt, Event]] = []
        self.chain_id = CHAIN_ID
        self.call, self.code, self.deploy = (
            self._engine.call,
            self._engine.code,
            self._engine.deploy,
        )

    def transact(self, sender: Address, to: Address, data: bytes, at: Seconds) -> Receipt:
        if self._lie == "overtaken":
            return Receipt(1, at, False, 21_000, (), None)
        if self._lie == "not executed":
            return Receipt(1, at, True, 21_000, (), None)
        receipt = self._engine.transact(sender, to, data, at)
        self._kept += [(receipt, event) for event in receipt.events]
        return receipt

    def events(
        self, contract_at: Address, topics: Sequence[bytes | None]
    ) -> Sequence[tuple[Receipt, Event]]:
        del contract_at, topics
        if self._lie == "no event":
            return []
        if self._lie == "another head":
            return [
                (receipt, replace(event, topics=(event.topics[0], b"x" * 32, event.topics[2])))
                for receipt, event in self._kept
            ]
        return self._kept


@pytest.mark.parametrize(
    ("lie", "error", "problem"),
    [
        ("overtaken", Unavailable, "overtaken"),
        ("not executed", IntegrityError, "shows another"),
        ("no event", IntegrityError, "does not show the event"),
        ("another head", IntegrityError, "does not match its own chain"),
    ],
)
def test_a_lie_is_named(lie: str, error: type[Exception], problem: str) -> None:
    chain = Liar(lie)
    settlement = OnChainSettlement("liar", chain, chain.place, PROPOSER, Stopped())
    with pytest.raises(error, match=problem):
        settlement.anchor(HEAD, 1)


def test_an_honest_chain_is_believed() -> None:
    chain = Liar("nothing")
    settlement = OnChainSettlement("honest", chain, chain.place, PROPOSER, Stopped())
    assert settlement.anchor(HEAD, 1).head == HEAD


def test_an_embedded_chain_without_its_contract_is_named(tmp_path: Path) -> None:
    class Barren(CountingEngine):
        def deploy(self, sender: Address, code: bytes, at: Seconds) -> Receipt:
            return self.transact(sender, Address(b"c" * 20), code[:8], at)

    chain = JournalledChain(tmp_path / "chain.sqlite", Barren, lambda size: b"e" * size)
    with closing(chain), pytest.raises(IntegrityError, match="deployed no contract"):
        settlement_on(chain, Stopped())


def test_an_event_of_another_kind_is_no_step() -> None:
    event = Event(PROPOSER, (b"x" * 32, b"y" * 32, b"z" * 32), bytes(32))
    with pytest.raises(IntegrityError, match="not a step"):
        contract.step_from(event)


def test_bytes_that_are_no_reason_give_none() -> None:
    assert contract.revert_reason(b"") == ""
    assert contract.revert_reason(b"\x01" * 40) == ""
