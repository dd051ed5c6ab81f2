"""What the vault needs from outside.

Somewhere to put sealed bytes, and somebody who holds the top key.
"""

from collections.abc import Iterator
from typing import Protocol

from pulsekey.primitives.ids import Digest


class BlobStore(Protocol):
    """Holds packs of sealed bytes, each under its own SHA-256.

    Not trusted: a store that lies or forgets can deny service, never forge or reveal a record,
    because every object is sealed and is checked against its own digest when it is read.

    Every implementation passes tests/conformance/test_blob_store.py.
    """

    def put(self, address: Digest, sealed: bytes) -> None:
        """Keep `sealed` durably before returning. Repeating a put is not an error.

        Raises `Unavailable` where the bytes could not be made durable.
        """

    def get(self, address: Digest, at: int = 0, length: int | None = None) -> bytes:
        """Return `length` bytes from `at` of what is kept under `address` (all from there if None).

        Fewer bytes come back where fewer are kept. Raises `NotFound`.
        """

    def has(self, address: Digest) -> bool:
        """Whether something is kept under `address`."""

    def delete(self, address: Digest) -> None:
        """Forget what is kept under `address`. Deleting what is not there is not an error."""

    def addresses(self) -> Iterator[Digest]:
        """Yield every address under which something is kept, in any order."""

    def discard_unfinished(self) -> None:
        """Drop what interrupted puts left behind. Called only while nobody writes."""


class Custodian(Protocol):
    """Wraps and unwraps keys under the custodian's own, which never leaves the implementation.

    Trusted: whoever controls it can open every record of this vault. A key management service fits
    behind it. `context` is authenticated and not secret: a wrap opens only under its own.

    Every implementation passes tests/conformance/test_key_store.py.
    """

    def wrap(self, key: bytes, context: bytes) -> bytes:
        """Return 32 bytes of `key`, sealed under the custodian's key."""

    def unwrap(self, wrapped: bytes, context: bytes) -> bytes:
        """Return the key again.

        Raises `AccessDenied` if another custodian's key wrapped it, `IntegrityError` if the bytes
        or the context are not the ones that were wrapped.
        """
