"""The nearest rows of a table, seen from anywhere or from the rows themselves."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.spatial import cKDTree

Floats = npt.NDArray[np.float64]
Positions = npt.NDArray[np.intp]


class Nearest:
    """A k-d tree over n points of any number of dimensions. A count larger than there are rows means all of them.

    Args:
        points: shape (n, dimensions), n ≥ 1.
    """

    def __init__(self, points: Floats) -> None:
        self._points = points
        self._tree: Any = cKDTree(points)

    def to(self, points: Floats, count: int) -> tuple[Floats, Positions]:
        """Distances and row numbers, each of shape (m, count), nearest first, for m points that are no rows."""
        count = min(count, len(self._points))
        distances, rows = self._tree.query(points, count)
        shape = (len(points), count)
        return np.reshape(distances, shape), np.reshape(rows, shape).astype(np.intp)

    def to_others(self, count: int) -> tuple[Floats, Positions]:
        """The same for each row among the other rows: at a place that several share, it leaves out itself alone.

        There must be two rows.
        """
        rows = len(self._points)
        count = min(count, rows - 1)
        distances, found = self.to(self._points, count + 1)
        own = found == np.arange(rows)[:, None]
        # Where more rows share a place than were asked for, the row itself may not be among them.
        own[~own.any(axis=1), -1] = True
        return distances[~own].reshape(rows, count), found[~own].reshape(rows, count)
