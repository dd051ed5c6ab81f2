"""From an index row to plaintext, with every check on the way: address, header, key, seal.

Only writing, reading, documents and audit use this; readers of health data go through `reading`,
which the gate alone may import.
"""

from pulsekey.primitives.errors import IntegrityError, NotFound
from pulsekey.primitives.hashing import digest
from pulsekey.primitives.ids import PatientId
from pulsekey.vault.rows import ObjectRow
from pulsekey.vault.sealing import Kind, Place, unseal
from pulsekey.vault.vault import Vault


def open_object(vault: Vault, patient: PatientId, category: str, row: ObjectRow) -> bytes:
    """Return the plain bytes of an object, or raise `IntegrityError`, which names it."""
    try:
        sealed = vault.blobs.get(row.pack, row.at, row.length)
    except NotFound:
        raise IntegrityError(f"{row.name}: its pack {row.pack.hex()[:16]} is missing") from None
    if digest(sealed) != row.address:
        raise IntegrityError(
            f"{row.name}: bytes in pack {row.pack.hex()[:16]} do not match their address"
        )
    return unsealed(vault, patient, category, row, sealed)


def unsealed(
    vault: Vault, patient: PatientId, category: str, row: ObjectRow, sealed: bytes
) -> bytes:
    """Return the plain bytes of an object whose sealed bytes are the right ones."""
    try:
        kind = Kind(row.kind)
    except ValueError:
        raise IntegrityError(f"{row.name}: an object of an unknown kind") from None
    key = vault.keys.by_id(patient, category, row.key)
    return unseal(sealed, Place(kind, patient, category, row.name), key)
