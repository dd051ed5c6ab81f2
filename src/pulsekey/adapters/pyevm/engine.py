"""An EVM in this process: py-evm's Prague, and P256VERIFY as Osaka has it (EIP-7951).

Transactions carry no signature and pay no fee: they come from the node itself, and the journal that
replays them is the node's own. Gas is counted to the unit nevertheless, because the same contract
runs where gas is paid: tests/conformance compares with the executable specification and with anvil.

Of what Osaka changes over Prague, only P256VERIFY and the gas limit of a transaction (EIP-7825)
touch our contract: it calls no MODEXP (EIP-7823, EIP-7883) and contains no CLZ (EIP-7939).
"""

from typing import Any

from eth._utils.address import generate_contract_address
from eth.vm.execution_context import ExecutionContext
from eth.vm.forks.cancun.transaction_context import CancunTransactionContext
from eth.vm.forks.prague.computation import PragueComputation
from eth.vm.forks.prague.state import PragueState
from eth.vm.message import Message

from pulsekey.adapters.pyevm.accounts import NO_STATE_ROOT, FlatAccounts
from pulsekey.ledger.settlement.ports import (
    TRANSACTION_GAS_MAX,
    Address,
    Answer,
    Event,
    Receipt,
)
from pulsekey.primitives.assertion import PublicKey, Signature, signature_holds
from pulsekey.primitives.clock import Seconds

P256VERIFY = bytes(18) + b"\x01\x00"
P256VERIFY_GAS = 6_900
NOBODY = Address(bytes(20))
WORD = 32

# EIP-2028, EIP-2, EIP-7623, EIP-3529.
_GAS_TRANSACTION = 21_000
_GAS_CREATE = 32_000
_GAS_TOKEN = 4
_GAS_TOKEN_FLOOR = 10
_REFUND_QUOTIENT = 5
_INITCODE_BYTES_MAX = 49_152


def p256verify(computation: Any) -> Any:
    """Answer 32 bytes equal to 1 for a signature that holds, and nothing otherwise."""
    computation.consume_gas(P256VERIFY_GAS, reason="P256VERIFY")
    data = bytes(computation.msg.data)
    computation.output = b""
    if len(data) == 5 * WORD:
        message_hash, r, s, x, y = (data[at : at + WORD] for at in range(0, len(data), WORD))
        if signature_holds(message_hash, PublicKey(x, y), Signature(r, s)):
            computation.output = (1).to_bytes(WORD)
    return computation


class _Computation(PragueComputation):  # type: ignore[misc]  # py-evm has no types to follow
    _precompiles = {**PragueComputation.get_precompiles(), P256VERIFY: p256verify}  # noqa: RUF012 - py-evm's own way of saying it


class _State(PragueState):  # type: ignore[misc]  # py-evm has no types to follow
    computation_class = _Computation
    account_db_class = FlatAccounts

    def snapshot(self) -> tuple[bytes, int]:
        return NO_STATE_ROOT, self._account_db.record()

    def revert(self, snapshot: tuple[bytes, int]) -> None:
        self._account_db.discard(snapshot[1])

    def commit(self, snapshot: tuple[bytes, int]) -> None:
        self._account_db.commit(snapshot[1])

    def get_transient_storage(self, address: bytes, slot: int) -> bytes:
        value: bytes = self._account_db.get_transient(address, slot)
        return value

    def set_transient_storage(self, address: bytes, slot: int, value: bytes) -> None:
        self._account_db.set_transient(address, slot, value)


class PyEvm:
    """Implements `Engine` and so `Evm`. Not safe for more than one thread at a time."""

    def __init__(self, chain_id: int) -> None:
        self._chain_id = chain_id
        self._block = 0
        self._accounts = FlatAccounts()
        self._state = _State(None, self._context(Seconds(0)), NO_STATE_ROOT)
        self._state._account_db = self._accounts  # noqa: SLF001 - the state makes its own, empty one

    @property
    def chain_id(self) -> int:
        return self._chain_id

    def deploy(self, sender: Address, code: bytes, at: Seconds) -> Receipt:
        return self._transact(sender, None, code, at)

    def transact(self, sender: Address, to: Address, data: bytes, at: Seconds) -> Receipt:
        return self._transact(sender, to, data, at)

    def call(self, sender: Address, to: Address, data: bytes, at: Seconds) -> Answer:
        mark = self._accounts.record()
        computation, _gas = self._execute(sender, to, data, at)
        self._accounts.discard(mark)
        self._accounts.lock_changes()
        return Answer(not computation.is_error, bytes(computation.output))

    def code(self, contract: Address) -> bytes:
        return self._accounts.get_code(contract)

    def dump(self) -> bytes:
        return self._block.to_bytes(8) + self._accounts.dump()

    def load(self, content: bytes) -> None:
        self._block = int.from_bytes(content[:8])
        self._accounts.load(content[8:])

    def _transact(self, sender: Address, to: Address | None, data: bytes, at: Seconds) -> Receipt:
        self._block += 1
        computation, gas_used = self._execute(sender, to, data, at)
        succeeded = not computation.is_error
        events = tuple(
            Event(
                Address(contract), tuple(topic.to_bytes(WORD) for topic in topics), bytes(content)
            )
            for contract, topics, content in computation.get_log_entries()
        )
        created = computation.msg.storage_address if to is None and succeeded else None
        self._accounts.lock_changes()
        return Receipt(self._block, at, succeeded, gas_used, events, created)

    def _execute(
        self, sender: Address, to: Address | None, data: bytes, at: Seconds
    ) -> tuple[Any, int]:
        accounts, state = self._accounts, self._state
        state.execution_context = self._context(at)
        tokens = 4 * len(data) - 3 * data.count(0)
        gas = TRANSACTION_GAS_MAX - _GAS_TRANSACTION - _GAS_TOKEN * tokens
        if to is None:
            if len(data) > _INITCODE_BYTES_MAX:
                raise ValueError(f"initcode beyond {_INITCODE_BYTES_MAX} bytes (EIP-3860)")
            gas -= _GAS_CREATE  # py-evm itself charges for the words of the initcode (EIP-3860).
        created = generate_contract_address(sender, accounts.get_nonce(sender))
        accounts.increment_nonce(sender)
        message = Message(
            gas=gas,
            to=b"" if to is None else to,
            sender=sender,
            value=0,
            data=b"" if to is None else data,
            code=data if to is None else accounts.get_code(to),
            create_address=created if to is None else None,
        )
        for warm in (sender, message.storage_address, NOBODY):
            accounts.mark_address_warm(warm)
        run = _Computation.apply_create_message if to is None else _Computation.apply_message
        computation = run(state, message, CancunTransactionContext(gas_price=0, origin=sender))
        used = TRANSACTION_GAS_MAX - computation.get_gas_remaining()
        used -= min(computation.get_gas_refund(), used // _REFUND_QUOTIENT)
        return computation, max(used, _GAS_TRANSACTION + _GAS_TOKEN_FLOOR * tokens)

    def _context(self, at: Seconds) -> ExecutionContext:
        return ExecutionContext(
            coinbase=NOBODY,
            timestamp=at,
            block_number=self._block,
            difficulty=0,
            mix_hash=bytes(WORD),
            gas_limit=TRANSACTION_GAS_MAX,
            prev_hashes=(),
            chain_id=self._chain_id,
            base_fee_per_gas=0,
            excess_blob_gas=0,
        )
