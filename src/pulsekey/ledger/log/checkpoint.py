"""Checkpoints: what a log says of itself, as a C2SP signed note (signed-note, tlog-checkpoint).

    <origin>
    <size, decimal>
    <root, base64>
    <extension lines>
    (empty line)
    — <origin> <base64 of key id 4 | Ed25519 signature 64>

The key id is the first four bytes of SHA-256 (origin | 0x0A | 0x01 | public key). Signatures of
others (witnesses) may follow; a reader skips those whose name or key id it does not know. What the
extension lines mean is the caller's business.
"""

import base64
import binascii
import hashlib
from collections.abc import Callable
from dataclasses import dataclass

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from pulsekey.primitives.errors import IntegrityError, MalformedInput
from pulsekey.primitives.ids import Digest

CHECKPOINT_BYTES_MAX = 64 * 1_024
SIGNATURES_MAX = 16
SIZE_DIGITS_MAX = 20
_ED25519 = b"\x01"
_DASH = "\u2014 "

Sign = Callable[[bytes], bytes]
"""Returns the 64-byte Ed25519 signature (RFC 8032) of a message. Holds the node's checkpoint
key."""


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A log's size and root, and the lines that go with them."""

    origin: str
    size: int
    root: Digest
    extensions: tuple[str, ...] = ()

    @property
    def text(self) -> str:
        """What is signed."""
        lines = (self.origin, str(self.size), _base64(self.root), *self.extensions)
        return "".join(f"{line}\n" for line in lines)


def sign_checkpoint(checkpoint: Checkpoint, public_key: bytes, sign: Sign) -> bytes:
    """Return the signed note."""
    text = checkpoint.text
    _check_text(text, checkpoint)
    signature = key_id(checkpoint.origin, public_key) + sign(text.encode())
    return f"{text}\n{_DASH}{checkpoint.origin} {_base64(signature)}\n".encode()


def open_checkpoint(note: bytes, origin: str, public_key: bytes) -> Checkpoint:
    """Return the checkpoint that `public_key` signed under the name `origin`.

    Raises `MalformedInput` if it is no checkpoint, `IntegrityError` if the signature is missing or
    does not hold.
    """
    text, signatures = _parted(note)
    known = key_id(origin, public_key)
    ours = [raw[4:] for name, raw in signatures if name == origin and raw[:4] == known]
    if not ours:
        raise IntegrityError("the checkpoint is not signed by the log's key")
    verifier = Ed25519PublicKey.from_public_bytes(public_key)
    for signature in ours:
        try:
            verifier.verify(signature, text.encode())
        except InvalidSignature:
            raise IntegrityError("the checkpoint's signature does not hold") from None
    checkpoint = _read(text)
    if checkpoint.origin != origin:
        raise IntegrityError("a checkpoint of another log")
    return checkpoint


def key_id(origin: str, public_key: bytes) -> bytes:
    """Return the four bytes by which a signature line names its key."""
    return hashlib.sha256(origin.encode() + b"\n" + _ED25519 + public_key).digest()[:4]


def _parted(note: bytes) -> tuple[str, list[tuple[str, bytes]]]:
    if len(note) > CHECKPOINT_BYTES_MAX:
        raise MalformedInput(f"longer than {CHECKPOINT_BYTES_MAX} bytes", where="checkpoint")
    try:
        content = note.decode()
    except UnicodeDecodeError:
        raise MalformedInput("not UTF-8", where="checkpoint") from None
    text, gap, tail = content.rpartition("\n\n")
    if not gap or not tail.endswith("\n") or any(c < " " and c != "\n" for c in content):
        raise MalformedInput("not a signed note", where="checkpoint")
    lines = tail[:-1].split("\n")
    if len(lines) > SIGNATURES_MAX:
        raise MalformedInput(f"more than {SIGNATURES_MAX} signatures", where="checkpoint")
    return f"{text}\n", [_signature(line) for line in lines]


def _signature(line: str) -> tuple[str, bytes]:
    name, gap, encoded = line.removeprefix(_DASH).partition(" ")
    if not line.startswith(_DASH) or not gap or not name:
        raise MalformedInput("not a signature line", where="checkpoint")
    return name, _unbase64(encoded)


def _read(text: str) -> Checkpoint:
    lines = text[:-1].split("\n")
    if len(lines) < 3 or not all(lines):
        raise MalformedInput("a checkpoint has three lines or more, none empty", where="checkpoint")
    origin, size, root, *extensions = lines
    if not (size.isascii() and size.isdigit() and len(size) <= SIZE_DIGITS_MAX) or (
        str(int(size)) != size
    ):
        raise MalformedInput("the size is a decimal number", where="checkpoint")
    return Checkpoint(origin, int(size), Digest(_unbase64(root)), tuple(extensions))


def _check_text(text: str, checkpoint: Checkpoint) -> None:
    lines = text[:-1].split("\n")
    if len(lines) != 3 + len(checkpoint.extensions) or not all(lines):
        raise MalformedInput("extension lines are single and not empty", where="checkpoint")
    if any(c.isspace() or c == "+" for c in checkpoint.origin):
        raise MalformedInput("an origin has neither spaces nor plus signs", where="checkpoint")


def _base64(content: bytes) -> str:
    return base64.b64encode(content).decode()


def _unbase64(text: str) -> bytes:
    try:
        content = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        content = b""
    if not content or _base64(content) != text:
        raise MalformedInput("not base64", where="checkpoint")
    return content
