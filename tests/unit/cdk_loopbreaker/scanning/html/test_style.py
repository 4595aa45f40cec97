"""The style of the page can be read by everybody."""

from __future__ import annotations

import re
from importlib.resources import files
from typing import Final

import pytest

_CSS: Final = (files("cdk_loopbreaker.scanning.html") / "report.css").read_text(encoding="utf-8")
_LEAST_CONTRAST: Final = 4.5  # WCAG 2.2, success criterion 1.4.3, level AA
_COLOURS: Final = re.compile(r"--(\w+): #([0-9a-f]{3,6});")


def read_theme(number: int) -> dict[str, str]:
    """The colours of the light theme (0), and of the dark one (1)."""
    block = _CSS.split(":root {")[number + 1].split("}")[0]
    return dict(_COLOURS.findall(block))


def measure_luminance(colour: str) -> float:
    """The relative luminance of a colour (WCAG 2.2)."""
    digits = "".join(one * 2 for one in colour) if len(colour) == 3 else colour
    parts = [int(digits[at : at + 2], 16) / 255 for at in (0, 2, 4)]
    linear = [one / 12.92 if one <= 0.04045 else ((one + 0.055) / 1.055) ** 2.4 for one in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


@pytest.mark.parametrize("theme", [0, 1])
@pytest.mark.parametrize("ground", ["ground", "sheet"])
@pytest.mark.parametrize("ink", ["ink", "soft", "alarm", "amber", "calm", "link"])
def test_contrast(theme: int, ground: str, ink: str) -> None:
    """Every text stands out from what lies behind it, in both themes."""
    colours = read_theme(theme)
    darker, lighter = sorted(map(measure_luminance, (colours[ink], colours[ground])))

    assert (lighter + 0.05) / (darker + 0.05) >= _LEAST_CONTRAST


def test_nothing_is_loaded() -> None:
    """The style names no file, no font and no address."""
    assert not re.search(r"url\(|@import|@font-face|https?:", _CSS)
