"""Histogram gradient boosting in LightGBM's form: the same trees, and TreeSHAP as it is defined."""

from __future__ import annotations

from collections.abc import Callable
from itertools import combinations
from math import factorial
from typing import Any

import numpy as np
import pytest
from sklearn.ensemble import HistGradientBoostingRegressor

from core.domain.hyperparameters import ModelFamily
from core.explanation.boosted_trees import as_lightgbm
from core.features.direct import HouseRows
from tests.core.explanation.conftest import SmallModel

COLUMNS = 4


@pytest.fixture(scope="module")
def fitted() -> tuple[HistGradientBoostingRegressor, np.ndarray]:
    """A few shallow trees on four columns, and rows to ask: few enough to try all sets of columns."""
    random = np.random.default_rng(0)
    X = random.normal(size=(400, COLUMNS))
    y = X[:, 0] * X[:, 1] + np.abs(X[:, 2]) + 0.1 * X[:, 3]
    model = HistGradientBoostingRegressor(max_iter=12, max_leaf_nodes=6, early_stopping=False, random_state=0)
    return model.fit(X, y), X[:25]


def expected(nodes: Any, row: np.ndarray, known: frozenset[int], node: int = 0) -> float:
    """What a tree says of a row of which only some columns are known; the rest by the rows it was fitted on."""
    here = nodes[node]
    if here["is_leaf"]:
        return float(here["value"])
    left, right = int(here["left"]), int(here["right"])
    if int(here["feature_idx"]) in known:
        goes = left if row[here["feature_idx"]] <= here["num_threshold"] else right
        return expected(nodes, row, known, goes)
    share = nodes[left]["count"] / here["count"]
    return share * expected(nodes, row, known, left) + (1 - share) * expected(nodes, row, known, right)


def shapley(worth: Callable[[frozenset[int]], float]) -> list[float]:
    found = []
    for column in range(COLUMNS):
        others = [other for other in range(COLUMNS) if other != column]
        total = 0.0
        for size in range(COLUMNS):
            weight = factorial(size) * factorial(COLUMNS - size - 1) / factorial(COLUMNS)
            for chosen in map(frozenset, combinations(others, size)):
                total += weight * (worth(chosen | {column}) - worth(chosen))
        found.append(total)
    return found


def test_the_values_are_the_path_dependent_shapley_values_of_the_trees(
    fitted: tuple[HistGradientBoostingRegressor, np.ndarray],
) -> None:
    model, rows = fitted
    values = as_lightgbm(model, COLUMNS).predict(rows, pred_contrib=True)
    trees = [predictor.nodes for (predictor,) in model._predictors]

    for row, found in zip(rows, values, strict=True):

        def worth(known: frozenset[int], row: np.ndarray = row) -> float:
            return sum(expected(nodes, row, known) for nodes in trees)

        assert found[:-1] == pytest.approx(shapley(worth), abs=1e-9)
        assert found[-1] == pytest.approx(worth(frozenset()), abs=1e-9)


def test_a_price_model_predicts_the_same_in_lightgbms_form(
    model_of: Callable[[ModelFamily], SmallModel], possible: HouseRows
) -> None:
    model = model_of(ModelFamily.HIST_GRADIENT_BOOSTING)
    estimator = model.pipeline.steps[-1][1]
    matrix = model.route.direct.preprocessing.matrix(possible) if model.route.direct else None
    assert matrix is not None
    baseline = float(np.ravel(estimator._baseline_prediction)[0])
    translated = as_lightgbm(estimator, matrix.shape[1]).predict(matrix) + baseline
    np.testing.assert_allclose(translated, estimator.predict(matrix), rtol=1e-12)


def test_a_tree_that_never_splits_passes_over_as_well() -> None:
    X = np.zeros((30, 2))
    model = HistGradientBoostingRegressor(max_iter=3, early_stopping=False).fit(X, np.arange(30.0))
    found = as_lightgbm(model, 2).predict(X[:2], pred_contrib=True)
    np.testing.assert_allclose(found, 0.0, atol=1e-9)
