"""The ledger under the consent program: a revocation binds, and beats a grant that comes late."""

from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from pulsekey.consent.operations import (
    Grant,
    Operation,
    Revoke,
    SignedOperation,
    decode_signed,
    registration,
)
from pulsekey.consent.program import ConsentProgram
from pulsekey.ledger.audit import audit
from pulsekey.ledger.embedded import LedgerHome, found, opened
from pulsekey.ledger.evidence import verify_evidence
from pulsekey.ledger.pipeline import Ledger, Limits
from pulsekey.ledger.ports import ABSENT, Outcome, Refused
from pulsekey.primitives.clock import Seconds
from pulsekey.primitives.errors import Conflict, MalformedInput
from pulsekey.primitives.ids import ConsentId, LedgerId
from tests.fakes.ledger_toy import CHECKPOINT_KEY, CREATED, GENESIS, TickingClock
from tests.fakes.software_authenticator import Signer, other_half

PROGRAM = ConsentProgram(Outcome)
CONSENT = ConsentId(b"t" * 32)
UNTIL = Seconds(CREATED + 86_400)
GRANT = Grant(CONSENT, CREATED, UNTIL, UNTIL)
PATIENT = Signer("patient")
FIRST = registration(PATIENT.record(), b"s" * 32)


def signed(nonce: int, body: Grant | Revoke, ledger: LedgerId = GENESIS.ledger) -> bytes:
    return PATIENT.sign(ledger, Operation(FIRST.account, nonce, FIRST.signer, body))


def consent_ledger(folder: Path) -> AbstractContextManager[Ledger]:
    home = LedgerHome(folder)
    found(home, GENESIS)
    limits = Limits(linger_seconds=0)
    return opened(home, PROGRAM, TickingClock(), CHECKPOINT_KEY.sign, limits=limits)


def test_a_grant_is_given_stopped_and_proved(tmp_path: Path) -> None:
    grant, revoke = signed(2, GRANT), signed(3, Revoke(CONSENT))
    keys = PROGRAM.keys(grant)
    with consent_ledger(tmp_path) as ledger:
        ledger.submit(PATIENT.sign(GENESIS.ledger, FIRST))
        granted = ledger.submit(grant)
        while_granted = ledger.evidence(granted, keys)
        live = [ledger.executed(key) for key in keys]
        assert ABSENT not in live
        stopped = ledger.submit(revoke)
        assert [ledger.executed(key) for key in keys] != live
        for evidence in (while_granted, ledger.evidence(granted, keys), ledger.evidence(stopped)):
            verify_evidence(GENESIS, evidence)
        assert [state.value for state in while_granted.states] == live
    report = audit(LedgerHome(tmp_path), PROGRAM)
    assert (report.operations, report.findings) == (3, ())


def test_an_older_grant_sent_after_a_revocation_is_refused(tmp_path: Path) -> None:
    with consent_ledger(tmp_path) as ledger:
        ledger.submit(PATIENT.sign(GENESIS.ledger, FIRST))
        stopped = ledger.submit(signed(3, Revoke(CONSENT)))
        with pytest.raises(Refused) as refused:
            ledger.submit(signed(2, GRANT))
        assert refused.value.step.post == stopped.post


def test_the_other_half_of_a_signature_and_a_replay_are_duplicates(tmp_path: Path) -> None:
    grant = signed(2, GRANT)
    carried = decode_signed(grant)
    witness = carried.witness
    flipped = SignedOperation(
        carried.operation,
        type(witness)(
            witness.scheme,
            witness.key,
            witness.rp_id_hash,
            other_half(witness.signature),
            witness.assertion,
        ),
    ).encode()
    assert PROGRAM.admissible(GENESIS.ledger, flipped)
    with consent_ledger(tmp_path) as ledger:
        ledger.submit(PATIENT.sign(GENESIS.ledger, FIRST))
        first = ledger.submit(grant)
        for again in (grant, flipped):
            with pytest.raises(Conflict, match="submitted before"):
                ledger.submit(again)
    # After a restart the window is empty; the nonce is not.
    for again in (grant, flipped):
        with consent_ledger(tmp_path) as ledger:
            with pytest.raises(Refused) as refused:
                ledger.submit(again)
            assert refused.value.step.post == first.post


def test_an_operation_signed_for_another_ledger_is_not_admitted(tmp_path: Path) -> None:
    other = LedgerId(b"o" * 32)
    with consent_ledger(tmp_path) as ledger:
        ledger.submit(PATIENT.sign(GENESIS.ledger, FIRST))
        with pytest.raises(MalformedInput):
            ledger.submit(signed(2, GRANT, other))
        assert ledger.head().log_size <= 1
