"""Apple Health exports: `export.xml`, or the `export.zip` that the Health app makes, as streams.

The one rule: what is inside is counted once. A blood pressure stands in an export three times (two
records and a correlation) and becomes one panel; a daily summary repeats what its records say and
becomes a metric of its own; steps of phone and watch both stay, as different sources.
"""

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import BinaryIO, ClassVar, Final

from pulsekey.ingest.apple import archive, ecg, types
from pulsekey.ingest.apple.pressures import Pressures
from pulsekey.ingest.apple.records import CHECK_DATE, Lane, Records
from pulsekey.ingest.apple.sessions import SUMMARY, Workout, day
from pulsekey.ingest.apple.tags import CURE, ROOT, Place, Tag, Token, resolved, take_apart, tokens
from pulsekey.ingest.archive import ZIP_MAGIC
from pulsekey.ingest.columns import Several
from pulsekey.ingest.items import Context, Coverage, Item, Payload
from pulsekey.ingest.refusals import Refusals
from pulsekey.primitives.errors import MalformedInput
from pulsekey.primitives.messages import Said
from pulsekey.signals import catalogue

DEPTH_MAX: Final = 16

_NOT_READ = {
    "Me": "personal characteristics come from enrolment, not from a file",
    "ClinicalRecord": "import the clinical records of the hospital as a FHIR Bundle",
}
_PASSED_OVER = frozenset({"ExportDate", "FileReference", "HealthData"})
_CORRELATIONS = frozenset({"HKCorrelationTypeIdentifierBloodPressure"})


@dataclass(frozen=True, slots=True)
class AppleHealth:
    """The format. See `Coverage.notes` for what it leaves out."""

    coverage: ClassVar[Coverage] = Coverage(
        "apple-health",
        "Apple Health export (export.xml, export.zip)",
        metrics=types.METRICS,
        notes=(
            "stamps are in the exporter's zone unless a record names its own",
            "workout routes, clinical records and personal characteristics are not read",
            "types without a metric are counted in the report",
        ),
    )

    def recognises(self, head: bytes, payload: Payload) -> bool:
        if head.startswith(ZIP_MAGIC):
            return archive.holds_export(payload)
        return ROOT in head and head.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"<")

    def parse(self, payload: Payload, context: Context) -> Iterator[Item]:
        with ExitStack() as stack:
            stream = stack.enter_context(payload.open())
            if stream.read(len(ZIP_MAGIC)) != ZIP_MAGIC:
                stream.seek(0)
                yield from _export(stream, Place(payload.name), stream, context)
                return
            opened = stack.enter_context(archive.opened(stream, payload))
            yield from opened.refusals()
            with opened.export() as export:
                yield from _export(export, Place(opened.export_name), stream, context)
            for name, content in opened.electrocardiograms():
                yield from ecg.read(content, name)
            context.progress(payload.size)


def _export(
    stream: BinaryIO, place: Place, underlying: BinaryIO, context: Context
) -> Iterator[Item]:
    """Yield what an export.xml holds. `underlying` tells how far the payload has been consumed."""
    reading = _Reading(context, place)
    # A file that breaks off has told the truth up to there: that leaves before the error does.
    failure: MalformedInput | None = None
    try:
        for found in tokens(stream, place, lambda: context.progress(underlying.tell())):
            yield from reading.take(found)
        reading.finish()
    except MalformedInput as caught:
        failure = caught
    yield from reading.rest()
    if failure is not None:
        raise failure


