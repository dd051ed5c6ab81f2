"""Whatever zone is declared at which import, one measurement stays one sample with one id."""

import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from pulsekey.ingest.local_time import declared, wall_times, zone
from pulsekey.primitives.ids import SeriesId
from pulsekey.signals.catalogue import BLOOD_PRESSURE, HEART_RATE, STEPS
from pulsekey.signals.category import Category
from pulsekey.signals.grade import Reason
from pulsekey.signals.metric import Metric
from pulsekey.signals.series import (
    OFFSET_UNKNOWN,
    Basis,
    Grades,
    Series,
    Times,
    Waveform,
    quantities,
)
from pulsekey.vault import segment, writing
from pulsekey.vault.audit import audit
from pulsekey.vault.reading import Reader
from pulsekey.vault.records import (
    Added,
    BlockHead,
    BlockQuery,
    Order,
    SampleQuery,
    SeriesQuery,
    Window,
)
from pulsekey.vault.rows import Bounds
from pulsekey.vault.vault import Vault
from pulsekey.vault.writing import begin_import
from tests.fakes.vault_records import (
    CLINIC,
    PATIENT,
    RECEIVED,
    WATCH,
    add,
    new_vault,
    open_vault,
    waveform_at,
)
from tests.fakes.vault_stores import MemoryBlobStore

EVERYTHING = frozenset(Category)
ALL = SeriesQuery(PATIENT, EVERYTHING)
HOUR, MINUTE = 3_600_000_000, 60_000_000
PLACED_BYTES = 4
"""How many bytes of the bounds say basis, offset and whether the block left."""
FALL_BACK = 1_698_537_600_000_000
"""2023-10-29 00:00 on a wall: in Paris the hour from 2:00 comes twice."""
ZONES = ("", "Europe/Paris", "America/Los_Angeles", "Pacific/Kiritimati")


@pytest.fixture
def vault(tmp_path: Path) -> Iterator[Vault]:
    with new_vault(tmp_path) as vault:
        yield vault


def on_the_wall(
    minutes: Sequence[int] | range,
    values: Sequence[int],
    name: str,
    *,
    lasting: int = 0,
    metric: Metric = HEART_RATE,
) -> Series:
    """Return samples as a file without zones gives them, in a declared zone or in none."""
    wall = FALL_BACK + np.array(minutes, np.int64) * MINUTE
    return of(wall_times(wall, wall + lasting, name), values, metric)


def recorded(
    minutes: Sequence[int] | range,
    values: Sequence[int],
    offset: int,
    basis: Basis = Basis.RECORDED,
) -> Series:
    """Return samples whose wall-clock times are `minutes`, written with their own offset."""
    start = FALL_BACK + (np.array(minutes, np.int64) - offset) * MINUTE
    n = len(start)
    return of(
        Times(start, start, np.full(n, offset, np.int16), np.full(n, basis, np.uint8)), values
    )


def of(times: Times, values: Sequence[int], metric: Metric = HEART_RATE) -> Series:
    columns = tuple(quantities(np.array(values, np.int64), 0) for _ in metric.components)
    return Series(metric, WATCH, times, columns)


def newest(vault: Vault, *windows: Window, limit: int = 60_000) -> list[tuple[int, int, int, int]]:
    """Return (start, value, ordinal, version), oldest first, read in pages of `limit`."""
    out, after = [], None
    while True:
        query = SampleQuery(ALL, windows, after, Order.OLDEST, limit)
        page = Reader(vault).samples(query)
        for which, row in zip(page.which.tolist(), page.row.tolist(), strict=True):
            s = page.samples[which]
            out.append(
                (
                    int(s.series.times.start[row]),
                    int(s.series.components[0].mantissa[row]),
                    int(s.ordinals[row]),
                    int(s.versions[row]),
                )
            )
        if page.next is None:
            return out
        after = page.next


def entry(vault: Vault) -> SeriesId:
    return Reader(vault).series(ALL)[0].id


def starts_in(minutes: Sequence[int] | range, name: str) -> list[int]:
    wall = FALL_BACK + np.array(minutes, np.int64) * MINUTE
    return [int(at) for at in (declared(wall, zone(name))[0] if name else wall)]


def test_a_floating_file_is_known_where_its_zone_was_declared(vault: Vault) -> None:
    add(vault, on_the_wall(range(0, 600, 5), [60] * 120, "Europe/Paris"))
    before = newest(vault)
    assert add(vault, on_the_wall(range(0, 600, 5), [60] * 120, "")) == (0, 120, 0)
    assert newest(vault) == before


