"""Hostile Apple exports: each is refused by name, in bounded memory, and never in another way."""

import io
import random
import struct
import tracemalloc
from collections.abc import Callable
from functools import lru_cache

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fuzz.mutations import mutated
from pulsekey.ingest.apple import archive, ecg
from pulsekey.ingest.apple.health import DEPTH_MAX, AppleHealth
from pulsekey.ingest.items import Item, Refusal
from pulsekey.primitives.errors import MalformedInput
from pulsekey.samples import apple_export
from pulsekey.samples.apple_export import Plan
from pulsekey.signals.series import Series, Waveform, check
from tests.fakes.payloads import context, payload, zipped

HEAD = '<?xml version="1.0" encoding="UTF-8"?>\n<HealthData locale="en_GB">\n'
AT = '"2023-07-14 21:30:05 +0200"'
GOOD = (
    f'<Record type="HKQuantityTypeIdentifierHeartRate" sourceName="x" unit="count/min" '
    f'startDate={AT} endDate={AT} value="61"/>\n'
)
MEBIBYTE = 2**20


def read(content: bytes, name: str = "export.xml") -> list[Item]:
    return list(AppleHealth().parse(payload(name, content), context()))


def until_it_fails(content: bytes) -> tuple[list[Item], MalformedInput]:
    items: list[Item] = []
    with pytest.raises(MalformedInput) as caught:
        items.extend(AppleHealth().parse(payload("export.xml", content), context()))
    return items, caught.value


@lru_cache
def small(seed: int = 1) -> bytes:
    out = io.BytesIO()
    apple_export.write(out, Plan(seed=seed, days=2, heart_rate_seconds=9_000))
    return out.getvalue()


@lru_cache
def small_archive() -> bytes:
    recording = apple_export.ecg_csv(Plan(), 1).encode()
    files = {"e/electrocardiograms/a.csv": recording, "e/export.xml": small()}
    with zipped(files).open() as stream:
        return stream.read()


def rows(items: list[Item]) -> int:
    return sum(len(item) for item in items if isinstance(item, Series))


BOMB = (
    '<?xml version="1.0"?><!DOCTYPE HealthData [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;">]>'
    '<HealthData locale="&b;"></HealthData>'
)


@pytest.mark.parametrize(
    "head",
    [
        BOMB,
        BOMB.replace("<!ENTITY a", "<!entity a"),
        '<!DOCTYPE HealthData [<!ENTITY x SYSTEM "file:///etc/passwd">]><HealthData>&x;</HealthData>',
        '<!DOCTYPE HealthData [<!ENTITY % x SYSTEM "http://x/">%x;]><HealthData></HealthData>',
        '<!DOCTYPE HealthData SYSTEM "http://x/y.dtd"><HealthData></HealthData>',
        '<?xml version="1.0" encoding="utf-16"?><HealthData></HealthData>',
        '<?xml version="1.0" encoding="latin-1"?><HealthData></HealthData>',
        "<html><body>no</body></html>",
        "",
    ],
)
def test_a_head_that_is_none_is_refused(head: str) -> None:
    items, failure = until_it_fails(head.encode())
    assert items == []
    assert failure.where.startswith("export.xml")
    assert failure.cure


def test_utf_16_is_refused() -> None:
    _, failure = until_it_fails((HEAD + "</HealthData>").encode("utf-16"))
    assert failure.cure


def test_a_head_without_end_is_refused_in_bounded_memory() -> None:
    with pytest.raises(MalformedInput):
        read(b"<!-- " + b"x" * (8 * MEBIBYTE))


@pytest.mark.parametrize(
    "body",
    [
        "<![CDATA[x]]>",
        "<!-- a comment -->",
        "text",
        "<Record type='x'/>",
        '<Record type="a" type>',
        "<Record",
        "<<<<<<<<",
        '<Record type="&unknown;" sourceName="x" startDate="" endDate="" value=""/>',
        f'<Record type="x" sourceName="&#0;" startDate={AT} endDate={AT} value=""/>',
        f'<Record type="x" sourceName="&#xD800;" startDate={AT} endDate={AT} value=""/>',
        "</HealthData></HealthData>",
        "</Workout>",
        "<a>" * (DEPTH_MAX + 1),
        '<Record a="' + "x" * (600 * 1024) + '"/>',
        "\x00",
    ],
)
def test_what_apple_does_not_write_stops_the_reading_after_what_is_good(body: str) -> None:
    items, failure = until_it_fails((HEAD + GOOD + body + GOOD + "</HealthData>").encode())
    assert rows(items) >= 1
    assert "line" in failure.where
    assert failure.cure


def test_the_line_of_garbage_is_named() -> None:
    _, failure = until_it_fails((HEAD + GOOD * 1_000 + "garbage\n" + GOOD).encode())
    assert failure.where == "export.xml, line 1003"


def test_bytes_that_are_no_utf_8_stop_the_reading_there() -> None:
    items, failure = until_it_fails((HEAD + GOOD * 3).encode() + b"<Record \xff\xfe/>")
    assert rows(items) == 3
    assert failure.problem == "not UTF-8"


@pytest.mark.parametrize("share", [0.3, 0.5, 0.9, 0.999])
def test_a_truncated_export_yields_what_it_has(share: float) -> None:
    whole = small()
    items, failure = until_it_fails(whole[: int(len(whole) * share)])
    assert 0 < rows(items) < rows(read(whole)) + 1
    assert failure.problem in {"the file breaks off", "something that Apple does not write here"}


