"""Moving a house on the map: what goes with the place goes along, and the sea is refused."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

from core.data.block_groups import BlockGroups
from core.domain.errors import InvalidHouse
from core.domain.geography import is_on_land
from core.domain.house import House

FARTHEST_OFF_LAND_KM: Final = 10.0
"""Real block groups lie up to 9 km off the outline of the map: so near to one of them a place is taken."""


@dataclass(frozen=True, slots=True)
class Moved:
    """A house at another place. ``notes`` are sentences that say what changed along; empty where nothing did."""

    house: House
    notes: tuple[str, ...] = ()


def move(house: House, longitude: float, latitude: float, block_groups: BlockGroups) -> Moved:
    """The house at a place in degrees. Its ``ocean_proximity`` becomes that of the neighbours there.

    Raises:
        InvalidHouse: the place is not on California's land, and no block group lies within 10 km.
    """
    there = replace(house, longitude=float(longitude), latitude=float(latitude))
    gap = float(block_groups.nearest(there.longitude, there.latitude)[0][0, 0])
    if gap > FARTHEST_OFF_LAND_KM and not is_on_land(there.longitude, there.latitude):
        raise InvalidHouse(
            f"{there.latitude:.2f} north, {-there.longitude:.2f} west is not on California's land, and the nearest "
            f"block group lies {gap:,.0f} km away.",
            remedy="Click on land.",
        )
    place = block_groups.place_at(there.longitude, there.latitude).value
    if place == house.ocean_proximity:
        return Moved(there)
    note = f"Ocean proximity follows the place: {house.ocean_proximity} became {place}, as the nearest block groups."
    return Moved(replace(there, ocean_proximity=place), (note,))
