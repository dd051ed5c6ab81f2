"""Nothing of a resource reaches a reader whose consent does not hold all of it, by any way."""

import json
import random
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from pulsekey.consent.terms import Terms
from pulsekey.fhir.search import SUPPORTED
from pulsekey.ingest.items import Payload
from pulsekey.primitives.clock import Seconds, utc
from pulsekey.primitives.errors import NotFound
from pulsekey.resources import r4
from pulsekey.signals.category import Category
from pulsekey.signals.classification import CODED_TYPES, SENSITIVE, SENSITIVE_CODES, WHOLE_TYPES
from pulsekey.signals.metric import LOINC, SNOMED
from tests.fakes.fhir_paths import coded_paths, merged, placed, plain
from tests.fakes.node_clinic import Clinic, Member, opened_clinic
from tests.fakes.payloads import payload

MRN = ("urn:example:mrn", "1")
PERSON = {**plain("Patient"), "id": "p"}
TYPES = sorted(
    kind
    for kind in {*WHOLE_TYPES, *CODED_TYPES} - {"Patient"}
    if hasattr(r4, kind) and "patient" in SUPPORTED.get(kind, ())
)
OPEN = tuple(sorted({*map(str, Category)} - {*map(str, SENSITIVE), "unclassified", "demographics"}))
DAY_SECONDS = 86_400
FEBRUARY = Seconds(1_769_904_000)
"""2026-02-01T00:00:00Z"""
MARK = "planted"
SEED = 7


@dataclass(frozen=True, slots=True)
class Ward:
    """A patient whose chart is imported, and a clinician."""

    clinic: Clinic
    patient: Member
    clinician: Member

    def load(self, *resources: dict[str, Any]) -> None:
        done = self.clinic.load(self.patient, bundle(*resources))
        assert not done.report.refusals

    def seen(self, who: Member | None = None) -> dict[str, list[Any]]:
        """Return what somebody gets to see, by each way there is."""
        return ways(self.clinic, who or self.clinician, self.patient)

    def names(self) -> list[str]:
        """Return the source ids of what the clinician sees, the same by every way."""
        found = [sorted(name_of(one) for one in listed) for listed in self.seen().values()]
        assert all(one == found[0] for one in found)
        return found[0]


def bundle(*resources: dict[str, Any]) -> Payload:
    entries = [{"resource": one} for one in (PERSON, *resources)]
    content = {"resourceType": "Bundle", "type": "collection", "entry": entries}
    return payload("chart.json", json.dumps(content).encode())


def named(name: str, resource: dict[str, Any]) -> dict[str, Any]:
    """Give a resource an id, and the same name as an identifier, which is read as it came."""
    return {**resource, "id": name, "identifier": [{"system": MARK, "value": name}]}


def name_of(resource: Any) -> str:
    (name,) = (one["value"] for one in resource["identifier"] if one.get("system") == MARK)
    return str(name)


def ways(clinic: Clinic, who: Member, patient: Member) -> dict[str, list[Any]]:
    """Return what somebody is shown of a record by a search, one by one, and by the portal."""
    node, reader = clinic.node, who.reader("PATRQT" if who is patient else "TREAT")
    found: dict[str, list[Any]] = {"search": [], "list": [], "read": []}
    for kind in TYPES:
        asked = [("patient", str(patient.patient)), ("_count", "1000")]
        with suppress(NotFound):
            answer = json.loads(node.records.search(reader, kind, asked).body)
            found["search"] += [
                one["resource"] for one in answer["entry"] if one["search"]["mode"] == "match"
            ]
        with suppress(NotFound):
            shown = node.showing.documents(who.principal, patient.patient, reader.purpose, kind)
            found["list"] += [json.loads(one) for one in shown.resources]
    chart = node.showing.chart(who.principal, patient.patient, reader.purpose)
    listed = len(found["list"])
    assert sum(n for kind, n in chart.counts.items() if kind in TYPES) == listed
    for kind, name in everything(clinic, patient):
        with suppress(NotFound):
            found["read"].append(json.loads(node.records.read(reader, kind, name).body))
    return found


def everything(clinic: Clinic, patient: Member) -> Iterator[tuple[str, str]]:
    """Yield type and id of all that the patient has."""
    for kind in TYPES:
        shown = clinic.node.showing.documents(patient.principal, patient.patient, "PATRQT", kind)
        yield from ((kind, json.loads(one)["id"]) for one in shown.resources)


