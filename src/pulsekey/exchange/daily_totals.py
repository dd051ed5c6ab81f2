"""Use case: what was counted per day, each step once although a phone and a watch counted it both.

Derived on reading: the raw series stay as they are, and a total names the parts it was made of.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from pulsekey.evidence.entries import Asked
from pulsekey.exchange.gate import Gate, Scope
from pulsekey.identity.principals import Principal
from pulsekey.primitives.clock import MICROS_PER_SECOND, Micros
from pulsekey.primitives.errors import MalformedInput
from pulsekey.primitives.ids import PatientId, SeriesId
from pulsekey.primitives.messages import Said
from pulsekey.quality.chunks import joined
from pulsekey.quality.overlap import EPOCH_DAY, SUMMED, DailyTotal, daily_totals
from pulsekey.signals.catalogue import METRICS
from pulsekey.signals.series import Series
from pulsekey.vault.records import ROWS_PER_READ_MAX, Cursor, Order, Window

DAYS_MAX = 400
DAY_MICROS = 86_400 * MICROS_PER_SECOND
PAGES_MAX = 40


@dataclass(frozen=True, slots=True)
class Totals:
    """The days of a metric, oldest first, and the name of each source by its key."""

    limited: bool
    days: tuple[DailyTotal, ...]
    sources: dict[str, str]


@dataclass(frozen=True, slots=True)
class DailyTotals:
    gate: Gate

    def __call__(
        self,
        who: Principal,
        patient: PatientId,
        purpose: str,
        metric: str,
        begin: Micros | None,
        end: Micros | None,
    ) -> Totals:
        """Return the totals of the days from `begin` to `end` that have any.

        Without a `begin`, of the last `DAYS_MAX` days before `end` or the newest sample. Every
        source is read over the same days, or a lesser one would count where the better was not
        read.
        """
        if metric not in SUMMED:
            raise MalformedInput(
                "has no daily total",
                where="metric",
                cure=Said("one of {names}", names=", ".join(SUMMED)),
            )
        category = str(METRICS[metric].category)
        asked = Asked(("Observation",), (category,), (), begin, end, DAYS_MAX)
        opened = self.gate.open(who, patient, purpose, asked)
        found: dict[str, list[Series]] = {}
        names: dict[str, str] = {}
        entries = [
            (scope, entry) for scope in opened.scopes for entry in scope.series(frozenset({metric}))
        ]
        newest = max((entry.last for _, entry in entries), default=Micros(0))
        newest = newest if end is None else min(newest, end)
        # A day more than is told: wherever on earth it begins, the first of them is whole.
        start_min = begin if begin is not None else newest - (DAYS_MAX + 1) * DAY_MICROS
        for scope, entry in entries:
            window = Window(start_min=start_min, start_max=end)
            names[entry.source.key] = entry.source.name
            found.setdefault(entry.source.key, []).extend(_all(scope, entry.id, window))
        days = daily_totals([joined(chunks) for chunks in found.values() if chunks])
        if begin is None:
            first = EPOCH_DAY + timedelta(days=newest // DAY_MICROS - DAYS_MAX + 1)
            days = tuple(one for one in days if one.day >= first)
        return Totals(opened.limited, days[-DAYS_MAX:], names)


def _all(scope: Scope, series: SeriesId, window: Window) -> Sequence[Series]:
    chunks: list[Series] = []
    after: Cursor | None = None
    for _ in range(PAGES_MAX):
        page = scope.samples(
            [series],
            windows=(window,),
            after=after,
            order=Order.OLDEST,
            limit=ROWS_PER_READ_MAX,
        )
        chunks += [samples.series for samples in page.samples if len(samples)]
        if page.next is None:
            return chunks
        after = page.next
    raise MalformedInput("too many samples", where="period", cure="ask for fewer days")
