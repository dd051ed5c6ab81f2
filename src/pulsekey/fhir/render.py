"""Samples as Observations: bytes from columns through a template, one resource a row.

What a sample says is never rounded, converted or interpreted here: digits are those of mantissa and
scale, the status is always `final`, and a grade shows through `interpretation` and
`dataAbsentReason` only (ADR 0041).
"""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from pulsekey.fhir import systems
from pulsekey.fhir.fragments import (
    coded,
    concept,
    decimal_texts,
    decimals,
    dumps,
    graded,
    members,
    unit_members,
    wall_period,
)
from pulsekey.fhir.instants import clock_texts, instant_texts, wall_texts
from pulsekey.signals.grade import Grade
from pulsekey.signals.metric import Code, Component, Metric, Shape
from pulsekey.signals.series import (
    Absence,
    Basis,
    Comparator,
    Int8s,
    Int64s,
    Series,
)
from pulsekey.vault.records import Samples

Indices = NDArray[np.int64]

FRAGMENTS_MAX = 1_024
"""How many distinct concepts and grades are kept as text; a series has few."""
COMPARATORS = {
    Comparator.LESS: "<",
    Comparator.LESS_OR_EQUAL: "<=",
    Comparator.GREATER_OR_EQUAL: ">=",
    Comparator.GREATER: ">",
}


def observations(samples: Samples, chosen: Indices | None = None) -> list[bytes]:
    """Return the Observations of `samples`, or of those at the indices `chosen`, in that order."""
    picked = np.arange(len(samples.series)) if chosen is None else chosen
    plain = _plain(samples.series)[picked]
    if plain.all():
        return _fast(samples, picked)
    out: list[bytes] = [b""] * len(picked)
    for where, render in ((plain, _fast), (~plain, _slow)):
        places = np.nonzero(where)[0]
        if not len(places):
            continue
        for place, rendered in zip(places.tolist(), render(samples, picked[places]), strict=True):
            out[place] = rendered
    return out


def _plain(series: Series) -> NDArray[np.bool_]:
    """Which rows the fast template can say: good, zoned, each value present, exact and as given."""
    plain = np.ones(len(series), np.bool_)
    if series.labels is not None or any(c.unit is None for c in series.metric.components):
        return ~plain
    plain &= series.times.basis != Basis.FLOATING
    if series.grades is not None:
        plain &= series.grades.grade == Grade.GOOD
    for values in series.components:
        plain &= (values.comparator == 0) & (values.absent == 0) & (values.unit == 0)
    return plain


# The two paths share every fragment; a test renders plain rows through both and compares the bytes.


def _fast(samples: Samples, picked: Indices) -> list[bytes]:
    series, metric = samples.series, samples.series.metric
    columns = [
        samples.ordinals[picked].tolist(),
        samples.versions[picked].tolist(),
        instant_texts(samples.updated[picked]),
        *_times(series, picked),
    ]
    columns += [
        decimal_texts(values.mantissa[picked], values.scale[picked]) for values in series.components
    ]
    effective = _zoned(("%s", "%s") if _spans(metric) else ("%s",))
    fixed = _literal_text(_fixed(samples))
    template = _frame(samples.entry.id, "%d", "%d", "%s", fixed, effective, _plain_values(metric))
    return [(template % row).encode() for row in zip(*columns, strict=True)]


def _plain_values(metric: Metric) -> str:
    """Return the template of a metric's values, with one %s a component."""
    parts = []
    for component in metric.components:
        assert component.unit is not None  # `_plain` excludes categorical components.
        unit = _literal_text(unit_members(component.unit))
        quantity = f'"valueQuantity":{{"value":%s,{unit}}}'
        if not _has_components(metric):
            return quantity
        parts.append(f'{{"code":{_literal_text(dumps(concept(component.codes)))},{quantity}}}')
    return f'"component":[{",".join(parts)}]'


def _slow(samples: Samples, picked: Indices) -> list[bytes]:
    series, fixed = samples.series, _fixed(samples)
    floating = series.times.basis[picked] == Basis.FLOATING
    times = list(zip(*_times(series, picked), strict=True))
    walls = list(zip(*_walls(series, picked), strict=True))
    ordinals, versions = samples.ordinals[picked].tolist(), samples.versions[picked].tolist()
    updated = instant_texts(samples.updated[picked])
    out = []
    for place, row in enumerate(picked.tolist()):
        effective = _floating(walls[place]) if floating[place] else _zoned(times[place])
        ordinal, version = str(ordinals[place]), str(versions[place])
        values = _values(series, row)
        text = _frame(samples.entry.id, ordinal, version, updated[place], fixed, effective, values)
        out.append(text.encode())
    return out


def _frame(
    series_id: str,
    ordinal: str,
    version: str,
    updated: str,
    fixed: str,
    effective: str,
    values: str,
) -> str:
    return (
        f'{{"resourceType":"Observation","id":"{series_id}-{ordinal}",'
        f'"meta":{{"versionId":"{version}","lastUpdated":"{updated}"}},"status":"final",'
        f"{fixed},{effective},{values}}}"
    )


def _fixed(samples: Samples) -> str:
    return members(samples.series.metric, samples.entry.patient, samples.series.source)


