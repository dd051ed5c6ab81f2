"""A process in which a patient stops a consent and which dies before the vault has followed it.

Arguments: the home, the file that describes the people, the consent, and whether to stop "one" or
"all". The death is a SIGKILL from inside, between the ledger's acknowledgement and the new epochs.
"""

import json
import os
import signal
import sys
from pathlib import Path

from pulsekey.exchange.epochs import Epochs
from pulsekey.primitives.ids import ConsentId
from tests.fakes.node_child import found
from tests.fakes.node_clinic import opened_clinic


def die(*_: object) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def main() -> None:
    home, people, consent, which, port = sys.argv[1:]
    with opened_clinic(Path(home), port=int(port)) as clinic:
        patient = found(clinic, json.loads(Path(people).read_text())["patient"], 1)
        Epochs.after_stop = die  # type: ignore[assignment, method-assign]  # the moment of the death
        if which == "one":
            clinic.stop(patient, ConsentId(bytes.fromhex(consent)))
        else:
            patient.confirm(clinic.node.signing.offer_stop_all(patient.principal, patient.key))


if __name__ == "__main__":
    main()
