"""What can be signed for the ledger, byte by byte.

An operation is fixed-width and versioned, so that Python, Vyper and JavaScript read it alike:

    version u8 | kind u8 | account 32 | nonce u64 | key id 32 | body, fixed width by kind

    register    x 32 | y 32 | rp id hash 32 | scheme u8 | capabilities u16 | expires u64 | salt 32
    add_key     x 32 | y 32 | rp id hash 32 | scheme u8 | capabilities u16 | expires u64
    remove_key  key id 32
    grant       terms hash 32 | valid from u64 | valid until u64 | include by u64
    revoke      terms hash 32
    revoke_all  (nothing)
    commit      root 32 | interval u64

All integers are big-endian, all times whole seconds since 1970 in UTC. A signed operation adds the
witness: what is needed to check the signature with nothing else at hand.

    operation length u16 | operation | scheme u8 | x 32 | y 32 | rp id hash 32 | r 32 | s 32
    | authenticator data length u16 | authenticator data | suffix length u16 | client data suffix

A key is named by the digest of scheme, point and relying party, so a witness cannot swap any of
them. Kinds 8 to 12 are reserved for `recover`, `policy`, `claim`, `break_glass` and `opt_out`.
"""

import struct
from dataclasses import dataclass
from enum import IntEnum, IntFlag
from typing import ClassVar, TypeAlias

from pulsekey.primitives import tags
from pulsekey.primitives.assertion import (
    AUTHENTICATOR_DATA_MAX,
    SUFFIX_MAX,
    Assertion,
    PublicKey,
    Signature,
)
from pulsekey.primitives.clock import Seconds
from pulsekey.primitives.errors import MalformedInput
from pulsekey.primitives.hashing import tagged
from pulsekey.primitives.ids import AccountId, ConsentId, Digest, KeyId, LedgerId
from pulsekey.primitives.messages import Said

VERSION = 1
NEVER_EXPIRES = Seconds(2**64 - 1)
NO_ACCOUNT = AccountId(bytes(32))


class Kind(IntEnum):
    REGISTER = 1
    ADD_KEY = 2
    REMOVE_KEY = 3
    GRANT = 4
    REVOKE = 5
    REVOKE_ALL = 6
    COMMIT = 7


class Scheme(IntEnum):
    """How a key signs a challenge."""

    WEBAUTHN_P256 = 1
    """A passkey: the challenge stands in the client data of an assertion."""

    PLAIN_P256 = 2
    """A server's key: ECDSA over the challenge itself, with no relying party (32 zero bytes)."""


class Capability(IntFlag):
    """What a key may sign."""

    CONSENT = 1
    REVOKE = 2
    READ = 4
    RECOVER = 8
    MANAGE = 16
    COMMIT = 32


PATIENT_CAPABILITIES = (
    Capability.CONSENT
    | Capability.REVOKE
    | Capability.READ
    | Capability.RECOVER
    | Capability.MANAGE
)
ALL_CAPABILITIES = 0x3F


@dataclass(frozen=True, slots=True)
class KeyRecord:
    """A public key, the relying party it belongs to, what it may sign and until when."""

    key: PublicKey
    rp_id_hash: bytes
    scheme: Scheme
    capabilities: int
    expires: Seconds

    LAYOUT: ClassVar[struct.Struct] = struct.Struct(">32s32s32sBHQ")

    @property
    def key_id(self) -> KeyId:
        return key_id(self.scheme, self.key, self.rp_id_hash)

    def encode(self) -> bytes:
        return self.LAYOUT.pack(
            self.key.x, self.key.y, self.rp_id_hash, self.scheme, self.capabilities, self.expires
        )


def key_id(scheme: int, key: PublicKey, rp_id_hash: bytes) -> KeyId:
    """Return the name of a key: it commits to the scheme, the point and the relying party."""
    return KeyId(tagged(tags.KEY, bytes([scheme]), key.x, key.y, rp_id_hash))


@dataclass(frozen=True, slots=True)
class Register:
    """Open an account. Its id is the digest of this body, so a register operation names itself."""

    record: KeyRecord
    salt: bytes
    kind: ClassVar[Kind] = Kind.REGISTER

    def encode(self) -> bytes:
        return self.record.encode() + self.salt

    @property
    def account(self) -> AccountId:
        return AccountId(tagged(tags.ACCOUNT, self.encode()))


@dataclass(frozen=True, slots=True)
class AddKey:
    """Let another key sign for the account, with no more power than the key that adds it."""

    record: KeyRecord
    kind: ClassVar[Kind] = Kind.ADD_KEY

    def encode(self) -> bytes:
        return self.record.encode()


