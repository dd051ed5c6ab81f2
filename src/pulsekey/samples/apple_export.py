"""Writes Apple Health exports that look like real ones, of any size, the same for the same seed.

There is no real export that a project could ship: this one is modelled on their published layout
(the DTD in their own head, version 13). The one rule: everything that makes real exports hard is
in here, and `Tally` says exactly how often, so that a reader can be held to it.

What is hard: a phone and a watch count the same steps; a device's text changes with every process
(it holds a memory address); names with entities and no-break spaces; stamps in the exporter's zone
although the person travelled; some records naming their own zone; blood pressure both inside a
correlation and outside; two generations of sleep stages; doubles with all of their digits. What
makes them look alive is in here too: nights and days, walks, slow changes of the heart's rate.
"""

import math
import zipfile
from bisect import bisect
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from random import Random
from typing import BinaryIO, cast
from xml.sax.saxutils import quoteattr
from zoneinfo import ZoneInfo

HOME = "Europe/Paris"
AWAY = "America/New_York"
PHONE = "Anna’s iPhone"
WATCH = "Anna’s Apple\N{NO-BREAK SPACE}Watch"
CUFF = "Cœur & Tension <app>"
WAKES, SLEEPS = 7, 23
ADDRESS_LIFE_RECORDS = 400
"""After this many records the exporting process is taken to have made its device objects anew."""

_DTD = """<!DOCTYPE HealthData [
<!-- HealthKit Export Version: 13 -->
<!ELEMENT HealthData (ExportDate,Me,(Record|Correlation|Workout|ActivitySummary)*)>
<!ATTLIST HealthData
  locale CDATA #REQUIRED
>
<!ELEMENT ExportDate EMPTY>
<!ATTLIST ExportDate
  value CDATA #REQUIRED
>
<!ELEMENT Me EMPTY>
<!ELEMENT Record ((MetadataEntry|HeartRateVariabilityMetadataList)*)>
<!ATTLIST Record
  type          CDATA #REQUIRED
  unit          CDATA #IMPLIED
  value         CDATA #IMPLIED
  sourceName    CDATA #REQUIRED
  sourceVersion CDATA #IMPLIED
  device        CDATA #IMPLIED
  creationDate  CDATA #IMPLIED
  startDate     CDATA #REQUIRED
  endDate       CDATA #REQUIRED
>
<!-- Note: Any Records that appear as children of a correlation also appear as top-level records -->
<!ELEMENT Correlation ((MetadataEntry|Record)*)>
<!ELEMENT Workout ((MetadataEntry|WorkoutEvent|WorkoutRoute|WorkoutStatistics)*)>
<!ELEMENT ActivitySummary EMPTY>
<!ELEMENT MetadataEntry EMPTY>
<!ATTLIST MetadataEntry
  key   CDATA #REQUIRED
  value CDATA #REQUIRED
>
]>
"""


@dataclass(frozen=True, slots=True)
class Plan:
    """What to write: `days` from `first`; `days_away`, after `away_after`, in another zone."""

    seed: int = 1
    first: date = date(2023, 3, 20)
    days: int = 14
    away_after: int = 5
    days_away: int = 3
    heart_rate_seconds: int = 300


@dataclass(slots=True)
class Tally:
    """What was written: top-level records by type, and what is not a record."""

    records: Counter[str] = field(default_factory=Counter)
    pressures: int = 0
    workouts: int = 0
    summaries: int = 0
    own_zone: int = 0
    """Records and workouts that name their own zone."""


