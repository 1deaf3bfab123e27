"""What about a house is unlike the block groups: a fixed list of checks, for many rows at once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from core.data.block_groups import BlockGroups
from core.data.flat_map import are_on_land
from core.data.usual_values import QUANTITIES, quantities
from core.domain.house import NUMERIC_COLUMNS, OceanProximity
from core.features.direct import HouseRows

NOT_ON_LAND: Final = "not_on_land"
FAR_AWAY: Final = "far_away"
OCEAN_PROXIMITY: Final = "ocean_proximity"
RARE_OCEAN_PROXIMITY: Final = "rare_ocean_proximity"
FEW_PEOPLE: Final = "households_above_population"
UNLIKE_ANY: Final = "unlike_any"

KEYS: Final = (
    NOT_ON_LAND,
    FAR_AWAY,
    OCEAN_PROXIMITY,
    RARE_OCEAN_PROXIMITY,
    FEW_PEOPLE,
    *(f"unusual_{name}" for name in reversed(QUANTITIES)),
    UNLIKE_ANY,
)
"""The concerns there can be, the gravest first: the place, what cannot be, what is out of proportion, single values."""

FEWEST_OF_A_CLASS: Final = 100
"""With fewer rows to fit on, an ``ocean_proximity`` has no price of its own that a model could learn."""

NEIGHBOURS: Final = 10
"""An ``ocean_proximity`` that none of so many nearest block groups has is out of place."""

OFF_LAND_KM: Final = 2.0
"""So exact is the outline of the map: nearer to a block group than this no place is said to be off the land."""

_AT: Final = {name: number for number, name in enumerate(NUMERIC_COLUMNS)}
_KEY_AT: Final = {key: number for number, key in enumerate(KEYS)}
_PEOPLE_EACH: Final = QUANTITIES.index("people_per_household")
_INLAND: Final = list(OceanProximity).index(OceanProximity.INLAND)

Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True, eq=False)
class Findings:
    """What the checks say of n rows.

    Attributes:
        flags: which of :data:`KEYS` is a concern, shape (n, len(KEYS)).
        unlikeness: how far the most similar row that a model is fitted on is, in spreads, shape (n,).
        beyond_all: whether some value or ratio lies beyond all that a model is fitted on, shape (n,).
        wrong_side: whether INLAND stands where the neighbours are at the water, or the other way round, shape (n,).
    """

    flags: Flags
    unlikeness: Floats
    beyond_all: Flags
    wrong_side: Flags


def find(rows: HouseRows, block_groups: BlockGroups) -> Findings:
    """Every check on every row. Rows are valid houses; a missing ``total_bedrooms`` is no concern."""
    flags = np.zeros((len(rows), len(KEYS)), dtype=bool)
    wrong_side = _check_place(rows, block_groups, flags)
    beyond_all = _check_values(rows, block_groups, flags)
    unlikeness, _ = block_groups.likeness.nearest(rows.numbers)
    flags[:, _KEY_AT[UNLIKE_ANY]] = unlikeness > block_groups.likeness.usual
    return Findings(flags, unlikeness, beyond_all, wrong_side)


def _check_place(rows: HouseRows, block_groups: BlockGroups, flags: Flags) -> Flags:
    """Sets the flags of the place; answers which rows are on the wrong side of INLAND."""
    longitude, latitude = rows.numbers[:, _AT["longitude"]], rows.numbers[:, _AT["latitude"]]
    kilometres, neighbours = block_groups.nearest(longitude, latitude, NEIGHBOURS)
    off = kilometres[:, 0] > OFF_LAND_KM
    off[off] = ~are_on_land(longitude[off], latitude[off])
    flags[:, _KEY_AT[NOT_ON_LAND]] = off
    flags[:, _KEY_AT[FAR_AWAY]] = ~off & (kilometres[:, 0] > block_groups.usual.gap_rare)

    around = block_groups.place_numbers[neighbours]
    is_inland = rows.places == _INLAND
    elsewhere = (around != rows.places[:, None]).all(axis=1)
    flags[:, _KEY_AT[OCEAN_PROXIMITY]] = elsewhere
    flags[:, _KEY_AT[RARE_OCEAN_PROXIMITY]] = block_groups.fitted_on_places[rows.places] < FEWEST_OF_A_CLASS
    are_inland = 2 * (around == _INLAND).sum(axis=1) > around.shape[1]
    return np.asarray(elsewhere & (is_inland | are_inland))


def _check_values(rows: HouseRows, block_groups: BlockGroups, flags: Flags) -> Flags:
    """Sets the flags of values and ratios; answers which rows lie beyond all that a model is fitted on."""
    usual, found = block_groups.usual, quantities(rows.numbers)
    unusual = (found < usual.rare_below) | (found > usual.rare_above)
    few = rows.numbers[:, _AT["households"]] > rows.numbers[:, _AT["population"]]
    flags[:, _KEY_AT[FEW_PEOPLE]] = few
    unusual[few, _PEOPLE_EACH] = False
    for number, name in enumerate(QUANTITIES):
        flags[:, _KEY_AT[f"unusual_{name}"]] = unusual[:, number]
    return np.asarray(((found < usual.least) | (found > usual.most)).any(axis=1))
