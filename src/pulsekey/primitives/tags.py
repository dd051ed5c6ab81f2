"""One domain tag per hash, so that no digest can be mistaken for another kind of digest.

A tag is 32 bytes: a name padded with zeros. Every SHA-256 in Pulsekey starts with one, except
where a standard fixes the input: RFC 9162 Merkle hashes, WebAuthn, content addresses of sealed
bytes. The same constants stand in `contracts/`; `vectors/` pins them.
"""

from typing import NewType

Tag = NewType("Tag", bytes)
TAG_BYTES = 32


def _tag(name: str) -> Tag:
    raw = name.encode("ascii")
    if len(raw) > TAG_BYTES:
        raise ValueError(name)
    return Tag(raw.ljust(TAG_BYTES, b"\0"))


GENESIS = _tag("pulsekey/genesis/1")
DIRECT_LEDGER = _tag("pulsekey/direct-ledger/1")
CHALLENGE = _tag("pulsekey/operation-challenge/1")
SIGN_IN = _tag("pulsekey/sign-in-challenge/1")
ACCOUNT = _tag("pulsekey/account/1")
KEY = _tag("pulsekey/key/1")
TERMS = _tag("pulsekey/terms/1")
OPERATION = _tag("pulsekey/signed-operation/1")

STATE_ACCOUNT = _tag("pulsekey/state-account/1")
STATE_KEY = _tag("pulsekey/state-key/1")
STATE_GRANT = _tag("pulsekey/state-grant/1")
STATE_COMMITMENT = _tag("pulsekey/state-commitment/1")

STATE_LEAF = _tag("pulsekey/state-leaf/1")
STATE_NODE = _tag("pulsekey/state-node/1")
STEP = _tag("pulsekey/step/1")
BATCH = _tag("pulsekey/batch/1")
HEAD = _tag("pulsekey/head/1")
ANCHOR_CHAIN = _tag("pulsekey/anchor-chain/1")

MANIFEST_ENTRY = _tag("pulsekey/manifest-entry/1")
MANIFEST = _tag("pulsekey/manifest/1")
ACCESS_ENTRY = _tag("pulsekey/access-entry/1")
ACCESS_CHAIN = _tag("pulsekey/access-chain/1")
ACCESS_HEADS = _tag("pulsekey/access-heads/1")
READ_RECEIPT = _tag("pulsekey/read-receipt/1")
EVIDENCE_ANCHOR = _tag("pulsekey/evidence-anchor/1")
CUSTODIAN_ROOT = _tag("pulsekey/custodian-root/1")
ENROLMENT = _tag("pulsekey/enrolment/1")
SEARCH_TOKEN = _tag("pulsekey/search-token/1")

REGISTRATION = _tag("pulsekey/register-challenge/1")
SESSION_TOKEN = _tag("pulsekey/session-token/1")
ONE_TIME_TOKEN = _tag("pulsekey/one-time-token/1")
PERSON = _tag("pulsekey/person-commitment/1")
VAULT_ROW = _tag("pulsekey/vault-row/1")
VAULT_SALT = _tag("pulsekey/vault-salt/1")
VAULT_USE = _tag("pulsekey/vault-use/1")
CHAIN_JOURNAL = _tag("pulsekey/chain-journal/1")
HIGH_WATER_MARK = _tag("pulsekey/high-water-mark/1")
