"""Epochs, erasure, papers, and the checks made on opening a vault."""

import fcntl
import os
import secrets
import sqlite3
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from pulsekey.primitives.errors import (
    AccessDenied,
    Conflict,
    IntegrityError,
    NotFound,
    Unavailable,
)
from pulsekey.primitives.ids import PatientId
from pulsekey.signals.category import Category
from pulsekey.vault.audit import audit
from pulsekey.vault.documents import PaperKind, Papers
from pulsekey.vault.embedded import FileBlobStore, LocalCustodian
from pulsekey.vault.reading import Reader
from pulsekey.vault.records import DocumentQuery, SampleQuery, SeriesQuery
from pulsekey.vault.sealing import EpochKey, Kind, Place, cells, seal, unseal
from pulsekey.vault.vault import LOCK_NAME, Vault
from pulsekey.vault.writing import begin_import
from tests.fakes.vault_records import (
    CLINIC,
    CUSTODIAN_KEY,
    PATIENT,
    RECEIVED,
    add,
    condition,
    new_vault,
    open_vault,
    series_at,
)
from tests.fakes.vault_stores import AwayBlobStore, MemoryBlobStore

EVERYTHING = frozenset(Category)
ALL = SeriesQuery(PATIENT, EVERYTHING)


@pytest.fixture
def vault(tmp_path: Path) -> Iterator[Vault]:
    with new_vault(tmp_path) as vault:
        yield vault


def test_a_seal_opens_only_in_its_own_place_under_its_own_key() -> None:
    key = EpochKey(bytes(16), 1, bytes(32))
    place = Place(Kind.SEGMENT, PATIENT, "glucose", "s/0")
    sealed = seal(b"plain", place, key, secrets.token_bytes)
    assert unseal(sealed, place, key) == b"plain"
    elsewhere = [
        Place(Kind.DOCUMENT, PATIENT, "glucose", "s/0"),
        Place(Kind.SEGMENT, PatientId("other"), "glucose", "s/0"),
        Place(Kind.SEGMENT, PATIENT, "sleep", "s/0"),
        Place(Kind.SEGMENT, PATIENT, "glucose", "s/1"),
    ]
    for other in elsewhere:
        with pytest.raises(IntegrityError, match=other.name):
            unseal(sealed, other, key)
    for wrong in (EpochKey(bytes(16), 2, bytes(32)), EpochKey(bytes(16), 1, b"\1" * 32)):
        with pytest.raises(IntegrityError):
            unseal(sealed, place, wrong)
    for at in range(len(sealed)):
        broken = sealed[:at] + bytes([sealed[at] ^ 1]) + sealed[at + 1 :]
        with pytest.raises(IntegrityError):
            unseal(broken, place, key)
        with pytest.raises(IntegrityError):
            unseal(sealed[:at], place, key)


def test_a_seal_that_needs_other_parties_is_not_opened_by_the_custodian_alone() -> None:
    key, place = EpochKey(bytes(16), 1, bytes(32)), Place(Kind.SEGMENT, PATIENT, "glucose", "s/0")
    for at in (0, 4, 6):  # Magic, format, parties.
        sealed = bytearray(seal(b"plain", place, key, secrets.token_bytes))
        sealed[at] += 1
        with pytest.raises(IntegrityError, match="not a sealed object of a known format"):
            unseal(bytes(sealed), place, key)


def test_cells_of_other_columns_are_other_bytes() -> None:
    rows: list[tuple[int | str | bytes | None, ...]] = [
        ("ab", "c"), ("a", "bc"), ("abc",), ("abs", ""), ("a", "sb"), (b"ab", b"c"), (b"a", b"bc"),
        (1,), ("1",), (b"1",), (None,), (None, None), ("",), (b"",), (0,), (-1,), ("a", None),
    ]  # fmt: skip
    assert len({cells(*row) for row in rows}) == len(rows)
    assert cells("ab", 1) == b"s\0\0\0\2ab" + b"i" + bytes(7) + b"\1"


