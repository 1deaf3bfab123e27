"""A spec is judged on parts that are the same for every spec, each row by a model that did not see it."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd
import pytest
from sklearn.model_selection import KFold

from core.domain.errors import InvalidData, TrainingCancelled
from core.domain.hyperparameters import ModelFamily, TrainingSpec
from core.domain.jobs import Progress
from core.domain.sweep_plans import FOLDS
from core.evaluation.evaluate import score
from core.models.cross_validation import STEPS_A_FOLD, Judgement, cross_validate
from core.models.trainer import ModelTrainer

XY = tuple[pd.DataFrame, pd.Series]

TINY = {
    ModelFamily.RANDOM_FOREST: {"n_estimators": 10},
    ModelFamily.EXTRA_TREES: {"n_estimators": 10},
    ModelFamily.HIST_GRADIENT_BOOSTING: {"max_iter": 50, "max_leaf_nodes": 4},
    ModelFamily.LIGHTGBM: {"n_estimators": 50, "num_leaves": 4},
    ModelFamily.RIDGE: {},
    ModelFamily.BLEND: {"members": 1, "n_estimators": 50, "num_leaves": 4},
}
GROWING = [family for family in ModelFamily if family is not ModelFamily.RIDGE]
STEPS = FOLDS * STEPS_A_FOLD


def tiny(family: ModelFamily) -> TrainingSpec:
    return TrainingSpec.create(family, TINY[family])


@dataclass(frozen=True)
class Judged:
    """A judgement with what was published and asked on the way to it."""

    judgement: Judgement
    progress: list[Progress]
    asked: list[tuple[tuple[int, float], ...]]


@pytest.fixture(scope="module")
def few(some: XY) -> XY:
    """1,000 rows in the order of the split: their index is none of 0, 1, 2, …"""
    return some[0].head(1_000), some[1].head(1_000)


@pytest.fixture(scope="module")
def judged(few: XY) -> Callable[[ModelFamily], Judged]:
    """The family's tiny model judged once on ``few``. Read only."""
    kept: dict[ModelFamily, Judged] = {}

    def get(family: ModelFamily) -> Judged:
        if family not in kept:
            progress: list[Progress] = []
            asked: list[tuple[tuple[int, float], ...]] = []

            def keep_on(steps: tuple[tuple[int, float], ...]) -> bool:
                asked.append(steps)
                return False

            kept[family] = Judged(
                cross_validate(tiny(family), *few, report=progress.append, give_up=keep_on), progress, asked
            )
        return kept[family]

    return get


def test_every_row_is_predicted_by_the_model_fitted_on_the_parts_it_is_not_in(
    family: ModelFamily, few: XY, judged: Callable[[ModelFamily], Judged]
) -> None:
    """The parts are scikit-learn's, for one seed: whatever is judged, it is judged on the same."""
    X, y = few
    predicted = judged(family).judgement.predicted
    parts = list(KFold(FOLDS, shuffle=True, random_state=42).split(X))
    others, scored = parts[1]
    trainer = ModelTrainer(spec=tiny(family))
    trainer.train(X.iloc[others], y.iloc[others])
    np.testing.assert_array_equal(predicted[scored], trainer.predict(X.iloc[scored]))
    assert sorted(np.concatenate([scored for _, scored in parts])) == list(range(len(X)))
    assert np.isfinite(predicted).all()
    assert predicted.shape == (len(X),)


def test_a_price_never_reaches_the_predictions_of_its_own_part(
    few: XY, judged: Callable[[ModelFamily], Judged]
) -> None:
    """Changing one price leaves exactly the rows of its part as they were, and moves all others."""
    X, y = few
    row = 7
    changed = y.copy()
    changed.iloc[row] = 1_000_000.0
    before = judged(ModelFamily.RIDGE).judgement.predicted
    after = cross_validate(tiny(ModelFamily.RIDGE), X, changed).predicted
    (own,) = (scored for _, scored in KFold(FOLDS, shuffle=True, random_state=42).split(X) if row in scored)
    assert np.flatnonzero(before == after).tolist() == own.tolist()


def test_a_forest_that_knows_its_rows_by_heart_does_not_know_them_here(few: XY) -> None:
    X, y = few
    spec = TrainingSpec.create("extra_trees", {"n_estimators": 10, "max_depth": 40, "min_samples_leaf": 1})
    by_heart = ModelTrainer(spec=spec)
    by_heart.train(X, y)
    assert score(y, by_heart.predict(X)).rmse < 1.0, "each tree keeps every price it saw"
    judgement = cross_validate(spec, X, y)
    assert judgement.cv_rmse > 40_000


def test_the_figures_are_those_of_the_predictions(
    family: ModelFamily, few: XY, judged: Callable[[ModelFamily], Judged]
) -> None:
    X, y = few
    judgement = judged(family).judgement
    assert judgement.is_complete
    assert judgement.cv_rmse == pytest.approx(score(y, judgement.predicted).rmse)
    parts = [scored for _, scored in KFold(FOLDS, shuffle=True, random_state=42).split(X)]
    expected = [score(y.iloc[scored], judgement.predicted[scored]).rmse for scored in parts]
    assert judgement.fold_rmse == pytest.approx(expected)
    assert judgement.seconds > 0


def test_judging_again_gives_the_same(few: XY, judged: Callable[[ModelFamily], Judged]) -> None:
    again = cross_validate(tiny(ModelFamily.LIGHTGBM), *few)
    np.testing.assert_array_equal(again.predicted, judged(ModelFamily.LIGHTGBM).judgement.predicted)


