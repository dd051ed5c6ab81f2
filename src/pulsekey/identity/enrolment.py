"""The enrolment statement: who checked who somebody is, how, and which key they hold.

One canonical JSON document, signed by the custodian, for a patient ("the key behind this pseudonym
is that of a person we identified so") and for a clinician ("confirmed by City Clinic"). It names no
person: the name shown and the reference that was checked stand in it as salted commitments, which
the custodian can open one by one. It goes into evidence files as it is.
"""

from dataclasses import dataclass
from enum import StrEnum

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from pulsekey.identity.ports import Signer
from pulsekey.identity.principals import Role, checked_name
from pulsekey.primitives import canonical, tags
from pulsekey.primitives.clock import Seconds
from pulsekey.primitives.errors import IntegrityError, MalformedInput
from pulsekey.primitives.hashing import DIGEST_BYTES, tagged
from pulsekey.primitives.ids import (
    AccountId,
    Digest,
    Entropy,
    KeyId,
    OrganisationId,
    PrincipalId,
)
from pulsekey.primitives.messages import Said

FORMAT = "pulsekey/enrolment/1"
STATEMENT_BYTES_MAX = 4_096
SALT_BYTES = 32
REFERENCE_CHARACTERS_MAX = 255
_MEMBERS = frozenset(
    {
        "account",
        "custodian",
        "custodian_name",
        "format",
        "key",
        "method",
        "name",
        "operator",
        "organisation",
        "organisation_name",
        "person",
        "role",
        "rp_id_hash",
        "stated_at",
        "subject",
    }
)


class Method(StrEnum):
    """How an operator checked who somebody is."""

    IN_PERSON_DOCUMENT = "in-person-document"
    """Seen in person with an official identity document."""

    REMOTE_DOCUMENT = "remote-document"
    """Seen by video with an official identity document."""

    KNOWN_TO_STAFF = "known-to-staff"
    """Known in person to the staff of the organisation."""

    PROFESSIONAL_REGISTER = "professional-register"
    """Found in a professional register, and reached through it."""

    EMPLOYMENT_RECORD = "employment-record"
    """Found in the organisation's own employment records."""

    TEST_DATA = "test-data"
    """Nobody was checked: the person is made up."""


@dataclass(frozen=True, slots=True)
class Check:
    """What an operator did: the method, and the reference it leaves (a document's number, say)."""

    method: Method
    reference: str


@dataclass(frozen=True, slots=True)
class Statement:
    """What is stated. `account` is absent for somebody without an account on the ledger."""

    role: Role
    subject: PrincipalId
    account: AccountId | None
    key_id: KeyId
    rp_id_hash: bytes
    operator: PrincipalId
    custodian: OrganisationId
    custodian_name: str
    organisation: OrganisationId
    organisation_name: str
    method: Method
    name_commitment: Digest
    person_commitment: Digest
    stated_at: Seconds


@dataclass(frozen=True, slots=True)
class SignedStatement:
    """The canonical bytes, the custodian's Ed25519 public key, and its signature on them."""

    content: bytes
    public_key: bytes
    signature: bytes


@dataclass(frozen=True, slots=True)
class Openings:
    """What opens a statement's two commitments. Personal data: sealed at the custodian."""

    name: str
    name_salt: bytes
    reference: str
    reference_salt: bytes


def openings(display_name: str, check: Check, entropy: Entropy) -> Openings:
    """Return fresh openings for a name as it is shown and a reference as it was checked."""
    if not 1 <= len(check.reference) <= REFERENCE_CHARACTERS_MAX:
        raise MalformedInput(
            Said("needs 1 to {most} characters", most=REFERENCE_CHARACTERS_MAX),
            where="identity check reference",
        )
    name = checked_name(display_name)
    return Openings(name, entropy(SALT_BYTES), check.reference, entropy(SALT_BYTES))


def commitment(salt: bytes, text: str) -> Digest:
    """Return the salted hash under which `text` stands in a statement."""
    return tagged(tags.PERSON, salt, text.encode("utf-8"))


