"""Pages neither repeat nor leave out; a drawing keeps its extremes; one id finds one thing."""

import base64
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pulsekey.cli.sample_data import samples as sample_files
from pulsekey.evidence.entries import Asked
from pulsekey.exchange import show_record
from pulsekey.exchange.search_records import Reader
from pulsekey.exchange.show_record import POINTS_MAX, thinned
from pulsekey.exchange.streams import sample_named
from pulsekey.primitives.clock import Seconds
from pulsekey.primitives.errors import AccessDenied, MalformedInput, NotFound
from pulsekey.primitives.ids import SeriesId
from pulsekey.signals.catalogue import HEART_RATE
from pulsekey.signals.metric import Shape
from tests.fakes.fhir_samples import NEW_YEAR, numbers, samples, times
from tests.fakes.node_clinic import Clinic, Member, chart, chart_identifiers, everything
from tests.fakes.node_http import Reply
from tests.fakes.payloads import payload

HOUR = 3_600_000_000


def answer(clinic: Clinic, reader: Reader, kind: str, *query: tuple[str, str]) -> Reply:
    found = clinic.node.records.search(reader, kind, list(query))
    return Reply(200, {}, found.body)


def paged(clinic: Clinic, reader: Reader, kind: str, *query: tuple[str, str]) -> list[str]:
    """Return the ids of all pages, following the links as they were given."""
    page = answer(clinic, reader, kind, *query)
    found = [str(one["id"]) for one in page.entries]
    while page.next:
        token = page.next.partition("?_page=")[2].replace("%3D", "=")
        page = answer(clinic, reader, kind, ("_page", token))
        assert page.entries, "a link leads to something"
        found += [str(one["id"]) for one in page.entries]
    return found


@pytest.fixture
def patient(clinic: Clinic) -> Member:
    """Somebody whose record holds samples, waveforms and imported resources of the same codes."""
    member = clinic.patient(bound=chart_identifiers())
    clinic.load(member, *everything(), chart())
    return member


@pytest.mark.parametrize("order", ["date", "-date"])
@pytest.mark.parametrize("count", ["7", "50", "333"])
def test_pages_of_samples_blocks_and_resources_are_the_whole_list_once(
    clinic: Clinic, patient: Member, order: str, count: str
) -> None:
    reader = patient.reader("PATRQT")
    query = (("date", "ge1990-01-01"), ("_sort", order))
    whole = paged(clinic, reader, "Observation", *query, ("_count", "1000"))
    assert len(whole) == len(set(whole)) > 300
    assert paged(clinic, reader, "Observation", *query, ("_count", count)) == whole


def test_pages_under_several_consents_are_the_whole_list_once(
    clinic: Clinic, patient: Member
) -> None:
    clinician = clinic.clinician()
    clinic.grant(patient, clinician, ["glucose"], data_until="now")
    clinic.grant(patient, clinician, ["glucose", "ecg"], data_from="1961-04-14T00:00")
    reader = clinician.reader()
    named = ("patient", patient.patient)
    whole = paged(clinic, reader, "Observation", named, ("_count", "1000"))
    assert len(whole) == len(set(whole)) > 800
    assert paged(clinic, reader, "Observation", named, ("_count", "97")) == whole


def test_both_directions_are_each_others_reverse(clinic: Clinic, patient: Member) -> None:
    reader = patient.reader("PATRQT")
    query = (("code", "99504-3"), ("_count", "200"))
    down = paged(clinic, reader, "Observation", *query, ("_sort", "-date"))
    assert paged(clinic, reader, "Observation", *query, ("_sort", "date")) == down[::-1]


def test_a_page_link_cannot_be_changed_moved_or_shared(clinic: Clinic, patient: Member) -> None:
    clinician, other = clinic.clinician(), clinic.clinician("Dr B")
    clinic.grant(patient, clinician, ["glucose", "conditions"])
    reader = clinician.reader()
    named = ("patient", patient.patient)
    page = answer(clinic, reader, "Observation", named, ("_count", "2"))
    token = page.next.partition("?_page=")[2].replace("%3D", "=")
    raw = bytearray(base64.urlsafe_b64decode(token))
    assert patient.patient.encode() not in raw
    for at in range(0, len(raw), 5):
        raw[at] ^= 1
        changed = base64.urlsafe_b64encode(raw).decode()
        raw[at] ^= 1
        with pytest.raises(MalformedInput):
            answer(clinic, reader, "Observation", ("_page", changed))
    for bad in ("", "x", "\u00e9", token[:20], token + "AAAA", "A" * 9_000):
        with pytest.raises(MalformedInput):
            answer(clinic, reader, "Observation", ("_page", bad))
    with pytest.raises(MalformedInput):
        answer(clinic, reader, "Condition", ("_page", token))
    with pytest.raises(MalformedInput):
        answer(clinic, reader, "Observation", ("_page", token), named)
    # A link holds a search, not a permission.
    with pytest.raises(NotFound):
        answer(clinic, other.reader(), "Observation", ("_page", token))


