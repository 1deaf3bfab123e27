"""Columns made from the nine raw ones. Inside the Pipeline, so a model never depends on a script's memory."""

from __future__ import annotations

from typing import Any, Final, Self

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils.validation import check_is_fitted

from core.domain.errors import InvalidData
from core.domain.house import RAW_COLUMNS, OceanProximity

RATIOS: Final = {
    "rooms_per_household": ("total_rooms", "households"),
    "bedrooms_per_room": ("total_bedrooms", "total_rooms"),
    "population_per_household": ("population", "households"),
}
"""Engineered column → (numerator, denominator): sizes of homes and households instead of a block group's."""

_SIZES: Final = ("total_rooms", "population", "households")


class BedroomImputer(TransformerMixin, BaseEstimator):
    """Fills missing ``total_bedrooms`` from the other sizes, by least squares on logarithms.

    A constant is off by 38 % in the median, this by 7 %. It must be fitted: with the default split every
    missing value lies in the held-out rows, so an estimator that learns to route NaN never sees one.

    Attributes:
        coefficients_: shape (4,): log(rooms), log(population), log(households), intercept.
    """

    def fit(self, X: pd.DataFrame, y: Any = None) -> Self:
        """Fit on rows of shape (n, ≥ 9); rows without bedrooms are left out.

        Raises:
            InvalidData: no row has ``total_bedrooms``, or one of the nine raw columns is missing.
        """
        require_raw_columns(X)
        known = X.loc[X["total_bedrooms"].notna()]
        if known.empty:
            raise InvalidData(
                "No row has total_bedrooms, so missing ones cannot be estimated.",
                remedy="Give a data file in which most rows have total_bedrooms.",
            )
        target = np.log(known["total_bedrooms"].to_numpy(dtype=float))
        self.coefficients_, *_ = np.linalg.lstsq(self._design(known), target, rcond=None)
        return self

    def transform(self, X: pd.DataFrame) -> pd.DataFrame:
        """The rows with every ``total_bedrooms`` present, between 1 and ``total_rooms``.

        Raises:
            InvalidData: one of the nine raw columns is missing.
        """
        check_is_fitted(self)
        require_raw_columns(X)
        missing = X["total_bedrooms"].isna().to_numpy()
        if not missing.any():
            return X
        filled = X["total_bedrooms"].to_numpy(dtype=float, copy=True)
        rows = X.loc[missing]
        estimate = np.exp(self._design(rows) @ self.coefficients_)
        filled[missing] = np.clip(estimate, 1.0, rows["total_rooms"].to_numpy(dtype=float))
        return X.assign(total_bedrooms=filled)

    @staticmethod
    def _design(rows: pd.DataFrame) -> np.ndarray:
        logs = np.log(rows.loc[:, list(_SIZES)].to_numpy(dtype=float))
        return np.column_stack([logs, np.ones(len(rows))])

    def get_feature_names_out(self, input_features: Any = None) -> np.ndarray:
        return np.asarray(input_features if input_features is not None else RAW_COLUMNS, dtype=object)


class FeatureEngineer(TransformerMixin, BaseEstimator):
    """Adds the ratios of :data:`RATIOS` to whatever columns come in. It learns nothing from prices."""

    def fit(self, X: pd.DataFrame, y: Any = None) -> Self:
        """Check the columns; there is nothing to learn.

        Raises:
            InvalidData: one of the nine raw columns is missing.
        """
        require_raw_columns(X)
        self.n_features_in_ = X.shape[1]
        self.feature_names_in_ = np.asarray(X.columns, dtype=object)
        return self

    def transform(self, X: pd.DataFrame) -> pd.DataFrame:
        """The rows with the ratio columns added; other columns pass through as they are.

        Raises:
            InvalidData: one of the nine raw columns is missing.
        """
        require_raw_columns(X)
        columns = {name: X[name].to_numpy(dtype=float) for pair in RATIOS.values() for name in pair}
        return X.assign(**{new: columns[over] / columns[under] for new, (over, under) in RATIOS.items()})

    def get_feature_names_out(self, input_features: Any = None) -> np.ndarray:
        names = self.feature_names_in_ if input_features is None else input_features
        return np.asarray([*names, *RATIOS], dtype=object)


def raw_features(rows: pd.DataFrame) -> pd.DataFrame:
    """The nine raw columns, in their order, of rows that may hold them in any order and others beside them.

    Raises:
        InvalidData: a raw column is missing, or an ``ocean_proximity`` is none of the five.
    """
    require_raw_columns(rows)
    places = [place.value for place in OceanProximity]
    unknown = rows.loc[~rows["ocean_proximity"].isin(places).to_numpy(), "ocean_proximity"]
    if len(unknown):
        named = sorted({"missing" if pd.isna(place) else repr(place) for place in unknown})
        raise InvalidData(
            f"ocean_proximity is {', '.join(named)} in {len(unknown):,} of {len(rows):,} rows.",
            remedy=f"Write one of {', '.join(places)}.",
        )
    return rows.loc[:, list(RAW_COLUMNS)]


def require_raw_columns(X: pd.DataFrame) -> None:
    """Refuse rows that lack one of the nine raw columns.

    Raises:
        InvalidData: with the names of those that are missing.
    """
    missing = [name for name in RAW_COLUMNS if name not in X.columns]
    if missing:
        raise InvalidData(
            f"The rows lack {', '.join(missing)}.",
            remedy=f"A model takes the nine raw columns {', '.join(RAW_COLUMNS)}.",
        )
