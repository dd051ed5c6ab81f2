"""What a Garmin activity becomes, checked against records that somebody else decoded."""

import csv
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from pathlib import Path

import numpy as np
import pytest

from pulsekey.ingest.fit import activity
from pulsekey.ingest.fit.activity import GarminFit
from pulsekey.ingest.items import Item, Payload, Refusal
from pulsekey.primitives.clock import micros
from pulsekey.primitives.errors import MalformedInput
from pulsekey.signals.series import OFFSET_UNKNOWN, Absence, Basis, Series, floats
from tests.fakes import fit_writer as fit
from tests.fakes.payloads import context, payload, sample

REFERENCE = Path(__file__).parent / "activity-walk-records.csv"
PACIFIC = timezone(timedelta(hours=-7))
NOON = 1_000_000_000
"""2021-09-08T01:46:40Z in FIT seconds."""


def _series(items: list[Item]) -> dict[str, Series]:
    return {item.metric.name: item for item in items if isinstance(item, Series)}


def _parse(given: Payload, zone: str = "") -> list[Item]:
    return list(GarminFit().parse(given, context(zone)))


def _made(*messages: bytes) -> Payload:
    return payload("made.fit", fit.fit(fit.file_id(), *messages))


def _record(at: int, heart_rate: int) -> bytes:
    return fit.message(fit.RECORD, [(253, fit.UINT32, at), (3, fit.UINT8, heart_rate)])


def _exact(series: Series, component: int = 0) -> list[Decimal]:
    values = series.components[component]
    return [
        Decimal(int(mantissa)).scaleb(-int(scale))
        for mantissa, scale in zip(values.mantissa, values.scale, strict=True)
    ]


def test_a_walk_has_the_values_that_another_program_read() -> None:
    series = _series(_parse(sample("activity-walk.fit")))
    with REFERENCE.open() as lines:
        rows = list(csv.DictReader(lines))
    for name, column, tolerance in (
        ("heart-rate", "heart_rate", 0.0),
        ("speed", "speed", 0.0),
        ("distance-travelled", "distance", 0.0),
        ("altitude", "altitude", 1e-9),
        ("ambient-temperature", "temperature", 0.0),
    ):
        wanted = np.array([float(row[column]) for row in rows])
        assert np.abs(floats(series[name].components[0]) - wanted).max() <= tolerance, name
    # The reference leaves the 128ths of a stride out.
    assert [int(value) for value in _exact(series["cadence"])] == [int(r["cadence"]) for r in rows]
    assert _exact(series["cadence"])[0] == Decimal("53.5")
    position = series["position"]
    assert position.components[0].given_mantissa.tolist() == [int(r["position_lat"]) for r in rows]
    assert position.components[1].given_mantissa.tolist() == [int(r["position_long"]) for r in rows]
    assert position.units == ("{semicircle}",)
    begins = datetime(2017, 6, 11, 7, 32, 51, tzinfo=PACIFIC)
    assert int(series["heart-rate"].times.start[0]) == micros(begins)


def test_degrees_are_right_to_nine_decimals() -> None:
    position = _series(_parse(sample("activity-walk.fit")))["position"]
    for component in position.components:
        for given, mantissa in zip(component.given_mantissa, component.mantissa, strict=True):
            exact = Decimal(int(given)) * 180 / 2**31
            assert abs(exact - Decimal(int(mantissa)).scaleb(-9)) <= Decimal("0.5e-9")


def test_the_offset_that_the_watch_recorded_is_kept() -> None:
    for series in _series(_parse(sample("activity-walk.fit"), zone="Europe/Paris")).values():
        assert set(series.times.offset.tolist()) == {-420}
        assert set(series.times.basis.tolist()) == {Basis.RECORDED}


def test_without_a_recorded_offset_the_instant_is_known_and_the_offset_is_not() -> None:
    heart = _series(_parse(_made(_record(NOON, 60))))["heart-rate"]
    assert heart.times.offset.tolist() == [OFFSET_UNKNOWN]
    assert heart.times.basis.tolist() == [Basis.RECORDED]
    assert heart.times.start.tolist() == [micros(datetime(2021, 9, 8, 1, 46, 40, tzinfo=UTC))]


