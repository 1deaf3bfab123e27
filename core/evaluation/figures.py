"""Pictures of a fit: the arithmetic every picture shares, and small static PNGs for the records.

The PNGs lie beside a run as MLflow artifacts, for readers without the app. They are drawn straight on a
canvas of their own: no pyplot, so nothing global is set and threads do not meet. Matplotlib loads on first use.
"""

from __future__ import annotations

import io
import textwrap
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
import numpy.typing as npt

from core.domain.money import SURVEY_CAP

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Floats = npt.NDArray[np.float64]

_INK: Final = "#14181B"
_FAINT: Final = "#7A828A"
_POINTS: Final = "#0072B2"
_TREND: Final = "#D55E00"
_INCHES: Final = (4.8, 4.2)
_DPI: Final = 160
_COLOURS: Final = 64
_TITLE_WIDTH: Final = 52


@dataclass(frozen=True, slots=True, eq=False)
class PairedPrices:
    """Recorded and predicted prices that are both numbers, 1990 USD, shape (n,) each.

    ``rows`` are their positions in what was given; ``omitted`` counts the positions left out.
    """

    actual: Floats
    predicted: Floats
    rows: npt.NDArray[np.intp]
    omitted: int

    @property
    def residual(self) -> Floats:
        """Recorded − predicted: negative where the estimate is too high."""
        return self.actual - self.predicted


def paired(actual: npt.ArrayLike, predicted: npt.ArrayLike) -> PairedPrices:
    """The rows where both prices are finite.

    Raises:
        ValueError: the two are not one-dimensional or differ in length.
    """
    recorded = np.asarray(actual, dtype=np.float64)
    estimated = np.asarray(predicted, dtype=np.float64)
    if recorded.ndim != 1 or recorded.shape != estimated.shape:
        raise ValueError(f"actual has shape {recorded.shape} and predicted {estimated.shape}; both must be (n,).")
    rows = np.flatnonzero(np.isfinite(recorded) & np.isfinite(estimated))
    return PairedPrices(recorded[rows], estimated[rows], rows, recorded.size - rows.size)


@dataclass(frozen=True, slots=True, eq=False)
class ResidualBand:
    """Median residual and the band holding the middle 80 % of them, along the predicted price; 1990 USD."""

    predicted: Floats
    low: Floats
    median: Floats
    high: Floats


