"""Which columns a model makes of the nine raw features."""

from __future__ import annotations

from enum import StrEnum
from typing import Final

from core.domain.errors import InvalidSpec


class FeatureSet(StrEnum):
    """The sets a model can be trained on. Either takes the nine raw features and nothing else."""

    BASIC = "basic"
    LOCATION = "location"

    @property
    def label(self) -> str:
        return _LABELS[self]

    @property
    def help(self) -> str:
        """What it makes of the nine features, in a sentence."""
        return _HELP[self]


_LABELS: Final = {FeatureSet.BASIC: "Basic", FeatureSet.LOCATION: "Location"}

_HELP: Final = {
    FeatureSet.BASIC: "The nine features and three ratios of them.",
    FeatureSet.LOCATION: "Also rotated coordinates, distances to cities and shores, and what the neighbouring block "
    "groups are like and cost. A block group's own price never reaches its own columns.",
}


def parse_feature_set(name: object) -> FeatureSet:
    """The set of that name.

    Raises:
        InvalidSpec: there is none.
    """
    try:
        return FeatureSet(str(name))
    except ValueError:
        raise InvalidSpec(
            f"There is no feature set {name!r}.",
            remedy=f"The sets are {', '.join(features.value for features in FeatureSet)}.",
        ) from None
