"""The commitment to what is kept.

An RFC 9162 tree of one patient's objects, one root over all patients. Pure. Leaves are only ever
appended, so a later manifest extends every earlier one. A leaf is salted with a secret that dies
with the patient: whoever stores the blobs cannot find them in it.
"""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from pulsekey.primitives.errors import IntegrityError
from pulsekey.primitives.hashing import DIGEST_BYTES, merkle_root, tagged
from pulsekey.primitives.ids import Digest, PatientId
from pulsekey.primitives.tags import CUSTODIAN_ROOT, MANIFEST, MANIFEST_ENTRY

SPINE_MAX = 64
NODE_BYTES = 8 + DIGEST_BYTES
SALT_BYTES = 32


@dataclass(frozen=True, slots=True)
class Entry:
    """One sealed object.

    `address` is the SHA-256 of its sealed bytes, `about` the hash of its binding.
    """

    kind: int
    epoch: int
    address: Digest
    about: Digest


@dataclass(frozen=True, slots=True)
class PatientHead:
    """What the custodian commits to for one patient. `salt` keeps the leaf from being guessed."""

    patient: PatientId
    salt: bytes
    size: int
    manifest: Digest
    accesses: Digest
    """The head of the patient's access log."""


@dataclass(frozen=True, slots=True)
class CustodianTree:
    """One root, and the place and proof of each patient under it."""

    root: Digest
    leaves: tuple[Digest, ...]
    places: dict[PatientId, int]

    def inclusion(self, patient: PatientId) -> tuple[Digest, ...]:
        """Return the RFC 9162 inclusion proof of a patient's leaf, from the bottom up."""
        return _path(self.places[patient], self.leaves)


def entry_leaf(salt: bytes, entry: Entry) -> Digest:
    """Return the leaf of an object. Every field is of fixed width."""
    return tagged(
        MANIFEST_ENTRY,
        salt,
        entry.kind.to_bytes(1, "big"),
        entry.epoch.to_bytes(4, "big"),
        entry.address,
        entry.about,
    )


def manifest_root(leaves: Iterable[Digest]) -> Digest:
    """Return the root over all leaves, in the order in which they were published."""
    return merkle_root(leaves)


def extend(spine: bytes, leaves: Iterable[Digest]) -> bytes:
    """Return the right spine of a tree after appending `leaves` to the one whose spine is given.

    A spine is (size, hash) of each complete subtree, largest first: all that appending needs.
    """
    nodes = _nodes(spine)
    for leaf in leaves:
        size, node = 1, hashlib.sha256(b"\x00" + leaf).digest()
        while nodes and nodes[-1][0] == size:
            node = _parent(nodes.pop()[1], node)
            size *= 2
        nodes.append((size, node))
    return b"".join(size.to_bytes(8, "big") + node for size, node in nodes)


def spine_root(spine: bytes) -> Digest:
    """Return the root of the tree with that spine."""
    nodes = _nodes(spine)
    if not nodes:
        return merkle_root(())
    root = nodes[-1][1]
    for _, left in reversed(nodes[:-1]):
        root = _parent(left, root)
    return Digest(root)


def patient_leaf(head: PatientHead) -> Digest:
    """Return a patient's leaf.

    A salted commitment to the patient, the manifest and the access log.
    """
    return tagged(
        MANIFEST,
        head.salt,
        head.size.to_bytes(8, "big"),
        head.manifest,
        head.accesses,
        head.patient.encode(),
    )


def custodian_root(heads: Sequence[PatientHead]) -> CustodianTree:
    """Return the tree over all patients.

    Leaves are ordered by value, which says nothing of patients.
    """
    named = sorted((patient_leaf(head), head.patient) for head in heads)
    leaves = tuple(leaf for leaf, _ in named)
    places = {patient: place for place, (_, patient) in enumerate(named)}
    return CustodianTree(tagged_root(len(leaves), merkle_root(leaves)), leaves, places)


def tagged_root(size: int, root: Digest) -> Digest:
    """Return what is committed on the ledger: the tree's size and root, under its own tag."""
    return tagged(CUSTODIAN_ROOT, size.to_bytes(8, "big"), root)


def is_included(
    leaf: Digest, place: int, size: int, proof: Sequence[Digest], committed: Digest
) -> bool:
    """Whether `leaf` stands at `place` under `committed` (RFC 9162, section 2.1.3.2)."""
    if not 0 <= place < size:
        return False
    node = hashlib.sha256(b"\x00" + leaf).digest()
    at, last = place, size - 1
    for sibling in proof:
        if last == 0:
            return False
        if at & 1 or at == last:
            node = _parent(sibling, node)
            while not at & 1 and at:
                at, last = at >> 1, last >> 1
        else:
            node = _parent(node, sibling)
        at, last = at >> 1, last >> 1
    return last == 0 and tagged_root(size, Digest(node)) == committed


def _path(place: int, leaves: Sequence[Digest]) -> tuple[Digest, ...]:
    if len(leaves) <= 1:
        return ()
    split = 1 << (len(leaves) - 1).bit_length() - 1
    if place < split:
        return (*_path(place, leaves[:split]), merkle_root(leaves[split:]))
    return (*_path(place - split, leaves[split:]), merkle_root(leaves[:split]))


def _nodes(spine: bytes) -> list[tuple[int, bytes]]:
    if len(spine) % NODE_BYTES or len(spine) > SPINE_MAX * NODE_BYTES:
        raise IntegrityError("a manifest's spine was changed")
    return [
        (int.from_bytes(spine[at : at + 8], "big"), spine[at + 8 : at + NODE_BYTES])
        for at in range(0, len(spine), NODE_BYTES)
    ]


def _parent(left: bytes, right: bytes) -> bytes:
    return hashlib.sha256(b"\x01" + left + right).digest()
