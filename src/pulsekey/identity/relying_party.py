"""Who asks for a gesture: the relying party id that passkeys are bound to, and the pages that ask.

WebAuthn Level 3, section 5.1.3: an rpId is a domain, never an IP address, and an origin may ask
only for passkeys of its own domain or of a parent of it. Both are checked once, when settings are
read.
"""

import hashlib
import re
from dataclasses import dataclass
from urllib.parse import urlsplit

from pulsekey.primitives.errors import MalformedInput
from pulsekey.primitives.messages import Said

DOMAIN_CHARACTERS_MAX = 253
ORIGINS_MAX = 16
_LABEL = r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
_DOMAIN = re.compile(rf"(?:{_LABEL}\.)*{_LABEL}")
_LAST_LABEL_IS_NUMBER = re.compile(r"(?:.*\.)?(?:[0-9]+|0x[0-9a-f]*)")


@dataclass(frozen=True, slots=True)
class RelyingParty:
    """`id` is a domain, `origins` the exact origins (scheme, host, port) of pages that may ask."""

    id: str
    name: str
    origins: frozenset[str]

    @property
    def id_hash(self) -> bytes:
        """SHA-256 of the id: the first 32 bytes of all authenticator data."""
        return hashlib.sha256(self.id.encode("ascii")).digest()


def relying_party(rp_id: str, name: str, origins: frozenset[str]) -> RelyingParty:
    """Return the relying party, or raise `MalformedInput` where a browser would refuse it later."""
    is_domain = len(rp_id) <= DOMAIN_CHARACTERS_MAX and _DOMAIN.fullmatch(rp_id)
    if not is_domain or _LAST_LABEL_IS_NUMBER.fullmatch(rp_id):
        raise MalformedInput(
            Said("{rp_id} is not a domain", rp_id=repr(rp_id)),
            where="relying party id",
            cure="use localhost or a domain",
        )
    if not name:
        raise MalformedInput("is empty", where="relying party name")
    if not 1 <= len(origins) <= ORIGINS_MAX:
        raise MalformedInput(Said("1 to {most} are needed", most=ORIGINS_MAX), where="origins")
    for origin in origins:
        _check_origin(origin, rp_id)
    return RelyingParty(rp_id, name, origins)


def _check_origin(origin: str, rp_id: str) -> None:
    try:
        parts = urlsplit(origin)
        host = parts.hostname or ""
        port = "" if parts.port is None else f":{parts.port}"
    except ValueError:
        raise MalformedInput(
            Said("{origin} is not an origin", origin=repr(origin)), where="origins"
        ) from None
    if origin != f"{parts.scheme}://{host}{port}":
        raise MalformedInput(
            Said("{origin} is not an origin", origin=repr(origin)),
            where="origins",
            cure="scheme://host:port, no slash",
        )
    if host != rp_id and not host.endswith(f".{rp_id}"):
        raise MalformedInput(
            Said("{origin} is not within {rp_id}", origin=repr(origin), rp_id=repr(rp_id)),
            where="origins",
        )
    is_local = host == "localhost" or host.endswith(".localhost")
    if parts.scheme != "https" and not (parts.scheme == "http" and is_local):
        raise MalformedInput(
            Said("{origin} is not a secure context", origin=repr(origin)),
            where="origins",
            cure="https",
        )
