"""The concerns about one house in words: what it has, and what would be usual."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from typing import Final

import numpy as np

from core.data.block_groups import BlockGroups
from core.data.likeness import COORDINATES, PLACE
from core.data.usual_values import QUANTITIES, RATIOS, quantities
from core.domain.concerns import Concern
from core.domain.house import FEATURES, House, OceanProximity
from core.explanation.plausibility_checks import (
    FAR_AWAY,
    FEW_PEOPLE,
    NEIGHBOURS,
    NOT_ON_LAND,
    OCEAN_PROXIMITY,
    RARE_OCEAN_PROXIMITY,
    UNLIKE_ANY,
)
from core.features.direct import HouseRows

_CLASSES: Final = tuple(place.value for place in OceanProximity)
_RATIO_WORDS: Final = {
    "rooms_per_household": ("Rooms", "a household", 1),
    "people_per_household": ("People", "a household", 1),
    "bedrooms_per_room": ("Bedrooms", "a room", 2),
}
"""What is counted, on what, and with how many digits."""

_NAMED_SHARE: Final = 0.25
"""A difference is named when it is more than this part of all of them, squared and summed."""


def concern(key: str, house: House, block_groups: BlockGroups) -> Concern:
    """The concern of one of ``plausibility_checks.KEYS`` about a house that has it."""
    return _WRITERS[key](key, house, block_groups)


def _not_on_land(key: str, house: House, block_groups: BlockGroups) -> Concern:
    text = (
        f"Location: {house.latitude:.2f} north, {-house.longitude:.2f} west is not on California's land by the map; "
        f"the nearest block group lies {_kilometres(_gap(house, block_groups))} away."
    )
    return Concern(key, PLACE.features, text)


def _far_away(key: str, house: House, block_groups: BlockGroups) -> Concern:
    text = (
        f"Location: the nearest block group lies {_kilometres(_gap(house, block_groups))} away; "
        f"99 % of block groups have another within {_kilometres(block_groups.usual.gap_99)}."
    )
    return Concern(key, PLACE.features, text)


def _ocean_proximity(key: str, house: House, block_groups: BlockGroups) -> Concern:
    _, positions = block_groups.nearest(house.longitude, house.latitude, NEIGHBOURS)
    around = Counter(_CLASSES[number] for number in block_groups.place_numbers[positions[0]]).most_common()
    theirs = " and ".join(f"{name} ({count})" for name, count in around) if len(around) > 1 else f"all {around[0][0]}"
    text = f"Ocean proximity: {house.ocean_proximity}; the {positions.shape[1]} nearest block groups are {theirs}."
    return Concern(key, ("ocean_proximity", *PLACE.features), text)


def _rare_ocean_proximity(key: str, house: House, block_groups: BlockGroups) -> Concern:
    known = block_groups.fitted_on_places[_CLASSES.index(house.ocean_proximity)]
    text = (
        f"Ocean proximity: {known:,} of the {len(block_groups.fitted_on):,} block groups a model is fitted on are "
        f"{house.ocean_proximity}, too few to learn a price from."
    )
    return Concern(key, ("ocean_proximity",), text)


def _few_people(key: str, house: House, block_groups: BlockGroups) -> Concern:
    low, high = _usual("people_per_household", block_groups)
    text = (
        f"Households: {_number(house.households)} for a population of {_number(house.population)}; "
        f"90 % of block groups have {low} to {high} people a household."
    )
    return Concern(key, ("households", "population"), text)


def _unusual_ratio(key: str, house: House, block_groups: BlockGroups) -> Concern:
    name = key.removeprefix("unusual_")
    counted, on, digits = _RATIO_WORDS[name]
    found = quantities(HouseRows.from_houses([house]).numbers)[0, QUANTITIES.index(name)]
    low, high = _usual(name, block_groups)
    text = f"{counted}: {_number(found, digits)} {on}; 90 % of block groups have {low} to {high}."
    return Concern(key, RATIOS[name], text)


def _unusual_value(key: str, house: House, block_groups: BlockGroups) -> Concern:
    feature = FEATURES[key.removeprefix("unusual_")]
    number = QUANTITIES.index(feature.name)
    low, high = block_groups.usual.low_99[number], block_groups.usual.high_99[number]
    unit = "in all" if feature.unit == "block group total" else feature.unit
    text = (
        f"{feature.label}: {_number(getattr(house, feature.name))} {unit}; 99 % of block groups have "
        f"{_number(low, feature.shown_digits)} to {_number(high, feature.shown_digits)}."
    )
    return Concern(key, (feature.name,), text)


def _unlike_any(key: str, house: House, block_groups: BlockGroups) -> Concern:
    likeness = block_groups.likeness
    numbers = HouseRows.from_houses([house]).numbers
    distances, positions = likeness.nearest(numbers)
    apart = likeness.differences(numbers, int(positions[0])) ** 2
    # The largest is at least a seventh of the whole, so there is always one to name.
    order = np.argsort(-apart, kind="stable")
    named = [order[0], *(number for number in order[1:3] if apart[number] > _NAMED_SHARE * apart.sum())]
    differing = [(*COORDINATES, PLACE)[number] for number in named]
    text = (
        f"As a whole: the most similar block group is {_number(distances[0], 1)} spreads away, mostly in "
        f"{' and '.join(one.words for one in differing)}; 99 % of block groups have one within "
        f"{_number(likeness.usual, 1)}."
    )
    features = dict.fromkeys(feature for one in differing for feature in one.features)
    return Concern(key, tuple(features), text)


_WRITERS: Final[Mapping[str, Callable[[str, House, BlockGroups], Concern]]] = {
    NOT_ON_LAND: _not_on_land,
    FAR_AWAY: _far_away,
    OCEAN_PROXIMITY: _ocean_proximity,
    RARE_OCEAN_PROXIMITY: _rare_ocean_proximity,
    FEW_PEOPLE: _few_people,
    **{f"unusual_{name}": _unusual_ratio if name in RATIOS else _unusual_value for name in QUANTITIES},
    UNLIKE_ANY: _unlike_any,
}


def _gap(house: House, block_groups: BlockGroups) -> float:
    return float(block_groups.nearest(house.longitude, house.latitude)[0][0, 0])


def _usual(ratio: str, block_groups: BlockGroups) -> tuple[str, str]:
    number, digits = QUANTITIES.index(ratio), _RATIO_WORDS[ratio][2]
    ends = block_groups.usual.low_90[number], block_groups.usual.high_90[number]
    return _number(ends[0], digits), _number(ends[1], digits)


def _kilometres(distance: float) -> str:
    return f"{distance:,.0f} km" if distance >= 10 else f"{distance:,.1f} km"


def _number(value: float, digits: int = 2) -> str:
    """Without zeros behind the point: ``21``, ``0.61``, ``14,698``."""
    text = f"{value:,.{digits}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text
