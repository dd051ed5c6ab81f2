"""One direct ledger twice: the contract on the embedded EVM, and the program beside it."""

from dataclasses import dataclass, field

from pulsekey.adapters.pyevm.engine import PyEvm
from pulsekey.consent.program import ABSENT, EXECUTED, apply, keys
from pulsekey.ledger.settlement import contract
from pulsekey.ledger.settlement.ports import Address, Receipt
from pulsekey.primitives import tags
from pulsekey.primitives.clock import Seconds
from pulsekey.primitives.hashing import tagged
from pulsekey.primitives.ids import LedgerId

CHAIN_ID = 31_337
PROPOSER = Address(b"\x11" * 20)
STRANGER = Address(b"\x22" * 20)
START = Seconds(1_000)
INADMISSIBLE = range(1, 5)


def deployed(chain_id: int = CHAIN_ID) -> tuple[PyEvm, Address]:
    engine = PyEvm(chain_id)
    place = engine.deploy(PROPOSER, contract.initcode(PROPOSER), START).contract
    assert place is not None
    return engine, place


@dataclass
class DirectLedger:
    """Give it an operation: it executes on both sides and insists that they did the same."""

    engine: PyEvm = field(init=False)
    place: Address = field(init=False)
    state: dict[bytes, bytes] = field(default_factory=dict)
    time: Seconds = START

    def __post_init__(self) -> None:
        self.engine, self.place = deployed()

    @property
    def ledger(self) -> LedgerId:
        return contract.direct_ledger(self.engine.chain_id, self.place)

    def put(self, signed: bytes) -> int:
        """Execute on both, compare code, step and every touched slot, and return the code."""
        outcome = apply(self.state, self.ledger, signed, self.time)
        call = contract.execute_call(signed)
        answer = self.engine.call(STRANGER, self.place, call, self.time)
        receipt = self.engine.transact(STRANGER, self.place, call, self.time)
        assert answer.succeeded
        assert receipt.succeeded
        assert int.from_bytes(answer.output) == outcome.code
        self._compare_step(receipt, signed, outcome.code)
        self.state.update(outcome.writes)
        if outcome.code not in INADMISSIBLE:
            for key in keys(signed):
                assert self.slot(key) == self.state.get(key, ABSENT)
        assert outcome.code == EXECUTED or not outcome.writes
        return outcome.code

    def slot(self, key: bytes) -> bytes:
        return self.engine.call(STRANGER, self.place, contract.slot_call(key), self.time).output

    def _compare_step(self, receipt: Receipt, signed: bytes, code: int) -> None:
        if code in INADMISSIBLE:
            assert receipt.events == ()
            return
        [event] = receipt.events
        step = contract.step_from(event)
        assert step.operation == tagged(tags.OPERATION, signed)
        assert step.account == signed[4:36]
        assert step.code == code
