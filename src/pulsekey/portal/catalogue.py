"""All words of the portal, by key and language. No text for people stands anywhere else.

A catalogue is a flat JSON object. A text holds `{name}` where a value goes; where a count decides
the wording it is an object by CLDR plural category ("one", "other"), which the browser uses.
"""

import json
import re
from functools import lru_cache
from importlib import resources

LANGUAGES = ("en", "zh-CN")
DEFAULT = LANGUAGES[0]
OWN_NAMES = {"en": "English", "zh-CN": "简体中文"}
"""What each language calls itself: the one text that is not translated."""

ACCEPTED_MAX = 20
_ACCEPTED = re.compile(
    r"\s*([A-Za-z]{1,8}(?:-[A-Za-z0-9]{1,8})*)\s*(?:;\s*q=([01](?:\.\d{0,3})?))?"
)

Text = str | dict[str, str]


def source(language: str) -> bytes:
    """Return the catalogue of `language` as it is sent to browsers."""
    return (resources.files("pulsekey.portal") / "messages" / f"{language}.json").read_bytes()


@lru_cache(maxsize=len(LANGUAGES))
def messages(language: str) -> dict[str, Text]:
    """Return the catalogue of `language`."""
    found: dict[str, Text] = json.loads(source(language))
    return found


def text(language: str, key: str, **values: str) -> str:
    """Return one text; an unknown key is a bug and raises `KeyError`."""
    found = messages(language)[key]
    assert isinstance(found, str)
    return found.format(**values) if values else found


def preferred(cookie: str | None, accept_language: str) -> str:
    """Return the language to answer in: what was chosen, else what the browser asks for."""
    if cookie in LANGUAGES:
        return str(cookie)
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
