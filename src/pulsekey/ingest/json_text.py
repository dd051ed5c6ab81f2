"""Reads a large JSON text piece by piece and keeps the exact characters of each piece.

The rule: what is kept is the text that came, so a decimal keeps its zeros. Values are decoded only
to look at them, and only after a scan that makes nothing has found them short, shallow and few;
what JSON allows and FHIR forbids is named by its place, never by its value.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, TypeAlias

from pulsekey.primitives.errors import MalformedInput
from pulsekey.primitives.messages import Said

DEPTH_MAX: Final = 64
NUMBER_CHARACTERS_MAX: Final = 64
EXPONENT_MAX: Final = 64
MEMBERS_MAX: Final = 1_000
VALUE_CHARACTERS_MAX: Final = 16 * 2**20
VALUES_MAX: Final = 500_000
"""In one value; a decoded one takes some 250 bytes at most."""
CHARACTERS_A_VALUE_MIN: Final = 8
"""On average over a whole text; charts have 20 and more."""
VALUES_FREE: Final = 1_000_000
"""Up to here the average is not judged."""
SCANNED_DEPTH_MAX: Final = 1_000
"""Deeper, and not even the end of a value is looked for."""

Json: TypeAlias = "dict[str, Json] | list[Json] | str | int | bool | None"
"""A decoded value. Numbers are decoded as 0: nothing here may depend on one."""

_BRACKET: Final = re.compile(
    r'[^"\[\]{}]*+(?:"[^"\\]*+(?:\\.[^"\\]*+)*+"[^"\[\]{}]*+)*+[\[\]{}]', re.DOTALL
)
"""Everything up to the next bracket outside of a string; possessive, so that it never goes back."""
_CLOSING: Final = {"{": "}", "[": "]"}
_SPACE: Final = re.compile(r"[ \t\n\r]*")
_SURROGATE: Final = re.compile(r"\\u[dD][89a-fA-F]")


@dataclass(frozen=True, slots=True)
class Extent:
    """Where a value stands, and how much it is: found by its brackets and commas alone."""

    start: int
    end: int
    values: int
    """At least as many as it holds: a comma within a string counts as well."""
    depth: int

    @property
    def problem(self) -> str:
        """What keeps it from being decoded; "" if nothing."""
        if self.end - self.start > VALUE_CHARACTERS_MAX:
            return Said("longer than {most} characters", most=VALUE_CHARACTERS_MAX)
        if self.values > VALUES_MAX:
            return Said("more than {most} values", most=VALUES_MAX)
        if self.depth > DEPTH_MAX + 1:
            return _too_deep()
        return ""


def _too_deep() -> str:
    return Said("nested deeper than {most} levels", most=DEPTH_MAX)


@dataclass(frozen=True, slots=True)
class Piece:
    """One value: its exact text, what it decodes to, and what is wrong with it ("" if nothing)."""

    text: str
    value: Json
    problem: str = ""
    path: str = ""


class JsonText:
    """A JSON text. Every method raises `MalformedInput` with the character where it breaks."""

    def __init__(self, text: str, where: str) -> None:
        self._text = text
        self._where = where
        self._problem = ""
        self._end: tuple[int, int] = (-1, -1)
        self._decoder = json.JSONDecoder(
            object_pairs_hook=self._object,
            parse_float=self._number,
            parse_int=self._number,
            parse_constant=self._constant,
        )
        most = max(VALUES_FREE, len(text) // CHARACTERS_A_VALUE_MIN)
        values = sum(map(text.count, "{[,"))
        self._few = values <= VALUES_MAX
        if values > most:
            raise MalformedInput(
                Said("more than {most} values", most=most),
                where=where,
                cure="send it in parts",
            )

    def members(self, at: int) -> Iterator[tuple[str, int]]:
        """Yield (name, place of its value) of the object at `at`; no name may come twice."""
        seen: set[str] = set()
        at = self._expect("{", at)
        if self._peek(at) == "}":
            return
        for _ in range(MEMBERS_MAX):
            start = self._space(at)
            if self._text[start : start + 1] != '"':
                raise self._broken(
                    "cut short" if start == len(self._text) else "not JSON, or cut short", start
                )
            name, at = self._decode(start)
            assert isinstance(name, str)
            if name in seen:
                raise self._broken("a property given twice", start)
            seen.add(name)
            at = self._space(self._expect(":", at))
            yield name, at
            at = self.end(at)
            if self._peek(at) == "}":
                return
            at = self._expect(",", at)
        raise self._broken(Said("more than {most} properties", most=MEMBERS_MAX), at)

    def elements(self, at: int) -> Iterator[Extent]:
        """Yield the extent of each element of the array at `at`; none of them is decoded."""
        start = at
        at = self._expect("[", at)
        if self._peek(at) != "]":
            # Ends: each turn moves on by at least one character.
            while True:
                extent = self.extent(self._space(at))
                yield extent
                at = self._space(extent.end)
                if self._text[at : at + 1] == "]":
                    break
                at = self._expect(",", at)
        self._end = (start, self._space(at) + 1)

    def end(self, at: int) -> int:
        """Return the place after the value at `at`."""
        known, end = self._end
        return end if known == at else self.extent(at).end

    def extent(self, at: int) -> Extent:
        """Return where the value at `at` ends, in one pass and without keeping anything of it."""
        extent = self._short(at) if self._few else None
        if extent is None and self._text[at : at + 1] in _CLOSING:
            extent = self._container(at)
        elif extent is None:
            extent = Extent(at, self._decode(at)[1], 1, 0)
        self._end = (at, extent.end)
        return extent

    def _short(self, at: int) -> Extent | None:
        """Return the extent of a value of a text so short that it may all be decoded.

        How deep it is, is found when it is looked at; what is too deep even for that has none.
        """
        try:
            return Extent(at, _PROVING.raw_decode(self._text, at)[1], 1, 0)
        except RecursionError:
            return None
        except json.JSONDecodeError as failure:
            raise self._broken("not JSON, or cut short", failure.pos) from None

    def prove(self, extent: Extent) -> None:
        """Raise unless the value there, which is not in excess, is JSON."""
        if not self._few and self._proved(extent.start) != extent.end:
            raise self._broken("not JSON, or cut short", extent.start)

    def member(self, extent: Extent, sought: str) -> tuple[int, int]:
        """Return the span of the last member of that name of the object there, or (0, 0).

        Raises unless the value there, which is not in excess, is JSON.
        """
        at, span = extent.start, (0, 0)
        if self._text[at] != "{":
            self.prove(extent)
            return span
        at = self._expect("{", at)
        more = self._peek(at) != "}"
        while more:
            at = self._space(at)
            if self._text[at : at + 1] != '"':
                raise self._broken("not JSON, or cut short", at)
            name, at = self._decode(at)
            start = self._space(self._expect(":", at))
            at = self._proved(start)
            if name == sought:
                span = (start, at)
            more = self._peek(at) == ","
            at = self._expect("," if more else "}", at)
        return span

    def _proved(self, at: int) -> int:
        """Return the end of the value at `at`, which is JSON, and make nothing of it."""
        try:
            return _PROVING.raw_decode(self._text, at)[1]
        except RecursionError:
            raise self._broken(_too_deep(), at) from None
        except json.JSONDecodeError as failure:
            raise self._broken("not JSON, or cut short", failure.pos) from None

    def text_of(self, span: tuple[int, int]) -> str:
        """Return the exact text of a span."""
        return self._text[span[0] : span[1]]

    def string(self, at: int) -> str:
        """Return the string at `at`; "" for any other value."""
        value = self._decode(at)[0] if self._text[at : at + 1] == '"' else ""
        assert isinstance(value, str)
        return value

    def piece(self, extent: Extent) -> Piece:
        """Return the value there, which is not in excess, with everything that is wrong with it."""
        self._problem = ""
        value, end = self._decode(extent.start)
        text = self._text[extent.start : end]
        problem, path = self._problem, ""
        if not problem:
            problem, path = _flaw(value, surrogates=_SURROGATE.search(text) is not None)
        return Piece(text, value, problem, path)

    def finish(self, at: int) -> None:
        """Raise unless nothing but white space follows the value at `at`."""
        end = self._space(self.end(at))
        if end != len(self._text):
            raise self._broken("more text after the end", end)

    def start(self) -> int:
        """Return the place of the first value."""
        return self._space(0)

    def _container(self, at: int) -> Extent:
        """Follow the brackets from the one at `at` to the one that closes it."""
        text, start, deepest, opened = self._text, at, 0, 0
        expected: list[str] = []
        for found in _BRACKET.finditer(text, at):
            if found.start() != at:
                break  # A string before it never ends.
            at = found.end()
            bracket = text[at - 1]
            if bracket in _CLOSING:
                expected.append(_CLOSING[bracket])
                opened += 1
                if len(expected) > deepest:
                    deepest = len(expected)
                    if deepest > SCANNED_DEPTH_MAX:
                        raise self._broken(_too_deep(), at)
            elif expected.pop() != bracket:
                raise self._broken("not JSON, or cut short", at - 1)
            elif not expected:
                return Extent(start, at, opened + text.count(",", start, at), deepest)
        raise self._broken("cut short", len(text))

    def _decode(self, at: int) -> tuple[Json, int]:
        value: Json
        try:
            value, end = self._decoder.raw_decode(self._text, at)
        except RecursionError:
            raise self._broken(_too_deep(), at) from None
        except json.JSONDecodeError as failure:
            raise self._broken("not JSON, or cut short", failure.pos) from None
        return value, end

    def _object(self, pairs: list[tuple[str, Json]]) -> dict[str, Json]:
        members = dict(pairs)
        if len(members) != len(pairs):
            self._problem = "a property given twice"
        return members

    def _number(self, text: str) -> int:
        exponent = text.lower().partition("e")[2]
        if len(text) > NUMBER_CHARACTERS_MAX or (exponent and abs(int(exponent)) > EXPONENT_MAX):
            self._problem = "a number too long to be kept exactly"
        return 0

    def _constant(self, _: str) -> int:
        self._problem = "NaN or Infinity, which JSON does not have"
        return 0

    def _space(self, at: int) -> int:
        found = _SPACE.match(self._text, at)
        assert found is not None  # It matches nothing, too.
        return found.end()

    def _peek(self, at: int) -> str:
        at = self._space(at)
        return self._text[at : at + 1]

    def _expect(self, character: str, at: int) -> int:
        at = self._space(at)
        if self._text[at : at + 1] != character:
            cut = at == len(self._text)
            raise self._broken(
                "cut short" if cut else Said("expected {character}", character=character), at
            )
        return at + 1

    def _broken(self, problem: str, at: int) -> MalformedInput:
        return MalformedInput(
            problem,
            where=Said("{file}, character {at}", file=self._where, at=at),
            cure="send the whole file as exported",
        )


_PROVING: Final = json.JSONDecoder(parse_float=len, parse_int=len, parse_constant=len)
"""Finds out whether something is JSON; of numbers it keeps nothing."""

_Step: TypeAlias = "tuple[_Step, str | int] | None"


def _flaw(root: Json, *, surrogates: bool) -> tuple[str, str]:
    """Return the first thing in `root` that FHIR forbids, and its path; ("", "") if nothing."""
    waiting: list[tuple[Json, int, _Step]] = [(root, 0, None)]
    while waiting:
        value, depth, step = waiting.pop()
        problem = ""
        if depth > DEPTH_MAX:
            problem = Said("nested deeper than {most} levels", most=DEPTH_MAX)
        elif isinstance(value, dict):
            problem = "" if value else "an empty object"
            waiting.extend((member, depth + 1, (step, name)) for name, member in value.items())
        elif isinstance(value, list):
            problem = "" if value else "an empty array"
            # A null in an array stands for a primitive that has only an extension.
            waiting.extend(
                (item, depth + 1, (step, at)) for at, item in enumerate(value) if item is not None
            )
        elif value is None:
            problem = "null, which FHIR leaves out"
        elif value == "" and isinstance(value, str):
            problem = "an empty string"
        elif surrogates and isinstance(value, str) and _is_torn(value):
            problem = "half a character (a lone surrogate)"
        if problem:
            return problem, _path(step)
    return "", ""


def _is_torn(text: str) -> bool:
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return True
    return False


def _path(step: _Step) -> str:
    names: list[str] = []
    while step is not None:
        step, name = step
        # Names come from the sender: only what a FHIR element may be called is repeated.
        shown = name if isinstance(name, int) or re.fullmatch(r"_?\w{1,64}", name) else "?"
        names.append(f"[{shown}]" if isinstance(shown, int) else f".{shown}")
    return "".join(reversed(names)).removeprefix(".")
