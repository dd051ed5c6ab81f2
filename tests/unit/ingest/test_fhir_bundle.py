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
from pulsekey.ingest.fhir_bundle import FhirBundle
from pulsekey.ingest.fhir_shape import REQUIRED
from pulsekey.ingest.items import Item, Refusal
from pulsekey.ingest.patients import objections
from pulsekey.primitives.errors import MalformedInput
from pulsekey.resources.documents import Clinical
from pulsekey.resources.matter import CODINGS_MAX
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
        (patient,) = (each for each in documents if each.resource_type == "Patient")
        assert set(objections(documents, patient.identifiers)) == {None}
        assert None not in objections(documents, ())


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


def test_a_patient_is_demographics_unless_a_code_is_sensitive() -> None:
    patient = '{"resourceType":"Patient","maritalStatus":%s}'
    plain = patient % _coding("urn:local", "M")
    assert _kept(_bundle(_entry(plain))).category is Category.DEMOGRAPHICS
    carrying = patient % SNOMED_PREGNANCY
    assert _kept(_bundle(_entry(carrying))).category is Category.REPRODUCTIVE_HEALTH


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
