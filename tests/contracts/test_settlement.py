"""Anchors: by the proposer only, each behind the last, and the same one again changes nothing."""

from pathlib import Path

import pytest

from pulsekey.adapters.pyevm import engine as module
from pulsekey.adapters.pyevm.engine import PyEvm
from pulsekey.consent.operations import Grant, Operation, RevokeAll, registration
from pulsekey.consent.program import EXECUTED, Refusal
from pulsekey.consent.state import account_slot
from pulsekey.ledger import ports
from pulsekey.ledger.settlement import contract
from pulsekey.ledger.settlement.contract import NO_LINK, Link
from pulsekey.ledger.settlement.embedded import settlement_on
from pulsekey.ledger.settlement.journal import JournalledChain
from pulsekey.ledger.settlement.onchain import OnChainSettlement
from pulsekey.ledger.settlement.ports import Address, Event, Receipt
from pulsekey.primitives.clock import Micros, Seconds
from pulsekey.primitives.errors import Conflict, IntegrityError
from pulsekey.primitives.ids import ConsentId, Digest
from tests.contracts.direct_ledger import (
    CHAIN_ID,
    PROPOSER,
    START,
    STRANGER,
    DirectLedger,
    deployed,
)
from tests.fakes.software_authenticator import Repeatable, Signer

HEADS = [Digest(bytes([number]) * 32) for number in range(1, 6)]
PATIENT = Signer("patient")


class Stopped:
    """A clock that stands still."""

    def now(self) -> Micros:
        return Micros(START * 1_000_000)


def settlement(path: Path, seed: str = "chain") -> OnChainSettlement:
    return settlement_on(JournalledChain(path / "chain.sqlite", PyEvm, Repeatable(seed)), Stopped())


def close(opened: OnChainSettlement) -> None:
    assert hasattr(opened.chain, "close")
    opened.chain.close()


def test_anchors_form_a_chain_that_survives_reopening(tmp_path: Path) -> None:
    opened: ports.Settlement = settlement(tmp_path)
    assert opened.latest() is None
    links = [NO_LINK]
    for batch, head in enumerate(HEADS, start=3):
        anchored = opened.anchor(head, batch)
        previous = contract.EMPTY if len(links) == 1 else links[-1].accumulator
        links.append(Link(previous, batch, head))
        assert anchored.accumulator == links[-1].accumulator
        assert anchored.head == head
        assert anchored.time == START
        assert opened.latest() == anchored
    assert isinstance(opened, OnChainSettlement)
    close(opened)
    again = settlement(tmp_path)
    assert again.latest() == anchored
    assert again.anchor(HEADS[-1], 7) == anchored
    close(again)


def test_the_same_anchor_again_changes_nothing(tmp_path: Path) -> None:
    opened = settlement(tmp_path)
    first = opened.anchor(HEADS[0], 1)
    assert opened.anchor(HEADS[0], 1) == first
    assert len(opened.chain.events(opened.contract, [])) == 1
    close(opened)


@pytest.mark.parametrize(("head", "batch"), [(HEADS[1], 5), (HEADS[1], 4), (HEADS[0], 4)])
def test_an_anchor_behind_or_beside_the_last_is_refused(
    tmp_path: Path, head: Digest, batch: int
) -> None:
    opened = settlement(tmp_path)
    last = opened.anchor(HEADS[0], 5)
    with pytest.raises(Conflict, match="batch does not rise"):
        opened.anchor(head, batch)
    assert opened.latest() == last
    close(opened)


def test_two_embedded_chains_are_two_ledgers(tmp_path: Path) -> None:
    (tmp_path / "one").mkdir()
    (tmp_path / "two").mkdir()
    one, two = settlement(tmp_path / "one", "one"), settlement(tmp_path / "two", "two")
    assert one.contract == two.contract
    assert one.name != two.name
    ids = [contract.direct_ledger(each.chain.chain_id, each.contract) for each in (one, two)]
    assert ids[0] != ids[1]
    close(one)
    close(two)


def test_a_stranger_cannot_anchor() -> None:
    engine, place = deployed()
    call = contract.anchor_call(1, HEADS[0], NO_LINK)
    answer = engine.call(STRANGER, place, call, START)
    assert contract.revert_reason(answer.output) == "settlement: not the proposer"
    receipt = engine.transact(STRANGER, place, call, START)
    assert not receipt.succeeded
    assert receipt.events == ()
    assert engine.call(STRANGER, place, contract.accumulator_call(), START).output == bytes(32)


