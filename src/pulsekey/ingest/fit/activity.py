"""Garmin FIT activities: what a sports watch recorded, second by second, lap by lap.

FIT stores integers with a scale and an offset, so every value stays exact; nothing passes through a
float. The rule: a file gives out nothing before its own checksum is verified, so a truncated or
damaged one leaves nothing behind. Chained files are read one by one.

Source: FIT Protocol and its global profile, as `fitdecode` (MIT) implements them.
"""

import struct
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, BinaryIO, Final

import fitdecode

from pulsekey.ingest.fit.columns import Column, Origin, Rows, recorded_offset, session_rows
from pulsekey.ingest.fit.profile import (
    BEAT_DRIFT_SECONDS_MAX,
    CALENDAR_FROM,
    COLUMNS,
    DESCRIPTIVE_FIELDS,
    DESCRIPTIVE_MESSAGES,
    FIT_EPOCH_SECONDS,
    LAP_PARTS,
    SESSION_HEART_RATES,
    SESSION_PARTS,
    SPORTS,
)
from pulsekey.ingest.items import Context, Coverage, Item, Payload, Refusal
from pulsekey.primitives.clock import MICROS_PER_SECOND
from pulsekey.primitives.errors import MalformedInput
from pulsekey.primitives.messages import Said
from pulsekey.signals.activity import OTHER, activity
from pulsekey.signals.catalogue import BEAT_INTERVAL, LAP, WORKOUT, WORKOUT_HEART_RATE
from pulsekey.signals.metric import Code
from pulsekey.signals.series import Source

FILE_BYTES_MAX: Final = 64 * 2**20
MESSAGES_MAX: Final = 1_000_000
"""Eleven days at one record a second."""
FIELDS_MAX: Final = 4_000_000
"""Defined and given, in all messages: a day at one record a second with 40 fields."""
CHAINED_FILES_MAX: Final = 64
SESSIONS_MAX: Final = 10_000
BEAT_MILLISECONDS_MAX: Final = 2**16
ELAPSED_MILLISECONDS_MAX: Final = 2**32
"""Wider than FIT's own types, which a hostile definition need not respect."""
PROGRESS_EVERY: Final = 1_024
REFUSED_NAMES_MAX: Final = 256

DECODER_FAILURES: Final = (
    fitdecode.FitError,
    ArithmeticError,
    AssertionError,
    AttributeError,
    IndexError,
    KeyError,
    TypeError,
    ValueError,
    struct.error,
)
"""What `fitdecode` raises on hostile bytes; its own error class covers only part of it."""


CALORIES = "session field total_calories"


class GarminFit:
    """The FIT format. See `pulsekey.ingest.items.Format`."""

    coverage = Coverage(
        format="garmin-fit",
        title="Garmin FIT activity (.fit), chained files too",
        metrics=(
            *dict.fromkeys(column.metric.name for column in COLUMNS),
            "position",
            BEAT_INTERVAL.name,
            WORKOUT.name,
            WORKOUT_HEART_RATE.name,
            LAP.name,
        ),
        notes=(
            "times are UTC as recorded; the local offset comes from the activity message",
            "a beat's interval is exact; its time follows from the beats before it",
            "developer fields and fields without a metric are counted and refused by name",
            "monitoring, course and settings files are refused",
        ),
    )

    def recognises(self, head: bytes, payload: Payload) -> bool:  # noqa: ARG002 # The protocol's.
        """Whether the header's signature stands where FIT has it."""
        return len(head) >= 12 and head[8:12] == b".FIT" and head[0] in {12, 14}

    def parse(self, payload: Payload, context: Context) -> Iterator[Item]:
        """Yield the series of each chained file after its checksum, then what was not kept.

        Raises `MalformedInput` where a file is damaged, cut short, too long or no activity.
        """
        if payload.size > FILE_BYTES_MAX:
            raise MalformedInput(
                Said("longer than {most} bytes", most=FILE_BYTES_MAX),
                where=payload.name,
                cure="send it in parts",
            )
        with payload.open() as stream:
            for number, activity_file in enumerate(_files(stream, payload, context), 1):
                yield from activity_file.items(Said("file {number}", number=number), context.zone)
        context.progress(payload.size)


