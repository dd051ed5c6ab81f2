"""The evidence file: enough for a stranger to check one consent, as one canonical JSON document.

`docs/evidence.md` describes it byte by byte. Reading is part by part, so that a part that cannot be
read keeps nobody from judging the others; nothing is judged here. Version 1 has no optional member.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Generic, TypeVar, cast

from pulsekey.consent.operations import (
    Commit,
    Grant,
    Operation,
    Register,
    decode_operation,
    decode_signed,
)
from pulsekey.consent.terms import Terms, decode_terms
from pulsekey.evidence import shapes
from pulsekey.evidence.entries import ASKED_BYTES_MAX, Asked, Entry
from pulsekey.evidence.openings import Opening, read_opening
from pulsekey.evidence.shapes import Shape
from pulsekey.identity.enrolment import Statement, decode_statement
from pulsekey.ledger.encoding import decode_head, decode_step, encode_head, encode_step
from pulsekey.ledger.evidence import StateEvidence
from pulsekey.ledger.genesis import Genesis, decode_genesis
from pulsekey.ledger.ports import Head
from pulsekey.ledger.view import ProvedStep
from pulsekey.primitives import canonical, tags
from pulsekey.primitives.canonical import Document
from pulsekey.primitives.clock import Micros, Seconds
from pulsekey.primitives.errors import MalformedInput
from pulsekey.primitives.hashing import tagged
from pulsekey.primitives.ids import Digest

TYPE = "pulsekey/evidence"
VERSION = 1
EVIDENCE_BYTES_MAX = 32 * 1024**2
EVIDENCE_MARKS_MAX = 2**21
"""How often commas and opening brackets and braces may stand in a file. There are no more values
than these, and each takes memory, so it is counted before anything is parsed."""

PARTS = (
    "genesis",
    "terms",
    "enrolment",
    "recipient",
    "operations",
    "head",
    "checkpoint",
    "states",
    "releases",
    "anchor",
)

PartT_co = TypeVar("PartT_co", covariant=True)
Object = Mapping[str, Document]


@dataclass(frozen=True, slots=True)
class Stated:
    """A statement of the custodian's: its canonical bytes and the Ed25519 signature."""

    content: bytes
    signature: bytes

    @property
    def statement(self) -> Statement:
        return decode_statement(self.content)


@dataclass(frozen=True, slots=True)
class NamedStatement:
    """A statement, and what opens the name in it. The name itself stands in the terms."""

    stated: Stated
    name_salt: bytes


@dataclass(frozen=True, slots=True)
class Proved:
    """An operation as it was read, with its step and the way to the head."""

    signed: bytes
    operation: Operation
    proof: ProvedStep


@dataclass(frozen=True, slots=True)
class Read:
    """What of an entry does not follow from the terms and from the entry before."""

    at: Micros
    asked: Asked
    salt: bytes


@dataclass(frozen=True, slots=True)
class Releases:
    """The consent's access chain from its first entry, and what commits the custodian to it.

    `newest` opens the last operation of the file, `closing` the earlier commitment in it, if there
    is one: the first in which the chain ended where it does.
    """

    reads: tuple[Read, ...]
    newest: Opening
    closing: Opening | None = None


def read_of(entry: Entry) -> Read:
    """Return what a file keeps of an entry."""
    return Read(entry.access.at, entry.access.asked, entry.salt)


@dataclass(frozen=True, slots=True)
class FileAnchor:
    """Where the custodian says that a head was anchored, this file's or one that extends it."""

    head: Head
    consistency: tuple[Digest, ...]
    chain: str
    block: int
    time: Seconds
    accumulator: Digest
    signature: bytes = b""

    def document(self) -> dict[str, Document]:
        return {
            "head": encode_head(self.head).hex(),
            "consistency": [node.hex() for node in self.consistency],
            "chain": self.chain,
            "block": self.block,
            "time": self.time,
            "accumulator": self.accumulator.hex(),
        }

    @property
    def message(self) -> Digest:
        """What the custodian signs: it answers for what it says of the chain."""
        return tagged(tags.EVIDENCE_ANCHOR, canonical.encode(self.document()))


