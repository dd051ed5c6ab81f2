"""A process that imports into a vault until it is killed.

And says on its output what was acknowledged. Import k adds samples [k N, (k + 1) N), changes one
sample of import k - 1, adds a block and the next version of one document. Of a second source,
every even import adds samples without a zone, and the odd one after it declares theirs.
"""

import sys
from dataclasses import replace
from itertools import count
from pathlib import Path

import numpy as np

from pulsekey.signals.series import Basis, Series, Source
from pulsekey.vault import publishing
from pulsekey.vault.reading import Reader
from pulsekey.vault.vault import Vault
from pulsekey.vault.writing import begin_import
from tests.fakes.vault_records import (
    CLINIC,
    PATIENT,
    RECEIVED,
    condition,
    open_vault,
    series_at,
    waveform_at,
)

ROWS = 5_000
SAMPLES = 3_000
DATED = 2_000
OFFSET_MINUTES = -300


def import_number(vault: Vault, k: int) -> str:
    with begin_import(vault, PATIENT, CLINIC, RECEIVED) as session:
        session.add_series(series_at(range(k * ROWS, (k + 1) * ROWS), [k % 50] * ROWS))
        if k:
            session.add_series(series_at([k * ROWS - 1], [99]))
        session.add_series(dated_later(k))
        session.add_waveform(waveform_at(k, range(SAMPLES)))
        session.add_document(condition("c", b"%d" % k))
        return session.commit(b"report %d" % k)


def dated_later(k: int) -> Series:
    """Return what import k says of the second source."""
    first = k // 2 * DATED
    seconds = np.arange(first, first + DATED)
    basis, ahead = (Basis.DECLARED, OFFSET_MINUTES) if k % 2 else (Basis.FLOATING, 0)
    one = series_at(
        (seconds - ahead * 60).tolist(), [70] * DATED, source=Source("other", "B"), basis=basis
    )
    return replace(one, times=replace(one.times, offset=np.full(DATED, ahead, np.int16)))


def main() -> None:
    # Small packs, so that every import writes several and can be killed between them.
    publishing.PACK_BYTES_MAX = 1_024
    with open_vault(Path(sys.argv[1])) as vault:
        done = len(Reader(vault).imports(PATIENT)) if PATIENT in vault.patients() else 0
        print("ready", flush=True)
        for k in count(done):
            print(k, import_number(vault, k), flush=True)


if __name__ == "__main__":
    main()
