"""Models with location features: the quick route, no leak through the trainer, and the presets."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.base import clone

from core.data.split import Split
from core.domain.feature_sets import FeatureSet
from core.domain.house import House
from core.domain.hyperparameters import ModelFamily, TrainingSpec
from core.domain.presets import TRAINING_PRESETS, TrainingPreset
from core.features.direct import HouseRows
from core.features.location import LocationFeatures
from core.features.preprocessing import model_column_names
from core.models.fast_predict import TOLERANCE, PriceRoute, price_route
from core.models.steps import one_openmp_thread
from core.models.trainer import ModelTrainer
from tests.core.models.conftest import SMALL
from tests.core.models.test_fast_predict import any_house, with_step

Rows = tuple[pd.DataFrame, pd.Series]
Located = Callable[[ModelFamily], ModelTrainer]


def located_spec(family: ModelFamily) -> TrainingSpec:
    return TrainingSpec.create(family, SMALL[family], features=FeatureSet.LOCATION)


@pytest.fixture(autouse=True)
def _as_the_service_runs() -> Iterator[None]:
    with one_openmp_thread():
        yield


@pytest.fixture(scope="module")
def located(some: Rows, trainer_of: Callable[..., ModelTrainer]) -> Located:
    """The family's small model on location features, fitted once on 2,000 rows."""
    kept: dict[ModelFamily, ModelTrainer] = {}

    def get(family: ModelFamily) -> ModelTrainer:
        if family not in kept:
            kept[family] = trainer_of(located_spec(family))
            kept[family].train(*some)
        return kept[family]

    return get


@pytest.fixture(scope="module")
def route_of(located: Located) -> Callable[[ModelFamily], PriceRoute]:
    kept: dict[ModelFamily, PriceRoute] = {}

    def get(family: ModelFamily) -> PriceRoute:
        if family not in kept:
            kept[family] = price_route(located(family).pipeline)
        return kept[family]

    return get


def test_all_held_out_rows_cost_by_the_quick_route_what_the_pipeline_says(
    family: ModelFamily, route_of: Callable[[ModelFamily], PriceRoute], real_split: Split
) -> None:
    route, X = route_of(family), real_split.X_test
    assert route.is_quick
    assert len(X) == 4_128
    rows, expected = HouseRows.from_frame(X), route.pipeline.predict(X)
    np.testing.assert_allclose(route.prices(rows), expected, rtol=TOLERANCE)
    # Among others a row's exponentials may end in another bit, which ridge's power transform enlarges to 3e-9 of the
    # price: a row alone is compared with itself alone.
    singly = [route.prices(HouseRows(rows.numbers[at : at + 1], rows.places[at : at + 1])) for at in range(100)]
    alone = [route.pipeline.predict(X.iloc[[at]]) for at in range(100)]
    np.testing.assert_allclose(np.concatenate(singly), np.concatenate(alone), rtol=TOLERANCE)
    direct = route.direct
    assert direct is not None
    assert direct.preprocessing.matrix(rows).shape == (4_128, len(model_column_names(route.pipeline)))


@settings(max_examples=40)
@given(houses=st.lists(any_house(), min_size=1, max_size=6))
def test_any_house_costs_by_the_quick_route_what_the_pipeline_says(
    route_of: Callable[[ModelFamily], PriceRoute], houses: list[House]
) -> None:
    rows = HouseRows.from_houses(houses)
    for family in ModelFamily:
        route = route_of(family)
        expected = route.pipeline.predict(rows.frame())
        assert np.isfinite(expected).all()
        np.testing.assert_allclose(route.prices(rows), expected, rtol=TOLERANCE, atol=1e-6, err_msg=family.value)


class OwnLocation(LocationFeatures):
    """Somebody's own idea of location."""


def test_a_location_step_of_somebodys_own_is_asked_itself(some: Rows) -> None:
    from core.models.families import build_pipeline

    pipeline = build_pipeline(located_spec(ModelFamily.RIDGE))
    assert not price_route(with_step(pipeline, "locate", OwnLocation()).fit(some[0], some[1])).is_quick


def test_held_out_prices_change_nothing_of_a_model(
    some: Rows, held_out: Rows, trainer_of: Callable[..., ModelTrainer]
) -> None:
    shuffled = pd.Series(np.random.default_rng(0).permutation(held_out[1]), index=held_out[1].index)
    trainers = []
    for watched in (held_out[1], shuffled):
        trainers.append(trainer_of(located_spec(ModelFamily.LIGHTGBM)))
        trainers[-1].train(*some, watched=(held_out[0], watched))
    one, other = trainers
    assert one.curve != other.curve, "the watched prices are scored against"
    np.testing.assert_array_equal(one.predict(held_out[0]), other.predict(held_out[0]))
    np.testing.assert_array_equal(
        one.pipeline.named_steps["locate"].log_prices_, other.pipeline.named_steps["locate"].log_prices_
    )


def test_the_trainers_model_is_that_of_a_bare_fit(some: Rows, held_out: Rows, located: Located) -> None:
    trained = located(ModelFamily.HIST_GRADIENT_BOOSTING)
    bare = clone(trained.pipeline).fit(*some)
    np.testing.assert_array_equal(bare.predict(held_out[0]), trained.predict(held_out[0]))


def test_location_lowers_the_error_of_every_family(
    family: ModelFamily, located: Located, trained: Located, held_out: Rows
) -> None:
    def rmse(trainer: ModelTrainer) -> float:
        return float(np.sqrt(np.mean((trainer.predict(held_out[0]) - held_out[1]) ** 2)))

    assert rmse(located(family)) < 0.95 * rmse(trained(family))


def test_importance_is_that_of_the_rows_as_they_were_fitted(located: Located) -> None:
    """A fitted row that is transformed sees its own price, and kriging would seem to be nearly everything."""
    importance = located(ModelFamily.HIST_GRADIENT_BOOSTING).importance
    assert importance.method == "permutation"
    assert importance.as_dict()["median_income"] > 0
    assert 0.05 < importance.as_dict()["kriged_log_price"] < 0.9


@pytest.mark.long
@pytest.mark.parametrize(
    ("preset", "rmse", "mape", "seconds"),
    [
        (TRAINING_PRESETS["reference"], 50_000, 18.5, 60),
        (TRAINING_PRESETS["fast"], 39_000, 13.6, 3),
        (TRAINING_PRESETS["best"], 38_500, 13.4, 15),
        (TRAINING_PRESETS["ensemble"], 38_000, 13.4, 60),
    ],
    ids=["reference", "fast", "best", "ensemble"],
)
def test_a_preset_reaches_on_the_held_out_rows_what_it_promises(
    preset: TrainingPreset,
    rmse: float,
    mape: float,
    seconds: float,
    real_split: Split,
    trainer_of: Callable[..., ModelTrainer],
) -> None:
    trainer = trainer_of(preset.spec)
    trainer.train(real_split.X_train, real_split.y_train)
    predicted, actual = trainer.predict(real_split.X_test), real_split.y_test.to_numpy()
    reached = float(np.sqrt(np.mean((predicted - actual) ** 2)))
    off = float(np.mean(np.abs(predicted / actual - 1)) * 100)
    print(f"\n{preset.name}: RMSE {reached:,.0f}, MAPE {off:.2f}, {trainer.fit_seconds:.1f} s")
    assert reached <= rmse
    assert off <= mape
    assert trainer.fit_seconds <= seconds