def _literal_text(text: str) -> str:
    """Return text that a template says as it is: a unit may be `%`."""
    return text.replace("%", "%%")


def _spans(metric: Metric) -> bool:
    """Whether samples of this shape have a duration."""
    return metric.shape in {Shape.INTERVAL, Shape.SESSION, Shape.CATEGORICAL}


def _has_components(metric: Metric) -> bool:
    return metric.shape in {Shape.PANEL, Shape.SESSION}


def _times(series: Series, picked: Indices) -> list[list[str]]:
    times = series.times
    offset, basis = times.offset[picked], times.basis[picked]
    columns = [times.start, times.end] if _spans(series.metric) else [times.start]
    return [clock_texts(column[picked], offset, basis) for column in columns]


def _walls(series: Series, picked: Indices) -> list[list[str]]:
    columns = [series.times.start, series.times.end]
    return [wall_texts(column[picked]) for column in columns[: 1 + _spans(series.metric)]]


def _zoned(times: tuple[str, ...]) -> str:
    if len(times) == 1:
        return f'"effectiveDateTime":"{times[0]}"'
    return f'"effectivePeriod":{{"start":"{times[0]}","end":"{times[1]}"}}'


def _floating(walls: tuple[str, ...]) -> str:
    """Return the dates of a time without a zone; FHIR has no dateTime for it (ADR 0042)."""
    period = wall_period(walls)
    if len(walls) == 1:
        return dumps(
            {"effectiveDateTime": period["start"], "_effectiveDateTime": period["_start"]}
        )[1:-1]
    return dumps({"effectivePeriod": period})[1:-1]


@dataclass(frozen=True, slots=True)
class _Value:
    """One component's value in one row: its number as text, and how the source gave it."""

    component: Component
    absence: Absence
    answer: int
    text: str
    comparator: str
    given: str
    given_unit: str

    def typed(self) -> str:
        """Return the value as a member value[x], from after the word `value`."""
        if self.component.unit is None:
            answer = self.component.answers[self.answer]
            return f'CodeableConcept":{_concept_text((answer,))}'
        comparator = f'"comparator":"{self.comparator}",' if self.comparator else ""
        extension = ""
        if self.given:
            given = f'{{"value":{self.given},"unit":{dumps(self.given_unit)}}}'
            extension = f'"extension":[{{"url":"{systems.GIVEN_VALUE}","valueQuantity":{given}}}],'
        unit = unit_members(self.component.unit)
        return f'Quantity":{{{extension}"value":{self.text},{comparator}{unit}}}'


def _read(series: Series, index: int, row: int) -> _Value:
    values = series.components[index]
    converted = int(values.unit[row])
    return _Value(
        series.metric.components[index],
        Absence(int(values.absent[row])),
        int(values.mantissa[row]),
        _decimal(values.mantissa, values.scale, row),
        COMPARATORS.get(Comparator(int(values.comparator[row])), ""),
        _decimal(values.given_mantissa, values.given_scale, row) if converted else "",
        series.units[converted - 1] if converted else "",
    )


def _decimal(mantissa: Int64s, scale: Int8s, row: int) -> str:
    return decimals([int(mantissa[row])], int(scale[row]))[0]


@lru_cache(FRAGMENTS_MAX)
def _concept_text(codes: tuple[Code, ...]) -> str:
    return dumps(concept(codes))


@lru_cache(FRAGMENTS_MAX)
def _graded_text(grade: Grade, reasons: int) -> str:
    return dumps(graded(grade, reasons))


@lru_cache(FRAGMENTS_MAX)
def _absence_text(system_code: tuple[str, str]) -> str:
    return dumps(coded(systems.ABSENT, *system_code))


def _values(series: Series, row: int) -> str:
    """Return the value, interpretation and component members of one row."""
    metric = series.metric
    said = [_read(series, index, row) for index in range(len(series.components))]
    grade, reasons = Grade.GOOD, 0
    if series.grades is not None:
        grade = Grade(int(series.grades.grade[row]))
        reasons = int(series.grades.reasons[row])
    parts = []
    if grade is not Grade.GOOD:
        parts.append(f'"interpretation":[{_graded_text(grade, reasons)}]')
    if series.labels is not None:
        parts.append(f'"valueCodeableConcept":{_concept_text((series.labels[row],))}')
    if not _has_components(metric):
        return ",".join([*parts, _value(said[0], grade)])
    components = ",".join(
        f'{{"code":{_concept_text(value.component.codes)},{_value(value, grade)}}}'
        for value in said
        if not (metric.shape is Shape.SESSION and value.absence is Absence.NOT_MEASURED)
    )
    if components:
        parts.append(f'"component":[{components}]')
    elif series.labels is None:
        parts.append(f'"dataAbsentReason":{_absence_text(systems.ABSENCES[Absence.NOT_MEASURED])}')
    return ",".join(parts)


def _value(value: _Value, grade: Grade) -> str:
    if value.absence is not Absence.NONE:
        return f'"dataAbsentReason":{_absence_text(systems.ABSENCES[value.absence])}'
    if grade is Grade.UNUSABLE:
        raw = f'{{"url":"{systems.RAW_VALUE}","value{value.typed()}}}'
        return f'"extension":[{raw}],"dataAbsentReason":{_absence_text(systems.ERROR)}'
    return f'"value{value.typed()}'
