"""Everything that identity remembers, in one SQLite file (write-ahead log, synchronous FULL).

At rest, display names, names of organisations, identifiers, drafts and what was noted about a
person are sealed with AES-256-GCM under a key that the caller gives, and identifiers are found by
keyed HMAC tokens (`sealing.py`). In clear stand roles, statuses, opaque ids, public keys, counters
and times. Whoever has the file and not the key learns how many people there are and when they came.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from pulsekey.identity.actions import ActionLog
from pulsekey.identity.database import Database, Row
from pulsekey.identity.enrolment import Openings, SignedStatement
from pulsekey.identity.lifecycle import Event, Status, after
from pulsekey.identity.principals import (
    PASSKEYS_MAX,
    Identifier,
    Organisation,
    Passkey,
    Principal,
    Role,
)
from pulsekey.identity.schema import MIGRATIONS
from pulsekey.identity.sealing import Sealer, sealer
from pulsekey.identity.token_store import TokenStore
from pulsekey.primitives import canonical
from pulsekey.primitives.assertion import PublicKey
from pulsekey.primitives.clock import Micros
from pulsekey.primitives.errors import Conflict, IntegrityError, NotFound
from pulsekey.primitives.ids import (
    AccountId,
    Entropy,
    KeyId,
    OrganisationId,
    PatientId,
    PrincipalId,
    opaque,
)
from pulsekey.primitives.messages import Said

PRINCIPALS_LISTED_MAX = 1_000
"""Rows that are read at a time; whoever wants more goes on from the last one's place."""

ORGANISATIONS_MAX = 1_000
_KEY_CHECK = "key-check"
_CUSTODIAN = "custodian"

_PRINCIPAL_COLUMNS = "id, role, status, organisation, name, patient, account, created_at"
_PASSKEY_COLUMNS = (
    "credential_id, principal, x, y, rp_id_hash, sign_count, synced, transports, created_at,"
    " clone_suspected_at, last_used_at, name"
)


@dataclass(frozen=True, slots=True)
class Place:
    """Where a list of people, the newest first, goes on: behind this one."""

    created_at: Micros
    id: PrincipalId


@dataclass(frozen=True, slots=True)
class Listed:
    """What a search by hand looks at: somebody's name and the identifiers bound to them."""

    place: Place
    name: str
    identifiers: tuple[Identifier, ...]


