"""A process that submits to the toy's ledger until it is killed, and says what it was told.

Each acknowledgement is one line on standard output, written before the next operation is submitted:
the operation's bytes and the step's, hexadecimal. Two threads submit, one anchors.
"""

import sys
import threading
from pathlib import Path

from pulsekey.ledger.encoding import encode_step
from pulsekey.ledger.pipeline import Ledger, Limits
from pulsekey.ledger.ports import Refused
from tests.fakes.ledger_toy import MemorySettlement, key, setting, toy_ledger, value

KEYS = 7


def submit_for_ever(ledger: Ledger, out: threading.Lock, start: int) -> None:
    number = start
    while True:
        signed = setting(key(number % KEYS), value(number), nonce=number)
        try:
            step = ledger.submit(signed)
        except Refused as refused:
            step = refused.step
        with out:
            sys.stdout.write(f"{signed.hex()} {encode_step(step).hex()}\n")
            sys.stdout.flush()
        number += 2


def main() -> None:
    folder, start = Path(sys.argv[1]), int(sys.argv[2])
    out = threading.Lock()
    limits = Limits(batch_operations_max=3, linger_seconds=0)
    with toy_ledger(folder, settlement=MemorySettlement(), limits=limits) as ledger:
        threads = [
            threading.Thread(target=submit_for_ever, args=(ledger, out, start + odd), daemon=True)
            for odd in (0, 1)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()


if __name__ == "__main__":
    main()