def test_a_floating_sample_gets_the_zone_that_is_declared_later(vault: Vault) -> None:
    minutes = range(0, 600, 5)
    add(vault, on_the_wall(minutes, [60] * 120, ""))
    with begin_import(vault, PATIENT, CLINIC, RECEIVED) as session:
        one = on_the_wall(minutes, [60] * 120, "Europe/Paris")
        assert session.add_series(one) == Added(changed=120, dated=120)
        session.commit(b"")
    assert [start for start, *_ in newest(vault)] == sorted(starts_in(minutes, "Europe/Paris"))
    assert {version for *_, version in newest(vault)} == {2}
    assert sorted(ordinal for _, _, ordinal, _ in newest(vault)) == list(range(120))
    assert add(vault, one) == (0, 120, 0)
    history = Reader(vault).history(PATIENT, EVERYTHING, entry(vault), 0)
    assert history.versions.tolist() == [1, 2]
    assert history.series.times.basis.tolist() == [Basis.FLOATING, Basis.DECLARED]
    assert audit(vault).sound


def test_the_zone_that_was_declared_last_wins_even_if_it_was_declared_before(vault: Vault) -> None:
    # Equal values every hour: in Los Angeles and Paris, other samples have each other's instants.
    minutes = range(0, 1_440, 60)
    for name in ("Europe/Paris", "America/Los_Angeles", "Europe/Paris", "", "Europe/Berlin"):
        add(vault, on_the_wall(minutes, [60] * 24, name))
        assert len(newest(vault)) == 24
    assert [start for start, *_ in newest(vault)] == sorted(starts_in(minutes, "Europe/Paris"))
    # Berlin has the time of Paris: that is no change.
    assert {version for *_, version in newest(vault)} == {3}


@given(
    st.lists(st.tuples(st.integers(0, 60), st.integers(60, 62)), min_size=1, max_size=12),
    st.lists(st.sampled_from(ZONES), min_size=1, max_size=6),
    st.integers(1, 4),
)
@example([(24, 60), (24, 61), (36, 60)], ["Europe/Paris", "", "America/Los_Angeles", ""], 1)
@example([(0, 60), (12, 60), (24, 60)], ["Pacific/Kiritimati", "America/Los_Angeles"] * 2, 2)
def test_any_order_of_zones_ends_with_the_samples_of_one_import(
    rows: list[tuple[int, int]], zones: list[str], chunk: int
) -> None:
    minutes, values = [5 * m for m, _ in rows], [v for _, v in rows]
    with tempfile.TemporaryDirectory() as home, new_vault(Path(home), MemoryBlobStore()) as vault:
        ids: dict[int, int] = {}
        for name in zones:
            whole = on_the_wall(minutes, values, name)
            parts = [
                on_the_wall(minutes[at : at + chunk], values[at : at + chunk], name)
                for at in range(0, len(rows), chunk)
            ]
            new, known, changed = add(vault, *parts)
            assert new + known + changed == len(rows)
            assert add(vault, whole) == (0, len(rows), 0)
            found = {ordinal: value for _, value, ordinal, _ in newest(vault)}
            assert not ids or found == ids
            ids = found
        assert len(ids) == len(set(rows))
        last = next((name for name in reversed(zones) if name), "")
        times = sorted((start, value) for start, value, *_ in newest(vault))
        walls = [5 * m for m, _ in sorted(set(rows))]
        expected = zip(starts_in(walls, last), (v for _, v in sorted(set(rows))), strict=True)
        assert times == sorted(expected)
        assert newest(vault, limit=2) == newest(vault)
        listed = Reader(vault).series(ALL)[0]
        assert (listed.first, listed.last) == (times[0][0], times[-1][0])
        assert audit(vault).sound


def test_one_import_may_say_it_with_and_without_a_zone(vault: Vault) -> None:
    floating, paris = (on_the_wall([0, 5], [60, 61], name) for name in ("", "Europe/Paris"))
    assert add(vault, floating, paris, floating) == (2, 2, 2)
    assert [s for s, *_ in newest(vault)] == starts_in([0, 5], "Europe/Paris")
    both = of(
        Times(
            *(
                np.concatenate((getattr(floating.times, name), getattr(paris.times, name)))
                for name in ("start", "end", "offset", "basis")
            )
        ),
        [60, 61, 60, 61],
    )
    assert add(vault, both) == (0, 4, 0)