class IdentityStore:
    """People, organisations, passkeys, bindings and statements; `tokens` holds what passes.

    Safe to share between threads and processes. Writes inside `transaction()` commit together.
    """

    def __init__(self, database: Database, sealer: Sealer) -> None:
        self._database = database
        self._sealer = sealer
        self.tokens = TokenStore(database, sealer)
        self.actions = ActionLog(database)
        self.transaction = database.transaction
        self.waterline = database.waterline
        self.keep_mark = database.keep_mark
        self.close = database.close

    # -- organisations

    def add_organisation(self, organisation: Organisation) -> None:
        """Keep an organisation; beyond `ORGANISATIONS_MAX` that is `Conflict`."""
        with self.transaction():
            ((known,),) = self._database.rows("SELECT count(*) FROM organisations")
            if known >= ORGANISATIONS_MAX:
                raise Conflict(Said("{most} organisations are enough", most=ORGANISATIONS_MAX))
            name = organisation.name.encode()
            self._database.write(
                "INSERT INTO organisations VALUES (?, ?)",
                organisation.id,
                self._sealer.seal(f"organisations.name:{organisation.id}", name),
            )

    def organisation(self, organisation_id: OrganisationId) -> Organisation:
        row = self._database.row("SELECT id, name FROM organisations WHERE id = ?", organisation_id)
        if row is None:
            raise NotFound("no such organisation")
        return self._organisation(row)

    def organisations(self) -> list[Organisation]:
        rows = self._database.rows("SELECT id, name FROM organisations LIMIT ?", ORGANISATIONS_MAX)
        return sorted(map(self._organisation, rows), key=lambda each: (each.name, each.id))

    def found_custodian(self, name: str, entropy: Entropy) -> Organisation:
        """Say once which organisation runs this node; a second time raises `Conflict`."""
        organisation = Organisation(OrganisationId(opaque(entropy)), name)
        with self.transaction():
            self._database.write(
                "INSERT INTO facts VALUES (?, ?)", _CUSTODIAN, organisation.id.encode()
            )
            self.add_organisation(organisation)
        return organisation

    def custodian(self) -> Organisation:
        """Return the organisation that runs this node; `Conflict` before the node is set up."""
        row = self._database.row("SELECT value FROM facts WHERE name = ?", _CUSTODIAN)
        if row is None:
            raise Conflict("this node has not been set up yet")
        return self.organisation(OrganisationId(row[0].decode()))

    # -- principals

    def add_principal(self, principal: Principal) -> None:
        self._database.write(
            "INSERT INTO principals VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            principal.id,
            principal.role,
            principal.status,
            principal.organisation,
            self._sealed_name(principal.id, principal.display_name),
            principal.patient,
            principal.account,
            principal.created_at,
        )

    def principal(self, principal_id: PrincipalId) -> Principal:
        return self._one_principal("id = ?", principal_id)

    def principal_of_patient(self, patient: PatientId) -> Principal:
        return self._one_principal("patient = ?", patient)

    def principal_of_account(self, account: AccountId) -> Principal:
        return self._one_principal("account = ?", account)

    def listed(
        self,
        *,
        role: Role | None = None,
        status: Status | None = None,
        after: Place | None = None,
        limit: int = PRINCIPALS_LISTED_MAX,
    ) -> list[Listed]:
        """Return people behind `after`, the newest first, with what they may be searched by."""
        created_at, behind = (None, None) if after is None else (after.created_at, after.id)
        rows = self._database.rows(
            "SELECT id, name, patient, created_at FROM principals"
            " WHERE (?1 IS NULL OR role = ?1) AND (?2 IS NULL OR status = ?2)"
            " AND (?3 IS NULL OR (created_at, id) < (?3, ?4))"
            " ORDER BY created_at DESC, id DESC LIMIT ?5",
            role,
            status,
            created_at,
            behind,
            min(limit, PRINCIPALS_LISTED_MAX),
        )
        return [
            Listed(
                Place(Micros(created), PrincipalId(one)),
                self._opened_name(one, name),
                () if patient is None else tuple(self.identifiers_of(PatientId(patient))),
            )
            for one, name, patient, created in rows
        ]

    def confirmed(self, role: Role) -> list[Principal]:
        """Return everybody in a role who is confirmed, however many they are."""
        found: list[Principal] = []
        after: Place | None = None
        while True:
            page = self.listed(role=role, status=Status.CONFIRMED, after=after)
            found += [self.principal(one.place.id) for one in page]
            if len(page) < PRINCIPALS_LISTED_MAX:
                return found
            after = page[-1].place

    def ledger_keys(self) -> list[tuple[PrincipalId, AccountId, KeyId]]:
        """Return (principal, account, key) of every active passkey of those with an account."""
        rows = self._database.rows(
            "SELECT id, account, key_id FROM principals JOIN passkeys ON principal = id"
            " WHERE account IS NOT NULL AND removed_at IS NULL ORDER BY id, key_id"
        )
        return [(PrincipalId(one), AccountId(account), KeyId(key)) for one, account, key in rows]

    def withdraw_clinicians(self) -> int:
        """Take back the confirmation of every clinician; return of how many."""
        with self.transaction():
            rows = self._database.rows(
                "SELECT id FROM principals WHERE role = ? AND status = ?",
                Role.CLINICIAN,
                Status.CONFIRMED,
            )
            for (one,) in rows:
                self.advance(PrincipalId(one), Event.WITHDRAW)
        return len(rows)

    def has_operator(self) -> bool:
        return (
            self._database.row("SELECT 1 FROM principals WHERE role = ? LIMIT 1", Role.OPERATOR)
            is not None
        )

    def advance(self, principal_id: PrincipalId, event: Event) -> Status:
        """Let `event` happen to an account, or raise `Conflict`. Return its new status."""
        with self.transaction():
            status = after(self.principal(principal_id).status, event)
            self._database.write(
                "UPDATE principals SET status = ? WHERE id = ?", status, principal_id
            )
        return status

    def set_organisation(self, principal_id: PrincipalId, organisation: OrganisationId) -> None:
        self._database.write(
            "UPDATE principals SET organisation = ? WHERE id = ?", organisation, principal_id
        )

    def set_display_name(self, principal_id: PrincipalId, name: str) -> None:
        self._database.write(
            "UPDATE principals SET name = ? WHERE id = ?",
            self._sealed_name(principal_id, name),
            principal_id,
        )

    def set_account(self, principal_id: PrincipalId, account: AccountId) -> None:
        """Remember a principal's ledger account: once, and never the account of somebody else."""
        with self.transaction():
            principal = self.principal(principal_id)
            if principal.account == account:
                return
            if principal.account is not None:
                raise Conflict("this principal has an account already")
            self._database.write(
                "UPDATE principals SET account = ? WHERE id = ?", account, principal_id
            )

    # -- passkeys

    def add_passkey(self, passkey: Passkey) -> None:
        """Keep a passkey; `Conflict` for one that was ever registered, or for one too many."""
        with self.transaction():
            if len(self.passkeys(passkey.principal)) >= PASSKEYS_MAX:
                raise Conflict(Said("{most} passkeys are enough", most=PASSKEYS_MAX))
            self._database.write(
                "INSERT INTO passkeys (credential_id, principal, key_id, x, y, rp_id_hash,"
                " sign_count, synced, transports, created_at)"
                " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                passkey.credential_id,
                passkey.principal,
                passkey.key_id,
                passkey.key.x,
                passkey.key.y,
                passkey.rp_id_hash,
                passkey.sign_count,
                passkey.synced,
                " ".join(passkey.transports),
                passkey.created_at,
            )

    def passkey(self, credential_id: bytes) -> Passkey | None:
        """Return an active passkey, or None."""
        row = self._database.row(
            f"SELECT {_PASSKEY_COLUMNS} FROM passkeys"  # noqa: S608 - a constant
            " WHERE credential_id = ? AND removed_at IS NULL",
            credential_id,
        )
        return None if row is None else self._passkey(row)

    def passkeys(self, principal_id: PrincipalId) -> list[Passkey]:
        """Return a principal's active passkeys, the oldest first."""
        rows = self._database.rows(
            f"SELECT {_PASSKEY_COLUMNS} FROM passkeys"  # noqa: S608 - a constant
            " WHERE principal = ? AND removed_at IS NULL ORDER BY created_at, credential_id",
            principal_id,
        )
        return [self._passkey(row) for row in rows]

    def raise_sign_count(self, credential_id: bytes, sign_count: int) -> bool:
        """Remember a risen counter (0 stays 0). False if a concurrent gesture was ahead."""
        return bool(
            self._database.write(
                "UPDATE passkeys SET sign_count = ?1 WHERE credential_id = ?2"
                " AND removed_at IS NULL AND (sign_count < ?1 OR (sign_count = 0 AND ?1 = 0))",
                sign_count,
                credential_id,
            )
        )

    def note_use(self, credential_id: bytes, at: Micros) -> None:
        """Remember when a passkey was last used."""
        self._database.write(
            "UPDATE passkeys SET last_used_at = ? WHERE credential_id = ?", at, credential_id
        )

    def name_passkey(self, principal_id: PrincipalId, key_id: KeyId, name: str) -> None:
        """Remember what somebody calls a passkey of theirs; "" takes the name away."""
        sealed = self._sealer.seal(f"passkeys.name:{key_id.hex()}", name.encode())
        named = self._database.write(
            "UPDATE passkeys SET name = ? WHERE principal = ? AND key_id = ?"
            " AND removed_at IS NULL",
            sealed if name else None,
            principal_id,
            key_id,
        )
        if not named:
            raise NotFound("no such passkey")

    def suspect_clone(self, credential_id: bytes, at: Micros) -> None:
        """Remember when a passkey's counter first failed to rise."""
        self._database.write(
            "UPDATE passkeys SET clone_suspected_at = ?"
            " WHERE credential_id = ? AND clone_suspected_at IS NULL",
            at,
            credential_id,
        )

    def remove_passkey(self, principal_id: PrincipalId, key_id: KeyId, at: Micros) -> None:
        """Retire a passkey and end the sessions it opened; the last one raises `Conflict`."""
        with self.transaction():
            keys = [each.key_id for each in self.passkeys(principal_id)]
            if key_id not in keys:
                raise NotFound("no such passkey")
            if len(keys) == 1:
                raise Conflict("the last passkey cannot be removed")
            self._database.write("UPDATE passkeys SET removed_at = ? WHERE key_id = ?", at, key_id)
            self.tokens.revoke_sessions(principal_id, at, key_id=key_id)

    # -- bindings

    def bind(
        self, patient: PatientId, identifier: Identifier, operator: PrincipalId, at: Micros
    ) -> None:
        """Bind an identifier to a patient. Again is no error; to a second patient is `Conflict`."""
        token = self._identifier_token(identifier)
        with self.transaction():
            bound = self.patient_of(identifier)
            if bound == patient:
                return
            if bound is not None:
                raise Conflict("this identifier is bound to another patient")
            sealed = self._sealer.seal(
                f"bindings:{token.hex()}", canonical.encode([identifier.system, identifier.value])
            )
            self._database.write(
                "INSERT INTO bindings VALUES (?, ?, ?, ?, ?)", token, patient, sealed, operator, at
            )

    def unbind(self, patient: PatientId, identifier: Identifier) -> Micros:
        """Take an identifier from a patient; return when it was bound. `NotFound` if it is not."""
        token = self._identifier_token(identifier)
        with self.transaction():
            row = self._database.row(
                "SELECT bound_at FROM bindings WHERE token = ? AND patient = ?", token, patient
            )
            if row is None:
                raise NotFound("this identifier is not bound to this patient")
            self._database.write("DELETE FROM bindings WHERE token = ?", token)
        return Micros(row[0])

    def patient_of(self, identifier: Identifier) -> PatientId | None:
        row = self._database.row(
            "SELECT patient FROM bindings WHERE token = ?", self._identifier_token(identifier)
        )
        return None if row is None else PatientId(row[0])

    def identifiers_of(self, patient: PatientId) -> list[Identifier]:
        rows = self._database.rows(
            "SELECT token, identifier FROM bindings WHERE patient = ? ORDER BY bound_at, token",
            patient,
        )
        return [self._identifier(token, sealed) for token, sealed in rows]

    # -- statements

    def add_statement(
        self,
        statement_id: str,
        subject: PrincipalId,
        signed: SignedStatement,
        opened: Openings,
        at: Micros,
    ) -> None:
        document: canonical.Document = [
            opened.name,
            opened.name_salt.hex(),
            opened.reference,
            opened.reference_salt.hex(),
        ]
        place = f"statements.{{}}:{statement_id}"
        self._database.write(
            "INSERT INTO statements VALUES (?, ?, ?, ?, ?, ?, ?)",
            statement_id,
            subject,
            self._sealer.seal(place.format("content"), signed.content),
            signed.public_key,
            signed.signature,
            self._sealer.seal(place.format("openings"), canonical.encode(document)),
            at,
        )

    def statements_of(self, subject: PrincipalId) -> list[tuple[SignedStatement, Openings]]:
        """Return every statement about a principal with what opens it, the newest first."""
        rows = self._database.rows(
            "SELECT id, content, public_key, signature, openings FROM statements"
            " WHERE subject = ? ORDER BY stated_at DESC, id",
            subject,
        )
        return [self._statement(row) for row in rows]

    # -- rows to values

    def check_key(self) -> None:
        """Raise `IntegrityError` unless this store was created with this key."""
        expected = self._sealer.token(_KEY_CHECK)
        with self.transaction():
            row = self._database.row("SELECT value FROM facts WHERE name = ?", _KEY_CHECK)
            if row is None:
                self._database.write("INSERT INTO facts VALUES (?, ?)", _KEY_CHECK, expected)
            elif row[0] != expected:
                raise IntegrityError("the identity store was created with another key")

    def _one_principal(self, condition: str, value: str | bytes) -> Principal:
        row = self._database.row(
            f"SELECT {_PRINCIPAL_COLUMNS} FROM principals WHERE {condition}",  # noqa: S608 - constants
            value,
        )
        if row is None:
            raise NotFound("no such principal")
        return self._principal(row)

    def _principal(self, row: Row) -> Principal:
        principal_id, role, status, organisation, name, patient, account, created_at = row
        keys: Sequence[Row] = self._database.rows(
            "SELECT key_id FROM passkeys WHERE principal = ? AND removed_at IS NULL"
            " ORDER BY created_at, credential_id",
            principal_id,
        )
        return Principal(
            PrincipalId(principal_id),
            Role(role),
            Status(status),
            OrganisationId(organisation),
            self._opened_name(principal_id, name),
            None if patient is None else PatientId(patient),
            None if account is None else AccountId(account),
            tuple(KeyId(key) for (key,) in keys),
            Micros(created_at),
        )

    def _sealed_name(self, principal_id: PrincipalId, name: str) -> bytes:
        return self._sealer.seal(f"principals.name:{principal_id}", name.encode())

    def _opened_name(self, principal_id: str, sealed: bytes) -> str:
        return self._sealer.open(f"principals.name:{principal_id}", sealed).decode()

    def _passkey(self, row: Row) -> Passkey:
        credential_id, principal, x, y, rp_id_hash, count, synced, transports, *rest = row
        created, suspected, used, name = rest
        found = Passkey(
            credential_id,
            PrincipalId(principal),
            PublicKey(x, y),
            rp_id_hash,
            count,
            bool(synced),
            tuple(transports.split()),
            Micros(created),
            None if suspected is None else Micros(suspected),
            None if used is None else Micros(used),
        )
        if name is None:
            return found
        return replace(
            found, name=self._sealer.open(f"passkeys.name:{found.key_id.hex()}", name).decode()
        )

    def _organisation(self, row: Row) -> Organisation:
        organisation_id, sealed = row
        name = self._sealer.open(f"organisations.name:{organisation_id}", sealed)
        return Organisation(OrganisationId(organisation_id), name.decode())

    def _identifier_token(self, identifier: Identifier) -> bytes:
        return self._sealer.token(
            "identifier", identifier.system.encode(), identifier.value.encode()
        )

    def _identifier(self, token: bytes, sealed: bytes) -> Identifier:
        match canonical.decode(self._sealer.open(f"bindings:{token.hex()}", sealed)):
            case [str(system), str(value)]:
                return Identifier(system, value)
            case _:
                raise IntegrityError("bindings: a sealed value has another form")

    def _statement(self, row: Row) -> tuple[SignedStatement, Openings]:
        statement_id, content, public_key, signature, sealed = row
        signed = SignedStatement(
            self._sealer.open(f"statements.content:{statement_id}", content), public_key, signature
        )
        match canonical.decode(self._sealer.open(f"statements.openings:{statement_id}", sealed)):
            case [str(name), str(name_salt), str(reference), str(reference_salt)]:
                return signed, Openings(
                    name, bytes.fromhex(name_salt), reference, bytes.fromhex(reference_salt)
                )
            case _:
                raise IntegrityError("statements: a sealed value has another form")


def open_store(path: Path, key: bytes, entropy: Entropy) -> IdentityStore:
    """Open or create the identity store at `path` under a 32-byte key.

    Raises `IntegrityError` for another key, `Conflict` for a newer schema, `Unavailable` if it
    cannot be used.
    """
    database = Database(path, MIGRATIONS)
    store = IdentityStore(database, sealer(key, entropy))
    try:
        store.check_key()
    except BaseException:
        database.close()
        raise
    return store


def new_principal(
    role: Role,
    status: Status,
    organisation: OrganisationId,
    display_name: str,
    *,
    now: Micros,
    entropy: Entropy,
    principal_id: PrincipalId | None = None,
) -> Principal:
    """Return a principal with a random id, and with a record of their own if they are a patient."""
    patient = PatientId(opaque(entropy)) if role is Role.PATIENT else None
    return Principal(
        principal_id or PrincipalId(opaque(entropy)),
        role,
        status,
        organisation,
        display_name,
        patient,
        None,
        (),
        now,
    )
