"""Every Log keeps the promises written in pulsekey.ledger.ports.Log."""

from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pulsekey.ledger.log.proof import verify_consistency, verify_inclusion
from pulsekey.ledger.log.tiles import TileLog
from pulsekey.ledger.ports import Log
from pulsekey.primitives.errors import IntegrityError, MalformedInput, NotFound
from pulsekey.primitives.hashing import merkle_root

LOGS: dict[str, Callable[[Path], Log]] = {"tiles": TileLog}
every_log = pytest.mark.parametrize("log_in", LOGS.values(), ids=LOGS.keys())
SIZE = 600  # Two full tiles, a partial one, and a second level.
ENTRIES = [b"entry %d" % number for number in range(SIZE)]


@pytest.fixture(scope="module", params=LOGS)
def filled(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Log:
    log = LOGS[request.param](tmp_path_factory.mktemp("log"))
    for low, high in ((0, 1), (1, 255), (255, 256), (256, 500), (500, SIZE)):
        size, root = log.append(ENTRIES[low:high])
        assert (size, root) == (high, merkle_root(ENTRIES[:high]))
    return log


@given(size=st.integers(1, SIZE), part=st.floats(0, 1, exclude_max=True))
def test_every_entry_is_proved_under_every_size_and_no_other_entry_is(
    filled: Log, size: int, part: float
) -> None:
    index = int(size * part)
    root, proof = merkle_root(ENTRIES[:size]), filled.inclusion(index, size)
    verify_inclusion(ENTRIES[index], index, size, root, proof)
    assert filled.entry(index) == ENTRIES[index]
    for entry, place, length in (
        (b"another", index, size),
        (ENTRIES[index], index + 1, size),
        (ENTRIES[index], index, size + 1 + SIZE),
    ):
        with pytest.raises(IntegrityError):
            verify_inclusion(entry, place, length, root, proof)
    with pytest.raises(IntegrityError):
        verify_inclusion(ENTRIES[index], index, size, root, [*proof, root])


@given(old=st.integers(0, SIZE), new=st.integers(0, SIZE))
def test_every_size_is_shown_to_extend_every_smaller_one(filled: Log, old: int, new: int) -> None:
    old, new = sorted((old, new))
    roots = merkle_root(ENTRIES[:old]), merkle_root(ENTRIES[:new])
    proof = filled.consistency(old, new)
    verify_consistency(old, roots[0], new, roots[1], proof)
    forged = merkle_root([*ENTRIES[: max(old - 1, 0)], b"forged"])
    with pytest.raises(IntegrityError):
        verify_consistency(old, forged, new, roots[1], proof)
    if old != new:
        with pytest.raises(IntegrityError):
            verify_consistency(new, roots[1], old, roots[0], proof)
    for wrong in (proof[:-1], (*proof, roots[0])):
        if wrong != proof:
            with pytest.raises(IntegrityError):
                verify_consistency(old, roots[0], new, roots[1], wrong)


def test_what_is_beyond_the_log_is_not_found(filled: Log) -> None:
    asks: tuple[Callable[[], object], ...] = (
        lambda: filled.entry(SIZE),
        lambda: filled.entry(-1),
        lambda: filled.inclusion(0, SIZE + 1),
        lambda: filled.consistency(1, SIZE + 1),
    )
    for ask in asks:
        with pytest.raises(NotFound):
            ask()
    with pytest.raises(MalformedInput):
        filled.inclusion(5, 5)
    with pytest.raises(MalformedInput):
        filled.consistency(6, 5)


@every_log
@given(sizes=st.lists(st.sampled_from([1, 2, 254, 256, 257]), min_size=1, max_size=4))
def test_a_log_resumes_at_any_size_it_had_and_leads_to_the_same_root(
    log_in: Callable[[Path], Log],
    sizes: list[int],
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    folder = tmp_path_factory.mktemp("log")
    log, entries = log_in(folder), [b"%d" % n for n in range(sum(sizes))]
    ends = [0]
    for size in sizes:
        ends.append(ends[-1] + size)
        log.append(entries[ends[-2] : ends[-1]])
    for end in ends:
        again = log_in(folder)
        again.resume(end, merkle_root(entries[:end]))
        assert again.append(entries[end:]) == (len(entries), merkle_root(entries))
        verify_inclusion(
            entries[0], 0, len(entries), merkle_root(entries), again.inclusion(0, len(entries))
        )


@every_log
def test_a_log_does_not_resume_at_another_root(
    log_in: Callable[[Path], Log], tmp_path: Path
) -> None:
    log_in(tmp_path).append([b"a", b"b"])
    with pytest.raises(IntegrityError):
        log_in(tmp_path).resume(2, merkle_root([b"a", b"c"]))
    with pytest.raises(IntegrityError):
        log_in(tmp_path).resume(3, merkle_root([b"a", b"b", b"c"]))


@every_log
def test_the_last_checkpoint_is_kept(log_in: Callable[[Path], Log], tmp_path: Path) -> None:
    assert log_in(tmp_path).checkpoint() == b""
    log_in(tmp_path).publish(b"first")
    log_in(tmp_path).publish(b"second")
    assert log_in(tmp_path).checkpoint() == b"second"
