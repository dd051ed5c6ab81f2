"""What a stranger needs to check one operation, and the check: no ledger, store or network."""

from dataclasses import dataclass

from pulsekey.ledger.derived import checkpoint_of, origin_of
from pulsekey.ledger.encoding import encode_step, operation_digest
from pulsekey.ledger.genesis import Genesis
from pulsekey.ledger.log.checkpoint import open_checkpoint
from pulsekey.ledger.log.proof import verify_inclusion
from pulsekey.ledger.ports import Anchored, Head, Step
from pulsekey.ledger.state.proof import proved_value
from pulsekey.primitives.errors import IntegrityError
from pulsekey.primitives.ids import Digest


@dataclass(frozen=True, slots=True)
class StateEvidence:
    """The value of one key under a head's state root: 32 zero bytes if it is absent."""

    key: bytes
    value: bytes
    proof: bytes


@dataclass(frozen=True, slots=True)
class LedgerEvidence:
    """One operation, its step, and the way from both to a signed checkpoint."""

    signed: bytes
    step: Step
    inclusion: tuple[Digest, ...]
    """The path of the step's bytes, entry `step.index`, to `head.log_root`."""
    head: Head
    """A head at or after the step's batch, the newest one when the evidence was made."""
    checkpoint: bytes
    states: tuple[StateEvidence, ...]
    """Under `head`, not under the step: the present value of the keys that were asked for."""
    batch: bytes
    """The canonical bytes of the step's batch, to execute again."""
    anchored: Anchored | None
    """The first anchor at or after the step's batch."""


def verify_evidence(genesis: Genesis, evidence: LedgerEvidence) -> None:
    """Check that the operation is on the log of `genesis`, under the head and its checkpoint.

    Says nothing about the operation's own signature, which is the program's to check, nor about the
    anchor, which is the settlement chain's. Raises `IntegrityError` or `MalformedInput`.
    """
    head, step = evidence.head, evidence.step
    if head.ledger != genesis.ledger:
        raise IntegrityError("the head is of another ledger")
    signed = open_checkpoint(evidence.checkpoint, origin_of(genesis.ledger), genesis.checkpoint_key)
    if signed != checkpoint_of(head):
        raise IntegrityError("the checkpoint was signed for another head")
    if operation_digest(evidence.signed) != step.operation:
        raise IntegrityError("the step is of another operation")
    verify_inclusion(
        encode_step(step), step.index, head.log_size, head.log_root, evidence.inclusion
    )
    for state in evidence.states:
        if proved_value(head.state_root, state.key, state.proof) != state.value:
            raise IntegrityError("a state proof shows another value")