def test_a_page_whose_consents_changed_says_so(clinic: Clinic, patient: Member) -> None:
    clinician = clinic.clinician()
    clinic.grant(patient, clinician, ["glucose"])
    reader = clinician.reader()
    page = answer(clinic, reader, "Observation", ("patient", patient.patient), ("_count", "2"))
    token = page.next.partition("?_page=")[2].replace("%3D", "=")
    clinic.grant(patient, clinician, ["ecg"], data_from="2020-01-01T00:00")
    with pytest.raises(MalformedInput, match="has changed"):
        answer(clinic, reader, "Observation", ("_page", token))


def test_every_sample_of_a_long_series_is_found_by_its_id(clinic: Clinic) -> None:
    """Reading one by one once scanned the record, and gave up on long ones."""
    member = clinic.patient()
    (phone,) = (one for one in sample_files() if one.name == "export.zip")
    clinic.load(member, payload(phone.name, phone.content))
    reader = member.reader("PATRQT")
    scope = clinic.node.gate.open(member.principal, member.patient, "", Asked(())).scopes[0]
    longest = max(scope.series(), key=lambda entry: entry.count)
    assert longest.count > 4_000
    for ordinal in (0, 1, longest.count // 2, longest.count - 1):
        name = f"{longest.id}-{ordinal}"
        body = Reply(200, {}, clinic.node.records.read(reader, "Observation", name).body)
        assert body.json["id"] == name
        found = answer(clinic, reader, "Observation", ("_id", name))
        assert [one["id"] for one in found.entries] == [name]
    for name in (f"{longest.id}-{longest.count}", f"{longest.id}-00", f"{longest.id}--1"):
        with pytest.raises((NotFound, MalformedInput)):
            clinic.node.records.read(reader, "Observation", name)


def test_several_ids_are_found_in_order_and_paged(clinic: Clinic, patient: Member) -> None:
    reader = patient.reader("PATRQT")
    whole = paged(clinic, reader, "Observation", ("date", "ge1990-01-01"), ("_count", "1000"))
    chosen = whole[::40]
    assert len(chosen) > 5
    ids = ("_id", ",".join(sorted(chosen)))
    assert paged(clinic, reader, "Observation", ids) == chosen
    assert paged(clinic, reader, "Observation", ids, ("_count", "2")) == chosen


def test_a_named_sample_outside_of_the_search_is_not_found(clinic: Clinic, patient: Member) -> None:
    reader = patient.reader("PATRQT")
    (name,) = paged(clinic, reader, "Observation", ("code", "99504-3"), ("_count", "1000"))[:1]
    for query in (("date", "ge1990-01-01"), ("code", "8867-4")):
        assert paged(clinic, reader, "Observation", ("_id", name), query) == []


@pytest.mark.parametrize("query", [(), (("code", "8867-4"),)])
def test_a_search_has_to_say_whose_record(
    clinic: Clinic, query: tuple[tuple[str, str], ...]
) -> None:
    clinician = clinic.clinician()
    with pytest.raises(MalformedInput, match="whose record"):
        answer(clinic, clinician.reader(), "Observation", *query)


def test_a_token_without_the_scope_is_refused_before_anything_is_looked_up(
    clinic: Clinic,
) -> None:
    clinician = clinic.clinician()
    reader = replace(clinician.reader(), scopes=("user/Condition.read",))
    with pytest.raises(AccessDenied):
        answer(clinic, reader, "Observation", ("patient", "nobody"))


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("abc-0", ("abc", 0)),
        ("a-b-17", ("a-b", 17)),
        ("abc", None),
        ("-1", None),
        ("abc-", None),
        ("abc-01", None),
        ("abc--1", ("abc-", 1)),
        ("abc-\u0661", None),
        ("abc-" + "9" * 19, None),
    ],
)
def test_a_sample_has_one_id(name: str, expected: tuple[SeriesId, int] | None) -> None:
    assert sample_named(name) == expected


@given(
    st.lists(st.integers(-50, 50), min_size=1, max_size=300),
    st.integers(1, 60),
    st.integers(1, 200 * 365 * 24),
    st.data(),
)
def test_thinning_keeps_the_extremes_and_fits(
    values: list[int], points: int, span_hours: int, data: st.DataObject
) -> None:
    count = len(values)
    starts = sorted(
        data.draw(
            st.lists(st.integers(0, span_hours), min_size=count, max_size=count), label="hours"
        )
    )
    doubtful = data.draw(st.lists(st.sampled_from([0, 1]), min_size=count, max_size=count))
    shown = samples(
        HEART_RATE,
        times([NEW_YEAR + hour * HOUR for hour in starts]),
        numbers(values),
        grades=[(grade, grade) for grade in doubtful],
    )
    rows = thinned(shown, np.arange(count), points)
    assert len(rows) <= max(points, 2), "the lowest and the highest are two"
    assert (np.diff(rows) > 0).all()
    if count <= points:
        assert rows.tolist() == list(range(count))
        return
    kept = [values[row] for row in rows]
    assert min(kept) == min(values)
    assert max(kept) == max(values)


