"""An Apple export comes out complete: each record once, in its unit, from its source."""

import io
from collections import Counter
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pulsekey.ingest.apple.health import AppleHealth
from pulsekey.ingest.apple.sources import source
from pulsekey.ingest.apple.types import CHOICES, METRICS, QUANTITIES
from pulsekey.ingest.items import ROWS_MAX, Context, Item, Payload, Refusal
from pulsekey.ingest.units import conversion
from pulsekey.primitives.clock import Micros
from pulsekey.samples import apple_export
from pulsekey.samples.apple_export import Plan, Tally
from pulsekey.signals import catalogue
from pulsekey.signals.series import Basis, Comparator, Series, Waveform, check, floats

CONTEXT = Context(Micros(0))
Q = "HKQuantityTypeIdentifier"
HEAD = '<?xml version="1.0" encoding="UTF-8"?>\n<HealthData locale="en_GB">\n'
AT = '"2023-07-14 21:30:05 +0200"'


def payload(content: bytes, name: str = "export.xml") -> Payload:
    return Payload(name, len(content), lambda: io.BytesIO(content))


def read(body: str) -> list[Item]:
    content = (HEAD + body + "</HealthData>\n").encode()
    return list(AppleHealth().parse(payload(content), CONTEXT))


def series_of(items: list[Item]) -> list[Series]:
    found = [item for item in items if isinstance(item, Series)]
    for series in found:
        check(series)
        assert len(series) <= ROWS_MAX
    return found


def record(kind: str, unit: str, value: str, extra: str = "", at: str = AT) -> str:
    return (
        f' <Record type="{kind}" sourceName="Phone"{extra} unit="{unit}" creationDate={at} '
        f'startDate={at} endDate={at} value="{value}"/>\n'
    )


def generated(plan: Plan) -> tuple[list[Item], Tally]:
    out = io.BytesIO()
    tally = apple_export.write(out, plan)
    return list(AppleHealth().parse(payload(out.getvalue()), CONTEXT)), tally


@pytest.fixture(scope="module")
def fortnight() -> tuple[list[Item], Tally]:
    return generated(Plan(days=14, heart_rate_seconds=1_200))


def test_every_record_is_counted_once(fortnight: tuple[list[Item], Tally]) -> None:
    items, tally = fortnight
    rows = Counter[str]()
    for series in series_of(items):
        rows[series.metric.name] += len(series)
    expected = Counter[str]()
    for kind, count in tally.records.items():
        if kind in QUANTITIES:
            expected[QUANTITIES[kind].name] += count
        elif kind in CHOICES:
            expected[CHOICES[kind][0].name] += count
    expected["blood-pressure"] = tally.pressures
    expected["workout"] = expected["workout-heart-rate"] = tally.workouts
    expected["activity-day"] = tally.summaries
    assert rows == expected


def test_a_type_without_a_metric_is_told_once_with_its_count(
    fortnight: tuple[list[Item], Tally],
) -> None:
    items, tally = fortnight
    kind = "HKCategoryTypeIdentifierToothbrushingEvent"
    told = [item for item in items if isinstance(item, Refusal) and kind in item.where]
    assert [refusal.where for refusal in told] == [f"{kind} ({tally.records[kind]})"]
    assert told[0].cure


def test_one_device_is_one_source_whatever_its_address(
    fortnight: tuple[list[Item], Tally],
) -> None:
    items, _ = fortnight
    keys = {series.source.key for series in series_of(items) if series.metric is catalogue.STEPS}
    assert len(keys) == 2
    assert not any("0x" in key for key in keys)


def test_phone_and_watch_steps_stay_apart(fortnight: tuple[list[Item], Tally]) -> None:
    items, _ = fortnight
    steps = [series for series in series_of(items) if series.metric is catalogue.STEPS]
    first, second = (series.times for series in steps)
    assert ((first.start[0] < second.end[0]) & (second.start[0] < first.end[0])).all()


def test_a_record_that_names_its_zone_is_recorded_there(
    fortnight: tuple[list[Item], Tally],
) -> None:
    items, tally = fortnight
    own = sum(
        int((series.times.basis == Basis.RECORDED).sum())
        for series in series_of(items)
        if series.metric.name != "workout-heart-rate"
    )
    # Both halves of a pressure name it, and become one panel.
    assert own == tally.own_zone - tally.pressures
    weights = next(s for s in series_of(items) if s.metric is catalogue.BODY_WEIGHT)
    assert set(weights.times.offset.tolist()) == {60, 120, -240}
    hearts = next(s for s in series_of(items) if s.metric is catalogue.HEART_RATE)
    assert set(hearts.times.basis.tolist()) == {Basis.EXPORT}


