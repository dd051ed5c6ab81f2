"""Which format a payload is, and what an import tells about itself."""

from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest

from pulsekey.exchange.import_payload import SEVERAL
from pulsekey.ingest.archive import MEMBERS_MAX, members
from pulsekey.ingest.fhir_bundle import FhirBundle
from pulsekey.ingest.items import Payload, Refusal
from pulsekey.ingest.recognition import FORMATS, coverage_lines, recognise
from pulsekey.ingest.report import (
    OTHER_PROBLEMS,
    PROBLEMS_MAX,
    QUARANTINED_MAX,
    REFUSALS_MAX,
    ImportReport,
    Outcome,
    ReportBuilder,
    Stored,
)
from pulsekey.ingest.stored_report import report_from, shown_report, stored_report
from pulsekey.primitives import canonical
from pulsekey.primitives.errors import MalformedInput
from pulsekey.primitives.messages import Said
from pulsekey.resources.documents import Clinical
from pulsekey.signals.catalogue import HEART_RATE
from pulsekey.signals.category import Category
from pulsekey.signals.electrocardiography import ECG
from pulsekey.signals.grade import Grade
from pulsekey.signals.series import (
    Basis,
    Block,
    Channel,
    Grades,
    Series,
    Source,
    Times,
    Waveform,
    quantities,
)
from tests.fakes.payloads import RECEIVED, SAMPLES, ecg_sample, payload, sample, zipped
from tests.fakes.wfdb_writer import record

SOURCE = Source("test", "Test")


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"", "an empty file"),
        (b"%PDF-1.7 ...", "a PDF document"),
        (b"\x89PNG\r\n", "a picture"),
        (b'{"resourceType":"Patient"}', "no FHIR Bundle"),
        (b'\xef\xbb\xbf {"a":1}', "no FHIR Bundle"),
        ("<a/>".encode("utf-16"), "UTF-16"),
        (b"<html></html>", "XML"),
        (b"\x1f\x8b garbage", "gzip"),
        (b"hello there", "unknown format"),
        (b"\0" * 70_000, "unknown format"),
    ],
)
def test_what_is_not_understood_is_told_what_would_be(content: bytes, problem: str) -> None:
    with pytest.raises(MalformedInput, match=problem) as refused:
        recognise(payload("upload", content))
    if content:
        assert all(known.coverage.title in refused.value.cure for known in FORMATS)


def test_a_zip_that_was_cut_short_is_called_that() -> None:
    whole = zipped({"apple_health_export/export.xml": b"<HealthData/>" * 100})
    with whole.open() as stream:
        part = stream.read()[:-30]
    with pytest.raises(MalformedInput, match="cut short") as refused:
        recognise(payload("export.zip", part))
    assert "again" in refused.value.cure


def test_a_zip_of_something_else_is_no_format() -> None:
    with pytest.raises(MalformedInput, match="a zip of something else"):
        recognise(zipped({"a.txt": b"hello"}))


def test_files_that_look_like_two_formats_are_refused() -> None:
    bundle = (SAMPLES / "chart-adult.json.bz2").read_bytes()
    with pytest.raises(MalformedInput, match="at once"):
        recognise(payload("chart.json.bz2", bundle, record()))


def test_coverage_names_every_metric_with_unit_and_code() -> None:
    text = "\n".join(coverage_lines())
    assert "heart-rate" in text
    assert "LOINC 8867-4" in text
    assert "waveform" in text
    for known in FORMATS:
        assert known.coverage.title in text
        assert all(name in text for name in known.coverage.metrics)


@pytest.mark.parametrize(
    "name", ["../up", "/root", "a/../../up", "C:/drive", "..\\up", "\\share", "a" * 256]
)
def test_a_member_that_leaves_its_folder_is_refused(name: str) -> None:
    with pytest.raises(MalformedInput, match="name"):
        members(zipped({name: b"x"}))


def test_too_many_members_and_damaged_archives_are_refused() -> None:
    with pytest.raises(MalformedInput, match="more than"):
        members(zipped({f"{n}.txt": b"" for n in range(MEMBERS_MAX + 1)}))
    with zipped({"a": b"a"}).open() as stream:
        whole = stream.read()
    with pytest.raises(MalformedInput, match="damaged"):
        members(payload("x.zip", whole.replace(b"PK\x01\x02", b"PK\x01\x03")))
    with pytest.raises(MalformedInput, match="without its end"):
        members(payload("x.zip", b"PK\x03\x04 nothing"))
    with pytest.raises(MalformedInput, match="too many files"):
        members(payload("x.zip", b"PK\x05\x06" + bytes(8) + b"\xff" * 4 + bytes(6)))