def test_what_is_doubtful_is_kept_as_far_as_it_fits() -> None:
    grades = [(int(n % 10 == 5), int(n % 10 == 5)) for n in range(300)]
    starts = times([NEW_YEAR + n * HOUR for n in range(300)])
    shown = samples(HEART_RATE, starts, numbers([60] * 300), grades=grades)
    rows = set(thinned(shown, np.arange(300), 120).tolist())
    assert {n for n in range(300) if n % 10 == 5} <= rows


def test_a_stretch_says_how_good_it_is_and_whether_it_was_thinned(
    clinic: Clinic, patient: Member
) -> None:
    showing = clinic.node.showing
    listed = showing.series(patient.principal, patient.patient, "")
    (entry,) = (one for one in listed.series if one.metric.name == "glucose-sensor")

    def stretch(points: int) -> object:
        return showing.stretch(patient.principal, entry.id, "", None, None, points)

    whole = showing.stretch(patient.principal, entry.id, "", None, None, POINTS_MAX)
    assert (len(whole.shown), whole.thinned) == (entry.count, False)
    assert whole.summary is not None
    few = showing.stretch(patient.principal, entry.id, "", None, None, 100)
    assert few.thinned
    assert len(few.shown) <= 100
    for points in (0, POINTS_MAX + 1):
        with pytest.raises(MalformedInput):
            stretch(points)


