"""Whether one model is better than another, or whether that is noise.

Two kinds of noise, and a test for each. *Which rows were scored*: the paired bootstrap over rows, for two sets of
predictions of the same rows. *Which seed the estimator had*: the paired t-interval over seeds, for two specs
trained under the same ones. Neither stands for the other: the first takes the fitted models as they are, the
second the rows.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt

from core.domain.errors import InvalidData
from core.evaluation.evaluate import score

CONFIDENCE: Final = 0.95

_TAIL: Final = (1 - CONFIDENCE) / 2
_DRAWS_AT_ONCE: Final = 1_000_000
"""Rows drawn per round: some 20 MB, however many rows and resamples there are."""

Floats = npt.NDArray[np.float64]


class Verdict(StrEnum):
    """What a difference says about the first of two models."""

    BETTER = "better"
    WORSE = "worse"
    NO_REAL_DIFFERENCE = "no real difference"


@dataclass(frozen=True, slots=True)
class Difference:
    """An error of one model minus that of another, with its 95 % interval. Below zero the first is better."""

    delta: float
    low: float
    high: float

    @property
    def verdict(self) -> Verdict:
        """Better or worse only where the whole interval lies on that side of zero."""
        if self.high < 0:
            return Verdict.BETTER
        return Verdict.WORSE if self.low > 0 else Verdict.NO_REAL_DIFFERENCE


class MeanInterval(NamedTuple):
    """A mean with its 95 % interval; a single score has none."""

    mean: float
    low: float | None
    high: float | None


def paired_bootstrap(actual: Any, predicted: Any, other: Any, *, resamples: int = 2_000, seed: int = 0) -> Difference:
    """RMSE of ``predicted`` minus RMSE of ``other`` on the same rows, in 1990 USD. See :func:`error_differences`."""
    return error_differences(actual, predicted, other, resamples=resamples, seed=seed)["rmse"]


def error_differences(
    actual: Any, predicted: Any, other: Any, *, resamples: int = 2_000, seed: int = 0
) -> dict[str, Difference]:
    """``predicted`` minus ``other`` on the same rows, for ``rmse`` and ``mae`` (1990 USD) and ``mape`` (percent).

    The paired bootstrap with percentile intervals (Efron and Tibshirani 1993, "An Introduction to the Bootstrap",
    chapter 13; for comparing two systems on one test set Koehn 2004, "Statistical Significance Tests for Machine
    Translation Evaluation"). R² needs no line of its own: on the same rows it rises exactly when the RMSE falls.

    Args:
        actual, predicted, other: prices of shape (n,), row by row the same block groups.
        resamples: how often n rows are drawn anew, with replacement.
        seed: of the draws; the same seed gives the same interval.

    Raises:
        InvalidData: shapes differ, there are fewer than two rows, a value is not finite, or nothing is drawn.
    """
    scores = score(actual, predicted), score(actual, other)
    if resamples < 1:
        raise InvalidData(f"Cannot compare by {resamples} resamples.", remedy="Give at least 1; 2,000 are usual.")
    prices = np.asarray(actual, dtype=float)
    errors = np.abs(np.column_stack([predicted, other]) - prices[:, np.newaxis])
    means = _resampled_means(np.column_stack([errors**2, errors, _relative(errors, prices)]), resamples, seed)
    means[:, :2] = np.sqrt(means[:, :2])
    differences = means[:, 0::2] - means[:, 1::2]
    lows, highs = np.quantile(differences, [_TAIL, 1 - _TAIL], axis=0).tolist()
    first, second = (one.as_metrics() for one in scores)
    return {
        name: Difference(first[name] - second[name], low, high)
        for name, low, high in zip(("rmse", "mae", "mape"), lows, highs, strict=True)
    }


def paired_seeds(scores: Sequence[float], others: Sequence[float]) -> Difference:
    """The mean of ``scores`` minus ``others``, pair by pair under the same seed, with Student's t-interval.

    Raises:
        InvalidData: the two differ in length, there are fewer than two pairs, or a score is not finite.
    """
    if len(scores) != len(others) or len(scores) < 2:
        raise InvalidData(
            f"Cannot pair {len(scores)} scores with {len(others)}.",
            remedy="Give one score of each under every seed, and at least two seeds.",
        )
    mean, low, high = mean_interval([one - other for one, other in zip(scores, others, strict=True)])
    # Two pairs or more always have an interval; the mean stands in for the type checker alone.
    return Difference(mean, mean if low is None else low, mean if high is None else high)


def mean_interval(scores: Sequence[float]) -> MeanInterval:
    """The mean of some scores and Student's 95 % t-interval around it; without one where there is a single score.

    Raises:
        InvalidData: there is no score, or one is not finite.
    """
    values = np.asarray(scores, dtype=float)
    if not values.size or not np.isfinite(values).all():
        raise InvalidData(
            f"Cannot take the mean of {values.size} scores." if not values.size else "A score is no number.",
            remedy="Leave out trials without a score; at least one must be left.",
        )
    mean = float(values.mean())
    if values.size == 1:
        return MeanInterval(mean, None, None)
    # Loaded here: nothing else in this module needs it, and it takes a third of a second.
    from scipy.special import stdtrit

    reach = float(stdtrit(values.size - 1, 1 - _TAIL) * values.std(ddof=1) / np.sqrt(values.size))
    return MeanInterval(mean, mean - reach, mean + reach)


def _relative(errors: Floats, prices: Floats) -> Floats:
    return 100.0 * errors / np.maximum(np.abs(prices), 1.0)[:, np.newaxis]


def _resampled_means(losses: Floats, resamples: int, seed: int) -> Floats:
    """Mean of each column over each resample of the rows, shape (resamples, columns)."""
    rows = len(losses)
    random = np.random.default_rng(seed)
    means = np.empty((resamples, losses.shape[1]))
    at_once = max(1, _DRAWS_AT_ONCE // rows)
    for start in range(0, resamples, at_once):
        count = min(at_once, resamples - start)
        # How often each row was drawn, times its loss: six sums for the price of one pass over the draws.
        drawn = random.integers(0, rows, size=(count, rows)) + rows * np.arange(count)[:, np.newaxis]
        times = np.bincount(drawn.ravel(), minlength=count * rows).reshape(count, rows)
        means[start : start + count] = times @ losses / rows
    return means
