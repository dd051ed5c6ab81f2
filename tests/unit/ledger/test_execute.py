from collections.abc import Sequence

import pytest

from pulsekey.ledger.encoding import operation_digest
from pulsekey.ledger.execution.execute import execute
from pulsekey.ledger.ports import CODE_INADMISSIBLE, CODE_PROGRAM_FAULT, Batch, Outcome
from pulsekey.ledger.state.tree import Tree
from pulsekey.primitives.clock import Seconds
from tests.fakes.ledger_toy import WRONG_OLD_VALUE, ToyProgram, key, setting, value

TIME = Seconds(5)


def test_steps_chain_from_root_to_root_and_a_refused_one_changes_nothing() -> None:
    operations = (
        setting(key(1), value(1)),
        setting(key(1), value(2)),
        setting(key(1), value(2), old=value(1)),
    )
    done = execute(ToyProgram(), Tree(), Batch(4, TIME, operations), 10)
    assert [step.code for step in done.steps] == [0, WRONG_OLD_VALUE, 0]
    assert [step.index for step in done.steps] == [10, 11, 12]
    assert {(step.batch, step.time) for step in done.steps} == {(4, TIME)}
    assert [step.operation for step in done.steps] == [operation_digest(one) for one in operations]
    one = Tree().after([(key(1), value(1))])
    two = Tree().after([(key(1), value(2))])
    assert [step.pre for step in done.steps] == [Tree().root, one.root, one.root]
    assert [step.post for step in done.steps] == [one.root, one.root, two.root]
    assert done.snapshot == two
    assert done.writes == ((key(1), value(1)), (key(1), value(2)))


def test_what_is_not_admissible_is_refused() -> None:
    batch = Batch(1, TIME, (b"?", setting(key(1), value(1))))
    done = execute(ToyProgram(), Tree(), batch, 0, lambda signed: signed != b"?")
    assert [step.code for step in done.steps] == [CODE_INADMISSIBLE, 0]


class Faulty(ToyProgram):
    """Breaks its promises: it declares some keys and writes others."""

    def __init__(self, declared: int, written: tuple[int, ...]) -> None:
        self._declared = declared
        self._written = written

    def keys(self, signed: bytes) -> tuple[bytes, ...]:
        del signed
        return tuple(key(n) for n in range(self._declared))

    def transition(self, values: Sequence[bytes], signed: bytes, batch_time: Seconds) -> Outcome:
        del values, signed, batch_time
        return Outcome(0, tuple((key(n), value(1)) for n in self._written))


@pytest.mark.parametrize(
    ("declared", "written", "code"),
    [
        (4, (0, 1, 2, 3), 0),
        (1, (), 0),
        (5, (0,), CODE_PROGRAM_FAULT),
        (1, (1,), CODE_PROGRAM_FAULT),
        (1, (0, 0, 0, 0, 0), CODE_PROGRAM_FAULT),
    ],
)
def test_a_program_that_breaks_its_promises_changes_nothing(
    declared: int, written: tuple[int, ...], code: int
) -> None:
    program = Faulty(declared, written)
    done = execute(program, Tree(), Batch(1, TIME, (setting(key(0), value(1)),)), 0)
    assert done.steps[0].code == code
    assert (done.snapshot == Tree()) == (code != 0 or not written)
