"""The sentence that a patient reads and confirms, made from the terms and a message catalogue.

The page that asks for a signature makes it again in the browser, with code of its own
(`portal/static/sentence.js`), and refuses to sign if the two differ. Both follow this form: pick
the template, put in names, lists and times; nothing depends on a locale database.

Terms name the version of the catalogue whose words were shown. The rule: a released version never
changes, so that what was signed long ago still has its own words; other words are a new version.
For the same reason the wall clock of a sentence follows from the terms alone: they hold the offsets
that the zone had when they were made, and no database of zones is asked again (ADR 0068).
"""

import json
from dataclasses import replace
from functools import lru_cache
from importlib import resources
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pulsekey.consent.terms import Offsets, Terms, check_offsets
from pulsekey.primitives.clock import MICROS_PER_SECOND, Micros, Seconds, utc
from pulsekey.primitives.errors import MalformedInput
from pulsekey.primitives.messages import Said

LANGUAGES = ("en", "zh-CN")
VERSIONS = (1,)
"""Every version that was ever released; the newest is `CATALOGUE_VERSION`."""


@lru_cache(maxsize=len(LANGUAGES) * len(VERSIONS))
def catalogue(language: str, version: int) -> dict[str, Any]:
    """Return the words of one version in `language`, or raise `MalformedInput`."""
    if language not in LANGUAGES:
        raise MalformedInput(
            Said("no consent texts in {language}", language=repr(language)),
            where="language",
            cure=Said("one of {names}", names=", ".join(LANGUAGES)),
        )
    if version not in VERSIONS:
        raise MalformedInput("terms with words of an unknown version", where="catalogue")
    source = resources.files("pulsekey.consent") / "catalogue" / str(version) / f"{language}.json"
    messages: dict[str, Any] = json.loads(source.read_text("utf-8"))
    return messages


def released(language: str) -> dict[str, dict[str, Any]]:
    """Return the words of every version in `language`, by version."""
    return {str(version): catalogue(language, version) for version in VERSIONS}


def sentence(terms: Terms) -> str:
    """Return the sentence for `terms`, in their language, offsets and version of the words."""
    words = catalogue(terms.language, terms.catalogue)
    check_offsets(terms)
    template: str = words["sentence"]["self"]
    return template.format(
        recipient=terms.recipient.name,
        confirmer=terms.controller.organisation.name,
        categories=_listed([words["categories"][name] for name in terms.categories], words),
        period=_period(terms, words),
        purpose=words["purposes"][terms.purpose],
        until=_moment(terms.valid_until, terms.offsets.valid_until, terms.zone, words),
    )


def with_sentence(terms: Terms) -> Terms:
    """Return `terms` carrying the offsets of their zone and the sentence that is made from them.

    Raises `MalformedInput` for a zone that the database does not know.
    """
    located = replace(terms, offsets=offsets_of(terms))
    return replace(located, sentence=sentence(located))


def offsets_of(terms: Terms) -> Offsets:
    """Return the offsets of the terms' zone at their moments, as this machine's database has them.

    Raises `MalformedInput` for a zone that it does not know.
    """
    return Offsets(
        _offset(terms.valid_until, terms.zone),
        None if terms.data_from is None else _offset(terms.data_from, terms.zone),
        None if terms.data_until is None else _offset(terms.data_until, terms.zone),
    )


def _listed(names: list[str], words: dict[str, Any]) -> str:
    if len(names) == 1:
        return names[0]
    head: str = words["list"]["separator"].join(names[:-1])
    return head + str(words["list"]["last"]) + names[-1]


def _period(terms: Terms, words: dict[str, Any]) -> str:
    """Say which measurements: everything so far, up to a day, from a day, or between two."""
    first, last = terms.data_from, terms.data_until
    periods = words["periods"]
    if last is not None and last == terms.valid_until:
        key = "sinceAndUntilThen" if first is not None else "soFarAndUntilThen"
    elif last is not None:
        key = "between" if first is not None else "before"
    else:
        key = "since" if first is not None else "always"
    template: str = periods[key]
    return template.format(
        first=_bound(first, terms.offsets.data_from, terms.zone, words),
        last=_bound(last, terms.offsets.data_until, terms.zone, words),
    )


def _bound(at: Seconds | None, offset: int | None, zone: str, words: dict[str, Any]) -> str:
    return "" if at is None or offset is None else _moment(at, offset, zone, words)


def _moment(at: Seconds, offset: int, zone: str, words: dict[str, Any]) -> str:
    try:
        local = utc(Micros((at + offset) * MICROS_PER_SECOND))
    except (ValueError, OverflowError, OSError):
        raise MalformedInput("not a time in a calendar", where="zone") from None
    clock = f"{local.hour:02}:{local.minute:02}" + (f":{local.second:02}" if local.second else "")
    template: str = words["moment"]
    return template.format(
        day=local.day,
        month=words["months"][local.month - 1],
        year=local.year,
        clock=clock,
        place=zone.rsplit("/", 1)[-1].replace("_", " "),
    )


def _offset(at: Seconds, zone: str) -> int:
    """Return by how many seconds a zone is ahead of UTC at a time."""
    try:
        local = utc(Micros(at * MICROS_PER_SECOND)).astimezone(ZoneInfo(zone))
    except (ZoneInfoNotFoundError, ValueError, OverflowError, OSError):
        raise MalformedInput(
            "not a time in a known zone", where="zone", cure="an IANA name such as Europe/Paris"
        ) from None
    ahead = local.utcoffset()
    assert ahead is not None  # `local` has a zone.
    return round(ahead.total_seconds())