def test_a_zip_yields_the_same_and_its_ecg() -> None:
    plan = Plan(days=2)
    out, plain = io.BytesIO(), io.BytesIO()
    apple_export.write_zip(out, plan)
    apple_export.write(plain, plan)
    zipped = payload(out.getvalue(), "export.zip")
    assert AppleHealth().recognises(out.getvalue()[:65_536], zipped)
    items = list(AppleHealth().parse(zipped, CONTEXT))
    direct = series_of(list(AppleHealth().parse(payload(plain.getvalue()), CONTEXT)))
    ecg = [item for item in items if isinstance(item, Waveform)]
    (block,) = ecg[0].blocks
    assert block.rate_hz == Fraction(512)
    assert len(block.channels[0].raw) == 15_360
    assert block.channels[0].factor == Decimal("0.000001")
    assert block.channels[0].code.code == "131329"
    found = series_of(items)
    assert found[-1].metric is catalogue.ECG_CLASSIFICATION
    assert [len(series) for series in found[:-1]] == [len(series) for series in direct]
    left_out = [item.where for item in items if isinstance(item, Refusal)]
    assert any("gpx" in where for where in left_out)


def test_the_same_seed_writes_the_same_bytes() -> None:
    first, second, other = io.BytesIO(), io.BytesIO(), io.BytesIO()
    apple_export.write_zip(first, Plan(days=1))
    apple_export.write_zip(second, Plan(days=1))
    apple_export.write_zip(other, Plan(days=1, seed=2))
    assert first.getvalue() == second.getvalue() != other.getvalue()


def test_a_fraction_becomes_percent_and_percent_stays() -> None:
    body = record(f"{Q}OxygenSaturation", "%", "0.97") + record(f"{Q}OxygenSaturation", "%", "97")
    (series,) = series_of(read(body))
    (values,) = series.components
    assert floats(values).tolist() == [97.0, 97.0]
    assert values.unit.tolist() == [1, 0]
    assert series.units == ("1",)
    assert (values.given_mantissa[0], values.given_scale[0]) == (97, 2)


def test_two_units_of_one_metric_become_one_series_with_both_kept() -> None:
    body = record(f"{Q}BodyMass", "lb", "150.2") + record(f"{Q}BodyMass", "kg", "68.1")
    (series,) = series_of(read(body))
    assert floats(series.components[0]).tolist() == [68.129573974, 68.1]
    assert series.units == ("lb",)


def test_glucose_is_kept_in_its_own_kind_of_quantity() -> None:
    body = (
        record(f"{Q}BloodGlucose", "mg/dL", "101")
        + record(f"{Q}BloodGlucose", "mmol&lt;180.1558800000541&gt;/L", "5.6")
        + record(f"{Q}BloodGlucose", "mg/dL", "102").replace("Phone", "Dexcom G7")
    )
    names = [series.metric.name for series in series_of(read(body))]
    assert names == ["glucose-blood", "glucose-blood-molar", "glucose-sensor"]


def test_an_unknown_unit_is_refused_with_a_cure() -> None:
    items = read(record(f"{Q}BodyMass", "stone-ish", "11"))
    (refusal,) = items
    assert isinstance(refusal, Refusal)
    assert refusal.where == f"{Q}BodyMass (1)"
    assert "unit" in refusal.problem
    assert "stone" not in str(refusal)


@pytest.mark.parametrize("value", ["NaN", "inf", "1e999", "", "12,5", "9" * 30])
def test_a_value_that_is_no_number_is_refused_without_being_repeated(value: str) -> None:
    items = read(
        record(f"{Q}HeartRate", "count/min", value) + record(f"{Q}HeartRate", "count/min", "61")
    )
    refusals = [item for item in items if isinstance(item, Refusal)]
    assert [refusal.where for refusal in refusals] == [f"record 1, {Q}HeartRate"]
    assert [len(series) for series in series_of(items)] == [1]
    assert not value or value not in str(refusals)


def test_an_impossible_date_and_an_end_before_its_start_are_refused() -> None:
    wrong = record(f"{Q}HeartRate", "count/min", "61", at='"2023-02-30 10:00:00 +0000"')
    turned = record(f"{Q}HeartRate", "count/min", "61").replace(
        f"endDate={AT}", 'endDate="2023-07-14 21:30:04 +0200"'
    )
    problems = [item.problem for item in read(wrong + turned) if isinstance(item, Refusal)]
    assert problems == ["a date that does not exist", "an end before its start"]


def test_many_refusals_of_one_kind_are_counted() -> None:
    items = read(record(f"{Q}HeartRate", "count/min", "x") * 1_000)
    assert len(items) == 201
    last = items[-1]
    assert isinstance(last, Refusal)
    assert last.where == "800 more records"


def test_attributes_in_another_order_are_read() -> None:
    body = (
        f' <Record value="61" startDate={AT} endDate={AT} unit="count/min" type="{Q}HeartRate" '
        f'sourceName="A &amp; B" />\n'
    )
    (series,) = series_of(read(body))
    assert series.source.name == "A & B"
    assert floats(series.components[0]).tolist() == [61.0]