def test_a_new_epoch_seals_what_comes_and_still_opens_what_was(vault: Vault) -> None:
    add(vault, series_at([0], [60]))
    assert vault.new_epoch(PATIENT, Category.HEART_RATE.value) == 2
    assert vault.new_epoch(PATIENT, Category.GLUCOSE.value) == 1
    add(vault, series_at([1], [61]))
    assert len(Reader(vault).samples(SampleQuery(ALL))) == 2
    with vault.index.reading() as reader:
        rows = reader.execute(
            "SELECT o.name, e.epoch FROM objects o JOIN epochs e ON e.id = o.key"
            " WHERE o.kind = 1 ORDER BY o.seq"
        ).fetchall()
    assert [epoch for _, epoch in rows] == [1, 2]
    assert audit(vault).sound


def test_an_erased_patient_is_gone_from_index_log_blobs_and_memory(tmp_path: Path) -> None:
    with new_vault(tmp_path) as vault:
        add(vault, series_at(range(100), range(100)))
        add(vault, series_at([0], [60]), patient=PatientId("other"))
        with vault.index.reading() as reader:
            wraps = [row[0] for row in reader.execute("SELECT wrapped FROM epochs")]
            (secret,) = reader.execute(
                "SELECT secret FROM patients WHERE id = ?", (PATIENT,)
            ).fetchone()
            (series,) = reader.execute(
                "SELECT id FROM series WHERE patient = ?", (PATIENT,)
            ).fetchone()
        vault.erase(PATIENT)
        vault.erase(PATIENT)
        with pytest.raises(NotFound):
            Reader(vault).series(ALL)
        on_disk = b"".join(p.read_bytes() for p in tmp_path.rglob("*") if p.is_file())
        kept = [wrap for wrap in wraps if wrap in on_disk]
        assert len(kept) == len(wraps) - 2  # Heart rate and the import report of the erased one.
        assert secret not in on_disk
        assert series.encode() not in on_disk
        assert PATIENT.encode() not in on_disk
        assert vault.patients() == (PatientId("other"),)
        assert audit(vault).sound
        assert audit(vault).orphans == ()


def test_an_erasure_destroys_the_keys_even_where_the_store_is_away(tmp_path: Path) -> None:
    blobs = AwayBlobStore()
    with new_vault(tmp_path, blobs) as vault:
        add(vault, series_at(range(100), range(100)))
        with vault.index.reading() as reader:
            wraps = [row[0] for row in reader.execute("SELECT wrapped FROM epochs")]
        blobs.away = True
        with pytest.raises(Unavailable):
            vault.erase(PATIENT)
        on_disk = b"".join(p.read_bytes() for p in tmp_path.rglob("*") if p.is_file())
        assert wraps
        assert not [wrap for wrap in wraps if wrap in on_disk]
        blobs.away = False
        vault.erase(PATIENT)
    with open_vault(tmp_path, blobs):
        assert blobs.blobs == {}


def test_an_erasure_by_another_process_is_seen_at_once(tmp_path: Path) -> None:
    with new_vault(tmp_path) as here, open_vault(tmp_path) as there:
        add(here, series_at([0], [60]))
        assert len(Reader(here).samples(SampleQuery(ALL))) == 1
        there.erase(PATIENT)
        with pytest.raises(NotFound):
            Reader(here).samples(SampleQuery(ALL))


def test_papers_have_versions_and_are_no_clinical_documents(vault: Vault) -> None:
    papers = Papers(vault)
    assert papers.put(PATIENT, CLINIC, PaperKind.IMPORT_REPORT, "t", b"one", RECEIVED) == 1
    assert papers.put(PATIENT, CLINIC, PaperKind.IMPORT_REPORT, "t", b"one", RECEIVED) == 1
    assert papers.put(PATIENT, CLINIC, PaperKind.IMPORT_REPORT, "t", b"two", RECEIVED) == 2
    assert papers.put(PATIENT, CLINIC, PaperKind.IMPORT_REPORT, "u", b"three", RECEIVED) == 1
    assert papers.get(PATIENT, PaperKind.IMPORT_REPORT, "t").content == b"two"
    assert papers.get(PATIENT, PaperKind.IMPORT_REPORT, "t", 1).content == b"one"
    everything = papers.all(PATIENT, PaperKind.IMPORT_REPORT)
    assert [(p.key, p.version) for p in everything] == [("t", 1), ("t", 2), ("u", 1)]
    with pytest.raises(NotFound):
        papers.get(PATIENT, PaperKind.IMPORT_REPORT, "v")
    assert Reader(vault).documents(DocumentQuery(PATIENT, EVERYTHING)).documents == ()


