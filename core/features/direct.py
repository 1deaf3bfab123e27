"""The preprocessing of a few rows in NumPy alone: the same matrix, without pandas' milliseconds.

A fitted ColumnTransformer takes 5 ms for one row, nearly all of it in checking and moving pandas columns. Here
the fitted figures are taken out of the Pipeline once and applied with the same operations, in the same order.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final, Self

import numpy as np
import pandas as pd
from scipy.special import boxcox1p
from sklearn.compose import ColumnTransformer
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import OneHotEncoder, PowerTransformer, StandardScaler

from core.domain.house import NUMERIC_COLUMNS, RAW_COLUMNS, House, OceanProximity
from core.features.engineer import RATIOS, BedroomImputer, FeatureEngineer
from core.features.location import LOCATION_COLUMNS, LocationFeatures
from core.features.preprocessing import MODEL_COLUMNS

PLACES: Final[Mapping[str, int]] = {place.value: number for number, place in enumerate(OceanProximity)}
"""Each ``ocean_proximity`` and its number in :attr:`HouseRows.places`."""

_PLACE_NAMES: Final = np.array(list(PLACES), dtype=object)
_AT: Final[Mapping[str, int]] = {name: number for number, name in enumerate(NUMERIC_COLUMNS)}
_BEDROOMS: Final = _AT["total_bedrooms"]
_ROOMS: Final = _AT["total_rooms"]
_SIZES: Final = [_AT[name] for name in ("total_rooms", "population", "households")]
"""The columns of BedroomImputer's design, in its order."""

_ONE_HOT: Final = np.eye(len(PLACES))


@dataclass(frozen=True, slots=True)
class HouseRows:
    """Rows of the nine raw features as two arrays. They are as valid as whoever makes them has checked.

    ``numbers`` has shape (n, 8), float64, in the order of ``NUMERIC_COLUMNS``; NaN is a missing
    ``total_bedrooms``. ``places`` has shape (n,) and holds the numbers of :data:`PLACES`.
    """

    numbers: np.ndarray
    places: np.ndarray

    @classmethod
    def from_houses(cls, houses: Iterable[House]) -> Self:
        """The rows of validated houses."""
        rows = [house.as_dict() for house in houses]
        numbers = [[np.nan if row[name] is None else row[name] for name in NUMERIC_COLUMNS] for row in rows]
        places = [PLACES[str(row["ocean_proximity"])] for row in rows]
        return cls(np.array(numbers, dtype=float).reshape(-1, len(NUMERIC_COLUMNS)), np.array(places, dtype=np.intp))

    @classmethod
    def from_frame(cls, rows: pd.DataFrame) -> Self:
        """The rows of a frame that holds the nine raw columns; each ``ocean_proximity`` must be one of the five."""
        numbers = rows.loc[:, list(NUMERIC_COLUMNS)].to_numpy(dtype=float)
        places = [PLACES[place] for place in rows["ocean_proximity"]]
        return cls(numbers, np.array(places, dtype=np.intp))

    def frame(self) -> pd.DataFrame:
        """The rows as a Pipeline takes them: nine columns in the data file's order."""
        columns: dict[str, Any] = {name: self.numbers[:, number] for name, number in _AT.items()}
        columns["ocean_proximity"] = _PLACE_NAMES[self.places]
        return pd.DataFrame(columns, columns=list(RAW_COLUMNS))

    def __len__(self) -> int:
        return len(self.places)


