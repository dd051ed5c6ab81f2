"""Manifests only grow.

And a patient's place under the custodian's root can be proven and not forged.
"""

import secrets

from hypothesis import given
from hypothesis import strategies as st

from pulsekey.primitives.hashing import digest, merkle_root
from pulsekey.primitives.ids import Digest, PatientId
from pulsekey.vault.manifest import (
    Entry,
    PatientHead,
    custodian_root,
    entry_leaf,
    extend,
    is_included,
    patient_leaf,
    spine_root,
)


@given(st.lists(st.integers(0, 9), max_size=6))
def test_a_spine_grown_in_steps_has_the_root_of_all_leaves(steps: list[int]) -> None:
    spine, leaves = b"", list[Digest]()
    for count in steps:
        fresh = [digest(secrets.token_bytes(8)) for _ in range(count)]
        spine, leaves = extend(spine, fresh), [*leaves, *fresh]
        assert spine_root(spine) == merkle_root(leaves)


def heads(count: int) -> list[PatientHead]:
    return [
        PatientHead(
            PatientId(f"p{k}"), bytes([k]) * 32, k, digest(bytes([k])), digest(bytes([k, 1]))
        )
        for k in range(count)
    ]


@given(st.integers(1, 20))
def test_every_patient_is_proven_under_the_root_and_nobody_else(count: int) -> None:
    all_heads = heads(count)
    tree = custodian_root(all_heads)
    stranger = patient_leaf(heads(count + 1)[-1])
    for head in all_heads:
        place, proof = tree.places[head.patient], tree.inclusion(head.patient)
        assert is_included(patient_leaf(head), place, count, proof, tree.root)
        assert not is_included(stranger, place, count, proof, tree.root)
        assert not is_included(patient_leaf(head), place, count + 1, proof, tree.root)
        assert not is_included(patient_leaf(head), count, count, proof, tree.root)
        assert not is_included(patient_leaf(head), place, count, (*proof, stranger), tree.root)
        if proof:
            assert not is_included(patient_leaf(head), place, count, proof[:-1], tree.root)


def test_the_root_does_not_depend_on_the_order_of_patients() -> None:
    assert custodian_root(heads(7)).root == custodian_root(heads(7)[::-1]).root


def test_every_field_and_the_salt_change_a_leaf() -> None:
    base = Entry(1, 1, Digest(bytes(32)), Digest(bytes(32)))
    other = Digest(b"\1" * 32)
    leaves = {
        entry_leaf(bytes(32), base),
        entry_leaf(b"\1" * 32, base),
        entry_leaf(bytes(32), Entry(2, 1, base.address, base.about)),
        entry_leaf(bytes(32), Entry(1, 2, base.address, base.about)),
        entry_leaf(bytes(32), Entry(1, 1, other, base.about)),
        entry_leaf(bytes(32), Entry(1, 1, base.address, other)),
    }
    assert len(leaves) == 6
