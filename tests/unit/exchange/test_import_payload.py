"""An import is whole or not at all, adds only what is new, and never mixes two people."""

import json
from typing import Any

import pytest

from pulsekey.evidence.entries import Asked
from pulsekey.exchange import import_payload
from pulsekey.exchange.gate import Scope
from pulsekey.exchange.import_payload import (
    BESIDES,
    CONTRADICTION,
    EXPLANATIONS,
    NOBODY,
    SEVERAL,
    UNBOUND,
    UNCLEAR,
    Imported,
)
from pulsekey.identity.principals import Identifier
from pulsekey.ingest.items import Payload
from pulsekey.ingest.patients import Objection
from pulsekey.ingest.report import ImportReport
from pulsekey.primitives.errors import Conflict, MalformedInput
from pulsekey.vault.audit import audit
from pulsekey.vault.writing import begin_import
from tests.fakes.node_clinic import MRN, Clinic, Member, chart, chart_identifiers, everything
from tests.fakes.payloads import payload, sample

CLARITY = "clarity-three-days.csv"
OTHER = "urn:example:passport"


def resource_of(kind: str, identity: str, **members: Any) -> dict[str, Any]:
    return {"fullUrl": f"urn:uuid:{identity}", "resource": {"resourceType": kind, **members}}


def patient_entry(name: str, *identifiers: tuple[str, str]) -> dict[str, Any]:
    bound = [{"system": system, "value": value} for system, value in identifiers]
    return resource_of("Patient", name, **({"identifier": bound} if bound else {}))


def condition(name: str, subject: str, text: str = "Cough") -> dict[str, Any]:
    return resource_of(
        "Condition",
        name,
        code={"text": text},
        subject={"reference": f"urn:uuid:{subject}"},
        onsetDateTime="2020-01-02",
    )


def bundle(*entries: dict[str, Any]) -> Payload:
    document = {"resourceType": "Bundle", "type": "collection", "entry": list(entries)}
    return payload("chart.json", json.dumps(document).encode())


A, B = "0000000a-0000-4000-8000-000000000000", "0000000b-0000-4000-8000-000000000000"
C1, C2, C3 = (f"000000c{n}-0000-4000-8000-000000000000" for n in range(3))


def own(clinic: Clinic, patient: Member) -> Scope:
    return clinic.node.gate.open(patient.principal, patient.patient, "", Asked(())).scopes[0]


def kept(clinic: Clinic, patient: Member) -> list[tuple[str, str]]:
    found = own(clinic, patient).documents(limit=1_000).documents
    return sorted((one.resource_type, one.key) for one in found)


def rows(clinic: Clinic, patient: Member) -> dict[str, list[tuple[int, int, int]]]:
    """Per metric (start, mantissa of the first component, version), oldest first."""
    scope = own(clinic, patient)
    page = scope.samples([entry.id for entry in scope.series()], limit=60_000)
    out: dict[str, list[tuple[int, int, int]]] = {}
    for samples in page.samples:
        series = samples.series
        values = series.components[0].mantissa if series.components else samples.versions
        out.setdefault(samples.entry.metric.name, []).extend(
            zip(
                series.times.start.tolist(),
                values.tolist(),
                samples.versions.tolist(),
                strict=True,
            )
        )
    return {name: sorted(found) for name, found in out.items()}


def explanations(report: ImportReport) -> set[str]:
    return {one.explanation for one in report.quarantined}


def test_a_chart_of_the_bound_patient_is_kept(clinic: Clinic) -> None:
    patient = clinic.patient(bound=[(MRN, "1")])
    done = clinic.load(patient, bundle(patient_entry(A, (MRN, "1")), condition(C1, A)))
    assert done.report.quarantined == ()
    assert [kind for kind, _ in kept(clinic, patient)] == ["Condition", "Patient"]


@pytest.mark.parametrize(
    ("entries", "explanation"),
    [
        ([patient_entry(A, (MRN, "2")), condition(C1, A)], CONTRADICTION),
        # One that fits does not outweigh one that contradicts.
        ([patient_entry(A, (OTHER, "P1"), (MRN, "2")), condition(C1, A)], CONTRADICTION),
        ([patient_entry(A, (OTHER, "unheard of")), condition(C1, A)], UNBOUND),
        ([patient_entry(A), condition(C1, A)], UNBOUND),
    ],
    ids=["another number", "one fits, one contradicts", "another system", "no identifier"],
)
def test_what_may_be_about_somebody_else_is_set_aside_and_explained(
    clinic: Clinic, entries: list[dict[str, Any]], explanation: str
) -> None:
    patient = clinic.patient(bound=[(MRN, "1"), (OTHER, "P1")])
    if explanation == UNBOUND:
        patient = clinic.patient(bound=[(MRN, "3")])
    done = clinic.load(patient, bundle(*entries, resource_of("Organization", C2, name="Hospital")))
    assert explanations(done.report) >= {explanation}
    assert done.report.set_aside == 3
    assert kept(clinic, patient) == []


