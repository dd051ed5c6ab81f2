"""One search over samples and documents: what is rendered matches as its row did."""

import json
from dataclasses import replace

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pulsekey.fhir.matching import (
    block_matches,
    document_matches,
    document_windows,
    rows_match,
    series_matches,
    windows,
)
from pulsekey.fhir.render import observations
from pulsekey.fhir.search import Search, compile_search
from pulsekey.fhir.waveforms import waveform
from pulsekey.primitives.clock import Micros
from pulsekey.signals.catalogue import BLOOD_PRESSURE, HEART_RATE, METRICS
from pulsekey.signals.category import Category
from pulsekey.signals.electrocardiography import ECG, LEADS
from pulsekey.signals.series import OFFSET_UNKNOWN, Basis
from pulsekey.vault.records import EAST_MICROS, WEST_MICROS, Samples, Window
from tests.fakes.fhir_samples import (
    MINUTE,
    NEW_YEAR,
    PATIENT,
    SERIES,
    block,
    document,
    numbers,
    samples,
    times,
)

NOW = Micros(NEW_YEAR)
STEPS = METRICS["steps"]


def ask(*parameters: tuple[str, str], kind: str = "Observation") -> Search:
    return compile_search(kind, parameters, now=NOW)


PREFIXES = ["", "eq", "ne", "gt", "lt", "ge", "le", "sa", "eb", "ap"]
DATES = [
    *("2025", "2026", "2025-12", "2026-01", "2025-12-31", "2026-01-01", "2026-01-02"),
    *("2026-01-01T00:00Z", "2026-01-01T00:00:00Z", "2025-12-31T23:59:59Z"),
    *("2026-01-01T00:00:00.000Z", "2026-01-01T00:00:00.001Z", "2026-01-01T00:00:00.000001Z"),
    *("2026-01-01T05:30:00+05:30", "2026-01-01T00:01:00Z"),
]
DAY = 86_400_000_000
SHIFTS = [-MINUTE, -1_000_000, -1, 0, 1, 1_000, 1_000_000, MINUTE, DAY]
LENGTHS = [0, 1, MINUTE, DAY]
ROWS = [
    (shift, length, basis, offset)
    for shift in SHIFTS
    for length in LENGTHS
    for basis, offset in zip(Basis, (-300, 330, OFFSET_UNKNOWN, 0, 60), strict=True)
]
"""Times on and about the bounds of the dates above: collisions, not variety."""


def opened(rows: list[tuple[int, int, Basis, int]], *, interval: bool) -> Samples:
    at = times([NEW_YEAR + shift for shift, *_ in rows], basis=[basis for *_, basis, _ in rows])
    lasting = np.array([length if interval else 0 for _, length, *_ in rows], np.int64)
    at = replace(
        at, end=at.start + lasting, offset=np.array([offset for *_, offset in rows], np.int16)
    )
    values = numbers([7] * len(rows))
    return samples(STEPS if interval else HEART_RATE, at, values, first_ordinal=9)


@pytest.mark.parametrize("prefix", PREFIXES)
@pytest.mark.parametrize("interval", [False, True])
def test_a_sample_matches_exactly_if_its_rendered_observation_does(
    prefix: str, *, interval: bool
) -> None:
    found = opened([row for row in ROWS if interval or row[1] == 0], interval=interval)
    records = [document("Observation", content) for content in observations(found)]
    for date in DATES:
        search = ask(("date", prefix + date))
        as_documents = [document_matches(search, record) for record in records]
        assert rows_match(search, found).tolist() == as_documents, date
        for row in np.flatnonzero(np.array(as_documents)).tolist():
            assert all(lets_through(window, found, row) for window in windows(search)), date


@given(
    st.lists(
        st.lists(
            st.tuples(st.sampled_from(PREFIXES), st.sampled_from(DATES)), min_size=1, max_size=3
        ),
        min_size=1,
        max_size=2,
    )
)
def test_several_dates_narrow_and_widen_alike(asked: list[list[tuple[str, str]]]) -> None:
    search = ask(*[("date", ",".join(map("".join, some))) for some in asked])
    found = opened(ROWS[::7], interval=True)
    as_documents = [
        document_matches(search, document("Observation", content))
        for content in observations(found)
    ]
    assert rows_match(search, found).tolist() == as_documents
    for row in np.flatnonzero(np.array(as_documents)).tolist():
        assert all(lets_through(window, found, row) for window in windows(search))


