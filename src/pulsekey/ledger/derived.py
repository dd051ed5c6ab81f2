"""Everything that follows from consensus: state, log, availability, heads, checkpoint.

Each may lag behind consensus after a crash and is brought up by executing again. What is stored
must then be what execution gives; where it is not, the ledger does not open. Order of publishing:
batch, log, head, state, checkpoint, so that whatever is named by something stored is stored too.
"""

import base64
from dataclasses import dataclass
from functools import partial

from pulsekey.ledger.encoding import (
    decode_step,
    encode_batch,
    encode_step,
    first_head,
    head_digest,
)
from pulsekey.ledger.execution.execute import Execution, execute, touched_by
from pulsekey.ledger.genesis import Genesis
from pulsekey.ledger.heads import SqliteHeads
from pulsekey.ledger.log.checkpoint import Checkpoint, Sign, open_checkpoint, sign_checkpoint
from pulsekey.ledger.ports import (
    CODE_INADMISSIBLE,
    Availability,
    Batch,
    Consensus,
    Head,
    Log,
    Program,
    Snapshot,
    State,
)
from pulsekey.primitives.errors import IntegrityError, MalformedInput
from pulsekey.primitives.hashing import digest
from pulsekey.primitives.ids import Digest, LedgerId

INDEXED_TOGETHER = 10_000
"""Keys that are noted in one transaction when an index is filled in."""


@dataclass(frozen=True, slots=True)
class Published:
    """A head with the snapshot and the signed checkpoint that belong to it."""

    head: Head
    snapshot: Snapshot
    checkpoint: bytes


