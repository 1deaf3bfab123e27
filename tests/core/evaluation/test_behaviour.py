"""Rules of behaviour: every family keeps them, and each deliberately broken model is told which one it breaks."""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest

from core.data.split import Split, split_rows
from core.domain.feature_sets import FeatureSet
from core.domain.house import TARGET
from core.domain.hyperparameters import ModelFamily, TrainingSpec
from core.evaluation.behaviour import INCOMES, SAMPLED, BehaviourCheck, Predict, Rule, check_behaviour, noise
from core.models.families import build_pipeline
from core.models.steps import one_openmp_thread

RMSE = 48_000.0
SMALL = {
    ModelFamily.RANDOM_FOREST: {"n_estimators": 20, "max_depth": 12},
    ModelFamily.EXTRA_TREES: {"n_estimators": 20, "max_depth": 12},
    ModelFamily.HIST_GRADIENT_BOOSTING: {"max_iter": 60},
    ModelFamily.LIGHTGBM: {"n_estimators": 60},
    ModelFamily.RIDGE: {},
    ModelFamily.BLEND: {"members": 1, "n_estimators": 50, "learning_rate": 0.1},
}


@pytest.fixture(scope="module")
def split(real_rows: pd.DataFrame) -> Split:
    return split_rows(real_rows.sample(3_000, random_state=3).reset_index(drop=True))


def sound(rows: pd.DataFrame) -> np.ndarray:
    """A price that rises with income, and reads nothing but the row's own columns by their names."""
    return 60_000.0 + 38_000.0 * rows["median_income"].to_numpy()


def checked(predict: Predict, split: Split) -> dict[Rule, BehaviourCheck]:
    found = check_behaviour(predict, split.X_train, split.y_train, rmse=RMSE)
    return {check.rule: check for check in found}


def broken(predict: Predict, split: Split) -> set[Rule]:
    return {rule for rule, check in checked(predict, split).items() if not check.passed}


@pytest.mark.parametrize(
    ("family", "features"),
    [*((family, FeatureSet.BASIC) for family in ModelFamily), (ModelFamily.LIGHTGBM, FeatureSet.LOCATION)],
)
def test_every_family_keeps_every_rule(split: Split, family: ModelFamily, features: FeatureSet) -> None:
    spec = TrainingSpec.create(family, SMALL.get(family, {}), features=features)
    with one_openmp_thread():
        pipeline = build_pipeline(spec).fit(split.X_train, split.y_train)
        began = time.perf_counter()
        found = checked(pipeline.predict, split)
        seconds = time.perf_counter() - began
    assert set(found) == set(Rule)
    assert [check.detail for check in found.values() if not check.passed] == []
    assert seconds < 1.0


def by_place_in_the_file(rows: pd.DataFrame) -> np.ndarray:
    return sound(rows) + 500.0 * np.arange(len(rows))


def by_place_of_the_column(rows: pd.DataFrame) -> np.ndarray:
    numbers = rows.select_dtypes("number")
    return 150_000.0 + 100.0 * numbers.iloc[:, 0].to_numpy()


def by_index(rows: pd.DataFrame) -> np.ndarray:
    return sound(rows) + np.array([hash(label) % 1_000 for label in rows.index], dtype=float)


def inverted(rows: pd.DataFrame) -> np.ndarray:
    return 400_000.0 - 38_000.0 * rows["median_income"].to_numpy()


def dipping(rows: pd.DataFrame) -> np.ndarray:
    income = rows["median_income"].to_numpy()
    return sound(rows) - np.where((income > 3.0) & (income < 5.0), 90_000.0, 0.0)


@pytest.mark.parametrize(
    ("predict", "rule"),
    [
        (by_place_in_the_file, Rule.ROW_ORDER),
        (by_place_of_the_column, Rule.COLUMN_ORDER),
        (by_index, Rule.INDEX),
        (inverted, Rule.INCOME),
        (dipping, Rule.INCOME),
        (lambda rows: sound(rows) / 1_000.0, Rule.UNITS),
        (lambda rows: sound(rows) * 100.0, Rule.UNITS),
        (lambda rows: sound(rows) - 200_000.0, Rule.UNITS),
        (lambda rows: np.where(rows["median_income"] > 3, np.nan, sound(rows)), Rule.FINITE),
        (lambda rows: sound(rows)[:-1], Rule.FINITE),
    ],
)
def test_a_broken_model_breaks_its_rule(split: Split, predict: Callable[..., np.ndarray], rule: Rule) -> None:
    assert rule in broken(predict, split)
    assert broken(sound, split) == set()


def test_the_rule_is_told_with_its_figures(split: Split) -> None:
    found = checked(lambda rows: sound(rows) / 1_000.0, split)
    low, high = split.y_train.quantile([0.05, 0.95])
    assert f"${low:,.0f} to ${high:,.0f}" in found[Rule.UNITS].detail
    told = checked(by_place_in_the_file, split)[Rule.ROW_ORDER].detail
    assert f"of {SAMPLED} rows" in told
    assert "up to $" in told
    assert "falls by" in checked(inverted, split)[Rule.INCOME].detail


def test_a_dip_below_the_noise_is_allowed(split: Split) -> None:
    allowed = noise(RMSE, SAMPLED, len(split.X_train), 9)
    assert allowed == pytest.approx(RMSE * np.sqrt(1 / 64 + 9 / 2_400))

    def by(share: float) -> Callable[[pd.DataFrame], np.ndarray]:
        def predict(rows: pd.DataFrame) -> np.ndarray:
            income = rows["median_income"].to_numpy()
            return 200_000.0 - share * allowed * (income > split.X_train["median_income"].median())

        return predict

    assert broken(by(0.9), split) == set()
    assert broken(by(1.1), split) == {Rule.INCOME}


def test_a_model_is_asked_five_times_and_never_told_the_price(split: Split) -> None:
    asked: list[pd.DataFrame] = []

    def noting(rows: pd.DataFrame) -> np.ndarray:
        asked.append(rows)
        return sound(rows)

    checked(noting, split)
    assert [len(rows) for rows in asked] == [SAMPLED] * 4 + [SAMPLED * INCOMES]
    assert all(TARGET not in rows.columns for rows in asked)


def test_fewer_rows_than_are_sampled_will_do(split: Split) -> None:
    few = Split(split.X_train[:9], split.y_train[:9], split.X_test, split.y_test, 0.2, 42)
    assert {rule for rule, check in checked(sound, few).items() if check.passed} == set(Rule)
