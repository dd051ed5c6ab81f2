"""The words of the portal's own pages, by key and language.

What the node says of failures and files has its catalogue in `primitives.messages`; no text for
people stands anywhere else.

A catalogue is a flat JSON object. A text holds `{name}` where a value goes; where a count decides
the wording it is an object by CLDR plural category ("one", "other"), which the browser uses.
"""

import json
from functools import lru_cache
from importlib import resources

from pulsekey.primitives.messages import LANGUAGES as KNOWN
from pulsekey.primitives.messages import preferred as accepted

LANGUAGES = KNOWN
OWN_NAMES = {"en": "English", "zh-CN": "简体中文"}
"""What each language calls itself: the one text that is not translated."""

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
    return str(cookie) if cookie in LANGUAGES else accepted(accept_language)
