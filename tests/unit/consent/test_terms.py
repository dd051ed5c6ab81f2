"""Terms have one form, say one sentence, and nothing about them can be changed unnoticed."""

import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pulsekey.consent.sentence import LANGUAGES, catalogue, with_sentence
from pulsekey.consent.terms import (
    PURPOSES,
    Controller,
    Organisation,
    Recipient,
    Terms,
    check,
    decode_terms,
)
from pulsekey.primitives.clock import Seconds
from pulsekey.primitives.errors import MalformedInput
from pulsekey.primitives.ids import AccountId, OrganisationId, PatientId, PrincipalId
from pulsekey.signals.category import CATALOGUE_VERSION, Category

CLINIC = Organisation(OrganisationId("clinic"), "City Clinic")
TERMS = Terms(
    subject=PatientId("p1"),
    signer=AccountId(bytes(32)),
    recipient=Recipient(PrincipalId("li"), "Dr A. Li", CLINIC, "00" * 32),
    controller=Controller(CLINIC, "privacy@clinic.example"),
    categories=(Category.HEART_RATE, Category.GLUCOSE),
    purpose="TREAT",
    valid_from=Seconds(1_795_300_000),
    valid_until=Seconds(1_797_980_340),
    data_from=None,
    data_until=Seconds(1_797_980_340),
    zone="Europe/Paris",
    jurisdiction="FR",
    language="en",
    legal_basis="gdpr-9-2-a",
    salt=bytes(range(32)),
)


def test_the_sentence_reads_as_a_person_would_say_it() -> None:
    assert with_sentence(TERMS).sentence == (
        "Dr A. Li (identity confirmed by City Clinic) may see my heart rate and glucose, "
        "recorded so far and until then, for my treatment, until 22 Dec 2026, 23:59 Paris time. "
        "I can stop this at any time; what they have already seen stays with them."
    )


def test_the_sentence_is_complete_in_chinese() -> None:
    assert with_sentence(replace(TERMS, language="zh-CN")).sentence == (
        "Dr A. Li（身份已由City Clinic确认）可以查看我的心率和血糖"
        "（迄今为止以及在此期限内记录的），用于我的治疗，"
        "有效期至2026年12月22日 23:59（Paris时间）。"
        "我可以随时停止；对方已经看到的内容仍由对方保留。"
    )


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_category_and_purpose_has_words(language: str) -> None:
    words = catalogue(language, CATALOGUE_VERSION)
    assert set(words["categories"]) == {str(category) for category in Category}
    assert set(words["purposes"]) == set(PURPOSES)
    assert _shape(words) == _shape(catalogue("en", CATALOGUE_VERSION))


def _shape(node: object) -> object:
    match node:
        case dict():
            return {key: _shape(member) for key, member in node.items()}
        case list():
            return len(node)
        case _:
            return type(node)


moments = st.none() | st.integers(0, 2**37).map(Seconds)
some_terms = st.builds(
    replace,
    st.just(TERMS),
    categories=st.lists(st.sampled_from(Category), min_size=1, unique=True).map(tuple),
    purpose=st.sampled_from(PURPOSES),
    data_from=moments,
    data_until=moments,
    language=st.sampled_from(LANGUAGES),
    zone=st.sampled_from(["Europe/Paris", "Asia/Shanghai", "America/St_Johns", "UTC"]),
    salt=st.binary(min_size=32, max_size=32),
)


@given(some_terms)
def test_terms_read_back_equal(terms: Terms) -> None:
    whole = with_sentence(terms)
    assert decode_terms(whole.encode()) == whole


@given(some_terms, st.data())
def test_a_changed_byte_is_another_consent_or_no_terms_at_all(
    terms: Terms, data: st.DataObject
) -> None:
    content = bytearray(with_sentence(terms).encode())
    at = data.draw(st.integers(0, len(content) - 1))
    content[at] ^= 1 << data.draw(st.integers(0, 7))
    try:
        changed = decode_terms(bytes(content))
    except MalformedInput:
        return
    assert changed.consent != with_sentence(terms).consent


@pytest.mark.parametrize(
    ("change", "place"),
    [
        ({"categories": ()}, "categories"),
        ({"categories": (Category.ECG, Category.ECG)}, "categories"),
        ({"purpose": "FUN"}, "purpose"),
        ({"valid_until": TERMS.valid_from}, "valid"),
        ({"data_from": Seconds(9), "data_until": Seconds(9)}, "data"),
        ({"salt": b""}, "salt"),
    ],
)
def test_what_cannot_be_meant_is_refused_by_place(change: dict[str, object], place: str) -> None:
    with pytest.raises(MalformedInput) as refused:
        check(replace(TERMS, **change))  # type: ignore[arg-type]  # Wrong on purpose.
    assert refused.value.where == place


def test_an_unknown_zone_or_language_is_refused() -> None:
    with pytest.raises(MalformedInput):
        with_sentence(replace(TERMS, zone="Mars/Olympus"))
    with pytest.raises(MalformedInput):
        with_sentence(replace(TERMS, zone="../../etc/passwd"))
    with pytest.raises(MalformedInput):
        with_sentence(replace(TERMS, language="tlh"))


def test_a_member_too_many_is_refused() -> None:
    document = json.loads(with_sentence(TERMS).encode())
    document["extra"] = 1
    with pytest.raises(MalformedInput):
        decode_terms(json.dumps(document, sort_keys=True, separators=(",", ":")).encode())
