"""The ledger's canonical bytes: batches, steps and heads, fixed-width and versioned.

Whatever is read encodes to the same bytes again, so a digest stands for one value only.

    batch  version u8 | flags u8 | ledger 32 | number u64 | time u64 | inbox u64 | count u32
           then for each operation: origin u8 | length u32 | signed bytes
    step   version u8 | flags u8 | batch u64 | index u64 | time u64 | operation 32 | code u16
           | state root before 32 | state root after 32
    head   version u8 | flags u8 | ledger 32 | batch u64 | time u64 | state root 32
           | log size u64 | log root 32 | availability scheme u8 | availability 32 | parent 32
           | forced 32 | bridge 32

All integers are big-endian, all times whole seconds since 1970 in UTC. Room is left where later
engines need it, and is zero until then: `flags`; `inbox` (how many forced operations of the
settlement chain were served) and `origin` (1 for a forced operation); `forced` and `bridge` (roots
over the inbox and over foreign heads). Availability scheme 1 is "the whole batch under its
SHA-256"; an erasure-coded commitment will be another number. The parent of the first head is the
ledger's id.
"""

import hashlib
import struct

from pulsekey.ledger.ports import Batch, Head, Step
from pulsekey.primitives import tags
from pulsekey.primitives.clock import Seconds
from pulsekey.primitives.errors import MalformedInput
from pulsekey.primitives.hashing import DIGEST_BYTES, tagged
from pulsekey.primitives.ids import Digest, LedgerId

VERSION = 1
ORIGIN_SUBMITTED = 0
AVAILABILITY_WHOLE = 1
BATCH_OPERATIONS_MAX = 4_096
SIGNED_BYTES_MAX = 4_096
"""What the ledger carries at most. A program may allow less."""

ENVELOPE_BYTES = 2
EMPTY_LOG_ROOT = Digest(hashlib.sha256(b"").digest())
EMPTY_STATE_ROOT = Digest(bytes(DIGEST_BYTES))
NO_AVAILABILITY = Digest(bytes(DIGEST_BYTES))

_BATCH = struct.Struct(">BB32sQQQI")
_OPERATION = struct.Struct(">BI")
_STEP = struct.Struct(">BBQQQ32sH32s32s")
_HEAD = struct.Struct(">BB32sQQ32sQ32sB32s32s32s32s")
_NOTHING_YET = bytes(DIGEST_BYTES)

BATCH_BYTES_MAX = _BATCH.size + BATCH_OPERATIONS_MAX * (_OPERATION.size + SIGNED_BYTES_MAX)
STEP_BYTES = _STEP.size
HEAD_BYTES = _HEAD.size


def encode_batch(ledger: LedgerId, batch: Batch) -> bytes:
    """Return the content that consensus keeps and availability publishes."""
    fields = [
        _BATCH.pack(VERSION, 0, ledger, batch.number, batch.time, 0, len(batch.operations)),
    ]
    for signed in batch.operations:
        fields += (_OPERATION.pack(ORIGIN_SUBMITTED, len(signed)), signed)
    return b"".join(fields)


def decode_batch(content: bytes, *, ledger: LedgerId, where: str = "batch") -> Batch:
    """Read a batch of `ledger`, or raise `MalformedInput`."""
    if not _BATCH.size <= len(content) <= BATCH_BYTES_MAX:
        raise MalformedInput(f"{len(content)} bytes cannot be a batch", where=where)
    version, flags, owner, number, time, inbox, count = _BATCH.unpack_from(content)
    if (version, flags, inbox) != (VERSION, 0, 0):
        raise MalformedInput("a batch of an unknown version", where=where)
    if owner != ledger:
        raise MalformedInput("a batch of another ledger", where=where)
    if count > BATCH_OPERATIONS_MAX:
        raise MalformedInput(f"more than {BATCH_OPERATIONS_MAX} operations", where=where)
    operations = []
    at = _BATCH.size
    for _ in range(count):
        if at + _OPERATION.size > len(content):
            raise MalformedInput("cut off", where=where)
        origin, size = _OPERATION.unpack_from(content, at)
        at += _OPERATION.size
        signed = content[at : at + size]
        at += size
        if origin != ORIGIN_SUBMITTED or size > SIGNED_BYTES_MAX or len(signed) != size:
            raise MalformedInput("an operation is cut off or of unknown origin", where=where)
        operations.append(signed)
    if at != len(content):
        raise MalformedInput("bytes after its end", where=where)
    return Batch(number, Seconds(time), tuple(operations))


