"""The codes that an answer carries are the standard's, each with the standard's own display."""

import pytest

from pulsekey.api.callers import PORTAL_PURPOSE
from pulsekey.consent.terms import PURPOSES
from pulsekey.exchange.gate import MAINTENANCE_PURPOSE, SELF_PURPOSE
from pulsekey.fhir import systems
from pulsekey.signals.catalogue import METRICS
from pulsekey.signals.category import Category
from pulsekey.signals.electrocardiography import LEADS
from pulsekey.signals.grade import Reason
from pulsekey.signals.metric import MDC
from pulsekey.signals.series import Absence

# HL7 terminology (terminology.hl7.org) 5 and 6, as far as it could be ours.
OBSERVATION_CATEGORY = {
    "social-history": "Social History",
    "vital-signs": "Vital Signs",
    "imaging": "Imaging",
    "laboratory": "Laboratory",
    "procedure": "Procedure",
    "survey": "Survey",
    "exam": "Exam",
    "therapy": "Therapy",
    "activity": "Activity",
}
DATA_ABSENT_REASON = {
    "unknown": "Unknown",
    "not-applicable": "Not Applicable",
    "error": "Error",
    "not-performed": "Not Performed",
    "not-permitted": "Not Permitted",
}
PURPOSE_OF_USE = {
    *("CAREMGT", "DONAT", "FRAUD", "GOV", "HACCRED", "HCOMPL", "HDECD", "HDIRECT", "HDM", "HLEGAL"),
    *("HMARKT", "HOPERAT", "HOUTCOMS", "HPAYMT", "HPRGRP", "HQUALIMP", "HRESCH", "HSYSADMIN"),
    *("HTEST", "LABELING", "METAMGT", "PATADMIN", "PATRQT", "PATSFTY", "PERFMSR", "PUBHLTH"),
    *("RECORDMGT", "SYSDEV", "TRAIN", "TREAT", "ETREAT", "BTG", "COC", "ERTREAT", "CLINTRCH"),
}
VITAL_SIGNS = {
    # FHIR R4, vital signs profiles: the code that each of them asks for, and its unit.
    "respiratory-rate": ("9279-1", "/min"),
    "heart-rate": ("8867-4", "/min"),
    "oxygen-saturation": ("2708-6", "%"),
    "body-temperature": ("8310-5", "Cel"),
    "body-height": ("8302-2", "cm"),
    "body-weight": ("29463-7", "kg"),
    "body-mass-index": ("39156-5", "kg/m2"),
    "blood-pressure": ("85354-9", "mm[Hg]"),
}


def test_categories_of_observations_are_the_standards() -> None:
    for code, display in systems.OBSERVATION_CATEGORIES.values():
        assert OBSERVATION_CATEGORY[code] == display


def test_a_category_is_the_standards_only_where_it_means_the_same() -> None:
    left = {metric.category for metric in METRICS.values()} - systems.OBSERVATION_CATEGORIES.keys()
    assert left == {
        # A mindful session is no questionnaire, a place no activity, a drink no answer.
        *(Category.MENTAL_HEALTH, Category.LOCATION, Category.SUBSTANCE_USE, Category.MEDICATION),
        *(Category.NUTRITION, Category.HEARING, Category.REPRODUCTIVE_HEALTH),
    }


def test_reasons_for_absent_data_are_the_standards() -> None:
    for code, display in (*systems.ABSENCES.values(), systems.ERROR):
        assert DATA_ABSENT_REASON[code] == display
    assert systems.ABSENCES.keys() == set(Absence) - {Absence.NONE}


def test_purposes_are_purposes_of_use() -> None:
    assert {*PURPOSES, PORTAL_PURPOSE, SELF_PURPOSE, MAINTENANCE_PURPOSE} <= PURPOSE_OF_USE


def test_reasons_of_grades_have_distinct_codes() -> None:
    codes = [systems.reason_codes(int(reason)) for reason in Reason]
    assert all(len(each) == 1 for each in codes)
    assert len({each for (each,) in codes}) == len(Reason)
    assert systems.reason_codes(int(Reason.FLAT | Reason.NOISY)) == ["flat", "noisy"]


@pytest.mark.parametrize("name", VITAL_SIGNS)
def test_a_vital_sign_carries_the_code_and_unit_that_r4_asks_for(name: str) -> None:
    code, ucum = VITAL_SIGNS[name]
    metric = METRICS[name]
    assert code in {each.code for each in metric.codes}
    assert {part.unit.ucum for part in metric.components if part.unit} == {ucum}
    assert systems.OBSERVATION_CATEGORIES[metric.category] == ("vital-signs", "Vital Signs")


@pytest.mark.parametrize(
    ("lead", "number"),
    [
        *((f"v{each}", 3 + each - 1) for each in range(1, 7)),
        *(("i", 1), ("ii", 2), ("iii", 61), ("avr", 62), ("avl", 63), ("avf", 64)),
    ],
)
def test_a_lead_is_its_number_above_the_electric_potential_of_an_ecg(
    lead: str, number: int
) -> None:
    # IEEE 11073-10101: MDC_ECG_ELEC_POTL is 2 * 2**16 + 256, a lead adds its own number.
    assert (LEADS[lead].system, LEADS[lead].code) == (MDC, str(2 * 2**16 + 256 + number))
