"""A blend is the plain mean of boosted trees that differ by seed, by the price's scale and by library."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest
from lightgbm import LGBMRegressor
from sklearn.base import clone
from sklearn.compose import TransformedTargetRegressor
from sklearn.ensemble import HistGradientBoostingRegressor, VotingRegressor
from sklearn.pipeline import Pipeline

from core.domain.errors import InvalidData, TrainingCancelled
from core.domain.hyperparameters import KNOBS, LARGEST_SEED, ModelFamily, TrainingSpec
from core.features.direct import HouseRows
from core.models.blend_growth import grow_blend
from core.models.families import build_pipeline
from core.models.fast_predict import price_route
from core.models.growth import grow
from core.models.steps import Rows, Step, one_openmp_thread
from core.models.trainer import ModelTrainer
from tests.core.models.conftest import small_spec

XY = tuple[pd.DataFrame, pd.Series]
Trained = Callable[[ModelFamily], ModelTrainer]

SPEC = small_spec(ModelFamily.BLEND)
MEMBERS = 4
"""Two under their own seeds, one on the log of the price, one of histogram gradient boosting."""


def blend_of(spec: TrainingSpec, n_jobs: int = 1) -> VotingRegressor:
    return build_pipeline(spec, n_jobs=n_jobs).named_steps["model"]


def seeds_of(spec: TrainingSpec) -> list[int]:
    members = [getattr(member, "regressor", member) for _, member in blend_of(spec).estimators]
    return [member.random_state for member in members]


@pytest.fixture(scope="module")
def matrix() -> Rows:
    draw = np.random.default_rng(0)
    X = draw.normal(size=(300, 5))
    return Rows(X, np.exp(12 + 0.3 * X[:, 0] + 0.05 * draw.normal(size=300)))


def test_every_knob_reaches_the_members() -> None:
    values = {name: knob.high for name, knob in KNOBS[ModelFamily.BLEND].items()}
    *boosters, on_log, hist = (member for _, member in blend_of(TrainingSpec.create("blend", values)).estimators)
    assert len(boosters) == values.pop("members")
    for booster in (*boosters, on_log.regressor):
        assert isinstance(booster, LGBMRegressor)
        params = booster.get_params()
        assert {name: params[name] for name in values} == values
    assert isinstance(on_log, TransformedTargetRegressor)
    assert isinstance(hist, HistGradientBoostingRegressor)
    assert (hist.max_iter, hist.learning_rate) == (values["n_estimators"] // 2, 2 * values["learning_rate"])
    assert hist.early_stopping is False


@pytest.mark.parametrize("seed", [0, 42, LARGEST_SEED])
def test_no_two_members_share_a_seed_nor_do_blends_of_neighbouring_seeds(seed: int) -> None:
    own = seeds_of(TrainingSpec.create("blend", {"members": 5}, seed=seed))
    next_one = seeds_of(TrainingSpec.create("blend", {"members": 5}, seed=abs(seed - 1)))
    assert len({*own, *next_one}) == 2 * len(own) == 14
    assert all(0 <= each <= LARGEST_SEED for each in own)


def test_one_more_member_leaves_the_others_as_they_are() -> None:
    three, four = (seeds_of(TrainingSpec.create("blend", {"members": members})) for members in (3, 4))
    assert four[:3] == three[:3]


def test_a_price_is_the_plain_mean_of_the_members_prices(held_out: XY, trained: Trained) -> None:
    pipeline = trained(ModelFamily.BLEND).pipeline
    rows = pipeline[:-1].transform(held_out[0])
    with one_openmp_thread():
        each = [member.predict(rows) for member in pipeline.named_steps["model"].estimators_]
        np.testing.assert_allclose(pipeline.predict(held_out[0]), np.mean(each, axis=0), rtol=1e-12)
    assert len(each) == MEMBERS
    assert all((one != other).any() for one in each for other in each if one is not other)


def test_a_blend_errs_less_than_its_members_do_on_average(held_out: XY, trained: Trained) -> None:
    def rmse(prices: np.ndarray) -> float:
        return float(np.sqrt(np.mean((held_out[1] - prices) ** 2)))

    pipeline = trained(ModelFamily.BLEND).pipeline
    rows = pipeline[:-1].transform(held_out[0])
    with one_openmp_thread():
        alone = [rmse(member.predict(rows)) for member in pipeline.named_steps["model"].estimators_]
    assert rmse(trained(ModelFamily.BLEND).predict(held_out[0])) < np.mean(alone)


def test_the_steps_go_through_all_members_and_say_how_many_are_grown(matrix: Rows) -> None:
    seen: list[Step] = []
    grow(SPEC, blend_of(SPEC), matrix, matrix, seen.append)
    done = [step.done for step in seen]
    assert done == sorted(set(done))
    assert done[-1] == SPEC.size
    told = [f"{one} of {MEMBERS} members are grown" for one in range(MEMBERS + 1)]
    assert list(dict.fromkeys(step.said for step in seen)) == told
    first = [step for step in seen if step.said == told[0]]
    assert all(step.rmse is not None for step in first)
    ends = [step for step in seen[len(first) :] if step.rmse is not None]
    assert [step.scored for step in ends] == [100, 200, 300, 350], "beyond the first, whole members are scored"


def test_a_blend_and_its_curve_are_the_same_on_any_number_of_threads(matrix: Rows) -> None:
    prices, curves = [], []
    for n_jobs in (1, 2, 3, 8):
        seen: list[Step] = []
        grown = grow(SPEC, blend_of(SPEC, n_jobs), matrix, matrix, seen.append)
        done = [step.done for step in seen]
        assert done == sorted(set(done))
        assert done[-1] == SPEC.size
        assert grown.n_jobs == 1, "what serves takes one thread"
        with one_openmp_thread():
            prices.append(grown.predict(matrix.X))
        curves.append([(step.scored, step.rmse) for step in seen if step.rmse is not None])
    for other in (1, 2, 3):
        np.testing.assert_array_equal(prices[other], prices[0])
        assert curves[other] == curves[0]


def test_two_members_grow_at_once_where_there_are_two_threads(matrix: Rows) -> None:
    """Shown by the order in which they speak: one after the other, each member's steps would come in one piece."""

    def growing_at_once(n_jobs: int) -> bool:
        meeting, met = threading.Barrier(2), []

        def growth(member: Any, rows: Rows, watched: Rows | None, on_step: Callable[[Step], None]) -> Any:
            try:
                meeting.wait(timeout=1.0 if n_jobs == 1 else 30.0)
                met.append(True)
            except threading.BrokenBarrierError:
                met.append(False)
            return member.fit(rows.X, rows.y)

        grow_blend(blend_of(SPEC, n_jobs), matrix, None, lambda step: None, growth)
        return all(met)

    assert growing_at_once(2)
    assert not growing_at_once(1)


