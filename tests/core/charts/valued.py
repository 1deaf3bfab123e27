"""A house that was valued, with all its charts are drawn from; figures that can be added up by hand."""

from __future__ import annotations

import numpy as np

from core.domain.feature_groups import FeatureGroup
from core.domain.house import House
from core.domain.price_range import CoverageShare, Interval, PriceRange
from core.domain.reasons import Contribution, Reasons
from core.explanation.comparables import Comparable
from core.explanation.sensitivity import Curve, Surface
from core.explanation.version_difference import VersionDifference

HOSTILE = "</script><script>alert(1)</script> <b>& %{x}"
PRICE = 250_000.0
HOUSE = House.from_mapping({"median_income": 5.2, "longitude": -118.35, "latitude": 34.12})


def price_range(price: float = PRICE, *, widened: float = 1.0) -> PriceRange:
    """From 20 % below to 30 % above; the 90 % range half as wide again. High ends stop at the survey's cap."""
    high = (min(500_001.0, price * share) for share in (1.3, 1.45))
    inner, outer = (Interval(price * low, top) for low, top in zip((0.8, 0.7), high, strict=True))
    return PriceRange(
        inner,
        outer,
        overall=CoverageShare("all held-out rows", 4128, 0.803, 0.902),
        region=CoverageShare("<1H OCEAN", 1795, 0.795, 0.911),
        band=CoverageShare("$200,000 to $300,000", 911, 0.81, 0.9),
        widened=widened,
    )


def parts(*amounts: float) -> tuple[Contribution, ...]:
    return tuple(Contribution(group, dollars) for group, dollars in zip(FeatureGroup, amounts, strict=True))


REASONS = Reasons(
    base=206_000.0,
    parts=parts(60_000.0, -10_000.0, 0.2, -2_000.2, -4_000.0),
    method="Shapley values",
    base_text="The mean price of 128 block groups.",
    caveat="How the model sums up, not what causes prices.",
)

DIFFERENCE = VersionDifference(12_000.0, -2_000.0, parts(9_000.0, -1_500.0, 0.2, 499.8, 6_000.0), "Shapley values")

COMPARABLES = (
    Comparable(
        row_id=4_861,
        house=House.from_mapping({"median_income": 4.0, "longitude": -118.4, "latitude": 34.1}),
        kilometres=5.1,
        unlikeness=0.4,
        recorded=220_000.0,
        estimate=230_000.0,
        is_held_out=True,
        moves=parts(25_000.0, -5_000.0, 0.0, 0.0, 0.0),
    ),
    Comparable(
        row_id=12,
        house=House.from_mapping({"median_income": 6.0, "longitude": -118.3, "latitude": 34.2}),
        kilometres=10.04,
        unlikeness=0.7,
        recorded=500_001.0,
        estimate=260_000.0,
        is_held_out=False,
        moves=parts(-15_000.0, 0.0, 0.0, 0.0, 5_000.0),
    ),
)


def curve(
    feature: str = "median_income", *, here: float | None = 5.0, note: str = "", slope: float = 20_000.0
) -> Curve:
    """Five values, the house in the middle; the first step holds no block group."""
    values = np.array([1.0, 3.0, 5.0, 6.0, 9.0])
    prices = PRICE + slope * (values - 5.0)
    return Curve(
        feature,
        values,
        prices,
        low=prices - 50_000.0,
        high=prices + 60_000.0,
        shares=np.array([0.0, 0.5, 0.3, 0.15, 0.0004]),
        here=here,
        here_price=PRICE,
        note=note,
    )


def surface(here: tuple[float, float] = (3.0, 20.0)) -> Surface:
    """Three incomes by two ages; one pair cannot be, one is rare."""
    return Surface(
        "median_income",
        "housing_median_age",
        x_values=np.array([1.0, 3.0, 7.0]),
        y_values=np.array([20.0, 40.0]),
        prices=np.array([[200_000.0, PRICE, 300_000.0], [np.nan, 260_000.0, 499_000.0]]),
        is_rare=np.array([[False, False, True], [True, False, False]]),
        here=here,
    )