@dataclass(frozen=True, slots=True)
class Derived:
    """The stores that follow from consensus, and what is needed to derive them."""

    genesis: Genesis
    program: Program
    state: State
    log: Log
    availability: Availability
    heads: SqliteHeads
    sign: Sign

    def catch_up(self, consensus: Consensus) -> Published:
        """Execute what consensus has and the stores lack; a contradiction is `IntegrityError`."""
        ledger = self.genesis.ledger
        last = self.heads.last() or first_head(ledger, self.genesis.created)
        kept, snapshot = self._kept_state(last)
        self.log.resume(last.log_size, last.log_root)
        head = self._head_at(kept)
        if snapshot.root != head.state_root:
            raise IntegrityError(f"the state kept after batch {kept} is not the one of its head")
        self._agreed(consensus, head, last)
        self._index(consensus, last)
        for batch in consensus.batches(kept):
            execution = execute(
                self.program,
                snapshot,
                batch,
                head.log_size,
                partial(self.program.admissible, ledger),
            )
            snapshot = execution.snapshot
            if batch.number > last.batch:
                head = self.publish_batch(head, batch, execution)
                continue
            head = self._confirmed(head, batch, execution)
            self.state.keep(batch.number, snapshot, execution.writes)
        if head.batch < last.batch:
            raise IntegrityError(f"consensus lost batches: the heads end at batch {last.batch}")
        return Published(head, snapshot, self._settled_checkpoint(head))

    def _index(self, consensus: Consensus, last: Head) -> None:
        """Fill in what the operations touched of which an earlier version kept the heads only."""
        done = self.heads.indexed()
        touched: list[tuple[bytes, int]] = []
        first = self._head_at(done).log_size if done < last.batch else 0
        for batch in consensus.batches(done):
            if batch.number > last.batch:
                break
            for index, signed in enumerate(batch.operations, first):
                code = decode_step(self.log.entry(index), where=f"log entry {index}").code
                if code != CODE_INADMISSIBLE:
                    touched += touched_by(self.program.keys(signed), index, code)
            first += len(batch.operations)
            if len(touched) >= INDEXED_TOGETHER or batch.number == last.batch:
                self.heads.index(batch.number, touched)
                touched.clear()

    def publish(self, before: Head, batch: Batch, execution: Execution) -> Published:
        """Put a batch that was ordered and executed into every store."""
        head = self.publish_batch(before, batch, execution)
        checkpoint = self._signed(head)
        self.log.publish(checkpoint)
        return Published(head, execution.snapshot, checkpoint)

    def publish_batch(self, before: Head, batch: Batch, execution: Execution) -> Head:
        """Do the same without the checkpoint."""
        content = encode_batch(before.ledger, batch)
        receipt = self.availability.publish(content)
        if receipt != digest(content):
            raise IntegrityError(f"the receipt for batch {batch.number} names other content")
        log = self.log.append([encode_step(step) for step in execution.steps])
        if log[0] != before.log_size + len(execution.steps):
            raise IntegrityError(f"the log has {log[0]} entries after batch {batch.number}")
        head = _head_after(before, batch, execution, receipt, log)
        self.heads.put(head, execution.steps, execution.touched)
        self.state.keep(batch.number, execution.snapshot, execution.writes)
        return head

    def _kept_state(self, last: Head) -> tuple[int, Snapshot]:
        kept, snapshot = self.state.present()
        if kept > last.batch:
            # A power failure took the newest heads and left the state that they describe.
            self.state.clear()
            kept, snapshot = self.state.present()
        return kept, snapshot

    def _head_at(self, batch: int) -> Head:
        if batch == 0:
            return first_head(self.genesis.ledger, self.genesis.created)
        return self.heads.get(batch)

    def _agreed(self, consensus: Consensus, head: Head, last: Head) -> None:
        """Check that consensus still has the batch that the stores stand at."""
        if head.batch == 0:
            return
        batch = next(iter(consensus.batches(head.batch - 1)), None)
        if batch is None:
            raise IntegrityError(f"consensus lost batches: the heads end at batch {last.batch}")
        if digest(encode_batch(head.ledger, batch)) != head.availability:
            raise IntegrityError(f"consensus has another batch {head.batch} than the heads")

    def _confirmed(self, before: Head, batch: Batch, execution: Execution) -> Head:
        stored = self.heads.get(batch.number)
        receipt = digest(encode_batch(before.ledger, batch))
        # The log's own root at that size is checked where the log resumes, and by the audit.
        log = (before.log_size + len(execution.steps), stored.log_root)
        if _head_after(before, batch, execution, receipt, log) != stored:
            raise IntegrityError(f"executing batch {batch.number} again leads to another head")
        return stored

    def _settled_checkpoint(self, head: Head) -> bytes:
        """Return the checkpoint at `head`, having published it unless it is there already."""
        stored = self.log.checkpoint()
        origin = origin_of(head.ledger)
        if stored:
            try:
                known = open_checkpoint(stored, origin, self.genesis.checkpoint_key)
            except MalformedInput as error:
                raise IntegrityError(str(error)) from error
            if known.size > head.log_size:
                raise IntegrityError("the checkpoint is ahead of consensus: batches were lost")
            if known.size == head.log_size and known != checkpoint_of(head):
                raise IntegrityError("the checkpoint contradicts what consensus leads to")
        signed = self._signed(head)
        if signed != stored and head.batch:
            self.log.publish(signed)
        return signed

    def _signed(self, head: Head) -> bytes:
        return sign_checkpoint(checkpoint_of(head), self.genesis.checkpoint_key, self.sign)


def origin_of(ledger: LedgerId) -> str:
    """Return the name under which a ledger's log signs."""
    return f"pulsekey/{ledger.hex()}"


def checkpoint_of(head: Head) -> Checkpoint:
    """Return what is signed for a head: its log, and beside it its digest and state root."""
    extensions = (
        f"head {head.batch} {_base64(head_digest(head))}",
        f"state {_base64(head.state_root)}",
    )
    return Checkpoint(origin_of(head.ledger), head.log_size, head.log_root, extensions)


def _head_after(
    before: Head, batch: Batch, execution: Execution, receipt: Digest, log: tuple[int, Digest]
) -> Head:
    size, root = log
    return Head(
        ledger=before.ledger,
        batch=batch.number,
        time=batch.time,
        state_root=execution.snapshot.root,
        log_size=size,
        log_root=root,
        availability=receipt,
        parent=head_digest(before),
    )


def _base64(content: bytes) -> str:
    return base64.b64encode(content).decode()
