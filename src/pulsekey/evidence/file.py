"""The evidence file: enough for a stranger to check one consent, as one canonical JSON document.

`docs/evidence.md` describes it byte by byte. Reading is part by part, so that a part that cannot be
read keeps nobody from judging the others; nothing is judged here. Version 1 has no optional member.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Generic, TypeVar, cast

from pulsekey.consent.operations import (
    AddKey,
    Commit,
    Grant,
    Operation,
    Register,
    RemoveKey,
    Revoke,
    RevokeAll,
    decode_operation,
    decode_signed,
)
from pulsekey.consent.terms import Terms, decode_terms
from pulsekey.evidence import shapes
from pulsekey.evidence.entries import Entry, decode_entry
from pulsekey.evidence.shapes import Shape
from pulsekey.identity.enrolment import Statement, decode_statement
from pulsekey.ledger.encoding import decode_head, decode_step, encode_head, encode_step
from pulsekey.ledger.evidence import StateEvidence
from pulsekey.ledger.genesis import Genesis, decode_genesis
from pulsekey.ledger.ports import Head
from pulsekey.ledger.view import ProvedStep
from pulsekey.primitives import canonical, tags
from pulsekey.primitives.canonical import Document
from pulsekey.primitives.clock import Seconds
from pulsekey.primitives.errors import MalformedInput
from pulsekey.primitives.hashing import tagged
from pulsekey.primitives.ids import Digest

TYPE = "pulsekey/evidence"
VERSION = 1
EVIDENCE_BYTES_MAX = 64 * 1024**2
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
_KEY_CHANGES = (AddKey, RemoveKey, Grant, Revoke, RevokeAll)

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
class Releases:
    """The consent's access chain from its first entry, and what commits the custodian to it.

    `chains` are the newest (chain, counter, entry) of every chain of the patient; `salt`, `size`
    and `manifest` open the patient's leaf, which is number `place` of `count`.
    """

    entries: tuple[Entry, ...]
    chains: tuple[tuple[Digest, int, Digest], ...]
    salt: bytes
    size: int
    manifest: Digest
    place: int
    count: int
    inclusion: tuple[Digest, ...]


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
    if len(content) > EVIDENCE_BYTES_MAX:
        raise MalformedInput(f"longer than {EVIDENCE_BYTES_MAX} bytes", where="evidence")
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
    if not (isinstance(first, Register) and isinstance(last, Commit) and grants == 1) or any(
        not isinstance(body, _KEY_CHANGES) for body in middle
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
    leaf, patients = cast("Object", members["leaf"]), cast("Object", members["patients"])
    return Releases(
        tuple(
            decode_entry(canonical.encode(entry))
            for entry in cast("list[Document]", members["entries"])
        ),
        tuple(
            (_digest(one["chain"]), cast("int", one["counter"]), _digest(one["entry"]))
            for one in cast("list[Object]", members["chains"])
        ),
        _bytes(leaf["salt"]),
        cast("int", leaf["size"]),
        _digest(leaf["manifest"]),
        cast("int", patients["place"]),
        cast("int", patients["count"]),
        _digests(patients["inclusion"]),
    )


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
    return {
        "entries": [canonical.decode(entry.encode()) for entry in releases.entries],
        "chains": [
            {"chain": chain.hex(), "counter": counter, "entry": entry.hex()}
            for chain, counter, entry in releases.chains
        ],
        "leaf": {
            "salt": releases.salt.hex(),
            "size": releases.size,
            "manifest": releases.manifest.hex(),
        },
        "patients": {
            "place": releases.place,
            "count": releases.count,
            "inclusion": [node.hex() for node in releases.inclusion],
        },
    }


def _bytes(raw: Document) -> bytes:
    return bytes.fromhex(cast("str", raw))


def _digest(raw: Document) -> Digest:
    return Digest(_bytes(raw))


def _digests(raw: Document) -> tuple[Digest, ...]:
    return tuple(_digest(one) for one in cast("list[Document]", raw))
