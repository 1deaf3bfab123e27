"""Why a price is what it is: dollars a group of features adds to a starting point."""

from __future__ import annotations

from dataclasses import dataclass

from core.domain.feature_groups import FeatureGroup


@dataclass(frozen=True, slots=True)
class Contribution:
    """What one group of features adds to the price, in 1990 USD; negative when it takes away."""

    group: FeatureGroup
    dollars: float


@dataclass(frozen=True, slots=True)
class Reasons:
    """A price as a sum: ``base`` and what each group adds to it, in 1990 USD.

    Attributes:
        base: the mean price of what the house is compared with; ``base_text`` says what that is.
        parts: one for each group, in the order of :class:`FeatureGroup`; with ``base`` they add up to the price.
        method: the method's name with its source, as a screen tells it.
        caveat: what the figures are not; a sentence.
    """

    base: float
    parts: tuple[Contribution, ...]
    method: str
    base_text: str
    caveat: str

    @property
    def price(self) -> float:
        """The price they explain."""
        return self.base + sum(part.dollars for part in self.parts)