def test_every_period_that_may_be_read_is_shown(clinic: Clinic, patient: Member) -> None:
    """Two consents to one category with a gap between them: once only the first was drawn."""
    clinician = clinic.clinician()
    both = ["glucose", "ecg"]
    early = clinic.grant(patient, clinician, both, data_from="1960-01-01T00:00")
    terms = clinic.node.register.terms(early)
    # The portal offers no such end of the data; the terms can say it.
    showing, who = clinic.node.showing, clinician.principal
    listed = showing.series(who, patient.patient, "TREAT").series
    (entry,) = (one for one in listed if one.metric.name == "glucose-sensor")
    (wave,) = (one for one in listed if one.metric.name == "ecg")
    middle = Seconds((entry.first + entry.last) // 2_000_000)
    clinic.stop(patient, early)
    gap = Seconds(middle - 3_600), Seconds(middle + 3_600)
    for begin, end in ((None, gap[0]), (gap[1], None)):
        limited = replace(
            terms, data_from=begin, data_until=end, sentence="", salt=clinic.entropy(32)
        )
        clinic.grant_terms(patient, limited)
    stretch = showing.stretch(who, entry.id, "TREAT", None, None, POINTS_MAX)
    assert stretch.samples is not None
    shown = stretch.samples.series.times.start[stretch.shown] // 1_000_000
    assert (np.diff(shown) >= 0).all()
    assert shown[0] < middle - 3_600
    assert shown[-1] > middle + 3_600
    assert not ((shown >= middle - 3_600) & (shown < middle + 3_600)).any()
    assert 24 <= entry.count - len(shown) <= 26
    # The waveform lies in the second period.
    (head,) = showing.blocks(who, wave.id, "TREAT")
    assert showing.waveform(who, wave.id, "TREAT", head.ordinal, 0, 1).head == head


def test_a_list_of_series_holds_the_newest_sample_of_each(clinic: Clinic, patient: Member) -> None:
    showing = clinic.node.showing
    listed = showing.series(patient.principal, patient.patient, "")
    for entry in listed.series:
        newest = listed.latest.get(entry.id)
        assert (newest is None) == (entry.metric.shape is Shape.WAVEFORM), entry.metric.name
        if newest is not None:
            whole = showing.stretch(patient.principal, entry.id, "", None, None, POINTS_MAX).samples
            assert whole is not None
            assert len(newest) == 1
            assert newest.series.times.start[0] == whole.series.times.start.max()


def test_the_newest_sample_is_the_newest_that_may_be_read(clinic: Clinic, patient: Member) -> None:
    clinician = clinic.clinician()
    own = clinic.node.showing.series(patient.principal, patient.patient, "")
    (entry,) = (one for one in own.series if one.metric.name == "glucose-sensor")
    middle = Seconds((entry.first + entry.last) // 2_000_000)
    early = clinic.grant(patient, clinician, ["glucose"], data_from="1960-01-01T00:00")
    terms = clinic.node.register.terms(early)
    clinic.stop(patient, early)
    for begin, end in ((None, Seconds(middle - 7_200)), (None, middle)):
        limited = replace(
            terms, data_from=begin, data_until=end, sentence="", salt=clinic.entropy(32)
        )
        clinic.grant_terms(patient, limited)
    listed = clinic.node.showing.series(clinician.principal, patient.patient, "TREAT")
    newest = int(listed.latest[entry.id].series.times.start[0])
    assert middle - 600 <= newest // 1_000_000 < middle


def test_a_chart_counts_what_may_be_read(clinic: Clinic) -> None:
    showing = clinic.node.showing
    patient = clinic.patient("Carla Chart", bound=chart_identifiers())
    clinic.load(patient, chart())
    whole = showing.chart(patient.principal, patient.patient, "")
    assert (whole.limited, whole.cut) == (False, False)
    for resource_type, count in whole.counts.items():
        found = showing.documents(patient.principal, patient.patient, "", resource_type)
        assert (len(found.resources), found.cut) == (count, False), resource_type
    held = showing.categories(patient.principal, patient.patient)
    assert sum(documents for _, documents in held.values()) == sum(whole.counts.values())

    clinician = clinic.clinician()
    clinic.grant(patient, clinician, ["conditions"])
    limited = showing.chart(clinician.principal, patient.patient, "TREAT")
    assert limited.limited
    # The strength of a pain is told with the condition.
    assert set(limited.counts) == {"Condition", "Observation"}
    # A second consent to the same conditions shows none of them twice.
    clinic.grant(patient, clinician, ["conditions", "allergies"])
    both = showing.chart(clinician.principal, patient.patient, "TREAT")
    assert both.counts["Condition"] == limited.counts["Condition"]
    found = showing.documents(clinician.principal, patient.patient, "TREAT", "Condition")
    assert len(found.resources) == limited.counts["Condition"]


def test_what_is_no_type_is_refused_before_anything_is_logged(
    clinic: Clinic, patient: Member
) -> None:
    """Once a type of 60,000 characters was logged for ever, and evidence grew beyond reading."""
    clinician, log = clinic.clinician(), clinic.node.accesses
    before = log.heads(patient.patient)
    for resource_type in ("x" * 60_000, "Patients", ""):
        with pytest.raises(MalformedInput, match="no type"):
            clinic.node.showing.documents(
                clinician.principal, patient.patient, "TREAT", resource_type
            )
    assert log.heads(patient.patient) == before


def test_what_is_too_much_for_one_answer_says_so(
    clinic: Clinic, patient: Member, monkeypatch: pytest.MonkeyPatch
) -> None:
    showing, who = clinic.node.showing, patient.principal
    listed = showing.series(who, patient.patient, "")
    (entry,) = (one for one in listed.series if one.metric.name == "glucose-sensor")
    assert not showing.stretch(who, entry.id, "", None, None, POINTS_MAX).cut
    monkeypatch.setattr(show_record, "ROWS_PER_READ_MAX", 100)
    stretch = showing.stretch(who, entry.id, "", None, None, POINTS_MAX)
    assert (len(stretch.shown), stretch.cut) == (100, True)
    assert stretch.samples is not None
    assert stretch.samples.series.times.end.max() == entry.last

    counts = showing.chart(who, patient.patient, "").counts
    monkeypatch.setattr(show_record, "DOCUMENTS_MAX", 3)
    monkeypatch.setattr(show_record, "COUNTED_MAX", 5)
    found = showing.documents(who, patient.patient, "", "Condition")
    assert (len(found.resources), found.cut) == (3, True)
    few = showing.chart(who, patient.patient, "")
    assert (sum(few.counts.values()), few.cut) == (5, True)
    # How many there are of each category is counted in full.
    held = showing.categories(who, patient.patient)
    assert sum(documents for _, documents in held.values()) == sum(counts.values())


def test_a_waveform_is_shown_by_seconds(clinic: Clinic, patient: Member) -> None:
    showing, who = clinic.node.showing, patient.principal
    listed = showing.series(who, patient.patient, "")
    (entry,) = (one for one in listed.series if one.metric.name == "ecg")
    (head,) = showing.blocks(who, entry.id, "")
    record = showing.waveform(who, entry.id, "", head.ordinal, 2, 3)
    rate = record.block.rate_hz
    assert record.first == 2 * rate
    assert len(record.block.channels[0].raw) == 3 * rate
    for first, seconds in ((0, 0), (0, 601), (-1, 10), (10**6, 10), (10**17, 10)):
        with pytest.raises(MalformedInput):
            showing.waveform(who, entry.id, "", head.ordinal, first, seconds)
    with pytest.raises(NotFound):
        showing.waveform(who, entry.id, "", head.ordinal + 1, 0, 1)