@dataclass(frozen=True, slots=True)
class RemoveKey:
    """Take a key's power away. A key cannot remove itself, so one that manages always remains."""

    removed: KeyId
    kind: ClassVar[Kind] = Kind.REMOVE_KEY

    def encode(self) -> bytes:
        return self.removed


@dataclass(frozen=True, slots=True)
class Grant:
    """Consent to terms, valid in [valid_from, valid_until), included by `include_by` or never."""

    consent: ConsentId
    valid_from: Seconds
    valid_until: Seconds
    include_by: Seconds
    kind: ClassVar[Kind] = Kind.GRANT
    LAYOUT: ClassVar[struct.Struct] = struct.Struct(">32sQQQ")

    def encode(self) -> bytes:
        return self.LAYOUT.pack(self.consent, self.valid_from, self.valid_until, self.include_by)


@dataclass(frozen=True, slots=True)
class Revoke:
    """Stop one consent."""

    consent: ConsentId
    kind: ClassVar[Kind] = Kind.REVOKE

    def encode(self) -> bytes:
        return self.consent


@dataclass(frozen=True, slots=True)
class RevokeAll:
    """Stop every consent of the account that was given before."""

    kind: ClassVar[Kind] = Kind.REVOKE_ALL

    def encode(self) -> bytes:
        return b""


@dataclass(frozen=True, slots=True)
class Commit:
    """A custodian commits to one root over all its manifests and access logs, per interval."""

    root: Digest
    interval: int
    kind: ClassVar[Kind] = Kind.COMMIT
    LAYOUT: ClassVar[struct.Struct] = struct.Struct(">32sQ")

    def encode(self) -> bytes:
        return self.LAYOUT.pack(self.root, self.interval)


Body: TypeAlias = Register | AddKey | RemoveKey | Grant | Revoke | RevokeAll | Commit

HEADER = struct.Struct(">BB32sQ32s")
REGISTER_BODY = struct.Struct(">32s32s32sBHQ32s")
BODY_BYTES = {
    Kind.REGISTER: REGISTER_BODY.size,
    Kind.ADD_KEY: KeyRecord.LAYOUT.size,
    Kind.REMOVE_KEY: 32,
    Kind.GRANT: Grant.LAYOUT.size,
    Kind.REVOKE: 32,
    Kind.REVOKE_ALL: 0,
    Kind.COMMIT: Commit.LAYOUT.size,
}
OPERATION_BYTES_MAX = HEADER.size + REGISTER_BODY.size
NONCE_MAX = 2**64 - 1


@dataclass(frozen=True, slots=True)
class Operation:
    """What is signed: one body, under an account, by one of its keys, with a nonce that rises."""

    account: AccountId
    nonce: int
    signer: KeyId
    body: Body

    def encode(self) -> bytes:
        head = HEADER.pack(VERSION, self.body.kind, self.account, self.nonce, self.signer)
        return head + self.body.encode()


def registration(record: KeyRecord, salt: bytes) -> Operation:
    """Return the operation that opens an account with `record` as its first key."""
    body = Register(record, salt)
    return Operation(body.account, 1, record.key_id, body)


def challenge(ledger: LedgerId, operation: bytes) -> Digest:
    """Return what a key signs for `operation`: it is valid on one ledger only."""
    return tagged(tags.CHALLENGE, bytes([VERSION]), ledger, operation)


def decode_operation(content: bytes) -> Operation:
    """Read an operation, or raise `MalformedInput`. Whatever is read encodes to the same bytes."""
    if len(content) < HEADER.size:
        raise MalformedInput("an operation has a header of 74 bytes", where="operation")
    version, number, account, nonce, signer = HEADER.unpack_from(content)
    if version != VERSION:
        raise MalformedInput(
            Said("operation version {version}", version=version), where="operation", cure="use 1"
        )
    try:
        kind = Kind(number)
    except ValueError:
        raise MalformedInput(
            Said("operation kind {number}", number=number), where="operation"
        ) from None
    raw = content[HEADER.size :]
    if len(raw) != BODY_BYTES[kind]:
        raise MalformedInput(
            Said(
                "a {kind} body has {size} bytes, not {count}",
                kind=kind.name.lower(),
                size=BODY_BYTES[kind],
                count=len(raw),
            ),
            where="operation",
        )
    return Operation(AccountId(account), nonce, KeyId(signer), _decode_body(kind, raw))


