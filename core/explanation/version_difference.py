"""Two versions on one house: the dollar difference, split by feature group.

The difference of two models is a function of the house like a price, so it has exact Shapley values of its own: those
of the one less those of the other, whatever families the two are.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from core.data.block_groups import BlockGroups
from core.domain.house import House
from core.domain.reasons import Contribution
from core.explanation.group_shapley import contributions, moves_between_rows
from core.explanation.references import reference_rows
from core.features.direct import HouseRows
from core.models.fast_predict import PriceRoute

_METHOD: Final = (
    "Each group's fair share of the difference: exact Shapley values of five groups (Lundberg and Lee 2017), against "
    "{count} block groups"
)


@dataclass(frozen=True, slots=True)
class VersionDifference:
    """What another version says for the house beyond the first one's price, in 1990 USD.

    ``base`` is how much higher the other version is on the houses both are compared on; with ``parts`` it adds
    up to ``total``.
    """

    total: float
    base: float
    parts: tuple[Contribution, ...]
    method: str


def difference(house: House, first: PriceRoute, other: PriceRoute, block_groups: BlockGroups) -> VersionDifference:
    """What ``other`` says beyond ``first``, split by feature group.

    Asks each of the two for 960 prices: 36 ms for 150 deep trees, 50 to 120 ms for 1,000 to 2,000 of LightGBM.
    """
    references = reference_rows(block_groups)

    def apart(rows: HouseRows) -> np.ndarray:
        return np.asarray(other.prices(rows) - first.prices(rows))

    own = HouseRows.from_houses([house])
    moves = moves_between_rows(references, own, apart).mean(axis=0)
    return VersionDifference(
        total=float(apart(own)[0]),
        base=float(apart(references).mean()),
        parts=contributions(moves),
        method=_METHOD.format(count=len(references)),
    )
