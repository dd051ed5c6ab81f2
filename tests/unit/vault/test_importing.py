"""Imports: stable ordinals, versions, known samples, and all or nothing."""

import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pulsekey.primitives.errors import Conflict, MalformedInput
from pulsekey.primitives.ids import PatientId
from pulsekey.signals.catalogue import BLOOD_PRESSURE
from pulsekey.signals.category import Category
from pulsekey.signals.series import Basis, Source
from pulsekey.vault.audit import audit
from pulsekey.vault.documents import PaperKind, Papers
from pulsekey.vault.reading import Reader
from pulsekey.vault.records import (
    Added,
    BlockQuery,
    DocumentQuery,
    Order,
    SampleQuery,
    SeriesQuery,
)
from pulsekey.vault.vault import Vault
from pulsekey.vault.writing import begin_import
from tests.fakes.vault_records import (
    CLINIC,
    PATIENT,
    RECEIVED,
    T0,
    WATCH,
    add,
    condition,
    new_vault,
    open_vault,
    series_at,
    waveform_at,
)
from tests.fakes.vault_stores import MemoryBlobStore

EVERYTHING = frozenset(Category)
ALL = SeriesQuery(PATIENT, EVERYTHING)


@pytest.fixture
def vault(tmp_path: Path) -> Iterator[Vault]:
    with new_vault(tmp_path) as vault:
        yield vault


def stored(vault: Vault) -> list[tuple[int, int, int, int]]:
    """Return (second, value, ordinal, version) of every sample, in order."""
    page = Reader(vault).samples(SampleQuery(ALL, order=Order.OLDEST, limit=60_000))
    assert page.next is None
    out = []
    for which, row in zip(page.which.tolist(), page.row.tolist(), strict=True):
        s = page.samples[which]
        second = (int(s.series.times.start[row]) - T0) // 1_000_000
        value = int(s.series.components[0].mantissa[row])
        out.append((second, value, int(s.ordinals[row]), int(s.versions[row])))
    return out


def test_the_same_file_twice_changes_nothing(vault: Vault) -> None:
    one = series_at(range(10_000), range(10_000))
    assert add(vault, one) == (10_000, 0, 0)
    before = stored(vault)
    assert add(vault, one) == (0, 10_000, 0)
    assert stored(vault) == before


def test_an_overlapping_export_adds_only_what_is_new(vault: Vault) -> None:
    add(vault, series_at(range(5_000), range(5_000)))
    assert add(vault, series_at(range(4_000, 6_000), range(4_000, 6_000))) == (1_000, 1_000, 0)
    assert stored(vault) == [(k, k, k, 1) for k in range(6_000)]


def test_a_changed_value_is_a_new_version_of_the_same_sample(vault: Vault) -> None:
    add(vault, series_at(range(10), [60] * 10))
    assert add(vault, series_at([3, 4], [60, 99])) == (0, 1, 1)
    assert stored(vault)[4] == (4, 99, 4, 2)
    entry = Reader(vault).series(ALL)[0]
    history = Reader(vault).history(PATIENT, EVERYTHING, entry.id, 4)
    assert history.versions.tolist() == [1, 2]
    assert history.series.components[0].mantissa.tolist() == [60, 99]


def test_an_older_export_never_undoes_a_newer_one(vault: Vault) -> None:
    old, new = series_at(range(5), [60] * 5), series_at(range(5), [61] * 5)
    add(vault, old)
    add(vault, new)
    assert add(vault, old) == (0, 5, 0)
    assert [value for _, value, _, _ in stored(vault)] == [61] * 5


def test_another_zone_or_grade_is_not_a_change(vault: Vault) -> None:
    add(vault, series_at(range(5), [60] * 5, basis=Basis.EXPORT))
    assert add(vault, series_at(range(5), [60] * 5, basis=Basis.RECORDED)) == (0, 5, 0)


def test_a_floating_time_that_a_wall_showed_at_another_hour_is_not_the_same(vault: Vault) -> None:
    add(vault, series_at(range(5), [60] * 5))
    assert add(vault, series_at(range(5), [60] * 5, basis=Basis.FLOATING)) == (5, 0, 0)


def test_equal_times_with_other_values_in_one_import_are_other_samples(vault: Vault) -> None:
    assert add(vault, series_at([1, 1, 1], [60, 70, 60])) == (2, 1, 0)
    assert add(vault, series_at([1, 1], [70, 60])) == (0, 2, 0)
    assert add(vault, series_at([1], [80])) == (0, 0, 1)


def test_an_import_knows_its_own_earlier_chunks(vault: Vault) -> None:
    chunk = series_at(range(5_000), range(5_000))
    assert add(vault, chunk, chunk, series_at([1], [7])) == (5_001, 5_000, 0)


