"""What would make the price a given one: the model's behaviour read backwards, no advice on renovation.

A search in the spirit of counterfactual explanations (Wachter, Mittelstadt and Russell 2018) that keeps to what the
data know: values and ratios within the 0.5 and 99.5 % quantiles, whole rooms and people, places of real block groups.
Single features first, then houses that take several features from a real block group, then pairs, then a climb to
both ends. Of all houses that were met the ways are those at the goal, nearest first. About 3,500 prices are asked:
0.2 s with 150 deep trees, 0.3 s with 2,000 of LightGBM, 0.5 s with a forest of 500 trees of depth 25.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Final

import numpy as np

from core.data.block_groups import BlockGroups
from core.domain.errors import InvalidHouse
from core.domain.feature_groups import FeatureGroup
from core.domain.house import NUMERIC_COLUMNS, RAW_COLUMNS, House
from core.domain.money import SURVEY_CAP
from core.explanation.goal_limits import AT, Floats, GoalLimits
from core.explanation.goal_places import reachable_places
from core.explanation.goal_pool import GoalPool, TimeIsOver
from core.explanation.goal_search import GoalSearch
from core.features.direct import PLACES, HouseRows

__all__ = ["LOCATION_FEATURES", "Change", "GoalAnswer", "Way", "seek"]

LOCATION_FEATURES: Final = FeatureGroup.LOCATION.features
"""Locked unless they are freed: a house does not move."""

SECONDS: Final = 1.5
TOLERANCE: Final = 500.0
MOST_WAYS: Final = 5

_LEANS_ON: Final = 0.15
"""A way leans on a scale that makes this share of its effort."""

_PLACE_NAMES: Final = tuple(PLACES)


@dataclass(frozen=True, slots=True)
class Change:
    """One feature of a way: from a value to a value, in the feature's own unit; text for ``ocean_proximity``."""

    feature: str
    before: float | str | None
    after: float | str


@dataclass(frozen=True, slots=True)
class Way:
    """One way to the goal: the changed house, what changed, its price in 1990 USD, and how unusual it is.

    ``effort`` is how far the house moves, measured in spreads of the data: the smaller, the more plausible.
    """

    house: House
    changes: tuple[Change, ...]
    price: float
    effort: float


@dataclass(frozen=True, slots=True)
class GoalAnswer:
    """Ways to a price, nearest first; none when it is unreachable within the limits.

    Attributes:
        goal: the price asked for, 1990 USD.
        ways: at most five, each within ``tolerance`` dollars of the goal.
        lowest, highest: the lowest and highest price the search met within the limits, and their houses.
        nearest: the house whose price came nearest to the goal; the first way where there is one.
        locked: the features that were not touched.
        seconds: what the search took. is_cut_short: whether it ended for time.
    """

    goal: float
    tolerance: float
    ways: tuple[Way, ...]
    lowest: Way
    highest: Way
    nearest: Way
    locked: frozenset[str]
    seconds: float
    is_cut_short: bool

    @property
    def is_reached(self) -> bool:
        return bool(self.ways)


def seek(
    house: House,
    goal: float,
    prices: Callable[[HouseRows], Floats],
    block_groups: BlockGroups,
    *,
    locked: Collection[str] = LOCATION_FEATURES,
    seconds: float = SECONDS,
    tolerance: float = TOLERANCE,
) -> GoalAnswer:
    """Ways to a price, and the most and the least there is. The same for the same question, unless cut short.

    Args:
        prices: asked in batches of at most 1,000 rows.
        locked: features that must stay as they are. ``ocean_proximity`` follows a place and never moves alone.
        seconds: when to end, whatever was found; one batch may run over it.

    Raises:
        InvalidHouse: the goal is no price, or a locked feature is none.
    """
    unknown = sorted(set(locked) - set(RAW_COLUMNS))
    if unknown or not np.isfinite(goal) or goal <= 0:
        raise InvalidHouse(
            f"No such feature: {', '.join(unknown)}." if unknown else f"The goal is {goal}, which is no price.",
            remedy=f"The features are {', '.join(RAW_COLUMNS)}." if unknown else "Give a price above 0 in dollars.",
        )
    began = time.monotonic()
    limits = GoalLimits.around(house, locked, block_groups)
    pool = GoalPool(goal, tolerance, limits, prices, began + seconds)
    search = GoalSearch(pool, limits, block_groups, reachable_places(limits, block_groups))
    is_cut_short = False
    try:
        search.run()
    except TimeIsOver:
        is_cut_short = True
    return _answer(house, pool, limits, frozenset(locked), tolerance, time.monotonic() - began, is_cut_short)


def _answer(
    house: House,
    pool: GoalPool,
    limits: GoalLimits,
    locked: frozenset[str],
    tolerance: float,
    seconds: float,
    is_cut_short: bool,
) -> GoalAnswer:
    rows, found = pool.rows, pool.found
    effort = limits.effort(rows)

    def way(place: int) -> Way:
        return _way(house, rows, place, float(found[place]), float(effort[place]))

    gap = np.abs(found - pool.goal)
    at_goal = np.flatnonzero(gap <= tolerance) if pool.goal <= SURVEY_CAP else np.empty(0, dtype=int)
    ways: list[Way] = []
    told: set[bytes | frozenset[str]] = set()
    for place in at_goal[np.argsort(effort[at_goal], kind="stable")]:
        candidate = way(int(place))
        shares = limits.spreads_moved(HouseRows(rows.numbers[[place]], rows.places[[place]]))[0]
        # Two ways that lean on the same scales are one way with other small change.
        kinds = {(shares >= _LEANS_ON * shares.sum()).tobytes(), frozenset(one.feature for one in candidate.changes)}
        if not kinds & told:
            ways.append(candidate)
            told |= kinds
        if len(ways) == MOST_WAYS:
            break
    return GoalAnswer(
        goal=pool.goal,
        tolerance=tolerance,
        ways=tuple(ways),
        lowest=way(int(found.argmin())),
        highest=way(int(found.argmax())),
        nearest=ways[0] if ways else way(int(gap.argmin())),
        locked=locked,
        seconds=seconds,
        is_cut_short=is_cut_short,
    )


def _way(house: House, rows: HouseRows, place: int, price: float, effort: float) -> Way:
    before = house.as_dict()
    after: dict[str, object] = {name: float(rows.numbers[place, AT[name]]) for name in NUMERIC_COLUMNS}
    after["ocean_proximity"] = _PLACE_NAMES[rows.places[place]]
    moved = House.from_mapping(after)
    changes = tuple(
        Change(name, before[name], value)
        for name, value in moved.as_dict().items()
        if value is not None and value != before[name]
    )
    return Way(moved, changes, price, effort)
