"""Settings with a name: what somebody trains who does not want to choose every knob.

The figures were chosen by cross-validation of the training rows alone; the held-out rows had no part in it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Final

from core.domain.errors import InvalidSpec
from core.domain.hyperparameters import FeatureSet, ModelFamily, TrainingSpec


@dataclass(frozen=True, slots=True)
class TrainingPreset:
    """A spec by its name. ``help`` says in a sentence what it is for."""

    name: str
    label: str
    spec: TrainingSpec
    help: str

    def is_of(self, spec: TrainingSpec) -> bool:
        """Whether a spec is this preset's, whatever its seed."""
        return replace(spec, seed=self.spec.seed) == self.spec


_BEST: Final = {
    "n_estimators": 2000,
    "learning_rate": 0.02,
    "num_leaves": 63,
    "min_child_samples": 10,
    "subsample": 0.8,
    "colsample_bytree": 0.25,
    "max_bin": 127,
    "reg_lambda": 10.0,
}

_PRESETS: Final = (
    TrainingPreset(
        "reference",
        "Reference",
        TrainingSpec.create(ModelFamily.RANDOM_FOREST, {"n_estimators": 150, "max_depth": 20, "max_features": 1.0}),
        "The old project's forest: 150 trees of depth 20 on the basic features.",
    ),
    TrainingPreset(
        "fast",
        "Fast",
        TrainingSpec.create(
            ModelFamily.LIGHTGBM,
            {
                "n_estimators": 300,
                "learning_rate": 0.1,
                "num_leaves": 31,
                "min_child_samples": 10,
                "subsample": 0.8,
                "colsample_bytree": 0.25,
                "max_bin": 63,
                "reg_lambda": 10.0,
            },
            features=FeatureSet.LOCATION,
        ),
        "Location features and a short LightGBM: seconds, and most of what the best one reaches.",
    ),
    TrainingPreset(
        "best",
        "Best",
        TrainingSpec.create(ModelFamily.LIGHTGBM, _BEST, features=FeatureSet.LOCATION),
        "Location features and a long LightGBM: the lowest error of a single model in cross-validation.",
    ),
    TrainingPreset(
        "ensemble",
        "Ensemble",
        TrainingSpec.create(ModelFamily.BLEND, {"members": 3, **_BEST}, features=FeatureSet.LOCATION),
        "The best one under three seeds, once more on the log of the price, and histogram gradient boosting: their "
        "mean errs a little less in cross-validation and takes about three times as long.",
    ),
)

TRAINING_PRESETS: Final[Mapping[str, TrainingPreset]] = MappingProxyType({preset.name: preset for preset in _PRESETS})
"""The presets by name, the quickest to understand first."""


def preset_named(name: str) -> TrainingPreset:
    """The preset of that name.

    Raises:
        InvalidSpec: there is none.
    """
    if name not in TRAINING_PRESETS:
        raise InvalidSpec(f"There is no preset {name!r}.", remedy=f"There is {', '.join(TRAINING_PRESETS)}.")
    return TRAINING_PRESETS[name]


def preset_of(spec: TrainingSpec) -> TrainingPreset | None:
    """The preset whose settings these are; None for settings of somebody's own."""
    return next((preset for preset in _PRESETS if preset.is_of(spec)), None)
