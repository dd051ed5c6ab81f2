"""What a reference of FHIR says by its text alone: a type, a name, a server, a search.

The rule: a reader elsewhere may be lenient, so the type of a person is found however it is written.
Source: FHIR R4 4.0.1, sections 2.3 (references) and 3.1.0 (URLs).
"""

import re
from typing import Final
from urllib.parse import parse_qsl, unquote

from pulsekey.ingest.fhir_people import PEOPLE
from pulsekey.ingest.fhir_shape import REQUIRED

CHARACTERS_MAX: Final = 2_048
"""A longer reference is not taken apart: whom it means is unknown."""
PARAMETERS_MAX: Final = 16

SOMEBODY: Final = PEOPLE | {"RelatedPerson", "Group", "Practitioner", "PractitionerRole"}
"""Types that are people: a resource about one of them is not about nobody."""

_CASED: Final = {kind.lower(): kind for kind in SOMEBODY}
_VERSION: Final = re.compile(r"/_history(/[^/]*)?$")
_RESTFUL: Final = re.compile(r"(https?://.+/)[A-Za-z]+/[^/?#]+")


def kind_of(reference: str) -> str:
    """Return the type that a reference names; "" where it names none that R4 has."""
    path, query, _ = reference[:CHARACTERS_MAX].partition("?")
    plain = _VERSION.sub("", (unquote(path) if "%" in path else path).strip())
    first, *rest = plain.split("/")
    if not rest or query:
        last = rest[-1] if rest else first
        return _CASED.get(last.lower(), last if last in REQUIRED else "")
    named = rest[-2] if len(rest) > 1 else first
    person = _CASED.get(first.lower(), "")
    return _CASED.get(named.lower(), named if named in REQUIRED else person)


def name_in(reference: str) -> str:
    """Return the name of the resource that a reference means, without a version or a part of it."""
    return _VERSION.sub("", reference.partition("#")[0])


def search_in(reference: str) -> tuple[tuple[str, str], ...] | None:
    """Return the identifiers that a conditional reference searches for; None if it is no search.

    A search by anything else as well finds whoever is alike: then there is no identifier.
    """
    _, query, search = reference.partition("?")
    if not query:
        return None
    if search.count("&") >= PARAMETERS_MAX:
        return ()
    pairs = []
    for name, text in parse_qsl(search, keep_blank_values=True):
        system, bar, value = text.partition("|")
        if name != "identifier" or not (bar and system and value):
            return ()
        pairs.append((system, value))
    return tuple(pairs)


def base_for(reference: str, key: str) -> str:
    """Return the server on which the resource `key` looks for a relative reference; "" if none."""
    return "" if ":" in reference else server_of(key)


def server_of(key: str) -> str:
    """Return the address of the server that a full URL belongs to, "" if it belongs to none."""
    found = _RESTFUL.fullmatch(key)
    return found[1] if found else ""
