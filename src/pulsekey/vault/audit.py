"""Re-verify every stored byte: packs against addresses, objects against seals, rows against both.

Nothing is trusted on the way: what the index says is compared with what the sealed bytes say, and
all of it with the manifest. Opens everything and returns no plaintext; runs under the maintenance
permission.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from pulsekey.primitives.errors import AccessDenied, IntegrityError, NotFound
from pulsekey.primitives.hashing import digest
from pulsekey.primitives.ids import Digest, PatientId
from pulsekey.signals.category import Category
from pulsekey.signals.series import Basis
from pulsekey.vault.documents import (
    CLINICAL,
    CODES_MAX,
    ROW_COLUMNS,
    PaperKind,
    code_token,
    key_category,
    open_document,
    open_row,
    type_token,
)
from pulsekey.vault.manifest import manifest_root
from pulsekey.vault.opening import open_object
from pulsekey.vault.publishing import object_leaf
from pulsekey.vault.rows import (
    BASIS_UNKNOWN,
    PART,
    SEGMENT_COLUMNS,
    ImportNote,
    ObjectRow,
    SegmentRow,
    Summary,
    day_of,
    object_row,
    segment_row,
    span_of,
    structured,
)
from pulsekey.vault.sealing import Kind, PatientSecret
from pulsekey.vault.segment import decode_part, decode_rows
from pulsekey.vault.vault import Vault, orphans


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that is not as it was written: what kind of thing, which one, and what is wrong."""

    kind: str
    name: str
    problem: str


@dataclass(frozen=True, slots=True)
class AuditReport:
    """What an audit looked at, and what it found. `orphans` are packs no import published."""

    objects: int
    packs: int
    bytes: int
    findings: tuple[Finding, ...]
    orphans: tuple[Digest, ...]

    @property
    def sound(self) -> bool:
        return not self.findings


def audit(vault: Vault) -> AuditReport:
    """Verify the whole vault. Orphans are named apart: a live import has some."""
    return _Audit(vault).run()