@dataclass(slots=True)
class _Writer:
    out: BinaryIO
    plan: Plan
    random: Random
    tally: Tally = field(default_factory=Tally)
    written: int = 0
    address: int = 0x2809C1E50

    def put(self, line: str) -> None:
        self.out.write(line.encode())

    def stamp(self, at: datetime) -> str:
        """Write an instant as the exporter does: in its own zone, whatever the person's was."""
        return at.astimezone(_EXPORTER).strftime("%Y-%m-%d %H:%M:%S %z")

    def zone(self, day: int) -> str:
        away = self.plan.away_after <= day < self.plan.away_after + self.plan.days_away
        return AWAY if away else HOME

    def moments(self, day: int, step_seconds: float) -> Iterator[datetime]:
        """Yield local moments of one day, about `step_seconds` apart."""
        here = ZoneInfo(self.zone(day))
        midnight = datetime.combine(
            self.plan.first + timedelta(days=day), datetime.min.time(), here
        )
        at = midnight.timestamp() + self.random.uniform(0, step_seconds)
        end = midnight.timestamp() + 86_400
        while at < end:
            yield datetime.fromtimestamp(int(at), UTC)
            at += step_seconds * self.random.uniform(0.7, 1.3)

    def clock(self, day: int, hour: float) -> datetime:
        """Return the instant at which a clock shows an hour, wherever the person is that day."""
        here = ZoneInfo(self.zone(day))
        at = datetime.combine(self.plan.first + timedelta(days=day), datetime.min.time(), here)
        return (at + timedelta(seconds=round(hour * 3_600))).astimezone(UTC)

    def awake(self, day: int, at: datetime) -> bool:
        return WAKES <= at.astimezone(ZoneInfo(self.zone(day))).hour < SLEEPS

    def device(self, kind: str) -> str:
        self.written += 1
        if self.written % ADDRESS_LIFE_RECORDS == 0:
            self.address = 0x280000000 + self.random.randrange(1 << 28) * 16
        name, model, hardware, software = _DEVICES[kind]
        return (
            f"<<HKDevice: {self.address:#x}>, name:{name}, manufacturer:Apple Inc., "
            f"model:{model}, hardware:{hardware}, software:{software}>"
        )

    def record(
        self,
        kind: str,
        source: str,
        unit: str,
        value: str,
        start: datetime,
        end: datetime | None = None,
        *,
        entries: tuple[tuple[str, str], ...] = (),
        indent: str = " ",
    ) -> None:
        if indent == " ":
            self.tally.records[kind] += 1
            self.tally.own_zone += any(key == "HKTimeZone" for key, _ in entries)
        device = f" device={quoteattr(self.device(source))}" if source in _DEVICES else ""
        version = _DEVICES[source][3] if source in _DEVICES else "2.7"
        begun = self.stamp(start)
        ended = begun if end is None else self.stamp(end)
        in_unit = f' unit="{unit}"' if unit else ""
        head = (
            f'{indent}<Record type="{kind}" sourceName={quoteattr(source)} '
            f'sourceVersion="{version}"{device}{in_unit} creationDate="{ended}" '
            f'startDate="{begun}" endDate="{ended}" value="{value}"'
        )
        if not entries:
            self.put(head + "/>\n")
            return
        inner = "".join(
            f'{indent} <MetadataEntry key="{key}" value={quoteattr(text)}/>\n'
            for key, text in entries
        )
        self.put(f"{head}>\n{inner}{indent}</Record>\n")


_EXPORTER = ZoneInfo(HOME)
_DEVICES = {
    PHONE: ("iPhone", "iPhone", "iPhone14,5", "16.3.1"),
    WATCH: ("Apple Watch", "Watch", "Watch6,2", "9.3.1"),
}


def write(out: BinaryIO, plan: Plan) -> Tally:
    """Write an export.xml."""
    # Not a secret, a sample: the same seed has to give the same file on every machine.
    writer = _Writer(out, plan, Random(plan.seed))  # noqa: S311
    end = datetime.combine(plan.first + timedelta(days=plan.days), datetime.min.time(), _EXPORTER)
    writer.put('<?xml version="1.0" encoding="UTF-8"?>\n' + _DTD)
    writer.put(f'<HealthData locale="fr_FR">\n <ExportDate value="{writer.stamp(end)}"/>\n')
    writer.put(
        ' <Me HKCharacteristicTypeIdentifierDateOfBirth="1961-04-12" '
        'HKCharacteristicTypeIdentifierBiologicalSex="HKBiologicalSexFemale" '
        'HKCharacteristicTypeIdentifierBloodType="HKBloodTypeNotSet" '
        'HKCharacteristicTypeIdentifierFitzpatrickSkinType="HKFitzpatrickSkinTypeNotSet"/>\n'
    )
    for part in _PARTS:
        for day in range(plan.days):
            part(writer, day)
    writer.put("</HealthData>\n")
    return writer.tally


