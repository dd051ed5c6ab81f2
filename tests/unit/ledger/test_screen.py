from pulsekey.ledger.admission.screen import (
    ADMITTED,
    DUPLICATE,
    NOT_ADMISSIBLE,
    QUEUE_FULL,
    TOO_LONG,
    Screen,
)
from pulsekey.ledger.encoding import SIGNED_BYTES_MAX
from pulsekey.ledger.ports import Verdict
from pulsekey.primitives.ids import LedgerId
from tests.fakes.ledger_toy import LEDGER, ToyProgram, key, setting, value

ONE, TWO, THREE = (setting(key(n), value(n)) for n in (1, 2, 3))


def test_each_verdict_has_its_reason() -> None:
    screen = Screen(LEDGER, ToyProgram(), queue_operations_max=2)
    assert screen.judge(ONE, 0) is ADMITTED
    assert screen.judge(ONE, 0) is DUPLICATE
    assert screen.judge(TWO, 2) is QUEUE_FULL
    assert QUEUE_FULL.verdict is Verdict.LATER
    assert screen.judge(bytes(SIGNED_BYTES_MAX + 1), 0) is TOO_LONG
    assert screen.judge(b"\x00\x09cut", 0) is NOT_ADMISSIBLE
    assert screen.judge(TWO[:-2] + b"??", 0) is NOT_ADMISSIBLE
    assert screen.judge(TWO, 1) is ADMITTED


def test_an_operation_is_of_one_ledger_only() -> None:
    assert Screen(LedgerId(b"x" * 32), ToyProgram()).judge(ONE, 0) is NOT_ADMISSIBLE


def test_the_window_forgets_the_oldest_first() -> None:
    screen = Screen(LEDGER, ToyProgram(), window_operations_max=2)
    assert [screen.judge(one, 0) for one in (ONE, TWO, THREE)] == [ADMITTED] * 3
    assert screen.judge(TWO, 0) is DUPLICATE
    assert screen.judge(ONE, 0) is ADMITTED


def test_what_was_turned_away_or_never_ordered_may_come_again() -> None:
    screen = Screen(LEDGER, ToyProgram(), queue_operations_max=1)
    assert screen.judge(ONE, 1) is QUEUE_FULL
    assert screen.judge(ONE, 0) is ADMITTED
    screen.forget(ONE)
    assert screen.judge(ONE, 0) is ADMITTED


def test_the_same_operation_verified_twice_at_once_is_admitted_once() -> None:
    """The second one passes every check while the first is being verified."""

    class Reentrant(ToyProgram):
        def admissible(self, ledger: LedgerId, signed: bytes) -> bool:
            if not seen:
                seen.append(True)
                assert screen.judge(signed, 0) is ADMITTED
            return super().admissible(ledger, signed)

    seen: list[bool] = []
    screen = Screen(LEDGER, Reentrant())
    assert screen.judge(ONE, 0) is DUPLICATE
