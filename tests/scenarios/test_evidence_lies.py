"""Evidence that a custodian signed although it is not so: each lie is named by both verifiers."""

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest

from pulsekey.consent.operations import Grant, Operation, registration
from pulsekey.consent.sentence import with_sentence
from pulsekey.consent.terms import Terms
from pulsekey.exchange.gather_evidence import GatherEvidence
from pulsekey.ledger.encoding import decode_head, encode_head
from pulsekey.primitives import canonical, tags
from pulsekey.primitives.clock import Seconds
from pulsekey.primitives.hashing import digest, tagged
from pulsekey.primitives.ids import ConsentId, LedgerId
from tests.fakes.evidence_node import EvidenceNode, Patient, evidence_node
from tests.fakes.evidence_verifiers import Case, judged
from tests.fakes.software_authenticator import Signer

Change = Callable[[dict[str, Any]], object]


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EvidenceNode]:
    with evidence_node(tmp_path_factory.mktemp("node")) as node:
        yield node


@pytest.fixture
def pat(town: EvidenceNode) -> Patient:
    return town.patient(f"Pat {town.clock.at}")


def failed(document: object) -> tuple[str, ...]:
    (verdict,) = judged(Case(canonical.encode(document)))  # type: ignore[arg-type]
    return verdict.failed


def given(town: EvidenceNode, pat: Patient, change: Callable[[Terms], Terms]) -> ConsentId:
    """Let the patient sign terms that the custodian changed before they saw them."""
    honest = town.node.register.terms(town.grant(pat))
    terms = change(replace(honest, salt=bytes(reversed(honest.salt))))
    town.node.register.keep(terms)
    grant = Grant(terms.consent, honest.valid_from, honest.valid_until, honest.valid_until)
    town.sign(pat, town.node.signing.offer(pat.principal, pat.first, grant, terms))
    return terms.consent


LIES: dict[str, tuple[Callable[[Terms], Terms], str]] = {
    "another sentence": (lambda terms: replace(terms, sentence="I agree."), "terms"),
    "another period": (
        lambda terms: with_sentence(replace(terms, valid_until=Seconds(terms.valid_until + 60))),
        "terms",
    ),
    "a period that ends first": (
        lambda terms: with_sentence(replace(terms, data_from=terms.valid_until)),
        "terms",
    ),
    "a category twice": (
        lambda terms: with_sentence(replace(terms, categories=terms.categories * 2)),
        "terms",
    ),
    "another name": (
        lambda terms: with_sentence(
            replace(terms, recipient=replace(terms.recipient, name="Dr B. Li"))
        ),
        "recipient",
    ),
    "another organisation": (
        lambda terms: replace(
            terms,
            recipient=replace(
                terms.recipient,
                organisation=replace(terms.recipient.organisation, name="Another Clinic"),
            ),
        ),
        "recipient",
    ),
}


@pytest.mark.parametrize("lie", LIES)
def test_terms_that_do_not_say_what_was_confirmed_are_named(
    town: EvidenceNode, pat: Patient, lie: str
) -> None:
    change, claim = LIES[lie]
    consent = given(town, pat, change)
    assert failed(json.loads(town.evidence(pat, consent))) == (claim,)


def test_a_controller_that_is_not_the_custodian_is_named(town: EvidenceNode, pat: Patient) -> None:
    def change(terms: Terms) -> Terms:
        organisation = replace(terms.controller.organisation, name="Somebody Else")
        controller = replace(terms.controller, organisation=organisation)
        return with_sentence(replace(terms, controller=controller))

    consent = given(town, pat, change)
    assert failed(json.loads(town.evidence(pat, consent))) == ("enrolment", "recipient")


STATEMENTS: dict[str, dict[str, object]] = {
    "another account": {"account": "00" * 32},
    "no account": {"account": ""},
    "another role": {"role": "operator"},
    "another custodian": {"custodian": "elsewhere"},
}


@pytest.mark.parametrize("name", STATEMENTS)
def test_a_signed_statement_about_somebody_else_is_named(
    town: EvidenceNode, pat: Patient, name: str
) -> None:
    document = json.loads(town.evidence(pat, town.grant(pat)))
    statement = document["enrolment"]["statement"] | STATEMENTS[name]
    message = tagged(tags.ENROLMENT, canonical.encode(statement))
    signature = town.node.keys.sign(message).hex()
    lie = document | {"enrolment": {"statement": statement, "signature": signature}}
    assert failed(lie) == ("enrolment",)


@pytest.mark.parametrize(
    "change", [{"role": "operator"}, {"subject": "somebody"}], ids=["no clinician", "another"]
)
def test_a_signed_confirmation_that_is_not_of_the_recipient_is_named(
    town: EvidenceNode, pat: Patient, change: dict[str, object], monkeypatch: pytest.MonkeyPatch
) -> None:
    honest = json.loads(town.evidence(pat, town.grant(pat)))["recipient"]
    statement = honest["statement"] | change
    content = canonical.encode(statement)
    signature = town.node.keys.sign(tagged(tags.ENROLMENT, content)).hex()

    def naming(terms: Terms) -> Terms:
        return replace(
            terms, recipient=replace(terms.recipient, confirmation=digest(content).hex())
        )

    consent = given(town, pat, naming)
    # An honest node has no such statement to give: the file is made with another one in its place.
    kept = town.node.register.terms(town.grant(pat))
    gathered = GatherEvidence._recipient
    monkeypatch.setattr(GatherEvidence, "_recipient", lambda self, _: gathered(self, kept))
    document = json.loads(town.evidence(pat, consent))
    lie = document | {"recipient": honest | {"statement": statement, "signature": signature}}
    assert failed(lie) == ("recipient",)


