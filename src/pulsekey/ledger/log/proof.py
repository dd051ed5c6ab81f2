"""Inclusion and consistency proofs, made and checked as RFC 9162 sections 2.1.3 and 2.1.4 say.

Making asks for the hash of any perfect subtree; checking needs nothing but the proof. Checks raise.
"""

import hashlib
from collections.abc import Callable, Sequence

from pulsekey.primitives.errors import IntegrityError, MalformedInput
from pulsekey.primitives.ids import Digest

PROOF_HASHES_MAX = 128
"""A tree of 2^64 entries has proofs of at most 64 hashes; consistency needs a little more."""

Subtree = Callable[[int, int], bytes]
"""The hash of the perfect subtree of height `level` that is number `index` at that height."""


def entry_hash(entry: bytes) -> bytes:
    """Return the hash of one entry, RFC 9162 section 2.1.1."""
    return hashlib.sha256(b"\x00" + entry).digest()


def pair_hash(left: bytes, right: bytes) -> bytes:
    """Return the hash over two subtrees, RFC 9162 section 2.1.1."""
    return hashlib.sha256(b"\x01" + left + right).digest()


def inclusion_proof(index: int, size: int, subtree: Subtree) -> tuple[Digest, ...]:
    """Return PATH(index, D[size]), RFC 9162 section 2.1.3.1."""
    if not 0 <= index < size:
        raise MalformedInput(f"no entry {index} in a log of {size}", where="inclusion proof")
    path: list[Digest] = []
    low, high = 0, size
    while high - low > 1:
        middle = low + _split(high - low)
        if index < middle:
            path.append(_range_hash(middle, high, subtree))
            high = middle
        else:
            path.append(_range_hash(low, middle, subtree))
            low = middle
    return tuple(reversed(path))


def consistency_proof(old: int, new: int, subtree: Subtree) -> tuple[Digest, ...]:
    """Return PROOF(old, D[new]), RFC 9162 section 2.1.4.1. It is empty when `old` is 0 or `new`."""
    if not 0 <= old <= new:
        raise MalformedInput(f"{old} does not come before {new}", where="consistency proof")
    if old in {0, new}:
        return ()
    path: list[Digest] = []
    low, high, complete = 0, new, True
    while old != high:
        middle = low + _split(high - low)
        if old <= middle:
            path.append(_range_hash(middle, high, subtree))
            high = middle
        else:
            path.append(_range_hash(low, middle, subtree))
            low, complete = middle, False
    if not complete:
        path.append(_range_hash(low, high, subtree))
    return tuple(reversed(path))


def verify_inclusion(
    entry: bytes, index: int, size: int, root: bytes, proof: Sequence[bytes]
) -> None:
    """Check that `entry` is number `index` under `root`, or raise `IntegrityError`."""
    if not 0 <= index < size or len(proof) > PROOF_HASHES_MAX:
        raise IntegrityError("the inclusion proof names an entry beyond the log's size")
    place, last, node = index, size - 1, entry_hash(entry)
    for sibling in proof:
        if last == 0:
            raise IntegrityError("the inclusion proof is too long")
        if place & 1 or place == last:
            node = pair_hash(sibling, node)
            while place and not place & 1:
                place, last = place >> 1, last >> 1
        else:
            node = pair_hash(node, sibling)
        place, last = place >> 1, last >> 1
    if last != 0 or node != root:
        raise IntegrityError("the inclusion proof does not lead to the log's root")


def verify_consistency(
    old: int, old_root: bytes, new: int, new_root: bytes, proof: Sequence[bytes]
) -> None:
    """Check that the log of size `new` extends that of size `old`, or raise `IntegrityError`."""
    if not 0 <= old <= new or len(proof) > PROOF_HASHES_MAX:
        raise IntegrityError("a log does not shrink")
    if old in {0, new}:
        # Nothing to show: every log extends the empty one, and each one itself.
        if proof or old_root != (new_root if old == new else _EMPTY):
            raise IntegrityError("the consistency proof shows another log")
        return
    path = list(proof) if old & (old - 1) else [old_root, *proof]
    older, newer = _both_roots(old - 1, new - 1, path)
    if older != old_root or newer != new_root:
        raise IntegrityError("the consistency proof does not lead from the older to the newer root")


def _both_roots(place: int, last: int, path: Sequence[bytes]) -> tuple[bytes, bytes]:
    """Fold a consistency path into the older and the newer root it stands for."""
    if not path:
        raise IntegrityError("the consistency proof is empty")
    while place & 1:
        place, last = place >> 1, last >> 1
    older = newer = path[0]
    for sibling in path[1:]:
        if last == 0:
            raise IntegrityError("the consistency proof is too long")
        if place & 1 or place == last:
            older, newer = pair_hash(sibling, older), pair_hash(sibling, newer)
            while place and not place & 1:
                place, last = place >> 1, last >> 1
        else:
            newer = pair_hash(newer, sibling)
        place, last = place >> 1, last >> 1
    if last != 0:
        raise IntegrityError("the consistency proof is too short")
    return older, newer


_EMPTY = hashlib.sha256(b"").digest()


def _split(size: int) -> int:
    """Return the largest power of two below `size`."""
    return 1 << ((size - 1).bit_length() - 1)


def _range_hash(low: int, high: int, subtree: Subtree) -> Digest:
    """Return the hash over entries [low, high), where `low` is a multiple of its perfect parts."""
    parts: list[bytes] = []
    while low < high:
        level = (high - low).bit_length() - 1
        parts.append(subtree(level, low >> level))
        low += 1 << level
    node = parts.pop()
    while parts:
        node = pair_hash(parts.pop(), node)
    return Digest(node)
