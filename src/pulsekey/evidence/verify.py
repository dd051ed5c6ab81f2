"""The offline verifier: nothing but the file, and what its reader got on another way.

Each claim is judged by itself and named when it fails; one that fails keeps no other from being
judged. Pure: no clock, no network, no store. `docs/evidence.md` says what every claim means, and
`portal/static/evidence.js` judges the same claims with code that shares nothing with this.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from pulsekey.consent.operations import Scheme, decode_signed
from pulsekey.consent.program import examine
from pulsekey.consent.sentence import sentence
from pulsekey.consent.terms import check
from pulsekey.evidence.file import Parts, read_parts
from pulsekey.evidence.printing import day, printable
from pulsekey.evidence.releases import (
    check_chain,
    check_closed,
    check_commitments,
    check_receipts,
    check_stop,
)
from pulsekey.evidence.replay import Story, check_states, replay
from pulsekey.evidence.signatures import check_signature
from pulsekey.evidence.trust import judge_anchor
from pulsekey.evidence.zones import zone_notes
from pulsekey.identity.enrolment import Statement, name_matches
from pulsekey.identity.principals import Role
from pulsekey.ledger.derived import checkpoint_of, origin_of
from pulsekey.ledger.encoding import encode_step, operation_digest
from pulsekey.ledger.log.checkpoint import open_checkpoint
from pulsekey.ledger.log.proof import verify_inclusion
from pulsekey.ledger.state.proof import proved_value
from pulsekey.primitives import tags
from pulsekey.primitives.errors import IntegrityError, MalformedInput
from pulsekey.primitives.hashing import digest, tagged

FORMAT = "format"
NOT_CLAIMED = (
    "that nobody read outside of the gate",
    "that the log was whole before it was first committed to: a reader's receipt would refute it",
    "that bytes were deleted, or that what was read was forgotten",
    "that this custodian's records are true, or that it identified the right person",
    "anything about the time after the newest commitment in this file",
)


@dataclass(frozen=True, slots=True)
class Claim:
    """One thing that evidence says, whether it holds, and what was found."""

    name: str
    ok: bool
    detail: str


@dataclass(frozen=True, slots=True)
class Verdict:
    """Every claim in the order of `CLAIMS`, and under which trust they hold."""

    claims: tuple[Claim, ...]
    trust: tuple[str, ...] = ()

    @property
    def holds(self) -> bool:
        """Whether every claim does."""
        return all(claim.ok for claim in self.claims)

    @property
    def failed(self) -> tuple[str, ...]:
        """The names of the claims that do not hold."""
        return tuple(claim.name for claim in self.claims if not claim.ok)


def verify(
    content: bytes, *, anchors: Sequence[bytes] = (), receipts: Sequence[bytes] = ()
) -> Verdict:
    """Judge a file. Raises nothing, whatever `content`, `anchors` and `receipts` are.

    An anchor is a genesis, a checkpoint, or a head's digest that the caller has from elsewhere; a
    receipt is what a reader was given, as JSON or as it stood in the HTTP header.
    """
    try:
        parts = read_parts(content)
    except MalformedInput as refused:
        rest = [Claim(name, ok=False, detail="not judged: no file") for name in CLAIMS]
        return Verdict((Claim(FORMAT, ok=False, detail=str(refused)), *rest))
    case = _Case(parts, tuple(anchors), tuple(receipts))
    problems = parts.problems()
    claims = [Claim(FORMAT, not problems, "; ".join(problems) or "evidence, version 1")]
    for name, judge in CLAIMS.items():
        try:
            claims.append(Claim(name, ok=True, detail=judge(case)))
        except (IntegrityError, MalformedInput) as refused:
            claims.append(Claim(name, ok=False, detail=str(refused)))
    trust = claims[-1].detail.split("; ") if claims[-1].ok else []
    return Verdict(tuple(claims), tuple(trust))


def report_lines(verdict: Verdict) -> list[str]:
    """Return a verdict as lines for people."""
    width = max(len(claim.name) for claim in verdict.claims)
    lines = [
        f"{'ok  ' if claim.ok else 'FAIL'}  {claim.name:<{width}}  {printable(claim.detail)}"
        for claim in verdict.claims
    ]
    if verdict.holds:
        lines.append(f"Every claim holds. Trust: {printable('; '.join(verdict.trust))}.")
    else:
        lines.append(f"This evidence does not hold: {', '.join(verdict.failed)}.")
    lines.append("Not claimed: " + "; ".join(NOT_CLAIMED) + ".")
    return lines


@dataclass(frozen=True, slots=True)
class _Case:
    """What is judged."""

    parts: Parts
    anchors: tuple[bytes, ...]
    receipts: tuple[bytes, ...]

    @property
    def story(self) -> Story:
        return Story(self.parts.operations.get())


def _judge_terms(case: _Case) -> str:
    terms, story = case.parts.terms.get(), case.story
    grant, _ = story.granted
    if terms.consent != grant.consent:
        raise IntegrityError("the grant is about other terms")
    if terms.signer != story.account:
        raise IntegrityError("the terms name another account")
    if (terms.valid_from, terms.valid_until) != (grant.valid_from, grant.valid_until):
        raise IntegrityError("the terms and the grant differ about when may be read")
    check(terms)
    if terms.sentence != sentence(terms):
        raise IntegrityError("the sentence is not the one that follows from the terms")
    return "; ".join((f"consent {terms.consent.hex()}: {terms.sentence}", *zone_notes(terms)))


def _judge_signature(case: _Case) -> str:
    ledger, story = case.parts.genesis.get().ledger, case.story
    for each in story.operations:
        refusal = examine(ledger, each.signed)
        if refusal is not None:
            reason = refusal.name.lower().replace("_", " ")
            raise IntegrityError(f"operation {each.proof.step.index}: {reason}")
        passkey = decode_signed(each.signed).witness.scheme is Scheme.WEBAUTHN_P256
        if each.operation.body == story.granted[0] and not passkey:
            raise IntegrityError("the grant is signed by a server's key, not with a passkey")
    return f"{len(story.operations)} operations; for the grant, user present and verified"


def _judge_key(case: _Case) -> str:
    story = case.story
    replay(story)
    signer = next(
        each.operation.signer
        for each in story.operations
        if each.operation.body == story.granted[0]
    )
    first = story.operations[0].operation.signer == signer
    return f"key {signer.hex()[:12]}, {'registered first' if first else 'added later'}"


def _judge_enrolment(case: _Case) -> str:
    stated = case.parts.enrolment
    if stated.value is None and not stated.problem:
        raise IntegrityError("nobody has stated who holds this account")
    genesis, terms = case.parts.genesis.get(), case.parts.terms.get()
    content, signature = stated.get().content, stated.get().signature
    _check_stated(genesis.checkpoint_key, content, signature)
    statement = stated.get().statement
    if statement.role is not Role.PATIENT or statement.account != terms.signer:
        raise IntegrityError("the statement is not about the patient who holds this account")
    _check_custodian(
        statement, terms.controller.organisation.id, terms.controller.organisation.name
    )
    return f"{statement.custodian_name}, {statement.method}, {day(statement.stated_at)}"


def _judge_recipient(case: _Case) -> str:
    genesis, terms = case.parts.genesis.get(), case.parts.terms.get()
    named = case.parts.recipient.get()
    _check_stated(genesis.checkpoint_key, named.stated.content, named.stated.signature)
    if digest(named.stated.content).hex() != terms.recipient.confirmation:
        raise IntegrityError("the terms name another confirmation")
    statement, recipient = named.stated.statement, terms.recipient
    if statement.role is not Role.CLINICIAN or statement.subject != recipient.id:
        raise IntegrityError("the confirmation is not about this recipient")
    if (statement.organisation, statement.organisation_name) != (
        recipient.organisation.id,
        recipient.organisation.name,
    ):
        raise IntegrityError("the confirmation names another organisation")
    _check_custodian(
        statement, terms.controller.organisation.id, terms.controller.organisation.name
    )
    if not name_matches(statement, recipient.name, named.name_salt):
        raise IntegrityError("the confirmation is about another name")
    return f"{recipient.name}, {recipient.organisation.name}: {statement.method}"


def _judge_log(case: _Case) -> str:
    genesis, head, before = case.parts.genesis.get(), case.parts.head.get(), -1
    if head.ledger != genesis.ledger:
        raise IntegrityError("the head is of another ledger")
    for each in case.story.operations:
        step = each.proof.step
        if step.index <= before:
            raise IntegrityError("operations are not in the order of the log")
        before = step.index
        if operation_digest(each.signed) != step.operation:
            raise IntegrityError(f"step {step.index} is of another operation")
        if step.code:
            raise IntegrityError(f"operation {step.index} was refused")
        verify_inclusion(
            encode_step(step), step.index, head.log_size, head.log_root, each.proof.inclusion
        )
    return f"{len(case.story.operations)} steps under a log of {head.log_size}"


def _judge_checkpoint(case: _Case) -> str:
    genesis, head = case.parts.genesis.get(), case.parts.head.get()
    note = case.parts.checkpoint.get()
    signed = open_checkpoint(note, origin_of(genesis.ledger), genesis.checkpoint_key)
    if signed != checkpoint_of(head):
        raise IntegrityError("the checkpoint was signed for another head")
    return f"ledger {genesis.ledger.hex()}, batch {head.batch}, {day(head.time)}"


def _judge_state(case: _Case) -> str:
    head, states, story = case.parts.head.get(), case.parts.states.get(), case.story
    for state in states:
        if proved_value(head.state_root, state.key, state.proof) != state.value:
            raise IntegrityError("a state proof shows another value")
    try:
        replayed = replay(story)
    except IntegrityError:
        raise IntegrityError("not judged: the operations do not follow from each other") from None
    check_states(replayed, [(state.key, state.value) for state in states])
    return f"{replayed.state_at(head.time).name.lower().replace('_', ' ')} as at {day(head.time)}"


def _judge_stopped(case: _Case) -> str:
    stopped, releases = case.story.stopped, case.parts.releases.get()
    if stopped is None:
        return "not stopped"
    check_stop(case.story, releases, stopped)
    return f"at step {stopped.index}, {day(stopped.time)}; no release after it"


def _judge_releases(case: _Case) -> str:
    genesis, terms = case.parts.genesis.get(), case.parts.terms.get()
    story, releases = case.story, case.parts.releases.get()
    digests = check_chain(terms, story, releases)
    check_commitments(genesis, terms, story, releases, digests)
    _, _, committed = story.committed
    if committed.time >= terms.valid_until:
        check_closed(story, releases, terms.valid_until)
    found = check_receipts(genesis, terms, story, releases, digests, case.receipts)
    said = [f"{len(digests)} releases until {day(committed.time)}, without a gap"]
    said += [f"nothing was added to them after {day(story.closed.time)}"] * bool(digests)
    return "; ".join((*said, *found))


def _judge_anchor(case: _Case) -> str:
    genesis, head = case.parts.genesis.get(), case.parts.head.get()
    last = case.story.operations[-1].proof.step.index
    return "; ".join(judge_anchor(genesis, head, last, case.parts.anchor.get(), case.anchors))


CLAIMS: dict[str, Callable[[_Case], str]] = {
    "terms": _judge_terms,
    "signature": _judge_signature,
    "key": _judge_key,
    "enrolment": _judge_enrolment,
    "recipient": _judge_recipient,
    "log": _judge_log,
    "checkpoint": _judge_checkpoint,
    "state": _judge_state,
    "stopped": _judge_stopped,
    "releases": _judge_releases,
    "anchor": _judge_anchor,
}


def _check_stated(public_key: bytes, content: bytes, signature: bytes) -> None:
    check_signature(public_key, signature, tagged(tags.ENROLMENT, content), "the statement")


def _check_custodian(statement: Statement, organisation: str, name: str) -> None:
    if (statement.custodian, statement.custodian_name) != (organisation, name):
        raise IntegrityError("the statement is by another custodian than the terms name")
