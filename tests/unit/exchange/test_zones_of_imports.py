"""A file that is sent again, under whatever zone, doubles nothing; people are told what moved."""

import json
from collections.abc import Sequence
from itertools import permutations

import numpy as np
import pytest

from pulsekey.evidence.entries import Asked
from pulsekey.exchange.gate import Scope
from pulsekey.ingest.items import Payload
from pulsekey.ingest.local_time import wall_times
from pulsekey.ingest.report import ImportReport
from pulsekey.ingest.stored_report import report_from, stored_report
from pulsekey.ingest.wfdb.annotations import Annotation
from pulsekey.primitives.clock import Micros, utc
from pulsekey.primitives.ids import OrganisationId
from pulsekey.signals.catalogue import STEPS
from pulsekey.signals.series import Basis, Series, Source, quantities
from pulsekey.vault.audit import audit
from pulsekey.vault.records import Order, Window
from pulsekey.vault.writing import begin_import
from tests.fakes import wfdb_writer
from tests.fakes.node_clinic import Clinic, Member
from tests.fakes.payloads import payload, sample

CLARITY = "clarity-three-days.csv"
PARIS, TOKYO, NONE = "Europe/Paris", "Asia/Tokyo", ""
HOUR = 3_600_000_000


def opened(clinic: Clinic, patient: Member) -> Scope:
    return clinic.node.gate.open(patient.principal, patient.patient, "", Asked(())).scopes[0]


def found(clinic: Clinic, patient: Member) -> dict[str, list[tuple[str, int, int, int, int]]]:
    """Return per metric (observation, start, basis, offset, value) of the newest versions."""
    scope = opened(clinic, patient)
    out: dict[str, list[tuple[str, int, int, int, int]]] = {}
    for entry in scope.series():
        page = scope.samples([entry.id], limit=60_000, order=Order.OLDEST)
        for samples in page.samples:
            series = samples.series
            out.setdefault(entry.metric.name, []).extend(
                zip(
                    [f"{entry.id}-{ordinal}" for ordinal in samples.ordinals.tolist()],
                    series.times.start.tolist(),
                    series.times.basis.tolist(),
                    series.times.offset.tolist(),
                    series.components[0].mantissa.tolist(),
                    strict=True,
                )
            )
    return out


def said(report: ImportReport) -> dict[str, tuple[int, int, int, int]]:
    return {t.name: (t.new, t.changed, t.known, t.dated) for t in report.tallies}


def test_the_same_clarity_export_without_its_zone_changes_nothing(clinic: Clinic) -> None:
    patient = clinic.patient()
    clinic.load(patient, sample(CLARITY), zone=PARIS)
    before = found(clinic, patient)
    again = clinic.load(patient, sample(CLARITY), zone=NONE).report
    assert found(clinic, patient) == before
    assert len(before["glucose-sensor"]) == 864
    assert all(
        (new, changed, dated) == (0, 0, 0) for new, changed, _, dated in said(again).values()
    )


def test_a_zone_that_is_declared_later_dates_what_is_there_and_says_so(clinic: Clinic) -> None:
    patient, directly = clinic.patient(), clinic.patient("Quinn")
    clinic.load(patient, sample(CLARITY), zone=NONE)
    floating = found(clinic, patient)
    report = clinic.load(patient, sample(CLARITY), zone=PARIS).report
    clinic.load(directly, sample(CLARITY), zone=PARIS)
    dated = found(clinic, patient)
    assert said(report)["glucose-sensor"] == (0, 864, 0, 864)
    assert any("864 with a time zone that is now known" in line for line in report.lines())
    assert report_from(stored_report(report)) == report
    for name, rows in found(clinic, directly).items():
        assert [row[1:] for row in dated[name]] == [row[1:] for row in rows]
        assert {row[0] for row in dated[name]} == {row[0] for row in floating[name]}
    # Nobody finds a sample where it was.
    scope = opened(clinic, patient)
    entry = next(e for e in scope.series() if e.metric.name == "glucose-sensor")
    last = floating["glucose-sensor"][-1][1]
    assert entry.last == dated["glucose-sensor"][-1][1] < last
    assert len(scope.samples([entry.id], windows=(Window(start_min=last),), limit=10)) == 0
    assert audit(clinic.node.vault).sound


