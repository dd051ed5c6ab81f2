"""Where a payload waits while it is read: on disk, sealed under a key that is in memory only.

A parser needs to seek, so the payload cannot only stream by; and a plain temporary file would leave
health data on the disk for whoever reads freed blocks. When the process ends, the key is gone. The
file has no name, so however the process ends, nothing of it is left.
"""

import io
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from pulsekey.exchange.spool_room import Share
from pulsekey.primitives.errors import MalformedInput, Unavailable
from pulsekey.primitives.ids import Entropy
from pulsekey.primitives.messages import Said

CHUNK_BYTES = 65_536
TAG_BYTES = 16
NONCE_BYTES = 12
KEY_BYTES = 32


class Spool:
    """Takes bytes once, in order, then opens them as often as needed. Each chunk is one message.

    It may be closed by another thread than the one that writes.
    """

    def __init__(
        self, folder: Path, entropy: Entropy, *, bytes_max: int, share: Share | None = None
    ) -> None:
        self._file = tempfile.TemporaryFile(dir=folder)  # noqa: SIM115  Closed by `close`.
        self._key = AESGCM(entropy(KEY_BYTES))
        self._rest = bytearray()
        self._chunks = 0
        self._bytes_max = bytes_max
        self._share = share
        self._lock = threading.Lock()
        self._closed = False
        self.size = 0

    def write(self, content: bytes) -> None:
        """Take more bytes; `MalformedInput` beyond the limit, `Unavailable` without room."""
        with self._lock:
            self._write(content)

    def _write(self, content: bytes) -> None:
        if self._closed:
            raise Unavailable("there is no room for this upload now")
        if self._share is not None:
            self._share.take(len(content))
        self.size += len(content)
        if self.size > self._bytes_max:
            raise MalformedInput(
                Said("larger than {most} bytes", most=self._bytes_max),
                where="upload",
                cure="send it in parts",
            )
        self._rest += content
        while len(self._rest) >= CHUNK_BYTES:
            self._seal(bytes(self._rest[:CHUNK_BYTES]))
            del self._rest[:CHUNK_BYTES]

    def finish(self) -> None:
        """Say that nothing follows. Raises `Unavailable` if the disk did not take all of it."""
        with self._lock:
            if self._closed:
                raise Unavailable("there is no room for this upload now")
            if self._rest:
                self._seal(bytes(self._rest))
                self._rest.clear()
            with _room():
                self._file.flush()

    def open(self) -> io.BufferedReader:
        """Return a fresh seekable stream over all of it."""
        return io.BufferedReader(_Opened(self), CHUNK_BYTES)

    def chunk(self, number: int) -> bytes:
        """Return the plain bytes of one chunk, empty past the end."""
        if number >= self._chunks:
            return b""
        self._file.seek(number * (CHUNK_BYTES + TAG_BYTES))
        sealed = self._file.read(CHUNK_BYTES + TAG_BYTES)
        return self._key.decrypt(number.to_bytes(NONCE_BYTES), sealed, None)

    def close(self) -> None:
        """Let the file go. What a full disk did not take, nobody asks for any more."""
        with self._lock:
            self._closed = True
            self._rest.clear()
            if self._share is not None:
                self._share.give_back()
            with suppress(OSError):
                self._file.close()

    def _seal(self, plain: bytes) -> None:
        nonce = self._chunks.to_bytes(NONCE_BYTES)  # The key is used for this spool only.
        with _room():
            self._file.write(self._key.encrypt(nonce, plain, None))
        self._chunks += 1


@contextmanager
def _room() -> Iterator[None]:
    try:
        yield
    except OSError as cause:
        raise Unavailable("there is no room for this upload now") from cause


class _Opened(io.RawIOBase):
    def __init__(self, spool: Spool) -> None:
        self._spool = spool
        self._at = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._spool.size}[whence]
        if base + offset < 0:
            raise ValueError(offset)
        self._at = base + offset
        return self._at

    def tell(self) -> int:
        return self._at

    def readinto(self, target: "memoryview | bytearray") -> int:  # type: ignore[override]
        chunk = self._spool.chunk(self._at // CHUNK_BYTES)
        part = chunk[self._at % CHUNK_BYTES :][: len(target)]
        target[: len(part)] = part
        self._at += len(part)
        return len(part)
