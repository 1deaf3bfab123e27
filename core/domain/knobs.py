"""The families by name, and their knobs: sliders, terminal, sweeps, validation and the docs all read ``KNOBS``."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Final

from core.domain.families import FAMILIES
from core.domain.families.blend import HIST_STRIDE
from core.domain.knob import Knob, KnobValue

__all__ = ["HIST_STRIDE", "KNOBS", "Knob", "KnobValue", "ModelFamily"]


class ModelFamily(StrEnum):
    """The kinds of model the lab can train: those the code knows by name, and one for each other file of a family."""

    _ignore_ = "members name_of_file"

    RANDOM_FOREST = "random_forest"
    EXTRA_TREES = "extra_trees"
    HIST_GRADIENT_BOOSTING = "hist_gradient_boosting"
    LIGHTGBM = "lightgbm"
    RIDGE = "ridge"
    BLEND = "blend"

    members = vars()
    for name_of_file in FAMILIES:
        if name_of_file.upper() not in members:
            members[name_of_file.upper()] = name_of_file

    @property
    def label(self) -> str:
        return FAMILIES[self].label


KNOBS: Final[Mapping[ModelFamily, Mapping[str, Knob]]] = {
    family: {knob.name: knob for knob in FAMILIES[family].knobs} for family in ModelFamily
}
"""``KNOBS[family][name]`` is the one place of a hyperparameter."""