class _Audit:
    def __init__(self, vault: Vault) -> None:
        self._vault = vault
        self._findings: list[Finding] = []
        self._objects = 0
        self._packs = 0
        self._bytes = 0

    def run(self) -> AuditReport:
        found: tuple[Digest, ...] = ()
        damage = self._vault.index.damage()
        for problem in damage:
            self._note("index", "vault.sqlite", problem)
        if damage:
            # Rows of a damaged file can hold anything: what they say of others is worth nothing.
            return self._report(found)
        try:
            with self._vault.index.reading() as reader:
                self._check_packs(reader.execute("SELECT address, length FROM packs").fetchall())
                for (patient,) in reader.execute("SELECT id FROM patients").fetchall():
                    self._check_patient(PatientId(patient))
                found = tuple(orphans(reader, self._vault.blobs))
        except IntegrityError as broken:
            self._note("index", "vault.sqlite", str(broken))
        return self._report(found)

    def _report(self, found: tuple[Digest, ...]) -> AuditReport:
        return AuditReport(self._objects, self._packs, self._bytes, tuple(self._findings), found)

    def _note(self, kind: str, name: str, problem: str) -> None:
        self._findings.append(Finding(kind, name, problem))

    def _check_packs(self, rows: list[tuple[bytes, int]]) -> None:
        for address, length in rows:
            name = bytes(address).hex()[:16]
            try:
                content = self._vault.blobs.get(Digest(address))
            except NotFound:
                self._note("pack", name, "it is missing")
                continue
            if len(content) != length or digest(content) != address:
                self._note("pack", name, "its bytes do not match its address")
            self._packs += 1
            self._bytes += len(content)

    def _check_patient(self, patient: PatientId) -> None:
        try:
            secret = self._vault.keys.secret(patient)
            head = self._vault.manifest_head(patient)
        except (IntegrityError, AccessDenied, NotFound) as damage:
            self._note("patient", patient, str(damage))
            return
        objects = self._objects_of(patient)
        self._check_manifest(patient, secret, objects, (head.size, head.root))
        used = set(self._check_series(patient, secret))
        used |= set(self._check_documents(patient, secret))
        for seq in objects.keys() - used:
            self._note("object", objects[seq][1].name, "no series or document refers to it")
        self._check_imports(patient, secret)
        self._check_epochs(patient)

    def _objects_of(self, patient: PatientId) -> dict[int, tuple[bytes, ObjectRow]]:
        """Return by number each object's row and the token of its key's category."""
        with self._vault.index.reading() as reader:
            rows = reader.execute(
                "SELECT o.seq, e.category, o.kind, o.name, o.address, o.pack, o.at, o.length, o.key"
                " FROM objects o LEFT JOIN epochs e ON e.id = o.key WHERE o.patient = ?"
                " ORDER BY o.seq",
                (patient,),
            ).fetchall()
        objects = {}
        for row in rows:
            try:
                objects[row[0]] = (row[1], object_row(row[2:]))
            except IntegrityError as broken:
                self._note("object", str(row[3]), str(broken))
        return objects

    def _check_manifest(
        self,
        patient: PatientId,
        secret: PatientSecret,
        objects: dict[int, tuple[bytes, ObjectRow]],
        committed: tuple[int, Digest],
    ) -> None:
        self._objects += len(objects)
        leaves = []
        for token, row in objects.values():
            try:
                key = self._vault.keys.by_token(patient, token, row.key)
            except (IntegrityError, AccessDenied) as damage:
                self._note("object", row.name, str(damage))
                continue
            leaves.append(object_leaf(secret.salt, patient, row.kind, row.name, row.address, key))
        if (len(leaves), manifest_root(leaves)) != committed or sorted(objects) != list(
            range(committed[0])
        ):
            self._note("manifest", patient, "the objects are not those that were published")

    def _check_series(self, patient: PatientId, secret: PatientSecret) -> Iterator[int]:
        with self._vault.index.reading() as reader:
            rows = reader.execute(
                "SELECT id, patient, token, category, metric, ordinals, segments, sealed"
                " FROM series WHERE patient = ?",
                (patient,),
            ).fetchall()
        for row in rows:
            try:
                summary = structured(secret.open_row(row[7], "series", *row[:7]), Summary)
            except IntegrityError as damage:
                self._note("series", str(row[0]), str(damage))
                continue
            if secret.token("series", summary.metric.name, summary.source.key) != row[2]:
                self._note("series", row[0], "its name is not the one it is found by")
            numbers = []
            with self._vault.index.reading() as reader:
                segments = reader.execute(
                    f"SELECT s.object, {SEGMENT_COLUMNS} WHERE s.series = ?", (row[0],)
                ).fetchall()
            for segment in segments:
                numbers.append(segment[2])
                yield segment[0]
                self._check_segment(secret, summary.category, segment[1:])
            if sorted(numbers) != list(range(row[6])):
                self._note("series", row[0], "segments are missing from the index")

    def _check_segment(self, secret: PatientSecret, category: str, raw: tuple[Any, ...]) -> None:
        try:
            row = segment_row(secret, raw)
            plain = open_object(self._vault, row.patient, category, row.object)
            stated, found = _stated(row), _found(row, plain)
        except (IntegrityError, AccessDenied) as damage:
            self._note("segment", f"{raw[0]}/{raw[1]}", str(damage))
            return
        if stated != found:
            self._note("segment", row.object.name, "the index says something else than its bytes")

    def _check_documents(self, patient: PatientId, secret: PatientSecret) -> Iterator[int]:
        with self._vault.index.reading() as reader:
            rows = reader.execute(
                f"SELECT {ROW_COLUMNS}, d.object, o.kind, o.name, o.address, o.pack, o.at,"  # noqa: S608 -- a constant
                " o.length, o.key, e.category FROM documents d"
                " JOIN objects o ON o.patient = d.patient AND o.seq = d.object"
                " JOIN epochs e ON e.id = o.key WHERE d.patient = ?",
                (patient,),
            ).fetchall()
            codes: dict[tuple[str, int], set[bytes]] = {}
            for code, document, version in reader.execute(
                "SELECT code, document, version FROM document_codes WHERE patient = ?", (patient,)
            ):
                codes.setdefault((document, version), set()).add(code)
        names = _category_names(secret)
        for row in rows:
            yield row[10]
            name = f"{row[0]}/{row[1]}"
            try:
                dated = open_row(secret, row)
                where = object_row(row[11:18])
                if where.name != name or row[18] != row[5] or row[5] not in names:
                    self._note("document", name, "its bytes or its key are another's")
                    continue
                facts, content = open_document(self._vault, patient, names[row[5]], where)
            except (IntegrityError, AccessDenied) as damage:
                self._note("document", name, str(damage))
                continue
            span = span_of(facts.date)
            wanted = {
                code_token(secret, *pair)
                for system, code in facts.codes[:CODES_MAX]
                for pair in ((system, code), ("", code))
            }
            if (
                secret.value(facts.category.encode(), b"\0", content) != dated.value
                or (span or (0, 0, False)) != (dated.start, dated.end, dated.floating)
                or secret.token("document", facts.kind, facts.key) != row[3]
                or type_token(secret, facts.kind, facts.resource_type) != row[4]
                or codes.get((row[0], row[1]), set()) != wanted
            ):
                self._note("document", name, "the index says something else than its bytes")

    def _check_imports(self, patient: PatientId, secret: PatientSecret) -> None:
        with self._vault.index.reading() as reader:
            rows = reader.execute(
                "SELECT id, patient, organisation, day, sealed FROM imports WHERE patient = ?",
                (patient,),
            ).fetchall()
        for row in rows:
            try:
                structured(secret.open_row(row[4], "import", *row[:4]), ImportNote)
            except IntegrityError as damage:
                self._note("import", str(row[0]), str(damage))

    def _check_epochs(self, patient: PatientId) -> None:
        with self._vault.index.reading() as reader:
            rows = reader.execute(
                "SELECT id, category, epoch, wrapped FROM epochs WHERE patient = ?", (patient,)
            ).fetchall()
        for row in rows:
            try:
                self._vault.keys.check(patient, row)
            except (IntegrityError, AccessDenied) as damage:
                self._note("epoch", bytes(row[0]).hex()[:16], str(damage))


