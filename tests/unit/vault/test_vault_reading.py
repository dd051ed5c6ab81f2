"""Reading: right rows, right order, right pages, nothing outside the categories that were named."""

import random
import tempfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pulsekey.primitives.errors import MalformedInput, NotFound
from pulsekey.primitives.ids import PatientId
from pulsekey.signals.catalogue import BLOOD_PRESSURE, HEART_RATE
from pulsekey.signals.category import Category
from pulsekey.signals.metric import LOINC
from pulsekey.signals.series import Basis, Source
from pulsekey.vault.reading import Reader
from pulsekey.vault.records import (
    EAST_MICROS,
    WEST_MICROS,
    BlockQuery,
    DocumentQuery,
    DocumentRecord,
    Order,
    SamplePage,
    SampleQuery,
    SeriesQuery,
    Window,
)
from pulsekey.vault.rows import span_of
from pulsekey.vault.searching import CODED_FEW
from pulsekey.vault.vault import Vault
from pulsekey.vault.writing import begin_import
from tests.fakes.vault_records import (
    CLINIC,
    PATIENT,
    RECEIVED,
    T0,
    add,
    condition,
    new_vault,
    series_at,
    waveform_at,
)
from tests.fakes.vault_stores import MemoryBlobStore

EVERYTHING = frozenset(Category)
ALL = SeriesQuery(PATIENT, EVERYTHING)
DAY = 86_400


def starts(page: SamplePage) -> list[int]:
    return [
        (int(page.samples[w].series.times.start[r]) - T0) // 1_000_000
        for w, r in zip(page.which.tolist(), page.row.tolist(), strict=True)
    ]


def pages(vault: Vault, query: SampleQuery) -> list[tuple[int, str, int, int]]:
    out, after = [], None
    while True:
        page = Reader(vault).samples(
            SampleQuery(query.which, query.windows, after, query.order, query.limit)
        )
        for w, r in zip(page.which.tolist(), page.row.tolist(), strict=True):
            s = page.samples[w]
            out.append(
                (
                    (int(s.series.times.start[r]) - T0) // 1_000_000,
                    s.entry.id,
                    int(s.ordinals[r]),
                    int(s.series.components[0].mantissa[r]),
                )
            )
        if page.next is None:
            return out
        assert len(page) == query.limit
        after = page.next


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["watch", "phone"]),
            st.lists(st.tuples(st.integers(-3, 3), st.integers(0, 5)), min_size=1, max_size=6),
        ),
        min_size=1,
        max_size=5,
    ),
    st.sampled_from(list(Order)),
    st.integers(1, 4),
    st.one_of(st.none(), st.integers(-3, 3)),
    st.one_of(st.none(), st.integers(-3, 3)),
)
def test_pages_together_are_what_a_plain_sort_gives(
    imports: list[tuple[str, list[tuple[int, int]]]],
    order: Order,
    limit: int,
    low: int | None,
    high: int | None,
) -> None:
    # Half-day steps around a day's border, so that days, segments and versions overlap.
    step = DAY // 2
    with (
        tempfile.TemporaryDirectory() as home,
        new_vault(Path(home), MemoryBlobStore()) as vault,
    ):
        for source, rows in imports:
            seconds = [second * step for second, _ in rows]
            add(vault, series_at(seconds, [v for _, v in rows], source=Source(source, source)))
        newest = order is Order.NEWEST
        everything = pages(vault, SampleQuery(ALL, order=order, limit=65_536))
        window = Window(
            None if low is None else T0 + low * step * 1_000_000,
            None if high is None else T0 + high * step * 1_000_000,
        )
        expected = sorted(
            (
                row
                for row in everything
                if (low is None or row[0] >= low * step) and (high is None or row[0] <= high * step)
            ),
            reverse=newest,
        )
        assert pages(vault, SampleQuery(ALL, (window,), None, order, limit)) == expected


def test_the_last_fifty_open_one_segment(tmp_path: Path) -> None:
    class Counting(MemoryBlobStore):
        gets = 0

        def get(self, *arguments: object, **more: object) -> bytes:
            self.gets += 1
            return super().get(*arguments, **more)  # type: ignore[arg-type]

    blobs = Counting()
    with new_vault(tmp_path, blobs) as vault:
        add(vault, series_at(range(200_000), [60] * 200_000))
        blobs.gets = 0
        page = Reader(vault).samples(SampleQuery(ALL, limit=50))
        assert starts(page) == list(range(199_999, 199_949, -1))
        assert blobs.gets == 1


