"""Why a head should be believed: what the file says of its anchor, and what the caller brought.

A file that holds together shows consistency, no more: its custodian could have made another one.
What the caller got on another way (a genesis, a checkpoint, a head from a chain) is compared here.
"""

from collections.abc import Sequence

from pulsekey.evidence import shapes
from pulsekey.evidence.file import FileAnchor
from pulsekey.evidence.signatures import check_signature
from pulsekey.ledger.derived import checkpoint_of, origin_of
from pulsekey.ledger.encoding import head_digest
from pulsekey.ledger.genesis import Genesis
from pulsekey.ledger.log.checkpoint import open_checkpoint
from pulsekey.ledger.log.proof import verify_consistency
from pulsekey.ledger.ports import Head
from pulsekey.primitives import canonical
from pulsekey.primitives.canonical import Document
from pulsekey.primitives.errors import IntegrityError, MalformedInput

ANCHOR_BYTES_MAX = 256 * 1_024
ANCHORS_MAX = 16
EMBEDDED = "embedded"


def judge_anchor(
    genesis: Genesis, head: Head, last_index: int, anchor: FileAnchor, given: Sequence[bytes]
) -> tuple[str, ...]:
    """Check the file's anchor and compare what the caller gave; return the trust it gives.

    `last_index` is the log index of the newest operation in the file. Raises `IntegrityError`.
    """
    check_signature(
        genesis.checkpoint_key, anchor.signature, anchor.message, "what is said of the anchor"
    )
    anchored = anchor.head
    if not anchored.ledger == head.ledger == genesis.ledger:
        raise IntegrityError("the anchored head is of another ledger")
    if anchored.batch < head.batch or head.log_size <= last_index:
        raise IntegrityError("the anchor does not cover every operation")
    if anchored.batch == head.batch and anchored != head:
        raise IntegrityError("the anchored head is another one of the same batch")
    verify_consistency(
        head.log_size, head.log_root, anchored.log_size, anchored.log_root, anchor.consistency
    )
    if len(given) > ANCHORS_MAX:
        raise MalformedInput(f"more than {ANCHORS_MAX} anchors were given")
    trust = [_words(anchor)]
    trust += [_compared(genesis, (head, anchored), one) for one in given]
    return tuple(trust)


def _words(anchor: FileAnchor) -> str:
    if anchor.chain.partition(":")[0] == EMBEDDED:
        return "embedded: consistency only"
    return f"chain {anchor.chain}, block {anchor.block}: look head {_name(anchor.head)} up there"


def _compared(genesis: Genesis, heads: tuple[Head, Head], given: bytes) -> str:
    """Compare what the caller brought with the file's heads; say what that shows.

    A checkpoint as it stands; or, with a line feed at the end or without, canonical JSON or a
    head's name. Nothing is trimmed or guessed: two verifiers have to read the same.
    """
    if len(given) > ANCHOR_BYTES_MAX:
        raise MalformedInput(f"an anchor is longer than {ANCHOR_BYTES_MAX} bytes")
    if given.startswith(b"pulsekey/"):
        return _compared_checkpoint(genesis, heads, given, None)
    content = given.removesuffix(b"\n")
    if not content.startswith(b"{"):
        return _compared_head(heads, content.decode("latin-1"))
    try:
        document = canonical.decode(content, where="anchor")
    except MalformedInput:
        raise MalformedInput("an anchor that was given cannot be read") from None
    assert isinstance(document, dict)
    if document.get("format") == "pulsekey/genesis/1":
        return _compared_genesis(genesis, content)
    if document.keys() == {"checkpoint", "consistency"}:
        note, path = document["checkpoint"], document["consistency"]
        if isinstance(note, str) and isinstance(path, list):
            return _compared_checkpoint(genesis, heads, note.encode(), path)
    if document.keys() == {"head"}:
        return _compared_head(heads, document["head"])
    raise MalformedInput("an anchor that was given cannot be read")


def _compared_genesis(genesis: Genesis, content: bytes) -> str:
    if content != genesis.encode():
        raise IntegrityError("the evidence is of another ledger than the genesis that was given")
    return "genesis: the ledger is the one that was given"


def _compared_head(heads: tuple[Head, Head], name: Document) -> str:
    if not isinstance(name, str) or not shapes.digest(name):
        raise MalformedInput("an anchor that was given cannot be read")
    if name not in {_name(head) for head in heads}:
        raise IntegrityError("the head that was given is none of the file's")
    return f"head {name[:12]}: as it was given"


def _compared_checkpoint(
    genesis: Genesis, heads: tuple[Head, Head], note: bytes, path: list[Document] | None
) -> str:
    known = open_checkpoint(note, origin_of(genesis.ledger), genesis.checkpoint_key)
    for head in heads:
        if known.size == head.log_size:
            if known != checkpoint_of(head):
                raise IntegrityError("the checkpoint that was given contradicts the file's")
            return f"checkpoint of {known.size} entries: as it was given"
    head = heads[0]
    if path is None or not shapes.path(path):
        raise MalformedInput(
            f"the checkpoint that was given has {known.size} entries, the file's {head.log_size}",
            cure="give it with a consistency proof between the two",
        )
    nodes = [bytes.fromhex(str(node)) for node in path]
    ends = sorted([(known.size, known.root), (head.log_size, head.log_root)])
    verify_consistency(*ends[0], *ends[1], nodes)
    return f"checkpoint of {known.size} entries: of the same log"


def _name(head: Head) -> str:
    return head_digest(head).hex()
