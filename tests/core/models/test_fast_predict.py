"""The quick route prices as the Pipeline does, to a billionth, for every family and every house there can be."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.ensemble import RandomForestRegressor
from sklearn.pipeline import Pipeline

from core.data.split import Split
from core.domain.house import FEATURES, NUMERIC_COLUMNS, RAW_COLUMNS, House
from core.domain.hyperparameters import ModelFamily
from core.features.direct import HouseRows, direct_preprocessing
from core.features.engineer import BedroomImputer
from core.models.families import build_pipeline
from core.models.fast_predict import MOST_WALKED, TOLERANCE, PriceRoute, price_route
from core.models.steps import one_openmp_thread
from tests.core.models.conftest import small_spec

RouteOf = Callable[[ModelFamily], PriceRoute]


def number(name: str) -> st.SearchStrategy[float]:
    return st.floats(FEATURES[name].low, FEATURES[name].high)


@st.composite
def any_house(draw: st.DrawFn) -> House:
    """Every house the domain allows, whole numbers and missing bedrooms among them."""
    values: dict[str, object] = {name: draw(number(name)) for name in NUMERIC_COLUMNS}
    rooms = values["total_rooms"]
    assert isinstance(rooms, float)
    values["total_bedrooms"] = draw(st.none() | st.floats(1.0, max(1.0, min(rooms, 50_000.0))))
    values["ocean_proximity"] = draw(st.sampled_from(FEATURES["ocean_proximity"].choices))
    return House.from_mapping(values)


@pytest.fixture(autouse=True)
def _as_the_service_runs() -> Iterator[None]:
    """Histogram gradient boosting spins on several threads; the service has one."""
    with one_openmp_thread():
        yield


@pytest.fixture(scope="session")
def route_of(some: tuple[pd.DataFrame, pd.Series]) -> RouteOf:
    """The route of the family's small model, fitted once on 2,000 rows."""
    kept: dict[ModelFamily, PriceRoute] = {}

    def get(family: ModelFamily) -> PriceRoute:
        if family not in kept:
            kept[family] = price_route(build_pipeline(small_spec(family)).fit(*some))
        return kept[family]

    return get


def part(rows: HouseRows, begin: int, end: int) -> HouseRows:
    return HouseRows(rows.numbers[begin:end], rows.places[begin:end])


def test_all_held_out_rows_cost_what_the_pipeline_says(
    family: ModelFamily, route_of: RouteOf, real_split: Split
) -> None:
    route, X = route_of(family), real_split.X_test
    assert route.is_quick
    assert len(X) == 4_128
    assert X["total_bedrooms"].isna().sum() == 207
    expected = route.pipeline.predict(X)
    rows = HouseRows.from_frame(X)
    np.testing.assert_allclose(route.prices(rows), expected, rtol=TOLERANCE)
    for size in (1, 7, MOST_WALKED["boosted"] + 1, MOST_WALKED["forest"]):
        ends = range(size, min(40 * size, len(X)) + 1, size)
        prices = np.concatenate([route.prices(part(rows, end - size, end)) for end in ends])
        np.testing.assert_allclose(prices, expected[: len(prices)], rtol=TOLERANCE)


def test_trees_are_summed_to_the_last_bit(route_of: RouteOf, real_split: Split) -> None:
    rows = HouseRows.from_frame(real_split.X_test.head(60))
    for family in (ModelFamily.RANDOM_FOREST, ModelFamily.EXTRA_TREES, ModelFamily.HIST_GRADIENT_BOOSTING):
        route = route_of(family)
        np.testing.assert_array_equal(route.prices(rows), route.pipeline.predict(real_split.X_test.head(60)))


