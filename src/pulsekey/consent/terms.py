"""Terms: the canonical document that a consent is about.

What is signed is a hash of this document; it holds the exact sentence that the patient read and a
random salt, so the hash on the ledger says nothing. Terms and salt live sealed at the custodian,
with the patient and in evidence.
"""

from dataclasses import dataclass
from typing import cast

from pulsekey.primitives import canonical, tags
from pulsekey.primitives.canonical import Document
from pulsekey.primitives.clock import Seconds
from pulsekey.primitives.errors import MalformedInput
from pulsekey.primitives.hashing import tagged
from pulsekey.primitives.ids import AccountId, ConsentId, OrganisationId, PatientId, PrincipalId
from pulsekey.primitives.messages import Said
from pulsekey.signals.category import CATALOGUE_VERSION, Category

TYPE = "pulsekey/terms"
VERSION = 1
SALT_BYTES = 32
CATEGORIES_MAX = len(Category)
TERMS_BYTES_MAX = 16_384
OFFSET_SECONDS_MAX = 18 * 3_600
"""No zone was ever further from UTC; the database's widest is Manila before 1844, 15:56 behind."""

PURPOSES = ("TREAT", "CAREMGT", "HRESCH", "PATRQT")
"""HL7 v3 PurposeOfUse (urn:oid:2.16.840.1.113883.1.11.20448), those offered here."""


@dataclass(frozen=True, slots=True)
class Organisation:
    """An organisation as the terms name it."""

    id: OrganisationId
    name: str


@dataclass(frozen=True, slots=True)
class Recipient:
    """Who may read: a person, and who says that it is them.

    `confirmation` is the hex digest of the signed statement by which an operator confirmed them.
    """

    id: PrincipalId
    name: str
    organisation: Organisation
    confirmation: str


@dataclass(frozen=True, slots=True)
class Controller:
    """Who answers for the data, and where to reach them."""

    organisation: Organisation
    contact: str


@dataclass(frozen=True, slots=True)
class Offsets:
    """How far the patient's clock is from UTC at the moments of the terms, in seconds, east first.

    What a sentence says must not depend on tomorrow's zone database: laws about clocks change.
    """

    valid_until: int
    data_from: int | None
    data_until: int | None


@dataclass(frozen=True, slots=True)
class Terms:
    """One consent, in full. Times are whole seconds in UTC; `zone` is how the patient reads them.

    `valid_from` and `valid_until` say when may be read; `data_from` and `data_until` which
    measurements (None: no bound on that side). `offsets` are those of `zone` at these times when
    the sentence was made (`consent.sentence.with_sentence` puts them in).
    """

    subject: PatientId
    signer: AccountId
    recipient: Recipient
    controller: Controller
    categories: tuple[Category, ...]
    purpose: str
    valid_from: Seconds
    valid_until: Seconds
    data_from: Seconds | None
    data_until: Seconds | None
    zone: str
    jurisdiction: str
    language: str
    legal_basis: str
    salt: bytes
    offsets: Offsets = Offsets(0, None, None)
    sentence: str = ""
    basis: str = "self"
    exclusions: tuple[str, ...] = ()
    catalogue: int = CATALOGUE_VERSION

    def document(self) -> Document:
        """Return the terms as the document that is hashed."""
        return {
            "type": TYPE,
            "version": VERSION,
            "subject": self.subject,
            "signer": {"account": self.signer.hex(), "basis": self.basis},
            "recipient": {
                "kind": "person",
                "id": self.recipient.id,
                "name": self.recipient.name,
                "organisation": _organisation(self.recipient.organisation),
                "confirmation": self.recipient.confirmation,
            },
            "controller": {
                "organisation": _organisation(self.controller.organisation),
                "contact": self.controller.contact,
            },
            "categories": [str(category) for category in self.categories],
            "exclusions": list(self.exclusions),
            "purpose": self.purpose,
            "valid": {"from": self.valid_from, "until": self.valid_until},
            "data": {"from": self.data_from, "until": self.data_until},
            "zone": self.zone,
            "offsets": {
                "validUntil": self.offsets.valid_until,
                "dataFrom": self.offsets.data_from,
                "dataUntil": self.offsets.data_until,
            },
            "jurisdiction": self.jurisdiction,
            "language": self.language,
            "legalBasis": self.legal_basis,
            "catalogue": self.catalogue,
            "sentence": self.sentence,
            "salt": self.salt.hex(),
        }

    def encode(self) -> bytes:
        """Return the canonical bytes."""
        return canonical.encode(self.document())

    @property
    def consent(self) -> ConsentId:
        """The terms hash, which is the name of the consent."""
        return consent_id(self.encode())


