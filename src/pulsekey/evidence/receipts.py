"""Read receipts: the custodian's signature on the newest entry of a chain, handed to the reader.

A reader that holds receipt n can show that entries 1 to n existed: evidence that stops earlier is
then proof of misconduct.
"""

import base64
from dataclasses import dataclass
from typing import Protocol, cast

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from pulsekey.evidence.entries import Entry
from pulsekey.primitives import canonical, tags
from pulsekey.primitives.canonical import Document
from pulsekey.primitives.errors import IntegrityError, MalformedInput
from pulsekey.primitives.hashing import tagged
from pulsekey.primitives.ids import Digest, LedgerId

TYPE = "pulsekey/read-receipt"


class Signer(Protocol):
    """The custodian's Ed25519 key. Trusted by those who trust the custodian."""

    def sign(self, message: bytes) -> bytes:
        """Return the 64-byte signature."""


@dataclass(frozen=True, slots=True)
class ReadReceipt:
    """A signed statement that a chain had `counter` entries, the last with this digest."""

    ledger: LedgerId
    chain: Digest
    counter: int
    entry: Digest
    at: int
    signature: bytes

    def document(self) -> dict[str, Document]:
        return {
            "type": TYPE,
            "ledger": self.ledger.hex(),
            "chain": self.chain.hex(),
            "counter": self.counter,
            "entry": self.entry.hex(),
            "at": self.at,
            "signature": self.signature.hex(),
        }

    def token(self) -> str:
        """Return the receipt as it travels in an HTTP header."""
        return base64.urlsafe_b64encode(canonical.encode(self.document())).decode()


def receipt_for(ledger: LedgerId, entry: Entry, signer: Signer) -> ReadReceipt:
    """Sign for `entry`."""
    unsigned = ReadReceipt(
        ledger, entry.access.chain, entry.counter, entry.digest, entry.access.at, b""
    )
    return _with_signature(unsigned, signer.sign(_message(unsigned)))


def read_receipt(raw: Document) -> ReadReceipt:
    """Read a receipt's document, or raise `MalformedInput`."""
    try:
        fields = cast("dict[str, Document]", raw)
        receipt = ReadReceipt(
            LedgerId(bytes.fromhex(cast("str", fields["ledger"]))),
            Digest(bytes.fromhex(cast("str", fields["chain"]))),
            cast("int", fields["counter"]),
            Digest(bytes.fromhex(cast("str", fields["entry"]))),
            cast("int", fields["at"]),
            bytes.fromhex(cast("str", fields["signature"])),
        )
        same = receipt.document() == fields
    except (KeyError, TypeError, ValueError):
        same = False
    if not same:
        raise MalformedInput("not a read receipt", where="read receipt")
    return receipt


def verify_receipt(receipt: ReadReceipt, public_key: bytes) -> None:
    """Raise `IntegrityError` unless `public_key` (32 bytes, Ed25519) signed the receipt."""
    try:
        Ed25519PublicKey.from_public_bytes(public_key).verify(receipt.signature, _message(receipt))
    except (InvalidSignature, ValueError):
        raise IntegrityError("a read receipt is not signed by this custodian") from None


def _message(receipt: ReadReceipt) -> bytes:
    return tagged(
        tags.READ_RECEIPT,
        receipt.ledger,
        receipt.chain,
        receipt.counter.to_bytes(8),
        receipt.entry,
        receipt.at.to_bytes(8),
    )


def _with_signature(receipt: ReadReceipt, signature: bytes) -> ReadReceipt:
    return ReadReceipt(
        receipt.ledger, receipt.chain, receipt.counter, receipt.entry, receipt.at, signature
    )
