"""Documents: sealed as they came, byte for byte, with versions; and the node's own papers.

Two shelves share one format. Clinical resources are health data and are opened by `reading` only.
Papers (import reports) are the node's own: this module opens them, and refuses to open anything
clinical.
"""

import sqlite3
from dataclasses import dataclass
from enum import StrEnum

import msgspec

from pulsekey.primitives.errors import Conflict, IntegrityError, NotFound
from pulsekey.primitives.ids import ImportId, OrganisationId, PatientId, opaque
from pulsekey.resources.documents import Clinical
from pulsekey.vault.opening import open_object
from pulsekey.vault.publishing import Draft
from pulsekey.vault.records import Added
from pulsekey.vault.rows import Dating, ObjectRow, dating, day_of, object_row, span_of, structured
from pulsekey.vault.sealing import Kind, PatientSecret
from pulsekey.vault.segment import compress, decompress
from pulsekey.vault.vault import Vault

CLINICAL = "clinical"
CODES_MAX = 1_000
"""More codes than this on one resource are kept in it but not searched."""

_LENGTH_BYTES = 4


class PaperKind(StrEnum):
    """The node's own documents about a patient."""

    IMPORT_REPORT = "import-report"


@dataclass(frozen=True, slots=True)
class DocumentFacts:
    """What a sealed document says about its content."""

    kind: str
    resource_type: str
    key: str
    category: str
    subject: str = ""
    date: str = ""
    codes: tuple[tuple[str, str], ...] = ()
    resource_id: str = ""
    references: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Paper:
    """A paper in one of its versions, from 1. `key` names it among those of its kind."""

    id: str
    version: int
    kind: PaperKind
    key: str
    content: bytes
    received: int


class DocumentDraft:
    """Documents that one draft adds, with their rows."""

    def __init__(self, draft: Draft) -> None:
        self.draft = draft
        self._rows: list[tuple[object, ...]] = []
        self._objects: list[int] = []
        self._codes: list[tuple[object, ...]] = []
        self._seen: dict[bytes, tuple[str, int, set[bytes]]] = {}

    def add(self, facts: DocumentFacts, content: bytes) -> Added:
        """Add a document: known if any of its versions says the same, else its next version."""
        draft, secret = self.draft, self.draft.secret
        token = secret.token("document", facts.kind, facts.key)
        value = secret.value(facts.category.encode(), b"\0", content)
        name, version, values = self._seen.get(token) or self._stored(token)
        if value in values:
            self._seen[token] = (name, version, values)
            return Added(known=1)
        name = name or opaque(draft.vault.entropy)
        version += 1
        values.add(value)
        self._seen[token] = (name, version, values)
        self._write(facts, content, token, value, name, version)
        return Added(new=1) if version == 1 else Added(changed=1)

    def write_rows(self, writer: sqlite3.Connection, base: int) -> None:
        writer.executemany(
            "INSERT INTO documents VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            [
                (*row[:3], base + number, *row[3:])
                for row, number in zip(self._rows, self._objects, strict=True)
            ],
        )
        writer.executemany("INSERT INTO document_codes VALUES (?, ?, ?, ?)", self._codes)

    def _stored(self, token: bytes) -> tuple[str, int, set[bytes]]:
        """Return the id, the newest version and the values of all versions; "", 0, none if new."""
        with self.draft.vault.index.reading() as reader:
            rows = reader.execute(
                f"SELECT {ROW_COLUMNS} FROM documents d"  # noqa: S608 -- a constant of this module
                " WHERE d.patient = ? AND d.token = ? ORDER BY d.version",
                (self.draft.patient, token),
            ).fetchall()
        if not rows:
            return "", 0, set()
        values = {open_row(self.draft.secret, row).value for row in rows}
        return rows[-1][0], rows[-1][1], values

    def _write(
        self,
        facts: DocumentFacts,
        content: bytes,
        token: bytes,
        value: bytes,
        name: str,
        version: int,
    ) -> None:
        draft, secret = self.draft, self.draft.secret
        category = key_category(facts.kind, facts.category)
        described = msgspec.json.encode(facts)
        plain = len(described).to_bytes(_LENGTH_BYTES, "big") + described + content
        self._objects.append(
            draft.add(Kind.DOCUMENT, category, f"{name}/{version}", compress(plain))
        )
        span = span_of(facts.date)
        start, end, floating = span or (0, 0, False)
        plain_columns = (
            draft.patient,
            token,
            type_token(secret, facts.kind, facts.resource_type),
            secret.token("category", category),
            day_of(start) if span else None,
            day_of(end) if span else None,
            draft.import_id,
        )
        private = Dating(span is not None, floating, start, end, draft.received, value).pack()
        sealed = secret.seal_row(
            draft.vault.entropy, private, "document", f"{name}/{version}", *plain_columns
        )
        self._rows.append((name, version, *plain_columns, sealed))
        tokens = {
            code_token(secret, *pair)
            for system, code in facts.codes[:CODES_MAX]
            for pair in ((system, code), ("", code))
        }
        self._codes.extend((draft.patient, code, name, version) for code in tokens)