def test_an_older_export_still_never_undoes_a_newer_one_nor_its_time(vault: Vault) -> None:
    old, new = on_the_wall([0, 5], [60, 61], ""), on_the_wall([0, 5], [60, 99], "")
    add(vault, old)
    add(vault, new)
    assert add(vault, on_the_wall([0, 5], [60, 61], "Europe/Paris")) == (0, 1, 1)
    assert sorted(value for _, value, *_ in newest(vault)) == [60, 99]


@pytest.mark.parametrize("basis", [Basis.RECORDED, Basis.EXPORT, Basis.NAMED])
def test_a_new_value_without_a_zone_keeps_the_time_that_is_known(
    vault: Vault, basis: Basis
) -> None:
    add(vault, recorded([0, 5], [60, 61], -300, basis))
    floating = on_the_wall([0, 5], [60, 99], "")
    uncertain = Grades(np.zeros(2, np.uint8), np.full(2, Reason.UNCERTAIN_TIME, np.uint32))
    assert add(vault, floating.graded(uncertain)) == (0, 1, 1)
    sample = Reader(vault).sample(PATIENT, EVERYTHING, entry(vault), 1)
    assert sample.series.times.start.tolist() == [FALL_BACK + 305 * MINUTE]
    assert sample.series.times.basis.tolist() == [basis]
    assert sample.series.components[0].mantissa.tolist() == [99]
    assert sample.series.grades is not None
    assert bool(sample.series.grades.reasons[0]) == (basis is Basis.EXPORT)


def test_a_new_value_in_a_newly_declared_zone_moves_and_changes(vault: Vault) -> None:
    add(vault, on_the_wall([0, 5], [60, 61], ""))
    assert add(vault, on_the_wall([0, 5], [60, 99], "Europe/Paris")) == (0, 0, 2)
    starts = starts_in([0, 5], "Europe/Paris")
    assert newest(vault) == [(starts[0], 60, 0, 2), (starts[1], 99, 1, 2)]


def test_recorded_instants_of_one_wall_clock_time_are_never_merged(vault: Vault) -> None:
    # The hour that comes twice, as a device with its own offsets records it.
    summer, winter = recorded([120, 150], [60, 60], 120), recorded([120, 150], [60, 60], 60)
    assert add(vault, summer, winter) == (4, 0, 0)
    assert add(vault, winter, summer) == (0, 4, 0)
    assert add(vault, on_the_wall([120, 150], [60, 60], "")) == (0, 2, 0)
    assert add(vault, on_the_wall([120, 150], [60, 60], "Asia/Tokyo")) == (0, 2, 0)
    assert len(newest(vault)) == 4


def test_a_floating_sample_becomes_one_of_two_recorded_ones(vault: Vault) -> None:
    add(vault, on_the_wall([120, 150], [60, 60], ""))
    both = recorded([120, 150], [60, 60], 120), recorded([120, 150], [60, 60], 60)
    assert add(vault, *both) == (2, 0, 2)
    assert add(vault, *both) == (0, 4, 0)
    assert add(vault, on_the_wall([120, 150], [60, 60], "Europe/Paris")) == (0, 2, 0)
    assert sorted(ordinal for _, _, ordinal, _ in newest(vault)) == [0, 1, 2, 3]
    assert audit(vault).sound


def test_what_was_recorded_corrects_what_was_declared_and_never_moves_again(vault: Vault) -> None:
    minutes = range(0, 600, 60)
    add(vault, on_the_wall(minutes, [60] * 10, "Asia/Tokyo"))
    assert add(vault, recorded(minutes, [60] * 10, -300)) == (0, 0, 10)
    before = newest(vault)
    for name in ZONES:
        assert add(vault, on_the_wall(minutes, [60] * 10, name)) == (0, 10, 0)
    assert newest(vault) == before


def test_instants_with_a_named_zone_are_found_by_the_instant(vault: Vault) -> None:
    # A flat line whose samples would have each other's wall-clock times in the next zone.
    start = FALL_BACK + np.arange(5, dtype=np.int64) * HOUR

    def named(offset: int, places: slice) -> Series:
        n = len(start[places])
        columns = np.full(n, offset, np.int16), np.full(n, Basis.NAMED, np.uint8)
        return of(Times(start[places], start[places], *columns), [60] * n)

    assert add(vault, named(60, slice(0, 3))) == (3, 0, 0)
    assert add(vault, named(0, slice(0, 5))) == (2, 3, 0)
    assert add(vault, named(OFFSET_UNKNOWN, slice(0, 5))) == (0, 5, 0)