@dataclass(frozen=True, slots=True)
class Evidence:
    """All parts. `enrolment` is absent where nobody has said who holds the account."""

    genesis: Genesis
    terms: Terms
    enrolment: Stated | None
    recipient: NamedStatement
    operations: tuple[ProvedStep, ...]
    head: Head
    checkpoint: bytes
    states: tuple[StateEvidence, ...]
    releases: Releases
    anchor: FileAnchor

    def encode(self) -> bytes:
        """Return the file."""
        return canonical.encode(
            {
                "type": TYPE,
                "version": VERSION,
                "genesis": canonical.decode(self.genesis.encode()),
                "terms": self.terms.document(),
                "enrolment": None if self.enrolment is None else _stated(self.enrolment),
                "recipient": _stated(self.recipient.stated)
                | {"nameSalt": self.recipient.name_salt.hex()},
                "operations": [_proved(each) for each in self.operations],
                "head": encode_head(self.head).hex(),
                "checkpoint": self.checkpoint.decode(),
                "states": [
                    {"key": one.key.hex(), "value": one.value.hex(), "proof": one.proof.hex()}
                    for one in self.states
                ],
                "releases": _releases(self.releases),
                "anchor": self.anchor.document() | {"signature": self.anchor.signature.hex()},
            }
        )


@dataclass(frozen=True, slots=True)
class Part(Generic[PartT_co]):
    """A part of a file as it was read, or why it could not be."""

    name: str
    value: PartT_co | None
    problem: str = ""

    def get(self) -> PartT_co:
        """Return the part; raise `MalformedInput` if there is none to judge by."""
        if self.value is None:
            raise MalformedInput(f"not judged: {self.name} cannot be read")
        return self.value


@dataclass(frozen=True, slots=True)
class Parts:
    """Every part of a file, read as far as it goes."""

    genesis: Part[Genesis]
    terms: Part[Terms]
    enrolment: Part[Stated]
    recipient: Part[NamedStatement]
    operations: Part[tuple[Proved, ...]]
    head: Part[Head]
    checkpoint: Part[bytes]
    states: Part[tuple[StateEvidence, ...]]
    releases: Part[Releases]
    anchor: Part[FileAnchor]

    def problems(self) -> list[str]:
        """Return why parts could not be read, in the order of `PARTS`."""
        parts: list[Part[object]] = [getattr(self, name) for name in PARTS]
        return [f"{part.name}: {part.problem}" for part in parts if part.problem]


def read_parts(content: bytes) -> Parts:
    """Read a file; raise `MalformedInput` if it is not even an object with the right members."""
    check_size(content)
    raw = canonical.decode(content, where="evidence")
    if not isinstance(raw, dict) or raw.keys() != {"type", "version", *PARTS}:
        raise MalformedInput("not the members of an evidence file", where="evidence")
    if raw["type"] != TYPE or type(raw["version"]) is not int or raw["version"] != VERSION:
        raise MalformedInput("not evidence of version 1", where="evidence")
    return Parts(
        genesis=_part(raw, "genesis", shapes.GENESIS, _read_genesis),
        terms=_part(raw, "terms", shapes.TERMS, _read_terms),
        enrolment=_part(raw, "enrolment", shapes.ENROLMENT, _read_stated),
        recipient=_part(raw, "recipient", shapes.RECIPIENT, _read_recipient),
        operations=_part(raw, "operations", shapes.OPERATIONS, _read_operations),
        head=_part(raw, "head", shapes.HEAD, _read_head),
        checkpoint=_part(raw, "checkpoint", shapes.text, lambda raw: cast("str", raw).encode()),
        states=_part(raw, "states", shapes.STATES, _read_states),
        releases=_part(raw, "releases", shapes.RELEASES, _read_releases),
        anchor=_part(raw, "anchor", shapes.ANCHOR, _read_anchor),
    )


def check_size(content: bytes) -> None:
    """Raise `MalformedInput` for a file that is larger than a verifier reads."""
    if len(content) > EVIDENCE_BYTES_MAX:
        raise MalformedInput(f"longer than {EVIDENCE_BYTES_MAX} bytes", where="evidence")
    if sum(map(content.count, (b",", b"[", b"{"))) > EVIDENCE_MARKS_MAX:
        raise MalformedInput("more values than evidence has", where="evidence")


ReadT = TypeVar("ReadT")


def _part(raw: Object, name: str, shape: Shape, read: Callable[[Document], ReadT]) -> Part[ReadT]:
    document = raw[name]
    if name == "enrolment" and document is None:
        return Part(name, None)
    if not shape(document):
        return Part(name, None, "not of the form that version 1 describes")
    try:
        return Part(name, read(document))
    except MalformedInput as error:
        return Part(name, None, str(error))


# Below, `Document`s have passed their shape: members are there and of the right type.


def _read_genesis(raw: Document) -> Genesis:
    return decode_genesis(canonical.encode(raw))


def _read_terms(raw: Document) -> Terms:
    return decode_terms(canonical.encode(raw))


def _read_stated(raw: Document) -> Stated:
    members = cast("Object", raw)
    stated = Stated(canonical.encode(members["statement"]), _bytes(members["signature"]))
    decode_statement(stated.content)
    return stated


