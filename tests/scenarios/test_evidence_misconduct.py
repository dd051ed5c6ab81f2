"""What a dishonest custodian may try with a patient's access log, and how evidence tells.

The custodian here holds every key, so it signs and commits to whatever it likes: what remains are
the receipts that readers hold, the order of the ledger, and the patient's signatures.
"""

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import cast

import pytest

from pulsekey.evidence.access_log import AccessLog
from pulsekey.evidence.entries import START, Access, Asked, Basis, Entry, bound, consent_chain
from pulsekey.evidence.openings import Closing
from pulsekey.evidence.printing import day
from pulsekey.evidence.receipts import _message, _with_signature, receipt_for
from pulsekey.evidence.releases import CLOSING_SECONDS_MAX
from pulsekey.evidence.verify import Verdict
from pulsekey.exchange.commit_interval import CommitInterval
from pulsekey.exchange.gather_evidence import GatherEvidence
from pulsekey.primitives import canonical
from pulsekey.primitives.clock import MICROS_PER_SECOND, Micros, Seconds
from pulsekey.primitives.ids import ConsentId, Digest, PatientId, PrincipalId
from tests.fakes.evidence_node import READING, EvidenceNode, Patient, evidence_node
from tests.fakes.evidence_verifiers import Case, judged

Rewrite = Callable[[Sequence[Entry]], Sequence[Entry]]


@dataclass(frozen=True, slots=True)
class RewritingLog:
    """Shows one chain as its owner would like it to have been, linked and counted anew."""

    log: AccessLog
    which: Digest
    rewrite: Rewrite
    closings: dict[Digest, Closing] = field(default_factory=dict)

    def chain(self, chain: Digest) -> tuple[Entry, ...]:
        if chain != self.which:
            return self.log.chain(chain)
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

    def closed(self) -> dict[Digest, int]:
        return {chain: closing.counter for chain, closing in self.closings.items()}

    def close_chains(self, closings: Sequence[Closing]) -> None:
        self.closings.update({closing.chain: closing for closing in closings})

    def closing(self, chain: Digest) -> Closing | None:
        return self.closings.get(chain)


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
        chain = consent_chain(self.consent)
        accesses = cast("AccessLog", RewritingLog(node.accesses, chain, rewrite))
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

    @property
    def opened(self) -> Asked:
        """What an honest gate logs of a read."""
        terms = self.town.node.register.terms(self.consent)
        bounds = (bound(terms.data_from), bound(terms.data_until))
        return READING.within(map(str, terms.categories), *bounds)

    def entry(self, at: Micros, **other: object) -> Entry:
        """Return an entry of that time that the gate never made."""
        assert self.pat.principal.patient is not None
        access = Access(
            consent_chain(self.consent),
            self.pat.principal.patient,
            self.town.clinician.id,
            Basis.CONSENT,
            "TREAT",
            at,
            self.opened,
        )
        return Entry(replace(access, **other), 9, START, b"s" * 16)  # type: ignore[arg-type]

    def added(self, at: Micros, **other: object) -> bytes:
        """Return what is gathered if an entry of that time is put at the end."""
        return self.rewritten(lambda entries: [*entries, self.entry(at, **other)])

    def log_backdated(self) -> bytes:
        """Read outside of the gate, in the honest log, dated to before the stop; gather."""
        before = self.town.node.accesses.chain(consent_chain(self.consent))[-1].access.at
        (entry,) = self.town.node.accesses.append([self.entry(before).access])
        assert entry.access.at == before
        return self.town.evidence(self.pat, self.consent)

    def receipt(self, counter: int, at: Micros) -> bytes:
        """Return a receipt that the custodian signed for an entry of that time."""
        ledger = self.town.node.ledger.genesis.ledger
        entry = replace(self.entry(at), counter=counter)
        return receipt_for(ledger, entry, self.town.node.keys).token().encode()


@pytest.fixture
def read(town: EvidenceNode) -> Read:
    pat = town.patient(f"Pat {town.clock.at}")
    consent = town.grant(pat)
    receipts = tuple(town.read(pat)[0].token().encode() for _ in range(3))
    return Read(town, pat, consent, receipts)


def only(content: bytes, *receipts: bytes) -> Verdict:
    (verdict,) = judged(Case(content, receipts))
    return verdict


def detail(verdict: Verdict, name: str) -> str:
    return next(claim.detail for claim in verdict.claims if claim.name == name)