def test_a_change_spread_over_two_chunks_replaces_once(vault: Vault) -> None:
    add(vault, series_at([1], [60]))
    assert add(vault, series_at([1], [61]), series_at([1], [62])) == (1, 0, 1)


def test_samples_in_any_order_are_found_in_order(vault: Vault) -> None:
    add(vault, series_at([5, 1, 3], [50, 10, 30]), series_at([4, 0, 2], [40, 0, 20]))
    assert [second for second, *_ in stored(vault)] == list(range(6))


def test_series_are_told_apart_by_metric_source_and_patient(vault: Vault) -> None:
    add(vault, series_at([1], [60]), series_at([1], [60], source=Source("phone", "P")))
    add(vault, series_at([1], [60], metric=BLOOD_PRESSURE))
    other = PatientId("other")
    add(vault, series_at([1], [60]), patient=other)
    assert len(Reader(vault).series(ALL)) == 3
    assert len(Reader(vault).series(SeriesQuery(other, EVERYTHING))) == 1


@given(
    st.lists(
        st.lists(st.tuples(st.integers(0, 4), st.integers(0, 2)), max_size=6),
        min_size=1,
        max_size=4,
    )
)
def test_ids_stay_whatever_is_imported_again(imports: list[list[tuple[int, int]]]) -> None:

    with (
        tempfile.TemporaryDirectory() as home,
        new_vault(Path(home), MemoryBlobStore()) as vault,
    ):
        before: dict[int, tuple[int, int]] = {}
        for rows in imports:
            one = series_at([s for s, _ in rows], [v for _, v in rows])
            new, known, changed = add(vault, one)
            assert new + known + changed == len(rows)
            after = {ordinal: (second, v) for second, _, ordinal, v in stored(vault)}
            assert len(after) == len(before) + new
            for ordinal, (second, version) in before.items():
                assert after[ordinal][0] == second
                assert after[ordinal][1] >= version
            assert sum(v for _, v in after.values()) == sum(v for _, v in before.values()) + (
                new + changed
            )
            assert add(vault, one) == (0, len(rows), 0)
            before = after
        assert audit(vault).sound


def test_a_block_is_known_changed_or_new_as_a_whole(vault: Vault) -> None:
    with begin_import(vault, PATIENT, CLINIC, RECEIVED) as session:
        assert session.add_waveform(waveform_at(0, range(100_000))) == Added(new=1)
        assert session.add_waveform(waveform_at(0, range(100_000))) == Added(known=1)
        session.commit(b"")
    with begin_import(vault, PATIENT, CLINIC, RECEIVED) as session:
        assert session.add_waveform(waveform_at(0, range(100_000))) == Added(known=1)
        assert session.add_waveform(waveform_at(9, range(10))) == Added(new=1)
        session.commit(b"")
    with begin_import(vault, PATIENT, CLINIC, RECEIVED) as session:
        assert session.add_waveform(waveform_at(0, range(1, 100_001))) == Added(changed=1)
        session.commit(b"")
    heads = Reader(vault).blocks(BlockQuery(ALL, order=Order.OLDEST))
    assert [(h.ordinal, h.version, h.samples) for h in heads] == [(0, 2, 100_000), (1, 1, 10)]
    series = heads[0].entry.id
    newest = Reader(vault).block(PATIENT, EVERYTHING, series, 0, first=65_000, samples=2_000)
    assert newest.block.channels[0].raw.tolist() == list(range(65_001, 67_001))
    first = Reader(vault).block(PATIENT, EVERYTHING, series, 0, version=1, first=99_999)
    assert first.block.channels[0].raw.tolist() == [99_999]
    assert audit(vault).sound


def test_a_block_that_was_named_is_not_replaced_in_the_same_import(vault: Vault) -> None:
    for _ in range(2):
        with begin_import(vault, PATIENT, CLINIC, RECEIVED) as session:
            session.add_waveform(waveform_at(0, range(10)))
            other = session.add_waveform(waveform_at(0, range(1, 11)))
            session.commit(b"")
    assert other == Added(known=1)
    heads = Reader(vault).blocks(BlockQuery(ALL))
    assert sorted((head.ordinal, head.version) for head in heads) == [(0, 1), (1, 1)]
    with begin_import(vault, PATIENT, CLINIC, RECEIVED) as session:
        assert session.add_waveform(waveform_at(0, range(10))) == Added(known=1)
        assert session.add_waveform(waveform_at(0, range(1, 11))) == Added(known=1)
        assert session.add_waveform(waveform_at(0, range(2, 12))) == Added(new=1)


