"""The executable specification of Ethereum (Osaka) as a process: one JSON question a line.

Runs in the environment of `requirements/evm.lock`. It executes with the specification's own
`process_transaction`; only the recovery of the sender is replaced, because our transactions
carry no signature, and the message's result is looked at on its way through.
"""

import json
import sys

from ethereum.forks.osaka import fork
from ethereum.forks.osaka.fork_types import Address
from ethereum.forks.osaka.state import (
    State,
    TransientStorage,
    begin_transaction,
    get_account,
    rollback_transaction,
)
from ethereum.forks.osaka.transactions import LegacyTransaction
from ethereum.forks.osaka.utils.address import compute_contract_address
from ethereum.forks.osaka.vm import BlockEnvironment, BlockOutput
from ethereum_types.bytes import Bytes, Bytes0, Bytes32
from ethereum_types.numeric import U64, U256, Uint

GAS = Uint(2**24)


class Oracle:
    def __init__(self, chain_id: int) -> None:
        self.chain_id = chain_id
        self.state = State()
        self.block = 0
        self.sender = Address(bytes(20))
        self.output = None
        fork.recover_sender = lambda _chain_id, _tx: self.sender
        honest = fork.process_message_call

        def watched(message):
            self.output = honest(message)
            return self.output

        fork.process_message_call = watched

    def run(self, sender: bytes, to: bytes | None, data: bytes, at: int) -> dict:
        self.sender = Address(sender)
        nonce = get_account(self.state, self.sender).nonce
        environment = BlockEnvironment(
            chain_id=U64(self.chain_id),
            state=self.state,
            block_gas_limit=GAS,
            block_hashes=[],
            coinbase=Address(bytes(20)),
            number=Uint(self.block),
            base_fee_per_gas=Uint(0),
            time=U256(at),
            prev_randao=Bytes32(bytes(32)),
            excess_blob_gas=U64(0),
            parent_beacon_block_root=Bytes32(bytes(32)),
        )
        result = BlockOutput()
        target = Bytes0(b"") if to is None else Address(to)
        transaction = LegacyTransaction(
            nonce=U256(nonce),
            gas_price=Uint(0),
            gas=GAS,
            to=target,
            value=U256(0),
            data=Bytes(data),
            v=U256(27),
            r=U256(1),
            s=U256(1),
        )
        fork.process_transaction(environment, result, transaction, Uint(0))
        succeeded = self.output.error is None
        place = compute_contract_address(self.sender, nonce) if to is None else None
        return {
            "block": self.block,
            "succeeded": succeeded,
            "gas_used": int(result.block_gas_used),
            "output": bytes(self.output.return_data).hex(),
            "events": [
                [log.address.hex(), [topic.hex() for topic in log.topics], log.data.hex()]
                for log in self.output.logs
            ],
            "contract": place.hex() if place is not None and succeeded else None,
        }

    def answer(self, question: dict) -> dict:
        if question["do"] == "code":
            return {"code": get_account(self.state, Address(_bytes(question["to"]))).code.hex()}
        to = None if question["to"] is None else _bytes(question["to"])
        asked = (_bytes(question["sender"]), to, _bytes(question["data"]), question["at"])
        if question["do"] == "call":
            transient = TransientStorage()
            begin_transaction(self.state, transient)
            told = self.run(*asked)
            rollback_transaction(self.state, transient)
            return told
        self.block += 1
        return self.run(*asked)


def _bytes(text: str) -> bytes:
    return bytes.fromhex(text)


def main() -> None:
    oracle = Oracle(int(sys.argv[1]))
    for line in sys.stdin:
        print(json.dumps(oracle.answer(json.loads(line))), flush=True)


if __name__ == "__main__":
    main()
