"""From allowances to bounds: what several live consents let through together, without overlap.

Each category gets the union of the periods of the consents that name it. Categories with the same
periods are read together, so a record is found in one scope only and pages never repeat it.
"""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from pulsekey.consent.decision import Allowance
from pulsekey.primitives.clock import Micros
from pulsekey.signals.category import Category
from pulsekey.signals.metric import Metric
from pulsekey.vault.records import Window

Period = tuple[Micros | None, Micros | None]


@dataclass(frozen=True, slots=True)
class Bounds:
    """Categories, measured within [data_from, data_until), less some codes ("system|code")."""

    categories: frozenset[Category]
    data_from: Micros | None = None
    data_until: Micros | None = None
    exclusions: frozenset[str] = frozenset()

    @property
    def window(self) -> Window | None:
        """The bounds as a window that a record has to lie in; None if there are none."""
        if self.data_from is None and self.data_until is None:
            return None
        last = None if self.data_until is None else self.data_until - 1
        return Window(start_min=self.data_from, start_max=last, end_max=self.data_until)

    def holds(self, start: int, end: int) -> bool:
        """Whether something measured from `start` to `end` (micros) lies within."""
        if self.data_from is not None and start < self.data_from:
            return False
        return self.data_until is None or (start < self.data_until and end <= self.data_until)

    def excludes_metric(self, metric: Metric) -> bool:
        """Whether a metric, or any component of it, is excluded: a panel needs all of them."""
        codes = (*metric.codes, *(code for part in metric.components for code in part.codes))
        return self.excludes_codes((code.system, code.code) for code in codes)

    def excludes_codes(self, codes: Iterable[tuple[str, str]]) -> bool:
        """Whether any of (system, code) is excluded."""
        return bool(self.exclusions) and any(
            f"{system}|{code}" in self.exclusions for system, code in codes
        )


def scopes_of(allowances: Iterable[Allowance]) -> tuple[Bounds, ...]:
    """Return bounds that together let through what the allowances do, each record once.

    Exclusions of any consent that names a category hold for all of it: deny overrides.
    """
    periods: dict[Category, list[Period]] = defaultdict(list)
    exclusions: dict[Category, frozenset[str]] = defaultdict(frozenset)
    for allowance in allowances:
        for category in allowance.categories:
            periods[category].append((allowance.data_from, allowance.data_until))
            exclusions[category] |= allowance.exclusions
    together: dict[tuple[tuple[Period, ...], frozenset[str]], set[Category]] = defaultdict(set)
    for category, several in periods.items():
        if str(category) not in exclusions[category]:
            together[union(several), exclusions[category]].add(category)
    bounds = [
        Bounds(frozenset(categories), *period, excluded)
        for (several, excluded), categories in together.items()
        for period in several
    ]
    return tuple(sorted(bounds, key=_order))


def union(periods: Iterable[Period]) -> tuple[Period, ...]:
    """Return the union of half-open periods as disjoint ones in order; None is no bound."""
    out: list[Period] = []
    for begin, end in sorted(periods, key=lambda period: (period[0] is not None, period[0] or 0)):
        if out and (out[-1][1] is None or begin is None or begin <= out[-1][1]):
            last = out[-1][1]
            longer = None if last is None or end is None else max(last, end)
            out[-1] = (out[-1][0], longer)
        else:
            out.append((begin, end))
    return tuple(out)


def _order(bounds: Bounds) -> tuple[list[str], int, frozenset[str]]:
    return sorted(bounds.categories), bounds.data_from or 0, bounds.exclusions
