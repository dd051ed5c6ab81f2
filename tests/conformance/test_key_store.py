"""Every Custodian keeps the promises written in pulsekey.vault.ports.Custodian."""

import secrets
from collections.abc import Callable
from pathlib import Path

import pytest

from pulsekey.primitives.errors import AccessDenied, IntegrityError
from pulsekey.vault.embedded import LocalCustodian, create_key_file, key_from_file
from pulsekey.vault.ports import Custodian


def from_file(folder: Path) -> Custodian:
    path = folder / f"{secrets.token_hex(8)}.key"
    create_key_file(path, secrets.token_bytes)
    return LocalCustodian(key_from_file(path), secrets.token_bytes)


# Adding a key service means adding a line here: something that makes a custodian with a new key.
CUSTODIANS: dict[str, Callable[[Path], Custodian]] = {
    "file": from_file,
    "memory": lambda _: LocalCustodian(secrets.token_bytes(32), secrets.token_bytes),
}


@pytest.fixture(params=CUSTODIANS)
def new_custodian(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[], Custodian]:
    return lambda: CUSTODIANS[request.param](tmp_path)


def test_a_wrapped_key_opens_again(new_custodian: Callable[[], Custodian]) -> None:
    custodian, key = new_custodian(), secrets.token_bytes(32)
    assert custodian.unwrap(custodian.wrap(key, b"context"), b"context") == key


def test_a_wrap_does_not_show_the_key_and_differs_each_time(
    new_custodian: Callable[[], Custodian],
) -> None:
    custodian, key = new_custodian(), secrets.token_bytes(32)
    one, other = custodian.wrap(key, b""), custodian.wrap(key, b"")
    assert one != other
    assert key not in one


def test_another_context_does_not_open_it(new_custodian: Callable[[], Custodian]) -> None:
    custodian = new_custodian()
    wrapped = custodian.wrap(bytes(32), b"heart rate")
    with pytest.raises(IntegrityError):
        custodian.unwrap(wrapped, b"glucose")


def test_another_custodian_is_told_so(new_custodian: Callable[[], Custodian]) -> None:
    wrapped = new_custodian().wrap(bytes(32), b"")
    with pytest.raises(AccessDenied):
        new_custodian().unwrap(wrapped, b"")


def test_no_changed_bit_and_no_missing_byte_opens(new_custodian: Callable[[], Custodian]) -> None:
    custodian = new_custodian()
    wrapped = custodian.wrap(bytes(32), b"")
    broken = [wrapped[:end] for end in range(len(wrapped))]
    broken += [
        wrapped[:at] + bytes([wrapped[at] ^ 1 << bit]) + wrapped[at + 1 :]
        for at in range(len(wrapped))
        for bit in (0, 7)
    ]
    for one in broken:
        with pytest.raises((IntegrityError, AccessDenied)):
            custodian.unwrap(one, b"")
