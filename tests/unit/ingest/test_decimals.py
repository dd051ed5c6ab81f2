"""A decimal text comes out as exactly the number it writes, or not at all."""

from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pulsekey.ingest import decimals, units
from pulsekey.ingest.decimals import DIGITS_MAX, one, read
from pulsekey.signals.series import SCALE_MAX

WRITTEN = st.decimals(
    allow_nan=False, allow_infinity=False, places=9, min_value=-(10**8), max_value=10**8
)


@given(st.lists(WRITTEN.map(str) | st.integers(-(10**17), 10**17).map(str), max_size=30))
def test_what_is_written_is_what_is_read(texts: list[str]) -> None:
    found = read(texts)
    assert found.legible.all()
    for text, mantissa, scale in zip(texts, found.mantissa, found.scale, strict=True):
        assert Fraction(int(mantissa), 10 ** int(scale)) == Fraction(text)


@given(st.lists(st.floats(allow_nan=False, allow_infinity=False, min_value=1e-9, max_value=1e9)))
def test_a_double_with_all_its_digits_is_read(numbers: list[float]) -> None:
    found = read([repr(number) for number in numbers])
    assert found.legible.all()
    for number, mantissa, scale in zip(numbers, found.mantissa, found.scale, strict=True):
        difference = abs(Fraction(int(mantissa), 10 ** int(scale)) - Fraction(repr(number)))
        assert difference <= Fraction(1, 2 * 10**SCALE_MAX)


@given(st.lists(st.text(alphabet="0123456789.-+eE_ ١x", max_size=24)))
def test_columns_and_single_texts_are_read_alike(texts: list[str]) -> None:
    found = read(texts)
    for row, text in enumerate(texts):
        try:
            number = Decimal(text)
        except ArithmeticError:
            number = Decimal("nan")
        if found.legible[row]:
            value = Fraction(int(found.mantissa[row]), 10 ** int(found.scale[row]))
            assert abs(value - Fraction(number)) <= Fraction(1, 10**SCALE_MAX) or len(text) > 18
        else:
            assert one(text) is None


@pytest.mark.parametrize(
    "text",
    [
        *("", ".", "-", "NaN", "inf", "-Infinity", "1.2.3", "--1", "1-2", "+1", " 1", "1 ", "1_0"),
        *("١", "1e400", "9" * 19, "1" * 100, "0x10", "1,5"),
    ],
)
def test_what_is_no_exact_decimal_is_not_legible(text: str) -> None:
    assert not read([text]).legible[0]
    assert one(text) is None


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("1e-05", (1, 5)),
        ("65.00", (6500, 2)),
        ("-0.5", (-5, 1)),
        ("5.", (5, 0)),
        ("1E3", (1000, 0)),
    ],
)
def test_digits_are_kept_as_they_were_written(text: str, number: tuple[int, int]) -> None:
    found = read([text])
    assert (int(found.mantissa[0]), int(found.scale[0])) == number


def test_one_bad_row_leaves_its_neighbours_alone() -> None:
    found = read(["1", "x", "2.5", "9" * 40])
    assert found.legible.tolist() == [True, False, True, False]
    assert found.mantissa.tolist() == [1, 0, 25, 0]


@pytest.mark.parametrize(
    ("text", "given_unit", "ours", "value"),
    [
        ("150.2", "lb", "kg", "68.129573974"),
        ("5.9", "ft", "cm", "179.832"),
        ("98.6", "degF", "Cel", "37"),
        ("100.4", "degF", "Cel", "38"),
        ("1.25", "km", "m", "1250"),
        ("0.0123", "km", "m", "12.3"),
        ("1", "mi", "m", "1609.344"),
        ("4.5", "km/hr", "m/s", "1.25"),
        ("418.4", "kJ", "kcal", "100"),
        ("1", "Cal", "kcal", "1"),
        ("36.6", "min", "s", "2196.0"),
        ("2.5", "L", "mL", "2500"),
    ],
)
def test_conversions_are_exact(text: str, given_unit: str, ours: str, value: str) -> None:
    by = units.conversion(given_unit, ours)
    assert by is not None
    found = units.convert(read([text]), by)
    assert Fraction(int(found.mantissa[0]), 10 ** int(found.scale[0])) == Fraction(value)
    number = one(text)
    assert number is not None
    single = units.convert_one(*number, by)
    assert single is not None
    assert Fraction(single[0], 10 ** single[1]) == Fraction(value)


@given(
    st.sampled_from(sorted(units.CONVERSIONS)), st.lists(WRITTEN.map(str), min_size=1, max_size=9)
)
def test_a_converted_column_is_within_half_a_unit_of_its_last_digit(
    named: tuple[str, str], texts: list[str]
) -> None:
    by = units.CONVERSIONS[named]
    found = units.convert(read(texts), by)
    for row, text in enumerate(texts):
        if not found.legible[row]:
            assert abs(Fraction(text) * by.factor) >= 10**DIGITS_MAX
            continue
        exact = Fraction(text) * by.factor + by.origin
        scale = int(found.scale[row])
        assert abs(Fraction(int(found.mantissa[row]), 10**scale) - exact) <= Fraction(
            1, 2 * 10**scale
        )


def test_glucose_goes_there_and_back() -> None:
    assert units.convert_one(72, 1, units.GLUCOSE_TO_MASS) == (12971232, 5)
    assert units.convert_one(100, 0, units.GLUCOSE_TO_SUBSTANCE) == (5551, 3)


def test_a_unit_that_is_not_known_has_no_conversion() -> None:
    assert units.conversion("furlong", "m") is None
    assert units.conversion("mg/dL", "mmol/L") is None


def test_a_value_too_large_for_its_unit_is_not_legible() -> None:
    by = units.conversion("km", "m")
    assert by is not None
    found = units.convert(read(["999999999999999999", "1"]), by)
    assert found.legible.tolist() == [False, True]
    assert decimals.fitted(10**18, 0) is None


@pytest.mark.parametrize("text", ["1\0002", "12\0", "\00012", "\0", "-\0001", "1.\0005"])
def test_what_holds_a_nul_is_no_number(text: str) -> None:
    found = decimals.read(["7", text, "1.5"])
    assert found.legible.tolist() == [True, False, True]
    assert found.mantissa.tolist() == [7, 0, 15]
