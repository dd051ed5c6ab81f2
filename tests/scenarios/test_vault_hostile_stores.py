"""A store that lies, forgets or fails denies service and nothing more; flipped bits are found."""

import os
import random
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from pulsekey.primitives.errors import IntegrityError, PulsekeyError, Unavailable
from pulsekey.signals.category import Category
from pulsekey.vault import publishing
from pulsekey.vault.audit import audit
from pulsekey.vault.documents import PaperKind, Papers
from pulsekey.vault.reading import Reader
from pulsekey.vault.records import BlockQuery, DocumentQuery, SampleQuery, SeriesQuery
from pulsekey.vault.vault import Vault
from pulsekey.vault.writing import begin_import
from tests.fakes.vault_records import (
    CLINIC,
    PATIENT,
    RECEIVED,
    add,
    condition,
    new_vault,
    open_vault,
    series_at,
    waveform_at,
)
from tests.fakes.vault_stores import (
    FailingBlobStore,
    ForgettingBlobStore,
    LyingBlobStore,
    MemoryBlobStore,
    SwappingBlobStore,
)

EVERYTHING = frozenset(Category)
ALL = SeriesQuery(PATIENT, EVERYTHING)
FLIPS = 3_000 if os.environ.get("PULSEKEY_TEST_EFFORT") == "long" else 60


def fill(vault: Vault) -> None:
    """One record of every kind, and a second version of each."""
    for k in range(2):
        with begin_import(vault, PATIENT, CLINIC, RECEIVED) as session:
            session.add_series(series_at(range(50), [60 + k] * 50))
            session.add_waveform(waveform_at(0, range(k, 100)))
            session.add_document(condition("c", b"%d" % k))
            session.commit(b"report")
    Papers(vault).put(PATIENT, CLINIC, PaperKind.IMPORT_REPORT, "t", b"terms", RECEIVED)


def everything(vault: Vault) -> object:
    """Return all that can be read, as plain values."""
    reader = Reader(vault)
    page = reader.samples(SampleQuery(ALL))
    entries = reader.series(ALL)
    samples = [
        (
            s.entry,
            s.ordinals.tolist(),
            s.versions.tolist(),
            s.updated.tolist(),
            s.series.times.start.tolist(),
            s.series.components[0].mantissa.tolist(),
        )
        for s in page.samples
    ]
    histories = [
        reader.history(PATIENT, EVERYTHING, s.entry.id, 7).versions.tolist() for s in page.samples
    ]
    heads = reader.blocks(BlockQuery(ALL))
    blocks = [
        reader.block(PATIENT, EVERYTHING, h.entry.id, h.ordinal, version=v)
        .block.channels[0]
        .raw.tolist()
        for h in heads
        for v in (1, 2)
    ]
    documents = reader.documents(
        DocumentQuery(PATIENT, EVERYTHING, codes=frozenset({("", "75326-9")}))
    ).documents
    versions = [reader.document_history(PATIENT, EVERYTHING, d.id) for d in documents]
    papers = [Papers(vault).all(PATIENT, kind) for kind in PaperKind]
    imports = reader.imports(PATIENT)
    return entries, samples, histories, heads, blocks, documents, versions, papers, imports


@pytest.mark.parametrize("store", [LyingBlobStore, SwappingBlobStore])
def test_a_store_that_lies_is_caught_and_the_record_named(
    tmp_path: Path, store: Callable[[], LyingBlobStore | SwappingBlobStore]
) -> None:
    blobs = store()
    with new_vault(tmp_path, blobs) as vault:
        fill(vault)
        entry = next(e for e in Reader(vault).series(ALL) if e.metric.name == "heart-rate")
        (document,) = Reader(vault).documents(DocumentQuery(PATIENT, EVERYTHING)).documents
        blobs.lying = True
        with pytest.raises(IntegrityError, match=entry.id):
            Reader(vault).samples(SampleQuery(ALL))
        with pytest.raises(IntegrityError, match=document.id):
            Reader(vault).documents(DocumentQuery(PATIENT, EVERYTHING))
        with pytest.raises(IntegrityError, match="address"):
            add(vault, series_at([0], [60]))
        assert {"pack", "segment", "document"} <= {f.kind for f in audit(vault).findings}