def encode_statement(statement: Statement) -> bytes:
    """Return the canonical bytes that are signed."""
    return canonical.encode(
        {
            "account": "" if statement.account is None else statement.account.hex(),
            "custodian": statement.custodian,
            "custodian_name": statement.custodian_name,
            "format": FORMAT,
            "key": statement.key_id.hex(),
            "method": statement.method.value,
            "name": statement.name_commitment.hex(),
            "operator": statement.operator,
            "organisation": statement.organisation,
            "organisation_name": statement.organisation_name,
            "person": statement.person_commitment.hex(),
            "role": statement.role.value,
            "rp_id_hash": statement.rp_id_hash.hex(),
            "stated_at": statement.stated_at,
            "subject": statement.subject,
        }
    )


def decode_statement(content: bytes) -> Statement:
    """Read a statement, or raise `MalformedInput`. Nothing is verified."""
    if len(content) > STATEMENT_BYTES_MAX:
        raise MalformedInput(
            Said("longer than {most} bytes", most=STATEMENT_BYTES_MAX), where="enrolment"
        )
    document = canonical.decode(content, where="enrolment")
    if not isinstance(document, dict) or document.keys() != _MEMBERS:
        raise MalformedInput("not the members of an enrolment statement", where="enrolment")
    if document["format"] != FORMAT:
        raise MalformedInput("an unknown format", where="enrolment", cure=FORMAT)
    stated_at = document["stated_at"]
    if not isinstance(stated_at, int) or isinstance(stated_at, bool):
        raise MalformedInput("stated_at is whole seconds", where="enrolment")
    texts = {name: _text(document[name], name) for name in _MEMBERS - {"stated_at"}}
    account = texts["account"]
    try:
        role, method = Role(texts["role"]), Method(texts["method"])
    except ValueError:
        raise MalformedInput("an unknown role or method", where="enrolment") from None
    return Statement(
        role=role,
        subject=PrincipalId(texts["subject"]),
        account=AccountId(_digest(account, "account")) if account else None,
        key_id=KeyId(_digest(texts["key"], "key")),
        rp_id_hash=_digest(texts["rp_id_hash"], "rp_id_hash"),
        operator=PrincipalId(texts["operator"]),
        custodian=OrganisationId(texts["custodian"]),
        custodian_name=texts["custodian_name"],
        organisation=OrganisationId(texts["organisation"]),
        organisation_name=texts["organisation_name"],
        method=method,
        name_commitment=Digest(_digest(texts["name"], "name")),
        person_commitment=Digest(_digest(texts["person"], "person")),
        stated_at=Seconds(stated_at),
    )


def sign_statement(statement: Statement, signer: Signer) -> SignedStatement:
    """Return `statement` signed by the custodian."""
    content = encode_statement(statement)
    signature = signer.sign(tagged(tags.ENROLMENT, content))
    return SignedStatement(content, signer.public_key(), signature)


def verify_statement(signed: SignedStatement, custodian_key: bytes) -> Statement:
    """Return what `custodian_key` stated, or raise `IntegrityError`.

    The verifier brings the key it trusts: the one inside `signed` proves nothing about itself.
    """
    if signed.public_key != custodian_key:
        raise IntegrityError("the enrolment statement is signed by another key")
    try:
        key = Ed25519PublicKey.from_public_bytes(custodian_key)
        key.verify(signed.signature, tagged(tags.ENROLMENT, signed.content))
    except (ValueError, InvalidSignature):
        raise IntegrityError("the enrolment statement's signature does not hold") from None
    return decode_statement(signed.content)


def name_matches(statement: Statement, name: str, salt: bytes) -> bool:
    """Whether the statement is about somebody who is shown as `name`."""
    return commitment(salt, name) == statement.name_commitment


def reference_matches(statement: Statement, reference: str, salt: bytes) -> bool:
    """Whether the statement is about the person whom `reference` was checked for."""
    return commitment(salt, reference) == statement.person_commitment


def _text(member: object, name: str) -> str:
    if not isinstance(member, str):
        raise MalformedInput(Said("{name} is text", name=name), where="enrolment")
    return member


def _digest(text: str, name: str) -> bytes:
    try:
        content = bytes.fromhex(text)
    except ValueError:
        content = b""
    if len(content) != DIGEST_BYTES or content.hex() != text:
        raise MalformedInput(
            Said("{name} is 64 lower-case hexadecimal digits", name=name), where="enrolment"
        )
    return content