def test_demographics_alone_never_match(clinic: Clinic) -> None:
    patient = clinic.patient("Pat Example")
    named = patient_entry(A)
    named["resource"] |= {
        "name": [{"family": "Example", "given": ["Pat"]}],
        "birthDate": "1980-01-01",
    }
    done = clinic.load(patient, bundle(named, condition(C1, A)))
    assert explanations(done.report) == {UNBOUND}
    assert kept(clinic, patient) == []


def test_of_several_patients_only_the_bound_one_is_kept(clinic: Clinic) -> None:
    patient = clinic.patient(bound=[(MRN, "1")])
    done = clinic.load(
        patient,
        bundle(
            patient_entry(A, (MRN, "1")),
            condition(C1, A),
            patient_entry(B, (MRN, "2")),
            condition(C2, B),
            # It names nobody: of two people it may be either's.
            resource_of("Organization", C3, name="Hospital"),
        ),
    )
    assert [kind for kind, _ in kept(clinic, patient)] == ["Condition", "Patient"]
    assert all(key.endswith((A, C1)) for _, key in kept(clinic, patient))
    assert done.report.set_aside == 3
    assert explanations(done.report) == {CONTRADICTION, SEVERAL}


def test_another_patient_inside_a_resource_is_set_aside_with_it(clinic: Clinic) -> None:
    patient = clinic.patient(bound=[(MRN, "1")])
    other = {"resourceType": "Patient", "id": "b", "identifier": [{"system": MRN, "value": "2"}]}
    about_b, both, a_name = (condition(name, A) for name in (C1, C2, C3))
    about_b["resource"] |= {"contained": [other], "subject": {"reference": "#b"}}
    both["resource"] |= {"asserter": {"reference": "Patient/b"}}
    a_name["resource"] |= {"subject": {"display": "Bob"}}
    done = clinic.load(patient, bundle(patient_entry(A, (MRN, "1")), about_b, both, a_name))
    assert [kind for kind, _ in kept(clinic, patient)] == ["Patient"]
    assert explanations(done.report) == {CONTRADICTION, BESIDES, UNCLEAR}


def test_what_nobody_in_the_file_claims_is_nobodys(clinic: Clinic) -> None:
    patient = clinic.patient(bound=[(MRN, "1")])
    alone = resource_of("Observation", C1, status="final", code={"text": "x"})
    done = clinic.load(patient, bundle(alone, resource_of("Organization", C2, name="Hospital")))
    assert explanations(done.report) == {NOBODY}
    assert [kind for kind, _ in kept(clinic, patient)] == ["Organization"]


def test_every_objection_has_an_explanation_of_its_own() -> None:
    assert EXPLANATIONS.keys() == set(Objection)
    assert len(set(EXPLANATIONS.values())) == len(Objection)


def test_an_identifier_bound_later_lets_the_same_file_in(clinic: Clinic) -> None:
    patient = clinic.patient()
    assert clinic.load(patient, chart()).report.set_aside > 50
    assert kept(clinic, patient) == []
    bound = [Identifier(*one) for one in chart_identifiers()]
    clinic.node.directory.bind(clinic.operator.id, patient.id, bound)
    assert clinic.load(patient, chart()).report.set_aside == 0
    assert len(kept(clinic, patient)) > 50


def test_the_same_files_again_change_nothing(clinic: Clinic) -> None:
    patient = clinic.patient(bound=chart_identifiers())
    files = (*everything(), chart())
    clinic.load(patient, *files)
    before = rows(clinic, patient), kept(clinic, patient)
    manifest = clinic.node.vault.manifest_head(patient.patient)
    for file in files:
        report = clinic.load(patient, file).report
        assert all((tally.new, tally.changed) == (0, 0) for tally in report.tallies)
        assert any(tally.known for tally in report.tallies)
    assert (rows(clinic, patient), kept(clinic, patient)) == before
    assert clinic.node.vault.manifest_head(patient.patient).root is not None
    assert manifest.size <= clinic.node.vault.manifest_head(patient.patient).size


def lines_of() -> list[str]:
    return sample(CLARITY).open().read().decode().splitlines(keepends=True)


def clarity(lines: list[str]) -> Payload:
    return payload("clarity.csv", "".join(lines).encode())


def test_a_newer_overlapping_export_adds_only_what_is_new(clinic: Clinic) -> None:
    patient, at_once = clinic.patient(), clinic.patient("Quinn")
    lines = lines_of()
    first = clinic.load(patient, clarity(lines[:500]))
    second = clinic.load(patient, clarity(lines[:11] + lines[300:]))
    clinic.load(at_once, clarity(lines))
    assert rows(clinic, patient) == rows(clinic, at_once)
    (before,) = (one for one in first.report.tallies if one.name == "glucose-sensor")
    (after,) = (one for one in second.report.tallies if one.name == "glucose-sensor")
    assert after.known > 0
    assert before.new + after.new == len(rows(clinic, patient)["glucose-sensor"])