def batch_ledger(content: bytes) -> bytes:
    """Return the id of the ledger that a batch says it is of, without reading the rest."""
    return content[2 : 2 + DIGEST_BYTES]


def operation_digest(signed: bytes) -> Digest:
    """Return what a step commits to: operation and witness, all of the signed bytes."""
    return tagged(tags.OPERATION, signed)


def operation_part(signed: bytes) -> bytes:
    """Return the operation without its witness, or raise `MalformedInput`."""
    size = int.from_bytes(signed[:ENVELOPE_BYTES])
    part = signed[ENVELOPE_BYTES : ENVELOPE_BYTES + size]
    if len(signed) < ENVELOPE_BYTES or len(part) != size:
        raise MalformedInput("cut off", where="signed operation")
    return part


def encode_step(step: Step) -> bytes:
    """Return a step as it stands in the log."""
    return _STEP.pack(
        VERSION,
        0,
        step.batch,
        step.index,
        step.time,
        step.operation,
        step.code,
        step.pre,
        step.post,
    )


def decode_step(content: bytes, *, where: str = "step") -> Step:
    """Read a log entry, or raise `MalformedInput`."""
    if len(content) != _STEP.size:
        raise MalformedInput(f"a step has {_STEP.size} bytes, not {len(content)}", where=where)
    version, flags, batch, index, time, operation, code, pre, post = _STEP.unpack(content)
    if (version, flags) != (VERSION, 0):
        raise MalformedInput("a step of an unknown version", where=where)
    return Step(batch, index, Seconds(time), Digest(operation), code, Digest(pre), Digest(post))


def step_digest(step: Step) -> Digest:
    """Return what a dispute names a step by."""
    return tagged(tags.STEP, encode_step(step))


def encode_head(head: Head) -> bytes:
    """Return the bytes whose digest is anchored."""
    return _HEAD.pack(
        VERSION,
        0,
        head.ledger,
        head.batch,
        head.time,
        head.state_root,
        head.log_size,
        head.log_root,
        AVAILABILITY_WHOLE,
        head.availability,
        head.parent,
        _NOTHING_YET,
        _NOTHING_YET,
    )


def decode_head(content: bytes, *, where: str = "head") -> Head:
    """Read a head, or raise `MalformedInput`."""
    if len(content) != _HEAD.size:
        raise MalformedInput(f"a head has {_HEAD.size} bytes, not {len(content)}", where=where)
    (version, flags, ledger, batch, time, state_root, log_size, log_root, *rest) = _HEAD.unpack(
        content
    )
    scheme, availability, parent, forced, bridge = rest
    if (version, flags, scheme) != (VERSION, 0, AVAILABILITY_WHOLE):
        raise MalformedInput("a head of an unknown version", where=where)
    if forced != _NOTHING_YET or bridge != _NOTHING_YET:
        raise MalformedInput("a head with fields of a later version", where=where)
    return Head(
        LedgerId(ledger),
        batch,
        Seconds(time),
        Digest(state_root),
        log_size,
        Digest(log_root),
        Digest(availability),
        Digest(parent),
    )


def head_digest(head: Head) -> Digest:
    """Return what is signed in checkpoints and put on the settlement chain."""
    return tagged(tags.HEAD, encode_head(head))


def first_head(ledger: LedgerId, created: Seconds) -> Head:
    """Return the head before the first batch: it follows from the genesis alone."""
    return Head(
        ledger=ledger,
        batch=0,
        time=created,
        state_root=EMPTY_STATE_ROOT,
        log_size=0,
        log_root=EMPTY_LOG_ROOT,
        availability=NO_AVAILABILITY,
        parent=Digest(ledger),
    )