@dataclass(slots=True)
class _Reading:
    """The state of reading one export: where we are, and what is being gathered."""

    context: Context
    place: Place
    refusals: Refusals = field(default_factory=Refusals)
    several: Several = field(default_factory=Several)
    depth: list[str] = field(default_factory=list)
    number: int = 0
    workout: Workout | None = None
    open_record: tuple[Lane, Token] | None = None
    open_zone: str = ""
    pressures: Pressures = field(default_factory=Pressures)
    records: Records = field(init=False)
    ended: bool = False

    def __post_init__(self) -> None:
        self.records = Records(self.refusals)

    def take(self, found: list[Token]) -> Iterator[Item]:
        """Take the tokens of one chunk. The loop over millions of records, hence its plainness."""
        records, place = self.records, self.place
        lane_of, add = records.lane, records.add
        for token in found:
            head, start, end, value, zone, is_open, tag, _ = token
            if tag:
                yield from self._tag(take_apart(tag, place))
                continue
            if not self.depth:
                raise MalformedInput("a record outside of the export", where=place.where, cure=CURE)
            inside = self.depth[-1] == "Correlation"
            if not inside:
                self.number += 1
            lane = None if inside and "BloodPressure" not in head else lane_of(head, place)
            if is_open:
                self._enter("Record")
                self.open_record = None if lane is None else (lane, Token(*token))
                self.open_zone = ""
                continue
            if lane is None:
                continue
            if lane.pressure:
                self.pressures.add(lane, start, end, value, zone, place)
                continue
            if lane.answers is not None:
                value = lane.answers.get(resolved(value, place), "")
            add((lane, start, end, value, zone, self.number))
            if records.full:
                yield from records.settle()

    def finish(self) -> None:
        """Raise `MalformedInput` if the export did not end."""
        if not self.ended:
            raise MalformedInput("the file breaks off", where=self.place.where, cure=CURE)

    def rest(self) -> Iterator[Item]:
        """Yield everything that is still here."""
        yield from self.records.rest()
        yield from self.pressures.rest(self.several, self.refusals)
        yield from self.several.rest()
        yield from self.refusals.rest()

    def _tag(self, tag: Tag) -> Iterator[Item]:
        if self.ended:
            raise MalformedInput("more after the end", where=self.place.where, cure=CURE)
        if tag.closing:
            yield from self._leave(tag.name)
        elif tag.name == "Record":
            yield from self._record_out_of_order(tag)
        else:
            if not tag.alone:
                self._enter(tag.name)
            yield from self._element(tag)

    def _element(self, tag: Tag) -> Iterator[Item]:
        if tag.name == "ActivitySummary":
            yield from self._day(tag.attributes)
        elif tag.name == "Workout":
            self.workout = Workout(tag.attributes)
            if tag.alone:
                yield from self._end_workout()
        elif tag.name == "WorkoutStatistics" and self.workout is not None:
            self.workout.add_statistic(tag.attributes)
        elif tag.name == "MetadataEntry":
            self._entry(tag.attributes)
        else:
            self._count(tag)

    def _count(self, tag: Tag) -> None:
        """Count an element that is not read, so that it is told at the end."""
        if tag.name == "Correlation":
            kind = tag.attributes.get("type", "Correlation")
            if kind not in _CORRELATIONS:
                cure = "nothing to do: the records inside stand in the export on their own"
                self.refusals.kind(kind, "a correlation that is not kept together", cure)
        elif tag.name not in _PASSED_OVER:
            cure = _NOT_READ.get(tag.name, "nothing to do: it is left out")
            self.refusals.kind(tag.name, "an element that is not read", cure)

    def _enter(self, name: str) -> None:
        if not self.depth and name != "HealthData":
            raise MalformedInput("no Apple Health export", where=self.place.where, cure=CURE)
        self.depth.append(name)
        if len(self.depth) > DEPTH_MAX:
            raise MalformedInput(
                Said("nested deeper than {most} levels", most=DEPTH_MAX),
                where=self.place.where,
                cure=CURE,
            )

    def _leave(self, name: str) -> Iterator[Item]:
        if not self.depth or self.depth.pop() != name:
            raise MalformedInput(
                "a tag closed that was not open", where=self.place.where, cure=CURE
            )
        if name == "Workout":
            yield from self._end_workout()
        elif name == "Record" and self.open_record is not None:
            (lane, token), self.open_record = self.open_record, None
            _, start, end, value, _, _, _, _ = token
            if lane.pressure:
                self.pressures.add(lane, start, end, value, self.open_zone, self.place)
                return
            if lane.answers is not None:
                value = lane.answers.get(resolved(value, self.place), "")
            self.records.add((lane, start, end, value, self.open_zone, self.number))
        self.ended = not self.depth

    def _record_out_of_order(self, tag: Tag) -> Iterator[Item]:
        """Read a record whose attributes do not stand in Apple's order, by putting them into it."""
        told = tag.attributes
        needed = ("type", "sourceName", "startDate", "endDate")
        if any(name not in told for name in needed):
            self.number += 1
            if not tag.alone:
                self._enter("Record")
                self.open_record = None
            problem = "a record without type, source or dates"
            yield from self.refusals.one(Said("record {number}", number=self.number), problem, CURE)
            return
        names = ("type", "sourceName", "sourceVersion", "device", "unit")
        head = " ".join(f'{name}="{_escaped(told[name])}"' for name in names if name in told)
        token = Token(
            head,
            told["startDate"],
            told["endDate"],
            _escaped(told.get("value", "")),
            "",
            "" if tag.alone else ">",
            "",
            "",
        )
        yield from self.take([token])

    def _entry(self, told: dict[str, str]) -> None:
        key, value = told.get("key", ""), told.get("value", "")
        parent = self.depth[-1] if self.depth else ""
        if parent == "Record" and key == "HKTimeZone":
            self.open_zone = value
        elif parent == "Workout" and self.workout is not None:
            self.workout.add_entry(key, value)

    def _end_workout(self) -> Iterator[Item]:
        workout, self.workout = self.workout, None
        if workout is None:
            return
        when = workout.moment()
        if when is None:
            yield from self.refusals.one(
                Said("{place}, {element}", place=self.place.where, element="Workout"),
                "a date that does not exist",
                CHECK_DATE,
            )
            return
        parts = workout.parts(self.refusals)
        measured_by, label = workout.measured_by(), workout.label()
        yield from self.several.add(catalogue.WORKOUT, measured_by, when, parts, label)
        heart = workout.heart(self.refusals)
        if heart is not None:
            yield from self.several.add(catalogue.WORKOUT_HEART_RATE, measured_by, when, heart)

    def _day(self, told: dict[str, str]) -> Iterator[Item]:
        found = day(told, self.context.zone)
        if found is None:
            yield from self.refusals.one(
                Said("{place}, {element}", place=self.place.where, element="ActivitySummary"),
                "a date that does not exist",
                CHECK_DATE,
            )
            return
        yield from self.several.add(catalogue.ACTIVITY_DAY, SUMMARY, *found)


def _escaped(text: str) -> str:
    """Return a text as the head of a record holds it."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace('"', "&quot;")
