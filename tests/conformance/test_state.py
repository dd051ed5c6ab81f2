"""Every State and every Snapshot keeps the promises written in pulsekey.ledger.ports."""

from collections.abc import Callable
from contextlib import ExitStack, closing
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pulsekey.ledger.ports import ABSENT, State
from pulsekey.ledger.state.proof import proved_value
from pulsekey.ledger.state.sqlite import SqliteState
from pulsekey.primitives.errors import IntegrityError, MalformedInput
from tests.fakes.ledger_stores import MemoryState

STATES: dict[str, Callable[[Path, ExitStack], State]] = {
    "memory": lambda _, __: MemoryState(),
    "sqlite": lambda folder, stack: stack.enter_context(
        closing(SqliteState(folder / "state.sqlite"))
    ),
}
every_state = pytest.mark.parametrize("state_of", STATES.values(), ids=STATES.keys())

# Few keys with long common beginnings and few values, so that leaves part, meet and vanish.
keys = st.builds(
    lambda first, last: first + bytes(30) + last,
    st.sampled_from([b"\x00", b"\x01", b"\x80", b"\xff"]),
    st.sampled_from([b"\x00", b"\x01", b"\x03"]),
)
values = st.sampled_from([ABSENT, b"1" * 32, b"2" * 32])
batches_of_writes = st.lists(st.lists(st.tuples(keys, values), max_size=6), max_size=6)


@every_state
@given(batches=batches_of_writes)
def test_a_snapshot_is_a_map_whose_root_depends_on_content_only(
    state_of: Callable[[Path, ExitStack], State], batches: list[list[tuple[bytes, bytes]]]
) -> None:
    with TemporaryDirectory() as folder, ExitStack() as stack:
        state = state_of(Path(folder), stack)
        _, empty = state.present()
        model: dict[bytes, bytes] = {}
        snapshot = empty
        for number, writes in enumerate(batches, 1):
            snapshot = snapshot.after(writes)
            state.keep(number, snapshot, writes)
            model.update(writes)
        present = {key: value for key, value in model.items() if value != ABSENT}
        assert snapshot.root == empty.after(sorted(present.items())).root
        assert state.present()[0] == len(batches)
        assert state.present()[1].root == snapshot.root
        for key, value in model.items():
            assert snapshot.get(key) == value
            assert state.present()[1].get(key) == value
        assert empty.get(bytes(32)) == ABSENT


@every_state
@given(writes=st.lists(st.tuples(keys, values), max_size=12), asked=keys, bit=st.integers(0, 10**6))
def test_a_proof_shows_the_value_or_the_absence_and_no_changed_proof_shows_another(
    state_of: Callable[[Path, ExitStack], State],
    writes: list[tuple[bytes, bytes]],
    asked: bytes,
    bit: int,
) -> None:
    with TemporaryDirectory() as folder, ExitStack() as stack:
        _, empty = state_of(Path(folder), stack).present()
        snapshot = empty.after(writes)
        proof = snapshot.prove(asked)
        assert proved_value(snapshot.root, asked, proof) == snapshot.get(asked)
        at = bit % (len(proof) * 8)
        changed = bytearray(proof)
        changed[at // 8] ^= 1 << at % 8
        try:
            shown = proved_value(snapshot.root, asked, bytes(changed))
        except (IntegrityError, MalformedInput):
            return
        assert shown == snapshot.get(asked)


@every_state
def test_a_cleared_state_is_empty(
    state_of: Callable[[Path, ExitStack], State], tmp_path: Path
) -> None:
    with ExitStack() as stack:
        state = state_of(tmp_path, stack)
        _, empty = state.present()
        writes = [(b"k" * 32, b"v" * 32)]
        state.keep(7, empty.after(writes), writes)
        state.clear()
        batch, snapshot = state.present()
        assert (batch, snapshot.root) == (0, empty.root)