def test_a_day_on_the_wall_is_the_same_day_though_the_clocks_changed_in_it() -> None:
    floating, paris, tokyo = (
        on_the_wall([0, 1_440], [9_000, 8_000], name, lasting=24 * HOUR, metric=STEPS)
        for name in ("", "Europe/Paris", "Asia/Tokyo")
    )
    # In Paris the first of them lasts 25 hours, as `wall_times` says too.
    assert (paris.times.end - paris.times.start).tolist() == [25 * HOUR, 24 * HOUR]
    for first, *others in ((floating, paris, tokyo, floating), (paris, floating, tokyo, paris)):
        with tempfile.TemporaryDirectory() as home, new_vault(Path(home)) as fresh:
            assert add(fresh, first) == (2, 0, 0)
            for other in others:
                new, _, _ = add(fresh, other)
                assert new == 0
                assert add(fresh, other) == (0, 2, 0)
            assert [value for _, value, *_ in newest(fresh)] == [9_000, 8_000]


def test_intervals_that_differ_without_a_change_of_zone_are_different(vault: Vault) -> None:
    for lasting in (HOUR, 2 * HOUR):
        one = on_the_wall([0], [100], "", lasting=lasting, metric=STEPS)
        assert add(vault, one) == (1, 0, 0)


def test_a_panel_moves_as_one(vault: Vault) -> None:
    add(vault, on_the_wall([0], [120], "", metric=BLOOD_PRESSURE))
    paris = on_the_wall([0], [120], "Europe/Paris", metric=BLOOD_PRESSURE)
    assert add(vault, paris) == (0, 0, 1)
    assert [version for *_, version in newest(vault)] == [2]


def test_a_window_finds_a_sample_where_it_is_now_and_nowhere_else(vault: Vault) -> None:
    add(vault, on_the_wall([0], [60], ""))
    add(vault, on_the_wall([0], [60], "America/Los_Angeles"))
    (moved,) = starts_in([0], "America/Los_Angeles")
    assert newest(vault, Window(FALL_BACK - HOUR, FALL_BACK + HOUR)) == []
    assert newest(vault, Window(moved, moved)) == [(moved, 60, 0, 2)]
    assert newest(vault, Window(FALL_BACK - 15 * HOUR, FALL_BACK + 15 * HOUR)) == [
        (moved, 60, 0, 2)
    ]
    latest = Reader(vault).latest(ALL)
    assert latest[entry(vault)].series.times.start.tolist() == [moved]


def test_pages_do_not_count_where_samples_were(
    vault: Vault, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writing, "ROWS_MAX", 16)
    monkeypatch.setattr(segment, "ROWS_MAX", 16)
    minutes, values = range(0, 3_000, 5), list(range(600))
    for name in ("", "Asia/Tokyo", "America/Los_Angeles"):
        add(vault, on_the_wall(minutes, values, name))
    for order in Order:
        query = SampleQuery(ALL, order=order, limit=7)
        page = Reader(vault).samples(query)
        assert len(page) == 7
    assert newest(vault, limit=7) == newest(vault)
    assert [value for _, value, *_ in newest(vault)] == values
    listed = Reader(vault).series(ALL)[0]
    assert (listed.first, listed.last) == (newest(vault)[0][0], newest(vault)[-1][0])


def blocks(vault: Vault, *windows: Window) -> tuple[BlockHead, ...]:
    return Reader(vault).blocks(BlockQuery(ALL, windows, order=Order.OLDEST))


def block_on_the_wall(second: int, raw: Sequence[int], name: str) -> Waveform:
    one = waveform_at(second, raw)
    (block,) = one.blocks
    wall = np.array([block.start], np.int64)
    times = wall_times(wall, wall, name)
    block = replace(
        block, start=int(times.start[0]), offset=int(times.offset[0]), basis=Basis(times.basis[0])
    )
    return replace(one, blocks=(block,))


def add_block(vault: Vault, one: Waveform) -> Added:
    with begin_import(vault, PATIENT, CLINIC, RECEIVED) as session:
        added = session.add_waveform(one)
        session.commit(b"")
    return added


