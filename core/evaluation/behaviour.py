"""What every price model must do before it may price houses, whatever its scores: tests of behaviour.

Invariance and directional expectation are those of Ribeiro, Wu, Guestrin and Singh (ACL 2020), "Beyond Accuracy:
Behavioral Testing of NLP Models with CheckList", told of houses: another order of rows or columns, or another index,
changes no price; more income lowers no price in the mean; a price is a price in 1990 dollars. They catch what a score
on well-kept rows cannot: a model that reads a row's place in the file, or a target in thousands.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Final

import numpy as np
import numpy.typing as npt

from core.domain.money import dollars, percent

if TYPE_CHECKING:
    import pandas as pd

Floats = npt.NDArray[np.float64]
Predict = Callable[["pd.DataFrame"], npt.ArrayLike]
"""From rows with the nine raw columns to prices in 1990 USD, shape (n,)."""

SAMPLED: Final = 64
"""Block groups that are asked about; with the incomes below 512 rows: tenths of a second for the slowest model."""

INCOMES: Final = 8
INCOME_ENDS: Final = (0.05, 0.95)
"""The curve runs through the middle 90 % of the rows' incomes: beyond them a model has next to nothing to go by."""

SAME: Final = 1e-6
"""How far apart, relative to it, two prices of one row may lie: the last digits of a sum depend on its order."""

MIDDLE: Final = (0.05, 0.95)
"""The median estimate must lie within the middle 90 % of the recorded prices: thousands or cents do not."""

MOST_BELOW_ZERO: Final = 0.1
"""A straight line falls below zero for the poorest areas (ridge: 1 to 4 % of the training rows). The gate of
promotion that loads a version asks for every price above zero; a model of which a tenth are not is none."""

INCOME: Final = "median_income"


class Rule(StrEnum):
    """What is checked, in this order."""

    FINITE = "finite prices"
    ROW_ORDER = "row order"
    COLUMN_ORDER = "column order"
    INDEX = "unused index"
    UNITS = "units"
    INCOME = "direction of income"


@dataclass(frozen=True, slots=True)
class BehaviourCheck:
    """One rule with its figures, as a sentence."""

    rule: Rule
    passed: bool
    detail: str

    def as_report(self) -> dict[str, object]:
        """JSON values only."""
        return {"rule": str(self.rule), "passed": self.passed, "detail": self.detail}


def check_behaviour(
    predict: Predict, rows: pd.DataFrame, prices: npt.ArrayLike, *, rmse: float, seed: int = 42
) -> tuple[BehaviourCheck, ...]:
    """Every rule on a sample of the rows the model was fitted on.

    Args:
        predict: the model, asked five times. rows: shape (n, 9). prices: their recorded ones, 1990 USD, shape (n,).
        rmse: the model's error on rows it was not fitted on, 1990 USD: what counts as noise follows from it.
        seed: which rows are drawn.
    """
    sample = rows.sample(min(SAMPLED, len(rows)), random_state=seed)
    before = _asked(predict, sample)
    finite = _finite(before, len(sample))
    if not finite.passed:
        # Nothing else can be told of prices that are none.
        return (finite,)
    order = np.random.default_rng(seed).permutation(len(sample))
    backwards = sample[list(sample.columns)[::-1]]
    renamed = sample.set_axis([f"house {number}" for number in range(len(sample))], axis="index")
    return (
        finite,
        _same(Rule.ROW_ORDER, "in another order of rows", before[order], _asked(predict, sample.iloc[order])),
        _same(Rule.COLUMN_ORDER, "with the columns in another order", before, _asked(predict, backwards)),
        _same(Rule.INDEX, "under another index", before, _asked(predict, renamed)),
        _units(before, np.asarray(prices, dtype=np.float64)),
        _direction(predict, sample, rows, rmse),
    )


def _asked(predict: Predict, rows: pd.DataFrame) -> Floats:
    return np.asarray(predict(rows), dtype=np.float64)


