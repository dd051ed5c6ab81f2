"""The portal's colours keep WCAG 2.2 contrast, light and dark: AA is computed, not hoped."""

import re
from pathlib import Path

import pytest

STYLE = (
    Path(__file__).parents[3] / "src" / "pulsekey" / "portal" / "static" / "style.css"
).read_text(encoding="utf-8")

TEXT_RATIO = 4.5
"""Success criterion 1.4.3, text."""

OPERABLE_RATIO = 3.0
"""Success criterion 1.4.11, borders of controls, marks in plots, focus."""

TEXT = [
    *((ink, ground) for ink in ("ink", "ink-soft") for ground in ("paper", "surface", "sunken")),
    *((ink, "surface") for ink in ("accent", "accent-deep", "stop", "warn", "good")),
    *((ink, "paper") for ink in ("accent", "accent-deep", "stop")),
    ("on-accent", "accent"),
    ("on-accent", "accent-deep"),
    ("on-stop", "stop"),
    ("on-stop", "stop-deep"),
    *((each, f"{each}-wash") for each in ("accent", "stop", "warn", "good")),
    ("accent-deep", "accent-wash"),
    *(("ink", f"{each}-wash") for each in ("accent", "stop", "warn", "good")),
]
OPERABLE = [
    *((mark, "surface") for mark in ("edge", "focus", "plot-1", "plot-2", "plot-3")),
    ("edge", "paper"),
    ("edge", "sunken"),
    ("focus", "paper"),
    *((mark, "sunken") for mark in ("plot-1", "plot-2", "plot-3")),
]


def palettes() -> dict[str, dict[str, str]]:
    light, _, dark = STYLE.partition("@media (prefers-color-scheme: dark)")
    found = [
        dict(re.findall(r"--([a-z0-9-]+): (#[0-9a-f]{6});", part))
        for part in (light, dark.partition("/* The page */")[0])
    ]
    return {"light": found[0], "dark": found[0] | found[1]}


def luminance(colour: str) -> float:
    """Relative luminance, WCAG 2.2."""
    channels = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (
        each / 12.92 if each <= 0.04045 else ((each + 0.055) / 1.055) ** 2.4 for each in channels
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, two: str) -> float:
    darker, lighter = sorted((luminance(one), luminance(two)))
    return (lighter + 0.05) / (darker + 0.05)


def test_black_on_white_is_21_to_1() -> None:
    assert round(contrast("#000000", "#ffffff"), 2) == 21.0


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_every_pair_of_colours_can_be_read(theme: str) -> None:
    colours = palettes()[theme]
    pairs = [(*pair, TEXT_RATIO) for pair in TEXT] + [(*pair, OPERABLE_RATIO) for pair in OPERABLE]
    ratios = {
        (ink, ground): round(contrast(colours[ink], colours[ground]), 2)
        for ink, ground, least in pairs
        if contrast(colours[ink], colours[ground]) < least
    }
    assert ratios == {}


def test_dark_names_every_colour_again() -> None:
    found = palettes()
    same = {name for name, colour in found["light"].items() if found["dark"][name] == colour}
    assert same == set()
