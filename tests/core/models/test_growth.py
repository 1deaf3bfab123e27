"""A fit in steps shows its progress, hears a cancel, and ends with the model of one bare fit."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.ensemble import HistGradientBoostingRegressor, RandomForestRegressor
from threadpoolctl import threadpool_info, threadpool_limits

from core.domain.errors import NoModel, TrainingCancelled
from core.domain.hyperparameters import ModelFamily, TrainingSpec
from core.domain.jobs import Progress
from core.models import growth, trainer
from core.models.families import build_pipeline
from core.models.growth import HIST_LEAST, HIST_STEP, grow
from core.models.steps import Rows, Step
from core.models.trainer import ModelTrainer
from tests.core.models.conftest import small_spec

XY = tuple[pd.DataFrame, pd.Series]
TrainerOf = Callable[..., ModelTrainer]

FORESTS = [ModelFamily.RANDOM_FOREST, ModelFamily.EXTRA_TREES]
ALONE = [family for family in ModelFamily if family is not ModelFamily.BLEND]
"""Families of one estimator."""

GROWING = [family for family in ModelFamily if family is not ModelFamily.RIDGE]


@pytest.fixture(scope="module")
def matrix() -> Rows:
    draw = np.random.default_rng(0)
    X = draw.normal(size=(300, 5))
    return Rows(X, X[:, 0] * 50_000 + draw.normal(size=300) * 5_000 + 200_000)


def steps_of(spec: TrainingSpec, rows: Rows, watched: Rows | None = None) -> tuple[list[Step], Any]:
    seen: list[Step] = []
    estimator = build_pipeline(spec).named_steps["model"]
    return seen, grow(spec, estimator, rows, watched, seen.append)


def test_growth_in_steps_ends_with_the_model_of_one_bare_fit(
    family: ModelFamily, some: XY, held_out: XY, trained: Callable[[ModelFamily], ModelTrainer]
) -> None:
    with threadpool_limits(1, "openmp"):
        bare = build_pipeline(small_spec(family)).fit(*some).predict(held_out[0])
    grown = trained(family).predict(held_out[0])
    np.testing.assert_allclose(grown, bare, rtol=1e-6 if family in FORESTS else 0)


@pytest.mark.parametrize("family", ALONE)
def test_the_finished_estimator_serves_with_one_thread_and_the_knobs_it_was_given(
    family: ModelFamily, matrix: Rows
) -> None:
    spec = small_spec(family)
    seen, estimator = steps_of(spec, matrix)
    params = estimator.get_params()
    assert {name: params[name] for name in spec.values} == spec.values
    assert params.get("warm_start", False) is False
    assert params.get("n_jobs", 1) == 1
    assert seen[-1].done == (spec.size or 1)


def trees_of(member: Any) -> int:
    if hasattr(member, "n_iter_"):
        return int(member.n_iter_)
    return int(getattr(member, "regressor_", member).booster_.current_iteration())


@pytest.mark.parametrize("family", GROWING)
def test_every_tree_asked_for_is_grown_and_none_is_saved_by_stopping_early(family: ModelFamily, matrix: Rows) -> None:
    spec = small_spec(family)
    _, estimator = steps_of(spec, matrix)
    grown = {
        ModelFamily.HIST_GRADIENT_BOOSTING: lambda: estimator.n_iter_,
        ModelFamily.LIGHTGBM: lambda: estimator.booster_.current_iteration(),
        ModelFamily.BLEND: lambda: sum(trees_of(member) for member in estimator.estimators_),
    }.get(family, lambda: len(estimator.estimators_))
    assert grown() == spec.size


@pytest.mark.parametrize("family", FORESTS)
def test_a_tree_once_grown_is_kept_and_not_grown_again(
    family: ModelFamily, matrix: Rows, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(growth, "FOREST_STEP_SECONDS", 0.01)
    spec = small_spec(family)
    forest = build_pipeline(spec).named_steps["model"]
    first: list[Any] = []
    grow(spec, forest, matrix, None, lambda step: first.append(forest.estimators_[0]))
    assert len(first) > 2
    assert all(tree is first[0] for tree in first)


def test_watched_rows_are_scored_and_change_nothing(
    family: ModelFamily, some: XY, held_out: XY, trained: Callable[[ModelFamily], ModelTrainer], trainer_of: TrainerOf
) -> None:
    watching = trained(family)
    blind = trainer_of(small_spec(family))
    blind.train(*some)
    prices = watching.predict(held_out[0])
    np.testing.assert_array_equal(blind.predict(held_out[0]), prices)
    assert blind.curve == ()
    done, rmse = watching.curve[-1]
    assert done == (watching.spec.size or 1)
    assert rmse == pytest.approx(float(np.sqrt(np.mean((held_out[1] - prices) ** 2))), rel=1e-9)


def test_a_curve_rises_in_its_counts_and_falls_in_its_error(
    family: ModelFamily, trained: Callable[[ModelFamily], ModelTrainer]
) -> None:
    counts = [count for count, _ in trained(family).curve]
    errors = [rmse for _, rmse in trained(family).curve]
    assert counts == sorted(set(counts))
    assert np.isfinite(errors).all()
    if family in GROWING:
        assert len(counts) > 1
        assert errors[-1] < errors[0]


@pytest.mark.parametrize("size", [50, 150, 200, 250, 350, 400, 600, 5_000])
def test_a_curve_has_about_two_hundred_points_at_most(size: int, matrix: Rows) -> None:
    spec = TrainingSpec.create("lightgbm", {"n_estimators": size, "num_leaves": 4})
    publisher = trainer._Publisher(spec, time.perf_counter(), None, None)
    for done in range(1, size + 1):
        publisher(Step(done, 1.0 / done))
    counts = [count for count, _ in publisher.curve]
    assert min(size, 100) <= len(counts) <= 205
    assert counts == sorted(set(counts))
    assert counts[-1] == size


def test_progress_counts_up_to_the_end(
    family: ModelFamily, some: XY, held_out: XY, trainer_of: TrainerOf, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(trainer, "REPORT_SECONDS", 0.0)
    heard: list[Progress] = []
    fitting = trainer_of(small_spec(family))
    fitting.train(some[0].head(300), some[1].head(300), watched=held_out, report=heard.append)
    total = fitting.spec.size or 1
    counts = [progress.done for progress in heard]
    assert counts == sorted(set(counts))
    assert counts[-1] == total
    assert {progress.total for progress in heard} == {total}
    assert {progress.unit for progress in heard} == {"trees" if family in GROWING else "fit"}
    assert heard[-1].curve == fitting.curve
    assert heard[-1].remaining == 0
    elapsed = [progress.elapsed for progress in heard]
    assert elapsed == sorted(elapsed)
    if family in GROWING:
        assert len(heard) > 1


def test_progress_is_published_a_few_times_a_second_and_not_at_every_tree(some: XY, trainer_of: TrainerOf) -> None:
    heard: list[Progress] = []
    fitting = trainer_of(TrainingSpec.create("lightgbm", {"n_estimators": 500, "num_leaves": 4}))
    fitting.train(some[0].head(300), some[1].head(300), report=heard.append)
    assert heard[0].done == 1
    assert heard[-1].done == 500
    assert len(heard) <= 3 + fitting.fit_seconds / trainer.REPORT_SECONDS


def test_histogram_boosting_grows_in_the_largest_steps_that_show_progress(matrix: Rows) -> None:
    """The steps are free: the model is that of one bare fit, whatever they are."""

    class SlowBoosting(HistGradientBoostingRegressor):
        def fit(self, X: np.ndarray, y: np.ndarray) -> SlowBoosting:
            time.sleep(0.02 * (self.max_iter - (self.n_iter_ if hasattr(self, "_predictors") else 0)))
            return super().fit(X, y)

    quick, _ = steps_of(small_spec(ModelFamily.HIST_GRADIENT_BOOSTING), matrix)
    assert [step.done for step in quick] == [HIST_STEP, 2 * HIST_STEP, 250]
    slow: list[Step] = []
    boosting = SlowBoosting(max_iter=200, max_leaf_nodes=4, early_stopping=False, random_state=0)
    grow(TrainingSpec.create("hist_gradient_boosting"), boosting, matrix, None, slow.append)
    assert slow[0].done == HIST_STEP
    assert all(HIST_LEAST <= step <= 60 for step in np.diff([step.done for step in slow])[:-1])
    assert slow[-1].done == 200


def test_histogram_boosting_takes_one_thread_and_gives_the_others_back(matrix: Rows) -> None:
    def threads() -> list[int]:
        return [pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "openmp"]

    spec = small_spec(ModelFamily.HIST_GRADIENT_BOOSTING)
    estimator = build_pipeline(spec).named_steps["model"]
    with threadpool_limits(2, "openmp"):
        before, during = threads(), []
        grow(spec, estimator, matrix, None, lambda step: during.append(threads()))
        assert before
        assert set(before) == {2}
        assert {count for counts in during for count in counts} == {1}
        assert threads() == before


def test_quick_trees_come_in_larger_steps(matrix: Rows) -> None:
    spec = TrainingSpec.create("random_forest", {"n_estimators": 100, "max_depth": 2})
    done = [step.done for step in steps_of(spec, matrix)[0]]
    assert done[0] == 2
    assert max(np.diff(done)) > 4
    assert done[-1] == 100


def test_slow_trees_come_in_smaller_steps(matrix: Rows, monkeypatch: pytest.MonkeyPatch) -> None:
    class SlowForest(RandomForestRegressor):
        def fit(self, X: np.ndarray, y: np.ndarray) -> SlowForest:
            time.sleep(0.02 * (self.n_estimators - len(getattr(self, "estimators_", ()))))
            return super().fit(X, y)

    monkeypatch.setattr(growth, "FOREST_STEP_SECONDS", 0.06)
    seen: list[Step] = []
    forest = SlowForest(n_estimators=12, max_depth=2, random_state=0, n_jobs=1)
    grow(TrainingSpec.create("random_forest"), forest, matrix, None, seen.append)
    steps = np.diff([step.done for step in seen])
    assert 1 <= steps.min() <= steps.max() <= 3
    assert seen[-1].done == 12


@pytest.mark.parametrize("family", FORESTS)
@pytest.mark.parametrize("trees", [10, 40])
def test_a_forest_has_exactly_the_trees_asked_for_however_many_threads_grow_it(
    family: ModelFamily, trees: int, matrix: Rows
) -> None:
    spec = TrainingSpec.create(family, {"n_estimators": trees, "max_depth": 3})
    forests = []
    for n_jobs in (1, 8):
        seen: list[Step] = []
        grown = grow(spec, build_pipeline(spec, n_jobs=n_jobs).named_steps["model"], matrix, None, seen.append)
        assert seen[-1].done == len(grown.estimators_) == trees
        forests.append(grown.predict(matrix.X))
    np.testing.assert_array_equal(*forests)


@pytest.mark.parametrize("family", GROWING)
def test_a_cancel_is_heard_within_one_step(
    family: ModelFamily, some: XY, trainer_of: TrainerOf, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(trainer, "REPORT_SECONDS", 0.0)
    monkeypatch.setattr(growth, "FOREST_STEP_SECONDS", 0.01)
    heard: list[Progress] = []
    asked: list[int] = []

    def should_stop() -> bool:
        asked.append(len(heard))
        return len(asked) == 2

    fitting = trainer_of(small_spec(family), n_jobs=1)
    with pytest.raises(TrainingCancelled):
        fitting.train(some[0].head(300), some[1].head(300), report=heard.append, should_stop=should_stop)
    assert asked == [0, 1]
    assert len(heard) == 1
    assert heard[0].done < (fitting.spec.size or 0)
    with pytest.raises(NoModel):
        fitting.predict(some[0])


def test_a_training_that_is_not_to_stop_is_asked_again_and_again(
    family: ModelFamily, some: XY, trainer_of: TrainerOf, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(trainer, "REPORT_SECONDS", 0.0)
    monkeypatch.setattr(growth, "FOREST_STEP_SECONDS", 0.01)
    asked: list[bool] = []
    fitting = trainer_of(small_spec(family), n_jobs=1)
    fitting.train(some[0].head(300), some[1].head(300), should_stop=lambda: bool(asked.append(True)))
    assert len(asked) >= (3 if family in GROWING else 1)
    assert np.isfinite(fitting.predict(some[0])).all()


def test_a_cancelled_retraining_leaves_the_model_that_was_there(some: XY, trainer_of: TrainerOf) -> None:
    fitting = trainer_of(small_spec(ModelFamily.LIGHTGBM))
    fitting.train(some[0].head(300), some[1].head(300))
    before = fitting.predict(some[0])
    with pytest.raises(TrainingCancelled):
        fitting.train(*some, should_stop=lambda: True)
    np.testing.assert_array_equal(fitting.predict(some[0]), before)
