"""Names for things. Opaque ids are random, so that none of them says anything about a person."""

import base64
from collections.abc import Callable
from typing import NewType

Digest = NewType("Digest", bytes)
"""A SHA-256 digest: 32 bytes."""

PatientId = NewType("PatientId", str)
PrincipalId = NewType("PrincipalId", str)
OrganisationId = NewType("OrganisationId", str)
SeriesId = NewType("SeriesId", str)
ImportId = NewType("ImportId", str)

AccountId = NewType("AccountId", bytes)
"""The digest of an account's first registration: 32 bytes, the pseudonym on the ledger."""

KeyId = NewType("KeyId", bytes)
"""The digest of a public key and the relying party it belongs to: 32 bytes."""

ConsentId = NewType("ConsentId", bytes)
"""The hash of the salted terms that a consent is about: 32 bytes."""

LedgerId = NewType("LedgerId", bytes)
"""The digest of a ledger's genesis: 32 bytes."""

Entropy = Callable[[int], bytes]
"""A source of that many random bytes. `secrets.token_bytes` outside tests."""

OPAQUE_BYTES = 16


def opaque(entropy: Entropy) -> str:
    """Return a random id of 26 lower-case base32 characters, a legal FHIR `id`."""
    return base64.b32encode(entropy(OPAQUE_BYTES)).decode().rstrip("=").lower()
