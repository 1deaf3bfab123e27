"""Whether one model is better than another, or whether that is noise.

Two kinds of noise, and a test for each. *Which rows were scored*: the paired bootstrap over rows, for predictions
of the same rows. *Which seed the estimator had*: the paired t-interval over seeds, for two specs trained under the
same ones. Neither stands for the other: the first takes the fitted models as they are, the second the rows.
:mod:`core.evaluation.seeds` puts both into one interval; :mod:`core.evaluation.verdicts` has the words.

Every interval holds with 95 % on its own. Of twenty runs that are all as good as the baseline one will seem to
differ; the practical margin, not the interval, keeps that from mattering.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt

from core.domain.errors import InvalidData
from core.domain.runs import Scores
from core.evaluation.evaluate import score
from core.evaluation.verdicts import Difference, Judgement, Verdict, judge_difference, judge_scores

__all__ = [
    "CONFIDENCE",
    "RESAMPLES",
    "Difference",
    "Floats",
    "Judgement",
    "MeanInterval",
    "Resampled",
    "Verdict",
    "differences_to_baseline",
    "error_differences",
    "judge_difference",
    "judge_scores",
    "mean_interval",
    "paired_bootstrap",
    "paired_seeds",
    "resample",
]

CONFIDENCE: Final = 0.95
RESAMPLES: Final = 2_000

_TAIL: Final = (1 - CONFIDENCE) / 2
_ENDS: Final = (_TAIL, 1 - _TAIL)
_DRAWS_AT_ONCE: Final = 250_000
"""Rows drawn per round: what a processor's cache holds, however many rows and resamples there are."""

_ROUNDING: Final = 1e-9

Floats = npt.NDArray[np.float64]


class MeanInterval(NamedTuple):
    """A mean with its 95 % interval; a single score has none."""

    mean: float
    low: float | None
    high: float | None


@dataclass(frozen=True, slots=True, eq=False)
class Resampled:
    """Several models over the same resamples of the same rows; the baseline is the first of them.

    ``scores`` are those on all rows. ``rmse`` holds one RMSE a resample and model, shape (resamples, 1 + k), in 1990
    USD. ``differences`` are the other k models' to the baseline. ``rows`` is how many rows were scored.
    """

    scores: tuple[Scores, ...]
    rmse: Floats
    differences: tuple[dict[str, Difference], ...]
    rows: int


def resample(actual: Any, baseline: Any, others: Any, *, resamples: int = RESAMPLES, seed: int = 0) -> Resampled:
    """Score a baseline and k other models on the same rows, drawn anew many times: one draw serves all models.

    The paired bootstrap with percentile intervals (Efron and Tibshirani 1993, "An Introduction to the Bootstrap",
    chapter 13; for comparing two systems on one test set Koehn 2004, "Statistical Significance Tests for Machine
    Translation Evaluation").

    Args:
        actual, baseline: prices of shape (n,), row by row the same block groups.
        others: the other models' prices, shape (k, n).
        resamples: how often n rows are drawn, with replacement.
        seed: of the draws; the same seed gives the same intervals.

    Raises:
        InvalidData: shapes differ, there are fewer than two rows, a value is not finite, or nothing is drawn.
    """
    if resamples < 1:
        raise InvalidData(f"Cannot compare by {resamples} resamples.", remedy="Give at least 1; 2,000 are usual.")
    scores = tuple(score(actual, predicted) for predicted in (baseline, *others))
    prices = np.asarray(actual, dtype=float)
    # By column, the baseline first: what each model loses on each row.
    errors = np.abs(np.column_stack([baseline, *others]).astype(float) - prices[:, np.newaxis])
    relative = 100.0 * errors / np.maximum(np.abs(prices), 1.0)[:, np.newaxis]
    squares = errors**2
    centred = prices - prices.mean()
    # The others enter as differences to the baseline, so that equal predictions differ by exactly nothing.
    apart = [loss[:, 1:] - loss[:, :1] for loss in (squares, errors, relative)]
    losses = np.column_stack([squares[:, 0], centred, centred**2, *apart])
    means = _resampled_means(losses, resamples, seed)
    base, centre, spread = (means[:, [place]] for place in range(3))
    square, absolute, percentage = np.split(means[:, 3:], 3, axis=1)
    rmse = np.sqrt(np.maximum(np.column_stack([base, base + square]), 0.0))
    variance = spread - centre**2
    # A resample of one price over and over has no spread; rounding would leave it one.
    variance[variance < _ROUNDING * spread] = 0.0
    by_metric = {
        "rmse": _quotient(square, rmse[:, :1] + rmse[:, 1:]),
        "mae": absolute,
        "mape": percentage,
        "r2_score": -_quotient(square, variance, nothing=np.nan),
    }
    return Resampled(scores, rmse, _differences(scores, by_metric), len(prices))


