"""A view stays at its head: everything it proves is under it, however far the ledger has moved."""

from pathlib import Path

import pytest

from pulsekey.ledger.encoding import encode_step, head_digest
from pulsekey.ledger.log.proof import verify_consistency, verify_inclusion
from pulsekey.ledger.pipeline import Limits
from pulsekey.ledger.state.proof import proved_value
from pulsekey.primitives.errors import NotFound
from pulsekey.primitives.ids import Digest
from tests.fakes.ledger_toy import key, setting, toy_ledger, value

BATCHES_OF_THREE = Limits(batch_operations_max=3, linger_seconds=0)


def test_a_view_proves_steps_and_states_under_its_own_head(tmp_path: Path) -> None:
    operations = [setting(key(n), value(n + 1)) for n in range(10)]
    with toy_ledger(tmp_path, limits=BATCHES_OF_THREE) as ledger:
        ledger.submit_many(operations)
        view = ledger.view()
        ledger.submit_many(
            [setting(key(n), value(n + 9), old=value(n + 1), nonce=1) for n in range(10)]
        )
        head = view.head
        assert (head.log_size, ledger.view().head.log_size) == (10, 20)
        assert ledger.head_named(head_digest(head)) == head
        for index, signed in enumerate(operations):
            proved = view.prove(index, signed)
            verify_inclusion(
                encode_step(proved.step), index, head.log_size, head.log_root, proved.inclusion
            )
            state = view.state(key(index))
            assert state.value == value(index + 1)
            assert proved_value(head.state_root, state.key, state.proof) == state.value
        later = ledger.view().head
        path = ledger.consistency(head.log_size, later.log_size)
        verify_consistency(head.log_size, head.log_root, later.log_size, later.log_root, path)


def test_a_view_finds_operations_by_what_they_touch_and_ends_at_its_head(tmp_path: Path) -> None:
    with toy_ledger(tmp_path, limits=BATCHES_OF_THREE) as ledger:
        ledger.submit_many([setting(key(n % 4), value(1), nonce=n) for n in range(10)])
        view = ledger.view()
        ledger.submit(setting(key(1), value(2), old=value(1), nonce=99))
        found = list(view.operations_touching(key(1)))
        assert [index for index, _ in found] == [1, 5, 9]
        assert all(signed == setting(key(1), value(1), nonce=index) for index, signed in found)
        assert list(view.operations_touching(key(77))) == []
        for beyond in (-1, 10):
            with pytest.raises(NotFound):
                view.step(beyond)


def test_a_head_that_never_was_has_no_name(tmp_path: Path) -> None:
    with toy_ledger(tmp_path) as ledger, pytest.raises(NotFound):
        ledger.head_named(Digest(bytes(32)))
