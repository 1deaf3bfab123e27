"""Prediction intervals: conformal, of a width that follows the house, calibrated on rows the model did not see.

Split conformal prediction with a normalised score (Papadopoulos, Gammerman and Vovk 2008, "Normalized nonconformity
measures for regression conformal prediction"; Lei, G'Sell, Rinaldo, Tibshirani and Wasserman 2018,
"Distribution-Free Predictive Inference for Regression", section 5.2): the error a house may have is the scale of
errors like its own times a threshold, the same for all houses. :mod:`core.evaluation.calibration` finds both.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Self

import numpy as np
import numpy.typing as npt

from core.domain.house import House
from core.domain.money import LOWEST_RECORDED, SURVEY_CAP
from core.domain.price_range import CoverageShare, Interval, PriceRange
from core.evaluation.error_scale import ErrorScale
from core.evaluation.held_out_coverage import HeldOutCoverage, price_band
from core.evaluation.interval_document import read, written
from core.evaluation.price_errors import level_of, price_of, within_the_survey
from core.features.direct import HouseRows

Floats = npt.NDArray[np.float64]

FEWEST_ROWS: Final = 50
"""Of fewer held-out rows of a kind no coverage is told: one row more or less would move it by two points."""


@dataclass(frozen=True, slots=True, eq=False)
class Ranges:
    """The 80 and 90 % intervals of n prices in 1990 USD, each of shape (n,)."""

    low_80: Floats
    high_80: Floats
    low_90: Floats
    high_90: Floats


@dataclass(frozen=True, slots=True, eq=False)
class IntervalModel:
    """What one version knows of its own errors. JSON in and out, no pickle.

    Attributes:
        scale: how far off its prices usually are, for rows like these.
        threshold_80, threshold_90: by how many scales a price may be off.
        held_out: how often the intervals held on rows that nothing was fitted on.
    """

    scale: ErrorScale
    threshold_80: float
    threshold_90: float
    held_out: HeldOutCoverage

    @property
    def coverage_80(self) -> float | None:
        """The share (0 to 1) of held-out prices inside their 80 % interval; None when nothing was held out."""
        return self.held_out.overall.share_80 if self.held_out.overall.rows else None

    @property
    def coverage_90(self) -> float | None:
        """The share (0 to 1) of held-out prices inside their 90 % interval; None when nothing was held out."""
        return self.held_out.overall.share_90 if self.held_out.overall.rows else None

    @property
    def mean_width_90(self) -> float | None:
        """How wide the 90 % intervals of the held-out rows are in the mean, in 1990 USD; None likewise."""
        return self.held_out.mean_width_90

    @property
    def regions(self) -> tuple[CoverageShare, ...]:
        """Held-out coverage by ``ocean_proximity``, in the survey's order; those that occur."""
        return self.held_out.regions

    @property
    def bands(self) -> tuple[CoverageShare, ...]:
        """Held-out coverage by price band of the estimate, cheapest first; those that occur."""
        return self.held_out.bands

    def ranges(self, rows: HouseRows, prices: Floats, widened: Floats | float = 1.0) -> Ranges:
        """The intervals around the model's prices of these rows.

        Both ends lie within what the survey could record. The 80 % interval lies inside the 90 %, and both hold
        the price, itself brought within the survey.

        Args:
            prices: in 1990 USD, shape (n,).
            widened: by what factor each end is moved away from the price; a number, or one a row, shape (n,).
        """
        centre = within_the_survey(prices)
        scale = self.scale.of(rows, centre)
        low_80, high_80 = _ends(centre, self.threshold_80 * scale, widened)
        low_90, high_90 = _ends(centre, self.threshold_90 * scale, widened)
        return Ranges(low_80, high_80, low_90, high_90)

    def price_range(self, house: House, price: float, widened: float = 1.0) -> PriceRange:
        """One house's intervals with the held-out coverage of its region and of the price band its estimate lies in.

        Coverage of a kind is None below :data:`FEWEST_ROWS` held-out rows of it. A fifth of a millisecond.
        """
        found = self.ranges(HouseRows.from_houses([house]), np.array([price]), widened)
        return PriceRange(
            inner=Interval(float(found.low_80[0]), float(found.high_80[0])),
            outer=Interval(float(found.low_90[0]), float(found.high_90[0])),
            overall=self.held_out.overall,
            region=_told(self.regions, str(house.ocean_proximity)),
            band=_told(self.bands, price_band(price)),
            widened=widened,
        )

    def as_document(self) -> dict[str, Any]:
        """JSON values only: what is logged as ``intervals.json``."""
        return written(self.scale, self.threshold_80, self.threshold_90, self.held_out)

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> Self:
        """The model back from :meth:`as_document`, with the same intervals to the last bit.

        Raises:
            RecordsError: the document is none, or of a version this program does not know, or LightGBM cannot
                start on this machine.
        """
        return cls(*read(document))


def _ends(centre: Floats, reach: Floats, widened: Floats | float) -> tuple[Floats, Floats]:
    level = level_of(centre)
    low = centre - widened * (centre - price_of(level - reach))
    high = centre + widened * (price_of(level + reach) - centre)
    return np.clip(low, LOWEST_RECORDED, centre), np.clip(high, centre, SURVEY_CAP)


def _told(shares: tuple[CoverageShare, ...], name: str) -> CoverageShare | None:
    return next((share for share in shares if share.name == name and share.rows >= FEWEST_ROWS), None)