@pytest.fixture
def ward(tmp_path: Path) -> Iterator[Ward]:
    with opened_clinic(tmp_path / "home") as clinic:
        yield Ward(clinic, clinic.patient(bound=[MRN]), clinic.clinician())


def concept(*pairs: tuple[str, str], **more: Any) -> dict[str, Any]:
    return {"coding": [{"system": system, "code": code} for system, code in pairs], **more}


def lab(**more: Any) -> dict[str, Any]:
    rest = {name: value for name, value in plain("Observation").items() if "effective" not in name}
    return rest | {"valueString": "7"} | more


def grant_january(ward: Ward, *categories: str) -> None:
    clinic = ward.clinic
    cid = clinic.grant(ward.patient, ward.clinician, categories, data_from="2026-01-01T00:00")
    terms: Terms = clinic.node.register.terms(cid)
    clinic.stop(ward.patient, cid)
    salt = bytes(len(terms.salt))
    clinic.grant_terms(ward.patient, replace(terms, data_until=FEBRUARY, sentence="", salt=salt))


def test_what_is_recorded_after_recorded_so_far_stays_closed(ward: Ward) -> None:
    clinic = ward.clinic
    allergy = {"resourceType": "AllergyIntolerance", "patient": {"reference": "Patient/p"}}
    ward.load(
        named("told", {**allergy, "code": {"text": "peanut"}, "recordedDate": "2020-01-01"}),
        named("undated", {**allergy, "code": {"text": "soy"}}),
    )
    clinic.clock.advance(60)
    clinic.grant(
        ward.patient, ward.clinician, ("allergies", "conditions", "laboratory"), data_until="now"
    )
    assert ward.names() == ["told", "undated"]
    clinic.clock.advance(10 * DAY_SECONDS)
    today = utc(clinic.clock.now()).date().isoformat()
    cancer = {**plain("Condition"), "code": concept((SNOMED, "254837009"))}
    unrecorded = {name: value for name, value in cancer.items() if name != "recordedDate"}
    ward.load(
        named("learnt-later", {**allergy, "code": {"text": "penicillin"}}),
        named("undated-lab", lab()),
        named("cancer", {**cancer, "onsetDateTime": "2019-05-01", "recordedDate": today}),
        named("cancer-unrecorded", {**unrecorded, "onsetDateTime": "2019"}),
        named("mean", lab(effectivePeriod={"start": "2020-01-10", "end": f"{today}T00:00:00Z"})),
        named("issued", lab(effectiveDateTime="2020-01-10", issued=f"{today}T00:00:00Z")),
        named("older-lab", lab(effectiveDateTime="2020-01-10", issued="2020-01-11T00:00:00Z")),
    )
    assert ward.names() == ["older-lab", "told", "undated"]
    assert len(ward.seen(ward.patient)["list"]) == 9


def test_what_reaches_over_an_edge_of_the_period_stays_closed(ward: Ward) -> None:
    def visit(start: str, end: str) -> dict[str, Any]:
        return {**plain("Encounter"), "period": {"start": start, "end": end}}

    condition = {**plain("Condition"), "onsetDateTime": "2026-01-15"}
    ward.load(
        named("in", visit("2026-01-10T00:00:00Z", "2026-01-12T00:00:00Z")),
        named("long-stay", visit("2026-01-10T00:00:00Z", "2026-06-30T00:00:00Z")),
        named("before", visit("2025-01-01T00:00:00Z", "2026-01-05T00:00:00Z")),
        named("goes-on", {**plain("Encounter"), "period": {"start": "2026-01-10T00:00:00Z"}}),
        named("known-in-august", {**condition, "recordedDate": "2026-08-01"}),
        named("known", {**condition, "recordedDate": "2026-01-16"}),
        named("over", {**condition, "recordedDate": "2026-01-16", "abatementDateTime": "2026-09"}),
        named("older", lab(effectiveTiming={"event": ["2019"]}, issued="2026-01-10T00:00:00Z")),
        named("undated", lab()),
    )
    grant_january(ward, "encounters", "conditions", "laboratory")
    assert ward.names() == ["in", "known"]


