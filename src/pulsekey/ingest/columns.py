"""Gathers samples into series of bounded length, a metric and source at a time.

The one rule: samples leave in the order in which they came, and none is held back at the end.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from pulsekey.ingest.items import ROWS_MAX
from pulsekey.primitives.errors import MalformedInput
from pulsekey.signals.metric import Code, Metric
from pulsekey.signals.series import Absence, Quantities, Series, Source, Times

PENDING_ROWS_MAX: Final = 262_144
"""About 12 MB of columns; beyond it everything leaves."""
PENDING_SERIES_MAX: Final = 4_096
UNITS_MAX: Final = 255
SEVERAL_ROWS_MAX: Final = 4_096

Key = tuple[str, str]


@dataclass(frozen=True, slots=True, eq=False)
class Stretch:
    """Some samples of one series with one component; the columns are those of `Series`."""

    times: Times
    values: Quantities


@dataclass(slots=True)
class _Pending:
    metric: Metric
    source: Source
    units: list[str] = field(default_factory=list)
    stretches: list[Stretch] = field(default_factory=list)
    rows: int = 0


@dataclass(slots=True)
class Gathering:
    """Series in the making, of metrics with one component."""

    _pending: dict[Key, _Pending] = field(default_factory=dict)
    _rows: int = 0

    def unit(self, metric: Metric, source: Source, given: str) -> int:
        """Return the number of a given unit in the series, from 1."""
        units = self._of(metric, source).units
        if given not in units:
            if len(units) == UNITS_MAX:
                raise MalformedInput("too many units in one series", where=metric.name)
            units.append(given)
        return units.index(given) + 1

    def add(self, metric: Metric, source: Source, stretch: Stretch) -> Iterator[Series]:
        """Take samples in; yield series that are long enough."""
        pending = self._of(metric, source)
        rows = len(stretch.times.start)
        if pending.rows + rows > ROWS_MAX:
            yield from self._leave(metric, source)
            pending = self._of(metric, source)
        pending.stretches.append(stretch)
        pending.rows += rows
        self._rows += rows
        if self._rows > PENDING_ROWS_MAX or len(self._pending) > PENDING_SERIES_MAX:
            yield from self.rest()

    def rest(self) -> Iterator[Series]:
        """Yield everything that is still here."""
        for pending in list(self._pending.values()):
            yield from self._leave(pending.metric, pending.source)
            del self._pending[pending.metric.name, pending.source.key]

    def _of(self, metric: Metric, source: Source) -> _Pending:
        key = (metric.name, source.key)
        if key not in self._pending:
            self._pending[key] = _Pending(metric, source)
        return self._pending[key]

    def _leave(self, metric: Metric, source: Source) -> Iterator[Series]:
        """Yield what is pending of one series. Its units stay, so that their numbers stay."""
        pending = self._of(metric, source)
        if not pending.rows:
            return
        times = [stretch.times for stretch in pending.stretches]
        values = [stretch.values for stretch in pending.stretches]
        series = Series(
            metric,
            pending.source,
            Times(
                np.concatenate([part.start for part in times]),
                np.concatenate([part.end for part in times]),
                np.concatenate([part.offset for part in times]),
                np.concatenate([part.basis for part in times]),
            ),
            (
                Quantities(
                    np.concatenate([part.mantissa for part in values]),
                    np.concatenate([part.scale for part in values]),
                    np.concatenate([part.comparator for part in values]),
                    np.concatenate([part.absent for part in values]),
                    np.concatenate([part.unit for part in values]),
                    np.concatenate([part.given_mantissa for part in values]),
                    np.concatenate([part.given_scale for part in values]),
                ),
            ),
            tuple(pending.units),
        )
        self._rows -= pending.rows
        pending.stretches, pending.rows = [], 0
        yield series


class Value(NamedTuple):
    """One quantity of one sample; `unit` is "" where it was not converted."""

    mantissa: int = 0
    scale: int = 0
    unit: str = ""
    given_mantissa: int = 0
    given_scale: int = 0
    comparator: int = 0
    absent: int = 0


ABSENT: Final = Value(absent=Absence.NOT_MEASURED)


class Moment(NamedTuple):
    """When one sample was: microseconds, minutes and a basis, as in `Times`."""

    start: int
    end: int
    offset: int
    basis: int


@dataclass(frozen=True, slots=True)
class _Row:
    moment: Moment
    values: tuple[Value, ...]
    label: Code | None


@dataclass(slots=True)
class Several:
    """Series in the making, of metrics with several components: few samples, taken one by one."""

    _pending: dict[Key, tuple[Metric, Source, list[_Row]]] = field(default_factory=dict)

    def add(
        self,
        metric: Metric,
        source: Source,
        moment: Moment,
        values: tuple[Value, ...],
        label: Code | None = None,
    ) -> Iterator[Series]:
        """Take one sample in; yield the series when it is long enough."""
        _, _, rows = self._pending.setdefault((metric.name, source.key), (metric, source, []))
        rows.append(_Row(moment, values, label))
        if len(rows) >= SEVERAL_ROWS_MAX:
            yield assembled(metric, source, rows)
            rows.clear()
        if len(self._pending) > PENDING_SERIES_MAX:
            yield from self.rest()

    def rest(self) -> Iterator[Series]:
        """Yield everything that is still here."""
        for metric, source, rows in self._pending.values():
            if rows:
                yield assembled(metric, source, rows)
        self._pending.clear()


def assembled(metric: Metric, source: Source, rows: list[_Row]) -> Series:
    """Return a series of samples with several components."""
    units: list[str] = []
    columns: list[Quantities] = []
    for place in range(len(metric.components)):
        values = [row.values[place] for row in rows]
        for given in dict.fromkeys(value.unit for value in values if value.unit):
            if given not in units:
                units.append(given)
        numbers = [units.index(value.unit) + 1 if value.unit else 0 for value in values]
        columns.append(
            Quantities(
                np.array([value.mantissa for value in values], np.int64),
                np.array([value.scale for value in values], np.int8),
                np.array([value.comparator for value in values], np.uint8),
                np.array([value.absent for value in values], np.uint8),
                np.array(numbers, np.uint8),
                np.array([value.given_mantissa for value in values], np.int64),
                np.array([value.given_scale for value in values], np.int8),
            )
        )
    labels = tuple(row.label for row in rows if row.label is not None)
    return Series(metric, source, _times(rows), tuple(columns), tuple(units), labels or None)


def _times(rows: list[_Row]) -> Times:
    moments: NDArray[np.int64] = np.array([row.moment for row in rows], np.int64).reshape(-1, 4)
    return Times(
        moments[:, 0].copy(),
        moments[:, 1].copy(),
        moments[:, 2].astype(np.int16),
        moments[:, 3].astype(np.uint8),
    )