def consent_id(content: bytes) -> ConsentId:
    """Return the hash of canonical terms bytes."""
    return ConsentId(tagged(tags.TERMS, content))


def decode_terms(content: bytes) -> Terms:
    """Read canonical terms bytes, or raise `MalformedInput`."""
    if len(content) > TERMS_BYTES_MAX:
        raise MalformedInput(Said("longer than {most} bytes", most=TERMS_BYTES_MAX), where="terms")
    raw = canonical.decode(content, where="terms")
    try:
        terms = _terms(cast("dict[str, Document]", raw))
        same = terms.encode() == content
    except (KeyError, TypeError, ValueError, AttributeError):
        same = False
    if not same:
        raise MalformedInput("not terms of version 1", where="terms")
    return terms


def check(terms: Terms) -> Terms:
    """Return `terms` if they can be meant, or raise `MalformedInput` saying what cannot."""
    if not terms.categories:
        raise MalformedInput("no category chosen", where="categories", cure="choose what to share")
    if len(set(terms.categories)) != len(terms.categories):
        raise MalformedInput("a category named twice", where="categories")
    if terms.purpose not in PURPOSES:
        raise MalformedInput(
            "unknown purpose",
            where="purpose",
            cure=Said("one of {names}", names=", ".join(PURPOSES)),
        )
    if terms.valid_until <= terms.valid_from:
        raise MalformedInput("ends before it begins", where="valid", cure="choose a later end")
    bounds = (terms.data_from, terms.data_until)
    if bounds[0] is not None and bounds[1] is not None and bounds[1] <= bounds[0]:
        raise MalformedInput("ends before it begins", where="data", cure="choose a later end")
    if len(terms.salt) != SALT_BYTES:
        raise MalformedInput(Said("a salt has {size} bytes", size=SALT_BYTES), where="salt")
    return terms


def check_offsets(terms: Terms) -> None:
    """Raise `MalformedInput` unless each moment of the terms has an offset, and nothing else has.

    Whether they are those of the zone is for whoever signs to see, and only then.
    """
    offsets = terms.offsets
    shown = (
        (terms.valid_until, offsets.valid_until),
        (terms.data_from, offsets.data_from),
        (terms.data_until, offsets.data_until),
    )
    for at, offset in shown:
        if (at is None) != (offset is None) or abs(offset or 0) > OFFSET_SECONDS_MAX:
            raise MalformedInput("offsets that no clock has", where="offsets")


def _organisation(organisation: Organisation) -> Document:
    return {"id": organisation.id, "name": organisation.name}


def _terms(raw: dict[str, Document]) -> Terms:
    # Types are checked by encoding again: whatever differs from the canonical bytes is refused.
    def inner(key: str, of: dict[str, Document] = raw) -> dict[str, Document]:
        return cast("dict[str, Document]", of[key])

    def text(key: str, of: dict[str, Document] = raw) -> str:
        return cast("str", of[key])

    def moment(key: str, of: dict[str, Document]) -> Seconds | None:
        return cast("Seconds | None", of[key])

    def organisation(of: dict[str, Document]) -> Organisation:
        return Organisation(OrganisationId(text("id", of)), text("name", of))

    recipient, controller = inner("recipient"), inner("controller")
    valid, data, offsets = inner("valid"), inner("data"), inner("offsets")
    return Terms(
        subject=PatientId(text("subject")),
        signer=AccountId(bytes.fromhex(text("account", inner("signer")))),
        recipient=Recipient(
            PrincipalId(text("id", recipient)),
            text("name", recipient),
            organisation(inner("organisation", recipient)),
            text("confirmation", recipient),
        ),
        controller=Controller(
            organisation(inner("organisation", controller)), text("contact", controller)
        ),
        categories=tuple(Category(name) for name in cast("list[str]", raw["categories"])),
        purpose=text("purpose"),
        valid_from=cast("Seconds", valid["from"]),
        valid_until=cast("Seconds", valid["until"]),
        data_from=moment("from", data),
        data_until=moment("until", data),
        zone=text("zone"),
        jurisdiction=text("jurisdiction"),
        language=text("language"),
        legal_basis=text("legalBasis"),
        salt=bytes.fromhex(text("salt")),
        offsets=Offsets(
            cast("int", offsets["validUntil"]),
            moment("dataFrom", offsets),
            moment("dataUntil", offsets),
        ),
        sentence=text("sentence"),
        basis=text("basis", inner("signer")),
        exclusions=tuple(cast("list[str]", raw["exclusions"])),
        catalogue=cast("int", raw["catalogue"]),
    )