def differences_to_baseline(
    actual: Any, baseline: Any, others: Any, *, resamples: int = RESAMPLES, seed: int = 0
) -> tuple[dict[str, Difference], ...]:
    """For each of k models ``rmse`` and ``mae`` (1990 USD), ``mape`` (percent) and ``r2_score`` minus the baseline's.

    Takes and raises the same as :func:`resample`. The ``r2_score`` is NaN where all prices are equal.
    """
    return resample(actual, baseline, others, resamples=resamples, seed=seed).differences


def paired_bootstrap(
    actual: Any, predicted: Any, other: Any, *, resamples: int = RESAMPLES, seed: int = 0
) -> Difference:
    """RMSE of ``predicted`` minus RMSE of ``other`` on the same rows, in 1990 USD. See :func:`resample`."""
    return error_differences(actual, predicted, other, resamples=resamples, seed=seed)["rmse"]


def error_differences(
    actual: Any, predicted: Any, other: Any, *, resamples: int = RESAMPLES, seed: int = 0
) -> dict[str, Difference]:
    """``predicted`` minus ``other`` on the same rows, for ``rmse`` and ``mae`` (1990 USD) and ``mape`` (percent).

    Args:
        actual, predicted, other: prices of shape (n,), row by row the same block groups.
        resamples, seed: as :func:`resample` takes them; it raises the same.
    """
    (found,) = differences_to_baseline(actual, other, [predicted], resamples=resamples, seed=seed)
    return {name: difference for name, difference in found.items() if name != "r2_score"}


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
    reach = student_reach(float(values.std(ddof=1) / np.sqrt(values.size)), values.size - 1)
    return MeanInterval(mean, mean - reach, mean + reach)


def student_reach(error: float, degrees: float) -> float:
    """How far Student's 95 % interval reaches to either side, for a standard error of so many degrees of freedom."""
    # Loaded here: nothing else in this module needs it, and it takes a third of a second.
    from scipy.special import stdtrit

    return float(stdtrit(degrees, 1 - _TAIL) * error)


def _quotient(above: Floats, below: Floats, nothing: float = 0.0) -> Floats:
    """``above / below``, and ``nothing`` where that is no number: two perfect models, or prices without a spread."""
    filled = np.full(np.broadcast_shapes(above.shape, below.shape), nothing)
    return np.asarray(np.divide(above, below, out=filled, where=below > 0))


def _differences(scores: Sequence[Scores], by_metric: dict[str, Floats]) -> tuple[dict[str, Difference], ...]:
    """The point differences with their percentile intervals; resamples without a figure are left out."""
    first, *others = (one.as_metrics() for one in scores)
    ends = {}
    for name, drawn in by_metric.items():
        drawn = drawn[np.isfinite(drawn).all(axis=1)]
        ends[name] = np.quantile(drawn, _ENDS, axis=0) if len(drawn) else np.full((2, drawn.shape[1]), np.nan)
    return tuple(
        {
            name: Difference(other[name] - first[name], float(ends[name][0, place]), float(ends[name][1, place]))
            for name in by_metric
        }
        for place, other in enumerate(others)
    )


def _resampled_means(losses: Floats, resamples: int, seed: int) -> Floats:
    """Mean of each column over each resample of the rows, shape (resamples, columns)."""
    rows = len(losses)
    random = np.random.default_rng(seed)
    means = np.empty((resamples, losses.shape[1]))
    at_once = max(1, _DRAWS_AT_ONCE // rows)
    for start in range(0, resamples, at_once):
        count = min(at_once, resamples - start)
        # How often each row was drawn, times its loss: all sums for the price of one pass over the draws.
        drawn = random.integers(0, rows, size=(count, rows)) + rows * np.arange(count)[:, np.newaxis]
        times = np.bincount(drawn.ravel(), minlength=count * rows).reshape(count, rows)
        means[start : start + count] = times @ losses / rows
    return means
