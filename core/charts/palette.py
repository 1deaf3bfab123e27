"""The house's colours, once. ``.streamlit/config.toml`` repeats them for Streamlit; a test holds the two together.

Every colour of a mark keeps a contrast of 3:1 (WCAG 2.2, 1.4.11) against the light and the dark background,
so one figure serves both themes. The hues start from Okabe and Ito (2008, "Color Universal Design"); those
too light for paper are replaced by the hues farthest from the others under protanopia and deuteranopia.
"""

from __future__ import annotations

import zlib
from collections import Counter
from collections.abc import Iterable, Mapping
from itertools import cycle
from typing import Final, NamedTuple

from core.domain.hyperparameters import ModelFamily

ACCENT: Final = "#0072B2"
"""The one thing a chart is about."""

GOOD: Final = "#009E73"
BAD: Final = "#D55E00"

NEUTRAL: Final = "#7A828A"
"""Context: reference lines, what is not judged, what has no colour of its own."""

GRID: Final = "rgba(122, 130, 138, 0.25)"
TRANSPARENT: Final = "rgba(0, 0, 0, 0)"

CATEGORICAL: Final = (ACCENT, BAD, GOOD, "#3399CC", "#476B68", "#857CDE", "#C03030", "#B42D92")
"""Colours for things that differ in kind; the first five are far apart for colour-blind eyes too."""

SEQUENTIAL: Final = (
    "#E3EEF5",
    "#C6DEEC",
    "#A6CCE2",
    "#84B9D7",
    "#60A5CB",
    "#3990BE",
    "#0E7AAF",
    "#00649A",
    "#004E7C",
    "#00385C",
)
"""Little to much on the light background; the dark theme reads it backwards."""

_VIOLET: Final = "#7830FC"
"""Farther from the families' other colours, to all eyes, than any of ``CATEGORICAL`` that they leave."""

DIVERGING: Final = (ACCENT, NEUTRAL, BAD)
"""Below, at and above zero. Between blue and orange, which no colour-blindness confuses, lies a grey as strong."""

# The two forests are blues, the two boosters the warm and the green one, their blend violet, the baseline slate.
# The symbols tell the families apart where colour cannot.
_KNOWN: Final[Mapping[str, tuple[str, str]]] = {
    ModelFamily.RANDOM_FOREST: (CATEGORICAL[0], "circle"),
    ModelFamily.EXTRA_TREES: (CATEGORICAL[3], "square"),
    ModelFamily.HIST_GRADIENT_BOOSTING: (CATEGORICAL[1], "diamond"),
    ModelFamily.LIGHTGBM: (CATEGORICAL[2], "triangle-up"),
    ModelFamily.RIDGE: (CATEGORICAL[4], "cross"),
    ModelFamily.BLEND: (_VIOLET, "star"),
}
# Families that somebody added take what these leave: three colours and four symbols, twelve of which differ.
_FAMILIES: Final[Mapping[str, tuple[str, str]]] = {
    **_KNOWN,
    **dict(
        zip(
            (family for family in ModelFamily if family not in _KNOWN),
            zip(cycle(CATEGORICAL[5:]), cycle(("triangle-down", "pentagon", "hexagon", "hourglass")), strict=False),
            strict=False,
        )
    ),
}

_SYMBOLS: Final = ("circle", "square", "diamond", "triangle-up", "cross", "triangle-down", "star", "x")
_DASHES: Final = ("solid", "dash", "dot")


def family_colour(family: str) -> str:
    """The family's colour, the same on every screen; ``NEUTRAL`` for a family the lab does not know."""
    return _FAMILIES[family][0] if family in _FAMILIES else NEUTRAL


def family_symbol(family: str) -> str:
    """The family's plotly marker symbol; ``x`` for a family the lab does not know."""
    return _FAMILIES[family][1] if family in _FAMILIES else "x"


def run_colour(run_id: str) -> str:
    """The run's colour: it follows from the id alone, so it is the same in every session and on every screen.

    There are more runs than colours; where several stand side by side, take :func:`run_colours`.
    """
    return CATEGORICAL[_place(run_id)]


class Mark(NamedTuple):
    """How a run is drawn beside others: its colour, its plotly marker symbol, the dash of its line."""

    colour: str
    symbol: str
    dash: str


def run_colours(run_ids: Iterable[str]) -> dict[str, str]:
    """A colour for each run that are compared, distinct as long as there are colours.

    Each run keeps its :func:`run_colour` unless an earlier one has it; then it takes the next free one. Up to
    eight runs are distinct; from the ninth on colours come again, none a third time before all came twice.
    """
    given: dict[str, str] = {}
    times = Counter(dict.fromkeys(CATEGORICAL, 0))
    for run_id in run_ids:
        if run_id in given:
            continue
        start = _place(run_id)
        around = [*CATEGORICAL[start:], *CATEGORICAL[:start]]
        given[run_id] = min(around, key=times.__getitem__)
        times[given[run_id]] += 1
    return given


def run_marks(run_ids: Iterable[str]) -> dict[str, Mark]:
    """A mark for each run that are compared: :func:`run_colours`, and a symbol so that no two of 64 look alike.

    Pass all of the runs, always in the same order, and draw what you need: so a run looks the same in every chart.
    """
    marks: dict[str, Mark] = {}
    times: Counter[str] = Counter()
    for run_id, colour in run_colours(run_ids).items():
        again = times[colour]
        times[colour] += 1
        symbol = _SYMBOLS[(CATEGORICAL.index(colour) + again) % len(_SYMBOLS)]
        marks[run_id] = Mark(colour, symbol, _DASHES[again % len(_DASHES)])
    return marks


def faded(colour: str, opacity: float) -> str:
    """A ``#RRGGBB`` colour at an opacity of 0 to 1, as plotly takes it for fills."""
    red, green, blue = (int(colour[place : place + 2], 16) for place in (1, 3, 5))
    return f"rgba({red}, {green}, {blue}, {opacity:g})"


def _place(run_id: str) -> int:
    return zlib.crc32(run_id.encode()) % len(CATEGORICAL)