ANCHORS: dict[str, Callable[[EvidenceNode, dict[str, Any]], dict[str, Any]]] = {
    "another ledger": lambda _, anchor: {"head": changed_head(anchor, ledger=LedgerId(b"x" * 32))},
    "an older head": lambda town, _: {"head": encode_head(town.node.ledger.head_at(1)).hex()},
    "another head of that batch": lambda _, anchor: {"head": changed_head(anchor, time=Seconds(1))},
    "a path that leads nowhere": lambda *_: {"consistency": ["00" * 32]},
    "a longer log": lambda _, anchor: {"head": changed_head(anchor, batch=10**6, log_size=10**6)},
}


def changed_head(anchor: dict[str, Any], **fields: Any) -> str:
    return encode_head(replace(decode_head(bytes.fromhex(anchor["head"])), **fields)).hex()


@pytest.mark.parametrize("name", ANCHORS)
def test_a_signed_anchor_that_does_not_fit_is_named(
    town: EvidenceNode, pat: Patient, name: str
) -> None:
    document = json.loads(town.evidence(pat, town.grant(pat)))
    anchor = document["anchor"] | ANCHORS[name](town, document["anchor"])
    del anchor["signature"]
    message = tagged(tags.EVIDENCE_ANCHOR, canonical.encode(anchor))
    signature = town.node.keys.sign(message).hex()
    assert failed(document | {"anchor": anchor | {"signature": signature}}) == ("anchor",)


def test_a_chain_beyond_the_node_is_named_as_something_to_look_up(
    town: EvidenceNode, pat: Patient
) -> None:
    document = json.loads(town.evidence(pat, town.grant(pat)))
    anchor = document["anchor"] | {"chain": "1:0x00"}
    del anchor["signature"]
    message = tagged(tags.EVIDENCE_ANCHOR, canonical.encode(anchor))
    signed = anchor | {"signature": town.node.keys.sign(message).hex()}
    (verdict,) = judged(Case(canonical.encode(document | {"anchor": signed})))
    assert verdict.failed == ()
    assert verdict.trust[0].startswith("chain 1:0x00, block ")


def test_a_stop_of_everything_that_is_left_out_is_missed(town: EvidenceNode, pat: Patient) -> None:
    consent = town.grant(pat)
    town.stop_all(pat)
    document = json.loads(town.evidence(pat, consent))
    del document["operations"][2]
    assert failed(document) == ("state",)


def test_an_operation_that_is_told_twice_or_too_early_is_named(
    town: EvidenceNode, pat: Patient
) -> None:
    consent = town.grant(pat)
    town.stop(pat, consent)
    document = json.loads(town.evidence(pat, consent))
    first, grant, stop, commit = document["operations"]  # No read, so no earlier commitment.
    for order in ([first, grant, stop, stop, commit], [first, stop, grant, commit]):
        assert {"key", "log", "state"} <= set(failed(document | {"operations": order}))


def test_chains_out_of_order_are_named(town: EvidenceNode, pat: Patient) -> None:
    town.grant(pat)
    consent = town.grant(pat)
    town.read(pat)
    document = json.loads(town.evidence(pat, consent))
    document["releases"]["newest"]["chains"].reverse()
    assert failed(document) == ("releases",)


def test_operations_of_two_accounts_do_not_make_one_story(town: EvidenceNode, pat: Patient) -> None:
    other = town.patient(f"Other {town.clock.at}")
    mine = json.loads(town.evidence(pat, town.grant(pat)))
    theirs = json.loads(town.evidence(other, town.grant(other)))
    mixed = mine | {"operations": [theirs["operations"][0], *mine["operations"][1:]]}
    assert {"key", "terms", "log"} <= set(failed(mixed))


def test_a_grant_by_a_servers_key_is_no_patients_gesture(town: EvidenceNode, pat: Patient) -> None:
    ledger, server = town.node.ledger, Signer("no screen lock", plain=True)
    identity = ledger.genesis.ledger
    opening = registration(replace(server.record(), capabilities=1), b"s" * 32)
    ledger.submit(server.sign(identity, opening))
    honest = town.node.register.terms(town.grant(pat))
    terms = replace(honest, signer=opening.account, salt=b"t" * 32)
    town.node.register.keep(terms)
    body = Grant(terms.consent, terms.valid_from, terms.valid_until, terms.valid_until)
    operation = Operation(opening.account, 2, opening.signer, body)
    ledger.submit(server.sign(identity, operation))
    assert failed(json.loads(town.evidence(pat, terms.consent))) == ("signature", "enrolment")
