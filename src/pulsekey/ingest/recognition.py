"""Which format is it? By what is inside, never by the name.

The rule: exactly one format may claim a payload. None or several is an error that says what would
be understood.
"""

import zipfile
from collections.abc import Iterator
from functools import reduce
from typing import Final

from pulsekey.ingest.apple.health import AppleHealth
from pulsekey.ingest.clarity import Clarity
from pulsekey.ingest.fhir_bundle import FhirBundle
from pulsekey.ingest.fit.activity import GarminFit
from pulsekey.ingest.items import Coverage, Format, Payload
from pulsekey.ingest.wfdb.record import WfdbRecord
from pulsekey.primitives.errors import MalformedInput
from pulsekey.primitives.messages import Said
from pulsekey.signals.catalogue import METRICS
from pulsekey.signals.metric import LOINC, MDC, PULSEKEY

HEAD_BYTES: Final = 65_536

FORMATS: Final[tuple[Format, ...]] = (
    AppleHealth(),
    Clarity(),
    GarminFit(),
    WfdbRecord(),
    FhirBundle(),
)
"""Every format we read. Adding one means adding it here."""

SYSTEM_NAMES: Final = {LOINC: "LOINC", MDC: "MDC", PULSEKEY: "Pulsekey"}

_BEHIND: Final = "ask for the data behind it, as a file of one of these formats"
_ONE_OF_THESE: Final = "send one of these formats"
_ZIP: Final = b"PK\x03\x04"
_OTHERS: Final = (
    (b"%PDF", "it is a PDF document", _BEHIND),
    (_ZIP, "it is a zip of something else", "send the export as it was made"),
    (b"\x1f\x8b", "it is something else, packed with gzip", _ONE_OF_THESE),
    (b"BZh", "it is something else, packed with bzip2", _ONE_OF_THESE),
    (b"\xff\xfe", "it is text in UTF-16", "save it as UTF-8"),
    (b"\xfe\xff", "it is text in UTF-16", "save it as UTF-8"),
    (b"\x89PNG", "it is a picture", "send the data, not a screenshot"),
    (b"\xff\xd8\xff", "it is a picture", "send the data, not a screenshot"),
    (b"{", "it is JSON, but no FHIR Bundle", "put the resources into a Bundle"),
    (b"<", "it is XML of an unknown kind", _ONE_OF_THESE),
)
"""What people send by mistake: how it begins, what it is, and what to do."""


def recognise(payload: Payload) -> Format:
    """Return the one format of `payload`; a `MalformedInput` lists what would be understood."""
    with payload.open() as stream:
        head = stream.read(HEAD_BYTES)
    if not head:
        raise MalformedInput("an empty file", where=payload.name, cure="export it again")
    claims = [known for known in FORMATS if known.recognises(head, payload)]
    if len(claims) == 1:
        return claims[0]
    if claims:
        names = ", ".join(known.coverage.format for known in claims)
        problem = Said("it looks like several formats at once: {names}", names=names)
        raise MalformedInput(problem, where=payload.name, cure="send one file at a time")
    if head.startswith(_ZIP) and _is_cut_short(payload):
        raise MalformedInput(
            "a zip that was cut short", where=payload.name, cure="export or download it again"
        )
    start = head.removeprefix(b"\xef\xbb\xbf").lstrip()
    for begins, kind, cure in _OTHERS:
        if head.startswith(begins) or start.startswith(begins):
            advice = Said("{cure}. {understood}", cure=Said(cure), understood=_understood())
            raise MalformedInput(kind, where=payload.name, cure=advice)
    raise MalformedInput("an unknown format", where=payload.name, cure=_understood())


def _is_cut_short(payload: Payload) -> bool:
    """Whether a zip lacks the directory at its end (APPNOTE.TXT, section 4.3.16)."""
    with payload.open() as stream:
        return not zipfile.is_zipfile(stream)


def _understood() -> Said:
    first, *others = (Said(known.coverage.title) for known in FORMATS)
    titles = reduce(lambda one, two: Said("{one}; {two}", one=one, two=two), others, first)
    return Said("Understood: {formats}", formats=titles)


def coverage_lines() -> Iterator[str]:
    """Yield what `pulsekey formats` prints: formats with metrics, codes, units and shapes."""
    for known in FORMATS:
        yield from _format_lines(known.coverage)


def _format_lines(coverage: Coverage) -> Iterator[str]:
    yield f"{coverage.format}: {coverage.title}"
    for name in coverage.metrics:
        metric = METRICS[name]
        codes = ", ".join(
            f"{SYSTEM_NAMES.get(code.system, code.system)} {code.code}" for code in metric.codes
        )
        units = ", ".join(
            dict.fromkeys(part.unit.ucum for part in metric.components if part.unit is not None)
        )
        yield f"  {name:<28}{metric.shape:<13}{units or 'coded':<20} {codes}"
    if coverage.resource_types:
        yield f"  resources: {', '.join(coverage.resource_types)}"
    for note in coverage.notes:
        yield f"  note: {note}"
    yield ""
