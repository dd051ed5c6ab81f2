"""What a dishonest custodian may try with a patient's access log, and how evidence tells.

The custodian here holds every key, so it signs and commits to whatever it likes: what remains are
the receipts that readers hold, the order of the ledger, and the patient's signatures.
"""

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import cast

import pytest

from pulsekey.evidence.access_log import AccessLog
from pulsekey.evidence.entries import START, Access, Asked, Basis, Entry, consent_chain
from pulsekey.evidence.verify import Verdict
from pulsekey.exchange.commit_interval import CommitInterval
from pulsekey.exchange.gather_evidence import GatherEvidence
from pulsekey.primitives.clock import MICROS_PER_SECOND, Micros
from pulsekey.primitives.ids import ConsentId, Digest, PatientId, PrincipalId
from tests.fakes.evidence_node import READING, EvidenceNode, Patient, evidence_node
from tests.fakes.evidence_verifiers import Case, judged

Rewrite = Callable[[Sequence[Entry]], Sequence[Entry]]


@dataclass(frozen=True, slots=True)
class RewritingLog:
    """Shows every chain as its owner would like it to have been, linked and counted anew."""

    log: AccessLog
    rewrite: Rewrite

    def chain(self, chain: Digest) -> tuple[Entry, ...]:
        previous, entries = START, list[Entry]()
        for counter, entry in enumerate(self.rewrite(self.log.chain(chain)), start=1):
            entries.append(replace(entry, counter=counter, previous=previous))
            previous = entries[-1].digest
        return tuple(entries)

    def heads(self, patient: PatientId) -> tuple[tuple[Digest, int, Digest], ...]:
        chains = {chain: self.chain(chain) for chain, _, _ in self.log.heads(patient)}
        return tuple(
            (chain, len(entries), entries[-1].digest)
            for chain, entries in chains.items()
            if entries
        )

    def patients(self) -> tuple[PatientId, ...]:
        return self.log.patients()


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EvidenceNode]:
    with evidence_node(tmp_path_factory.mktemp("node")) as node:
        node.patient("Ann Other")
        yield node


@dataclass(frozen=True, slots=True)
class Read:
    """A consent under which three reads left three receipts."""

    town: EvidenceNode
    pat: Patient
    consent: ConsentId
    receipts: tuple[bytes, ...]

    def rewritten(self, rewrite: Rewrite) -> bytes:
        """Return what a custodian gathers from a rewritten log, committed to as if it were true."""
        node = self.town.node
        accesses = cast("AccessLog", RewritingLog(node.accesses, rewrite))
        committing = CommitInterval(node.vault, accesses, node.ledger, node.keys, node.clock)
        self.town.clock.pass_seconds(10)
        return GatherEvidence(
            node.gate,
            node.register,
            node.identities,
            accesses,
            node.ledger,
            committing,
            node.keys,
        )(self.pat.principal, self.consent)

    def append(self, at: Micros, **other: object) -> bytes:
        """Let an entry of that time be logged outside of the gate, and gather honestly."""
        assert self.pat.principal.patient is not None
        access = Access(
            consent_chain(self.consent),
            self.pat.principal.patient,
            self.town.clinician.id,
            Basis.CONSENT,
            "TREAT",
            at,
            READING,
        )
        self.town.node.accesses.append([replace(access, **other)])  # type: ignore[arg-type]
        return self.town.evidence(self.pat, self.consent)


@pytest.fixture
def read(town: EvidenceNode) -> Read:
    pat = town.patient(f"Pat {town.clock.at}")
    consent = town.grant(pat)
    receipts = tuple(town.read(pat)[0].token().encode() for _ in range(3))
    return Read(town, pat, consent, receipts)


def only(content: bytes, *receipts: bytes) -> Verdict:
    (verdict,) = judged(Case(content, receipts))
    return verdict


def releases(verdict: Verdict) -> str:
    return next(claim.detail for claim in verdict.claims if claim.name == "releases")


