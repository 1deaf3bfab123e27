"""The reasons of a price: dollars a feature group adds to a starting point, adding up to the price exactly.

Two methods, by what is quick. Boosted trees have exact TreeSHAP values (:mod:`core.explanation.tree_shap`): 2 ms for
500 iterations of histogram gradient boosting, 4 ms for 1,000 trees of LightGBM, 15 ms for 2,000 of 63 leaves.

Forests, ridge, blends and everything else are asked for the 32 mixtures of the house with each of 30 block groups,
which gives the exact Shapley values of the five groups against those (:mod:`core.explanation.group_shapley`,
:mod:`core.explanation.references`): 36 ms for 150 trees of depth 20, under 1 ms for ridge, 330 ms for the 9,000 trees
of the ensemble preset, a blend with a member that adds up on a logarithmic scale. For the forest exact TreeSHAP takes
585 ms, and the quick approximation (Saabas) leans towards what is split first. Against the same values over 5,436 block
groups, twelve held-out houses, a part is off by $1,600 with the 30, by $4,700 with path-dependent TreeSHAP, which asks
another question, and by $9,600 with the approximation.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from core.data.block_groups import BlockGroups
from core.domain.errors import InvalidData
from core.domain.excerpts import enumerated
from core.domain.feature_groups import FeatureGroup
from core.domain.house import House
from core.domain.hyperparameters import family_label
from core.domain.money import dollars
from core.domain.reasons import Contribution, Reasons
from core.explanation.group_shapley import Floats, contributions, moves_between_rows
from core.explanation.references import reference_rows
from core.explanation.tree_shap import tree_shap
from core.features.direct import HouseRows
from core.models.fast_predict import PriceRoute

__all__ = ["Explainer", "explainer", "sentence"]

_TREE_METHOD: Final = (
    "Each group's fair share of the price: exact TreeSHAP values (Lundberg et al. 2020), the model's columns summed "
    "into five groups"
)
_TREE_BASE: Final = "the model's mean price over the block groups it was fitted on"
_TREE_CAVEAT: Final = (
    "They say what this model makes of the features, not what causes a price. Features that go together share what "
    "they say between them, and a ratio such as rooms per household counts where its first word belongs."
)
_GROUP_METHOD: Final = (
    "Each group's fair share of the price: exact Shapley values of five groups (Lundberg and Lee 2017) against {count} "
    "block groups"
)
_GROUP_BASE: Final = "the model's mean price of {count} reference block groups"
_GROUP_CAVEAT: Final = (
    "They say what this model makes of the features, not what causes a price. The {count} block groups stand for all; "
    "against others each part would be somewhat different, and they would still add up."
)

_TOLD: Final = 4
"""So many parts are told in a sentence, the largest of all, so none is left out for a smaller one."""

_WORTH_TELLING: Final = 50.0
"""Dollars below which a part rounds to nothing."""

_INCOME_UNIT: Final = 10_000
_PHRASES: Final = {
    FeatureGroup.INCOME: "the income",
    FeatureGroup.AGE: "the house age",
    FeatureGroup.ROOMS: "the size in rooms",
    FeatureGroup.PEOPLE: "the occupancy",
    FeatureGroup.LOCATION: "the location",
}


@dataclass(frozen=True, slots=True, eq=False)
class Explainer:
    """Tells why one model gives a house its price.

    Attributes:
        base: what every price is explained from, 1990 USD; ``base_text`` says what it is.
        split: from n rows to what each group adds to ``base``, shape (n, 5), in the order of ``FeatureGroup``.
        method, caveat: as in :class:`Reasons`.
    """

    base: float
    split: Callable[[HouseRows], Floats]
    method: str
    base_text: str
    caveat: str

    def reasons(self, house: House) -> Reasons:
        """The reasons of one house."""
        return self.reasons_of([house])[0]

    def reasons_of(self, houses: Sequence[House]) -> list[Reasons]:
        """The reasons of several houses, in their order; asked for together they take less time."""
        if not houses:
            return []
        return [
            Reasons(self.base, contributions(worth), self.method, self.base_text, self.caveat)
            for worth in self.split(HouseRows.from_houses(houses))
        ]


def explainer(pipeline: Any, route: PriceRoute, family: str, block_groups: BlockGroups) -> Explainer:
    """The explainer of a fitted Pipeline. Keep it: it asks for some prices and takes up to half a second to make.

    Args:
        pipeline, route: the model and the quick way to its prices.
        family: the model family's name, for the words.
        block_groups: what a house is compared with where the trees do not say it themselves.
    """
    return _by_trees(route, family) or _by_references(route, family, block_groups)


def _by_trees(route: PriceRoute, family: str) -> Explainer | None:
    try:
        shap = tree_shap(route)
    except InvalidData:
        return None  # a column nobody knows; the other method asks for raw features alone
    if shap is None:
        return None
    return Explainer(shap.base, shap.split, f"{_TREE_METHOD}; {family_label(family)}", _TREE_BASE, _TREE_CAVEAT)


def _by_references(route: PriceRoute, family: str, block_groups: BlockGroups) -> Explainer:
    references = reference_rows(block_groups)
    count = len(references)

    def split(rows: HouseRows) -> Floats:
        # Row by row of the house against every reference, then the mean over the references.
        ends = HouseRows(np.repeat(rows.numbers, count, axis=0), np.repeat(rows.places, count))
        starts = HouseRows(np.tile(references.numbers, (len(rows), 1)), np.tile(references.places, len(rows)))
        moves = moves_between_rows(starts, ends, route.prices)
        return np.asarray(moves.reshape(len(rows), count, -1).mean(axis=1))

    return Explainer(
        float(route.prices(references).mean()),
        split,
        f"{_GROUP_METHOD.format(count=count)}; {family_label(family)}",
        _GROUP_BASE.format(count=count),
        _GROUP_CAVEAT.format(count=count),
    )


def sentence(reasons: Reasons, house: House | None = None) -> str:
    """``From $207,200, the location adds $61,000 and the income adds $12,300; the house age takes $4,000 away.``

    The largest four to the nearest $100, what adds first. With the house its own figures stand beside the groups:
    ``the income of $83,000 a household``.
    """
    ranked = sorted(reasons.parts, key=lambda part: -abs(part.dollars))
    told = [part for part in ranked if abs(part.dollars) >= _WORTH_TELLING][:_TOLD]
    up = [part for part in told if part.dollars > 0]
    down = [part for part in told if part.dollars < 0]
    clauses = [
        enumerated([f"{_named(part.group, house)} {_verb(part)}" for part in parts]) for parts in (up, down) if parts
    ]
    start = dollars(round(reasons.base, -2))
    if not clauses:
        return f"No group of features moves this price far from {start}, {reasons.base_text}."
    return f"From {start}, {'; '.join(clauses)}."


def _named(group: FeatureGroup, house: House | None) -> str:
    if house is None:
        return _PHRASES[group]
    match group:
        case FeatureGroup.INCOME:
            return f"the income of {dollars(round(house.median_income * _INCOME_UNIT, -2))} a household"
        case FeatureGroup.AGE:
            return f"the house age of {house.housing_median_age:g} years"
        case FeatureGroup.ROOMS:
            return f"the size at {house.total_rooms / house.households:.1f} rooms a household"
        case FeatureGroup.PEOPLE:
            return f"the occupancy at {house.population / house.households:.1f} people a household"
        case FeatureGroup.LOCATION:
            return _PHRASES[group]


def _verb(part: Contribution) -> str:
    amount = dollars(round(abs(part.dollars), -2))
    return f"adds {amount}" if part.dollars > 0 else f"takes {amount} away"
