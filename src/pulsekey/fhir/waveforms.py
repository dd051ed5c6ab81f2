"""A block of waveform as one Observation: a component a lead, its samples as SampledData.

Samples are written as they were measured, whatever their grade: what noise hides is for the reader
to judge, so windows that are not good are named beside the data, not cut out of it (ADR 0041).
"""

from decimal import Decimal
from fractions import Fraction
from math import ceil, floor
from typing import Any

import numpy as np

from pulsekey.fhir import systems
from pulsekey.fhir.fragments import Json, concept, dumps, graded, members, wall_period
from pulsekey.fhir.instants import clock_texts, instant_text, wall_texts
from pulsekey.primitives.clock import MICROS_PER_SECOND
from pulsekey.signals.grade import Grade
from pulsekey.signals.metric import UCUM
from pulsekey.signals.series import GRADE_WINDOW_SECONDS, Basis, Block, Channel, Int64s
from pulsekey.vault.records import BlockRecord

PERIOD_DIGITS = 12
MILLIS_PER_SECOND = 1_000


def waveform(record: BlockRecord) -> bytes:
    """Return the Observation of a block, or of the part of it that was read."""
    head, block = record.head, record.block
    entry = head.entry
    begin = block.start + floor(Fraction(record.first * MICROS_PER_SECOND) / block.rate_hz)
    end = begin + ceil(record.duration_seconds * MICROS_PER_SECOND)
    identity = {
        "resourceType": "Observation",
        "id": systems.observation_id(entry.id, head.ordinal),
        "meta": {"versionId": str(head.version), "lastUpdated": instant_text(head.updated)},
        "status": "final",
    }
    body: Json = {"effectivePeriod": _period(begin, end, block)}
    windows = list(_windows(block, begin, end))
    if windows:
        worst = max(grade for _, _, grade, _ in windows)
        reasons = int(np.bitwise_or.reduce([bits for *_, bits in windows]))
        body["extension"] = [_window(*window, block) for window in windows]
        body["interpretation"] = [graded(Grade(worst), reasons)]
    components = ",".join(
        f'{{"code":{dumps(concept([channel.code]))},"valueSampledData":{_sampled(channel, block)}}}'
        for channel in block.channels
    )
    fixed = members(entry.metric, entry.patient, entry.source)
    return (
        f'{dumps(identity)[:-1]},{fixed},{dumps(body)[1:-1]},"component":[{components}]}}'
    ).encode()


def _period(begin: int, end: int, block: Block) -> Json:
    at = np.array([begin, end], np.int64)
    if block.basis is Basis.FLOATING:
        return wall_period(wall_texts(at))
    start, until = _texts(at, block)
    return {"start": start, "end": until}


def _texts(at: Int64s, block: Block) -> list[str]:
    offset = np.full(len(at), block.offset, np.int16)
    return clock_texts(at, offset, np.full(len(at), block.basis, np.uint8))


def _windows(block: Block, begin: int, end: int) -> list[tuple[int, int, int, int]]:
    """Return begin, end, grade and reasons of every run of equal windows that is not good.

    Grades are of the whole block, whatever part of it, `begin` to `end`, was read.
    """
    if block.grades is None:
        return []
    width = GRADE_WINDOW_SECONDS * MICROS_PER_SECOND
    out: list[tuple[int, int, int, int]] = []
    pairs = zip(block.grades.grade.tolist(), block.grades.reasons.tolist(), strict=True)
    for index, (grade, reasons) in enumerate(pairs):
        if grade == Grade.GOOD:
            continue
        at, until = max(block.start + index * width, begin), block.start + (index + 1) * width
        until = min(until, end)
        if at >= until:
            continue
        if out and out[-1][1:] == (at, grade, reasons):
            out[-1] = (out[-1][0], until, grade, reasons)
        else:
            out.append((at, until, grade, reasons))
    return out


def _window(begin: int, end: int, grade: int, reasons: int, block: Block) -> Json:
    return {
        "url": systems.GRADED_WINDOW,
        "extension": [
            {"url": "period", "valuePeriod": _period(begin, end, block)},
            {"url": "grade", "valueCodeableConcept": graded(Grade(grade), reasons)},
        ],
    }


def _sampled(channel: Channel, block: Block) -> str:
    """Return SampledData: physical value = data * factor + origin, in the channel's unit."""
    period, exact = _millis(MILLIS_PER_SECOND / block.rate_hz)
    parts = []
    if not exact:
        rate = block.rate_hz
        ratio: dict[str, Any] = {
            "numerator": {"value": rate.numerator},
            "denominator": {"value": rate.denominator, "unit": "s", "system": UCUM, "code": "s"},
        }
        extension = [{"url": systems.SAMPLING_RATE, "valueRatio": ratio}]
        parts.append(f'"extension":{dumps(extension)}')
    unit = dumps({"unit": channel.unit, "system": UCUM, "code": channel.unit})[1:-1]
    parts += [f'"origin":{{"value":{channel.origin},{unit}}}', f'"period":{period}']
    parts.append(f'"factor":{channel.factor}')
    for name, limit in (("lowerLimit", channel.lower), ("upperLimit", channel.upper)):
        if limit is not None:
            parts.append(f'"{name}":{Decimal(limit) * channel.factor + channel.origin}')
    parts += ['"dimensions":1', f'"data":"{_data(channel)}"']
    return f"{{{','.join(parts)}}}"


def _millis(period: Fraction) -> tuple[str, bool]:
    """Return milliseconds between samples, and whether that decimal is exact."""
    rounded = Decimal(period.numerator) / Decimal(period.denominator)
    exact = Fraction(rounded) == period
    return str(rounded if exact else round(rounded, PERIOD_DIGITS)), exact


def _data(channel: Channel) -> str:
    """Return the samples; E where none was measured, L and U beyond the sensor's limits."""
    texts = list(map(str, channel.raw.tolist()))
    marks = []
    if channel.lower is not None:
        marks.append(("L", channel.raw < channel.lower))
    if channel.upper is not None:
        marks.append(("U", channel.raw > channel.upper))
    if channel.lost is not None:
        marks.append(("E", channel.raw == channel.lost))
    for letter, where in marks:
        for index in np.nonzero(where)[0].tolist():
            texts[index] = letter
    return " ".join(texts)