def lets_through(window: Window, found: Samples, row: int) -> bool:
    """Judge a window as the vault promises to: a floating time in whatever zone it is."""
    start, end = int(found.series.times.start[row]), int(found.series.times.end[row])
    early, late = (EAST_MICROS, WEST_MICROS) if found.series.times.basis[row] == 3 else (0, 0)
    return (
        (window.start_min is None or start - early >= window.start_min)
        and (window.start_max is None or start + late <= window.start_max)
        and (window.end_min is None or end - early >= window.end_min)
        and (window.end_max is None or end + late <= window.end_max)
    )


def test_a_document_window_never_asks_where_it_ends() -> None:
    for window in document_windows(ask(("date", "gt2026"), ("date", "2026"))):
        assert window.end_min is None
        assert window.end_max is None


SERIES_QUESTIONS = [
    ({"code": "8867-4"}, True),
    ({"code": "http://loinc.org|8867-4"}, True),
    ({"code": "http://loinc.org|"}, True),
    ({"code": "|8867-4"}, False),
    ({"code": "http://snomed.info/sct|8867-4"}, False),
    ({"code": "8480-6,8867-4"}, True),
    ({"code": "8867"}, False),
    ({"category": "vital-signs"}, True),
    ({"category": "heart-rate"}, True),
    ({"category": "https://pulsekey.health/fhir/CodeSystem/category|heart-rate"}, True),
    ({"category": "laboratory"}, False),
    ({"patient": PATIENT}, True),
    ({"subject": f"Patient/{PATIENT}"}, True),
    ({"patient": "somebody"}, False),
    ({"patient": f"somebody,{PATIENT}", "category": "laboratory"}, False),
]


@pytest.mark.parametrize(("asked", "answer"), SERIES_QUESTIONS)
def test_a_series_and_its_observations_answer_alike(asked: dict[str, str], *, answer: bool) -> None:
    search = ask(*asked.items())
    found = samples(HEART_RATE, times([NEW_YEAR]), numbers([61]))
    (content,) = observations(found)
    record = document("Observation", content, category=Category.HEART_RATE)
    assert series_matches(search, found.entry) is answer
    assert document_matches(search, record) is answer


def test_a_component_is_not_found_by_code() -> None:
    entry = samples(BLOOD_PRESSURE, times([NEW_YEAR]), numbers([1]), numbers([1])).entry
    assert series_matches(ask(("code", "85354-9")), entry)
    assert not series_matches(ask(("code", "8480-6")), entry)
    assert not series_matches(ask(kind="Condition"), entry)


def test_ids_and_updates_choose_rows() -> None:
    found = opened([(0, 0, Basis.RECORDED, 0)] * 3, interval=False)
    assert rows_match(ask(("_id", f"{SERIES}-10,{SERIES}-011,x-9")), found).tolist() == [
        False,
        True,
        False,
    ]
    assert rows_match(ask(("_id", f"{SERIES}-9999999999999999999")), found).sum() == 0
    assert rows_match(ask(("_lastUpdated", "2026-01-01")), found).all()
    assert not rows_match(ask(("_lastUpdated", "gt2026-01-01")), found).any()


@pytest.mark.parametrize("basis", [Basis.RECORDED, Basis.FLOATING])
@pytest.mark.parametrize(
    "asked", ["2026-01-01", "gt2026-01-01T00:00:04Z", "lt2026", "sa2025", "eb2026-01-01T00:00:08Z"]
)
def test_a_block_matches_as_its_observation_does(basis: Basis, asked: str) -> None:
    record = block(ECG, [LEADS["v1"]], [1] * 2_000, basis=basis)
    for search in (ask(("date", asked)), ask(("_id", f"{SERIES}-3")), ask(("_id", f"{SERIES}-4"))):
        as_document = replace(
            document("Observation", waveform(record)), id=f"{SERIES}-{record.head.ordinal}"
        )
        assert block_matches(search, record.head, basis) is document_matches(search, as_document)