def residual_band(prices: PairedPrices, *, bins: int = 20, smallest: int = 20) -> ResidualBand:
    """Median, 10th and 90th percentile of the residuals in bins of equal count along the predicted price.

    Fewer bins when one would hold under ``smallest`` rows; none at all below that: percentiles of a handful
    of rows say nothing.
    """
    count = min(bins, prices.predicted.size // smallest)
    if count == 0:
        nothing = np.empty(0)
        return ResidualBand(nothing, nothing, nothing, nothing)
    order = np.argsort(prices.predicted, kind="stable")
    size = order.size
    place = np.arange(size)
    bin_of = place * count // size
    first = np.searchsorted(bin_of, np.arange(count))
    table = np.full((2, count, int(np.bincount(bin_of).max())), np.nan)
    table[0, bin_of, place - first[bin_of]] = prices.predicted[order]
    table[1, bin_of, place - first[bin_of]] = prices.residual[order]
    low, median, high = np.nanpercentile(table[1], [10, 50, 90], axis=1)
    return ResidualBand(np.nanmedian(table[0], axis=1), low, median, high)


def omission(omitted: int) -> str:
    """What to say about rows that could not be drawn; empty when there are none."""
    return "" if not omitted else f"{omitted:,} row{'s' if omitted != 1 else ''} without a number left out"


def fit_png(actual: npt.ArrayLike, predicted: npt.ArrayLike, title: str) -> bytes:
    """Predicted against recorded prices as a PNG under 100 kB.

    Args:
        actual, predicted: 1990 USD, shape (n,). Rows where either is no number are left out and counted.

    Raises:
        ValueError: the two are not one-dimensional or differ in length.
    """
    prices = paired(actual, predicted)
    figure, axes = _canvas(title, prices)
    axes.set_xlabel("Recorded value (1990 $)", color=_INK)
    axes.set_ylabel("Predicted value (1990 $)", color=_INK)
    if prices.rows.size:
        low, high = price_range(prices)
        axes.plot(prices.actual, prices.predicted, ".", color=_POINTS, alpha=0.35, markersize=3, markeredgewidth=0)
        axes.plot([low, high], [low, high], "-", color=_TREND, linewidth=1.2, label="perfect estimate")
        axes.axvline(SURVEY_CAP, color=_FAINT, linewidth=1, linestyle=":")
        axes.annotate(
            "survey cap ", (SURVEY_CAP, low), ha="right", va="bottom", color=_INK, fontsize=8, annotation_clip=False
        )
        axes.set_xlim(low, high)
        axes.set_ylim(low, high)
        axes.set_aspect("equal")
        axes.legend(loc="upper left", fontsize=8, frameon=False, labelcolor=_INK)
        axes.xaxis.set_major_formatter(_thousands)
        axes.yaxis.set_major_formatter(_thousands)
    return _png(figure)


def residual_png(actual: npt.ArrayLike, predicted: npt.ArrayLike, title: str) -> bytes:
    """Residuals along the predicted price, with their median and middle 80 %, as a PNG under 100 kB.

    Takes and raises the same as :func:`fit_png`.
    """
    prices = paired(actual, predicted)
    figure, axes = _canvas(title, prices)
    axes.set_xlabel("Predicted value (1990 $)", color=_INK)
    axes.set_ylabel("Residual: recorded − predicted (1990 $)", color=_INK)
    if prices.rows.size:
        band = residual_band(prices)
        axes.plot(prices.predicted, prices.residual, ".", color=_POINTS, alpha=0.3, markersize=3, markeredgewidth=0)
        axes.axhline(0, color=_FAINT, linewidth=1)
        if band.median.size:
            axes.fill_between(band.predicted, band.low, band.high, color=_TREND, alpha=0.18, linewidth=0)
            axes.plot(band.predicted, band.median, "-", color=_TREND, linewidth=1.5, label="median, middle 80 %")
            axes.legend(loc="upper left", fontsize=8, frameon=False, labelcolor=_INK)
        axes.xaxis.set_major_formatter(_thousands)
        axes.yaxis.set_major_formatter(_thousands)
    return _png(figure)


def price_range(prices: PairedPrices) -> tuple[float, float]:
    """One range for both axes: every price, zero and the survey cap in it, with a little air above."""
    low = float(min(0.0, prices.actual.min(), prices.predicted.min()))
    high = float(max(SURVEY_CAP, prices.actual.max(), prices.predicted.max()))
    return low - 0.03 * (high - low) * (low < 0), high + 0.05 * (high - low)


def _canvas(title: str, prices: PairedPrices) -> tuple[Figure, Axes]:
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=_INCHES, dpi=_DPI, facecolor="white", layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot(facecolor="white")
    counted = ", ".join(part for part in (f"{prices.rows.size:,} held-out rows", omission(prices.omitted)) if part)
    name = f"{textwrap.fill(_drawable(title), _TITLE_WIDTH)}\n"
    # A name is text: between dollar signs matplotlib would read a formula, and fail on one that is none.
    axes.set_title(name, fontsize=11, color=_INK, loc="left", parse_math=False)
    axes.text(0, 1.02, counted, transform=axes.transAxes, fontsize=8.5, color=_INK, va="bottom")
    axes.grid(color=_FAINT, alpha=0.25, linewidth=0.6)
    axes.set_axisbelow(True)
    axes.tick_params(colors=_INK, labelsize=8.5, length=0)
    for side in ("top", "right", "left", "bottom"):
        axes.spines[side].set_visible(False)
    if not prices.rows.size:
        axes.set_xticks([])
        axes.set_yticks([])
        axes.text(0.5, 0.5, "No held-out rows to draw.", transform=axes.transAxes, ha="center", color=_INK)
    return figure, axes


def _thousands(amount: float, _position: float) -> str:
    return "$0" if round(amount) == 0 else f"{'−' if amount < 0 else ''}${abs(amount) / 1000:,.0f}k"


def _drawable(text: str) -> str:
    """The text with a box for every sign the font lacks."""
    from matplotlib.font_manager import findfont, get_font

    font = get_font(findfont("DejaVu Sans"))
    return "".join(sign if sign == " " or font.get_char_index(ord(sign)) else "□" for sign in text)


def _png(figure: Figure) -> bytes:
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from PIL import Image

    canvas = FigureCanvasAgg(figure)
    canvas.draw()  # type: ignore[no-untyped-call]
    # A picture of three hues needs no 24 bits a pixel: with a palette it is a third of the size.
    pixels = np.asarray(canvas.buffer_rgba())  # type: ignore[no-untyped-call]
    picture = Image.fromarray(pixels).convert("RGB")
    file = io.BytesIO()
    picture.quantize(_COLOURS, method=Image.Quantize.FASTOCTREE, dither=Image.Dither.NONE).save(
        file, "PNG", dpi=(_DPI, _DPI)
    )
    return file.getvalue()
