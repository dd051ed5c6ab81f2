"""Tags are distinct, and the Merkle root is RFC 9162's."""

import hashlib

from hypothesis import given
from hypothesis import strategies as st

from pulsekey.primitives import tags
from pulsekey.primitives.hashing import merkle_root, tagged


def recursive_root(leaves: list[bytes]) -> bytes:
    """RFC 9162, section 2.1.1, as it is written there."""
    if not leaves:
        return hashlib.sha256(b"").digest()
    if len(leaves) == 1:
        return hashlib.sha256(b"\x00" + leaves[0]).digest()
    k = 1 << ((len(leaves) - 1).bit_length() - 1)
    return hashlib.sha256(
        b"\x01" + recursive_root(leaves[:k]) + recursive_root(leaves[k:])
    ).digest()


@given(st.lists(st.binary(max_size=8), max_size=40))
def test_the_root_is_the_one_of_the_standard(leaves: list[bytes]) -> None:
    assert merkle_root(leaves) == recursive_root(leaves)


def test_every_tag_is_32_bytes_and_no_two_are_equal() -> None:
    every = [value for name, value in vars(tags).items() if name.isupper() and name != "TAG_BYTES"]
    assert len(every) > 20
    assert all(isinstance(tag, bytes) and len(tag) == tags.TAG_BYTES for tag in every)
    assert len(set(every)) == len(every)


def test_a_tag_separates_equal_content() -> None:
    assert tagged(tags.TERMS, b"x") != tagged(tags.KEY, b"x")