@dataclass(slots=True)
class _Lap:
    start: int
    end: int
    label: Code
    values: tuple[int | None, ...]
    heart: tuple[int | None, ...]


@dataclass(slots=True)
class _Activity:
    """What one FIT file has said so far. Columns fill as messages come."""

    identity: dict[str, Any] = field(default_factory=dict)
    creator: dict[str, Any] = field(default_factory=dict)
    offset_minutes: int | None = None
    columns: dict[str, Column] = field(default_factory=dict)
    position: Rows = field(default_factory=lambda: Rows(2))
    beats: Rows = field(default_factory=lambda: Rows(1))
    sessions: list[_Lap] = field(default_factory=list)
    laps: list[_Lap] = field(default_factory=list)
    refused: Counter[tuple[str, str]] = field(default_factory=Counter)
    anchor: int | None = None
    beat_at: int | None = None

    def take(self, message: Any) -> None:
        """Take one data message. `fitdecode` has no types of its own."""
        fields = {
            part.name: part
            for part in message.fields
            if part.field_def is not None and not part.field_def.is_dev
        }
        self._refuse_developer_fields(message)
        match message.name:
            case "file_id":
                self.identity = _values(fields)
            case "device_info" if _value(fields, "device_index") in {"creator", 0}:
                self.creator = {**self.creator, **_values(fields)}
            case "record":
                self._record(_with_timestamp(message, fields))
            case "hrv":
                self._beats(fields)
            case "session":
                self._session(fields)
            case "lap":
                lap = _lap(fields, LAP_PARTS)
                self._keep(lap, self.laps, "lap")
            case "activity":
                self.offset_minutes = recorded_offset(
                    _raw(fields, "timestamp"), _raw(fields, "local_timestamp")
                )
            case name:
                self._pass_over(name)

    def _pass_over(self, name: str) -> None:
        # Messages that the public profile does not know are the maker's own business.
        if name not in DESCRIPTIVE_MESSAGES and not name.startswith("unknown"):
            self._refuse("message {name}", name)

    def _refuse_developer_fields(self, message: Any) -> None:
        for part in message.fields:
            if part.field_def is not None and part.field_def.is_dev and part.raw_value is not None:
                self._refuse("developer field {name}", str(part.field_def.def_num))

    def _record(self, fields: dict[str, Any]) -> None:
        at = _moment(_raw(fields, "timestamp"))
        if at is None:
            self._refuse("record without a calendar time")
            return
        self.anchor = at
        for column in COLUMNS:
            name = next((name for name in column.fields if name in fields), None)
            if name is None:
                continue
            held = self.columns.setdefault(column.metric.name, Column(column))
            extra = _raw(fields, column.fraction) if column.fraction else None
            held.add(at, _raw(fields, name), extra)
        if "position_lat" in fields and "position_long" in fields:
            self.position.add(at, at, _raw(fields, "position_lat"), _raw(fields, "position_long"))
        for name, part in fields.items():
            if part.raw_value is not None and name not in DESCRIPTIVE_FIELDS:
                self._refuse("record field {name}", name)

    def _beats(self, fields: dict[str, Any]) -> None:
        given = fields["time"].raw_value if "time" in fields else None
        intervals = given if isinstance(given, tuple) else (given,)
        if self.anchor is None:
            self._refuse("beat interval before the first record")
            return
        # Only falling behind is a pause: a watch that records rarely leaves the beats ahead of it.
        drift = BEAT_DRIFT_SECONDS_MAX * MICROS_PER_SECOND
        if self.beat_at is None or self.anchor - self.beat_at > drift:
            self.beat_at = self.anchor
        for milliseconds in intervals:
            if isinstance(milliseconds, int) and 0 <= milliseconds < BEAT_MILLISECONDS_MAX:
                self.beat_at += milliseconds * 1_000
                self.beats.add(self.beat_at, self.beat_at, milliseconds)

    def _session(self, fields: dict[str, Any]) -> None:
        self._keep(_lap(fields, SESSION_PARTS), self.sessions, "session")
        if _raw(fields, "total_calories") is not None:
            self._refuse(CALORIES)

    def _keep(self, lap: _Lap | None, among: list[_Lap], name: str) -> None:
        if lap is None:
            self._refuse("{name} without a calendar time", name)
        elif len(among) >= SESSIONS_MAX:
            self._refuse("{name} beyond the first ones", name)
        else:
            among.append(lap)

    def _refuse(self, template: str, name: str = "") -> None:
        # Counted by what it is made from: it is put into words once, at the end.
        what = (template, name)
        if what in self.refused or len(self.refused) < REFUSED_NAMES_MAX:
            self.refused[what] += 1

    def items(self, where: str, zone: str) -> Iterator[Item]:
        """Yield what the file holds as series, then a refusal for each kind that was not kept."""
        source = _source(self.identity, self.creator)
        origin = Origin(source, self.offset_minutes, zone)
        for column in self.columns.values():
            yield from column.series(origin)
        yield from self.position.positions(origin)
        yield from self.beats.points(BEAT_INTERVAL, origin)
        for metric, parts, laps in (
            (WORKOUT, SESSION_PARTS, self.sessions),
            (LAP, LAP_PARTS, self.laps),
        ):
            rows = [(lap.start, lap.end, lap.values) for lap in laps]
            yield from session_rows(metric, origin, rows, parts, tuple(lap.label for lap in laps))
        hearts = [(s.start, s.end, s.heart) for s in self.sessions if any(s.heart)]
        yield from session_rows(WORKOUT_HEART_RATE, origin, hearts, SESSION_HEART_RATES, None)
        for (template, name), count in sorted(self.refused.items()):
            what = Said("{where}, {what}", where=where, what=Said(template, name=name))
            yield Refusal(what, *_explained(template, count))


