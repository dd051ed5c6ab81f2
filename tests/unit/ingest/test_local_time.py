"""Times are read exactly, in the zone that was written or declared, never in the machine's."""

import os
import time
from datetime import UTC, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pulsekey.ingest.local_time import (
    declared,
    known_zone,
    offsets_at,
    read_local,
    read_shifted,
    wall_times,
    zone,
)
from pulsekey.primitives.clock import micros
from pulsekey.primitives.errors import MalformedInput
from pulsekey.signals.series import OFFSET_UNKNOWN, Basis

MOMENTS = st.datetimes(datetime(1900, 1, 2), datetime(2199, 12, 30)).map(  # noqa: DTZ001
    lambda at: at.replace(microsecond=0)
)
OFFSETS = st.integers(-14 * 60, 14 * 60)


@given(st.lists(st.tuples(MOMENTS, OFFSETS), min_size=1, max_size=20))
def test_a_stamp_with_its_offset_is_that_instant(stamps: list[tuple[datetime, int]]) -> None:
    aware = [at.replace(tzinfo=timezone(timedelta(minutes=offset))) for at, offset in stamps]
    found = read_shifted([at.strftime("%Y-%m-%d %H:%M:%S %z").rjust(25, "0") for at in aware])
    assert found.legible.all()
    assert found.instant().tolist() == [micros(at) for at in aware]
    assert found.offset.tolist() == [offset for _, offset in stamps]


@pytest.mark.parametrize(
    "text",
    [
        "2023-02-29 10:00:00 +0000",
        "2023-13-01 10:00:00 +0000",
        "2023-00-10 10:00:00 +0000",
        "2023-04-31 10:00:00 +0000",
        "2023-04-00 10:00:00 +0000",
        "2023-04-01 24:00:00 +0000",
        "2023-04-01 10:60:00 +0000",
        "2023-04-01 10:00:60 +0000",
        "2023-04-01 10:00:00 +1500",
        "2023-04-01 10:00:00 +0060",
        "1899-04-01 10:00:00 +0000",
        "2023-04-01T10:00:00Z",
        "2023/04/01 10:00:00 +0000",
        "2023-04-01 10:00:00 0000 ",
        "２023-04-01 10:00:00 +0000",
        "",
        "now",
    ],
)
def test_a_date_that_does_not_exist_is_not_legible(text: str) -> None:
    found = read_shifted(["2023-04-01 10:00:00 +0200", text])
    assert found.legible.tolist() == [True, False]
    assert found.wall[1] == 0


@given(st.lists(st.text(max_size=30)))
def test_any_text_is_read_or_not(texts: list[str]) -> None:
    assert len(read_shifted(texts).legible) == len(texts)
    assert len(read_local(texts).legible) == len(texts)


def test_both_iso_forms_of_a_local_time_are_read() -> None:
    found = read_local(["2023-04-01 10:00:00", "2023-04-01T10:00:00", "2023-04-01x10:00:00"])
    assert found.legible.tolist() == [True, True, False]
    assert found.wall[0] == found.wall[1] == micros(datetime(2023, 4, 1, 10, tzinfo=UTC))
    assert found.offset[0] == OFFSET_UNKNOWN


@given(st.lists(MOMENTS, min_size=1), st.sampled_from(["Europe/Paris", "Asia/Kathmandu", "UTC"]))
def test_a_declared_zone_is_read_as_python_reads_it(walls: list[datetime], name: str) -> None:
    place = ZoneInfo(name)
    walls = [wall for wall in walls if wall.year >= 1986]
    column = np.array([micros(wall.replace(tzinfo=UTC)) for wall in walls], np.int64)
    instants, offsets = declared(column, place)
    assert instants.tolist() == [micros(wall.replace(tzinfo=place)) for wall in walls]
    assert offsets_at(instants, place).shape == offsets.shape


def test_an_hour_that_does_not_exist_goes_on_from_the_one_before() -> None:
    # Paris, 26 March 2023: 02:00 to 03:00 was skipped.
    walls = read_local(["2023-03-26 01:59:00", "2023-03-26 02:01:00", "2023-03-26 03:01:00"]).wall
    instants, offsets = declared(walls, zone("Europe/Paris"))
    assert np.diff(instants[:2]) == [120_000_000]
    assert instants[1] == instants[2]
    assert offsets.tolist() == [60, 60, 120]


def test_an_hour_that_comes_twice_is_the_first_one() -> None:
    # Paris, 29 October 2023: 02:00 to 03:00 came twice.
    instants, offsets = declared(read_local(["2023-10-29 02:30:00"]).wall, zone("Europe/Paris"))
    assert offsets.tolist() == [120]
    assert instants[0] == micros(datetime(2023, 10, 29, 0, 30, tzinfo=UTC))


def test_without_a_zone_a_time_floats() -> None:
    wall = read_local(["2023-04-01 10:00:00"]).wall
    times = wall_times(wall, wall, "")
    assert times.basis.tolist() == [Basis.FLOATING]
    assert times.offset.tolist() == [OFFSET_UNKNOWN]
    assert times.start.tolist() == wall.tolist()
    declared_times = wall_times(wall, wall, "Europe/Paris")
    assert declared_times.basis.tolist() == [Basis.DECLARED]
    assert declared_times.offset.tolist() == [120]


@pytest.mark.parametrize("name", ["", "Mars/Base", "../etc/passwd", "/etc/localtime", "x" * 99])
def test_a_zone_that_is_none_is_refused(name: str) -> None:
    assert not known_zone(name)
    with pytest.raises(MalformedInput, match="time zone"):
        zone(name)


def test_the_zone_of_the_machine_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    texts = ["2023-03-26 02:30:00", "2023-07-01 12:00:00"]
    here = declared(read_local(texts).wall, zone("Europe/Paris"))
    monkeypatch.setenv("TZ", "Pacific/Apia")
    time.tzset()
    try:
        there = declared(read_local(texts).wall, zone("Europe/Paris"))
    finally:
        monkeypatch.undo()
        time.tzset()
    assert os.environ.get("TZ") != "Pacific/Apia"
    assert here[0].tolist() == there[0].tolist()
