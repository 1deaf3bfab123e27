"""What to train: a family and a value for each of its knobs, complete and valid."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from core.domain.errors import InvalidSpec
from core.domain.feature_sets import FeatureSet, parse_feature_set
from core.domain.knobs import HIST_STRIDE, KNOBS, Knob, KnobValue, ModelFamily

__all__ = [
    "FEATURES_PARAM",
    "HIST_STRIDE",
    "KNOBS",
    "LARGEST_SEED",
    "FeatureSet",
    "Knob",
    "KnobValue",
    "ModelFamily",
    "TrainingSpec",
    "family_label",
    "parse_family",
    "whole_params",
]

LARGEST_SEED: Final = 2**31 - 1
FEATURES_PARAM: Final = "features"


@dataclass(frozen=True, slots=True)
class TrainingSpec:
    """What to train: a family, a value for each of its knobs, the estimator's seed, and the set of features.

    Make one with :meth:`create`, which fills in defaults and refuses what is out of range. Two equal specs
    on the same rows train the same model, bit for bit.
    """

    family: ModelFamily
    hyperparameters: tuple[tuple[str, KnobValue], ...]
    seed: int
    features: FeatureSet = FeatureSet.BASIC

    @classmethod
    def create(
        cls,
        family: str,
        values: Mapping[str, object] | None = None,
        *,
        seed: object = 42,
        features: object = FeatureSet.BASIC,
    ) -> TrainingSpec:
        """A complete, valid spec.

        Raises:
            InvalidSpec: unknown family, knob or feature set, a value outside its range, or a seed that is none.
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
        return cls(kind, chosen, _parse_seed(seed), parse_feature_set(features))

    @property
    def values(self) -> dict[str, KnobValue]:
        return dict(self.hyperparameters)

    @property
    def size(self) -> int | None:
        """Trees or iterations to grow, of a blend those of all members; None for a family that fits in one go."""
        values = self.values
        if self.family is ModelFamily.BLEND:
            trees = int(values["n_estimators"])
            return (int(values["members"]) + 1) * trees + trees // HIST_STRIDE
        count = values.get("n_estimators", values.get("max_iter"))
        return None if count is None else int(count)

    @property
    def default_run_name(self) -> str:
        """``random_forest_300_trees`` and the like: the old project's way of naming a run.

        A feature set other than the basic one follows: ``lightgbm_2000_trees_location``.
        """
        if self.size is not None:
            told = f"{self.size}_trees"
        else:
            told = "_".join(f"{name}_{value:g}" for name, value in self.hyperparameters)
        features = "" if self.features is FeatureSet.BASIC else f"_{self.features.value}"
        return f"{self.family.value}_{told}{features}"

    def as_params(self) -> dict[str, str | KnobValue]:
        """The flat form that is logged as MLflow params."""
        return {"family": self.family.value, **self.values, "seed": self.seed, FEATURES_PARAM: self.features.value}

    @classmethod
    def from_params(cls, params: Mapping[str, object]) -> TrainingSpec:
        """The spec back from :meth:`as_params`, values as text or numbers; other params are passed over.

        A run from before there were feature sets has the basic one.

        Raises:
            InvalidSpec: the params name no family, an unknown feature set, or hold a value outside its range.
        """
        family = parse_family(str(params.get("family", "")))
        known = {name: params[name] for name in KNOBS[family] if name in params}
        features = params.get(FEATURES_PARAM, FeatureSet.BASIC)
        return cls.create(family, known, seed=params.get("seed", 42), features=features)


def whole_params(params: Mapping[str, str]) -> dict[str, str]:
    """A run's params with what was in force before it was on record, so that like is found to be like.

    That is the feature set of runs from before there were any, and the values of knobs that were added since. Params of
    other programs, which name no family of ours, are left as they are.
    """
    family = params.get("family", "")
    if family not in set(ModelFamily):
        return dict(params)
    knobs = KNOBS[ModelFamily(family)].values()
    unrecorded = {knob.name: str(knob.unrecorded) for knob in knobs if knob.unrecorded is not None}
    return {FEATURES_PARAM: FeatureSet.BASIC.value, **unrecorded, **params}


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