def test_the_last_link_must_be_the_last_link() -> None:
    engine, place = deployed()
    first = Link(contract.EMPTY, 1, HEADS[0])
    second = Link(first.accumulator, 2, HEADS[1])

    def reason(batch: int, head: Digest, last: Link) -> str:
        call = contract.anchor_call(batch, head, last)
        return contract.revert_reason(engine.call(PROPOSER, place, call, START).output)

    def anchor(batch: int, head: Digest, last: Link) -> None:
        call = contract.anchor_call(batch, head, last)
        assert engine.transact(PROPOSER, place, call, START).succeeded

    for wrong in (
        first,
        Link(HEADS[0], 0, contract.EMPTY),
        Link(contract.EMPTY, 1, contract.EMPTY),
    ):
        assert reason(1, HEADS[0], wrong) == "settlement: not the last anchor"
    anchor(1, HEADS[0], NO_LINK)
    for wrong in (NO_LINK, Link(contract.EMPTY, 0, HEADS[0]), Link(contract.EMPTY, 1, HEADS[1])):
        assert reason(2, HEADS[1], wrong) == "settlement: not the last anchor"
    anchor(2, HEADS[1], first)
    assert reason(3, HEADS[2], first) == "settlement: not the last anchor"
    anchor(3, HEADS[2], second)
    state = engine.call(STRANGER, place, contract.accumulator_call(), START).output
    assert state == Link(second.accumulator, 3, HEADS[2]).accumulator


def test_the_contract_refuses_to_live_where_the_precompile_is_missing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:

    without = dict(module._Computation._precompiles)
    del without[module.P256VERIFY]
    monkeypatch.setattr(module._Computation, "_precompiles", without)
    receipt = PyEvm(CHAIN_ID).deploy(PROPOSER, contract.initcode(PROPOSER), START)
    assert not receipt.succeeded
    assert receipt.contract is None


def test_the_contract_refuses_to_live_without_a_proposer() -> None:
    nobody = Address(bytes(20))
    assert not PyEvm(CHAIN_ID).deploy(PROPOSER, contract.initcode(nobody), START).succeeded


def test_an_operation_signed_for_one_ledger_is_nothing_on_another() -> None:
    one, two = DirectLedger(), DirectLedger()
    two.engine, two.place = deployed(CHAIN_ID + 1)
    assert one.place == two.place
    first = registration(PATIENT.record(), bytes(32))
    signed = PATIENT.sign(one.ledger, first)
    assert two.put(signed) == Refusal.BAD_SIGNATURE
    assert one.put(signed) == EXECUTED


def test_an_old_grant_slipped_in_ahead_of_a_revocation_dies_with_it() -> None:
    both = DirectLedger()
    first = registration(PATIENT.record(), bytes(32))
    both.put(PATIENT.sign(both.ledger, first))
    consent = ConsentId(b"c" * 32)
    old = Grant(consent, Seconds(900), Seconds(9_000), Seconds(9_000))

    def signed(nonce: int, body: Grant | RevokeAll) -> bytes:
        return PATIENT.sign(both.ledger, Operation(first.account, nonce, first.signer, body))

    held_back, stop = signed(2, old), signed(3, RevokeAll())
    assert both.put(held_back) == EXECUTED  # The proposer puts it in front of the stop.
    assert both.put(stop) == EXECUTED
    account = both.state[account_slot(first.account)]
    assert int.from_bytes(account[8:16]) == 3  # Revoked through 3: the grant's nonce is 2.
    assert both.put(held_back) == Refusal.NONCE_NOT_RISING


def test_a_held_back_grant_does_not_come_after_the_stop() -> None:
    both = DirectLedger()
    first = registration(PATIENT.record(), bytes(32))
    both.put(PATIENT.sign(both.ledger, first))
    late = Grant(ConsentId(b"c" * 32), Seconds(900), Seconds(9_000), Seconds(9_000))
    held_back = PATIENT.sign(both.ledger, Operation(first.account, 2, first.signer, late))
    stop = PATIENT.sign(both.ledger, Operation(first.account, 3, first.signer, RevokeAll()))
    assert both.put(stop) == EXECUTED
    assert both.put(held_back) == Refusal.NONCE_NOT_RISING


def test_a_chain_without_the_contract_is_named() -> None:
    nowhere = OnChainSettlement("x", Bare(), PROPOSER, PROPOSER, Stopped())
    with pytest.raises(IntegrityError, match="no settlement contract"):
        nowhere.latest()


class Bare(PyEvm):
    """A chain with nothing on it."""

    def __init__(self) -> None:
        super().__init__(1)

    def events(self, *_: object) -> list[tuple[Receipt, Event]]:
        raise AssertionError
