"""docs/quality.md is what the rules say, and the rules say all."""

import re
from pathlib import Path

import pytest

from pulsekey.quality import checks, shapes
from pulsekey.quality.grading import GRADE_OF
from pulsekey.quality.handbook import DESCRIBED, handbook, limits
from pulsekey.quality.sources import PUBLICATIONS, Seen
from pulsekey.quality.table import BY_DEFINITION, RULES
from pulsekey.signals.grade import Grade, Reason

CITATION = re.compile(
    r"[A-ZÄÖÜ][\w-]+(?:(?:, [A-Z][\w-]+)* and [A-Z][\w-]+| et al\.)? (?:19|20)\d\d(?=,)"
)
"""Names and a year with a comma behind it, as every citation here is written."""
PAGE = Path(__file__).parents[3] / "docs" / "quality.md"


def test_the_page_is_what_the_rules_say() -> None:
    cure = "write it anew: python -m pulsekey.quality.handbook > docs/quality.md"
    assert PAGE.read_text(encoding="utf-8") == handbook(), cure


def test_every_check_is_described() -> None:
    described = {rule for _, _, rule in DESCRIBED}
    public = {
        getattr(module, name)
        for module in (checks, shapes)
        for name, thing in vars(module).items()
        if callable(thing)
        and not name.startswith("_")
        and getattr(thing, "__module__", "") == module.__name__
    }
    assert public - {checks.local_micros} <= described


@pytest.mark.parametrize(("title", "reasons", "rule"), DESCRIBED, ids=[one[0] for one in DESCRIBED])
def test_every_rule_says_what_it_rests_on(title: str, reasons: str, rule: object) -> None:
    text = " ".join((rule.__doc__ or "").split())
    named = any(each.name in text for each in PUBLICATIONS)
    said = re.search(r"The rule is ours|By definition|RFC \d+|the metric's own source", text)
    assert named or said, (title, reasons)


def test_every_citation_stands_among_the_publications() -> None:
    page = " ".join(handbook().partition("## Publications")[0].split())
    known = {each.name for each in PUBLICATIONS}
    cited = {found.group() for found in CITATION.finditer(page)}
    assert len(cited) > 25
    unknown = {each for each in cited if not any(each in name for name in known)}
    assert unknown == set()


def test_every_publication_is_cited() -> None:
    page = " ".join(handbook().partition("## Publications")[0].split())
    assert [each.name for each in PUBLICATIONS if each.name not in page] == []


def test_publications_have_a_place_and_no_two_the_same_name() -> None:
    assert len({each.name for each in PUBLICATIONS}) == len(PUBLICATIONS)
    assert [each.name for each in PUBLICATIONS if not each.place] == []


@pytest.mark.parametrize("name", RULES)
def test_a_number_rests_on_what_was_read_or_is_ours(name: str) -> None:
    for _, _, source in limits(RULES[name]):
        named = [each for each in PUBLICATIONS if each.name in source]
        stated = source.startswith(("ours", BY_DEFINITION, "60,000 by", "a local day", "Guinness"))
        assert stated or named, source
        if not stated:
            assert all(each.seen in {Seen.READ, Seen.QUOTED} for each in named), source


def test_every_metric_is_on_the_page() -> None:
    page = handbook()
    assert all(f"| {name} |" in page for name in RULES)


def test_implausibility_is_never_worse_than_questionable() -> None:
    assert GRADE_OF[Reason.IMPLAUSIBLE] is Grade.QUESTIONABLE
