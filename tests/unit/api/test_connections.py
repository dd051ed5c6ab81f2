"""Who gives way when there are too many connections, and which ones are closed for being slow."""

from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pulsekey.api.connections import Connections, Doing, Limits, Line, Phase, affordable

LIMITS = Limits(
    together=6,
    per_address=3,
    head_seconds=10,
    body_seconds=10,
    body_bytes=100,
    sending_seconds=30,
    ending_seconds=5,
)


@dataclass(slots=True, eq=False)
class Client:
    """A connection that does what it is told."""

    now: Doing
    ended: bool = False

    def doing(self) -> Doing:
        return self.now

    def end(self) -> None:
        self.ended = True


@dataclass(slots=True)
class Crowd:
    at: float = 0.0
    watched: Connections = field(init=False)

    def __post_init__(self) -> None:
        self.watched = Connections(LIMITS, lambda: self.at)

    def come(
        self, address: str, phase: Phase = Phase.HEAD, *, trusted: bool = False
    ) -> tuple[Client, Line | None]:
        client = Client(Doing(phase, 0))
        self.at += 0.001
        return client, self.watched.enter(client, address, trusted=trusted)

    def after(self, seconds: float) -> None:
        self.at += seconds
        self.watched.sweep()


def test_the_longest_waiting_one_of_an_address_gives_way_to_its_next() -> None:
    crowd = Crowd()
    first, second, third, fourth = [crowd.come("a")[0] for _ in range(4)]
    assert first.ended
    assert not any(one.ended for one in (second, third, fourth))
    assert len(crowd.watched) == LIMITS.per_address


def test_nobody_else_gives_way_for_an_address_that_has_its_share() -> None:
    crowd = Crowd()
    other = crowd.come("b")[0]
    for _ in range(50):
        crowd.come("a")
    assert not other.ended


def test_when_all_places_are_taken_whoever_holds_most_gives_one_up() -> None:
    crowd = Crowd()
    few = [crowd.come("few")[0] for _ in range(1)]
    many = [crowd.come("many")[0] for _ in range(3)]
    some = [crowd.come("some")[0] for _ in range(2)]
    new, line = crowd.come("new")
    assert line is not None
    assert not new.ended
    assert [one.ended for one in few + many + some] == [False, True, False, False, False, False]
    assert len(crowd.watched) == LIMITS.together


def test_among_addresses_that_hold_alike_the_longest_waiting_gives_way() -> None:
    crowd = Crowd()
    clients = [crowd.come(str(number))[0] for number in range(6)]
    crowd.come("new")
    assert [one.ended for one in clients] == [True, False, False, False, False, False]


def test_what_the_node_works_for_never_gives_way() -> None:
    crowd = Crowd()
    served = [crowd.come(f"{number}", Phase.SERVED)[0] for number in range(6)]
    _, line = crowd.come("new")
    assert line is None
    assert not any(one.ended for one in served)
    own = Crowd()
    for _ in range(3):
        own.come("a", Phase.SERVED)
    assert own.come("a")[1] is None
    assert own.come("b")[1] is not None


def test_a_trusted_proxy_has_no_share_of_its_own_and_is_not_the_one_that_holds_most() -> None:
    crowd = Crowd()
    slow = crowd.come("slow")[0]
    behind = [crowd.come("proxy", trusted=True)[0] for _ in range(5)]
    assert crowd.come("proxy", trusted=True)[1] is not None
    assert slow.ended
    assert not any(one.ended for one in behind)


@pytest.mark.parametrize(
    ("phase", "seconds"),
    [(Phase.HEAD, 10), (Phase.BODY, 10), (Phase.SENDING, 30), (Phase.ENDING, 5)],
)
def test_each_phase_has_its_deadline(phase: Phase, seconds: int) -> None:
    crowd = Crowd()
    client = crowd.come("a", phase)[0]
    crowd.after(seconds - 0.01)
    assert not client.ended
    crowd.after(0.02)
    assert client.ended
    assert not len(crowd.watched)


def test_what_the_node_works_for_has_no_deadline_and_what_follows_has_its_whole_time() -> None:
    crowd = Crowd()
    client = crowd.come("a", Phase.SERVED)[0]
    crowd.after(10_000)
    client.now = Doing(Phase.HEAD, 1)
    crowd.after(9)
    crowd.after(9)
    assert not client.ended
    crowd.after(2)
    assert client.ended


def test_the_next_request_has_a_time_of_its_own() -> None:
    crowd = Crowd()
    client = crowd.come("a")[0]
    for step in range(1, 5):
        crowd.after(9)
        client.now = Doing(Phase.HEAD, step)
        crowd.after(0.1)
    assert not client.ended


def test_a_head_that_drips_has_no_more_time_than_one_that_stands_still() -> None:
    crowd = Crowd()
    client = crowd.come("a")[0]
    for taken in range(1, 11):
        client.now = Doing(Phase.HEAD, 0, taken)
        crowd.after(1)
    assert client.ended


@pytest.mark.parametrize(("rate", "ended"), [(9, True), (10, False), (11, False)])
def test_a_body_has_to_come_at_its_rate(rate: int, ended: bool) -> None:
    crowd = Crowd()
    client = crowd.come("a", Phase.BODY)[0]
    for second in range(1, 40):
        client.now = Doing(Phase.BODY, 0, rate * second)
        crowd.after(1)
    assert client.ended is ended


def test_a_body_that_came_fast_and_then_stands_still_is_ended() -> None:
    crowd = Crowd()
    client = crowd.come("a", Phase.BODY)[0]
    client.now = Doing(Phase.BODY, 0, 1_000_000)
    crowd.after(10.5)
    assert not client.ended
    crowd.after(10.5)
    assert client.ended


@given(st.lists(st.tuples(st.integers(0, 3), st.sampled_from(list(Phase)), st.booleans())))
def test_there_are_never_more_than_there_may_be_and_none_is_forgotten(
    steps: list[tuple[int, Phase, bool]],
) -> None:
    crowd, held = Crowd(), dict[Client, Line]()
    for address, phase, leaves in steps:
        client, line = crowd.come(f"{address}", phase)
        if line is not None:
            held[client] = line
        if leaves and held:
            gone = next(iter(held))
            crowd.watched.leave(held.pop(gone))
        held = {client: line for client, line in held.items() if not client.ended}
        assert len(crowd.watched) == len(held) <= LIMITS.together
        for one in range(4):
            own = sum(line.address == f"{one}" for line in held.values())
            assert own <= LIMITS.per_address
    for line in held.values():
        crowd.watched.leave(line)
        crowd.watched.leave(line)  # Twice is not an error.
    assert not len(crowd.watched)


@pytest.mark.parametrize(
    ("wanted", "descriptors", "found"),
    [(2_000, 16_384, 2_000), (2_000, 1_024, 640), (2_000, 256, 96), (10, 1_024, 10), (5, 2, 1)],
)
def test_connections_leave_room_for_the_other_files(
    wanted: int, descriptors: int, found: int
) -> None:
    assert affordable(wanted, descriptors) == found


def test_the_operator_is_told_once_in_a_while(caplog: pytest.LogCaptureFixture) -> None:
    crowd = Crowd()
    for _ in range(50):
        crowd.come("a")
    assert len(caplog.records) == 1
    crowd.after(600)
    for _ in range(50):
        crowd.come("a")
    assert len(caplog.records) == 2