def test_a_zip_bomb_is_refused_while_it_is_read() -> None:
    bomb = members(zipped({"bomb": bytes(40 * 2**20)}))["bomb"]
    with bomb.open() as stream:
        stream.read(2**20)
        with pytest.raises(MalformedInput, match="unpacks to more"):
            stream.read(40 * 2**20)


def test_a_member_can_be_read_twice_and_from_the_middle() -> None:
    member = members(zipped({"a": b"0123456789"}))["a"]
    for _ in range(2):
        with member.open() as stream:
            stream.seek(4)
            assert stream.read() == b"456789"


def _heart(days: list[str], grades: list[Grade], basis: Basis = Basis.RECORDED) -> Series:
    at = np.array([np.datetime64(day, "us").astype(np.int64) for day in days], np.int64)
    n = len(days)
    times = Times(at, at, np.zeros(n, np.int16), np.full(n, basis, np.uint8))
    judged = Grades(np.array(grades, np.uint8), np.zeros(n, np.uint32))
    return Series(HEART_RATE, SOURCE, times, (quantities(at, 0),)).graded(judged)


def _builder() -> ReportBuilder:
    return ReportBuilder("walk.fit", "garmin-fit", RECEIVED)


def _document(kind: str = "Condition", date: str = "") -> Clinical:
    return Clinical(kind, "urn:uuid:1", Category.CONDITIONS, b"{}", date=date)


def test_a_report_counts_each_item_once_and_reads_back() -> None:
    builder = _builder()
    good, doubtful, bad = Grade.GOOD, Grade.QUESTIONABLE, Grade.UNUSABLE
    builder.series(_heart(["2021-03-04", "2021-03-05"], [good, doubtful]), Stored(new=2))
    builder.series(
        _heart(["2021-03-01", "2021-03-05", "2021-03-06"], [bad, bad, good]),
        Stored(new=1, changed=1, known=1),
    )
    builder.document(_document(date="2019-01-02T03:04:05Z"), Outcome.NEW)
    builder.document(_document(), Outcome.KNOWN)
    builder.document(_document(), Outcome.CHANGED)
    builder.refuse(Refusal("entry 3", "null", "leave it out"))
    builder.quarantine("entry 4", "an Observation", "Its subject is unknown here.")
    builder.summarise("heart-rate", "Test", "97% of the night covered")
    report = builder.build()
    conditions, heart = report.tallies
    assert (conditions.new, conditions.changed, conditions.known) == (1, 1, 1)
    assert (heart.new, heart.changed, heart.known) == (3, 1, 1)
    assert (heart.questionable, heart.unusable) == (1, 2)
    assert (report.first_day, report.last_day) == ("2019-01-02", "2021-03-06")
    encoded = canonical.encode(stored_report(report))
    assert report_from(canonical.decode(encoded)) == report


def test_a_report_says_it_in_words() -> None:
    builder = _builder()
    builder.series(_heart(["2021-03-04"], [Grade.GOOD]), Stored(new=1_234, known=5))
    builder.refuse(Refusal("line 7", "an unknown unit", "name the unit"))
    builder.quarantine("entry 4", "an Observation", "Its subject is unknown here.")
    lines = builder.build().lines()
    assert "heart-rate (samples): 1,234 new, 5 already known" in lines
    assert "  line 7: an unknown unit (name the unit)" in lines
    assert any("somebody else" in line for line in lines)
    assert "Nothing was kept." in ImportReport("a", "b", RECEIVED).lines()


def test_waveforms_are_counted_in_windows() -> None:
    lead = Channel(ECG.codes[0], "mV", 1, 0, np.zeros(3_600, np.int32))  # type: ignore[arg-type] # Unread.
    grades = Grades(np.array([Grade.UNUSABLE], np.uint8), np.zeros(1, np.uint32))
    start = micros_of("2021-03-04")
    block = Block(start, 0, Basis.RECORDED, Fraction(360), (lead,), grades)
    builder = _builder()
    builder.series(Waveform(ECG, SOURCE, (block,)), Stored(new=1))
    (tally,) = builder.build().tallies
    assert (tally.kind, tally.unusable) == ("windows of 10 seconds", 1)
    assert builder.build().first_day == "2021-03-04"
    undated = replace(block, start=0, basis=Basis.FLOATING)
    other = _builder()
    other.series(Waveform(ECG, SOURCE, (undated,)), Stored(new=1))
    assert other.build().first_day == ""


