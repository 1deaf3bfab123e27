"""What a metric is called, in which unit it stands, and what it says: once for tables, charts, reports and help."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from core.domain.money import MISSING, decimal, dollars, duration, memory, percent, true_minus


class Unit(StrEnum):
    """How a metric's figures are written."""

    DOLLARS = "1990 $"
    PERCENT = "%"
    SHARE = "share"
    SECONDS = "s"
    MEGABYTES = "MB"
    COUNT = "count"
    NONE = ""


_WITHOUT_UNIT: Final = (Unit.NONE, Unit.SHARE, Unit.COUNT)


@dataclass(frozen=True, slots=True)
class Metric:
    """A metric of a run.

    ``lower_is_better`` is None for one that is neither good nor bad. One that is ``aside`` belongs to the run's own
    records: a table shows it when asked for.
    """

    name: str
    label: str
    unit: Unit
    lower_is_better: bool | None
    help: str
    aside: bool = False

    @property
    def title(self) -> str:
        """The label with its unit, for an axis: ``RMSE (1990 $)``."""
        return f"{self.label} ({self.unit})" if self.unit not in _WITHOUT_UNIT else self.label


@dataclass(frozen=True, slots=True)
class Wanted:
    """Between which figures a metric should lie, ends included."""

    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.low:g} to {self.high:g}".replace("-", "−")

    def holds(self, figure: float) -> bool:
        """Whether the figure lies within; NaN does not."""
        return self.low <= figure <= self.high


RATIO_RANGES: Final[Mapping[str, Wanted]] = {
    "cod": Wanted(5.0, 15.0),
    "prd": Wanted(0.98, 1.03),
    "prb": Wanted(-0.05, 0.05),
}
"""What assessors want of a ratio study: IAAO, "Standard on Ratio Studies" (2013), tables 1-3 and part 9.2.

The COD's is that of older or heterogeneous homes; rural and mixed ones may go to 20. One below 5 is too good: the
prices were known to whoever estimated them.
"""