@dataclass(frozen=True, slots=True)
class DirectPreprocessing:
    """What the steps of ``preprocessing_steps`` learnt, and nothing else.

    ``bedrooms`` are the imputer's coefficients; ``curve`` and the scales are None where numbers pass as they are.
    ``location`` is the fitted step itself, None without location features: it works on arrays by itself.
    """

    bedrooms: np.ndarray
    scale: _Scale | None
    curve: np.ndarray | None
    scale_after: _Scale | None
    location: LocationFeatures | None = None

    def matrix(self, rows: HouseRows) -> np.ndarray:
        """What the estimator takes for these rows: shape (n, 16), with location features (n, 80), float64."""
        numbers = self._with_bedrooms(rows.numbers)
        ratios = [numbers[:, _AT[over]] / numbers[:, _AT[under]] for over, under in RATIOS.values()]
        located = [] if self.location is None else [self.location.matrix(numbers)]
        numbers = np.column_stack([numbers, *ratios, *located])
        if self.scale is not None and self.curve is not None and self.scale_after is not None:
            numbers = self.scale_after.applied(_yeo_johnson(self.scale.applied(numbers), self.curve))
        return np.hstack([numbers, _ONE_HOT[rows.places]])

    def _with_bedrooms(self, numbers: np.ndarray) -> np.ndarray:
        missing = np.isnan(numbers[:, _BEDROOMS])
        if not missing.any():
            return numbers
        filled = numbers.copy()
        known = numbers[missing]
        design = np.column_stack([np.log(known[:, _SIZES]), np.ones(len(known))])
        filled[missing, _BEDROOMS] = np.clip(np.exp(design @ self.bedrooms), 1.0, known[:, _ROOMS])
        return filled


@dataclass(frozen=True, slots=True)
class _Scale:
    """A fitted StandardScaler's figures."""

    mean: np.ndarray
    deviation: np.ndarray

    def applied(self, numbers: np.ndarray) -> np.ndarray:
        scaled: np.ndarray = (numbers - self.mean) / self.deviation
        return scaled


def direct_preprocessing(pipeline: Any) -> DirectPreprocessing | None:
    """The steps of a fitted price Pipeline before its estimator; None when they are not those this module knows."""
    if not isinstance(pipeline, Pipeline):
        return None
    match pipeline.steps[:-1]:
        case [("impute", impute), ("engineer", engineer), ("encode", encode)]:
            location, columns = None, MODEL_COLUMNS
        case [
            ("impute", impute),
            ("engineer", engineer),
            ("locate", LocationFeatures() as location),
            ("encode", encode),
        ]:
            columns = (*MODEL_COLUMNS, *LOCATION_COLUMNS)
            if type(location) is not LocationFeatures or not hasattr(location, "numbers_"):
                return None
        case _:
            return None
    if type(impute) is not BedroomImputer or type(engineer) is not FeatureEngineer:
        return None
    scales = _direct_encoding(encode, columns)
    return None if scales is None else DirectPreprocessing(impute.coefficients_, *scales, location)


def _direct_encoding(
    encode: Any, columns: tuple[str, ...]
) -> tuple[_Scale | None, np.ndarray | None, _Scale | None] | None:
    """The scale, curve and second scale of an encoder of these columns, all None where numbers pass as they are.

    None alone for an encoder this module does not know.
    """
    if type(encode) is not ColumnTransformer or not hasattr(encode, "transformers_"):
        return None
    match encode.transformers_:
        case [("numbers", numbers, numeric), ("ocean", ocean, ["ocean_proximity"])] if tuple(numeric) == columns:
            pass
        case _:
            return None
    if not isinstance(ocean, OneHotEncoder) or [list(known) for known in ocean.categories_] != [list(PLACES)]:
        return None
    if ocean.drop is not None or encode.transformer_weights:
        return None
    if not isinstance(numbers, Pipeline):
        passes = numbers == "passthrough" or getattr(numbers, "func", numbers) is None
        return (None, None, None) if passes else None
    match [step for _, step in numbers.steps]:
        case [StandardScaler() as first, PowerTransformer(method="yeo-johnson", standardize=True) as power]:
            return (
                _scale_of(first),
                np.asarray(power.lambdas_, dtype=float),
                _scale_of(power._scaler),  # noqa: SLF001 - scikit-learn keeps the second scaler to itself
            )
        case _:
            return None


def _scale_of(scaler: StandardScaler) -> _Scale:
    return _Scale(np.asarray(scaler.mean_, dtype=float), np.asarray(scaler.scale_, dtype=float))


def _yeo_johnson(numbers: np.ndarray, curve: np.ndarray) -> np.ndarray:
    """Yeo and Johnson's power transform (Biometrika 87, 2000), a lambda a column.

    For x ≥ 0 it is the Box-Cox transform of 1 + x with lambda, below it minus that of 1 − x with 2 − lambda.
    """
    above = numbers >= 0
    transformed = boxcox1p(np.abs(numbers), np.where(above, curve, 2.0 - curve))
    curved: np.ndarray = np.where(above, transformed, -transformed)
    return curved
