"""Assessors' ratio studies: whether cheap and dear block groups are estimated at the same share of their price.

Figures, ranges and the measure of value are those of the International Association of Assessing Officers, "Standard on
Ratio Studies" (2013), parts 5 and 9 and appendices B and D. A ratio is the estimate over the recorded price: 1.05 says
that the estimate is 5 % too high. The standard is written for the sales of homes in one jurisdiction; here a row is a
block group of a whole state, so its ranges are a yardstick and no law.

A price recorded at the survey's cap is no price but "this or more", and the ratio to it is too high by nobody knows how
much. Such rows are left out of every figure here, and told beside: with them dear areas would look over-valued.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from core.domain.errors import InvalidData
from core.evaluation.segments import is_recorded_cap, map_cells

Floats = npt.NDArray[np.float64]

LEVEL_REACH: Final = 0.05
"""By so much of the whole's level may the level of a part differ (the standard's part 9.2.1)."""

PARTS: Final = 10
QUARTER: Final = 0.25


@dataclass(frozen=True, slots=True)
class RatioStudy:
    """The figures of one ratio study; NaN where the rows cannot tell.

    Attributes:
        rows: block groups it is over.
        median: the level: the median ratio.
        cod: coefficient of dispersion: how far ratios lie from their median on average, in percent of it.
        prd: price-related differential: the mean ratio over the ratio of the sums. Above 1 dear ones are favoured
            (regressive).
        prb: price-related bias: by which share of the level the ratio changes when the value doubles. Below 0 dear
            ones are favoured.
    """

    rows: int
    median: float
    cod: float
    prd: float
    prb: float

    def as_metrics(self) -> dict[str, float]:
        """``cod``, ``prd`` and ``prb`` as a run logs them; those that are no number are left out."""
        figures = {"cod": self.cod, "prd": self.prd, "prb": self.prb}
        return {name: figure for name, figure in figures.items() if np.isfinite(figure)}


@dataclass(frozen=True, slots=True)
class ValueBand:
    """Block groups of similar value, in 1990 USD from ``low`` to ``high``: their median ratio and COD in percent."""

    low: float
    high: float
    rows: int
    median: float
    cod: float


@dataclass(frozen=True, slots=True, eq=False)
class RatioCells:
    """Ratios in map cells of equal size: centres in degrees, rows, median ratio and median recorded price; shape (m,).

    ``cheap`` and ``dear`` are the median ratios of the rows in the quarter of the cells where prices are lowest and
    highest; NaN below four cells.
    """

    longitude: Floats
    latitude: Floats
    rows: npt.NDArray[np.intp]
    median: Floats
    price: Floats
    degrees: float
    cheap: float
    dear: float


@dataclass(frozen=True, slots=True, eq=False)
class Fairness:
    """The ratio study of a version's held-out rows: ``study`` without the ``capped`` rows, ``with_capped`` with them.

    ``bands`` are of equal count by value, the cheapest first; ``cells`` is None where the places are not known.
    """

    study: RatioStudy
    with_capped: RatioStudy
    capped: int
    bands: tuple[ValueBand, ...]
    cells: RatioCells | None


def ratio_study(actual: npt.ArrayLike, predicted: npt.ArrayLike) -> RatioStudy:
    """The figures over all these rows.

    Args:
        actual: recorded prices in 1990 USD above 0, shape (n,). predicted: estimates, shape (n,).

    Raises:
        InvalidData: shapes differ, a price is not above zero, or one of either is not finite.
    """
    recorded, estimated = _pair(actual, predicted)
    return _study(recorded, estimated)


def uncapped_study(actual: npt.ArrayLike, predicted: npt.ArrayLike) -> RatioStudy:
    """The same without the rows recorded at the survey's cap. Takes and raises as :func:`ratio_study`."""
    recorded, estimated = _pair(actual, predicted)
    known = ~is_recorded_cap(recorded)
    return _study(recorded[known], estimated[known])


def judge_fairness(
    actual: npt.ArrayLike,
    predicted: npt.ArrayLike,
    longitude: npt.ArrayLike | None = None,
    latitude: npt.ArrayLike | None = None,
) -> Fairness:
    """All of it: overall, by value, and on the map where places in degrees, shape (n,), are given.

    Raises as :func:`ratio_study`.
    """
    recorded, estimated = _pair(actual, predicted)
    known = ~is_recorded_cap(recorded)
    cells = None
    if longitude is not None and latitude is not None:
        east, north = np.asarray(longitude, dtype=float)[known], np.asarray(latitude, dtype=float)[known]
        cells = _by_cell(east, north, recorded[known], estimated[known])
    return Fairness(
        study=_study(recorded[known], estimated[known]),
        with_capped=_study(recorded, estimated),
        capped=int(np.count_nonzero(~known)),
        bands=_by_value(recorded[known], estimated[known]),
        cells=cells,
    )


