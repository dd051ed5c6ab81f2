"""Blob stores that misbehave.

One lies, one forgets, one fails at the n-th call; and one that is honest.
"""

from collections.abc import Iterator

from pulsekey.primitives.errors import NotFound, Unavailable
from pulsekey.primitives.ids import Digest


class MemoryBlobStore:
    """Honest, and gone with the process."""

    def __init__(self) -> None:
        self.blobs: dict[Digest, bytes] = {}

    def put(self, address: Digest, sealed: bytes) -> None:
        self.blobs.setdefault(address, sealed)

    def get(self, address: Digest, at: int = 0, length: int | None = None) -> bytes:
        if address not in self.blobs:
            raise NotFound("no such blob")
        return self.blobs[address][at : None if length is None else at + length]

    def has(self, address: Digest) -> bool:
        return address in self.blobs

    def delete(self, address: Digest) -> None:
        self.blobs.pop(address, None)

    def addresses(self) -> Iterator[Digest]:
        yield from list(self.blobs)

    def discard_unfinished(self) -> None:
        """Nothing is ever unfinished in memory."""


class LyingBlobStore(MemoryBlobStore):
    """Gives back other bytes of the same length once `lying` is set."""

    lying = False

    def get(self, address: Digest, at: int = 0, length: int | None = None) -> bytes:
        honest = super().get(address, at, length)
        if not self.lying:
            return honest
        return bytes([honest[0] ^ 1]) + honest[1:]


class SwappingBlobStore(MemoryBlobStore):
    """Gives back the bytes of another place, which are sealed just as well, once `lying` is set."""

    lying = False

    def get(self, address: Digest, at: int = 0, length: int | None = None) -> bytes:
        if self.lying:
            other = next(a for a in self.blobs if a != address)
            return super().get(other, at, length)
        return super().get(address, at, length)


class ForgettingBlobStore(MemoryBlobStore):
    """Accepts everything and keeps nothing."""

    def put(self, address: Digest, sealed: bytes) -> None:
        """Forget it at once."""


class AwayBlobStore(MemoryBlobStore):
    """Neither deletes nor lists once `away` is set."""

    away = False

    def delete(self, address: Digest) -> None:
        self._require_here()
        super().delete(address)

    def addresses(self) -> Iterator[Digest]:
        self._require_here()
        yield from super().addresses()

    def _require_here(self) -> None:
        if self.away:
            raise Unavailable("the store is away")


class FailingBlobStore(MemoryBlobStore):
    """Fails at its n-th call of put, once."""

    def __init__(self, fails_at: int) -> None:
        super().__init__()
        self.calls = 0
        self._fails_at = fails_at

    def put(self, address: Digest, sealed: bytes) -> None:
        self.calls += 1
        if self.calls == self._fails_at:
            raise Unavailable("the store is away")
        super().put(address, sealed)