def _category_names(secret: PatientSecret) -> dict[bytes, str]:
    """Return every category that documents can lie under, by token."""
    names = [key_category(CLINICAL, category.value) for category in Category]
    names += [key_category(kind.value, "") for kind in PaperKind]
    return {secret.token("category", name): name for name in names}


def _stated(row: SegmentRow) -> tuple[int, ...]:
    bounds = row.bounds
    return (
        row.first_day,
        row.last_day,
        row.first_ordinal,
        row.last_ordinal,
        bounds.floating,
        *_noted(row, bounds.basis, bounds.offset),
        bounds.start_min,
        bounds.start_max,
        bounds.end_max,
        bounds.rows,
        bounds.version_max,
    )


def _noted(row: SegmentRow, basis: int, offset: int) -> tuple[int, ...]:
    """Return basis and offset if the row says them: samples and older parts do not."""
    return () if row.bounds.basis == BASIS_UNKNOWN else (basis, offset)


def _found(row: SegmentRow, plain: bytes) -> tuple[int, ...]:
    """Return what `_stated` says, from the bytes themselves."""
    if (row.bounds.kind == PART) != (row.object.kind == Kind.BLOCK_PART):
        raise IntegrityError("its kind is not the one of its bytes")
    if row.bounds.kind == PART:
        facts, raw = decode_part(plain)
        rate = facts.rate_hz
        end = facts.start + facts.samples * 1_000_000 * rate[1] // rate[0]
        return (
            day_of(facts.start),
            day_of(facts.start),
            row.first_ordinal,
            row.first_ordinal,
            facts.basis == Basis.FLOATING,
            *_noted(row, facts.basis, facts.offset),
            facts.start,
            facts.start,
            end,
            len(raw[0]),
            row.bounds.version_max,
        )
    rows = decode_rows(plain)
    times = rows.series.times
    low, high = int(times.start.min()), int(times.start.max())
    return (
        day_of(low),
        day_of(high),
        int(rows.ordinals.min()),
        int(rows.ordinals.max()),
        bool((times.basis == Basis.FLOATING).any()),
        low,
        high,
        int(times.end.max()),
        len(rows),
        int(rows.versions.max()),
    )
