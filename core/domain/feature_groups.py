"""The terms in which a price is explained: what an analyst can change, whatever columns a model makes of it."""

from __future__ import annotations

from enum import StrEnum
from typing import Final


class FeatureGroup(StrEnum):
    """Raw features that are explained as one: the nine, without overlap."""

    INCOME = "median_income"
    AGE = "housing_median_age"
    ROOMS = "size_and_rooms"
    PEOPLE = "people"
    LOCATION = "location"

    @property
    def label(self) -> str:
        """``Size and rooms``: how a chart and a sentence name it."""
        return _LABELS[self]

    @property
    def features(self) -> tuple[str, ...]:
        """The raw features that belong to it."""
        return _FEATURES[self]


_LABELS: Final = {
    FeatureGroup.INCOME: "Median income",
    FeatureGroup.AGE: "Median house age",
    FeatureGroup.ROOMS: "Size and rooms",
    FeatureGroup.PEOPLE: "People",
    FeatureGroup.LOCATION: "Location",
}

_FEATURES: Final = {
    FeatureGroup.INCOME: ("median_income",),
    FeatureGroup.AGE: ("housing_median_age",),
    FeatureGroup.ROOMS: ("total_rooms", "total_bedrooms"),
    FeatureGroup.PEOPLE: ("population", "households"),
    FeatureGroup.LOCATION: ("longitude", "latitude", "ocean_proximity"),
}
