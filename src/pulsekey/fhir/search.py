"""Search parameters in, a `Search` out: compiled against the official R4 definitions.

A parameter that this node does not know is refused, because ignoring a typo widens a search; a
client that asks for lenient handling gets it ignored, and `self` shows only what was used.
Repeating a parameter narrows (AND), commas widen (OR), an unknown modifier is refused.
"""

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

import msgspec

from pulsekey.fhir.instants import Interval, interval
from pulsekey.fhir.parameters import OFFICIAL, Parameter
from pulsekey.primitives.clock import Micros
from pulsekey.primitives.errors import MalformedInput

PARAMETERS_MAX = 64
ALTERNATIVES_MAX = 100
VALUE_CHARS_MAX = 4_096
USED_BYTES_MAX = 24_576
"""All of a search as JSON: a link to its next page holds it, sealed, and has to fit a request."""

COUNT_DEFAULT = 50
COUNT_MAX = 1_000

EVERY_TYPE = ("_id", "_lastUpdated")
CLINICAL = ("patient", "subject", "category", "code", "date")
NOT_SEARCHED = frozenset({"Binary", "Bundle", "CapabilityStatement", "Consent", "OperationOutcome"})
SUPPORTED: dict[str, tuple[str, ...]] = {
    "Patient": (*EVERY_TYPE, "identifier"),
    **{
        kind: (*EVERY_TYPE, *(name for name in CLINICAL if name in official))
        for kind, official in OFFICIAL.items()
        if kind not in NOT_SEARCHED | {"Patient", "Resource"}
    },
}
"""What may be asked of each type. `metadata` is generated from this table and nothing else."""

FORMATS = frozenset({"json", "application/json", "application/fhir+json", "text/json"})
_ID = re.compile(r"[A-Za-z0-9\-.]{1,64}")
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_-]{0,63}")


class Prefix(StrEnum):
    """How a date is compared (R4 3.1.1.4.5)."""

    EQ = "eq"
    NE = "ne"
    GT = "gt"
    LT = "lt"
    GE = "ge"
    LE = "le"
    SA = "sa"
    EB = "eb"
    AP = "ap"


class Order(StrEnum):
    """What results are sorted by; ties by id, then ordinal, in the same direction."""

    DATE = "date"
    UPDATED = "_lastUpdated"


@dataclass(frozen=True, slots=True)
class Bound:
    """A date to compare with. For `ap`, `interval` is already widened."""

    prefix: Prefix
    interval: Interval


@dataclass(frozen=True, slots=True)
class Token:
    """A code or identifier. `system` is None where any will do, "" where there must be none."""

    system: str | None
    code: str | None


Ids = frozenset[str]
Tokens = tuple[Token, ...]
Bounds = tuple[Bound, ...]


@dataclass(frozen=True, slots=True)
class Search:
    """What is asked. Each outer tuple is an AND over repetitions, each inner collection an OR."""

    resource_type: str
    ids: tuple[Ids, ...] = ()
    patients: tuple[Ids, ...] = ()
    """Ids of Patients, from `patient` and `subject` alike."""
    tokens: tuple[tuple[str, Tokens], ...] = ()
    """By parameter: `identifier`, `category`, `code`."""
    dates: tuple[Bounds, ...] = ()
    updated: tuple[Bounds, ...] = ()
    order: Order = Order.DATE
    descending: bool = True
    count: int = COUNT_DEFAULT
    used: tuple[tuple[str, str], ...] = ()
    """What was asked and used, for `self` and for the next page."""
    ignored: tuple[str, ...] = ()
    """Names of parameters that lenient handling ignored."""

    def tokens_of(self, name: str) -> list[Tokens]:
        """Return the alternatives of each repetition of a token parameter."""
        return [tokens for key, tokens in self.tokens if key == name]


