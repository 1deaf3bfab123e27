"""From nine raw columns to the matrix an estimator takes: imputation, ratios, one-hot, scaling."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from sklearn.compose import ColumnTransformer
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import OneHotEncoder, PowerTransformer, StandardScaler

from core.domain.house import NUMERIC_COLUMNS, OceanProximity
from core.features.engineer import RATIOS, BedroomImputer, FeatureEngineer

MODEL_COLUMNS: Final = (*NUMERIC_COLUMNS, *RATIOS)
"""The numeric columns an estimator sees; the one-hot columns of ``ocean_proximity`` follow them."""


def preprocessing_steps(*, scaled: bool) -> list[tuple[str, Any]]:
    """The Pipeline steps before the estimator.

    Args:
        scaled: bring every number to a symmetric unit scale (Yeo-Johnson), which linear models need and
            trees do not.
    """
    return [
        ("impute", BedroomImputer()),
        ("engineer", FeatureEngineer()),
        ("encode", _encoder(scaled=scaled)),
    ]


def preprocessor(*, scaled: bool) -> Pipeline:
    """The same steps as a Pipeline of their own, for a look at what an estimator sees."""
    return Pipeline(preprocessing_steps(scaled=scaled))


def model_column_names(fitted: Pipeline) -> list[str]:
    """The estimator's column names of a fitted price Pipeline, in order."""
    return [str(name) for name in fitted.named_steps["encode"].get_feature_names_out()]


def _encoder(*, scaled: bool) -> ColumnTransformer:
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
        [("numbers", numbers, list(MODEL_COLUMNS)), ("ocean", one_hot, ["ocean_proximity"])],
        verbose_feature_names_out=False,
    )
