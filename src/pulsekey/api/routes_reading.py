"""Reading a record in the portal: the patient's own, or one that a clinician was let into."""

from typing import Any

import msgspec

from pulsekey.api import render, shapes
from pulsekey.api.callers import Access, Caller
from pulsekey.api.endpoint import Call, Endpoint, Query
from pulsekey.api.routes_patient import own
from pulsekey.primitives.canonical import INTEGER_MAX
from pulsekey.primitives.clock import Micros
from pulsekey.primitives.errors import MalformedInput
from pulsekey.primitives.ids import PatientId, SeriesId
from pulsekey.wiring import Node

POINTS_USUAL = 1_200
WAVE_SECONDS_USUAL = 10
PATIENT = Query("patient", "string", "whose record; a patient reads their own and names nobody")
SPAN = (
    Query("from", "integer", "microseconds since 1970 in UTC, included"),
    Query("until", "integer", "microseconds since 1970 in UTC, left out"),
)


def shared(node: Node, call: Call) -> shapes.SharedAnswer:
    found = node.listing.shared_with(call.who.principal, call.who.purpose)
    return shapes.SharedAnswer(patients=[render.shared(one) for one in found])


def series(node: Node, call: Call) -> dict[str, Any]:
    listed = node.showing.series(call.who.principal, _patient(call), call.who.purpose)
    return render.listed(listed)


def stretch(node: Node, call: Call) -> dict[str, Any]:
    found = node.showing.stretch(
        call.who.principal,
        SeriesId(call.path["series"]),
        call.who.purpose,
        _moment(call, "from"),
        _moment(call, "until"),
        _count(call, "points", POINTS_USUAL),
    )
    return render.stretch(found, call.language)


def blocks(node: Node, call: Call) -> dict[str, Any]:
    heads = node.showing.blocks(call.who.principal, SeriesId(call.path["series"]), call.who.purpose)
    return {"blocks": [render.block_head(head) for head in heads]}


def waveform(node: Node, call: Call) -> dict[str, Any]:
    record = node.showing.waveform(
        call.who.principal,
        SeriesId(call.path["series"]),
        call.who.purpose,
        _whole(call.path["ordinal"], "ordinal"),
        _count(call, "second", 0),
        _count(call, "seconds", WAVE_SECONDS_USUAL),
    )
    return render.block(record)


def chart(node: Node, call: Call) -> dict[str, Any]:
    found = node.showing.chart(call.who.principal, _patient(call), call.who.purpose)
    return {"limited": found.limited, "counts": dict(found.counts), "cut": found.cut}


def documents(node: Node, call: Call) -> dict[str, Any]:
    found = node.showing.documents(
        call.who.principal, _patient(call), call.who.purpose, call.query.get("type", "Condition")
    )
    return {
        "limited": found.limited,
        "documents": [msgspec.Raw(one) for one in found.resources],
        "cut": found.cut,
    }


def daily_totals(node: Node, call: Call) -> dict[str, Any]:
    found = node.totals(
        call.who.principal,
        _patient(call),
        call.who.purpose,
        call.path["metric"],
        _moment(call, "from"),
        _moment(call, "until"),
    )
    return render.totals(found)


def _patient(call: Call) -> PatientId:
    named = call.query.get("patient", "")
    return PatientId(named) if named else own(_caller(call).principal)


def _caller(call: Call) -> Caller:
    return call.who


def _moment(call: Call, name: str) -> Micros | None:
    text = call.query.get(name, "")
    if not text:
        return None
    moment = _whole(text, name)
    # Before anybody is looked up: what the log cannot hold must not tell who is known.
    if abs(moment) > INTEGER_MAX:
        raise MalformedInput("no time at which anything was measured", where=name)
    return Micros(moment)


def _count(call: Call, name: str, usual: int) -> int:
    text = call.query.get(name, "")
    return _whole(text, name) if text else usual


def _whole(text: str, name: str) -> int:
    digits = text.removeprefix("-")
    if not (digits.isascii() and digits.isdecimal() and len(digits) <= 18):
        raise MalformedInput("a whole number", where=name)
    return int(text)


ENDPOINTS = (
    Endpoint(
        "GET",
        "/api/shared",
        "The patients who let me in now",
        Access.CLINICIAN,
        shared,
        answer=shapes.SharedAnswer,
    ),
    Endpoint(
        "GET",
        "/api/series",
        "The series that I may see",
        Access.READER,
        series,
        query=(PATIENT,),
    ),
    Endpoint(
        "GET",
        "/api/series/{series}",
        "A stretch of one series, to draw",
        Access.READER,
        stretch,
        query=(*SPAN, Query("points", "integer", "how many points to draw at most")),
    ),
    Endpoint(
        "GET",
        "/api/series/{series}/blocks",
        "The stretches of one waveform",
        Access.READER,
        blocks,
    ),
    Endpoint(
        "GET",
        "/api/series/{series}/blocks/{ordinal}",
        "Some seconds of a waveform",
        Access.READER,
        waveform,
        query=(
            Query("second", "integer", "from this second of the stretch on"),
            Query("seconds", "integer", "for so many seconds"),
        ),
    ),
    Endpoint(
        "GET",
        "/api/daily-totals/{metric}",
        "What was counted per day, each step once",
        Access.READER,
        daily_totals,
        query=(PATIENT, *SPAN),
    ),
    Endpoint(
        "GET",
        "/api/chart",
        "How many clinical resources of each type",
        Access.READER,
        chart,
        query=(PATIENT,),
    ),
    Endpoint(
        "GET",
        "/api/documents",
        "Clinical resources of one type",
        Access.READER,
        documents,
        query=(PATIENT, Query("type", "string", "the FHIR type; Condition if none is named")),
    ),
)
