"""A few real block groups that stand for all of them: what a house is compared with when its price is explained.

They are chosen once from the rows alone, so every version of a data file is explained against the same ones. The
choice minimises the energy distance between the few and the many (Székely and Rizzo 2013, "Energy statistics";
Mak and Joseph 2018, "Support points") over nine coordinates: eight features on sensible scales, and the recorded
price. Measured with a forest of 150 trees against the values over 5,436 block groups, twelve held-out houses,
parts of $6,400 to $54,400, the mean of four draws of candidates: 30 chosen so are off by $1,400 a part, 30 at random by
$6,500, 30 evenly along the price by $3,500; 16 chosen so by $2,300, 48 by $1,300. Thirty and one house make 960
mixtures, just under the thousand up to which a forest's trees are walked (36 ms for 150 trees of depth 20).
"""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

from core.data.block_groups import BlockGroups, flat_kilometres
from core.domain.house import NUMERIC_COLUMNS
from core.features.direct import HouseRows

REFERENCES: Final = 30
"""How many block groups stand for all."""

_CANDIDATES: Final = 2_000
"""Block groups they are chosen from, and compared with: 4,000 chose no better ones in five times the time."""

_SWEEPS: Final = 8
"""Rounds in which each of the chosen may be exchanged for a better one; four are usually enough."""

_AT: Final = {name: number for number, name in enumerate(NUMERIC_COLUMNS)}

Floats = npt.NDArray[np.float64]
Positions = npt.NDArray[np.intp]


def reference_positions(block_groups: BlockGroups) -> Positions:
    """The positions of the :data:`REFERENCES` block groups, ascending; fewer where the data have fewer.

    Only block groups that models are fitted on and whose bedrooms are recorded. The same for the same rows.
    """
    usable = np.flatnonzero(~block_groups.is_held_out & ~np.isnan(block_groups.numbers[:, _AT["total_bedrooms"]]))
    if not usable.size:
        usable = np.arange(len(block_groups))
    drawn = np.sort(np.random.default_rng(0).permutation(usable)[:_CANDIDATES])
    return np.sort(drawn[_support_points(_coordinates(block_groups, drawn), REFERENCES)])


def reference_rows(block_groups: BlockGroups) -> HouseRows:
    """The features of :func:`reference_positions`."""
    positions = reference_positions(block_groups)
    return HouseRows(block_groups.numbers[positions], block_groups.place_numbers[positions])


def _coordinates(block_groups: BlockGroups, positions: Positions) -> Floats:
    """Each coordinate has a standard deviation of 1; the two of the map have it together."""
    column = {name: block_groups.numbers[positions, number] for name, number in _AT.items()}
    rooms, bedrooms, households = column["total_rooms"], column["total_bedrooms"], column["households"]
    place = flat_kilometres(column["longitude"], column["latitude"])
    others = np.column_stack(
        [
            column["housing_median_age"],
            np.log(rooms / households),
            np.log(np.where(np.isnan(bedrooms), rooms, bedrooms) / rooms),
            np.log(households),
            np.log(column["population"] / households),
            np.log(np.maximum(column["median_income"], 0.1)),
            block_groups.recorded[positions],
        ]
    )
    return np.column_stack([place / _spread(place).mean(), others / _spread(others)])


def _spread(columns: Floats) -> Floats:
    deviation = columns.std(axis=0)
    return np.asarray(np.where(deviation > 0, deviation, 1.0))


def _support_points(points: Floats, count: int) -> Positions:
    """Which points of shape (m, d) stand for all m: chosen one after the other, then exchanged while that helps.

    For a choice C of k the energy distance is 2/k Σ mean distance(c, all) − 1/k² Σ Σ distance(c, c′), and a constant.
    """
    from scipy.spatial.distance import cdist

    distances = cdist(points, points)
    to_all = distances.mean(axis=1)
    count = min(count, len(points))
    chosen: list[int] = []
    to_chosen = np.zeros(len(points))
    for size in range(1, count + 1):
        chosen.append(_least(size * to_all - to_chosen, chosen))
        to_chosen += distances[chosen[-1]]
    for _ in range(_SWEEPS):
        before = list(chosen)
        for place, old in enumerate(before):
            others = chosen[:place] + chosen[place + 1 :]
            to_others = to_chosen - distances[old]
            chosen[place] = _least(count * to_all - to_others, others)
            to_chosen = to_others + distances[chosen[place]]
        if chosen == before:
            break
    return np.array(chosen, dtype=np.intp)


def _least(cost: Floats, taken: list[int]) -> int:
    cost = cost.copy()
    cost[taken] = np.inf
    return int(cost.argmin())
