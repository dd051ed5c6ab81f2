"""The keys of the vault: custodian's key > patient's secret and category-epoch keys > object keys.

Every key here is random and is stored only as wrapped by the custodian, bound to what it is for.
Erasing a patient destroys the wraps: without them no sealed byte opens again, wherever a copy of it
lies.

Unwrapped keys are cached, because a key service may be a network away. Plaintext is not: a cache of
it would answer after a key was destroyed, and would be the one thing worth stealing from memory.
"""

import sqlite3
import threading
from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass

from pulsekey.primitives.errors import IntegrityError, NotFound
from pulsekey.primitives.ids import Entropy, PatientId
from pulsekey.vault.index import Index
from pulsekey.vault.ports import Custodian
from pulsekey.vault.sealing import KEY_BYTES, EpochKey, PatientSecret, cells

KEYS_CACHED_MAX = 1_024
KEY_ID_BYTES = 16
WRAP_FORMAT = b"\x01"
CUSTODIAN_ALONE = b"\x01"
"""A stored wrap starts with its format and with whose keys it needs.

A patient's own key adds a party.
"""

EPOCH_MAX = 2**32 - 1
_STOPS = "stops followed through"


@dataclass(frozen=True, slots=True)
class _Cached:
    patient: PatientId
    value: PatientSecret | EpochKey


