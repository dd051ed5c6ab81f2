"""Personal data at rest: sealed to be read back, and turned into keyed tokens to be found again.

Display names, identifiers and what an operator noted about a person are sealed with AES-256-GCM
under a key that the caller gives; the place a value stands in is bound into it, so that rows cannot
be swapped. Lookups go by HMAC-SHA256 under a second key derived from the same one: whoever has only
the file can neither read a value nor test a guess.

    sealed value    format u8 = 1 | nonce 12 | ciphertext and 16-byte tag
"""

import hmac
from dataclasses import dataclass, field

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from pulsekey.primitives.errors import IntegrityError, MalformedInput
from pulsekey.primitives.ids import Entropy
from pulsekey.primitives.messages import Said

KEY_BYTES = 32
NONCE_BYTES = 12
FORMAT = b"\x01"


@dataclass(frozen=True, slots=True)
class Sealer:
    """Seals and finds personal data. Trusted with the key; `repr` does not show it."""

    _cipher: AESGCM = field(repr=False)
    _lookup_key: bytes = field(repr=False)
    _entropy: Entropy = field(repr=False)

    def seal(self, place: str, content: bytes) -> bytes:
        """Return `content` sealed for `place` (a table, a column and a row)."""
        nonce = self._entropy(NONCE_BYTES)
        return FORMAT + nonce + self._cipher.encrypt(nonce, content, FORMAT + place.encode())

    def open(self, place: str, sealed: bytes) -> bytes:
        """Return what was sealed for `place`, or raise `IntegrityError`."""
        if sealed[:1] != FORMAT:
            raise IntegrityError(f"{_column(place)}: a sealed value of an unknown format")
        nonce, ciphertext = sealed[1 : 1 + NONCE_BYTES], sealed[1 + NONCE_BYTES :]
        try:
            return self._cipher.decrypt(nonce, ciphertext, FORMAT + place.encode())
        except (InvalidTag, ValueError):
            raise IntegrityError(f"{_column(place)}: a sealed value does not open") from None

    def token(self, kind: str, *fields: bytes) -> bytes:
        """Return the 32-byte token that `fields` of this kind are looked up by."""
        sized = b"".join(len(each).to_bytes(4) + each for each in (kind.encode(), *fields))
        return hmac.digest(self._lookup_key, sized, "sha256")


def sealer(key: bytes, entropy: Entropy) -> Sealer:
    """Return the sealer under a 32-byte key of the caller's."""
    if len(key) != KEY_BYTES:
        raise MalformedInput(Said("needs {size} bytes", size=KEY_BYTES), where="identity store key")
    return Sealer(AESGCM(_derived(key, b"seal")), _derived(key, b"lookup"), entropy)


def _column(place: str) -> str:
    return place.partition(":")[0]


def _derived(key: bytes, use: bytes) -> bytes:
    info = b"pulsekey/identity-store/1/" + use
    return HKDF(algorithm=hashes.SHA256(), length=KEY_BYTES, salt=None, info=info).derive(key)
