"""docs/quality.md is what the rules say, and the rules say all."""

from pathlib import Path

import pytest

from pulsekey.quality import checks, shapes
from pulsekey.quality.grading import GRADE_OF
from pulsekey.quality.handbook import DESCRIBED, handbook
from pulsekey.quality.table import RULES
from pulsekey.signals.grade import Grade, Reason

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
def test_every_rule_names_its_publication(title: str, reasons: str, rule: object) -> None:
    text = rule.__doc__ or ""
    if rule is checks.too_dense:
        assert "source" in text
    else:
        assert any(f" {year}" in text or f":{year}" in text for year in range(1980, 2027)) or (
            "RFC" in text
        ), (title, reasons)


def test_every_metric_is_on_the_page() -> None:
    page = handbook()
    assert all(f"| {name} |" in page for name in RULES)


def test_implausibility_is_never_worse_than_questionable() -> None:
    assert GRADE_OF[Reason.IMPLAUSIBLE] is Grade.QUESTIONABLE