def write_zip(out: BinaryIO, plan: Plan) -> Tally:
    """Write an export.zip: the export in its folder, an ECG, and files that are not read."""
    # Fixed times in the archive too, so that the same seed gives the same bytes.
    then = (2023, 4, 3, 0, 0, 0)
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        with archive.open(
            zipfile.ZipInfo("apple_health_export/export.xml", then), "w", force_zip64=True
        ) as member:
            tally = write(cast("BinaryIO", member), plan)
        folder = "apple_health_export"
        archive.writestr(
            zipfile.ZipInfo(f"{folder}/electrocardiograms/ecg_2023-03-21.csv", then), ecg_csv(plan)
        )
        archive.writestr(
            zipfile.ZipInfo(f"{folder}/workout-routes/route_2023-03-22.gpx", then), "<gpx/>"
        )
        archive.writestr(zipfile.ZipInfo(f"{folder}/export_cda.xml", then), "<ClinicalDocument/>")
    return tally


def ecg_csv(plan: Plan, seconds: int = 30) -> str:
    """Return an electrocardiogram as exported: a head in its language, then microvolts."""
    random = Random(plan.seed)  # noqa: S311 # As above.
    at = datetime.combine(plan.first + timedelta(days=1), datetime.min.time(), _EXPORTER)
    head = (
        f"Nom,Anna\nDate de naissance,12 avr. 1961\n"
        f"Date d’enregistrement,{at + timedelta(hours=9):%Y-%m-%d %H:%M:%S %z}\n"
        "Classification,Rythme sinusal\nSymptômes,\nVersion du logiciel,1.90\n"
        'Appareil,"Watch6,2"\nTaux d’échantillonnage,512 hertz\n\n\n'
        "Dérivation,Dérivation I\nUnité,µV\n\n"
    )
    beats = [0.4]
    while beats[-1] < seconds:
        beats.append(beats[-1] + random.gauss(0.92, 0.03))
    return head + "".join(
        f"{_microvolts(n / 512, beats) + random.gauss(0, 9):.3f}\n" for n in range(seconds * 512)
    )


def _microvolts(at: float, beats: list[float]) -> float:
    """Return a heart's voltage at a time: five bumps about each beat, as in McSharry et al. 2003.

    Their heights and widths are ours, and like lead I of a healthy adult; no paper states them.
    """
    since = at - beats[max(bisect(beats, at + _BEFORE_SECONDS) - 1, 0)]
    return sum(
        height * math.exp(-(((since - place) / width) ** 2) / 2) for place, height, width in _WAVES
    )


def _hearts(writer: _Writer, day: int) -> None:
    random, drift = writer.random, 0.0
    for at in writer.moments(day, writer.plan.heart_rate_seconds):
        # What raises a heart's rate lasts for minutes: each value leans on the one before.
        drift = 0.9 * drift + random.gauss(0, 2.2)
        lift = random.expovariate(0.04) if writer.awake(day, at) and random.random() < 0.08 else 0
        value = str(max(44, round((72 if writer.awake(day, at) else 54) + drift + lift)))
        context = (("HKMetadataKeyHeartRateMotionContext", str(random.randrange(3))),)
        writer.record(f"{_Q}HeartRate", WATCH, "count/min", value, at, entries=context)


def _resting(writer: _Writer, day: int) -> None:
    first, *_, last = writer.moments(day, 20_000)
    value = str(round(writer.random.gauss(58, 2)))
    writer.record(f"{_Q}RestingHeartRate", WATCH, "count/min", value, first, last)


def _variability(writer: _Writer, day: int) -> None:
    for at in writer.moments(day, 14_000):
        value = repr(writer.random.uniform(18, 90))
        writer.record(
            f"{_Q}HeartRateVariabilitySDNN", WATCH, "ms", value, at, at + timedelta(minutes=1)
        )


def _steps(writer: _Writer, day: int) -> None:
    random = writer.random
    for at in writer.moments(day, 1_100):
        seconds = random.randrange(60, 600)
        a_minute = min(random.expovariate(1 / 32), 125)
        if not writer.awake(day, at) and random.random() < 0.95:
            continue
        steps = max(round(a_minute * seconds / 60), 4)
        end = at + timedelta(seconds=seconds)
        # Both carry it: the phone sees a little less of the same walk.
        writer.record(f"{_Q}StepCount", WATCH, "count", str(steps), at, end)
        late = at + timedelta(seconds=7)
        writer.record(f"{_Q}StepCount", PHONE, "count", str(round(steps * 0.9) or 1), late, end)
        distance = repr(steps * 0.00072)
        writer.record(f"{_Q}DistanceWalkingRunning", PHONE, "km", distance, late, end)