def test_a_record_without_dates_is_refused() -> None:
    (refusal,) = read(f'<Record type="{Q}HeartRate" sourceName="x" value="1"/>')
    assert isinstance(refusal, Refusal)
    assert refusal.where == "record 1"


def test_metadata_after_a_foreign_child_still_names_the_zone() -> None:
    open_record = record(f"{Q}HeartRate", "count/min", "61").replace("/>", ">")
    body = (
        open_record
        + "<HeartRateVariabilityMetadataList>"
        + '<InstantaneousBeatsPerMinute bpm="61" time="9:30:05.00 PM"/>'
        + "</HeartRateVariabilityMetadataList>"
        + '<MetadataEntry key="HKTimeZone" value="Asia/Tokyo"/></Record>'
    )
    items = read(body)
    (series,) = series_of(items)
    assert series.times.offset.tolist() == [540]
    assert series.times.basis.tolist() == [Basis.RECORDED]
    kinds = [item.where for item in items if isinstance(item, Refusal)]
    assert kinds == ["HeartRateVariabilityMetadataList (1)", "InstantaneousBeatsPerMinute (1)"]


def test_half_a_blood_pressure_keeps_an_absent_half() -> None:
    (series,) = series_of(read(record(f"{Q}BloodPressureSystolic", "mmHg", "128")))
    systolic, diastolic = series.components
    assert (systolic.mantissa[0], systolic.absent[0]) == (128, 0)
    assert diastolic.absent[0] != 0


def test_two_readings_in_one_second_stay_two() -> None:
    body = "".join(
        record(f"{Q}BloodPressure{half}", "mmHg", value)
        for half, value in (
            ("Systolic", "128"),
            ("Systolic", "131"),
            ("Diastolic", "80"),
            ("Diastolic", "84"),
        )
    )
    (series,) = series_of(read(body + body))
    assert [part.mantissa.tolist() for part in series.components] == [[128, 131], [80, 84]]


def test_a_day_floats_until_a_zone_is_declared() -> None:
    body = (
        ' <ActivitySummary dateComponents="2023-07-14" activeEnergyBurned="418.4" '
        'activeEnergyBurnedGoal="500" activeEnergyBurnedUnit="kJ" appleExerciseTime="31"/>\n'
    )
    (series,) = series_of(read(body))
    assert series.times.basis.tolist() == [Basis.FLOATING]
    assert floats(series.components[0]).tolist() == [100.0]
    assert series.components[4].absent.tolist() != [0]
    content = (HEAD + body + "</HealthData>").encode()
    context = Context(Micros(0), zone="Europe/Paris")
    (known,) = series_of(list(AppleHealth().parse(payload(content), context)))
    assert known.times.offset.tolist() == [120]


def test_the_key_of_a_source_has_neither_address_nor_software() -> None:
    texts = [
        f"<<HKDevice: {address}>, name:iPhone, manufacturer:Apple Inc., model:iPhone, "
        f"hardware:iPhone14,5, software:{software}>"
        for address, software in (("0x28", "16.3"), ("0x99", "17.0.1"))
    ]
    first, second = (source("Anna’s\N{NO-BREAK SPACE}iPhone", text) for text in texts)
    assert first.key == second.key == source("Anna’s iPhone", texts[0]).key
    assert first.hardware == "iPhone14,5"
    assert source("Anna’s iPhone", texts[0].replace("14,5", "15,2")).key != first.key


@given(st.text(max_size=300), st.text(max_size=300))
def test_any_device_text_gives_a_source(name: str, device: str) -> None:
    found = source(name, device)
    assert found.key.startswith("apple-health|")
    assert len(found.key) < 600
    assert source(name, device) == found


@settings(max_examples=5)
@given(st.integers(1, 10**6), st.integers(1, 2), st.integers(2_000, 9_000))
def test_whatever_is_generated_is_read_back_in_full(seed: int, days: int, seconds: int) -> None:
    items, tally = generated(Plan(seed=seed, days=days, heart_rate_seconds=seconds))
    rows = sum(len(s) for s in series_of(items) if s.metric is catalogue.HEART_RATE)
    assert rows == tally.records[f"{Q}HeartRate"]
    assert not [i for i in items if isinstance(i, Refusal) and i.where.startswith("record ")]


def test_the_coverage_names_metrics_that_exist() -> None:
    assert set(METRICS) <= set(catalogue.METRICS)
    for metric in QUANTITIES.values():
        unit = metric.components[0].unit
        assert unit is not None
        assert any(
            conversion(given, unit.ucum)
            for given in (
                "count",
                "%",
                unit.text,
                unit.ucum,
                "count/min",
                "dBASPL",
                "degC",
                "IU",
                "kcal/hr·kg",
                "mL/min·kg",
            )
        )


def test_comparators_are_for_those_who_need_them() -> None:
    (series,) = series_of(read(record(f"{Q}HeartRate", "count/min", "61")))
    assert series.components[0].comparator.tolist() == [Comparator.NONE]