@settings(max_examples=60)
@given(houses=st.lists(any_house(), min_size=1, max_size=10))
def test_any_house_costs_what_the_pipeline_says(route_of: RouteOf, houses: list[House]) -> None:
    rows = HouseRows.from_houses(houses)
    for family in ModelFamily:
        route = route_of(family)
        expected = route.pipeline.predict(rows.frame())
        assert np.isfinite(expected).all()
        # A linear model far beyond its data may come near 0 dollars, where a relative difference says nothing.
        np.testing.assert_allclose(route.prices(rows), expected, rtol=TOLERANCE, atol=1e-6, err_msg=family.value)


@given(house=any_house())
def test_rows_made_of_houses_and_of_a_frame_are_the_same(house: House) -> None:
    rows = HouseRows.from_houses([house])
    frame = rows.frame()
    assert list(frame.columns) == list(RAW_COLUMNS)
    again = HouseRows.from_frame(frame)
    np.testing.assert_array_equal(again.numbers, rows.numbers)
    np.testing.assert_array_equal(again.places, rows.places)
    assert frame.iloc[0].replace({np.nan: None}).to_dict() == house.as_dict()


def test_lightgbm_that_was_stopped_early_is_asked_up_to_its_best_tree(
    some: tuple[pd.DataFrame, pd.Series], held_out: tuple[pd.DataFrame, pd.Series]
) -> None:
    pipeline = build_pipeline(small_spec(ModelFamily.LIGHTGBM)).fit(*some)
    before = price_route(pipeline).prices(HouseRows.from_frame(held_out[0]))
    pipeline.named_steps["model"].booster_.best_iteration = 130
    route = price_route(pipeline)
    assert route.is_quick
    prices = route.prices(HouseRows.from_frame(held_out[0]))
    np.testing.assert_allclose(prices, pipeline.predict(held_out[0]), rtol=TOLERANCE)
    assert not np.allclose(prices, before)


class OwnImputer(BedroomImputer):
    """Somebody's own idea of missing bedrooms."""

    def transform(self, X: pd.DataFrame) -> pd.DataFrame:
        return super().transform(X).assign(total_bedrooms=1.0)


class OwnForest(RandomForestRegressor):
    """Somebody's own idea of a forest."""

    def predict(self, X: Any) -> np.ndarray:
        return 2 * super().predict(X)


def with_step(pipeline: Pipeline, name: str, step: Any) -> Pipeline:
    return Pipeline([(known, step if known == name else kept) for known, kept in pipeline.steps])


def test_a_pipeline_with_a_step_of_its_own_is_asked_itself(
    some: tuple[pd.DataFrame, pd.Series], held_out: tuple[pd.DataFrame, pd.Series]
) -> None:
    X, y = some[0].head(300), some[1].head(300)
    plain = build_pipeline(small_spec(ModelFamily.RIDGE))
    forest = OwnForest(5, max_depth=4, random_state=0)
    for pipeline in (with_step(plain, "impute", OwnImputer()), with_step(plain, "model", forest)):
        route = price_route(pipeline.fit(X, y))
        assert not route.is_quick
        prices = route.prices(HouseRows.from_frame(held_out[0]))
        np.testing.assert_array_equal(prices, pipeline.predict(held_out[0]))


def test_a_pipeline_that_answers_otherwise_than_its_figures_say_is_asked_itself(
    some: tuple[pd.DataFrame, pd.Series], held_out: tuple[pd.DataFrame, pd.Series]
) -> None:
    pipeline = build_pipeline(small_spec(ModelFamily.RIDGE)).fit(some[0].head(300), some[1].head(300))
    assert price_route(pipeline).is_quick
    model = pipeline.named_steps["model"]
    honest = model.predict
    model.predict = lambda matrix: honest(matrix) + 1
    route = price_route(pipeline)
    assert not route.is_quick
    np.testing.assert_array_equal(route.prices(HouseRows.from_frame(held_out[0])), pipeline.predict(held_out[0]))


def test_what_is_no_price_pipeline_has_no_direct_preprocessing() -> None:
    unfitted = build_pipeline(small_spec(ModelFamily.RIDGE))
    for other in (None, "a text", unfitted, Pipeline([("model", RandomForestRegressor())])):
        assert direct_preprocessing(other) is None
