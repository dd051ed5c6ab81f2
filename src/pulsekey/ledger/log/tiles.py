"""The log on files. Full tiles never change; partial ones stay until the full one is there.

Order of writing: entries, then hashes. What a crash leaves behind lies beyond the size that the
log is told to resume at, and is written again with the same bytes.
"""

import threading
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path

from pulsekey.ledger.durable import sweep, write_durably
from pulsekey.ledger.log.layout import (
    ENTRY_BYTES_MAX,
    HASH_BYTES,
    HEIGHT,
    WIDTH,
    Tile,
    decode_bundle,
    edge_of,
    encode_bundle,
    grow_spine,
    spine_root,
    tile_root,
)
from pulsekey.ledger.log.proof import (
    consistency_proof,
    entry_hash,
    inclusion_proof,
)
from pulsekey.primitives.errors import IntegrityError, MalformedInput, NotFound, Unavailable
from pulsekey.primitives.ids import Digest

CACHED_TILES_MAX = 1_024
CHECKPOINT = "checkpoint"


class TileLog:
    """The log of one ledger in one folder. One thread appends; any thread reads."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        sweep(folder)
        self._size = 0
        # Perfect subtrees over everything so far, largest first, as (size, hash).
        self._spine: list[tuple[int, bytes]] = []
        # The hashes of each level's unfinished tile, and the entries under the lowest one.
        self._edge: dict[int, list[bytes]] = {}
        self._entries: list[bytes] = []
        # Readers wait while a batch is appended: they never see half of it.
        self._lock = threading.RLock()
        self._full = lru_cache(CACHED_TILES_MAX)(self._read_full)

    def resume(self, size: int, root: Digest) -> None:
        self._full.cache_clear()
        self._size = size
        self._edge = {tile.level: self._hashes(tile) for tile in edge_of(size)}
        self._entries = []
        if width := size % WIDTH:
            self._entries = self._bundle(Tile(0, size // WIDTH, width))
            if [entry_hash(entry) for entry in self._entries] != self._edge[0]:
                raise IntegrityError("log: the last entries do not match the last tile")
        self._spine = []
        for level in sorted(self._edge, reverse=True):
            for node in self._edge[level]:
                grow_spine(self._spine, 1 << (HEIGHT * level), node)
        if spine_root(self._spine) != root:
            raise IntegrityError(f"log: the tiles at size {size} do not hash to the head's root")

    def append(self, entries: Sequence[bytes]) -> tuple[int, Digest]:
        if any(len(entry) > ENTRY_BYTES_MAX for entry in entries):
            raise MalformedInput(f"an entry is longer than {ENTRY_BYTES_MAX} bytes", where="log")
        with self._lock:
            return self._append(entries)

    def entry(self, index: int) -> bytes:
        with self._lock:
            size = self._size
            if not 0 <= index < size:
                raise NotFound(f"the log has no entry {index}")
            number, place = divmod(index, WIDTH)
            return self._bundle(Tile(0, number, min(WIDTH, size - number * WIDTH)))[place]

    def inclusion(self, index: int, size: int) -> tuple[Digest, ...]:
        with self._lock:
            self._known(size)
            return inclusion_proof(index, size, self._subtree)

    def consistency(self, old: int, new: int) -> tuple[Digest, ...]:
        with self._lock:
            self._known(new)
            return consistency_proof(old, new, self._subtree)

    def publish(self, checkpoint: bytes) -> None:
        self._write(CHECKPOINT, checkpoint)

    def checkpoint(self) -> bytes:
        path = self._folder / CHECKPOINT
        return path.read_bytes() if path.is_file() else b""

    def _append(self, entries: Sequence[bytes]) -> tuple[int, Digest]:
        touched: set[int] = set()
        for entry in entries:
            node = entry_hash(entry)
            self._entries.append(entry)
            grow_spine(self._spine, 1, node)
            touched |= self._place(node)
        for tile in edge_of(self._size):
            if tile.level in touched:
                if tile.level == 0:
                    self._write(tile.entries_path.as_posix(), encode_bundle(self._entries))
                self._write(tile.path.as_posix(), b"".join(self._edge[tile.level]))
        return self._size, Digest(spine_root(self._spine))

    def _known(self, size: int) -> None:
        if size > self._size:
            raise NotFound(f"the log has {self._size} entries, not {size}")

    def _place(self, node: bytes) -> set[int]:
        """Put a new entry's hash into its tile, and every tile that it fills into the one above."""
        self._size += 1
        touched: set[int] = set()
        size, level = self._size, 0
        while True:
            hashes = self._edge.setdefault(level, [])
            hashes.append(node)
            touched.add(level)
            if len(hashes) < WIDTH:
                return touched
            tile = Tile(level, (size >> (HEIGHT * level)) // WIDTH - 1, WIDTH)
            if level == 0:
                self._write(tile.entries_path.as_posix(), encode_bundle(self._entries))
                self._entries = []
            self._write(tile.path.as_posix(), b"".join(hashes))
            self._drop_partial(tile)
            self._edge[level] = []
            node = tile_root(hashes)
            level += 1

    def _drop_partial(self, tile: Tile) -> None:
        paths = [tile.path] if tile.level else [tile.path, tile.entries_path]
        for path in paths:
            folder = self._folder / f"{path}.p"
            if folder.is_dir():
                for partial in folder.iterdir():
                    partial.unlink()
                folder.rmdir()

    def _subtree(self, level: int, index: int) -> bytes:
        """Return the hash of a perfect subtree from the one tile that it stands in."""
        tile_level, height = divmod(level, HEIGHT)
        number, place = divmod(index << height, WIDTH)
        hashes = self._tile(tile_level, number)[place : place + (1 << height)]
        if len(hashes) != 1 << height:
            raise IntegrityError(f"log: tile {number} at level {tile_level} is too short")
        return tile_root(hashes)

    def _tile(self, level: int, number: int) -> Sequence[bytes]:
        if number == (self._size >> (HEIGHT * level)) // WIDTH:
            return self._edge.get(level, ())
        return self._full(level, number)

    def _read_full(self, level: int, number: int) -> tuple[bytes, ...]:
        return tuple(self._hashes(Tile(level, number, WIDTH)))

    def _hashes(self, tile: Tile) -> list[bytes]:
        content = self._read(
            tile.path.as_posix(), Tile(tile.level, tile.index, WIDTH).path.as_posix()
        )
        if len(content) < tile.width * HASH_BYTES:
            raise IntegrityError(f"log/{tile.path} is cut off")
        return [content[at * HASH_BYTES : (at + 1) * HASH_BYTES] for at in range(tile.width)]

    def _bundle(self, tile: Tile) -> list[bytes]:
        where = f"log/{tile.entries_path}"
        content = self._read(
            tile.entries_path.as_posix(), Tile(0, tile.index, WIDTH).entries_path.as_posix()
        )
        try:
            entries = decode_bundle(content, where=where)
        except MalformedInput as error:
            raise IntegrityError(str(error)) from error
        if len(entries) < tile.width:
            raise IntegrityError(f"{where} is cut off")
        return entries[: tile.width]

    def _read(self, path: str, full_path: str) -> bytes:
        """Read a tile; once the full one is there the partial ones are gone."""
        for candidate in (path, full_path):
            try:
                return (self._folder / candidate).read_bytes()
            except FileNotFoundError:
                continue
            except OSError as error:
                raise Unavailable(f"log/{candidate}: {error.strerror}") from error
        raise IntegrityError(f"log/{path} is missing")

    def _write(self, path: str, content: bytes) -> None:
        write_durably(self._folder / path, content)
