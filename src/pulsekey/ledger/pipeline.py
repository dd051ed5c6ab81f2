"""The ledger: the one place where its layers meet.

An operation is acknowledged only when consensus has it durably and the program has executed it, so
what `executed` says is true from the acknowledgement on. Publishing (log, availability, head,
checkpoint) follows at once and is repeated after a crash. After any failure of a layer the ledger
stops taking operations; opening it again recovers.
"""

import threading
from collections import deque
from collections.abc import Iterable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from itertools import islice
from types import TracebackType
from typing import Self

from pulsekey.ledger.admission.screen import DUPLICATE, QUEUE_OPERATIONS_MAX, Judgement, Screen
from pulsekey.ledger.anchoring import Anchoring, SqliteAnchors
from pulsekey.ledger.derived import Derived, Published
from pulsekey.ledger.encoding import (
    BATCH_OPERATIONS_MAX,
    decode_batch,
    decode_step,
    encode_batch,
    first_head,
    head_digest,
    operation_digest,
)
from pulsekey.ledger.evidence import LedgerEvidence, StateEvidence
from pulsekey.ledger.execution.execute import Execution, execute
from pulsekey.ledger.ports import (
    Anchored,
    Batch,
    Consensus,
    Head,
    Note,
    Ordered,
    Refused,
    Settlement,
    Snapshot,
    Step,
    Verdict,
)
from pulsekey.ledger.view import View
from pulsekey.primitives.clock import Clock, seconds
from pulsekey.primitives.errors import (
    Conflict,
    IntegrityError,
    MalformedInput,
    NotFound,
    PulsekeyError,
    Unavailable,
)
from pulsekey.primitives.hashing import digest
from pulsekey.primitives.ids import Digest

LINGER_SECONDS_MAX = 1.0
"""A batch closes at most this long after its first operation."""

CHUNKS_IN_FLIGHT_MAX = 4
PUBLISHING_SECONDS_MAX = 60.0


@dataclass(frozen=True, slots=True)
class Limits:
    """How much is taken together, and how long a first operation waits for company."""

    batch_operations_max: int = 1_024
    linger_seconds: float = 0.002
    queue_operations_max: int = QUEUE_OPERATIONS_MAX

    def __post_init__(self) -> None:
        if not 0 < self.batch_operations_max <= BATCH_OPERATIONS_MAX:
            raise MalformedInput(f"a batch has 1 to {BATCH_OPERATIONS_MAX} operations")
        if not 0 <= self.linger_seconds <= LINGER_SECONDS_MAX:
            raise MalformedInput(f"a batch lingers {LINGER_SECONDS_MAX} seconds at most")


@dataclass(frozen=True, slots=True)
class _Submission:
    """Operations that somebody waits for together."""

    operations: tuple[bytes, ...]
    done: "Future[tuple[Step, ...]]" = field(default_factory=Future)


