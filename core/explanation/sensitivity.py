"""How the price of one house moves when a feature moves and all others stay (Friedman 2001's curve, for one house).

All values of all features are asked for at once: a model's price of 200 rows takes a fifth of 200 prices of one.
Goldstein et al. 2015, "Peeking inside the black box", call such a curve an individual conditional expectation.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

import numpy as np
import numpy.typing as npt

from core.data.block_groups import BlockGroups
from core.domain.errors import InvalidHouse
from core.domain.house import FEATURES, NUMERIC_COLUMNS, House
from core.evaluation.intervals import Ranges
from core.explanation.axis_values import axis_values, midpoints
from core.features.direct import HouseRows

Floats = npt.NDArray[np.float64]
Prices = Callable[[HouseRows], Floats]
RangesOf = Callable[[HouseRows, Floats], Ranges]
"""From n rows and their prices to the intervals around these."""

CURVE_VALUES: Final = 25
"""How many values a curve is asked at, the house's own beside them."""

PLACE_VALUES: Final = 60
"""As many along a latitude or longitude: about every 17 km, for prices change from one town to the next."""

SURFACE_STEPS: Final = 24

_MAP: Final = ("longitude", "latitude")
_AT: Final = {name: number for number, name in enumerate(NUMERIC_COLUMNS)}
_IMPUTED_FROM: Final = ("total_rooms", "population", "households")
_PLACE_NOTE: Final = "Ocean proximity follows the place."
_BEDROOMS_NOTE: Final = "Bedrooms are not given: the model's own estimate of them moves along."


@dataclass(frozen=True, slots=True, eq=False)
class Curve:
    """The price along one numeric feature, everything else as it is.

    Attributes:
        feature: the raw feature that moves.
        values: where it was asked, ascending, shape (n,); the house's own value is among them.
        prices: 1990 USD, shape (n,).
        low, high: the 90 % range at each value, 1990 USD, shape (n,); None where the version has no range.
        shares: the share (0 to 1) of real block groups in the step around each value, shape (n,).
        here: the house's own value; None for bedrooms that are not given. here_price: its price.
        note: what moves along, a sentence (``Ocean proximity follows the place.``); empty where nothing does.
    """

    feature: str
    values: Floats
    prices: Floats
    low: Floats | None
    high: Floats | None
    shares: Floats
    here: float | None
    here_price: float
    note: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class Surface:
    """The price over two numeric features, everything else as it is.

    ``prices`` and ``is_rare`` have shape (len(y_values), len(x_values)); ``prices`` is NaN where the two cannot go
    together (more bedrooms than rooms); ``is_rare`` says where no real block group is near. ``here`` holds the
    house's own two values, NaN for bedrooms that are not given.
    """

    x: str
    y: str
    x_values: Floats
    y_values: Floats
    prices: Floats
    is_rare: npt.NDArray[np.bool_]
    here: tuple[float, float]
    note: str = ""


def curves(
    house: House, prices: Prices, block_groups: BlockGroups, ranges: RangesOf | None = None
) -> tuple[Curve, ...]:
    """The curves of the eight numeric features, in the order the form shows them.

    Args:
        prices: asked once, for all values of all features.
        ranges: the version's intervals, widened as this house's are; None where it has none.
    """
    features = [name for name, feature in FEATURES.items() if feature.is_numeric]
    values = [
        axis_values(house, name, block_groups, PLACE_VALUES if name in _MAP else CURVE_VALUES) for name in features
    ]
    own = HouseRows.from_houses([house])
    parts = [own, *(_moved(house, {name: along}, block_groups) for name, along in zip(features, values, strict=True))]
    rows = HouseRows(np.concatenate([part.numbers for part in parts]), np.concatenate([part.places for part in parts]))
    found = prices(rows)
    around = None if ranges is None else ranges(rows, found)
    ends = np.cumsum([len(part) for part in parts])
    drawn = []
    for name, along, (begin, end) in zip(features, values, pairwise(ends), strict=True):
        edges = midpoints(along)
        drawn.append(
            Curve(
                feature=name,
                values=along,
                prices=found[begin:end],
                low=None if around is None else around.low_90[begin:end],
                high=None if around is None else around.high_90[begin:end],
                # An edge belongs to the step above it: every block group counts once.
                shares=block_groups.share_between(name, edges[:-1], np.nextafter(edges[1:], -np.inf)),
                here=getattr(house, name),
                here_price=float(found[0]),
                note=_note(house, (name,)),
            )
        )
    return tuple(drawn)