@given(st.lists(st.sampled_from(ZONES), min_size=1, max_size=5))
def test_blocks_end_as_one_import_of_them_whatever_zones_were_declared(zones: list[str]) -> None:
    raw = range(100_000)
    with tempfile.TemporaryDirectory() as home, new_vault(Path(home), MemoryBlobStore()) as vault:
        for name in zones:
            for second in (0, 3_600):
                add_block(vault, block_on_the_wall(second, raw, name))
                assert add_block(vault, block_on_the_wall(second, raw, name)) == Added(known=1)
        last = next((name for name in reversed(zones) if name), "")
        heads = blocks(vault)
        expected = [block_on_the_wall(second, raw, last).blocks[0].start for second in (0, 3_600)]
        assert [head.start for head in heads] == expected
        assert [head.ordinal for head in heads] == [0, 1]
        for head in heads:
            one = Reader(vault).block(PATIENT, EVERYTHING, head.entry.id, head.ordinal).block
            assert one.channels[0].raw.tolist() == list(raw)
            assert one.start == head.start
        listed = Reader(vault).series(ALL)[0]
        assert (listed.first, listed.last) == (heads[0].start, heads[-1].end)
        assert blocks(vault, Window(heads[0].start, heads[0].start)) in ((heads[0],), ())
        assert audit(vault).sound


def test_a_block_tells_when_its_time_became_known_and_keeps_it_under_a_new_value(
    vault: Vault,
) -> None:
    add_block(vault, block_on_the_wall(0, range(10), ""))
    paris = block_on_the_wall(0, range(10), "Europe/Paris")
    assert add_block(vault, paris) == Added(changed=1, dated=1)
    assert add_block(vault, block_on_the_wall(0, range(1, 11), "")) == Added(changed=1)
    (head,) = blocks(vault)
    assert (head.start, head.version) == (paris.blocks[0].start, 3)
    one = Reader(vault).block(PATIENT, EVERYTHING, head.entry.id, 0).block
    assert (one.basis, one.offset) == (Basis.DECLARED, paris.blocks[0].offset)


def test_a_recorded_block_is_never_moved(vault: Vault) -> None:
    one = waveform_at(0, range(10))
    add_block(vault, one)
    (block,) = one.blocks
    wall = block.start + block.offset * MINUTE
    floating = replace(block, start=wall, offset=OFFSET_UNKNOWN, basis=Basis.FLOATING)
    assert add_block(vault, replace(one, blocks=(floating,))) == Added(known=1)
    elsewhere = replace(block, start=wall - 540 * MINUTE, offset=540, basis=Basis.DECLARED)
    assert add_block(vault, replace(one, blocks=(elsewhere,))) == Added(known=1)
    again = replace(block, start=block.start + HOUR, offset=block.offset - 60)
    assert add_block(vault, replace(one, blocks=(again,))) == Added(new=1)
    assert len(blocks(vault)) == 2


def test_what_was_moved_survives_reopening(tmp_path: Path) -> None:
    with new_vault(tmp_path) as vault:
        add(vault, on_the_wall([0, 5], [60, 61], ""))
        add(vault, on_the_wall([0, 5], [60, 61], "Europe/Paris"))
        before = newest(vault)
    with open_vault(tmp_path) as vault:
        assert newest(vault) == before
        assert add(vault, on_the_wall([0, 5, 10], [60, 61, 62], "")) == (1, 2, 0)


def test_bounds_that_were_sealed_before_bases_were_noted_are_still_read(
    vault: Vault, monkeypatch: pytest.MonkeyPatch
) -> None:
    recorded_one, floating = waveform_at(0, range(10)), block_on_the_wall(9, range(10), "")
    with monkeypatch.context() as earlier:
        whole = Bounds.pack
        earlier.setattr(Bounds, "pack", lambda bounds: whole(bounds)[:-PLACED_BYTES])
        add_block(vault, recorded_one)
        add_block(vault, floating)
    assert [head.ordinal for head in blocks(vault)] == [0, 1]
    assert add_block(vault, recorded_one) == Added(known=1)
    assert add_block(vault, floating) == Added(known=1)
    assert add_block(vault, block_on_the_wall(9, range(10), "Europe/Paris")) == Added(
        changed=1, dated=1
    )
    assert audit(vault).sound
