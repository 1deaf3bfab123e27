"""The quickest exact way from a few rows to their prices: the Pipeline's own figures, in about a hundredth of its time.

``price_route`` knows the lab's own families behind its preprocessing, and proves on probe houses that its way and
the Pipeline's agree. A Pipeline it does not know, or one that disagrees, is asked itself. Everything
runs in the calling thread: threads make one row slower.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import product
from typing import Any, Final

import numpy as np

from core.domain.house import FEATURES, NUMERIC_COLUMNS, House, OceanProximity
from core.features.direct import DirectPreprocessing, HouseRows, direct_preprocessing
from core.models.tree_walk import FlatTrees, flatten_boosted, flatten_forest

Predict = Callable[[np.ndarray], np.ndarray]
"""From the estimator's matrix, shape (n, columns), to prices of shape (n,)."""

MOST_WALKED: Final = {"forest": 1_000, "boosted": 64}
"""Up to so many rows the walk is quicker than scikit-learn: 36 ms against 74 for 1,000 rows of 150 deep trees;
2.6 ms against 2.7 for 64 rows of 500 boosted ones."""

TREES_AT_ONCE: Final = 100
"""LightGBM takes row after row through all trees, and 2,000 of them do not stay in a processor's cache: 208 rows took
71 ms at once and 23 in parts of 100 trees, 12 and 7 for 1,000 small ones."""

WORTH_PARTING: Final = 32
"""For fewer rows than these the parts' own cost is more than they save."""

TOLERANCE: Final = 1e-9
"""How far from the Pipeline's price, relative to it, a price of the quick way may lie."""

_CENT_SHARE: Final = 1e-6
"""In dollars: what counts as equal for prices near 0, where a relative difference says nothing."""


@dataclass(frozen=True, slots=True)
class PriceRoute:
    """A fitted Pipeline and the way its prices are had.

    ``direct`` is None where the Pipeline itself is asked, which takes milliseconds for one row.
    """

    pipeline: Any
    direct: _DirectWay | None

    @property
    def is_quick(self) -> bool:
        """Whether one row takes well under a millisecond."""
        return self.direct is not None

    def prices(self, rows: HouseRows) -> np.ndarray:
        """Prices in 1990 USD, shape (n,), float64; the Pipeline's own within :data:`TOLERANCE`."""
        if self.direct is None:
            return np.asarray(self.pipeline.predict(rows.frame()), dtype=float)
        return self.direct.prices(rows)


@dataclass(frozen=True, slots=True)
class _DirectWay:
    """Preprocessing without pandas, then the estimator: up to ``most`` rows by ``few``, beyond by its own method."""

    preprocessing: DirectPreprocessing
    few: Predict
    many: Predict
    most: float

    def prices(self, rows: HouseRows) -> np.ndarray:
        matrix = self.preprocessing.matrix(rows)
        predict = self.few if len(rows) <= self.most else self.many
        return np.asarray(predict(matrix), dtype=float)


def price_route(pipeline: Any) -> PriceRoute:
    """The quickest exact route of a fitted Pipeline that takes the nine raw columns.

    Copies a forest's nodes once: 0.2 s and 45 MB for 150 trees of depth 20.
    """
    preprocessing = direct_preprocessing(pipeline)
    quick = None if preprocessing is None else _quick_estimator(pipeline.steps[-1][1])
    if preprocessing is None or quick is None:
        return PriceRoute(pipeline, None)
    few, most = quick
    route = PriceRoute(pipeline, _DirectWay(preprocessing, few, pipeline.steps[-1][1].predict, most))
    return route if _agrees(route) else PriceRoute(pipeline, None)


def probe_houses() -> list[House]:
    """Houses from the middle and the ends of what is possible, in every place, with and without bedrooms."""
    typical = House.typical()
    varied = [
        House.from_mapping({feature.name: end})
        for feature in (FEATURES[name] for name in NUMERIC_COLUMNS)
        for end in (feature.low, feature.high, feature.usual_low, feature.usual_high)
        if feature.name not in {"total_rooms", "total_bedrooms"}  # the one bounds the other; they follow below
    ]
    placed = [
        replace(typical, ocean_proximity=place.value, total_bedrooms=bedrooms, total_rooms=rooms)
        for place, bedrooms, rooms in product(OceanProximity, (None, 1.0, 700.0), (700.0, 12_000.0))
    ]
    return [typical, *varied, *placed]