def test_papers_do_not_open_what_is_clinical(vault: Vault) -> None:
    with begin_import(vault, PATIENT, CLINIC, RECEIVED) as session:
        session.add_document(condition("c", b"{}"))
        session.commit(b"")
    for kind in PaperKind:
        with pytest.raises(NotFound):
            Papers(vault).get(PATIENT, kind, "c")


def test_a_paper_can_be_kept_while_an_import_runs(vault: Vault) -> None:
    with begin_import(vault, PATIENT, CLINIC, RECEIVED) as session:
        session.add_series(series_at([0], [60]))
        Papers(vault).put(PATIENT, CLINIC, PaperKind.IMPORT_REPORT, "t", b"one", RECEIVED)
        session.commit(b"")
    assert audit(vault).sound


def test_another_custodians_key_does_not_open_the_vault(tmp_path: Path) -> None:
    new_vault(tmp_path).close()
    blobs = FileBlobStore(tmp_path / "blobs", secrets.token_bytes)
    with pytest.raises(AccessDenied):
        Vault.open(tmp_path, blobs, LocalCustodian(b"x" * 32, secrets.token_bytes), bytes)


def test_a_vault_is_made_once_and_opened_only_where_there_is_one(tmp_path: Path) -> None:
    with pytest.raises(NotFound):
        open_vault(tmp_path)
    new_vault(tmp_path).close()
    with pytest.raises(Conflict):
        new_vault(tmp_path)


def test_a_vault_that_did_not_open_can_be_opened_again(tmp_path: Path) -> None:
    blobs = AwayBlobStore()
    new_vault(tmp_path, blobs).close()
    blobs.away = True
    with pytest.raises(Unavailable):
        open_vault(tmp_path, blobs)
    # Whoever has not opened it must not keep it locked: the next one would wait for ever.
    lock = os.open(tmp_path / LOCK_NAME, os.O_RDWR)
    fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    os.close(lock)
    blobs.away = False
    open_vault(tmp_path, blobs).close()


def test_a_custodian_that_is_away_leaves_no_vault_half_made(tmp_path: Path) -> None:
    def away(_count: int) -> bytes:
        raise Unavailable("the key service is away")

    custodian = LocalCustodian(CUSTODIAN_KEY, away)
    with pytest.raises(Unavailable):
        Vault.create(tmp_path, MemoryBlobStore(), custodian, secrets.token_bytes)
    new_vault(tmp_path).close()
    open_vault(tmp_path).close()


def test_a_schema_of_the_future_is_refused(tmp_path: Path) -> None:
    new_vault(tmp_path).close()
    connection = sqlite3.connect(tmp_path / "vault.sqlite")
    connection.execute("PRAGMA user_version = 99")
    connection.commit()
    connection.close()
    with pytest.raises(Conflict, match="newer"):
        open_vault(tmp_path)


def test_threads_read_while_another_writes(vault: Vault) -> None:
    add(vault, series_at(range(100), range(100)))
    lengths: list[int] = []

    def read() -> None:
        query = SampleQuery(ALL, limit=1_000)
        lengths.extend(len(Reader(vault).samples(query)) for _ in range(20))

    readers = [threading.Thread(target=read) for _ in range(3)]
    for reader in readers:
        reader.start()
    for k in range(1, 6):
        add(vault, series_at(range(100 * k, 100 * k + 100), range(100)))
    for reader in readers:
        reader.join()
    assert len(lengths) == 60
    assert {length % 100 for length in lengths} == {0}


def test_who_is_enrolled_already_needs_no_turn_to_write(vault: Vault) -> None:
    vault.keys.enrol(PATIENT)
    key = vault.keys.secret(PATIENT).key("use")
    with vault.index.writing():  # SQLite has one writer: a second transaction would be refused.
        vault.keys.enrol(PATIENT)
    assert vault.keys.secret(PATIENT).key("use") == key
