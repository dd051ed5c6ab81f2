"""The embedded engine keeps what frames and transactions promise, and can be put away and back."""

import pytest

from pulsekey.adapters.pyevm.accounts import FlatAccounts
from pulsekey.adapters.pyevm.engine import PyEvm
from pulsekey.ledger.settlement import contract
from pulsekey.ledger.settlement.contract import NO_LINK, Link
from pulsekey.ledger.settlement.ports import Address
from pulsekey.primitives.ids import Digest
from tests.contracts.direct_ledger import CHAIN_ID, PROPOSER, START, deployed

ONE, TWO = b"1" * 20, b"2" * 20


def test_a_state_put_away_and_back_goes_on_the_same() -> None:
    engine, place = deployed()
    first = Link(contract.EMPTY, 1, Digest(b"1" * 32))
    engine.transact(PROPOSER, place, contract.anchor_call(1, first.head, NO_LINK), START)
    again = PyEvm(CHAIN_ID)
    again.load(engine.dump())
    assert again.dump() == engine.dump()
    assert again.code(place) == engine.code(place)
    following = contract.anchor_call(2, Digest(b"2" * 32), first)
    assert again.transact(PROPOSER, place, following, START) == engine.transact(
        PROPOSER, place, following, START
    )


def test_a_call_leaves_nothing_behind() -> None:
    engine, place = deployed()
    before = engine.dump()
    call = contract.anchor_call(1, Digest(b"1" * 32), NO_LINK)
    assert engine.call(PROPOSER, place, call, START).succeeded
    assert engine.dump() == before


def test_initcode_beyond_its_limit_is_not_run() -> None:
    with pytest.raises(ValueError, match="EIP-3860"):
        PyEvm(CHAIN_ID).deploy(PROPOSER, bytes(49_153), START)


def test_a_frame_that_reverts_takes_everything_back() -> None:
    accounts = FlatAccounts()
    accounts.set_storage(ONE, 7, 1)
    accounts.lock_changes()
    before = accounts.dump()
    mark = accounts.record()
    accounts.set_storage(ONE, 7, 2)
    accounts.set_storage(ONE, 8, 3)
    accounts.set_code(TWO, b"code")
    accounts.set_balance(TWO, 9)
    accounts.increment_nonce(TWO)
    accounts.mark_address_warm(TWO)
    accounts.mark_storage_warm(TWO, 1)
    accounts.set_transient(TWO, 1, b"t")
    assert accounts.get_storage(ONE, 7) == 2
    assert accounts.get_storage(ONE, 7, from_journal=False) == 1
    accounts.discard(mark)
    assert accounts.dump() == before
    assert accounts.get_storage(ONE, 7) == 1
    assert not accounts.is_address_warm(TWO)
    assert not accounts.is_storage_warm(TWO, 1)
    assert accounts.get_transient(TWO, 1) == b""
    assert not accounts.account_exists(TWO)


def test_the_end_of_a_transaction_makes_everything_cold_and_final() -> None:
    accounts = FlatAccounts()
    accounts.set_storage(ONE, 7, 1)
    accounts.mark_storage_warm(ONE, 7)
    accounts.set_transient(ONE, 1, b"t")
    accounts.lock_changes()
    assert accounts.get_storage(ONE, 7, from_journal=False) == 1
    assert not accounts.is_storage_warm(ONE, 7)
    assert accounts.get_transient(ONE, 1) == b""


def test_a_deleted_account_has_nothing_left() -> None:
    accounts = FlatAccounts()
    accounts.set_storage(ONE, 7, 1)
    accounts.set_storage(TWO, 7, 5)
    accounts.set_code(ONE, b"code")
    accounts.set_balance(ONE, 3)
    assert accounts.account_exists(ONE)
    assert accounts.get_code_hash(ONE) != bytes(32)
    accounts.delete_account(ONE)
    assert not accounts.account_exists(ONE)
    assert accounts.get_code_hash(ONE) == bytes(32)
    assert accounts.get_storage(ONE, 7) == 0
    assert accounts.get_storage(TWO, 7) == 5


def test_a_touched_account_that_stays_empty_does_not_exist() -> None:
    accounts = FlatAccounts()
    accounts.touch_account(ONE)
    assert accounts.account_is_empty(ONE)
    assert not accounts.account_has_code_or_nonce(ONE)


def test_a_transaction_to_nobody_costs_what_its_calldata_cost() -> None:
    receipt = PyEvm(CHAIN_ID).transact(PROPOSER, Address(ONE), b"\x01" * 10, START)
    assert receipt.succeeded
    # EIP-7623: ten tokens of four units each, at ten gas a unit.
    assert receipt.gas_used == 21_000 + 10 * 4 * 10