def test_a_closed_category_is_not_opened_by_any_way(tmp_path: Path) -> None:
    with new_vault(tmp_path) as vault:
        add(vault, series_at([0], [60]), series_at([0], [120], metric=BLOOD_PRESSURE))
        with begin_import(vault, PATIENT, CLINIC, RECEIVED) as session:
            session.add_document(condition("c", b"{}"))
            session.add_waveform(waveform_at(0, [1, 2]))
            session.commit(b"")
        reader = Reader(vault)
        only = frozenset({Category.HEART_RATE})
        which = SeriesQuery(PATIENT, only)
        assert [e.metric.name for e in reader.series(which)] == [HEART_RATE.name]
        page = reader.samples(SampleQuery(which))
        assert [s.entry.category for s in page.samples] == [Category.HEART_RATE]
        assert reader.blocks(BlockQuery(which)) == ()
        assert reader.documents(DocumentQuery(PATIENT, only)).documents == ()
        for entry in reader.series(ALL):
            if entry.category is not Category.HEART_RATE:
                with pytest.raises(NotFound):
                    reader.history(PATIENT, only, entry.id, 0)
                with pytest.raises(NotFound):
                    reader.block(PATIENT, only, entry.id, 0)
        (document,) = reader.documents(DocumentQuery(PATIENT, EVERYTHING)).documents
        with pytest.raises(NotFound):
            reader.document(PATIENT, only, document.id)
        with pytest.raises(NotFound):
            reader.document(PatientId("other"), EVERYTHING, document.id)


def test_a_floating_time_matches_only_if_every_zone_would(tmp_path: Path) -> None:
    with new_vault(tmp_path) as vault:
        add(vault, series_at([0], [60], basis=Basis.FLOATING))
        reader = Reader(vault)

        def found(low: int, high: int) -> int:
            return len(reader.samples(SampleQuery(ALL, (Window(low, None, None, high),))))

        low, high = T0 - EAST_MICROS, T0 + WEST_MICROS
        assert found(low, high) == 1
        assert found(low + 1, high) == 0
        assert found(low, high - 1) == 0


def test_an_interval_that_only_overlaps_is_within_or_not_as_asked(tmp_path: Path) -> None:
    with new_vault(tmp_path) as vault:
        one = series_at([0], [60])
        times = type(one.times)(
            one.times.start, one.times.start + 10, one.times.offset, one.times.basis
        )
        add(vault, type(one)(one.metric, one.source, times, one.components))
        reader = Reader(vault)
        overlaps = Window(start_max=T0 + 5, end_min=T0 + 5)
        within = Window(start_min=T0, end_max=T0 + 9)
        assert len(reader.samples(SampleQuery(ALL, (overlaps,)))) == 1
        assert len(reader.samples(SampleQuery(ALL, (within,)))) == 0
        assert len(reader.samples(SampleQuery(ALL, (overlaps, within)))) == 0


def test_a_long_interval_before_a_short_one_is_found_by_its_end(tmp_path: Path) -> None:
    with new_vault(tmp_path) as vault:
        one = series_at([0, 1], [60, 61])
        end = np.array([T0 + 100 * 1_000_000, T0 + 2 * 1_000_000], np.int64)
        add(vault, replace(one, times=replace(one.times, end=end)))
        page = Reader(vault).samples(SampleQuery(ALL, (Window(end_min=T0 + 50 * 1_000_000),)))
        assert starts(page) == [0]


def test_documents_are_found_by_type_code_date_and_page(tmp_path: Path) -> None:
    dates = ["2024-03-01", "2023", "", "2024-03-01T10:00:00+02:00", "nonsense"]
    with new_vault(tmp_path) as vault:
        with begin_import(vault, PATIENT, CLINIC, RECEIVED) as session:
            for k in random.sample(range(5), 5):
                session.add_document(condition(f"c{k}", b"%d" % k, dates[k]))
            session.commit(b"")
        reader = Reader(vault)

        def found(**query: object) -> list[bytes]:
            page = reader.documents(DocumentQuery(PATIENT, EVERYTHING, **query))  # type: ignore[arg-type]
            return [d.content for d in page.documents]

        assert found()[:3] == [b"3", b"0", b"1"]
        assert sorted(found()[3:]) == [b"2", b"4"]
        assert found(types=frozenset({"Observation"})) == []
        assert len(found(types=frozenset({"Condition"}))) == 5
        assert len(found(codes=frozenset({("", "75326-9")}))) == 5
        assert len(found(codes=frozenset({("http://loinc.org", "75326-9")}))) == 5
        assert found(codes=frozenset({("other", "75326-9")})) == []
        march = Window(1_709_164_800_000_000, None, None, 1_709_510_400_000_000)
        assert found(windows=(march,)) == [b"3", b"0"]
        assert len(found(windows=(march,), undated=True)) == 4
        first = reader.documents(DocumentQuery(PATIENT, EVERYTHING, limit=2))
        paged, after = list(first.documents), first.next
        while after is not None:
            page = reader.documents(DocumentQuery(PATIENT, EVERYTHING, after=after, limit=2))
            paged, after = [*paged, *page.documents], page.next
        assert [d.content for d in paged] == found()
        some = paged[0]
        assert reader.document(PATIENT, EVERYTHING, some.id).content == some.content
        assert reader.locate(PATIENT, ["c3", "c9"]) == {"c3": some.id}
        assert reader.owner(some.id) == PATIENT
        with pytest.raises(NotFound):
            reader.owner("nobody")


