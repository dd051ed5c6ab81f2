"""What the access log says of one read or refusal, as the bytes that are hashed and chained.

Every chain (one per consent, one per patient for their own reading, one per patient for refusals)
counts from 1 without a gap, and each entry holds the hash of the one before. So whoever holds the
newest hash of a chain can tell whether it is complete.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import cast

from pulsekey.primitives import canonical, tags
from pulsekey.primitives.canonical import INTEGER_MAX, Document
from pulsekey.primitives.clock import MICROS_PER_SECOND, Micros, Seconds
from pulsekey.primitives.errors import MalformedInput
from pulsekey.primitives.hashing import tagged
from pulsekey.primitives.ids import ConsentId, Digest, PatientId, PrincipalId

TYPE = "pulsekey/access"
VERSION = 1
START = Digest(bytes(32))
"""What the first entry of a chain has before it."""

ASKED_BYTES_MAX = 2_048
"""What may be asked for, as canonical JSON: 34 categories and a hundred codes of LOINC fit. A log
keeps it for ever, and whoever checks it has to read all of it."""


class Basis(StrEnum):
    """Why a record was opened, or that it was not."""

    CONSENT = "consent"
    SELF = "self"
    MAINTENANCE = "maintenance"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class Asked:
    """What was asked for, and no value: resource types, codes, data period (micros), limit.

    Raises `MalformedInput` for more than a log entry may hold.
    """

    types: tuple[str, ...]
    categories: tuple[str, ...] = ()
    codes: tuple[str, ...] = ()
    data_from: Micros | None = None
    data_until: Micros | None = None
    limit: int = 0

    def __post_init__(self) -> None:
        if len(canonical.encode(self.what())) > ASKED_BYTES_MAX:
            raise MalformedInput(
                "more is asked for at once than the log holds", cure="ask for fewer codes at a time"
            )

    def what(self) -> dict[str, Document]:
        """Return what was asked for but when it was measured, as a document."""
        return {
            "types": list(self.types),
            "categories": list(self.categories),
            "codes": list(self.codes),
            "limit": self.limit,
        }

    def measured(self, data_from: Micros | None, data_until: Micros | None) -> "Asked":
        """Return the same, asked of another period."""
        return replace(self, data_from=data_from, data_until=data_until)

    def within(
        self,
        permitted: Iterable[str],
        data_from: Micros | None = None,
        data_until: Micros | None = None,
    ) -> "Asked":
        """Return what was asked for and permitted: what was opened, and nothing beyond it.

        No category named means all of them, and no bound on a side the permitted one.
        """
        allowed = {str(category) for category in permitted}
        wanted = allowed & set(self.categories) if self.categories else allowed
        starts = [at for at in (self.data_from, loggable(data_from)) if at is not None]
        ends = [at for at in (self.data_until, loggable(data_until)) if at is not None]
        return replace(
            self,
            categories=tuple(sorted(wanted)),
            data_from=max(starts) if starts else None,
            data_until=min(ends) if ends else None,
        )


def loggable(at: Micros | None) -> Micros | None:
    """Return a time as an entry can hold it: beyond it nothing was ever measured."""
    return None if at is None else Micros(min(max(at, -INTEGER_MAX), INTEGER_MAX))


def bound(at: Seconds | None) -> Micros | None:
    """Return a bound of terms as an entry holds it."""
    return None if at is None else loggable(Micros(at * MICROS_PER_SECOND))


@dataclass(frozen=True, slots=True)
class Access:
    """One read or refusal, before it gets its place in a chain."""

    chain: Digest
    patient: PatientId
    reader: PrincipalId
    basis: Basis
    purpose: str
    at: Micros
    """When it was decided. Never before the entry in front of it: the log sees to that."""

    asked: Asked
    reason: str = ""
    """Why it was refused; empty otherwise."""

    def because(self, reason: str) -> "Access":
        """Return the refusal with its reason."""
        return replace(self, reason=str(reason))

    def under(self, chain: Digest) -> "Access":
        """Return the access as it stands in another chain."""
        return replace(self, chain=chain)


@dataclass(frozen=True, slots=True)
class Entry:
    """An access in its place. `content` is canonical; `digest` is what the next entry holds."""

    access: Access
    counter: int
    previous: Digest
    salt: bytes

    def encode(self) -> bytes:
        access, asked = self.access, self.access.asked
        document: Document = {
            "type": TYPE,
            "version": VERSION,
            "chain": access.chain.hex(),
            "counter": self.counter,
            "previous": self.previous.hex(),
            "patient": access.patient,
            "reader": access.reader,
            "basis": str(access.basis),
            "purpose": access.purpose,
            "at": access.at,
            "reason": access.reason,
            "asked": asked.what() | {"from": asked.data_from, "until": asked.data_until},
            "salt": self.salt.hex(),
        }
        return canonical.encode(document)

    @property
    def digest(self) -> Digest:
        return entry_digest(self.encode())


def entry_digest(content: bytes) -> Digest:
    """Return the hash of an entry's canonical bytes."""
    return tagged(tags.ACCESS_ENTRY, content)


def decode_entry(content: bytes) -> Entry:
    """Read an entry's canonical bytes, or raise `MalformedInput`."""
    raw = canonical.decode(content, where="access entry")
    try:
        entry = _entry(cast("dict[str, Document]", raw))
        same = entry.encode() == content
    except (KeyError, TypeError, ValueError, AttributeError):
        same = False
    if not same:
        raise MalformedInput("not an access entry of version 1", where="access entry")
    return entry


def _entry(raw: dict[str, Document]) -> Entry:
    asked = cast("dict[str, Document]", raw["asked"])

    def names(key: str) -> tuple[str, ...]:
        return tuple(cast("list[str]", asked[key]))

    return Entry(
        access=Access(
            chain=Digest(bytes.fromhex(cast("str", raw["chain"]))),
            patient=PatientId(cast("str", raw["patient"])),
            reader=PrincipalId(cast("str", raw["reader"])),
            basis=Basis(cast("str", raw["basis"])),
            purpose=cast("str", raw["purpose"]),
            at=Micros(cast("int", raw["at"])),
            asked=Asked(
                names("types"),
                names("categories"),
                names("codes"),
                cast("Micros | None", asked["from"]),
                cast("Micros | None", asked["until"]),
                cast("int", asked["limit"]),
            ),
            reason=cast("str", raw["reason"]),
        ),
        counter=cast("int", raw["counter"]),
        previous=Digest(bytes.fromhex(cast("str", raw["previous"]))),
        salt=bytes.fromhex(cast("str", raw["salt"])),
    )


def consent_chain(consent: ConsentId) -> Digest:
    """Return the chain of the reads under one consent: its own name."""
    return Digest(consent)


def own_chain(patient: PatientId, basis: Basis) -> Digest:
    """Return a patient's chain of own reads, maintenance or refusals."""
    return tagged(tags.ACCESS_CHAIN, str(basis).encode(), b"\0", patient.encode())


def accesses_head(heads: Iterable[tuple[Digest, int, Digest]]) -> Digest:
    """Return one digest over the newest (chain, counter, entry) of a patient's chains, in order."""
    return tagged(
        tags.ACCESS_HEADS,
        b"".join(chain + counter.to_bytes(8) + newest for chain, counter, newest in heads),
    )
