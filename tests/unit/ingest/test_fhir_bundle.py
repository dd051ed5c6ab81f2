"""What a FHIR Bundle becomes: exact documents or named refusals, and never somebody else's."""

import bz2
import gzip
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pulsekey.ingest.archive import RATIO_FREE_BYTES
from pulsekey.ingest.fhir_bundle import CODINGS_MAX, FhirBundle
from pulsekey.ingest.fhir_shape import REQUIRED
from pulsekey.ingest.items import Item, Refusal
from pulsekey.ingest.patients import Match, judge, match, patient_of, patients_in
from pulsekey.primitives.errors import MalformedInput
from pulsekey.resources.documents import Clinical
from pulsekey.signals.category import Category
from tests.fakes.payloads import SAMPLES, context, payload, sample

UNTIMED = (
    '{"resourceType":"Immunization","status":"completed","vaccineCode":{"text":"x"},'
    '"patient":{"reference":"Patient/1"}}'
)
MRN = "http://hospital.example/mrn"


def _parse(content: bytes) -> list[Item]:
    return list(FhirBundle().parse(payload("chart.json", content), context()))


def _bundle(*entries: str, kind: str = "collection") -> bytes:
    return f'{{"resourceType":"Bundle","type":"{kind}","entry":[{",".join(entries)}]}}'.encode()


def _entry(resource: str, url: str = "urn:uuid:1") -> str:
    return f'{{"fullUrl":"{url}","resource":{resource}}}'


def _observation(more: str = "", status: str = '"status":"final",') -> str:
    code = '"code":{"coding":[{"system":"http://loinc.org","code":"8867-4"}]}'
    return f'{{"resourceType":"Observation",{status}{code}{more}}}'


def _one(content: bytes) -> Item:
    (item,) = _parse(content)
    return item


def _refused(content: bytes) -> Refusal:
    item = _one(content)
    assert isinstance(item, Refusal)
    return item


def _kept(content: bytes) -> Clinical:
    item = _one(content)
    assert isinstance(item, Clinical)
    return item


@pytest.mark.parametrize("name", ["chart-adult.json.bz2", "chart-infant.json.gz"])
def test_every_entry_of_a_chart_becomes_an_equal_document(name: str) -> None:
    packed = (SAMPLES / name).read_bytes()
    text = bz2.decompress(packed) if name.endswith("bz2") else gzip.decompress(packed)
    items = list(FhirBundle().parse(sample(name), context()))
    entries = json.loads(text)["entry"]
    assert len(items) == len(entries)
    for item, entry in zip(items, entries, strict=True):
        assert isinstance(item, Clinical)
        assert json.loads(item.content) == entry["resource"]
        assert item.content in text
        assert item.key == entry["fullUrl"]


def test_full_charts_lose_nothing(full_records: Path) -> None:
    charts = sorted((full_records / "synthea").glob("*.bz2"))[1:6]
    for path in charts:
        content = path.read_bytes()
        items = _parse(content)
        assert len(items) == len(json.loads(bz2.decompress(content))["entry"])
        assert not any(isinstance(item, Refusal) for item in items)
        documents = [item for item in items if isinstance(item, Clinical)]
        (patient,) = patients_in(documents)
        about = [d for d in documents if d.subject]
        assert all(patient_of(document, (patient,)) is patient for document in about)


def test_decimals_and_white_space_stay_as_they_came() -> None:
    resource = _observation(',\n "valueQuantity": {"value": 72.500, "unit": "/min"} ')
    assert _kept(_bundle(_entry(resource))).content == resource.encode()


def test_an_observation_says_what_it_is_about() -> None:
    more = (
        ',"subject":{"reference":"Patient/p"},"effectiveDateTime":"2021-03-04T05:06:07+01:00"'
        ',"component":[{"code":{"coding":[{"system":"http://loinc.org","code":"8480-6"}]}}]'
        ',"encounter":{"reference":"urn:uuid:9"}'
    )
    item = _kept(_bundle(_entry(_observation(more))))
    assert (item.resource_type, item.key) == ("Observation", "urn:uuid:1")
    assert (item.subject, item.date) == ("Patient/p", "2021-03-04T05:06:07+01:00")
    assert item.codes == (("http://loinc.org", "8867-4"), ("http://loinc.org", "8480-6"))
    assert item.references == ("Patient/p", "urn:uuid:9")


