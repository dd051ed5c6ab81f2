"""A node that was closed lets go of everything: the same process opens it again as it was."""

from dataclasses import replace
from pathlib import Path

import pytest

from pulsekey import wiring
from pulsekey.primitives.errors import Unavailable
from pulsekey.settings import Settings


def test_a_closed_node_opens_again_and_an_open_one_does_not(tmp_path: Path) -> None:
    settings = replace(Settings(), home=tmp_path / "node")
    wiring.create(settings)
    with wiring.opened(settings) as first:
        ledger, account = first.ledger.genesis.ledger, first.ledger.step(0)
        with pytest.raises(Unavailable), wiring.opened(settings):
            pass
    # `first` is still referred to: closing must not wait for the garbage collector.
    with wiring.opened(settings) as second:
        assert second.ledger.genesis.ledger == ledger
        assert second.ledger.step(0) == account
        assert first.settings == second.settings
