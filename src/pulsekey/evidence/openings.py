"""What opens a commitment of the custodian's at one patient: the leaf, and its way to the root.

A closing is the opening of the first commitment in which a chain ended where it does now. Whatever
is in the chain was there by then, so nothing was put in later and dated back. It is made when the
commitment is: what others' leaves were is not known afterwards.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import cast

from pulsekey.evidence.entries import accesses_head
from pulsekey.primitives import canonical
from pulsekey.primitives.canonical import Document
from pulsekey.primitives.ids import Digest, PatientId
from pulsekey.vault.manifest import PatientHead, is_included, patient_leaf

Chains = tuple[tuple[Digest, int, Digest], ...]
"""The newest (chain, counter, entry) of every chain of a patient, in chain order."""


@dataclass(frozen=True, slots=True)
class Opening:
    """Opens a commitment: `salt`, `size` and `manifest` the leaf, which is `place` of `count`."""

    chains: Chains
    salt: bytes
    size: int
    manifest: Digest
    place: int
    count: int
    inclusion: tuple[Digest, ...]

    def opens(self, patient: PatientId, root: Digest) -> bool:
        """Whether a committed root holds these chains of the patient's."""
        accesses = accesses_head(self.chains)
        head = PatientHead(patient, self.salt, self.size, self.manifest, accesses)
        return is_included(patient_leaf(head), self.place, self.count, self.inclusion, root)

    def document(self) -> dict[str, Document]:
        return {
            "chains": [
                {"chain": chain.hex(), "counter": counter, "entry": entry.hex()}
                for chain, counter, entry in self.chains
            ],
            "leaf": {
                "salt": self.salt.hex(),
                "size": self.size,
                "manifest": self.manifest.hex(),
            },
            "patients": {
                "place": self.place,
                "count": self.count,
                "inclusion": [node.hex() for node in self.inclusion],
            },
        }


def read_opening(raw: Document) -> Opening:
    """Read a document that has the form of an opening (`shapes.OPENING`)."""
    members = cast("Mapping[str, Document]", raw)
    leaf, patients = _object(members["leaf"]), _object(members["patients"])
    return Opening(
        tuple(
            (_digest(one["chain"]), cast("int", one["counter"]), _digest(one["entry"]))
            for one in cast("list[Mapping[str, Document]]", members["chains"])
        ),
        _digest(leaf["salt"]),
        cast("int", leaf["size"]),
        _digest(leaf["manifest"]),
        cast("int", patients["place"]),
        cast("int", patients["count"]),
        tuple(_digest(one) for one in cast("list[Document]", patients["inclusion"])),
    )


@dataclass(frozen=True, slots=True)
class Closing:
    """The first commitment in which a chain had `counter` entries: its log index, and opening."""

    chain: Digest
    patient: PatientId
    counter: int
    index: int
    opening: Opening

    def encode(self) -> bytes:
        """Return what is kept of it."""
        return canonical.encode({"index": self.index, "opening": self.opening.document()})


def decode_closing(chain: Digest, patient: PatientId, counter: int, content: bytes) -> Closing:
    """Read what was kept of a closing."""
    raw = _object(canonical.decode(content, where="closing"))
    index, opening = cast("int", raw["index"]), read_opening(raw["opening"])
    return Closing(chain, patient, counter, index, opening)


def _object(raw: Document) -> Mapping[str, Document]:
    return cast("Mapping[str, Document]", raw)


def _digest(raw: Document) -> Digest:
    return Digest(bytes.fromhex(cast("str", raw)))