def test_the_parts_follow_the_seed_of_the_split_and_not_that_of_the_spec(
    few: XY, judged: Callable[[ModelFamily], Judged]
) -> None:
    usual = judged(ModelFamily.RIDGE).judgement.cv_rmse
    assert cross_validate(TrainingSpec.create("ridge", seed=7), *few).cv_rmse == usual
    assert cross_validate(tiny(ModelFamily.RIDGE), *few, config={"data": {"random_state": 7}}).cv_rmse != usual


def test_there_are_as_many_parts_as_asked_for(few: XY) -> None:
    judgement = cross_validate(tiny(ModelFamily.LIGHTGBM), *few, folds=2)
    assert len(judgement.fold_rmse) == 2
    assert [step for step, _ in judgement.steps] == list(range(1, 2 * STEPS_A_FOLD + 1))


@pytest.mark.parametrize("family", GROWING)
def test_each_tenth_of_each_fold_is_a_step_with_the_mean_over_the_folds_so_far(
    family: ModelFamily, judged: Callable[[ModelFamily], Judged]
) -> None:
    judgement = judged(family).judgement
    assert [step for step, _ in judgement.steps] == list(range(1, STEPS + 1))
    rmse = [figure for _, figure in judgement.steps]
    for fold in range(1, FOLDS + 1):
        assert rmse[fold * STEPS_A_FOLD - 1] == pytest.approx(float(np.mean(judgement.fold_rmse[:fold])), rel=1e-6)
    # Histogram gradient boosting grows 50 iterations in one go: all its tenths have the score of their end.
    in_one_go = family is ModelFamily.HIST_GRADIENT_BOOSTING
    assert len(set(rmse[:STEPS_A_FOLD])) == 1 if in_one_go else rmse[0] > rmse[STEPS_A_FOLD - 1]


def test_ridge_fits_in_one_go_and_has_no_steps_to_give_it_up_at(
    judged: Callable[[ModelFamily], Judged],
) -> None:
    ridge = judged(ModelFamily.RIDGE)
    assert ridge.judgement.steps == ()
    assert ridge.asked == []
    assert [(word.done, word.total) for word in ridge.progress] == [(1, 3), (2, 3), (3, 3)]
    assert all(word.curve == () for word in ridge.progress)


def test_progress_runs_over_all_folds_to_the_end_and_never_backwards(
    family: ModelFamily, judged: Callable[[ModelFamily], Judged]
) -> None:
    progress = judged(family).progress
    size = tiny(family).size or 1
    for earlier, later in itertools.pairwise(progress):
        assert earlier.done < later.done
        assert earlier.elapsed <= later.elapsed
        assert later.curve[: len(earlier.curve)] == earlier.curve
    assert {word.total for word in progress} == {FOLDS * size}
    last = progress[-1]
    assert (last.done, last.share, last.remaining) == (FOLDS * size, 1.0, 0.0)
    for word in progress:
        grown = [done for done, _ in word.curve]
        assert grown == sorted(set(grown))
        assert not grown or grown[-1] <= word.done


@pytest.mark.parametrize("family", GROWING)
def test_whoever_may_give_up_is_asked_with_all_steps_so_far_but_not_when_all_is_done(
    family: ModelFamily, judged: Callable[[ModelFamily], Judged]
) -> None:
    asked, whole = judged(family).asked, judged(family).judgement.steps
    assert len(asked) >= FOLDS - 1
    assert all(len(earlier) < len(later) for earlier, later in itertools.pairwise(asked))
    assert all(steps == whole[: len(steps)] for steps in asked)
    assert len(asked[-1]) < len(whole)


@pytest.mark.parametrize("family", [ModelFamily.LIGHTGBM, ModelFamily.RANDOM_FOREST])
@pytest.mark.parametrize("fold", [1, 2])
def test_a_trial_that_is_given_up_stops_there_and_has_no_score(family: ModelFamily, fold: int, few: XY) -> None:
    progress: list[Progress] = []
    judgement = cross_validate(
        tiny(family), *few, report=progress.append, give_up=lambda steps: len(steps) >= fold * STEPS_A_FOLD
    )
    assert not judgement.is_complete
    assert (judgement.cv_rmse, judgement.fold_rmse, judgement.predicted) == (None, (), None)
    assert [step for step, _ in judgement.steps] == list(range(1, fold * STEPS_A_FOLD + 1))
    assert progress[-1].done == fold * (tiny(family).size or 0), "the next fold was not begun"
    assert judgement.seconds > 0


@pytest.mark.parametrize("family", [ModelFamily.LIGHTGBM, ModelFamily.RIDGE])
@pytest.mark.parametrize("folds_before", [0, 1, 2])
def test_a_cancel_is_heard_in_every_fold(family: ModelFamily, folds_before: int, few: XY) -> None:
    progress: list[Progress] = []
    size = tiny(family).size or 1

    def should_stop() -> bool:
        return (progress[-1].done if progress else 0) >= folds_before * size

    with pytest.raises(TrainingCancelled):
        cross_validate(tiny(family), *few, report=progress.append, should_stop=should_stop)
    assert (progress[-1].done if progress else 0) == folds_before * size


def test_rows_without_a_price_are_refused(few: XY) -> None:
    prices = few[1].copy()
    prices.iloc[3] = np.nan
    with pytest.raises(InvalidData, match="price"):
        cross_validate(TrainingSpec.create("ridge"), few[0], prices)
