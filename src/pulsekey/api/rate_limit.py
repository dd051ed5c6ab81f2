"""How often somebody who has not signed in may ask: per address, and all together.

What needs a session is never limited here, so no flood keeps a patient from stopping a consent. An
address that somebody has lately signed in from does not share the common limit, so that strangers
cannot use it up for a clinic. Memory is bounded: of very many addresses the longest unseen are
forgotten, and then only the common limit holds.

The measure is the generic cell rate algorithm (ITU-T I.371, annex A): one number an address, the
moment at which its allowance will be whole again.
"""

import logging
import threading
from collections import OrderedDict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address
from typing import TypeAlias

from starlette.requests import Request

from pulsekey.primitives.clock import MICROS_PER_SECOND, Clock
from pulsekey.primitives.errors import TooManyRequests
from pulsekey.settings import Network

LOG = logging.getLogger("pulsekey")
ADDRESSES_MAX = 20_000
"""Addresses remembered of each kind; one is a few hundred bytes."""

HOPS_MAX = 16
"""Proxies that are looked through, from the nearest on."""

BURST_MINUTES = 2
"""How much of the allowance may be used at once after a pause."""

MINUTE_MICROS = 60 * MICROS_PER_SECOND
IPV6_PREFIX = 64
"""What one IPv6 subscriber has at least (RFC 6177): single addresses cost them nothing."""

FORWARDED = "x-forwarded-for"
Address: TypeAlias = IPv4Address | IPv6Address


class Kind(StrEnum):
    """What is asked for. Each has allowances of its own: registering does not use up sign-in."""

    SIGN_IN = "sign-in"
    REGISTRATION = "registration"
    METADATA = "metadata"


@dataclass(frozen=True, slots=True)
class Rate:
    """`per_minute` requests in the long run, `BURST_MINUTES` times as many at once."""

    per_minute: int

    @property
    def interval_micros(self) -> int:
        return MINUTE_MICROS // self.per_minute

    @property
    def tolerance_micros(self) -> int:
        return (self.per_minute * BURST_MINUTES - 1) * self.interval_micros

    def wait(self, whole_at: int, now: int) -> int:
        """Return how many microseconds to wait; 0 if the next one is allowed now."""
        ahead = whole_at - now
        if ahead > self.tolerance_micros + self.interval_micros:
            return 0  # The clock was set back: nothing that was allowed lies so far ahead.
        return max(ahead - self.tolerance_micros, 0)

    def after(self, whole_at: int, now: int) -> int:
        """Return when the allowance will be whole again, once one more is used."""
        ahead = whole_at - now
        behind = ahead < 0 or ahead > self.tolerance_micros + self.interval_micros
        return (now if behind else whole_at) + self.interval_micros


@dataclass(slots=True)
class _Meter:
    """What was used of one kind."""

    whole_at: int = 0
    by_address: OrderedDict[str, int] = field(default_factory=OrderedDict)


class RateLimit:
    """Says whether a request may go on. Safe to use from several threads."""

    def __init__(self, clock: Clock, *, per_address: int, together: int) -> None:
        self._clock = clock
        self._each, self._all = Rate(per_address), Rate(together)
        self._lock = threading.Lock()
        self._meters = {kind: _Meter() for kind in Kind}
        self._recognised: OrderedDict[str, None] = OrderedDict()

    def admit(self, kind: Kind, address: str) -> None:
        """Use one of the allowances up, or raise `TooManyRequests`; a refusal uses nothing up."""
        now = self._clock.now()
        with self._lock:
            meter = self._meters[kind]
            own = meter.by_address.get(address, now)
            shares = address not in self._recognised
            wait = self._each.wait(own, now)
            if shares:
                wait = max(wait, self._all.wait(meter.whole_at, now))
            if not wait:
                meter.by_address[address] = self._each.after(own, now)
                _trim(meter.by_address, address)
                if shares:
                    meter.whole_at = self._all.after(meter.whole_at, now)
        if wait:
            raise TooManyRequests(-(-wait // MICROS_PER_SECOND))

    def recognise(self, address: str) -> None:
        """Remember that somebody has signed in from this address."""
        with self._lock:
            self._recognised[address] = None
            _trim(self._recognised, address)


class Edge:
    """The limit, held against the addresses of requests, as far as those can be believed."""

    def __init__(self, limit: RateLimit, trusted: Sequence[Network]) -> None:
        self._limit = limit
        self._trusted = trusted
        self._warned = False

    def admit(self, kind: Kind, request: Request) -> None:
        """Let a request go on, or raise `TooManyRequests`."""
        self._limit.admit(kind, self.address(request))

    def recognise(self, request: Request) -> None:
        """Remember that somebody has just signed in with `request`."""
        self._limit.recognise(self.address(request))

    def address(self, request: Request) -> str:
        """Return what stands for the address of whoever sent `request`."""
        peer = request.client.host if request.client is not None else ""
        forwarded = request.headers.getlist(FORWARDED)
        if forwarded and not self._warned and _is_nearby_stranger(peer, self._trusted):
            # Told once: everybody behind that proxy shares one allowance.
            self._warned = True
            LOG.warning("a proxy that PULSEKEY_TRUSTED_PROXIES does not name forwards requests")
        return sender(peer, forwarded, self._trusted)


def sender(peer: str, forwarded: Iterable[str], trusted: Sequence[Network]) -> str:
    """Return the address that counts: the nearest one that no trusted proxy has.

    `forwarded` are the values of X-Forwarded-For, believed only as far as trusted proxies wrote it:
    each appends the address it was called from, so it is read from its end.
    """
    nearest = _address(peer)
    if nearest is None:
        return peer
    hops = [hop for value in forwarded for hop in value.split(",")][-HOPS_MAX:]
    while hops and _within(nearest, trusted):
        before = _address(hops.pop().strip())
        if before is None:
            break
        nearest = before
    return _shown(nearest)


def _is_nearby_stranger(peer: str, trusted: Sequence[Network]) -> bool:
    """Whether a peer looks like a proxy of our own that the settings do not name."""
    address = _address(peer)
    return address is not None and address.is_private and not _within(address, trusted)


def is_trusted(peer: str, trusted: Sequence[Network]) -> bool:
    """Whether a peer is one of the proxies that the settings name."""
    address = _address(peer)
    return address is not None and _within(address, trusted)


def _within(address: Address, networks: Sequence[Network]) -> bool:
    return any(address in network for network in networks)


def _address(text: str) -> Address | None:
    try:
        found = ip_address(text)
    except ValueError:
        return None
    if isinstance(found, IPv6Address) and found.ipv4_mapped is not None:
        return found.ipv4_mapped
    return found


def _shown(address: Address) -> str:
    if isinstance(address, IPv4Address):
        return str(address)
    return str(IPv6Network((int(address), IPV6_PREFIX), strict=False))


def _trim(kept: OrderedDict[str, int] | OrderedDict[str, None], newest: str) -> None:
    kept.move_to_end(newest)
    while len(kept) > ADDRESSES_MAX:
        kept.popitem(last=False)
