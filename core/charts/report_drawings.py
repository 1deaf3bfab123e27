"""Drawings for paper: SVG that stands in a page as it is, without a script and without anything to fetch."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Final

from core.charts.palette import NEUTRAL
from core.charts.range_bar import INNER, OUTER
from core.charts.report_tables import text
from core.charts.waterfall import LOWERS, RAISES
from core.domain.money import SURVEY_CAP, dollar_change, dollars, is_capped, price_text
from core.domain.price_range import PriceRange
from core.domain.reasons import Reasons

_WIDTH: Final = 640
_LABELS: Final = 128
_RIGHT: Final = 12
_ROW: Final = 24
_BAR: Final = 13
_FIGURES: Final = 78
"""Pixels a figure of dollars takes beside its bar."""

_STEP: Final = 100_000
_MOST_LINES: Final = 8


def range_drawing(price: float, price_range: PriceRange) -> str:
    """The price across its 80 and 90 % range, on an axis from zero to the survey's cap."""
    low, high = min(0.0, price, price_range.outer.low), max(SURVEY_CAP, price, price_range.outer.high)

    def across(amount: float) -> float:
        return _LABELS + (amount - low) / (high - low) * (_WIDTH - _RIGHT - _LABELS - 24)

    lines = list(range(0, round(SURVEY_CAP), _STEP))
    bottom = 2 * 34 + 6
    parts = [_grid(across(value), bottom, f"${value // 1000}k" if value else "$0") for value in lines]
    for row, (name, one, colour) in enumerate(
        (("80 % range", price_range.inner, INNER), ("90 % range", price_range.outer, OUTER))
    ):
        top = 34 * row + 18
        parts.append(_words(_LABELS - 10, top + 10, name, "end"))
        parts.append(_bar(across(one.low), across(one.high), top, colour))
        middle = (one.low + one.high) / 2
        side = "start" if middle < 0.35 * SURVEY_CAP else "end" if middle > 0.65 * SURVEY_CAP else "middle"
        at = {"start": one.low, "middle": middle, "end": one.high}[side]
        parts.append(_words(across(at), top - 4, one.text, side))
        parts.append(_diamond(across(price), top + _BAR / 2))
    if is_capped(max(price, price_range.outer.high)):
        parts.append(_grid(across(SURVEY_CAP), bottom, "", dashed=True))
    said = f"{price_text(price)}; 80 % range {price_range.inner.text}, 90 % {price_range.outer.text}"
    return _drawing(parts, bottom + 20, said)


def waterfall_drawing(reasons: Reasons) -> str:
    """The steps from the starting point down to the price."""
    steps = [part.dollars for part in reasons.parts]
    reached = [reasons.base, *(reasons.base + total for total in itertools.accumulate(steps))]
    low, high = min(reached), max(reached)
    left, right = _LABELS + _FIGURES, _WIDTH - _RIGHT - _FIGURES

    def across(amount: float) -> float:
        return left + (amount - low) / max(high - low, 1.0) * (right - left)

    bottom = _ROW * (len(steps) + 2)
    parts = [_grid(across(value), bottom, f"${value / 1000:,.0f}k") for value in _round_values(low, high)]
    parts.append(
        _end(0, across(reasons.base), "Starting point", dollars(reasons.base), is_left=reasons.base * 2 < low + high)
    )
    for row, (part, (before, after)) in enumerate(
        zip(reasons.parts, itertools.pairwise(reached), strict=True), start=1
    ):
        top = _ROW * row + (_ROW - _BAR) / 2
        parts.append(_words(_LABELS - 10, top + 10, part.group.label, "end"))
        parts.append(_bar(across(before), across(after), top, LOWERS if part.dollars < 0 else RAISES))
        x, side = (across(after) - 5, "end") if part.dollars < 0 else (across(after) + 5, "start")
        parts.append(_words(x, top + 10, dollar_change(part.dollars), side))
    parts.append(
        _end(
            len(steps) + 1,
            across(reasons.price),
            "Price",
            price_text(reasons.price),
            is_left=reasons.price * 2 < low + high,
            kind="strong",
        )
    )
    said = ", ".join(f"{part.group.label} {dollar_change(part.dollars)}" for part in reasons.parts)
    return _drawing(parts, bottom + 20, f"From {dollars(reasons.base)} to {price_text(reasons.price)}: {said}")


def _drawing(parts: Sequence[str], height: float, said: str) -> str:
    return (
        f'<svg viewBox="0 0 {_WIDTH} {height:g}" role="img" aria-label="{text(said)}" '
        f'xmlns="http://www.w3.org/2000/svg">{"".join(parts)}</svg>'
    )


def _words(x: float, y: float, words: str, side: str, kind: str = "") -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{side}" class="{kind}">{text(words)}</text>'


def _bar(one: float, other: float, top: float, colour: str) -> str:
    left, width = min(one, other), max(abs(other - one), 0.75)
    return f'<rect x="{left:.1f}" y="{top:.1f}" width="{width:.1f}" height="{_BAR}" fill="{colour}"/>'


def _diamond(x: float, y: float) -> str:
    return f'<path d="M{x:.1f} {y - 6:.1f}l6 6l-6 6l-6 -6z" class="mark"/>'


def _grid(x: float, bottom: float, words: str, *, dashed: bool = False) -> str:
    dash = ' stroke-dasharray="4 3"' if dashed else ' opacity="0.35"'
    line = f'<line x1="{x:.1f}" x2="{x:.1f}" y1="0" y2="{bottom:g}" stroke="{NEUTRAL}"{dash}/>'
    return line + (_words(x, bottom + 14, words, "middle", "faint") if words else "")


def _end(row: int, x: float, label: str, figure: str, *, is_left: bool, kind: str = "") -> str:
    middle = _ROW * (row + 0.5)
    at, side = (x + 10, "start") if is_left else (x - 10, "end")
    return (
        _words(_LABELS - 10, middle + 4, label, "end", kind)
        + _diamond(x, middle)
        + _words(at, middle + 4, figure, side, kind)
    )


def _round_values(low: float, high: float) -> list[float]:
    """Round amounts of thousands between the two, at most so many."""
    sizes = (1_000.0 * factor * 10**power for power in range(4) for factor in (1, 2, 5))
    step = next(size for size in sizes if (high - low) / size <= _MOST_LINES)
    first = -(-low // step)
    return [step * number for number in range(int(first), int(high // step) + 1)]