@dataclass(slots=True)
class _Draft:
    """A search while it is being read."""

    resource_type: str
    now: Micros
    ids: list[Ids] = field(default_factory=list)
    patients: list[Ids] = field(default_factory=list)
    tokens: list[tuple[str, Tokens]] = field(default_factory=list)
    dates: list[Bounds] = field(default_factory=list)
    updated: list[Bounds] = field(default_factory=list)
    sort: tuple[Order, bool] | None = None
    count: int | None = None


def compile_search(
    resource_type: str,
    parameters: Sequence[tuple[str, str]],
    *,
    now: Micros,
    lenient: bool = False,
) -> Search:
    """Return the search that decoded (name, value) pairs ask for, or raise `MalformedInput`.

    `now` is what `ap` measures from. `_page` is not accepted: `paging` resumes a page.
    """
    if resource_type not in SUPPORTED:
        raise MalformedInput("this type cannot be searched", cure="see metadata")
    if len(parameters) > PARAMETERS_MAX:
        raise MalformedInput(f"more than {PARAMETERS_MAX} parameters", cure="ask for less at once")
    draft = _Draft(resource_type, now)
    used, ignored = [], []
    for name, value in parameters:
        if name == "_format" and value.lower() in FORMATS:
            continue
        base, _, modifier = name.partition(":")
        if base not in SUPPORTED[resource_type] and base not in {"_count", "_sort"}:
            ignored.append(_refused_unless(name, lenient=lenient))
            continue
        if not value or len(value) > VALUE_CHARS_MAX:
            raise MalformedInput("empty or too long", where=_shown(name), cure="give a value")
        _read(draft, base, modifier, value)
        used.append((name, value))
    if len(msgspec.json.encode(used)) > USED_BYTES_MAX:
        raise MalformedInput("too long altogether", cure="ask for less at once")
    default = Order.DATE if "date" in SUPPORTED[resource_type] else Order.UPDATED
    order, descending = draft.sort or (default, True)
    return Search(
        resource_type,
        tuple(draft.ids),
        tuple(draft.patients),
        tuple(draft.tokens),
        tuple(draft.dates),
        tuple(draft.updated),
        order,
        descending,
        COUNT_DEFAULT if draft.count is None else draft.count,
        tuple(used),
        tuple(ignored),
    )


def _refused_unless(name: str, *, lenient: bool) -> str:
    if not lenient:
        raise MalformedInput(
            "this node does not support the search parameter",
            where=_shown(name),
            cure="remove it, see metadata, or send Prefer: handling=lenient",
        )
    return _shown(name)


def _shown(name: str) -> str:
    """Return a parameter's name if it looks like one: a message holds no value by accident."""
    base = name.partition(":")[0].partition(".")[0]
    return base if _NAME.fullmatch(base) else "a parameter"


def _read(draft: _Draft, name: str, modifier: str, value: str) -> None:
    if name == "_count":
        if modifier or draft.count is not None:
            raise MalformedInput("_count takes one plain number", where="_count")
        draft.count = _count(value)
        return
    if name == "_sort":
        if modifier or draft.sort is not None:
            raise MalformedInput("_sort is given once", where="_sort")
        draft.sort = _sort(value, draft.resource_type)
        return
    parameter = (OFFICIAL[draft.resource_type] | OFFICIAL["Resource"])[name]
    if modifier and not (parameter.kind == "reference" and modifier == "Patient"):
        raise MalformedInput(
            "this node does not support the modifier", where=name, cure="remove the modifier"
        )
    alternatives = split(value)
    if len(alternatives) > ALTERNATIVES_MAX:
        raise MalformedInput(f"more than {ALTERNATIVES_MAX} alternatives", where=name)
    _READERS[parameter.kind](draft, parameter, alternatives)


