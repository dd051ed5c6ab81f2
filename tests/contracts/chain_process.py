"""A process whose children each transact on an embedded chain with the real engine until killed.

For every line on its input ("how many transactions replayed call for a snapshot") it forks, having
imported everything but opened nothing. A child says what was acknowledged: number and receipt. The
process itself says "dead" when a child is.
"""

import os
import sys
from functools import cache
from itertools import count
from pathlib import Path

from pulsekey.adapters.pyevm.engine import PyEvm
from pulsekey.consent.operations import SignedOperation, registration
from pulsekey.ledger.settlement import contract, journal
from pulsekey.ledger.settlement.contract import NO_LINK, Link
from pulsekey.ledger.settlement.journal import JournalledChain
from pulsekey.ledger.settlement.ports import Address, Engine, Receipt
from pulsekey.ledger.settlement.receipts import Transaction, encode_receipt
from pulsekey.primitives.clock import Seconds
from pulsekey.primitives.hashing import digest
from tests.contracts.direct_ledger import PROPOSER, STRANGER
from tests.fakes.software_authenticator import Signer

KINDS = 4


def entropy(size: int) -> bytes:
    return b"e" * size


def transaction(number: int, chain_id: int, place: Address | None) -> Transaction:
    """The numberth transaction of every such chain: it follows from its number alone.

    The contract; then in turn anchors, the same by somebody who may not, operations that are
    executed directly, and more contracts.
    """
    at = Seconds(1_000 + number // 3)
    if place is None or number % KINDS == 0:
        return Transaction(number, at, PROPOSER, None, contract.initcode(PROPOSER))
    turn = number // KINDS
    match number % KINDS:
        case 1:
            return Transaction(number, at, PROPOSER, place, _anchoring(turn))
        case 2:
            return Transaction(number, at, STRANGER, place, _anchoring(turn))
        case _:
            return Transaction(number, at, STRANGER, place, _operation(turn, chain_id, place))


def _anchoring(turn: int) -> bytes:
    last = _link(turn - 1)
    return contract.anchor_call(turn, _link(turn).head, last)


@cache
def _link(turn: int) -> Link:
    if turn < 1:
        return NO_LINK
    before = _link(turn - 1)
    previous = contract.EMPTY if before is NO_LINK else before.accumulator
    return Link(previous, turn, digest(b"head %d" % turn))


def _operation(turn: int, chain_id: int, place: Address) -> bytes:
    # A plain key: its signatures are deterministic, so the same number is the same transaction.
    signer = Signer(f"server {turn}", plain=True)
    operation = registration(signer.record(), digest(b"salt %d" % turn)).encode()
    ledger = contract.direct_ledger(chain_id, place)
    witness = signer.witness(ledger, operation)
    return contract.execute_call(SignedOperation(operation, witness).encode())


def put(engine: Engine | JournalledChain, one: Transaction) -> Receipt:
    if one.to is None:
        return engine.deploy(one.sender, one.data, one.time)
    return engine.transact(one.sender, one.to, one.data, one.time)


def live(path: Path) -> None:
    """Open the chain and transact until killed."""
    chain = JournalledChain(path, PyEvm, entropy)
    for number in count(chain.length + 1):
        place = chain.first_contract() if number > 1 else None
        receipt = put(chain, transaction(number, chain.chain_id, place))
        say(number, encode_receipt(receipt).hex())


def say(*words: object) -> None:
    os.write(1, (" ".join(map(str, words)) + "\n").encode())


def main() -> None:
    for line in sys.stdin:
        child = os.fork()
        if child == 0:
            journal.SNAPSHOT_AFTER = int(line)
            live(Path(sys.argv[1]))
            os._exit(0)
        say("pid", child)
        os.waitpid(child, 0)
        say("dead")


if __name__ == "__main__":
    main()
