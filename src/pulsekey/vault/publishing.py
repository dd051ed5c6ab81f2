"""One import's objects on their way: sealed, packed, durable, and then visible all at once.

Sealed objects are gathered into packs of a few MiB, each one blob, because a file and two fsyncs
for every segment would cost more than all the rest (docs/decisions/0030). Nothing refers to a pack
before the one transaction at the end; until then a crash leaves orphans, which the next opening
sweeps.
"""

import sqlite3
from collections.abc import Callable
from dataclasses import dataclass

import msgspec

from pulsekey.primitives.errors import Conflict, IntegrityError, NotFound, PulsekeyError
from pulsekey.primitives.hashing import digest, tagged
from pulsekey.primitives.ids import Digest, ImportId, OrganisationId, PatientId, opaque
from pulsekey.primitives.tags import VAULT_ROW
from pulsekey.vault.manifest import Entry, entry_leaf, extend
from pulsekey.vault.records import Added
from pulsekey.vault.rows import ImportNote, ObjectRow, day_of
from pulsekey.vault.sealing import EpochKey, Kind, Place, cells, seal
from pulsekey.vault.vault import Vault

PACK_BYTES_MAX = 8 << 20
"""A pack is written when it has grown past this: all that an import holds of what it has sealed."""


@dataclass(frozen=True, slots=True)
class _Sealed:
    """One object, waiting for its row. `pack` counts the packs of this draft."""

    kind: int
    name: str
    address: Digest
    pack: int
    at: int
    length: int
    key: EpochKey


class Draft:
    """What one import has sealed so far. Used by one thread."""

    def __init__(
        self, vault: Vault, patient: PatientId, organisation: OrganisationId, received: int
    ) -> None:
        vault.keys.enrol(patient)
        self.vault = vault
        self.patient = patient
        self.secret = vault.keys.secret(patient)
        self.import_id = ImportId(opaque(vault.entropy))
        self.received = received
        self._organisation = organisation
        self._wrapped_secret = self._read_secret()
        self._keys: dict[str, EpochKey] = {}
        self._objects: list[_Sealed] = []
        self._packs: list[tuple[Digest, int]] = []
        self._buffer = bytearray()

    def add(self, kind: Kind, category: str, name: str, plain: bytes) -> int:
        """Seal an object and return its number within this draft."""
        key = self._keys.get(category)
        if key is None:
            try:
                key = self.vault.keys.current(self.patient, category)
            except NotFound:
                raise Conflict("the patient was erased during this import") from None
            self._keys[category] = key
        sealed = seal(plain, Place(kind, self.patient, category, name), key, self.vault.entropy)
        number = len(self._objects)
        self._objects.append(
            _Sealed(
                kind, name, digest(sealed), len(self._packs), len(self._buffer), len(sealed), key
            )
        )
        self._buffer += sealed
        if len(self._buffer) >= PACK_BYTES_MAX:
            self.flush()
        return number

    def bytes_of(self, number: int) -> tuple[ObjectRow, bytes]:
        """Return an object of this draft that is not published yet, verified."""
        item = self._objects[number]
        if item.pack < len(self._packs):
            pack = self._packs[item.pack][0]
            sealed = self.vault.blobs.get(pack, item.at, item.length)
        else:
            pack = Digest(bytes(32))
            sealed = bytes(self._buffer[item.at : item.at + item.length])
        if digest(sealed) != item.address:
            raise IntegrityError(f"{item.name}: its bytes do not match their address")
        row = ObjectRow(
            item.kind, item.name, item.address, pack, item.at, item.length, item.key.key_id
        )
        return row, sealed

    def flush(self) -> None:
        """Make every object sealed so far durable."""
        if not self._buffer:
            return
        content = bytes(self._buffer)
        address = digest(content)
        self.vault.blobs.put(address, content)
        self._packs.append((address, len(content)))
        self._buffer = bytearray()

    def publish(self, added: Added, write_rows: Callable[[sqlite3.Connection, int], None]) -> None:
        """Make everything visible in one durable transaction.

        `write_rows` writes the rows that refer to objects; it gets the connection and the number to
        add to a draft's object number. Raises `Conflict` if the patient was erased meanwhile or
        somebody else wrote to the same series; then nothing of this draft is visible.
        """
        self.flush()
        vault, patient = self.vault, self.patient
        with vault.index.writing() as writer:
            base, spine = self._base(writer)
            # An object row names its pack, a pack its import: parents come first.
            self._write_import(writer, added)
            writer.executemany(
                "INSERT INTO packs VALUES (?, ?, ?, ?)",
                [(address, patient, self.import_id, size) for address, size in self._packs],
            )
            writer.executemany(
                "INSERT INTO objects VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
                [
                    (
                        patient,
                        base + number,
                        item.kind,
                        item.name,
                        item.address,
                        self._packs[item.pack][0],
                        item.at,
                        item.length,
                        item.key.key_id,
                    )
                    for number, item in enumerate(self._objects)
                ],
            )
            write_rows(writer, base)
            spine = extend(
                spine,
                (
                    object_leaf(
                        self.secret.salt, patient, item.kind, item.name, item.address, item.key
                    )
                    for item in self._objects
                ),
            )
            size = base + len(self._objects)
            sealed = self.secret.seal_row(vault.entropy, b"", "patient", patient, size, spine)
            writer.execute(
                "UPDATE patients SET objects = ?, spine = ?, sealed = ? WHERE id = ?",
                (size, spine, sealed, patient),
            )

    def discard(self) -> None:
        """Drop every pack that was written.

        What cannot be deleted now is swept at the next opening.
        """
        for address, _ in self._packs:
            try:
                self.vault.blobs.delete(address)
            except PulsekeyError:
                continue
        self._packs.clear()
        self._objects.clear()
        self._buffer = bytearray()

    def _base(self, writer: sqlite3.Connection) -> tuple[int, bytes]:
        """Return how many objects the patient has and the manifest's spine, having checked both."""
        row = writer.execute(
            "SELECT objects, spine, sealed, secret FROM patients WHERE id = ?", (self.patient,)
        ).fetchone()
        if row is None or row[3] != self._wrapped_secret:
            raise Conflict("the patient was erased during this import")
        objects, spine, sealed, _ = row
        self.secret.open_row(sealed, "patient", self.patient, objects, spine)
        return objects, spine

    def _write_import(self, writer: sqlite3.Connection, added: Added) -> None:
        day = day_of(self.received)
        note = ImportNote(self.received, added.new, added.known, added.changed)
        sealed = self.secret.seal_row(
            self.vault.entropy,
            msgspec.json.encode(note),
            "import",
            self.import_id,
            self.patient,
            self._organisation,
            day,
        )
        writer.execute(
            "INSERT INTO imports VALUES (?, ?, ?, ?, ?)",
            (self.import_id, self.patient, self._organisation, day, sealed),
        )

    def _read_secret(self) -> bytes:
        with self.vault.index.reading() as reader:
            row = reader.execute(
                "SELECT secret FROM patients WHERE id = ?", (self.patient,)
            ).fetchone()
        if row is None:
            raise NotFound("no such patient in this vault")
        return bytes(row[0])


def object_leaf(
    salt: bytes, patient: PatientId, kind: int, name: str, address: Digest, key: EpochKey
) -> Digest:
    """Return the manifest leaf of an object: its bytes, and where they belong."""
    about = tagged(VAULT_ROW, cells(patient, name, key.key_id))
    return entry_leaf(salt, Entry(kind, key.epoch, address, about))