class KeyRing:
    """Finds, makes and destroys keys. Safe to use from several threads."""

    def __init__(self, index: Index, custodian: Custodian, entropy: Entropy) -> None:
        self._index = index
        self._custodian = custodian
        self._entropy = entropy
        self._cache: OrderedDict[bytes, _Cached] = OrderedDict()
        self._lock = threading.Lock()

    def enrol(self, patient: PatientId) -> None:
        """Make the patient's secret if there is none yet.

        Whoever is enrolled already costs a look, and no transaction that waits for a writer.
        """
        with self._index.reading() as reader:
            if reader.execute("SELECT 1 FROM patients WHERE id = ?", (patient,)).fetchone():
                return
        secret = self._entropy(KEY_BYTES)
        wrapped = self._wrap(secret, _secret_context(patient))
        sealed = PatientSecret(secret).seal_row(self._entropy, b"", "patient", patient, 0, b"")
        with self._index.writing() as writer:
            writer.execute(
                "INSERT INTO patients VALUES (?, ?, 0, x'', ?) ON CONFLICT DO NOTHING",
                (patient, wrapped, sealed),
            )

    def secret(self, patient: PatientId) -> PatientSecret:
        """Return a patient's index keys.

        Raises `NotFound` for a patient who is not here (any more).
        """
        place = b"patient:" + patient.encode()
        with self._index.reading() as reader:
            row = reader.execute("SELECT secret FROM patients WHERE id = ?", (patient,)).fetchone()
        if row is None:
            # Whatever the cache says: another process may have erased the patient.
            self.forget(patient)
            raise NotFound("no such patient in this vault")
        if not isinstance(row[0], bytes):
            raise IntegrityError(f"patient {patient}: its row was changed")
        cached = self._cached(place + row[0])
        if isinstance(cached, PatientSecret):
            return cached
        secret = PatientSecret(self._unwrap(row[0], _secret_context(patient)))
        self._remember(place + row[0], patient, secret)
        return secret

    def current(self, patient: PatientId, category: str) -> EpochKey:
        """Return the key under which `category` is sealed now.

        The first one is made if there is none yet.
        """
        token = self.secret(patient).token("category", category)
        with self._index.reading() as reader:
            row = _newest(reader, patient, token)
        if row is None:
            with self._index.writing() as writer:
                row = _newest(writer, patient, token) or self._insert(writer, patient, token, 1)
        return self._open(patient, token, *row)

    def new_epoch(self, patient: PatientId, category: str) -> int:
        """Start a new epoch: what is sealed from now on opens with no earlier key.

        Return its number.
        """
        token = self.secret(patient).token("category", category)
        with self._index.writing() as writer:
            row = _newest(writer, patient, token)
            epoch = 1 if row is None else row[1] + 1
            self._insert(writer, patient, token, epoch)
        return epoch

    def new_epochs(self, patient: PatientId, categories: Iterable[str], stop: int) -> None:
        """Start a new epoch of several categories together, because of one stop.

        `stop` is its place in the ledger's log: with the same one again nothing happens.
        """
        secret = self.secret(patient)
        tokens = [secret.token("category", category) for category in categories]
        with self._index.writing() as writer:
            if _is_followed(writer, stop):
                return
            for token in tokens:
                row = _newest(writer, patient, token)
                self._insert(writer, patient, token, 1 if row is None else row[1] + 1)
            writer.execute("INSERT INTO stops VALUES (?)", (stop,))

    def stops_followed(self) -> int:
        """Return the place in the ledger's log before which every stop was followed."""
        with self._index.reading() as reader:
            return _followed(reader)

    def follow_stops(self, through: int) -> None:
        """Remember that every stop before that place was followed."""
        with self._index.writing() as writer:
            if _followed(writer) != through:
                row = (_STOPS, through.to_bytes(8))
                writer.execute("INSERT OR REPLACE INTO node VALUES (?, ?)", row)
            # All of them: those of a history that was lost would hide stops of the new one.
            writer.execute("DELETE FROM stops")

    def by_id(self, patient: PatientId, category: str, key_id: bytes) -> EpochKey:
        """Return the key that an object names.

        Raises `IntegrityError` if there is none of this category.
        """
        token = self.secret(patient).token("category", category)
        return self.by_token(patient, token, key_id)

    def by_token(self, patient: PatientId, token: bytes, key_id: bytes) -> EpochKey:
        """Return the key that an object names, of the category with that token."""
        cached = self._cached(b"epoch:" + token + key_id)
        if isinstance(cached, EpochKey):
            return cached
        with self._index.reading() as reader:
            row = reader.execute(
                "SELECT id, epoch, wrapped FROM epochs WHERE id = ? AND patient = ?"
                " AND category = ?",
                (key_id, patient, token),
            ).fetchone()
        if row is None:
            raise IntegrityError("a key that an object names is not in the index")
        return self._open(patient, token, *row)

    def check(self, patient: PatientId, row: tuple[bytes, bytes, int, bytes]) -> None:
        """Unwrap one stored key (id, category token, epoch, wrap), past the cache.

        Raises `IntegrityError`, `AccessDenied`.
        """
        key_id, token, epoch, wrapped = row
        self._unwrap(wrapped, _epoch_context(patient, token, epoch, key_id))

    def forget(self, patient: PatientId) -> None:
        """Drop a patient's unwrapped keys from memory."""
        with self._lock:
            for place in [p for p, cached in self._cache.items() if cached.patient == patient]:
                del self._cache[place]

    def _insert(
        self, writer: sqlite3.Connection, patient: PatientId, token: bytes, epoch: int
    ) -> tuple[bytes, int, bytes]:
        if epoch > EPOCH_MAX:
            raise IntegrityError("more epochs than there can be")
        key_id = self._entropy(KEY_ID_BYTES)
        wrapped = self._wrap(
            self._entropy(KEY_BYTES), _epoch_context(patient, token, epoch, key_id)
        )
        writer.execute(
            "INSERT INTO epochs VALUES (?, ?, ?, ?, ?)", (key_id, patient, token, epoch, wrapped)
        )
        return key_id, epoch, wrapped

    def _open(
        self, patient: PatientId, token: bytes, key_id: bytes, epoch: int, wrapped: bytes
    ) -> EpochKey:
        if not isinstance(key_id, bytes):
            raise IntegrityError("a row of the keys was changed")
        place = b"epoch:" + token + key_id
        cached = self._cached(place)
        if isinstance(cached, EpochKey):
            return cached
        key = EpochKey(
            key_id, epoch, self._unwrap(wrapped, _epoch_context(patient, token, epoch, key_id))
        )
        self._remember(place, patient, key)
        return key

    def _wrap(self, key: bytes, context: bytes) -> bytes:
        head = WRAP_FORMAT + CUSTODIAN_ALONE
        return head + self._custodian.wrap(key, head + context)

    def _unwrap(self, wrapped: bytes | None, context: bytes) -> bytes:
        head = WRAP_FORMAT + CUSTODIAN_ALONE
        if wrapped is None or not wrapped.startswith(head):
            raise IntegrityError("a wrapped key of an unknown format")
        return self._custodian.unwrap(wrapped[len(head) :], head + context)

    def _cached(self, place: bytes) -> PatientSecret | EpochKey | None:
        with self._lock:
            cached = self._cache.get(place)
            if cached is None:
                return None
            self._cache.move_to_end(place)
            return cached.value

    def _remember(self, place: bytes, patient: PatientId, value: PatientSecret | EpochKey) -> None:
        with self._lock:
            self._cache[place] = _Cached(patient, value)
            while len(self._cache) > KEYS_CACHED_MAX:
                self._cache.popitem(last=False)


def _newest(
    connection: sqlite3.Connection, patient: PatientId, token: bytes
) -> tuple[bytes, int, bytes] | None:
    row: tuple[bytes, int, bytes] | None = connection.execute(
        "SELECT id, epoch, wrapped FROM epochs WHERE patient = ? AND category = ?"
        " ORDER BY epoch DESC LIMIT 1",
        (patient, token),
    ).fetchone()
    return row


def _followed(connection: sqlite3.Connection) -> int:
    row = connection.execute("SELECT value FROM node WHERE name = ?", (_STOPS,)).fetchone()
    return 0 if row is None else int.from_bytes(row[0])


def _is_followed(connection: sqlite3.Connection, stop: int) -> bool:
    row = connection.execute("SELECT 1 FROM stops WHERE log_index = ?", (stop,)).fetchone()
    return row is not None or stop < _followed(connection)


def _secret_context(patient: PatientId) -> bytes:
    return cells("patient secret", patient)


def _epoch_context(patient: PatientId, token: bytes, epoch: int, key_id: bytes) -> bytes:
    return cells("epoch key", patient, token, epoch, key_id)
