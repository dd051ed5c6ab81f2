"""Every Program keeps the promises written in pulsekey.ledger.ports.Program."""

from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pulsekey.consent.operations import registration
from pulsekey.consent.program import ConsentProgram
from pulsekey.ledger.encoding import operation_part
from pulsekey.ledger.ports import ABSENT, STATE_KEYS_MAX, Outcome, Program
from pulsekey.primitives.clock import Seconds
from pulsekey.primitives.ids import LedgerId
from tests.fakes.ledger_toy import LEDGER, ToyProgram, key, setting, value
from tests.fakes.software_authenticator import Signer


@dataclass(frozen=True)
class Case:
    """A program, and an operation that it executes on an empty state."""

    program: Program
    signed: bytes


PATIENT = Signer("conformance")
FIRST = registration(PATIENT.record(), b"s" * 32)
CASES = {
    "toy": Case(ToyProgram(), setting(key(1), value(1))),
    "consent": Case(ConsentProgram(Outcome), PATIENT.sign(LEDGER, FIRST)),
}
every_program = pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())
TIME = Seconds(1_790_000_000)


@every_program
def test_an_admissible_operation_is_executed_within_its_declared_keys(case: Case) -> None:
    assert case.program.admissible(LEDGER, case.signed)
    assert operation_part(case.signed) in case.signed
    keys = case.program.keys(case.signed)
    assert 0 < len(keys) <= STATE_KEYS_MAX
    assert {len(one) for one in keys} == {32}
    outcome = case.program.transition([ABSENT] * len(keys), case.signed, TIME)
    assert outcome.code == 0
    assert outcome.writes
    assert {written for written, _ in outcome.writes} <= set(keys)
    assert {len(new) for _, new in outcome.writes} == {32}


@every_program
def test_it_is_of_one_ledger_only(case: Case) -> None:
    assert not case.program.admissible(LedgerId(b"x" * 32), case.signed)


@every_program
@given(values=st.lists(st.binary(min_size=32, max_size=32), min_size=4, max_size=4))
def test_execution_is_pure_and_total_and_a_refusal_writes_nothing(
    case: Case, values: list[bytes]
) -> None:
    read = values[: len(case.program.keys(case.signed))]
    outcome = case.program.transition(read, case.signed, TIME)
    assert outcome == case.program.transition(list(read), case.signed, TIME)
    assert 0 <= outcome.code < 0xFFFE
    if outcome.code:
        assert outcome.writes == ()


@every_program
@given(bit=st.integers(0, 10**6))
def test_no_changed_operation_is_admissible(case: Case, bit: int) -> None:
    changed = bytearray(case.signed)
    bit %= 8 * (2 + len(operation_part(case.signed)))
    changed[bit // 8] ^= 1 << bit % 8
    assert not case.program.admissible(LEDGER, bytes(changed))


@every_program
@given(noise=st.binary(max_size=1_500))
def test_noise_is_not_admissible_and_raises_nothing(case: Case, noise: bytes) -> None:
    assert not case.program.admissible(LEDGER, noise)
