"""Every column a model sees belongs to a group that an analyst knows."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from core.domain.errors import InvalidData
from core.domain.feature_groups import FeatureGroup
from core.domain.house import RAW_COLUMNS
from core.domain.hyperparameters import ModelFamily
from core.explanation.column_groups import column_sums, group_of_column
from core.features.preprocessing import model_column_names
from tests.core.explanation.conftest import SmallModel


def test_every_column_of_a_fitted_pipeline_has_a_group(
    family: ModelFamily, model_of: Callable[[ModelFamily], SmallModel]
) -> None:
    names = model_column_names(model_of(family).pipeline)
    groups = {name: group_of_column(name) for name in names}
    assert set(groups.values()) == set(FeatureGroup)
    sums = column_sums(names)
    assert sums.shape == (len(names), len(FeatureGroup))
    np.testing.assert_array_equal(sums.sum(axis=1), 1.0)


def test_a_raw_feature_belongs_where_the_words_say() -> None:
    numeric = [name for name in RAW_COLUMNS if name != "ocean_proximity"]
    assert all(name in group_of_column(name).features for name in numeric)
    assert group_of_column("ocean_proximity_NEAR BAY") is FeatureGroup.LOCATION
    assert group_of_column("bedrooms_per_room") is FeatureGroup.ROOMS
    assert group_of_column("population_per_household") is FeatureGroup.PEOPLE


def test_a_column_nobody_has_placed_is_named() -> None:
    with pytest.raises(InvalidData, match="swimming_pools"):
        column_sums(["median_income", "swimming_pools"])
