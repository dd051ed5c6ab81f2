"""Offers: an operation that is ready to be signed, between the reading of it and the gesture.

An offer lives in memory, for a few minutes, once. If the node stops, the page asks for a new one:
nothing was promised yet.
"""

import threading
from collections import OrderedDict
from dataclasses import dataclass
from typing import NewType

from pulsekey.consent.operations import Body, Operation, Revoke, RevokeAll
from pulsekey.consent.terms import Terms
from pulsekey.identity.principals import Passkey
from pulsekey.primitives.clock import MICROS_PER_SECOND, Clock, Micros
from pulsekey.primitives.errors import Conflict
from pulsekey.primitives.ids import Digest, Entropy, PrincipalId, opaque

OfferId = NewType("OfferId", str)

OFFERS_MAX = 10_000
OFFERS_EACH_MAX = 32
"""Open offers of one person, so that nobody alone can end the offers of others."""

OFFER_SECONDS_MAX = 300


@dataclass(frozen=True, slots=True)
class Offer:
    """One operation, the bytes and the challenge of it, and what it is about.

    That is the terms of a grant, or the passkey that an `add_key` lets in; None for all others.
    """

    id: OfferId
    principal: PrincipalId
    operation: Operation
    operation_bytes: bytes
    challenge: Digest
    options: dict[str, object]
    about: Terms | Passkey | None
    expires: Micros

    @property
    def terms(self) -> Terms | None:
        return self.about if isinstance(self.about, Terms) else None

    @property
    def passkey(self) -> Passkey | None:
        return self.about if isinstance(self.about, Passkey) else None


def is_stop(body: Body) -> bool:
    """Whether an operation takes back what was allowed."""
    return isinstance(body, Revoke | RevokeAll)


class Offers:
    """Keeps offers until they are taken, once, by whom they were made for."""

    def __init__(self, clock: Clock, entropy: Entropy) -> None:
        self._clock = clock
        self._entropy = entropy
        self._lock = threading.Lock()
        self._open: OrderedDict[OfferId, Offer] = OrderedDict()

    def make(
        self,
        principal: PrincipalId,
        operation: Operation,
        challenge: Digest,
        options: dict[str, object],
        about: Terms | Passkey | None = None,
    ) -> Offer:
        """Keep a new offer. The oldest gives way when one person, or everybody, has too many."""
        now = self._clock.now()
        offer = Offer(
            OfferId(opaque(self._entropy)),
            principal,
            operation,
            operation.encode(),
            challenge,
            options,
            about,
            Micros(now + OFFER_SECONDS_MAX * MICROS_PER_SECOND),
        )
        with self._lock:
            for old in [one.id for one in self._open.values() if one.expires <= now]:
                del self._open[old]
            own = [one.id for one in self._open.values() if one.principal == principal]
            for old in own[: max(len(own) - OFFERS_EACH_MAX + 1, 0)]:
                del self._open[old]
            self._open[offer.id] = offer
            while len(self._open) > OFFERS_MAX:
                self._open.popitem(last=False)
        return offer

    def highest_stop(self, principal: PrincipalId) -> int:
        """Return the highest nonce of the stops that are open for somebody, 0 if there is none."""
        with self._lock:
            return max(
                (
                    one.operation.nonce
                    for one in self._open.values()
                    if one.principal == principal and is_stop(one.operation.body)
                ),
                default=0,
            )

    def take(self, offer: OfferId, principal: PrincipalId) -> Offer:
        """Return the offer and forget it. Unknown, expired and another's are refused alike."""
        with self._lock:
            found = self._open.get(offer)
            if found is not None and found.principal == principal:
                del self._open[offer]
        if found is None or found.principal != principal or self._clock.now() >= found.expires:
            raise Conflict("this offer is no longer open; start again")
        return found
