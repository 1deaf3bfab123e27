"""Which feature group each of an estimator's columns speaks for, whatever a Pipeline makes of the nine raw ones."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

import numpy as np
import numpy.typing as npt

from core.domain.errors import InvalidData
from core.domain.feature_groups import FeatureGroup

_RAW: Final = {name: group for group in FeatureGroup for name in group.features}

_ENGINEERED: Final = {
    "rooms_per_household": FeatureGroup.ROOMS,
    "bedrooms_per_room": FeatureGroup.ROOMS,
    "population_per_household": FeatureGroup.PEOPLE,
}
"""A ratio goes to the group of its numerator, which is what it says something about."""

_LOCATION_PREFIXES: Final = ("ocean_proximity_",)
"""What one-hot columns and all columns made from a place begin with."""


def group_of_column(name: str) -> FeatureGroup:
    """The group of one of an estimator's columns.

    Raises:
        InvalidData: nobody has said where the column belongs.
    """
    if name in _RAW:
        return _RAW[name]
    if name in _ENGINEERED:
        return _ENGINEERED[name]
    if name.startswith(_LOCATION_PREFIXES):
        return FeatureGroup.LOCATION
    raise InvalidData(
        f"The model's column {name} belongs to no feature group, so its part of a price cannot be told.",
        remedy="Name its group in core/explanation/column_groups.py.",
    )


def column_sums(names: Iterable[str]) -> npt.NDArray[np.float64]:
    """The matrix that sums columns into groups: shape (columns, 5), a single 1 in each row.

    Raises:
        InvalidData: as :func:`group_of_column`.
    """
    groups = [group_of_column(name) for name in names]
    return np.array([[float(group is own) for own in FeatureGroup] for group in groups]).reshape(-1, len(FeatureGroup))