def _decode_body(kind: Kind, raw: bytes) -> Body:  # noqa: PLR0911  One return a kind.
    match kind:
        case Kind.REGISTER:
            return Register(_decode_record(raw[:-32]), raw[-32:])
        case Kind.ADD_KEY:
            return AddKey(_decode_record(raw))
        case Kind.REMOVE_KEY:
            return RemoveKey(KeyId(raw))
        case Kind.GRANT:
            consent, valid_from, valid_until, include_by = Grant.LAYOUT.unpack(raw)
            return Grant(
                ConsentId(consent), Seconds(valid_from), Seconds(valid_until), Seconds(include_by)
            )
        case Kind.REVOKE:
            return Revoke(ConsentId(raw))
        case Kind.REVOKE_ALL:
            return RevokeAll()
        case Kind.COMMIT:
            root, interval = Commit.LAYOUT.unpack(raw)
            return Commit(Digest(root), interval)


def _decode_record(raw: bytes) -> KeyRecord:
    x, y, rp_id_hash, number, capabilities, expires = KeyRecord.LAYOUT.unpack(raw)
    try:
        scheme = Scheme(number)
    except ValueError:
        raise MalformedInput(
            Said("signature scheme {number}", number=number), where="operation"
        ) from None
    return KeyRecord(PublicKey(x, y), rp_id_hash, scheme, capabilities, Seconds(expires))


@dataclass(frozen=True, slots=True)
class Witness:
    """The key, the signature and what an authenticator added: enough to check it offline."""

    scheme: Scheme
    key: PublicKey
    rp_id_hash: bytes
    signature: Signature
    assertion: Assertion

    @property
    def key_id(self) -> KeyId:
        return key_id(self.scheme, self.key, self.rp_id_hash)


@dataclass(frozen=True, slots=True)
class SignedOperation:
    """An operation as it travels: the signed bytes, and the witness of the signature."""

    operation: bytes
    witness: Witness

    FIXED: ClassVar[struct.Struct] = struct.Struct(">B32s32s32s32s32s")

    def encode(self) -> bytes:
        witness = self.witness
        data, suffix = witness.assertion.authenticator_data, witness.assertion.client_data_suffix
        return b"".join(
            (
                len(self.operation).to_bytes(2),
                self.operation,
                self.FIXED.pack(
                    witness.scheme,
                    witness.key.x,
                    witness.key.y,
                    witness.rp_id_hash,
                    witness.signature.r,
                    witness.signature.s,
                ),
                len(data).to_bytes(2),
                data,
                len(suffix).to_bytes(2),
                suffix,
            )
        )


SIGNED_OPERATION_BYTES_MAX = (
    2
    + OPERATION_BYTES_MAX
    + SignedOperation.FIXED.size
    + 2
    + AUTHENTICATOR_DATA_MAX
    + 2
    + SUFFIX_MAX
)


def decode_signed(content: bytes) -> SignedOperation:
    """Read a signed operation, or raise `MalformedInput`. There is one encoding of each."""
    if len(content) > SIGNED_OPERATION_BYTES_MAX:
        raise MalformedInput(
            Said("longer than {most} bytes", most=SIGNED_OPERATION_BYTES_MAX),
            where="signed operation",
        )
    operation, at = _sized(content, 0, OPERATION_BYTES_MAX)
    fixed = content[at : at + SignedOperation.FIXED.size]
    if len(fixed) != SignedOperation.FIXED.size:
        raise MalformedInput("cut off", where="signed operation")
    number, x, y, rp_id_hash, r, s = SignedOperation.FIXED.unpack(fixed)
    data, at = _sized(content, at + len(fixed), AUTHENTICATOR_DATA_MAX)
    suffix, at = _sized(content, at, SUFFIX_MAX)
    if at != len(content):
        raise MalformedInput("bytes after its end", where="signed operation")
    try:
        scheme = Scheme(number)
    except ValueError:
        raise MalformedInput(
            Said("signature scheme {number}", number=number), where="signed operation"
        ) from None
    witness = Witness(scheme, PublicKey(x, y), rp_id_hash, Signature(r, s), Assertion(data, suffix))
    return SignedOperation(operation, witness)


def _sized(content: bytes, at: int, longest: int) -> tuple[bytes, int]:
    size = int.from_bytes(content[at : at + 2])
    field = content[at + 2 : at + 2 + size]
    if at + 2 > len(content) or size > longest or len(field) != size:
        raise MalformedInput("cut off or oversized", where="signed operation")
    return field, at + 2 + size