def test_a_store_that_forgets_is_caught_and_the_record_named(tmp_path: Path) -> None:
    with new_vault(tmp_path, ForgettingBlobStore()) as vault:
        add(vault, series_at([0], [60]))
        (entry,) = Reader(vault).series(ALL)
        with pytest.raises(IntegrityError, match=f"{entry.id}/0: its pack .* is missing"):
            Reader(vault).samples(SampleQuery(ALL))
        assert ("pack", "it is missing") in {(f.kind, f.problem) for f in audit(vault).findings}


@pytest.mark.parametrize("fails_at", [1, 2, 3])
def test_a_store_that_fails_once_leaves_nothing_half_visible(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fails_at: int
) -> None:
    monkeypatch.setattr(publishing, "PACK_BYTES_MAX", 512)
    blobs = FailingBlobStore(fails_at)
    one = series_at(range(20_000), range(20_000))
    with new_vault(tmp_path, blobs) as vault:
        with pytest.raises(Unavailable):
            add(vault, one)
        assert Reader(vault).series(ALL) == ()
        assert add(vault, one) == (20_000, 0, 0)
        assert audit(vault).sound
    with open_vault(tmp_path, blobs) as vault:
        assert audit(vault).orphans == ()


def test_every_flipped_bit_of_a_pack_is_found(tmp_path: Path) -> None:
    blobs = MemoryBlobStore()
    chance = random.Random(7)
    with new_vault(tmp_path, blobs) as vault:
        fill(vault)
        for _ in range(FLIPS):
            address = chance.choice(list(blobs.blobs))
            honest = blobs.blobs[address]
            at = chance.randrange(len(honest))
            flipped = bytes([honest[at] ^ 1 << chance.randrange(8)])
            blobs.blobs[address] = honest[:at] + flipped + honest[at + 1 :]
            report = audit(vault)
            blobs.blobs[address] = honest
            kinds = {finding.kind for finding in report.findings}
            assert "pack" in kinds
            assert kinds & {"segment", "document"}
        assert audit(vault).sound


def test_a_flipped_bit_of_the_index_is_found_or_changes_nothing(tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    with new_vault(home) as vault:
        fill(vault)
        expected = everything(vault)
    assert not (home / "vault.sqlite-wal").exists()
    honest = (home / "vault.sqlite").read_bytes()
    used = [at for at, byte in enumerate(honest) if byte]
    chance = random.Random(11)
    found = 0
    for flip in range(FLIPS):
        # Every second flip hits a byte that is not zero: most others lie in pages without content.
        at = chance.choice(used) if flip % 2 else chance.randrange(len(honest))
        copy = tmp_path / f"copy{flip}"
        shutil.copytree(home, copy)
        flipped = bytes([honest[at] ^ 1 << chance.randrange(8)])
        (copy / "vault.sqlite").write_bytes(honest[:at] + flipped + honest[at + 1 :])
        try:
            with open_vault(copy) as vault:
                if audit(vault).findings:
                    found += 1
                else:
                    assert everything(vault) == expected, f"byte {at} lied in silence"
        except PulsekeyError:
            found += 1
        shutil.rmtree(copy)
    assert found > FLIPS // 4


@pytest.mark.parametrize(
    "deed",
    [
        "DELETE FROM segments WHERE number = 0",
        "DELETE FROM documents WHERE version = 2",
        "DELETE FROM document_codes",
        "DELETE FROM objects WHERE seq = 1",
        "DELETE FROM series",
        "UPDATE segments SET first_day = first_day - 1",
        "UPDATE segments SET last_ordinal = 0",
        "UPDATE series SET ordinals = ordinals + 1",
        "UPDATE documents SET first_day = 0",
        "UPDATE documents SET type = x'00'",
        "UPDATE imports SET organisation = 'another'",
        "UPDATE imports SET day = 0",
        "UPDATE epochs SET epoch = epoch + 1",
        "UPDATE patients SET objects = objects - 1",
        "UPDATE patients SET spine = x''",
        "UPDATE objects SET at = at + 1",
        "UPDATE objects SET kind = 9 WHERE seq = 0",
        "UPDATE objects SET address = (SELECT address FROM objects WHERE seq = 0)",
        "UPDATE packs SET length = length + 1",
    ],
)
def test_whatever_an_intruder_does_to_the_index_is_named(tmp_path: Path, deed: str) -> None:
    with new_vault(tmp_path, MemoryBlobStore()) as vault:
        fill(vault)
        assert audit(vault).sound
        with vault.index.writing() as writer:
            writer.execute(deed)
        report = audit(vault)
        assert report.findings
        assert all(finding.name and finding.problem for finding in report.findings)
