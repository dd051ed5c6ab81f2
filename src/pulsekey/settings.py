"""Every knob, parsed once at the edge. Inside, nothing reads the environment."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from importlib import resources
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from typing import TypeAlias
from urllib.parse import urlsplit

from pulsekey.primitives.errors import MalformedInput

PREFIX = "PULSEKEY_"
PORT_MAX = 65_535
KEY_HEX_CHARACTERS = 64
RATE_MAX = 600_000
CONNECTIONS_MAX = 100_000

TEXT_CHARACTERS_MAX = 200
"""As many as a genesis takes (`ledger/genesis.py`)."""

_REACHED = re.compile(r"\S@\S|https?://\S|\d(?:[ ./-]?\d){4}")
"""Mail, web or telephone: what a person can use."""

_EXAMPLES = {"organisation": "such as City Clinic", "contact": "such as privacy@clinic.example"}

Network: TypeAlias = IPv4Network | IPv6Network


@dataclass(frozen=True, slots=True)
class Settings:
    """What a node is told when it starts."""

    home: Path = Path("pulsekey-home")
    """Where the node keeps everything. `PULSEKEY_HOME`."""

    origin: str = "http://localhost:8400"
    """How browsers reach the node; its host is the relying party of passkeys. `PULSEKEY_ORIGIN`."""

    host: str = "127.0.0.1"
    """The address to listen on. `PULSEKEY_HOST`."""

    port: int = 8400
    """The port to listen on. `PULSEKEY_PORT`."""

    organisation: str = "My clinic"
    """The name of the organisation that runs the node. `PULSEKEY_ORGANISATION`."""

    contact: str = "privacy@clinic.example"
    """Where patients reach the controller of their data. `PULSEKEY_CONTACT`."""

    jurisdiction: str = "FR"
    """The country whose law the consents name, ISO 3166-1. `PULSEKEY_JURISDICTION`."""

    custodian_key: bytes | None = field(default=None, repr=False)
    """The custodian's 32-byte key in hexadecimal; else a file in home. `PULSEKEY_CUSTODIAN_KEY`."""

    session_minutes_max: int = 15
    """How long a portal session lasts without a request. `PULSEKEY_SESSION_MINUTES_MAX`."""

    upload_bytes_max: int = 4 * 1024**3
    """The largest payload that the portal takes. `PULSEKEY_UPLOAD_BYTES_MAX`."""

    commit_minutes: int = 60
    """How often the node commits to its manifests and access logs. `PULSEKEY_COMMIT_MINUTES`."""

    anonymous_per_address_max: int = 120
    """What one address may ask a minute without being signed in, twice as much at once.
    `PULSEKEY_ANONYMOUS_PER_ADDRESS_MAX`."""

    anonymous_max: int = 1_200
    """The same for all addresses together. `PULSEKEY_ANONYMOUS_MAX`."""

    connections_max: int = 2_000
    """Connections at a time, fewer where the system allows too few descriptors.
    `PULSEKEY_CONNECTIONS_MAX`."""

    connections_per_address_max: int = 500
    """Connections at a time from one address. `PULSEKEY_CONNECTIONS_PER_ADDRESS_MAX`."""

    spool_bytes_max: int = 16 * 1024**3
    """Bytes of payloads that wait on disk at a time, all together. `PULSEKEY_SPOOL_BYTES_MAX`."""

    trusted_proxies: tuple[Network, ...] = ()
    """Whose X-Forwarded-For is believed. `PULSEKEY_TRUSTED_PROXIES`."""

    test_data: bool = False
    """Whether people may be confirmed whom nobody checked: never where patients are real.
    `PULSEKEY_TEST_DATA`."""

    mark_folder: Path | None = None
    """A folder on another disk, for a copy of the high-water mark. `PULSEKEY_MARK_FOLDER`."""

    def __post_init__(self) -> None:
        """Refuse what no consent could be made with, before anything is written."""
        if not self.host:  # To a socket that means every address of the machine.
            raise MalformedInput(
                "must be an address", where=f"{PREFIX}HOST", cure="0.0.0.0 is every address"
            )
        for name in ("organisation", "contact"):
            text: str = getattr(self, name)
            if not 0 < len(text.strip()) <= len(text) <= TEXT_CHARACTERS_MAX or (
                not text.isprintable()
            ):
                raise MalformedInput(
                    f"must be 1 to {TEXT_CHARACTERS_MAX} characters on one line",
                    where=PREFIX + name.upper(),
                    cure=_EXAMPLES[name],
                )
        if not _REACHED.search(self.contact):
            raise MalformedInput(
                "must say where patients reach whoever is responsible for their data",
                where=f"{PREFIX}CONTACT",
                cure="an address of mail or web, or a telephone number",
            )
        if self.jurisdiction not in countries():
            raise MalformedInput(
                "must be the two capital letters of a country (ISO 3166-1)",
                where=f"{PREFIX}JURISDICTION",
                cure="such as FR; within the EU name the member state",
            )

    @property
    def relying_party(self) -> str:
        """The host name that passkeys are bound to."""
        return urlsplit(self.origin).hostname or ""


