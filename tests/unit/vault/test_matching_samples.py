"""What an import calls known.

Changed and new, against a slow reference that reads like the rule.
"""

from dataclasses import dataclass, field

import numpy as np
from hypothesis import example, given
from hypothesis import strategies as st

from pulsekey.vault.matching import CHANGED, KNOWN, NEW, match

# Few times and values, so that they collide.
TIME = st.tuples(st.integers(0, 2), st.integers(0, 1), st.integers(0, 1))
ROW = st.tuples(TIME, st.integers(0, 3))


@dataclass
class Reference:
    """The rule, one row at a time."""

    stored: list[tuple[tuple[tuple[int, int, int], int], int, bool]]
    out: list[tuple[int, int]] = field(default_factory=list)

    def match(self, incoming: list[tuple[tuple[int, int, int], int]]) -> list[tuple[int, int]]:
        named = {self._last_ordinal(row) for row in incoming if self._last(row)}
        seen: list[object] = []
        taken: set[int] = set()
        for row in incoming:
            if self._last(row):
                self.out.append((KNOWN, self._last_ordinal(row)))
            elif row in seen:
                self.out.append((KNOWN, -1))
            else:
                free = sorted(
                    ordinal
                    for (times, _), ordinal, replaceable in self.stored
                    if times == row[0] and replaceable and ordinal not in named | taken
                )
                self.out.append((CHANGED, free[0]) if free else (NEW, -1))
                taken |= set(free[:1])
            seen.append(row)
        return self.out

    def _last(self, row: object) -> bool:
        return any(stored == row for stored, _, _ in self.stored)

    def _last_ordinal(self, row: object) -> int:
        return [ordinal for stored, ordinal, _ in self.stored if stored == row][-1]


@given(st.lists(ROW, max_size=8), st.lists(st.tuples(ROW, st.booleans()), max_size=6))
@example([((0, 0, 0), 1), ((0, 0, 0), 2)], [(((0, 0, 0), 1), True)])
@example([((0, 0, 0), 2), ((0, 0, 0), 2)], [(((0, 0, 0), 1), True)])
@example([((0, 0, 0), 2)], [(((0, 0, 1), 1), True)])
def test_the_vectorised_match_is_the_rule(
    incoming: list[tuple[tuple[int, int, int], int]],
    stored: list[tuple[tuple[tuple[int, int, int], int], bool]],
) -> None:
    rows = [(row, ordinal, free) for ordinal, (row, free) in enumerate(stored)]
    expected = Reference(rows).match(incoming)
    found = match(
        list(np.array([[*t, v] for t, v in incoming], np.int64).reshape(-1, 4).T),
        list(np.array([[*t, v] for (t, v), _ in stored], np.int64).reshape(-1, 4).T),
        np.arange(len(stored), dtype=np.int64),
        np.array([free for _, free in stored], np.bool_),
    )
    assert list(zip(found.outcome.tolist(), found.stored.tolist(), strict=True)) == expected