def test_a_sensitive_reason_makes_a_document_sensitive() -> None:
    # 370143000: major depressive disorder, as the reason for an ordinary medicine.
    plain = (
        '{"resourceType":"MedicationRequest","status":"active","intent":"order",'
        '"subject":{"reference":"urn:uuid:p"},"medicationCodeableConcept":{"coding":[{"system":'
        '"http://www.nlm.nih.gov/research/umls/rxnorm","code":"314076"}]}%s}'
    )
    reason = ',"reasonCode":[{"coding":[{"system":"http://snomed.info/sct","code":"370143000"}]}]'
    assert _kept(_bundle(_entry(plain % reason))).category is Category.MENTAL_HEALTH


def _coding(system: str, code: str) -> str:
    return f'{{"coding":[{{"system":"{system}","code":"{code}"}}]}}'


SNOMED_PREGNANCY = _coding("http://snomed.info/sct", "72892002")


def test_a_visit_or_a_bill_about_something_sensitive_is_not_filed_under_visits_or_bills() -> None:
    plain = '{"resourceType":"Encounter","status":"finished","class":{"code":"AMB"}%s}'
    reason = f',"reasonCode":[{SNOMED_PREGNANCY}]'
    assert _kept(_bundle(_entry(plain % ""))).category is Category.ENCOUNTERS
    assert _kept(_bundle(_entry(plain % reason))).category is Category.REPRODUCTIVE_HEALTH


def test_a_patient_stays_demographics_whatever_codes_it_carries() -> None:
    patient = f'{{"resourceType":"Patient","maritalStatus":{SNOMED_PREGNANCY}}}'
    assert _kept(_bundle(_entry(patient))).category is Category.DEMOGRAPHICS


@pytest.mark.parametrize(
    ("code", "category"),
    [
        ("8462-4", Category.BLOOD_PRESSURE),
        ("718-7", Category.UNCLASSIFIED),
        ("99999-9", Category.UNCLASSIFIED),
        ("5640-8", Category.SUBSTANCE_USE),
    ],
)
def test_a_panel_is_what_all_of_its_components_are(code: str, category: Category) -> None:
    loinc = "http://loinc.org"
    components = f'[{{"code":{_coding(loinc, "8480-6")}}},{{"code":{_coding(loinc, code)}}}]'
    panel = (
        f'{{"resourceType":"Observation","status":"final","code":{_coding(loinc, "85354-9")},'
        f'"component":{components}}}'
    )
    assert _kept(_bundle(_entry(panel))).category is category


def test_a_resource_with_more_codes_than_are_looked_at_is_unclassified() -> None:
    codes = ",".join(_coding("urn:local", str(each)) for each in range(CODINGS_MAX))
    hidden = _observation(f',"interpretation":[{codes},{SNOMED_PREGNANCY}]')
    assert _kept(_bundle(_entry(hidden))).category is Category.UNCLASSIFIED


def test_without_a_full_url_the_type_and_id_or_the_text_is_the_key() -> None:
    named = '{"resource":' + _observation(',"id":"o-1"') + "}"
    assert _kept(_bundle(named)).key == "Observation/o-1"
    nameless = '{"resource":' + _observation() + "}"
    assert _kept(_bundle(nameless)).key == _kept(_bundle(nameless)).key
    assert _kept(_bundle(nameless)).key.startswith("Observation#")


