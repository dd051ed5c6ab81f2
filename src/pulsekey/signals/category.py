"""What consent speaks about: a closed, versioned table in which everything has exactly one category."""

from enum import StrEnum

CATALOGUE_VERSION = 1


class Category(StrEnum):
    """The unit of consent. Adding or moving one needs a new catalogue version."""

    ACTIVITY = "activity"
    BLOOD_PRESSURE = "blood-pressure"
    BODY = "body"
    CARE_PLANS = "care-plans"
    ALLERGIES = "allergies"
    CONDITIONS = "conditions"
    DEMOGRAPHICS = "demographics"
    DEVICES = "devices"
    DOCUMENTS = "documents"
    ECG = "ecg"
    ENCOUNTERS = "encounters"
    EXERCISE = "exercise"
    GLUCOSE = "glucose"
    HEART_RATE = "heart-rate"
    IMAGING = "imaging"
    IMMUNISATIONS = "immunisations"
    INSURANCE = "insurance"
    LABORATORY = "laboratory"
    LOCATION = "location"
    MEDICATION = "medication"
    MENTAL_HEALTH = "mental-health"
    OXYGEN = "oxygen"
    PROCEDURES = "procedures"
    REPORTS = "reports"
    RESPIRATION = "respiration"
    SKIN = "skin"
    SLEEP = "sleep"
    SOCIAL_HISTORY = "social-history"
    TEMPERATURE = "temperature"
    UNCLASSIFIED = "unclassified"
    """What is not mapped. It opens only when it is named."""
