"""Names and numbers that belong to others are theirs: HealthKit's, the FIT profile's, WFDB's."""

import warnings
from pathlib import Path

import pytest
from fitdecode import profile

from pulsekey.ingest.apple import types as apple
from pulsekey.ingest.fit.profile import (
    COLUMNS,
    LAP_PARTS,
    SESSION_HEART_RATES,
    SESSION_PARTS,
    SPORTS,
    Mapping,
)
from pulsekey.ingest.wfdb.annotations import NOTE, SYMBOLS
from pulsekey.ingest.wfdb.record import RHYTHM
from pulsekey.signals.activity import ACTIVITIES
from pulsekey.signals.category import Category
from pulsekey.signals.electrocardiography import ECG_BEAT, ECG_EVENT

with warnings.catch_warnings():
    # The library uses what pandas has deprecated, at import.
    warnings.simplefilter("ignore")
    from wfdb.io import annotation as wfdb_annotation

HEALTHKIT = frozenset(
    line
    for line in (Path(__file__).parent / "healthkit-identifiers.txt").read_text().splitlines()
    if not line.startswith("#")
)
MESSAGES = {message.name: message for message in profile.MESSAGE_TYPES.values()}


def field(message: str, name: str) -> tuple[int, int, str]:
    """The scale, offset and unit that the FIT profile gives to a field."""
    (found,) = (each for each in MESSAGES[message].fields.values() if each.name == name)
    return int(found.scale or 1), int(found.offset or 0), str(found.units or "")


def test_every_type_that_is_read_exists_in_healthkit() -> None:
    named = {
        *apple.QUANTITIES,
        *apple.CHOICES,
        *apple.WORKOUT_PARTS,
        *(apple.SYSTOLIC, apple.DIASTOLIC, apple.GLUCOSE, apple.HEART_RATE),
    }
    assert named - HEALTHKIT == set()


@pytest.mark.parametrize("word", ["Menstrual", "Sexual", "Pregnan", "Contracep", "Alcohol", "Mind"])
def test_what_is_sensitive_in_healthkit_is_so_here_or_not_read(word: str) -> None:
    metrics = [*apple.QUANTITIES.items(), *((key, one) for key, (one, _) in apple.CHOICES.items())]
    sensitive = {Category.REPRODUCTIVE_HEALTH, Category.SUBSTANCE_USE, Category.MENTAL_HEALTH}
    assert {metric.category for name, metric in metrics if word in name} <= sensitive


@pytest.mark.parametrize("column", COLUMNS, ids=lambda column: column.metric.name)
def test_a_fit_field_is_scaled_as_its_profile_says(column: Mapping) -> None:
    for name in column.fields:
        scale, offset, unit = field("record", name)
        # Ours: (raw * times - minus) / 10**scale; theirs: raw / scale - offset, in their unit.
        to_ours = {"mm": 10}.get(unit, 1) if column.given else 1
        for raw in (0, 1, 7, 250, 4_095):
            ours = (raw * column.times - column.minus) * scale * to_ours
            theirs = (raw - offset * scale) * 10**column.scale
            assert ours == theirs, name
    if column.given:
        scale, _, unit = field("record", column.fields[0])
        assert (10**column.given_scale, column.given) == (scale, unit)
    if column.fraction:
        assert field("record", column.fraction)[0] == 128


@pytest.mark.parametrize(
    ("message", "name", "scale"),
    [
        *(("session", *part) for part in (*SESSION_PARTS, *SESSION_HEART_RATES) if part[0]),
        *(("lap", *part) for part in LAP_PARTS),
    ],
)
def test_a_part_of_a_session_is_scaled_as_its_profile_says(
    message: str, name: str, scale: int
) -> None:
    assert field(message, name)[:2] == (10**scale, 0)


def test_sports_of_fit_lead_to_activities_of_ours() -> None:
    names = set(profile.FIELD_TYPES["sport"].enum.values())
    assert SPORTS.keys() - names == set()
    assert set(SPORTS.values()) - ACTIVITIES.keys() == set()


def test_annotation_types_have_the_symbols_of_wfdb() -> None:
    theirs = {label.label_store: label.symbol for label in wfdb_annotation.ann_labels}
    assert max(theirs) == len(SYMBOLS) - 1
    assert {k: s for k, s in enumerate(SYMBOLS) if s != " "} == {
        k: s for k, s in theirs.items() if s != " "
    }
    assert SYMBOLS.index('"') == NOTE


def test_every_symbol_of_wfdb_is_a_beat_an_event_a_rhythm_or_passed_over() -> None:
    beats = {answer.code for answer in ECG_BEAT.components[0].answers}
    events = {answer.code for answer in ECG_EVENT.components[0].answers}
    theirs = {label.symbol for label in wfdb_annotation.ann_labels} - {" "}
    passed_over = {'"', "=", "@"}
    assert beats | events | {RHYTHM} | passed_over == theirs
    assert not beats & events


def test_what_wfdb_calls_a_beat_is_a_beat() -> None:
    beats = {answer.code for answer in ECG_BEAT.components[0].answers}
    theirs = {
        label.symbol
        for label in wfdb_annotation.ann_labels
        if wfdb_annotation.is_qrs[label.label_store]
    }
    # `isqrs` counts a wave of ventricular flutter, PhysioNet's list of beat annotations does not.
    assert beats == theirs - {"!"}