@pytest.mark.parametrize(
    ("resource", "problem", "place"),
    [
        (_observation(',"note":null'), "null", "note"),
        (_observation(',"note":[]'), "empty array", "note"),
        (_observation(',"subject":{}'), "empty object", "subject"),
        (_observation(',"issued":""'), "empty string", "issued"),
        (_observation(',"a":{"b":1,"b":2}'), "given twice", ""),
        (_observation(',"valueString":"\\ud800"'), "surrogate", "valueString"),
        (_observation(',"a":[[{"b":"\\ud800"}]]'), "surrogate", "a[0][0].b"),
        (_observation(',"v":' + "9" * 65), "too long", ""),
        (_observation(',"v":1e999'), "too long", ""),
        (_observation(',"v":NaN'), "NaN", ""),
        (_observation(',"v":' + "[" * 70 + "1" + "]" * 70), "nested", ""),
        (_observation(status=""), "status is missing", ""),
        (_observation(status='"status":["final"],'), "status is no code", ""),
        (_observation(',"id":"a b"'), "id that R4", ""),
        (_observation(',"effectiveDateTime":"2021-02-30"'), "impossible date", ""),
        (_observation(',"effectiveDateTime":"yesterday"'), "impossible date", ""),
        ('{"resourceType":"Horoscope"}', "R4 does not have", ""),
        ('{"resourceType":"Bundle","type":"batch"}', "within a Bundle", ""),
        (UNTIMED, "occurrence[x] is missing", ""),
        ('"text"', "no resource", ""),
    ],
)  # fmt: skip
def test_a_resource_that_fhir_forbids_is_refused_with_its_place(
    resource: str, problem: str, place: str
) -> None:
    content = _bundle(_entry(_observation(), "urn:uuid:0"), _entry(resource))
    first, second = _parse(content)
    assert isinstance(first, Clinical)
    assert isinstance(second, Refusal)
    assert problem in second.problem
    assert second.where.startswith("entry 2")
    assert second.where.endswith(place)
    assert second.cure


def test_a_null_in_an_array_stands_for_an_extension() -> None:
    patient = '{"resourceType":"Patient","name":[{"given":["A",null],"_given":[null,{"id":"x"}]}]}'
    assert _kept(_bundle(_entry(patient))).resource_type == "Patient"


def test_a_refusal_repeats_no_name_that_the_sender_made_up() -> None:
    refusal = _refused(_bundle(_entry(_observation(',"HIV positive":null'))))
    assert "HIV" not in f"{refusal.where}{refusal.problem}{refusal.cure}"


@pytest.mark.parametrize("method", ["DELETE", "PATCH", "GET"])
def test_an_entry_that_asks_for_something_else_is_refused(method: str) -> None:
    entry = (
        f'{{"request":{{"method":"{method}","url":"Observation/1"}},"resource":{_observation()}}}'
    )
    assert "something else" in _refused(_bundle(entry, kind="batch")).problem


def test_a_message_about_a_search_is_refused_and_its_results_are_kept() -> None:
    message = '{"resourceType":"OperationOutcome","issue":[{"code":"x"}]}'
    outcome = f'{{"search":{{"mode":"outcome"}},"resource":{message}}}'
    first, second = _parse(_bundle(outcome, _entry(_observation()), kind="searchset"))
    assert isinstance(first, Refusal)
    assert isinstance(second, Clinical)


def test_two_versions_of_one_entry_are_not_both_kept() -> None:
    one, other = _observation(',"language":"en"'), _observation(',"language":"fr"')
    first, second, third = _parse(_bundle(_entry(one), _entry(other), _entry(one)))
    assert isinstance(first, Clinical)
    assert isinstance(second, Refusal)
    assert isinstance(third, Clinical)


