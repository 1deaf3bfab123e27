"""Finding a real block group to start from: by what it is like, by place, or by chance."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from core.data.block_groups import BlockGroups, Positions
from core.data.flat_map import flat_kilometres
from core.domain.errors import InvalidFilter, NotFound
from core.domain.geography import CITIES, City, kilometres
from core.domain.house import OceanProximity
from core.domain.money import recorded_text

FLATTERED: Final = (
    "The model was fitted on this block group, so it has seen what was recorded: its estimate here flatters it. "
    "A held-out one shows what it can do."
)
"""What must stand beside the estimate of a block group that is not held out."""


@dataclass(frozen=True, slots=True)
class Criteria:
    """What a block group must be like; None asks for nothing. Ends are included.

    Attributes:
        region: its ``ocean_proximity``.
        price_from, price_to: what the survey recorded, 1990 USD.
        income_from, income_to: × $10,000 a year. age_from, age_to: median age of its houses, years.
        city: one of ``geography.CITIES``, and ``within_km`` how far from its centre at most.
        held_out_only: only rows that no model of this split was fitted on.

    Raises:
        InvalidFilter: a region or city that there is none of, or a range whose start lies above its end.
    """

    region: str | None = None
    price_from: float | None = None
    price_to: float | None = None
    income_from: float | None = None
    income_to: float | None = None
    age_from: float | None = None
    age_to: float | None = None
    city: str | None = None
    within_km: float = 30.0
    held_out_only: bool = False

    def __post_init__(self) -> None:
        regions, cities = [region.value for region in OceanProximity], [city.name for city in CITIES]
        if self.region is not None and self.region not in regions:
            raise InvalidFilter(f"No such region: {self.region}.", remedy=f"The regions are {', '.join(regions)}.")
        if self.city is not None and self.city not in cities:
            raise InvalidFilter(f"No such city: {self.city}.", remedy=f"The cities are {', '.join(cities)}.")
        for name, start, end in self._ranges():
            if start is not None and end is not None and start > end:
                raise InvalidFilter(
                    f"The {name} is to be from {start:,g} to {end:,g}, which nothing is.", remedy="Swap the two."
                )

    def _ranges(self) -> tuple[tuple[str, float | None, float | None], ...]:
        return (
            ("recorded price", self.price_from, self.price_to),
            ("income", self.income_from, self.income_to),
            ("age", self.age_from, self.age_to),
        )


def search(block_groups: BlockGroups, criteria: Criteria) -> Positions:
    """Positions of the block groups that meet all criteria, in file order; may be empty."""
    rows = block_groups.rows
    kept = np.ones(len(block_groups), dtype=bool)
    if criteria.region is not None:
        kept &= block_groups.place_numbers == [region.value for region in OceanProximity].index(criteria.region)
    for values, start, end in (
        (block_groups.recorded, criteria.price_from, criteria.price_to),
        (rows["median_income"].to_numpy(), criteria.income_from, criteria.income_to),
        (rows["housing_median_age"].to_numpy(), criteria.age_from, criteria.age_to),
    ):
        kept &= _between(values, start, end)
    if criteria.held_out_only:
        kept &= block_groups.is_held_out
    found = np.flatnonzero(kept)
    if criteria.city is None:
        return found
    city = next(city for city in CITIES if city.name == criteria.city)
    places = rows[["longitude", "latitude"]].to_numpy()[found].tolist()
    away = [kilometres(city.longitude, city.latitude, longitude, latitude) for longitude, latitude in places]
    return found[np.array(away) <= criteria.within_km]


def draw(block_groups: BlockGroups, criteria: Criteria, seed: int) -> int:
    """The position of one block group that meets all criteria, by chance; the same for the same seed.

    Raises:
        NotFound: there is none.
    """
    found = search(block_groups, criteria)
    if not len(found):
        raise NotFound("No block group meets all criteria.", remedy="Widen or drop one of them.")
    return int(np.random.default_rng(seed).choice(found))


def nearest_to(block_groups: BlockGroups, longitude: float, latitude: float) -> int:
    """The position of the block group nearest to a place in degrees; of several at one place the first in the file."""
    places = flat_kilometres(block_groups.rows["longitude"], block_groups.rows["latitude"])
    away = places - flat_kilometres(longitude, latitude)
    return int(np.hypot(away[:, 0], away[:, 1]).argmin())


def describe(block_groups: BlockGroups, position: int) -> str:
    """``Block group 1,234: near Los Angeles, 12 km; recorded $214,000; held out``; the number is its row id."""
    row = block_groups.rows.iloc[position]
    known = "held out" if block_groups.is_held_out[position] else "the model was fitted on it"
    return (
        f"Block group {block_groups.rows.index[position]:,}: {near(float(row['longitude']), float(row['latitude']))}; "
        f"recorded {recorded_text(float(block_groups.recorded[position]))}; {known}"
    )


def near(longitude: float, latitude: float) -> str:
    """``near Los Angeles, 12 km``: the city whose centre is nearest to a place in degrees, and how far it is."""

    def away(city: City) -> float:
        return kilometres(longitude, latitude, city.longitude, city.latitude)

    city = min(CITIES, key=away)
    return f"near {city.name}, {away(city):,.0f} km"


def _between(values: Any, start: float | None, end: float | None) -> Any:
    above = values >= (-np.inf if start is None else start)
    return above & (values <= (np.inf if end is None else end))