def test_a_declared_zone_gives_each_instant_its_own_offset() -> None:
    half_a_year = 182 * 86_400
    given = _made(_record(NOON, 60), _record(NOON + half_a_year, 61))
    heart = _series(_parse(given, zone="Europe/Paris"))["heart-rate"]
    assert heart.times.offset.tolist() == [120, 60]
    assert heart.times.basis.tolist() == [Basis.NAMED, Basis.NAMED]
    with pytest.raises(MalformedInput, match="unknown time zone"):
        _parse(given, zone="Middle/Earth")


def test_an_impossible_local_time_leaves_the_offset_unknown() -> None:
    for local in (NOON + 20 * 3_600, NOON + 400):
        activity = fit.message(fit.ACTIVITY, [(253, fit.UINT32, NOON), (5, fit.UINT32, local)])
        heart = _series(_parse(_made(_record(NOON, 60), activity)))["heart-rate"]
        assert heart.times.offset.tolist() == [OFFSET_UNKNOWN]


def test_a_sentinel_is_absent_beside_values_and_nothing_alone() -> None:
    heart = _series(_parse(_made(_record(NOON, 60), _record(NOON + 1, 0xFF))))["heart-rate"]
    assert heart.components[0].absent.tolist() == [Absence.NONE, Absence.SENSOR]
    assert heart.components[0].mantissa.tolist() == [60, 0]
    assert "heart-rate" not in _series(_parse(_made(_record(NOON, 0xFF))))


def test_beats_follow_each_other_and_keep_their_milliseconds() -> None:
    beats = _series(_parse(sample("activity-walk.fit")))["beat-interval"]
    gaps = np.diff(beats.times.start)
    assert (gaps == beats.components[0].mantissa[1:] * 1_000).all()


def test_a_pause_starts_the_beats_anew() -> None:
    beat = fit.message(fit.HRV, [(0, fit.UINT16, 900)])
    given = _made(_record(NOON, 60), beat, _record(NOON + 600, 60), beat)
    beats = _series(_parse(given))["beat-interval"]
    assert int(beats.times.start[1] - beats.times.start[0]) == 600_000_000


def test_a_session_is_a_workout_with_its_sport_and_its_heart_apart() -> None:
    series = _series(_parse(sample("activity-walk.fit")))
    workout = series["workout"]
    assert workout.labels is not None
    assert [label.code for label in workout.labels] == ["walking"]
    assert [_exact(workout, at)[0] for at in (0, 1)] == [Decimal("45.379"), Decimal("67.85")]
    assert workout.components[2].absent.tolist() == [Absence.NOT_MEASURED]
    assert int(workout.times.end[0] - workout.times.start[0]) == 45_379_000
    assert _exact(series["workout-heart-rate"], 0) == [75]
    assert len(series["lap"]) == 1


def test_the_source_is_known_by_its_serial_number() -> None:
    source = _series(_parse(sample("activity-walk.fit")))["heart-rate"].source
    assert source.key == "fit:garmin:3945849289"
    assert (source.manufacturer, source.model, source.software) == ("garmin", "fenix5", "4.10")


def test_what_has_no_metric_is_named_and_counted() -> None:
    refused = [item for item in _parse(sample("activity-walk.fit")) if isinstance(item, Refusal)]
    told = {item.where: item.problem for item in refused}
    assert told["file 1, record field step_length"].startswith("17 times")


def test_a_record_that_counts_from_power_on_is_refused() -> None:
    items = _parse(_made(_record(4_711, 60), _record(NOON, 61)))
    assert _series(items)["heart-rate"].components[0].mantissa.tolist() == [61]
    assert any(isinstance(item, Refusal) and "calendar" in item.where for item in items)


