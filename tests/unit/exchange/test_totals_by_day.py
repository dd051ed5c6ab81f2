"""Daily totals over what may be read: whole days only, every source over the same days."""

from datetime import UTC, date, datetime

from pulsekey.exchange.daily_totals import Totals
from pulsekey.primitives.clock import Micros, micros
from tests.fakes.node_clinic import Clinic, Member
from tests.fakes.payloads import payload

WATCH, PHONE = "Ann\u2019s Apple Watch", "Ann\u2019s iPhone"


def record(source: str, begin: str, minutes: int, steps: int) -> str:
    day, clock = begin.split("T")
    end = f"{day} {clock}:{minutes:02}:00 +0000"
    return (
        f'<Record type="HKQuantityTypeIdentifierStepCount" sourceName="{source}" unit="count"'
        f' creationDate="{end}" startDate="{day} {clock}:00:00 +0000" endDate="{end}"'
        f' value="{steps}"/>'
    )


def load(clinic: Clinic, patient: Member, *records: str) -> None:
    text = f'<?xml version="1.0"?><HealthData locale="en_GB">{"".join(records)}</HealthData>'
    clinic.load(patient, payload("export.xml", text.encode()), zone="UTC")


def totals(clinic: Clinic, patient: Member, end: datetime | None = None) -> dict[date, int]:
    until = None if end is None else Micros(micros(end))
    found: Totals = clinic.node.totals(patient.principal, patient.patient, "", "steps", None, until)
    return {one.day: int(one.value) for one in found.days}


def test_a_day_is_counted_whole_or_not_at_all(clinic: Clinic) -> None:
    patient = clinic.patient()
    load(
        clinic,
        patient,
        record(WATCH, "2022-04-27T08", 10, 100),
        record(WATCH, "2022-04-27T20", 10, 200),
        record(WATCH, "2022-04-28T00", 10, 300),
        record(WATCH, "2023-06-01T18", 10, 400),
    )
    assert totals(clinic, patient) == {date(2022, 4, 28): 300, date(2023, 6, 1): 400}


def test_the_better_source_counts_on_every_day_that_is_told(clinic: Clinic) -> None:
    patient = clinic.patient()
    load(
        clinic,
        patient,
        record(WATCH, "2021-06-01T12", 10, 1_000),
        record(PHONE, "2021-06-01T12", 10, 900),
        record(WATCH, "2023-06-01T12", 10, 1_100),
    )
    assert totals(clinic, patient) == {date(2023, 6, 1): 1_100}
    before = datetime(2021, 7, 1, tzinfo=UTC)
    assert totals(clinic, patient, before) == {date(2021, 6, 1): 1_000}
