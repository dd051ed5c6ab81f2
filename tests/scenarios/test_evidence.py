"""Evidence of consents that were given, used, stopped, expired: both verifiers find what happened.

One node plays every story; each test asks for the evidence that it is about.
"""

import base64
import json
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import cast

import pytest

from pulsekey.consent.sentence import LANGUAGES
from pulsekey.consent.terms import PURPOSES
from pulsekey.evidence import file
from pulsekey.evidence.access_log import AccessLog
from pulsekey.evidence.entries import Basis
from pulsekey.evidence.verify import CLAIMS, Verdict, report_lines, verify
from pulsekey.exchange import gather_evidence
from pulsekey.identity.lifecycle import Status
from pulsekey.identity.principals import Role
from pulsekey.ledger.log.checkpoint import open_checkpoint
from pulsekey.primitives import canonical
from pulsekey.primitives.canonical import Document
from pulsekey.primitives.errors import MalformedInput, NotFound, Unavailable
from pulsekey.primitives.ids import ConsentId, Digest, PatientId
from pulsekey.signals.category import Category
from tests.fakes.evidence_node import EvidenceNode, Patient, evidence_node
from tests.fakes.evidence_verifiers import Case, judged


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EvidenceNode]:
    with evidence_node(tmp_path_factory.mktemp("node")) as node:
        for name in ("Ann Other", "Bob Other", "Cid Other"):
            node.patient(name)
        yield node


@pytest.fixture
def pat(town: EvidenceNode) -> Patient:
    return town.patient(f"Pat {town.clock.at}")


def detail(verdict: Verdict, name: str) -> str:
    return next(claim.detail for claim in verdict.claims if claim.name == name)


def test_a_live_consent_with_releases_holds(town: EvidenceNode, pat: Patient) -> None:
    consent = town.grant(pat)
    receipts = [town.read(pat)[0].token().encode() for _ in range(3)]
    case = Case(town.evidence(pat, consent), tuple(receipts))
    (verdict,) = judged(case)
    assert verdict.failed == ()
    assert [claim.name for claim in verdict.claims] == ["format", *CLAIMS]
    assert detail(verdict, "state").startswith("live")
    assert detail(verdict, "stopped") == "not stopped"
    assert detail(verdict, "releases").startswith("3 releases")
    assert verdict.trust == ("embedded: consistency only",)
    assert "may see my heart rate and glucose" in detail(verdict, "terms")
    assert report_lines(verdict)[-2].startswith("Every claim holds")


def test_the_file_is_the_same_however_receipts_are_kept(town: EvidenceNode, pat: Patient) -> None:
    consent = town.grant(pat)
    (receipt,) = town.read(pat)
    kept = [canonical.encode(receipt.document()), receipt.token().encode()]
    kept += [one + b"\n" for one in kept]
    (verdict,) = judged(Case(town.evidence(pat, consent), tuple(kept)))
    assert detail(verdict, "releases").endswith("4 receipts: agree")


@pytest.mark.parametrize("language", ["en", "zh-CN"])
@pytest.mark.parametrize(
    ("data_from", "data_until"),
    [
        ("", "then"),
        ("2026-01-01T00:00", "then"),
        ("", "now"),
        ("2026-01-01T08:30", "now"),
        ("2026-01-01T00:00", ""),
        ("", ""),
    ],
)
def test_every_sentence_is_made_again(
    town: EvidenceNode, pat: Patient, language: str, data_from: str, data_until: str
) -> None:
    categories = ("ecg",) if data_until else ("sleep", "ecg", "unclassified")
    consent = town.grant(
        pat, language=language, data_from=data_from, data_until=data_until, categories=categories
    )
    (verdict,) = judged(Case(town.evidence(pat, consent)))
    assert verdict.failed == ()


