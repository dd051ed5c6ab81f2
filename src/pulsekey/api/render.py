"""From what use cases return to what the JSON interface answers."""

from fractions import Fraction
from typing import Any

import numpy as np

from pulsekey.api import shapes
from pulsekey.consent.state import GrantState
from pulsekey.exchange.daily_totals import Totals
from pulsekey.exchange.list_access import Consent, Reading, Shared
from pulsekey.exchange.offers import Offer
from pulsekey.exchange.show_record import Listed, Stretch
from pulsekey.exchange.sign_operation import Confirmed, kind_name
from pulsekey.fhir.systems import reason_codes
from pulsekey.identity.directory import Recipient
from pulsekey.identity.principals import Organisation, Principal
from pulsekey.ingest.report import ImportReport
from pulsekey.ingest.stored_report import shown_report
from pulsekey.primitives.messages import in_language
from pulsekey.quality.overlap import DailyTotal
from pulsekey.quality.summary import Summary
from pulsekey.quality.wording import in_words
from pulsekey.signals.grade import Grade
from pulsekey.signals.metric import Component
from pulsekey.signals.series import Grades, Series, floats
from pulsekey.vault.records import BlockHead, BlockRecord, SeriesEntry

STATES = {
    GrantState.NOT_YET: "not-yet",
    GrantState.LIVE: "live",
    GrantState.EXPIRED: "expired",
    GrantState.STOPPED: "stopped",
    GrantState.HELD: "held",
    GrantState.NEVER: "offered",
}


def principal(one: Principal, organisation: Organisation) -> shapes.PrincipalShape:
    return shapes.PrincipalShape(
        id=one.id,
        role=str(one.role),
        status=str(one.status),
        display_name=one.display_name,
        organisation_name=organisation.name,
        patient=one.patient,
    )


def offer(one: Offer, ledger: bytes) -> shapes.OfferAnswer:
    terms = one.terms
    return shapes.OfferAnswer(
        offer=one.id,
        kind=kind_name(one.operation.body.kind),
        operation=one.operation_bytes.hex(),
        ledger=ledger.hex(),
        challenge=one.challenge.hex(),
        options=one.options,
        terms=None if terms is None else terms.encode().decode(),
        consent=None if terms is None else terms.consent.hex(),
    )


def step(confirmed: Confirmed) -> shapes.StepAnswer:
    done = confirmed.step
    return shapes.StepAnswer(
        kind=kind_name(confirmed.offer.operation.body.kind),
        code=done.code,
        batch=done.batch,
        log_index=done.index,
        time=done.time,
    )


def recipient(one: Recipient) -> shapes.RecipientShape:
    return shapes.RecipientShape(
        id=one.principal.id,
        display_name=one.principal.display_name,
        organisation_name=one.organisation.name,
    )


def consent(one: Consent) -> shapes.GrantShape:
    terms = one.terms
    return shapes.GrantShape(
        consent=one.consent.hex(),
        recipient=terms.recipient.id,
        recipient_name=terms.recipient.name,
        organisation_name=terms.recipient.organisation.name,
        categories=[str(category) for category in terms.categories],
        purpose=terms.purpose,
        valid_from=terms.valid_from,
        valid_until=terms.valid_until,
        state=STATES[one.state],
        sentence=terms.sentence,
        language=terms.language,
        reads=one.reads,
    )


def reading(one: Reading) -> shapes.AccessShape:
    access, asked = one.access, one.access.asked
    return shapes.AccessShape(
        at_micros=access.at,
        reader=access.reader,
        reader_name=one.reader_name,
        basis=str(access.basis),
        purpose=access.purpose,
        consent=access.chain.hex() if access.basis == "consent" else None,
        types=list(asked.types),
        categories=list(asked.categories),
        limit=asked.limit,
        reason=access.reason,
    )


def shared(one: Shared) -> shapes.SharedShape:
    return shapes.SharedShape(
        patient=one.patient,
        display_name=one.name,
        until=one.until,
        categories=[str(category) for category in one.categories],
    )


def listed(found: Listed) -> dict[str, Any]:
    """Return the series that may be seen, each with its newest sample, null where it has none."""
    series = [series_entry(entry) for entry in found.series]
    for shown in series:
        newest = found.latest.get(shown["series"])
        row = np.zeros(1, np.int64)
        shown["latest"] = None if newest is None else _points(newest.series, row)[0]
    return {"limited": found.limited, "series": series}


def series_entry(entry: SeriesEntry) -> dict[str, Any]:
    metric = entry.metric
    return {
        "series": entry.id,
        "metric": metric.name,
        "title": metric.codes[0].display,
        "category": str(entry.category),
        "shape": str(metric.shape),
        "source": entry.source.name,
        "count": entry.count,
        "first": entry.first,
        "last": entry.last,
        "components": [_component(part) for part in metric.components],
    }


