"""The portal's words: both languages complete, every key used, and every closed family covered."""

import re
from enum import IntFlag
from pathlib import Path

import pytest

from pulsekey.consent.decision import Reason as Refusal
from pulsekey.consent.sentence import catalogue as consent_words
from pulsekey.consent.terms import PURPOSES
from pulsekey.evidence.entries import Basis
from pulsekey.exchange.list_people import ACTS
from pulsekey.identity.actions import Action
from pulsekey.identity.enrolment import Method
from pulsekey.identity.lifecycle import Status
from pulsekey.identity.principals import Role
from pulsekey.ingest.recognition import FORMATS
from pulsekey.portal import catalogue
from pulsekey.portal.pages import NOT_FOUND, PAGES, TABS
from pulsekey.primitives import errors
from pulsekey.primitives.messages import catalogue as node_texts
from pulsekey.quality.wording import REASONS
from pulsekey.signals.catalogue import METRICS
from pulsekey.signals.category import CATALOGUE_VERSION, Category
from pulsekey.signals.grade import Grade, Reason

PORTAL = Path(__file__).parents[3] / "src" / "pulsekey" / "portal"
PLACE = re.compile(r"\{(\w+)\}")
QUOTED = re.compile(r"""["'`]([a-z][\w-]*(?:\.[\w-]+)+)["'`]""")
PASSKEY = (PORTAL / "static" / "passkey.js").read_text("utf-8")
EVIDENCE = (PORTAL / "static" / "evidence.js").read_text("utf-8")
READERS = EVIDENCE.partition("const READERS = {\n")[2].partition("\n};")[0]
SAID = re.compile(
    r"""say\(\s*"([^"]+)"|Broken\("([^"]+)"\)|problem: "([^"]+)"|return "([a-z][^"]* [^"]*)";"""
    r"""|refuse\([^;]*?,\s*"([^"]+)"\);|need\((?:(?!need\().)*?,\s*"([^"]+)",?\s*\);""",
    re.DOTALL,
)
STATES = {"live", "stopped", "expired", "not yet", "evidence, version 1"}
"""What the verifier says without one of its words for saying."""
PROBLEM = re.compile(r"^  (\w+):$|^  (\w+): \"", re.MULTILINE)
CODES = re.compile(r'Mismatch\("([a-z]+)"\)')


def members(flag: type[IntFlag]) -> set[str]:
    return {str(one.name).lower().replace("_", "-") for one in flag}


FAMILIES: dict[str, set[str]] = {
    "metric": set(METRICS),
    "component": {
        part.name
        for metric in METRICS.values()
        for part in metric.components
        if len(metric.components) > 1
    },
    "unit": {
        part.unit.text for metric in METRICS.values() for part in metric.components if part.unit
    },
    "answer": {
        f"{metric.name}.{index}"
        for metric in METRICS.values()
        for index in range(len(metric.components[0].answers))
    },
    "category": {str(one) for one in Category},
    "grade": {one.name.lower() for one in Grade},
    "reason": members(Reason),
    "purpose": {*PURPOSES, *(f"{one}.hint" for one in PURPOSES), "HSYSADMIN"},
    "period": {"then", "now", "always"},
    "state": {"live", "not-yet", "stopped", "held", "expired", "offered"},
    "basis": {str(one) for one in Basis},
    "refusal": {str(one) for one in Refusal},
    "role": {str(one) for one in Role},
    "status": {str(one) for one in Status},
    "method": {str(one) for one in Method},
    "format": {known.coverage.format for known in FORMATS},
    "error": {
        *(kind.__name__ for kind in errors.PulsekeyError.__subclasses__()),
        "Unreachable",
        "TokenRefused",
        "Failure",
    },
    "title": {page.name for page in (*PAGES, NOT_FOUND)},
    "tab": {name for tabs in TABS.values() for name in tabs},
    "sign-in.why": {"expired", "needed"},
    "passkey.problem": {one or two for one, two in PROBLEM.findall(PASSKEY.partition("});")[0])},
    "act": {f"{event}{part}" for event in ACTS for part in ("", ".confirm", ".text")},
    "action": {str(one) for one in Action},
    "passkeys.staff.only": {"clinician", "operator"},
    "claim": set(re.findall(r'"([a-z]+)"', EVIDENCE.partition("CLAIMS = [")[2].partition("]")[0])),
    "check.problem": {
        code
        for name in ("check.js", "sentence.js")
        for code in CODES.findall((PORTAL / "static" / name).read_text("utf-8"))
    },
}
"""Keys that are put together from a name: `family.member`, with every member there is."""

STEMS = {"pulsekey.back", "proof.part", "passkey.problem", "check.problem", "sign-in.why"}
"""Beginnings of keys, and what only looks like one."""

OPEN = ("proof", "resource", "clinical", "ucum", "fact")
"""Families of words that come from outside: what is not in them is shown as it came."""


def sources() -> str:
    files = [*PORTAL.glob("templates/*.html"), *PORTAL.glob("static/**/*.js")]
    return "\n".join(each.read_text("utf-8") for each in files if "vendor" not in each.parts)


def texts(message: catalogue.Text) -> list[str]:
    return [message] if isinstance(message, str) else list(message.values())


