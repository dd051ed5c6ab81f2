"""A summary in words: what its message keys say, as texts that every language has."""

from collections.abc import Callable, Mapping
from functools import reduce

from pulsekey.primitives.messages import Said
from pulsekey.quality.summary import Message, Summary

REASONS: Mapping[str, str] = {
    "implausible": "outside the plausible range",
    "saturated": "at the end of the sensor's range",
    "flat": "unchanged for longer than is likely",
    "impossible-rate": "changed faster than a body can",
    "isolated": "alone within a gap",
    "noisy": "noisy signal",
    "disconnected": "no signal",
    "clock-jump": "clock or time zone moved",
    "sensor-error": "sensor reported an error",
    "compressed": "sensor compressed",
    "overlapped": "counted by another source too",
    "conflicting": "values contradict each other",
    "uncertain-time": "time zone not certain",
    "future": "dated after it was received",
}
"""English by the name of a reason."""


def in_words(summary: Summary) -> Said:
    """Return the summary as one line: "97% of the time covered; 14 minutes unusable: ..."."""
    return reduce(_and_then, (SENTENCES[one.key](one) for one in summary.messages))


def _covered(message: Message) -> Said:
    return Said("{percent}% of the time covered", percent=_number(message, "percent"))


def _nights(message: Message) -> Said:
    return Said("{percent}% of the night covered", percent=_number(message, "percent"))


def _samples(message: Message) -> Said:
    return Said("{count} samples", count=_number(message, "rows"))


def _gap(message: Message) -> Said:
    return Said("longest gap {count} minutes", count=_number(message, "minutes"))


def _unusable(message: Message) -> Said:
    minutes, reason = _number(message, "minutes"), _reasons(message)
    return Said("{count} minutes unusable: {reason}", count=minutes, reason=reason)


def _rows(message: Message) -> Said:
    rows, reason = _number(message, "rows"), _reasons(message)
    return Said("{count} samples marked: {reason}", count=rows, reason=reason)


def _all_rows(message: Message) -> Said:
    return Said("all samples marked: {reason}", reason=_reasons(message))


SENTENCES: Mapping[str, Callable[[Message], Said]] = {
    "quality.empty": lambda _: Said("No data"),
    "quality.samples": _samples,
    "quality.covered": _covered,
    "quality.nights": _nights,
    "quality.gap": _gap,
    "quality.unusable.minutes": _unusable,
    "quality.rows": _rows,
    "quality.rows.all": _all_rows,
}
"""What each key of a summary says."""


def _number(message: Message, name: str) -> int:
    return round(message.numbers[name])


def _reasons(message: Message) -> Said:
    return reduce(_beside, (Said(REASONS[reason]) for reason in message.reasons))


def _and_then(one: Said, two: Said) -> Said:
    return Said("{one}; {two}", one=one, two=two)


def _beside(one: Said, two: Said) -> Said:
    return Said("{one}, {two}", one=one, two=two)
