"""Every format keeps the promises written in pulsekey.ingest.items.Format."""

import contextlib
import gzip
import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cache

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pulsekey.ingest.apple.health import AppleHealth
from pulsekey.ingest.clarity import Clarity
from pulsekey.ingest.fhir_bundle import FhirBundle
from pulsekey.ingest.fit.activity import GarminFit
from pulsekey.ingest.items import ROWS_MAX, Context, Format, Item, Payload, Refusal
from pulsekey.ingest.recognition import FORMATS, recognise
from pulsekey.ingest.wfdb.record import WfdbRecord
from pulsekey.primitives.errors import MalformedInput
from pulsekey.resources.documents import Clinical
from pulsekey.samples.apple_export import Plan, write, write_zip
from pulsekey.signals.catalogue import METRICS
from pulsekey.signals.metric import Shape
from pulsekey.signals.series import SCALE_MAX, Basis, Block, Quantities, Series, Waveform, check
from tests.fakes.fit_writer import sealed_fit
from tests.fakes.payloads import (
    ECG_RECORD,
    RECEIVED,
    SAMPLES,
    ecg_sample,
    payload,
    sample,
    zipped,
)


@dataclass(frozen=True)
class Case:
    """A format and a payload of it, small enough to be parsed many times."""

    format: type[Format]
    payload: Callable[[], Payload]
    sealed: Callable[[bytes], bytes] = bytes
    """Makes damaged bytes pass the format's own checksum, so that damage reaches what is behind."""


def _ecg_zip() -> Payload:
    return zipped(
        {
            f"record/{ECG_RECORD}.{part}": (SAMPLES / f"{ECG_RECORD}.{part}").read_bytes()
            for part in ("hea", "dat", "atr")
        }
    )


@cache
def _apple(*, zipped_too: bool) -> Payload:
    out = io.BytesIO()
    plan = Plan(days=2, away_after=1, days_away=1, heart_rate_seconds=7_200)
    (write_zip if zipped_too else write)(out, plan)
    return payload("export", out.getvalue())


def _plain_chart() -> Payload:
    packed = (SAMPLES / "chart-infant.json.gz").read_bytes()
    return payload("chart.json", gzip.decompress(packed))


# Adding a format means adding a line here; nothing else in this file changes.
CASES: dict[str, Case] = {
    "apple xml": Case(AppleHealth, lambda: _apple(zipped_too=False)),
    "apple zip": Case(AppleHealth, lambda: _apple(zipped_too=True)),
    "clarity": Case(Clarity, lambda: sample("clarity-three-days.csv")),
    "fhir bz2": Case(FhirBundle, lambda: sample("chart-adult.json.bz2")),
    "fhir gz": Case(FhirBundle, lambda: sample("chart-infant.json.gz")),
    "fhir plain": Case(FhirBundle, _plain_chart),
    "fit": Case(GarminFit, lambda: sample("activity-walk.fit"), sealed_fit),
    "wfdb": Case(WfdbRecord, ecg_sample),
    "wfdb zip": Case(WfdbRecord, _ecg_zip),
}

every_case = pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())


def _context(told: list[int] | None = None) -> Context:
    progress = told.append if told is not None else (lambda _: None)
    return Context(received=RECEIVED, progress=progress)


def _head(of: Payload) -> bytes:
    with of.open() as stream:
        return stream.read(65_536)


def test_every_format_has_a_case() -> None:
    assert {type(known) for known in FORMATS} == {case.format for case in CASES.values()}


@every_case
def test_only_its_own_format_recognises_a_sample(case: Case) -> None:
    given_payload = case.payload()
    claims = {
        type(known) for known in FORMATS if known.recognises(_head(given_payload), given_payload)
    }
    assert claims == {case.format}


@every_case
def test_a_name_does_not_matter(case: Case) -> None:
    renamed = replace(case.payload(), name="holiday.jpg")
    assert type(recognise(renamed)) is case.format


@every_case
def test_what_comes_out_is_what_the_coverage_declares(case: Case) -> None:
    coverage = case.format().coverage
    for item in case.format().parse(case.payload(), _context()):
        if isinstance(item, Series | Waveform):
            assert item.metric.name in coverage.metrics
        elif isinstance(item, Clinical):
            assert item.key
            assert item.content
    assert coverage.metrics or coverage.resource_types
    assert set(coverage.metrics) <= set(METRICS)


@every_case
def test_series_are_well_formed_and_short_enough(case: Case) -> None:
    for item in case.format().parse(case.payload(), _context()):
        if isinstance(item, Series):
            _well_formed(item)
        elif isinstance(item, Waveform):
            for block in item.blocks:
                _well_formed_block(block)
        elif isinstance(item, Refusal):
            assert item.where
            assert item.problem


