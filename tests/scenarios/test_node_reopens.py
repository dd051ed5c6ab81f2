"""A node that was closed lets go of everything: the same process opens it again as it was."""

from dataclasses import replace
from pathlib import Path

import pytest

from pulsekey import wiring
from pulsekey.ledger import embedded as ledger_home
from pulsekey.primitives.errors import Conflict, NotFound, Unavailable
from pulsekey.primitives.ids import PatientId
from pulsekey.settings import Settings
from pulsekey.vault.vault import Vault


@pytest.mark.parametrize(
    "last",
    [
        (wiring, "create_key_file"),
        (Vault, "create"),
        (wiring, "create_node_secret"),
        (ledger_home, "found"),
    ],
    ids=lambda last: last[1],
)
def test_a_creation_that_was_cut_short_is_gone_on_with(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, last: tuple[object, str]
) -> None:
    settings = replace(Settings(), home=tmp_path / "node")
    real = getattr(*last)

    def cut(*arguments: object) -> None:
        real(*arguments)
        raise KeyboardInterrupt

    monkeypatch.setattr(*last, cut)
    with pytest.raises(KeyboardInterrupt):
        wiring.create(settings)
    monkeypatch.undo()
    with pytest.raises(NotFound), wiring.opened(settings):
        pass
    wiring.create(settings)
    with wiring.opened(settings) as node:
        assert node.vault.patients() == ()


def test_a_node_that_lost_its_secret_is_not_made_anew_over_its_records(tmp_path: Path) -> None:
    settings = replace(Settings(), home=tmp_path / "node")
    wiring.create(settings)
    home = wiring.Home(settings.home)
    with wiring.opened(settings) as node:
        node.vault.keys.enrol(PatientId("somebody"))
        genesis = home.ledger.genesis.read_bytes()
    home.node_secret.unlink()
    with pytest.raises(Conflict):
        wiring.create(settings)
    assert home.ledger.genesis.read_bytes() == genesis


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
