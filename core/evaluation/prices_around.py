"""What was recorded around a place: whether the neighbours agree with each other, and with an estimate."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Self

import numpy as np
import numpy.typing as npt

from core.data.block_groups import flat_kilometres
from core.domain.house import NUMERIC_COLUMNS
from core.evaluation.price_errors import level_of
from core.features.direct import HouseRows

Floats = npt.NDArray[np.float64]
Positions = npt.NDArray[np.intp]

NEIGHBOURS: Final = 10

_KEPT: Final = ("longitude", "latitude", "recorded")

_LONGITUDE, _LATITUDE = (NUMERIC_COLUMNS.index(name) for name in ("longitude", "latitude"))


@dataclass(frozen=True, slots=True, eq=False)
class PricesAround:
    """Places in degrees and the prices recorded there in 1990 USD, shape (n,) each, n more than one."""

    longitude: Floats
    latitude: Floats
    recorded: Floats
    _levels: Floats
    _map: Any

    @classmethod
    def of(cls, longitude: Floats, latitude: Floats, recorded: Floats) -> Self:
        """A map of the places to look neighbours up in."""
        from scipy.spatial import cKDTree

        return cls(longitude, latitude, recorded, level_of(recorded), cKDTree(flat_kilometres(longitude, latitude)))

    @classmethod
    def of_rows(cls, rows: HouseRows, recorded: Floats) -> Self:
        """A map of where these rows lie."""
        return cls.of(rows.numbers[:, _LONGITUDE].copy(), rows.numbers[:, _LATITUDE].copy(), recorded)

    def columns(self, rows: HouseRows, prices: Floats, *, are_these: bool = False) -> Floats:
        """Three columns, shape (m, 3): kilometres to the tenth neighbour, how far the neighbours' prices spread,
        and how far the estimate lies above them; prices as :func:`core.evaluation.price_errors.level_of` has them.

        Args:
            prices: the estimates in 1990 USD, shape (m,).
            are_these: the rows are the map's own, in its order; none is then a neighbour of itself.
        """
        count = min(NEIGHBOURS, len(self.recorded) - are_these)
        points = flat_kilometres(rows.numbers[:, _LONGITUDE], rows.numbers[:, _LATITUDE])
        far, found = self._map.query(points, count + are_these)
        far, found = np.reshape(far, (len(rows), -1)), np.reshape(found, (len(rows), -1))
        if are_these:
            far, found = _without_own(far, found)
        around = self._levels[found]
        return np.column_stack([far[:, -1], around.std(axis=1), level_of(prices) - around.mean(axis=1)])

    def as_document(self) -> dict[str, Any]:
        """JSON values only."""
        return {name: getattr(self, name).tolist() for name in _KEPT}

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> Self:
        """The map back from :meth:`as_document`.

        Raises:
            KeyError, TypeError, ValueError: the document is none.
        """
        columns = [np.asarray(document[name], dtype=np.float64) for name in _KEPT]
        size = len(columns[0])
        if size < 2 or any(column.shape != (size,) or not np.isfinite(column).all() for column in columns):
            raise ValueError("the places and the prices recorded there are not numbers, as many of each")
        return cls.of(*columns)


def _without_own(far: Floats, found: Positions) -> tuple[Floats, Positions]:
    """Each row's neighbours without the row itself. Of many at one place it may not be among them: then the last."""
    own = found == np.arange(len(found))[:, None]
    own[~own.any(axis=1), -1] = True
    shape = (len(found), -1)
    return far[~own].reshape(shape), found[~own].reshape(shape)
