"""Dexcom Clarity exports: CSV with readings, insulin, carbohydrates and the settings of the device.

The one rule: times have no zone and stay floating until somebody names one. The rows with the
patient's name and birth date are passed over and never repeated anywhere, errors included.

A real header begins with a byte order mark encoded twice and a quoted quotation, so columns are
found by how their names begin. "Low" and "High" stand for values beyond the sensor's range, 40
to 400 mg/dL or 2.2 to 22.2 mmol/L (Dexcom G6 and G7 user guides): they become comparators with the
limit as their value.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import ClassVar, Final, TypeAlias

import numpy as np

from pulsekey.ingest import decimals, local_time
from pulsekey.ingest.columns import Gathering, Stretch
from pulsekey.ingest.delimited import CURE, Row, rows
from pulsekey.ingest.items import Context, Coverage, Item, Payload
from pulsekey.ingest.refusals import Refusals
from pulsekey.primitives.errors import MalformedInput
from pulsekey.primitives.messages import Said
from pulsekey.signals import catalogue
from pulsekey.signals.metric import Metric
from pulsekey.signals.series import Absence, Comparator, Quantities, Source

BATCH_ROWS: Final = 8_192
SOURCES_MAX: Final = 1_000
TEXT_MAX: Final = 120
CHECK_ROW: Final = "export the file again; if it is so again, tell the maker of the device"

_TIMESTAMP, _EVENT, _SUBTYPE, _DEVICE, _SOURCE_ID = 0, 1, 2, 3, 4
_GLUCOSE, _INSULIN, _CARBS, _DURATION, _TICKS, _TRANSMITTER = 5, 6, 7, 8, 9, 10
_COLUMNS: Final = (
    "timestamp",
    "event type",
    "event subtype",
    "device info",
    "source device id",
    "glucose value",
    "insulin value",
    "carb value",
    "duration",
    "transmitter time",
    "transmitter id",
)
_NEEDED: Final = (_TIMESTAMP, _EVENT, _GLUCOSE)
_SETTINGS: Final = frozenset({"firstname", "lastname", "dateofbirth", "device", "alert"})
_LIMITS: Final = {True: ("2.2", "22.2"), False: ("40", "400")}
"""By whether values are in mmol/L: what Low and High stand for."""
_OUT_OF_RANGE: Final = {"low": (0, Comparator.LESS), "high": (1, Comparator.GREATER)}
_SENTINELS: Final = frozenset({"", "???", "---", "sensor error", "no data"})

Sample: TypeAlias = tuple[Metric, Source, int, str, str, int, int]
"""Metric, source, line, time and value as written, comparator, absence."""


@dataclass(frozen=True, slots=True)
class Clarity:
    """The format."""

    coverage: ClassVar[Coverage] = Coverage(
        "dexcom-clarity",
        "Dexcom Clarity export (CSV)",
        metrics=(
            catalogue.GLUCOSE_SENSOR.name,
            catalogue.GLUCOSE_SENSOR_MOLAR.name,
            catalogue.GLUCOSE_CAPILLARY.name,
            catalogue.GLUCOSE_CAPILLARY_MOLAR.name,
            catalogue.INSULIN.name,
            catalogue.INSULIN_FAST_ACTING.name,
            catalogue.INSULIN_LONG_ACTING.name,
            catalogue.CARBOHYDRATES.name,
        ),
        notes=(
            "times are floating unless a zone is declared",
            "exercise and health notes are counted in the report, settings and alerts are not read",
        ),
    )

    def recognises(self, head: bytes, payload: Payload) -> bool:
        del payload
        first = head.split(b"\n", 1)[0].lower()
        return b"event type" in first and b"glucose value (" in first and b"timestamp" in first

    def parse(self, payload: Payload, context: Context) -> Iterator[Item]:
        with payload.open() as stream:
            found = rows(stream, payload.name, lambda: context.progress(stream.tell()))
            header = next(found, None)
            reading = _Reading(payload.name, context, _layout(header, payload.name))
            failure: MalformedInput | None = None
            try:
                for row in found:
                    yield from reading.take(row)
            except MalformedInput as caught:
                failure = caught
            yield from reading.rest()
            if failure is not None:
                raise failure


@dataclass(frozen=True, slots=True)
class _Layout:
    """Where each of `_COLUMNS` stands, -1 where it is missing; `molar`: values are in mmol/L."""

    places: tuple[int, ...]
    molar: bool

    def field(self, row: Row, column: int) -> str:
        place = self.places[column]
        return row.fields[place].strip() if 0 <= place < len(row.fields) else ""


def _layout(header: Row | None, name: str) -> _Layout:
    names = [text.strip('"﻿ ').lower() for text in header.fields] if header else []
    places = tuple(
        next((at for at, text in enumerate(names) if text.startswith(column)), -1)
        for column in _COLUMNS
    )
    where = Said("{file}, line {line}", file=name, line=1)
    if any(places[column] < 0 for column in _NEEDED):
        raise MalformedInput("no header of a Clarity export", where=where, cure=CURE)
    glucose = names[places[_GLUCOSE]]
    if "(mg/dl)" not in glucose and "(mmol/l)" not in glucose:
        raise MalformedInput(
            "a unit of glucose that is not known", where=where, cure="export in mg/dL or mmol/L"
        )
    return _Layout(places, "(mmol/l)" in glucose)


@dataclass(slots=True)
class _Reading:
    """The state of reading one file."""

    name: str
    context: Context
    layout: _Layout
    refusals: Refusals = field(default_factory=Refusals)
    gathering: Gathering = field(default_factory=Gathering)
    sources: dict[tuple[str, str], Source] = field(default_factory=dict)
    device: str = ""
    samples: list[Sample] = field(default_factory=list)

    def take(self, row: Row) -> Iterator[Item]:
        """Take in one row by its event."""
        event = self.layout.field(row, _EVENT).lower()
        if event == "device":
            self.device = self.layout.field(row, _DEVICE)[:TEXT_MAX]
        if event in _SETTINGS or not any(row.fields):
            return
        where = Said("{file}, line {line}", file=self.name, line=row.line)
        if event == "egv":
            sensor = catalogue.GLUCOSE_SENSOR, catalogue.GLUCOSE_SENSOR_MOLAR
            self._glucose(row, sensor[self.layout.molar])
        elif event == "calibration":
            finger = catalogue.GLUCOSE_CAPILLARY, catalogue.GLUCOSE_CAPILLARY_MOLAR
            self._glucose(row, finger[self.layout.molar])
        elif event == "insulin":
            kind = self.layout.field(row, _SUBTYPE).lower()
            metric = {
                "fast-acting": catalogue.INSULIN_FAST_ACTING,
                "long-acting": catalogue.INSULIN_LONG_ACTING,
            }.get(kind, catalogue.INSULIN)
            self._sample(row, metric, self.layout.field(row, _INSULIN))
        elif event in {"carbs", "carbohydrates"}:
            self._sample(row, catalogue.CARBOHYDRATES, self.layout.field(row, _CARBS))
        elif event in {"exercise", "health", "notes", "note", "activity"}:
            self.refusals.kind(event, "an event without a measurement", "nothing to do")
        elif len(row.fields) < len(_NEEDED) or not event:
            yield from self.refusals.one(where, "a row without an event", CHECK_ROW)
        else:
            cure = "nothing to do: it is left out until a later version knows it"
            self.refusals.kind(Said("event"), "an event that is not known", cure)
        if len(self.samples) >= BATCH_ROWS:
            yield from self.settle()

    def settle(self) -> Iterator[Item]:
        """Read the samples that were taken in, in the order in which they stand."""
        samples, self.samples = self.samples, []
        if not samples:
            return
        metrics, sources, lines, stamps, texts, comparators, absences = zip(*samples, strict=True)
        walls = local_time.read_local(list(stamps))
        values = decimals.read(list(texts))
        keep = walls.legible & values.legible
        for bad in np.flatnonzero(~keep).tolist():
            problem = "a value that cannot be read"
            if not walls.legible[bad]:
                problem = "a date that does not exist"
            yield from self.refusals.one(
                Said("{file}, line {line}", file=self.name, line=lines[bad]), problem, CHECK_ROW
            )
        times = local_time.wall_times(walls.wall, walls.wall, self.context.zone)
        groups: dict[tuple[str, str], list[int]] = {}
        for at in np.flatnonzero(keep).tolist():
            groups.setdefault((metrics[at].name, sources[at].key), []).append(at)
        for chosen in groups.values():
            here = np.array(chosen)
            n = len(here)
            stretch = Stretch(
                local_time.chosen(times, here),
                Quantities(
                    values.mantissa[here],
                    values.scale[here],
                    np.array(comparators, np.uint8)[here],
                    np.array(absences, np.uint8)[here],
                    np.zeros(n, np.uint8),
                    np.zeros(n, np.int64),
                    np.zeros(n, np.int8),
                ),
            )
            yield from self.gathering.add(metrics[chosen[0]], sources[chosen[0]], stretch)

    def rest(self) -> Iterator[Item]:
        """Yield everything that is still here."""
        yield from self.settle()
        yield from self.gathering.rest()
        yield from self.refusals.rest()

    def _glucose(self, row: Row, metric: Metric) -> None:
        text = self.layout.field(row, _GLUCOSE)
        word = text.lower()
        if word in _SENTINELS:
            self._sample(row, metric, "0", absence=Absence.SENSOR)
        elif word in _OUT_OF_RANGE:
            end, comparator = _OUT_OF_RANGE[word]
            self._sample(row, metric, _LIMITS[self.layout.molar][end], comparator)
        else:
            self._sample(row, metric, text)

    def _sample(
        self,
        row: Row,
        metric: Metric,
        text: str,
        comparator: Comparator = Comparator.NONE,
        absence: Absence = Absence.NONE,
    ) -> None:
        stamp = self.layout.field(row, _TIMESTAMP)
        # Some regions write decimals with a comma, quoted.
        value = text.replace(",", ".", 1)
        measured_by = self._source(row)
        self.samples.append((metric, measured_by, row.line, stamp, value, comparator, absence))

    def _source(self, row: Row) -> Source:
        device = self.layout.field(row, _SOURCE_ID)[:TEXT_MAX]
        key = (device, self.device)
        if key not in self.sources:
            if len(self.sources) >= SOURCES_MAX:
                raise MalformedInput(
                    Said("more than {most} devices", most=SOURCES_MAX),
                    where=Said("{file}, line {line}", file=self.name, line=row.line),
                )
            named = " ".join((device or self.device or "Dexcom").split())
            self.sources[key] = Source(
                f"dexcom-clarity|{named.casefold().replace('|', '/')}",
                named,
                "Dexcom",
                self.device,
            )
        return self.sources[key]