def test_a_document_is_kept_byte_for_byte_with_versions(vault: Vault) -> None:
    content = b'{"value": 1.50,\r\n "x":"\xc3\xa9"}'
    with begin_import(vault, PATIENT, CLINIC, RECEIVED) as session:
        assert session.add_document(condition("c", content)) == Added(new=1)
        assert session.add_document(condition("c", content)) == Added(known=1)
        session.commit(b"the report")
    with begin_import(vault, PATIENT, CLINIC, RECEIVED) as session:
        assert session.add_document(condition("c", b"{}")) == Added(changed=1)
        session.commit(b"the report")
    (newest,) = Reader(vault).documents(DocumentQuery(PATIENT, EVERYTHING)).documents
    assert (newest.version, newest.content) == (2, b"{}")
    history = Reader(vault).document_history(PATIENT, EVERYTHING, newest.id)
    assert [d.content for d in history] == [content, b"{}"]


def test_an_import_keeps_its_report_and_what_it_added(vault: Vault) -> None:
    with begin_import(vault, PATIENT, CLINIC, RECEIVED) as session:
        session.add_series(series_at(range(3), [1, 2, 3]))
        done = session.commit(b"3 samples")
    (record,) = Reader(vault).imports(PATIENT)
    assert (record.id, record.added, record.organisation) == (done, Added(new=3), CLINIC)
    assert Papers(vault).get(PATIENT, PaperKind.IMPORT_REPORT, done).content == b"3 samples"


def test_nothing_of_an_aborted_import_is_visible_or_kept(tmp_path: Path) -> None:
    with new_vault(tmp_path) as vault:
        with begin_import(vault, PATIENT, CLINIC, RECEIVED) as session:
            session.add_series(series_at(range(9_000), range(9_000)))
            session._draft.flush()
            assert list(vault.blobs.addresses())
        assert Reader(vault).series(ALL) == ()
        assert list(vault.blobs.addresses()) == []
        with pytest.raises(Conflict, match="over"):
            session.add_series(series_at([1], [1]))


def test_one_import_of_a_patient_at_a_time(vault: Vault) -> None:
    with begin_import(vault, PATIENT, CLINIC, RECEIVED):
        with pytest.raises(Conflict, match="running"):
            begin_import(vault, PATIENT, CLINIC, RECEIVED)
        with begin_import(vault, PatientId("other"), CLINIC, RECEIVED) as other:
            other.commit(b"")
    add(vault, series_at([1], [1]))


def test_two_processes_that_add_to_one_series_do_not_mix(tmp_path: Path) -> None:
    with new_vault(tmp_path) as here, open_vault(tmp_path) as there:
        add(here, series_at([0], [1]))
        slow = begin_import(there, PATIENT, CLINIC, RECEIVED)
        slow.add_series(series_at([1], [1]))
        add(here, series_at([2], [1]))
        with pytest.raises(Conflict, match="meanwhile"):
            slow.commit(b"")
        assert [s for s, *_ in stored(here)] == [0, 2]
        assert audit(here).sound


def test_an_erasure_during_an_import_wins(vault: Vault) -> None:
    add(vault, series_at([0], [1]))
    session = begin_import(vault, PATIENT, CLINIC, RECEIVED)
    session.add_series(series_at([1], [1]))
    vault.erase(PATIENT)
    with pytest.raises(Conflict, match="erased"):
        session.commit(b"")
    assert vault.patients() == ()


def test_packs_of_a_live_import_survive_another_opening(tmp_path: Path) -> None:
    with new_vault(tmp_path) as here:
        session = begin_import(here, PATIENT, CLINIC, RECEIVED)
        session.add_series(series_at(range(5_000), range(5_000)))
        session._draft.flush()
        with open_vault(tmp_path):
            pass
        session.commit(b"")
        assert audit(here).sound


def test_packs_of_a_crashed_import_are_swept(tmp_path: Path) -> None:
    crashed = new_vault(tmp_path)
    session = begin_import(crashed, PATIENT, CLINIC, RECEIVED)
    session.add_series(series_at(range(5_000), range(5_000)))
    session._draft.flush()
    crashed.close()
    with open_vault(tmp_path) as vault:
        assert list(vault.blobs.addresses()) == []


@pytest.mark.parametrize("damage", ["length", "unit", "end"])
def test_a_series_that_contradicts_itself_is_refused(vault: Vault, damage: str) -> None:
    one = series_at(range(3), [1, 2, 3])
    component = one.components[0]
    if damage == "length":
        one = type(one)(one.metric, WATCH, one.times, one.components, (), ())
    elif damage == "unit":
        bad = replace(component, unit=np.ones(3, np.uint8))
        one = type(one)(one.metric, WATCH, one.times, (bad,))
    else:
        times = type(one.times)(
            one.times.start, one.times.start - 1, one.times.offset, one.times.basis
        )
        one = type(one)(one.metric, WATCH, times, one.components)
    with begin_import(vault, PATIENT, CLINIC, RECEIVED) as session, pytest.raises(MalformedInput):
        session.add_series(one)
