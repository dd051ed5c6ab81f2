"""Batches in files named by their SHA-256, checked on every reading."""

from pathlib import Path

from pulsekey.ledger.durable import sweep, write_durably
from pulsekey.primitives.errors import IntegrityError, NotFound, Unavailable
from pulsekey.primitives.hashing import digest
from pulsekey.primitives.ids import Digest


class FileAvailability:
    """A folder of batches. The receipt is the digest of the content."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        sweep(folder)

    def publish(self, content: bytes) -> Digest:
        address = digest(content)
        path = self.path(address)
        # A file that is there may have been damaged: writing it again mends it.
        if not (path.is_file() and path.read_bytes() == content):
            write_durably(path, content)
        return address

    def fetch(self, address: Digest) -> bytes:
        path = self.path(address)
        try:
            content = path.read_bytes()
        except FileNotFoundError:
            raise NotFound(f"no batch at {address.hex()[:12]}") from None
        except OSError as error:
            raise Unavailable(f"batch {address.hex()[:12]}: {error.strerror}") from error
        if digest(content) != address:
            raise IntegrityError(f"batch file {path.name} does not match its address")
        return content

    def path(self, address: Digest) -> Path:
        """Return where the batch with that address is kept."""
        name = address.hex()
        return self._folder / name[:2] / name
