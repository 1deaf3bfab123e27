"""Ridge regression: the linear baseline."""

from __future__ import annotations

from typing import Final

from core.domain.family import Family
from core.domain.knob import Knob

FAMILY: Final = Family(
    label="Ridge regression",
    knobs=(
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
    estimator="sklearn.linear_model:Ridge",
    scaled=True,
)