def _files(stream: BinaryIO, payload: Payload, context: Context) -> Iterator[_Activity]:
    """Yield each chained file once its checksum has been verified."""
    current: _Activity | None = None
    files = 0
    for number, frame in enumerate(_frames(stream, payload)):
        if number % PROGRESS_EVERY == 0:
            context.progress(min(stream.tell(), payload.size))
        if number > MESSAGES_MAX:
            raise MalformedInput(
                Said("more than {most} messages", most=MESSAGES_MAX),
                where=payload.name,
                cure="send it in parts",
            )
        match frame.frame_type:
            case fitdecode.FIT_FRAME_HEADER:
                files += 1
                if files > CHAINED_FILES_MAX:
                    raise MalformedInput(
                        Said("more than {most} files in one", most=CHAINED_FILES_MAX),
                        where=payload.name,
                    )
                current = _Activity()
            case fitdecode.FIT_FRAME_DATA if current is not None:
                current.take(frame)
                if frame.name == "file_id":
                    _require_activity(
                        current.identity,
                        Said("{file}, file {number}", file=payload.name, number=files),
                    )
            case fitdecode.FIT_FRAME_CRC if current is not None:
                _require_activity(
                    current.identity, Said("{file}, file {number}", file=payload.name, number=files)
                )
                yield current
                current = None
            case _:
                pass
    if not files:
        raise MalformedInput("an empty file", where=payload.name, cure="export it again")


def _frames(stream: BinaryIO, payload: Payload) -> Iterator[Any]:
    reader = fitdecode.FitReader(
        stream,
        processor=None,
        check_crc=fitdecode.CrcCheck.RAISE,
        # Undefined developer types and odd field sizes are read as bytes, which no column takes.
        error_handling=fitdecode.ErrorHandling.IGNORE,
    )
    frames = iter(reader)
    fields = 0
    while True:
        try:
            frame = next(frames)
        except StopIteration:
            return
        except fitdecode.FitCRCError:
            raise MalformedInput(
                "its bytes do not have the checksum that it states",
                where=Said("{file}, byte {at}", file=payload.name, at=stream.tell()),
                cure="copy it from the device again",
            ) from None
        except fitdecode.FitEOFError:
            raise MalformedInput(
                "it ends in the middle",
                where=Said("{file}, byte {at}", file=payload.name, at=stream.tell()),
                cure="copy it from the device again",
            ) from None
        except DECODER_FAILURES:
            raise MalformedInput(
                "bytes that are no FIT message",
                where=Said("{file}, byte {at}", file=payload.name, at=stream.tell()),
                cure="copy it from the device again",
            ) from None
        for part in ("fields", "field_defs", "dev_field_defs"):
            fields += len(getattr(frame, part, None) or ())
        if fields > FIELDS_MAX:
            raise MalformedInput(
                Said("more than {most} fields", most=FIELDS_MAX),
                where=payload.name,
                cure="send it in parts",
            )
        yield frame


