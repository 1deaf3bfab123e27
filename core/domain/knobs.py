"""The knobs: each hyperparameter's name, range, step, default, search range and help stand here once.

Sliders, the terminal, sweeps, validation and the docs all read ``KNOBS``; nothing else names a range.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final

from core.domain.errors import InvalidSpec
from core.domain.money import step_digits

KnobValue = int | float


class ModelFamily(StrEnum):
    """The kinds of model the lab can train."""

    RANDOM_FOREST = "random_forest"
    EXTRA_TREES = "extra_trees"
    HIST_GRADIENT_BOOSTING = "hist_gradient_boosting"
    LIGHTGBM = "lightgbm"
    RIDGE = "ridge"
    BLEND = "blend"

    @property
    def label(self) -> str:
        return _LABELS[self]


_LABELS: Final = {
    ModelFamily.RANDOM_FOREST: "Random forest",
    ModelFamily.EXTRA_TREES: "Extra trees",
    ModelFamily.HIST_GRADIENT_BOOSTING: "Histogram gradient boosting",
    ModelFamily.LIGHTGBM: "LightGBM",
    ModelFamily.RIDGE: "Ridge regression",
    ModelFamily.BLEND: "Blend of boosted trees",
}


@dataclass(frozen=True, slots=True)
class Knob:
    """One hyperparameter under the name its library knows it by.

    ``low`` and ``high`` are caps as well as slider ends: what is above them could take the machine down.
    ``logarithmic`` knobs span decades and are offered as such. ``search`` is the range a sweep varies it over
    unless told otherwise; None: a sweep leaves it as it is.
    """

    name: str
    label: str
    low: KnobValue
    high: KnobValue
    step: KnobValue
    default: KnobValue
    help: str
    logarithmic: bool = False
    search: tuple[KnobValue, KnobValue] | None = None

    @property
    def is_integer(self) -> bool:
        return isinstance(self.step, int)

    @property
    def shown_digits(self) -> int:
        """Digits after the point that one step of the slider needs."""
        return step_digits(self.step)

    @property
    def decades(self) -> tuple[float, ...]:
        """The stops of a logarithmic knob: 1, 2 and 5 times each power of ten in its range."""
        powers = range(math.floor(math.log10(self.low)), math.ceil(math.log10(self.high)) + 1)
        stops = (float(f"{digit}e{power}") for power in powers for digit in (1, 2, 5))
        return tuple(stop for stop in stops if self.low <= stop <= self.high)

    def stops(self, *others: object) -> tuple[float, ...]:
        """The stops of a logarithmic knob, with other values where these lie in its range."""
        values = set(self.decades)
        for other in others:
            try:
                values.add(float(self.parse(other)))
            except InvalidSpec:
                continue
        return tuple(sorted(values))

    def parse(self, value: object) -> KnobValue:
        """The value as this knob's type.

        Raises:
            InvalidSpec: it is no number, not whole where it must be, or outside the range.
        """
        try:
            if isinstance(value, bool) or not isinstance(value, int | float | str):
                raise ValueError
            number = float(value)
            whole = self.is_integer and number.is_integer()
        except OverflowError:
            raise self._refusal(value, "not a finite number") from None
        except ValueError:
            raise self._refusal(value, "not a number") from None
        if not math.isfinite(number):
            raise self._refusal(value, "not a finite number")
        if self.is_integer and not whole:
            raise self._refusal(value, "not a whole number")
        if not self.low <= number <= self.high:
            raise self._refusal(value, f"outside {self.low:g} to {self.high:g}")
        return int(number) if self.is_integer else number

    def _refusal(self, value: object, why: str) -> InvalidSpec:
        kind = "a whole number" if self.is_integer else "a number"
        return InvalidSpec(
            f"{self.name} is {value!r}: {why}.",
            remedy=f"Give {kind} from {self.low:g} to {self.high:g}.",
        )


def _trees(
    default: int,
    high: int,
    step: int,
    name: str = "n_estimators",
    search: tuple[KnobValue, KnobValue] | None = None,
) -> Knob:
    return Knob(
        name,
        "Trees",
        low=step,
        high=high,
        step=step,
        default=default,
        help="How many trees are grown. More trees take longer; in a forest they only steady the estimate.",
        search=search,
    )


_MAX_FEATURES: Final = "Share of the columns a split may choose from. Less makes the trees differ more."

_LEAVES: Final = "Most leaves of one tree: how fine a correction can be."
_LEAF_ROWS: Final = "Fewest block groups a leaf may hold."
_PENALTY: Final = "Pulls the leaves' corrections towards zero."

_LEARNING_RATE: Final = Knob(
    "learning_rate",
    "Learning rate",
    low=0.005,
    high=0.5,
    step=0.005,
    default=0.04,
    help="How much each tree corrects. Smaller wants more trees and usually ends lower.",
    search=(0.02, 0.15),
)


def _forest(*, max_depth: int, max_features: float) -> tuple[Knob, ...]:
    return (
        _trees(default=150, high=500, step=10),
        Knob(
            "max_depth",
            "Depth",
            low=2,
            high=40,
            step=1,
            default=max_depth,
            help="How many questions a tree may ask in a row. Deeper fits closer and takes more memory.",
            search=(8, 30),
        ),
        Knob(
            "min_samples_leaf",
            "Rows in a leaf",
            low=1,
            high=50,
            step=1,
            default=1,
            help="Fewest block groups a leaf may hold. More smooths the estimate and shrinks the model.",
            search=(1, 10),
        ),
        Knob("max_features", "Columns per split", 0.1, 1.0, 0.05, max_features, _MAX_FEATURES, search=(0.2, 1.0)),
    )


_LIGHTGBM: Final = (
    _trees(default=1000, high=5000, step=50, search=(300, 1500)),
    _LEARNING_RATE,
    Knob("num_leaves", "Leaves", 4, 255, 1, 31, _LEAVES, search=(15, 95)),
    Knob("min_child_samples", "Rows in a leaf", 1, 200, 1, 20, _LEAF_ROWS, search=(5, 60)),
    Knob("subsample", "Row share", 0.3, 1.0, 0.05, 0.8, "Share of the rows each tree sees.", search=(0.5, 1.0)),
    Knob(
        "colsample_bytree",
        "Columns per tree",
        0.1,
        1.0,
        0.05,
        0.5,
        "Share of the columns each tree may use. Less makes the trees differ more.",
        search=(0.2, 1.0),
    ),
    Knob("reg_lambda", "L2 penalty", 0.0, 20.0, 0.5, 0.0, _PENALTY, search=(0.0, 10.0)),
)

HIST_STRIDE: Final = 2
"""Of a blend: where a LightGBM grows so many trees, its histogram gradient boosting grows one that corrects as much."""

_KNOBS: Final[Mapping[ModelFamily, tuple[Knob, ...]]] = {
    ModelFamily.RANDOM_FOREST: _forest(max_depth=20, max_features=0.35),
    ModelFamily.EXTRA_TREES: _forest(max_depth=25, max_features=1.0),
    ModelFamily.HIST_GRADIENT_BOOSTING: (
        _trees(default=500, high=3000, step=50, name="max_iter", search=(200, 1000)),
        _LEARNING_RATE,
        Knob("max_leaf_nodes", "Leaves", 4, 255, 1, 31, _LEAVES, search=(15, 95)),
        Knob("min_samples_leaf", "Rows in a leaf", 1, 200, 1, 20, _LEAF_ROWS, search=(5, 60)),
        Knob("l2_regularization", "L2 penalty", 0.0, 20.0, 0.5, 1.0, _PENALTY, search=(0.0, 10.0)),
        Knob("max_features", "Columns per split", 0.1, 1.0, 0.05, 0.5, _MAX_FEATURES, search=(0.2, 1.0)),
    ),
    ModelFamily.LIGHTGBM: _LIGHTGBM,
    ModelFamily.RIDGE: (
        Knob(
            "alpha",
            "Penalty",
            low=0.001,
            high=1000.0,
            step=0.001,
            default=1.0,
            help="How strongly coefficients are pulled towards zero. A baseline every other model should beat.",
            logarithmic=True,
            search=(0.001, 1000.0),
        ),
    ),
    ModelFamily.BLEND: (
        Knob(
            "members",
            "Members",
            low=1,
            high=5,
            step=1,
            default=3,
            help="How many LightGBMs differ by their seed alone. One on the log of the price and a histogram gradient "
            "boosting always join them; the price is the mean of all.",
        ),
        replace(
            _LIGHTGBM[0],
            help="How many trees each LightGBM grows. The histogram gradient boosting grows half as many, "
            "each of which corrects twice as much.",
        ),
        *_LIGHTGBM[1:],
    ),
}

KNOBS: Final[Mapping[ModelFamily, Mapping[str, Knob]]] = {
    family: {knob.name: knob for knob in knobs} for family, knobs in _KNOBS.items()
}
"""``KNOBS[family][name]`` is the one place of a hyperparameter."""
