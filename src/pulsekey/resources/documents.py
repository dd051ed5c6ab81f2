"""Clinical resources as documents: kept as they came, with the few facts that the vault needs."""

from dataclasses import dataclass
from enum import StrEnum

from pulsekey.signals.category import Category


class Place(StrEnum):
    """What standing at a place of a resource means for whose resource it is."""

    ABOUT = "about"
    """Whom the resource is about."""
    BESIDE = "beside"
    """Where the standard has a place for another person: who pays, the mother's encounter."""
    WITHIN = "within"
    """A person whose own resource is carried inside this one."""
    ELSEWHERE = "elsewhere"


@dataclass(frozen=True, slots=True)
class Mention:
    """Somebody, or something, that a resource names where it says who that is.

    `kind` is the resource type if the place itself says so, else ""; `reference` is as written, ""
    if there is none; `identifiers` are (system, value) pairs.
    """

    place: Place
    kind: str = ""
    reference: str = ""
    identifiers: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Named:
    """Everything that a resource refers to, and so everybody whose resource it may be.

    `links` are the plain references that stand `ELSEWHERE`, each once; all others are `mentions`.
    """

    mentions: tuple[Mention, ...] = ()
    links: tuple[str, ...] = ()


NOBODY = Named()


@dataclass(frozen=True, slots=True)
class Clinical:
    """One clinical resource.

    `content` is its JSON as received (decimals untouched), references inside the same payload
    included. `key` names it in its source (full url, or type and id), so that a newer export
    finds it again; `subject` is what it says it is about, "" where it has no subject. `date` is
    its clinical time as a FHIR dateTime, "" where it has none.
    """

    resource_type: str
    key: str
    category: Category
    content: bytes
    subject: str = ""
    date: str = ""
    codes: tuple[tuple[str, str], ...] = ()
    """(system, code) pairs of `code` and, for an Observation, of its components."""
    where: str = ""
    """Its place in the payload, for reports."""
    resource_id: str = ""
    """The id it had where it came from; never the id it gets here."""
    references: tuple[str, ...] = ()
    """What it refers to, as written, each once: docs/decisions/0024 says how it is rendered."""
    identifiers: tuple[tuple[str, str], ...] = ()
    """(system, value) pairs of a person, or those that a resource gives of its subject."""
    named: Named = NOBODY
    """Whom it names: for the judgement of whose it is, and not stored."""
