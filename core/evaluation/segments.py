"""Parts of the held-out rows on which models are compared apart: regions, price bands, capped rows, map cells.

Price bands go by the *recorded* price, as an analyst asks for them. Every model is too high on the lowest prices
and too low on the highest, so a band's RMSE is compared between models, not between bands.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from core.domain.house import OceanProximity
from core.domain.money import SURVEY_CAP, dollars
from core.evaluation.significance import Difference, Floats, differences_to_baseline

FEWEST_ROWS: Final = 100
"""Below so many rows a segment has no difference: the percentile bootstrap promises too much of a handful."""

FEWEST_IN_CELL: Final = 10
"""Below so many rows a map cell is left out: its RMSE would be that of one or two houses."""

CELL_DEGREES: Final = 0.5

_BAND_EDGES: Final = (100_000.0, 150_000.0, 200_000.0, 250_000.0, 300_000.0, 400_000.0)


class SegmentKind(StrEnum):
    """What the rows of a segment have in common."""

    REGION = "region"
    PRICE_BAND = "price band"
    SURVEY_CAP = "survey cap"


@dataclass(frozen=True, slots=True, eq=False)
class Segment:
    """A part of the held-out rows: their positions, shape (m,), m at least 1."""

    kind: SegmentKind
    name: str
    positions: npt.NDArray[np.intp]

    @property
    def rows(self) -> int:
        return len(self.positions)


@dataclass(frozen=True, slots=True, eq=False)
class Cells:
    """Map cells of equal size that hold enough rows: centres in degrees and rows in each, shape (m,).

    ``cell_of`` says for each of n rows which cell it lies in, −1 for a row in none of them.
    """

    longitude: Floats
    latitude: Floats
    rows: npt.NDArray[np.intp]
    cell_of: npt.NDArray[np.intp]
    degrees: float


def is_recorded_cap(actual: Any) -> npt.NDArray[np.bool_]:
    """Which recorded prices the survey wrote as its cap, so that the true ones are unknown; shape (n,)."""
    return np.asarray(np.asarray(actual, dtype=float) >= SURVEY_CAP)


def segments_by_price(actual: Any) -> tuple[Segment, ...]:
    """Bands of the recorded price (1990 USD, shape (n,)), cheapest first, the capped rows in one of their own."""
    prices = np.asarray(actual, dtype=float)
    capped = is_recorded_cap(prices)
    band = np.where(capped, len(_BAND_EDGES) + 1, np.searchsorted(_BAND_EDGES, prices, side="right"))
    low, high = _BAND_EDGES[0], _BAND_EDGES[-1]
    pairs = itertools.pairwise(_BAND_EDGES)
    names = [
        f"under {dollars(low)}",
        *(f"{dollars(start)} to {dollars(end)}" for start, end in pairs),
        f"{dollars(high)} and more, not capped",
        f"capped at {dollars(SURVEY_CAP)}",
    ]
    return _present(SegmentKind.PRICE_BAND, names, band)


def segments_by_cap(actual: Any) -> tuple[Segment, ...]:
    """The rows without the survey's cap, and those with it; recorded prices in 1990 USD, shape (n,)."""
    capped = is_recorded_cap(actual)
    return _present(SegmentKind.SURVEY_CAP, ["without capped rows", "capped rows only"], capped.astype(np.intp))


def segments_by_region(regions: Sequence[str]) -> tuple[Segment, ...]:
    """One segment an ``ocean_proximity`` that occurs, in the survey's order; n names row by row."""
    names = [region.value for region in OceanProximity]
    place = {name: number for number, name in enumerate(names)}
    return _present(SegmentKind.REGION, names, np.array([place.get(name, -1) for name in regions], dtype=np.intp))


def rmse_of(actual: Any, predicted: Any) -> Floats:
    """The RMSE of k models in 1990 USD, shape (k,), for prices of shape (n,) and predictions of shape (k, n)."""
    squares = (np.asarray(predicted, dtype=float) - np.asarray(actual, dtype=float)) ** 2
    return np.asarray(np.sqrt(squares.mean(axis=-1)))


def segment_differences(segment: Segment, actual: Any, baseline: Any, others: Any) -> tuple[Difference, ...]:
    """RMSE of each of k models on the segment minus the baseline's there; empty below :data:`FEWEST_ROWS` rows.

    Args:
        actual, baseline: shape (n,) over all held-out rows; others: shape (k, n).
    """
    if segment.rows < FEWEST_ROWS:
        return ()
    rows = segment.positions
    prices, base, predicted = (np.asarray(one, dtype=float)[..., rows] for one in (actual, baseline, others))
    return tuple(found["rmse"] for found in differences_to_baseline(prices, base, predicted))


def map_cells(longitude: Any, latitude: Any, *, degrees: float = CELL_DEGREES, fewest: int = FEWEST_IN_CELL) -> Cells:
    """Cells of ``degrees`` by ``degrees`` that hold at least ``fewest`` of the rows; places in degrees, shape (n,)."""
    corners = np.floor(np.column_stack([longitude, latitude]).astype(float) / degrees)
    found, cell_of, counts = np.unique(corners, axis=0, return_inverse=True, return_counts=True)
    kept = counts >= fewest
    number = np.where(kept, np.cumsum(kept) - 1, -1)
    centres = (found[kept] + 0.5) * degrees
    return Cells(centres[:, 0], centres[:, 1], counts[kept], number[cell_of.reshape(-1)], degrees)


def rmse_by_cell(cells: Cells, actual: Any, predicted: Mapping[str, Any]) -> dict[str, Floats]:
    """By model its RMSE in each cell, in 1990 USD, shape (m,); prices of shape (n,) row by row as the cells' own."""
    inside = cells.cell_of >= 0
    prices, cell_of = np.asarray(actual, dtype=float)[inside], cells.cell_of[inside]
    return {
        name: np.sqrt(
            np.bincount(cell_of, (np.asarray(one, dtype=float)[inside] - prices) ** 2, len(cells.rows)) / cells.rows
        )
        for name, one in predicted.items()
    }


def _present(kind: SegmentKind, names: Sequence[str], number: npt.NDArray[np.intp]) -> tuple[Segment, ...]:
    """Those of the named segments that hold a row."""
    found = ((name, np.flatnonzero(number == place)) for place, name in enumerate(names))
    return tuple(Segment(kind, name, positions) for name, positions in found if len(positions))