def split(value: str, separator: str = ",") -> list[str]:
    r"""Return the parts of `value` between separators that no backslash escapes (R4 3.1.1.4.7).

    Escapes inside the parts stay; `unescape` takes them out.
    """
    parts, current, escaped = [], "", False
    for character in value:
        if character == separator and not escaped:
            parts.append(current)
            current = ""
            continue
        escaped = character == "\\" and not escaped
        current += character
    return [*parts, current]


def unescape(value: str) -> str:
    r"""Return `value` with \, \$ \| and \\ as the characters they stand for."""
    return re.sub(r"\\([,$|\\])", r"\1", value)


def _ids(draft: _Draft, name: str, alternatives: Iterable[str]) -> None:
    ids = frozenset(alternatives)
    if not all(_ID.fullmatch(one) for one in ids):
        raise MalformedInput("not the form of an id", where=name, cure="letters, digits, - and .")
    draft.ids.append(ids)


def _reference(draft: _Draft, parameter: Parameter, alternatives: Iterable[str]) -> None:
    found = set()
    for one in alternatives:
        kind, _, name = one.rpartition("/")
        if kind.rpartition("/")[2] not in {"", "Patient"} or not _ID.fullmatch(name):
            raise MalformedInput(
                "not a reference to a Patient", where=parameter.name, cure="Patient/id or id"
            )
        # An absolute reference names another server's patient unless the api cut our own base off.
        found.add(one if ":" in kind else name)
    draft.patients.append(frozenset(found))


def _token(draft: _Draft, parameter: Parameter, alternatives: Iterable[str]) -> None:
    alternatives = list(alternatives)
    if parameter.name == "_id":
        _ids(draft, "_id", alternatives)
        return
    draft.tokens.append((parameter.name, tuple(_one_token(parameter, one) for one in alternatives)))


def _one_token(parameter: Parameter, text: str) -> Token:
    parts = [unescape(part) for part in split(text, "|")]
    match parts:
        case [code] if code:
            return Token(None, code)
        case [system, ""] if system:
            return Token(system, None)
        case [system, code] if code:
            return Token(system, code)
    raise MalformedInput("not a token", where=parameter.name, cure="code or system|code")


def _date(draft: _Draft, parameter: Parameter, alternatives: Iterable[str]) -> None:
    bounds = tuple(_bound(parameter, one, draft.now) for one in alternatives)
    if parameter.name == "_lastUpdated":
        draft.updated.append(bounds)
    else:
        draft.dates.append(bounds)


def _bound(parameter: Parameter, text: str, now: Micros) -> Bound:
    prefix, value = (text[:2], text[2:]) if text[:1].isalpha() else ("eq", text)
    asked = interval(value)
    if prefix not in parameter.comparators or asked is None:
        cure = "for example ge2026-01-31 or 2026-01-31T10:00:00Z; send + as %2B"
        raise MalformedInput("not a date to compare with", where=parameter.name, cure=cure)
    if prefix == Prefix.AP:
        # R4 suggests a tenth of the gap between now and the date; a day is never too much.
        slack = abs(now - asked.start) // 10
        asked = Interval(asked.start - slack, asked.end + slack)
    return Bound(Prefix(prefix), asked)


_READERS: dict[str, Callable[[_Draft, Parameter, Iterable[str]], None]] = {
    "token": _token,
    "reference": _reference,
    "date": _date,
}


def _count(value: str) -> int:
    if not value.isascii() or not value.isdecimal() or len(value) > 9:
        raise MalformedInput("not a number", where="_count", cure=f"1 to {COUNT_MAX}")
    return min(int(value), COUNT_MAX)


def _sort(value: str, resource_type: str) -> tuple[Order, bool]:
    descending, name = value.startswith("-"), value.removeprefix("-")
    allowed = [Order.UPDATED] + [Order.DATE] * ("date" in SUPPORTED[resource_type])
    if name not in allowed:
        cure = " or ".join(f"{one}, -{one}" for one in allowed)
        raise MalformedInput("this node cannot sort by that", where="_sort", cure=cure)
    return Order(name), descending
