"""The block groups of the data file as something to look around in: places, neighbours, and what is usual."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from core.data.flat_map import flat_kilometres as flat_kilometres
from core.data.likeness import Likeness
from core.data.usual_values import UsualValues
from core.domain.house import NUMERIC_COLUMNS, RAW_COLUMNS, TARGET, House, OceanProximity

_PLACES: Final = tuple(place.value for place in OceanProximity)
_ASKED_FOR_PLACE: Final = 5
"""So many neighbours say which ``ocean_proximity`` a place has; the nearest decides a tie."""

Floats = npt.NDArray[np.float64]
Positions = npt.NDArray[np.intp]


@dataclass(frozen=True, eq=False)
class BlockGroups:
    """All rows of the data file, to look things up in. Read only; dear parts are made when first asked for.

    Attributes:
        rows: the nine raw columns in file order, shape (n, 9); the index is the row id.
        recorded: the survey's median house values in 1990 USD, shape (n,).
        is_held_out: which rows no model of this split was fitted on, shape (n,).
        sha256: the data file's.
        is_demo: whether the rows are invented.
    """

    rows: pd.DataFrame
    recorded: Floats
    is_held_out: npt.NDArray[np.bool_]
    sha256: str
    is_demo: bool

    @classmethod
    def of(cls, table: pd.DataFrame, held_out: pd.Index, *, sha256: str, is_demo: bool) -> BlockGroups:
        """From the validated rows of a data file and the row ids held out of them."""
        return cls(
            rows=table.loc[:, list(RAW_COLUMNS)],
            recorded=table[TARGET].to_numpy(dtype=float),
            is_held_out=np.asarray(table.index.isin(held_out)),
            sha256=sha256,
            is_demo=is_demo,
        )

    def __len__(self) -> int:
        return len(self.rows)

    @cached_property
    def numbers(self) -> Floats:
        """The numeric features, shape (n, 8), in the order of ``NUMERIC_COLUMNS``; NaN: bedrooms not recorded."""
        return self.rows.loc[:, list(NUMERIC_COLUMNS)].to_numpy(dtype=float)

    @cached_property
    def place_numbers(self) -> Positions:
        """Each row's ``ocean_proximity`` as its number in the survey's order, shape (n,)."""
        number = {place: position for position, place in enumerate(_PLACES)}
        return np.array([number[place] for place in self.rows["ocean_proximity"]], dtype=np.intp)

    @cached_property
    def fitted_on(self) -> Positions:
        """Positions of the rows a model of this split is fitted on, shape (m,); of all rows where none are left."""
        kept = np.flatnonzero(~self.is_held_out)
        return kept if len(kept) else np.arange(len(self))

    @cached_property
    def fitted_on_places(self) -> Positions:
        """How many of those have each ``ocean_proximity``, in the survey's order, shape (5,)."""
        return np.bincount(self.place_numbers[self.fitted_on], minlength=len(_PLACES))

    @cached_property
    def likeness(self) -> Likeness:
        """How like a house and the rows a model is fitted on are. Made when first asked for, in 0.1 s."""
        return Likeness.of(self.numbers, self.fitted_on)

    @cached_property
    def usual(self) -> UsualValues:
        """What is usual among the rows a model is fitted on, and how far apart block groups lie on the map."""
        longitude, latitude = self.rows["longitude"].to_numpy(), self.rows["latitude"].to_numpy()
        gaps = self.nearest(longitude, latitude, 2)[0][:, -1]
        return UsualValues.of(self.numbers[self.fitted_on], gaps)

    @cached_property
    def _map(self) -> Any:
        from scipy.spatial import cKDTree

        return cKDTree(flat_kilometres(self.rows["longitude"].to_numpy(), self.rows["latitude"].to_numpy()))

    def house(self, position: int) -> House:
        """The block group at a position in file order, as a house."""
        numbers = (None if np.isnan(number) else float(number) for number in self.numbers[position])
        values: dict[str, object] = dict(zip(NUMERIC_COLUMNS, numbers, strict=True))
        return House.from_mapping({**values, "ocean_proximity": _PLACES[self.place_numbers[position]]})

    def nearest(self, longitude: Any, latitude: Any, count: int = 1) -> tuple[Floats, Positions]:
        """The nearest block groups on the map: kilometres and positions, each of shape (m, count), nearest first.

        ``longitude`` and ``latitude`` are m places in degrees.
        """
        count = min(count, len(self))
        points = flat_kilometres(np.atleast_1d(longitude), np.atleast_1d(latitude))
        kilometres, positions = self._map.query(points, count)
        shape = (len(points), count)
        return np.reshape(kilometres, shape), np.reshape(positions, shape).astype(np.intp)

    def ocean_proximity_at(self, longitude: Any, latitude: Any) -> Positions:
        """What ``ocean_proximity`` most of the nearest block groups have: numbers in the survey's order, shape (m,)."""
        _, positions = self.nearest(longitude, latitude, _ASKED_FOR_PLACE)
        found = self.place_numbers[positions]
        votes = (found[:, :, None] == np.arange(len(_PLACES))).sum(axis=1)
        # A tie goes to the nearest of those with the most votes.
        weight = votes[np.arange(len(found))[:, None], found]
        best = weight.argmax(axis=1)
        chosen: Positions = found[np.arange(len(found)), best]
        return chosen

    def place_at(self, longitude: float, latitude: float) -> OceanProximity:
        """What ``ocean_proximity`` one place has by its neighbours."""
        return OceanProximity(_PLACES[int(self.ocean_proximity_at(longitude, latitude)[0])])

    @cached_property
    def _sorted(self) -> dict[str, Floats]:
        columns = {name: self.rows[name].to_numpy(dtype=float) for name in NUMERIC_COLUMNS}
        return {name: np.sort(values[~np.isnan(values)]) for name, values in columns.items()}

    def quantile(self, feature: str, share: float) -> float:
        """The value of a numeric feature below which ``share`` (0 to 1) of the block groups lie."""
        return float(np.quantile(self._sorted[feature], share))

    def share_between(self, feature: str, low: Any, high: Any) -> Floats:
        """The share (0 to 1) of block groups whose value lies from ``low`` to ``high``, both included."""
        values = self._sorted[feature]
        inside = np.searchsorted(values, high, side="right") - np.searchsorted(values, low, side="left")
        return np.asarray(inside / max(1, len(values)), dtype=float)
