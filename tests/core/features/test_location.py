"""A place becomes columns, a block group's own price never reaches its own, and the same rows make the same columns."""

from __future__ import annotations

import pickle

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.utils.estimator_checks import (
    check_get_params_invariance,
    check_no_attributes_set_in_init,
    check_parameters_default_constructible,
    check_set_params,
)

from core.data.split import Split, split_rows
from core.domain.errors import InvalidData
from core.domain.feature_sets import FeatureSet
from core.domain.geography import kilometres
from core.domain.house import FEATURES, NUMERIC_COLUMNS, RAW_COLUMNS
from core.features.location import LOCATION_COLUMNS, LOCATION_GROUPS, LocationFeatures
from core.features.neighbour_prices import NEIGHBOUR_PRICES_COLUMNS
from core.features.preprocessing import model_column_names, preprocessor
from core.features.surroundings import SURROUNDINGS_COLUMNS

PRICED = [name for name in LOCATION_COLUMNS if name not in SURROUNDINGS_COLUMNS]
AROUND = list(SURROUNDINGS_COLUMNS)
FITTED = 1_500


@pytest.fixture(scope="module")
def split(real_rows: pd.DataFrame) -> Split:
    return split_rows(real_rows)


@pytest.fixture(scope="module")
def rows(split: Split) -> pd.DataFrame:
    return split.X_train.head(FITTED)


@pytest.fixture(scope="module")
def prices(split: Split) -> np.ndarray:
    return split.y_train.head(FITTED).to_numpy()


@pytest.fixture(scope="module")
def fitted(rows: pd.DataFrame, prices: np.ndarray) -> LocationFeatures:
    return LocationFeatures().fit(rows, prices)


@pytest.fixture(scope="module")
def own(rows: pd.DataFrame, prices: np.ndarray) -> pd.DataFrame:
    """The columns of the fitted rows themselves."""
    return LocationFeatures().fit_transform(rows, prices)[list(LOCATION_COLUMNS)]


@pytest.fixture(scope="module")
def unseen(split: Split) -> pd.DataFrame:
    return split.X_test.dropna().head(300)


@pytest.mark.parametrize("by_place", [False, True])
@pytest.mark.parametrize("factor", [0.01, 100.0])
def test_a_rows_own_price_never_reaches_its_own_columns(
    rows: pd.DataFrame, prices: np.ndarray, by_place: bool, factor: float
) -> None:
    before = LocationFeatures(by_place=by_place).fit_transform(rows, prices)
    reached = 0
    for row in (0, 77, 1_499):
        changed = prices.copy()
        changed[row] *= factor
        after = LocationFeatures(by_place=by_place).fit_transform(rows, changed)
        pd.testing.assert_series_equal(after.iloc[row], before.iloc[row])
        pd.testing.assert_frame_equal(after[AROUND], before[AROUND])
        reached += int((after[PRICED] != before[PRICED]).any(axis=1).sum())
    assert reached > 60, "a price that reaches nobody would prove nothing"


def test_with_parts_by_place_a_twins_price_stays_out_as_well(rows: pd.DataFrame, prices: np.ndarray) -> None:
    places = rows.groupby(["longitude", "latitude"]).indices.values()
    twins = next(found for found in places if len(found) >= 3)
    changed = prices.copy()
    changed[twins] *= 3
    before, after = (LocationFeatures(by_place=True).fit_transform(rows, given)[PRICED] for given in (prices, changed))
    pd.testing.assert_frame_equal(after.iloc[twins], before.iloc[twins])
    assert (after != before).any(axis=None)


def test_a_fitted_row_that_is_transformed_does_see_its_price_and_differs_on_purpose(
    rows: pd.DataFrame, fitted: LocationFeatures, own: pd.DataFrame, prices: np.ndarray
) -> None:
    seen = fitted.transform(rows)[list(LOCATION_COLUMNS)]
    logs = np.log(prices)
    assert np.abs(seen["kriged_log_price"] - logs).mean() < 0.7 * np.abs(own["kriged_log_price"] - logs).mean()


def test_no_row_is_its_own_neighbour(rows: pd.DataFrame, prices: np.ndarray, own: pd.DataFrame) -> None:
    for row in (3, 400):
        changed = rows.copy()
        changed.iloc[row, changed.columns.get_loc("median_income")] += 100.0
        after = LocationFeatures().fit_transform(changed, prices)
        assert after["nearby_income"].iloc[row] == own["nearby_income"].iloc[row]
        moved = after["income_against_15_nearby"].iloc[row] - own["income_against_15_nearby"].iloc[row]
        assert moved == pytest.approx(100.0)
        assert (after["nearby_income"].to_numpy() != own["nearby_income"].to_numpy()).sum() >= 3