def test_a_member_that_breaks_breaks_the_blend_and_stops_the_others(matrix: Rows) -> None:
    ended: list[str] = []
    started = threading.Barrier(MEMBERS)

    def growth(member: Any, rows: Rows, watched: Rows | None, on_step: Callable[[Step], None]) -> Any:
        started.wait(timeout=30)
        if isinstance(member, TransformedTargetRegressor):
            raise ArithmeticError("no logarithm")
        try:
            for done in range(1, 10_000):
                on_step(Step(done, None))
                time.sleep(0.001)
        except TrainingCancelled:
            ended.append("heard")
            raise

    blend = blend_of(SPEC, 8)
    with pytest.raises(ArithmeticError, match="no logarithm"):
        grow_blend(blend, matrix, None, lambda step: None, growth)
    assert ended == ["heard"] * (MEMBERS - 1)
    assert not hasattr(blend, "estimators_")


@pytest.mark.parametrize("n_jobs", [1, 2])
@pytest.mark.parametrize("grown", range(MEMBERS))
def test_a_cancel_is_heard_in_every_member(grown: int, n_jobs: int, matrix: Rows) -> None:
    seen: list[Step] = []

    def stop_then(step: Step) -> None:
        seen.append(step)
        if step.said.startswith(f"{grown} of "):
            raise TrainingCancelled

    blend = blend_of(SPEC, n_jobs)
    with pytest.raises(TrainingCancelled):
        grow(SPEC, blend, matrix, None, stop_then)
    assert len({step.said for step in seen}) == grown + 1
    assert not hasattr(blend, "estimators_")


@pytest.mark.parametrize("price", [0.0, -1.0])
def test_a_price_without_a_logarithm_is_refused_before_any_tree_is_grown(price: float, matrix: Rows) -> None:
    seen: list[Step] = []
    prices = np.where(np.arange(300) == 7, price, matrix.y)
    with pytest.raises(InvalidData, match="1 of 300 prices"):
        grow(SPEC, blend_of(SPEC), Rows(matrix.X, prices), None, seen.append)
    assert not seen


def test_a_fitted_blend_can_be_cloned_and_fitted_again(some: XY, held_out: XY, trained: Trained) -> None:
    fitted = trained(ModelFamily.BLEND)
    with one_openmp_thread():
        again = clone(fitted.pipeline).fit(*some).predict(held_out[0])
    np.testing.assert_array_equal(again, fitted.predict(held_out[0]))


class OwnBoosting(HistGradientBoostingRegressor):
    """Somebody's own idea of boosting."""

    def predict(self, X: Any) -> np.ndarray:
        return 2 * super().predict(X)


@pytest.mark.parametrize(
    "changed",
    [
        lambda blend: VotingRegressor([*blend.estimators[:1], ("own", OwnBoosting(max_iter=5))]),
        lambda blend: VotingRegressor(blend.estimators[1:3], weights=[0.9, 0.1]),
    ],
    ids=["a member of one's own", "weights"],
)
def test_a_blend_of_somebodys_own_is_asked_itself(
    changed: Callable[[VotingRegressor], VotingRegressor], some: XY, held_out: XY
) -> None:
    plain = build_pipeline(SPEC)
    pipeline = Pipeline([*plain.steps[:-1], ("model", changed(plain.named_steps["model"]))])
    with one_openmp_thread():
        route = price_route(pipeline.fit(some[0].head(200), some[1].head(200)))
        assert not route.is_quick
        prices = route.prices(HouseRows.from_frame(held_out[0]))
        np.testing.assert_array_equal(prices, pipeline.predict(held_out[0]))