def test_nothing_that_carries_a_sensitive_code_anywhere_is_read_without_its_category(
    ward: Ward,
) -> None:
    chosen = random.Random(SEED)
    resources = [named(f"plain-{kind}", plain(kind)) for kind in TYPES]
    for number in range(150):
        kind, inside = chosen.choice(TYPES), chosen.choice(["", *TYPES])
        carrier = inside or kind
        steps = chosen.choice(coded_paths(carrier))
        pair = chosen.choice(sorted(SENSITIVE_CODES))
        carrying = merged(plain(carrier), placed(steps, *pair, getattr(r4, carrier)))
        whole = {**plain(kind), "contained": [carrying]} if inside else carrying
        resources.append(named(f"{MARK}-{number}", whole))
    ward.load(*resources)
    assert len(ward.seen(ward.patient)["list"]) == len(resources)
    ward.clinic.grant(ward.patient, ward.clinician, OPEN)
    assert ward.names() == sorted(f"plain-{kind}" for kind in TYPES if kind != "RelatedPerson")


HIV_ANTIBODY = concept((LOINC, "29893-5"), text="HIV 1 Ab")


def test_what_nobody_can_judge_is_read_only_as_unclassified(ward: Ward) -> None:
    pressure = {**plain("Observation"), "code": concept((LOINC, "85354-9"))}
    ward.load(
        named("pressure", pressure),
        named("part", {**pressure, "component": [{"code": HIV_ANTIBODY, "valueString": "+"}]}),
        named("part-in-words", {**pressure, "component": [{"code": {"text": "AUDIT-C"}}]}),
        named(
            "two", {**plain("Observation"), "code": concept((LOINC, "718-7"), (LOINC, "29893-5"))}
        ),
        named("words", {**plain("Observation"), "code": {"text": "HIV positive"}}),
        named("reason", {**plain("Immunization"), "reasonCode": [{"text": "pregnant"}]}),
    )
    consent = ward.clinic.grant(ward.patient, ward.clinician, OPEN)
    assert ward.names() == ["pressure"]
    ward.clinic.stop(ward.patient, consent)
    ward.clinic.grant(ward.patient, ward.clinician, (*OPEN, "unclassified"))
    assert ward.names() == ["part", "part-in-words", "pressure", "reason", "two", "words"]


def test_readers_under_a_consent_get_no_narrative_note_or_display_of_what_is_closed(
    ward: Ward,
) -> None:
    hiv = {**plain("Condition"), "code": concept((SNOMED, "86406008"))}
    saying = {
        "text": {"status": "generated", "div": "<div>HIV positive</div>"},
        "note": [{"text": "HIV positive"}],
        "reasonReference": [{"reference": "Condition/hiv", "display": "HIV positive"}],
        "performer": [{"actor": {"reference": "Practitioner/d", "display": "Dr A. Li"}}],
    }
    ward.load(named("hiv", hiv), named("open", {**plain("Procedure"), **saying}))
    ward.clinic.grant(ward.patient, ward.clinician, ("procedures",))
    for found in ward.seen().values():
        (one,) = found
        assert "HIV" not in json.dumps(one)
        assert "Dr A. Li" in json.dumps(one)
        assert "Condition/" not in one["reasonReference"][0].get("reference", "")
        assert "SUBSETTED" in {tag["code"] for tag in one["meta"]["tag"]}
    for found in ward.seen(ward.patient).values():
        assert json.dumps(found).count("HIV positive") == 3
        assert "SUBSETTED" not in json.dumps(found)


def test_an_excluded_code_excludes_whatever_carries_it(ward: Ward) -> None:
    site = concept((SNOMED, "260385009"))
    condition = plain("Condition")
    ward.load(
        named("site", {**condition, "bodySite": [site]}),
        named("within", {**condition, "contained": [{**condition, "bodySite": [site]}]}),
        named("other", condition),
    )
    cid = ward.clinic.grant(ward.patient, ward.clinician, ("conditions",))
    assert ward.names() == ["other", "site", "within"]
    terms = ward.clinic.node.register.terms(cid)
    ward.clinic.stop(ward.patient, cid)
    excluded = (f"{SNOMED}|260385009",)
    ward.clinic.grant_terms(
        ward.patient,
        replace(terms, exclusions=excluded, sentence="", salt=bytes(len(terms.salt))),
    )
    assert ward.names() == ["other"]
