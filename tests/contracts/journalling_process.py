"""A process to be killed: it keeps transacting and says what was acknowledged, a line for each."""

import itertools
import sys
from pathlib import Path

from pulsekey.ledger.settlement.journal import JournalledChain
from pulsekey.ledger.settlement.ports import Address
from pulsekey.primitives.clock import Seconds
from tests.fakes.counting_engine import PLACE, CountingEngine

SENDER = Address(b"s" * 20)


def main() -> None:
    chain = JournalledChain(Path(sys.argv[1]), CountingEngine, lambda size: b"e" * size)
    for number in itertools.count(chain.length + 1):
        receipt = chain.transact(SENDER, PLACE, number.to_bytes(8), Seconds(number))
        sys.stdout.write(f"{number} {receipt.events[0].data.hex()}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
