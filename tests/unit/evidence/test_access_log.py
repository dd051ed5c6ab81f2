"""The access log counts without a gap, tells tampering, and keeps nothing in clear."""

import secrets
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from pulsekey.evidence.access_log import AccessLog
from pulsekey.evidence.entries import (
    ASKED_BYTES_MAX,
    Access,
    Asked,
    Basis,
    bound,
    consent_chain,
    decode_entry,
    own_chain,
)
from pulsekey.evidence.openings import Closing, Opening
from pulsekey.evidence.receipts import read_receipt, receipt_for, verify_receipt
from pulsekey.primitives.canonical import INTEGER_MAX
from pulsekey.primitives.clock import Micros, Seconds
from pulsekey.primitives.errors import IntegrityError, MalformedInput
from pulsekey.primitives.ids import ConsentId, Digest, LedgerId, PatientId, PrincipalId

CHAIN = consent_chain(ConsentId(b"\x01" * 32))
OWN = own_chain(PatientId("p1"), Basis.SELF)


class OneKey:
    def access_key(self, patient: PatientId) -> bytes:
        return patient.encode().ljust(32, b"k")


def access(chain: Digest = CHAIN, at: int = 1, patient: str = "p1") -> Access:
    return Access(
        chain,
        PatientId(patient),
        PrincipalId("reader-canary"),
        Basis.CONSENT,
        "TREAT",
        Micros(at),
        Asked(("Observation",), ("glucose",), ("8867-4",), None, Micros(5), 50),
    )


@pytest.fixture
def log(tmp_path: Path) -> Iterator[AccessLog]:
    opened = AccessLog(tmp_path / "access.sqlite", OneKey(), secrets.token_bytes)
    yield opened
    opened.close()


def test_a_chain_counts_from_one_and_links(log: AccessLog) -> None:
    log.append([access(at=1), access(at=2)])
    log.append([access(OWN, at=3), access(at=4)])
    chain = log.chain(CHAIN)
    assert [entry.counter for entry in chain] == [1, 2, 3]
    assert chain[1].previous == chain[0].digest
    assert [entry.access.at for entry in log.of_patient(PatientId("p1"))] == [4, 3, 2, 1]
    assert log.heads(PatientId("p1")) == tuple(
        sorted([(CHAIN, 3, chain[2].digest), (OWN, 1, log.chain(OWN)[0].digest)])
    )


def test_entries_read_back_equal(log: AccessLog) -> None:
    (entry,) = log.append([access()])
    assert decode_entry(entry.encode()) == entry
    with pytest.raises(MalformedInput):
        decode_entry(entry.encode() + b" ")


def test_a_reopened_log_goes_on_counting(tmp_path: Path) -> None:
    for expected in (1, 2):
        log = AccessLog(tmp_path / "a.sqlite", OneKey(), secrets.token_bytes)
        (entry,) = log.append([access()])
        assert entry.counter == expected
        log.close()


@pytest.mark.parametrize(
    "harm",
    [
        "UPDATE entries SET sealed = zeroblob(64) WHERE counter = 2",
        "UPDATE entries SET digest = zeroblob(32) WHERE counter = 2",
        "DELETE FROM entries WHERE counter = 2",
        "UPDATE entries SET counter = 9 WHERE counter = 3",
    ],
)
def test_tampering_is_found_and_named(tmp_path: Path, log: AccessLog, harm: str) -> None:
    log.append([access(), access(), access()])
    with sqlite3.connect(tmp_path / "access.sqlite") as db:
        db.execute(harm)
    db.close()
    with pytest.raises(IntegrityError, match="access chain 010101"):
        log.chain(CHAIN)


@pytest.mark.parametrize("newest", [0, 1, 2, 3, 4, 9])
def test_the_newest_entries_are_the_end_of_the_chain(log: AccessLog, newest: int) -> None:
    log.append([access(at=at) for at in range(1, 5)])
    whole = log.chain(CHAIN)
    assert log.chain(CHAIN, newest) == whole[max(len(whole) - newest, 0) :]
    of_patient = log.of_patient(PatientId("p1"), newest)
    assert of_patient == tuple(reversed(whole))[:newest]


@pytest.mark.parametrize(
    "harm",
    [
        "UPDATE entries SET sealed = zeroblob(64) WHERE counter = 4",
        "UPDATE entries SET digest = zeroblob(32) WHERE counter = 3",
        "UPDATE entries SET digest = zeroblob(32) WHERE counter = 2",
        "DELETE FROM entries WHERE counter = 3",
        "DELETE FROM entries WHERE counter = 2",
    ],
)
def test_tampering_near_the_end_is_found_without_the_beginning(
    tmp_path: Path, log: AccessLog, harm: str
) -> None:
    log.append([access(at=at) for at in range(1, 5)])
    with sqlite3.connect(tmp_path / "access.sqlite") as db:
        db.execute(harm)
    db.close()
    with pytest.raises(IntegrityError, match="access chain 010101"):
        log.chain(CHAIN, 2)