class Ledger:
    """An authenticated, ordered, settled log of operations. Safe to use from any thread."""

    def __init__(
        self,
        consensus: Consensus,
        derived: Derived,
        clock: Clock,
        *,
        settlement: Settlement | None = None,
        anchors: SqliteAnchors | None = None,
        limits: Limits | None = None,
        note: Note | None = None,
    ) -> None:
        """Recover from whatever a crash left, then start to take operations."""
        self._consensus = consensus
        self._derived = derived
        self._clock = clock
        self._limits = limits or Limits()
        self._note = note
        self.genesis = derived.genesis
        self._screen = Screen(
            derived.genesis.ledger,
            derived.program,
            queue_operations_max=self._limits.queue_operations_max,
        )
        self._published = derived.catch_up(consensus)
        self._snapshot: Snapshot = self._published.snapshot
        self._executed_batch = self._published.head.batch
        self._anchors = anchors
        self._anchoring: Anchoring | None = None
        if settlement is not None and anchors is not None:
            self._anchoring = Anchoring(settlement, anchors, self.head, derived.heads.batch_of)
            self._anchoring.reconcile()
        self._queue: deque[_Submission] = deque()
        self._waiting = 0
        self._closing = False
        self._failure: PulsekeyError | None = None
        # One condition for "something is queued", "something was published" and "it ends".
        self._changed = threading.Condition()
        self._writer = threading.Thread(target=self._write, name="ledger writer", daemon=True)
        self._writer.start()

    # Writing

    def submit(self, signed: bytes) -> Step:
        """Order and execute one signed operation, and return its step.

        Raises `MalformedInput` if it is not admissible, `Conflict` if it was submitted before,
        `Refused` (a `Conflict`, with the step) if the program refused it, `Unavailable` if the
        queue is full or the ledger has stopped.
        """
        self._admit(signed)
        submission = _Submission((signed,))
        self._enqueue(submission)
        (step,) = submission.done.result()
        if step.code:
            raise Refused(step)
        return step

    def submit_many(self, operations: Iterable[bytes]) -> list[Step]:
        """Do the same for many, in order, a few chunks in flight. Refused steps are returned too.

        An operation that is not admitted raises; what stands before its chunk is done by then.
        """
        source = iter(operations)
        flying: deque[_Submission] = deque()
        steps: list[Step] = []
        while chunk := tuple(islice(source, self._limits.batch_operations_max)):
            submission = _Submission(chunk)
            self._admit_all(chunk)
            self._enqueue(submission)
            flying.append(submission)
            if len(flying) == CHUNKS_IN_FLIGHT_MAX:
                steps += flying.popleft().done.result()
        for submission in flying:
            steps += submission.done.result()
        return steps

    # Reading

    def executed(self, key: bytes) -> bytes:
        """Return the present value of a state key, after every acknowledged operation."""
        return self._snapshot.get(key)

    def head(self) -> Head:
        """Return the newest published head. It may lack what was acknowledged a moment ago."""
        return self._published.head

    def checkpoint(self) -> bytes:
        """Return the signed checkpoint of the newest published head."""
        return self._published.checkpoint

    def find(self, signed: bytes) -> Step:
        """Return the step of operation bytes submitted earlier, or raise `NotFound`."""
        self._published_with(self._executed_batch)
        index = self._derived.heads.place_of(operation_digest(signed))
        if index is None:
            raise NotFound("no such operation on this ledger")
        return self.step(index)

    def step(self, index: int) -> Step:
        """Return entry `index` of the log, or raise `NotFound`."""
        self._published_with(self._executed_batch)
        try:
            return decode_step(self._derived.log.entry(index), where=f"log entry {index}")
        except MalformedInput as error:
            raise IntegrityError(str(error)) from error

    def head_at(self, batch: int) -> Head:
        """Return the head after `batch`, or raise `NotFound`."""
        if batch == 0:
            return first_head(self.genesis.ledger, self.genesis.created)
        return self._derived.heads.get(batch)

    def consistency(self, old: int, new: int) -> tuple[Digest, ...]:
        """Return the proof that the log of size `new` extends the one of size `old`."""
        return self._derived.log.consistency(old, new)

    def evidence(self, step: Step, keys: Sequence[bytes] = ()) -> LedgerEvidence:
        """Return what a stranger needs to check `step`, with the present state of `keys`.

        Waits until the step is published. Raises `Unavailable` if that does not happen.
        """
        published = self._published_with(step.batch)
        head = published.head
        content = self._derived.availability.fetch(self.head_at(step.batch).availability)
        batch = decode_batch(content, ledger=self.genesis.ledger)
        first = self.head_at(step.batch - 1).log_size
        covering = self._anchors.covering(step.batch) if self._anchors is not None else None
        return LedgerEvidence(
            signed=batch.operations[step.index - first],
            step=step,
            inclusion=self._derived.log.inclusion(step.index, head.log_size),
            head=head,
            checkpoint=published.checkpoint,
            states=tuple(
                StateEvidence(key, published.snapshot.get(key), published.snapshot.prove(key))
                for key in keys
            ),
            batch=content,
            anchored=None if covering is None else covering[1],
        )

    def view(self) -> View:
        """Return the ledger at the newest head, which covers all that was acknowledged before."""
        return View(self._published_with(self._executed_batch), self._derived)

    def head_named(self, digest: Digest) -> Head:
        """Return the head with that digest, or raise `NotFound`."""
        batch = self._derived.heads.batch_of(digest)
        if batch is None:
            raise NotFound("no such head on this ledger")
        return self.head_at(batch)

    # Settling

    def anchor_now(self) -> Anchored | None:
        """Put the newest head on the settlement chain; None if there is no batch or no chain.

        The head covers everything acknowledged before the call. Raises `Unavailable` when the chain
        is out of reach: nothing is lost, the next anchor covers it.
        """
        self._published_with(self._executed_batch)
        return None if self._anchoring is None else self._anchoring.anchor_now()

    def start_anchoring(self, interval_seconds: float) -> None:
        """Anchor every so often from now on, in a thread of its own."""
        if self._anchoring is not None:
            self._anchoring.start(interval_seconds)

    # Ending

    def close(self) -> None:
        """Take nothing more, finish what was taken, and end the threads."""
        with self._changed:
            self._closing = True
            self._changed.notify_all()
        self._writer.join()
        if self._anchoring is not None:
            self._anchoring.stop()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    # Below: the way of an operation, in the order in which it happens.

    def _admit(self, signed: bytes) -> None:
        judgement = self._screen.judge(signed, self._waiting)
        if judgement.verdict is not Verdict.OK:
            raise _refusal(judgement)

    def _admit_all(self, chunk: tuple[bytes, ...]) -> None:
        for place, signed in enumerate(chunk):
            try:
                self._admit(signed)
            except PulsekeyError:
                for admitted in chunk[:place]:
                    self._screen.forget(admitted)
                raise

    def _enqueue(self, submission: _Submission) -> None:
        with self._changed:
            if not self._closing and self._failure is None:
                self._queue.append(submission)
                self._waiting += len(submission.operations)
                self._changed.notify_all()
                return
        for signed in submission.operations:
            self._screen.forget(signed)
        raise self._stopped()

    def _write(self) -> None:
        try:
            while taken := self._take():
                self._settle(taken)
        finally:
            # Also when a bug ends this thread: nobody is left waiting for it.
            self._fail(Unavailable("the ledger's writer has ended"), ())

    def _take(self) -> list[_Submission]:
        """Wait for operations and return as many as fit into one batch; nothing when it is over."""
        most = self._limits.batch_operations_max
        with self._changed:
            self._changed.wait_for(lambda: self._queue or self._closing)
            if not self._queue or self._failure is not None:
                return []
            if self._limits.linger_seconds:
                self._changed.wait_for(
                    lambda: self._waiting >= most or self._closing, self._limits.linger_seconds
                )
            taken: list[_Submission] = []
            room = most
            while self._queue and len(self._queue[0].operations) <= room:
                room -= len(self._queue[0].operations)
                taken.append(self._queue.popleft())
            self._waiting -= most - room
            return taken

    def _settle(self, taken: list[_Submission]) -> None:
        """Order, execute, have it noted, acknowledge, publish."""
        before = self._published.head
        try:
            batch = self._ordered(before, [one for each in taken for one in each.operations])
            execution = execute(self._derived.program, self._snapshot, batch, before.log_size)
            # Ordered is ordered: a stop binds from here, even if it cannot be acknowledged.
            self._snapshot = execution.snapshot
            self._executed_batch = batch.number
            if self._note is not None:
                self._note(_ordered_as(before, batch))
        except PulsekeyError as error:
            self._fail(error, taken)
            return
        _acknowledge(taken, execution)
        try:
            published = self._derived.publish(before, batch, execution)
        except PulsekeyError as error:
            self._fail(error, ())
            return
        with self._changed:
            self._published = published
            self._changed.notify_all()

    def _ordered(self, before: Head, operations: list[bytes]) -> Batch:
        time = max(before.time, seconds(self._clock.now()))
        batch = self._consensus.order(operations, time)
        if batch != Batch(before.batch + 1, time, tuple(operations)):
            raise IntegrityError("consensus returned another batch than the one it was given")
        return batch

    def _fail(self, error: PulsekeyError, taken: Sequence[_Submission]) -> None:
        """Stop. Whether `taken` was ordered is not known: opening the ledger again will tell."""
        with self._changed:
            if not self._closing or taken:
                self._failure = self._failure or error
            left = [*taken, *self._queue]
            self._queue.clear()
            self._waiting = 0
            self._changed.notify_all()
        for submission in left:
            if not submission.done.done():
                submission.done.set_exception(self._stopped())

    def _stopped(self) -> Unavailable:
        reason = "it is closed" if self._failure is None else str(self._failure)
        return Unavailable(f"the ledger takes no operations until it is opened again: {reason}")

    def _published_with(self, batch: int) -> Published:
        with self._changed:
            self._changed.wait_for(
                lambda: self._published.head.batch >= batch or self._failure is not None,
                PUBLISHING_SECONDS_MAX,
            )
            published = self._published
        if published.head.batch < batch:
            raise self._stopped()
        return published


def _ordered_as(before: Head, batch: Batch) -> Ordered:
    content = digest(encode_batch(before.ledger, batch))
    size = before.log_size + len(batch.operations)
    return Ordered(batch.number, batch.time, size, content, head_digest(before))


def _acknowledge(taken: list[_Submission], execution: Execution) -> None:
    steps = iter(execution.steps)
    for submission in taken:
        submission.done.set_result(tuple(islice(steps, len(submission.operations))))


def _refusal(judgement: Judgement) -> PulsekeyError:
    if judgement.verdict is Verdict.LATER:
        return Unavailable(judgement.reason)
    if judgement is DUPLICATE:
        return Conflict(judgement.reason)
    return MalformedInput(judgement.reason, where="signed operation")
