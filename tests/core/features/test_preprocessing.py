"""The matrix an estimator sees has the same named columns whatever rows it was fitted on."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from core.domain.house import RAW_COLUMNS, OceanProximity
from core.features.preprocessing import MODEL_COLUMNS, model_column_names, preprocessor

OCEAN_COLUMNS = [f"ocean_proximity_{choice.value}" for choice in OceanProximity]


@pytest.fixture(scope="module")
def inland_only(real_rows: pd.DataFrame) -> pd.DataFrame:
    return real_rows.loc[real_rows["ocean_proximity"] == "INLAND", list(RAW_COLUMNS)].head(500)


@pytest.mark.parametrize("scaled", [False, True])
def test_a_fit_without_islands_makes_the_island_column_all_the_same(inland_only: pd.DataFrame, scaled: bool) -> None:
    fitted = preprocessor(scaled=scaled).fit(inland_only)
    names = model_column_names(fitted)
    assert names == [*MODEL_COLUMNS, *OCEAN_COLUMNS]
    on_an_island = fitted.transform(inland_only.head(1).assign(ocean_proximity="ISLAND"))
    shown = dict(zip(names, on_an_island[0], strict=True))
    assert {name: shown[name] for name in OCEAN_COLUMNS} == {
        name: float(name == "ocean_proximity_ISLAND") for name in OCEAN_COLUMNS
    }


@pytest.mark.parametrize("scaled", [False, True])
def test_there_is_one_name_for_every_column_of_the_matrix(real_rows: pd.DataFrame, scaled: bool) -> None:
    rows = real_rows.head(1_000)[list(RAW_COLUMNS)]
    fitted = preprocessor(scaled=scaled).fit(rows)
    matrix = fitted.transform(rows)
    assert matrix.shape == (1_000, len(model_column_names(fitted)))
    assert matrix.dtype == np.float64
    assert np.isfinite(matrix).all()


def test_unscaled_numbers_are_the_raw_ones_under_their_names(real_rows: pd.DataFrame) -> None:
    rows = real_rows.head(200)[list(RAW_COLUMNS)]
    fitted = preprocessor(scaled=False).fit(rows)
    table = pd.DataFrame(fitted.transform(rows), columns=model_column_names(fitted))
    for name in ("median_income", "latitude", "longitude", "households"):
        np.testing.assert_array_equal(table[name], rows[name])
    np.testing.assert_array_equal(table[OCEAN_COLUMNS].sum(axis=1), np.ones(200))


def test_scaled_numbers_are_centred_and_of_unit_spread(real_rows: pd.DataFrame) -> None:
    rows = real_rows.head(2_000)[list(RAW_COLUMNS)]
    numbers = preprocessor(scaled=True).fit_transform(rows)[:, : len(MODEL_COLUMNS)]
    np.testing.assert_allclose(numbers.mean(axis=0), 0, atol=1e-6)
    np.testing.assert_allclose(numbers.std(axis=0), 1, atol=1e-6)


@pytest.mark.parametrize("unknown", ["LAKE", "island", "", None])
def test_an_unknown_place_is_never_encoded_as_if_it_were_none(inland_only: pd.DataFrame, unknown: str | None) -> None:
    fitted = preprocessor(scaled=False).fit(inland_only)
    with pytest.raises(ValueError, match="unknown categories"):
        fitted.transform(inland_only.head(2).assign(ocean_proximity=unknown))
