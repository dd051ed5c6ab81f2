"""Clinical resources as documents: kept as they came, with the few facts that the vault needs."""

from dataclasses import dataclass

from pulsekey.signals.category import Category


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
    """(system, value) pairs of a Patient, or those that a resource gives of its subject."""