def _well_formed(series: Series) -> None:
    check(series)
    assert 0 < len(series) <= ROWS_MAX
    assert series.metric is METRICS[series.metric.name]
    assert series.grades is None
    assert set(np.unique(series.times.basis)) <= {int(basis) for basis in Basis}
    if series.metric.shape in {Shape.POINT, Shape.PANEL, Shape.CATEGORICAL}:
        assert (series.times.end >= series.times.start).all()
    for definition, values in zip(series.metric.components, series.components, strict=True):
        assert values.mantissa.dtype == np.int64
        assert values.scale.dtype == np.int8
        assert (values.scale >= 0).all()
        assert (values.scale <= SCALE_MAX).all()
        assert (values.mantissa[values.absent != 0] == 0).all()
        assert int(values.unit.max(initial=0)) <= len(series.units)
        if definition.unit is None:
            assert (values.mantissa >= 0).all()
            assert (values.mantissa < len(definition.answers)).all()


def _well_formed_block(block: Block) -> None:
    lengths = {len(channel.raw) for channel in block.channels}
    assert len(lengths) == 1
    assert 0 < lengths.pop() <= ROWS_MAX
    assert block.rate_hz > 0
    for channel in block.channels:
        assert channel.raw.dtype == np.int32
        assert channel.factor != 0
        assert channel.factor.is_finite()


@every_case
def test_parsing_twice_gives_the_same(case: Case) -> None:
    first = [_told(item) for item in case.format().parse(case.payload(), _context())]
    second = [_told(item) for item in case.format().parse(case.payload(), _context())]
    assert first == second
    assert first


def _told(item: Item) -> object:
    """Everything that an item says, comparable."""
    if isinstance(item, Series):
        columns = [
            getattr(item.times, name).tolist() for name in ("start", "end", "offset", "basis")
        ]
        for values in item.components:
            columns += [getattr(values, name).tolist() for name in Quantities.__dataclass_fields__]
        return item.metric.name, item.source, item.units, item.labels, columns
    if isinstance(item, Waveform):
        return [
            (block.start, block.offset, block.basis, block.rate_hz, lead.code, lead.factor,
             lead.origin, lead.lost, lead.raw.tolist())
            for block in item.blocks
            for lead in block.channels
        ]  # fmt: skip
    return item


@every_case
def test_progress_never_goes_back_and_ends_at_the_size(case: Case) -> None:
    told: list[int] = []
    given_payload = case.payload()
    for _ in case.format().parse(given_payload, _context(told)):
        pass
    assert told == sorted(told)
    assert told[-1] == given_payload.size


@every_case
@given(data=st.data())
def test_damage_is_malformed_input_or_refused(case: Case, data: st.DataObject) -> None:
    damaged = _damage(case, data)
    _survives(case.format(), damaged)


@every_case
@given(content=st.binary(max_size=2_048))
def test_garbage_is_malformed_input_or_refused(case: Case, content: bytes) -> None:
    head = _head(case.payload())[:32]
    for made in (content, head + content):
        _survives(case.format(), payload("garbage", made))


def _survives(known: Format, given_payload: Payload) -> None:
    known.recognises(_head(given_payload), given_payload)
    items: list[Item] = []
    # Anything else than MalformedInput fails the test.
    with contextlib.suppress(MalformedInput):
        items.extend(known.parse(given_payload, _context()))
    for item in items:
        if isinstance(item, Series):
            check(item)
            assert len(item) <= ROWS_MAX


def _damage(case: Case, data: st.DataObject) -> Payload:
    """Damage one of the files: cut it, turn a bit, or put bytes in. Half the time, seal it anew."""
    whole = case.payload()
    names: Sequence[str] = [whole.name, *whole.companions]
    chosen = data.draw(st.sampled_from(names))
    target = whole if chosen == whole.name else whole.companions[chosen]
    with target.open() as stream:
        content = stream.read()
    at = data.draw(st.integers(0, len(content) - 1))
    match data.draw(st.sampled_from(("cut", "flip", "insert"))):
        case "cut":
            broken = content[:at]
        case "flip":
            bit = 1 << data.draw(st.integers(0, 7))
            broken = content[:at] + bytes([content[at] ^ bit]) + content[at + 1 :]
        case _:
            broken = content[:at] + data.draw(st.binary(min_size=1, max_size=9)) + content[at:]
    if data.draw(st.booleans()):
        broken = case.sealed(broken)
    made = Payload(chosen, len(broken), lambda: io.BytesIO(broken), whole.companions)
    if chosen == whole.name:
        return made
    return replace(whole, companions={**whole.companions, chosen: replace(made, companions={})})