def test_both_languages_have_the_same_keys_with_the_same_places() -> None:
    english, chinese = (catalogue.messages(language) for language in catalogue.LANGUAGES)
    assert english.keys() == chinese.keys()
    for key in english:
        found = [
            {place for text in texts(one[key]) for place in PLACE.findall(text)} - {"count"}
            for one in (english, chinese)
        ]
        assert found[0] == found[1], key


def test_every_plural_has_the_forms_of_its_language() -> None:
    forms = {"en": {"one", "other"}, "zh-CN": {"other"}}
    for language in catalogue.LANGUAGES:
        for key, message in catalogue.messages(language).items():
            if not isinstance(message, str):
                assert message.keys() == forms[language], key


def test_every_key_that_is_used_exists() -> None:
    known = catalogue.messages("en")
    used = {key for key in QUOTED.findall(sources()) if not key.endswith((".js", ".html"))}
    called = set(re.findall(r"""\bt\(\s*["']([^"']+)["']""", sources()))
    missing = {key for key in called if key not in known and not key.endswith(".")}
    assert missing == set()
    assert {
        key for key in used if key.split(".")[0] in {each.split(".")[0] for each in known}
    } - set(known) - {
        "pulsekey.back",
        "proof.part",
        "passkey.problem",
        "check.problem",
        "sign-in.why",
    } == set()


@pytest.mark.parametrize("family", FAMILIES)
def test_a_closed_family_is_covered_and_holds_nothing_else(family: str) -> None:
    prefix = f"{family}."
    mine = {key.removeprefix(prefix) for key in catalogue.messages("en") if key.startswith(prefix)}
    others = {
        each.removeprefix(prefix).split(".")[0] for each in FAMILIES if each.startswith(prefix)
    }
    literal = {
        key.removeprefix(prefix) for key in QUOTED.findall(sources()) if key.startswith(prefix)
    }
    assert FAMILIES[family] <= mine
    assert {key for key in mine - FAMILIES[family] if key.split(".")[0] not in others} <= literal


def test_no_key_is_unused() -> None:
    used = set(QUOTED.findall(sources()))
    unused = {
        key
        for key in catalogue.messages("en")
        if key not in used
        and not any(key.startswith(f"{family}.") for family in (*FAMILIES, *OPEN))
        and not any(key.startswith(f"{stem}.") for stem in ("report", "series"))
    }
    assert unused == set()


def test_reports_and_spans_use_every_word_they_have() -> None:
    put_together = {
        "report": {"what", "new", "changed", "known", "questionable", "unusable"},
        "series": {"day", "week", "month"},
    }
    used = set(QUOTED.findall(sources()))
    for stem, names in put_together.items():
        mine = {key for key in catalogue.messages("en") if key.startswith(f"{stem}.")}
        assert mine - used == {f"{stem}.{name}" for name in names}


def test_reasons_are_named_as_in_reports() -> None:
    for language in catalogue.LANGUAGES:
        mine, node = catalogue.messages(language), node_texts(language)
        for reason in REASONS:
            assert mine[f"reason.{reason}"] == node[f"reason-{reason}"]


def test_categories_are_named_as_in_the_consent_sentence() -> None:
    for language in catalogue.LANGUAGES:
        named = consent_words(language, CATALOGUE_VERSION)["categories"]
        mine = catalogue.messages(language)
        assert {f"category.{key}": text.lower() for key, text in named.items()} == {
            key: str(text).lower() for key, text in mine.items() if key.startswith("category.")
        }


def test_whatever_the_verifier_says_is_in_the_catalogue() -> None:
    said = {next(filter(None, match.groups())) for match in SAID.finditer(EVIDENCE)} - {"0"}
    english = catalogue.messages("en")
    known = {
        str(text)
        for key, text in english.items()
        if key.startswith("proof.") and not key.startswith("proof.part.")
    }
    assert said | STATES <= known
    assert {text for text in known if f'"{text}"' not in EVIDENCE} == set()
    parts = {key.removeprefix("proof.part.") for key in english if key.startswith("proof.part.")}
    assert parts == set(re.findall(r"^  (\w+): ", READERS, re.MULTILINE))


def test_nothing_is_called_healthy_or_normal_by_us() -> None:
    words = re.compile(r"\b(normal|abnormal|healthy|unhealthy|diagnos\w*|target)\b", re.IGNORECASE)
    found = {
        key
        for key, message in catalogue.messages("en").items()
        if not key.startswith(("answer.", "category."))
        and any(words.search(t) for t in texts(message))
    }
    assert found == set()


@pytest.mark.parametrize(
    ("cookie", "accepted", "language"),
    [
        (None, "", "en"),
        (None, "zh-TW,zh;q=0.9,en;q=0.8", "zh-CN"),
        (None, "fr-FR,fr;q=0.9,en;q=0.5,zh;q=0.7", "zh-CN"),
        (None, "de,en-US;q=0.7", "en"),
        (None, "zh;q=0,en", "en"),
        (None, "*;q=0.1,;;;,q=", "en"),
        ("zh-CN", "en", "zh-CN"),
        ("tlh", "zh", "zh-CN"),
    ],
)
def test_the_language_is_the_one_chosen_else_the_one_asked_for(
    cookie: str | None, accepted: str, language: str
) -> None:
    assert catalogue.preferred(cookie, accepted) == language
