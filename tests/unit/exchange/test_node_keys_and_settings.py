"""What a node is told when it starts, and the keys that it makes from one secret."""

from dataclasses import fields
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from pulsekey.exchange.node_keys import NodeKeys, create_node_secret, open_node_keys
from pulsekey.primitives.assertion import signature_holds
from pulsekey.primitives.errors import AccessDenied, IntegrityError, MalformedInput
from pulsekey.primitives.ids import Digest
from pulsekey.settings import PREFIX, Settings, settings_from
from pulsekey.vault.embedded import LocalCustodian
from tests.fakes.software_authenticator import Repeatable

KEY = bytes(range(32))


def keys_at(path: Path, key: bytes = KEY) -> NodeKeys:
    return open_node_keys(path, LocalCustodian(key, Repeatable("wrap")))


@pytest.fixture
def secret(tmp_path: Path) -> Path:
    path = tmp_path / "node.secret"
    create_node_secret(path, LocalCustodian(KEY, Repeatable("wrap")), Repeatable("secret"))
    return path


def test_the_same_secret_makes_the_same_keys(secret: Path) -> None:
    one, two = keys_at(secret), keys_at(secret)
    assert one.public_key() == two.public_key()
    assert one.commit_record() == two.commit_record()
    assert one.identity_key == two.identity_key


def test_its_signatures_hold(secret: Path) -> None:
    keys = keys_at(secret)
    Ed25519PublicKey.from_public_bytes(keys.public_key()).verify(keys.sign(b"m"), b"m")
    challenge = Digest(bytes(range(32)))
    signature = keys.sign_commitment(challenge)
    assert signature_holds(challenge, keys.commit_record().key, signature)


def test_the_keys_are_different_and_shown_to_nobody(secret: Path) -> None:
    keys = keys_at(secret)
    private = keys.checkpoint.private_bytes_raw()
    assert keys.identity_key != private
    told = repr(keys)
    assert keys.identity_key.hex() not in told
    assert repr(keys.identity_key) not in told


def test_the_secret_is_its_owners_only_and_made_once(secret: Path) -> None:
    assert secret.stat().st_mode & 0o077 == 0
    with pytest.raises(FileExistsError):
        create_node_secret(secret, LocalCustodian(KEY, Repeatable("w")), Repeatable("s"))


def test_another_custodian_cannot_open_it(secret: Path) -> None:
    with pytest.raises(AccessDenied):
        keys_at(secret, bytes(32))


def test_a_changed_secret_is_not_opened(secret: Path) -> None:
    content = bytearray(secret.read_bytes())
    content[-1] ^= 1
    secret.write_bytes(content)
    with pytest.raises(IntegrityError):
        keys_at(secret)


def test_without_an_environment_the_settings_are_the_defaults() -> None:
    assert settings_from({}) == Settings()
    assert settings_from({"PATH": "/bin"}) == Settings()


def test_every_setting_is_read_from_the_environment() -> None:
    given = {
        "HOME": "/srv/node",
        "ORIGIN": "https://records.clinic.example",
        "HOST": "0.0.0.0",
        "PORT": "9000",
        "ORGANISATION": "City Clinic",
        "CONTACT": "dpo@clinic.example",
        "JURISDICTION": "DE",
        "CUSTODIAN_KEY": "ab" * 32,
        "SESSION_MINUTES_MAX": "5",
        "UPLOAD_BYTES_MAX": "1000",
        "COMMIT_MINUTES": "7",
        "MARK_FOLDER": "/mnt/share",
        "TEST_DATA": "1",
        "ANONYMOUS_PER_ADDRESS_MAX": "10",
        "ANONYMOUS_MAX": "100",
        "CONNECTIONS_MAX": "50",
        "CONNECTIONS_PER_ADDRESS_MAX": "10",
        "SPOOL_BYTES_MAX": "1000000",
        "TRUSTED_PROXIES": "127.0.0.1",
    }
    assert {name.lower() for name in given} == {one.name for one in fields(Settings)}
    settings = settings_from({PREFIX + name: text for name, text in given.items()})
    defaults = Settings()
    for one in fields(Settings):
        assert getattr(settings, one.name) != getattr(defaults, one.name), one.name
    assert settings.relying_party == "records.clinic.example"
    assert settings.custodian_key == b"\xab" * 32
    assert "ab" * 32 not in repr(settings)
    assert repr(settings.custodian_key) not in repr(settings)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("ORIGINS", "http://localhost"),
        ("ORIGIN", "http://clinic.example"),
        ("ORIGIN", "http://127.0.0.1:8400"),
        ("ORIGIN", "https://clinic.example/path"),
        ("ORIGIN", "https://clinic.example?x"),
        ("ORIGIN", "ftp://localhost"),
        ("ORIGIN", "localhost"),
        ("ORIGIN", ""),
        ("ORIGIN", "https://"),
        ("ORIGIN", "https://user@clinic.example"),
        ("HOME", ""),
        ("HOST", ""),
        ("TEST_DATA", "yes"),
        ("CONTACT", "nobody"),
        ("ORGANISATION", ""),
        ("ORGANISATION", "  "),
        ("ORGANISATION", "x" * 201),
        ("ORGANISATION", "City\nClinic"),
        ("CONTACT", ""),
        ("JURISDICTION", ""),
        ("JURISDICTION", "France"),
        ("JURISDICTION", "fr"),
        ("JURISDICTION", "EU"),
        ("JURISDICTION", "XX"),
        ("PORT", "0"),
        ("PORT", "65536"),
        ("PORT", "-1"),
        ("PORT", "8400.0"),
        ("PORT", "\u00b2"),
        ("SESSION_MINUTES_MAX", "0"),
        ("SESSION_MINUTES_MAX", "1441"),
        ("UPLOAD_BYTES_MAX", ""),
        ("COMMIT_MINUTES", "soon"),
        ("CUSTODIAN_KEY", ""),
        ("CUSTODIAN_KEY", "ab" * 31),
        ("CUSTODIAN_KEY", "zz" * 32),
        ("CUSTODIAN_KEY", " " + "ab" * 31 + " "),
    ],
)
def test_what_cannot_be_meant_is_refused(name: str, text: str) -> None:
    with pytest.raises(MalformedInput) as refused:
        settings_from({PREFIX + name: text})
    assert PREFIX + name in str(refused.value)
    assert refused.value.cure
    if name == "CUSTODIAN_KEY" and text:
        assert text.strip() not in str(refused.value)