@pytest.mark.parametrize("limit", [0, -1, 65_537])
def test_a_limit_out_of_range_is_refused(tmp_path: Path, limit: int) -> None:
    with new_vault(tmp_path) as vault:
        add(vault, series_at([0], [60]))
        with pytest.raises(MalformedInput):
            Reader(vault).samples(SampleQuery(ALL, limit=limit))


DAYS = ["", "2024", "2024-03", "2024-03-01", "2024-03-02T23:30:00-05:00", "2024-03-03T00:10:00Z"]


@given(
    dates=st.lists(st.sampled_from(DAYS), min_size=1, max_size=12),
    order=st.sampled_from(Order),
    limit=st.integers(1, 5),
)
def test_pages_of_documents_are_one_order_whatever_their_dates(
    dates: list[str], order: Order, limit: int
) -> None:
    with tempfile.TemporaryDirectory() as home, new_vault(Path(home)) as vault:
        with begin_import(vault, PATIENT, CLINIC, RECEIVED) as session:
            for k, date in enumerate(dates):
                session.add_document(condition(f"c{k}", b"%d" % k, date))
            session.commit(b"")
        reader, after = Reader(vault), None
        paged: list[DocumentRecord] = []
        for _ in range(len(dates) + 1):
            page = reader.documents(
                DocumentQuery(PATIENT, EVERYTHING, order=order, after=after, limit=limit)
            )
            paged += page.documents
            after = page.next
            if after is None:
                break
    assert after is None

    def place(record: DocumentRecord) -> tuple[bool, int, str]:
        span = span_of(record.date)
        start = 0 if span is None else span[0]
        return span is None, -start if order is Order.NEWEST else start, record.id

    assert sorted(paged, key=place) == paged
    assert sorted(int(record.content) for record in paged) == list(range(len(dates)))


@pytest.mark.parametrize("common", [1, CODED_FEW, CODED_FEW + 1])
def test_a_code_finds_its_documents_be_it_rare_or_common(tmp_path: Path, common: int) -> None:
    with new_vault(tmp_path) as vault:
        with begin_import(vault, PATIENT, CLINIC, RECEIVED) as session:
            for k in range(common):
                session.add_document(condition(f"c{k}", b"%d" % k))
            other = replace(condition("other", b"other"), codes=((LOINC, "8867-4"),))
            session.add_document(other)
            session.commit(b"")
        reader = Reader(vault)

        def found(code: str) -> set[bytes]:
            query = DocumentQuery(
                PATIENT, EVERYTHING, codes=frozenset({(LOINC, code)}), limit=1_000
            )
            return {record.content for record in reader.documents(query).documents}

        assert found("75326-9") == {b"%d" % k for k in range(common)}
        assert found("8867-4") == {b"other"}
        assert found("0-0") == set()


@pytest.mark.parametrize("order", list(Order))
@pytest.mark.parametrize(("old", "new"), [(250, 500), (500, 250)])
def test_a_block_is_judged_by_its_newest_version_alone(
    tmp_path: Path, old: int, new: int, order: Order
) -> None:
    with new_vault(tmp_path) as vault:
        for samples in (old, new):
            with begin_import(vault, PATIENT, CLINIC, RECEIVED) as session:
                session.add_waveform(waveform_at(0, range(samples)))
                session.commit(b"")
        end = T0 + new * 4_000  # 250 Hz.
        for window, found in [
            (Window(end_max=end), [new]),
            (Window(end_max=end - 1), []),
            (Window(end_min=end), [new]),
            (Window(end_min=end + 1), []),
        ]:
            heads = Reader(vault).blocks(BlockQuery(ALL, (window,), order=order))
            assert [head.samples for head in heads] == found, window