def surface(
    house: House, x: str, y: str, prices: Prices, block_groups: BlockGroups, steps: int = SURFACE_STEPS
) -> Surface:
    """The price over two of the numeric features, about ``steps`` values each.

    Raises:
        InvalidHouse: one of the two is no numeric feature, or they are the same.
    """
    if x == y or not {x, y} <= set(NUMERIC_COLUMNS):
        raise InvalidHouse(
            f"A price cannot be drawn over {x} and {y}.",
            remedy=f"Choose two different ones of {', '.join(NUMERIC_COLUMNS)}.",
        )
    # Where both move, neither is held to the house's own value of the other: what is impossible is left out below.
    x_values = axis_values(house, x, block_groups, steps, freed=y)
    y_values = axis_values(house, y, block_groups, steps, freed=x)
    over_y, over_x = (grid.ravel() for grid in np.meshgrid(y_values, x_values, indexing="ij"))
    rows = _moved(house, {x: over_x, y: over_y}, block_groups)
    bedrooms, rooms = rows.numbers[:, _AT["total_bedrooms"]], rows.numbers[:, _AT["total_rooms"]]
    possible = ~(bedrooms > rooms)
    shape = (len(y_values), len(x_values))
    found = np.full(len(rows), np.nan)
    found[possible] = prices(HouseRows(rows.numbers[possible], rows.places[possible]))
    return Surface(
        x=x,
        y=y,
        x_values=x_values,
        y_values=y_values,
        prices=found.reshape(shape),
        is_rare=_is_rare(block_groups, x, y, x_values, y_values),
        here=(_own(house, x), _own(house, y)),
        note=_note(house, (x, y)),
    )


def _moved(house: House, moves: dict[str, Floats], block_groups: BlockGroups) -> HouseRows:
    """The house once for each value, with its ``ocean_proximity`` following where the place moves."""
    own = HouseRows.from_houses([house])
    count = len(next(iter(moves.values())))
    numbers, places = np.repeat(own.numbers, count, axis=0), np.repeat(own.places, count)
    for name, values in moves.items():
        numbers[:, _AT[name]] = values
    if set(moves) & set(_MAP):
        longitude, latitude = (numbers[:, _AT[name]] for name in _MAP)
        elsewhere = (longitude != house.longitude) | (latitude != house.latitude)
        if elsewhere.any():
            places[elsewhere] = block_groups.ocean_proximity_at(longitude[elsewhere], latitude[elsewhere])
    return HouseRows(numbers, places)


def _is_rare(block_groups: BlockGroups, x: str, y: str, x_values: Floats, y_values: Floats) -> npt.NDArray[np.bool_]:
    """Where neither a value pair's own cell nor one of the eight around it holds a real block group."""
    known = block_groups.numbers[:, [_AT[y], _AT[x]]]
    known = known[~np.isnan(known).any(axis=1)]
    counted, *_ = np.histogram2d(known[:, 0], known[:, 1], bins=[midpoints(y_values), midpoints(x_values)])
    padded = np.pad(counted, 1)
    rows, columns = counted.shape
    near = sum(padded[down : down + rows, right : right + columns] for down in range(3) for right in range(3))
    return np.asarray(near == 0)


def _own(house: House, feature: str) -> float:
    value = getattr(house, feature)
    return float("nan") if value is None else float(value)


def _note(house: House, features: tuple[str, ...]) -> str:
    notes = []
    if set(features) & set(_MAP):
        notes.append(_PLACE_NOTE)
    if house.total_bedrooms is None and set(features) & set(_IMPUTED_FROM) and "total_bedrooms" not in features:
        notes.append(_BEDROOMS_NOTE)
    return " ".join(notes)
