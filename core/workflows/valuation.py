"""What one house is worth by one version: price, range, reasons, doubts. The same value on every door."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from core.domain.concerns import PLAUSIBLE, Plausibility
from core.domain.house import House
from core.domain.money import LOWEST_RECORDED, dollars, is_capped, price_text
from core.domain.price_range import PriceRange
from core.domain.reasons import Reasons
from core.explanation.plausibility import judge_house
from core.features.direct import HouseRows
from core.workflows.price_source import PriceSource
from core.workflows.served_model import ServedModel

BASE: Final = "base"
"""Under this name the starting point stands among the contributions of a report."""


class Scope(StrEnum):
    """How much of a valuation is asked for: reasons take longer than the price they explain."""

    PRICE = "price and range"
    REASONS = "price, range and reasons"


@dataclass(frozen=True, slots=True)
class Valuation:
    """The price of one house in 1990 USD, which version says so, and all that is said beside it.

    Attributes:
        range: None where this version's errors were never measured.
        plausibility: None where nobody could look, for the data file is not here.
        range_trouble: why there is none though one was measured; empty otherwise.
        reasons: None where they were not asked for, or cannot be had without the data file.
    """

    house: House
    price: float
    source: PriceSource
    range: PriceRange | None = None
    plausibility: Plausibility | None = None
    reasons: Reasons | None = None
    range_trouble: str = ""

    @property
    def text(self) -> str:
        """The price as it should be read aloud: ``$412,300``, or ``$500,000 or more`` near the survey's cap."""
        return price_text(self.price)

    @property
    def warnings(self) -> tuple[str, ...]:
        """What the reader must know beside the price, the gravest first."""
        told = []
        if self.source.is_demo:
            told.append("This model was trained on invented demo data: the price means nothing.")
        told += [concern.text for concern in self.plausibility.concerns] if self.plausibility else []
        if is_capped(self.price):
            told.append(
                "The survey recorded every median above $500,000 as $500,001, so no model can say how much more."
            )
        if self.price < LOWEST_RECORDED:
            told.append(
                f"The survey recorded no median below {dollars(LOWEST_RECORDED)}: the model runs on beyond its data."
            )
        if self.range_trouble:
            told.append(f"There is no range: {self.range_trouble}")
        return tuple(told)

    def as_report(self) -> dict[str, object]:
        """JSON values only: what the terminal prints and ``/valuations`` answers. Not known is null, never 0."""
        inner, outer = (self.range.inner, self.range.outer) if self.range else (None, None)
        return {
            "price": self.price,
            "low_80": inner.low if inner else None,
            "high_80": inner.high if inner else None,
            "low_90": outer.low if outer else None,
            "high_90": outer.high if outer else None,
            "contributions": contributions_by_name(self.reasons) if self.reasons else None,
            "method": self.reasons.method if self.reasons else None,
            "coverage": _coverage(self.range) if self.range else None,
            "text": self.text,
            "warnings": list(self.warnings),
            "version": self.source.version,
            "house": self.house.as_dict(),
        }


def value(model: ServedModel, house: House, scope: Scope = Scope.PRICE) -> Valuation:
    """The valuation of one house, its price exactly as the Pipeline predicts it."""
    return value_all(model, [house], scope)[0]


def value_all(model: ServedModel, houses: Sequence[House], scope: Scope = Scope.PRICE) -> list[Valuation]:
    """The valuations of several houses, in their order."""
    prices = model.route.prices(HouseRows.from_houses(houses)).tolist()
    return [_valuation(model, house, price, scope) for house, price in zip(houses, prices, strict=True)]


def contributions_by_name(reasons: Reasons) -> dict[str, float]:
    """The dollars of each feature group by its name, and of the starting point: they add up to the price."""
    return {**{part.group.value: part.dollars for part in reasons.parts}, BASE: reasons.base}


def _valuation(model: ServedModel, house: House, price: float, scope: Scope) -> Valuation:
    around = model.around
    plausibility = judge_house(house, around) if around is not None else None
    widened = (plausibility or PLAUSIBLE).widened
    measured = model.intervals.price_range(house, price, widened) if model.intervals else None
    explainer = model.explain() if scope is Scope.REASONS else None
    return Valuation(
        house=house,
        price=price,
        source=model.source,
        range=measured,
        plausibility=plausibility,
        reasons=explainer.reasons(house) if explainer else None,
        range_trouble=model.range_trouble,
    )


def _coverage(found: PriceRange) -> dict[str, object]:
    """On how many held-out rows the 90 % range held: all, and those like this house."""
    kinds = {"overall": found.overall, "region": found.region, "price_band": found.band}
    return {
        name: {"of": share.name, "rows": share.rows, "share_80": share.share_80, "share_90": share.share_90}
        if share and share.rows
        else None
        for name, share in kinds.items()
    }