CONDITION = json.dumps(
    {
        "resourceType": "Condition",
        "subject": {"reference": "urn:uuid:1"},
        "code": {
            "coding": [{"system": "http://snomed.info/sct", "code": "44054006"}, {"code": "x"}]
        },
        "category": [{"coding": [{"code": "encounter-diagnosis"}]}],
    }
).encode()


@pytest.mark.parametrize(
    ("name", "value", "answer"),
    [
        ("code", "44054006", True),
        ("code", "|x", True),
        ("code", "|44054006", False),
        ("category", "encounter-diagnosis", True),
        ("category", "conditions", True),
        ("patient", PATIENT, True),
        ("patient", "other", False),
        ("_id", "doc4mzq7bdqxq6o7xw4s2q6m4a", True),
        ("_id", "other", False),
    ],
)
def test_a_clinical_resource_is_found_by_its_elements(
    name: str, value: str, *, answer: bool
) -> None:
    record = document("Condition", CONDITION, category=Category.CONDITIONS)
    assert document_matches(ask((name, value), kind="Condition"), record) is answer
    assert not document_matches(ask(), record)


def test_a_patient_is_found_by_identifier() -> None:
    content = b'{"resourceType":"Patient","identifier":[{"system":"http://mrn","value":"7"}]}'
    record = document("Patient", content)
    assert document_matches(ask(("identifier", "http://mrn|7"), kind="Patient"), record)
    assert not document_matches(ask(("identifier", "http://mrn|8"), kind="Patient"), record)
    assert not document_matches(ask(("identifier", "|7"), kind="Patient"), record)


def timed(**members: object) -> bytes:
    return msgspec.json.encode({"resourceType": "Observation"} | members)


@pytest.mark.parametrize(
    ("content", "asked", "answer"),
    [
        (timed(effectivePeriod={"start": "2025-06-01"}), "gt2030", True),
        (timed(effectivePeriod={"end": "2025-06-01"}), "lt1990", True),
        (timed(effectivePeriod={"start": "2025-06-01"}), "lt2025", False),
        (timed(effectiveTiming={"event": ["2025-01-01", "2025-03-01"]}), "sa2024-12-31", True),
        (
            timed(effectiveTiming={"repeat": {"boundsPeriod": {"start": "2025"}}}),
            "gt2026",
            True,
        ),
        (timed(effectiveTiming={"repeat": {"count": 1}}), "gt1990", False),
        (timed(effectiveInstant="2026-01-01T00:00:00Z"), "2026-01-01", True),
        (timed(), "ne2026", False),
        (timed(_effectiveDateTime={"extension": []}), "ne2026", False),
    ],
)
def test_every_form_of_a_date_is_compared(content: bytes, asked: str, *, answer: bool) -> None:
    assert document_matches(ask(("date", asked)), document("Observation", content)) is answer


ODD: tuple[object, ...] = (None, 7, "x", [], [None], [[1]], {}, {"x": None})
"""What no element should hold, and what an import keeps as it came all the same."""


@pytest.mark.parametrize("odd", ODD, ids=repr)
def test_a_resource_that_makes_no_sense_matches_nothing_and_breaks_no_search(odd: object) -> None:
    shapes: tuple[dict[str, object], ...] = (
        {"code": odd, "effectiveTiming": odd, "category": odd},
        {"code": {"coding": odd}, "effectiveTiming": {"event": odd}},
        {"code": {"coding": [odd]}, "effectiveTiming": {"repeat": odd}},
        {"code": {"coding": [{"code": "1", "system": odd}]}, "effectivePeriod": odd},
        {"code": [{"coding": [odd]}], "effectiveTiming": {"repeat": {"boundsPeriod": odd}}},
        {"code": {"coding": [{"code": odd}]}, "effectivePeriod": {"start": odd, "end": odd}},
    )
    for shape in shapes:
        record = document("Observation", timed(**shape))
        for asked in (("date", "ge1990"), ("code", "http://loinc.org|1"), ("category", "a|b")):
            assert not document_matches(ask(asked), record), (shape, asked)


def test_who_a_resource_is_about_has_to_be_said_in_it() -> None:
    search = ask(("patient", PATIENT))
    assert not document_matches(search, document("Observation", timed()))