def _agrees(route: PriceRoute) -> bool:
    """Whether the direct way prices the probe houses as the Pipeline does: one by one, and all at once."""
    houses = probe_houses()
    rows = HouseRows.from_houses(houses)
    expected = np.asarray(route.pipeline.predict(rows.frame()), dtype=float)
    singly = np.concatenate([route.prices(HouseRows.from_houses([house])) for house in houses])
    return all(
        np.allclose(prices, expected, rtol=TOLERANCE, atol=_CENT_SHARE) for prices in (route.prices(rows), singly)
    )


def _quick_estimator(estimator: Any) -> tuple[Predict, float] | None:
    """A quick way to ask this very kind of estimator and the rows up to which it is one; None for another kind."""
    from sklearn.compose import TransformedTargetRegressor
    from sklearn.ensemble import (
        ExtraTreesRegressor,
        HistGradientBoostingRegressor,
        RandomForestRegressor,
        VotingRegressor,
    )
    from sklearn.linear_model import Ridge

    kind = type(estimator)
    if kind in (RandomForestRegressor, ExtraTreesRegressor) and estimator.n_outputs_ == 1:
        return _forest(flatten_forest(estimator)), MOST_WALKED["forest"]
    if kind is HistGradientBoostingRegressor and estimator.loss == "squared_error":
        if estimator.is_categorical_ is not None:
            return None
        baseline = float(np.ravel(estimator._baseline_prediction)[0])  # noqa: SLF001 - no public word for it
        return _boosted(flatten_boosted(estimator), baseline), MOST_WALKED["boosted"]
    if kind is Ridge and np.ndim(estimator.intercept_) == 0:
        return _linear(np.asarray(estimator.coef_, dtype=float), float(estimator.intercept_)), np.inf
    if kind.__module__.startswith("lightgbm.") and kind.__name__ == "LGBMRegressor":
        return _lightgbm(estimator.booster_), np.inf
    if kind is TransformedTargetRegressor and estimator.transformer is None and estimator.inverse_func is not None:
        inner = _quick_estimator(estimator.regressor_)
        return None if inner is None else (_transformed(inner[0], estimator.inverse_func), inner[1])
    if kind is VotingRegressor and estimator.weights is None:
        return _blend(estimator.estimators_)
    return None


def _blend(members: Sequence[Any]) -> tuple[Predict, float] | None:
    """The mean of the members, each asked by whichever way is quicker for that many rows."""
    ways: list[tuple[Predict, float, Predict]] = []
    for member in members:
        quick = _quick_estimator(member)
        if quick is None:
            return None
        ways.append((*quick, member.predict))

    def predict(matrix: np.ndarray) -> np.ndarray:
        rows = len(matrix)
        return np.asarray(np.mean([few(matrix) if rows <= most else many(matrix) for few, most, many in ways], axis=0))

    return predict, np.inf


def _transformed(predict: Predict, back: Predict) -> Predict:
    return lambda matrix: back(predict(matrix))


def _forest(trees: FlatTrees) -> Predict:
    def predict(matrix: np.ndarray) -> np.ndarray:
        # A running sum adds tree by tree, as scikit-learn does; sum() would add in pairs and differ in the last bit.
        summed = trees.leaf_values(matrix.astype(np.float32)).cumsum(axis=0)[-1]
        prices: np.ndarray = summed / len(trees.roots)
        return prices

    return predict


def _boosted(trees: FlatTrees, baseline: float) -> Predict:
    def predict(matrix: np.ndarray) -> np.ndarray:
        values = trees.leaf_values(matrix)
        values[0] += baseline
        prices: np.ndarray = values.cumsum(axis=0)[-1]
        return prices

    return predict


def _lightgbm(booster: Any) -> Predict:
    # One that was stopped early predicts with the trees up to its best one.
    trees = booster.best_iteration if booster.best_iteration > 0 else booster.current_iteration()

    def predict(matrix: np.ndarray) -> np.ndarray:
        # Its scikit-learn face spends five times as long on checking one row; two threads take 80 times as long.
        if len(matrix) < WORTH_PARTING:
            return np.asarray(booster.predict(matrix, num_threads=1))
        parts = [
            booster.predict(
                matrix, start_iteration=first, num_iteration=min(TREES_AT_ONCE, trees - first), num_threads=1
            )
            for first in range(0, trees, TREES_AT_ONCE)
        ]
        return np.asarray(np.sum(parts, axis=0))

    return predict


def _linear(coefficients: np.ndarray, intercept: float) -> Predict:
    return lambda matrix: matrix @ coefficients + intercept