def _finite(found: Floats, rows: int) -> BehaviourCheck:
    if found.shape != (rows,):
        return BehaviourCheck(Rule.FINITE, passed=False, detail=f"{rows} rows get prices of shape {found.shape}.")
    wrong = int(np.count_nonzero(~np.isfinite(found)))
    said = f"{wrong} of {rows} rows get no finite price." if wrong else f"All {rows} rows get a finite price."
    return BehaviourCheck(Rule.FINITE, passed=not wrong, detail=said)


def _same(rule: Rule, how: str, before: Floats, after: Floats) -> BehaviourCheck:
    if after.shape != before.shape:
        return BehaviourCheck(rule, passed=False, detail=f"The same rows {how} get prices of shape {after.shape}.")
    apart = np.abs(after - before)
    moved = int(np.count_nonzero(~(apart <= SAME * np.maximum(np.abs(before), 1.0))))
    if moved:
        most = dollars(float(np.nanmax(apart))) if np.isfinite(apart).any() else "no number"
        said = f"{moved} of {len(before)} rows get another price {how}, by up to {most}."
    else:
        said = f"{len(before)} rows get the same price {how}."
    return BehaviourCheck(rule, passed=not moved, detail=said)


def _units(found: Floats, prices: Floats) -> BehaviourCheck:
    low, high = np.quantile(prices, MIDDLE).tolist()
    middle, below = float(np.median(found)), float(np.mean(found <= 0))
    said = (
        f"The median estimate is {dollars(middle)}, and the middle 90 % of the recorded prices lie from {dollars(low)} "
        f"to {dollars(high)}; {percent(100 * below)} of the estimates are not above zero, and at most "
        f"{percent(100 * MOST_BELOW_ZERO, 0)} may be."
    )
    return BehaviourCheck(Rule.UNITS, passed=low <= middle <= high and below <= MOST_BELOW_ZERO, detail=said)


def noise(rmse: float, asked: int, fitted: int, features: int) -> float:
    """How far a mean price may be off by chance, in 1990 USD: a smaller dip of it says nothing.

    A mean over m rows is known within RMSE / √m, and what k features tell on n fitted rows within RMSE · √(k / n), the
    mean variance of a fit by least squares.
    """
    return float(rmse * np.sqrt(1.0 / asked + features / fitted))


def _direction(predict: Predict, sample: pd.DataFrame, rows: pd.DataFrame, rmse: float) -> BehaviourCheck:
    """Whether the mean price over the sample falls anywhere as all of its incomes rise, by more than noise."""
    low, high = np.quantile(rows[INCOME].to_numpy(dtype=np.float64), INCOME_ENDS).tolist()
    grid = np.linspace(low, high, INCOMES)
    asked = sample.loc[sample.index.repeat(INCOMES)].assign(**{INCOME: np.tile(grid, len(sample))})
    curve = _asked(predict, asked).reshape(len(sample), INCOMES).mean(axis=0)
    falls = np.maximum.accumulate(curve) - curve
    worst = int(np.argmax(falls))
    fall, allowed = float(falls[worst]), noise(rmse, len(sample), *rows.shape)
    from_income = float(grid[int(np.argmax(curve[: worst + 1]))])
    way = f"{dollars(float(curve[0]))} at {low:.1f} to {dollars(float(curve[-1]))} at {high:.1f}"
    said = f"The mean price of {len(sample)} block groups goes from {way} tens of thousands of dollars of median income"
    if fall > 0:
        said += f"; between {from_income:.1f} and {grid[worst]:.1f} it falls by {dollars(fall)}"
    said += f", and up to {dollars(allowed)} is noise beside an RMSE of {dollars(rmse)}."
    # Not a comparison that NaN would pass.
    return BehaviourCheck(Rule.INCOME, passed=bool(fall <= allowed), detail=said)