def test_many_entries_ask_for_their_key_once(log: AccessLog) -> None:
    asked = []

    class Counting:
        def access_key(self, patient: PatientId) -> bytes:
            asked.append(patient)
            return OneKey().access_key(patient)

    log.append([access(at=at) for at in range(1, 20)])
    log._keys = Counting()
    assert len(log.chain(CHAIN)) == 19
    assert asked == ["p1"]


def test_nothing_is_kept_in_clear(tmp_path: Path, log: AccessLog) -> None:
    log.append([access()])
    stored = b"".join(path.read_bytes() for path in tmp_path.iterdir())
    assert b"reader-canary" not in stored
    assert b"glucose" not in stored


def test_a_failed_append_leaves_nothing(log: AccessLog) -> None:
    class Broken:
        def access_key(self, patient: PatientId) -> bytes:
            return b"short" if patient == "p2" else OneKey().access_key(patient)

    log._keys = Broken()
    with pytest.raises(ValueError, match="AESGCM key"):
        log.append([access(), access(patient="p2")])
    log._keys = OneKey()
    assert log.chain(CHAIN) == ()


def test_times_never_run_backwards_whatever_the_clock_does(log: AccessLog) -> None:
    log.append([access(at=9), access(at=4)])
    log.append([access(at=7), access(at=9), access(at=12), access(OWN, at=1)])
    assert [entry.access.at for entry in log.chain(CHAIN)] == [9, 9, 9, 9, 12]
    assert [entry.access.at for entry in log.chain(OWN)] == [1]


def closing(counter: int, index: int, chain: Digest = CHAIN, patient: str = "p1") -> Closing:
    leaf = (b"s" * 32, 4, Digest(b"m" * 32), 1, 3, (Digest(b"n" * 32),))
    opening = Opening(((chain, counter, Digest(b"e" * 32)),), *leaf)
    return Closing(chain, PatientId(patient), counter, index, opening)


def test_a_closing_reads_back_and_gives_way_to_the_next(tmp_path: Path, log: AccessLog) -> None:
    assert log.closing(CHAIN) is None
    log.close_chains([closing(3, 17), closing(1, 17, OWN)])
    assert log.closing(CHAIN) == closing(3, 17)
    log.close_chains([closing(5, 20)])
    assert log.closing(CHAIN) == closing(5, 20)
    assert log.closed() == {CHAIN: 5, OWN: 1}
    with sqlite3.connect(tmp_path / "access.sqlite") as db:
        db.execute("UPDATE closings SET counter = 4 WHERE chain = ?", (CHAIN,))
    db.close()
    with pytest.raises(IntegrityError, match="its end was altered"):
        log.closing(CHAIN)


def test_erasing_a_patient_erases_their_closings(log: AccessLog) -> None:
    log.close_chains([closing(3, 17), closing(1, 17, OWN, "p2")])
    log.erase(PatientId("p1"))
    assert log.closed() == {OWN: 1}


def test_what_was_opened_is_logged_and_not_what_was_asked_for() -> None:
    asked = Asked(("Observation",), (), (), Micros(5), None, 50)
    opened = asked.within(["sleep", "ecg"], Micros(7), Micros(9))
    assert opened == Asked(("Observation",), ("ecg", "sleep"), (), Micros(7), Micros(9), 50)
    assert asked.within(["ecg"]) == Asked(("Observation",), ("ecg",), (), Micros(5), None, 50)
    narrow = Asked(("Observation",), ("ecg",), (), Micros(7), Micros(8))
    assert narrow.within(["sleep", "ecg"], Micros(5), Micros(9)) == narrow
    assert bound(Seconds(10**12)) == INTEGER_MAX
    assert asked.within(["ecg"], Micros(10**17)).data_from == INTEGER_MAX


def test_no_more_may_be_asked_for_than_a_log_keeps() -> None:
    rest = len(b'{"categories":[],"codes":[],"limit":0,"types":[""]}')
    for letter in ("a", "\u674e"):
        fits = letter * ((ASKED_BYTES_MAX - rest) // len(letter.encode()))
        Asked((fits,))
        with pytest.raises(MalformedInput, match="more is asked for"):
            Asked((fits + letter,))


def test_erasing_a_patient_leaves_the_others(log: AccessLog) -> None:
    log.append([access(), access(OWN, patient="p2")])
    log.erase(PatientId("p1"))
    assert log.patients() == ("p2",)


def test_a_receipt_holds_for_its_signer_only(log: AccessLog) -> None:
    signer = Ed25519PrivateKey.generate()
    (entry,) = log.append([access()])
    receipt = receipt_for(LedgerId(bytes(32)), entry, signer)
    verify_receipt(receipt, signer.public_key().public_bytes_raw())
    assert read_receipt(dict(receipt.document())) == receipt
    with pytest.raises(IntegrityError):
        verify_receipt(receipt, Ed25519PrivateKey.generate().public_key().public_bytes_raw())
