"""What a rule about a metric is made of. Every limit names what it rests on.

A limit is in the unit of the catalogue, stated again here so that a test notices when one of them
changes. Where we chose a number that no publication states, the source says "ours" and from what.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Bounds:
    """Plausible values of one component. Outside is IMPLAUSIBLE: questionable, never worse."""

    component: str
    ucum: str
    low: float
    high: float
    source: str


@dataclass(frozen=True, slots=True)
class SensorRange:
    """The ends of what the sensor can report. At an end, or beyond with a comparator, is SATURATED.

    `stops` are values between the two at which some models end: exactly there is SATURATED too.
    """

    low: float
    high: float
    stops: tuple[float, ...]
    source: str


@dataclass(frozen=True, slots=True)
class Rate:
    """The fastest possible change, between neighbours at most `across_seconds` apart.

    Neighbours closer than `least_seconds` count as that far apart: rounding must not look like
    speed.
    """

    per_second: float
    least_seconds: float
    across_seconds: float
    source: str


@dataclass(frozen=True, slots=True)
class Flat:
    """How long a run of equal values must last, in how many rows, to be more than steady.

    A run ends at a pause longer than `pause_seconds`. A run whose rows are so dense that
    `HORIZON_ROWS` do not span `seconds` is not judged.
    """

    seconds: float
    rows: int
    pause_seconds: float
    source: str


@dataclass(frozen=True, slots=True)
class Lonely:
    """A row further than `gap_seconds` from both neighbours, in a series that is otherwise dense.

    Dense is sampled every `dense_seconds` or faster on either side of the gap.
    """

    gap_seconds: float
    dense_seconds: float
    source: str


@dataclass(frozen=True, slots=True)
class Pace:
    """The most that an interval can hold in a second."""

    per_second: float
    source: str


@dataclass(frozen=True, slots=True)
class Compression:
    """The shape of pressure on a glucose sensor: see `shapes.compressed`.

    Glucose in the metric's unit.
    """

    steep: float
    level: float
    source: str


@dataclass(frozen=True, slots=True)
class MetricRules:
    """All rules of one metric. One without any says why in `none_because`.

    `greater`, `smaller`: the component that must exceed the other in every row of a panel.
    """

    bounds: tuple[Bounds, ...] = ()
    sensor: SensorRange | None = None
    rate: Rate | None = None
    flat: Flat | None = None
    lonely: Lonely | None = None
    pace: Pace | None = None
    compression: Compression | None = None
    greater: str = ""
    smaller: str = ""
    none_because: str = ""


HORIZON_ROWS = 4_096
"""No rule looks further than this many rows to either side of the row that it judges."""

RATE_ROWS = 2
LONELY_ROWS = 4
CLOCK_ROWS = 2
COMPRESSION_ROWS = 256


def reach_rows(rules: MetricRules) -> int:
    """Return how many rows to either side the rules of a metric look at."""
    reach = CLOCK_ROWS
    if rules.rate is not None:
        reach = max(reach, RATE_ROWS)
    if rules.lonely is not None:
        reach = max(reach, LONELY_ROWS)
    if rules.compression is not None:
        reach = max(reach, COMPRESSION_ROWS)
    if rules.flat is not None:
        reach = max(reach, HORIZON_ROWS)
    return reach
