"""Reads a large JSON text piece by piece and keeps the exact characters of each piece.

The rule: what is kept is the text that came, so a decimal keeps its zeros. Values are decoded only
to look at them; what JSON allows and FHIR forbids is named by its place, never by its value.
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
ENDS_REMEMBERED: Final = 64

Json: TypeAlias = "dict[str, Json] | list[Json] | str | int | bool | None"
"""A decoded value. Numbers are decoded as 0: nothing here may depend on one."""

_SPACE: Final = re.compile(r"[ \t\n\r]*")
_SURROGATE: Final = re.compile(r"\\u[dD][89a-fA-F]")


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
        self._ends: dict[int, int] = {}
        self._decoder = json.JSONDecoder(
            object_pairs_hook=self._object,
            parse_float=self._number,
            parse_int=self._number,
            parse_constant=self._constant,
        )

    def members(self, at: int) -> Iterator[tuple[str, int]]:
        """Yield (name, place of its value) of the object at `at`; no name may come twice."""
        seen: set[str] = set()
        at = self._expect("{", at)
        if self._peek(at) == "}":
            return
        for _ in range(MEMBERS_MAX):
            start = self._space(at)
            name, at = self._decode(start)
            if not isinstance(name, str) or self._text[start] != '"':
                raise self._broken("a name is missing", start)
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

    def elements(self, at: int) -> Iterator[int]:
        """Yield the place of each element of the array at `at`."""
        at = self._expect("[", at)
        if self._peek(at) == "]":
            return
        # Ends: each turn moves on by at least one character.
        while True:
            at = self._space(at)
            yield at
            at = self.end(at)
            if self._peek(at) == "]":
                return
            at = self._expect(",", at)

    def end(self, at: int) -> int:
        """Return the place after the value at `at`."""
        known = self._ends.get(at)
        return self._decode(at)[1] if known is None else known

    def piece(self, at: int) -> Piece:
        """Return the value at `at` with everything that is wrong with it."""
        self._problem = ""
        value, end = self._decode(at)
        text = self._text[at:end]
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

    def _decode(self, at: int) -> tuple[Json, int]:
        value: Json
        try:
            value, end = self._decoder.raw_decode(self._text, at)
        except RecursionError:
            raise self._broken(
                Said("nested deeper than {most} levels", most=DEPTH_MAX), at
            ) from None
        except json.JSONDecodeError as failure:
            raise self._broken("not JSON, or cut short", failure.pos) from None
        # A piece is looked at first and stepped over next: remember the last few ends.
        if len(self._ends) >= ENDS_REMEMBERED:
            self._ends.clear()
        self._ends[at] = end
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
