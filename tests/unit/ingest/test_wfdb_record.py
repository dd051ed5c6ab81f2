"""What a WFDB record becomes, with the PyPI package `wfdb` as the oracle."""

import struct
import warnings
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from pulsekey.ingest.items import Item, Payload, Refusal
from pulsekey.ingest.wfdb.annotations import Annotation, read_annotations
from pulsekey.ingest.wfdb.header import FORMATS, NO_VALUE, parse_header
from pulsekey.ingest.wfdb.record import WfdbRecord, decode_samples
from pulsekey.primitives.clock import micros
from pulsekey.primitives.errors import MalformedInput
from pulsekey.signals.series import OFFSET_UNKNOWN, Basis, Series, Waveform
from tests.fakes import wfdb_writer as writer
from tests.fakes.payloads import ECG_RECORD, SAMPLES, context, ecg_sample, payload, zipped

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # It calls pandas in a way that pandas deprecates.
    import wfdb

RECORDS = ("101", "106", "119", "203", "208", "223")


def _parse(given_payload: Payload, zone: str = "") -> list[Item]:
    return list(WfdbRecord().parse(given_payload, context(zone)))


def _upload(files: dict[str, bytes]) -> Payload:
    name = next(name for name in files if name.endswith(".hea"))
    return payload(name, files[name], {n: c for n, c in files.items() if n != name})


def _made(**changes: bytes) -> Payload:
    """A small record with whole files replaced, by extension."""
    files = {
        name: changes.get(name.rsplit(".", 1)[1], content)
        for name, content in writer.record().items()
    }
    return _upload(files)


def _raw(items: list[Item]) -> NDArray[np.int32]:
    waves = [item for item in items if isinstance(item, Waveform)]
    leads = range(len(waves[0].blocks[0].channels))
    return np.stack(
        [np.concatenate([w.blocks[0].channels[lead].raw for w in waves]) for lead in leads], axis=1
    )


def test_the_sample_has_the_samples_that_wfdb_reads() -> None:
    items = _parse(ecg_sample())
    oracle = wfdb.rdrecord(str(SAMPLES / ECG_RECORD), physical=False)
    assert (_raw(items) == oracle.d_signal).all()
    physical = wfdb.rdrecord(str(SAMPLES / ECG_RECORD)).p_signal
    lead = next(item for item in items if isinstance(item, Waveform)).blocks[0].channels[0]
    ours = lead.raw * float(lead.factor) + float(lead.origin)
    assert np.allclose(ours, physical[: len(ours), 0], atol=1e-12)


def test_leads_carry_exact_scale_range_and_code() -> None:
    lead, second = (
        next(i for i in _parse(ecg_sample()) if isinstance(i, Waveform)).blocks[0].channels
    )
    assert (lead.factor, lead.origin, lead.unit) == (Decimal("0.005"), Decimal("-5.12"), "mV")
    assert (lead.lower, lead.upper, lead.lost) == (0, 2047, None)
    assert (lead.code.code, second.code.code) == ("MLII", "131331")


@pytest.mark.filterwarnings("ignore")  # The oracle calls pandas in a way that pandas deprecates.
@pytest.mark.parametrize("record", RECORDS)
def test_full_records_are_identical_to_what_wfdb_reads(full_records: Path, record: str) -> None:
    folder = full_records / "ecg"
    files = {
        f"{record}.{part}": (folder / f"{record}.{part}").read_bytes()
        for part in ("hea", "dat", "atr")
    }
    items = _parse(_upload(files))
    assert (_raw(items) == wfdb.rdrecord(str(folder / record), physical=False).d_signal).all()
    ours, _ = read_annotations(files[f"{record}.atr"], where="atr")
    theirs = wfdb.rdann(str(folder / record), "atr")
    assert [a.sample for a in ours] == theirs.sample.tolist()
    assert [a.symbol for a in ours] == theirs.symbol
    assert [a.subtype for a in ours] == theirs.subtype.tolist()
    assert [a.channel for a in ours] == theirs.chan.tolist()
    assert [a.number for a in ours] == theirs.num.tolist()
    assert [a.note.decode() for a in ours] == theirs.aux_note
    kept = sum(len(item) for item in items if isinstance(item, Series))
    assert kept == len(ours)


