"""SHA-256 and nothing else."""

import hashlib
from collections.abc import Iterable

from pulsekey.primitives.ids import Digest
from pulsekey.primitives.tags import Tag

DIGEST_BYTES = 32


def digest(content: bytes) -> Digest:
    """Return the plain SHA-256 of `content`: a content address, nothing more."""
    return Digest(hashlib.sha256(content).digest())


def tagged(tag: Tag, *fields: bytes) -> Digest:
    """Return SHA-256 over `tag` and then `fields`.

    The caller sees to it that the fields are of fixed width, or that only the last one is not:
    nothing is put between them.
    """
    return Digest(hashlib.sha256(b"".join((tag, *fields))).digest())


def merkle_root(leaves: Iterable[bytes]) -> Digest:
    """Return the RFC 9162 section 2.1.1 Merkle Tree Hash over `leaves` (raw entries)."""
    # A stack of complete subtrees, largest first, as (size, hash): the right spine of the tree.
    spine: list[tuple[int, bytes]] = []
    sha256 = hashlib.sha256
    for leaf in leaves:
        size, node = 1, sha256(b"\x00" + leaf).digest()
        while spine and spine[-1][0] == size:
            _, left = spine.pop()
            size, node = size * 2, sha256(b"\x01" + left + node).digest()
        spine.append((size, node))
    if not spine:
        return Digest(sha256(b"").digest())
    _, root = spine.pop()
    while spine:
        _, left = spine.pop()
        root = sha256(b"\x01" + left + root).digest()
    return Digest(root)
