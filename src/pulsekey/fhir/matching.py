"""Whether a record matches a search: samples by their columns, documents by their elements, alike.

The one rule: a sample matches exactly if its rendered Observation, judged as a document, would. The
windows given to the vault may let more through, never less; what decides is here.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from pulsekey.fhir import systems
from pulsekey.fhir.instants import (
    EARLIEST,
    LATEST,
    MICROS_PER_DAY,
    Interval,
    interval,
    intervals,
    widths,
)
from pulsekey.fhir.parameters import OFFICIAL
from pulsekey.fhir.search import Bound, Bounds, Prefix, Search, Token, Tokens
from pulsekey.primitives.clock import MICROS_PER_SECOND
from pulsekey.signals.series import Basis, Int64s
from pulsekey.vault.records import (
    EAST_MICROS,
    BlockHead,
    DocumentRecord,
    Samples,
    SeriesEntry,
    Window,
)

Mask = NDArray[np.bool_]

FILED_OTHERWISE = frozenset({"AllergyIntolerance", "MedicationRequest"})
"""Types that the vault files by when it began or was ordered; `date` asks for another element."""

SLACK_MICROS = MICROS_PER_DAY + EAST_MICROS
"""A date without a zone begins up to a day before its time of day, and up to 14 hours off UTC."""


def series_matches(search: Search, entry: SeriesEntry) -> bool:
    """Whether samples of a series can match: by type, patient, code and category."""
    if search.resource_type != "Observation":
        return False
    if not all(entry.patient in ids for ids in search.patients):
        return False
    codes = {(code.system, code.code) for code in entry.metric.codes}
    held = {"code": codes, "category": _categories(entry)}
    return all(_any_token(tokens, held.get(name, ())) for name, tokens in search.tokens)


def _categories(entry: SeriesEntry) -> set[tuple[str, str]]:
    out = {(systems.CATEGORY, entry.metric.category.value)}
    standard = systems.OBSERVATION_CATEGORIES.get(entry.metric.category)
    if standard is not None:
        out.add((systems.OBSERVATION_CATEGORY, standard[0]))
    return out


def _any_token(tokens: Tokens, held: Iterable[tuple[str, str]]) -> bool:
    held = list(held)
    return any(_token_matches(token, system, code) for token in tokens for system, code in held)


def _token_matches(token: Token, system: str, code: str) -> bool:
    return token.system in {None, system} and token.code in {None, code}


def rows_match(search: Search, samples: Samples) -> Mask:
    """Return bool[n]: which samples of a series that `series_matches` match."""
    mask = np.ones(len(samples), np.bool_)
    for ids in search.ids:
        mask &= np.isin(samples.ordinals, _ordinals(ids, samples.entry))
    start, end = intervals(samples.series.times)
    for bounds in search.dates:
        mask &= _within(bounds, start, end)
    for bounds in search.updated:
        mask &= _within(bounds, samples.updated, samples.updated + 1)
    return mask


def _ordinals(ids: Iterable[str], entry: SeriesEntry) -> list[int]:
    out = []
    for one in ids:
        series, _, ordinal = one.rpartition("-")
        # A sample has one id: no sign, no leading zero, and within int64.
        if series == entry.id and ordinal.isdecimal() and ordinal == str(int(ordinal[:19])):
            out.append(min(int(ordinal), LATEST))
    return out


def block_matches(search: Search, head: BlockHead, basis: Basis) -> bool:
    """Whether a block of a waveform that `series_matches` matches."""
    at = Interval(head.updated, head.updated + 1)
    name = systems.observation_id(head.entry.id, head.ordinal)
    if basis is Basis.FLOATING:
        days = (head.start // MICROS_PER_DAY, head.end // MICROS_PER_DAY + 1)
        span = Interval(days[0] * MICROS_PER_DAY, days[1] * MICROS_PER_DAY)
    else:
        span = Interval(head.start, head.end + int(widths(np.array([head.end]))[0]))
    return (
        all(name in ids for ids in search.ids)
        and all(_any_bound(bounds, span) for bounds in search.dates)
        and all(_any_bound(bounds, at) for bounds in search.updated)
    )


def document_matches(search: Search, record: DocumentRecord) -> bool:
    """Whether an imported resource matches, by the elements that the official parameters name."""
    updated = Interval(record.received, record.received + 1)
    return (
        record.resource_type == search.resource_type
        and all(record.id in ids for ids in search.ids)
        and all(record.patient in ids for ids in search.patients)
        and all(_any_bound(bounds, updated) for bounds in search.updated)
        and _content_matches(search, record)
    )


def _content_matches(search: Search, record: DocumentRecord) -> bool:
    if not (search.patients or search.tokens or search.dates):
        return True
    content = msgspec.json.decode(record.content)
    # The vault says whose it is; the resource has to say that it is about somebody.
    if search.patients and not any(
        True for name in ("patient", "subject") for _ in _elements(record, content, name)
    ):
        return False
    for name, tokens in search.tokens:
        held = [pair for element in _elements(record, content, name) for pair in _pairs(element)]
        if name == "category":
            held.append((systems.CATEGORY, record.category.value))
        if not _any_token(tokens, held):
            return False
    if not search.dates:
        return True
    spans = [span for element in _elements(record, content, "date") if (span := _span(element))]
    return all(any(_any_bound(bounds, span) for span in spans) for bounds in search.dates)


def _elements(record: DocumentRecord, content: Any, parameter: str) -> Iterator[Any]:
    official = OFFICIAL[record.resource_type].get(parameter)
    for path in () if official is None else official.paths:
        yield from _at(content, path.split("."))


def _at(element: Any, path: Sequence[str]) -> Iterator[Any]:
    """Yield what stands at a path; a choice is found by the beginning of its name."""
    if isinstance(element, list):
        for one in element:
            yield from _at(one, path)
    elif not path:
        yield element
    elif isinstance(element, dict):
        name = path[0]
        for key, value in element.items():
            if key == name or (key.startswith(name) and key[len(name)].isupper()):
                yield from _at(value, path[1:])


def _pairs(element: Any) -> Iterator[tuple[str, str]]:
    """Yield (system, code) of a CodeableConcept, Coding, Identifier or code.

    An import keeps what it was sent, so any value can stand anywhere: what makes no sense is none.
    """
    if isinstance(element, str):
        yield "", element
    elif isinstance(element, dict):
        codings = element.get("coding", [element])
        for coding in codings if isinstance(codings, list) else ():
            if not isinstance(coding, dict):
                continue
            code, system = coding.get("code", coding.get("value")), coding.get("system", "")
            if isinstance(code, str) and isinstance(system, str):
                yield system, code


def _span(element: Any) -> Interval | None:
    """Return the interval of a date, Period or Timing."""
    if isinstance(element, str):
        return interval(element)
    if not isinstance(element, dict):
        return None
    if "event" in element:
        said = element["event"] if isinstance(element["event"], list) else ()
        events = [found for text in said if (found := interval(str(text)))]
        return Interval(min(events)[0], max(one.end for one in events)) if events else None
    if "repeat" in element:
        repeat = element["repeat"]
        element = repeat.get("boundsPeriod") if isinstance(repeat, dict) else None
    if not isinstance(element, dict):
        return None
    start, end = (interval(str(element.get(name, ""))) for name in ("start", "end"))
    if start is None and end is None:
        return None
    return Interval(start.start if start else EARLIEST, end.end if end else LATEST)


def _any_bound(bounds: Bounds, span: Interval) -> bool:
    start, end = (np.array([one], np.int64) for one in span)
    return bool(_within(bounds, start, end)[0])


def _within(bounds: Bounds, start: Int64s, end: Int64s) -> Mask:
    """Return which intervals [start, end) satisfy any of `bounds`."""
    mask = np.zeros(len(start), np.bool_)
    for bound in bounds:
        mask |= _compared(bound, start, end)
    return mask


def _compared(bound: Bound, start: Int64s, end: Int64s) -> Mask:
    """Compare as R4 3.1.1.4.6 says, with `bound`'s interval as the parameter's range."""
    first, last = bound.interval
    within = (start >= first) & (end <= last)
    # All nine cost less than choosing one of them would cost in reading.
    answers: dict[Prefix, Mask] = {
        Prefix.EQ: within,
        Prefix.NE: ~within,
        Prefix.GT: end > last,
        Prefix.LT: start < first,
        Prefix.GE: (end > last) | within,
        Prefix.LE: (start < first) | within,
        Prefix.SA: start >= last,
        Prefix.EB: end <= first,
        Prefix.AP: (start < last) & (end > first),
    }
    return answers[bound.prefix]


def windows(search: Search) -> tuple[Window, ...]:
    """Return windows on samples and blocks that let through at least what `rows_match` does."""
    return tuple(_hull([_window(bound) for bound in bounds]) for bounds in search.dates)


def document_windows(search: Search) -> tuple[Window, ...]:
    """Return windows on dated documents. Their index knows when they begin, not when they end.

    It tells nothing of documents without a date: those have to be looked at.
    """
    if search.resource_type in FILED_OTHERWISE:
        return ()
    return tuple(
        Window(start_min=window.start_min, start_max=window.start_max) for window in windows(search)
    )


def _window(bound: Bound) -> Window:
    first, last = bound.interval.start - SLACK_MICROS, bound.interval.end + SLACK_MICROS
    # The end of a sample lies before the end of its interval by at most its precision.
    after = bound.interval.end - SLACK_MICROS - MICROS_PER_SECOND
    answers = {
        Prefix.EQ: Window(start_min=first, start_max=last, end_max=last),
        Prefix.NE: Window(),
        Prefix.GT: Window(end_min=after),
        Prefix.GE: Window(end_min=min(first, after)),
        Prefix.LT: Window(start_max=last),
        Prefix.LE: Window(start_max=last),
        Prefix.SA: Window(start_min=after),
        Prefix.EB: Window(end_max=last),
        Prefix.AP: Window(start_max=last, end_min=first - MICROS_PER_SECOND),
    }
    return answers[bound.prefix]


def _hull(several: Sequence[Window]) -> Window:
    """Return one window that holds all of `several`."""
    names = ("start_min", "start_max", "end_min", "end_max")
    columns = [[getattr(window, name) for window in several] for name in names]
    bounds = [
        None if None in column else (min if name.endswith("min") else max)(column)
        for name, column in zip(names, columns, strict=True)
    ]
    return Window(*bounds)
