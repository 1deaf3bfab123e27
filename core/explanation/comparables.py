"""Comparable areas: the block groups most like a house, with what the survey recorded there. Never sales.

Likeness is one distance over features and place. Each feature counts in spreads of the data (``core.data.likeness``),
income twice and the numbers of households and people half; k kilometres count ln(1 + k), so that one street or three
make a difference and 100 km or 120 make none. Chosen by how well the eight nearest say what was recorded, each of 3,000
training rows of 1990 left out in turn: RMSE 42,400, MAE of their median 26,600. All features alike: 44,000. Kilometres
as they are, at their best scale (3): 45,200. Place alone: 52,700, features alone: 66,900.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from core.data.block_groups import BlockGroups
from core.data.flat_map import flat_kilometres
from core.domain.errors import NotFound
from core.domain.geography import kilometres
from core.domain.house import NUMERIC_COLUMNS, House
from core.domain.money import SURVEY_CAP, dollar_change, dollars, is_capped, percent, price_text, recorded_text
from core.domain.reasons import Contribution
from core.explanation.group_shapley import GROUPS, Prices, contributions, moves_between_rows
from core.features.direct import HouseRows

COUNT: Final = 8
"""So many comparables are shown unless another number is asked for."""

_WEIGHTS: Final = np.array([2.0, 1.0, 0.5, 1.0, 0.5, 1.0])
"""Of income, age, households, and rooms, people and bedrooms for one: the order of ``likeness.COORDINATES``."""

_NAMED_SHARE: Final = 0.01
"""A move below one per cent of the price is not worth a word."""

_PLACE: Final = [NUMERIC_COLUMNS.index(name) for name in ("longitude", "latitude")]

Floats = npt.NDArray[np.float64]
Positions = npt.NDArray[np.intp]


@dataclass(frozen=True, slots=True)
class Comparable:
    """One block group beside the house that is valued. Dollars are of 1990.

    Attributes:
        row_id: its place in the data file, from 0.
        house: its nine features.
        kilometres: how far it lies on the map.
        unlikeness: distance in features and place together, 0 for a twin; comparables are ranked by it.
        recorded: the survey's median house value there.
        estimate: what the model says for it.
        is_held_out: whether the model was never fitted on it; else its estimate has seen ``recorded``.
        moves: what each feature group's difference between the two is worth by the model: they add up to
            the house's price minus ``estimate``.
        is_this_house: whether all nine features are the house's own: it is this block group, or its twin.
    """

    row_id: int
    house: House
    kilometres: float
    unlikeness: float
    recorded: float
    estimate: float
    is_held_out: bool
    moves: tuple[Contribution, ...]
    is_this_house: bool = False

    @property
    def left_over(self) -> float:
        """What the survey recorded there beyond the model's estimate: what the features do not explain."""
        return self.recorded - self.estimate


def comparables(
    house: House,
    price: float,
    prices: Prices,
    block_groups: BlockGroups,
    *,
    count: int = COUNT,
    dropped: Collection[int] = (),
    pinned: Collection[int] = (),
) -> tuple[Comparable, ...]:
    """The block groups most like a house, most like first; asks 32 prices for each.

    Args:
        price: the model's price of the house, 1990 USD; an estimate is this less the moves from there to here.
        prices: the model's prices of many rows.
        dropped: row ids that are left out; the next most like take their places.
        pinned: row ids that are always there, even when dropped; more of them than ``count`` are all shown.

    Raises:
        NotFound: a pinned row is not in the data file.
    """
    rows = HouseRows.from_houses([house])
    unlikeness = _unlikeness(rows, block_groups)
    chosen = _chosen(unlikeness, _positions(dropped, block_groups), _pinned(pinned, block_groups), count)
    if not len(chosen):
        return ()
    there = HouseRows(block_groups.numbers[chosen], block_groups.place_numbers[chosen])
    moves = moves_between_rows(there, rows, prices)
    same = (there.numbers == rows.numbers) | (np.isnan(there.numbers) & np.isnan(rows.numbers))
    is_this_house = same.all(axis=1) & (there.places == rows.places)
    return tuple(
        Comparable(
            row_id=int(block_groups.rows.index[position]),
            house=block_groups.house(int(position)),
            kilometres=kilometres(house.longitude, house.latitude, *there.numbers[number, _PLACE].tolist()),
            unlikeness=float(unlikeness[position]),
            recorded=float(block_groups.recorded[position]),
            estimate=price - float(moves[number].sum()),
            is_held_out=bool(block_groups.is_held_out[position]),
            moves=contributions(moves[number]),
            is_this_house=bool(is_this_house[number]),
        )
        for number, position in enumerate(chosen.tolist())
    )