def test_a_file_of_nothing_but_tag_starts_stays_small() -> None:
    tracemalloc.start()
    with pytest.raises(MalformedInput):
        read(HEAD.encode() + b"<" * MEBIBYTE)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 150 * MEBIBYTE


def test_sources_without_end_stay_small() -> None:
    body = "".join(GOOD.replace('"x"', f'"source {number}"') for number in range(6_000))
    content = (HEAD + body + "</HealthData>").encode()
    tracemalloc.start()
    total = 0
    for item in AppleHealth().parse(payload("export.xml", content), context()):
        total += len(item) if isinstance(item, Series) else 0
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert total == 6_000
    assert peak < 120 * MEBIBYTE


def test_types_without_end_are_counted_together() -> None:
    body = "".join(GOOD.replace("HeartRate", f"Unknown{n}") for n in range(3_000))
    items = read((HEAD + body + "</HealthData>").encode())
    assert len(items) == 1_001
    assert "other kinds (2,000)" in [item.where for item in items if isinstance(item, Refusal)]


def archive_of(**files: bytes) -> bytes:
    with zipped({name.replace("__", "/"): data for name, data in files.items()}).open() as stream:
        return stream.read()


def test_names_in_the_archive_decide_nothing() -> None:
    content = zipped({"apple_health_export/导出.xml": small(), "a/b.zip": b"PK\x03\x04"})
    assert AppleHealth().recognises(content.open().read(64), content)
    assert rows(list(AppleHealth().parse(content, context()))) == rows(read(small()))


def test_two_exports_in_one_archive_are_refused() -> None:
    two = zipped({"a.xml": small(), "b.xml": small(2)})
    with pytest.raises(MalformedInput, match="several exports"):
        list(AppleHealth().parse(two, context()))


def test_names_that_leave_their_folder_are_left_out_and_told() -> None:
    found = zipped({"export.xml": small(), "../../x.csv": b"1", "/etc/y.csv": b"1"})
    told = [i.where for i in AppleHealth().parse(found, context()) if isinstance(i, Refusal)]
    assert any("2 unsafe files" in where for where in told)


def test_an_archive_without_an_export_is_not_recognised() -> None:
    other = zipped({"readme.txt": b"x", "a.xml": b"<other/>"})
    assert not AppleHealth().recognises(b"PK\x03\x04", other)
    broken = payload("x.zip", b"PK\x03\x04" + b"\0" * 100)
    assert not AppleHealth().recognises(b"PK\x03\x04", broken)


def test_a_zip_bomb_is_stopped_by_its_ratio() -> None:
    bomb = zipped({"export.xml": (HEAD + ("<a/>" + " " * 60_000) * 700).encode()})
    tracemalloc.start()
    with pytest.raises(MalformedInput, match="unpacks to more"):
        list(AppleHealth().parse(bomb, context()))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 32 * MEBIBYTE


def test_a_directory_too_long_to_hold_is_refused_before_it_is_read() -> None:
    content = bytearray(archive_of(a=b"x"))
    at = content.rfind(b"PK\x05\x06")
    struct.pack_into("<L", content, at + 12, archive.DIRECTORY_BYTES_MAX + 1)
    with pytest.raises(MalformedInput, match="too many files"):
        read(bytes(content), "export.zip")


def test_an_encrypted_export_is_refused() -> None:
    content = bytearray(archive_of(export=small()))
    for signature, place in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        content[content.rfind(signature) + place] |= 1
    with pytest.raises(MalformedInput):
        read(bytes(content), "export.zip")


@pytest.mark.parametrize(
    "change",
    [
        lambda text: text.replace("512 hertz", "fast"),
        lambda text: text.replace("µV", "apples"),
        lambda text: text.replace("2023-03-21", "2023-02-30"),
        lambda text: text.replace("2023-03-21", "someday"),
        lambda text: text + "oops\n",
        lambda text: text + "99999999999.5\n",
        lambda _: "",
        lambda _: "1\n2\n",
    ],
)
def test_a_recording_that_cannot_be_read_is_refused_alone(change: Callable[[str], str]) -> None:
    items = list(ecg.read(change(apple_export.ecg_csv(Plan(), 1)).encode(), "member 2"))
    assert [type(item) for item in items] == [Refusal]


def test_decimal_commas_and_unknown_words_do_not_stop_a_recording() -> None:
    text = apple_export.ecg_csv(Plan(), 1).replace("Rythme sinusal", "Sinusový rytmus")
    head, _, body = text.partition("µV\n\n")
    items = list(ecg.read((head + "µV\n\n" + body.replace(".", ",")).encode(), "member 2"))
    assert [type(item) for item in items] == [Waveform, Refusal]


@given(st.integers(0, 2**32))
def test_a_mutated_export_is_read_or_refused_and_nothing_else(seed: int) -> None:
    content = mutated(random.Random(seed), small())
    try:
        for item in AppleHealth().parse(payload("export.xml", content), context("Europe/Paris")):
            if isinstance(item, Series):
                check(item)
    except MalformedInput as refused:
        assert refused.where  # noqa: PT017 # Reading may also succeed.


@given(st.integers(0, 2**32))
def test_a_mutated_archive_is_read_or_refused_and_nothing_else(seed: int) -> None:
    content = mutated(random.Random(seed), small_archive())
    sent = payload("export.zip", content)
    try:
        list(AppleHealth().parse(sent, context()))
    except MalformedInput as refused:
        assert refused.where  # noqa: PT017 # Reading may also succeed.
    AppleHealth().recognises(content[:65_536], sent)
