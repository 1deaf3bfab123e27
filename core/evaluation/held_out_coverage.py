"""How often prediction intervals held, on rows that nothing was fitted or calibrated on."""

from __future__ import annotations

import itertools
import math
from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from core.domain.house import OceanProximity
from core.domain.money import dollars
from core.domain.price_range import CoverageShare

Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]

ALL_ROWS: Final = "all held-out rows"

_EDGES: Final = (100_000.0, 150_000.0, 200_000.0, 250_000.0, 300_000.0, 400_000.0)
PRICE_BANDS: Final = (
    f"under {dollars(_EDGES[0])}",
    *(f"{dollars(low)} to {dollars(high)}" for low, high in itertools.pairwise(_EDGES)),
    f"{dollars(_EDGES[-1])} and more",
)
"""Bands of the *estimate*, cheapest first: what an analyst knows of a house whose price nobody recorded."""


@dataclass(frozen=True, slots=True)
class HeldOutCoverage:
    """Coverage of all held-out rows, by region and by band of the estimate, and the mean width of the 90 % intervals.

    ``mean_width_90`` is None when nothing was held out; ``overall`` is then of no rows, and its shares are NaN.
    """

    overall: CoverageShare
    regions: tuple[CoverageShare, ...]
    bands: tuple[CoverageShare, ...]
    mean_width_90: float | None

    @classmethod
    def of(
        cls, regions: Sequence[str], prices: Floats, inside_80: Flags, inside_90: Flags, width_90: Floats
    ) -> HeldOutCoverage:
        """Count over n rows, n above 0: ``ocean_proximity``, estimate, inside or not, and width; USD of 1990."""

        def shares(names: Iterable[str], kind: Sequence[str]) -> tuple[CoverageShare, ...]:
            kinds = np.asarray(kind, dtype=object)
            members = ((name, kinds == name) for name in names)
            return tuple(_share(name, inside_80[one], inside_90[one]) for name, one in members if one.any())

        return cls(
            overall=_share(ALL_ROWS, inside_80, inside_90),
            regions=shares((place.value for place in OceanProximity), regions),
            bands=shares(PRICE_BANDS, [price_band(price) for price in prices]),
            mean_width_90=float(width_90.mean()),
        )


NOTHING_HELD_OUT: Final = HeldOutCoverage(CoverageShare(ALL_ROWS, 0, math.nan, math.nan), (), (), None)


def price_band(price: float) -> str:
    """The one of :data:`PRICE_BANDS` that an estimate lies in."""
    return PRICE_BANDS[bisect_right(_EDGES, price)]


def _share(name: str, inside_80: Flags, inside_90: Flags) -> CoverageShare:
    return CoverageShare(name, len(inside_90), float(inside_80.mean()), float(inside_90.mean()))
