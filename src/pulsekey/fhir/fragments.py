"""The pieces that resources are put together from, as JSON values or as text.

A number is text from the first: no value passes through a float on its way out.
"""

import json
from collections.abc import Iterable, Sequence
from functools import cache
from typing import Any

import numpy as np

from pulsekey.fhir import systems
from pulsekey.primitives.ids import PatientId
from pulsekey.signals.grade import Grade
from pulsekey.signals.metric import UCUM, Code, Metric, Unit
from pulsekey.signals.series import Int8s, Int64s, Source

Json = dict[str, Any]


def members(metric: Metric, patient: PatientId, source: Source) -> str:
    """Return the JSON members that every Observation of a series shares, without braces."""
    shared = {
        "category": categories(metric),
        "code": concept(metric.codes),
        "subject": {"reference": f"Patient/{patient}"},
        "device": device(source),
    }
    return dumps(shared)[1:-1]


def categories(metric: Metric) -> list[Json]:
    """Return the standard's category of a metric, if it has one, and the category of consent."""
    out = []
    standard = systems.OBSERVATION_CATEGORIES.get(metric.category)
    if standard is not None:
        out.append(coded(systems.OBSERVATION_CATEGORY, *standard))
    out.append(coded(systems.CATEGORY, metric.category.value))
    return out


def device(source: Source) -> Json:
    """Return an identifier-only reference: a source is not a resource that could be fetched."""
    named = " ".join(part for part in (source.manufacturer, source.model) if part)
    display = source.name or named or source.key
    if named and named not in display:
        display = f"{display} ({named})"
    return {
        "type": "Device",
        "identifier": {"system": systems.SOURCE, "value": source.key},
        "display": display,
    }


def concept(codes: Sequence[Code]) -> Json:
    """Return a CodeableConcept of all codings, its text that of the first."""
    codings = []
    for code in codes:
        coding = {"system": code.system, "code": code.code}
        codings.append(coding | ({"display": code.display} if code.display else {}))
    text = codes[0].display if codes else ""
    return {"coding": codings} | ({"text": text} if text else {})


def coded(system: str, code: str, display: str = "") -> Json:
    """Return a CodeableConcept of one coding."""
    coding = {"system": system, "code": code}
    return {"coding": [coding | ({"display": display} if display else {})]}


def dumps(value: object) -> str:
    """Return compact JSON."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def decimal_texts(mantissa: Int64s, scale: Int8s) -> list[str]:
    """Return mantissa / 10**scale with every digit, trailing zeros included, as JSON numbers."""
    scales = np.unique(scale)
    if len(scales) == 1:
        return decimals(mantissa.tolist(), int(scales[0]))
    out = [""] * len(mantissa)
    for one in scales.tolist():
        places = np.nonzero(scale == one)[0]
        texts = decimals(mantissa[places].tolist(), one)
        for place, text in zip(places.tolist(), texts, strict=True):
            out[place] = text
    return out


def decimals(mantissas: Iterable[int], scale: int) -> list[str]:
    if scale == 0:
        return [str(mantissa) for mantissa in mantissas]
    if scale < 0:
        return [f"{mantissa}e{-scale}" for mantissa in mantissas]
    out = []
    for mantissa in mantissas:
        digits = str(abs(mantissa)).rjust(scale + 1, "0")
        text = f"{digits[:-scale]}.{digits[-scale:]}"
        out.append(f"-{text}" if mantissa < 0 else text)
    return out


@cache
def unit_members(unit: Unit) -> str:
    """Return unit, system and code of a Quantity. Units are a closed table, so they are kept."""
    return dumps({"unit": unit.text, "system": UCUM, "code": unit.ucum})[1:-1]


def graded(grade: Grade, reasons: int) -> Json:
    """Return a grade and its reasons as one concept of our code systems."""
    codings = [{"system": systems.GRADE, "code": grade.name.lower()}]
    codings += [
        {"system": systems.GRADE_REASON, "code": code} for code in systems.reason_codes(reasons)
    ]
    return {"coding": codings}


def wall_period(walls: Sequence[str]) -> Json:
    """Return start, and end if there is one, as local dates that carry their wall-clock times."""
    out: Json = {}
    for name, wall in zip(("start", "end"), walls, strict=False):
        out[name] = wall.partition("T")[0]
        out[f"_{name}"] = {"extension": [{"url": systems.LOCAL_TIME, "valueString": wall}]}
    return out
