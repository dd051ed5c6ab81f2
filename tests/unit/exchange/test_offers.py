"""An offer is open for a few minutes, once, to whom it was made for."""

import pytest

from pulsekey.consent.operations import Operation, RevokeAll
from pulsekey.exchange import offers as offers_module
from pulsekey.exchange.offers import OFFER_SECONDS_MAX, Offer, OfferId, Offers
from pulsekey.primitives.clock import MICROS_PER_SECOND, Micros
from pulsekey.primitives.errors import Conflict
from pulsekey.primitives.ids import AccountId, Digest, KeyId, PrincipalId
from tests.fakes.software_authenticator import Repeatable

ANN, BOB = PrincipalId("ann"), PrincipalId("bob")


class Hand:
    """A clock that stands where it was put."""

    def __init__(self) -> None:
        self.at = 1_000

    def now(self) -> Micros:
        return Micros(self.at)


def made(offers: Offers, nonce: int = 1) -> Offer:
    operation = Operation(AccountId(bytes(32)), nonce, KeyId(bytes(32)), RevokeAll())
    return offers.make(ANN, operation, Digest(bytes(32)), {})


def offers_at(clock: Hand) -> Offers:
    return Offers(clock, Repeatable("offers"))


def test_an_offer_is_taken_once() -> None:
    offers = offers_at(Hand())
    offer = made(offers)
    assert offers.take(offer.id, ANN) == offer
    with pytest.raises(Conflict):
        offers.take(offer.id, ANN)


def test_what_is_offered_are_the_operations_bytes() -> None:
    offer = made(offers_at(Hand()))
    assert offer.operation_bytes == offer.operation.encode()


def test_anothers_offer_is_refused_like_an_unknown_one_and_stays_open() -> None:
    offers = offers_at(Hand())
    offer = made(offers)
    messages = set()
    for name, who in ((offer.id, BOB), (OfferId("none"), ANN)):
        with pytest.raises(Conflict) as refused:
            offers.take(name, who)
        messages.add(str(refused.value))
    assert len(messages) == 1
    assert offers.take(offer.id, ANN) == offer


@pytest.mark.parametrize(("late", "stands"), [(-1, True), (0, False), (1, False)])
def test_an_offer_expires_on_the_very_microsecond(late: int, stands: bool) -> None:
    clock = Hand()
    offers = offers_at(clock)
    offer = made(offers)
    clock.at += OFFER_SECONDS_MAX * MICROS_PER_SECOND + late
    if stands:
        assert offers.take(offer.id, ANN) == offer
    else:
        with pytest.raises(Conflict):
            offers.take(offer.id, ANN)


def test_the_oldest_offer_gives_way_when_there_are_too_many(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(offers_module, "OFFERS_MAX", 2)
    offers = offers_at(Hand())
    first, second, third = (made(offers, nonce) for nonce in (1, 2, 3))
    with pytest.raises(Conflict):
        offers.take(first.id, ANN)
    assert [offers.take(one.id, ANN) for one in (second, third)] == [second, third]
