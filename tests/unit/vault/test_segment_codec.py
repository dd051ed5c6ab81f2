"""Segments give back exactly the series, blocks and columns that went in, of every shape."""

from decimal import Decimal
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from pulsekey.primitives.errors import IntegrityError
from pulsekey.signals.category import Category
from pulsekey.signals.metric import Code, Component, Metric, Shape, Unit
from pulsekey.signals.series import (
    Basis,
    Block,
    Channel,
    Grades,
    Quantities,
    Series,
    Source,
    Times,
)
from pulsekey.vault import columns
from pulsekey.vault.segment import (
    Rows,
    RowsEncoder,
    block_of,
    compress,
    decode_part,
    decode_rows,
    encode_part,
)

INT64 = st.integers(-(2**63), 2**63 - 1)
SHAPES = [shape for shape in Shape if shape is not Shape.WAVEFORM]
CODES = [Code("s", code, code.upper()) for code in "abc"]


def column(kind: type[Any], n: int, top: int | None = None) -> st.SearchStrategy[Any]:
    info = np.iinfo(kind)
    values = st.integers(int(info.min), int(info.max) if top is None else top)
    return arrays.arrays(kind, n, elements=values)


@st.composite
def series(draw: st.DrawFn) -> Series:
    shape = draw(st.sampled_from(SHAPES))
    n = draw(st.integers(0, 40))
    many = shape in {Shape.PANEL, Shape.SESSION}
    units = ("mmol/L", "[lb_av]")[: draw(st.integers(0, 2))]
    parts = tuple(
        Component(f"c{k}", (CODES[k],), None if shape is Shape.CATEGORICAL else Unit("1", "one"))
        for k in range(draw(st.integers(1, 3)) if many else 1)
    )
    metric = Metric("m", shape, Category.BODY, (CODES[0],), parts)
    start = draw(column(np.int64, n, 2**62))
    points = draw(st.booleans())
    end = start if points else np.maximum(start, draw(column(np.int64, n)))
    times = Times(start, end, draw(column(np.int16, n)), draw(column(np.uint8, n, 3)))
    components = tuple(
        Quantities(
            draw(column(np.int64, n)),
            draw(column(np.int8, n)),
            draw(column(np.uint8, n)),
            draw(column(np.uint8, n)),
            draw(column(np.uint8, n, len(units))),
            draw(column(np.int64, n)),
            draw(column(np.int8, n)),
        )
        for _ in parts
    )
    labels = tuple(draw(st.sampled_from(CODES)) for _ in range(n)) if draw(st.booleans()) else None
    grades = None
    if draw(st.booleans()):
        grades = Grades(draw(column(np.uint8, n, 2)), draw(column(np.uint32, n)))
    return Series(metric, Source("k", "A"), times, components, units, labels, grades)


@given(st.lists(INT64, max_size=50))
@example([-(2**63), 2**63 - 1, -(2**63), 0])
@example([2**63 - 1, -(2**63)])
@example([5, 5, 5])
@example([0, 2**40, 2**41])
def test_a_column_comes_back_exactly(values: list[int]) -> None:
    given_ = np.array(values, np.int64)
    head, body = columns.encode(7, given_)
    back = columns.decode_all(memoryview(head + body), 1, len(values))
    assert back[7].tolist() == values


@given(series(), st.data())
def test_a_series_of_any_shape_comes_back_exactly(one: Series, data: st.DataObject) -> None:
    n = len(one)
    ordinals = data.draw(column(np.int64, n))
    versions = data.draw(column(np.int64, n))
    back = decode_rows(RowsEncoder(Rows(one, ordinals, versions)).encode(0, n))
    assert back.ordinals.tolist() == ordinals.tolist()
    assert back.versions.tolist() == versions.tolist()
    same(back.series, one)


@given(series(), st.integers(1, 7))
def test_slices_put_together_are_the_whole(one: Series, step: int) -> None:
    n = len(one)
    encoder = RowsEncoder(Rows(one, np.arange(n), np.ones(n, np.int64)))
    parts = [decode_rows(encoder.encode(at, min(at + step, n))) for at in range(0, n, step)]
    starts = [int(t) for part in parts for t in part.series.times.start]
    assert starts == one.times.start.tolist()
    assert [label for p in parts for label in p.series.labels or ()] == list(one.labels or ())


@given(
    st.lists(st.integers(-(2**31), 2**31 - 1), min_size=1, max_size=300),
    st.integers(1, 3),
    st.sampled_from([None, -32_768]),
    st.booleans(),
)
def test_a_block_comes_back_exactly(
    raw: list[int], leads: int, lost: int | None, graded: bool
) -> None:
    samples = np.array(raw, np.int32)
    channel = Channel(CODES[0], "mV", Decimal("0.00500"), Decimal(-1), samples, lost, -5, None)
    grades = Grades(np.array([0, 2], np.uint8), np.array([0, 2**31], np.uint32))
    block = Block(
        -5, -90, Basis.FLOATING, Fraction(1000, 3), (channel,) * leads, grades if graded else None
    )
    metric = Metric("ecg", Shape.WAVEFORM, Category.ECG, (), ())
    cut = len(raw) // 2
    first, one = decode_part(encode_part(metric, Source("k", "A"), block, 0, cut))
    _, other = decode_part(encode_part(metric, Source("k", "A"), block, cut, len(raw)))
    joined = tuple(np.concatenate(pair) for pair in zip(one, other, strict=True))
    back = block_of(first, joined)
    assert (back.start, back.offset, back.basis, back.rate_hz) == (-5, -90, 3, Fraction(1000, 3))
    assert [c.raw.tolist() for c in back.channels] == [raw] * leads
    assert str(back.channels[0].factor) == "0.00500"
    assert (back.channels[0].lost, back.channels[0].lower, back.channels[0].upper) == (
        lost,
        -5,
        None,
    )
    assert (back.grades is not None) == graded
    if back.grades is not None:
        assert back.grades.reasons.tolist() == [0, 2**31]


@given(st.binary(max_size=200))
def test_bytes_that_are_no_segment_are_refused(junk: bytes) -> None:
    for content in (junk, compress(junk)):
        with pytest.raises(IntegrityError):
            decode_rows(content)
        with pytest.raises(IntegrityError):
            decode_part(content)


def same(back: Series, one: Series) -> None:
    assert (back.metric, back.source, back.units) == (one.metric, one.source, one.units)
    assert back.labels == one.labels
    pairs = [(getattr(back.times, f), getattr(one.times, f)) for f in Times.__dataclass_fields__]
    for mine, yours in zip(back.components, one.components, strict=True):
        pairs += [(getattr(mine, f), getattr(yours, f)) for f in Quantities.__dataclass_fields__]
    assert (back.grades is None) == (one.grades is None)
    if back.grades is not None and one.grades is not None:
        pairs += [
            (back.grades.grade, one.grades.grade),
            (back.grades.reasons, one.grades.reasons),
        ]
    for mine_, yours_ in pairs:
        assert mine_.dtype == yours_.dtype
        assert mine_.tolist() == yours_.tolist()