def test_rows_at_one_place_are_neighbours_of_each_other_and_not_of_themselves() -> None:
    table = pd.DataFrame({name: np.full(40, float(FEATURES[name].default)) for name in NUMERIC_COLUMNS})  # type: ignore[arg-type]
    table = table.assign(ocean_proximity="INLAND", median_income=np.arange(1.0, 41.0))
    made = LocationFeatures().fit_transform(table, np.full(40, 200_000.0))
    assert np.isfinite(made[list(LOCATION_COLUMNS)].to_numpy()).all()
    mean = (table["median_income"].sum() - table["median_income"]) / 39
    against = table["median_income"] - made["income_against_40_nearby"]
    np.testing.assert_allclose(against, mean)
    np.testing.assert_allclose(made["kriged_log_price"], np.log(200_000.0))


def test_each_house_has_the_same_columns_alone_and_among_others(fitted: LocationFeatures, unseen: pd.DataFrame) -> None:
    whole = fitted.transform(unseen)
    singly = pd.concat([fitted.transform(unseen.iloc[[row]]) for row in range(60)])
    pd.testing.assert_frame_equal(singly, whole.head(60), check_exact=True)
    assert list(whole.columns) == [*unseen.columns, *LOCATION_COLUMNS] == list(fitted.get_feature_names_out())
    assert whole.index.equals(unseen.index)
    pd.testing.assert_frame_equal(whole[list(unseen.columns)], unseen)


def test_the_same_rows_make_the_same_columns_to_the_last_bit(
    rows: pd.DataFrame, prices: np.ndarray, own: pd.DataFrame, fitted: LocationFeatures, unseen: pd.DataFrame
) -> None:
    again = LocationFeatures().fit_transform(rows, pd.Series(prices, index=rows.index))
    pd.testing.assert_frame_equal(again[list(LOCATION_COLUMNS)], own, check_exact=True)
    copied = pickle.loads(pickle.dumps(fitted))  # noqa: S301 - our own bytes
    pd.testing.assert_frame_equal(copied.transform(unseen), fitted.transform(unseen), check_exact=True)


def test_its_pickle_holds_nine_numbers_a_row_and_no_tree(fitted: LocationFeatures, unseen: pd.DataFrame) -> None:
    fitted.transform(unseen)
    assert len(pickle.dumps(fitted)) < FITTED * 9 * 8 + 2_000


def test_distances_are_kilometres(fitted: LocationFeatures) -> None:
    san_jose = pd.DataFrame([{**{name: feature.default for name, feature in FEATURES.items()}}])
    san_jose = san_jose.assign(longitude=-121.89, latitude=37.34)[list(RAW_COLUMNS)]
    made = fitted.transform(san_jose).iloc[0]
    assert made["km_to_san_jose"] == pytest.approx(0.0, abs=1e-9)
    assert made["km_to_oakland"] == pytest.approx(kilometres(-121.89, 37.34, -122.27, 37.80), rel=0.03)
    assert 20 < made["km_to_coast"] < 45
    assert 10 < made["km_to_bay"] < 25


def test_neighbours_prices_are_those_of_the_nearest(
    rows: pd.DataFrame, prices: np.ndarray, fitted: LocationFeatures, unseen: pd.DataFrame
) -> None:
    made = fitted.transform(unseen.head(20))
    for row in range(20):
        house = unseen.iloc[row]
        east = (rows["longitude"] - house["longitude"]) * np.cos(np.radians(37.0))
        far = 111.2 * np.hypot(east, rows["latitude"] - house["latitude"]).to_numpy()
        nearest = np.argsort(far, kind="stable")
        if far[nearest[4]] == far[nearest[5]]:
            continue  # a tie: either is the fifth
        told, weight = np.log(prices[nearest[:5]]), 1 / (far[nearest[:5]] + 3.0)
        assert made["mean_log_price_of_5_nearby"].iloc[row] == pytest.approx((told * weight).sum() / weight.sum())
        assert made["lowest_log_price_of_5_nearby"].iloc[row] == told.min()
        assert made["highest_log_price_of_5_nearby"].iloc[row] == told.max()


