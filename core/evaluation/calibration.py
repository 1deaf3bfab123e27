"""Calibrating prediction intervals on out-of-fold prices, so that no row is lost to the fit of the model.

Cross-conformal prediction (Vovk 2015, "Cross-conformal predictors"; for its coverage Barber, Candès, Ramdas and
Tibshirani 2021, "Predictive inference with the jackknife+"): every training row has a price from a model that did
not see it, and a scale of errors from other rows' errors than its own. The intervals are then put around the
prices of the model fitted on all rows, which is a little better than those it was calibrated with.

What was tried by cross-validation of the training rows, for LightGBM with location features: one width in dollars for
all houses is 109,100 wide and covers the dearest fifth below the cap by .76; this 91,300 and .87; without the
neighbours 92,800 and .87. Quantile regression of the errors in place of one threshold (Romano, Patterson and Candès
2019, "Conformalized Quantile Regression") evens out the coverage of sure and unsure rows and is 3 % wider. Scales of
other likelihoods (gamma, Laplace, Student), several of them averaged, other models' prices as features, a centre moved
by the expected error, and a threshold for each fifth of the estimate change the width by less than 1 %, or pay for it
with the coverage of the dearest areas. ``tests/benchmarks/coverage.py`` prints the figures of the held-out rows.
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from core.domain.errors import InvalidData
from core.evaluation.error_scale import ErrorScale
from core.evaluation.held_out_coverage import NOTHING_HELD_OUT, HeldOutCoverage
from core.evaluation.intervals import IntervalModel
from core.evaluation.price_errors import level_of, within_the_survey
from core.features.direct import HouseRows

Floats = npt.NDArray[np.float64]

FEWEST_ROWS: Final = 20
"""From fewer training rows nothing is learnt about errors."""

PARTS: Final = 5
"""Into so many parts the training rows fall; the scale of each part is learnt from the others."""


def calibrate(
    X_train: pd.DataFrame,
    y_train: Any,
    out_of_fold: Any,
    X_held_out: pd.DataFrame,
    y_held_out: Any,
    predicted_held_out: Any,
    *,
    seed: int = 42,
) -> IntervalModel:
    """Learn how far off a model is, find its thresholds, and tell its coverage. 1 s for 16,512 rows.

    Args:
        X_train, X_held_out: rows with the nine raw columns, shapes (n, ≥ 9) and (m, ≥ 9); m may be 0.
        y_train, y_held_out: recorded prices in 1990 USD, shapes (n,) and (m,).
        out_of_fold: prices of the training rows, each from a model that did not see it, shape (n,).
        predicted_held_out: the final model's prices, shape (m,). They and the held-out rows serve to tell coverage
            alone: the intervals are the same whatever was held out.
        seed: of the scale's trees and of the parts.

    Raises:
        InvalidData: lengths differ, a price is missing or infinite, or there are fewer than
            :data:`FEWEST_ROWS` training rows.
        RecordsError: LightGBM cannot start on this machine.
    """
    held, predicted = _prices(X_held_out, y_held_out, predicted_held_out, "held-out rows", fewest=0)
    recorded, prices = map(
        within_the_survey, _prices(X_train, y_train, out_of_fold, "training rows", fewest=FEWEST_ROWS)
    )
    rows = HouseRows.from_frame(X_train)
    scores = np.abs(level_of(recorded) - level_of(prices)) / _cross_fitted_scale(rows, recorded, prices, seed)
    model = IntervalModel(
        scale=ErrorScale.fit(rows, recorded, prices, seed=seed),
        threshold_80=conformal_threshold(scores, 0.8),
        threshold_90=conformal_threshold(scores, 0.9),
        held_out=NOTHING_HELD_OUT,
    )
    return replace(model, held_out=_coverage(model, X_held_out, held, predicted)) if len(held) else model


def conformal_threshold(scores: Floats, level: float) -> float:
    """The score that a new row's stays within with probability ``level`` (0 to 1), if it is exchangeable with these.

    The ⌈(n + 1) · level⌉-th smallest of n (Lei et al. 2018); from 9 on there is one for a level of 0.9.
    """
    rank = math.ceil((len(scores) + 1) * level)
    return float(np.partition(scores, rank - 1)[rank - 1])


def _cross_fitted_scale(rows: HouseRows, recorded: Floats, prices: Floats, seed: int) -> Floats:
    from sklearn.model_selection import KFold

    scale = np.empty(len(prices))
    for others, part in KFold(PARTS, shuffle=True, random_state=seed).split(prices):
        learnt = ErrorScale.fit(_those(rows, others), recorded[others], prices[others], seed=seed)
        scale[part] = learnt.of(_those(rows, part), prices[part])
    return scale


def _those(rows: HouseRows, positions: npt.NDArray[np.intp]) -> HouseRows:
    return HouseRows(rows.numbers[positions], rows.places[positions])


def _coverage(model: IntervalModel, X: pd.DataFrame, recorded: Floats, predicted: Floats) -> HeldOutCoverage:
    found = model.ranges(HouseRows.from_frame(X), predicted)
    return HeldOutCoverage.of(
        [str(place) for place in X["ocean_proximity"]],
        predicted,
        (found.low_80 <= recorded) & (recorded <= found.high_80),
        (found.low_90 <= recorded) & (recorded <= found.high_90),
        found.high_90 - found.low_90,
    )


def _prices(X: pd.DataFrame, y: Any, predicted: Any, which: str, *, fewest: int) -> tuple[Floats, Floats]:
    """Recorded and estimated prices, one each a row."""
    recorded, estimated = np.asarray(y, dtype=np.float64), np.asarray(predicted, dtype=np.float64)
    if not recorded.shape == estimated.shape == (len(X),):
        raise InvalidData(
            f"Cannot calibrate: {len(X):,} {which}, prices of shape {recorded.shape} and estimates of shape "
            f"{estimated.shape}.",
            remedy="Give one recorded and one estimated price a row.",
        )
    if len(X) < fewest:
        raise InvalidData(
            f"Cannot calibrate on {len(X)} {which}; at least {fewest} are needed.",
            remedy="Train on more rows.",
        )
    if not (np.isfinite(recorded).all() and np.isfinite(estimated).all()):
        raise InvalidData(
            f"Cannot calibrate: a recorded or estimated price of the {which} is missing or infinite.",
            remedy="Leave out rows without a recorded price, and look at the model that predicted this.",
        )
    return recorded, estimated
