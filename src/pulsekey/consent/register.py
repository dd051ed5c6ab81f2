"""The terms that this custodian can open: sealed per patient, found by patient and by recipient.

The register says what was offered and to whom; whether it is live only the ledger says. Terms are
kept durably before their grant is sent to the ledger, so a live grant can always be opened.
"""

import threading
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from pulsekey.consent.terms import Terms, consent_id, decode_terms
from pulsekey.primitives.clock import Seconds
from pulsekey.primitives.database import Waterline, open_database, transaction, translated
from pulsekey.primitives.errors import Conflict, IntegrityError, NotFound
from pulsekey.primitives.ids import ConsentId, Entropy, PatientId, PrincipalId

NONCE_BYTES = 12
OPENED_MAX = 4_096
CONSENTS_PER_PATIENT_MAX = 10_000
"""Beyond this a patient's next consent is refused, so that no list of theirs is ever cut off."""

ROWS_AT_A_TIME = 1_000

MIGRATIONS = (
    """
CREATE TABLE consents (
    consent BLOB PRIMARY KEY,
    patient TEXT NOT NULL,
    recipient TEXT NOT NULL,
    sealed BLOB NOT NULL
) WITHOUT ROWID;
CREATE INDEX consents_by_patient ON consents (patient);
CREATE INDEX consents_by_recipient ON consents (recipient)
""",
    """
CREATE TABLE held (consent BLOB PRIMARY KEY, since INTEGER NOT NULL) STRICT, WITHOUT ROWID
""",
)


class TermsKeys(Protocol):
    """Gives the 32-byte key that seals a patient's terms. Trusted: it is the custodian's.

    No conformance suite: the vault's keys are the one implementation, tested with the vault.
    """

    def terms_key(self, patient: PatientId) -> bytes:
        """Return the key, made on first use. After an erasure it is another one."""


class ConsentRegister:
    """Keeps terms and gives them back. One writer; safe to use from several threads."""

    def __init__(self, path: Path, keys: TermsKeys, entropy: Entropy) -> None:
        self._keys = keys
        self._entropy = entropy
        self._lock = threading.Lock()
        self._opened: OrderedDict[ConsentId, Terms] = OrderedDict()
        self._path = path
        self._db = open_database(path, MIGRATIONS, waterline=True)
        self.waterline = Waterline(self._db)
        self._held = self._holds()

    def keep(self, terms: Terms) -> None:
        """Keep terms durably. Keeping the same ones again changes nothing.

        Raises `Conflict` for one consent too many of a patient.
        """
        content = terms.encode()
        consent = consent_id(content)
        nonce = self._entropy(NONCE_BYTES)
        sealed = AESGCM(self._keys.terms_key(terms.subject)).encrypt(nonce, content, consent)
        with self._writing():
            ((kept,),) = self._db.execute(
                "SELECT count(*) FROM consents WHERE patient = ? AND consent != ?",
                (terms.subject, consent),
            )
            if kept >= CONSENTS_PER_PATIENT_MAX:
                raise Conflict("there are too many consents in this record to add another one")
            self._db.execute(
                "INSERT OR IGNORE INTO consents VALUES (?, ?, ?, ?)",
                (consent, terms.subject, terms.recipient.id, nonce + sealed),
            )

    def terms(self, consent: ConsentId) -> Terms:
        """Return the terms of a consent, or raise `NotFound`."""
        with self._lock, translated(self._path):
            row = self._db.execute(
                "SELECT consent, patient, sealed FROM consents WHERE consent = ?", (consent,)
            ).fetchone()
        if row is None:
            raise NotFound("no such consent")
        return self._open(*row)

    def of_patient(self, patient: PatientId) -> tuple[Terms, ...]:
        """Return every consent that was offered to a patient."""
        return tuple(self._open(*row) for row in self._rows("patient", patient))

    def of_recipient(self, recipient: PrincipalId) -> Iterator[tuple[ConsentId, PatientId]]:
        """Yield every consent that names a recipient, of however many patients, unopened.

        Opening is the dear part, and of a long list most have ended: ask the ledger first.
        """
        for consent, patient, _ in self._rows("recipient", recipient):
            yield ConsentId(consent), PatientId(patient)

    def hold_all(self, at: Seconds) -> int:
        """Hold back every consent that is kept, durably; return how many are held.

        What the ledger lost may have stopped any of them. A consent that is given again has other
        terms, so it is another one.
        """
        with self._writing():
            self._db.execute("INSERT OR IGNORE INTO held SELECT consent, ? FROM consents", (at,))
        with self._lock, translated(self._path):
            self._held = self._holds()
        return len(self._held)

    def is_held(self, consent: ConsentId) -> bool:
        """Whether the patient has to give a consent again before it counts."""
        return consent in self._held

    def patients(self) -> tuple[PatientId, ...]:
        """Return every patient with a consent, in order."""
        with self._lock, translated(self._path):
            rows = self._db.execute("SELECT DISTINCT patient FROM consents ORDER BY patient")
            return tuple(PatientId(patient) for (patient,) in rows)

    def erase(self, patient: PatientId) -> None:
        """Forget a patient's terms and salts."""
        with self._writing():
            self._db.execute(
                "DELETE FROM held WHERE consent IN"
                " (SELECT consent FROM consents WHERE patient = ?)",
                (patient,),
            )
            self._db.execute("DELETE FROM consents WHERE patient = ?", (patient,))
            self._opened.clear()

    def close(self) -> None:
        self._db.close()

    def keep_mark(self, mark: bytes) -> None:
        """Keep the node's mark durably (ADR 0063)."""
        with self._lock, translated(self._path):
            self.waterline.keep(mark)

    def _holds(self) -> frozenset[bytes]:
        return frozenset(consent for (consent,) in self._db.execute("SELECT consent FROM held"))

    @contextmanager
    def _writing(self) -> Iterator[None]:
        with self._lock:
            with transaction(self._db, self._path):
                yield
                self.waterline.rise()
            self.waterline.risen()

    def _rows(self, column: str, value: str) -> Iterator[tuple[bytes, str, bytes]]:
        behind = b""
        while True:
            # Some at a time: nobody else's reading waits for the whole of a long list.
            with self._lock, translated(self._path):
                rows = self._db.execute(
                    "SELECT consent, patient, sealed FROM consents"  # noqa: S608  The column is ours.
                    f" WHERE {column} = ? AND consent > ? ORDER BY consent LIMIT ?",
                    (value, behind, ROWS_AT_A_TIME),
                ).fetchall()
            yield from rows
            if len(rows) < ROWS_AT_A_TIME:
                return
            behind = rows[-1][0]

    def _open(self, consent: bytes, patient: str, sealed: bytes) -> Terms:
        name = ConsentId(consent)
        with self._lock:
            known = self._opened.get(name)
        if known is not None:
            return known
        key = AESGCM(self._keys.terms_key(PatientId(patient)))
        try:
            content = key.decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], consent)
        except InvalidTag:
            raise IntegrityError(
                f"the terms of consent {consent.hex()[:12]} were altered"
            ) from None
        terms = decode_terms(content)
        if terms.consent != consent:
            raise IntegrityError(f"consent {consent.hex()[:12]} holds other terms")
        with self._lock:
            self._opened[name] = terms
            while len(self._opened) > OPENED_MAX:
                self._opened.popitem(last=False)
        return terms