def test_kriging_is_best_of_all_single_columns(own: pd.DataFrame, prices: np.ndarray) -> None:
    logs = np.log(prices)
    error = {name: float(np.std(own[name] - logs)) for name in (*NEIGHBOUR_PRICES_COLUMNS, "kriged_log_price")}
    assert min(error, key=lambda name: error[name]) == "kriged_log_price"
    assert error["kriged_log_price"] < 0.3
    assert (own["kriging_variance"] > 0).all()


@pytest.mark.parametrize("count", [3, 4, 11, 45])
def test_a_handful_of_rows_is_enough(rows: pd.DataFrame, prices: np.ndarray, unseen: pd.DataFrame, count: int) -> None:
    features = LocationFeatures()
    made = features.fit_transform(rows.head(count), prices[:count])
    for columns in (made, features.transform(unseen.head(5))):
        assert np.isfinite(columns[list(LOCATION_COLUMNS)].to_numpy()).all()


def number(name: str) -> st.SearchStrategy[float]:
    return st.floats(FEATURES[name].low, FEATURES[name].high)


@st.composite
def possible_rows(draw: st.DrawFn) -> dict[str, float]:
    values = {name: draw(number(name)) for name in NUMERIC_COLUMNS}
    return values | {"total_bedrooms": draw(st.floats(1.0, max(1.0, min(values["total_rooms"], 50_000.0))))}


@settings(max_examples=150)
@given(houses=st.lists(possible_rows(), min_size=1, max_size=5))
def test_every_place_and_house_there_can_be_has_finite_columns(
    fitted: LocationFeatures, houses: list[dict[str, float]]
) -> None:
    numbers = pd.DataFrame(houses)[list(NUMERIC_COLUMNS)].to_numpy()
    made = fitted.matrix(numbers)
    assert made.shape == (len(houses), len(LOCATION_COLUMNS))
    assert np.isfinite(made).all()


@pytest.mark.parametrize("scaled", [False, True])
def test_columns_of_the_whole_matrix_have_names_of_their_own(
    rows: pd.DataFrame, prices: np.ndarray, unseen: pd.DataFrame, scaled: bool
) -> None:
    steps = preprocessor(scaled=scaled, features=FeatureSet.LOCATION)
    matrix = steps.fit_transform(rows, prices)
    names = model_column_names(steps)
    assert names == list(steps.get_feature_names_out())
    assert len(set(names)) == len(names) == matrix.shape[1] == 80
    assert np.isfinite(matrix).all()
    assert np.isfinite(steps.transform(unseen)).all()


def test_every_column_belongs_to_one_group() -> None:
    grouped = [name for columns in LOCATION_GROUPS.values() for name in columns]
    assert sorted(grouped) == sorted(LOCATION_COLUMNS)
    assert len(set(grouped)) == len(grouped)


def test_it_is_an_estimator_as_scikit_learn_wants_them(fitted: LocationFeatures) -> None:
    name, plain = "LocationFeatures", LocationFeatures(folds=5, by_place=True)
    check_parameters_default_constructible(name, plain)
    check_no_attributes_set_in_init(name, plain)
    check_get_params_invariance(name, plain)
    check_set_params(name, plain)
    assert clone(plain).get_params() == {"folds": 5, "by_place": True}
    assert not hasattr(clone(fitted), "numbers_")


def test_unfitted_it_says_so(rows: pd.DataFrame) -> None:
    with pytest.raises(NotFittedError):
        LocationFeatures().transform(rows)


def test_what_it_cannot_learn_from_is_refused(rows: pd.DataFrame, prices: np.ndarray) -> None:
    with pytest.raises(InvalidData, match="learn from prices"):
        LocationFeatures().fit(rows)
    with pytest.raises(InvalidData, match="lack longitude"):
        LocationFeatures().fit(rows.drop(columns="longitude"), prices)
    with pytest.raises(InvalidData, match="total_bedrooms are missing"):
        LocationFeatures().fit(rows.assign(total_bedrooms=np.nan), prices)
    with pytest.raises(InvalidData, match="not above"):
        LocationFeatures().fit(rows, np.where(np.arange(FITTED) == 5, 0.0, prices))
    with pytest.raises(InvalidData, match="1,500 rows and 9 prices"):
        LocationFeatures().fit(rows, prices[:9])
    with pytest.raises(InvalidData, match="at least 3 rows"):
        LocationFeatures().fit(rows.head(2), prices[:2])
    with pytest.raises(InvalidData, match="one place"):
        LocationFeatures(by_place=True).fit_transform(rows.assign(longitude=-120.0, latitude=37.0), prices)
