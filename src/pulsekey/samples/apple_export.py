"""Writes Apple Health exports that look like real ones, of any size, the same for the same seed.

There is no real export that a project could ship: this one is modelled on their published layout
(the DTD in their own head, version 13). The one rule: everything that makes real exports hard is
in here, and `Tally` says exactly how often, so that a reader can be held to it.

What is hard: a phone and a watch count the same steps; a device's text changes with every process
(it holds a memory address); names with entities and no-break spaces; stamps in the exporter's zone
although the person travelled; some records naming their own zone; blood pressure both inside a
correlation and outside; two generations of sleep stages; doubles with all of their digits.
"""

import zipfile
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
    beat = [0] * 512
    for place in range(20):
        beat[200 + place] = (900, -180)[place > 12]
    return head + "".join(
        f"{beat[n % 512] + random.gauss(0, 12):.3f}\n" for n in range(seconds * 512)
    )


def _hearts(writer: _Writer, day: int) -> None:
    random = writer.random
    for at in writer.moments(day, writer.plan.heart_rate_seconds):
        value = str(max(44, round(random.gauss(71, 11))))
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
        steps = random.randrange(4, 700)
        end = at + timedelta(seconds=random.randrange(60, 600))
        # Both carry it: the phone sees a little less of the same walk.
        writer.record(f"{_Q}StepCount", WATCH, "count", str(steps), at, end)
        late = at + timedelta(seconds=7)
        writer.record(f"{_Q}StepCount", PHONE, "count", str(round(steps * 0.9) or 1), late, end)
        distance = repr(steps * 0.00072)
        writer.record(f"{_Q}DistanceWalkingRunning", PHONE, "km", distance, late, end)


def _energy(writer: _Writer, day: int) -> None:
    for at in writer.moments(day, 420):
        value = repr(round(writer.random.expovariate(0.9), 3))
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
    at = next(writer.moments(day, 30_000))
    own = (("HKWasUserEntered", "1"), ("HKTimeZone", writer.zone(day)))
    weight = f"{writer.random.gauss(150, 1):.1f}"
    writer.record(f"{_Q}BodyMass", PHONE, "lb", weight, at, entries=own)


def _sleep(writer: _Writer, day: int) -> None:
    at = next(writer.moments(day, 3_000)) + timedelta(hours=1)
    own = (("HKTimeZone", writer.zone(day)),)
    kind = "HKCategoryTypeIdentifierSleepAnalysis"
    stages = _OLD_SLEEP if day < writer.plan.days // 3 else _NEW_SLEEP
    writer.record(kind, PHONE, "", f"{_V}InBed", at, at + timedelta(hours=8), entries=own)
    for _ in range(9):
        end = at + timedelta(minutes=writer.random.randrange(5, 95))
        writer.record(kind, WATCH, "", _V + writer.random.choice(stages), at, end, entries=own)
        at = end


def _stand(writer: _Writer, day: int) -> None:
    kind = "HKCategoryTypeIdentifierAppleStandHour"
    for at in writer.moments(day, 3_600):
        value = "HKCategoryValueAppleStandHour" + ("Stood" if day % 3 else "Idle")
        writer.record(kind, WATCH, "", value, at, at + timedelta(hours=1))


def _unknown(writer: _Writer, day: int) -> None:
    kind = "HKCategoryTypeIdentifierToothbrushingEvent"
    at = next(writer.moments(day, 40_000))
    writer.record(kind, PHONE, "", "HKCategoryValueNotApplicable", at, at + timedelta(minutes=2))


def _pressures(writer: _Writer, day: int) -> None:
    at = next(writer.moments(day, 36_000))
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
    at = next(writer.moments(day, 50_000))
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
_OLD_SLEEP = ("Asleep", "Awake")
_NEW_SLEEP = ("AsleepCore", "AsleepDeep", "AsleepREM", "Awake", "AsleepUnspecified")
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