def _read_recipient(raw: Document) -> NamedStatement:
    return NamedStatement(_read_stated(raw), _bytes(cast("Object", raw)["nameSalt"]))


def _read_operations(raw: Document) -> tuple[Proved, ...]:
    operations = tuple(_read_proved(each) for each in cast("list[Object]", raw))
    first, *middle, last = (each.operation.body for each in operations)
    grants = sum(isinstance(body, Grant) for body in middle)
    commits = sum(isinstance(body, Commit) for body in middle)
    if (
        not (isinstance(first, Register) and isinstance(last, Commit))
        or grants != 1
        or commits > 1
        or any(isinstance(body, Register) for body in middle)
    ):
        raise MalformedInput(
            "a register, then one grant among others of the account, then a commit",
            where="operations",
        )
    return operations


def _read_proved(raw: Object) -> Proved:
    signed = _bytes(raw["signed"])
    step = decode_step(_bytes(raw["step"]))
    operation = decode_operation(decode_signed(signed).operation)
    return Proved(signed, operation, ProvedStep(signed, step, _digests(raw["inclusion"])))


def _read_head(raw: Document) -> Head:
    return decode_head(_bytes(raw))


def _read_states(raw: Document) -> tuple[StateEvidence, ...]:
    return tuple(
        StateEvidence(_bytes(one["key"]), _bytes(one["value"]), _bytes(one["proof"]))
        for one in cast("list[Object]", raw)
    )


def _read_releases(raw: Document) -> Releases:
    members = cast("Object", raw)
    asked = cast("list[Object]", members["asked"])
    sizes = [len(canonical.encode(dict(one))) for one in asked]
    rows = cast("list[list[Document]]", members["reads"])
    used = list(dict.fromkeys(cast("int", row[1]) for row in rows))
    if max(sizes, default=0) > ASKED_BYTES_MAX or used != list(range(len(asked))):
        raise MalformedInput("what was asked for is too long, or not in the order of its use")
    kinds = [_read_asked(one) for one in asked]
    if len(set(kinds)) != len(kinds):
        raise MalformedInput("the same was asked for twice")
    closing = members["closing"]
    return Releases(
        tuple(_read_row(row, kinds) for row in rows),
        read_opening(members["newest"]),
        None if closing is None else read_opening(closing),
    )


def _read_asked(raw: Object) -> Asked:
    types, categories, codes = (
        tuple(cast("list[str]", raw[name])) for name in ("types", "categories", "codes")
    )
    return Asked(types, categories, codes, limit=cast("int", raw["limit"]))


def _read_row(row: list[Document], asked: list[Asked]) -> Read:
    at, place, first, last, salt = row
    # Made anew only if there is a period: most reads ask for the same, and checking it takes time.
    what = asked[cast("int", place)]
    if first is not None or last is not None:
        what = what.measured(cast("Micros | None", first), cast("Micros | None", last))
    return Read(cast("Micros", at), what, _bytes(salt))


def _read_anchor(raw: Document) -> FileAnchor:
    members = cast("Object", raw)
    return FileAnchor(
        _read_head(members["head"]),
        _digests(members["consistency"]),
        cast("str", members["chain"]),
        cast("int", members["block"]),
        Seconds(cast("int", members["time"])),
        _digest(members["accumulator"]),
        _bytes(members["signature"]),
    )


def _stated(stated: Stated) -> dict[str, Document]:
    return {
        "statement": canonical.decode(stated.content),
        "signature": stated.signature.hex(),
    }


def _proved(proved: ProvedStep) -> Document:
    return {
        "signed": proved.signed.hex(),
        "step": encode_step(proved.step).hex(),
        "inclusion": [node.hex() for node in proved.inclusion],
    }


def _releases(releases: Releases) -> Document:
    places: dict[Asked, int] = {}
    rows: list[Document] = []
    for read in releases.reads:
        what = read.asked.measured(None, None)
        place = places.setdefault(what, len(places))
        rows.append([read.at, place, read.asked.data_from, read.asked.data_until, read.salt.hex()])
    return {
        "asked": [what.what() for what in places],
        "reads": rows,
        "newest": releases.newest.document(),
        "closing": None if releases.closing is None else releases.closing.document(),
    }


def _bytes(raw: Document) -> bytes:
    return bytes.fromhex(cast("str", raw))


def _digest(raw: Document) -> Digest:
    return Digest(_bytes(raw))


def _digests(raw: Document) -> tuple[Digest, ...]:
    return tuple(_digest(one) for one in cast("list[Document]", raw))