@pytest.mark.parametrize("kind", ["history", "document", "message", "transaction-response", ""])
def test_a_bundle_of_another_type_is_refused(kind: str) -> None:
    with pytest.raises(MalformedInput, match="type that is not imported"):
        _parse(_bundle(kind=kind))


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (_bundle(_entry(_observation()))[:-1], "cut short"),
        (_bundle(_entry(_observation())) + b"{}", "more text"),
        (b'{"resourceType":"Bundle","type":"batch","entry":[],"entry":[]}', "given twice"),
        (b'{"resourceType":"Bundle","type":"batch","entry":{}}', "expected \\["),
        (b'{"resourceType":"Patient"}', "not a FHIR Bundle"),
        (b"[" * 100_000, "expected {"),
        (b'{"resourceType":"Bundle","a":' + b"[" * 100_000, "nested"),
        (b'{"resourceType":"Bundle",}', "not JSON"),
        (b'{"resourceType":"Bundle","type":"batch","a":"\xff"}', "not UTF-8"),
        ('{"resourceType":"Bundle"}'.encode("utf-16"), "not UTF-8"),
        (b"", "cut short"),
    ],
)
def test_what_is_no_bundle_yields_nothing(content: bytes, problem: str) -> None:
    items: list[Item] = []
    with pytest.raises(MalformedInput, match=problem) as refused:
        items.extend(FhirBundle().parse(payload("chart.json", content), context()))
    assert refused.value.where.startswith("chart.json")
    assert not items


def test_a_byte_order_mark_is_no_reason_to_refuse() -> None:
    plain = _bundle(_entry(_observation()))
    for mark in (
        b"\xef\xbb\xbf",
        b"\xc3\xaf\xc2\xbb\xc2\xbf",
        b"\xef\xbb\xbf\xc3\xaf\xc2\xbb\xc2\xbf",
    ):
        given_payload = payload("chart.json", mark + plain)
        assert FhirBundle().recognises(mark + plain, given_payload)
        assert len(list(FhirBundle().parse(given_payload, context()))) == 1


