"""Our judgement of a sample: a grade, and why. A grade never touches a FHIR status."""

from enum import IntEnum, IntFlag


class Grade(IntEnum):
    """How far a sample can be relied on. Implausibility alone is never worse than questionable."""

    GOOD = 0
    QUESTIONABLE = 1
    UNUSABLE = 2


class Reason(IntFlag):
    """Why a sample is not good: one bit each, in a uint32 column. Bits are never reused."""

    IMPLAUSIBLE = 1 << 0
    """Outside the plausible range of its metric."""
    SATURATED = 1 << 1
    """At the end of the sensor's range."""
    FLAT = 1 << 2
    """Unchanged for longer than the quantity can be."""
    IMPOSSIBLE_RATE = 1 << 3
    """Changed faster than the quantity can."""
    ISOLATED = 1 << 4
    """Alone within a gap, so nothing supports it."""
    NOISY = 1 << 5
    """ECG detectors disagree."""
    DISCONNECTED = 1 << 6
    """No signal: an electrode or sensor is off."""
    CLOCK_JUMP = 1 << 7
    """The source's clock or time zone moved here."""
    SENSOR_ERROR = 1 << 8
    """The device itself reported an error value."""
    COMPRESSED = 1 << 9
    """Glucose fell and recovered as under pressure on the sensor."""
    OVERLAPPED = 1 << 10
    """Another source measured the same at the same time; a derived total counts it once."""
    CONFLICTING = 1 << 11
    """Components contradict each other, as a diastolic above its systolic."""
    UNCERTAIN_TIME = 1 << 12
    """The time zone is unknown or is the exporter's."""
    FUTURE = 1 << 13
    """Dated after it was received."""
