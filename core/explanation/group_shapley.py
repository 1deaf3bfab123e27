"""Exact Shapley values of the five feature groups, between houses: 2^5 mixtures of a pair say it all.

Shapley, L. S.: A value for n-person games (1953); Lundberg, S. and Lee, S.-I.: A unified approach to interpreting
model predictions (NeurIPS 2017). A mixture takes some groups from one house and the rest from another. It may be
impossible as a place to live (households of the one, population of the other); a model prices it all the same.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import combinations
from math import factorial
from typing import Final

import numpy as np
import numpy.typing as npt

from core.domain.feature_groups import FeatureGroup
from core.domain.house import NUMERIC_COLUMNS, House
from core.domain.reasons import Contribution
from core.features.direct import HouseRows

Floats = npt.NDArray[np.float64]
Prices = Callable[[HouseRows], Floats]
"""From n rows to their prices in 1990 USD, shape (n,)."""

GROUPS: Final = tuple(FeatureGroup)
"""The groups in the order of every array of this package that has one entry a group."""

COALITIONS: Final = tuple(
    frozenset(chosen) for size in range(len(GROUPS) + 1) for chosen in combinations(range(len(GROUPS)), size)
)
"""All sets of groups, by their places in :data:`GROUPS`: the empty one first, the whole one last."""

MOST_ROWS: Final = 20_000
"""So many mixtures are priced at once: a list of a thousand houses must not fill the memory."""


def moves_between(start: House, end: House, prices: Prices) -> tuple[Contribution, ...]:
    """What each group's difference between two houses is worth, in the order of :data:`GROUPS`.

    They add up to the price of ``end`` less that of ``start``. Asks 32 prices.
    """
    moves = moves_between_rows(HouseRows.from_houses([start]), HouseRows.from_houses([end]), prices)
    return contributions(moves[0])


def moves_between_rows(starts: HouseRows, ends: HouseRows, prices: Prices) -> Floats:
    """The moves of :func:`moves_between` for n pairs, row by row: 1990 USD, shape (n, 5).

    One row in ``ends`` or in ``starts`` stands for all of the other's. Asks 32 prices a pair, in as few calls as
    :data:`MOST_ROWS` allows.
    """
    pairs = max(len(starts), len(ends))
    at_once = max(1, MOST_ROWS // len(COALITIONS))
    worth = [
        prices(_mixtures(_some(starts, begin, at_once), _some(ends, begin, at_once))).reshape(-1, len(COALITIONS))
        for begin in range(0, pairs, at_once)
    ]
    return np.concatenate(worth) @ _shapley_weights().T


def contributions(dollars: Floats) -> tuple[Contribution, ...]:
    """One contribution a group from an array of shape (5,)."""
    return tuple(Contribution(group, float(amount)) for group, amount in zip(GROUPS, dollars, strict=True))


def _some(rows: HouseRows, begin: int, count: int) -> HouseRows:
    if len(rows) == 1:
        return rows
    return HouseRows(rows.numbers[begin : begin + count], rows.places[begin : begin + count])


def _mixtures(starts: HouseRows, ends: HouseRows) -> HouseRows:
    """For each pair one row a coalition, its groups taken from the end and all others from the start."""
    numbers_from_end, place_from_end = _taken_from_end()
    numbers = np.where(numbers_from_end, ends.numbers[:, None, :], starts.numbers[:, None, :])
    places = np.where(place_from_end, ends.places[:, None], starts.places[:, None])
    return HouseRows(numbers.reshape(-1, len(NUMERIC_COLUMNS)), places.ravel())


def _taken_from_end() -> tuple[npt.NDArray[np.bool_], npt.NDArray[np.bool_]]:
    """Which cells of a coalition's row come from the end: numbers of shape (32, 8), places of shape (32,)."""
    owner = {name: position for position, group in enumerate(GROUPS) for name in group.features}
    numbers = np.array([[owner[name] in chosen for name in NUMERIC_COLUMNS] for chosen in COALITIONS])
    places = np.array([owner["ocean_proximity"] in chosen for chosen in COALITIONS])
    return numbers, places


def _shapley_weights() -> Floats:
    """Shapley values as a product: shape (5, 32), times what each coalition is worth.

    A coalition S counts |S|! (4 − |S|)! / 5! for the value of joining it, once with the group and once without.
    """
    players = len(GROUPS)
    weights = np.zeros((players, len(COALITIONS)))
    for column, chosen in enumerate(COALITIONS):
        size = len(chosen)
        for player in range(players):
            if player in chosen:
                weights[player, column] = factorial(size - 1) * factorial(players - size) / factorial(players)
            else:
                weights[player, column] = -factorial(size) * factorial(players - size - 1) / factorial(players)
    return weights
