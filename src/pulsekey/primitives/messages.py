"""Texts for people: English where they are said, any language where they are read.

A `Said` is English text that remembers its template and what was put into it. The catalogues (one
file a language beside this package) give every template a code that stays, and its wording in
every language. The rule: a text that may reach a person is a template of the catalogue, so nothing
is put together from words but here; what is no template (a file's name) is data and stays as it is.

The design is that of zope.i18nmessageid: a message is a `str`, so that whoever does not care about
languages need not know of them.
"""

import json
import re
from collections.abc import Mapping
from functools import lru_cache
from importlib import resources
from typing import Final, Self, TypeAlias

from pulsekey.primitives.canonical import Document

LANGUAGES: Final = ("en", "zh-CN")
DEFAULT: Final = LANGUAGES[0]

ACCEPTED_MAX: Final = 20
DEPTH_MAX: Final = 32
"""Sentences are joined in pairs: so many follow one another at most."""
COUNT: Final = "count"
"""The argument that decides between singular and plural (CLDR), where a template has both."""

POSITIONS: Final = frozenset({"at", "frame", "line", "number"})
"""Arguments that say which one, not how many: their digits are not grouped."""
NUMBERS: Final = POSITIONS | {
    COUNT,
    "frames",
    "limit",
    "lines",
    "longest",
    "most",
    "percent",
    "size",
}
"""Arguments that are always numbers."""

Argument: TypeAlias = "str | int"
Text: TypeAlias = "str | dict[str, str]"
"""A template, or one for each plural category that the language has."""

_PLACE = re.compile(r"\{(\w+)\}")
_NUMERAL = r"\d{1,3}(?:,\d{3})*|\d{1,15}"
_ACCEPTED = re.compile(
    r"\s*([A-Za-z]{1,8}(?:-[A-Za-z0-9]{1,8})*)\s*(?:;\s*q=([01](?:\.\d{0,3})?))?"
)


class Said(str):
    """English text made from a template; it is equal to the plain text.

    An argument that is itself a `Said` is said in the reader's language too; any other text is
    data. Numbers are quantities, grouped by thousands, but for `POSITIONS`.
    """

    __slots__ = ("arguments", "template")
    template: str
    arguments: Mapping[str, Argument]

    def __new__(cls, template: str, /, **arguments: Argument) -> Self:
        """Fill `template`, which holds `{name}` for each of `arguments`."""
        said = super().__new__(cls, _filled(template, arguments))
        said.template = template
        said.arguments = arguments
        return said


@lru_cache(maxsize=len(LANGUAGES))
def catalogue(language: str) -> Mapping[str, Text]:
    """Return every text by its code, in `language`."""
    file = resources.files("pulsekey.primitives") / "catalogue" / f"{language}.json"
    texts: dict[str, Text] = json.loads(file.read_text("utf-8"))
    return texts


def code_of(text: str) -> str:
    """Return the code of a text that stays when its wording changes; "" for data."""
    return _codes().get(text.template if isinstance(text, Said) else text, "")


def arguments_of(text: str) -> Mapping[str, Argument]:
    """Return what was put into a text's template."""
    return text.arguments if isinstance(text, Said) else {}


def in_language(text: str, language: str) -> str:
    """Return a text as `language` says it; data, and what no catalogue knows, as it is."""
    code = code_of(text)
    if not code:
        return str(text)
    arguments = arguments_of(text)
    template = catalogue(language)[code]
    if not isinstance(template, str):
        one = arguments.get(COUNT) == 1 and "one" in template
        template = template["one" if one else "other"]
    said = {
        name: in_language(value, language) if isinstance(value, Said) else value
        for name, value in arguments.items()
    }
    return _filled(template, said)


def document_of(text: str) -> Document:
    """Return a text as it is stored: code and arguments; the English for who lost the code."""
    code = code_of(text)
    if not code:
        return str(text)
    arguments: dict[str, Document] = {
        name: document_of(value) if isinstance(value, Said) else value
        for name, value in arguments_of(text).items()
    }
    return {"code": code, "arguments": arguments, "text": str(text)}


def text_from(document: Document) -> str:
    """Return the text that was stored as `document`, in whatever shape; never raises."""
    if not isinstance(document, dict):
        return recalled(document) if isinstance(document, str) else ""
    code, arguments, kept = (document.get(name) for name in ("code", "arguments", "text"))
    found = catalogue(DEFAULT).get(code) if isinstance(code, str) else None
    if found is None or not isinstance(arguments, dict):
        return kept if isinstance(kept, str) else ""
    values: dict[str, Argument] = {
        name: value
        if isinstance(value, int)
        else text_from(value)
        if isinstance(value, dict)
        else str(value)
        for name, value in arguments.items()
    }
    return Said(_plain(found), **values)


def recalled(text: str, depth: int = 0) -> str:
    """Return English that was stored without a code as what it was made from, if that is known."""
    if text in _codes():
        return Said(text) if depth else text
    if depth >= DEPTH_MAX:
        return text
    for pattern, template in _patterns():
        match = pattern.fullmatch(text)
        if match is not None:
            given: dict[str, Argument] = {
                name: int(value.replace(",", "")) if name in NUMBERS else recalled(value, depth + 1)
                for name, value in match.groupdict().items()
            }
            return Said(template, **{COUNT: 1, **given} if f"{{{COUNT}}}" in template else given)
    return text


def preferred(accept_language: str) -> str:
    """Return the language of ours that an `Accept-Language` header asks for most."""
    ranked = []
    for part in accept_language.split(",")[:ACCEPTED_MAX]:
        match = _ACCEPTED.fullmatch(part.rstrip())
        if match:
            ranked.append((float(match[2] or 1), match[1].lower()))
    for quality, tag in sorted(ranked, key=lambda one: -one[0]):
        # Whoever reads Chinese in another form reads the simplified better than English.
        for language in LANGUAGES:
            if quality and tag.split("-")[0] == language.split("-")[0]:
                return language
    return DEFAULT


def _filled(template: str, arguments: Mapping[str, Argument]) -> str:
    # One pass, so that a file's name with braces in it stays a name.
    return _PLACE.sub(lambda place: _shown(place[1], arguments[place[1]]), template)


def _shown(name: str, value: Argument) -> str:
    quantity = isinstance(value, int) and name not in POSITIONS
    return f"{value:,}" if quantity else str(value)


def _plain(text: Text) -> str:
    return text if isinstance(text, str) else text["other"]


@lru_cache(maxsize=1)
def _codes() -> Mapping[str, str]:
    return {_plain(text): code for code, text in catalogue(DEFAULT).items()}


@lru_cache(maxsize=1)
def _patterns() -> tuple[tuple[re.Pattern[str], str], ...]:
    """Return what each template with places looks like when filled, the wordiest first."""
    forms = [
        (form, _plain(text))
        for text in catalogue(DEFAULT).values()
        for form in ([text] if isinstance(text, str) else text.values())
        if _PLACE.search(_plain(text))
    ]
    # Places before lists: "{where}, {what}" and "{one}, {two}" look alike.
    forms.sort(key=lambda one: (len(_PLACE.sub("", one[0])), one[0]), reverse=True)
    return tuple((re.compile(_pattern(form)), template) for form, template in forms)


def _pattern(template: str) -> str:
    parts = _PLACE.split(template)
    return "".join(
        f"(?P<{part}>{_NUMERAL if part in NUMBERS else '.+'})" if at % 2 else re.escape(part)
        for at, part in enumerate(parts)
    )
