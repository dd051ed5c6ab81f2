"""An import report as it is kept and as it is shown: its texts as codes, or in a language.

The rule: a report that was once stored can always be read. Version 1 held English alone; its texts
are recognised where the catalogue still says them so, and stay English where it does not.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import Any, Final, TypeAlias

import msgspec

from pulsekey.ingest.items import Refusal
from pulsekey.ingest.report import ImportReport, Quarantined, Summary, Tally
from pulsekey.primitives.canonical import Document
from pulsekey.primitives.clock import Micros
from pulsekey.primitives.errors import MalformedInput
from pulsekey.primitives.messages import code_of, document_of, in_language, text_from

REPORT_VERSION: Final = 2
PLAIN_VERSION: Final = 1
"""Its texts were English alone."""

Text: TypeAlias = "str | dict[str, Any]"
"""A text as `document_of` keeps it."""


class _KeptRefusal(msgspec.Struct, frozen=True):
    where: Text
    problem: Text
    cure: Text


class _KeptQuarantine(msgspec.Struct, frozen=True):
    where: Text
    what: str
    explanation: Text


class _KeptSummary(msgspec.Struct, frozen=True):
    metric: str
    source: str
    text: Text


class _Kept(msgspec.Struct, frozen=True):
    """A report as it lies in the vault: its texts are not read yet."""

    name: str
    format: str
    received: int
    tallies: tuple[Tally, ...] = ()
    refusals: tuple[_KeptRefusal, ...] = ()
    refused_beyond: tuple[tuple[Text, int], ...] = ()
    quarantined: tuple[_KeptQuarantine, ...] = ()
    quarantined_beyond: int = 0
    first_day: str = ""
    last_day: str = ""
    summaries: tuple[_KeptSummary, ...] = ()


def stored_report(report: ImportReport) -> Document:
    """Return a report as the canonical document that is kept."""
    return {"version": REPORT_VERSION, **_shaped(report, document_of)}


def shown_report(report: ImportReport, language: str) -> dict[str, Any]:
    """Return a report with its texts in `language`, each beside its code ("" for data)."""

    def said(text: str) -> Document:
        return {"text": in_language(text, language), "code": code_of(text)}

    return _shaped(report, said)


def report_from(document: Document) -> ImportReport:
    """Return the report that `document` stands for, or raise `MalformedInput`."""
    versions = (REPORT_VERSION, PLAIN_VERSION)
    if not isinstance(document, dict) or document.get("version") not in versions:
        raise MalformedInput("not an import report of a known version", where="report")
    try:
        kept = msgspec.convert(document, _Kept)
    except msgspec.ValidationError:
        raise MalformedInput("not an import report", where="report") from None
    return ImportReport(
        name=kept.name,
        format=kept.format,
        received=Micros(kept.received),
        tallies=kept.tallies,
        refusals=tuple(
            Refusal(text_from(one.where), text_from(one.problem), text_from(one.cure))
            for one in kept.refusals
        ),
        refused_beyond=tuple((text_from(text), count) for text, count in kept.refused_beyond),
        quarantined=tuple(
            Quarantined(text_from(one.where), one.what, text_from(one.explanation))
            for one in kept.quarantined
        ),
        quarantined_beyond=kept.quarantined_beyond,
        first_day=kept.first_day,
        last_day=kept.last_day,
        summaries=tuple(
            Summary(one.metric, one.source, text_from(one.text)) for one in kept.summaries
        ),
    )


def _shaped(report: ImportReport, said: Callable[[str], Document]) -> dict[str, Document]:
    """Return a report with each of its texts as `said` gives it."""
    bare = replace(report, refusals=(), refused_beyond=(), quarantined=(), summaries=())
    return {
        **msgspec.to_builtins(bare),
        "refusals": [
            {"where": said(one.where), "problem": said(one.problem), "cure": said(one.cure)}
            for one in report.refusals
        ],
        "refused_beyond": [[said(problem), count] for problem, count in report.refused_beyond],
        "quarantined": [
            {"where": said(one.where), "what": one.what, "explanation": said(one.explanation)}
            for one in report.quarantined
        ],
        "summaries": [
            {"metric": one.metric, "source": one.source, "text": said(one.text)}
            for one in report.summaries
        ],
    }