def test_both_verifiers_know_every_word(town: EvidenceNode, pat: Patient) -> None:
    everything = tuple(str(category) for category in Category)
    zones = ("Asia/Kathmandu", "America/Argentina/Buenos_Aires", "Pacific/Chatham", "UTC")
    consents = [
        town.grant(pat, language=language, purpose=purpose, zone=zone, categories=everything)
        for language in LANGUAGES
        for purpose, zone in zip(PURPOSES, zones, strict=True)
    ]
    consents += [
        town.grant(pat, language=language, until=f"2027-{month:02}-28T00:00")
        for language in LANGUAGES
        for month in range(1, 13)
    ]
    for verdict in judged(*(Case(town.evidence(pat, consent)) for consent in consents)):
        assert verdict.failed == ()


def test_a_stopped_consent_names_the_step(town: EvidenceNode, pat: Patient) -> None:
    consent = town.grant(pat)
    town.read(pat)
    step = town.stop(pat, consent)
    with pytest.raises(NotFound):
        town.read(pat)
    (verdict,) = judged(Case(town.evidence(pat, consent)))
    assert verdict.failed == ()
    assert detail(verdict, "stopped").startswith(f"at step {step.index},")
    assert detail(verdict, "state").startswith("stopped")


def test_stopping_everything_stops_this_one_too(town: EvidenceNode, pat: Patient) -> None:
    town.stop_all(pat)
    consent = town.grant(pat)
    later = town.grant(pat)
    first = town.stop_all(pat)
    town.stop_all(pat)
    town.stop(pat, consent)
    verdicts = judged(Case(town.evidence(pat, consent)), Case(town.evidence(pat, later)))
    for verdict in verdicts:
        assert verdict.failed == ()
        assert detail(verdict, "stopped").startswith(f"at step {first.index},")


def test_an_older_stop_of_everything_is_nobody_elses_business(
    town: EvidenceNode, pat: Patient
) -> None:
    town.stop_all(pat)
    content = town.evidence(pat, town.grant(pat))
    assert len(json.loads(content)["operations"]) == 3
    (verdict,) = judged(Case(content))
    assert verdict.failed == ()


def test_an_expired_consent_says_so(tmp_path: Path) -> None:
    with evidence_node(tmp_path) as town:
        pat = town.patient("Pat")
        consent = town.grant(pat, until="2026-09-21T17:00")
        town.read(pat)
        town.node.committing()
        town.clock.pass_seconds(24 * 3_600)
        (verdict,) = judged(Case(town.evidence(pat, consent)))
    assert verdict.failed == ()
    assert detail(verdict, "state").startswith("expired")


def test_a_second_passkey_may_sign_and_go_again(town: EvidenceNode, pat: Patient) -> None:
    second = town.add_passkey(pat)
    consent = town.grant(pat, key=second)
    town.read(pat)
    before = Case(town.evidence(pat, consent))
    town.remove_passkey(pat, second, key=pat.first)
    town.stop(pat, consent)
    verdicts = judged(before, Case(town.evidence(pat, consent)))
    for verdict in verdicts:
        assert verdict.failed == ()
        assert detail(verdict, "key").endswith("added later")


def test_the_first_passkey_may_go_and_the_second_stop(town: EvidenceNode, pat: Patient) -> None:
    consent = town.grant(pat)
    second = town.add_passkey(pat)
    town.remove_passkey(pat, pat.first, key=second)
    town.stop(pat, consent, key=second)
    (verdict,) = judged(Case(town.evidence(pat, consent)))
    assert verdict.failed == ()


def test_without_an_enrolment_statement_only_that_claim_fails(town: EvidenceNode) -> None:
    unknown = town.patient(f"Unknown {town.clock.at}", confirmed=False)
    (verdict,) = judged(Case(town.evidence(unknown, town.grant(unknown))))
    assert verdict.failed == ("enrolment",)


def test_other_consents_show_only_as_chain_counter_and_digest(
    town: EvidenceNode, pat: Patient
) -> None:
    other = town.grant(pat, categories=("heart-rate", "mental-health"))
    consent = town.grant(pat, categories=("glucose", "heart-rate"))
    town.read(pat)
    content = town.evidence(pat, consent)
    (verdict,) = judged(Case(content))
    assert verdict.failed == ()
    releases = json.loads(content)["releases"]
    assert other.hex() in {each["chain"] for each in releases["newest"]["chains"]}
    assert len(releases["reads"]) == 1
    assert b"Ann Other" not in content
    assert b"mental-health" not in content
    assert pat.principal.display_name.encode() not in content


