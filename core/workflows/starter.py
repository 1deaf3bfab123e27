"""The model a newcomer trains with one click: quick, and clearly better than a guess."""

from __future__ import annotations

from typing import Final

from core.domain.hyperparameters import ModelFamily, TrainingSpec

STARTER: Final = TrainingSpec.create(ModelFamily.LIGHTGBM)