def test_beats_rhythms_and_events_keep_their_sample_and_their_answer() -> None:
    items = _parse(ecg_sample(), zone="America/New_York")
    annotations, _ = read_annotations((SAMPLES / f"{ECG_RECORD}.atr").read_bytes(), where="atr")
    begins = micros(datetime(2021, 3, 14, 14, 15, tzinfo=UTC))
    found = []
    for item in items:
        if isinstance(item, Series):
            answers = item.metric.components[0].answers
            for at, index in zip(item.times.start, item.components[0].mantissa, strict=True):
                found.append(
                    (round((int(at) - begins) * 360 / 1_000_000), answers[int(index)].code)
                )
    wanted = [
        (a.sample, a.note.decode().strip("(\0") if a.symbol == "+" else a.symbol)
        for a in annotations
    ]
    assert sorted(found) == sorted(wanted)


def test_a_declared_zone_makes_the_start_an_instant_and_none_leaves_it_floating() -> None:
    floating = next(i for i in _parse(ecg_sample()) if isinstance(i, Waveform)).blocks[0]
    assert (floating.basis, floating.offset) == (Basis.FLOATING, OFFSET_UNKNOWN)
    assert floating.start == micros(datetime(2021, 3, 14, 10, 15, tzinfo=UTC))
    # Daylight saving began at two that morning.
    declared = next(i for i in _parse(ecg_sample(), "America/New_York") if isinstance(i, Waveform))
    assert (declared.blocks[0].basis, declared.blocks[0].offset) == (Basis.DECLARED, -240)


def test_an_undated_record_floats_from_1970_and_says_so() -> None:
    items = _parse(_made(), zone="Europe/Paris")
    block = next(i for i in items if isinstance(i, Waveform)).blocks[0]
    assert (block.start, block.basis) == (0, Basis.FLOATING)
    assert any(isinstance(i, Refusal) and "no date" in i.problem for i in items)


def test_blocks_are_whole_grade_windows_that_follow_each_other() -> None:
    files = dict(writer.record(frames=200_000))
    blocks = [i.blocks[0] for i in _parse(_upload(files)) if isinstance(i, Waveform)]
    assert [len(b.channels[0].raw) for b in blocks] == [64_800, 64_800, 64_800, 5_600]
    assert [b.start for b in blocks] == [0, 180_000_000, 360_000_000, 540_000_000]


@pytest.mark.parametrize("kind", sorted(FORMATS))
@given(data=st.data())
def test_every_format_decodes_what_was_packed(kind: int, data: st.DataObject) -> None:
    half = 1 << (FORMATS[kind] - 1)
    values = data.draw(st.lists(st.integers(-half, half - 1), min_size=1, max_size=9))
    packed = _packed(values, kind)
    assert decode_samples(packed, len(values), kind).tolist() == values
    assert decode_samples(_packed([NO_VALUE[kind]], kind), 1, kind).tolist() == [NO_VALUE[kind]]


def _packed(values: list[int], kind: int) -> bytes:
    match kind:
        case 212:
            return writer.pack_212(np.array(values, np.int32))
        case 24:
            return b"".join((v & 0xFFFFFF).to_bytes(3, "little") for v in values)
        case 80:
            return bytes(v + 128 for v in values)
        case 160:
            return struct.pack(f"<{len(values)}H", *(v + 32_768 for v in values))
        case _:
            return struct.pack(
                {16: "<", 32: "<", 61: ">"}[kind] + f"{len(values)}{'i' if kind == 32 else 'h'}",
                *values,
            )


def test_a_lost_sample_is_named_as_such() -> None:
    ramp = np.full((720, 1), 5, np.int32)
    ramp[9] = NO_VALUE[212]
    files = {"made.hea": writer.header("made", ramp, ["V1"]), "made.dat": writer.pack_212(ramp)}
    lead = next(i for i in _parse(_upload(files)) if isinstance(i, Waveform)).blocks[0].channels[0]
    assert lead.lost == -2_048


def test_several_samples_a_frame_have_their_own_rate() -> None:
    frames = np.arange(3 * 100, dtype=np.int32)
    fast, slow = frames.reshape(100, 3)[:, :2].reshape(-1), frames.reshape(100, 3)[:, 2]
    head = (
        f"made 2 100 100\nmade.dat 16x2 200 12 0 {fast[0]} {writer.checksum(fast)} 0 I\n"
        f"made.dat 16 200 12 0 {slow[0]} {writer.checksum(slow)} 0 II\n"
    )
    files = {"made.hea": head.encode(), "made.dat": frames.astype("<i2").tobytes()}
    waves = [i for i in _parse(_upload(files)) if isinstance(i, Waveform)]
    assert [w.blocks[0].rate_hz for w in waves] == [Fraction(100), Fraction(200)]
    assert waves[0].blocks[0].channels[0].raw.tolist() == slow.tolist()
    assert waves[1].blocks[0].channels[0].raw.tolist() == fast.tolist()