def _require_activity(identity: dict[str, Any], where: str) -> None:
    kind = identity.get("type")
    if kind != "activity":
        named = kind if isinstance(kind, str) else "unknown"
        raise MalformedInput(
            Said("a FIT file of type {named}, not an activity", named=named),
            where=where,
            cure="export activities; daily monitoring is not read yet",
        )


def _source(identity: dict[str, Any], creator: dict[str, Any]) -> Source:
    maker = str(identity.get("manufacturer", "unknown"))[:64]
    product = str(identity.get("garmin_product", identity.get("product", "")))[:64]
    serial = identity.get("serial_number")
    version = creator.get("software_version")
    software = f"{version // 100}.{version % 100:02}" if isinstance(version, int) else ""
    return Source(
        key=f"fit:{maker}:{serial if isinstance(serial, int) else product}",
        name=f"{maker} {product}".strip().capitalize(),
        manufacturer=maker,
        model=product,
        software=software,
    )


def _lap(fields: dict[str, Any], parts: tuple[tuple[str, int], ...]) -> _Lap | None:
    start, end = _moment(_raw(fields, "start_time")), _moment(_raw(fields, "timestamp"))
    if start is None:
        return None
    elapsed = _raw(fields, "total_elapsed_time")
    if elapsed is not None and 0 <= elapsed < ELAPSED_MILLISECONDS_MAX:
        end = start + elapsed * 1_000
    sport = str(_value(fields, "sport"))
    return _Lap(
        start=start,
        end=max(start, end if end is not None else start),
        label=activity(SPORTS.get(sport, sport.replace("_", "-"))) if sport else OTHER,
        values=tuple(_raw(fields, name) if name else None for name, _ in parts),
        heart=tuple(_raw(fields, name) for name, _ in SESSION_HEART_RATES),
    )


def _moment(raw: int | None) -> int | None:
    """Return a FIT date_time in microseconds, or None if it counts from the device's power-on."""
    if raw is None or not CALENDAR_FROM <= raw < 2**32:
        return None
    return (raw + FIT_EPOCH_SECONDS) * MICROS_PER_SECOND


def _with_timestamp(message: Any, fields: dict[str, Any]) -> dict[str, Any]:
    """Add the timestamp that a compressed header carries instead of a field."""
    if "timestamp" in fields or message.time_offset is None:
        return fields
    return {**fields, "timestamp": message.fields[-1]}


def _raw(fields: dict[str, Any], name: str) -> int | None:
    found = fields[name].raw_value if name in fields else None
    return found if isinstance(found, int) else None


def _value(fields: dict[str, Any], name: str) -> Any:
    found = fields[name].value if name in fields else ""
    return "" if found is None else found


def _values(fields: dict[str, Any]) -> dict[str, Any]:
    """Return names of enumerations and raw integers of everything else."""
    return {
        name: part.value if isinstance(part.value, str) else part.raw_value
        for name, part in fields.items()
        if part.raw_value is not None
    }


def _explained(template: str, count: int) -> tuple[str, str]:
    if template.endswith("calendar time"):
        counted = "{count} times: it counts from the device's power-on"
        return Said(counted, count=count), "set the device's clock"
    if template == CALORIES:
        counted = "{count} times: it does not tell active from resting energy"
        return Said(counted, count=count), "nothing to do: it is not kept"
    counted = "{count} times: no metric of ours means this"
    return Said(counted, count=count), "nothing to do: keep the original file"
