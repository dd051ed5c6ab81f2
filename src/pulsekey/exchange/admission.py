"""Whether an imported resource, as a whole, is within what a consent lets through.

The one rule: a resource is read whole, so every code and every time in it has to be within. Judged
from its bytes at each reading: what the index narrows by (a category at import, one date for
searches) may hide more than this, never open more (ADR 0048, 0049).
"""

from collections.abc import Mapping
from typing import Any, Final

import msgspec

from pulsekey.exchange.scope import Bounds
from pulsekey.resources.matter import CODINGS_MAX, category_of, codings
from pulsekey.resources.telling import times_of
from pulsekey.vault.records import EAST_MICROS, WEST_MICROS, DocumentRecord
from pulsekey.vault.rows import span_of

EVER: Final = 1 << 62
"""Before or after any time that a consent can name, in microseconds."""


def admitted(bounds: Bounds, record: DocumentRecord) -> bool:
    """Whether all of a resource is within bounds: its category as of today, codes and times."""
    try:
        resource = msgspec.json.decode(record.content)
    except msgspec.DecodeError:
        return False
    if not isinstance(resource, dict):
        return False
    return (
        category_of(resource) in bounds.categories
        and not _excluded(bounds, resource)
        and _within(bounds, resource, record.received)
    )


def _excluded(bounds: Bounds, resource: Mapping[str, Any]) -> bool:
    if not bounds.exclusions:
        return False
    carried = tuple(codings(resource))
    return len(carried) >= CODINGS_MAX or bounds.excludes_codes(carried)


def _within(bounds: Bounds, resource: Mapping[str, Any], received: int) -> bool:
    if bounds.data_from is None and bounds.data_until is None:
        return True
    first, last = told(resource, received)
    begun = bounds.data_from is None or first >= bounds.data_from
    return begun and (bounds.data_until is None or last < bounds.data_until)


def told(resource: Mapping[str, Any], received: int) -> tuple[int, int]:
    """Return the first and the last microsecond UTC that a resource tells of, received at one.

    What has no begin reaches back for ever; what has no end, or says of a time after it was
    received, tells of what was known when it was received. A time without a zone counts in all.
    """
    times = times_of(resource)
    spans = [span_of(date) for date in times.dates]
    known = [
        (start - EAST_MICROS, end + WEST_MICROS) if floating else (start, end)
        for start, end, floating in filter(None, spans)
    ]
    sure = len(known) == len(spans)
    first = min((start for start, _ in known), default=-EVER)
    last = max((end for _, end in known), default=received)
    if not times.ends or not sure or last > received:
        last = received if first <= received else max(last, received)
    return first if times.begins and sure else -EVER, last
