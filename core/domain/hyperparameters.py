"""The knobs: each hyperparameter's name, range, step, default and help stand here once.

Sliders, the terminal, sweeps, validation and the docs all read ``KNOBS``; nothing else names a range.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
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

    @property
    def label(self) -> str:
        return _LABELS[self]


_LABELS: Final = {
    ModelFamily.RANDOM_FOREST: "Random forest",
    ModelFamily.EXTRA_TREES: "Extra trees",
    ModelFamily.HIST_GRADIENT_BOOSTING: "Histogram gradient boosting",
    ModelFamily.LIGHTGBM: "LightGBM",
    ModelFamily.RIDGE: "Ridge regression",
}


@dataclass(frozen=True, slots=True)
class Knob:
    """One hyperparameter under the name its library knows it by.

    ``low`` and ``high`` are caps as well as slider ends: what is above them could take the machine down.
    ``logarithmic`` knobs span decades and are offered as such.
    """

    name: str
    label: str
    low: KnobValue
    high: KnobValue
    step: KnobValue
    default: KnobValue
    help: str
    logarithmic: bool = False

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

    def nearest_decade(self, value: KnobValue) -> float:
        """The stop next to a value, by ratio."""
        return min(self.decades, key=lambda stop: abs(math.log(stop / value)))

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


def _trees(default: int, high: int, step: int, name: str = "n_estimators") -> Knob:
    return Knob(
        name,
        "Trees",
        low=step,
        high=high,
        step=step,
        default=default,
        help="How many trees are grown. More trees take longer; in a forest they only steady the estimate.",
    )


_MAX_FEATURES: Final = "Share of the columns a split may choose from. Less makes the trees differ more."

_LEARNING_RATE: Final = Knob(
    "learning_rate",
    "Learning rate",
    low=0.005,
    high=0.5,
    step=0.005,
    default=0.04,
    help="How much each tree corrects. Smaller wants more trees and usually ends lower.",
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
        ),
        Knob(
            "min_samples_leaf",
            "Rows in a leaf",
            low=1,
            high=50,
            step=1,
            default=1,
            help="Fewest block groups a leaf may hold. More smooths the estimate and shrinks the model.",
        ),
        Knob("max_features", "Columns per split", 0.1, 1.0, 0.05, max_features, _MAX_FEATURES),
    )


_KNOBS: Final[Mapping[ModelFamily, tuple[Knob, ...]]] = {
    ModelFamily.RANDOM_FOREST: _forest(max_depth=20, max_features=0.35),
    ModelFamily.EXTRA_TREES: _forest(max_depth=25, max_features=1.0),
    ModelFamily.HIST_GRADIENT_BOOSTING: (
        _trees(default=500, high=3000, step=50, name="max_iter"),
        _LEARNING_RATE,
        Knob("max_leaf_nodes", "Leaves", 4, 255, 1, 31, "Most leaves of one tree: how fine a correction can be."),
        Knob("min_samples_leaf", "Rows in a leaf", 1, 200, 1, 20, "Fewest block groups a leaf may hold."),
        Knob("l2_regularization", "L2 penalty", 0.0, 20.0, 0.5, 1.0, "Pulls the leaves' corrections towards zero."),
        Knob("max_features", "Columns per split", 0.1, 1.0, 0.05, 0.5, _MAX_FEATURES),
    ),
    ModelFamily.LIGHTGBM: (
        _trees(default=1000, high=5000, step=50),
        _LEARNING_RATE,
        Knob("num_leaves", "Leaves", 4, 255, 1, 31, "Most leaves of one tree: how fine a correction can be."),
        Knob("min_child_samples", "Rows in a leaf", 1, 200, 1, 20, "Fewest block groups a leaf may hold."),
        Knob("subsample", "Row share", 0.3, 1.0, 0.05, 0.8, "Share of the rows each tree sees."),
        Knob(
            "colsample_bytree",
            "Columns per tree",
            0.1,
            1.0,
            0.05,
            0.5,
            "Share of the columns each tree may use. Less makes the trees differ more.",
        ),
        Knob("reg_lambda", "L2 penalty", 0.0, 20.0, 0.5, 0.0, "Pulls the leaves' corrections towards zero."),
    ),
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
        ),
    ),
}

KNOBS: Final[Mapping[ModelFamily, Mapping[str, Knob]]] = {
    family: {knob.name: knob for knob in knobs} for family, knobs in _KNOBS.items()
}
"""``KNOBS[family][name]`` is the one place of a hyperparameter."""

LARGEST_SEED: Final = 2**31 - 1


@dataclass(frozen=True, slots=True)
class TrainingSpec:
    """What to train: a family, a value for each of its knobs, and the estimator's seed.

    Make one with :meth:`create`, which fills in defaults and refuses what is out of range. Two equal specs
    on the same rows train the same model, bit for bit.
    """

    family: ModelFamily
    hyperparameters: tuple[tuple[str, KnobValue], ...]
    seed: int

    @classmethod
    def create(cls, family: str, values: Mapping[str, object] | None = None, *, seed: object = 42) -> TrainingSpec:
        """A complete, valid spec.

        Raises:
            InvalidSpec: unknown family or knob, a value outside its range, or a seed that is none.
        """
        kind = parse_family(family)
        given = dict(values or {})
        knobs = KNOBS[kind]
        unknown = sorted(set(given) - set(knobs))
        if unknown:
            raise InvalidSpec(
                f"{kind.value} has no hyperparameter {', '.join(unknown)}.",
                remedy=f"It has {', '.join(knobs)}.",
            )
        chosen = tuple((name, knob.parse(given.get(name, knob.default))) for name, knob in knobs.items())
        return cls(kind, chosen, _parse_seed(seed))

    @property
    def values(self) -> dict[str, KnobValue]:
        return dict(self.hyperparameters)

    @property
    def size(self) -> int | None:
        """Trees or iterations to grow; None for a family that fits in one go."""
        values = self.values
        count = values.get("n_estimators", values.get("max_iter"))
        return None if count is None else int(count)

    @property
    def default_run_name(self) -> str:
        """``random_forest_300_trees`` and the like: the old project's way of naming a run."""
        if self.size is not None:
            return f"{self.family.value}_{self.size}_trees"
        return f"{self.family.value}_" + "_".join(f"{name}_{value:g}" for name, value in self.hyperparameters)

    def as_params(self) -> dict[str, str | KnobValue]:
        """The flat form that is logged as MLflow params."""
        return {"family": self.family.value, **self.values, "seed": self.seed}

    @classmethod
    def from_params(cls, params: Mapping[str, object]) -> TrainingSpec:
        """The spec back from :meth:`as_params`, values as text or numbers; other params are passed over.

        Raises:
            InvalidSpec: the params name no family or hold a value outside its range.
        """
        family = parse_family(str(params.get("family", "")))
        known = {name: params[name] for name in KNOBS[family] if name in params}
        return cls.create(family, known, seed=params.get("seed", 42))


def family_label(name: str) -> str:
    """The family's name as people read it; an unknown one as it is written."""
    return ModelFamily(name).label if name in set(ModelFamily) else name


def parse_family(name: str) -> ModelFamily:
    """The family of that name.

    Raises:
        InvalidSpec: there is none.
    """
    try:
        return ModelFamily(name)
    except ValueError:
        raise InvalidSpec(
            f"There is no model family {name!r}.",
            remedy=f"The families are {', '.join(family.value for family in ModelFamily)}.",
        ) from None


def _parse_seed(seed: object) -> int:
    try:
        if isinstance(seed, bool) or not isinstance(seed, int | str):
            raise ValueError
        number = int(seed)
    except ValueError:
        number = -1
    if not 0 <= number <= LARGEST_SEED:
        raise InvalidSpec(f"seed is {seed!r}.", remedy=f"Give a whole number from 0 to {LARGEST_SEED}.")
    return number
