"""Which JSON an evidence file is made of, member by member: types first, meaning later.

The tables below are `docs/evidence.md`, section 2, as code. Every object has exactly the members
that are named; whatever has passed here can be decoded without looking at a type again.
"""

from collections.abc import Callable, Mapping
from enum import StrEnum

from pulsekey.consent.sentence import VERSIONS
from pulsekey.identity.enrolment import Method
from pulsekey.identity.principals import Role
from pulsekey.primitives.canonical import INTEGER_MAX, Document
from pulsekey.signals.category import Category

OPERATIONS_MAX = 256
READS_MAX = 150_000
CHAINS_MAX = 10_000
ASKED_TEXTS_MAX = 256
PATH_MAX = 128
SIGNED_BYTES_MAX = 4_096
STATE_PROOF_BYTES_MAX = 16_384
STATES_MAX = 512

Shape = Callable[[Document], bool]
_HEXADECIMAL = frozenset("0123456789abcdef")


def text(document: Document) -> bool:
    """Any string."""
    return isinstance(document, str)


def integer(document: Document) -> bool:
    """Any integer that every language holds exactly; a boolean is none."""
    return type(document) is int and abs(document) <= INTEGER_MAX


def natural(document: Document) -> bool:
    """An integer that is not negative."""
    return type(document) is int and 0 <= document <= INTEGER_MAX


def _exactly(value: str | int) -> Shape:
    return lambda document: type(document) is type(value) and document == value


def _released(value: Document) -> bool:
    """Whether the words of terms are of a version that was released."""
    return type(value) is int and value in VERSIONS


def _one_of(names: type[StrEnum]) -> Shape:
    known = frozenset(str(name) for name in names)
    return lambda document: isinstance(document, str) and document in known


def _hexadecimal(smallest: int, largest: int) -> Shape:
    """Lower-case hexadecimal digits that stand for `smallest` to `largest` bytes."""
    return lambda document: (
        isinstance(document, str)
        and 2 * smallest <= len(document) <= 2 * largest
        and len(document) % 2 == 0
        and _HEXADECIMAL.issuperset(document)
    )


def _or_null(shape: Shape) -> Shape:
    return lambda document: document is None or shape(document)


def _either(one: Shape, other: Shape) -> Shape:
    return lambda document: one(document) or other(document)


def _array(shape: Shape, longest: int, shortest: int = 0) -> Shape:
    return lambda document: (
        isinstance(document, list)
        and shortest <= len(document) <= longest
        and all(shape(member) for member in document)
    )


def _row(*columns: Shape) -> Shape:
    """An array with one value of each shape, in this order."""
    return lambda document: (
        isinstance(document, list)
        and len(document) == len(columns)
        and all(shape(member) for shape, member in zip(columns, document, strict=True))
    )


def _object(members: Mapping[str, Shape]) -> Shape:
    return lambda document: (
        isinstance(document, dict)
        and document.keys() == members.keys()
        and all(shape(document[name]) for name, shape in members.items())
    )


digest = _hexadecimal(32, 32)
path = _array(digest, PATH_MAX)
_organisation = _object({"id": text, "name": text})

TERMS = _object(
    {
        "type": _exactly("pulsekey/terms"),
        "version": _exactly(1),
        "subject": text,
        "signer": _object({"account": digest, "basis": _exactly("self")}),
        "recipient": _object(
            {
                "kind": _exactly("person"),
                "id": text,
                "name": text,
                "organisation": _organisation,
                "confirmation": digest,
            }
        ),
        "controller": _object({"organisation": _organisation, "contact": text}),
        "categories": _array(_one_of(Category), len(Category), 1),
        "exclusions": _array(text, 1_000),
        "purpose": text,
        "valid": _object({"from": natural, "until": natural}),
        "data": _object({"from": _or_null(integer), "until": _or_null(integer)}),
        "zone": text,
        "offsets": _object(
            {"validUntil": integer, "dataFrom": _or_null(integer), "dataUntil": _or_null(integer)}
        ),
        "jurisdiction": text,
        "language": text,
        "legalBasis": text,
        "catalogue": _released,
        "sentence": text,
        "salt": digest,
    }
)

STATEMENT = _object(
    {
        "account": _either(_exactly(""), digest),
        "custodian": text,
        "custodian_name": text,
        "format": _exactly("pulsekey/enrolment/1"),
        "key": digest,
        "method": _one_of(Method),
        "name": digest,
        "operator": text,
        "organisation": text,
        "organisation_name": text,
        "person": digest,
        "role": _one_of(Role),
        "rp_id_hash": digest,
        "stated_at": natural,
        "subject": text,
    }
)
_signature = _hexadecimal(64, 64)
ENROLMENT = _object({"statement": STATEMENT, "signature": _signature})
RECIPIENT = _object({"statement": STATEMENT, "signature": _signature, "nameSalt": digest})

GENESIS = _object(
    {
        "checkpoint_key": digest,
        "created": natural,
        "custodian": _object({"account": digest, "key": _hexadecimal(107, 107)}),
        "format": _exactly("pulsekey/genesis/1"),
        "name": text,
        "program": _exactly(1),
        "salt": digest,
        "settlement": text,
    }
)

STEP = _object(
    {
        "signed": _hexadecimal(1, SIGNED_BYTES_MAX),
        "step": _hexadecimal(124, 124),
        "inclusion": path,
    }
)
OPERATIONS = _array(STEP, OPERATIONS_MAX, 3)

STATE = _object({"key": digest, "value": digest, "proof": _hexadecimal(4, STATE_PROOF_BYTES_MAX)})
STATES = _array(STATE, STATES_MAX)

_texts = _array(text, ASKED_TEXTS_MAX)
ASKED = _object({"types": _texts, "categories": _texts, "codes": _texts, "limit": natural})
READ = _row(natural, natural, _or_null(integer), _or_null(integer), _hexadecimal(16, 16))
OPENING = _object(
    {
        "chains": _array(
            _object({"chain": digest, "counter": natural, "entry": digest}), CHAINS_MAX
        ),
        "leaf": _object({"salt": digest, "size": natural, "manifest": digest}),
        "patients": _object({"place": natural, "count": natural, "inclusion": path}),
    }
)
RELEASES = _object(
    {
        "asked": _array(ASKED, READS_MAX),
        "reads": _array(READ, READS_MAX),
        "newest": OPENING,
        "closing": _or_null(OPENING),
    }
)

HEAD = _hexadecimal(251, 251)
ANCHOR = _object(
    {
        "head": HEAD,
        "consistency": path,
        "chain": text,
        "block": natural,
        "time": natural,
        "accumulator": digest,
        "signature": _signature,
    }
)

RECEIPT = _object(
    {
        "type": _exactly("pulsekey/read-receipt"),
        "ledger": digest,
        "chain": digest,
        "counter": lambda document: natural(document) and document != 0,
        "entry": digest,
        "at": natural,
        "signature": _signature,
    }
)
