import hashlib
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pulsekey.ledger.ports import ABSENT
from pulsekey.ledger.state.proof import StateProof, decode_proof, proved_value, root_after
from pulsekey.ledger.state.tree import Tree, tree_of
from pulsekey.primitives.errors import IntegrityError, MalformedInput

LEAF = b"pulsekey/state-leaf/1".ljust(32, b"\0")
NODE = b"pulsekey/state-node/1".ljust(32, b"\0")
keys = st.builds(
    lambda first, last: first + bytes(30) + last,
    st.sampled_from([b"\x00", b"\x40", b"\x80", b"\xff"]),
    st.sampled_from([b"\x00", b"\x01", b"\x03", b"\x80"]),
)
values = st.sampled_from([b"1" * 32, b"2" * 32])
maps = st.dictionaries(keys, values)


def root_by_definition(content: dict[bytes, bytes], depth: int = 0) -> bytes:
    """The root as the docstring of state/proof.py words it, and nothing cleverer."""
    if not content:
        return bytes(32)
    if len(content) == 1:
        ((key, value),) = content.items()
        return hashlib.sha256(LEAF + key + value).digest()
    sides: tuple[dict[bytes, bytes], dict[bytes, bytes]] = ({}, {})
    for key, value in content.items():
        sides[key[depth // 8] >> (7 - depth % 8) & 1][key] = value
    left, right = (root_by_definition(side, depth + 1) for side in sides)
    return hashlib.sha256(NODE + left + right).digest()


@given(content=maps)
def test_the_root_is_the_one_of_the_definition(content: dict[bytes, bytes]) -> None:
    tree = tree_of(content.items())
    assert tree.root == root_by_definition(content)
    assert dict(tree.leaves()) == content
    assert list(tree.leaves()) == sorted(content.items())


@given(content=maps, key=keys, value=values)
def test_a_write_is_followed_from_a_proof_alone(
    content: dict[bytes, bytes], key: bytes, value: bytes
) -> None:
    tree = tree_of(content.items())
    after = root_after(tree.root, key, value, tree.prove(key))
    assert after == tree.after([(key, value)]).root


def test_a_removal_is_not_followed() -> None:
    tree = tree_of([(b"k" * 32, b"v" * 32)])
    with pytest.raises(MalformedInput):
        root_after(tree.root, b"k" * 32, ABSENT, tree.prove(b"k" * 32))


@given(content=maps, key=keys)
def test_proofs_read_back_and_longer_or_shorter_ones_are_refused(
    content: dict[bytes, bytes], key: bytes
) -> None:
    proof = tree_of(content.items()).prove(key)
    assert decode_proof(proof).encode() == proof
    for wrong in (proof[:-1], proof + b"\0", b"\x02" + proof[1:], b""):
        with pytest.raises(MalformedInput):
            decode_proof(wrong)


def test_a_leaf_from_elsewhere_in_the_tree_does_not_prove_absence() -> None:
    """A hostile prover shows a real leaf, but not the one on the asked key's path."""
    left, right = b"\x00" * 32, b"\x80" + b"\x00" * 31
    tree = tree_of([(left, b"1" * 32), (right, b"2" * 32)])
    on_the_right = decode_proof(tree.prove(right))
    forged = StateProof(on_the_right.leaf, on_the_right.siblings).encode()
    with pytest.raises(IntegrityError, match="does not stand"):
        proved_value(tree.root, left, forged)


def test_a_leaf_never_holds_the_absent_value() -> None:
    leaf = hashlib.sha256(LEAF + b"k" * 32 + ABSENT).digest()
    with pytest.raises(IntegrityError, match="absent"):
        proved_value(leaf, b"k" * 32, StateProof((b"k" * 32, ABSENT), ()).encode())


def test_an_earlier_snapshot_stays_as_it_was() -> None:
    before = tree_of([(b"k" * 32, b"v" * 32)])
    root = before.root
    after = before.after([(b"k" * 32, ABSENT), (b"l" * 32, b"w" * 32)])
    assert (before.root, before.get(b"k" * 32), before.get(b"l" * 32)) == (root, b"v" * 32, ABSENT)
    assert (after.get(b"k" * 32), after.get(b"l" * 32)) == (ABSENT, b"w" * 32)


def test_paths_are_about_as_long_as_the_logarithm_of_the_number_of_keys() -> None:
    draw = random.Random(5)
    content = [(draw.randbytes(32), b"v" * 32) for _ in range(4_096)]
    tree = tree_of(content)
    depths = [len(decode_proof(tree.prove(key)).siblings) for key, _ in content]
    assert 12 <= sum(depths) / len(depths) <= 14
    assert max(depths) < 32


def test_keys_and_values_have_32_bytes() -> None:
    for pair in ((b"short", b"v" * 32), (b"k" * 32, b"short")):
        with pytest.raises(ValueError, match="32 bytes"):
            Tree().after([pair])
