"""Executing a batch. Pure: the same program, snapshot and batch give the same steps on every node.

A refused operation changes nothing and still leaves a step, so that it can be shown to have been
served.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from pulsekey.ledger.encoding import operation_digest
from pulsekey.ledger.ports import (
    CODE_INADMISSIBLE,
    CODE_PROGRAM_FAULT,
    STATE_KEYS_MAX,
    Batch,
    Outcome,
    Program,
    Snapshot,
    Step,
)
from pulsekey.primitives.clock import Seconds


@dataclass(frozen=True, slots=True)
class Execution:
    """What a batch did: its steps, all writes in order, and the snapshot that they lead to.

    `touched` holds (state key, log index) of every key that an operation read.
    """

    steps: tuple[Step, ...]
    writes: tuple[tuple[bytes, bytes], ...]
    snapshot: Snapshot
    touched: tuple[tuple[bytes, int], ...] = ()


def execute(
    program: Program,
    snapshot: Snapshot,
    batch: Batch,
    first_index: int,
    admissible: Callable[[bytes], bool] | None = None,
) -> Execution:
    """Execute `batch` on `snapshot`; its first step gets the log's `first_index`.

    Without `admissible` the caller vouches that every signature holds, as one who has just admitted
    the operations can. Whoever reads them from a store passes the check.
    """
    steps: list[Step] = []
    writes: list[tuple[bytes, bytes]] = []
    touched: list[tuple[bytes, int]] = []
    pre = snapshot.root
    for index, signed in enumerate(batch.operations, first_index):
        if admissible is not None and not admissible(signed):
            outcome = Outcome(CODE_INADMISSIBLE)
        else:
            keys = program.keys(signed)
            outcome = _outcome(program, snapshot, keys, signed, batch.time)
            touched += touched_by(keys, index, outcome.code)
        post = pre
        if outcome.code == 0 and outcome.writes:
            snapshot = snapshot.after(outcome.writes)
            writes += outcome.writes
            post = snapshot.root
        steps.append(
            Step(
                batch.number,
                index,
                batch.time,
                operation_digest(signed),
                outcome.code,
                pre,
                post,
            )
        )
        pre = post
    return Execution(tuple(steps), tuple(writes), snapshot, tuple(touched))


def touched_by(keys: Sequence[bytes], index: int, code: int) -> tuple[tuple[bytes, int], ...]:
    """Return what is noted of an operation's keys: nothing if the program broke its promises."""
    return () if code == CODE_PROGRAM_FAULT else tuple((key, index) for key in dict.fromkeys(keys))


def _outcome(
    program: Program, snapshot: Snapshot, keys: Sequence[bytes], signed: bytes, time: Seconds
) -> Outcome:
    if len(keys) > STATE_KEYS_MAX:
        return Outcome(CODE_PROGRAM_FAULT)
    outcome = program.transition([snapshot.get(key) for key in keys], signed, time)
    # A write to a key that was not read could not be re-executed by a referee from that step alone.
    if len(outcome.writes) > STATE_KEYS_MAX or any(key not in keys for key, _ in outcome.writes):
        return Outcome(CODE_PROGRAM_FAULT)
    return outcome
