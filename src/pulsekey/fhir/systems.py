"""The URLs that our FHIR speaks in, and how a consent category appears as an Observation category.

A URL here is a promise to every reader of stored answers: it is added to, never changed.
"""

from pulsekey.primitives.ids import SeriesId
from pulsekey.signals.category import Category
from pulsekey.signals.grade import Reason
from pulsekey.signals.series import Absence

FHIR_VERSION = "4.0.1"
MEDIA_TYPE = "application/fhir+json"

_OURS = "https://pulsekey.health/fhir"
CATEGORY = f"{_OURS}/CodeSystem/category"
GRADE = f"{_OURS}/CodeSystem/grade"
GRADE_REASON = f"{_OURS}/CodeSystem/grade-reason"
SOURCE = f"{_OURS}/NamingSystem/source"

RAW_VALUE = f"{_OURS}/StructureDefinition/raw-value"
"""On an Observation or component: the value (Quantity or concept) of a sample graded unusable."""
GIVEN_VALUE = f"{_OURS}/StructureDefinition/given-value"
"""On a Quantity: the value in the unit in which the source gave it."""
LOCAL_TIME = f"{_OURS}/StructureDefinition/local-time"
"""On a date: the wall-clock time (ISO 8601, no zone) of an event whose zone nobody knows."""
SAMPLING_RATE = f"{_OURS}/StructureDefinition/sampling-rate"
"""On SampledData: samples a second as an exact Ratio where the period is no exact decimal."""
GRADED_WINDOW = f"{_OURS}/StructureDefinition/graded-window"
"""On a waveform: a window of it that is not good: its Period, its grade and the reasons."""

ABSENT = "http://terminology.hl7.org/CodeSystem/data-absent-reason"
OBSERVATION_CATEGORY = "http://terminology.hl7.org/CodeSystem/observation-category"
URI = "urn:ietf:rfc:3986"

OBSERVATION_CATEGORIES: dict[Category, tuple[str, str]] = {
    **dict.fromkeys(
        (
            *(Category.HEART_RATE, Category.BLOOD_PRESSURE, Category.OXYGEN, Category.TEMPERATURE),
            *(Category.RESPIRATION, Category.BODY),
        ),
        ("vital-signs", "Vital Signs"),
    ),
    **dict.fromkeys((Category.GLUCOSE, Category.LABORATORY), ("laboratory", "Laboratory")),
    **dict.fromkeys(
        (Category.ACTIVITY, Category.EXERCISE, Category.SLEEP),
        ("activity", "Activity"),
    ),
    Category.ECG: ("procedure", "Procedure"),
    Category.IMAGING: ("imaging", "Imaging"),
    Category.SOCIAL_HISTORY: ("social-history", "Social History"),
}
"""The standard's own Observation category of ours, where it has one. A place is no activity, and a
mindful session fills in no form."""

ABSENCES: dict[Absence, tuple[str, str]] = {
    Absence.SENSOR: ("unknown", "Unknown"),
    Absence.NOT_MEASURED: ("not-performed", "Not Performed"),
}
ERROR = ("error", "Error")


def reason_codes(bits: int) -> list[str]:
    """Return the codes of the reasons in a bit set, as impossible-rate."""
    return [str(one.name).lower().replace("_", "-") for one in Reason if bits & one]


def observation_id(series_id: SeriesId, ordinal: int) -> str:
    """Return the id of a sample: stable through re-import, re-grading and re-segmentation."""
    return f"{series_id}-{ordinal}"
