"""From nine raw columns to the matrix an estimator takes: imputation, ratios, one-hot, scaling."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
from sklearn.compose import ColumnTransformer
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import OneHotEncoder, PowerTransformer, StandardScaler

from core.domain.feature_sets import FeatureSet
from core.domain.house import NUMERIC_COLUMNS, OceanProximity
from core.features.engineer import RATIOS, BedroomImputer, FeatureEngineer
from core.features.location import LOCATION_COLUMNS, LocationFeatures

MODEL_COLUMNS: Final = (*NUMERIC_COLUMNS, *RATIOS)
"""The numeric columns an estimator sees; the one-hot columns of ``ocean_proximity`` follow them.

With the location features, ``LOCATION_COLUMNS`` stand between the two.
"""


def preprocessing_steps(*, scaled: bool, features: FeatureSet = FeatureSet.BASIC) -> list[tuple[str, Any]]:
    """The Pipeline steps before the estimator.

    Args:
        scaled: bring every number to a symmetric unit scale (Yeo-Johnson), which linear models need and
            trees do not.
        features: with the location features there is a step "locate", which learns from prices; the fitted rows
            then go through ``fit_transform``, all others through ``transform``.
    """
    first: list[tuple[str, Any]] = [("impute", BedroomImputer()), ("engineer", FeatureEngineer())]
    if features is FeatureSet.BASIC:
        return [*first, ("encode", _encoder(MODEL_COLUMNS, scaled=scaled))]
    columns = (*MODEL_COLUMNS, *LOCATION_COLUMNS)
    return [*first, ("locate", LocationFeatures()), ("encode", _encoder(columns, scaled=scaled))]


def preprocessor(*, scaled: bool, features: FeatureSet = FeatureSet.BASIC) -> Pipeline:
    """The same steps as a Pipeline of their own, for a look at what an estimator sees."""
    return Pipeline(preprocessing_steps(scaled=scaled, features=features))


def model_column_names(fitted: Pipeline) -> list[str]:
    """The estimator's column names of a fitted price Pipeline, in order."""
    return [str(name) for name in fitted.named_steps["encode"].get_feature_names_out()]


def _encoder(columns: Sequence[str], *, scaled: bool) -> ColumnTransformer:
    # The categories are fixed, so that a split without ISLAND (five rows) still makes the same columns.
    one_hot = OneHotEncoder(
        categories=[[choice.value for choice in OceanProximity]],
        handle_unknown="error",
        sparse_output=False,
        dtype=np.float64,
    )
    # Yeo-Johnson turns far from zero: longitudes around -120 as they are would all become one number.
    numbers: Any = make_pipeline(StandardScaler(), PowerTransformer()) if scaled else "passthrough"
    return ColumnTransformer(
        [("numbers", numbers, list(columns)), ("ocean", one_hot, ["ocean_proximity"])],
        verbose_feature_names_out=False,
    )
