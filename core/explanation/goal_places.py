"""Where a house whose location is not locked may move to: real block groups' places, each with its ocean proximity."""

from __future__ import annotations

from typing import Final

import numpy as np

from core.data.block_groups import BlockGroups, flat_kilometres
from core.domain.house import OceanProximity
from core.explanation.goal_limits import AT, MAP, Floats, GoalLimits
from core.explanation.goal_lines import Places, Positions
from core.features.direct import PLACES

_NEAREST: Final = 150
_SPREAD: Final = 110
_DEAREST: Final = 40
_SAME_DEGREES: Final = 0.05
"""Where one of latitude and longitude is locked: real places that differ by no more in it lend their other one."""

_ISLAND: Final = PLACES[OceanProximity.ISLAND.value]


def reachable_places(limits: GoalLimits, block_groups: BlockGroups) -> Places | None:
    """All such places, nearest first; for a first look the nearest, some everywhere, the dearest and the cheapest.

    None where neither latitude nor longitude may change: ``ocean_proximity`` follows the place and never moves alone.
    Islands have five block groups; nothing moves there that was not there.
    """
    free = limits.free & set(MAP)
    if not free:
        return None
    own = limits.start.numbers[0]
    longitude, latitude = (block_groups.numbers[:, AT[name]] for name in MAP)
    ocean = block_groups.place_numbers
    inside = np.ones(len(block_groups), dtype=bool)
    for name, values in zip(MAP, (longitude, latitude), strict=True):
        if name in free:
            inside &= (values >= limits.low[AT[name]]) & (values <= limits.high[AT[name]])
        else:
            inside &= np.abs(values - own[AT[name]]) <= _SAME_DEGREES
    chosen = np.flatnonzero(inside)
    longitude, latitude, ocean = longitude[chosen], latitude[chosen], ocean[chosen]
    if free != set(MAP):
        longitude, latitude = (
            values if name in free else np.full(len(values), own[AT[name]])
            for name, values in zip(MAP, (longitude, latitude), strict=True)
        )
        ocean = block_groups.ocean_proximity_at(longitude, latitude) if len(chosen) else ocean
    here = int(limits.start.places[0])
    kept = (ocean != _ISLAND) | (here == _ISLAND)
    kept &= (longitude != own[AT["longitude"]]) | (latitude != own[AT["latitude"]])
    if "ocean_proximity" not in limits.free:
        kept &= ocean == here
    if not kept.any():
        return None
    return _nearest_first(longitude[kept], latitude[kept], ocean[kept], block_groups.recorded[chosen[kept]], limits)


def _nearest_first(
    longitude: Floats, latitude: Floats, ocean: Positions, recorded: Floats, limits: GoalLimits
) -> Places:
    _, first = np.unique(np.column_stack([longitude, latitude, ocean]), axis=0, return_index=True)
    first = np.sort(first)
    here = flat_kilometres(*(limits.start.numbers[:1, AT[name]] for name in MAP))
    apart = flat_kilometres(longitude[first], latitude[first]) - here
    order = first[np.argsort(np.hypot(apart[:, 0], apart[:, 1]), kind="stable")]
    by_price = np.argsort(recorded[order], kind="stable")
    everywhere = by_price[np.linspace(0, len(order) - 1, _SPREAD).round().astype(int)]
    wanted = [np.arange(len(order))[:_NEAREST], everywhere, by_price[:_DEAREST], by_price[-_DEAREST:]]
    return Places(longitude[order], latitude[order], ocean[order], np.unique(np.concatenate(wanted)))