ROW_COLUMNS = (
    "d.id, d.version, d.patient, d.token, d.type, d.category, d.first_day, d.last_day, d.import,"
    " d.sealed"
)
OBJECT_COLUMNS = "o.kind, o.name, o.address, o.pack, o.at, o.length, o.key"
JOINED = "FROM documents d JOIN objects o ON o.patient = d.patient AND o.seq = d.object"


def open_row(secret: PatientSecret, row: tuple[object, ...]) -> Dating:
    """Open one row of `ROW_COLUMNS`, or raise `IntegrityError`, which names the document."""
    name, version, *plain, sealed = row[:10]
    return dating(secret.open_row(sealed, "document", f"{name}/{version}", *plain))  # type: ignore[arg-type]


def open_document(
    vault: Vault, patient: PatientId, category: str, row: ObjectRow
) -> tuple[DocumentFacts, bytes]:
    """Return a document's facts and content, or raise `IntegrityError`, which names it."""
    plain = decompress(open_object(vault, patient, category, row))
    split = _LENGTH_BYTES + int.from_bytes(plain[:_LENGTH_BYTES], "big")
    facts = structured(plain[_LENGTH_BYTES:split], DocumentFacts)
    if key_category(facts.kind, facts.category) != category:
        raise IntegrityError(f"{row.name}: a document on the wrong shelf")
    return facts, plain[split:]


def clinical_facts(clinical: Clinical) -> DocumentFacts:
    return DocumentFacts(
        CLINICAL,
        clinical.resource_type,
        clinical.key,
        clinical.category.value,
        clinical.subject,
        clinical.date,
        clinical.codes,
        clinical.resource_id,
        clinical.references,
    )


def key_category(kind: str, category: str) -> str:
    """Return the name under which keys are kept: a consent category, or a shelf of papers."""
    return category if kind == CLINICAL else f"paper:{kind}"


def type_token(secret: PatientSecret, kind: str, resource_type: str) -> bytes:
    return secret.token("type", kind, resource_type)


def code_token(secret: PatientSecret, system: str, code: str) -> bytes:
    return secret.token("code", system, code)


@dataclass(frozen=True, slots=True)
class Papers:
    """Keeps the node's own documents of a patient."""

    vault: Vault

    def put(
        self,
        patient: PatientId,
        organisation: OrganisationId,
        kind: PaperKind,
        key: str,
        content: bytes,
        received: int,
    ) -> int:
        """Keep a paper durably and return its version. The same content again changes nothing."""
        draft = Draft(self.vault, patient, organisation, received)
        documents = DocumentDraft(draft)
        added = documents.add(DocumentFacts(kind.value, "", key, ""), content)
        if added.known:
            return self.get(patient, kind, key).version
        try:
            draft.publish(added, documents.write_rows)
        except Conflict:
            draft.discard()
            raise
        return self.get(patient, kind, key).version

    def get(
        self, patient: PatientId, kind: PaperKind, key: str, version: int | None = None
    ) -> Paper:
        """Return a paper, its newest version if none is named.

        Raises `NotFound`, `IntegrityError`.
        """
        token = self.vault.keys.secret(patient).token("document", kind.value, key)
        found = self._find(patient, kind, "AND d.token = ?", (token,), version)
        if not found:
            raise NotFound("no such paper")
        return found[-1]

    def all(self, patient: PatientId, kind: PaperKind) -> tuple[Paper, ...]:
        """Return every version of every paper of a kind, oldest first."""
        return tuple(self._find(patient, kind, "", (), None))

    def _find(
        self,
        patient: PatientId,
        kind: PaperKind,
        condition: str,
        values: tuple[bytes, ...],
        version: int | None,
    ) -> list[Paper]:
        secret = self.vault.keys.secret(patient)
        category = key_category(kind.value, "")
        with self.vault.index.reading() as reader:
            rows = reader.execute(
                f"SELECT {ROW_COLUMNS}, {OBJECT_COLUMNS} {JOINED}"
                f" WHERE d.patient = ? AND d.type = ? {condition} ORDER BY d.object",
                (patient, type_token(secret, kind.value, ""), *values),
            ).fetchall()
        papers = []
        for row in rows:
            if version is not None and row[1] != version:
                continue
            dated = open_row(secret, row)
            facts, content = open_document(self.vault, patient, category, object_row(row[10:]))
            papers.append(Paper(row[0], row[1], kind, facts.key, content, dated.received))
        return papers


def import_of(row: tuple[object, ...]) -> ImportId:
    """Return the import that a row of `ROW_COLUMNS` came with."""
    return ImportId(str(row[8]))