def releases(verdict: Verdict) -> str:
    return detail(verdict, "releases")


def after(second: int, more: int = 0) -> Micros:
    return Micros((second + more) * MICROS_PER_SECOND)


REWRITES: dict[str, tuple[Rewrite, int]] = {
    "the last one dropped": (lambda entries: entries[:-1], 2),
    "the first one dropped": (lambda entries: entries[1:], 0),
    "one in the middle dropped": (lambda entries: [entries[0], entries[2]], 1),
    "all dropped": (lambda entries: entries[:0], 0),
    "one made harmless": (
        lambda entries: [
            replace(
                entries[0],
                access=replace(entries[0].access, asked=replace(entries[0].access.asked, limit=1)),
            ),
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
    reads = document["releases"]["reads"]
    for left in (reads[:-1], reads[1:], [reads[0], reads[2]], reads[::-1], [*reads, reads[-1]]):
        changed = document | {"releases": document["releases"] | {"reads": left}}
        content = json.dumps(changed, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        assert only(content.encode()).failed == ("releases",)


def test_a_read_after_the_stop_is_named(read: Read) -> None:
    step = read.town.stop(read.pat, read.consent)
    assert only(read.added(after(step.time, 2))).failed == ("stopped",)


def test_a_read_within_the_second_of_the_stop_is_not_held_against_anybody(read: Read) -> None:
    step = read.town.stop(read.pat, read.consent)
    assert only(read.added(Micros(after(step.time, 2) - 1))).failed == ()


def test_a_read_after_the_stop_that_is_dated_back_is_named(read: Read) -> None:
    read.town.stop(read.pat, read.consent)
    read.town.node.committing()
    read.town.clock.pass_seconds(3 * 86_400)
    verdict = only(read.log_backdated())
    assert verdict.failed == ("stopped",)
    assert "too late to show that none was added" in detail(verdict, "stopped")


def test_how_soon_the_reads_were_committed_to_is_said(read: Read) -> None:
    read.town.clock.pass_seconds(100)
    commitment = read.town.node.committing()
    assert commitment is not None
    read.town.clock.pass_seconds(100)
    read.town.stop(read.pat, read.consent)
    read.town.clock.pass_seconds(3 * 86_400)
    verdict = only(read.town.evidence(read.pat, read.consent))
    assert verdict.failed == ()
    assert f"nothing was added to them after {day(commitment.step.time)}" in releases(verdict)


def test_a_read_that_is_dated_back_before_the_log_was_closed_shows_when_that_was(
    read: Read,
) -> None:
    step = read.town.stop(read.pat, read.consent)
    read.town.clock.pass_seconds(CLOSING_SECONDS_MAX - 10)
    verdict = only(read.log_backdated())
    assert verdict.failed == ()
    closed = Seconds(step.time + CLOSING_SECONDS_MAX)
    assert f"nothing was added to them after {day(closed)}" in releases(verdict)
    read.town.clock.pass_seconds(2)
    assert only(read.log_backdated()).failed == ("stopped",)


def test_a_read_after_the_end_that_is_dated_back_is_named(tmp_path: Path) -> None:
    with evidence_node(tmp_path) as town:
        pat = town.patient("Pat")
        read = Read(town, pat, town.grant(pat, until="2026-09-21T17:00"), ())
        town.read(pat)
        town.node.committing()
        town.clock.pass_seconds(86_400)
        assert only(town.evidence(pat, read.consent)).failed == ()
        verdict = only(read.log_backdated())
    assert verdict.failed == ("releases",)
    assert "too late to show that none was added" in releases(verdict)


def test_a_closing_of_another_chain_or_time_does_not_help(read: Read) -> None:
    town = read.town
    town.node.committing()
    town.clock.pass_seconds(10)
    town.stop(read.pat, read.consent)
    early = json.loads(town.evidence(read.pat, read.consent))
    town.clock.pass_seconds(3 * 86_400)
    lie = json.loads(read.log_backdated())
    assert [len(one["operations"]) for one in (early, lie)] == [5, 4]
    operations = sorted([*lie["operations"], early["operations"][2]], key=lambda one: one["step"])
    opened = lie["releases"] | {"closing": early["releases"]["closing"]}
    for changed in (
        lie | {"operations": operations, "releases": opened},
        lie | {"operations": operations},
        lie | {"releases": opened},
    ):
        assert "releases" in only(canonical.encode(changed)).failed


def test_a_read_after_the_end_is_named(read: Read) -> None:
    until = read.town.node.register.terms(read.consent).valid_until
    assert only(read.added(after(until))).failed == ("releases",)


def test_a_read_before_the_grant_is_named(read: Read) -> None:
    begins = read.town.node.register.terms(read.consent).valid_from
    early = read.entry(Micros(after(begins) - 1))
    assert only(read.rewritten(lambda entries: [early, *entries])).failed == ("releases",)


def test_times_that_run_backwards_are_named(read: Read) -> None:
    verdict = only(read.rewritten(lambda entries: [entries[0], entries[2], entries[1]]))
    assert verdict.failed == ("releases",)
    assert releases(verdict) == "release 3 is earlier than the one before it"


def test_a_read_of_the_future_is_named(read: Read) -> None:
    verdict = only(read.added(Micros(read.town.clock.at + 20 * 86_400 * MICROS_PER_SECOND)))
    assert verdict.failed == ("releases",)
    assert releases(verdict) == "release 4 is later than the commitment to it"


OPENED: dict[str, tuple[dict[str, object], str]] = {
    "another category": ({"categories": ("mental-health",)}, "categories"),
    "one category more": ({"categories": ("glucose", "heart-rate", "sleep")}, "categories"),
    "no category named": ({"categories": ()}, "categories"),
    "no beginning": ({"data_from": None}, "a period"),
    "no end": ({"data_until": None}, "a period"),
    "an earlier beginning": ({"data_from": Micros(0)}, "a period"),
    "a later end": ({"data_until": Micros(2**52)}, "a period"),
}


@pytest.mark.parametrize("name", OPENED)
def test_a_read_of_what_was_not_consented_to_is_named(town: EvidenceNode, name: str) -> None:
    pat = town.patient(f"Pat {town.clock.at}")
    read = Read(town, pat, town.grant(pat, data_from="2026-01-01T00:00"), ())
    town.read(pat)
    assert only(read.added(town.clock.at)).failed == ()
    change, word = OPENED[name]
    asked = replace(read.opened, **change)  # type: ignore[arg-type]
    verdict = only(read.added(town.clock.at, asked=asked))
    assert verdict.failed == ("releases",)
    assert word in releases(verdict)


@pytest.mark.parametrize(
    "other",
    [
        {"reader": PrincipalId("somebody-else")},
        {"purpose": "HRESCH"},
        {"basis": Basis.MAINTENANCE},
        {"reason": "none"},
    ],
    ids=["reader", "purpose", "basis", "reason"],
)
def test_an_entry_that_says_anything_else_than_the_terms_is_named(
    read: Read, other: dict[str, object]
) -> None:
    assert only(read.added(read.town.clock.at, **other)).failed == ("releases",)


def test_receipts_for_times_outside_of_the_consent_are_misconduct(read: Read) -> None:
    terms = read.town.node.register.terms(read.consent)
    content = read.town.evidence(read.pat, read.consent)
    for at in (after(terms.valid_until), Micros(after(terms.valid_from) - 1)):
        for counter in (1, 7):
            verdict = only(content, read.receipt(counter, at))
            assert verdict.failed == ("releases",)
            assert "for a time outside of the consent" in releases(verdict)
    later = read.receipt(7, Micros(after(terms.valid_until) - 1))
    assert only(content, later).failed == ()


def test_a_receipt_for_a_read_after_the_stop_is_misconduct(read: Read) -> None:
    step = read.town.stop(read.pat, read.consent)
    content = read.town.evidence(read.pat, read.consent)
    verdict = only(content, read.receipt(7, after(step.time, 2)))
    assert verdict.failed == ("releases",)
    assert releases(verdict).endswith("for a read after the stop")


def test_a_receipt_of_an_entry_at_another_time_is_misconduct(read: Read) -> None:
    content = read.town.evidence(read.pat, read.consent)
    entry = read.town.node.accesses.chain(consent_chain(read.consent))[0]
    ledger = read.town.node.ledger.genesis.ledger
    honest = receipt_for(ledger, entry, read.town.node.keys)
    changed = _with_signature(replace(honest, at=honest.at + 1), b"")
    signed = _with_signature(changed, read.town.node.keys.sign(_message(changed)))
    assert only(content, honest.token().encode()).failed == ()
    assert only(content, signed.token().encode()).failed == ("releases",)


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
