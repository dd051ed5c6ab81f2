"""SIGKILL at any moment of an import loses nothing acknowledged and leaves nothing half visible."""

import os
import random
import select
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np

from pulsekey.signals.category import Category
from pulsekey.vault.audit import audit
from pulsekey.vault.documents import PaperKind, Papers
from pulsekey.vault.reading import Reader
from pulsekey.vault.records import BlockQuery, Order, SampleQuery, SeriesQuery
from tests.fakes import vault_child
from tests.fakes.vault_records import PATIENT, T0, new_vault, open_vault

KILLS = 300 if os.environ.get("PULSEKEY_TEST_EFFORT") == "long" else 40
ROOT = Path(__file__).parents[2]
ALL = SeriesQuery(PATIENT, frozenset(Category))
ROWS_PER_PAGE = 65_536


def run_and_kill(home: Path, chance: random.Random) -> list[str]:
    """Let a child import, kill it at a random moment, return the imports that it acknowledged."""
    child = subprocess.Popen(
        [sys.executable, "-m", "tests.fakes.vault_child", str(home)],
        stdout=subprocess.PIPE,
        cwd=ROOT,
        text=True,
    )
    assert child.stdout is not None
    assert child.stdout.readline() == "ready\n"
    lines = [child.stdout.readline() for _ in range(chance.randrange(3))]
    # At the next acknowledgement, or anywhere before it.
    select.select([child.stdout], [], [], chance.random() * 0.04)
    child.send_signal(signal.SIGKILL)
    rest, _ = child.communicate()
    return [line.split()[1] for line in (*lines, *rest.splitlines(keepends=True)) if "\n" in line]


def test_nothing_acknowledged_is_lost_and_nothing_is_half_visible(tmp_path: Path) -> None:
    seed = random.SystemRandom().randrange(2**32)
    print("seed", seed)
    chance = random.Random(seed)
    new_vault(tmp_path).close()
    acknowledged: set[str] = set()
    for kill in range(KILLS):
        acknowledged |= set(run_and_kill(tmp_path, chance))
        with open_vault(tmp_path) as vault:
            report = audit(vault)
            assert report.findings == ()
            assert report.orphans == ()
            if PATIENT not in vault.patients():
                assert not acknowledged
                continue
            reader = Reader(vault)
            visible = {one.id for one in reader.imports(PATIENT)}
            assert acknowledged <= visible
            # One import may have become durable without its acknowledgement, at each kill.
            assert len(visible) <= len(acknowledged) + kill + 1
            check_whole(reader, len(visible))
            papers = Papers(vault).all(PATIENT, PaperKind.IMPORT_REPORT)
            assert {paper.key for paper in papers} == visible
            acknowledged |= visible


def check_whole(reader: Reader, imports: int) -> None:
    """Every visible import is there with all that it added."""
    series = reader.series(ALL)
    counts = sorted(entry.count for entry in series)
    dated = (imports + 1) // 2 * vault_child.DATED
    assert counts == sorted([imports, imports * vault_child.ROWS, dated] if imports else [])
    blocks = reader.blocks(BlockQuery(ALL, limit=1_000))
    assert len(blocks) == imports
    if not imports:
        return
    check_dated(reader, imports)
    after, expected = None, 0
    (watch,) = (e.id for e in series if e.count == imports * vault_child.ROWS)
    only = SeriesQuery(PATIENT, frozenset(Category), frozenset({watch}))
    while True:
        page = reader.samples(SampleQuery(only, (), after, Order.OLDEST, ROWS_PER_PAGE))
        (samples,) = page.samples
        count = len(samples)
        starts = (samples.series.times.start - T0) // 1_000_000
        assert starts.tolist() == list(range(expected, expected + count))
        k = np.arange(expected, expected + count)
        # The last sample of each import was changed by the next one.
        changed = ((k + 1) % vault_child.ROWS == 0) & (k + 1 < imports * vault_child.ROWS)
        values = np.where(changed, 99, k // vault_child.ROWS % 50)
        assert (samples.series.components[0].mantissa == values).all()
        assert (samples.versions == np.where(changed, 2, 1)).all()
        expected += count
        if page.next is None:
            break
        after = page.next
    assert expected == imports * vault_child.ROWS


def check_dated(reader: Reader, imports: int) -> None:
    """Every sample of the second source is where the newest visible import says, and only there."""
    dated = imports // 2 * vault_child.DATED
    count = (imports + 1) // 2 * vault_child.DATED
    (other,) = (entry for entry in reader.series(ALL) if entry.source.key == "other")
    only = SeriesQuery(PATIENT, frozenset(Category), frozenset({other.id}))
    found: list[tuple[int, int]] = []
    after = None
    while True:
        page = reader.samples(SampleQuery(only, (), after, Order.OLDEST, ROWS_PER_PAGE))
        for samples in page.samples:
            starts = (samples.series.times.start - T0) // 1_000_000
            found += zip(samples.ordinals.tolist(), starts.tolist(), strict=True)
        if page.next is None:
            break
        after = page.next
    shift = -vault_child.OFFSET_MINUTES * 60
    assert sorted(found) == [(k, k + (shift if k < dated else 0)) for k in range(count)]
