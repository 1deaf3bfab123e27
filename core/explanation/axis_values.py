"""Where along a feature a price is asked for: the usual range of the data, on the scale the feature lives on."""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

from core.data.block_groups import BlockGroups
from core.domain.house import FEATURES, House

TOTALS: Final = frozenset({"total_rooms", "total_bedrooms", "population", "households"})
"""Sizes of a block group: whole numbers, of which twice as much is as far as half as much."""

USUAL_SHARES: Final = (0.005, 0.995)
"""The quantiles between which a value of the data is usual."""

Floats = npt.NDArray[np.float64]


def usual_range(feature: str, block_groups: BlockGroups) -> tuple[float, float]:
    """The lowest and the highest usual value: the form's, cut to the 0.5 and 99.5 % quantiles of the data."""
    known = FEATURES[feature]
    low, high = (block_groups.quantile(feature, share) for share in USUAL_SHARES)
    low, high = max(low, known.usual_low), min(high, known.usual_high)
    return (low, high) if low < high else (known.usual_low, known.usual_high)


def axis_values(house: House, feature: str, block_groups: BlockGroups, count: int, *, freed: str = "") -> Floats:
    """About ``count`` values over the usual range of a numeric feature, ascending, and the house's own among them.

    Bedrooms stay within the house's rooms and rooms at or above its bedrooms, unless the other of the two is
    ``freed``. Totals are spread by ratios and whole, the rest evenly and to the step of its slider.
    """
    low, high = usual_range(feature, block_groups)
    own = getattr(house, feature)
    floor, ceiling = FEATURES[feature].low, FEATURES[feature].high
    if feature == "total_bedrooms" and freed != "total_rooms":
        ceiling = min(ceiling, house.total_rooms)
    if feature == "total_rooms" and freed != "total_bedrooms" and house.total_bedrooms is not None:
        floor = max(floor, house.total_bedrooms)
    low, high = float(np.clip(low, floor, ceiling)), float(np.clip(high, floor, ceiling))
    if feature in TOTALS:
        spread = np.round(np.geomspace(low, high, count))
    else:
        step, digits = FEATURES[feature].step, FEATURES[feature].shown_digits
        spread = np.round(np.round(np.linspace(low, high, count) / step) * step, digits)
    # Rounded, an end may lie just beyond what is possible.
    values = np.clip(spread, floor, ceiling)
    return np.unique(values if own is None else np.append(values, float(own)))


def midpoints(values: Floats) -> Floats:
    """The edges of the steps around ascending values, shape (n + 1,): the outer steps reach as far out as in."""
    if len(values) == 1:
        return np.array([values[0] - 0.5, values[0] + 0.5])
    between = (values[:-1] + values[1:]) / 2
    return np.concatenate([[2 * values[0] - between[0]], between, [2 * values[-1] - between[-1]]])