def _energy(writer: _Writer, day: int) -> None:
    for at in writer.moments(day, 420):
        usual = 0.4 if writer.awake(day, at) else 2.5
        value = repr(round(writer.random.expovariate(usual), 3))
        end = at + timedelta(seconds=60)
        writer.record(f"{_Q}ActiveEnergyBurned", WATCH, "kcal", value, at, end)


def _oxygen(writer: _Writer, day: int) -> None:
    for at in writer.moments(day, 5_000):
        value = repr(writer.random.randrange(93, 101) / 100).removesuffix(".0")
        pressure = (("HKMetadataKeyBarometricPressure", "101.325 kPa"),)
        writer.record(f"{_Q}OxygenSaturation", WATCH, "%", value, at, entries=pressure)
        breaths = str(writer.random.randrange(24, 40) / 2)
        writer.record(f"{_Q}RespiratoryRate", WATCH, "count/min", breaths, at)


def _body(writer: _Writer, day: int) -> None:
    at = writer.clock(day, 6.8 + writer.random.uniform(0, 0.5))
    own = (("HKWasUserEntered", "1"), ("HKTimeZone", writer.zone(day)))
    weight = f"{writer.random.gauss(150, 0.4):.1f}"
    writer.record(f"{_Q}BodyMass", PHONE, "lb", weight, at, entries=own)


def _sleep(writer: _Writer, day: int) -> None:
    at = writer.clock(day, 22.5 + writer.random.uniform(0, 1.2))
    own = (("HKTimeZone", writer.zone(day)),)
    kind = "HKCategoryTypeIdentifierSleepAnalysis"
    night = _OLD_NIGHT if day < writer.plan.days // 3 else _NEW_NIGHT
    writer.record(kind, PHONE, "", f"{_V}InBed", at, at + timedelta(hours=8), entries=own)
    at += timedelta(minutes=writer.random.randrange(4, 30))
    for stage, minutes in night:
        end = at + timedelta(seconds=round(60 * minutes * writer.random.uniform(0.7, 1.3)))
        writer.record(kind, WATCH, "", _V + stage, at, end, entries=own)
        at = end


def _stand(writer: _Writer, day: int) -> None:
    kind = "HKCategoryTypeIdentifierAppleStandHour"
    for at in writer.moments(day, 3_600):
        stood = writer.awake(day, at) and writer.random.random() < 0.8
        value = "HKCategoryValueAppleStandHour" + ("Stood" if stood else "Idle")
        writer.record(kind, WATCH, "", value, at, at + timedelta(hours=1))


def _unknown(writer: _Writer, day: int) -> None:
    kind = "HKCategoryTypeIdentifierToothbrushingEvent"
    at = writer.clock(day, 22 + writer.random.uniform(0, 0.4))
    writer.record(kind, PHONE, "", "HKCategoryValueNotApplicable", at, at + timedelta(minutes=2))


def _pressures(writer: _Writer, day: int) -> None:
    at = writer.clock(day, 7 + writer.random.uniform(0, 1.5))
    systolic = round(writer.random.gauss(128, 9))
    values = (("Systolic", systolic), ("Diastolic", systolic - writer.random.randrange(38, 55)))
    own = (("HKTimeZone", writer.zone(day)),)
    for half, value in values:
        writer.record(f"{_Q}BloodPressure{half}", CUFF, "mmHg", str(value), at, entries=own)
    stamp = writer.stamp(at)
    writer.put(
        f' <Correlation type="HKCorrelationTypeIdentifierBloodPressure" '
        f'sourceName={quoteattr(CUFF)} sourceVersion="2.7" creationDate="{stamp}" '
        f'startDate="{stamp}" endDate="{stamp}">\n'
        f'  <MetadataEntry key="HKTimeZone" value="{writer.zone(day)}"/>\n'
    )
    for half, value in values:
        writer.record(
            f"{_Q}BloodPressure{half}",
            CUFF,
            "mmHg",
            str(value),
            at,
            entries=own,
            indent="  ",
        )
    writer.put(" </Correlation>\n")
    writer.tally.pressures += 1


