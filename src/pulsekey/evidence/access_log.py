"""The access log: durable before a record is opened, chained so that nothing can be left out.

Entries are sealed under a key of their patient, so the file says only that somebody read something,
and erasing the patient's keys erases what was read. Losing the tail of a chain is visible to every
reader that holds a read receipt. Times in a chain never run backwards, whatever the clock does.
"""

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Protocol

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from pulsekey.evidence.entries import START, Access, Entry, decode_entry, entry_digest
from pulsekey.evidence.openings import Closing, decode_closing
from pulsekey.primitives.database import Waterline, open_database, transaction, translated
from pulsekey.primitives.errors import IntegrityError
from pulsekey.primitives.ids import Digest, Entropy, PatientId

NONCE_BYTES = 12
SALT_BYTES = 16
PAGE_MAX = 1_000

MIGRATIONS = (
    """
CREATE TABLE entries (
    chain BLOB NOT NULL,
    counter INTEGER NOT NULL,
    patient TEXT NOT NULL,
    digest BLOB NOT NULL,
    sealed BLOB NOT NULL,
    PRIMARY KEY (chain, counter)
) WITHOUT ROWID;
CREATE INDEX entries_by_patient ON entries (patient, chain, counter)
""",
    """
CREATE TABLE closings (
    chain BLOB PRIMARY KEY,
    counter INTEGER NOT NULL,
    patient TEXT NOT NULL,
    sealed BLOB NOT NULL
) WITHOUT ROWID;
CREATE INDEX closings_by_patient ON closings (patient)
""",
)


class PatientKeys(Protocol):
    """Gives the 32-byte key that seals a patient's access log. Trusted: it is the custodian's."""

    def access_key(self, patient: PatientId) -> bytes:
        """Return the key, made on first use. After an erasure it is another one."""


