"""Where C2SP tlog-tiles puts things (https://c2sp.org/tlog-tiles), and how wide they are.

Tile `index` at `level` holds up to 256 hashes, each over 256**level entries. A tile that is not
full is a file of its own for each width, `.p/<width>`, until the full one takes its place.
"""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

from pulsekey.ledger.log.proof import pair_hash
from pulsekey.primitives.errors import MalformedInput

WIDTH = 256
HEIGHT = 8
HASH_BYTES = 32
LEVEL_MAX = 7
"""A log of 2^64 entries has tiles at levels 0 to 7."""

ENTRY_BYTES_MAX = 0xFFFF


@dataclass(frozen=True, slots=True)
class Tile:
    """One tile of a log of some size: `width` is 256 when it is full."""

    level: int
    index: int
    width: int

    @property
    def path(self) -> PurePosixPath:
        return PurePosixPath("tile", str(self.level), *_number(self.index, self.width))

    @property
    def entries_path(self) -> PurePosixPath:
        """Where the entries under a tile of level 0 stand."""
        return PurePosixPath("tile", "entries", *_number(self.index, self.width))


def tiles_of(size: int) -> Iterator[Tile]:
    """Yield every tile that a log of `size` entries consists of, level by level."""
    for level in range(LEVEL_MAX + 1):
        hashes = size >> (HEIGHT * level)
        full, width = divmod(hashes, WIDTH)
        for index in range(full):
            yield Tile(level, index, WIDTH)
        if width:
            yield Tile(level, full, width)
        if not hashes:
            return


def edge_of(size: int) -> Iterator[Tile]:
    """Yield the tiles that are not full, level by level."""
    for level in range(LEVEL_MAX + 1):
        index, width = divmod(size >> (HEIGHT * level), WIDTH)
        if width:
            yield Tile(level, index, width)


def tile_root(hashes: Sequence[bytes]) -> bytes:
    """Return the hash over a power of two of hashes."""
    nodes = list(hashes)
    while len(nodes) > 1:
        nodes = [pair_hash(nodes[at], nodes[at + 1]) for at in range(0, len(nodes), 2)]
    return nodes[0]


def encode_bundle(entries: Sequence[bytes]) -> bytes:
    """Return an entry bundle: each entry after its length, u16 big-endian."""
    return b"".join(len(entry).to_bytes(2) + entry for entry in entries)


def decode_bundle(content: bytes, *, where: str) -> list[bytes]:
    """Read an entry bundle, or raise `MalformedInput`."""
    entries: list[bytes] = []
    at = 0
    while at < len(content):
        size = int.from_bytes(content[at : at + 2])
        entry = content[at + 2 : at + 2 + size]
        if at + 2 > len(content) or len(entry) != size or len(entries) == WIDTH:
            raise MalformedInput("not an entry bundle", where=where)
        entries.append(entry)
        at += 2 + size
    return entries


def grow_spine(spine: list[tuple[int, bytes]], size: int, node: bytes) -> None:
    """Add a perfect subtree on the right of perfect subtrees, largest first, joining equals."""
    while spine and spine[-1][0] == size:
        _, left = spine.pop()
        size, node = size * 2, pair_hash(left, node)
    spine.append((size, node))


def spine_root(spine: Sequence[tuple[int, bytes]]) -> bytes:
    """Return the root over perfect subtrees, largest first, as (size, hash)."""
    if not spine:
        return hashlib.sha256(b"").digest()
    node = spine[-1][1]
    for _, left in reversed(spine[:-1]):
        node = pair_hash(left, node)
    return node


def _number(index: int, width: int) -> list[str]:
    digits = [f"{index % 1_000:03}"]
    while index := index // 1_000:
        digits.insert(0, f"x{index % 1_000:03}")
    if width < WIDTH:
        digits[-1] += ".p"
        digits.append(str(width))
    return digits
