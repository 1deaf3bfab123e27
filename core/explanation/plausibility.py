"""Whether a house is like the data at all, feature by feature and as a whole, and how much less sure it makes a price.

By how much a range must widen was measured on LightGBM and the lab's own intervals: parts of the 16,512 training rows
of 1990 were left out, the model fitted and the intervals calibrated on the rest. With what an interval must be
multiplied to hold 90 % of the rows of one kind again (``tests/benchmarks/widening.py`` prints it):

- *Unlike every row a model is fitted on*, beyond the bound that 99 % of the rows keep: 1.4 to 1.7 for parts at random
  (170 rows), 1.2 to 1.3 for whole map blocks of 0.25 to 2 degrees (23,952), 1.3 to 1.9 for the lowest or highest 0.5 or
  2 % of one quantity (705). Quantile regression, the three counted alike, gives 1 + 0.72 (1 − (bound / distance)²).
- *An ocean proximity that no neighbour has*, by asking for the same rows in another class: 1.35 to 1.74, in the middle
  1.43, with INLAND for a class at the water or the other way round; 1.03 to 1.12, in the middle 1.10, between classes
  at the water.
- *A value beyond all that a model is fitted on*, by leaving out the 0.5 % at one end of one quantity: 0.6 to 2.1, in
  the middle 1.53. A rare value within the data needs nothing (0.9 to 1.1), so it is told and widens nothing.

None of this reaches farther than some five times the bound, to two of the kinds at once, or to the islands, which have
five rows. That the factors are multiplied, but to no more than :data:`MOST_WIDENED`, and that a class with too few rows
counts as the wrong one, is a judgement.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from core.data.block_groups import BlockGroups
from core.domain.concerns import Plausibility
from core.domain.house import House
from core.explanation.plausibility_checks import KEYS, OCEAN_PROXIMITY, RARE_OCEAN_PROXIMITY, Findings, find
from core.explanation.plausibility_words import concern
from core.features.direct import HouseRows

MOST_WIDENED: Final = 3.0
"""A range is never more than so many times as wide."""

CHUNK: Final = 50_000
"""So many rows are judged at once: some 60 MB."""

_FOR_UNLIKENESS: Final = 0.72
_FOR_THE_WRONG_SIDE: Final = 1.43
_FOR_ANOTHER_CLASS: Final = 1.1
_FOR_BEYOND_ALL: Final = 1.53

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class RowsPlausibility:
    """The same judgement over n rows: how far each range is widened, shape (n,), and its concerns' keys.

    ``keys`` has one text a row: the concerns' keys joined by ``; ``, empty for a plausible row.
    """

    widened: Floats
    keys: npt.NDArray[np.object_]


def judge_house(house: House, block_groups: BlockGroups) -> Plausibility:
    """What about this house is unlike the data, and by how much its range is widened for it: some 0.3 ms.

    A house without concern is never widened; one whose values are rare but within the data may have concerns alone.
    """
    found = find(HouseRows.from_houses([house]), block_groups)
    keys = [key for key, is_found in zip(KEYS, found.flags[0].tolist(), strict=True) if is_found]
    concerns = tuple(concern(key, house, block_groups) for key in keys)
    return Plausibility(concerns, float(_widened(found, block_groups.likeness.usual)[0]))


def judge_rows(rows: HouseRows, block_groups: BlockGroups) -> RowsPlausibility:
    """The judgement of :func:`judge_house` over many rows at once: a million in bounded memory."""
    widened, keys = np.ones(len(rows)), np.full(len(rows), "", dtype=object)
    for begin in range(0, len(rows), CHUNK):
        part = slice(begin, begin + CHUNK)
        found = find(HouseRows(rows.numbers[part], rows.places[part]), block_groups)
        widened[part] = _widened(found, block_groups.likeness.usual)
        keys[part] = _joined(found)
    return RowsPlausibility(widened, keys)


def _widened(found: Findings, bound: float) -> Floats:
    nearness = bound / np.maximum(found.unlikeness, bound)
    widened = 1.0 + _FOR_UNLIKENESS * (1.0 - nearness**2)
    elsewhere, rare = (found.flags[:, KEYS.index(key)] for key in (OCEAN_PROXIMITY, RARE_OCEAN_PROXIMITY))
    widened *= np.where(found.wrong_side | rare, _FOR_THE_WRONG_SIDE, np.where(elsewhere, _FOR_ANOTHER_CLASS, 1.0))
    widened *= np.where(found.beyond_all, _FOR_BEYOND_ALL, 1.0)
    return np.minimum(widened, MOST_WIDENED)


def _joined(found: Findings) -> npt.NDArray[np.object_]:
    """One text a row; a text is made once for all rows with the same concerns."""
    codes, texts = found.flags @ (1 << np.arange(len(KEYS))), np.full(len(found.flags), "", dtype=object)
    for code in np.unique(codes[codes > 0]):
        texts[codes == code] = "; ".join(key for number, key in enumerate(KEYS) if code >> number & 1)
    return texts