def test_developer_fields_are_refused_by_number() -> None:
    developer = fit.message(207, [(3, fit.UINT8, 0)])
    described = fit.message(206, [(0, fit.UINT8, 0), (1, fit.UINT8, 9), (2, fit.UINT8, 2)])
    # A record definition with one developer field (number 9, one byte, developer 0).
    definition = bytes([0x60, 0, 0, 20, 0, 1, 253, 4, 0x86, 1, 9, 1, 0])
    content = bytes([0]) + NOON.to_bytes(4, "little") + bytes([77])
    items = _parse(_made(developer, described, definition + content))
    assert any(isinstance(i, Refusal) and "developer field 9" in i.where for i in items)


def test_integers_wider_than_their_field_are_not_believed() -> None:
    wide = fit.message(fit.HRV, [(0, fit.UINT64, 2**63)])
    lap = fit.message(
        fit.LAP, [(253, fit.UINT32, NOON), (2, fit.UINT32, NOON), (7, fit.UINT64, 2**63)]
    )
    items = _parse(_made(_record(NOON, 60), wide, lap))
    series = _series(items)
    assert "beat-interval" not in series
    assert (series["lap"].times.end == series["lap"].times.start).all()


def test_chained_files_are_read_one_by_one() -> None:
    one = fit.fit(fit.file_id(serial=1), _record(NOON, 60))
    two = fit.fit(fit.file_id(serial=2), _record(NOON + 9, 70))
    items = _parse(payload("two.fit", one + two))
    keys = [item.source.key for item in items if isinstance(item, Series)]
    assert keys == ["fit:garmin:1", "fit:garmin:2"]
    with pytest.raises(MalformedInput, match="ends in the middle"):
        _parse(payload("two.fit", one + two[:-5]))


def test_a_monitoring_file_is_refused_clearly() -> None:
    given = payload("day.fit", fit.fit(fit.file_id(kind=32), _record(NOON, 60)))
    assert GarminFit().recognises(given.open().read(64), given)
    with pytest.raises(MalformedInput, match="monitoring_b, not an activity"):
        _parse(given)


@pytest.mark.parametrize("kept", [0, 13, 60, 5_000])
def test_a_truncated_file_yields_nothing(kept: int) -> None:
    with sample("activity-walk.fit").open() as stream:
        content = stream.read()
    items: list[Item] = []
    with pytest.raises(MalformedInput):
        items.extend(GarminFit().parse(payload("cut.fit", content[:kept]), context()))
    assert not items


def test_a_wrong_checksum_yields_nothing() -> None:
    with sample("activity-walk.fit").open() as stream:
        content = bytearray(stream.read())
    content[3_000] ^= 1
    items: list[Item] = []
    with pytest.raises(MalformedInput, match="checksum"):
        items.extend(GarminFit().parse(payload("bad.fit", bytes(content)), context()))
    assert not items


def test_full_rides_are_read_with_every_value(full_records: Path) -> None:
    path = full_records / "fit" / "garmin-edge-820-bike.fit"
    series = _series(_parse(payload(path.name, path.read_bytes())))
    with (path.parent / "garmin-edge-820-bike-records.csv").open() as lines:
        rows = list(csv.DictReader(lines))
    assert [str(v) for v in _exact(series["heart-rate"])] == [row["heart_rate"] for row in rows]
    wanted = [Decimal(row["altitude"]).quantize(Decimal("0.1")) for row in rows]
    assert _exact(series["altitude"]) == wanted


@pytest.mark.parametrize(("most", "refused"), [(1_000, False), (5, True)])
def test_more_fields_than_a_device_writes_are_refused(
    monkeypatch: pytest.MonkeyPatch, most: int, *, refused: bool
) -> None:
    monkeypatch.setattr(activity, "FIELDS_MAX", most)
    given = _made(_record(NOON, 60), _record(NOON + 1, 61))
    if not refused:
        assert _series(_parse(given))
        return
    with pytest.raises(MalformedInput, match="more than 5 fields"):
        _parse(given)
