"""Every metric we know, by name. Codes: LOINC, else IEEE 11073 MDC, else our published CodeSystem."""

from pulsekey.signals.category import Category
from pulsekey.signals.metric import LOINC, Code, Component, Metric, Shape, Unit

PER_MINUTE = Unit("/min", "beats/minute")
MM_HG = Unit("mm[Hg]", "mmHg")


def _single(name: str, shape: Shape, category: Category, unit: Unit, *codes: Code) -> Metric:
    return Metric(name, shape, category, codes, (Component(name, codes, unit),))


HEART_RATE = _single(
    "heart-rate",
    Shape.POINT,
    Category.HEART_RATE,
    PER_MINUTE,
    Code(LOINC, "8867-4", "Heart rate"),
)
BLOOD_PRESSURE = Metric(
    "blood-pressure",
    Shape.PANEL,
    Category.BLOOD_PRESSURE,
    (Code(LOINC, "85354-9", "Blood pressure panel with all children optional"),),
    (
        Component("systolic", (Code(LOINC, "8480-6", "Systolic blood pressure"),), MM_HG),
        Component("diastolic", (Code(LOINC, "8462-4", "Diastolic blood pressure"),), MM_HG),
    ),
)

METRICS: dict[str, Metric] = {metric.name: metric for metric in (HEART_RATE, BLOOD_PRESSURE)}