def test_a_receipt_of_a_later_read_is_no_misconduct(town: EvidenceNode, pat: Patient) -> None:
    consent = town.grant(pat)
    content = town.evidence(pat, consent)
    (receipt,) = town.read(pat)
    (verdict,) = judged(Case(content, (receipt.token().encode(),)))
    assert verdict.failed == ()
    assert "does not cover" in detail(verdict, "releases")


def test_receipts_that_are_not_about_this_consent_are_not_taken_for_it(
    town: EvidenceNode, pat: Patient
) -> None:
    stranger = town.patient(f"Stranger {town.clock.at}")
    town.grant(stranger)
    (foreign,) = town.read(stranger)
    consent = town.grant(pat)
    (own,) = town.read(pat)
    content = town.evidence(pat, consent)
    forged = replace(own, counter=2)
    bad = [foreign.token().encode(), forged.token().encode(), b"{}", b"%", b"[" * 2_000, b"\xff"]
    for verdict in judged(*(Case(content, (one,)) for one in bad)):
        assert verdict.failed == ("releases",)


def test_what_the_caller_brought_is_compared(town: EvidenceNode, pat: Patient) -> None:
    ledger = town.node.ledger
    consent = town.grant(pat)
    older = ledger.view()
    content = town.evidence(pat, consent)
    document = json.loads(content)
    checkpoint = document["checkpoint"]
    name = (
        open_checkpoint(
            checkpoint.encode(), checkpoint.split("\n")[0], ledger.genesis.checkpoint_key
        )
        .extensions[0]
        .split(" ")[2]
    )
    head = base64.b64decode(name).hex()
    proof = ledger.consistency(older.head.log_size, int(checkpoint.split("\n")[1]))
    path: list[Document] = [one.hex() for one in proof]
    linked: dict[str, Document] = {"checkpoint": older.checkpoint.decode(), "consistency": path}
    good = [
        ledger.genesis.encode(),
        checkpoint.encode(),
        head.encode(),
        head.encode() + b"\n",
        canonical.encode({"head": head}),
        canonical.encode(linked),
        canonical.encode(linked) + b"\n",
    ]
    for verdict in judged(*(Case(content, anchors=(one,)) for one in good)):
        assert verdict.failed == ()
        assert len(verdict.trust) == 2
    bad = [
        replace(ledger.genesis, name="another").encode(),
        older.checkpoint,
        checkpoint.replace("state ", "stale ").encode(),
        b"0" * 64,
        b'{"head": 5}',
        b"{}",
        b"{",
        b"\xff",
        canonical.encode(linked | {"consistency": []}),
        canonical.encode(linked | {"consistency": ["xyz"]}),
        canonical.encode(linked | {"consistency": ["00" * 32] * 129}),
    ]
    for verdict in judged(*(Case(content, anchors=(one,)) for one in bad)):
        assert verdict.failed == ("anchor",)
        assert verdict.trust == ()


