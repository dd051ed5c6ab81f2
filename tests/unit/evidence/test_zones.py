"""Evidence does not age with laws about clocks: another database of zones, or none, only notes."""

import json
import sys
import zoneinfo
from collections.abc import Iterator
from pathlib import Path

import pytest

from pulsekey.consent.terms import Terms, decode_terms
from pulsekey.evidence.verify import Verdict, verify
from pulsekey.evidence.zones import zone_notes
from pulsekey.primitives import canonical

STOPPED = (Path(__file__).parents[3] / "vectors" / "evidence" / "stopped.json").read_bytes()

# TZif (RFC 9636): one local time type, twice, and the rule for ever after.
_ZONE = b"TZif2" + bytes(15) + b"".join(n.to_bytes(4) for n in (0, 0, 0, 0, 1, 4))
_ZONE += (7_200).to_bytes(4) + b"\0\0" + b"+02\0"
TWO_HOURS_AHEAD = _ZONE * 2 + b"\n<+02>-2\n"


def terms() -> Terms:
    return decode_terms(canonical.encode(json.loads(STOPPED)["terms"]))


def told(verdict: Verdict) -> str:
    return next(claim.detail for claim in verdict.claims if claim.name == "terms")


@pytest.fixture
def zones(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A database of zones that is empty, in place of this machine's."""
    before = zoneinfo.TZPATH
    # The package of zones that Python falls back on, and whatever of it was imported before.
    for name in {"tzdata", *(one for one in sys.modules if one.startswith("tzdata."))}:
        monkeypatch.setitem(sys.modules, name, None)
    zoneinfo.reset_tzpath([str(tmp_path)])
    zoneinfo.ZoneInfo.clear_cache()
    yield tmp_path
    zoneinfo.reset_tzpath(before)
    zoneinfo.ZoneInfo.clear_cache()


def test_the_same_zones_are_not_worth_a_note() -> None:
    assert terms().zone == "Europe/Paris"
    assert zone_notes(terms()) == ()


@pytest.mark.usefixtures("zones")
def test_without_any_zones_evidence_holds() -> None:
    verdict = verify(STOPPED)
    assert verdict.failed == ()
    assert told(verdict).endswith("; the time zone Europe/Paris is not known here")


def test_after_a_law_about_clocks_evidence_holds(zones: Path) -> None:
    (zones / "Europe").mkdir()
    # Summer time for good: Paris as a zone that is two hours ahead all year.
    (zones / "Europe" / "Paris").write_bytes(TWO_HOURS_AHEAD)
    verdict = verify(STOPPED)
    assert verdict.failed == ()
    assert told(verdict).endswith("here Europe/Paris has another clock than the terms, UTC+1.00 h")
