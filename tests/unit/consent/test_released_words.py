"""Words that were once signed stay: a released version of the catalogue never changes."""

import json
import re
from dataclasses import replace
from hashlib import sha256
from importlib import resources
from pathlib import Path

import pytest

from pulsekey.consent.sentence import LANGUAGES, VERSIONS, released, sentence, with_sentence
from pulsekey.evidence.shapes import TERMS as SHAPE
from pulsekey.primitives import canonical
from pulsekey.primitives.errors import MalformedInput
from pulsekey.signals.category import CATALOGUE_VERSION, Category
from tests.unit.consent.test_terms import TERMS

FILES = Path(str(resources.files("pulsekey.consent"))) / "catalogue"
STATIC = Path(str(resources.files("pulsekey.portal"))) / "static"

DIGESTS = {
    (1, "en"): "90bb65a54947172f36283f966a868df214726264fe2390f5c16bbb147bfc92f6",
    (1, "zh-CN"): "7ebca7ad8f2107a12915ed7f446caf8f4e399235327166009549c07375060204",
}
"""SHA-256 of the words of each released version, as canonical JSON. Never change a line here."""

ADD_ONE = (
    "a released version of the consent's words has changed, and every consent that was signed with "
    "it would no longer verify: undo that, copy the folder to the next number, change the words "
    "there, raise VERSIONS, CATALOGUE_VERSION and RELEASED in evidence.js, and add its digests here"
)


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("language", LANGUAGES)
def test_a_released_version_of_the_words_never_changes(version: int, language: str) -> None:
    words = json.loads((FILES / str(version) / f"{language}.json").read_text("utf-8"))
    found = sha256(canonical.encode(words)).hexdigest()
    assert DIGESTS.get((version, language)) == found, ADD_ONE


def test_every_version_that_is_kept_is_released_and_the_newest_is_signed() -> None:
    assert sorted(int(folder.name) for folder in FILES.iterdir()) == list(VERSIONS)
    assert {version for version, _ in DIGESTS} == set(VERSIONS)
    assert max(VERSIONS) == CATALOGUE_VERSION == TERMS.catalogue


def test_the_newest_version_has_words_for_every_category_and_no_other() -> None:
    for language in LANGUAGES:
        newest = released(language)[str(CATALOGUE_VERSION)]
        assert newest["categories"].keys() == {str(one) for one in Category}, ADD_ONE


def test_the_browsers_verifier_knows_the_same_versions() -> None:
    source = (STATIC / "evidence.js").read_text("utf-8")
    table = re.search(r"^const RELEASED = \{(.*?)\};", source, re.MULTILINE)
    assert table is not None
    assert [int(version) for version in re.findall(r"(\d+):", table[1])] == list(VERSIONS)


def test_terms_are_put_into_the_words_of_their_own_version(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    signed = with_sentence(TERMS)
    newer = json.loads(json.dumps(released(TERMS.language)["1"]))
    newer["sentence"]["self"] = "Other words for {recipient}."
    words = {1: released(TERMS.language)["1"], 2: newer}
    monkeypatch.setattr("pulsekey.consent.sentence.catalogue", lambda _, version: words[version])
    assert sentence(signed) == signed.sentence
    assert sentence(replace(signed, catalogue=2)).startswith("Other words for")


@pytest.mark.parametrize("version", [0, 2, True, "1", None])
def test_words_of_an_unknown_version_are_refused(version: object) -> None:
    document = TERMS.document()
    assert isinstance(document, dict)
    assert SHAPE(document)
    assert not SHAPE({**document, "catalogue": version})  # type: ignore[dict-item] # That is the test.


def test_a_sentence_in_words_that_do_not_exist_is_refused() -> None:
    with pytest.raises(MalformedInput, match="unknown version"):
        sentence(replace(TERMS, catalogue=99))