@lru_cache(maxsize=1)
def countries() -> frozenset[str]:
    """Return the codes of ISO 3166-1 alpha-2, as the time zone database lists them."""
    table = resources.files("tzdata.zoneinfo") / "iso3166.tab"
    lines = table.read_text("utf-8").splitlines()
    return frozenset(line.partition("\t")[0] for line in lines if not line.startswith("#"))


def settings_from(env: Mapping[str, str]) -> Settings:
    """Read settings from `env`, refusing what cannot be meant."""
    defaults = Settings()
    known = {f"{PREFIX}{name.upper()}" for name in Settings.__dataclass_fields__}
    unknown = sorted(name for name in env if name.startswith(PREFIX) and name not in known)
    if unknown:
        raise MalformedInput(f"unknown setting {unknown[0]}", cure=f"one of {sorted(known)}")

    def text(name: str, default: str) -> str:
        return env.get(PREFIX + name, default)

    port = _count(env, "PORT", defaults.port, PORT_MAX)
    origin = text("ORIGIN", f"http://localhost:{port}").rstrip("/")
    _check_origin(origin)
    return Settings(
        home=_folder(env, defaults.home),
        origin=origin,
        host=text("HOST", defaults.host),
        port=port,
        organisation=text("ORGANISATION", defaults.organisation),
        contact=text("CONTACT", defaults.contact),
        jurisdiction=text("JURISDICTION", defaults.jurisdiction),
        custodian_key=_key(env),
        session_minutes_max=_count(env, "SESSION_MINUTES_MAX", defaults.session_minutes_max, 1_440),
        upload_bytes_max=_count(env, "UPLOAD_BYTES_MAX", defaults.upload_bytes_max, 2**40),
        commit_minutes=_count(env, "COMMIT_MINUTES", defaults.commit_minutes, 120),
        test_data=_flag(env, "TEST_DATA"),
        mark_folder=Path(env[f"{PREFIX}MARK_FOLDER"]) if env.get(f"{PREFIX}MARK_FOLDER") else None,
        anonymous_per_address_max=_count(
            env, "ANONYMOUS_PER_ADDRESS_MAX", defaults.anonymous_per_address_max, RATE_MAX
        ),
        anonymous_max=_count(env, "ANONYMOUS_MAX", defaults.anonymous_max, RATE_MAX),
        connections_max=_count(env, "CONNECTIONS_MAX", defaults.connections_max, CONNECTIONS_MAX),
        connections_per_address_max=_count(
            env,
            "CONNECTIONS_PER_ADDRESS_MAX",
            defaults.connections_per_address_max,
            CONNECTIONS_MAX,
        ),
        spool_bytes_max=_count(env, "SPOOL_BYTES_MAX", defaults.spool_bytes_max, 2**50),
        trusted_proxies=_networks(text("TRUSTED_PROXIES", "")),
    )


def _folder(env: Mapping[str, str], default: Path) -> Path:
    raw = env.get(f"{PREFIX}HOME", str(default))
    if not raw:  # To a path that means the folder that one stands in.
        raise MalformedInput("must be a folder", where=f"{PREFIX}HOME", cure=str(default))
    return Path(raw)


def _check_origin(origin: str) -> None:
    parts = urlsplit(origin)
    secure = parts.scheme == "https" or (parts.scheme == "http" and parts.hostname == "localhost")
    if not secure or not parts.hostname or parts.path or parts.query or "@" in parts.netloc:
        raise MalformedInput(
            "browsers allow passkeys on https origins and on http://localhost only",
            where="PULSEKEY_ORIGIN",
            cure="an origin such as https://records.clinic.example",
        )


def _flag(env: Mapping[str, str], name: str) -> bool:
    raw = env.get(PREFIX + name, "0")
    if raw not in {"0", "1"}:
        raise MalformedInput("must be 0 or 1", where=PREFIX + name, cure="0 unless it is meant")
    return raw == "1"


def _networks(raw: str) -> tuple[Network, ...]:
    try:
        return tuple(ip_network(one.strip()) for one in raw.split(",") if one.strip())
    except ValueError:
        raise MalformedInput(
            "addresses or networks, separated by commas",
            where=f"{PREFIX}TRUSTED_PROXIES",
            cure="such as 127.0.0.1 or 10.0.0.0/24",
        ) from None


def _count(env: Mapping[str, str], name: str, default: int, largest: int) -> int:
    raw = env.get(PREFIX + name)
    if raw is None:
        return default
    if not raw.isdecimal() or not 1 <= int(raw) <= largest:
        raise MalformedInput(
            f"must be a whole number from 1 to {largest}", where=PREFIX + name, cure=str(default)
        )
    return int(raw)


def _key(env: Mapping[str, str]) -> bytes | None:
    raw = env.get(f"{PREFIX}CUSTODIAN_KEY")
    if raw is None:
        return None
    try:
        key = bytes.fromhex(raw)
    except ValueError:
        key = b""
    # `fromhex` skips spaces, so the length of the text alone would let a shorter key pass.
    if len(raw) != KEY_HEX_CHARACTERS or key.hex() != raw.lower():
        raise MalformedInput(
            "must be 64 hexadecimal digits",  # Never the value itself.
            where=f"{PREFIX}CUSTODIAN_KEY",
            cure="`openssl rand -hex 32` makes one",
        )
    return key
