"""A summary in English: what its message keys say. A second language needs the same keys."""

from collections.abc import Mapping

from pulsekey.quality.summary import Summary

SENTENCES: Mapping[str, str] = {
    "quality.empty": "No data",
    "quality.samples": "{rows} samples",
    "quality.covered": "{percent}% of the time covered",
    "quality.nights": "{percent}% of the night covered",
    "quality.gap": "longest gap {minutes} minutes",
    "quality.unusable.minutes": "{minutes} minutes unusable: {reason}",
    "quality.rows": "{rows} samples marked: {reason}",
    "quality.rows.all": "all samples marked: {reason}",
}
"""English by key."""

SENTENCES_OF_ONE: Mapping[str, str] = {
    "quality.samples": "1 sample",
    "quality.gap": "longest gap 1 minute",
    "quality.unusable.minutes": "1 minute unusable: {reason}",
    "quality.rows": "1 sample marked: {reason}",
}
"""English by key, where what is counted is one."""

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


def in_english(summary: Summary) -> str:
    """Return the summary as one line: "97% of the night covered; 14 minutes unusable: ..."."""
    sentences = []
    for message in summary.messages:
        said = ", ".join(REASONS[reason] for reason in message.reasons)
        one = message.numbers.get("rows", message.numbers.get("minutes")) == 1
        wording = SENTENCES_OF_ONE if one and message.key in SENTENCES_OF_ONE else SENTENCES
        sentences.append(wording[message.key].format(**message.numbers, reason=said))
    return "; ".join(sentences)
