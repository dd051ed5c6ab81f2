"""Decimal texts to integer mantissas and scales, a column at a time, never by way of a float.

The one rule: what comes out stands for exactly the number that was written. Only what has more than
18 digits or decimals, which no sensor measures and a double cannot hold, is rounded half to even to
that many; what is no finite decimal at all is refused.
"""

from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from fractions import Fraction
from typing import Final

import numpy as np
from numpy.typing import NDArray

from pulsekey.signals.series import SCALE_MAX, Int8s, Int64s

FAST_WIDTH: Final = 20
"""Up to this many characters a text is read by columns."""

DIGITS_MAX: Final = 18
"""As many digits fit an int64 whatever they are; FHIR's decimal promises no more."""

TEXT_MAX: Final = 64
"""A longer text is no measurement."""

MANTISSA_MAX: Final = 10**DIGITS_MAX - 1

_ZERO, _NINE, _POINT, _MINUS = b"09.-"


@dataclass(frozen=True, slots=True, eq=False)
class Decimals:
    """`mantissa` int64[n], `scale` int8[n] (value = mantissa / 10**scale); `legible` bool[n].

    Where a row is not legible the other two are zero.
    """

    mantissa: Int64s
    scale: Int8s
    legible: NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.mantissa)


def read(texts: list[str]) -> Decimals:
    """Read a column of decimals: plain or with an exponent; no plus, no NaN, no infinity."""
    n = len(texts)
    mantissa = np.zeros(n, np.int64)
    scale = np.zeros(n, np.int8)
    legible = np.zeros(n, np.bool_)
    if not n:
        return Decimals(mantissa, scale, legible)
    longest = max(map(len, texts))
    if longest <= FAST_WIDTH:
        column = np.array(texts, f"U{max(1, longest)}")
        _read_plain(column, mantissa, scale, legible)
    else:
        short = np.array([len(text) <= FAST_WIDTH for text in texts])
        column = np.array(
            [text if len(text) <= FAST_WIDTH else "" for text in texts], f"U{FAST_WIDTH}"
        )
        _read_plain(column, mantissa, scale, legible)
        legible &= short
    if "\0" in "".join(texts):
        # In a column a NUL looks like the end of a shorter text.
        torn = np.array(["\0" in text for text in texts])
        legible[torn], mantissa[torn], scale[torn] = False, 0, 0
    for row in np.flatnonzero(~legible):
        number = one(texts[row])
        if number is not None:
            mantissa[row], scale[row] = number
            legible[row] = True
    return Decimals(mantissa, scale, legible)


def one(text: str) -> tuple[int, int] | None:
    """Return the mantissa and scale of one decimal text, None where there is no exact form."""
    if not text or len(text) > TEXT_MAX or not text.isascii() or "_" in text or text[0] == "+":
        return None
    try:
        number = Decimal(text)
    except InvalidOperation:
        return None
    if not number.is_finite() or text != text.strip():
        return None
    sign, digits, exponent = number.as_tuple()
    assert isinstance(exponent, int)
    mantissa = int("".join(map(str, digits)))
    return fitted(-mantissa if sign else mantissa, -exponent)


def fitted(mantissa: int, scale: int) -> tuple[int, int] | None:
    """Return the same number with a scale of 0 to SCALE_MAX and at most 18 digits.

    What does not fit is rounded half to even; None where even the whole part has too many digits.
    """
    if abs(scale) > TEXT_MAX:
        return None
    if scale < 0:
        mantissa, scale = mantissa * 10**-scale, 0
    excess = max(scale - SCALE_MAX, len(str(abs(mantissa))) - DIGITS_MAX, 0)
    if excess > scale:
        return None
    if excess:
        mantissa, scale = round(Fraction(mantissa, 10**excess)), scale - excess
    return (mantissa, scale) if abs(mantissa) <= MANTISSA_MAX else None


def _read_plain(
    column: NDArray[np.str_], mantissa: Int64s, scale: Int8s, legible: NDArray[np.bool_]
) -> None:
    """Fill in the rows of the form -?digits(.digits)?, one character position at a time."""
    n = len(column)
    points = np.zeros(n, np.bool_)
    digits = np.zeros(n, np.int8)
    legible[:] = True
    characters = np.ascontiguousarray(column.view(np.uint32).reshape(n, -1).T)
    negative = characters[0] == _MINUS
    for place, here in enumerate(characters):
        is_digit = (here >= _ZERO) & (here <= _NINE)
        if is_digit.all():
            mantissa *= 10
            mantissa += here.astype(np.int64) - _ZERO
            digits += 1
            scale += points
            continue
        is_point = here == _POINT
        legible &= is_digit | (is_point & ~points) | (here == 0)
        if not place:
            legible |= negative
        np.multiply(mantissa, 10, out=mantissa, where=is_digit)
        np.add(mantissa, here.astype(np.int64) - _ZERO, out=mantissa, where=is_digit)
        digits += is_digit
        scale += is_digit & points
        points |= is_point
    np.negative(mantissa, out=mantissa, where=negative)
    # "5." and ".5" are not FHIR's way to write decimals, yet they can be read; "." cannot.
    legible &= (digits > 0) & (digits <= DIGITS_MAX)
    mantissa[~legible] = 0
    scale[~legible] = 0