def comparables_sentence(found: Sequence[Comparable], price: float) -> str:
    """What the survey recorded in the comparable areas, how the estimate compares, and why by the model.

    The block group itself is not compared with itself.
    """
    others = [one for one in found if not one.is_this_house]
    if not others:
        return "There is no comparable area to set beside the estimate."
    recorded = np.array([one.recorded for one in others])
    middle = float(np.median(recorded))
    if len(others) == 1:
        told = f"In the one comparable area the survey recorded a median of {recorded_text(middle)}"
    else:
        kind = "other comparable" if len(others) < len(found) else "comparable"
        told = (
            f"In the {len(others)} {kind} areas the survey recorded medians around {recorded_text(middle)} "
            f"({recorded_text(float(recorded.min()))} to {recorded_text(float(recorded.max()))})"
        )
    return f"{told}; {_beside(middle, price)} {_why(others, price)}"


def _unlikeness(rows: HouseRows, block_groups: BlockGroups) -> Floats:
    """How far one row is from every block group, shape (n,)."""
    likeness = block_groups.likeness
    apart = (likeness.scaled - likeness.spreads.scaled(rows.numbers)) * _WEIGHTS
    away = flat_kilometres(*block_groups.numbers[:, _PLACE].T) - flat_kilometres(*rows.numbers[:, _PLACE].T)
    squares = (apart**2).sum(axis=1) + np.log1p(np.hypot(away[:, 0], away[:, 1])) ** 2
    return np.asarray(np.sqrt(squares))


def _chosen(unlikeness: Floats, dropped: Positions, pinned: Positions, count: int) -> Positions:
    order = np.argsort(unlikeness, kind="stable")
    free = order[~np.isin(order, np.concatenate([dropped, pinned]))]
    chosen = np.concatenate([pinned, free[: max(0, count - len(pinned))]])
    return chosen[np.argsort(unlikeness[chosen], kind="stable")]


def _positions(row_ids: Collection[int], block_groups: BlockGroups) -> Positions:
    """Where the rows with these ids are, without those the data file does not have."""
    found = block_groups.rows.index.get_indexer(pd.Index(sorted(set(row_ids)), dtype=int))
    return np.asarray(found[found >= 0], dtype=np.intp)


def _pinned(row_ids: Collection[int], block_groups: BlockGroups) -> Positions:
    found = _positions(row_ids, block_groups)
    if len(found) < len(set(row_ids)):
        known = set(block_groups.rows.index[found].tolist())
        missing = ", ".join(f"{row_id:,}" for row_id in sorted(set(row_ids) - known))
        raise NotFound(f"The data file has no row {missing}.", remedy=f"Its rows are 0 to {len(block_groups) - 1:,}.")
    return found


def _beside(middle: float, price: float) -> str:
    """How the estimate compares with the middle of what was recorded."""
    if middle >= SURVEY_CAP or is_capped(price):
        return f"the estimate is {price_text(price)}. What lies above the survey's cap cannot be told apart."
    gap = price - middle
    if round(gap) == 0:
        return f"the estimate, {price_text(price)}, is the same."
    share = 100 * abs(gap) / middle
    told = percent(share, 0) if share >= 1 else "less than 1 %"
    return f"the estimate, {price_text(price)}, is {dollars(abs(gap))} ({told}) {'above' if gap > 0 else 'below'} it."


def _why(others: Sequence[Comparable], price: float) -> str:
    means = np.mean([[move.dollars for move in one.moves] for one in others], axis=0)
    largest = sorted(zip(GROUPS, means.tolist(), strict=True), key=lambda part: -abs(part[1]))
    named = [
        f"{group.label.lower()} ({dollar_change(dollar)})"
        for group, dollar in largest[:2]
        if abs(dollar) >= _NAMED_SHARE * abs(price)
    ]
    apart = (
        f"By the model what sets this house apart is, on average, {' and '.join(named)}"
        if named
        else "By the model little sets this house apart"
    )
    left_over = float(np.mean([one.left_over for one in others]))
    if round(left_over) == 0:
        return f"{apart}."
    more = "more" if left_over > 0 else "less"
    return f"{apart}; the survey recorded {dollars(abs(left_over))} {more} there than the model explains."
