"""The terms that this custodian can open: sealed per patient, found by patient and by recipient.

The register says what was offered and to whom; whether it is live only the ledger says. Terms are
kept durably before their grant is sent to the ledger, so a live grant can always be opened.
"""

import sqlite3
import threading
from collections import OrderedDict
from pathlib import Path
from typing import Protocol

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from pulsekey.consent.terms import Terms, consent_id, decode_terms
from pulsekey.primitives.errors import IntegrityError, NotFound
from pulsekey.primitives.ids import ConsentId, Entropy, PatientId, PrincipalId

SCHEMA_VERSION = 1
NONCE_BYTES = 12
OPENED_MAX = 4_096
CONSENTS_PER_PATIENT_MAX = 10_000

_SCHEMA = """
CREATE TABLE consents (
    consent BLOB PRIMARY KEY,
    patient TEXT NOT NULL,
    recipient TEXT NOT NULL,
    sealed BLOB NOT NULL
) WITHOUT ROWID;
CREATE INDEX consents_by_patient ON consents (patient);
CREATE INDEX consents_by_recipient ON consents (recipient);
"""


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
        self._db = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
        self._db.execute("PRAGMA journal_mode = WAL")
        self._db.execute("PRAGMA synchronous = FULL")
        self._db.execute("PRAGMA secure_delete = ON")
        (version,) = self._db.execute("PRAGMA user_version").fetchone()
        if version == 0:
            self._db.executescript(
                f"BEGIN; {_SCHEMA} PRAGMA user_version = {SCHEMA_VERSION}; COMMIT;"
            )
        elif version != SCHEMA_VERSION:
            self._db.close()
            raise IntegrityError(f"the consent register has schema {version}, not {SCHEMA_VERSION}")

    def keep(self, terms: Terms) -> None:
        """Keep terms durably. Keeping the same ones again changes nothing."""
        content = terms.encode()
        consent = consent_id(content)
        nonce = self._entropy(NONCE_BYTES)
        sealed = AESGCM(self._keys.terms_key(terms.subject)).encrypt(nonce, content, consent)
        with self._lock:
            self._db.execute(
                "INSERT OR IGNORE INTO consents VALUES (?, ?, ?, ?)",
                (consent, terms.subject, terms.recipient.id, nonce + sealed),
            )

    def terms(self, consent: ConsentId) -> Terms:
        """Return the terms of a consent, or raise `NotFound`."""
        with self._lock:
            row = self._db.execute(
                "SELECT consent, patient, sealed FROM consents WHERE consent = ?", (consent,)
            ).fetchone()
        if row is None:
            raise NotFound("no such consent")
        return self._open(*row)

    def of_patient(self, patient: PatientId) -> tuple[Terms, ...]:
        """Return every consent that was offered to a patient."""
        return self._found("patient", patient)

    def of_recipient(self, recipient: PrincipalId) -> tuple[Terms, ...]:
        """Return every consent that names a recipient."""
        return self._found("recipient", recipient)

    def erase(self, patient: PatientId) -> None:
        """Forget a patient's terms and salts."""
        with self._lock:
            self._db.execute("DELETE FROM consents WHERE patient = ?", (patient,))
            self._opened.clear()

    def close(self) -> None:
        self._db.close()

    def _found(self, column: str, value: str) -> tuple[Terms, ...]:
        with self._lock:
            rows = self._db.execute(
                f"SELECT consent, patient, sealed FROM consents WHERE {column} = ? LIMIT ?",  # noqa: S608  The column is ours.
                (value, CONSENTS_PER_PATIENT_MAX),
            ).fetchall()
        return tuple(self._open(*row) for row in rows)

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
