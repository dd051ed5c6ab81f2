"""Who gets a slot for an upload, who gives one up, and how much of the disk each may have."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pulsekey.exchange.spool_room import FREE_BYTES_MIN, SpoolRoom
from pulsekey.exchange.upload_slots import (
    EACH_MAX,
    GRACE_MICROS,
    RATE_BYTES,
    SLOT_BYTES,
    SLOTS_MAX,
    SLOTS_MIN,
    Full,
    Upload,
    room_for,
    slots_for,
)
from pulsekey.primitives.clock import MICROS_PER_SECOND, Micros
from pulsekey.primitives.errors import Unavailable
from pulsekey.primitives.ids import PatientId

NOW = Micros(10**15)
NEW = PatientId("new")
SLOTS = 8
FAST = RATE_BYTES * 2


def upload(who: str, *, confirmed: bool = False, seconds: int = 10, rate: int = FAST) -> Upload:
    began = Micros(NOW - seconds * MICROS_PER_SECOND)
    name = f"{who}-{seconds}-{rate}"
    return Upload(name, PatientId(who), confirmed, began, NOW, rate * seconds)


def way_for(receiving: list[Upload], *, confirmed: bool = False) -> Upload | Full | None:
    return room_for(receiving, NEW, NOW, SLOTS, confirmed=confirmed)


def test_there_is_a_slot_while_there_is_one() -> None:
    assert way_for([]) is None
    assert way_for([upload("m1"), upload("m2"), upload("m3")]) is None


def test_strangers_have_half_of_the_slots() -> None:
    fast = [upload(f"m{number}") for number in range(SLOTS // 2)]
    assert way_for(fast) == Full(own=False)
    assert way_for(fast, confirmed=True) is None


def test_who_holds_most_gives_up_the_slowest() -> None:
    slowest = upload("m", rate=RATE_BYTES)
    greedy = [upload("m", seconds=11), slowest, upload("m", seconds=12), upload("other", rate=1)]
    assert way_for(greedy) == slowest


def test_who_is_slow_for_long_gives_way_and_who_has_just_begun_does_not() -> None:
    grace = GRACE_MICROS // MICROS_PER_SECOND
    young = [upload(f"m{number}", seconds=grace - 1, rate=0) for number in range(4)]
    assert way_for(young) == Full(own=False)
    slow = upload("slow", seconds=grace, rate=RATE_BYTES - 1)
    slower = upload("slower", seconds=grace, rate=1)
    assert way_for([*young[:2], slow, slower]) == slower
    steady = [upload(f"m{number}", seconds=3_600, rate=RATE_BYTES) for number in range(4)]
    assert way_for(steady) == Full(own=False)


def test_a_patient_has_so_many_slots_and_no_more() -> None:
    own = [upload("new", seconds=number) for number in range(1, EACH_MAX + 1)]
    for confirmed in (False, True):
        assert way_for(own, confirmed=confirmed) == Full(own=True)


people = st.sampled_from([PatientId(f"p{number}") for number in range(6)])
uploads = st.builds(
    Upload,
    st.uuids().map(str),
    people,
    st.booleans(),
    st.integers(0, 100).map(lambda ago: Micros(NOW - ago * MICROS_PER_SECOND)),
    st.just(NOW),
    st.integers(0, 10**8),
)


@given(st.lists(uploads, max_size=SLOTS), st.booleans())
def test_a_confirmed_patient_is_kept_out_by_confirmed_ones_only(
    receiving: list[Upload], confirmed: bool
) -> None:
    way = way_for(receiving, confirmed=confirmed)
    if isinstance(way, Upload):
        assert way in receiving
        assert confirmed or not way.confirmed
        assert not confirmed or not way.confirmed or all(one.confirmed for one in receiving)
    if confirmed and way == Full(own=False):
        assert all(one.confirmed for one in receiving)
        assert len(receiving) == SLOTS


def test_slots_are_in_proportion_to_the_room_and_bounded() -> None:
    assert slots_for(0) == SLOTS_MIN
    assert slots_for(SLOT_BYTES * 50) == 50
    assert slots_for(2**60) == SLOTS_MAX


def test_nobody_fills_the_room_alone_and_strangers_do_not_fill_it_together() -> None:
    room = SpoolRoom(800, lambda: 10 * FREE_BYTES_MIN)
    shares = [room.share(PatientId(f"m{number}"), confirmed=False) for number in range(3)]
    shares[0].take(200)
    with pytest.raises(Unavailable, match="room"):
        shares[0].take(1)
    shares[1].take(200)
    with pytest.raises(Unavailable, match="room"):
        shares[2].take(1)
    known = [room.share(PatientId(f"k{number}"), confirmed=True) for number in range(3)]
    known[0].take(200)
    known[1].take(200)
    with pytest.raises(Unavailable, match="room"):
        known[2].take(1)
    shares[0].give_back()
    shares[0].give_back()
    known[2].take(200)
    with pytest.raises(Unavailable, match="room"):
        shares[2].take(1)


def test_the_disk_keeps_room_for_the_ledger() -> None:
    left = FREE_BYTES_MIN + 100
    room = SpoolRoom(10**9, lambda: left)
    share = room.share(NEW, confirmed=True)
    share.take(100)
    with pytest.raises(Unavailable, match="room"):
        share.take(101)
