"""The defaults: packs in files, the custodian's key in a file or in memory. Nothing to install.

Every blob is complete and durable before its name appears, and no key is read from a file that
somebody else can read.
"""

import errno
import os
import stat
from collections.abc import Iterator
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from pulsekey.primitives.errors import (
    AccessDenied,
    Conflict,
    IntegrityError,
    MalformedInput,
    NotFound,
    Unavailable,
)
from pulsekey.primitives.hashing import DIGEST_BYTES, tagged
from pulsekey.primitives.ids import Digest, Entropy
from pulsekey.primitives.tags import KEY

CUSTODIAN_KEY_BYTES = 32
KEY_FILE_PREFIX = b"pulsekey-custodian-key-1:"
KEY_FILE_BYTES_MAX = 256
FINGERPRINT_BYTES = 8
NONCE_BYTES = 12
WRAP_VERSION = b"\x01"


class FileBlobStore:
    """One file a blob, two levels of folders: `ab/cd/<64 hex digits>`. Files are 0600."""

    def __init__(self, root: Path, entropy: Entropy) -> None:
        self._root = root
        self._unfinished = root / "unfinished"
        self._entropy = entropy
        _make_folder(root)
        _make_folder(self._unfinished)

    def put(self, address: Digest, sealed: bytes) -> None:
        target = self._path(address)
        if target.exists():
            return
        draft = self._unfinished / self._entropy(16).hex()
        try:
            _make_folder(target.parent.parent)
            _make_folder(target.parent)
            _write_durably(draft, sealed)
            draft.rename(target)
            _sync_folder(target.parent)
        except OSError as cause:
            draft.unlink(missing_ok=True)
            raise Unavailable(f"cannot store a blob: {os.strerror(cause.errno or 0)}") from cause

    def get(self, address: Digest, at: int = 0, length: int | None = None) -> bytes:
        try:
            descriptor = os.open(self._path(address), os.O_RDONLY)
        except FileNotFoundError:
            raise NotFound(f"no blob at {address.hex()[:16]}") from None
        except OSError as cause:
            raise Unavailable(f"cannot read a blob: {os.strerror(cause.errno or 0)}") from cause
        try:
            wanted = os.fstat(descriptor).st_size - at if length is None else length
            return os.pread(descriptor, max(wanted, 0), at)
        except OSError as cause:
            raise Unavailable(f"cannot read a blob: {os.strerror(cause.errno or 0)}") from cause
        finally:
            os.close(descriptor)

    def has(self, address: Digest) -> bool:
        return self._path(address).exists()

    def delete(self, address: Digest) -> None:
        path = self._path(address)
        try:
            path.unlink(missing_ok=True)
            if path.parent.exists():
                _sync_folder(path.parent)
        except OSError as cause:
            raise Unavailable(f"cannot delete a blob: {os.strerror(cause.errno or 0)}") from cause

    def addresses(self) -> Iterator[Digest]:
        for path in self._root.glob("??/??/*"):
            if len(path.name) == 2 * DIGEST_BYTES:
                yield Digest(bytes.fromhex(path.name))

    def discard_unfinished(self) -> None:
        for draft in self._unfinished.iterdir():
            draft.unlink()

    def _path(self, address: Digest) -> Path:
        name = address.hex()
        return self._root / name[:2] / name[2:4] / name


class LocalCustodian:
    """The custodian's key in this process's memory, as AES-256-GCM.

    A wrap is: version, the first bytes of the key's digest, nonce, sealed key.
    """

    def __init__(self, key: bytes, entropy: Entropy) -> None:
        if len(key) != CUSTODIAN_KEY_BYTES:
            raise MalformedInput(
                "a custodian key has 32 bytes", cure="create one with `pulsekey init`"
            )
        self._aead = AESGCM(key)
        self._fingerprint = tagged(KEY, b"custodian", key)[:FINGERPRINT_BYTES]
        self._entropy = entropy

    def wrap(self, key: bytes, context: bytes) -> bytes:
        nonce = self._entropy(NONCE_BYTES)
        head = WRAP_VERSION + self._fingerprint
        return head + nonce + self._aead.encrypt(nonce, key, head + context)

    def unwrap(self, wrapped: bytes, context: bytes) -> bytes:
        head = wrapped[: 1 + FINGERPRINT_BYTES]
        body = wrapped[len(head) :]
        if head[:1] != WRAP_VERSION:
            raise IntegrityError("a wrapped key of an unknown version")
        if head[1:] != self._fingerprint:
            raise AccessDenied("this key was wrapped by another custodian key")
        try:
            return self._aead.decrypt(body[:NONCE_BYTES], body[NONCE_BYTES:], head + context)
        except (InvalidTag, ValueError):
            raise IntegrityError("a wrapped key does not open") from None


def create_key_file(path: Path, entropy: Entropy) -> None:
    """Write a new custodian key to `path`, readable by its owner only. Never replaces a file."""
    content = KEY_FILE_PREFIX + entropy(CUSTODIAN_KEY_BYTES).hex().encode() + b"\n"
    try:
        _write_durably(path, content)
        _sync_folder(path.parent)
    except FileExistsError:
        raise Conflict("there is a custodian key file already") from None
    except OSError as cause:
        path.unlink(missing_ok=True)  # Half a key would look like one that somebody made.
        raise Unavailable(f"cannot write the key file: {os.strerror(cause.errno or 0)}") from cause


def key_from_file(path: Path) -> bytes:
    """Return the custodian key in `path`.

    Raises `NotFound`, `AccessDenied` where anybody but its owner could read it, `MalformedInput`.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW)
    except FileNotFoundError:
        raise NotFound("there is no custodian key file; it is created explicitly") from None
    except OSError as cause:
        linked = cause.errno == errno.ELOOP
        reason = "it is a symbolic link" if linked else os.strerror(cause.errno or 0)
        raise AccessDenied(f"the custodian key file was not opened: {reason}") from cause
    try:
        facts = os.fstat(descriptor)
        if not stat.S_ISREG(facts.st_mode) or facts.st_uid != os.geteuid():
            raise AccessDenied("the custodian key file is not a file of this user")
        if facts.st_mode & 0o077:
            raise AccessDenied("others can read the custodian key file; give it the mode 0600")
        content = os.read(descriptor, KEY_FILE_BYTES_MAX)
    finally:
        os.close(descriptor)
    return parse_key(content)


def parse_key(content: bytes) -> bytes:
    """Return the key that `content` writes out.

    64 hex digits, with or without the file's prefix.
    """
    digits = content.strip().removeprefix(KEY_FILE_PREFIX)
    try:
        key = bytes.fromhex(digits.decode("ascii"))
    except ValueError:
        key = b""
    if len(key) != CUSTODIAN_KEY_BYTES:
        raise MalformedInput("not a custodian key", cure="64 hex digits")
    return key


def _write_durably(path: Path, content: bytes) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        view = memoryview(content)
        while view:
            view = view[os.write(descriptor, view) :]
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _make_folder(path: Path) -> None:
    """Make a folder of this user only, and make its name durable."""
    try:
        path.mkdir(mode=0o700)
    except FileExistsError:
        return
    _sync_folder(path.parent)


def _sync_folder(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