@pytest.mark.parametrize("zones", list(permutations((NONE, PARIS, TOKYO))))
def test_any_order_of_zones_leaves_the_samples_of_one_import(
    clinic: Clinic, zones: Sequence[str]
) -> None:
    patient, once = clinic.patient(), clinic.patient("Quinn")
    last = next(zone for zone in reversed(zones) if zone)
    clinic.load(once, sample(CLARITY), zone=last)
    for zone in zones:
        clinic.load(patient, sample(CLARITY), zone=zone)
    mine, theirs = found(clinic, patient), found(clinic, once)
    assert mine.keys() == theirs.keys()
    for name, rows in mine.items():
        assert [row[1:] for row in rows] == [row[1:] for row in theirs[name]]
    manifest = clinic.node.vault.manifest_head(patient.patient)
    before = found(clinic, patient)
    clinic.load(patient, sample(CLARITY), zone=last)
    clinic.load(patient, sample(CLARITY), zone=NONE)
    assert found(clinic, patient) == before
    # Two reports, and no sample.
    assert clinic.node.vault.manifest_head(patient.patient).size == manifest.size + 2
    assert audit(clinic.node.vault).sound


def test_a_newer_overlapping_export_without_a_zone_adds_only_its_own_rows(clinic: Clinic) -> None:
    patient = clinic.patient()
    lines = sample(CLARITY).open().read().decode().splitlines(keepends=True)
    older = payload("clarity.csv", "".join(lines[: len(lines) // 2]).encode())
    clinic.load(patient, older, zone=PARIS)
    first = found(clinic, patient)
    clinic.load(patient, sample(CLARITY), zone=NONE)
    both = found(clinic, patient)
    assert len(both["glucose-sensor"]) == 864
    assert set(first["glucose-sensor"]) < set(both["glucose-sensor"])
    clinic.load(patient, sample(CLARITY), zone=PARIS)
    assert {row[2] for row in found(clinic, patient)["glucose-sensor"]} == {Basis.DECLARED}
    assert len(found(clinic, patient)["glucose-sensor"]) == 864


def ecg() -> Payload:
    beats = [Annotation(at, 1, 0, 0, 0, b"") for at in range(100, 1_900, 100)]
    files = wfdb_writer.record("made", 2_000, found=beats, start="08:00:00 01/07/2023")
    return payload("made.hea", files["made.hea"], files)


def test_waveform_blocks_and_annotations_follow_the_same_rule(clinic: Clinic) -> None:
    patient = clinic.patient()
    for zone, outcome in (
        (NONE, "new"),
        (PARIS, "changed"),
        (NONE, "known"),
        (TOKYO, "changed"),
        (TOKYO, "known"),
    ):
        report = clinic.load(patient, ecg(), zone=zone).report
        for tally in report.tallies:
            counts = {"new": tally.new, "changed": tally.changed, "known": tally.known}
            assert {name for name, count in counts.items() if count} == {outcome}
            assert tally.dated == tally.changed
        scope = opened(clinic, patient)
        assert len(scope.blocks([e.id for e in scope.series()])) == 1
        assert len(found(clinic, patient)["ecg-beat"]) == 18
    assert audit(clinic.node.vault).sound


def test_a_search_by_date_finds_a_dated_sample_by_its_instant_alone(clinic: Clinic) -> None:
    patient = clinic.patient()
    clinic.load(patient, sample(CLARITY), zone=NONE)
    clinic.load(patient, sample(CLARITY), zone=TOKYO)
    rows = found(clinic, patient)["glucose-sensor"]
    reader = patient.reader("PATRQT")
    for name, start, _, offset, _ in (rows[0], rows[400]):
        wall = start + offset * 60_000_000
        for at, expected in ((start, [name]), (wall, [])):
            query = [("date", utc(Micros(at)).isoformat().replace("+00:00", "Z")), ("_id", name)]
            answer = json.loads(clinic.node.records.search(reader, "Observation", query).body)
            resources = [one["resource"] for one in answer.get("entry", [])]
            assert [r["id"] for r in resources if r["resourceType"] == "Observation"] == expected


def test_a_day_that_got_its_zone_is_counted_once(clinic: Clinic) -> None:
    patient = clinic.patient()
    wall = np.array([(1_700_000_000 + hour * 3_600) * 1_000_000 for hour in range(40)], np.int64)
    clinic.node.vault.keys.enrol(patient.patient)
    for zone in (NONE, TOKYO, PARIS, NONE):
        steps = Series(
            STEPS,
            Source("pedometer", "Pedometer"),
            wall_times(wall, wall + HOUR // 2, zone),
            (quantities(np.full(40, 100), 0),),
        )
        with begin_import(
            clinic.node.vault, patient.patient, OrganisationId("clinic"), clinic.clock.now()
        ) as session:
            session.add_series(steps)
            session.commit(b"{}")
        days = clinic.node.totals(patient.principal, patient.patient, "", "steps", None, None).days
        assert sum(int(one.value) for one in days) == 4_000
