"""Texts with a memory: equal to plain English, sayable in every language, readable when stored."""

import json
import re
from importlib import resources

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pulsekey.primitives import messages
from pulsekey.primitives.errors import MalformedInput
from pulsekey.primitives.messages import Said

PLACE = re.compile(r"\{(\w+)\}")
CHINESE = re.compile(r"[\u4e00-\u9fff]")
FULL_WIDTH = re.compile(r"[\u4e00-\u9fff”》）] ?[,;:!?()]|[,;:!?(] ?[\u4e00-\u9fff“《（]")
NAMES = {"pulsekey-enrolment-1", "urn-uuid-urn-oid-http-or"}
"""Texts that are code and nothing else, or nearly."""

LINE = Said("{file}, line {line}", file="{oops}.csv", line=1_003)


def forms(text: messages.Text) -> list[str]:
    return [text] if isinstance(text, str) else list(text.values())


def test_a_text_is_the_english_that_it_says() -> None:
    assert LINE == "{oops}.csv, line 1003"
    assert Said("longer than {most} bytes", most=65_536) == "longer than 65,536 bytes"
    assert hash(LINE) == hash("{oops}.csv, line 1003")


def test_a_text_is_said_in_the_readers_language() -> None:
    assert messages.in_language(LINE, "zh-CN") == "{oops}.csv，第 1003 行"
    assert messages.in_language("an empty file", "zh-CN") == "文件为空"
    assert messages.in_language("report.csv", "zh-CN") == "report.csv"


def test_what_is_within_a_text_is_said_in_the_readers_language_too() -> None:
    entry = Said("entry {number}", number=3)
    whole = Said("{where}, {path}", where=entry, path="subject")
    assert messages.in_language(whole, "zh-CN") == "第 3 个条目，subject"


def test_data_that_looks_like_a_text_stays_data() -> None:
    assert messages.in_language(Said("{file}, line {line}", file="event", line=1), "zh-CN") == (
        "event，第 1 行"
    )


@pytest.mark.parametrize(("count", "said"), [(1, "once: no metric"), (2, "2 times: no metric")])
def test_one_is_said_as_one(count: int, said: str) -> None:
    text = Said("{count} times: no metric of ours means this", count=count)
    assert messages.in_language(text, "en").startswith(said)


def test_an_error_tells_its_texts_in_english() -> None:
    error = MalformedInput("not UTF-8", where=LINE, cure="save it as UTF-8")
    assert str(error) == "{oops}.csv, line 1003: not UTF-8 (save it as UTF-8)"


@given(st.text(max_size=30), st.integers(0, 10**12))
def test_what_was_stored_is_the_text_again(name: str, line: int) -> None:
    place = Said("{file}, line {line}", file=name, line=line)
    text = Said("{where}, {what}", where=place, what="x")
    kept = messages.document_of(text)
    back = messages.text_from(json.loads(json.dumps(kept)))
    assert back == text
    for language in messages.LANGUAGES:
        assert messages.in_language(back, language) == messages.in_language(text, language)


def test_a_text_whose_code_was_withdrawn_is_still_read() -> None:
    assert messages.text_from({"code": "gone", "arguments": {}, "text": "as it was"}) == "as it was"
    assert messages.text_from({"code": 1, "arguments": [], "text": []}) == ""
    assert messages.text_from(None) == ""


@pytest.mark.parametrize(
    ("stored", "chinese"),
    [
        ("an empty file", "文件为空"),
        ("longer than 65536 bytes", "超过 65,536 字节"),
        ("export.csv, line 12", "export.csv，第 12 行"),
        ("entry 4 (Observation), subject[0]", "第 4 个条目（Observation），subject[0]"),
        ("HKQuantityTypeIdentifierUVExposure (12)", "HKQuantityTypeIdentifierUVExposure（12）"),
        ("something that was never said", "something that was never said"),
    ],
)
def test_english_that_was_stored_without_a_code_is_recognised(stored: str, chinese: str) -> None:
    assert messages.in_language(messages.recalled(stored), "zh-CN") == chinese


@given(st.text(max_size=200))
def test_recognising_never_loses_a_text(text: str) -> None:
    found = messages.recalled(text)
    assert re.sub(r"[\d,]", "", found) == re.sub(r"[\d,]", "", text)


def test_every_text_stands_in_every_language_with_the_same_places() -> None:
    english, *others = (messages.catalogue(language) for language in messages.LANGUAGES)
    for other in others:
        assert english.keys() == other.keys()
        for code in english:
            places = [
                {place for form in forms(one[code]) for place in PLACE.findall(form)}
                for one in (english, other)
            ]
            assert places[0] == places[1], code


def test_every_plural_has_the_forms_of_its_language() -> None:
    wanted = {"en": {"one", "other"}, "zh-CN": {"other"}}
    for language in messages.LANGUAGES:
        for code, text in messages.catalogue(language).items():
            assert isinstance(text, str) or text.keys() == wanted[language], code


def test_no_two_codes_say_the_same() -> None:
    said = [forms(text)[-1] for text in messages.catalogue("en").values()]
    assert len(said) == len(set(said))


def test_codes_are_plain_and_files_are_sorted() -> None:
    for language in messages.LANGUAGES:
        file = resources.files("pulsekey.primitives") / "catalogue" / f"{language}.json"
        codes = list(json.loads(file.read_text("utf-8")))
        assert codes == sorted(codes)
        assert all(re.fullmatch(r"[a-z0-9]+(?:-[a-z0-9]+)*", code) for code in codes)


def test_chinese_is_chinese_with_full_width_marks() -> None:
    for code, text in messages.catalogue("zh-CN").items():
        for form in forms(text):
            words = "" if code in NAMES else PLACE.sub("", form)
            assert not FULL_WIDTH.search(words), (code, form)
            # Names and code may stand in Latin letters; a sentence may not.
            assert CHINESE.search(words) or not re.search(r"[A-Za-z]", words)
            assert not re.search(r"[a-z]{3,} [a-z]{3,}", words), code


@pytest.mark.parametrize(
    ("accepted", "language"),
    [
        ("", "en"),
        ("zh-TW,zh;q=0.9,en;q=0.8", "zh-CN"),
        ("fr-FR,fr;q=0.9,en;q=0.5,zh;q=0.7", "zh-CN"),
        ("de,en-US;q=0.7", "en"),
        ("zh;q=0,en", "en"),
        ("*;q=0.1,;;;;,q=", "en"),
    ],
)
def test_the_language_is_the_one_that_is_asked_for_most(accepted: str, language: str) -> None:
    assert messages.preferred(accepted) == language
