from pathlib import Path

import pytest

from pulsekey.ledger.log.layout import Tile, decode_bundle, encode_bundle, tiles_of
from pulsekey.ledger.log.proof import entry_hash, verify_consistency, verify_inclusion
from pulsekey.ledger.log.tiles import TileLog
from pulsekey.primitives.errors import IntegrityError, MalformedInput
from pulsekey.primitives.hashing import merkle_root

# The leaves and roots that Certificate Transparency's implementations test themselves with.
CT_LEAVES = [
    bytes.fromhex(leaf)
    for leaf in (
        "", "00", "10", "2021", "3031", "40414243", "5051525354555657",
        "606162636465666768696a6b6c6d6e6f",
    )
]  # fmt: skip
CT_ROOTS = {
    1: "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    8: "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
}


@pytest.mark.parametrize("size", CT_ROOTS)
def test_the_roots_are_those_of_certificate_transparency(tmp_path: Path, size: int) -> None:
    assert TileLog(tmp_path).append(CT_LEAVES[:size])[1].hex() == CT_ROOTS[size]


def test_tiles_stand_where_the_standard_puts_them() -> None:
    assert Tile(0, 1_234_067, 256).path.as_posix() == "tile/0/x001/x234/067"
    assert Tile(1, 0, 5).path.as_posix() == "tile/1/000.p/5"
    assert Tile(0, 1_234_067, 8).entries_path.as_posix() == "tile/entries/x001/x234/067.p/8"


def test_a_log_of_70000_entries_has_the_tiles_that_the_standard_counts() -> None:
    tiles = list(tiles_of(70_000))
    assert [sum(t.level == level and t.width == 256 for t in tiles) for level in range(3)] == [
        273,
        1,
        0,
    ]
    assert [(t.level, t.width) for t in tiles if t.width < 256] == [(0, 112), (1, 17), (2, 1)]
    assert [(t.level, t.width) for t in tiles_of(256)] == [(0, 256), (1, 1)]
    assert list(tiles_of(0)) == []


def test_files_hold_hashes_and_entries_and_partial_tiles_make_room(tmp_path: Path) -> None:
    log, entries = TileLog(tmp_path), [b"%d" % n for n in range(300)]
    log.append(entries[:200])
    log.append(entries[200:])
    found = {p.relative_to(tmp_path).as_posix() for p in tmp_path.rglob("*") if p.is_file()}
    assert found == {
        "tile/0/000",
        "tile/0/001.p/44",
        "tile/1/000.p/1",
        "tile/entries/000",
        "tile/entries/001.p/44",
    }
    hashes = b"".join(entry_hash(entry) for entry in entries[:256])
    assert (tmp_path / "tile/0/000").read_bytes() == hashes
    assert (tmp_path / "tile/1/000.p/1").read_bytes() == merkle_root(entries[:256])
    assert (tmp_path / "tile/entries/000").read_bytes()[:6] == b"\x00\x010\x00\x011"


def test_bundles_read_back_and_damaged_ones_are_refused() -> None:
    assert decode_bundle(encode_bundle([b"", b"ab"]), where="bundle") == [b"", b"ab"]
    for wrong in (b"\x00", b"\x00\x02a", b"\x00\x00" * 257):
        with pytest.raises(MalformedInput):
            decode_bundle(wrong, where="bundle")


def test_entries_that_do_not_match_their_hashes_are_found(tmp_path: Path) -> None:
    size, root = TileLog(tmp_path).append([b"a", b"b"])
    (tmp_path / "tile/entries/000.p/2").write_bytes(encode_bundle([b"a", b"c"]))
    with pytest.raises(IntegrityError, match="last entries"):
        TileLog(tmp_path).resume(size, root)
    (tmp_path / "tile/entries/000.p/2").write_bytes(encode_bundle([b"a"]))
    with pytest.raises(IntegrityError, match="cut off"):
        TileLog(tmp_path).resume(size, root)
    (tmp_path / "tile/entries/000.p/2").write_bytes(b"\x09")
    with pytest.raises(IntegrityError, match="not an entry bundle"):
        TileLog(tmp_path).resume(size, root)


def test_an_entry_too_long_for_a_bundle_is_refused(tmp_path: Path) -> None:
    with pytest.raises(MalformedInput):
        TileLog(tmp_path).append([bytes(65_536)])


def test_a_proof_made_of_endless_hashes_is_refused() -> None:
    with pytest.raises(IntegrityError):
        verify_inclusion(b"", 0, 2**200, bytes(32), [bytes(32)] * 129)
    with pytest.raises(IntegrityError):
        verify_consistency(3, bytes(32), 2**200, bytes(32), [bytes(32)] * 129)
    with pytest.raises(IntegrityError):
        verify_consistency(3, bytes(32), 5, bytes(32), [])
