"""A relying party that a browser would refuse is refused when settings are read."""

import hashlib

import pytest

from pulsekey.identity.relying_party import relying_party
from pulsekey.primitives.errors import MalformedInput


@pytest.mark.parametrize(
    ("rp_id", "origin"),
    [
        ("localhost", "http://localhost:8000"),
        ("localhost", "http://node.localhost:8000"),
        ("clinic.example", "https://clinic.example"),
        ("clinic.example", "https://portal.clinic.example:8443"),
    ],
)
def test_a_domain_and_its_secure_origins_are_accepted(rp_id: str, origin: str) -> None:
    party = relying_party(rp_id, "Clinic", frozenset({origin}))
    assert party.id_hash == hashlib.sha256(rp_id.encode()).digest()


@pytest.mark.parametrize(
    "rp_id",
    ["127.0.0.1", "[::1]", "::1", "", "Clinic.example", "clinic.example.", "a..b", "x/y", "0x7f.1",
     "-a.example", "a" * 64, "ключ.example", "2130706433"],
)  # fmt: skip
def test_what_is_no_domain_is_no_relying_party(rp_id: str) -> None:
    with pytest.raises(MalformedInput, match="relying party id"):
        relying_party(rp_id, "Clinic", frozenset({f"https://{rp_id}"}))


@pytest.mark.parametrize(
    "origin",
    [
        "http://clinic.example",
        "https://clinic.example/",
        "https://clinic.example:x",
        "https://evil.example",
        "https://notclinic.example",
        "https://clinic.example.evil.example",
        "https://user@clinic.example",
        "https://CLINIC.example",
        "clinic.example",
        "null",
        "https://[::1",
        "http://localhost:8000",
    ],
)
def test_an_origin_is_exact_secure_and_within_the_domain(origin: str) -> None:
    with pytest.raises(MalformedInput, match="origins"):
        relying_party("clinic.example", "Clinic", frozenset({origin}))


def test_a_name_and_a_bounded_number_of_origins_are_needed() -> None:
    with pytest.raises(MalformedInput):
        relying_party("localhost", "", frozenset({"http://localhost"}))
    with pytest.raises(MalformedInput):
        relying_party("localhost", "Clinic", frozenset())
    many = frozenset(f"http://localhost:{port}" for port in range(1, 18))
    with pytest.raises(MalformedInput):
        relying_party("localhost", "Clinic", many)
