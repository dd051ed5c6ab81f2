"""The identity store's tables, one migration after another. A released one is never changed."""

MIGRATIONS = (
    """
    CREATE TABLE facts (name TEXT PRIMARY KEY, value BLOB NOT NULL) STRICT, WITHOUT ROWID;
    CREATE TABLE organisations (id TEXT PRIMARY KEY, name BLOB NOT NULL) STRICT, WITHOUT ROWID;
    CREATE TABLE principals (
        id TEXT PRIMARY KEY,
        role TEXT NOT NULL,
        status TEXT NOT NULL,
        organisation TEXT NOT NULL REFERENCES organisations (id),
        name BLOB NOT NULL,
        patient TEXT UNIQUE,
        account BLOB UNIQUE,
        created_at INTEGER NOT NULL,
        CHECK ((role = 'patient') = (patient IS NOT NULL))
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE passkeys (
        credential_id BLOB PRIMARY KEY,
        principal TEXT NOT NULL REFERENCES principals (id),
        key_id BLOB NOT NULL UNIQUE,
        x BLOB NOT NULL,
        y BLOB NOT NULL,
        rp_id_hash BLOB NOT NULL,
        sign_count INTEGER NOT NULL,
        synced INTEGER NOT NULL,
        transports TEXT NOT NULL,
        created_at INTEGER NOT NULL,
        clone_suspected_at INTEGER,
        removed_at INTEGER
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX passkeys_by_principal ON passkeys (principal, created_at);
    CREATE TABLE bindings (
        token BLOB PRIMARY KEY,
        patient TEXT NOT NULL REFERENCES principals (patient),
        identifier BLOB NOT NULL,
        bound_by TEXT NOT NULL REFERENCES principals (id),
        bound_at INTEGER NOT NULL
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX bindings_by_patient ON bindings (patient, bound_at);
    CREATE TABLE statements (
        id TEXT PRIMARY KEY,
        subject TEXT NOT NULL REFERENCES principals (id),
        content BLOB NOT NULL,
        public_key BLOB NOT NULL,
        signature BLOB NOT NULL,
        openings BLOB NOT NULL,
        stated_at INTEGER NOT NULL
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX statements_by_subject ON statements (subject, stated_at);
    CREATE TABLE challenges (
        token BLOB PRIMARY KEY,
        purpose TEXT NOT NULL,
        principal TEXT,
        key_id BLOB,
        draft BLOB,
        expires_at INTEGER NOT NULL,
        used_at INTEGER
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX challenges_by_expiry ON challenges (expires_at);
    CREATE TABLE sessions (
        token BLOB PRIMARY KEY,
        kind TEXT NOT NULL,
        principal TEXT NOT NULL REFERENCES principals (id),
        key_id BLOB NOT NULL,
        purpose TEXT NOT NULL,
        scopes TEXT NOT NULL,
        gesture_at INTEGER NOT NULL,
        idle_until INTEGER NOT NULL,
        ends_at INTEGER NOT NULL,
        revoked_at INTEGER
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX sessions_by_principal ON sessions (principal, gesture_at);
    CREATE INDEX sessions_by_end ON sessions (ends_at);
    CREATE TABLE one_time_tokens (
        token BLOB PRIMARY KEY,
        kind TEXT NOT NULL,
        principal TEXT REFERENCES principals (id),
        expires_at INTEGER NOT NULL,
        used_at INTEGER
    ) STRICT, WITHOUT ROWID
    """,
    """
    ALTER TABLE passkeys ADD COLUMN name BLOB;
    ALTER TABLE passkeys ADD COLUMN last_used_at INTEGER;
    CREATE INDEX principals_by_age ON principals (created_at, id);
    CREATE TABLE actions (
        number INTEGER PRIMARY KEY AUTOINCREMENT,
        at INTEGER NOT NULL,
        actor TEXT REFERENCES principals (id),
        action TEXT NOT NULL,
        subject TEXT NOT NULL REFERENCES principals (id)
    ) STRICT
    """,
)
