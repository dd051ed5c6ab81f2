"""What a state root commits to, and how to check a proof against it with nothing else at hand.

The tree. A key is 32 bytes, read as 256 bits, the most significant first; bit 0 leads left.

    no key            32 zero bytes
    one key           SHA-256 (tag STATE_LEAF | key 32 | value 32), at whatever depth it stands
    two or more keys  SHA-256 (tag STATE_NODE | left 32 | right 32), split at the next bit

So a leaf stands at the first depth where it is alone, the depth is about log2 of the number of
keys, and the root depends on the content only, never on the order of writing. A tag is 32 bytes
(an ASCII name, zero-padded). The value of 32 zero bytes is that of an absent key and never stands
in a leaf.

A proof, version 1, is the path from the root to where `key` is or would be:

    version u8 = 1 | depth u16 | kind u8 | [ key 32 | value 32, if kind is 1 ] | sibling 32 * depth

`depth` counts the siblings, which stand in order from the root down. Kind 0: nothing is there,
`key` is absent. Kind 1: a leaf is there. If it is the leaf of `key`, `key` has that value; if it
is another leaf, `key` is absent, and the first `depth` bits of both keys must agree.
To check: start with 32 zero bytes or the leaf's hash; for each bit of the *asked* key from number
`depth` - 1 up to 0, combine with that depth's sibling (bit 0: it is on the right); compare with
the root.
"""

import hashlib
import struct
from dataclasses import dataclass

from pulsekey.primitives import tags
from pulsekey.primitives.errors import IntegrityError, MalformedInput
from pulsekey.primitives.hashing import DIGEST_BYTES
from pulsekey.primitives.ids import Digest

VERSION = 1
KEY_BITS = 256
EMPTY = bytes(DIGEST_BYTES)
_HEADER = struct.Struct(">BHB")
_KIND_EMPTY = 0
_KIND_LEAF = 1


def leaf_hash(key: bytes, value: bytes) -> bytes:
    """Return the hash of one key and its value."""
    return hashlib.sha256(tags.STATE_LEAF + key + value).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """Return the hash over two subtrees."""
    return hashlib.sha256(tags.STATE_NODE + left + right).digest()


def path_of(key: bytes) -> str:
    """Return the key's bits as 256 characters `0` and `1`, the root's turn first."""
    return format(int.from_bytes(key), "0256b")


@dataclass(frozen=True, slots=True)
class StateProof:
    """A path from the root: the leaf found there, if any, and the siblings from the root down."""

    leaf: tuple[bytes, bytes] | None
    siblings: tuple[bytes, ...]

    def encode(self) -> bytes:
        kind = _KIND_EMPTY if self.leaf is None else _KIND_LEAF
        return b"".join(
            (
                _HEADER.pack(VERSION, len(self.siblings), kind),
                *(self.leaf or ()),
                *self.siblings,
            )
        )


def decode_proof(content: bytes, *, where: str = "state proof") -> StateProof:
    """Read a proof, or raise `MalformedInput`."""
    if len(content) < _HEADER.size:
        raise MalformedInput("cut off", where=where)
    version, depth, kind = _HEADER.unpack_from(content)
    if version != VERSION or depth > KEY_BITS or kind not in {_KIND_EMPTY, _KIND_LEAF}:
        raise MalformedInput("not a state proof of version 1", where=where)
    at = _HEADER.size
    if len(content) != at + (kind * 2 + depth) * DIGEST_BYTES:
        raise MalformedInput("cut off, or bytes after its end", where=where)
    words = [content[i : i + DIGEST_BYTES] for i in range(at, len(content), DIGEST_BYTES)]
    if kind == _KIND_EMPTY:
        return StateProof(None, tuple(words))
    return StateProof((words[0], words[1]), tuple(words[2:]))


def proved_value(root: bytes, key: bytes, proof: bytes) -> bytes:
    """Return the value that `proof` shows `key` to have under `root`: 32 zero bytes if absent.

    Raises `MalformedInput` if it is no proof, `IntegrityError` if it does not lead to that root.
    """
    path = decode_proof(proof)
    bits = path_of(key)
    depth = len(path.siblings)
    found, value = EMPTY, EMPTY
    if path.leaf is not None:
        other, there = path.leaf
        if there == EMPTY:
            raise IntegrityError("a leaf never holds the value of an absent key")
        if path_of(other)[:depth] != bits[:depth]:
            raise IntegrityError("the leaf in the state proof does not stand on the key's path")
        found = leaf_hash(other, there)
        value = there if other == key else EMPTY
    if _folded(found, bits, path.siblings) != root:
        raise IntegrityError("the state proof does not lead to the root")
    return value


def root_after(root: bytes, key: bytes, value: bytes, proof: bytes) -> Digest:
    """Return the root after writing a present `value` to `key`, from a proof of what was there.

    This is how a referee re-executes one step without the map. Writes that remove a key are not
    covered: they may move the sibling up, which needs the sibling opened.
    """
    before = proved_value(root, key, proof)
    if value == EMPTY:
        raise MalformedInput("a removal cannot be followed from this proof", where="state write")
    path = decode_proof(proof)
    bits = path_of(key)
    written = leaf_hash(key, value)
    if path.leaf is not None and before == EMPTY:
        other, there = path.leaf
        other_bits = path_of(other)
        split = next(at for at in range(KEY_BITS) if bits[at] != other_bits[at])
        hashes = (written, leaf_hash(other, there))
        written = node_hash(*(hashes if bits[split] == "0" else hashes[::-1]))
        path = StateProof(None, path.siblings + (EMPTY,) * (split - len(path.siblings)))
    return Digest(_folded(written, bits, path.siblings))


def _folded(node: bytes, bits: str, siblings: tuple[bytes, ...]) -> bytes:
    for depth in range(len(siblings) - 1, -1, -1):
        sibling = siblings[depth]
        node = node_hash(node, sibling) if bits[depth] == "0" else node_hash(sibling, node)
    return node
