"""How a ledger begins. Its id is the digest of this document, so the document can never change.

The settlement chain named here is the first one; a ledger can move to another by a logged operation
without a new id, hence without voiding a signature.
"""

from dataclasses import dataclass

from pulsekey.primitives import canonical, tags
from pulsekey.primitives.clock import Seconds
from pulsekey.primitives.errors import MalformedInput
from pulsekey.primitives.hashing import DIGEST_BYTES, tagged
from pulsekey.primitives.ids import LedgerId

FORMAT = "pulsekey/genesis/1"
NAME_CHARACTERS_MAX = 200
KEY_RECORD_BYTES = 107
"""x 32 | y 32 | rp id hash 32 | scheme u8 | capabilities u16 | expires u64, as in a
registration."""

_FIELDS = {
    "checkpoint_key",
    "created",
    "custodian",
    "format",
    "name",
    "program",
    "salt",
    "settlement",
}


@dataclass(frozen=True, slots=True)
class Genesis:
    """What everyone who uses a ledger agrees on beforehand."""

    name: str
    custodian_account: bytes
    """The account of whoever runs the ledger: 32 bytes."""
    custodian_key: bytes
    """Its first key record, a plain P-256 key: `KEY_RECORD_BYTES` bytes."""
    checkpoint_key: bytes
    """The Ed25519 public key that signs checkpoints: 32 bytes."""
    program: int
    """The version of the program that gives operations their meaning."""
    settlement: str
    """The chain on which heads are anchored at first."""
    created: Seconds
    salt: bytes
    """32 random bytes: two ledgers of the same name are two ledgers."""

    def __post_init__(self) -> None:
        sizes = (
            ("custodian account", self.custodian_account, DIGEST_BYTES),
            ("custodian key", self.custodian_key, KEY_RECORD_BYTES),
            ("checkpoint key", self.checkpoint_key, 32),
            ("salt", self.salt, 32),
        )
        for name, content, size in sizes:
            if len(content) != size:
                raise MalformedInput(f"a {name} has {size} bytes", where="genesis")
        for name, text in (("name", self.name), ("settlement", self.settlement)):
            if not 0 < len(text) <= NAME_CHARACTERS_MAX:
                raise MalformedInput(f"{name} has 1 to {NAME_CHARACTERS_MAX} characters")
        if self.created < 0 or self.program < 1:
            raise MalformedInput("times and versions are positive", where="genesis")

    def encode(self) -> bytes:
        """Return the canonical JSON."""
        return canonical.encode(
            {
                "checkpoint_key": self.checkpoint_key.hex(),
                "created": int(self.created),
                "custodian": {
                    "account": self.custodian_account.hex(),
                    "key": self.custodian_key.hex(),
                },
                "format": FORMAT,
                "name": self.name,
                "program": self.program,
                "salt": self.salt.hex(),
                "settlement": self.settlement,
            }
        )

    @property
    def ledger(self) -> LedgerId:
        return LedgerId(tagged(tags.GENESIS, self.encode()))


def decode_genesis(content: bytes, *, where: str = "genesis") -> Genesis:
    """Read a genesis, or raise `MalformedInput`."""
    document = canonical.decode(content, where=where)
    if not isinstance(document, dict) or set(document) != _FIELDS:
        raise MalformedInput("not the fields of a genesis", where=where)
    custodian = document["custodian"]
    if not isinstance(custodian, dict) or set(custodian) != {"account", "key"}:
        raise MalformedInput("not the fields of a custodian", where=where)
    if document["format"] != FORMAT:
        raise MalformedInput("a genesis of an unknown format", where=where)
    name, settlement = document["name"], document["settlement"]
    program, created = document["program"], document["created"]
    if not (isinstance(name, str) and isinstance(settlement, str)):
        raise MalformedInput("names are text", where=where)
    # A boolean is an int to Python, but not to a verifier in another language.
    if type(program) is not int or type(created) is not int:
        raise MalformedInput("versions and times are integers", where=where)
    return Genesis(
        name=name,
        custodian_account=_bytes(custodian["account"], where),
        custodian_key=_bytes(custodian["key"], where),
        checkpoint_key=_bytes(document["checkpoint_key"], where),
        program=program,
        settlement=settlement,
        created=Seconds(created),
        salt=_bytes(document["salt"], where),
    )


def _bytes(text: canonical.Document, where: str) -> bytes:
    if isinstance(text, str):
        try:
            content = bytes.fromhex(text)
        except ValueError:
            content = b""
        if content and content.hex() == text:
            return content
    raise MalformedInput("bytes are lower-case hexadecimal", where=where)