def test_a_changed_value_becomes_a_new_version(clinic: Clinic) -> None:
    patient = clinic.patient()
    lines = lines_of()
    clinic.load(patient, clarity(lines))
    place = next(n for n, line in enumerate(lines) if ",EGV," in line)
    cells = lines[place].split(",")
    old, cells[7] = cells[7], str(int(cells[7]) + 1)
    report = clinic.load(patient, clarity([*lines[:place], ",".join(cells), *lines[place + 1 :]]))
    (tally,) = (one for one in report.report.tallies if one.name == "glucose-sensor")
    assert (tally.new, tally.changed) == (0, 1)
    changed = [row for row in rows(clinic, patient)["glucose-sensor"] if row[2] == 2]
    assert [value for _, value, _ in changed] == [int(old) + 1]


def test_a_changed_resource_becomes_a_new_version(clinic: Clinic) -> None:
    patient = clinic.patient(bound=[(MRN, "1")])
    for text in ("Cough", "Whooping cough"):
        clinic.load(patient, bundle(patient_entry(A, (MRN, "1")), condition(C1, A, text)))
    page = own(clinic, patient).documents(types=frozenset({"Condition"}))
    (found,) = page.documents
    assert found.version == 2
    assert b"Whooping" in found.content


def test_what_cannot_be_read_to_its_end_leaves_nothing(clinic: Clinic) -> None:
    patient = clinic.patient()
    clinic.load(patient, *everything())
    before = rows(clinic, patient), len(clinic.node.reports(patient.patient))
    whole = sample("activity-walk.fit").open().read()
    for broken in (whole[: len(whole) // 2], b"nobody knows this format", b""):
        with pytest.raises(MalformedInput) as refused:
            clinic.load(patient, payload("broken.fit", broken))
        assert refused.value.problem
    assert (rows(clinic, patient), len(clinic.node.reports(patient.patient))) == before
    report = audit(clinic.node.vault)
    assert report.sound
    assert report.orphans == ()


def test_a_failure_in_the_middle_leaves_nothing(
    clinic: Clinic, monkeypatch: pytest.MonkeyPatch
) -> None:
    patient = clinic.patient()
    real = import_payload._Run._take_documents

    def fails(run: Any) -> None:
        real(run)
        raise MalformedInput("cut short")

    monkeypatch.setattr(import_payload._Run, "_take_documents", fails)
    with pytest.raises(MalformedInput, match="cut short"):
        clinic.load(patient, *everything())
    assert rows(clinic, patient) == {}
    assert clinic.node.reports(patient.patient) == ()
    monkeypatch.undo()
    clinic.load(patient, *everything())
    assert rows(clinic, patient)


def test_one_import_of_a_patient_at_a_time(clinic: Clinic) -> None:
    patient, other = clinic.patient(), clinic.patient("Quinn")
    organisation = patient.principal.organisation
    clinic.node.vault.keys.enrol(patient.patient)
    with (
        begin_import(clinic.node.vault, patient.patient, organisation, clinic.clock.now()),
        pytest.raises(Conflict),
    ):
        clinic.load(patient, everything()[0])
    clinic.load(other, everything()[0])
    clinic.load(patient, everything()[0])


def test_reports_are_kept_the_newest_first(clinic: Clinic) -> None:
    patient = clinic.patient()
    done: list[Imported] = [clinic.load(patient, one) for one in everything()]
    assert [(one.id, one.report) for one in clinic.node.reports(patient.patient)] == [
        (one.id, one.report) for one in reversed(done)
    ]
    assert clinic.node.reports(clinic.patient("Quinn").patient) == ()


def test_progress_reaches_the_end(clinic: Clinic) -> None:
    patient, file = clinic.patient(), sample(CLARITY)
    told: list[int] = []
    clinic.node.importing(
        patient.patient, patient.principal.organisation, file, zone="UTC", progress=told.append
    )
    assert told[-1] == file.size


def test_a_summary_of_many_samples_says_that_it_looks_at_the_last(
    clinic: Clinic, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(import_payload, "SUMMARY_ROWS_MAX", 10)
    patient = clinic.patient()
    report = clinic.load(patient, sample(CLARITY)).report
    assert report.summaries


def test_too_many_resources_are_refused_with_a_cure(
    clinic: Clinic, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(import_payload, "DOCUMENTS_MAX", 2)
    patient = clinic.patient(bound=[(MRN, "1")])
    entries = [patient_entry(A, (MRN, "1")), condition(C1, A), condition(C2, A)]
    with pytest.raises(MalformedInput) as refused:
        clinic.load(patient, bundle(*entries))
    assert refused.value.cure == "split the file"
    assert kept(clinic, patient) == []
