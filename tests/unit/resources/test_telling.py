"""Every time that a resource tells counts, whichever element tells it."""

from typing import Any

import pytest

from pulsekey.resources.telling import Times, times_of
from tests.fakes.fhir_paths import plain

DAY = "2020-03-04"


def condition(**more: Any) -> dict[str, Any]:
    return plain("Condition") | more


@pytest.mark.parametrize(
    ("resource", "dates"),
    [
        (condition(onsetDateTime="2019-05"), {"2019-05", DAY}),
        (condition(abatementDateTime="2021"), {"2021", DAY}),
        (
            condition(note=[{"text": "later", "time": "2022-01-01T00:00:00Z"}]),
            {"2022-01-01T00:00:00Z", DAY},
        ),
        (condition(extension=[{"url": "u", "valueDateTime": "2023-01-01"}]), {"2023-01-01", DAY}),
        (
            condition(
                contained=[
                    {"resourceType": "Flag", "period": {"start": "2018-01-01", "end": "2018-01-02"}}
                ]
            ),
            {"2018-01-01", "2018-01-02", DAY},
        ),
        (plain("Observation") | {"issued": "2020-05-01T00:00:00Z"}, {DAY, "2020-05-01T00:00:00Z"}),
        (
            plain("Observation") | {"component": [{"valueDateTime": "2024-01-01"}]},
            {DAY, "2024-01-01"},
        ),
        (
            plain("Claim") | {"item": [{"servicedPeriod": {"start": "2017", "end": "2018"}}]},
            {DAY, "2017", "2018"},
        ),
        (
            {
                "resourceType": "Observation",
                "effectiveTiming": {"event": ["2019-01-01", "2019-02-01"]},
            },
            {"2019-01-01", "2019-02-01"},
        ),
    ],
)
def test_a_time_counts_wherever_it_stands(resource: dict[str, Any], dates: set[str]) -> None:
    found = times_of(resource)
    assert (set(found.dates), found.begins, found.ends) == (dates, True, True)


@pytest.mark.parametrize(
    "resource",
    [
        condition(meta={"lastUpdated": "2024-01-01T00:00:00Z"}),
        condition(identifier=[{"value": "2024-01-01", "period": {"start": "2024-01-01"}}]),
        condition(code={"coding": [{"version": "2024-01", "code": "2024-01-02"}], "text": "x"}),
    ],
)
def test_times_of_storage_and_of_names_do_not_count(resource: dict[str, Any]) -> None:
    assert times_of(resource) == Times((DAY,), begins=True, ends=True)


@pytest.mark.parametrize(
    ("resource", "begins", "ends"),
    [
        (plain("AllergyIntolerance"), True, True),
        (condition(onsetAge={"value": 30}), False, True),
        (condition(onsetString="as a child"), False, True),
        (condition(onsetPeriod={"end": "2019"}), False, True),
        (condition(onsetPeriod={"start": "2019"}), True, False),
        (plain("Encounter") | {"period": {"start": DAY}}, True, False),
        (plain("Encounter") | {"period": {"end": DAY}}, False, True),
        (plain("Encounter") | {"period": {"start": "some day", "end": DAY}}, False, False),
        (plain("Observation") | {"effectiveDateTime": "2026-12-02 10:00"}, False, False),
        (condition(abatementDateTime="soon"), False, False),
        ({"resourceType": "Condition", "onsetDateTime": "2019-05-01"}, False, False),
        ({"resourceType": "Observation", "valueDateTime": "2019-05-01"}, False, False),
        (plain("Patient") | {"birthDate": "1950-01-01"}, False, False),
        ({"resourceType": "Observation"}, False, False),
    ],
)
def test_what_does_not_say_when_it_began_or_ended_may_tell_of_any_time(
    resource: dict[str, Any],
    begins: bool,
    ends: bool,
) -> None:
    found = times_of(resource)
    assert (found.begins, found.ends) == (begins, ends)
