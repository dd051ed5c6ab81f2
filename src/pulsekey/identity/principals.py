"""Who takes part: people with a role and an organisation, and the passkeys that speak for them.

A principal's id is random and opaque. Their display name and their identifiers elsewhere are
personal data: they stand here in clear only in memory, and the store seals them.
"""

import unicodedata
from dataclasses import dataclass
from enum import StrEnum

from pulsekey.identity.lifecycle import MAY_BE_GRANTED, MAY_OPERATE, Status
from pulsekey.primitives import tags
from pulsekey.primitives.assertion import PublicKey
from pulsekey.primitives.clock import Micros
from pulsekey.primitives.errors import AccessDenied, MalformedInput
from pulsekey.primitives.hashing import tagged
from pulsekey.primitives.ids import AccountId, KeyId, OrganisationId, PatientId, PrincipalId
from pulsekey.primitives.messages import Said

NAME_CHARACTERS_MAX = 120
PASSKEY_NAME_CHARACTERS_MAX = 60
IDENTIFIER_CHARACTERS_MAX = 255
IDENTIFIERS_MAX = 32
PASSKEYS_MAX = 10
"""Passkeys of one principal that may be active at the same time."""

WEBAUTHN_P256 = b"\x01"
"""The ledger's number for a passkey's signature scheme, part of what a key is named by."""


class Role(StrEnum):
    PATIENT = "patient"
    CLINICIAN = "clinician"
    OPERATOR = "operator"


@dataclass(frozen=True, slots=True)
class Organisation:
    id: OrganisationId
    name: str


@dataclass(frozen=True, slots=True)
class Identifier:
    """A name that some system gave a patient: its URI and the value, both case-sensitive."""

    system: str
    value: str


@dataclass(frozen=True, slots=True)
class Principal:
    """Somebody who can sign in.

    `patient` names the record about them: every patient has exactly one, nobody else has any.
    `account` is their pseudonym on the ledger, once they have opened one.
    """

    id: PrincipalId
    role: Role
    status: Status
    organisation: OrganisationId
    display_name: str
    patient: PatientId | None
    account: AccountId | None
    keys: tuple[KeyId, ...]
    created_at: Micros


@dataclass(frozen=True, slots=True)
class Passkey:
    """A registered credential. `sign_count` 0 means that the authenticator does not count."""

    credential_id: bytes
    principal: PrincipalId
    key: PublicKey
    rp_id_hash: bytes
    sign_count: int
    synced: bool
    """Whether the credential may exist on several devices (backup eligible)."""

    transports: tuple[str, ...]
    created_at: Micros
    clone_suspected_at: Micros | None = None
    last_used_at: Micros | None = None
    """When it last made a gesture that was accepted."""

    name: str = ""
    """What its owner calls it; "" if nothing."""

    @property
    def key_id(self) -> KeyId:
        return passkey_id(self.key, self.rp_id_hash)


def passkey_id(key: PublicKey, rp_id_hash: bytes) -> KeyId:
    """Return the name that the ledger has for a passkey (as `consent.operations.key_id`)."""
    return KeyId(tagged(tags.KEY, WEBAUTHN_P256, key.x, key.y, rp_id_hash))


def require_grantable(principal: Principal) -> None:
    """Raise `AccessDenied` unless consent may name `principal` as its recipient."""
    if principal.role is not Role.CLINICIAN or principal.status not in MAY_BE_GRANTED:
        raise AccessDenied("this recipient's identity has not been confirmed")


def require_operator(principal: Principal) -> None:
    """Raise `AccessDenied` unless `principal` may act as an operator."""
    if principal.role is not Role.OPERATOR or principal.status not in MAY_OPERATE:
        raise AccessDenied("only an operator may do this")


def checked_name(name: str, *, where: str = "display name") -> str:
    """Return `name` in NFC, or raise `MalformedInput` if it is no single line that can be shown.

    Format characters are refused because a right-to-left override in a name could turn the sentence
    that a patient confirms into another one.
    """
    return _checked_line(unicodedata.normalize("NFC", name), NAME_CHARACTERS_MAX, where)


def checked_passkey_name(name: str) -> str:
    """Return what somebody calls a passkey, in NFC and maybe empty, or raise `MalformedInput`."""
    if not name:
        return ""
    normal = unicodedata.normalize("NFC", name)
    return _checked_line(normal, PASSKEY_NAME_CHARACTERS_MAX, "passkey name")


def checked_identifier(identifier: Identifier) -> Identifier:
    """Return `identifier` unchanged, or raise `MalformedInput`."""
    _checked_line(identifier.system, IDENTIFIER_CHARACTERS_MAX, "identifier system")
    _checked_line(identifier.value, IDENTIFIER_CHARACTERS_MAX, "identifier value")
    return identifier


def _checked_line(text: str, longest: int, where: str) -> str:
    if not 1 <= len(text) <= longest:
        raise MalformedInput(Said("needs 1 to {most} characters", most=longest), where=where)
    if text != text.strip():
        raise MalformedInput("begins or ends with a space", where=where, cure="remove it")
    if any(unicodedata.category(character) in {"Cc", "Cf", "Cs", "Zl", "Zp"} for character in text):
        raise MalformedInput("holds a character that cannot be seen", where=where, cure="retype it")
    return text
