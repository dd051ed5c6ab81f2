"""The limit on strangers: never more than allowed, never longer than said, whoever else asks."""

import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pulsekey.api import rate_limit
from pulsekey.api.rate_limit import BURST_MINUTES, MINUTE_MICROS, Kind, RateLimit, sender
from pulsekey.primitives.clock import MICROS_PER_SECOND, Micros
from pulsekey.primitives.errors import TooManyRequests

SIGN_IN = Kind.SIGN_IN
PROXIES = (ipaddress.ip_network("10.0.0.0/24"), ipaddress.ip_network("127.0.0.1/32"))


class ManualClock:
    def __init__(self) -> None:
        self.at = 1_790_000_000 * MICROS_PER_SECOND

    def now(self) -> Micros:
        return Micros(self.at)


def limited(per_address: int = 6, together: int = 12) -> tuple[RateLimit, ManualClock]:
    clock = ManualClock()
    return RateLimit(clock, per_address=per_address, together=together), clock


def admitted(limit: RateLimit, address: str, kind: Kind = SIGN_IN) -> int:
    """Return 0 if a request may go on, else how many seconds to wait."""
    try:
        limit.admit(kind, address)
    except TooManyRequests as error:
        return max(error.retry_seconds, 1)
    return 0


waits = st.integers(0, MINUTE_MICROS)
asked = st.lists(st.tuples(st.sampled_from("abc"), waits), max_size=80)


@given(asked, st.integers(1, 8), st.integers(1, 12))
def test_in_no_stretch_of_time_is_more_let_in_than_allowed(
    requests: list[tuple[str, int]], per_address: int, together: int
) -> None:
    limit, clock = limited(per_address, together)
    let_in: list[tuple[str, int]] = []
    for address, pause in requests:
        clock.at += pause
        if not admitted(limit, address):
            let_in.append((address, clock.at))
    for most, times in (
        (together, [at for _, at in let_in]),
        *((per_address, [at for one, at in let_in if one == who]) for who in "abc"),
    ):
        interval = MINUTE_MICROS // most
        for first, begin in enumerate(times):
            for last in range(first, len(times)):
                allowed = most * BURST_MINUTES + (times[last] - begin) // interval
                assert last - first + 1 <= allowed


@given(asked, st.integers(1, 8), st.integers(1, 12))
def test_whoever_waits_as_long_as_told_is_let_in(
    requests: list[tuple[str, int]], per_address: int, together: int
) -> None:
    limit, clock = limited(per_address, together)
    for address, pause in requests:
        clock.at += pause
        told = admitted(limit, address)
        if told:
            clock.at += told * MICROS_PER_SECOND
            assert admitted(limit, address) == 0


@given(asked)
def test_a_refusal_uses_nothing_up(requests: list[tuple[str, int]]) -> None:
    (calm, clock), (pushing, other) = limited(2, 3), limited(2, 3)
    for address, pause in requests:
        clock.at += pause
        other.at += pause
        told = admitted(calm, address)
        assert admitted(pushing, address) == told
        if told:
            assert [admitted(pushing, address) for _ in range(3)] == [told] * 3


@given(st.lists(st.integers(-3 * MINUTE_MICROS, 3 * MINUTE_MICROS), max_size=30))
def test_a_clock_that_is_set_back_keeps_nobody_out_for_long(steps: list[int]) -> None:
    limit, clock = limited(per_address=6, together=6)
    for step in steps:
        clock.at += step
        told = admitted(limit, "a")
        assert told <= 60 // 6


def test_a_clinic_behind_one_address_signs_in_at_the_beginning_of_a_shift() -> None:
    limit, clock = limited(120, 1_200)
    assert [admitted(limit, "clinic") for _ in range(240)] == [0] * 240
    assert admitted(limit, "clinic") == 1
    let_in = 0
    for _ in range(600):
        clock.at += 100_000
        let_in += admitted(limit, "clinic") == 0
    assert let_in == 120


def test_strangers_use_the_common_allowance_up_for_strangers_only() -> None:
    limit, _ = limited(per_address=2, together=4)
    limit.recognise("clinic")
    for number in range(20):
        admitted(limit, f"stranger {number}")
    assert admitted(limit, "newcomer") > 0
    assert [admitted(limit, "clinic") for _ in range(4)] == [0] * 4
    assert admitted(limit, "clinic") > 0, "their own limit holds"


def test_registering_does_not_use_up_signing_in() -> None:
    limit, _ = limited(per_address=1, together=1)
    while not admitted(limit, "a", Kind.REGISTRATION):
        pass
    assert admitted(limit, "a", Kind.METADATA) == 0
    assert admitted(limit, "a") == 0


@given(st.lists(st.text(max_size=3), max_size=60))
def test_memory_is_bounded_whoever_asks(addresses: list[str]) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(rate_limit, "ADDRESSES_MAX", 5)
        limit, _ = limited(per_address=1, together=rate_limit.MINUTE_MICROS)
        for address in addresses:
            admitted(limit, address)
            limit.recognise(address)
            assert all(len(meter.by_address) <= 5 for meter in limit._meters.values())
            assert len(limit._recognised) <= 5


@pytest.mark.parametrize(
    ("peer", "forwarded", "counted"),
    [
        ("203.0.113.7", [], "203.0.113.7"),
        ("203.0.113.7", ["198.51.100.1"], "203.0.113.7"),
        ("127.0.0.1", [], "127.0.0.1"),
        ("127.0.0.1", ["198.51.100.1"], "198.51.100.1"),
        ("127.0.0.1", ["1.2.3.4, 198.51.100.1"], "198.51.100.1"),
        ("127.0.0.1", ["1.2.3.4", "198.51.100.1, 10.0.0.9"], "198.51.100.1"),
        ("127.0.0.1", ["10.0.0.8, 10.0.0.9"], "10.0.0.8"),
        ("127.0.0.1", ["1.2.3.4, nonsense"], "127.0.0.1"),
        ("127.0.0.1", ["1.2.3.4, nonsense, 10.0.0.9"], "10.0.0.9"),
        ("127.0.0.1", [""], "127.0.0.1"),
        ("::ffff:127.0.0.1", ["198.51.100.1"], "198.51.100.1"),
        ("2001:db8:1:2:3:4:5:6", [], "2001:db8:1:2::/64"),
        ("127.0.0.1", ["2001:db8:1:2:ffff::1"], "2001:db8:1:2::/64"),
        ("testclient", ["198.51.100.1"], "testclient"),
        ("", [], ""),
    ],
)
def test_an_address_is_believed_as_far_as_our_own_proxies_wrote_it(
    peer: str, forwarded: list[str], counted: str
) -> None:
    assert sender(peer, forwarded, PROXIES) == counted


@given(st.lists(st.ip_addresses(v=4).map(str), max_size=40), st.booleans())
def test_what_a_stranger_writes_into_the_header_changes_nothing(
    claimed: list[str], joined: bool
) -> None:
    ours = [f"{', '.join(claimed)}, 198.51.100.1"] if joined else [*claimed, "198.51.100.1"]
    assert sender("10.0.0.9", ours, PROXIES) == "198.51.100.1"
    assert sender("203.0.113.7", claimed, PROXIES) == "203.0.113.7"
    assert sender("10.0.0.9", claimed, ()) == "10.0.0.9"


def test_no_more_hops_are_read_than_proxies_can_be() -> None:
    chain = ["6.6.6.6", *["10.0.0.9"] * rate_limit.HOPS_MAX]
    assert sender("127.0.0.1", chain, PROXIES) == "10.0.0.9"
