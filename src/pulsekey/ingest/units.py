"""Units as files write them, to the units that we keep. Exact wherever a decimal can be exact.

The one rule: a unit that stands in no table here is refused, never guessed. A converted value is
exact where it is a finite decimal (pounds, feet, miles, fractions always are); where it is not
(degrees Fahrenheit, kilometres an hour) it is rounded half to even, three digits beyond what was
given. What was given stays beside the converted value in every case.

Factors: pound, foot, inch and mile as the international yard and pound agreement (1959) defines
them, thermochemical calorie (4.184 J, ISO 80000-5:2007), molar mass of glucose 180.156 g/mol
(C6H12O6, IUPAC 2021 abridged standard atomic weights), gram and litre of the SI.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Final

import numpy as np
from numpy.typing import NDArray

from pulsekey.ingest.decimals import MANTISSA_MAX, Decimals, fitted
from pulsekey.signals.series import SCALE_MAX, Int8s, Int64s

EXTRA_DIGITS: Final = 3


@dataclass(frozen=True, slots=True)
class Conversion:
    """value in our unit = value given * factor + origin. `identity`: the unit was ours already."""

    factor: Fraction
    origin: Fraction = Fraction(0)

    @property
    def identity(self) -> bool:
        return self.factor == 1 and not self.origin


IDENTITY: Final = Conversion(Fraction(1))
GLUCOSE_TO_MASS: Final = Conversion(Fraction("18.0156"))
"""From mmol/L to mg/dL. For showing only: a reading is kept in the kind of quantity it came in."""
GLUCOSE_TO_SUBSTANCE: Final = Conversion(1 / Fraction("18.0156"))
"""From mg/dL to mmol/L."""

_GIVEN: Final[Mapping[str, Mapping[str, str | tuple[str, str]]]] = {
    # our unit: {unit as written: factor, or (factor, origin)}
    "/min": {"count/min": "1", "/min": "1", "bpm": "1", "count/s": "60", "rpm": "1"},
    "%": {"%": "1"},
    "Cel": {"degC": "1", "Cel": "1", "°C": "1", "degF": ("5/9", "-160/9"), "K": ("1", "-273.15")},
    "[iU]": {"IU": "1", "[iU]": "1", "u": "1", "U": "1"},
    "cm": {"cm": "1", "m": "100", "mm": "0.1", "in": "2.54", "ft": "30.48"},
    "dB[SPL]": {"dBASPL": "1", "dB[SPL]": "1", "dB": "1"},
    "deg": {"deg": "1"},
    "g": {"g": "1", "mg": "0.001", "kg": "1000", "oz": "28.349523125"},
    "h": {"h": "1", "hr": "1", "count": "1", "min": "1/60"},
    "kcal": {
        "kcal": "1",
        "Cal": "1",
        "cal": "0.001",
        "kJ": "125/523",
        "J": "1/4184",
    },
    "kcal/(kg.h)": {"kcal/hr·kg": "1", "kcal/(kg·hr)": "1", "kcal/(kg.h)": "1"},
    "kg": {
        "kg": "1",
        "g": "0.001",
        "lb": "0.45359237",
        "lbs": "0.45359237",
        "oz": "0.028349523125",
        "st": "6.35029318",
    },
    "kg/m2": {"count": "1", "kg/m2": "1", "kg/m^2": "1"},
    "m": {
        "m": "1",
        "km": "1000",
        "cm": "0.01",
        "mm": "0.001",
        "mi": "1609.344",
        "yd": "0.9144",
        "ft": "0.3048",
        "in": "0.0254",
    },
    "m/s": {"m/s": "1", "km/hr": "5/18", "km/h": "5/18", "mi/hr": "0.44704", "ft/s": "0.3048"},
    "mL": {
        "mL": "1",
        "L": "1000",
        "cL": "10",
        "fl_oz_us": "29.5735295625",
        "fl_oz_imp": "28.4130625",
        "cup_us": "236.5882365",
    },
    "mL/(kg.min)": {"mL/min·kg": "1", "mL/(kg·min)": "1", "mL/kg·min": "1", "mL/(kg.min)": "1"},
    "mg": {"mg": "1", "g": "1000", "mcg": "0.001", "ug": "0.001"},
    "mg/dL": {"mg/dL": "1", "mg/L": "0.1"},
    "mm[Hg]": {"mmHg": "1", "mm[Hg]": "1", "kPa": "100/13.3322387415"},
    "mmol/L": {"mmol/L": "1", "mmol<180.1558800000541>/L": "1", "mmol<180.15588>/L": "1"},
    "min": {"min": "1", "s": "1/60", "hr": "60", "h": "60"},
    "ms": {"ms": "1", "s": "1000"},
    "mV": {"mV": "1", "µV": "0.001", "μV": "0.001", "uV": "0.001", "V": "1000"},
    "s": {"s": "1", "min": "60", "hr": "3600", "ms": "0.001"},
    "W": {"W": "1", "kW": "1000"},
    "{drinks}": {"count": "1"},
    "{flights}": {"count": "1"},
    "{pushes}": {"count": "1"},
    "{steps}": {"count": "1", "steps": "1"},
    "{strokes}": {"count": "1"},
}


def _fraction(text: str) -> Fraction:
    above, _, below = text.partition("/")
    return Fraction(above) / Fraction(below or "1")


def _conversion(written: str | tuple[str, str]) -> Conversion:
    if isinstance(written, str):
        return Conversion(_fraction(written))
    factor, origin = written
    return Conversion(_fraction(factor), _fraction(origin))


CONVERSIONS: Final[Mapping[tuple[str, str], Conversion]] = {
    (given, ours): _conversion(written)
    for ours, row in _GIVEN.items()
    for given, written in row.items()
}
"""By the unit as written and the UCUM code of ours."""

PERCENT_OF_FRACTION: Final = Conversion(Fraction(100))
"""Apple writes 97 % as 0.97 with the unit "%"."""


def conversion(given: str, ours: str) -> Conversion | None:
    """Return how to get from a unit as written to the unit with the UCUM code `ours`, or None."""
    return CONVERSIONS.get((given, ours))


def convert(values: Decimals, by: Conversion) -> Decimals:
    """Return the values in our unit; rows without a form that fits are no longer legible."""
    if by.identity:
        return values
    mantissa, scale, done = _shifted(values, by)
    legible = values.legible.copy()
    known: dict[tuple[int, int], tuple[int, int] | None] = {}
    for row in np.flatnonzero(~done & values.legible).tolist():
        given = int(values.mantissa[row]), int(values.scale[row])
        if given not in known:
            known[given] = convert_one(*given, by)
        result = known[given]
        if result is None:
            legible[row] = False
        else:
            mantissa[row], scale[row] = result
    return Decimals(mantissa, scale, legible)


def _shifted(values: Decimals, by: Conversion) -> tuple[Int64s, Int8s, NDArray[np.bool_]]:
    """Multiply by a finite decimal in int64; return also which rows that was possible for."""
    n = len(values)
    exact = None if by.origin else _power_of_ten(by.factor.denominator)
    if exact is None:
        return np.zeros(n, np.int64), np.zeros(n, np.int8), np.zeros(n, np.bool_)
    spread, digits = exact
    factor, zeros = by.factor.numerator * spread, 0
    while factor % 10 == 0:
        factor, zeros = factor // 10, zeros + 1
    # Tens of the factor first take decimals away, and only then lengthen the mantissa.
    taken = np.minimum(values.scale, zeros)
    multiplier = factor * np.power(10, (zeros - taken).astype(np.int64))
    done: NDArray[np.bool_] = np.abs(values.mantissa) <= MANTISSA_MAX // multiplier
    mantissa = np.where(done, values.mantissa, 0) * multiplier
    scale = values.scale.astype(np.int16) - taken + digits
    for _ in range(digits):
        # Digits that the factor added and did not need: 0.5 lb is written with as few as it takes.
        spare = (scale > values.scale) & (mantissa % 10 == 0)
        if not spare.any():
            break
        mantissa = np.where(spare, mantissa // 10, mantissa)
        scale = scale - spare
    done &= scale <= SCALE_MAX
    return mantissa, np.where(done, scale, 0).astype(np.int8), done


def convert_one(mantissa: int, scale: int, by: Conversion) -> tuple[int, int] | None:
    """Return one value in our unit as mantissa and scale, None where it does not fit."""
    result = Fraction(mantissa, 10**scale) * by.factor + by.origin
    exact = _power_of_ten(result.denominator)
    if exact is not None and exact[1] <= SCALE_MAX:
        spread, digits = exact
        return fitted(result.numerator * spread, digits)
    digits = min(scale + EXTRA_DIGITS, SCALE_MAX)
    return fitted(round(result * 10**digits), digits)


def _power_of_ten(denominator: int) -> tuple[int, int] | None:
    """Return (k, d) with k / 10**d == 1 / denominator, None where there is no such decimal."""
    twos = fives = 0
    while denominator % 2 == 0:
        denominator, twos = denominator // 2, twos + 1
    while denominator % 5 == 0:
        denominator, fives = denominator // 5, fives + 1
    if denominator != 1:
        return None
    digits = max(twos, fives)
    return 2 ** (digits - twos) * 5 ** (digits - fives), digits
