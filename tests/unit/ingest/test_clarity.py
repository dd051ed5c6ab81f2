"""Clarity exports: readings out of range, devices, floating times, names that are never told."""

import random
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fuzz.mutations import mutated
from pulsekey.ingest import delimited
from pulsekey.ingest.clarity import Clarity
from pulsekey.ingest.items import Item, Payload, Refusal
from pulsekey.primitives.errors import MalformedInput
from pulsekey.signals.series import Absence, Basis, Comparator, Series, check
from tests.fakes.payloads import context, payload, sample

HEADER = (
    '\ufeff"ï»¿""""Index""""",Timestamp (YYYY-MM-DDThh:mm:ss),Event Type,Event Subtype,'
    "Patient Info,Device Info,Source Device ID,Glucose Value (mg/dL),Insulin Value (u),"
    "Carb Value (grams),Duration (hh:mm:ss),Glucose Rate of Change (mg/dL/min),"
    "Transmitter Time (Long Integer),Transmitter ID\n"
)
PERSON = "1,,FirstName,,Secretname,,,,,,,,,\n2,,LastName,,Hushhush,,,,,,,,,\n"
DEVICE = "3,,Device,,,Dexcom G6 Mobile App,android G6,,,,,,,\n"


def egv(value: str, at: str = "2023-04-12 00:56:47", device: str = "android G6") -> str:
    return f"11,{at},EGV,,,,{device},{value},,,,,4240874,8XXXXX\n"


def read(body: str, header: str = HEADER, zone: str = "") -> list[Item]:
    sent = payload("clarity.csv", (header + PERSON + DEVICE + body).encode())
    return list(Clarity().parse(sent, context(zone)))


def series_of(items: list[Item]) -> list[Series]:
    return [check(item) for item in items if isinstance(item, Series)]


def test_a_doubly_encoded_byte_order_mark_is_recognised() -> None:
    content = (HEADER + egv("144")).encode()
    assert Clarity().recognises(content, payload("x", content))
    assert not Clarity().recognises(b"a,b,c\n", payload("x", b"a,b,c\n"))


def test_a_reading_is_sensor_glucose_at_a_floating_time() -> None:
    (series,) = series_of(read(egv("144")))
    assert series.metric.name == "glucose-sensor"
    assert series.components[0].mantissa.tolist() == [144]
    assert series.times.basis.tolist() == [Basis.FLOATING]
    assert series.source.key == "dexcom-clarity|android g6"


def test_a_declared_zone_makes_it_an_instant() -> None:
    (floating,) = series_of(read(egv("144")))
    (known,) = series_of(read(egv("144"), zone="Europe/Paris"))
    assert known.times.basis.tolist() == [Basis.DECLARED]
    assert (floating.times.start - known.times.start).tolist() == [2 * 3_600 * 1_000_000]


@pytest.mark.parametrize("molar", [False, True])
def test_low_and_high_are_comparators_with_the_limit_of_the_sensor(*, molar: bool) -> None:
    header = HEADER.replace("mg/dL", "mmol/L") if molar else HEADER
    (series,) = series_of(read(egv("Low") + egv("High") + egv("7.2"), header))
    values = series.components[0]
    expected = [22, 222, 72] if molar else [40, 400, 72]
    assert values.mantissa.tolist() == expected
    assert values.comparator.tolist() == [Comparator.LESS, Comparator.GREATER, Comparator.NONE]
    assert series.metric.name == ("glucose-sensor-molar" if molar else "glucose-sensor")


@pytest.mark.parametrize("sentinel", ["", "???", "---", "Sensor Error"])
def test_a_sentinel_is_an_absent_value(sentinel: str) -> None:
    (series,) = series_of(read(egv(sentinel)))
    assert series.components[0].absent.tolist() == [Absence.SENSOR]


