"""The vault itself: index, blobs and keys of one node, opened together.

A process that opens it alone first sweeps what crashed imports left. While it is open it holds a
shared lock, so no other process sweeps the packs of a live import.
"""

import fcntl
import os
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import ExitStack, closing
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from pulsekey.primitives.database import Waterline
from pulsekey.primitives.errors import Conflict, IntegrityError, NotFound, Unavailable
from pulsekey.primitives.ids import Digest, Entropy, PatientId
from pulsekey.vault.index import Index
from pulsekey.vault.keys import KeyRing
from pulsekey.vault.manifest import SALT_BYTES, spine_root
from pulsekey.vault.ports import BlobStore, Custodian
from pulsekey.vault.sealing import KEY_BYTES

INDEX_NAME = "vault.sqlite"
LOCK_NAME = "vault.lock"
_CHECK_CONTEXT = b"pulsekey vault: is this the custodian's key?"


@dataclass(frozen=True, slots=True)
class ManifestHead:
    """The manifest of one patient: a leaf of the custodian's root."""

    patient: PatientId
    salt: bytes
    size: int
    root: Digest


class Vault:
    """What writing, reading and auditing share. Safe to use from several threads."""

    def __init__(
        self, home: Path, blobs: BlobStore, custodian: Custodian, entropy: Entropy, index: Index
    ) -> None:
        self.index = index
        self.blobs = blobs
        self.entropy = entropy
        self.keys = KeyRing(index, custodian, entropy)
        self._live: set[PatientId] = set()
        self._live_lock = threading.Lock()
        self._lock_file = os.open(home / LOCK_NAME, os.O_RDWR | os.O_CREAT, 0o600)

    @classmethod
    def create(
        cls, home: Path, blobs: BlobStore, custodian: Custodian, entropy: Entropy
    ) -> "Vault":
        """Make a vault in `home`, a folder that exists. Raises `Conflict` where there is one.

        Cut short anywhere, it leaves none, and can be repeated.
        """
        target, draft = home / INDEX_NAME, home / f"{INDEX_NAME}.new"
        if target.exists():
            raise Conflict("there is a vault already")
        check = custodian.wrap(entropy(KEY_BYTES), _CHECK_CONTEXT)
        for left in home.glob(f"{draft.name}*"):
            left.unlink()
        with closing(Index.create(draft)) as index, index.writing() as writer:
            writer.execute("INSERT INTO node VALUES ('custodian check', ?)", (check,))
        # The last connection to close has folded the log into the file: this is all of it.
        draft.rename(target)
        return cls.open(home, blobs, custodian, entropy)

    @classmethod
    def open(cls, home: Path, blobs: BlobStore, custodian: Custodian, entropy: Entropy) -> "Vault":
        """Open the vault in `home`.

        Raises `NotFound` where there is none, `AccessDenied` if another custodian key made it.
        """
        with ExitStack() as on_failure:
            index = Index.open(home / INDEX_NAME)
            on_failure.callback(index.close)
            _check_custodian(index, custodian)
            vault = cls(home, blobs, custodian, entropy, index)
            on_failure.pop_all()
            on_failure.callback(vault.close)
            vault._share()
            on_failure.pop_all()
        return vault

    @property
    def waterline(self) -> Waterline:
        """The index's count of its commits."""
        return self.index.waterline

    def keep_mark(self, mark: bytes) -> None:
        """Keep the node's mark durably (ADR 0063)."""
        self.index.keep_mark(mark)

    def close(self) -> None:
        self.index.close()
        os.close(self._lock_file)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def patients(self) -> tuple[PatientId, ...]:
        """Return every patient of whom something may be kept."""
        with self.index.reading() as reader:
            rows = reader.execute("SELECT id FROM patients ORDER BY id").fetchall()
        return tuple(PatientId(patient) for (patient,) in rows)

    def new_epoch(self, patient: PatientId, category: str) -> int:
        """Start a new epoch of a category, as a revocation asks. Return its number.

        What was sealed before stays under its earlier key, which this node keeps.
        """
        return self.keys.new_epoch(patient, category)

    def manifest_head(self, patient: PatientId) -> ManifestHead:
        """Return the patient's manifest as published last. Raises `NotFound`, `IntegrityError`."""
        secret = self.keys.secret(patient)
        with self.index.reading() as reader:
            row = reader.execute(
                "SELECT objects, spine, sealed FROM patients WHERE id = ?", (patient,)
            ).fetchone()
        if row is None:
            raise NotFound("no such patient in this vault")
        objects, spine, sealed = row
        secret.open_row(sealed, "patient", patient, objects, spine)
        return ManifestHead(patient, secret.salt[:SALT_BYTES], objects, spine_root(spine))

    def erase(self, patient: PatientId) -> int:
        """Destroy a patient's keys, wraps, salts, index and blobs. Return how many packs went.

        Repeating it is no error. Backups made before keep what they hold until they expire. Keys go
        first, so that a store that is away keeps nothing that can be opened; its blobs are swept at
        the next opening. Raises `Unavailable` then, or if a reader kept an old page alive: the
        wraps are gone from the index, but not yet from its log, so erase again.
        """
        with self.index.writing() as writer:
            rows = writer.execute(
                "SELECT address FROM packs WHERE patient = ?", (patient,)
            ).fetchall()
            writer.execute("DELETE FROM patients WHERE id = ?", (patient,))
        self.keys.forget(patient)
        folded = self.index.truncate_wal()
        for (address,) in rows:
            self.blobs.delete(Digest(address))
        if not folded:
            raise Unavailable("erased, but a reader kept the log open; erase again")
        return len(rows)

    def claim(self, patient: PatientId) -> None:
        """Take the one place for an import of `patient`. Raises `Conflict` if it is taken."""
        with self._live_lock:
            if patient in self._live:
                raise Conflict("another import for this patient is running")
            self._live.add(patient)

    def release(self, patient: PatientId) -> None:
        with self._live_lock:
            self._live.discard(patient)

    def _share(self) -> None:
        """Sweep if nobody else has the vault open, then let others in."""
        try:
            fcntl.flock(self._lock_file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            pass
        else:
            self._sweep()
        fcntl.flock(self._lock_file, fcntl.LOCK_SH)

    def _sweep(self) -> None:
        self.blobs.discard_unfinished()
        with self.index.reading() as reader:
            for address in list(orphans(reader, self.blobs)):
                self.blobs.delete(address)


def orphans(reader: sqlite3.Connection, blobs: BlobStore) -> Iterator[Digest]:
    """Yield the blobs that no import published."""
    for address in blobs.addresses():
        known = reader.execute("SELECT 1 FROM packs WHERE address = ?", (address,)).fetchone()
        if known is None:
            yield address


def _check_custodian(index: Index, custodian: Custodian) -> None:
    with index.reading() as reader:
        row = reader.execute("SELECT value FROM node WHERE name = 'custodian check'").fetchone()
    if row is None:
        raise IntegrityError("the vault's index has lost its custodian check")
    custodian.unwrap(row[0], _CHECK_CONTEXT)
