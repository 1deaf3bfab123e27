"""A price's range, and how often such ranges held on rows that nothing was fitted on."""

from __future__ import annotations

from dataclasses import dataclass

from core.domain.money import CAP_TEXT, SURVEY_CAP, dollars


@dataclass(frozen=True, slots=True)
class Interval:
    """From ``low`` to ``high``, both in 1990 USD."""

    low: float
    high: float

    @property
    def width(self) -> float:
        return self.high - self.low

    @property
    def text(self) -> str:
        """``$352,100 to $471,800``; at the survey's cap ``$431,000 to $500,000 or more``."""
        high = CAP_TEXT if self.high >= SURVEY_CAP - 1 else dollars(self.high)
        return f"{dollars(self.low)} to {high}"


@dataclass(frozen=True, slots=True)
class CoverageShare:
    """On ``rows`` held-out rows of one kind, the share of recorded prices inside their 80 and 90 % ranges (0 to 1).

    ``name`` says which rows: a region, a price band, or ``all held-out rows``.
    """

    name: str
    rows: int
    share_80: float
    share_90: float


@dataclass(frozen=True, slots=True)
class PriceRange:
    """The 80 and the 90 % prediction interval of one price.

    Attributes:
        widened: by what factor the intervals were widened because the house is unlike the data; 1 as calibrated.
        overall: held-out coverage of all rows.
        region: of this house's own ``ocean_proximity``; None where too few rows were held out to say.
        band: of the price band its estimate lies in; None likewise.
    """

    inner: Interval
    outer: Interval
    overall: CoverageShare
    region: CoverageShare | None = None
    band: CoverageShare | None = None
    widened: float = 1.0