def _workout(writer: _Writer, day: int) -> None:
    if day % 2:
        return
    at = writer.clock(day, 17 + writer.random.uniform(0, 2))
    minutes = writer.random.uniform(20, 70)
    end = at + timedelta(minutes=minutes)
    begun, ended = writer.stamp(at), writer.stamp(end)
    writer.tally.workouts += 1
    writer.tally.own_zone += 1
    inside = f'startDate="{begun}" endDate="{ended}"'
    writer.put(
        f' <Workout workoutActivityType="HKWorkoutActivityType{_SPORTS[day % len(_SPORTS)]}" '
        f'duration="{minutes!r}" durationUnit="min" sourceName={quoteattr(WATCH)} '
        f'sourceVersion="9.3.1" device={quoteattr(writer.device(WATCH))} '
        f'creationDate="{ended}" {inside}>\n'
        f'  <MetadataEntry key="HKTimeZone" value="{writer.zone(day)}"/>\n'
        f'  <MetadataEntry key="HKElevationAscended" value="4210 cm"/>\n'
        f'  <WorkoutEvent type="HKWorkoutEventTypePause" date="{begun}"/>\n'
        f'  <WorkoutStatistics type="{_Q}DistanceWalkingRunning" {inside} '
        f'sum="{minutes * 0.14!r}" unit="km"/>\n'
        f'  <WorkoutStatistics type="{_Q}ActiveEnergyBurned" {inside} '
        f'sum="{minutes * 9.1!r}" unit="kcal"/>\n'
        f'  <WorkoutStatistics type="{_Q}HeartRate" {inside} average="131.218" minimum="88" '
        f'maximum="163" unit="count/min"/>\n'
        f"  <WorkoutRoute {inside}>\n"
        f'   <FileReference path="/workout-routes/route_2023-03-22.gpx"/>\n'
        f"  </WorkoutRoute>\n </Workout>\n"
    )


def _summary(writer: _Writer, day: int) -> None:
    random = writer.random
    writer.tally.summaries += 1
    writer.put(
        f' <ActivitySummary dateComponents="{writer.plan.first + timedelta(days=day)}" '
        f'activeEnergyBurned="{random.uniform(200, 900):.3f}" activeEnergyBurnedGoal="520" '
        f'activeEnergyBurnedUnit="kcal" appleMoveTime="0" appleMoveTimeGoal="0" '
        f'appleExerciseTime="{random.randrange(90)}" appleExerciseTimeGoal="30" '
        f'appleStandHours="{random.randrange(4, 16)}" appleStandHoursGoal="12"/>\n'
    )


_Q = "HKQuantityTypeIdentifier"
_V = "HKCategoryValueSleepAnalysis"
_OLD_NIGHT = (("Asleep", 190), ("Awake", 8), ("Asleep", 160), ("Awake", 5), ("Asleep", 75))
_NEW_NIGHT = (
    ("AsleepCore", 24),
    ("AsleepDeep", 42),
    ("AsleepCore", 30),
    ("AsleepREM", 12),
    ("AsleepCore", 38),
    ("AsleepDeep", 28),
    ("AsleepREM", 22),
    ("Awake", 4),
    ("AsleepCore", 52),
    ("AsleepREM", 30),
    ("AsleepUnspecified", 6),
    ("AsleepCore", 58),
    ("Awake", 7),
    ("AsleepREM", 38),
    ("AsleepCore", 20),
)
"""A night's stages and their usual minutes: four cycles, deep sleep early, REM late."""

_BEFORE_SECONDS = 0.3
"""How long before its R peak a beat begins."""

_WAVES = (
    (-0.18, 90.0, 0.022),
    (-0.036, -70.0, 0.009),
    (0.0, 850.0, 0.011),
    (0.034, -160.0, 0.010),
    (0.27, 210.0, 0.045),
)
"""P, Q, R, S and T: seconds after the R peak, microvolts, standard deviation in seconds."""

_SPORTS = ("Running", "Cycling", "Yoga", "SomethingNew")
_PARTS: tuple[Callable[[_Writer, int], None], ...] = (
    _hearts,
    _resting,
    _variability,
    _steps,
    _energy,
    _oxygen,
    _body,
    _sleep,
    _stand,
    _unknown,
    _pressures,
    _workout,
    _summary,
)