def test_insulin_carbohydrates_and_calibrations_have_their_own_metrics() -> None:
    at = "2023-04-12 10:00:00"
    body = (
        f"1,{at},Insulin,Fast-Acting,,,android G6,,4.5,,,,,\n"
        f"2,{at},Insulin,Long-Acting,,,android G6,,12,,,,,\n"
        f"3,{at},Insulin,,,,android G6,,1,,,,,\n"
        f'4,{at},Carbs,,,,android G6,,,"30,5",,,,\n'
        f"5,{at},Calibration,,,,android G6,101,,,,,,\n"
        f"6,{at},Exercise,Light,,,android G6,,,,0:20:00,,,\n"
    )
    items = read(body)
    assert [series.metric.name for series in series_of(items)] == [
        "insulin-fast-acting",
        "insulin-long-acting",
        "insulin",
        "carbohydrates",
        "glucose-capillary",
    ]
    assert [item.where for item in items if isinstance(item, Refusal)] == ["exercise (1)"]


def test_two_devices_are_two_series() -> None:
    keys = [s.source.key for s in series_of(read(egv("144") + egv("150", device="iPhone G7")))]
    assert keys == ["dexcom-clarity|android g6", "dexcom-clarity|iphone g7"]


@pytest.mark.parametrize(
    ("row", "problem"),
    [
        (egv("144", at="2023-02-30 00:00:00"), "a date that does not exist"),
        (egv("144", at=""), "a date that does not exist"),
        (egv("abc"), "a value that cannot be read"),
        ("1,2\n", "a row without an event"),
    ],
)
def test_a_bad_row_is_refused_with_its_line(row: str, problem: str) -> None:
    items = read(row + egv("100"))
    (refusal,) = [item for item in items if isinstance(item, Refusal)]
    assert refusal == Refusal("clarity.csv, line 5", problem, refusal.cure)
    assert [len(series) for series in series_of(items)] == [1]


def test_no_message_tells_the_name_of_the_person() -> None:
    items = read("1,2\n" + egv("abc"))
    assert "Secretname" not in repr(items)
    assert "Hushhush" not in repr(items)
    with pytest.raises(MalformedInput) as caught:
        read('9,,FirstName,,"Secretname\n')
    assert "Secretname" not in str(caught.value)


@pytest.mark.parametrize(
    "body",
    [b"x" * 20_000, b'"open', b"\xff\xfe\n", b"a\0b\n", b"," * 300 + b"\n"],
)
def test_what_cannot_go_on_names_its_line_after_yielding_what_was_good(body: bytes) -> None:
    content = (HEADER + egv("144")).encode() + body
    items: list[Item] = []
    with pytest.raises(MalformedInput) as caught:
        items.extend(Clarity().parse(payload("clarity.csv", content), context()))
    assert caught.value.where == "clarity.csv, line 3"


@pytest.mark.parametrize("header", ["", "a,b\n", HEADER.replace("mg/dL", "stone")])
def test_another_header_is_refused(header: str) -> None:
    with pytest.raises(MalformedInput):
        list(Clarity().parse(payload("x.csv", header.encode()), context()))


@given(st.integers(0, 2**32))
def test_a_mutated_file_is_read_or_refused_and_nothing_else(seed: int) -> None:
    body = "".join(egv(str(60 + n), f"2023-04-12 00:{n % 60:02d}:47") for n in range(80))
    content = mutated(random.Random(seed), (HEADER + PERSON + DEVICE + body).encode())
    try:
        series_of(list(Clarity().parse(payload("x.csv", content), context("Europe/Paris"))))
    except MalformedInput as refused:
        assert refused.where  # noqa: PT017 # Reading may also succeed.


def test_the_full_sample_is_read_to_its_last_row(full_records: Path) -> None:
    path = full_records / "cgm" / "Clarity_Export_synthetic.csv"
    sent = Payload(path.name, path.stat().st_size, lambda: path.open("rb"))
    items = list(Clarity().parse(sent, context()))
    counts = {series.metric.name: len(series) for series in series_of(items)}
    assert counts == {
        "glucose-sensor": 3_922,
        "insulin-fast-acting": 33,
        "insulin-long-acting": 14,
    }
    glucose = next(s for s in series_of(items) if s.metric.name == "glucose-sensor")
    assert int((glucose.components[0].comparator == Comparator.LESS).sum()) == 5
    assert not [item for item in items if isinstance(item, Refusal)]


def test_a_file_of_more_lines_than_a_life_of_samples_is_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(delimited, "LINES_MAX", 20)
    with pytest.raises(MalformedInput, match="more than 20 lines"):
        list(Clarity().parse(sample("clarity-three-days.csv"), context("UTC")))