REWRITES: dict[str, tuple[Rewrite, int]] = {
    "the last one dropped": (lambda entries: entries[:-1], 2),
    "the first one dropped": (lambda entries: entries[1:], 0),
    "one in the middle dropped": (lambda entries: [entries[0], entries[2]], 1),
    "all dropped": (lambda entries: entries[:0], 0),
    "two swapped": (lambda entries: [entries[0], entries[2], entries[1]], 1),
    "one made harmless": (
        lambda entries: [
            replace(entries[0], access=replace(entries[0].access, asked=Asked(("Patient",)))),
            *entries[1:],
        ],
        0,
    ),
}


@pytest.mark.parametrize("name", REWRITES)
def test_a_rewritten_log_contradicts_a_readers_receipt(read: Read, name: str) -> None:
    rewrite, contradicted = REWRITES[name]
    content = read.rewritten(rewrite)
    assert only(content).failed == ()  # It is consistent: nobody but a reader can tell.
    verdict = only(content, read.receipts[contradicted])
    assert verdict.failed == ("releases",)
    assert releases(verdict).startswith("misconduct: a reader holds")


def test_entries_left_out_of_the_file_alone_are_missed_without_a_receipt(read: Read) -> None:
    document = json.loads(read.town.evidence(read.pat, read.consent))
    entries = document["releases"]["entries"]
    for left in (entries[:-1], entries[1:], [entries[0], entries[2]], [], entries[::-1]):
        changed = document | {"releases": document["releases"] | {"entries": left}}
        content = json.dumps(changed, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        assert only(content.encode()).failed == ("releases",)


def test_a_read_after_the_stop_is_named(read: Read) -> None:
    step = read.town.stop(read.pat, read.consent)
    content = read.append(Micros((step.time + 2) * MICROS_PER_SECOND))
    assert only(content).failed == ("stopped",)


def test_a_read_within_the_second_of_the_stop_is_not_held_against_anybody(read: Read) -> None:
    step = read.town.stop(read.pat, read.consent)
    content = read.append(Micros((step.time + 2) * MICROS_PER_SECOND - 1))
    assert only(content).failed == ()


def test_a_read_after_the_end_is_named(read: Read) -> None:
    until = read.town.node.register.terms(read.consent).valid_until
    assert only(read.append(Micros(until * MICROS_PER_SECOND))).failed == ("releases",)


def test_a_read_before_the_grant_is_named(read: Read) -> None:
    begins = read.town.node.register.terms(read.consent).valid_from
    assert only(read.append(Micros((begins - 1) * MICROS_PER_SECOND))).failed == ("releases",)


@pytest.mark.parametrize(
    "other",
    [
        {"reader": PrincipalId("somebody-else")},
        {"purpose": "HRESCH"},
        {"basis": Basis.MAINTENANCE},
    ],
    ids=["reader", "purpose", "basis"],
)
def test_a_release_that_was_not_consented_to_is_named(read: Read, other: dict[str, object]) -> None:
    assert only(read.append(read.town.clock.at, **other)).failed == ("releases",)


def test_a_commitment_to_another_log_does_not_help(read: Read) -> None:
    content = json.loads(read.town.evidence(read.pat, read.consent))
    other = json.loads(read.rewritten(lambda entries: entries[:-1]))
    for part in ("releases", "operations", "states"):
        mixed = content | {part: other[part]}
        text = json.dumps(mixed, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        assert only(text.encode()).failed


def test_evidence_from_before_the_stop_says_nothing_of_it_and_a_checkpoint_tells(
    read: Read,
) -> None:
    town = read.town
    before = town.evidence(read.pat, read.consent)
    town.stop(read.pat, read.consent)
    newest = town.node.ledger.view().checkpoint
    assert only(before).failed == ()
    (verdict,) = judged(Case(before, anchors=(newest,)))
    assert verdict.failed == ("anchor",)