def test_a_wrong_checksum_or_first_value_yields_nothing_and_names_the_signal() -> None:
    ramp = np.arange(1_440, dtype=np.int32).reshape(720, 2) % 2048
    right = writer.header("made", ramp, ["MLII", "V1"]).decode()
    lines = right.splitlines()
    checksum = str(writer.checksum(ramp[:, 1]))
    assert f" {checksum} 0 V1" in lines[2]
    for wrong, problem in (
        (right.replace(f" {checksum} 0 V1", " 7 0 V1"), "checksum"),
        (right.replace("11 1024 1 ", "11 1024 2 "), "first sample"),
    ):
        assert wrong != right
        items: list[Item] = []
        with pytest.raises(MalformedInput, match=problem) as refused:
            items.extend(WfdbRecord().parse(_made(hea=wrong.encode()), context()))
        assert "signal 2" in refused.value.where
        assert not items


@pytest.mark.parametrize(
    ("header", "problem"),
    [
        ("made 1 360 10\n../made.dat 16 200 11 0 0 0 0 V1\n", "not beside the header"),
        ("made 1 360 10\n/etc/passwd 16 200 11 0 0 0 0 V1\n", "not beside the header"),
        ("made 1 360 10\n- 16 200 11 0 0 0 0 V1\n", "not beside the header"),
        ("made 1 360 10\n..dat 16 200 11 0 0 0 0 V1\n", "not beside the header"),
        ("made 1 360 10\nother.dat 16 200 11 0 0 0 0 V1\n", "not in this upload"),
        ("made/3 1 360 10\nmade_1 10\n", "several segments"),
        ("made 1 360 10\nmade.dat 310 200 11 0 0 0 0 V1\n", "format 310"),
        ("made 1 360 10\nmade.dat 16:4 200 11 0 0 0 0 V1\n", "skewed"),
        ("made 2 360 10\nmade.dat 16 200 11 0 0 0 0 V1\n", "announces 2 signals and has 1"),
        ("made 1 0 10\nmade.dat 16 200 11 0 0 0 0 V1\n", "sampling rate"),
        ("made 1 360 10 25:00:00\nmade.dat 16 200 11 0 0 0 0 V1\n", "time of day"),
        ("made 1 360 10 1:00:00 30/02/2021\nmade.dat 16 200 11 0 0 0 0 V1\n", "impossible date"),
        ("made 1 360 10 1:00:00 01/01/0001\nmade.dat 16 200 11 0 0 0 0 V1\n", "impossible date"),
        ("made 1 360 999999\nmade.dat 16 200 11 0 0 0 0 V1\n", "ends before frame"),
        ("made 1 360 10\nmade.dat 16x0 200 11 0 0 0 0 V1\n", "samples a frame"),
        ("made 1 360 10\nmade.dat 16 1e30 11 0 0 0 0 V1\n", "impossible gain"),
    ],
)
def test_a_header_that_cannot_be_followed_is_refused(header: str, problem: str) -> None:
    with pytest.raises(MalformedInput, match=problem):
        _parse(_made(hea=header.encode()))


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("made.dat 16 200 11 0 0 0 0 RESP", "not that of an ECG lead"),
        ("made.dat 16 200/mmHg 11 0 0 0 0 V1", "not an electric potential"),
        ("made.dat 16 0 11 0 0 0 0 V1", "not calibrated"),
    ],
)
def test_a_signal_that_is_no_ecg_is_refused_alone(line: str, problem: str) -> None:
    files = {"made.hea": f"made 1 360 10\n{line}\n".encode(), "made.dat": bytes(20)}
    items = _parse(_upload(files))
    assert any(isinstance(i, Refusal) and problem in i.problem for i in items)
    assert not any(isinstance(i, Waveform) for i in items)


def test_baseline_and_gain_become_exact_decimals() -> None:
    head = parse_header(
        b"made 1 250/500(0) 10 12:30:00.5 1/2/2020\nmade.dat 24+16 1000.5(-8)/uV 16 3\n", where="x"
    )
    (signal,) = head.signals
    assert signal.factor * Decimal("1000.5") - 1 < Decimal("1e-15")
    assert signal.origin == Decimal(8) / Decimal("1000.5").normalize() or signal.origin > 0
    assert (signal.baseline, signal.zero, signal.byte_offset, signal.unit) == (-8, 3, 16, "uV")
    assert head.at is not None
    assert head.at.microsecond == 500_000


