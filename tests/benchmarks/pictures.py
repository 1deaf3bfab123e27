"""The benchmarks as two pictures: each figure as a share of its bound, and how costs grow."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Sequence
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Final

from tests.benchmarks.claims import Claim, Growth, Measured, written

if TYPE_CHECKING:
    from matplotlib.axes import Axes

HOLDS, MISSED, INK, FAINT = "#0072B2", "#D55E00", "#333333", "#BBBBBB"
"""Blue and vermilion of Okabe and Ito's palette, told apart with any colour vision."""

LINES: Final = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9")
WIDTH: Final = 10.0
ROW: Final = 0.42
LEAST_SHARE: Final = 0.01
"""A figure of 0 has no place on a logarithmic axis: it is drawn here."""

_STYLE: Final = {
    "font.size": 9,
    "text.color": INK,
    "axes.edgecolor": FAINT,
    "axes.labelcolor": INK,
    "svg.hashsalt": "0",
}


def draw(found: Sequence[Measured], folder: Path) -> tuple[Path, ...]:
    """Write ``benchmarks.png`` and ``growth.png`` there, those for which there are figures; their paths."""
    import matplotlib as mpl
    from matplotlib.figure import Figure

    folder.mkdir(parents=True, exist_ok=True)
    claims = [claim for one in found for claim in one.claims]
    panels = list(panels_of([line for one in found for line in one.growth]))
    drawn: list[Path] = []
    with mpl.rc_context(_STYLE):
        if claims:
            figure = Figure(figsize=(WIDTH, 1.0 + ROW * len(claims)), layout="constrained")
            _claims(figure.subplots(), claims)
            drawn.append(folder / "benchmarks.png")
            figure.savefig(drawn[-1], dpi=110)
        if panels:
            rows = (len(panels) + 1) // 2
            figure = Figure(figsize=(WIDTH, 3.0 * rows), layout="constrained")
            axes = figure.subplots(rows, 2, squeeze=False).ravel()
            for ax, (table, unit, lines) in zip(axes, panels, strict=False):
                _growth(ax, table, unit, lines)
            for ax in axes[len(panels) :]:
                ax.set_axis_off()
            drawn.append(folder / "growth.png")
            figure.savefig(drawn[-1], dpi=110)
    return tuple(drawn)


def share_of_bound(claim: Claim) -> float:
    """How much of what it may be a figure is: at most 1 where the bound holds, whichever side it is of."""
    if claim.at_least:
        return claim.bound / claim.measured if claim.measured > 0 else float("inf")
    if claim.bound == 0:
        return LEAST_SHARE if claim.measured == 0 else float("inf")
    return claim.measured / claim.bound


def panels_of(lines: Sequence[Growth]) -> Iterator[tuple[str, str, tuple[Growth, ...]]]:
    """What is drawn in a panel of its own: the costs of one table that have the same unit."""
    for table, group in groupby(sorted(lines, key=lambda line: line.table), key=lambda line: line.table):
        own = tuple(sorted(group, key=lambda line: line.size))
        if len({line.size for line in own}) < 2:
            continue
        heads = dict.fromkeys(head for line in own for head in line.costs)
        for unit in dict.fromkeys(unit_of(head) for head in heads if unit_of(head)):
            chosen = (
                Growth(line.table, line.size, {head: v for head, v in line.costs.items() if unit_of(head) == unit})
                for line in own
            )
            yield table, unit, tuple(line for line in chosen if line.costs)


def unit_of(head: str) -> str:
    """``ms`` of ``page, ms``; nothing for a count."""
    return head.rpartition(", ")[2] if ", " in head else ""


def _claims(ax: Axes, claims: Sequence[Claim]) -> None:
    shares = [min(max(share_of_bound(claim), LEAST_SHARE), 100.0) for claim in claims]
    colours = [HOLDS if claim.holds else MISSED for claim in claims]
    places = range(len(claims))
    ax.hlines(places, LEAST_SHARE, shares, color=colours, linewidth=2)
    ax.scatter(shares, places, color=colours, zorder=3)
    ax.axvline(1.0, color=INK, linewidth=1)
    for place, (claim, share) in enumerate(zip(claims, shares, strict=True)):
        told = f"{written(claim.measured, claim.unit)} ({claim.allowed})"
        ax.annotate(_text(told), (share, place), xytext=(7, 0), textcoords="offset points", va="center", fontsize=8)
    ax.set_yticks(list(places), [_text(textwrap.fill(claim.what, 62)) for claim in claims], fontsize=7)
    ax.set_xscale("log")
    ax.set_xlim(LEAST_SHARE, 30)
    ax.set_xlabel("share of what it may be (logarithmic): the bound holds left of the line")
    ax.invert_yaxis()
    _plain(ax)


def _growth(ax: Axes, table: str, unit: str, lines: Sequence[Growth]) -> None:
    for number, head in enumerate(dict.fromkeys(head for line in lines for head in line.costs)):
        there = [(line.size, line.costs[head]) for line in lines if head in line.costs]
        ax.plot(*zip(*there, strict=True), marker="o", color=LINES[number % len(LINES)], label=_text(head))
    ax.set_xscale("log")
    ax.set_yscale("log")
    ax.set_xlabel(_text(table))
    ax.set_ylabel(unit)
    ax.legend(fontsize=7, frameon=False)
    _plain(ax)


def _plain(ax: Axes) -> None:
    ax.spines[["top", "right"]].set_visible(False)
    ax.grid(visible=True, axis="x", color=FAINT, linewidth=0.4)


def _text(words: str) -> str:
    """Between dollar signs matplotlib would read a formula."""
    return words.replace("$", r"\$")