def micros_of(day: str) -> int:
    return int(np.datetime64(day, "us").astype(np.int64))


def test_the_memory_of_a_report_is_bounded() -> None:
    builder = _builder()
    for number in range(REFUSALS_MAX + PROBLEMS_MAX + 50):
        builder.refuse(Refusal(f"line {number}", f"problem {number}", "none"))
        builder.quarantine(f"line {number}", "a thing", "unknown")
    report = builder.build()
    assert len(report.refusals) == REFUSALS_MAX
    assert len(report.refused_beyond) == PROBLEMS_MAX + 1
    assert dict(report.refused_beyond)[OTHER_PROBLEMS] == 50
    assert report.refused == report.set_aside == REFUSALS_MAX + PROBLEMS_MAX + 50
    assert len(report.quarantined) == QUARANTINED_MAX
    assert report_from(stored_report(report)) == report


def test_a_report_is_shown_in_the_readers_language() -> None:
    builder = _builder()
    place = Said("{file}, line {line}", file="walk.csv", line=7)
    builder.refuse(Refusal(place, "a value that cannot be read", "nothing to do"))
    builder.quarantine(Said("entry {number}", number=4), "Observation", SEVERAL)
    builder.summarise("heart-rate", "Test", Said("{count} samples", count=3))
    kept = report_from(canonical.decode(canonical.encode(stored_report(builder.build()))))
    shown = shown_report(kept, "zh-CN")
    assert shown["refusals"] == [
        {
            "where": {"text": "walk.csv，第 7 行", "code": "file-line"},
            "problem": {"text": "数值无法读取", "code": "value-cannot-read"},
            "cure": {"text": "无需处理", "code": "nothing-to-do"},
        }
    ]
    assert shown["summaries"][0]["text"]["text"] == "3 个数值"
    assert shown["quarantined"][0]["where"]["text"] == "第 4 个条目"
    assert shown_report(kept, "en")["refusals"][0]["where"]["text"] == "walk.csv, line 7"


PLAIN: canonical.Document = {
    "version": 1,
    "name": "walk.csv",
    "format": "dexcom-clarity",
    "received": int(RECEIVED),
    "tallies": [],
    "refusals": [
        {"where": "walk.csv, line 7", "problem": "longer than 65536 bytes", "cure": "as it was"}
    ],
    "refused_beyond": [["an empty file", 2]],
    "quarantined": [{"where": "entry 4", "what": "Observation", "explanation": SEVERAL}],
    "quarantined_beyond": 0,
    "first_day": "",
    "last_day": "",
    "summaries": [
        {
            "metric": "heart-rate",
            "source": "Test",
            "text": "1 sample; 14 minutes unusable: sensor compressed",
        }
    ],
}
"""A report as version 1 stored it: nothing but English."""


def test_a_report_of_the_former_shape_is_shown_in_the_readers_language() -> None:
    kept = report_from(PLAIN)
    shown = shown_report(kept, "zh-CN")
    (refusal,) = shown["refusals"]
    assert refusal["where"]["text"] == "walk.csv，第 7 行"
    assert refusal["problem"]["text"] == "超过 65,536 字节"
    assert refusal["cure"] == {"text": "as it was", "code": ""}
    assert shown["refused_beyond"][0][0]["text"] == "文件为空"
    assert shown["summaries"][0]["text"]["text"] == "1 个数值；14 分钟不可用：传感器受压"
    assert report_from(stored_report(kept)) == kept


@pytest.mark.parametrize(
    "document", [{}, [], {"version": 3}, {"version": 2}, {"version": 1, "name": 3}, {"version": 1}]
)
def test_what_is_no_report_is_malformed(document: canonical.Document) -> None:
    with pytest.raises(MalformedInput, match="not an import report"):
        report_from(document)


def test_a_format_is_found_whatever_the_upload_is_called() -> None:
    renamed: Payload = replace(sample("chart-adult.json.bz2"), name="record.fit")
    assert isinstance(recognise(renamed), FhirBundle)
    assert recognise(ecg_sample()).coverage.format == "wfdb"
