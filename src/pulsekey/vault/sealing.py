"""How bytes are sealed: one fresh key an object, wrapped by the key of a category's epoch.

The layout of a sealed object, format 1, 80 bytes of header and then AES-256-GCM ciphertext and tag:

4 "PKSV" 1 format 1 kind 1 parties 1 zero 4 epoch, big-endian 16 key id 40 object key under the
epoch key (RFC 3394) 12 nonce

`parties` says whose keys are needed: 1, the custodian's epoch key alone; other values are kept free
for a patient's own key. The header, the patient, the category and the object's name are
authenticated, so an object moved to another patient, category, epoch or place does not open.
"""

import hmac
import struct
from dataclasses import dataclass
from enum import IntEnum

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.keywrap import InvalidUnwrap, aes_key_unwrap, aes_key_wrap

from pulsekey.primitives.errors import IntegrityError
from pulsekey.primitives.ids import Entropy, PatientId
from pulsekey.primitives.tags import SEARCH_TOKEN, VAULT_ROW, VAULT_SALT, VAULT_USE
from pulsekey.signals.category import Category

HEADER = struct.Struct(">4sBBBxI16s40s12s")
MAGIC, FORMAT, CUSTODIAN_ALONE = b"PKSV", 1, 1
KEY_BYTES, NONCE_BYTES, TAG_BYTES, TOKEN_BYTES = 32, 12, 16, 16

Cell = int | str | bytes | None
"""What a row of the index holds."""


class Kind(IntEnum):
    """What a sealed object is."""

    SEGMENT = 1
    BLOCK_PART = 2
    DOCUMENT = 3


@dataclass(frozen=True, slots=True)
class EpochKey:
    """The key of one patient, category and epoch. `key_id` is random and names it."""

    key_id: bytes
    epoch: int
    key: bytes


@dataclass(frozen=True, slots=True)
class Place:
    """What an object is and where it belongs. `name` is unique within a patient."""

    kind: Kind
    patient: PatientId
    category: str
    name: str


def seal(plain: bytes, place: Place, key: EpochKey, entropy: Entropy) -> bytes:
    """Return `plain` sealed for `place`."""
    fresh = entropy(KEY_BYTES + NONCE_BYTES)
    object_key, nonce = fresh[:KEY_BYTES], fresh[KEY_BYTES:]
    header = HEADER.pack(
        MAGIC,
        FORMAT,
        place.kind,
        CUSTODIAN_ALONE,
        key.epoch,
        key.key_id,
        aes_key_wrap(key.key, object_key),
        nonce,
    )
    return header + AESGCM(object_key).encrypt(nonce, plain, header + _binding(place))


def unseal(sealed: bytes, place: Place, key: EpochKey) -> bytes:
    """Return what was sealed, or raise `IntegrityError`, which names the object."""
    if len(sealed) < HEADER.size + TAG_BYTES:
        raise IntegrityError(f"{place.name}: too short for a sealed object")
    header = sealed[: HEADER.size]
    magic, fmt, kind, parties, epoch, key_id, wrapped, nonce = HEADER.unpack(header)
    if (magic, fmt, parties) != (MAGIC, FORMAT, CUSTODIAN_ALONE):
        raise IntegrityError(f"{place.name}: not a sealed object of a known format")
    if (kind, epoch, key_id) != (place.kind, key.epoch, key.key_id):
        raise IntegrityError(f"{place.name}: its header names another kind or key")
    try:
        object_key = aes_key_unwrap(key.key, wrapped)
        return AESGCM(object_key).decrypt(nonce, sealed[HEADER.size :], header + _binding(place))
    except (InvalidUnwrap, InvalidTag):
        raise IntegrityError(f"{place.name}: its seal is broken") from None


def _binding(place: Place) -> bytes:
    return cells(place.patient, place.category, place.name)


def cells(*columns: Cell) -> bytes:
    """Return columns as bytes that no other columns have: a type, a length, the content."""
    parts: list[bytes] = []
    for column in columns:
        match column:
            case int():
                parts.append(b"i" + column.to_bytes(8, "big", signed=True))
            case str():
                raw = column.encode()
                parts.append(b"s" + len(raw).to_bytes(4, "big") + raw)
            case bytes():
                parts.append(b"b" + len(column).to_bytes(4, "big") + column)
            case None:
                parts.append(b"n")
            case _:
                # SQLite can hand back a float from a damaged page.
                raise IntegrityError("an index cell of an impossible type")
    return b"".join(parts)


class PatientSecret:
    """The keys that one patient's index rests on, all from one wrapped secret.

    `seal_row` authenticates the plain columns of a row together with its private part, so that a
    changed cell is found when the row is used. `token` makes equality searchable and nothing else.
    """

    __slots__ = ("_categories", "_row", "_secret", "_token", "salt")

    def __init__(self, secret: bytes) -> None:
        self._secret = secret
        self._row = AESGCM(hmac.digest(secret, VAULT_ROW, "sha256"))
        self._token = hmac.digest(secret, SEARCH_TOKEN, "sha256")
        self.salt = hmac.digest(secret, VAULT_SALT, "sha256")
        self._categories = {self.token("category", one.value): one for one in Category}

    def key(self, use: str) -> bytes:
        """Return 32 bytes of key for what is sealed outside of the vault's own files."""
        return hmac.digest(self._secret, VAULT_USE + cells(use), "sha256")

    def seal_row(
        self, entropy: Entropy, private: bytes, table: str, name: str, *columns: Cell
    ) -> bytes:
        nonce = entropy(NONCE_BYTES)
        return nonce + self._row.encrypt(nonce, private, cells(table, name, *columns))

    def open_row(self, sealed: bytes, table: str, name: str, *columns: Cell) -> bytes:
        """Return the private part, or raise `IntegrityError`, which names the row."""
        try:
            bound = cells(table, name, *columns)
            return self._row.decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], bound)
        except (InvalidTag, ValueError, OverflowError, TypeError):
            raise IntegrityError(f"{table} {name}: its row was changed") from None

    def token(self, *fields: str) -> bytes:
        return hmac.digest(self._token, SEARCH_TOKEN + cells(*fields), "sha256")[:TOKEN_BYTES]

    def categories(self, allowed: frozenset[Category]) -> dict[bytes, Category]:
        """Return the categories of consent by their token, those that are allowed."""
        return {token: one for token, one in self._categories.items() if one in allowed}

    def value(self, *parts: bytes) -> bytes:
        """Return a keyed digest, for telling whether two contents are the same."""
        state = hmac.new(self._token, VAULT_ROW, "sha256")
        for part in parts:
            state.update(part)
        return state.digest()[:TOKEN_BYTES]