def _study(recorded: Floats, estimated: Floats) -> RatioStudy:
    if not recorded.size:
        return RatioStudy(0, np.nan, np.nan, np.nan, np.nan)
    ratios = estimated / recorded
    median = float(np.median(ratios))
    whole = float(estimated.sum() / recorded.sum())
    return RatioStudy(
        rows=recorded.size,
        median=median,
        cod=_dispersion(ratios),
        prd=float(ratios.mean() / whole) if whole > 0 else np.nan,
        prb=_bias(recorded, estimated, median),
    )


def _dispersion(ratios: Floats) -> float:
    median = float(np.median(ratios))
    return 100.0 * float(np.mean(np.abs(ratios - median))) / median if median > 0 else np.nan


def _value(recorded: Floats, estimated: Floats, level: float) -> Floats:
    """Half the recorded price, half the estimate at the level of all.

    Neither alone would do: sorted by the recorded price, any estimate that errs at all seems too high on the cheapest
    and too low on the dearest, and the other way round by the estimate.
    """
    return 0.5 * recorded + 0.5 * estimated / level


def _bias(recorded: Floats, estimated: Floats, level: float) -> float:
    """The slope of (ratio − median) / median on the binary logarithm of value, by least squares."""
    if not level > 0:
        return np.nan
    value = _value(recorded, estimated, level)
    there = value > 0  # a straight line may fall below zero, where nothing doubles
    size = np.log2(value[there])
    spread = size - size.mean() if size.size else size
    squares = float(spread @ spread)
    if size.size < 3 or squares <= np.finfo(float).eps * size.size * max(1.0, float(np.max(size**2))):
        return np.nan
    off = (estimated[there] / recorded[there] - level) / level
    return float(spread @ off) / squares


def _by_value(recorded: Floats, estimated: Floats) -> tuple[ValueBand, ...]:
    """Ten bands of equal count; none where there are fewer rows than bands, or no level."""
    level = float(np.median(estimated / recorded)) if recorded.size else np.nan
    if recorded.size < PARTS or not level > 0:
        return ()
    value = _value(recorded, estimated, level)
    order = np.argsort(value, kind="stable")
    return tuple(_band(value[rows], (estimated / recorded)[rows]) for rows in np.array_split(order, PARTS))


def _band(value: Floats, ratios: Floats) -> ValueBand:
    return ValueBand(float(value.min()), float(value.max()), value.size, float(np.median(ratios)), _dispersion(ratios))


def _by_cell(east: Floats, north: Floats, recorded: Floats, estimated: Floats) -> RatioCells | None:
    """Cells of half a degree that hold rows enough; None where no cell does."""
    cells = map_cells(east, north)
    count = len(cells.rows)
    if not count:
        return None
    inside = cells.cell_of >= 0
    cell_of, ratios, prices = cells.cell_of[inside], (estimated / recorded)[inside], recorded[inside]
    median, price = _medians(ratios, cell_of, count), _medians(prices, cell_of, count)
    order = np.argsort(price, kind="stable")
    quarter = int(QUARTER * count)
    return RatioCells(
        longitude=cells.longitude,
        latitude=cells.latitude,
        rows=cells.rows,
        median=median,
        price=price,
        degrees=cells.degrees,
        cheap=_level_in(order[:quarter], cell_of, ratios),
        dear=_level_in(order[count - quarter :], cell_of, ratios),
    )


def _medians(figures: Floats, group: npt.NDArray[np.intp], groups: int) -> Floats:
    """The median of each group's figures; every group of 0 to ``groups`` − 1 occurs."""
    order = np.lexsort((figures, group))
    ends = np.cumsum(np.bincount(group, minlength=groups))
    starts = ends - np.bincount(group, minlength=groups)
    ranked = figures[order]
    return np.asarray(0.5 * (ranked[(starts + ends - 1) // 2] + ranked[(starts + ends) // 2]))


def _level_in(chosen: Sequence[int] | npt.NDArray[np.intp], cell_of: npt.NDArray[np.intp], ratios: Floats) -> float:
    rows = np.isin(cell_of, chosen)
    return float(np.median(ratios[rows])) if rows.any() else float("nan")


def _pair(actual: npt.ArrayLike, predicted: npt.ArrayLike) -> tuple[Floats, Floats]:
    recorded, estimated = np.asarray(actual, dtype=np.float64), np.asarray(predicted, dtype=np.float64)
    if recorded.ndim != 1 or recorded.shape != estimated.shape:
        raise InvalidData(
            f"No ratios of {estimated.shape} estimates to {recorded.shape} prices.",
            remedy="Give two one-dimensional arrays of the same length.",
        )
    if not (np.isfinite(estimated).all() and np.isfinite(recorded).all() and (recorded > 0).all()):
        raise InvalidData(
            "A ratio study needs recorded prices above zero and an estimate of each row.",
            remedy="Leave out rows without a recorded price, and look at the model that estimated this.",
        )
    return recorded, estimated