def test_comments_notes_and_strange_annotations_are_counted_and_never_shown() -> None:
    found = (
        Annotation(5, 1, 0, 0, 0, b""),
        Annotation(9, 28, 0, 0, 0, b"(SECRETRHYTHM\0"),
        Annotation(11, 22, 0, 0, 0, b"HIV positive"),
        Annotation(2_000, 5, 3, 0, 0, b""),
    )
    ramp = np.zeros((720, 1), np.int32)
    head = writer.header("made", ramp, ["V1"], comments=["75 F", "Digoxin"])
    files = {
        "made.hea": head,
        "made.dat": writer.pack_212(ramp),
        "made.atr": writer.annotations(found),
    }
    items = _parse(_upload(files))
    told = [item for item in items if isinstance(item, Refusal)]
    text = " ".join(f"{r.where} {r.problem} {r.cure}" for r in told)
    assert "2 annotations are of a type or rhythm" in text
    assert "1 annotations carry a subtype" in text
    assert "2 comment lines" in text
    for secret in ("SECRET", "HIV", "Digoxin", "75 F"):
        assert secret not in text
        assert secret not in repr([i.source for i in items if isinstance(i, Series | Waveform)])


@given(
    st.lists(
        st.builds(
            Annotation,
            sample=st.integers(0, 2**31),
            kind=st.integers(1, 41).filter(lambda kind: kind != 22),
            subtype=st.integers(-128, 127),
            channel=st.just(0),
            number=st.integers(-128, 127),
            note=st.binary(max_size=40),
        ),
        max_size=12,
    )
)
def test_annotations_are_read_as_they_were_written(found: list[Annotation]) -> None:
    found.sort(key=lambda annotation: annotation.sample)
    read, rate = read_annotations(writer.annotations(found), where="atr")
    assert list(read) == found
    assert rate is None


def test_an_annotation_file_may_state_its_own_resolution() -> None:
    stated = Annotation(0, 22, 0, 0, 0, b"## time resolution: 1000")
    read, rate = read_annotations(
        writer.annotations((stated, Annotation(4, 1, 0, 0, 0, b""))), where="atr"
    )
    assert rate == 1_000
    assert [a.sample for a in read] == [4]


@pytest.mark.parametrize(
    "content",
    [b"", b"\x01\x04", b"\0\xec\0", b"\x00\xf4\0\0", b"\0\xec\xff\xff\xff\xff\x00\x04\0\0"],
)
def test_broken_annotations_are_refused_with_their_byte(content: bytes) -> None:
    with pytest.raises(MalformedInput) as refused:
        read_annotations(content, where="made.atr")
    assert "made.atr, byte" in refused.value.where


def test_a_zip_gives_the_same_as_an_upload_of_three_files() -> None:
    files = {
        f"a/{ECG_RECORD}.{p}": (SAMPLES / f"{ECG_RECORD}.{p}").read_bytes()
        for p in ("hea", "dat", "atr")
    }
    assert (_raw(_parse(zipped(files))) == _raw(_parse(ecg_sample()))).all()


def test_a_zip_with_a_path_upwards_is_refused() -> None:
    files = {f"../{name}": content for name, content in writer.record().items()}
    with pytest.raises(MalformedInput, match="leaves its folder"):
        _parse(zipped(files))


def test_any_of_the_files_may_come_first() -> None:
    files = writer.record()
    first = payload(
        "made.dat", files["made.dat"], {n: c for n, c in files.items() if n != "made.dat"}
    )
    assert WfdbRecord().recognises(files["made.dat"][:64], first)
    assert len(_raw(_parse(first))) == 720


def test_a_rate_that_makes_a_record_longer_than_a_life_is_refused() -> None:
    ramp = np.zeros((720, 1), np.int32)
    files = {
        "made.hea": writer.header("made", ramp, ["V1"], rate="0.00000000001"),
        "made.dat": writer.pack_212(ramp),
        "made.atr": writer.annotations([Annotation(700, 1, 0, 0, 0, b"")]),
    }
    with pytest.raises(MalformedInput, match="later than any record"):
        _parse(_upload(files))


def test_two_headers_are_refused() -> None:
    files = dict(writer.record()) | {"other.hea": writer.record("other")["other.hea"]}
    with pytest.raises(MalformedInput, match="several WFDB headers"):
        _parse(_upload(files))


def test_a_file_that_does_not_belong_is_reported() -> None:
    upload = _made()
    other = replace(
        upload, companions={**upload.companions, "notes.txt": payload("notes.txt", b"x")}
    )
    assert any(
        isinstance(i, Refusal) and "1 files do not belong" in i.problem for i in _parse(other)
    )
