"""What the nearest block groups cost, on the logarithm of their prices."""

from __future__ import annotations

from typing import Final

import numpy as np

from core.features.nearest import Floats, Nearest
from core.features.surroundings import places_of

NEIGHBOURS: Final = (5, 15, 40)
"""So many nearest block groups are asked, each time anew."""

_SOFTENING: Final = 3.0
"""Kilometres added to a distance before its reciprocal weighs a neighbour. With 0.3 the one at the same rounded
coordinates drowns the others, and cross-validation of the training rows is $250 worse."""

NEIGHBOUR_PRICES_COLUMNS: Final = tuple(
    f"{kind}_log_price_of_{count}_nearby" for count in NEIGHBOURS for kind in ("mean", "lowest", "highest")
)
"""The columns of :class:`NeighbourPrices`, in order."""


class NeighbourPrices:
    """Knows the prices of some block groups.

    Args:
        numbers: their ``NUMERIC_COLUMNS``, shape (n, 8). log_prices: of prices in 1990 USD, shape (n,).
    """

    def __init__(self, numbers: Floats, log_prices: Floats) -> None:
        self._near = Nearest(places_of(numbers))
        self._log_prices = log_prices

    def of(self, numbers: Floats) -> Floats:
        """:data:`NEIGHBOUR_PRICES_COLUMNS` of m houses that are none of the block groups: shape (m, 9)."""
        distances, neighbours = self._near.to(places_of(numbers), NEIGHBOURS[-1])
        prices, weights = self._log_prices[neighbours], 1.0 / (distances + _SOFTENING)
        columns = []
        for count in NEIGHBOURS:
            told, weight = prices[:, :count], weights[:, :count]
            columns += [(weight * told).sum(axis=1) / weight.sum(axis=1), told.min(axis=1), told.max(axis=1)]
        return np.column_stack(columns)