def _component(part: Component) -> dict[str, Any]:
    shown: dict[str, Any] = {"name": part.name, "unit": part.unit.text if part.unit else ""}
    if part.answers:
        shown["answers"] = [answer.display for answer in part.answers]
    return shown


def stretch(one: Stretch, language: str) -> dict[str, Any]:
    shown = series_entry(one.entry)
    if one.samples is None:
        return {"series": shown, "points": [], "thinned": False, "cut": one.cut, "quality": None}
    return {
        "series": shown,
        "points": _points(one.samples.series, one.shown),
        "thinned": one.thinned,
        "cut": one.cut,
        "quality": None if one.summary is None else quality(one.summary, language),
    }


def quality(summary: Summary, language: str) -> dict[str, Any]:
    """Return the summary as message keys with numbers, and in words."""
    return {
        "text": in_language(in_words(summary), language),
        "messages": [
            {
                "key": message.key,
                "numbers": dict(message.numbers),
                "reasons": list(message.reasons),
            }
            for message in summary.messages
        ],
    }


def _points(series: Series, shown: "np.ndarray[Any, np.dtype[np.int64]]") -> list[dict[str, Any]]:
    times, grades = series.times, series.grades
    columns = [floats(component)[shown].tolist() for component in series.components]
    grade = [int(Grade.GOOD)] * len(shown) if grades is None else grades.grade[shown].tolist()
    reasons = [0] * len(shown) if grades is None else grades.reasons[shown].tolist()
    rows = zip(
        times.start[shown].tolist(),
        times.end[shown].tolist(),
        times.offset[shown].tolist(),
        times.basis[shown].tolist(),
        zip(*columns, strict=True),
        grade,
        reasons,
        strict=True,
    )
    return [
        {
            "at": start,
            "end": end,
            "offset": offset,
            "basis": basis,
            # NaN stands for an absent value inside; JSON has null for it.
            "values": [None if value != value else value for value in values],  # noqa: PLR0124
            "grade": Grade(graded).name.lower(),
            "reasons": reason_codes(bits),
        }
        for start, end, offset, basis, values, graded, bits in rows
    ]


def block_head(head: BlockHead) -> dict[str, Any]:
    return {
        "ordinal": head.ordinal,
        "start": head.start,
        "end": head.end,
        "samples": head.samples,
    }


def block(record: BlockRecord) -> dict[str, Any]:
    """Return a stretch of waveform: per channel physical values, null where there is none."""
    content = record.block
    return {
        **block_head(record.head),
        "firstSample": record.first,
        "rateHz": float(content.rate_hz),
        "basis": int(content.basis),
        "offset": content.offset,
        "windows": [] if content.grades is None else _windows(content.grades),
        "channels": [
            {
                "name": channel.code.display,
                "unit": channel.unit,
                "values": [
                    None
                    if channel.lost is not None and raw == channel.lost
                    else round(raw * float(channel.factor) + float(channel.origin), 6)
                    for raw in channel.raw.tolist()
                ],
            }
            for channel in content.channels
        ],
    }


def _windows(grades: Grades) -> list[dict[str, Any]]:
    """Return the grade of each ten seconds of a whole block, which comes with its beginning."""
    return [
        {"grade": Grade(grade).name.lower(), "reasons": reason_codes(reasons)}
        for grade, reasons in zip(grades.grade.tolist(), grades.reasons.tolist(), strict=True)
    ]


def report(one: ImportReport, language: str) -> dict[str, Any]:
    """Return a report: each text as {text, code} in `language`; `lines` is all of it in English."""
    return {**shown_report(one, language), "lines": list(one.lines())}


def totals(found: Totals) -> dict[str, Any]:
    """Return days with their value, what each source gave to it and what it counted beside it."""
    return {
        "limited": found.limited,
        "days": [
            {
                "day": one.day.isoformat(),
                "value": round(float(one.value), 3),
                "unit": one.unit,
                "parts": [
                    {"source": found.sources.get(source, source), "value": round(float(value), 3)}
                    for source, value in _by_source(one).items()
                ],
                "leftOut": [
                    {"source": found.sources.get(source, source), "value": round(float(value), 3)}
                    for source, value in sorted(one.left_out.items())
                    if value
                ],
            }
            for one in found.days
        ],
    }


def _by_source(total: DailyTotal) -> dict[str, Fraction]:
    given: dict[str, Fraction] = {}
    for part in total.parts:
        given[part.source] = given.get(part.source, Fraction(0)) + part.value
    return given