class AccessLog:
    """Appends entries and reads them back. One writer; safe to use from several threads."""

    def __init__(self, path: Path, keys: PatientKeys, entropy: Entropy) -> None:
        self._keys = keys
        self._entropy = entropy
        self._lock = threading.Lock()
        self._path = path
        self._db = open_database(path, MIGRATIONS, waterline=True)
        self.waterline = Waterline(self._db)

    def append(self, accesses: Sequence[Access]) -> tuple[Entry, ...]:
        """Give each access its place and make all of them durable together."""
        entries: list[Entry] = []
        with self._writing():
            for each in accesses:
                entry = self._placed(each)
                access = entry.access
                content = entry.encode()
                self._db.execute(
                    "INSERT INTO entries VALUES (?, ?, ?, ?, ?)",
                    (
                        access.chain,
                        entry.counter,
                        access.patient,
                        entry_digest(content),
                        self._seal(access, entry.counter, content),
                    ),
                )
                entries.append(entry)
        return tuple(entries)

    def chain(self, chain: Digest, newest: int | None = None) -> tuple[Entry, ...]:
        """Return a chain in order, every link checked: all of it, or its `newest` entries.

        What comes before the newest ones is not looked at, but the first of them still has to hold
        the hash of the one before it.
        """
        limit = -1 if newest is None else newest + 1
        with self._lock, translated(self._path):
            rows = self._db.execute(
                "SELECT counter, patient, digest, sealed FROM entries WHERE chain = ?"
                " ORDER BY counter DESC LIMIT ?",
                (chain, limit),
            ).fetchall()
        rows.reverse()
        expected, previous = 1, START
        if len(rows) == limit:
            counter, _, digest, _ = rows.pop(0)
            expected, previous = counter + 1, Digest(digest)
        keys: dict[str, AESGCM] = {}
        entries: list[Entry] = []
        for expected_counter, row in enumerate(rows, start=expected):
            if row[1] not in keys:
                keys[row[1]] = AESGCM(self._keys.access_key(PatientId(row[1])))
            entry = self._opened(chain, row[0], keys[row[1]], row[2], row[3])
            if entry.counter != expected_counter or entry.previous != previous:
                raise IntegrityError(
                    f"access chain {chain.hex()[:12]} breaks at entry {expected_counter}"
                )
            previous = Digest(row[2])
            entries.append(entry)
        return tuple(entries)

    def heads(self, patient: PatientId) -> tuple[tuple[Digest, int, Digest], ...]:
        """Return (chain, newest counter, newest digest) of a patient's chains, in chain order."""
        with self._lock, translated(self._path):
            rows = self._db.execute(
                # The index alone says which entries are the newest; only those are looked up.
                "SELECT chain, counter, digest FROM entries JOIN (SELECT chain, MAX(counter)"
                " AS counter FROM entries WHERE patient = ? GROUP BY chain) USING (chain, counter)"
                " ORDER BY chain",
                (patient,),
            ).fetchall()
        return tuple((Digest(chain), counter, Digest(digest)) for chain, counter, digest in rows)

    def patients(self) -> tuple[PatientId, ...]:
        """Return every patient with an entry, in order."""
        with self._lock, translated(self._path):
            rows = self._db.execute("SELECT DISTINCT patient FROM entries ORDER BY patient")
            return tuple(PatientId(patient) for (patient,) in rows)

    def of_patient(self, patient: PatientId, newest: int = PAGE_MAX) -> tuple[Entry, ...]:
        """Return a patient's newest entries over all chains, newest first."""
        entries = [
            entry for chain, _, _ in self.heads(patient) for entry in self.chain(chain, newest)
        ]
        entries.sort(key=lambda entry: entry.access.at, reverse=True)
        return tuple(entries[:newest])

    def closed(self) -> dict[Digest, int]:
        """Return, of each chain with a closing, how many entries it had by then."""
        with self._lock, translated(self._path):
            rows = self._db.execute("SELECT chain, counter FROM closings").fetchall()
        return {Digest(chain): counter for chain, counter in rows}

    def close_chains(self, closings: Sequence[Closing]) -> None:
        """Keep the first commitment in which each of these chains ended where it does."""
        with self._writing():
            for one in closings:
                nonce = self._entropy(NONCE_BYTES)
                key = AESGCM(self._keys.access_key(one.patient))
                sealed = nonce + key.encrypt(nonce, one.encode(), _end(one.chain, one.counter))
                self._db.execute(
                    "INSERT OR REPLACE INTO closings VALUES (?, ?, ?, ?)",
                    (one.chain, one.counter, one.patient, sealed),
                )

    def closing(self, chain: Digest) -> Closing | None:
        """Return the newest closing of a chain, if there was a commitment since its first entry."""
        with self._lock, translated(self._path):
            row = self._db.execute(
                "SELECT counter, patient, sealed FROM closings WHERE chain = ?", (chain,)
            ).fetchone()
        if row is None:
            return None
        counter, patient, sealed = row
        key = AESGCM(self._keys.access_key(PatientId(patient)))
        try:
            content = key.decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], _end(chain, counter))
        except InvalidTag:
            raise IntegrityError(f"access chain {chain.hex()[:12]}: its end was altered") from None
        return decode_closing(chain, PatientId(patient), counter, content)

    def erase(self, patient: PatientId) -> None:
        """Forget a patient's entries."""
        with self._writing():
            self._db.execute("DELETE FROM entries WHERE patient = ?", (patient,))
            self._db.execute("DELETE FROM closings WHERE patient = ?", (patient,))

    def keep_mark(self, mark: bytes) -> None:
        """Keep the node's mark durably (ADR 0063)."""
        with self._lock, translated(self._path):
            self.waterline.keep(mark)

    def close(self) -> None:
        self._db.close()

    def _placed(self, access: Access) -> Entry:
        newest = self._db.execute(
            "SELECT counter, patient, digest, sealed FROM entries WHERE chain = ?"
            " ORDER BY counter DESC LIMIT 1",
            (access.chain,),
        ).fetchone()
        if newest is None:
            return Entry(access, 1, START, self._entropy(SALT_BYTES))
        counter, patient, digest, sealed = newest
        key = AESGCM(self._keys.access_key(PatientId(patient)))
        before = self._opened(access.chain, counter, key, digest, sealed).access
        # Two reads at once may be logged in the other order, and clocks are set back.
        placed = replace(access, at=max(access.at, before.at))
        return Entry(placed, counter + 1, Digest(digest), self._entropy(SALT_BYTES))

    def _seal(self, access: Access, counter: int, content: bytes) -> bytes:
        nonce = self._entropy(NONCE_BYTES)
        key = AESGCM(self._keys.access_key(access.patient))
        return nonce + key.encrypt(nonce, content, _place(access.chain, counter))

    def _opened(
        self, chain: Digest, counter: int, key: AESGCM, digest: bytes, sealed: bytes
    ) -> Entry:
        try:
            content = key.decrypt(
                sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], _place(chain, counter)
            )
        except InvalidTag:
            content = b""
        if entry_digest(content) != digest:
            raise IntegrityError(f"access chain {chain.hex()[:12]}: entry {counter} was altered")
        return decode_entry(content)

    @contextmanager
    def _writing(self) -> Iterator[None]:
        with self._lock:
            with transaction(self._db, self._path):
                yield
                self.waterline.rise()
            self.waterline.risen()


def _place(chain: Digest, counter: int) -> bytes:
    return chain + counter.to_bytes(8)


def _end(chain: Digest, counter: int) -> bytes:
    return b"closing" + _place(chain, counter)