def test_evidence_of_another_node_is_of_another_ledger(
    town: EvidenceNode, pat: Patient, tmp_path: Path
) -> None:
    ours = town.evidence(pat, town.grant(pat))
    with evidence_node(tmp_path, seed="another") as elsewhere:
        someone = elsewhere.patient("Pat")
        theirs = elsewhere.evidence(someone, elsewhere.grant(someone))
        genesis = elsewhere.node.ledger.genesis.encode()
    swapped = json.loads(ours) | {"genesis": json.loads(genesis)}
    verdicts = judged(
        Case(ours, anchors=(genesis,)),
        Case(theirs, anchors=(genesis,)),
        Case(
            json.dumps(swapped, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
        ),
    )
    assert verdicts[0].failed == ("anchor",)
    assert verdicts[1].failed == ()
    assert {
        "signature",
        "enrolment",
        "recipient",
        "log",
        "checkpoint",
        "releases",
        "anchor",
    } <= set(verdicts[2].failed)


def test_only_its_patient_and_an_operator_get_it(town: EvidenceNode, pat: Patient) -> None:
    consent = town.grant(pat)
    other = town.patient(f"Other {town.clock.at}").principal
    unconfirmed = replace(town.operator, status=Status.SUSPENDED)
    for who in (other, town.clinician, unconfirmed, replace(other, role=Role.CLINICIAN)):
        with pytest.raises(NotFound):
            town.gathering(who, consent)
    with pytest.raises(NotFound):
        town.gathering(pat.principal, ConsentId(b"n" * 32))
    assert town.gathering(town.operator, consent)


def test_an_operator_who_takes_it_is_logged_and_the_patient_is_not(
    town: EvidenceNode, pat: Patient
) -> None:
    consent = town.grant(pat)
    assert pat.principal.patient is not None
    town.evidence(pat, consent)
    assert town.node.accesses.of_patient(pat.principal.patient) == ()
    contents = (town.gathering(town.operator, consent), town.gathering.for_operator(consent))
    logged = town.node.accesses.of_patient(pat.principal.patient)
    assert {entry.access.basis for entry in logged} == {Basis.MAINTENANCE}
    assert {entry.access.reader for entry in logged} == {town.operator.id, "command-line"}
    for verdict in judged(*map(Case, contents)):
        assert verdict.failed == ()


def test_everything_is_under_one_head_while_others_go_on(town: EvidenceNode, pat: Patient) -> None:
    other = town.patient(f"Busy {town.clock.at}")
    consent = town.grant(pat)
    town.grant(other)
    ended = threading.Event()

    def work() -> None:
        while not ended.is_set():
            town.read(other)
            town.node.committing()
            town.grant(other)

    worker = threading.Thread(target=work)
    worker.start()
    try:
        contents = [town.evidence(pat, consent) for _ in range(8)]
    finally:
        ended.set()
        worker.join()
    for content in contents:
        assert verify(content).failed == ()


def test_a_log_that_never_stands_still_is_an_answer_too(town: EvidenceNode, pat: Patient) -> None:
    consent = town.grant(pat)
    town.read(pat)

    def read_and_see(patient: PatientId) -> tuple[tuple[Digest, int, Digest], ...]:
        town.read(pat)
        return town.node.accesses.heads(patient)

    busy = cast("AccessLog", SimpleNamespace(heads=read_and_see))
    with pytest.raises(Unavailable, match="ask again"):
        replace(town.gathering, accesses=busy)(pat.principal, consent)


@pytest.mark.parametrize(
    ("where", "name"), [(gather_evidence, "READS_MAX"), (file, "EVIDENCE_MARKS_MAX")]
)
def test_more_reads_than_a_verifier_takes_are_said_to_be_too_many(
    town: EvidenceNode,
    pat: Patient,
    monkeypatch: pytest.MonkeyPatch,
    where: ModuleType,
    name: str,
) -> None:
    consent = town.grant(pat)
    for _ in range(3):
        town.read(pat)
    assert town.evidence(pat, consent)
    monkeypatch.setattr(where, name, 2)
    with pytest.raises(MalformedInput, match="more reads than one evidence file holds"):
        town.evidence(pat, consent)


def test_a_consent_that_was_only_offered_has_no_evidence(town: EvidenceNode, pat: Patient) -> None:
    consent = town.grant(pat)
    terms = replace(town.node.register.terms(consent), salt=b"s" * 32)
    town.node.register.keep(terms)
    with pytest.raises(NotFound):
        town.evidence(pat, terms.consent)


def test_terms_and_salt_stand_nowhere_in_clear(tmp_path: Path) -> None:
    with evidence_node(tmp_path) as town:
        pat = town.patient("Patricia Canary")
        consent = town.grant(pat)
        town.read(pat)
        content = town.evidence(pat, consent)
        terms = town.node.register.terms(consent)
        secrets = [
            terms.salt,
            terms.salt.hex().encode(),
            terms.sentence.encode(),
            terms.recipient.name.encode(),
            b"Patricia Canary",
            json.dumps(terms.sentence).encode(),
        ]
        assert terms.salt.hex().encode() in content
        for path in (tmp_path / "home").rglob("*"):
            stored = path.read_bytes() if path.is_file() else b""
            for place, secret in enumerate(secrets):
                assert secret not in stored, (path.name, place)