@pytest.mark.parametrize("pack", [gzip.compress, bz2.compress])
def test_a_bomb_is_refused_before_it_is_unpacked(pack: Any) -> None:
    spaces = b" " * (2 * RATIO_FREE_BYTES)
    bomb = pack(_bundle(_entry(_observation())) + spaces)
    with pytest.raises(MalformedInput, match="unpacks to more than"):
        _parse(bomb)
    with pytest.raises(MalformedInput, match="damaged"):
        _parse(bomb[: len(bomb) // 2])


@given(st.text(alphabet='{}[]":,\\u0dnullesrotype Bd8', max_size=60))
def test_strange_text_is_malformed_or_refused(text: str) -> None:
    for content in (text.encode(), _bundle(_entry(text)), _bundle(text)):
        try:
            _parse(content)
        except MalformedInput as problem:
            assert "chart.json" in problem.where  # noqa: PT017 # Either outcome is right.


def test_the_table_of_types_is_that_of_r4() -> None:
    assert len(REQUIRED) == 146
    assert REQUIRED["Observation"] == ("status", "code")


def test_identifiers_decide_and_names_do_not() -> None:
    bound = [(MRN, "1"), ("urn:ssn", "9")]
    assert match([(MRN, "1")], bound) is Match.SAME
    assert match([(MRN, "1"), ("urn:other", "5")], bound) is Match.SAME
    assert match([(MRN, "1"), (MRN, "7")], bound) is Match.SAME
    assert match([(MRN, "2")], bound) is Match.CONTRADICTS
    assert match([(MRN, "1"), ("urn:ssn", "8")], bound) is Match.CONTRADICTS
    assert match([("urn:other", "1")], bound) is Match.UNKNOWN
    assert match([], bound) is Match.UNKNOWN
    assert match([("", "1")], [("", "1")]) is Match.UNKNOWN


def _patient(own_id: str, mrn: str) -> str:
    return (
        f'{{"resourceType":"Patient","id":"{own_id}","name":[{{"family":"Same"}}],'
        f'"birthDate":"1980-01-01","identifier":[{{"system":"{MRN}","value":"{mrn}"}}]}}'
    )


def _documents(content: bytes) -> list[Clinical]:
    return [item for item in _parse(content) if isinstance(item, Clinical)]


def test_two_patients_of_the_same_name_and_birthday_stay_two() -> None:
    about_b = _observation(',"subject":{"reference":"Patient/b"}')
    documents = _documents(
        _bundle(
            _entry(_patient("a", "1"), "urn:uuid:a"),
            _entry(_patient("b", "2"), "urn:uuid:b"),
            _entry(about_b, "urn:uuid:c"),
        )
    )
    first, second = patients_in(documents)
    assert patient_of(documents[2], (first, second)) is second
    assert second.identifiers == {(MRN, "2")}


def test_a_subject_that_is_not_in_the_bundle_is_a_patient_of_its_own() -> None:
    identifier = f'{{"system":"{MRN}","value":"1"}}'
    search = f"Patient?identifier={MRN}|7"
    documents = _documents(
        _bundle(
            _entry(_patient("a", "1"), "urn:uuid:a"),
            _entry(_observation(',"subject":{"reference":"Patient/stranger"}'), "urn:uuid:b"),
            _entry(_observation(f',"subject":{{"identifier":{identifier}}}'), "urn:uuid:c"),
            _entry(_observation(f',"subject":{{"reference":"{search}"}}'), "urn:uuid:d"),
            _entry(_observation(',"subject":{"reference":"Group/g"}'), "urn:uuid:e"),
        )
    )  # fmt: skip
    known, *others = patients_in(documents)
    assert [other.identifiers for other in others] == [frozenset(), frozenset({(MRN, "7")})]
    assert patient_of(documents[2], (known, *others)) is known


def test_a_reference_that_two_patients_could_mean_is_nobodys() -> None:
    documents = _documents(
        _bundle(
            _entry(_patient("a", "1"), "http://one.example/Patient/a"),
            _entry(_patient("a", "2"), "http://two.example/Patient/a"),
            _entry(_observation(',"subject":{"reference":"Patient/a"}'), "urn:uuid:c"),
        )
    )
    patients = patients_in(documents)
    assert len(patients) == 2
    assert patient_of(documents[2], patients) is None


def test_a_subject_whose_identifier_contradicts_its_reference_is_not_the_patients() -> None:
    liar = f',"subject":{{"reference":"Patient/a","identifier":{{"system":"{MRN}","value":"2"}}}}'
    documents = _documents(
        _bundle(
            _entry(_patient("a", "1"), "urn:uuid:a"),
            _entry(_observation(',"subject":{"reference":"Patient/a"}'), "urn:uuid:b"),
            _entry(_observation(',"subject":{"reference":"Patient/z"}'), "urn:uuid:c"),
            _entry('{"resourceType":"Organization"}', "urn:uuid:d"),
            _entry(_observation(liar), "urn:uuid:e"),
        )
    )
    judged = [judge(document, patients_in(documents), [(MRN, "1")]) for document in documents]
    same, unknown = Match.SAME, Match.UNKNOWN
    assert judged == [same, same, unknown, unknown, Match.CONTRADICTS]
    assert judge(documents[1], patients_in(documents), [(MRN, "3")]) is Match.CONTRADICTS


@pytest.mark.parametrize("name", ["chart-adult.json.bz2", "chart-infant.json.gz"])
def test_an_ordinary_chart_is_classified_but_for_what_only_refers(name: str) -> None:
    # Shared with other charts or about other resources: consent has nothing to say of them.
    beside = {"Location", "Organization", "Practitioner", "PractitionerRole", "Provenance"}
    items = [
        item
        for item in FhirBundle().parse(sample(name), context())
        if isinstance(item, Clinical) and item.resource_type not in beside
    ]
    unclassified = [item for item in items if item.category is Category.UNCLASSIFIED]
    assert len(items) > 50
    assert len(unclassified) <= len(items) // 50, [
        (item.resource_type, item.codes) for item in unclassified
    ]


def test_full_charts_are_classified() -> None:
    folder = Path(__file__).parents[4] / "shared" / "data" / "synthea"
    if not folder.exists():
        pytest.skip("the full charts are not here")
    kept = unclassified = 0
    for chart in sorted(folder.glob("*-*-*.json.bz2"))[:6]:
        for item in FhirBundle().parse(payload(chart.name, chart.read_bytes()), context()):
            if isinstance(item, Clinical) and item.resource_type != "Provenance":
                kept += 1
                unclassified += item.category is Category.UNCLASSIFIED
    assert kept > 1_000
    assert unclassified / kept < 0.01
