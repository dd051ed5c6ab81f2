"""What is sealed opens in its place under its key, and tokens tell nothing without it."""

import secrets

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pulsekey.identity.sealing import sealer
from pulsekey.primitives.errors import IntegrityError, MalformedInput
from tests.unit.identity.node import KEY

SEALER = sealer(KEY, secrets.token_bytes)
OTHER = sealer(bytes(32), secrets.token_bytes)


@given(st.binary(max_size=200))
def test_what_was_sealed_opens_in_its_own_place_only(content: bytes) -> None:
    sealed = SEALER.seal("names:1", content)
    assert SEALER.open("names:1", sealed) == content
    with pytest.raises(IntegrityError, match="names: a sealed value does not open"):
        SEALER.open("names:2", sealed)
    with pytest.raises(IntegrityError):
        OTHER.open("names:1", sealed)


@given(st.binary(min_size=1, max_size=50), st.integers(0, 200), st.integers(1, 255))
def test_no_byte_of_a_sealed_value_can_be_changed(content: bytes, at: int, change: int) -> None:
    sealed = bytearray(SEALER.seal("names:1", content))
    sealed[at % len(sealed)] ^= change
    with pytest.raises(IntegrityError):
        SEALER.open("names:1", bytes(sealed))


@given(st.integers(0, 28))
def test_a_cut_sealed_value_does_not_open(length: int) -> None:
    with pytest.raises(IntegrityError):
        SEALER.open("names:1", SEALER.seal("names:1", b"x")[:length])


def test_the_same_content_is_sealed_differently_each_time() -> None:
    assert SEALER.seal("names:1", b"Petra") != SEALER.seal("names:1", b"Petra")


@given(st.lists(st.binary(max_size=4), max_size=3), st.lists(st.binary(max_size=4), max_size=3))
def test_tokens_are_equal_only_for_equal_fields(one: list[bytes], two: list[bytes]) -> None:
    assert (SEALER.token("id", *one) == SEALER.token("id", *two)) == (one == two)
    assert SEALER.token("id", *one) != SEALER.token("other", *one)
    assert SEALER.token("id", *one) != OTHER.token("id", *one)


def test_a_sealer_needs_a_whole_key_and_does_not_show_it() -> None:
    with pytest.raises(MalformedInput):
        sealer(bytes(16), secrets.token_bytes)
    assert "x" not in repr(SEALER)
    assert KEY.hex() not in repr(SEALER)
