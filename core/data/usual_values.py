"""What is usual among the block groups, quantity by quantity: the words beside an unusual house."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Self

import numpy as np
import numpy.typing as npt

from core.domain.house import NUMERIC_COLUMNS

RATIOS: Final = {
    "rooms_per_household": ("total_rooms", "households"),
    "people_per_household": ("population", "households"),
    "bedrooms_per_room": ("total_bedrooms", "total_rooms"),
}
"""Ratio → (of what, a what): what a block group's totals come to for one of its homes."""

QUANTITIES: Final = (*(name for name in NUMERIC_COLUMNS if name not in {"longitude", "latitude"}), *RATIOS)
"""The numeric features that are no place, then the ratios: the columns of :func:`quantities`."""

RARE: Final = 0.001
"""One block group in a thousand lies beyond either end of what is not rare."""

RARE_RATIO: Final = 0.004
"""Of a ratio four in a thousand do: a ratio says more than a size. So 97 % of the real block groups have nothing rare
about them, and 21 rooms a household are rare."""

_AT: Final = {name: number for number, name in enumerate(NUMERIC_COLUMNS)}

Floats = npt.NDArray[np.float64]


def quantities(numbers: Floats) -> Floats:
    """Rows of shape (n, 8) as in ``NUMERIC_COLUMNS`` as their :data:`QUANTITIES`, shape (n, 9); NaN: not known."""
    plain = [numbers[:, _AT[name]] for name in QUANTITIES if name not in RATIOS]
    ratios = [numbers[:, _AT[over]] / numbers[:, _AT[under]] for over, under in RATIOS.values()]
    return np.column_stack([*plain, *ratios])


@dataclass(frozen=True, slots=True, eq=False)
class UsualValues:
    """Where the quantities of the block groups lie. Each end is an array in the order of QUANTITIES, shape (9,).

    Attributes:
        least, most: no block group lies beyond them.
        rare_below, rare_above: beyond each lie one in a thousand, of a ratio four.
        low_90, high_90: the middle 90 % lie between. low_99, high_99: the middle 99 %.
        gap_99: 99 % of the block groups have another within so many kilometres. gap_rare: all but one in a thousand.
    """

    least: Floats
    rare_below: Floats
    low_99: Floats
    low_90: Floats
    high_90: Floats
    high_99: Floats
    rare_above: Floats
    most: Floats
    gap_99: float
    gap_rare: float

    @classmethod
    def of(cls, numbers: Floats, gaps: Floats) -> Self:
        """From rows of shape (n, 8), n at least 1, and the kilometres from each block group to the next, shape (m,)."""
        found = quantities(numbers)
        least, low_99, low_90, high_90, high_99, most = np.nanquantile(found, [0, 0.005, 0.05, 0.95, 0.995, 1], axis=0)
        below, above, ratio_below, ratio_above = np.nanquantile(
            found, [RARE, 1 - RARE, RARE_RATIO, 1 - RARE_RATIO], axis=0
        )
        is_ratio = np.isin(QUANTITIES, list(RATIOS))
        gap_99, gap_rare = np.quantile(gaps, [0.99, 1 - RARE])
        return cls(
            least=least,
            rare_below=np.where(is_ratio, ratio_below, below),
            low_99=low_99,
            low_90=low_90,
            high_90=high_90,
            high_99=high_99,
            rare_above=np.where(is_ratio, ratio_above, above),
            most=most,
            gap_99=float(gap_99),
            gap_rare=float(gap_rare),
        )
