"""Writes docs/quality.md from the rules, so that the page cannot differ from the program."""

import inspect
from collections.abc import Callable

from pulsekey.quality import checks, detectors, ecg, grading, overlap, shapes, sources, summary
from pulsekey.quality.grading import GRADE_OF
from pulsekey.quality.rules import Bounds, MetricRules
from pulsekey.quality.sources import PUBLICATIONS
from pulsekey.quality.table import BY_DEFINITION, RULES
from pulsekey.signals.grade import Reason

DESCRIBED: tuple[tuple[str, str, Callable[..., object]], ...] = (
    ("Plausible range", "IMPLAUSIBLE", checks.implausible),
    ("End of the sensor's range", "SATURATED", checks.saturated),
    ("Flat line", "FLAT", checks.flat),
    ("Impossible rate", "IMPOSSIBLE_RATE", checks.too_fast),
    ("Impossible pace within an interval", "IMPOSSIBLE_RATE", checks.too_dense),
    ("Alone in a gap", "ISOLATED", checks.lonely),
    ("Contradictory panel", "CONFLICTING", checks.contradictory),
    ("Pressure on a glucose sensor", "COMPRESSED", shapes.compressed),
    ("Error value of the device", "SENSOR_ERROR", grading.in_error),
    ("Clock ran backwards", "CLOCK_JUMP", checks.rewound),
    ("Offset or basis changed", "CLOCK_JUMP", checks.zone_moved),
    ("Uncertain time", "UNCERTAIN_TIME", checks.uncertain),
    ("Date in the future", "FUTURE", checks.in_future),
    ("ECG window", "NOISY, DISCONNECTED, SATURATED", ecg.grade_lead),
    ("ECG detector by slope", "", detectors.peaks_by_slope),
    ("ECG detector by energy", "", detectors.peaks_by_energy),
    ("Agreement of the detectors", "", ecg.agreement_share),
    ("Usual interval", "", summary.interval_seconds),
)
"""Every rule: what it is called, the reasons it gives, and where it stands."""


def handbook() -> str:
    """Return the whole page as Markdown."""
    lines = [
        "# How measurements are graded",
        "",
        "Written by `python -m pulsekey.quality.handbook` from the rules; do not edit by hand.",
        "",
        _text(grading),
        "",
        "## Reasons",
        "",
        "| reason | lowers to | bit |",
        "|---|---|---|",
        *(_reason(reason) for reason in Reason),
        "",
        "## Rules",
        "",
    ]
    for title, reasons, rule in DESCRIBED:
        said = f" ({reasons})" if reasons else ""
        lines += [f"### {title}{said}", "", _text(rule), ""]
    lines += ["## Waveforms", "", _text(ecg), "", _text(ecg.grade_block), ""]
    lines += ["## Daily totals", "", _text(overlap), ""]
    lines += ["## Summaries", "", _text(summary), ""]
    lines += [
        "## Limits of each metric",
        "",
        "| metric | rule | limit | source |",
        "|---|---|---|---|",
    ]
    for name, rules in RULES.items():
        rows = limits(rules) or [("none", rules.none_because, "")]
        lines += [f"| {name} | {rule} | {limit} | {source} |" for rule, limit, source in rows]
    lines += ["", "## Publications", "", _text(sources), ""]
    lines += ["| publication | where | seen |", "|---|---|---|"]
    lines += [f"| {each.name} | {each.place} | {each.seen} |" for each in PUBLICATIONS]
    return "\n".join(lines) + "\n"


def _text(thing: object) -> str:
    return inspect.getdoc(thing) or ""


def _reason(reason: Reason) -> str:
    if reason in (Reason.NOISY, Reason.DISCONNECTED):
        lowers = "questionable or unusable"
    elif reason is Reason.SATURATED:
        lowers = "questionable; unusable for most of a waveform's window"
    elif reason is Reason.CLOCK_JUMP:
        lowers = "questionable where the clock ran backwards, else noted"
    else:
        lowers = GRADE_OF[reason].name.lower() if reason in GRADE_OF else "nothing: noted"
    return f"| {reason.name} | {lowers} | {int(reason):#x} |"


def limits(rules: MetricRules) -> list[tuple[str, str, str]]:
    """Return name, limit and source of each rule of a metric."""
    if rules.none_because:
        return []
    rows = [(f"range of {each.component}", _range(each), each.source) for each in rules.bounds]
    if rules.greater:
        rows.append(
            ("contradiction", f"{rules.smaller} at or above {rules.greater}", BY_DEFINITION)
        )
    if (sensor := rules.sensor) is not None:
        stops = ", ".join(f"{stop:.4g}" for stop in (sensor.low, *sensor.stops, sensor.high))
        rows.append(("ends of the sensor", stops, sensor.source))
    if (rate := rules.rate) is not None:
        limit = f"{rate.per_second:.4g} a second, neighbours within {rate.across_seconds:.4g} s"
        rows.append(("fastest change", limit, rate.source))
    if (pace := rules.pace) is not None:
        rows.append(("most in a second", f"{pace.per_second:.4g}", pace.source))
    if (flat := rules.flat) is not None:
        rows.append(("flat", f"{flat.seconds:.4g} s and {flat.rows} rows", flat.source))
    if (lonely := rules.lonely) is not None:
        rows.append(("alone", f"{lonely.gap_seconds:.4g} s to both sides", lonely.source))
    if (pressed := rules.compression) is not None:
        limit = f"falls and rises by {pressed.steep:.4g}, level within {pressed.level:.4g}"
        rows.append(("compression", limit, pressed.source))
    return rows


def _range(bounds: Bounds) -> str:
    if bounds.high == float("inf"):
        return f"at least {bounds.low:.4g} {bounds.ucum}"
    return f"{bounds.low:.4g} to {bounds.high:.4g} {bounds.ucum}"


if __name__ == "__main__":
    print(handbook(), end="")
