"""A page of matches is rendered together, and says what each match says alone."""

from pulsekey.exchange.streams import Found, Sampled, rendered
from pulsekey.fhir.systems import observation_id
from pulsekey.signals.catalogue import BLOOD_PRESSURE, HEART_RATE
from pulsekey.signals.grade import Grade, Reason
from pulsekey.vault.records import Cursor, DocumentRecord, Samples
from tests.fakes.fhir_samples import MINUTE, NEW_YEAR, document, numbers, samples, times

AT = times([NEW_YEAR + index * MINUTE for index in range(6)])
GRADES = [(Grade.GOOD, 0), (Grade.QUESTIONABLE, int(Reason.IMPLAUSIBLE))] * 3
BEATS = samples(HEART_RATE, AT, numbers([60, 61, 62, 63, 64, 65]), grades=GRADES)
LATER_BEATS = samples(HEART_RATE, AT, numbers([70, 71, 72, 73, 74, 75]), first_ordinal=6)
PRESSURES = samples(BLOOD_PRESSURE, AT, numbers([120] * 6), numbers([80] * 6))
CHART = document("Condition", b'{"resourceType":"Condition","id":"c"}')


def found(item: Sampled | DocumentRecord) -> Found:
    return Found(0, 0, 1, Cursor(0, "", 0), item)


def unresolved(_: str) -> None:
    return None


def row(of: Samples, index: int) -> Found:
    return found(Sampled(of, index))


MIXED = [
    row(PRESSURES, 5),
    row(BEATS, 5),
    row(LATER_BEATS, 0),
    row(BEATS, 4),
    found(CHART),
    row(BEATS, 0),
    row(PRESSURES, 1),
    row(BEATS, 4),
]


def test_matches_of_several_series_keep_their_order_and_their_bytes() -> None:
    together = rendered(MIXED, unresolved)
    alone = [rendered([one], unresolved)[0] for one in MIXED]
    assert together == alone
    assert len({body for _, _, body in together}) == len(MIXED) - 1  # One row stands there twice.


def test_every_match_has_the_id_of_its_own_row() -> None:
    names = [name for _, name, _ in rendered(MIXED, unresolved)]
    for one, name in zip(MIXED, names, strict=True):
        if isinstance(one.item, Sampled):
            ordinal = int(one.item.samples.ordinals[one.item.row])
            assert name == observation_id(one.item.samples.entry.id, ordinal)
        else:
            assert name == CHART.id


def test_nothing_found_renders_nothing() -> None:
    assert rendered([], unresolved) == []