_METRICS: Final = (
    Metric(
        "rmse",
        "RMSE",
        Unit.DOLLARS,
        True,
        "Root mean squared error on the held-out rows, in 1990 dollars: large misses weigh most.",
    ),
    Metric(
        "mae",
        "MAE",
        Unit.DOLLARS,
        True,
        "Mean absolute error on the held-out rows: how far off an estimate is on average, in 1990 dollars.",
    ),
    Metric(
        "r2_score",
        "R²",
        Unit.NONE,
        False,
        "The share of the price differences between block groups that the model explains. 1 is all of it.",
    ),
    Metric(
        "mape",
        "MAPE",
        Unit.PERCENT,
        True,
        "Mean absolute percentage error: how far off an estimate is on average, in percent of the price.",
    ),
    Metric(
        "spatial_rmse",
        "Spatial RMSE",
        Unit.DOLLARS,
        True,
        "RMSE on training rows in whole blocks of the map, each priced by a model that saw nothing of its block, in "
        "1990 dollars: what a new place would cost. Beside it belongs the out-of-fold RMSE, whose parts are random.",
    ),
    Metric(
        "spatial_mae",
        "Spatial MAE",
        Unit.DOLLARS,
        True,
        "Mean absolute error on the same blocks of the map, in 1990 dollars.",
        aside=True,
    ),
    Metric(
        "spatial_folds",
        "Spatial parts",
        Unit.COUNT,
        None,
        "In how many parts of whole blocks the spatial RMSE was measured: two are compared only where this agrees.",
        aside=True,
    ),
    Metric(
        "coverage",
        "Coverage",
        Unit.SHARE,
        None,
        "The share of held-out prices that lie inside their 90 % prediction interval. 90 % is as promised.",
    ),
    Metric(
        "coverage_80",
        "Coverage of 80 %",
        Unit.SHARE,
        None,
        "The share of held-out prices that lie inside their 80 % prediction interval. 80 % is as promised.",
        aside=True,
    ),
    Metric(
        "interval_width",
        "Range width",
        Unit.DOLLARS,
        True,
        "How wide the 90 % prediction interval is on the held-out rows, on average, in 1990 dollars.",
    ),
    Metric(
        "out_of_fold_rmse",
        "Out-of-fold RMSE",
        Unit.DOLLARS,
        True,
        "RMSE on the training rows, each priced by a model that was not fitted on it, in 1990 dollars: the errors its "
        "ranges are made from. In more parts than a sweep's trial, so not to be compared with CV RMSE.",
        aside=True,
    ),
    Metric(
        "cod",
        "COD",
        Unit.PERCENT,
        True,
        "Coefficient of dispersion: how far the ratio of estimate to recorded price lies from its median on average, "
        f"in percent of it, on the held-out rows without capped ones. Assessors want {RATIO_RANGES['cod']}.",
        aside=True,
    ),
    Metric(
        "prd",
        "PRD",
        Unit.NONE,
        None,
        "Price-related differential: the mean ratio over the ratio of the sums, on the same rows. Above 1 dear areas "
        f"are estimated lower beside their price than cheap ones. Assessors want {RATIO_RANGES['prd']}.",
        aside=True,
    ),
    Metric(
        "prb",
        "PRB",
        Unit.NONE,
        None,
        "Price-related bias: by which share the ratio changes when the value doubles, on the same rows. Below 0 dear "
        f"areas are estimated lower beside their price. Assessors want {RATIO_RANGES['prb']}.",
        aside=True,
    ),
    Metric("cv_rmse", "CV RMSE", Unit.DOLLARS, True, "RMSE in cross-validation of the training rows, in 1990 dollars."),
    Metric("fit_seconds", "Fit", Unit.SECONDS, True, "How long the fit alone took."),
    Metric("model_mb", "Memory", Unit.MEGABYTES, True, "What the fitted model takes in memory."),
    Metric(
        "held_out_rmse",
        "RMSE while growing",
        Unit.DOLLARS,
        True,
        "RMSE on the held-out rows after each step of the fit, in 1990 dollars.",
        aside=True,
    ),
    Metric("train_rows", "Rows fitted", Unit.COUNT, None, "Block groups the model was fitted on.", aside=True),
    Metric("held_out_rows", "Rows held out", Unit.COUNT, None, "Block groups that only score it.", aside=True),
    Metric(
        "restored_trees",
        "Trees restored",
        Unit.COUNT,
        None,
        "Trees taken over from a checkpoint of a worker that died.",
        aside=True,
    ),
)

METRICS: Final[Mapping[str, Metric]] = {metric.name: metric for metric in _METRICS}
"""The metrics the lab knows, by the name they have in MLflow."""

RATIO_NAMES: Final = tuple(RATIO_RANGES)
"""The three figures of a ratio study, in the order screens show them."""

SCORE_NAMES: Final = ("rmse", "mae", "r2_score", "mape")
"""The four scores of every training on the held-out rows, in the order screens show them."""


def metric_of(name: str) -> Metric:
    """The metric of that name; one the lab does not know is a plain number under its own name."""
    return METRICS.get(name) or Metric(name, name, Unit.NONE, None, f"The metric {name}, as its run logged it.")


def figure_text(name: str, value: float | None) -> str:
    """A metric's figure as people read it; missing and NaN → ``—``, infinite → ``∞``."""
    if value is None or math.isnan(value):
        return MISSING
    unit = metric_of(name).unit
    if math.isinf(100 * value if unit is Unit.SHARE else value):
        return "∞" if value > 0 else "−∞"
    match unit:
        case Unit.DOLLARS:
            return dollars(value)
        case Unit.PERCENT:
            return percent(value)
        case Unit.SHARE:
            return percent(100 * value)
        case Unit.COUNT:
            return f"{value:,.0f}"
        case Unit.SECONDS:
            return duration(value)
        case Unit.MEGABYTES:
            return memory(value)
        case _:
            return decimal(value) if name in METRICS else true_minus(f"{value:,.6g}")
